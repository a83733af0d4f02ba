//! Conditional orders: what is refused, what triggers them, what they become, and how they end.

use crate::futures_world::{Fair, ME, S, client, cross, hedged, isolated};
use crate::world::{money, px, qty, rate};
use aegis_exchange::futures::{
    AlgoKind, AlgoRecord, AlgoRequest, AlgoStatus, ExecutionKind, OrderKey, OrderKind,
    OrderRequest, OrderStatus, PositionSide, Refusal, Report, TimeInForce, WorkingType,
};
use aegis_types::{Nanos, Px, Qty, Side};

fn stop(side: Side, quantity: &str, trigger: &str) -> AlgoRequest {
    AlgoRequest {
        qty: qty(quantity),
        ..AlgoRequest::conditional(S, AlgoKind::StopMarket, side, px(trigger))
    }
}

fn trailing(side: Side, quantity: &str, callback: &str) -> AlgoRequest {
    AlgoRequest {
        kind: AlgoKind::TrailingStopMarket,
        trigger: Px::ZERO,
        callback: rate(callback),
        ..stop(side, quantity, "0")
    }
}

/// A position at 100.
fn holding(side: Side, quantity: &str) -> Fair {
    let mut fair = Fair::at(&[isolated()], "100");
    fair.market(ME, side, quantity);
    fair.reports.clear();
    fair
}

fn algo(fair: &Fair, id: u64) -> AlgoRecord {
    fair.venue.algo_order(ME, OrderKey::Id(id)).unwrap()
}

/// The statuses that were told of a conditional order, in order.
fn told(fair: &Fair, id: u64) -> Vec<AlgoStatus> {
    let of = |report: &Report| match report {
        Report::Algo(record) if record.id == id => Some(record.status),
        _ => None,
    };
    fair.reports.iter().filter_map(of).collect()
}

#[test]
fn they_are_refused_by_the_exchanges_numbers() {
    let mut fair = Fair::at(&[isolated(), hedged()], "100");
    let closing = AlgoRequest { close_position: true, ..stop(Side::Sell, "0", "90") };
    let limit =
        AlgoRequest { kind: AlgoKind::Stop, price: px("89"), ..stop(Side::Sell, "1", "90") };
    let cases = [
        (-2021, stop(Side::Sell, "1", "100")),
        (-2021, stop(Side::Sell, "1", "101")),
        (-2021, stop(Side::Buy, "1", "100")),
        (-2021, AlgoRequest { kind: AlgoKind::TakeProfitMarket, ..stop(Side::Sell, "1", "99") }),
        (-4006, stop(Side::Sell, "1", "0")),
        (-4014, stop(Side::Sell, "1", "90.05")),
        (-4007, stop(Side::Buy, "1", "20000000")),
        (-4003, stop(Side::Sell, "0", "90")),
        (-4164, stop(Side::Sell, "0.01", "90")),
        (-4137, AlgoRequest { qty: qty("1"), ..closing }),
        (-4138, AlgoRequest { reduce_only: true, ..closing }),
        (-1106, AlgoRequest { kind: AlgoKind::TakeProfit, price: px("120"), ..closing }),
        (-4184, AlgoRequest { price: px("80"), ..limit }),
        (-4183, AlgoRequest { side: Side::Buy, trigger: px("110"), price: px("120"), ..limit }),
        (-1130, trailing(Side::Sell, "1", "0.0009")),
        (-1130, trailing(Side::Sell, "1", "0.201")),
        (-4135, AlgoRequest { activate_price: px("99"), ..trailing(Side::Sell, "1", "0.01") }),
        (-4135, AlgoRequest { activate_price: px("101"), ..trailing(Side::Buy, "1", "0.01") }),
        (-4061, AlgoRequest { position_side: PositionSide::Long, ..stop(Side::Sell, "1", "90") }),
        (-4015, AlgoRequest { client_id: Some(client("a b")), ..stop(Side::Sell, "1", "90") }),
    ];
    for (number, request) in cases {
        let refused = fair.try_algo(ME, &request);
        assert_eq!(refused.map_err(Refusal::code), Err(number), "{request:?}");
    }
    let other = crate::futures_world::OTHER;
    let opening = AlgoRequest {
        position_side: PositionSide::Long,
        side: Side::Buy,
        trigger: px("110"),
        ..closing
    };
    assert_eq!(fair.try_algo(other, &opening), Err(Refusal::ClosePositionKind));
    // Nothing is checked against the money before it triggers.
    assert!(fair.try_algo(ME, &stop(Side::Buy, "999", "110")).is_ok());
}

#[test]
fn two_hundred_wait_and_no_more_and_ids_are_unique_among_them() {
    let mut fair = Fair::at(&[isolated()], "100");
    let named = AlgoRequest { client_id: Some(client("mine")), ..stop(Side::Sell, "1", "90") };
    let first = fair.try_algo(ME, &named).unwrap();
    assert_eq!(fair.try_algo(ME, &named).map_err(Refusal::code), Err(-4116));
    for _ in 1..200 {
        fair.try_algo(ME, &stop(Side::Sell, "1", "90")).unwrap();
    }
    let more = fair.try_algo(ME, &stop(Side::Sell, "1", "90"));
    assert_eq!(more.map_err(Refusal::code), Err(-4045));
    let key = OrderKey::Client(client("mine"));
    let gone = fair.venue.cancel_algo(fair.now, ME, key, &mut fair.reports).unwrap();
    assert_eq!((gone.id, gone.status), (first.id, AlgoStatus::Canceled));
    let again = fair.venue.cancel_algo(fair.now, ME, key, &mut fair.reports);
    assert_eq!(again.map_err(Refusal::code), Err(-2011));
    assert!(fair.try_algo(ME, &named).is_ok());
    assert_eq!(fair.venue.cancel_all_algos(fair.now, ME, S, &mut fair.reports), Ok(200));
    assert_eq!(fair.venue.open_algos(ME, None).unwrap(), []);
    assert_eq!(fair.venue.all_algos(ME, &Default::default()).unwrap().len(), 201);
}

#[test]
fn a_triggered_stop_becomes_an_order_and_is_finished_with_it() {
    let mut fair = holding(Side::Buy, "2");
    let placed = fair.try_algo(
        ME,
        &AlgoRequest {
            reduce_only: true,
            client_id: Some(client("sl-1")),
            ..stop(Side::Sell, "2", "95")
        },
    );
    let id = placed.unwrap().id;
    fair.candle("100", "101", "94", "96");
    use AlgoStatus::{Finished, New, Triggered, Triggering};
    assert_eq!(told(&fair, id), [New, Triggering, Triggered, Finished]);
    let record = algo(&fair, id);
    assert_eq!((record.filled, record.average_px), (qty("2"), px("95")));
    let order = fair.venue.order(ME, S, OrderKey::Id(record.order_id)).unwrap();
    assert_eq!((order.kind, order.origin), (OrderKind::Market, Some(AlgoKind::StopMarket)));
    assert_eq!((order.stop_price, order.algo_id), (px("95"), id));
    assert_eq!(order.client_id.as_str(), "sl-1");
    assert_eq!(fair.story(order.id), [ExecutionKind::New, ExecutionKind::Trade]);
    assert_eq!(fair.position(ME).qty, Qty::ZERO);
    assert_eq!(record.triggered_at.floor(Nanos::MINUTE), Nanos::MINUTE, "inside its minute");
}

#[test]
fn a_gap_fills_at_the_open_and_the_stop_comes_before_the_target() {
    let mut fair = holding(Side::Buy, "2");
    let stop = fair.closing(AlgoKind::StopMarket, Side::Sell, "95");
    fair.closing(AlgoKind::TakeProfitMarket, Side::Sell, "104");
    fair.candle("100", "100", "100", "100");
    fair.open("90");
    assert_eq!(fair.fills()[0].last_px, px("90"));
    assert_eq!(algo(&fair, stop.id).status, AlgoStatus::Finished);
    let mut fair = holding(Side::Buy, "2");
    fair.closing(AlgoKind::TakeProfitMarket, Side::Sell, "104");
    fair.closing(AlgoKind::StopMarket, Side::Sell, "95");
    fair.candle("100", "110", "90", "105");
    assert_eq!(fair.fills()[0].last_px, px("95"), "both were in the candle");
}

#[test]
fn close_position_follows_the_position_and_without_one_expires_when_it_triggers() {
    let mut fair = holding(Side::Sell, "2");
    let placed = fair.closing(AlgoKind::StopMarket, Side::Buy, "105");
    assert_eq!(placed.qty, Qty::ZERO);
    fair.market(ME, Side::Sell, "1.5");
    fair.reports.clear();
    fair.candle("100", "106", "100", "106");
    let fill = fair.fills()[0];
    assert_eq!((fill.last_qty, fill.last_px), (qty("3.5"), px("105")));
    assert!(fill.order.close_position && fill.order.reduce_only);
    let idle = fair.closing(AlgoKind::StopMarket, Side::Buy, "110");
    fair.open("106");
    fair.candle("106", "111", "106", "106");
    let ended = algo(&fair, idle.id);
    assert_eq!((ended.status, ended.reason), (AlgoStatus::Expired, "Reduce Only reject"));
    assert_eq!(ended.order_id, 0);
}

#[test]
fn in_hedge_mode_each_side_has_its_own() {
    let mut fair = Fair::at(&[hedged()], "100");
    for (side, position_side) in
        [(Side::Buy, PositionSide::Long), (Side::Sell, PositionSide::Short)]
    {
        let request = OrderRequest { position_side, ..OrderRequest::market(S, side, qty("1")) };
        fair.place(ME, &request);
        let request = AlgoRequest {
            close_position: true,
            position_side,
            ..AlgoRequest::conditional(
                S,
                AlgoKind::StopMarket,
                side.opposite(),
                if side == Side::Buy { px("95") } else { px("105") },
            )
        };
        fair.try_algo(ME, &request).unwrap();
    }
    fair.candle("100", "101", "94", "95");
    assert_eq!(fair.side(ME, PositionSide::Long).qty, Qty::ZERO);
    assert_eq!(fair.side(ME, PositionSide::Short).qty, qty("-1"), "the other one stands");
    assert_eq!(fair.venue.open_algos(ME, None).unwrap().len(), 1);
}

#[test]
fn limit_kinds_rest_when_the_price_has_left_them_behind() {
    let mut fair = holding(Side::Buy, "2");
    let request = AlgoRequest {
        kind: AlgoKind::TakeProfit,
        price: px("105"),
        reduce_only: true,
        ..stop(Side::Sell, "2", "104")
    };
    let id = fair.try_algo(ME, &request).unwrap().id;
    fair.candle("100", "104.5", "100", "104");
    let record = algo(&fair, id);
    assert_eq!(record.status, AlgoStatus::Triggered);
    let order = fair.venue.order(ME, S, OrderKey::Id(record.order_id)).unwrap();
    assert_eq!((order.kind, order.status), (OrderKind::Limit, OrderStatus::New));
    fair.open("104");
    fair.candle("104", "105.1", "104", "104");
    let record = algo(&fair, id);
    assert_eq!((record.status, record.average_px), (AlgoStatus::Finished, px("105")));
    // One whose price the trigger is within takes at once.
    let mut fair = holding(Side::Buy, "2");
    let request =
        AlgoRequest { kind: AlgoKind::Stop, price: px("94"), ..stop(Side::Sell, "2", "95") };
    let id = fair.try_algo(ME, &request).unwrap().id;
    fair.candle("100", "100", "94.5", "95");
    assert_eq!(algo(&fair, id).average_px, px("95"));
    assert_eq!(request.time_in_force, TimeInForce::Gtc);
}

#[test]
fn a_trailing_stop_follows_the_best_price_and_comes_back() {
    let mut fair = holding(Side::Buy, "2");
    let request = AlgoRequest { reduce_only: true, ..trailing(Side::Sell, "2", "0.05") };
    let placed = fair.try_algo(ME, &request).unwrap();
    assert_eq!((placed.activated, placed.trigger), (true, px("95")));
    // Up to 110 and back to 106 only: the trigger is now 104.5.
    fair.candle("100", "110", "99", "106");
    assert_eq!(algo(&fair, placed.id).trigger, px("104.5"));
    fair.open("106");
    // A falling candle goes to its high first, so 120 counts and 114 is met on the way down.
    fair.reports.clear();
    fair.candle("106", "120", "105", "105.5");
    assert_eq!(fair.fills()[0].last_px, px("114"));
    // A rising one goes to its low first.
    let mut fair = holding(Side::Buy, "2");
    let placed = fair.try_algo(ME, &request).unwrap();
    fair.candle("100", "110", "94.9", "109");
    assert_eq!(fair.fills()[0].last_px, px("95"));
    assert_eq!(algo(&fair, placed.id).status, AlgoStatus::Finished);
}

#[test]
fn a_trailing_stop_waits_for_its_activation_price_and_tells_of_it() {
    let mut fair = holding(Side::Sell, "2");
    let request = AlgoRequest {
        activate_price: px("95"),
        reduce_only: true,
        ..trailing(Side::Buy, "2", "0.02")
    };
    let placed = fair.try_algo(ME, &request).unwrap();
    assert!(!placed.activated && placed.trigger.is_zero());
    fair.candle("100", "104", "95.1", "99");
    assert_eq!(fair.fills(), [], "not active: no trigger");
    fair.open("99");
    fair.reports.clear();
    fair.candle("99", "99", "90", "90");
    let news: Vec<bool> = fair
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Algo(record) => Some(record.activated),
            _ => None,
        })
        .collect();
    assert_eq!(news, [true]);
    assert_eq!(algo(&fair, placed.id).trigger, px("91.8"), "2 % above 90");
    fair.open("92");
    assert_eq!(fair.fills()[0].last_px, px("92"), "the open jumped over it");
}

#[test]
fn the_mark_triggers_what_asks_for_it_where_there_is_one() {
    let mut fair = holding(Side::Buy, "2");
    fair.mark("100");
    let on = |working_type| AlgoRequest {
        working_type,
        reduce_only: true,
        ..stop(Side::Sell, "1", "95")
    };
    let mark = fair.try_algo(ME, &on(WorkingType::MarkPrice)).unwrap();
    let last = fair.try_algo(ME, &on(WorkingType::ContractPrice)).unwrap();
    fair.candle("100", "100", "94", "96");
    assert_eq!(algo(&fair, mark.id).status, AlgoStatus::New);
    assert_eq!(algo(&fair, last.id).status, AlgoStatus::Finished);
    fair.open("96");
    fair.reports.clear();
    fair.mark("94.9");
    assert_eq!(fair.fills()[0].last_px, px("96"), "filled at the last price");
    assert_eq!(algo(&fair, mark.id).status, AlgoStatus::Finished);
}

#[test]
fn price_protection_refuses_while_mark_and_last_are_apart() {
    let mut fair = holding(Side::Buy, "2");
    fair.mark("100");
    let request =
        AlgoRequest { price_protect: true, reduce_only: true, ..stop(Side::Sell, "1", "90") };
    let id = fair.try_algo(ME, &request).unwrap().id;
    fair.candle("100", "100", "89", "89");
    assert_eq!(algo(&fair, id).status, AlgoStatus::Finished, "the last price was still 100");
    let id = fair.try_algo(ME, &AlgoRequest { trigger: px("80"), ..request }).unwrap().id;
    fair.open("79");
    let ended = algo(&fair, id);
    assert_eq!((ended.status, ended.reason), (AlgoStatus::Rejected, "Price protection"));
    assert_eq!(fair.position(ME).qty, qty("1"));
}

#[test]
fn margin_is_checked_when_it_triggers() {
    let mut fair = Fair::at(&[cross()], "100");
    let id = fair.try_algo(ME, &stop(Side::Buy, "999", "101")).unwrap().id;
    fair.candle("100", "102", "100", "102");
    let ended = algo(&fair, id);
    assert_eq!((ended.status, ended.reason), (AlgoStatus::Rejected, "Margin is insufficient."));
    assert_eq!(fair.wallet(ME), money("10000"));
    use AlgoStatus::{New, Rejected, Triggering};
    assert_eq!(told(&fair, id), [New, Triggering, Rejected]);
}

#[test]
fn a_rejection_on_request_leaves_the_position_unprotected() {
    let mut fair = holding(Side::Buy, "2");
    let stop = fair.closing(AlgoKind::StopMarket, Side::Sell, "95");
    fair.venue.reject_trigger(ME, None, "Due to a fault");
    fair.candle("100", "100", "94", "94");
    let ended = algo(&fair, stop.id);
    assert_eq!((ended.status, ended.reason), (AlgoStatus::Rejected, "Due to a fault"));
    assert_eq!(fair.position(ME).qty, qty("2"));
    let next = fair.closing(AlgoKind::StopMarket, Side::Sell, "92");
    fair.open("94");
    fair.candle("94", "94", "91", "91");
    assert_eq!(algo(&fair, next.id).status, AlgoStatus::Finished);
}

#[test]
fn a_cancel_of_all_orders_leaves_them_alone() {
    let mut fair = holding(Side::Buy, "2");
    let stop = fair.closing(AlgoKind::StopMarket, Side::Sell, "95");
    fair.venue.cancel_all(fair.now, ME, S, &mut fair.reports).unwrap();
    assert_eq!(algo(&fair, stop.id).status, AlgoStatus::New);
}

#[test]
fn a_date_ends_a_waiting_one_and_post_only_does_not_take_when_it_triggers() {
    let mut fair = holding(Side::Buy, "2");
    let good_till = fair.now.after(Nanos::MINUTE.times(11));
    let request = AlgoRequest {
        kind: AlgoKind::Stop,
        price: px("94"),
        reduce_only: true,
        time_in_force: TimeInForce::Gtd,
        good_till,
        ..stop(Side::Sell, "2", "95")
    };
    let early = AlgoRequest { good_till: fair.now, ..request };
    assert_eq!(fair.try_algo(ME, &early).map_err(Refusal::code), Err(-5040));
    let id = fair.try_algo(ME, &request).unwrap().id;
    fair.venue.advance(Nanos(good_till.0 - 1), &mut fair.reports);
    assert_eq!(algo(&fair, id).status, AlgoStatus::New);
    fair.venue.advance(good_till, &mut fair.reports);
    assert_eq!(algo(&fair, id).status, AlgoStatus::Expired);
    let gtx = AlgoRequest { time_in_force: TimeInForce::Gtx, ..request };
    let id = fair.try_algo(ME, &gtx).unwrap().id;
    fair.candle("100", "100", "94.5", "95");
    let order = fair.venue.order(ME, S, OrderKey::Id(algo(&fair, id).order_id)).unwrap();
    assert_eq!((order.status, order.filled), (OrderStatus::Expired, Qty::ZERO));
}
