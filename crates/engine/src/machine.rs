//! The engine itself: what each event does, how a proposal becomes an entry, and what can be asked.

use crate::account::Account;
use crate::brain::{Brain, Teacher};
use crate::config::{EngineConfig, EngineError, SLOTS};
use crate::controls::{Controls, RECENT_ENTRIES};
use crate::orders::{Orders, RECENT_FILLS, RECENT_ORDERS};
use crate::portfolio::{Portfolio, Role, Slot, Stage};
use crate::protections::{Guard, RECENT_TRADES};
use crate::risk::Reject;
use crate::state::Standing;
use crate::universe::{NO_SLOT, Universe};
use aegis_learn::{Analysis, Found};
use aegis_types::{
    AccountUpdate, AlertCode, Candle, DenialCode, Event, EventBody, Filters, Instrument, Level,
    Money, Nanos, Notice, Out, Position, Px, SymbolId, Tick, TickBody,
};
use serde::{Deserialize, Serialize};

/// A fixed-capacity table: name, entries in use, most ever in use, capacity.
pub type Capacity = (&'static str, usize, usize, usize);

/// The state machine. `B` forms the proposals; the one that trades is [`Teacher`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine<B = Teacher> {
    /// No part of what is written down: see [`Engine::restore`].
    #[serde(skip)]
    pub(crate) config: EngineConfig,
    pub(crate) level: Level,
    pub(crate) standing: Standing,
    pub(crate) brain: B,
    pub(crate) universe: Universe,
    pub(crate) portfolio: Portfolio,
    pub(crate) account: Account,
    pub(crate) orders: Orders,
    pub(crate) controls: Controls,
    pub(crate) guard: Guard,
    late_candles: u64,
}

impl Engine {
    /// An engine with the teacher, for instruments in the order of their ids.
    ///
    /// # Errors
    /// [`EngineError`] with every violation of the configuration, or what is wrong with the
    /// instruments.
    pub fn new(config: EngineConfig, instruments: &[Instrument]) -> Result<Self, EngineError> {
        let teacher = Teacher::new(instruments.len(), &config.learn);
        Self::with_brain(config, instruments, teacher)
    }

    /// What is known of a symbol's market.
    ///
    /// # Panics
    /// When the id is not of this session.
    pub fn analysis(&self, symbol: SymbolId) -> &Analysis {
        self.brain.analysis(symbol)
    }
}

impl<B: Brain> Engine<B> {
    /// An engine with a brain of your own.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_brain(
        config: EngineConfig,
        instruments: &[Instrument],
        brain: B,
    ) -> Result<Self, EngineError> {
        config.check().map_err(EngineError::Config)?;
        Ok(Self {
            universe: Universe::new(instruments)?,
            portfolio: Portfolio::new(),
            account: Account::new(),
            orders: Orders::new(config.session, instruments.len()),
            level: Level::Teacher,
            standing: Standing::new(),
            controls: Controls::new(),
            guard: Guard::new(instruments.len()),
            late_candles: 0,
            config,
            brain,
        })
    }

    /// Takes one event; puts what it causes into `out`. Never allocates.
    #[inline]
    pub fn apply(&mut self, event: &Event, out: &mut Out) {
        let at = event.at;
        match &event.body {
            EventBody::Market(tick) => self.on_market(at, tick, out),
            EventBody::Order { id, symbol, update } => {
                self.on_order(*id, *symbol, update, at, out);
            }
            EventBody::Account(update) => self.on_account(update, at, out),
            EventBody::Timer { id } => self.on_timer(*id, at, out),
            EventBody::Operator(operator) => self.on_operator(*operator, at, out),
            EventBody::Condition(condition) => self.on_condition(*condition, out),
            EventBody::Memory(memory) => self.on_memory(memory, at, out),
        }
    }

    #[inline]
    fn on_market(&mut self, at: Nanos, tick: &Tick, out: &mut Out) {
        let closing = matches!(tick.body, TickBody::Candle { .. });
        if self.account.minute_ended(at, closing) {
            self.end_minute(at, out);
        }
        if let TickBody::End = tick.body {
            return;
        }
        if closing {
            if let Some(candle) = tick.candle() {
                self.on_candle(&candle, at, out);
            }
            return;
        }
        let Some(market) = self.universe.market_mut(tick.symbol) else { return };
        market.see(tick);
        if market.slot != NO_SLOT {
            let (slot, last) = (usize::from(market.slot), market.last);
            self.revalue(slot, last);
        }
    }

    fn on_candle(&mut self, candle: &Candle, at: Nanos, out: &mut Out) {
        let symbol = candle.symbol;
        let Some(market) = self.universe.market_mut(symbol) else { return };
        let mut tell = |found| match found {
            Found::Candle(candle) => out.notice(Notice::Candle(candle)),
            Found::Structure { timeframe, pattern, side, level } => {
                // A level that is no price cannot be told; the detector's floats made it.
                if let Ok(level) = Px::from_f64(level) {
                    out.notice(Notice::Structure { symbol, timeframe, pattern, side, level });
                }
            }
        };
        if self.brain.push(candle, &mut tell).is_err() {
            self.late_candles += 1;
            return;
        }
        market.close(candle);
        if market.slot != NO_SLOT {
            let slot = usize::from(market.slot);
            self.revalue(slot, candle.close);
            self.reconsider_rotation(slot, at, out);
            self.tend_at_close(slot, at, out);
        }
        self.decide(symbol, at, out);
    }

    fn on_account(&mut self, update: &AccountUpdate, at: Nanos, out: &mut Out) {
        out.notice(Notice::Account(*update));
        match *update {
            AccountUpdate::Wallet { balance } => {
                self.account.changed |= self.account.wallet != Some(balance);
                let first = self.account.wallet.replace(balance).is_none();
                self.account.unsettled = Money::ZERO;
                if first {
                    let equity = self.equity();
                    self.account.losses.turn_day(at, equity);
                }
                self.measure_losses(out);
            }
            AccountUpdate::Funding { symbol, amount, .. } => self.book_funding(symbol, amount, out),
            AccountUpdate::Position { found } => self.take_over(&found, at, out),
            AccountUpdate::Filters { symbol, filters } => {
                self.refilter(symbol, &filters, at, out);
            }
            AccountUpdate::Leverage { symbol, leverage } => {
                let Some(market) = self.universe.market_mut(symbol) else { return };
                market.leverage = leverage;
                let index = usize::from(market.slot);
                let Some(slot) = self.portfolio.slots.get(index) else { return };
                let (stage, wanted) = (slot.stage, slot.leverage_wanted);
                if wanted == leverage || wanted == 0 {
                    if stage == Stage::Leverage {
                        self.launch(index, at, out);
                    }
                    return;
                }
                let (got, asked) = (i64::from(leverage), i64::from(wanted));
                self.alert(AlertCode::LeverageDiffers, Some(symbol), got, asked, out);
                if stage == Stage::Leverage {
                    let (got, wanted) = (f64::from(leverage), f64::from(wanted));
                    let reject = Reject::new(DenialCode::LeverageCap, got, wanted);
                    self.withdraw(index, reject, at, out);
                }
            }
        }
    }

    /// A minute has ended: the day, the equity, the exposure.
    fn end_minute(&mut self, at: Nanos, out: &mut Out) {
        let (wallet, unrealized) = (self.wallet(), self.unrealized());
        if self.account.wallet.is_some() {
            let equity = self.equity();
            self.account.losses.turn_day(at, equity);
        }
        self.measure_losses(out);
        self.note_exposure();
        let used = self.portfolio.used();
        if used > 0 || self.account.changed {
            self.account.changed = false;
            out.notice(Notice::Equity {
                wallet,
                unrealized,
                exposure: self.open_notional(),
                // At most POSITIONS_CAPACITY.
                positions: used as u8,
            });
        }
    }
}

/// What can be asked, between events.
impl<B> Engine<B> {
    /// The open positions, in slot order.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        self.portfolio.slots.iter().filter(|slot| slot.open()).map(|slot| &slot.position)
    }

    /// Open, in-flight and unknown positions; never above `positions_max`.
    pub fn slots_used(&self) -> usize {
        self.portfolio.used()
    }

    /// Wallet balance as the venue last reported it; zero before.
    pub fn wallet(&self) -> Money {
        self.account.wallet.unwrap_or_default()
    }

    /// Profit of the open positions at last prices, before exit fees.
    pub fn unrealized(&self) -> Money {
        self.positions().fold(Money::ZERO, |sum, p| sum.saturating_plus(p.unrealized))
    }

    /// Wallet plus unrealised profit, plus what fills and funding have moved since the wallet was
    /// reported.
    pub fn equity(&self) -> Money {
        self.cash().saturating_plus(self.unrealized())
    }

    /// The wallet as it will be reported next.
    pub(crate) fn cash(&self) -> Money {
        self.wallet().saturating_plus(self.account.unsettled)
    }

    /// Orders sent so far; also the number of the last one.
    pub fn orders_sent(&self) -> u32 {
        self.orders.sent
    }

    /// Closed positions so far.
    pub fn trades(&self) -> u32 {
        self.account.trades
    }

    /// Who decides.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Largest entry notional ÷ isolated margin posted, of any position ever.
    pub fn max_leverage(&self) -> f64 {
        self.account.max_leverage
    }

    /// Largest total notional ÷ equity ever seen at an entry fill or at the end of a minute.
    pub fn max_exposure(&self) -> f64 {
        self.account.max_exposure
    }

    /// Most slots ever used at once.
    pub fn max_open_positions(&self) -> usize {
        self.account.max_open_positions
    }

    /// 1m candles refused because their minute was not after the symbol's last one.
    pub fn late_candles(&self) -> u64 {
        self.late_candles
    }

    /// Fills that were told again and not booked again.
    pub fn duplicate_fills(&self) -> u64 {
        self.orders.duplicates
    }

    /// Fills that belong to no order of ours and no position; anything but 0 wants a look.
    pub fn stray_fills(&self) -> u64 {
        self.orders.strays
    }

    /// Newest price of a symbol, if any was seen.
    pub fn last_price(&self, symbol: SymbolId) -> Option<Px> {
        self.universe.market(symbol).map(|market| market.last).filter(|px| px.is_positive())
    }

    /// The filters of a symbol by which it goes.
    pub fn filters(&self, symbol: SymbolId) -> Option<Filters> {
        self.universe.instrument(symbol).map(Instrument::filters)
    }

    /// What the engine was told.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Every fixed-capacity table.
    pub fn capacities(&self) -> [Capacity; 6] {
        let known = self.orders.sent.min(RECENT_ORDERS as u32) as usize;
        let fills = self.orders.fills_known();
        let (entries, trades) = (self.controls.entries_known(), self.guard.known());
        let max = usize::from(self.config.positions_max);
        let positions = (self.slots_used(), self.account.max_open_positions);
        let slots = (self.portfolio.taken(), self.portfolio.high_water);
        [
            ("positions", positions.0, positions.1, max),
            ("slots", slots.0, slots.1, SLOTS),
            ("recent_orders", known, known, RECENT_ORDERS),
            ("recent_fills", fills, fills, RECENT_FILLS),
            ("recent_entries", entries, entries, RECENT_ENTRIES),
            ("recent_trades", trades, trades, RECENT_TRADES),
        ]
    }

    /// The cap of the present level.
    pub(crate) fn max_leverage_allowed(&self) -> f64 {
        self.config.leverage_max(self.level)
    }

    /// Net PnL of a slot's position if it were closed now: after all fees, that of the exit
    /// included, and funding.
    pub(crate) fn net(&self, slot: &Slot) -> Money {
        let position = &slot.position;
        let last = self.last_price(position.symbol).unwrap_or(position.entry_px);
        let fee = self.universe.instrument(position.symbol).map(|i| i.taker_fee);
        let exit = (last * position.qty).and_then(|notional| notional * fee.unwrap_or_default());
        // A notional beyond all range is no profit.
        let exit = exit.unwrap_or(Money::MAX);
        [slot.realized, position.unrealized, -position.fees, -exit, position.funding]
            .into_iter()
            .fold(Money::ZERO, Money::saturating_plus)
    }

    /// Sum of the notionals of open positions at last prices.
    pub(crate) fn open_notional(&self) -> Money {
        self.positions().fold(Money::ZERO, |sum, position| {
            let last = self.last_price(position.symbol).unwrap_or(position.entry_px);
            sum.saturating_plus((last * position.qty).unwrap_or(Money::MAX))
        })
    }

    /// Notionals of open and planned positions, without the one that is to leave.
    pub(crate) fn exposure(&self, leaving: Option<usize>) -> Money {
        self.counting(leaving).fold(Money::ZERO, |sum, slot| {
            let last = self.last_price(slot.signal.symbol).unwrap_or(slot.signal.reference);
            let entering = slot.stage == Stage::Leverage || slot.order(Role::Entry).live();
            let qty = if entering { slot.planned } else { slot.position.qty };
            sum.saturating_plus((last * qty).unwrap_or(Money::MAX))
        })
    }

    /// Wallet that is neither posted as margin nor set aside for an entry.
    pub(crate) fn free_balance(&self, leaving: Option<usize>) -> Money {
        self.counting(leaving).fold(self.cash(), |free, slot| {
            let entering = slot.stage == Stage::Leverage || slot.order(Role::Entry).live();
            let posted = slot.position.margin;
            let bound = if entering { slot.planned_margin.max(posted) } else { posted };
            free.saturating_plus(-bound)
        })
    }

    fn counting(&self, leaving: Option<usize>) -> impl Iterator<Item = &Slot> {
        let slots = self.portfolio.slots.iter().enumerate();
        slots.filter(move |(i, slot)| slot.counts() && Some(*i) != leaving).map(|(_, slot)| slot)
    }

    pub(crate) fn note_exposure(&mut self) {
        let equity = self.equity();
        if equity.is_positive() {
            let exposure = self.open_notional().ratio_of(equity);
            self.account.max_exposure = self.account.max_exposure.max(exposure);
        }
    }
}
