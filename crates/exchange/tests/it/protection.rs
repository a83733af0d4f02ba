//! Stops, targets and liquidation: inside one candle, and over gaps.

use crate::world::{World, expired, fill, fills, money, plain, px, qty};
use aegis_exchange::ExchangeConfig;
use aegis_types::{
    ClientOrderId, Command, EventBody, FillReason, Money, Nanos, OrderType, OrderUpdate, Side,
    SymbolId,
};

use OrderType::{StopMarket, TakeProfitMarket};

/// Long 2 at 100 with a stop at 98 and a target at 104; the minute's candle is still to come.
fn protected(config: ExchangeConfig) -> (World, ClientOrderId, ClientOrderId) {
    let mut world = World::holding(config, Side::Buy, "2", "100");
    let stop = world.exit(StopMarket, Side::Sell, "2", "98");
    let target = world.exit(TakeProfitMarket, Side::Sell, "2", "104");
    (world, stop, target)
}

#[test]
fn a_stop_rests_from_the_fill_and_is_judged_against_that_minutes_candle() {
    let (mut world, stop, target) = protected(plain());
    let answers = world.candle("100", "101", "97", "100");
    let stopped = fill(&answers);
    assert_eq!((stopped.order, stopped.px, stopped.qty), (stop, px("98"), qty("2")));
    assert_eq!((stopped.reason, stopped.realized), (FillReason::StopTouched, money("-4")));
    let minute = Nanos(world.now.0 - Nanos::MINUTE.0);
    assert_eq!(stopped.venue_time.floor(Nanos::MINUTE), minute, "inside the candle");
    // The other order is the engine's to take back.
    let symbol = SymbolId(0);
    let answers = world.execute(Command::Cancel { id: target, symbol });
    let update = OrderUpdate::Canceled;
    assert_eq!(answers, [EventBody::Order { id: target, symbol, update }]);
}

#[test]
fn the_stop_comes_before_the_target_when_one_candle_touches_both() {
    let (mut world, stop, target) = protected(plain());
    let answers = world.candle("100", "105", "97", "100");
    assert_eq!(fill(&answers).order, stop);
    assert!(!expired(&answers, target), "it waits for the cancel");
    // Never cancelled, it finds nothing to reduce when it is touched again.
    world.open("100");
    assert!(expired(&world.candle("100", "105", "100", "100"), target));
}

#[test]
fn a_target_fills_when_touched_and_not_before() {
    let (mut world, _, target) = protected(plain());
    assert_eq!(fills(&world.candle("100", "103.9", "99", "100")), []);
    world.open("100");
    let taken = fill(&world.candle("100", "104", "99", "100"));
    assert_eq!((taken.order, taken.px), (target, px("104")));
    assert_eq!((taken.reason, taken.realized), (FillReason::TargetTouched, money("8")));
}

#[test]
fn gaps_fill_at_the_open_for_better_and_for_worse() {
    let (mut world, stop, _) = protected(plain());
    world.candle("100", "100", "100", "100");
    let gapped = fill(&world.open("95"));
    assert_eq!((gapped.order, gapped.px), (stop, px("95")));
    assert_eq!(gapped.reason, FillReason::StopGapped);
    let (mut world, _, target) = protected(plain());
    world.candle("100", "100", "100", "100");
    let gapped = fill(&world.open("106"));
    assert_eq!((gapped.order, gapped.px), (target, px("106")));
}

#[test]
fn a_close_that_waits_while_the_stop_gaps_expires_at_once() {
    let (mut world, stop, _) = protected(plain());
    world.candle("100", "100", "100", "100");
    let order = world.order(OrderType::Market, Side::Sell, "2");
    world.accepted(aegis_types::Order { reduce_only: true, ..order });
    let answers = world.open("95");
    assert_eq!(fill(&answers).order, stop);
    assert!(expired(&answers, order.id), "{answers:?}");
}

#[test]
fn a_short_is_protected_the_other_way_round() {
    let mut world = World::holding(plain(), Side::Sell, "2", "100");
    let stop = world.exit(StopMarket, Side::Buy, "2", "102");
    let target = world.exit(TakeProfitMarket, Side::Buy, "2", "96");
    let stopped = fill(&world.candle("100", "102", "95", "100"));
    assert_eq!((stopped.order, stopped.px, stopped.realized), (stop, px("102"), money("-4")));
    let mut other = World::holding(plain(), Side::Sell, "2", "100");
    other.exit(StopMarket, Side::Buy, "2", "102");
    let same = other.exit(TakeProfitMarket, Side::Buy, "2", "96");
    assert_eq!(same, target, "the same counter in a world of its own");
    let taken = fill(&other.candle("100", "101", "95", "100"));
    assert_eq!((taken.order, taken.px, taken.realized), (target, px("96"), money("8")));
}

#[test]
fn triggered_orders_slip_but_not_out_of_the_candle() {
    for seed in 0..50 {
        let config = ExchangeConfig { seed, slippage_bps: 20.0, ..ExchangeConfig::default() };
        let (mut world, ..) = protected(config.clone());
        let stopped = fill(&world.candle("100", "101", "97.9", "100"));
        assert!((px("97.9")..=px("98")).contains(&stopped.px), "{}", stopped.px);
        let (mut world, ..) = protected(config);
        let taken = fill(&world.candle("100", "104", "100", "104"));
        assert!((px("103.5")..=px("104")).contains(&taken.px), "{}", taken.px);
    }
}

#[test]
fn a_target_sent_inside_a_minute_does_not_profit_from_what_was_before_it() {
    let mut world = World::holding(plain(), Side::Buy, "2", "100");
    let opened = world.now;
    world.now = opened.after(Nanos::SECOND.times(30));
    world.exit(TakeProfitMarket, Side::Sell, "2", "104");
    world.now = opened;
    assert_eq!(fills(&world.candle("100", "105", "100", "100")), []);
    // A stop sent then is judged against all of it.
    let mut world = World::holding(plain(), Side::Buy, "2", "100");
    world.now = opened.after(Nanos::SECOND.times(30));
    world.exit(StopMarket, Side::Sell, "2", "98");
    world.now = opened;
    assert_eq!(fill(&world.candle("100", "105", "97", "100")).px, px("98"));
}

#[test]
fn liquidation_takes_the_margin_and_expires_the_rest() {
    // Long 10 at 100, leverage 10: margin 100, rate 0.5 % -> 90.4523, to the tick above.
    let mut world = World::holding(plain(), Side::Buy, "10", "100");
    let liquidation = px("90.5");
    assert_eq!(world.exchange.position(SymbolId(0)).unwrap().liquidation, Some(liquidation));
    let target = world.exit(TakeProfitMarket, Side::Sell, "10", "120");
    let entry = world.limit(Side::Buy, "1", "80");
    assert_eq!(fills(&world.candle("100", "100", "90.6", "95")), [], "one tick is enough");
    world.open("95");
    let answers = world.candle("95", "95", "70", "75");
    let taken = fill(&answers);
    assert_eq!((taken.order.number, taken.order.session), (0, 9));
    assert_eq!((taken.px, taken.reason), (liquidation, FillReason::Liquidated));
    assert_eq!((taken.realized, taken.margin), (money("-95"), Money::ZERO));
    assert_eq!(taken.fee, money("5"), "1.25 % of 905 would be more than is left");
    assert!(expired(&answers, target) && expired(&answers, entry));
    assert_eq!(world.exchange.wallet(), money("9899.5"), "margin 100 and the entry fee 0.5");
    assert_eq!(world.exchange.available(), Ok(money("9899.5")));
}

#[test]
fn the_nearer_of_stop_and_liquidation_wins() {
    let mut world = World::holding(plain(), Side::Buy, "10", "100");
    let stop = world.exit(StopMarket, Side::Sell, "10", "90.6");
    let answers = world.candle("100", "100", "80", "80");
    assert_eq!(fill(&answers).order, stop);
    let mut world = World::holding(plain(), Side::Buy, "10", "100");
    let late = world.exit(StopMarket, Side::Sell, "10", "90.5");
    let answers = world.candle("100", "100", "80", "80");
    assert_eq!(fill(&answers).reason, FillReason::Liquidated);
    assert!(expired(&answers, late));
    // A stop for half: the other half is liquidated in the same candle.
    let mut world = World::holding(plain(), Side::Buy, "10", "100");
    world.exit(StopMarket, Side::Sell, "5", "95");
    let both = fills(&world.candle("100", "100", "80", "80"));
    let reasons: Vec<_> = both.iter().map(|fill| (fill.reason, fill.qty)).collect();
    assert_eq!(reasons, [(FillReason::StopTouched, qty("5")), (FillReason::Liquidated, qty("5"))]);
}

#[test]
fn a_loss_beyond_the_margin_is_the_insurance_funds() {
    let mut world = World::holding(plain(), Side::Sell, "10", "100");
    world.candle("100", "100", "100", "100");
    let taken = fill(&world.open("130"));
    assert_eq!((taken.px, taken.realized, taken.fee), (px("130"), money("-100"), Money::ZERO));
    let ledger = world.exchange.ledger();
    assert_eq!(ledger.insurance, money("200"));
    assert_eq!(ledger.wallet(), Ok(money("9899.5")));
}

#[test]
fn with_a_mark_series_only_the_mark_liquidates() {
    let mut world = World::holding(plain(), Side::Buy, "10", "100");
    world.mark("100", "0", Nanos::ZERO);
    assert_eq!(fills(&world.candle("100", "100", "85", "95")), []);
    let taken = fill(&world.mark("90.4", "0", Nanos::ZERO));
    assert_eq!((taken.px, taken.reason), (px("95"), FillReason::Liquidated), "at the last price");
}

#[test]
fn an_entry_by_limit_is_exposed_to_the_rest_of_its_candle_but_takes_no_profit_from_it() {
    let mut world = World::at_price(plain(), "100");
    world.limit(Side::Buy, "10", "99");
    world.open("100");
    let both = fills(&world.candle("100", "120", "80", "110"));
    let reasons: Vec<_> = both.iter().map(|fill| fill.reason).collect();
    assert_eq!(reasons, [FillReason::LimitThrough, FillReason::Liquidated]);
}

#[test]
fn a_stop_order_may_open_a_position() {
    let mut world = World::at_price(plain(), "100");
    let order = world.order(StopMarket, Side::Buy, "1");
    world.accepted(aegis_types::Order { trigger: px("101"), ..order });
    world.open("100");
    let entered = fill(&world.candle("100", "101.5", "99", "100"));
    assert_eq!((entered.px, entered.margin), (px("101"), money("10.1")));
}

#[test]
fn one_candle_does_not_buy_low_and_sell_high() {
    let mut world = World::at_price(plain(), "100");
    let buy = world.limit(Side::Buy, "1", "99");
    let sell = world.limit(Side::Sell, "1", "101");
    world.open("100");
    assert_eq!(fill(&world.candle("100", "102", "98", "100")).order, buy);
    world.open("100");
    assert_eq!(fill(&world.candle("100", "102", "98", "100")).order, sell);
}
