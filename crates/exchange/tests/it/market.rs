//! Orders that wait for a price, and what they get.

use crate::world::{World, expired, fill, fills, instrument, money, plain, px, qty, rate};
use aegis_exchange::{Exchange, ExchangeConfig};
use aegis_types::{
    AccountUpdate, EventBody, FillReason, Money, Nanos, Order, OrderType, OrderUpdate, Side,
    SymbolId, Tick, TickBody, Venue,
};

#[test]
fn a_market_order_decided_on_a_close_fills_at_the_next_open_of_its_symbol() {
    let mut world = World::at_price(plain(), "100");
    let id = world.market(Side::Buy, "2");
    let other = world.body(1, TickBody::Open { px: px("55"), funding: None });
    assert_eq!(other, []);
    let answers = world.open("101.5");
    let fill = fill(&answers);
    assert_eq!((fill.order, fill.px, fill.qty, fill.leaves), (id, px("101.5"), qty("2"), qty("0")));
    assert_eq!((fill.reason, fill.maker, fill.trade_id), (FillReason::NextPrice, false, 1));
    // 203 at leverage 10, fee 0.05 %.
    assert_eq!((fill.margin, fill.fee), (money("20.3"), money("0.1015")));
    let balance = money("9999.8985");
    assert_eq!(answers[1], EventBody::Account(AccountUpdate::Wallet { balance }));
    let latency = fill.venue_time.since(world.now);
    assert!((5..=40).contains(&latency.as_millis()), "{latency:?}");
    let held = world.exchange.position(SymbolId(0)).unwrap();
    assert_eq!((held.side, held.qty, held.entry_px()), (Side::Buy, qty("2"), px("101.5")));
    assert_eq!(world.exchange.available(), Ok(money("9979.5985")));
}

/// What follows a fill within the same instant, as a rotation's entry does, needs not wait a
/// minute: the open of that instant is its price too.
#[test]
fn a_market_order_that_comes_at_the_instant_of_an_open_fills_there_at_once() {
    let mut world = World::at_price(plain(), "100");
    world.open("101.5");
    let order = world.order(OrderType::Market, Side::Buy, "2");
    let answers = world.send(order);
    let symbol = SymbolId(0);
    assert_eq!(
        answers[0],
        EventBody::Order { id: order.id, symbol, update: OrderUpdate::Accepted }
    );
    let bought = fill(&answers);
    assert_eq!((bought.order, bought.px, bought.qty), (order.id, px("101.5"), qty("2")));
    assert_eq!((bought.reason, bought.fee), (FillReason::NextPrice, money("0.1015")));
    let latency = bought.venue_time.since(world.now);
    assert!((5..=40).contains(&latency.as_millis()), "{latency:?}");
    let balance = money("9999.8985");
    assert_eq!(answers[2..], [EventBody::Account(AccountUpdate::Wallet { balance })]);
    assert_eq!(world.exchange.available(), Ok(money("9979.5985")), "nothing stays reserved");
    // Within the minute there is no such price any more.
    world.now = world.now.after(Nanos::MILLISECOND);
    world.market(Side::Sell, "1");
    world.now = Nanos::MINUTE;
    world.candle("101.5", "102", "101", "101.5");
    assert_eq!(fill(&world.open("102")).px, px("102"));
    // Nor is an open that a live price has followed.
    let mut world = World::at_price(plain(), "100");
    world.open("101.5");
    world.trade("101.6");
    world.market(Side::Buy, "2");
    world.now = world.now.after(Nanos::SECOND);
    assert_eq!(fill(&world.trade("101.7")).px, px("101.7"));
}

#[test]
fn slippage_is_against_the_taker_on_the_grid_and_inside_what_was_shown() {
    let config = ExchangeConfig { slippage_bps: 10.0, ..ExchangeConfig::default() };
    let mut differing = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut world = World::new(ExchangeConfig { seed, ..config.clone() });
        world.open("1000");
        world.candle("1000", "1000.5", "999", "1000");
        world.leverage(10);
        world.market(Side::Buy, "1");
        let bought = fill(&world.open("1000"));
        assert!(bought.px > px("1000") && bought.px <= px("1000.5"), "{}", bought.px);
        world.candle("1000", "1001", "998", "1000");
        world.market(Side::Sell, "1");
        let sold = fill(&world.open("1000"));
        assert!(sold.px < px("1000") && sold.px >= px("998"), "{}", sold.px);
        assert!(sold.px.is_on_grid(px("0.1")));
        differing.insert(sold.px);
    }
    assert!(differing.len() > 10, "draws differ by seed: {differing:?}");
    // An open beyond everything shown before: no worse price is known to exist.
    let mut world = World::at_price(config, "1000");
    world.market(Side::Buy, "1");
    assert_eq!(fill(&world.open("1010")).px, px("1010"));
}

#[test]
fn without_opens_the_candles_own_open_serves() {
    let mut world = World::at_price(plain(), "100");
    let id = world.market(Side::Sell, "1");
    let sold = fill(&world.candle("99.5", "101", "99", "100"));
    assert_eq!((sold.order, sold.px, sold.reason), (id, px("99.5"), FillReason::NextPrice));
    assert_eq!(sold.venue_time.floor(Nanos::MINUTE), Nanos::MINUTE, "inside that minute");
}

#[test]
fn a_position_is_added_to_reduced_and_turned() {
    let mut world = World::holding(plain(), Side::Buy, "2", "100");
    world.candle("100", "110", "100", "110");
    world.market(Side::Buy, "1");
    let added = fill(&world.open("110"));
    assert_eq!((added.realized, added.margin), (Money::ZERO, money("31")));
    let held = *world.exchange.position(SymbolId(0)).unwrap();
    assert_eq!((held.qty, held.cost), (qty("3"), money("310")));
    world.candle("110", "120", "110", "120");
    world.market(Side::Sell, "1");
    let reduced = fill(&world.open("120"));
    // A third of the cost of 310, rounded up.
    assert_eq!(reduced.realized, money("16.66666666"));
    assert_eq!(reduced.margin, money("20.66666667"));
    world.candle("120", "120", "120", "120");
    world.market(Side::Sell, "5");
    let turned = fill(&world.open("120"));
    assert_eq!((turned.qty, turned.margin), (qty("5"), money("36")));
    let held = *world.exchange.position(SymbolId(0)).unwrap();
    assert_eq!((held.side, held.qty, held.cost), (Side::Sell, qty("3"), money("360")));
    let ledger = world.exchange.ledger();
    assert_eq!(ledger.realized, money("50"), "2 from 100 and 1 from 110, all at 120");
    assert_eq!(world.exchange.wallet(), ledger.wallet().unwrap());
}

#[test]
fn a_reduce_only_order_larger_than_the_position_fills_what_is_there_and_expires() {
    let mut world = World::holding(plain(), Side::Sell, "2", "100");
    world.candle("100", "100", "100", "100");
    let order = Order { reduce_only: true, ..world.order(OrderType::Market, Side::Buy, "5") };
    world.accepted(order);
    let answers = world.open("100");
    let closed = fill(&answers);
    assert_eq!((closed.qty, closed.leaves, closed.margin), (qty("2"), qty("3"), Money::ZERO));
    assert!(expired(&answers, order.id));
    assert_eq!(world.exchange.positions().count(), 0);
    assert_eq!(world.exchange.orders(SymbolId(0)), []);
}

#[test]
fn funding_is_charged_at_the_open_before_orders_fill_there() {
    let mut world = World::holding(plain(), Side::Buy, "2", "100");
    world.candle("100", "100", "100", "100");
    world.market(Side::Buy, "8");
    let funding = Some(rate("0.0001"));
    let answers = world.body(0, TickBody::Open { px: px("110"), funding });
    let amount = money("-0.022");
    let symbol = SymbolId(0);
    let paid = AccountUpdate::Funding { symbol, amount, rate: rate("0.0001"), mark: px("110") };
    assert_eq!(answers[0], EventBody::Account(paid), "on the 2 held before, at the open");
    assert_eq!(fill(&answers).qty, qty("8"));
    assert_eq!(world.exchange.ledger().funding, amount);
    // A short receives, a negative rate turns it round.
    let mut world = World::holding(plain(), Side::Sell, "2", "100");
    world.candle("100", "100", "100", "100");
    let funding = Some(rate("-0.001"));
    world.body(0, TickBody::Open { px: px("100"), funding });
    assert_eq!(world.exchange.ledger().funding, money("-0.2"));
}

#[test]
fn a_mark_series_settles_funding_once_at_its_own_time_and_price() {
    let mut world = World::holding(plain(), Side::Buy, "1", "100");
    let due = world.now.after(Nanos::MINUTE);
    assert_eq!(world.mark("101", "0.0002", due), []);
    world.candle("100", "100", "100", "100");
    let funding = Some(rate("0.5"));
    let later = world.body(0, TickBody::Open { px: px("100"), funding });
    assert_eq!(later, [], "the candle of that instant has already settled");
    assert_eq!(world.exchange.ledger().funding, money("-0.0202"));
}

#[test]
fn live_orders_fill_at_bid_or_ask_once_they_have_arrived() {
    let mut world = World::new(ExchangeConfig::default());
    world.book("99.9", "100.1");
    world.leverage(5);
    let buy = world.market(Side::Buy, "1");
    assert_eq!(world.book("99.9", "100.1"), [], "still on its way");
    world.now = world.now.after(Nanos::from_millis(40));
    let bought = fill(&world.book("100", "100.2"));
    assert_eq!((bought.order, bought.px), (buy, px("100.2")));
    let stop = world.exit(OrderType::StopMarket, Side::Sell, "1", "99.5");
    world.now = world.now.after(Nanos::SECOND);
    assert_eq!(fills(&world.book("99.6", "99.8")), []);
    let stopped = fill(&world.book("99.4", "99.7"));
    assert_eq!((stopped.order, stopped.px), (stop, px("99.4")));
    assert_eq!(stopped.reason, FillReason::StopGapped);
    world.market(Side::Sell, "1");
    world.now = world.now.after(Nanos::SECOND);
    assert_eq!(fill(&world.trade("98.7")).px, px("98.7"));
}

#[test]
fn a_candle_does_not_repeat_what_live_prices_of_its_minute_did() {
    let mut world = World::new(plain());
    world.trade("100");
    world.market(Side::Buy, "1");
    world.now = Nanos::SECOND;
    world.trade("100");
    world.trade("95");
    world.trade("100");
    world.exit(OrderType::StopMarket, Side::Sell, "1", "96");
    world.now = Nanos::ZERO;
    assert_eq!(fills(&world.candle("100", "100", "95", "100")), [], "95 was before the stop");
    let later = world.candle("100", "100", "95", "100");
    assert_eq!(fill(&later).px, px("96"), "a minute without live prices is judged by its candle");
}

#[test]
fn derived_prices_move_nothing() {
    let mut exchange = Exchange::new(plain(), &[instrument(0)]).unwrap();
    let body = TickBody::Trade { px: px("5"), qty: qty("1"), id: 1, buyer_is_maker: true };
    let at = Nanos::ZERO;
    let tick = Tick { symbol: SymbolId(0), derived: true, at, received_us: 0, body };
    let mut answers = Vec::new();
    exchange.on_market(at, &tick, &mut answers);
    exchange.on_market(at, &Tick { symbol: SymbolId(7), ..tick }, &mut answers);
    assert_eq!(answers, []);
}

#[test]
fn limit_orders_rest_until_traded_through_or_take_when_they_cross() {
    let mut world = World::at_price(plain(), "100");
    let id = world.limit(Side::Buy, "1", "99");
    assert_eq!(world.open("100"), []);
    assert_eq!(fills(&world.candle("100", "101", "99", "100")), [], "touched is not through");
    world.open("100");
    let through = fill(&world.candle("100", "101", "98.9", "100"));
    assert_eq!((through.order, through.px, through.maker), (id, px("99"), true));
    assert_eq!(through.reason, FillReason::LimitThrough);
    assert_eq!(through.fee, money("0.0198"));
    // Crossing on arrival: a taker, never beyond its price.
    let crossing = world.limit(Side::Sell, "1", "99.5");
    let taken = fill(&world.open("100"));
    assert_eq!((taken.order, taken.px, taken.maker), (crossing, px("100"), false));
    assert_eq!(taken.reason, FillReason::LimitCrossed);
    // A gap over a resting order: the first price shown behind it.
    world.candle("100", "100", "100", "100");
    let gapped = world.limit(Side::Buy, "1", "95");
    world.open("100");
    world.candle("100", "100", "100", "100");
    let behind = fill(&world.open("94"));
    assert_eq!((behind.order, behind.px, behind.maker), (gapped, px("94"), true));
}

#[test]
fn a_cancel_takes_back_what_is_open_and_frees_its_money() {
    let mut world = World::at_price(plain(), "100");
    let before = world.exchange.available();
    let id = world.limit(Side::Buy, "10", "90");
    assert!(world.exchange.available().unwrap() < before.unwrap());
    let symbol = SymbolId(0);
    let answers = world.execute(aegis_types::Command::Cancel { id, symbol });
    let update = OrderUpdate::Canceled;
    assert_eq!(answers, [EventBody::Order { id, symbol, update }]);
    assert_eq!(world.exchange.available(), before);
    assert_eq!(world.open("80"), []);
}

#[test]
fn an_entry_that_a_gap_made_unaffordable_expires() {
    let mut world = World::at_price(plain(), "100");
    let id = world.market(Side::Buy, "990");
    let answers = world.open("150");
    assert!(expired(&answers, id) && fills(&answers).is_empty(), "{answers:?}");
    assert_eq!(world.exchange.available(), Ok(money("10000")));
}
