//! The wire's venue and the one inside the brain are one: on the same candles and the same orders a
//! one-way account with isolated margin gets the same fills (price, quantity, fee, profit, in the
//! same order), the same refusals, the same positions with the same margin and liquidation price,
//! and the same wallet. That is what lets a demo over sockets decide as a demo in one process.
//!
//! Both see every fact; orders are sent on a close, as the engine sends them, at the instant of an
//! open, and protections also inside a minute. A limit order goes to the candle venue before the
//! open, to the other after it. After every fact both hold the same conditional orders, also those
//! that a closed position has left.

use crate::world::{expired, fills, instrument, px};
use aegis_exchange::futures::{
    AccountConfig, AccountId, AlgoKind, AlgoRequest, ClientId, ExecutionKind, FuturesConfig,
    MarginType, OrderKey, OrderRequest, Report, SymbolRules,
};
use aegis_exchange::{Exchange, ExchangeConfig, Futures, RestingOrder};
use aegis_types::{
    ClientOrderId, Command, EventBody, Fill, Money, Nanos, Order, OrderReason, OrderType,
    OrderUpdate, Px, Qty, Rate, Side, SymbolId, Tick, TickBody, Venue,
};
use proptest::prelude::*;

const SYMBOLS: u16 = 2;
const ME: AccountId = AccountId(0);

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
    Market { side: Side, thousandths: i64 },
    Close { thousandths: i64 },
    Protect { target: bool, whole: bool, away: i64 },
    Enter { side: Side, away: i64 },
    Limit { side: Side, thousandths: i64, away: i64 },
    Cancel { back: u32 },
    Leverage(u16),
}

#[derive(Clone, Debug)]
struct Minute {
    on_close: Vec<(u16, Act)>,
    at_open: Vec<(u16, Act)>,
    inside: Vec<(u16, Act)>,
    shapes: [Shape; SYMBOLS as usize],
    shows_opens: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    let gap = prop_oneof![8 => -2i64..=2, 1 => -120i64..=120];
    let funding = prop_oneof![9 => Just(None), 1 => (-300_000i64..=300_000).prop_map(Some)];
    (gap, -30i64..=30, 0i64..=40, 0i64..=40, funding)
        .prop_map(|(gap, body, up, down, funding)| Shape { gap, body, up, down, funding })
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (side(), 1i64..=60_000).prop_map(|(side, thousandths)| Act::Market {
            side,
            thousandths
        }),
        1 => (1i64..=60_000).prop_map(|thousandths| Act::Close { thousandths }),
        4 => (any::<bool>(), any::<bool>(), 1i64..=80)
            .prop_map(|(target, whole, away)| Act::Protect { target, whole, away }),
        1 => (side(), 1i64..=80).prop_map(|(side, away)| Act::Enter { side, away }),
        2 => (side(), 1i64..=4_000, -60i64..=60)
            .prop_map(|(side, thousandths, away)| Act::Limit { side, thousandths, away }),
        1 => (0u32..6).prop_map(|back| Act::Cancel { back }),
        1 => (1u16..=75).prop_map(Act::Leverage),
    ]
}

fn minute() -> impl Strategy<Value = Minute> {
    let acts = || prop::collection::vec((0..SYMBOLS, act()), 0..4);
    let shown = prop_oneof![9 => Just(true), 1 => Just(false)];
    (acts(), acts(), acts(), [shape(), shape()], shown).prop_map(
        |(on_close, at_open, inside, shapes, shows_opens)| Minute {
            on_close,
            at_open,
            inside,
            shapes,
            shows_opens,
        },
    )
}

/// A fill as both venues can state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    number: u32,
    symbol: SymbolId,
    side: Side,
    px: Px,
    qty: Qty,
    fee: Money,
    realized: Money,
    maker: bool,
}

fn filled(answers: &[EventBody], id: ClientOrderId) -> bool {
    fills(answers).iter().any(|fill| fill.order == id)
}

struct Twins {
    inner: Exchange,
    wire: Futures,
    now: Nanos,
    number: u32,
    answers: Vec<EventBody>,
    reports: Vec<Report>,
    fills: Vec<Fill>,
}

impl Twins {
    fn new(seed: u64) -> Self {
        let config = ExchangeConfig {
            seed,
            slippage_bps: 8.0,
            orders_per_symbol: 200,
            leverage_default: 10,
            ..ExchangeConfig::default()
        };
        let instruments = [instrument(0), instrument(1)];
        let rules = instruments
            .iter()
            .map(|instrument| SymbolRules {
                percent_up: Rate::whole(100),
                percent_down: Rate::ZERO,
                ..SymbolRules::of(instrument)
            })
            .collect();
        let futures = FuturesConfig { seed, slippage_bps: 8.0, ..FuturesConfig::default() };
        let mut wire = Futures::new(futures, rules).unwrap();
        let account = AccountConfig {
            margin_type: MarginType::Isolated,
            leverage: Some(10),
            ..AccountConfig::default()
        };
        assert_eq!(wire.open_account(Nanos::ZERO, account), Ok(ME));
        Self {
            inner: Exchange::new(config, &instruments).unwrap(),
            wire,
            now: Nanos::ZERO,
            number: 0,
            answers: Vec::new(),
            reports: Vec::new(),
            fills: Vec::new(),
        }
    }

    fn text(number: u32) -> ClientId {
        ClientOrderId { session: 1, number }.text()
    }

    /// The same fills on both sides since the last comparison, and the same account after them.
    fn compare(&mut self) {
        let inner: Vec<Seen> = fills(&self.answers)
            .iter()
            .map(|fill| Seen {
                number: fill.order.number,
                symbol: fill.symbol,
                side: fill.side,
                px: fill.px,
                qty: fill.qty,
                fee: fill.fee,
                realized: fill.realized,
                maker: fill.maker,
            })
            .collect();
        let wire: Vec<Seen> = self
            .reports
            .iter()
            .filter_map(|report| match report {
                Report::Order(report)
                    if matches!(
                        report.execution,
                        ExecutionKind::Trade | ExecutionKind::Calculated
                    ) =>
                {
                    let id = ClientOrderId::parse(report.order.client_id.as_str());
                    Some(Seen {
                        number: id.map_or(0, |id| id.number),
                        symbol: report.order.symbol,
                        side: report.order.side,
                        px: report.last_px,
                        qty: report.last_qty,
                        fee: report.fee,
                        realized: report.realized,
                        maker: report.maker,
                    })
                }
                _ => None,
            })
            .collect();
        assert_eq!(inner, wire, "at {:?}:\n{:?}\n{:?}", self.now, self.answers, self.reports);
        self.fills.extend(fills(&self.answers));
        self.answers.clear();
        self.reports.clear();
        for symbol in (0..SYMBOLS).map(SymbolId) {
            let conditional = |o: &&RestingOrder| {
                matches!(o.order.kind, OrderType::StopMarket | OrderType::TakeProfitMarket)
            };
            let orders = self.inner.orders(symbol).iter().filter(conditional);
            let inner: Vec<ClientId> = orders.map(|open| open.order.id.text()).collect();
            let algos = self.wire.open_algos(ME, Some(symbol)).unwrap();
            let wire: Vec<ClientId> = algos.iter().map(|algo| algo.client_id).collect();
            assert_eq!(inner, wire, "at {:?}", self.now);
        }
        assert_eq!(self.inner.wallet(), self.wire.account(ME).unwrap().wallet);
        let (ledger, wire) = (self.inner.ledger(), self.wire.ledger(ME).unwrap());
        assert_eq!(ledger.fees, wire.fees.plus(wire.liquidation_fees).unwrap());
        let same = (ledger.realized, ledger.funding, ledger.insurance);
        assert_eq!(same, (wire.realized, wire.funding, wire.insurance));
        for symbol in (0..SYMBOLS).map(SymbolId) {
            let held = self.inner.position(symbol);
            let other = self.wire.positions(ME, Some(symbol)).unwrap()[0];
            let signed = held.map_or(0, |held| held.qty.raw() * held.side.sign());
            assert_eq!(signed, other.qty.raw());
            assert_eq!(held.map_or(Px::ZERO, |held| held.entry_px()), other.entry_px);
            assert_eq!(held.map_or(Money::ZERO, |held| held.margin), other.isolated_wallet);
            assert_eq!(held.and_then(|held| held.liquidation), other.liquidation);
        }
    }

    fn show(&mut self, symbol: u16, body: TickBody) {
        let symbol = SymbolId(symbol);
        let tick = Tick { symbol, derived: false, at: self.now, received_us: 0, body };
        self.inner.on_market(self.now, &tick, &mut self.answers);
        self.wire.on_market(self.now, &tick, &mut self.reports);
        self.compare();
    }

    fn order(&mut self, symbol: SymbolId, kind: OrderType, side: Side, qty: Qty) -> Order {
        self.number += 1;
        Order {
            id: ClientOrderId { session: 1, number: self.number },
            symbol,
            side,
            kind,
            reason: OrderReason::Entry,
            reduce_only: false,
            qty,
            price: Px::ZERO,
            trigger: Px::ZERO,
        }
    }

    /// Sends to the candle venue; was it taken?
    fn inner(&mut self, order: Order) -> bool {
        let mut answers = Vec::new();
        self.inner.execute(self.now, &Command::Submit { order }, &mut answers);
        let taken = matches!(answers[0], EventBody::Order { update: OrderUpdate::Accepted, .. });
        self.answers.extend(answers);
        taken
    }

    /// A stop that opens binds margin here from the start, there from its trigger on: nothing else
    /// that binds margin is sent meanwhile.
    fn is_entering(&self) -> bool {
        (0..SYMBOLS).any(|symbol| {
            let mut orders = self.inner.orders(SymbolId(symbol)).iter();
            orders.any(|o| o.order.kind == OrderType::StopMarket && !o.order.reduce_only)
        })
    }

    fn market(&mut self, symbol: SymbolId, side: Side, qty: Qty, reduce_only: bool) {
        let order = self.order(symbol, OrderType::Market, side, qty);
        let taken = self.inner(Order { reduce_only, ..order });
        let request = OrderRequest {
            reduce_only,
            client_id: Some(Self::text(self.number)),
            ..OrderRequest::market(symbol, side, qty)
        };
        let placed = self.wire.place(self.now, ME, &request, &mut self.reports);
        assert_eq!(taken, placed.is_ok(), "{request:?}: {placed:?}\n{:?}", self.answers);
        self.compare();
    }

    fn conditional(&mut self, order: Order, close_position: bool) {
        let taken = self.inner(order);
        let kind = match order.kind {
            OrderType::StopMarket => AlgoKind::StopMarket,
            _ => AlgoKind::TakeProfitMarket,
        };
        let request = AlgoRequest {
            qty: if close_position { Qty::ZERO } else { order.qty },
            reduce_only: order.reduce_only && !close_position,
            close_position,
            client_id: Some(Self::text(self.number)),
            ..AlgoRequest::conditional(order.symbol, kind, order.side, order.trigger)
        };
        let placed = self.wire.place_algo(self.now, ME, &request, &mut self.reports);
        assert_eq!(taken, placed.is_ok(), "{request:?}: {placed:?}\n{:?}", self.answers);
        self.compare();
    }

    fn act(&mut self, symbol: u16, act: Act, last: Px, at_open: bool) {
        let symbol = SymbolId(symbol);
        let ticks = |n: i64| Px::from_raw(last.raw() + n * px("0.1").raw());
        let held = self.inner.position(symbol).copied();
        match act {
            Act::Market { side, thousandths } if at_open && !self.is_entering() => {
                self.market(symbol, side, Qty::from_raw(thousandths * 100_000), false);
            }
            Act::Close { thousandths } if at_open => {
                let side = held.map_or(Side::Sell, |held| held.side.opposite());
                self.market(symbol, side, Qty::from_raw(thousandths * 100_000), true);
            }
            Act::Protect { target, whole, away } => {
                let Some(held) = held else { return };
                let kind = if target { OrderType::TakeProfitMarket } else { OrderType::StopMarket };
                let side = held.side.opposite();
                let sign = if target { held.side.sign() } else { side.sign() };
                let half = Qty::from_raw((held.qty.raw() / 200_000).max(1) * 100_000);
                let qty = if whole { held.qty } else { half };
                let order = self.order(symbol, kind, side, qty);
                let trigger = ticks(away * sign);
                self.conditional(Order { reduce_only: true, trigger, ..order }, false);
            }
            Act::Enter { side, away } => {
                let all = (0..SYMBOLS).all(|s| self.inner.orders(SymbolId(s)).is_empty());
                let rich = self.inner.available().unwrap() > Money::whole(2_000);
                if all && rich && held.is_none() {
                    let qty = Qty::whole(1);
                    let order = self.order(symbol, OrderType::StopMarket, side, qty);
                    let trigger = ticks(away * side.sign());
                    self.conditional(Order { trigger, ..order }, false);
                }
            }
            Act::Cancel { back } => {
                let number = self.number.saturating_sub(back);
                let id = ClientOrderId { session: 1, number };
                let cancel = Command::Cancel { id, symbol };
                self.inner.execute(self.now, &cancel, &mut self.answers);
                let key = OrderKey::Client(Self::text(number));
                let found = self.wire.open_algos(ME, Some(symbol)).unwrap();
                if found.iter().any(|algo| algo.client_id == Self::text(number)) {
                    self.wire.cancel_algo(self.now, ME, key, &mut self.reports).unwrap();
                } else {
                    let _ = self.wire.cancel(self.now, ME, symbol, key, &mut self.reports);
                }
                self.compare();
            }
            Act::Leverage(leverage) => {
                if held.is_none() && self.inner.orders(symbol).is_empty() {
                    let command = Command::SetLeverage { symbol, leverage };
                    self.inner.execute(self.now, &command, &mut self.answers);
                    let set =
                        self.wire.set_leverage(self.now, ME, symbol, leverage, &mut self.reports);
                    assert_eq!(set.map(|set| set.leverage), Ok(self.inner.leverage(symbol)));
                }
            }
            Act::Market { .. } | Act::Close { .. } | Act::Limit { .. } => {}
        }
    }

    /// A limit order: here before the open, and the request that goes there after it.
    fn limit(&mut self, symbol: u16, act: Act, last: Px) -> Option<(ClientOrderId, OrderRequest)> {
        let Act::Limit { side, thousandths, away } = act else { return None };
        let symbol = SymbolId(symbol);
        // One at a time, and alone: which of several is first at an open depends on all of them.
        // And with money to spare: there it is checked after what the open has taken.
        let rich = self.inner.available().unwrap() > Money::whole(6_000);
        if !rich || !self.inner.orders(symbol).is_empty() || self.is_entering() {
            return None;
        }
        let price = Px::from_raw(last.raw() + away * px("0.1").raw());
        let qty = Qty::from_raw(thousandths * 100_000);
        let order = self.order(symbol, OrderType::Limit, side, qty);
        let taken = self.inner(Order { price, ..order });
        let request = OrderRequest {
            client_id: Some(Self::text(self.number)),
            ..OrderRequest::limit(symbol, side, qty, price)
        };
        taken.then_some((order.id, request))
    }

    fn play(&mut self, minutes: &[Minute]) {
        let tick = px("0.1").raw();
        let at = |ticks: i64| Px::from_raw(ticks * tick);
        let mut last = [10_000i64; SYMBOLS as usize];
        for (number, minute) in minutes.iter().enumerate() {
            // Decided on a close: waits for the next open on both sides.
            for (symbol, act) in minute.on_close.iter().filter(|_| number > 0) {
                let close = at(last[usize::from(*symbol)]);
                self.act(
                    *symbol,
                    *act,
                    close,
                    matches!(act, Act::Market { .. } | Act::Close { .. }),
                );
            }
            let mut candles = Vec::new();
            for symbol in 0..SYMBOLS {
                let index = usize::from(symbol);
                let shape = minute.shapes[index];
                let mut requests = Vec::new();
                let shown = minute.shows_opens || number == 0;
                for (_, act) in minute.at_open.iter().filter(|(s, _)| *s == symbol && shown) {
                    requests.extend(self.limit(symbol, *act, at(last[index])));
                }
                let open = (last[index] + shape.gap).max(100);
                let close = (open + shape.body).max(100);
                let (high, low) =
                    (open.max(close) + shape.up, (open.min(close) - shape.down).max(50));
                candles.push((at(open), at(high), at(low), at(close)));
                last[index] = close;
                if shown {
                    let funding = shape.funding.map(Rate::from_raw);
                    let tick = Tick {
                        symbol: SymbolId(symbol),
                        derived: false,
                        at: self.now,
                        received_us: 0,
                        body: TickBody::Open { px: at(open), funding },
                    };
                    self.inner.on_market(self.now, &tick, &mut self.answers);
                    self.wire.on_market(self.now, &tick, &mut self.reports);
                    for (id, request) in requests {
                        // A liquidation at the open took it away here before it was there.
                        if expired(&self.answers, id) && !filled(&self.answers, id) {
                            continue;
                        }
                        let placed = self.wire.place(self.now, ME, &request, &mut self.reports);
                        assert!(placed.is_ok(), "{request:?}: {placed:?}");
                    }
                    self.compare();
                    for (_, act) in minute.at_open.iter().filter(|(s, _)| *s == symbol) {
                        self.act(symbol, *act, at(open), true);
                    }
                }
            }
            let opened = self.now;
            self.now = opened.after(Nanos::SECOND.times(30));
            for (symbol, act) in &minute.inside {
                self.act(*symbol, *act, candles[usize::from(*symbol)].0, false);
            }
            self.now = opened.after(Nanos::MINUTE);
            for (symbol, (open, high, low, close)) in (0..SYMBOLS).zip(candles) {
                self.show(symbol, TickBody::Candle { open, high, low, close, volume: 1.0 });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 999, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn both_venues_do_the_same(minutes in prop::collection::vec(minute(), 1..60), seed: u64) {
        Twins::new(seed).play(&minutes);
    }
}

/// The scripts above must reach what they are about; counted over fixed scripts.
#[test]
fn the_scripts_reach_every_kind_of_fill() {
    use aegis_types::FillReason;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..200 {
        let script = prop::collection::vec(minute(), 60..61).new_tree(&mut runner).unwrap();
        let mut twins = Twins::new(seed);
        twins.play(&script.current());
        for fill in &twins.fills {
            *seen.entry(fill.reason).or_insert(0) += 1;
        }
    }
    // The last two come from other accounts, of which there are none here.
    let others = [FillReason::Deleveraged, FillReason::Manual];
    for reason in FillReason::ALL.iter().filter(|reason| !others.contains(reason)) {
        assert!(seen.get(reason).is_some_and(|n| *n >= 20), "{reason}: {seen:?}");
    }
}
