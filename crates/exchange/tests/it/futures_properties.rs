//! Random accounts, requests and facts of every kind. Whatever happens:
//!
//! 1. wallet = deposits + realised − fees + funding − liquidation fees, exactly; each part is the
//!    sum of the incomes of its kind, and fees and profits are the sums of the trades;
//! 2. a position is the sum of its trades, and an account report shows it as it is;
//! 3. reduce-only, `closePosition` and closing orders of hedge mode never open and never turn;
//! 4. nothing is bound without an open order; an order is NEW once, ends once, and is never filled
//!    beyond its quantity or worse than its price; after its end nothing is told of it;
//! 5. client order ids are unique among the open orders of an account;
//! 6. the same facts and requests give the same reports.

use crate::futures_world::{S, client, cross, hedged, isolated};
use crate::world::{instrument, px};
use aegis_exchange::Futures;
use aegis_exchange::futures::{
    AccountConfig, AccountId, AlgoKind, AlgoRequest, AmendRequest, DepthUpdate, ExecutionKind,
    Filter, FuturesConfig, IncomeKind, OrderKey, OrderKind, OrderRequest, PositionSide, Report,
    SelfTrade, SymbolRules, TimeInForce, WorkingType,
};
use aegis_types::{Money, Nanos, Px, Qty, Rate, Side, Tick, TickBody};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Op {
    Place {
        side: Side,
        limit: Option<i64>,
        tif: usize,
        thousandths: i64,
        reduce: bool,
        long: bool,
        partial: bool,
        stp: usize,
    },
    Algo {
        kind: usize,
        side: Side,
        away: i64,
        thousandths: i64,
        close: bool,
        mark: bool,
        long: bool,
    },
    Amend {
        back: u64,
        away: i64,
        thousandths: i64,
    },
    Cancel {
        back: u64,
    },
    CancelAll,
    Leverage(u16),
    Margin(i64),
    Transfer(i64),
    Open(i64),
    Candle {
        body: i64,
        up: i64,
        down: i64,
    },
    Book {
        bid: i64,
        gap: i64,
        qty: i64,
    },
    Depth {
        away: i64,
        qty: i64,
        snapshot: bool,
    },
    Trade {
        away: i64,
        qty: i64,
        maker: bool,
    },
    Mark(i64),
    Funding(i64),
    Liquidate,
    Deleverage,
}

fn op() -> impl Strategy<Value = Op> {
    let side = || prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let yes = any::<bool>;
    let away = || -40i64..=40;
    let place = (
        side(),
        prop::option::of(away()),
        0usize..5,
        1i64..4_000,
        (yes(), yes(), yes()),
        0usize..4,
    )
        .prop_map(|(side, limit, tif, thousandths, (reduce, long, partial), stp)| Op::Place {
            side,
            limit,
            tif,
            thousandths,
            reduce: reduce && thousandths % 3 == 0,
            long,
            partial: partial && thousandths % 5 == 0,
            stp,
        });
    let algo = (0usize..5, side(), away(), 1i64..4_000, yes(), yes(), yes()).prop_map(
        |(kind, side, away, thousandths, close, mark, long)| Op::Algo {
            kind,
            side,
            away,
            thousandths,
            close,
            mark,
            long,
        },
    );
    let candle = (-60i64..=60, 0i64..40, 0i64..40).prop_map(|(body, up, down)| Op::Candle {
        body,
        up,
        down,
    });
    prop_oneof![
        12 => place,
        5 => algo,
        2 => (0u64..6, away(), 1i64..4_000).prop_map(|(back, away, thousandths)| Op::Amend {
            back, away, thousandths
        }),
        2 => (0u64..6).prop_map(|back| Op::Cancel { back }),
        1 => Just(Op::CancelAll),
        1 => (1u16..=75).prop_map(Op::Leverage),
        1 => (-200i64..200).prop_map(Op::Margin),
        1 => (-2_000i64..2_000).prop_map(Op::Transfer),
        3 => (-50i64..=50).prop_map(Op::Open),
        5 => candle,
        2 => (-20i64..=20, 1i64..5, 1i64..4_000).prop_map(|(bid, gap, qty)| Op::Book {
            bid, gap, qty
        }),
        2 => (away(), 0i64..4_000, yes()).prop_map(|(away, qty, snapshot)| Op::Depth {
            away, qty, snapshot
        }),
        3 => (-15i64..=15, 1i64..4_000, yes()).prop_map(|(away, qty, maker)| Op::Trade {
            away, qty, maker
        }),
        1 => (-100i64..=100).prop_map(Op::Mark),
        1 => (-200_000i64..=200_000).prop_map(Op::Funding),
        1 => Just(Op::Liquidate),
        1 => Just(Op::Deleverage),
    ]
}

const ACCOUNTS: usize = 4;

fn config(index: usize) -> AccountConfig {
    match index {
        0 => isolated(),
        1 => cross(),
        2 => hedged(),
        _ => AccountConfig { dual_side: true, ..cross() },
    }
}

type Held = BTreeMap<(AccountId, PositionSide), i64>;

struct Auditor {
    venue: Futures,
    now: Nanos,
    last: i64,
    candles_only: bool,
    number: u64,
    reports: Vec<Report>,
    held: Held,
    ended: BTreeSet<u64>,
    open: BTreeSet<u64>,
    log: Vec<Report>,
}

fn at(ticks: i64) -> Px {
    Px::from_raw(ticks.max(1) * px("0.1").raw())
}

fn thousandths(n: i64) -> Qty {
    Qty::from_raw(n * 100_000)
}

impl Auditor {
    fn new(seed: u64, candles_only: bool) -> Self {
        let config_of = FuturesConfig { seed, slippage_bps: 4.0, ..FuturesConfig::default() };
        let mut venue = Futures::new(config_of, vec![SymbolRules::of(&instrument(0))]).unwrap();
        for index in 0..ACCOUNTS {
            venue.open_account(Nanos::ZERO, config(index)).unwrap();
        }
        Self {
            venue,
            now: Nanos::ZERO,
            last: 1_000,
            candles_only,
            number: 0,
            reports: Vec::new(),
            held: Held::new(),
            ended: BTreeSet::new(),
            open: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    fn tick(&mut self, body: TickBody) {
        let tick = Tick { symbol: S, derived: false, at: self.now, received_us: 0, body };
        self.venue.on_market(self.now, &tick, &mut self.reports);
    }

    fn fact(&mut self, op: &Op) {
        match *op {
            Op::Open(gap) => {
                self.now = self.now.floor(Nanos::MINUTE).after(Nanos::MINUTE);
                self.last = (self.last + gap).max(200);
                self.tick(TickBody::Open { px: at(self.last), funding: None });
            }
            Op::Candle { body, up, down } => {
                self.now = self.now.floor(Nanos::MINUTE).after(Nanos::MINUTE);
                let (open, close) = (self.last, (self.last + body).max(200));
                let (high, low) = (open.max(close) + up, (open.min(close) - down).max(100));
                self.last = close;
                let (open, high, low, close) = (at(open), at(high), at(low), at(close));
                self.tick(TickBody::Candle { open, high, low, close, volume: 1.0 });
            }
            Op::Mark(away) => {
                let mark = at(self.last + away);
                let next_funding = self.now.after(Nanos::HOUR);
                let rate = Rate::from_raw(10_000);
                self.tick(TickBody::Mark { mark, index: mark, rate, next_funding });
            }
            _ if self.candles_only => {}
            Op::Book { bid, gap, qty } => {
                let bid = (self.last + bid).max(200);
                self.last = bid;
                let (bid, ask, q) = (at(bid), at(bid + gap), thousandths(qty));
                let body = TickBody::Book { bid, bid_qty: q, ask, ask_qty: q, update_id: 0 };
                self.tick(body);
            }
            Op::Depth { away, qty, snapshot } => {
                let level = |n: i64| (at(self.last + n), thousandths(qty));
                let below = [level(-1 - away.abs()), level(-3)];
                let above = [level(1 + away.abs()), level(2)];
                let update = DepthUpdate { snapshot, bids: &below, asks: &above };
                self.venue.on_depth(self.now, S, &update, &mut self.reports);
            }
            Op::Trade { away, qty, maker } => {
                self.last = (self.last + away).max(200);
                let (px, qty) = (at(self.last), thousandths(qty));
                self.tick(TickBody::Trade { px, qty, id: 0, buyer_is_maker: maker });
            }
            _ => {}
        }
    }

    fn place(&mut self, who: AccountId, op: &Op) {
        let Op::Place { side, limit, tif, thousandths: n, reduce, long, partial, stp } = *op else {
            return;
        };
        let dual = config(who.index()).dual_side;
        let position_side = match (dual, long) {
            (false, _) => PositionSide::Both,
            (true, true) => PositionSide::Long,
            (true, false) => PositionSide::Short,
        };
        // Now and then an id that is in use.
        let name = format!("a{}", if n % 17 == 0 { self.number / 2 } else { self.number });
        let base = match limit {
            Some(away) => OrderRequest::limit(S, side, thousandths(n), at(self.last + away)),
            None => OrderRequest::market(S, side, thousandths(n)),
        };
        let request = OrderRequest {
            position_side,
            time_in_force: TimeInForce::ALL[tif],
            reduce_only: reduce && !dual,
            client_id: Some(client(&name)),
            self_trade: SelfTrade::ALL[stp],
            good_till: self.now.after(Nanos::MINUTE.times(11)),
            partial: partial.then_some(Rate::from_raw(40_000_000)),
            ..base
        };
        let could = self.venue.check(self.now, who, &request);
        let placed = self.venue.place(self.now, who, &request, &mut self.reports);
        assert_eq!(could.err(), placed.err(), "the test order says the same");
    }

    fn algo(&mut self, who: AccountId, op: &Op) {
        let Op::Algo { kind, side, away, thousandths: n, close, mark, long } = *op else { return };
        let dual = config(who.index()).dual_side;
        let position_side = match (dual, long) {
            (false, _) => PositionSide::Both,
            (true, true) => PositionSide::Long,
            (true, false) => PositionSide::Short,
        };
        let kind = AlgoKind::ALL[kind];
        let close = close && matches!(kind, AlgoKind::StopMarket | AlgoKind::TakeProfitMarket);
        let trailing = kind == AlgoKind::TrailingStopMarket;
        let level = at(self.last + away);
        let request = AlgoRequest {
            position_side,
            qty: if close { Qty::ZERO } else { thousandths(n) },
            price: if kind.is_limit() { level } else { Px::ZERO },
            close_position: close,
            reduce_only: !close && !dual && n % 2 == 0,
            working_type: if mark { WorkingType::MarkPrice } else { WorkingType::ContractPrice },
            price_protect: n % 7 == 0,
            callback: Rate::from_raw(100_000 * (1 + n % 30)),
            ..AlgoRequest::conditional(S, kind, side, if trailing { Px::ZERO } else { level })
        };
        let _ = self.venue.place_algo(self.now, who, &request, &mut self.reports);
    }

    fn step(&mut self, who: usize, op: &Op) {
        let who = AccountId((who % ACCOUNTS) as u16);
        self.number += 1;
        let before = self.held.clone();
        let dual = config(who.index()).dual_side;
        let side = if dual { PositionSide::Long } else { PositionSide::Both };
        let newest = self.venue.open_orders(who, None).unwrap().last().map_or(0, |o| o.id);
        let (now, reports) = (self.now, &mut self.reports);
        match *op {
            Op::Place { .. } => self.place(who, op),
            Op::Algo { .. } => self.algo(who, op),
            Op::Amend { back, away, thousandths: n } => {
                let key = OrderKey::Id(newest.saturating_sub(back));
                let (price, qty) = (at(self.last + away), thousandths(n));
                let request = AmendRequest { side: None, price, qty, modify_id: 7 };
                let _ = self.venue.amend(now, who, S, key, &request, reports);
            }
            Op::Cancel { back } => {
                let key = OrderKey::Id(newest.saturating_sub(back));
                let _ = self.venue.cancel(now, who, S, key, reports);
            }
            Op::CancelAll => {
                self.venue.cancel_all(now, who, S, reports).unwrap();
            }
            Op::Leverage(leverage) => {
                let _ = self.venue.set_leverage(now, who, S, leverage, reports);
            }
            Op::Margin(amount) => {
                let amount = Money::whole(amount);
                let _ = self.venue.move_margin(now, who, S, side, amount, reports);
            }
            Op::Transfer(amount) => {
                let _ = self.venue.transfer(now, who, Money::whole(amount), reports);
            }
            Op::Funding(rate) => {
                let _ = self.venue.force_funding(now, S, Rate::from_raw(rate), reports);
            }
            Op::Liquidate => {
                let _ = self.venue.force_liquidation(now, who, S, side, reports);
            }
            Op::Deleverage => {
                let _ = self.venue.force_adl(now, who, S, side, None, reports);
            }
            _ => self.fact(op),
        }
        self.audit(&before);
    }

    fn audit(&mut self, before: &Held) {
        let mut held = before.clone();
        for report in std::mem::take(&mut self.reports) {
            self.listen(&report, &mut held);
            self.log.push(report);
        }
        self.held = held;
        for account in (0..ACCOUNTS as u16).map(AccountId) {
            self.money(account);
            self.orders(account);
        }
    }

    fn listen(&mut self, report: &Report, held: &mut Held) {
        match report {
            Report::Order(report) => {
                let order = &report.order;
                assert!(!self.ended.contains(&order.id), "told after its end: {report:?}");
                match report.execution {
                    ExecutionKind::New => assert!(self.open.insert(order.id), "{report:?}"),
                    ExecutionKind::Calculated => {}
                    _ => assert!(self.open.contains(&order.id), "{report:?}"),
                }
                if !order.status.is_open() {
                    self.ended.insert(order.id);
                    self.open.remove(&order.id);
                }
                assert!(order.filled <= order.qty || order.status.is_open(), "{report:?}");
                if report.last_qty.is_positive() {
                    let key = (order.account, order.position_side);
                    let entry = held.entry(key).or_insert(0);
                    let was = *entry;
                    *entry += report.last_qty.raw() * order.side.sign();
                    let closes = order.reduce_only
                        || order.close_position
                        || (order.position_side == PositionSide::Long && order.side == Side::Sell)
                        || (order.position_side == PositionSide::Short && order.side == Side::Buy);
                    if closes {
                        let shrunk = entry.abs() < was.abs() && *entry * was >= 0;
                        assert!(shrunk, "{report:?} from {was}");
                    }
                    let bound =
                        order.kind == OrderKind::Limit && report.execution == ExecutionKind::Trade;
                    if bound {
                        let worse = (report.last_px.raw() - order.price.raw()) * order.side.sign();
                        assert!(worse <= 0, "{report:?}");
                    }
                }
            }
            Report::Account(report) => {
                for position in &report.positions {
                    let key = (report.account, position.position_side);
                    let known = held.get(&key).copied().unwrap_or(0);
                    assert_eq!(position.qty.raw(), known, "{report:?}");
                }
            }
            _ => {}
        }
    }

    fn money(&self, account: AccountId) {
        let ledger = self.venue.ledger(account).unwrap();
        let record = self.venue.account(account).unwrap();
        assert_eq!(ledger.wallet(), Ok(record.wallet));
        let income = self.venue.income(account, &Filter::default()).unwrap();
        let sum = |kind: IncomeKind| {
            let parts = income.iter().filter(|entry| entry.kind == kind);
            Money::from_raw(parts.map(|entry| entry.amount.raw()).sum())
        };
        assert_eq!(sum(IncomeKind::Transfer), ledger.deposits);
        assert_eq!(sum(IncomeKind::RealizedPnl), ledger.realized);
        assert_eq!(sum(IncomeKind::Commission), -ledger.fees);
        assert_eq!(sum(IncomeKind::FundingFee), ledger.funding);
        assert_eq!(sum(IncomeKind::InsuranceClear), -ledger.liquidation_fees);
        let trades = self.venue.trades(account, &Filter::default()).unwrap();
        let fees: i64 = trades.iter().map(|trade| trade.fee.raw()).sum();
        assert_eq!(fees, ledger.fees.raw() + ledger.liquidation_fees.raw());
        let realized: i64 = trades.iter().map(|trade| trade.realized.raw()).sum();
        assert_eq!(realized, ledger.realized.raw());
        let mut isolated = Money::ZERO;
        for position in self.venue.positions(account, Some(S)).unwrap() {
            let known = self.held.get(&(account, position.position_side)).copied().unwrap_or(0);
            assert_eq!(position.qty.raw(), known);
            isolated = isolated.plus(position.isolated_wallet).unwrap();
        }
        assert_eq!(record.cross_wallet, record.wallet.minus(isolated).unwrap());
    }

    fn orders(&self, account: AccountId) {
        let open = self.venue.open_orders(account, None).unwrap();
        // Orders of the algo service carry the ids of their own service.
        let own = || open.iter().filter(|order| order.origin.is_none());
        let ids: BTreeSet<&str> = own().map(|order| order.client_id.as_str()).collect();
        assert_eq!(ids.len(), own().count());
        assert!(open.iter().all(|order| self.open.contains(&order.id)));
        let record = self.venue.account(account).unwrap();
        if open.is_empty() {
            assert_eq!(record.order_initial_margin, Money::ZERO);
        }
        let bound = self.venue.positions(account, None).unwrap();
        let sum: i64 = bound.iter().map(|position| position.order_initial_margin.raw()).sum();
        assert_eq!(sum, record.order_initial_margin.raw());
    }
}

fn play(ops: &[(usize, Op)], seed: u64, candles_only: bool) -> Auditor {
    let mut auditor = Auditor::new(seed, candles_only);
    auditor.step(0, &Op::Open(0));
    for (who, op) in ops {
        auditor.step(*who, op);
    }
    auditor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn the_invariants_hold(
        ops in prop::collection::vec((0..ACCOUNTS, op()), 1..120),
        seed: u64,
        candles_only: bool,
    ) {
        let auditor = play(&ops, seed, candles_only);
        let again = play(&ops, seed, candles_only);
        prop_assert_eq!(auditor.log, again.log);
    }
}

/// The scripts above must reach what they are about; counted over fixed scripts.
#[test]
fn the_scripts_reach_what_they_are_about() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..200 {
        let ops = prop::collection::vec((0..ACCOUNTS, op()), 120..121);
        let script = ops.new_tree(&mut runner).unwrap().current();
        for report in play(&script, seed, seed % 2 == 0).log {
            let name = match report {
                Report::Order(report) => {
                    let maker = if report.maker { " maker" } else { "" };
                    format!("{} {}{maker}", report.execution, report.order.status)
                }
                Report::Algo(record) => format!("{} {}", record.kind, record.status),
                Report::Account(report) => report.reason.name().to_owned(),
                other => format!("{other:?}").split([' ', '{', '(']).next().unwrap().to_owned(),
            };
            *seen.entry(name).or_insert(0) += 1;
        }
    }
    for name in [
        "NEW NEW",
        "TRADE FILLED",
        "TRADE FILLED maker",
        "TRADE PARTIALLY_FILLED",
        "CANCELED CANCELED",
        "EXPIRED EXPIRED",
        "EXPIRED EXPIRED_IN_MATCH",
        "AMENDMENT NEW",
        "CALCULATED FILLED",
        "STOP FINISHED",
        "STOP_MARKET FINISHED",
        "TAKE_PROFIT FINISHED",
        "TAKE_PROFIT_MARKET FINISHED",
        "TRAILING_STOP_MARKET FINISHED",
        "STOP_MARKET EXPIRED",
        "FUNDING_FEE",
        "MARGIN_TRANSFER",
        "MarginCall",
        "ForceOrder",
    ] {
        assert!(seen.get(name).is_some_and(|n| *n >= 5), "{name}: {seen:#?}");
    }
}
