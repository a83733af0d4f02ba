//! The driver at its boundary. What holds:
//! - timers come first, each at its own time; then the venue's answers to a market event, in its
//!   order; then the event; the answers to a command come after everything that was waiting;
//! - every event is observed before it is applied, every command before the venue sees it;
//! - time never goes back and numbers have no holes;
//! - nothing is lost or goes unsaid when a bound is passed.

use aegis_driver::{Driver, Fault, Observer, ROUNDS_MAX};
use aegis_engine::{Brain, Engine, EngineConfig, Found, Proposal};
use aegis_types::{
    AccountUpdate, Answers, Bracket, Candle, Command, Event, EventBody, FEATURES, Fill, FillReason,
    Instrument, InstrumentOrigin, LateCandle, List, Money, Nanos, Notice, Operator, Order,
    OrderReason, OrderUpdate, Patterns, Px, Qty, Rate, Side, SymbolId, Tick, TickBody, Venue,
};

const A: SymbolId = SymbolId(0);

/// Goes long at every close from the third on.
#[derive(Clone, Debug, Default)]
struct Bull(u64);

impl Brain for Bull {
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        self.0 += 1;
        found(Found::Candle(*minute));
        Ok(())
    }

    fn minutes(&self, _: SymbolId) -> u64 {
        self.0
    }

    fn propose(&self, _: SymbolId) -> Option<Proposal> {
        (self.0 >= 3).then(|| Proposal {
            side: Side::Buy,
            confidence: 0.7,
            patterns: Patterns::default(),
            reasons: List::new(),
            stop: 99.0,
            target: 102.0,
            features: [0.0; FEATURES],
        })
    }

    fn decayed(&self, _: SymbolId, _: Side, _: Nanos) -> bool {
        false
    }
}

/// Accepts everything, fills market orders at the next open.
#[derive(Debug, Default)]
struct Simple {
    resting: Vec<Order>,
    fills: u64,
    /// More answers to every market event, to try the bounds.
    noise: usize,
}

impl Venue for Simple {
    fn on_market(&mut self, at: Nanos, tick: &Tick, answers: &mut Answers) {
        for _ in 0..self.noise {
            let update = AccountUpdate::Leverage { symbol: A, leverage: 3 };
            answers.push(EventBody::Account(update));
        }
        let TickBody::Open { px, .. } = tick.body else { return };
        for order in self.resting.drain(..) {
            self.fills += 1;
            let notional = (px * order.qty).unwrap();
            let fill = Fill {
                order: order.id,
                trade_id: self.fills,
                symbol: order.symbol,
                side: order.side,
                maker: false,
                reason: FillReason::NextPrice,
                px,
                qty: order.qty,
                leaves: Qty::ZERO,
                fee: Money::whole(1),
                realized: Money::ZERO,
                margin: notional.split_up(3).unwrap(),
                venue_time: at,
            };
            let (id, symbol) = (order.id, order.symbol);
            answers.push(EventBody::Order { id, symbol, update: OrderUpdate::Filled { fill } });
            let balance = Money::whole(9_999);
            answers.push(EventBody::Account(AccountUpdate::Wallet { balance }));
        }
    }

    fn execute(&mut self, _: Nanos, command: &Command, answers: &mut Answers) {
        match *command {
            Command::Submit { order } => {
                if order.trigger.is_zero() {
                    self.resting.push(order);
                }
                let (id, symbol, update) = (order.id, order.symbol, OrderUpdate::Accepted);
                answers.push(EventBody::Order { id, symbol, update });
            }
            Command::SetLeverage { symbol, leverage } => {
                answers.push(EventBody::Account(AccountUpdate::Leverage { symbol, leverage }));
            }
            Command::Cancel { id, symbol } => {
                let update = OrderUpdate::Canceled;
                answers.push(EventBody::Order { id, symbol, update });
            }
            Command::WakeAt { .. } => panic!("the driver answers these itself"),
        }
    }
}

/// Writes down what it sees, and refuses on request.
#[derive(Debug, Default)]
struct Diary {
    lines: Vec<String>,
    events: Vec<Event>,
    faults: Vec<Fault>,
    refuse_event: Option<u64>,
    refuse_orders: bool,
}

impl Observer for Diary {
    type Error = &'static str;

    fn event(&mut self, event: &Event) -> Result<(), Self::Error> {
        if self.refuse_event == Some(event.seq) {
            return Err("disk full");
        }
        self.events.push(*event);
        self.lines.push(match &event.body {
            EventBody::Market(Tick { body: TickBody::Open { .. }, .. }) => "open".into(),
            EventBody::Market(Tick { body: TickBody::Candle { .. }, .. }) => "close".into(),
            EventBody::Market(_) => "market".into(),
            EventBody::Order { update: OrderUpdate::Accepted, id, .. } => {
                format!("accepted {}", id.number)
            }
            EventBody::Order { update: OrderUpdate::Filled { .. }, id, .. } => {
                format!("filled {}", id.number)
            }
            EventBody::Order { .. } => "order".into(),
            EventBody::Account(AccountUpdate::Wallet { .. }) => "wallet".into(),
            EventBody::Account(_) => "leverage".into(),
            EventBody::Timer { .. } => "timer".into(),
            EventBody::Operator(operator) => operator.code().into(),
            EventBody::Condition(_) => "condition".into(),
            EventBody::Memory(_) => "memory".into(),
        });
        Ok(())
    }

    fn command(&mut self, _: Nanos, command: &Command) -> Result<(), Self::Error> {
        match command {
            Command::Submit { .. } if self.refuse_orders => return Err("not synced"),
            Command::Submit { order } => self.lines.push(format!("> {}", order.reason)),
            Command::SetLeverage { .. } => self.lines.push("> leverage".into()),
            Command::Cancel { .. } => self.lines.push("> cancel".into()),
            Command::WakeAt { .. } => {}
        }
        Ok(())
    }

    fn notice(&mut self, _: Nanos, seq: u64, notice: &Notice) {
        let last = self.events.last().map(|event| event.seq);
        assert_eq!(last, Some(seq), "told while the last event is applied");
        if let Notice::Filled { .. } = notice {
            self.lines.push("! filled".into());
        }
    }

    fn fault(&mut self, _: Nanos, fault: &Fault) -> Result<(), Self::Error> {
        self.faults.push(*fault);
        Ok(())
    }
}

fn instrument() -> Instrument {
    Instrument {
        symbol: A,
        name: "GENAUSDT".into(),
        tick: "0.01".parse().unwrap(),
        step: "0.001".parse().unwrap(),
        qty_min: "0.001".parse().unwrap(),
        qty_max: Qty::whole(1_000),
        notional_min: Money::whole(5),
        taker_fee: Rate::ZERO,
        maker_fee: Rate::ZERO,
        liquidation_fee: Rate::ZERO,
        funding_interval: Nanos::HOUR.times(8),
        brackets: vec![Bracket {
            floor: Money::ZERO,
            cap: Money::MAX,
            rate: "0.01".parse().unwrap(),
            deduction: Money::ZERO,
            leverage_max: 50,
        }],
        origin: InstrumentOrigin::Derived,
    }
}

fn driver() -> Driver<Simple, Bull> {
    let config = EngineConfig { warm_up_bars: 3, ..EngineConfig::default() };
    let engine = Engine::with_brain(config, &[instrument()], Bull::default()).unwrap();
    Driver::new(engine, Simple::default())
}

fn minute(m: i64) -> Nanos {
    Nanos::from_civil(2025, 1, 6).after(Nanos::MINUTE.times(m))
}

fn tick(at: Nanos, body: TickBody) -> EventBody {
    EventBody::Market(Tick { symbol: A, derived: false, at, received_us: 0, body })
}

fn open(at: Nanos) -> EventBody {
    tick(at, TickBody::Open { px: Px::whole(100), funding: None })
}

fn close(at: Nanos) -> EventBody {
    let px = Px::whole(100);
    tick(at, TickBody::Candle { open: px, high: px, low: px, close: px, volume: 1.0 })
}

fn wallet() -> EventBody {
    EventBody::Account(AccountUpdate::Wallet { balance: Money::whole(10_000) })
}

/// Opens of minutes 0, 1 and 2 and their closes; the third close makes the signal.
fn to_the_signal(driver: &mut Driver<Simple, Bull>, diary: &mut Diary) {
    driver.start(minute(0), &[wallet()], diary).unwrap();
    for m in 0..3 {
        driver.step(minute(m), open(minute(m)), diary).unwrap();
        driver.step(minute(m + 1), close(minute(m + 1)), diary).unwrap();
    }
}

#[test]
fn answers_in_order_before_and_after_the_event() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    let split = diary.lines.iter().rposition(|line| line == "close").unwrap();
    assert_eq!(diary.lines[split..], ["close", "> leverage", "leverage", "> entry", "accepted 1"]);
    diary.lines.clear();
    driver.step(minute(3), open(minute(3)), &mut diary).unwrap();
    assert_eq!(
        diary.lines,
        // The wallet waited before the stop's acknowledgement came; the open comes last.
        [
            "filled 1",
            "> stop",
            "! filled",
            "wallet",
            "accepted 2",
            "> target",
            "accepted 3",
            "open"
        ]
    );
    assert!(driver.engine().positions().next().unwrap().protected);
    assert_eq!(driver.fault(), None);
}

#[test]
fn events_are_numbered_without_holes_and_dated_without_going_back() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    driver.step(minute(1), open(minute(1)), &mut diary).unwrap();
    assert_eq!(driver.now(), minute(3), "a late event is dated now");
    for (index, pair) in diary.events.windows(2).enumerate() {
        assert!(pair[0].at <= pair[1].at);
        assert_eq!(pair[0].seq, index as u64);
    }
    assert_eq!(driver.next_seq(), diary.events.len() as u64);
}

#[test]
fn timers_come_before_the_event_each_at_its_own_time() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    driver.step(minute(3), open(minute(3)), &mut diary).unwrap();
    // Of a filled, protected entry three wait: leverage, entry and stop deadline, and the hold.
    let next = driver.next_timer().unwrap();
    assert_eq!(next, minute(3).after(Nanos::SECOND.times(3)), "the stop's deadline");
    let waiting = driver.timers_waiting();
    diary.events.clear();
    driver.step(minute(60 * 9), close(minute(60 * 9)), &mut diary).unwrap();
    let timers: Vec<Nanos> = diary
        .events
        .iter()
        .filter(|event| matches!(event.body, EventBody::Timer { .. }))
        .map(|event| event.at)
        .collect();
    assert_eq!(timers.len(), waiting);
    assert!(timers.is_sorted());
    assert_eq!(timers[0], next);
    assert_eq!(*timers.last().unwrap(), minute(3).after(Nanos::HOUR.times(8)), "the time stop");
    let exits = diary.lines.iter().filter(|line| *line == "> time_stop").count();
    assert_eq!(exits, 1);
}

#[test]
fn advance_lets_timers_come_without_an_event() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    let due = driver.next_timer().unwrap();
    let before = driver.next_seq();
    driver.advance(Nanos(due.0 - 1), &mut diary).unwrap();
    assert_eq!(driver.next_seq(), before);
    driver.advance(due, &mut diary).unwrap();
    assert_eq!((driver.next_seq(), driver.now()), (before + 1, due));
}

#[test]
fn as_many_of_the_due_timers_come_as_are_asked_for() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    assert!(driver.timers_waiting() > 1);
    let before = diary.events.len();
    driver.advance_some(minute(10_000), 0, &mut diary).unwrap();
    assert_eq!(diary.events.len(), before);
    driver.advance_some(minute(10_000), 1, &mut diary).unwrap();
    let is_timer = |event: &&Event| matches!(event.body, EventBody::Timer { .. });
    assert_eq!(diary.events[before..].iter().filter(is_timer).count(), 1);
}

#[test]
fn a_refused_event_is_not_applied_and_a_refused_command_not_executed() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    to_the_signal(&mut driver, &mut diary);
    diary.refuse_event = Some(driver.next_seq());
    let price = driver.engine().last_price(A);
    let body = tick(
        minute(4),
        TickBody::Trade { px: Px::whole(200), qty: Qty::whole(1), id: 1, buyer_is_maker: false },
    );
    assert_eq!(driver.step(minute(3), body, &mut diary), Err("disk full"));
    assert_eq!(driver.engine().last_price(A), price);

    let (mut driver, mut diary) = (self::driver(), Diary::default());
    diary.refuse_orders = true;
    driver.start(minute(0), &[wallet()], &mut diary).unwrap();
    for m in 1..3 {
        driver.step(minute(m), close(minute(m)), &mut diary).unwrap();
    }
    assert_eq!(driver.step(minute(3), close(minute(3)), &mut diary), Err("not synced"));
    assert!(driver.venue().resting.is_empty());
}

#[test]
fn a_noisy_venue_is_a_visible_fault_and_loses_nothing() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    driver.venue_mut().noise = ROUNDS_MAX as usize + 10;
    driver.step(minute(0), open(minute(0)), &mut diary).unwrap();
    let fault = Fault::NotQuiet { waiting: 10 };
    assert_eq!((driver.fault(), &diary.faults[..1]), (Some(fault), &[fault][..]));
    driver.venue_mut().noise = 0;
    driver.step(minute(1), open(minute(1)), &mut diary).unwrap();
    let told = diary.lines.iter().filter(|line| *line == "leverage").count();
    assert_eq!(told, ROUNDS_MAX as usize + 10);
    assert!(fault.to_string().contains("10 answers wait"));
}

#[test]
fn answers_beyond_the_queue_are_a_visible_fault() {
    let (mut driver, mut diary) = (driver(), Diary::default());
    driver.venue_mut().noise = aegis_driver::QUEUE_MAX + 1;
    driver.step(minute(0), open(minute(0)), &mut diary).unwrap();
    assert_eq!(diary.faults[0], Fault::QueueFull { dropped: 1 });
}

#[test]
fn the_same_events_give_the_same_history() {
    let history = || {
        let (mut driver, mut diary) = (driver(), Diary::default());
        to_the_signal(&mut driver, &mut diary);
        for m in 3..500 {
            driver.step(minute(m), open(minute(m)), &mut diary).unwrap();
            if m == 400 {
                driver.step(minute(m), EventBody::Operator(Operator::Flatten), &mut diary).unwrap();
            }
            driver.step(minute(m + 1), close(minute(m + 1)), &mut diary).unwrap();
        }
        assert_eq!(driver.fault(), None);
        (diary.lines, diary.events)
    };
    let (lines, events) = history();
    assert!(lines.iter().any(|line| line == &format!("> {}", OrderReason::Flatten)));
    assert_eq!(history(), (lines, events));
}

#[test]
fn nobody_may_watch() {
    let mut driver = driver();
    driver.start(minute(0), &[wallet()], &mut ()).unwrap();
    driver.step(minute(0), open(minute(0)), &mut ()).unwrap();
    assert_eq!(driver.next_seq(), 2);
}
