//! Orders at the door of the futures venue: every refusal by its number, times in force,
//! reduce-only and hedge rules, amendments, cancels, self-trade prevention, trades between
//! accounts.

use crate::futures_world::{Fair, ME, OTHER, S, client, cross, hedged, isolated};
use crate::world::{instrument, money, px, qty, rate};
use aegis_exchange::Futures;
use aegis_exchange::futures::{
    AmendRequest, ExecutionKind, FuturesConfig, OrderKey, OrderKind, OrderRequest, OrderStatus,
    PositionSide, Refusal, Report, SelfTrade, SymbolRules, SymbolStatus, TimeInForce,
};
use aegis_types::{Money, Nanos, Px, Qty, Side, SymbolId};

fn buy(quantity: &str, price: &str) -> OrderRequest {
    OrderRequest::limit(S, Side::Buy, qty(quantity), px(price))
}

fn code(request: &OrderRequest) -> i32 {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.try_place(ME, request).map_or_else(Refusal::code, |order| panic!("{order:?}"))
}

#[test]
fn filters_refuse_by_the_exchanges_numbers() {
    let market = OrderRequest::market(S, Side::Buy, qty("1"));
    let cases = [
        (-4001, buy("1", "0")),
        (-4001, buy("1", "-1")),
        (-1111, buy("1", "99.955")),
        (-4014, buy("1", "99.95")),
        (-4002, buy("1", "20000000")),
        (-4003, buy("0", "99")),
        (-4003, OrderRequest { qty: qty("-1"), ..market }),
        (-1111, buy("0.0015", "99")),
        (-4005, buy("1000.001", "99")),
        (-4016, buy("1", "105.1")),
        (-4024, OrderRequest::limit(S, Side::Sell, qty("1"), px("94.9"))),
        (-4164, buy("0.01", "99")),
        (-4164, OrderRequest { qty: qty("0.049"), ..market }),
        (-1121, OrderRequest { symbol: SymbolId(7), ..market }),
        (-4061, OrderRequest { position_side: PositionSide::Long, ..market }),
        (-2022, OrderRequest { reduce_only: true, ..market }),
        (-4015, OrderRequest { client_id: Some(client("")), ..market }),
        (-4015, OrderRequest { client_id: Some(client("two words")), ..market }),
        (-2019, OrderRequest { qty: qty("999"), ..market }),
        (-5040, OrderRequest { time_in_force: TimeInForce::Gtd, ..buy("1", "99") }),
        (-5022, OrderRequest { time_in_force: TimeInForce::Gtx, ..buy("1", "100") }),
        (-5021, OrderRequest { time_in_force: TimeInForce::Fok, ..buy("1", "99.9") }),
    ];
    for (number, request) in cases {
        assert_eq!(code(&request), number, "{request:?}");
    }
    assert_eq!(Refusal::OffTick.message(), "Price not increased by tick size.");
    let text = "Order's notional must be no smaller than 5 (unless you choose reduce only).";
    assert_eq!(Refusal::MinNotional(money("5")).message(), text);
}

#[test]
fn a_step_that_is_no_power_of_ten_tells_steps_from_decimals() {
    let mut rules = SymbolRules::of(&instrument(0));
    rules.instrument.step = qty("0.005");
    rules.instrument.qty_min = qty("0.01");
    let mut venue = Futures::new(FuturesConfig::default(), vec![rules]).unwrap();
    venue.open_account(Nanos::ZERO, isolated()).unwrap();
    let mut place = |q: &str| venue.place(Nanos::ZERO, ME, &buy(q, "500"), &mut Vec::new()).err();
    assert_eq!(place("0.012"), Some(Refusal::OffStep));
    assert_eq!(place("0.005"), Some(Refusal::QtyTooSmall));
    assert_eq!(place("0.015"), None, "before the first price there is no band");
}

#[test]
fn position_size_is_bounded_by_the_bracket_of_the_leverage() {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.venue.set_leverage(fair.now, ME, S, 75, &mut Vec::new()).unwrap();
    let request = OrderRequest::market(S, Side::Buy, qty("500"));
    assert_eq!(fair.try_place(ME, &request), Err(Refusal::PositionTooLarge));
    assert_eq!(Refusal::PositionTooLarge.code(), -2027);
    assert_eq!(fair.venue.settings(ME, S).unwrap().max_notional, Money::whole(50_000));
}

#[test]
fn so_many_open_orders_and_no_more() {
    let mut fair = Fair::at(&[isolated()], "100");
    for _ in 0..200 {
        fair.limit(ME, Side::Buy, "0.06", "99");
    }
    assert_eq!(fair.try_place(ME, &buy("0.06", "99")).map_err(Refusal::code), Err(-2025));
    assert_eq!(fair.venue.cancel_all(fair.now, ME, S, &mut fair.reports), Ok(200));
    assert_eq!(fair.venue.open_orders(ME, None).unwrap(), []);
    assert_eq!(fair.venue.account(ME).unwrap().order_initial_margin, Money::ZERO);
    fair.limit(ME, Side::Buy, "0.06", "99");
}

#[test]
fn a_client_order_id_is_unique_among_open_orders_only() {
    let mut fair = Fair::at(&[isolated(), isolated()], "100");
    let named = |request| OrderRequest { client_id: Some(client("x-1:a/b.C_d")), ..request };
    let first = fair.place(ME, &named(buy("1", "99")));
    assert_eq!(fair.try_place(ME, &named(buy("1", "98"))), Err(Refusal::DuplicateClientId));
    assert!(fair.try_place(OTHER, &named(buy("1", "98"))).is_ok(), "of one account");
    let key = OrderKey::Client(first.client_id);
    let gone = fair.venue.cancel(fair.now, ME, S, key, &mut fair.reports).unwrap();
    assert_eq!((gone.id, gone.status), (first.id, OrderStatus::Canceled));
    let second = fair.place(ME, &named(buy("1", "98")));
    assert_eq!(fair.venue.order(ME, S, key).unwrap().id, second.id, "the open one before ended");
    assert_eq!(fair.venue.order(ME, S, OrderKey::Id(first.id)), Ok(gone));
    let unknown = fair.venue.cancel(fair.now, ME, S, OrderKey::Id(first.id), &mut fair.reports);
    assert_eq!(unknown.map_err(Refusal::code), Err(-2011));
    assert_eq!(fair.venue.order(ME, S, OrderKey::Id(99)).map_err(Refusal::code), Err(-2013));
}

#[test]
fn a_market_order_is_new_then_filled_and_the_account_follows() {
    let mut fair = Fair::at(&[isolated()], "100");
    let order = fair.market(ME, Side::Buy, "2");
    assert_eq!((order.status, order.average_px()), (OrderStatus::Filled, px("100")));
    assert_eq!(fair.story(order.id), [ExecutionKind::New, ExecutionKind::Trade]);
    let kinds: Vec<_> = fair.reports.iter().map(|report| report.account()).collect();
    assert_eq!(kinds, [Some(ME), Some(ME), Some(ME), None], "new, trade, account, print");
    let Report::Account(account) = &fair.reports[2] else { panic!("{:?}", fair.reports) };
    // 200 at leverage 10 and a fee of 0.05 %.
    assert_eq!((account.wallet, account.cross_wallet), (money("9999.9"), money("9979.9")));
    let position = account.positions[0];
    assert_eq!((position.qty, position.entry_px), (qty("2"), px("100")));
    assert_eq!((position.isolated_wallet, position.break_even_px), (money("20"), px("100.05")));
    let fill = fair.fills()[0];
    assert_eq!((fill.last_qty, fill.last_px, fill.fee), (qty("2"), px("100"), money("0.1")));
    assert!(!fill.maker && fill.trade_id == 1);
}

#[test]
fn immediate_or_cancel_and_fill_or_kill_against_a_shown_book() {
    let mut fair = Fair::new(&[isolated()]);
    fair.depth(true, &[("99.9", "5")], &[("100", "2"), ("100.1", "3"), ("100.2", "9")]);
    let in_force = |tif, request| OrderRequest { time_in_force: tif, ..request };
    let ioc = fair.place(ME, &in_force(TimeInForce::Ioc, buy("6", "100.1")));
    assert_eq!((ioc.status, ioc.filled), (OrderStatus::Expired, qty("5")));
    assert_eq!(ioc.average_px(), px("100.06"));
    let last = fair.reports.iter().rev().find_map(|report| match report {
        Report::Order(report) => Some(report.expiry),
        _ => None,
    });
    assert_eq!(last, Some(2));
    let fok = in_force(TimeInForce::Fok, buy("10", "100.2"));
    assert_eq!(fair.try_place(ME, &fok), Err(Refusal::FokRejected), "5 of 14 are gone");
    let before = fair.venue.all_orders(ME, &Default::default()).unwrap().len();
    assert_eq!(before, 1, "a rejected one leaves no record");
    let fok = fair.place(ME, &in_force(TimeInForce::Fok, buy("9", "100.2")));
    assert_eq!((fok.status, fok.filled), (OrderStatus::Filled, qty("9")));
    let empty = OrderRequest::market(S, Side::Buy, qty("1"));
    assert_eq!(fair.try_place(ME, &empty).map_err(Refusal::code), Err(-2020));
}

#[test]
fn a_market_order_walks_what_is_shown_and_the_rest_expires() {
    let mut fair = Fair::new(&[isolated()]);
    fair.depth(true, &[("99.9", "5")], &[("100", "2"), ("100.1", "3"), ("120", "9")]);
    let order = fair.market(ME, Side::Buy, "7");
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, qty("5")));
    let fills: Vec<_> = fair.fills().iter().map(|f| (f.last_px, f.last_qty)).collect();
    assert_eq!(fills, [(px("100"), qty("2")), (px("100.1"), qty("3"))], "120 is out of the band");
    // The level comes back when the data shows it.
    fair.depth(false, &[], &[("100", "1")]);
    assert_eq!(fair.market(ME, Side::Buy, "1").average_px(), px("100"));
    // Nothing but what is far from the mark: refused.
    fair.depth(true, &[("99.9", "5")], &[("120", "1")]);
    let request = OrderRequest::market(S, Side::Buy, qty("1"));
    assert_eq!(fair.try_place(ME, &request).map_err(Refusal::code), Err(-4131));
}

#[test]
fn post_only_rests_and_good_till_date_ends() {
    let mut fair = Fair::at(&[isolated()], "100");
    let gtx = fair.place(ME, &OrderRequest { time_in_force: TimeInForce::Gtx, ..buy("1", "99.9") });
    assert_eq!(gtx.status, OrderStatus::New);
    let good_till = fair.now.after(Nanos::MINUTE.times(11));
    let gtd = OrderRequest { time_in_force: TimeInForce::Gtd, good_till, ..buy("1", "99") };
    let gtd = fair.place(ME, &gtd);
    fair.venue.advance(Nanos(good_till.0 - 1), &mut fair.reports);
    assert_eq!(fair.venue.open_orders(ME, Some(S)).unwrap().len(), 2);
    fair.venue.advance(good_till, &mut fair.reports);
    let left = fair.venue.open_orders(ME, Some(S)).unwrap();
    assert_eq!(left.iter().map(|order| order.id).collect::<Vec<_>>(), [gtx.id]);
    let ended = fair.venue.order(ME, S, OrderKey::Id(gtd.id)).unwrap();
    assert_eq!((ended.status, ended.updated), (OrderStatus::Expired, good_till));
}

#[test]
fn on_candles_a_limit_order_is_filled_when_the_price_goes_through_it() {
    let mut fair = Fair::at(&[isolated()], "100");
    let order = fair.limit(ME, Side::Buy, "1", "99");
    fair.candle("100", "101", "99", "100");
    assert_eq!(fair.fills(), [], "the touch does not");
    fair.open("100");
    fair.candle("100", "101", "98.9", "100");
    let fill = fair.fills()[0];
    assert_eq!((fill.order.id, fill.last_px, fill.maker), (order.id, px("99"), true));
    assert_eq!(fill.fee, money("0.0198"), "maker");
    // A crossing one takes at the newest price.
    let crossing = fair.limit(ME, Side::Buy, "1", "101");
    assert_eq!((crossing.status, crossing.average_px()), (OrderStatus::Filled, px("100")));
}

#[test]
fn reduce_only_closes_what_is_there_and_the_rest_expires() {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.market(ME, Side::Sell, "2");
    let reduce =
        |q: &str| OrderRequest { reduce_only: true, ..OrderRequest::market(S, Side::Buy, qty(q)) };
    let resting = OrderRequest { reduce_only: true, ..buy("1", "95") };
    let resting = fair.place(ME, &resting);
    let order = fair.place(ME, &reduce("5"));
    assert_eq!((order.filled, order.status), (qty("2"), OrderStatus::Expired));
    assert_eq!(fair.position(ME).qty, Qty::ZERO);
    let ended = fair.venue.order(ME, S, OrderKey::Id(resting.id)).unwrap();
    assert_eq!(ended.status, OrderStatus::Expired, "nothing is left for it");
    assert_eq!(fair.try_place(ME, &reduce("1")), Err(Refusal::ReduceOnly));
}

#[test]
fn hedge_mode_holds_both_sides_and_closes_only_what_is_there() {
    let mut fair = Fair::at(&[hedged()], "100");
    let order = |side, position_side, q: &str| OrderRequest {
        position_side,
        ..OrderRequest::market(S, side, qty(q))
    };
    let both = OrderRequest::market(S, Side::Buy, qty("1"));
    assert_eq!(fair.try_place(ME, &both).map_err(Refusal::code), Err(-4061));
    fair.place(ME, &order(Side::Buy, PositionSide::Long, "3"));
    fair.place(ME, &order(Side::Sell, PositionSide::Short, "2"));
    assert_eq!(fair.side(ME, PositionSide::Long).qty, qty("3"));
    assert_eq!(fair.side(ME, PositionSide::Short).qty, qty("-2"));
    let too_much = order(Side::Sell, PositionSide::Long, "3.1");
    assert_eq!(fair.try_place(ME, &too_much).map_err(Refusal::code), Err(-2022));
    let said = OrderRequest { reduce_only: true, ..order(Side::Sell, PositionSide::Long, "1") };
    assert_eq!(fair.try_place(ME, &said).map_err(Refusal::code), Err(-1106));
    fair.place(ME, &order(Side::Sell, PositionSide::Long, "1"));
    fair.place(ME, &order(Side::Buy, PositionSide::Short, "2"));
    assert_eq!(fair.side(ME, PositionSide::Long).qty, qty("2"));
    assert_eq!(fair.side(ME, PositionSide::Short).qty, Qty::ZERO);
}

#[test]
fn an_amendment_keeps_or_loses_its_place_and_is_told() {
    let mut fair = Fair::new(&[isolated(), isolated()]);
    fair.depth(true, &[("99", "5")], &[("101", "5")]);
    let first = fair.limit(ME, Side::Buy, "2", "100");
    let second = fair.limit(OTHER, Side::Buy, "2", "100");
    let amend = |fair: &mut Fair, q: &str, p: &str| {
        let request =
            AmendRequest { side: Some(Side::Buy), price: px(p), qty: qty(q), modify_id: 44 };
        let key = OrderKey::Id(first.id);
        fair.venue.amend(fair.now, ME, S, key, &request, &mut fair.reports)
    };
    assert_eq!(amend(&mut fair, "2", "100").map_err(Refusal::code), Err(-5027));
    assert_eq!(amend(&mut fair, "2", "100.05").map_err(Refusal::code), Err(-4014));
    let smaller = amend(&mut fair, "1", "100").unwrap();
    assert_eq!((smaller.qty, smaller.modify_id), (qty("1"), 44));
    assert_eq!(fair.story(first.id).last(), Some(&ExecutionKind::Amendment));
    fair.reports.clear();
    fair.trade("100", "1", true);
    assert_eq!(fair.fills()[0].order.id, first.id, "smaller: still the first");
    let again = fair.limit(ME, Side::Buy, "2", "100");
    let request = AmendRequest { side: None, price: px("100"), qty: qty("3"), modify_id: 0 };
    let key = OrderKey::Id(second.id);
    fair.venue.amend(fair.now, OTHER, S, key, &request, &mut fair.reports).unwrap();
    fair.reports.clear();
    fair.trade("100", "2", true);
    assert_eq!(fair.fills()[0].order.id, again.id, "larger: behind");
    // To a price that crosses: it takes.
    let request = AmendRequest { side: None, price: px("101"), qty: qty("3"), modify_id: 0 };
    let taken = fair.venue.amend(fair.now, OTHER, S, key, &request, &mut fair.reports).unwrap();
    assert_eq!((taken.status, taken.average_px()), (OrderStatus::Filled, px("101")));
    let gone = fair.venue.amend(fair.now, OTHER, S, key, &request, &mut fair.reports);
    assert_eq!(gone.map_err(Refusal::code), Err(-2013));
}

#[test]
fn accounts_trade_with_each_other_inside_the_spread() {
    let mut fair = Fair::new(&[isolated(), cross()]);
    fair.depth(true, &[("99", "5")], &[("101", "5")]);
    let resting = fair.limit(OTHER, Side::Sell, "2", "100");
    let (_, asks) = fair.venue.depth(S, 5).unwrap();
    assert_eq!(asks, [(px("100"), qty("2")), (px("101"), qty("5"))]);
    fair.reports.clear();
    let order = fair.market(ME, Side::Buy, "3");
    assert_eq!((order.filled, order.status), (qty("3"), OrderStatus::Filled));
    let fills = fair.fills();
    let told: Vec<_> = fills.iter().map(|f| (f.order.account, f.last_px, f.maker)).collect();
    let (hundred, more) = (px("100"), px("101"));
    assert_eq!(told, [(ME, hundred, false), (OTHER, hundred, true), (ME, more, false)]);
    assert_eq!(fills[0].trade_id, fills[1].trade_id, "one trade, two sides");
    let other = fair.venue.order(OTHER, S, OrderKey::Id(resting.id)).unwrap();
    assert_eq!(other.status, OrderStatus::Filled);
    assert_eq!(fair.position(OTHER).qty, qty("-2"));
}

#[test]
fn self_trade_prevention_expires_as_asked() {
    let play = |self_trade| {
        let mut fair = Fair::new(&[isolated()]);
        fair.depth(true, &[("99", "5")], &[("101", "5")]);
        let maker = fair.limit(ME, Side::Sell, "2", "100");
        let request = OrderRequest { self_trade, ..OrderRequest::market(S, Side::Buy, qty("2")) };
        let taker = fair.place(ME, &request);
        let maker = fair.venue.order(ME, S, OrderKey::Id(maker.id)).unwrap();
        (maker.status, taker.status, taker.filled)
    };
    use OrderStatus::{ExpiredInMatch, Filled, New};
    assert_eq!(play(SelfTrade::ExpireMaker), (ExpiredInMatch, Filled, qty("2")));
    assert_eq!(play(SelfTrade::ExpireTaker), (New, ExpiredInMatch, qty("0")));
    assert_eq!(play(SelfTrade::ExpireBoth), (ExpiredInMatch, ExpiredInMatch, qty("0")));
    assert_eq!(play(SelfTrade::None), (Filled, Filled, qty("2")));
}

#[test]
fn a_countdown_cancels_when_it_is_not_renewed() {
    let mut fair = Fair::at(&[isolated()], "100");
    let order = fair.limit(ME, Side::Buy, "1", "99");
    let wall = |ms| Nanos::from_millis(ms);
    fair.venue.countdown_cancel_all(ME, S, Some(wall(100))).unwrap();
    fair.venue.advance_countdowns(wall(99), fair.now, &mut fair.reports);
    fair.venue.countdown_cancel_all(ME, S, Some(wall(200))).unwrap();
    fair.venue.advance_countdowns(wall(199), fair.now, &mut fair.reports);
    assert_eq!(fair.venue.open_orders(ME, None).unwrap().len(), 1);
    fair.venue.advance_countdowns(wall(200), fair.now, &mut fair.reports);
    assert_eq!(fair.story(order.id).last(), Some(&ExecutionKind::Canceled));
    let next = fair.limit(ME, Side::Buy, "1", "99");
    fair.venue.countdown_cancel_all(ME, S, Some(wall(300))).unwrap();
    fair.venue.countdown_cancel_all(ME, S, None).unwrap();
    fair.venue.advance_countdowns(wall(400), fair.now, &mut fair.reports);
    assert_eq!(fair.story(next.id), [ExecutionKind::New]);
}

#[test]
fn a_halted_symbol_takes_cancels_only() {
    let mut fair = Fair::at(&[isolated()], "100");
    let order = fair.limit(ME, Side::Buy, "1", "99");
    let halt = SymbolStatus::TradingHalt;
    fair.venue.set_status(fair.now, S, halt, &mut fair.reports).unwrap();
    assert!(
        fair.reports.iter().any(|r| matches!(r, Report::Symbol { status, .. } if *status == halt))
    );
    assert_eq!(fair.try_place(ME, &buy("1", "99")).map_err(Refusal::code), Err(-1122));
    fair.candle("100", "100", "90", "90");
    assert_eq!(fair.story(order.id), [ExecutionKind::New], "nothing is filled");
    let key = OrderKey::Id(order.id);
    assert!(fair.venue.cancel(fair.now, ME, S, key, &mut fair.reports).is_ok());
    fair.venue.set_status(fair.now, S, SymbolStatus::Trading, &mut fair.reports).unwrap();
    assert!(fair.try_place(ME, &buy("1", "90")).is_ok());
}

#[test]
fn rules_change_for_new_orders() {
    let mut fair = Fair::at(&[isolated()], "100");
    let standing = fair.limit(ME, Side::Buy, "1", "99.9");
    let mut rules = fair.venue.rules()[0].clone();
    rules.instrument.tick = px("0.5");
    fair.venue.set_rules(fair.now, S, rules.clone(), &mut fair.reports).unwrap();
    assert_eq!(fair.try_place(ME, &buy("1", "99.9")), Err(Refusal::OffTick));
    assert!(fair.try_place(ME, &buy("1", "99.5")).is_ok());
    let kept = fair.venue.order(ME, S, OrderKey::Id(standing.id)).unwrap();
    assert_eq!(kept.status, OrderStatus::New);
    rules.instrument.tick = Px::ZERO;
    assert!(fair.venue.set_rules(fair.now, S, rules, &mut fair.reports).is_err());
}

#[test]
fn a_partial_fill_on_request_is_completed_by_the_next_fact() {
    let mut fair = Fair::at(&[isolated()], "100");
    let half =
        OrderRequest { partial: Some(rate("0.4")), ..OrderRequest::market(S, Side::Buy, qty("1")) };
    let order = fair.place(ME, &half);
    assert_eq!((order.status, order.filled), (OrderStatus::PartiallyFilled, qty("0.4")));
    assert_eq!(order.kind, OrderKind::Market);
    fair.candle("100", "101", "100", "101");
    fair.open("102");
    let order = fair.venue.order(ME, S, OrderKey::Id(order.id)).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Filled, qty("1")));
    assert_eq!(fair.position(ME).qty, qty("1"));
}

#[test]
fn histories_are_bounded_and_filters_cut() {
    let config = FuturesConfig { history_max: 10, slippage_bps: 0.0, ..FuturesConfig::default() };
    let mut fair = Fair::at(&[isolated()], "100");
    fair.venue = Futures::new(config, vec![SymbolRules::of(&instrument(0))]).unwrap();
    fair.venue.open_account(Nanos::ZERO, isolated()).unwrap();
    fair.open("100");
    for number in 0..15 {
        let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
        fair.market(ME, side, "1");
    }
    let all = fair.venue.all_orders(ME, &Default::default()).unwrap();
    assert_eq!(all.iter().map(|order| order.id).collect::<Vec<_>>(), (6..=15).collect::<Vec<_>>());
    let filter = aegis_exchange::futures::Filter { limit: 3, ..Default::default() };
    let ids = |filter| -> Vec<u64> {
        fair.venue.trades(ME, &filter).unwrap().iter().map(|trade| trade.id).collect()
    };
    assert_eq!(ids(filter), [13, 14, 15], "the newest");
    let from = aegis_exchange::futures::Filter { from_id: Some(8), ..filter };
    assert_eq!(ids(from), [8, 9, 10], "from there on");
    assert_eq!(fair.venue.income(ME, &Default::default()).unwrap().len(), 10);
}

/// The whole table: each refusal has a number and a text of its own.
#[test]
fn every_refusal_has_its_number_and_text() {
    let table = [
        (-2015, Refusal::UnknownAccount),
        (-1111, Refusal::Precision),
        (-1121, Refusal::BadSymbol),
        (-1122, Refusal::SymbolStatus),
        (-2010, Refusal::Rejected("why")),
        (-2011, Refusal::UnknownOrder),
        (-2013, Refusal::NoSuchOrder),
        (-2018, Refusal::Balance),
        (-2019, Refusal::Margin),
        (-2020, Refusal::UnableToFill),
        (-2021, Refusal::WouldTrigger),
        (-2022, Refusal::ReduceOnly),
        (-2023, Refusal::InLiquidation),
        (-2025, Refusal::TooManyOrders),
        (-2026, Refusal::ReduceOnlyType),
        (-2027, Refusal::PositionTooLarge),
        (-2028, Refusal::LeverageTooSmall),
        (-4001, Refusal::PriceNotPositive),
        (-4002, Refusal::PriceTooHigh),
        (-4013, Refusal::PriceTooLow),
        (-4003, Refusal::QtyNotPositive),
        (-4004, Refusal::QtyTooSmall),
        (-4005, Refusal::QtyTooLarge),
        (-4006, Refusal::StopNotPositive),
        (-4007, Refusal::StopTooHigh),
        (-4014, Refusal::OffTick),
        (-4015, Refusal::BadClientId),
        (-4016, Refusal::AboveBand),
        (-4023, Refusal::OffStep),
        (-4024, Refusal::BelowBand),
        (-4028, Refusal::BadLeverage(7)),
        (-4045, Refusal::TooManyAlgos),
        (-4046, Refusal::SameMarginType),
        (-4047, Refusal::MarginTypeOrders),
        (-4048, Refusal::MarginTypePosition),
        (-4049, Refusal::NotIsolated),
        (-4050, Refusal::CrossBalance),
        (-4051, Refusal::IsolatedBalance),
        (-4054, Refusal::NoPosition),
        (-4055, Refusal::AmountNotPositive),
        (-4059, Refusal::SamePositionMode),
        (-4061, Refusal::PositionSideMismatch),
        (-1106, Refusal::ReduceOnlyInHedgeMode),
        (-4062, Refusal::ReduceOnlyConflict),
        (-4067, Refusal::PositionModeOrders),
        (-4068, Refusal::PositionModePosition),
        (-4116, Refusal::DuplicateClientId),
        (-4131, Refusal::CounterpartyOutOfBand),
        (-4135, Refusal::ActivationPrice),
        (-1130, Refusal::CallbackRate),
        (-4137, Refusal::QtyWithClosePosition),
        (-4138, Refusal::ReduceOnlyWithClosePosition),
        (-1106, Refusal::ClosePositionKind),
        (-4161, Refusal::LeverageReduction),
        (-4164, Refusal::MinNotional(Money::whole(5))),
        (-4171, Refusal::SameAssetMode),
        (-4168, Refusal::AssetModeIsolated),
        (-4170, Refusal::AssetModeOrders),
        (-4183, Refusal::LimitAboveStop),
        (-4184, Refusal::LimitBelowStop),
        (-5021, Refusal::FokRejected),
        (-5022, Refusal::GtxRejected),
        (-5025, Refusal::AmendNotLimit),
        (-5026, Refusal::AmendTooOften),
        (-5027, Refusal::SameOrder),
        (-5037, Refusal::PriceMatch),
        (-5040, Refusal::GoodTillDate(Nanos::ZERO)),
    ];
    for (number, refusal) in table {
        assert_eq!(refusal.code(), number, "{refusal:?}");
        assert!(!refusal.message().is_empty());
        assert!(refusal.to_string().ends_with(&format!("(code {number})")));
    }
    let mut numbers: Vec<i32> = table.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), table.len() - 1, "two have that of a parameter not required");
}
