//! A small world for tests: an engine with a scripted brain, a clock, and a venue that accepts at
//! once and fills market orders at the next open, unless told otherwise.

use aegis_engine::{Brain, Engine, EngineConfig};
use aegis_learn::{Found, Proposal};
use aegis_types::{
    AccountUpdate, Bracket, Candle, ClientOrderId, Command, Denial, DenialCode, Event, EventBody,
    FEATURES, Fill, FillReason, Instrument, InstrumentOrigin, LateCandle, List, Money, Nanos,
    Notice, Operator, Order, OrderReason, OrderType, OrderUpdate, Out, Patterns, Position, Px, Qty,
    Rate, Side, Signal, SymbolId, Tick, TickBody, Trade,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// SplitMix64: the whole randomness of a run.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A span of milliseconds from the first to below the second.
    pub fn millis(&mut self, least: u64, most: u64) -> Nanos {
        Nanos::from_millis((least + self.below(most - least)) as i64)
    }
}

/// What a scripted brain is told to propose, at the closes it is told to.
#[derive(Debug, Default)]
pub struct Lines {
    pub proposals: BTreeMap<(SymbolId, Nanos), Proposal>,
    pub decayed: Vec<SymbolId>,
}

/// A brain that says its lines.
#[derive(Clone, Debug)]
pub struct Script {
    last: Vec<(u64, Nanos)>,
    lines: Rc<RefCell<Lines>>,
}

impl Script {
    pub fn new(symbols: usize, lines: &Rc<RefCell<Lines>>) -> Self {
        Self { last: vec![(0, Nanos(i64::MIN)); symbols], lines: Rc::clone(lines) }
    }
}

impl Brain for Script {
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        let (seen, last) = &mut self.last[minute.symbol.index()];
        if minute.open_time <= *last {
            return Err(LateCandle);
        }
        (*seen, *last) = (*seen + 1, minute.open_time);
        found(Found::Candle(*minute));
        Ok(())
    }

    fn minutes(&self, symbol: SymbolId) -> u64 {
        self.last[symbol.index()].0
    }

    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        let (_, open_time) = self.last[symbol.index()];
        let close = open_time.after(Nanos::MINUTE);
        self.lines.borrow().proposals.get(&(symbol, close)).copied()
    }

    fn decayed(&self, symbol: SymbolId, _: Side, _: Nanos) -> bool {
        self.lines.borrow().decayed.contains(&symbol)
    }
}

pub fn px(text: &str) -> Px {
    text.parse().unwrap()
}

pub fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

pub const A: SymbolId = SymbolId(0);
pub const B: SymbolId = SymbolId(1);
pub const C: SymbolId = SymbolId(2);
pub const D: SymbolId = SymbolId(3);

/// A long from 100 with the stop at 99 and the target at 102, mirrored for a short.
pub fn proposal(side: Side, confidence: f64) -> Proposal {
    let sign = side.sign() as f64;
    Proposal {
        side,
        confidence,
        patterns: Patterns::default(),
        reasons: List::new(),
        stop: 100.0 - sign,
        target: 100.0 + 2.0 * sign,
        features: [0.5; FEATURES],
    }
}

pub fn instruments(count: u16) -> Vec<Instrument> {
    let make = |index| Instrument {
        symbol: SymbolId(index),
        name: format!("GEN{index:02}USDT"),
        tick: px("0.01"),
        step: qty("0.001"),
        qty_min: qty("0.001"),
        qty_max: qty("100000"),
        notional_min: money("5"),
        taker_fee: rate("0.0005"),
        maker_fee: rate("0.0002"),
        liquidation_fee: rate("0.0125"),
        funding_interval: Nanos::HOUR.times(8),
        brackets: vec![Bracket {
            floor: Money::ZERO,
            cap: Money::MAX,
            rate: rate("0.01"),
            deduction: Money::ZERO,
            leverage_max: 50,
        }],
        origin: InstrumentOrigin::Derived,
    };
    (0..count).map(make).collect()
}

/// Three bars of warm-up; everything else as shipped.
pub fn config() -> EngineConfig {
    EngineConfig { session: 7, warm_up_bars: 3, ..EngineConfig::default() }
}

/// What the venue of a [`World`] holds of a symbol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Positive: long.
    pub signed: i64,
    pub cost: i64,
    pub leverage: u16,
}

pub struct World {
    pub engine: Engine<Script>,
    pub lines: Rc<RefCell<Lines>>,
    pub at: Nanos,
    pub prices: Vec<Px>,
    /// Everything, with the time of its cause.
    pub commands: Vec<(Nanos, Command)>,
    pub notices: Vec<Notice>,
    pub events: Vec<Event>,
    pub timers: BTreeMap<u64, Nanos>,
    pub resting: Vec<Order>,
    pub held: Vec<Held>,
    pub wallet: Money,
    pub trade_id: u64,
    /// Answers orders, cancels and leverage at once.
    pub answers: bool,
    /// Answers cancels, when it answers at all.
    pub cancels: bool,
    /// Confirms leverage, when it answers at all.
    pub confirms: bool,
    /// Fills market orders at opens, and stops and targets that they touch.
    pub fills: bool,
    pending: Vec<Command>,
    out: Out,
}

impl World {
    /// With three quiet minutes at price 100 behind it and a wallet of 10,000.
    pub fn new(config: EngineConfig, instruments: &[Instrument]) -> Self {
        let mut world = Self::bare(config, instruments);
        world.pay(Money::ZERO);
        for _ in 0..3 {
            world.minute();
        }
        world
    }

    /// Without wallet and warm-up.
    pub fn bare(config: EngineConfig, instruments: &[Instrument]) -> Self {
        let symbols = instruments.len();
        let lines = Rc::default();
        let brain = Script::new(symbols, &lines);
        Self {
            lines,
            engine: Engine::with_brain(config, instruments, brain).unwrap(),
            at: Nanos::from_civil(2025, 1, 6).after(Nanos::HOUR),
            prices: vec![Px::whole(100); symbols],
            commands: Vec::new(),
            notices: Vec::new(),
            events: Vec::new(),
            timers: BTreeMap::new(),
            resting: Vec::new(),
            held: vec![Held { leverage: 1, ..Held::default() }; symbols],
            wallet: money("10000"),
            trade_id: 0,
            answers: true,
            cancels: true,
            confirms: true,
            fills: true,
            pending: Vec::new(),
            out: Out::new(),
        }
    }

    /// A world of four symbols, as configured by default.
    pub fn usual() -> Self {
        Self::new(config(), &instruments(4))
    }

    /// The brain proposes this at the next close of the symbol.
    pub fn propose(&mut self, symbol: SymbolId, proposal: Proposal) {
        let close = self.at.floor(Nanos::MINUTE).after(Nanos::MINUTE);
        self.lines.borrow_mut().proposals.insert((symbol, close), proposal);
    }

    /// Applies one event at the present time and lets the venue answer.
    pub fn event(&mut self, body: EventBody) {
        self.apply(body);
        self.react();
    }

    /// Applies one event; the venue does nothing.
    pub fn apply(&mut self, body: EventBody) {
        let event = Event { seq: self.events.len() as u64, at: self.at, body };
        let mut out = core::mem::take(&mut self.out);
        out.clear();
        self.engine.apply(&event, &mut out);
        assert_eq!(out.refused(), 0);
        self.events.push(event);
        for command in out.commands() {
            self.commands.push((self.at, *command));
            if let Command::WakeAt { at, id } = command {
                self.timers.insert(*id, *at);
            } else {
                self.pending.push(*command);
            }
        }
        self.notices.extend_from_slice(out.notices());
        self.out = out;
        assert!(self.engine.slots_used() <= self.engine.config().positions_max.into());
    }

    fn react(&mut self) {
        while self.answers && !self.pending.is_empty() {
            match self.pending.remove(0) {
                Command::Submit { order } => {
                    self.resting.push(order);
                    self.update(order, OrderUpdate::Accepted);
                }
                Command::Cancel { id, symbol } if self.cancels => {
                    let found = self.resting.iter().position(|order| order.id == id);
                    let update = match found {
                        Some(index) => {
                            self.resting.remove(index);
                            OrderUpdate::Canceled
                        }
                        None => {
                            let code = aegis_types::RejectCode::UnknownOrder;
                            OrderUpdate::Rejected { code }
                        }
                    };
                    self.apply(EventBody::Order { id, symbol, update });
                }
                Command::SetLeverage { symbol, leverage } if self.confirms => {
                    self.held[symbol.index()].leverage = leverage;
                    let update = AccountUpdate::Leverage { symbol, leverage };
                    self.apply(EventBody::Account(update));
                }
                _ => {}
            }
        }
    }

    /// Answers an order by hand.
    pub fn update(&mut self, order: Order, update: OrderUpdate) {
        self.event(EventBody::Order { id: order.id, symbol: order.symbol, update });
    }

    pub fn operator(&mut self, operator: Operator) {
        self.event(EventBody::Operator(operator));
    }

    /// Changes the wallet and says so.
    pub fn pay(&mut self, amount: Money) {
        self.wallet = self.wallet.plus(amount).unwrap();
        let balance = self.wallet;
        self.event(EventBody::Account(AccountUpdate::Wallet { balance }));
    }

    /// The clock goes on; timers come.
    pub fn wait(&mut self, span: Nanos) {
        self.until(self.at.after(span));
    }

    fn until(&mut self, then: Nanos) {
        while let Some((&id, &at)) = self.timers.iter().min_by_key(|(id, at)| (**at, **id)) {
            if at > then {
                break;
            }
            self.timers.remove(&id);
            self.at = self.at.max(at);
            self.event(EventBody::Timer { id });
        }
        self.at = then;
    }

    /// To the next minute: all closes, then all opens, at the present prices.
    pub fn minute(&mut self) {
        self.closes();
        for index in 0..self.prices.len() {
            self.open(SymbolId(index as u16));
        }
    }

    /// To the next minute: all closes.
    pub fn closes(&mut self) {
        self.until(self.at.floor(Nanos::MINUTE).after(Nanos::MINUTE));
        for index in 0..self.prices.len() {
            self.close(SymbolId(index as u16));
        }
    }

    /// A close of one symbol at the present time and price.
    pub fn close(&mut self, symbol: SymbolId) {
        let close = self.prices[symbol.index()];
        let body = TickBody::Candle { open: close, high: close, low: close, close, volume: 1.0 };
        self.tick(symbol, body);
    }

    /// An open of one symbol at the present time and price; fills first, as a venue would.
    pub fn open(&mut self, symbol: SymbolId) {
        let px = self.prices[symbol.index()];
        if self.fills {
            let due = |order: &Order| match (order.kind, order.side) {
                (OrderType::StopMarket, Side::Sell) => px <= order.trigger,
                (OrderType::StopMarket, Side::Buy) => px >= order.trigger,
                (OrderType::TakeProfitMarket, Side::Sell) => px >= order.trigger,
                (OrderType::TakeProfitMarket, Side::Buy) => px <= order.trigger,
                _ => true,
            };
            let order_of = |o: &Order| o.symbol == symbol && due(o);
            while let Some(index) = self.resting.iter().position(order_of) {
                let order = self.resting.remove(index);
                self.fill(order, order.qty, px);
            }
        }
        self.tick(symbol, TickBody::Open { px, funding: None });
    }

    pub fn tick(&mut self, symbol: SymbolId, body: TickBody) {
        let at = self.at;
        self.event(EventBody::Market(Tick { symbol, derived: false, at, received_us: 0, body }));
    }

    /// Fills an order (or a part) at a price, and reports the wallet.
    pub fn fill(&mut self, order: Order, qty: Qty, px: Px) {
        let fill = self.make_fill(&order, qty, px);
        let (id, symbol) = (order.id, order.symbol);
        self.event(EventBody::Order { id, symbol, update: OrderUpdate::Filled { fill } });
        let change = fill.realized.minus(fill.fee).unwrap();
        self.pay(change);
    }

    /// What the venue would say of a fill; changes what it holds.
    pub fn make_fill(&mut self, order: &Order, qty: Qty, px: Px) -> Fill {
        self.trade_id += 1;
        let held = &mut self.held[order.symbol.index()];
        let notional = (px * qty).unwrap();
        let signed = order.side.sign() * qty.raw();
        let mut realized = Money::ZERO;
        if held.signed.signum() * signed >= 0 {
            held.cost += notional.raw();
        } else {
            let part = i128::from(held.cost) * i128::from(qty.raw());
            let cost = (part / i128::from(held.signed.abs())) as i64;
            realized = Money::from_raw((notional.raw() - cost) * held.signed.signum());
            held.cost -= cost;
        }
        held.signed += signed;
        let margin = Money::from_raw(held.cost).split_up(held.leverage.into()).unwrap();
        Fill {
            order: order.id,
            trade_id: self.trade_id,
            symbol: order.symbol,
            side: order.side,
            maker: false,
            reason: FillReason::NextPrice,
            px,
            qty,
            leaves: Qty::ZERO,
            fee: (notional * rate("0.0005")).unwrap(),
            realized,
            margin,
            venue_time: self.at,
        }
    }

    /// Brings a position about: signal, entry at the open, stop and target.
    pub fn enter(&mut self, symbol: SymbolId, side: Side, confidence: f64) -> Position {
        self.propose(symbol, proposal(side, confidence));
        self.minute();
        self.position(symbol).expect("entered")
    }

    pub fn position(&self, symbol: SymbolId) -> Option<Position> {
        self.engine.positions().find(|position| position.symbol == symbol).copied()
    }

    pub fn orders(&self) -> Vec<Order> {
        let order = |(_, command): &(Nanos, Command)| match command {
            Command::Submit { order } => Some(*order),
            _ => None,
        };
        self.commands.iter().filter_map(order).collect()
    }

    /// The last order of a reason.
    pub fn last_order(&self, reason: OrderReason) -> Order {
        self.orders().into_iter().rfind(|order| order.reason == reason).expect("such an order")
    }

    pub fn canceled(&self, id: ClientOrderId) -> bool {
        let asked =
            |(_, c): &(Nanos, Command)| matches!(c, Command::Cancel { id: i, .. } if *i == id);
        self.commands.iter().any(asked)
    }

    pub fn denials(&self) -> Vec<Denial> {
        let denial = |notice: &Notice| match notice {
            Notice::Denied { denial, .. } => Some(*denial),
            _ => None,
        };
        self.notices.iter().filter_map(denial).collect()
    }

    pub fn denied(&self) -> Vec<DenialCode> {
        self.denials().iter().map(|denial| denial.code).collect()
    }

    pub fn signals(&self) -> Vec<Signal> {
        let signal = |notice: &Notice| match notice {
            Notice::Signal(signal) => Some(*signal),
            _ => None,
        };
        self.notices.iter().filter_map(signal).collect()
    }

    pub fn trades(&self) -> Vec<Trade> {
        let trade = |notice: &Notice| match notice {
            Notice::Closed(trade) => Some(*trade),
            _ => None,
        };
        self.notices.iter().filter_map(trade).collect()
    }

    pub fn reasons(&self) -> Vec<OrderReason> {
        self.orders().iter().map(|order| order.reason).collect()
    }
}
