//! Resting orders against recorded data: what stands ahead of them, what brings them forward, what
//! fills them, and triggers on live prices.

use crate::futures_world::{Fair, ME, OTHER, S, isolated};
use crate::world::{px, qty};
use aegis_exchange::futures::{AlgoKind, OrderKey, OrderStatus};
use aegis_types::{Qty, Side};

fn filled(fair: &Fair, account: aegis_exchange::futures::AccountId, id: u64) -> Qty {
    fair.venue.order(account, S, OrderKey::Id(id)).unwrap().filled
}

#[test]
fn trades_at_the_price_are_for_those_ahead_first() {
    let mut fair = Fair::new(&[isolated(), isolated()]);
    fair.depth(true, &[("100", "5"), ("99.9", "7")], &[("100.1", "5")]);
    let first = fair.limit(ME, Side::Buy, "2", "100");
    let second = fair.limit(OTHER, Side::Buy, "2", "100");
    fair.trade("100", "4", true);
    assert_eq!(filled(&fair, ME, first.id), Qty::ZERO, "one of five is still ahead");
    fair.trade("100", "2", true);
    assert_eq!(filled(&fair, ME, first.id), qty("1"));
    fair.trade("100", "1.5", true);
    assert_eq!(
        (filled(&fair, ME, first.id), filled(&fair, OTHER, second.id)),
        (qty("2"), qty("0.5"))
    );
    let trades = fair.venue.trades(ME, &Default::default()).unwrap();
    assert!(trades.iter().all(|trade| trade.maker && trade.px == px("100")));
}

#[test]
fn a_buyers_aggression_does_not_fill_bids() {
    let mut fair = Fair::new(&[isolated()]);
    fair.depth(true, &[("100", "0.5")], &[("100.1", "5")]);
    let bid = fair.limit(ME, Side::Buy, "2", "100");
    fair.trade("100.1", "50", false);
    assert_eq!(filled(&fair, ME, bid.id), Qty::ZERO);
    fair.trade("99.9", "0.1", true);
    assert_eq!(filled(&fair, ME, bid.id), qty("2"), "the price has gone through it");
}

#[test]
fn a_level_that_shrinks_brings_forward_and_one_that_grows_does_not_push_back() {
    let mut fair = Fair::new(&[isolated()]);
    fair.depth(true, &[("100", "5")], &[("100.1", "5")]);
    let bid = fair.limit(ME, Side::Buy, "2", "100");
    fair.depth(false, &[("100", "1")], &[]);
    fair.depth(false, &[("100", "9")], &[]);
    fair.trade("100", "1.5", true);
    assert_eq!(filled(&fair, ME, bid.id), qty("0.5"));
}

#[test]
fn with_a_touch_only_nobody_knows_the_queue_behind_it() {
    let mut fair = Fair::new(&[isolated()]);
    fair.book(("100", "5"), ("100.1", "5"));
    let behind = fair.limit(ME, Side::Buy, "2", "99.9");
    fair.trade("99.9", "50", true);
    assert_eq!(filled(&fair, ME, behind.id), Qty::ZERO, "who knows how much is ahead");
    fair.book(("99.9", "3"), ("100", "5"));
    fair.trade("99.9", "4", true);
    assert_eq!(filled(&fair, ME, behind.id), qty("1"), "three were");
    let inside = fair.limit(ME, Side::Sell, "1", "99.9");
    assert_eq!(inside.status, OrderStatus::Filled, "it crosses the bid");
}

#[test]
fn an_order_inside_the_spread_is_first_and_a_touch_that_reaches_it_fills_it() {
    let mut fair = Fair::new(&[isolated()]);
    fair.book(("100", "5"), ("100.4", "5"));
    let bid = fair.limit(ME, Side::Buy, "2", "100.2");
    fair.trade("100.2", "0.5", true);
    assert_eq!(filled(&fair, ME, bid.id), qty("0.5"));
    fair.book(("100", "5"), ("100.2", "5"));
    let order = fair.venue.order(ME, S, OrderKey::Id(bid.id)).unwrap();
    assert_eq!((order.status, order.average_px()), (OrderStatus::Filled, px("100.2")));
}

#[test]
fn triggers_follow_trades_where_trades_are_shown_and_the_touch_where_they_are_not() {
    let mut fair = Fair::new(&[isolated()]);
    fair.book(("100", "50"), ("100.1", "50"));
    fair.market(ME, Side::Buy, "2");
    fair.closing(AlgoKind::StopMarket, Side::Sell, "99");
    fair.book(("99", "50"), ("99.1", "50"));
    assert_eq!(fair.position(ME).qty, Qty::ZERO, "the touch alone");
    let mut fair = Fair::new(&[isolated()]);
    fair.book(("100", "50"), ("100.1", "50"));
    fair.trade("100", "1", true);
    fair.market(ME, Side::Buy, "2");
    fair.closing(AlgoKind::StopMarket, Side::Sell, "99");
    fair.book(("98.9", "50"), ("99.1", "50"));
    assert_eq!(fair.position(ME).qty, qty("2"), "nothing was traded there");
    fair.reports.clear();
    fair.trade("99", "1", true);
    assert_eq!(fair.fills()[0].last_px, px("98.9"), "at what is bid");
}

#[test]
fn the_candle_of_a_minute_with_live_prices_fills_nothing_again() {
    let mut fair = Fair::new(&[isolated()]);
    fair.trade("100", "1", true);
    let bid = fair.limit(ME, Side::Buy, "2", "99");
    fair.candle("100", "100", "98", "99.5");
    assert_eq!(filled(&fair, ME, bid.id), Qty::ZERO);
}

#[test]
fn a_derived_book_states_its_quantities_a_tick_apart() {
    let fair = Fair::at(&[isolated()], "100");
    let (bids, asks) = fair.venue.depth(S, 2).unwrap();
    assert_eq!(bids, [(px("99.9"), qty("1001.001")), (px("99.8"), qty("1002.004"))]);
    assert_eq!(asks, [(px("100.1"), qty("999.000")), (px("100.2"), qty("998.003"))]);
    let view = fair.venue.market(S).unwrap();
    assert!(view.derived);
    assert_eq!((view.last, view.mark, view.index), (Some(px("100")), view.last, view.last));
}
