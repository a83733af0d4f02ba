//! What holds whatever the venue does.
//!
//! A venue that answers late, in any order, twice, in parts, with refusals and with silence that
//! is resolved later. After every event:
//! 1. open, in-flight and unknown positions are at most `positions_max`; so are the positions that
//!    the venue truly holds;
//! 2. what the engine holds of a symbol is the sum of the distinct fills that it was told;
//! 3. while paused or halted, or while any condition is on, no entry leaves;
//! 4. order numbers count from 1 without holes, reducing orders reduce, and none is larger than
//!    the position;
//! 5. the orders of one symbol in one minute are bounded.
//!
//! In REDUCING everything but entries goes on as in ACTIVE, command by command.
//!
//! At the end, when everything is delivered and the operator flattens: engine and venue are flat,
//! nothing rests at the venue, every slot is free. And the same events give the same commands.
//!
//! Kept out: fills after the venue itself called an entry over (see `faults`).

use crate::world::{A, Random, config, instruments, money, px, rate};
use aegis_engine::{Brain, Engine, EngineConfig, Protections};
use aegis_learn::{Found, Proposal};
use aegis_types::{
    AccountUpdate, Candle, Cause, Command, Condition, Event, EventBody, FEATURES, Fill, FillReason,
    LateCandle, List, Money, Nanos, Operator, Order, OrderReason, OrderType, OrderUpdate, Out,
    Patterns, Px, Qty, RejectCode, RiskMemory, Side, SymbolId, Tick, TickBody, TradingState,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A brain that is never silent.
const NEVER: (Nanos, Nanos) = (Nanos::MAX, Nanos::MAX);

const SYMBOLS: usize = 6;
const POSITIONS_MAX: usize = 3;

/// Most orders of one symbol in a minute, as long as the venue accepts two of three.
const ORDERS_PER_MINUTE: u32 = 32;

/// Proposes often, by a hash of symbol and minute.
#[derive(Clone, Debug)]
struct Eager {
    seed: u64,
    /// No proposals in between.
    silent: (Nanos, Nanos),
    last: [(u64, Nanos, f64); SYMBOLS],
}

impl Brain for Eager {
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        let last = &mut self.last[minute.symbol.index()];
        if minute.open_time <= last.1 {
            return Err(LateCandle);
        }
        *last = (last.0 + 1, minute.open_time, minute.close.to_f64());
        found(Found::Candle(*minute));
        Ok(())
    }

    fn minutes(&self, symbol: SymbolId) -> u64 {
        self.last[symbol.index()].0
    }

    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        let (_, at, price) = self.last[symbol.index()];
        if at >= self.silent.0 && at < self.silent.1 {
            return None;
        }
        let mut random = Random(self.seed ^ at.0 as u64 ^ u64::from(symbol.0) << 48);
        if !random.percent(40) {
            return None;
        }
        let side = if random.percent(50) { Side::Buy } else { Side::Sell };
        let sign = side.sign() as f64;
        Some(Proposal {
            side,
            confidence: 0.56 + random.below(40) as f64 / 100.0,
            patterns: Patterns::default(),
            reasons: List::new(),
            stop: price * (1.0 - sign * 0.01),
            target: price * (1.0 + sign * 0.012),
            features: [0.0; FEATURES],
        })
    }

    fn decayed(&self, symbol: SymbolId, _: Side, _: Nanos) -> bool {
        let (_, at, _) = self.last[symbol.index()];
        Random(!self.seed ^ at.0 as u64 ^ u64::from(symbol.0)).percent(3)
    }
}

/// How badly the venue behaves, in percent.
#[derive(Clone, Copy, Debug)]
struct Manners {
    late: u64,
    twice: u64,
    silent: u64,
    refuse: u64,
    partial: u64,
}

/// An order at the venue and what of it is still open.
#[derive(Clone, Copy, Debug)]
struct Resting {
    order: Order,
    open: i64,
}

struct Run {
    engine: Engine<Eager>,
    random: Random,
    manners: Manners,
    at: Nanos,
    prices: [i64; SYMBOLS],
    timers: BTreeMap<u64, Nanos>,
    resting: Vec<Resting>,
    /// Answers on their way. Those of one order: an end comes after everything else.
    mail: Vec<EventBody>,
    /// What the venue holds, and what the engine was told of it.
    held: [i64; SYMBOLS],
    told: [i64; SYMBOLS],
    told_ids: Vec<(SymbolId, u64)>,
    trade_id: u64,
    events: Vec<Event>,
    commands: Vec<Command>,
    /// Orders by symbol and minute.
    busy: BTreeMap<(SymbolId, Nanos), u32>,
    /// The operator lets entries in; and the conditions that are on.
    operator_allows: bool,
    on: BTreeSet<Cause>,
}

fn start() -> Nanos {
    Nanos::from_civil(2025, 1, 6)
}

fn engine_config() -> EngineConfig {
    EngineConfig {
        time_stop: Nanos::MINUTE.times(30),
        positions_max: POSITIONS_MAX as u8,
        // A random venue loses; its day is to go on.
        daily_loss_max: 1.0,
        drawdown_max: 1.0,
        repeat_max: 100,
        protections: Protections {
            stop_guard_stops: 0,
            drawdown_trades: 0,
            low_profit_trades: 0,
            ..Protections::default()
        },
        ..config()
    }
}

fn engine(seed: u64, silent: (Nanos, Nanos)) -> Engine<Eager> {
    let brain = Eager { seed, silent, last: [(0, Nanos(i64::MIN), 0.0); SYMBOLS] };
    Engine::with_brain(engine_config(), &instruments(SYMBOLS as u16), brain).unwrap()
}

fn order_of(body: &EventBody) -> Option<(u32, bool)> {
    match body {
        EventBody::Order { id, update, .. } => {
            let over = matches!(update, OrderUpdate::Canceled | OrderUpdate::Expired);
            Some((id.number, over))
        }
        _ => None,
    }
}

impl Run {
    fn new(seed: u64, manners: Manners) -> Self {
        Self::silent(seed, manners, NEVER)
    }

    fn silent(seed: u64, manners: Manners, silent: (Nanos, Nanos)) -> Self {
        let mut run = Self {
            engine: engine(seed, silent),
            random: Random(seed),
            manners,
            at: start(),
            prices: [10_000_000_000; SYMBOLS],
            timers: BTreeMap::new(),
            resting: Vec::new(),
            mail: Vec::new(),
            held: [0; SYMBOLS],
            told: [0; SYMBOLS],
            told_ids: Vec::new(),
            trade_id: 0,
            events: Vec::new(),
            commands: Vec::new(),
            busy: BTreeMap::new(),
            operator_allows: true,
            on: BTreeSet::new(),
        };
        let balance = money("10000");
        run.apply(EventBody::Account(AccountUpdate::Wallet { balance }));
        run
    }

    fn apply(&mut self, body: EventBody) {
        self.note(&body);
        let event = Event { seq: self.events.len() as u64, at: self.at, body };
        let mut out = Out::new();
        self.engine.apply(&event, &mut out);
        assert_eq!(out.refused(), 0);
        self.events.push(event);
        for command in out.commands() {
            self.commands.push(*command);
            self.execute(command);
        }
        self.check();
    }

    /// Keeps the books of what the engine is told.
    fn note(&mut self, body: &EventBody) {
        match body {
            EventBody::Order { update: OrderUpdate::Filled { fill }, .. } => {
                let key = (fill.symbol, fill.trade_id);
                if !self.told_ids.contains(&key) {
                    self.told_ids.push(key);
                    self.told[fill.symbol.index()] += fill.side.sign() * fill.qty.raw();
                }
            }
            EventBody::Operator(Operator::Resume) => self.operator_allows = true,
            EventBody::Operator(_) => self.operator_allows = false,
            EventBody::Condition(Condition { cause, on: true, .. }) => {
                self.on.insert(*cause);
            }
            EventBody::Condition(Condition { cause, .. }) => {
                self.on.remove(cause);
            }
            _ => {}
        }
    }

    fn check(&self) {
        assert!(self.engine.slots_used() <= POSITIONS_MAX);
        assert!(self.engine.max_open_positions() <= POSITIONS_MAX);
        let truly = self.held.iter().filter(|held| **held != 0).count();
        assert!(truly <= POSITIONS_MAX, "the venue holds {:?}", self.held);
        for index in 0..SYMBOLS {
            let symbol = SymbolId(index as u16);
            let position = self.engine.positions().find(|p| p.symbol == symbol);
            let signed = position.map_or(0, |p| p.side.sign() * p.qty.raw());
            let told = self.told[index];
            // An exit told before its entry is held back until the entry is told.
            let early = position.is_none() && told != 0 && self.engine.slots_used() > 0;
            assert!(signed == told || early, "{symbol:?}: {signed} held, {told} told");
        }
    }

    fn execute(&mut self, command: &Command) {
        match *command {
            Command::WakeAt { at, id } => drop(self.timers.insert(id, at)),
            Command::SetLeverage { symbol, leverage } => {
                let update = AccountUpdate::Leverage { symbol, leverage };
                self.mail.push(EventBody::Account(update));
            }
            Command::Cancel { id, symbol } => {
                let found = self.resting.iter().position(|resting| resting.order.id == id);
                let update = match found {
                    Some(index) => {
                        self.resting.remove(index);
                        OrderUpdate::Canceled
                    }
                    None => OrderUpdate::Rejected { code: RejectCode::UnknownOrder },
                };
                self.mail.push(EventBody::Order { id, symbol, update });
            }
            Command::Submit { order } => self.submit(&order),
        }
    }

    fn submit(&mut self, order: &Order) {
        let sent = self.commands.iter().filter(|c| matches!(c, Command::Submit { .. })).count();
        assert_eq!(order.id.number as usize, sent, "numbers count without holes");
        assert!(order.qty.is_positive());
        let busy = self.busy.entry((order.symbol, self.at.floor(Nanos::MINUTE))).or_default();
        *busy += 1;
        assert!(*busy <= ORDERS_PER_MINUTE, "{busy} orders of {:?} in a minute", order.symbol);
        let told = self.told[order.symbol.index()];
        assert_eq!(order.reduce_only, order.reason != OrderReason::Entry, "{order:?}");
        if order.reduce_only {
            assert!(told * order.side.sign() < 0, "{order:?} does not reduce {told}");
            assert!(order.qty.raw() <= told.abs(), "{order:?} is larger than {told}");
        } else {
            let allowed = self.operator_allows && self.on.is_empty();
            assert!(allowed, "{order:?} while paused, halted or {:?}", self.on);
        }
        let (id, symbol) = (order.id, order.symbol);
        let mut answer = |update| self.mail.push(EventBody::Order { id, symbol, update });
        if self.random.percent(self.manners.refuse) {
            use RejectCode::{Margin, ReduceOnly, TooManyOrders, VenueFailed, WouldTrigger};
            let codes = [VenueFailed, Margin, WouldTrigger, ReduceOnly, TooManyOrders];
            let code = codes[self.random.below(5) as usize];
            return answer(OrderUpdate::Rejected { code });
        }
        if self.random.percent(self.manners.silent) {
            answer(OrderUpdate::Unknown);
        }
        answer(OrderUpdate::Accepted);
        self.resting.push(Resting { order: *order, open: order.qty.raw() });
    }

    /// Fills what the price of a symbol reaches.
    fn trade(&mut self, symbol: SymbolId) {
        let price = self.prices[symbol.index()];
        let mut index = 0;
        while index < self.resting.len() {
            let Resting { order, open } = self.resting[index];
            let trigger = order.trigger.raw();
            let below = match (order.kind, order.side) {
                (OrderType::StopMarket, Side::Sell) => Some(true),
                (OrderType::StopMarket, Side::Buy) => Some(false),
                (OrderType::TakeProfitMarket, Side::Sell) => Some(false),
                (OrderType::TakeProfitMarket, Side::Buy) => Some(true),
                _ => None,
            };
            let reached = below.is_none_or(|b| if b { price <= trigger } else { price >= trigger });
            if order.symbol != symbol || !reached {
                index += 1;
                continue;
            }
            let whole = !self.random.percent(self.manners.partial);
            let part = if whole { open } else { (open / 2).max(1) };
            self.fill(index, part);
            if self.resting.get(index).is_some_and(|r| r.order.id == order.id) {
                index += 1;
            }
        }
    }

    fn fill(&mut self, index: usize, part: i64) {
        let Resting { order, open } = self.resting[index];
        let held = &mut self.held[order.symbol.index()];
        let reducible = if *held * order.side.sign() < 0 { held.abs() } else { 0 };
        let qty = if order.reduce_only { part.min(reducible) } else { part };
        let (id, symbol) = (order.id, order.symbol);
        if qty == 0 {
            self.resting.remove(index);
            self.mail.push(EventBody::Order { id, symbol, update: OrderUpdate::Expired });
            return;
        }
        *held += order.side.sign() * qty;
        self.trade_id += 1;
        let (px, qty) = (Px::from_raw(self.prices[symbol.index()]), Qty::from_raw(qty));
        let notional = (px * qty).unwrap();
        let all = (px * Qty::from_raw(held.abs())).unwrap();
        let fill = Fill {
            order: id,
            trade_id: self.trade_id,
            symbol,
            side: order.side,
            maker: false,
            reason: FillReason::NextPrice,
            px,
            qty,
            leaves: Qty::from_raw(open - qty.raw()),
            fee: (notional * rate("0.0005")).unwrap(),
            realized: Money::ZERO,
            margin: all.split_up(3).unwrap(),
            venue_time: self.at,
        };
        self.mail.push(EventBody::Order { id, symbol, update: OrderUpdate::Filled { fill } });
        self.resting[index].open -= qty.raw();
        if self.resting[index].open == 0 {
            self.resting.remove(index);
        }
    }

    /// Delivers what is on its way, or some of it.
    fn deliver(&mut self, all: bool) {
        let mut waiting = self.mail.len();
        while waiting > 0 && !self.mail.is_empty() {
            waiting -= 1;
            if !all && self.random.percent(self.manners.late) {
                continue;
            }
            let index = self.random.below(self.mail.len() as u64) as usize;
            let body = self.mail[index];
            // The end of an order, and the resolution of a lost answer, come last of their order.
            let number = order_of(&body);
            let earlier = |other: &EventBody| {
                let other_number = order_of(other).map(|(number, _)| number);
                other_number == number.map(|(number, _)| number)
            };
            let over = number.is_some_and(|(_, over)| over);
            if over && self.mail.iter().filter(|other| earlier(other)).count() > 1 {
                continue;
            }
            if !self.random.percent(self.manners.twice) || over {
                self.mail.remove(index);
            }
            self.apply(body);
            if all {
                waiting = self.mail.len();
            }
        }
    }

    fn minute(&mut self) {
        let then = self.at.floor(Nanos::MINUTE).after(Nanos::MINUTE);
        self.until(then);
        for index in 0..SYMBOLS {
            let close = Px::from_raw(self.prices[index]);
            let body =
                TickBody::Candle { open: close, high: close, low: close, close, volume: 1.0 };
            self.tick(index, body);
            self.deliver(false);
        }
        for index in 0..SYMBOLS {
            let step = self.random.below(120) as i64 - 60;
            let price = self.prices[index];
            self.prices[index] = (price + price / 10_000 * step) / 1_000_000 * 1_000_000;
            self.trade(SymbolId(index as u16));
            self.deliver(false);
            let px = Px::from_raw(self.prices[index]);
            self.tick(index, TickBody::Open { px, funding: None });
        }
        for seconds in [1, 5, 20] {
            self.until(then.after(Nanos::SECOND.times(seconds)));
            self.deliver(false);
        }
    }

    fn tick(&mut self, index: usize, body: TickBody) {
        let symbol = SymbolId(index as u16);
        let tick = Tick { symbol, derived: false, at: self.at, received_us: 0, body };
        self.apply(EventBody::Market(tick));
    }

    fn until(&mut self, then: Nanos) {
        while let Some((&id, &at)) = self.timers.iter().min_by_key(|(id, at)| (**at, **id)) {
            if at > then {
                break;
            }
            self.timers.remove(&id);
            self.at = self.at.max(at);
            self.apply(EventBody::Timer { id });
        }
        self.at = then;
    }

    fn operator(&mut self) {
        if self.random.percent(5) {
            let all = [Operator::Pause, Operator::Flatten, Operator::Resume, Operator::Resume];
            let operator = all[self.random.below(4) as usize];
            self.apply(EventBody::Operator(operator));
        }
    }

    fn condition(&mut self) {
        if self.random.percent(8) {
            let outside: Vec<_> = Cause::ALL.iter().filter(|c| c.from_outside()).collect();
            let cause = *outside[self.random.below(outside.len() as u64) as usize];
            let on = self.random.percent(40);
            let (measured, limit) = (1, 0);
            self.apply(EventBody::Condition(Condition { cause, on, measured, limit }));
            let state = self.engine.state();
            let active = self.operator_allows && self.on.is_empty();
            assert_eq!(state == TradingState::Active, active, "{state}");
        }
    }

    /// Everything is delivered, the venue becomes polite, the operator flattens.
    fn end(&mut self) {
        self.manners = Manners { late: 0, twice: 0, silent: 0, refuse: 0, partial: 0 };
        self.apply(EventBody::Operator(Operator::Halt));
        self.apply(EventBody::Operator(Operator::Flatten));
        for _ in 0..20 {
            self.deliver(true);
            self.minute();
        }
        self.deliver(true);
        assert_eq!(self.held, [0; SYMBOLS], "the venue is flat");
        assert_eq!(self.told, [0; SYMBOLS]);
        assert_eq!(self.engine.positions().count(), 0);
        assert_eq!(self.engine.slots_used(), 0);
        assert!(self.resting.is_empty(), "orphans: {:?}", self.resting);
        assert_eq!(self.engine.capacities()[1].1, 0, "every slot is free");
        assert_eq!(self.engine.stray_fills(), 0);
    }
}

fn manners() -> impl Strategy<Value = Manners> {
    (0..70u64, 0..40u64, 0..30u64, 0..30u64, 0..60u64).prop_map(
        |(late, twice, silent, refuse, partial)| Manners { late, twice, silent, refuse, partial },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_venue_does(seed in any::<u64>(), manners in manners()) {
        let mut run = Run::new(seed, manners);
        for _ in 0..120 {
            run.minute();
            run.operator();
            run.condition();
        }
        run.end();
        // The same events, the same commands.
        let mut again = engine(seed, NEVER);
        let mut out = Out::new();
        let mut commands = Vec::new();
        for event in &run.events {
            out.clear();
            again.apply(event, &mut out);
            commands.extend_from_slice(out.commands());
        }
        prop_assert_eq!(commands, run.commands);
    }
}

/// What takes entries away, and nothing else.
fn ends_entries() -> impl Strategy<Value = EventBody> {
    let outside: Vec<Cause> = Cause::ALL.iter().copied().filter(|c| c.from_outside()).collect();
    let told = |cause| EventBody::Condition(Condition { cause, on: true, measured: 1, limit: 0 });
    prop_oneof![
        prop::sample::select(outside).prop_map(told),
        Just(EventBody::Operator(Operator::Pause)),
        Just(EventBody::Memory(RiskMemory { drawn_down: true, ..RiskMemory::default() })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Two engines with the same past. One is put into REDUCING and goes on being asked to enter;
    /// the other is not asked any more. From there they do the same, whatever the venue does.
    #[test]
    fn reducing_takes_away_entries_and_nothing_else(
        seed in any::<u64>(), manners in manners(), event in ends_entries(), minutes in 20..60i64,
    ) {
        // Three quiet minutes, so that nothing waits for its leverage or for room.
        let from = start().after(Nanos::MINUTE.times(minutes));
        let until = from.after(Nanos::MINUTE.times(3));
        let mut asked = Run::silent(seed, manners, (from, until));
        let mut left_alone = Run::silent(seed, manners, (from, Nanos::MAX));
        for minute in 0..minutes + 60 {
            if minute == minutes + 3 {
                prop_assert_eq!(&asked.commands, &left_alone.commands);
                let wallet = asked.engine.wallet();
                asked.apply(event);
                prop_assert_eq!(asked.engine.state(), TradingState::Reducing);
                prop_assert_eq!(wallet, asked.engine.wallet());
            }
            asked.minute();
            left_alone.minute();
        }
        prop_assert_eq!(&asked.commands, &left_alone.commands);
        asked.end();
    }
}

/// The property above means little if nothing is traded in it.
#[test]
fn the_random_venue_trades_and_rotates() {
    let mut run = Run::new(1, Manners { late: 20, twice: 10, silent: 10, refuse: 10, partial: 20 });
    for _ in 0..400 {
        run.minute();
    }
    let reasons = |wanted| {
        let is = |c: &&Command| matches!(c, Command::Submit { order } if order.reason == wanted);
        run.commands.iter().filter(is).count()
    };
    use OrderReason as Reason;
    for reason in Reason::ALL {
        let sent = reasons(*reason);
        let expected = !matches!(
            reason,
            Reason::Flatten | Reason::Liquidation | Reason::Deleveraged | Reason::Manual
        );
        assert!(sent > 0 || !expected, "{reason} never happened");
    }
    assert!(run.engine.trades() > 30, "{} trades", run.engine.trades());
    assert_eq!(run.engine.last_price(A), Some(Px::from_raw(run.prices[0])));
    assert_ne!(run.engine.last_price(A), Some(px("100")));
}
