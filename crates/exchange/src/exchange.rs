//! The exchange itself: facts and commands in, answers out.

use crate::account::{Account, Ledger};
use crate::config::{ExchangeConfig, ExchangeError, instrument_faults};
use crate::execution::answer;
use crate::funding;
use crate::margin;
use crate::matching::{Desk, Luck, Pass, Touch, Way};
use crate::orders::{self, RestingOrder};
use crate::position::VenuePosition;
use crate::random::{Purpose, draw};
use aegis_types::{
    AccountUpdate, Answers, ClientOrderId, Command, EventBody, Instrument, Money, Nanos, Order,
    OrderType, OrderUpdate, OutOfRange, Px, RejectCode, SymbolId, Tick, TickBody, Venue,
};
use alloc::vec::Vec;

/// A simulated venue: one account, one desk per symbol.
#[derive(Clone, Debug)]
pub struct Exchange {
    config: ExchangeConfig,
    luck: Luck,
    pub(crate) account: Account,
    pub(crate) desks: Vec<Desk>,
}

impl Exchange {
    /// Opens an exchange for `instruments`, listed by symbol id.
    ///
    /// # Errors
    /// All violations of configuration and instruments at once.
    pub fn new(config: ExchangeConfig, instruments: &[Instrument]) -> Result<Self, ExchangeError> {
        let mut violations = config.check().err().unwrap_or_default();
        violations.extend(instrument_faults(instruments));
        if !violations.is_empty() {
            return Err(ExchangeError { violations });
        }
        let capacity = usize::from(config.orders_per_symbol);
        let desk = |instrument: &Instrument| {
            let leverage = config.leverage_default.min(margin::leverage_max(instrument));
            Desk::new(instrument.clone(), leverage, capacity)
        };
        Ok(Self {
            luck: Luck { seed: config.seed, slippage_max: config.slippage_max() },
            account: Account::new(config.balance),
            desks: instruments.iter().map(desk).collect(),
            config,
        })
    }

    /// What a venue says first: the wallet.
    pub fn open(&mut self, answers: &mut Answers) {
        let balance = self.account.wallet;
        answers.push(EventBody::Account(AccountUpdate::Wallet { balance }));
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &ExchangeConfig {
        &self.config
    }

    /// The wallet balance: `ledger().wallet()`, without unrealised profit.
    pub fn wallet(&self) -> Money {
        self.account.wallet
    }

    /// Where the wallet came from.
    pub fn ledger(&self) -> Ledger {
        self.account.ledger
    }

    /// What a new order may bind: wallet less margins posted and reserved.
    ///
    /// # Errors
    /// [`OutOfRange`] when a sum does not fit.
    pub fn available(&self) -> Result<Money, OutOfRange> {
        self.account.available()
    }

    /// Open positions by symbol id.
    pub fn positions(&self) -> impl Iterator<Item = &VenuePosition> {
        self.desks.iter().filter_map(|desk| desk.position.as_ref())
    }

    /// The position of a symbol.
    pub fn position(&self, symbol: SymbolId) -> Option<&VenuePosition> {
        self.desks.get(symbol.index())?.position.as_ref()
    }

    /// Open orders of a symbol, the oldest first.
    pub fn orders(&self, symbol: SymbolId) -> &[RestingOrder] {
        self.desks.get(symbol.index()).map_or(&[], |desk| &desk.orders)
    }

    /// Leverage of a symbol; zero for a symbol that is not here.
    pub fn leverage(&self, symbol: SymbolId) -> u16 {
        self.desks.get(symbol.index()).map_or(0, |desk| desk.leverage)
    }

    /// Profit of all open positions if they were closed at the newest prices, before fees.
    ///
    /// # Errors
    /// [`OutOfRange`] when a notional does not fit.
    pub fn unrealized(&self) -> Result<Money, OutOfRange> {
        self.desks.iter().try_fold(Money::ZERO, |sum, desk| {
            match (&desk.position, desk.market.touch) {
                (Some(held), Some(touch)) => {
                    sum.plus(held.unrealized(touch.taker(held.side.opposite()))?)
                }
                _ => Ok(sum),
            }
        })
    }

    /// Wallet and unrealised profit.
    ///
    /// # Errors
    /// [`OutOfRange`] when a sum does not fit.
    pub fn equity(&self) -> Result<Money, OutOfRange> {
        self.account.wallet.plus(self.unrealized()?)
    }

    /// The table that can be full: name, in use, most ever in use, capacity; of the symbol in which
    /// the most were open.
    pub fn capacities(&self) -> [(&'static str, usize, usize, usize); 1] {
        let in_use = self.desks.iter().map(|desk| desk.orders.len()).max().unwrap_or(0);
        let most = self.desks.iter().map(|desk| desk.orders_most).max().unwrap_or(0);
        let capacity = usize::from(self.config.orders_per_symbol);
        [("open orders of one symbol", in_use, most, capacity)]
    }

    fn submit(&mut self, at: Nanos, order: &Order, answers: &mut Answers) {
        let (id, symbol) = (order.id, order.symbol);
        let Some(desk) = self.desks.get_mut(symbol.index()) else {
            let code = RejectCode::Symbol;
            return answer(answers, id, symbol, OrderUpdate::Rejected { code });
        };
        let capacity = usize::from(self.config.orders_per_symbol);
        let reserved = match orders::admit(desk, &self.account, order, capacity) {
            Err(code) => return answer(answers, id, symbol, OrderUpdate::Rejected { code }),
            Ok(reserved) => reserved,
        };
        let span = self.config.latency_max.since(self.config.latency_min).0;
        let latency =
            self.config.latency_min.0 + draw(self.config.seed, id.number, Purpose::Latency, span);
        desk.orders.push(RestingOrder {
            order: *order,
            sent_at: at,
            arrived_at: at.after(Nanos(latency)),
            reserved,
            fresh: order.kind == OrderType::Limit,
        });
        desk.orders_most = desk.orders_most.max(desk.orders.len());
        // `admit` compared the sum with the wallet, so it fits.
        self.account.reserved = self.account.reserved.saturating_plus(reserved);
        answer(answers, id, symbol, OrderUpdate::Accepted);
        if order.kind == OrderType::Market {
            let account = &mut self.account;
            Facts { desk, account, answers, luck: self.luck, at }.at_open();
        }
    }

    fn cancel(&mut self, id: ClientOrderId, symbol: SymbolId, answers: &mut Answers) {
        let found = self.desks.get_mut(symbol.index()).and_then(|desk| {
            let index = desk.orders.iter().position(|open| open.order.id == id)?;
            Some(desk.orders.remove(index))
        });
        let update = match found {
            None => OrderUpdate::Rejected { code: RejectCode::UnknownOrder },
            Some(resting) => {
                let left = self.account.reserved.minus(resting.reserved);
                self.account.reserved = left.unwrap_or(Money::ZERO);
                OrderUpdate::Canceled
            }
        };
        answer(answers, id, symbol, update);
    }

    /// Sets the leverage if the symbol is free of positions and opening orders and a bracket allows
    /// it; answers the leverage as it then is, so that a refusal is seen as the old number.
    fn set_leverage(&mut self, symbol: SymbolId, leverage: u16, answers: &mut Answers) {
        let Some(desk) = self.desks.get_mut(symbol.index()) else { return };
        let free = desk.position.is_none() && desk.orders.iter().all(|o| o.order.reduce_only);
        if free && (1..=margin::leverage_max(&desk.instrument)).contains(&leverage) {
            desk.leverage = leverage;
        }
        let leverage = desk.leverage;
        answers.push(EventBody::Account(AccountUpdate::Leverage { symbol, leverage }));
    }
}

/// A fact on its way through one desk.
struct Facts<'a> {
    desk: &'a mut Desk,
    account: &'a mut Account,
    answers: &'a mut Answers,
    luck: Luck,
    at: Nanos,
}

impl Facts<'_> {
    fn pass(&mut self, way: Way, since: Nanos, venue_time: Nanos, from: Px) {
        self.on_its_way(way, since, venue_time, from).run();
    }

    fn on_its_way(&mut self, way: Way, since: Nanos, venue_time: Nanos, from: Px) -> Pass<'_> {
        Pass {
            desk: self.desk,
            account: self.account,
            answers: self.answers,
            luck: self.luck,
            at: self.at,
            since,
            venue_time,
            way,
            from,
            closed: false,
            entered: None,
        }
    }

    /// A market order has come at the very instant of an open that is still the newest price: that
    /// open is its price.
    fn at_open(&mut self) {
        let market = &self.desk.market;
        let Some(px) = market.opened_px.filter(|_| market.opened == self.at) else { return };
        let way = Way::Open { px, shown: market.range };
        self.on_its_way(way, self.at, self.at, px).market();
    }

    /// The price that was newest before this fact, or `px` when it is the first.
    fn came_from(&self, px: Px) -> Px {
        self.desk.market.touch.map_or(px, |touch| touch.sell)
    }

    fn open(&mut self, px: Px) {
        let way = Way::Open { px, shown: self.desk.market.range };
        let from = self.came_from(px);
        self.desk.market.opened = self.at;
        self.desk.market.opened_px = Some(px);
        self.desk.market.touch = Some(Touch::at(px));
        if !self.desk.is_quiet() {
            self.pass(way, self.at, self.at, from);
        }
    }

    fn candle(&mut self, open: Px, high: Px, low: Px, close: Px) {
        let open_time = Nanos(self.at.0.saturating_sub(Nanos::MINUTE.0));
        // Live prices inside the minute have already done what its candle would do again.
        let live = self.desk.market.quoted >= open_time;
        self.desk.market.opened_px = None;
        if !live {
            if !self.desk.is_quiet() {
                self.judge(open, high, low, open_time);
            }
            self.desk.market.touch = Some(Touch::at(close));
        }
        self.desk.market.range = Some((low, high));
    }

    fn judge(&mut self, open: Px, high: Px, low: Px, open_time: Nanos) {
        if self.desk.market.opened != open_time {
            // A source that shows no opens: the candle's own open plays that part.
            let way = Way::Open { px: open, shown: Some((low, high)) };
            let from = self.came_from(open);
            self.pass(way, open_time, open_time, from);
        }
        // Somewhere inside the minute; its last millisecond is in it for sure.
        let inside = Nanos(self.at.0.saturating_sub(Nanos::MILLISECOND.0));
        self.pass(Way::Candle { low, high }, open_time, inside, open);
    }

    fn quote(&mut self, touch: Touch) {
        let from = self.came_from(touch.sell);
        self.desk.market.quoted = self.at;
        self.desk.market.opened_px = None;
        self.desk.market.touch = Some(touch);
        if !self.desk.is_quiet() {
            self.pass(Way::Quote(touch), self.at, self.at, from);
        }
    }

    /// Funding that the mark series announced and that is now due.
    fn due(&mut self) {
        let market = &mut self.desk.market;
        let rate = market.settle_rate;
        market.settled = self.at.floor(Nanos::MINUTE);
        market.settle_at = Nanos::MAX;
        if let Some(mark) = market.mark {
            funding::settle(self.desk, self.account, rate, mark, self.answers);
        }
    }
}

impl Venue for Exchange {
    #[inline]
    fn on_market(&mut self, at: Nanos, tick: &Tick, answers: &mut Answers) {
        let Some(desk) = self.desks.get_mut(tick.symbol.index()) else { return };
        let mut facts = Facts { desk, account: &mut self.account, answers, luck: self.luck, at };
        if at >= facts.desk.market.settle_at {
            facts.due();
        }
        match tick.body {
            TickBody::Open { px, funding } => {
                let due = facts.desk.market.settled != at.floor(Nanos::MINUTE);
                if let Some(rate) = funding.filter(|_| due) {
                    funding::settle(facts.desk, facts.account, rate, px, facts.answers);
                }
                facts.open(px);
            }
            TickBody::Candle { open, high, low, close, .. } => facts.candle(open, high, low, close),
            // Derived facts repeat what the candle says with a stated rule; the candle decides.
            TickBody::Book { bid, ask, .. } if !tick.derived => {
                facts.quote(Touch { sell: bid, buy: ask });
            }
            TickBody::Trade { px, .. } if !tick.derived => facts.quote(Touch::at(px)),
            TickBody::Mark { mark, rate, next_funding, .. } if !tick.derived => {
                let market = &mut facts.desk.market;
                market.mark = Some(mark);
                if next_funding > at {
                    market.settle_at = next_funding;
                    market.settle_rate = rate;
                }
                if facts.desk.position.is_some() {
                    facts.pass(Way::Mark(mark), at, at, mark);
                }
            }
            TickBody::Book { .. } | TickBody::Trade { .. } | TickBody::Mark { .. } => {}
            TickBody::Gap { .. } | TickBody::End => {}
        }
    }

    fn execute(&mut self, at: Nanos, command: &Command, answers: &mut Answers) {
        match command {
            Command::Submit { order } => self.submit(at, order, answers),
            Command::Cancel { id, symbol } => self.cancel(*id, *symbol, answers),
            Command::SetLeverage { symbol, leverage } => {
                self.set_leverage(*symbol, *leverage, answers);
            }
            // Answered by the driver.
            Command::WakeAt { .. } => {}
        }
    }
}
