//! Random orders over random candles. Whatever is sent:
//!
//! 1. every fill is at a price the data showed: in the candle judged, or at an open at that open or
//!    inside the candle closed just before; and its venue time is in the minute it happened in;
//! 2. the wallet is deposits + realised − fees + funding, exactly, as reckoned from the answers;
//! 3. a position is the sum of its fills, and when it is closed its fills' notionals are what was
//!    realised, exactly;
//! 4. cost never exceeds margin × leverage; nothing stays reserved without an order;
//! 5. a limit order never fills worse than its price, a stop never better than its trigger;
//!    reduce-only never opens; an accepted order ends exactly once; no fill exceeds its order;
//! 6. the same seed gives the same answers.

use crate::world::{instrument, px};
use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_types::{
    AccountUpdate, ClientOrderId, Command, EventBody, Fill, FillReason, Money, Nanos, Order,
    OrderReason, OrderType, OrderUpdate, Px, Qty, Rate, Side, SymbolId, Tick, TickBody, Venue,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SYMBOLS: u16 = 2;

/// A minute of one symbol in ticks of 0.1: gap from the last close, then body and wicks.
#[derive(Clone, Copy, Debug)]
struct Shape {
    gap: i64,
    body: i64,
    up: i64,
    down: i64,
    funding: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Order { kind: OrderType, side: Side, reduce_only: bool, thousandths: i64, away: i64 },
    Cancel { back: u32 },
    Leverage(u16),
}

/// One symbol's minute: what is sent before its open, what after it, and its shape.
#[derive(Clone, Debug)]
struct Minute {
    on_close: Vec<(u16, Act)>,
    on_open: Vec<(u16, Act)>,
    shapes: [Shape; SYMBOLS as usize],
    shows_opens: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    let gap = prop_oneof![8 => -2i64..=2, 1 => -120i64..=120];
    let funding = prop_oneof![9 => Just(None), 1 => (-300_000i64..=300_000).prop_map(Some)];
    (gap, -30i64..=30, 0i64..=40, 0i64..=40, funding)
        .prop_map(|(gap, body, up, down, funding)| Shape { gap, body, up, down, funding })
}

fn act() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![
        3 => Just(OrderType::Market),
        2 => Just(OrderType::Limit),
        3 => Just(OrderType::StopMarket),
        2 => Just(OrderType::TakeProfitMarket),
    ];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let order = (kind, side, any::<bool>(), 1i64..=60_000, -60i64..=60).prop_map(
        |(kind, side, reduce_only, thousandths, away)| Act::Order {
            kind,
            side,
            reduce_only,
            thousandths,
            away,
        },
    );
    prop_oneof![
        8 => order,
        1 => (0u32..6).prop_map(|back| Act::Cancel { back }),
        1 => (1u16..=60).prop_map(Act::Leverage),
    ]
}

fn minute() -> impl Strategy<Value = Minute> {
    let acts = || prop::collection::vec((0..SYMBOLS, act()), 0..3);
    let shown = prop_oneof![9 => Just(true), 1 => Just(false)];
    (acts(), acts(), [shape(), shape()], shown).prop_map(
        |(on_close, on_open, shapes, shows_opens)| Minute {
            on_close,
            on_open,
            shapes,
            shows_opens,
        },
    )
}

/// What the auditor knows of one order.
#[derive(Clone, Copy, Debug)]
struct Sent {
    order: Order,
    filled: Qty,
    ended: bool,
}

/// Signed quantity and cash flow of a symbol since it was flat.
#[derive(Clone, Copy, Debug, Default)]
struct Book {
    qty: i128,
    cash: i128,
    realized: i128,
}

/// Prices at which a fill would be right now: exact ones, and a range.
#[derive(Clone, Copy, Debug)]
struct Shown {
    exact: Px,
    range: Option<(Px, Px)>,
    minute: Nanos,
}

struct Auditor {
    exchange: Exchange,
    now: Nanos,
    number: u32,
    orders: BTreeMap<ClientOrderId, Sent>,
    books: [Book; SYMBOLS as usize],
    wallet: i128,
    insurance: i128,
    answers: Vec<EventBody>,
    log: Vec<EventBody>,
}

fn notional(fill: &Fill) -> i128 {
    i128::from((fill.px * fill.qty).unwrap().raw())
}

impl Auditor {
    fn new(config: ExchangeConfig) -> Self {
        let wallet = i128::from(config.balance.raw());
        let exchange = Exchange::new(config, &[instrument(0), instrument(1)]).unwrap();
        Self {
            exchange,
            now: Nanos::ZERO,
            number: 0,
            orders: BTreeMap::new(),
            books: [Book::default(); SYMBOLS as usize],
            wallet,
            insurance: 0,
            answers: Vec::new(),
            log: Vec::new(),
        }
    }

    fn show(&mut self, symbol: u16, body: TickBody, shown: Shown) {
        let symbol = SymbolId(symbol);
        let tick = Tick { symbol, derived: false, at: self.now, received_us: 0, body };
        self.exchange.on_market(self.now, &tick, &mut self.answers);
        self.audit(Some(shown));
    }

    /// `shown` at an open that is still the newest price: a market order fills there at once.
    fn act(&mut self, symbol: u16, act: Act, last: Px, shown: Option<Shown>) {
        let symbol = SymbolId(symbol);
        let command = match act {
            Act::Order { kind, side, reduce_only, thousandths, away } => {
                self.number += 1;
                let level = Px::from_raw(last.raw() + away * px("0.1").raw());
                let limit = kind == OrderType::Limit;
                let order = Order {
                    id: ClientOrderId { session: 1, number: self.number },
                    symbol,
                    side,
                    kind,
                    reason: OrderReason::Entry,
                    reduce_only,
                    qty: Qty::from_raw(thousandths * 100_000),
                    price: if limit { level } else { Px::ZERO },
                    trigger: if limit || kind == OrderType::Market { Px::ZERO } else { level },
                };
                self.orders.insert(order.id, Sent { order, filled: Qty::ZERO, ended: false });
                Command::Submit { order }
            }
            Act::Cancel { back } => {
                let number = self.number.saturating_sub(back);
                Command::Cancel { id: ClientOrderId { session: 1, number }, symbol }
            }
            Act::Leverage(leverage) => Command::SetLeverage { symbol, leverage },
        };
        self.exchange.execute(self.now, &command, &mut self.answers);
        self.audit_command(&command, shown);
    }

    /// Answers to a command: a fill only to a market order at an open, after its acceptance; and
    /// the refusal of a cancel ends no order.
    fn audit_command(&mut self, command: &Command, shown: Option<Shown>) {
        let market =
            matches!(command, Command::Submit { order } if order.kind == OrderType::Market);
        let executed = if market && self.answers.len() > 1 {
            assert!(shown.is_some(), "{:?}", self.answers);
            self.answers.split_off(1)
        } else {
            Vec::new()
        };
        for answer in std::mem::take(&mut self.answers) {
            match answer {
                EventBody::Order { id, update, .. } => match (command, update) {
                    (Command::Submit { .. }, OrderUpdate::Accepted) => {}
                    (Command::Submit { .. }, OrderUpdate::Rejected { .. })
                    | (Command::Cancel { .. }, OrderUpdate::Canceled) => self.end(id),
                    (Command::Cancel { .. }, OrderUpdate::Rejected { .. }) => {}
                    other => panic!("{other:?}"),
                },
                EventBody::Account(AccountUpdate::Leverage { .. }) => {}
                other => panic!("{other:?}"),
            }
            self.log.push(answer);
        }
        self.answers = executed;
        self.audit(shown);
    }

    fn end(&mut self, id: ClientOrderId) {
        let sent = self.orders.get_mut(&id).unwrap();
        assert!(!sent.ended, "{sent:?} ended twice");
        sent.ended = true;
    }

    fn audit(&mut self, shown: Option<Shown>) {
        for answer in std::mem::take(&mut self.answers) {
            match answer {
                EventBody::Order { update: OrderUpdate::Filled { fill }, .. } => {
                    self.fill(&fill, shown.expect("fills follow the market only"));
                }
                EventBody::Order { id, update: OrderUpdate::Expired, .. } => self.end(id),
                EventBody::Account(AccountUpdate::Wallet { balance }) => {
                    assert_eq!(i128::from(balance.raw()), self.wallet);
                }
                EventBody::Account(AccountUpdate::Funding { symbol, amount, rate, mark }) => {
                    let book = self.books[symbol.index()];
                    assert_ne!(book.qty, 0, "funding without a position");
                    let paid = f64::from(u8::from(book.qty > 0)) * 2.0 - 1.0;
                    let size = book.qty.unsigned_abs() as f64 / 1e8;
                    let expected = -paid * size * mark.to_f64() * rate.to_f64();
                    assert!((amount.to_f64() - expected).abs() < 1e-6);
                    self.wallet += i128::from(amount.raw());
                }
                other => panic!("{other:?}"),
            }
            self.log.push(answer);
        }
        self.balance();
    }

    fn fill(&mut self, fill: &Fill, shown: Shown) {
        let inside = shown.range.is_some_and(|(low, high)| low <= fill.px && fill.px <= high);
        assert!(fill.px == shown.exact || inside, "{fill:?} at {shown:?}");
        assert_eq!(fill.venue_time.floor(Nanos::MINUTE), shown.minute, "{fill:?}");
        let book = &mut self.books[fill.symbol.index()];
        let before = book.qty;
        let sign = i128::from(fill.side.sign());
        book.qty += sign * i128::from(fill.qty.raw());
        book.cash -= sign * notional(fill);
        book.realized += i128::from(fill.realized.raw());
        self.wallet += i128::from(fill.realized.raw()) - i128::from(fill.fee.raw());
        if fill.reason == FillReason::Liquidated {
            assert_eq!((fill.order.number, book.qty), (0, 0));
            let total = i128::from(self.exchange.ledger().insurance.raw());
            book.realized -= total - self.insurance;
            self.insurance = total;
        } else {
            let sent = self.orders.get_mut(&fill.order).unwrap();
            assert!(!sent.ended && sent.order.side == fill.side);
            let bound = match sent.order.kind {
                OrderType::Limit => (sent.order.price.raw() - fill.px.raw()) * fill.side.sign(),
                OrderType::StopMarket => {
                    (fill.px.raw() - sent.order.trigger.raw()) * fill.side.sign()
                }
                OrderType::Market | OrderType::TakeProfitMarket => 0,
            };
            assert!(bound >= 0, "limits never worse, stops never better: {sent:?} {fill:?}");
            sent.filled = sent.filled.plus(fill.qty).unwrap();
            assert_eq!(sent.order.qty.minus(sent.filled), Ok(fill.leaves));
            sent.ended = fill.leaves.is_zero();
            if sent.order.reduce_only {
                let shrunk = book.qty.abs() < before.abs() && book.qty * before >= 0;
                assert!(shrunk, "{fill:?} from {before}");
            }
        }
        if book.qty == 0 {
            assert_eq!(book.cash, book.realized, "what came in less what went out");
            *book = Book::default();
        } else if before * book.qty < 0 {
            // Turned: the rest begins anew at this price.
            let rest = i128::from(Qty::from_raw(book.qty as i64).raw());
            let cash = -rest * i128::from(fill.px.raw()) / 100_000_000;
            assert_eq!(book.cash - cash, book.realized);
            *book = Book { qty: rest, cash, realized: 0 };
        }
    }

    fn balance(&self) {
        let ledger = self.exchange.ledger();
        assert_eq!(i128::from(ledger.wallet().unwrap().raw()), self.wallet);
        assert_eq!(self.exchange.wallet(), ledger.wallet().unwrap());
        let mut bound = Money::ZERO;
        for symbol in 0..SYMBOLS {
            let id = SymbolId(symbol);
            let held = self.exchange.position(id);
            let signed = held.map_or(0, |p| i128::from(p.qty.raw() * p.side.sign()));
            assert_eq!(signed, self.books[id.index()].qty);
            for resting in self.exchange.orders(id) {
                bound = bound.plus(resting.reserved).unwrap();
                assert!(!self.orders[&resting.order.id].ended);
            }
            if let Some(held) = held {
                let cap = i128::from(held.margin.raw()) * i128::from(self.exchange.leverage(id));
                assert!(i128::from(held.cost.raw()) <= cap, "{held:?}");
                bound = bound.plus(held.margin).unwrap();
            }
        }
        assert_eq!(self.exchange.available(), self.exchange.wallet().minus(bound));
        let open: usize = (0..SYMBOLS).map(|s| self.exchange.orders(SymbolId(s)).len()).sum();
        assert_eq!(open, self.orders.values().filter(|sent| !sent.ended).count());
    }

    fn play(&mut self, minutes: &[Minute]) {
        let tick = px("0.1").raw();
        let mut last = [10_000i64; SYMBOLS as usize];
        let mut range: [Option<(Px, Px)>; SYMBOLS as usize] = [None; SYMBOLS as usize];
        let at = |ticks: i64| Px::from_raw(ticks * tick);
        for minute in minutes {
            for (symbol, act) in &minute.on_close {
                self.act(*symbol, *act, at(last[usize::from(*symbol)]), None);
            }
            let mut candles = Vec::new();
            let before = range;
            for symbol in 0..SYMBOLS {
                let index = usize::from(symbol);
                let shape = minute.shapes[index];
                let open = (last[index] + shape.gap).max(100);
                let close = (open + shape.body).max(100);
                let (high, low) =
                    (open.max(close) + shape.up, (open.min(close) - shape.down).max(50));
                candles.push((at(open), at(high), at(low), at(close)));
                last[index] = close;
                if minute.shows_opens {
                    let exact = at(open);
                    let shown = Shown { exact, range: range[index], minute: self.now };
                    let funding = shape.funding.map(Rate::from_raw);
                    self.show(symbol, TickBody::Open { px: exact, funding }, shown);
                }
                range[index] = Some((at(low), at(high)));
            }
            for (symbol, act) in &minute.on_open {
                let index = usize::from(*symbol);
                let exact = candles[index].0;
                let shown = Shown { exact, range: before[index], minute: self.now };
                self.act(*symbol, *act, exact, minute.shows_opens.then_some(shown));
            }
            let minute = self.now;
            self.now = self.now.after(Nanos::MINUTE);
            for (symbol, (open, high, low, close)) in (0..SYMBOLS).zip(candles) {
                let shown = Shown { exact: open, range: Some((low, high)), minute };
                self.show(symbol, TickBody::Candle { open, high, low, close, volume: 1.0 }, shown);
            }
        }
    }
}

fn config(seed: u64) -> ExchangeConfig {
    ExchangeConfig { seed, slippage_bps: 8.0, orders_per_symbol: 6, ..ExchangeConfig::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn the_invariants_hold(minutes in prop::collection::vec(minute(), 1..60), seed: u64) {
        let mut auditor = Auditor::new(config(seed));
        auditor.play(&minutes);
        let mut again = Auditor::new(config(seed));
        again.play(&minutes);
        prop_assert_eq!(auditor.log, again.log);
    }
}

/// The scripts above must reach what they are about; counted over fixed scripts.
#[test]
fn the_scripts_reach_every_kind_of_fill() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    for seed in 0..200 {
        let script = prop::collection::vec(minute(), 60..61).new_tree(&mut runner).unwrap();
        let mut auditor = Auditor::new(config(seed));
        auditor.play(&script.current());
        for answer in &auditor.log {
            if let EventBody::Order { update: OrderUpdate::Filled { fill }, .. } = answer {
                *seen.entry(fill.reason).or_insert(0) += 1;
            }
        }
    }
    // The last two come from other accounts, of which there are none here.
    let others = [FillReason::Deleveraged, FillReason::Manual];
    for reason in FillReason::ALL.iter().filter(|reason| !others.contains(reason)) {
        assert!(seen.get(reason).is_some_and(|n| *n >= 20), "{reason}: {seen:?}");
    }
}
