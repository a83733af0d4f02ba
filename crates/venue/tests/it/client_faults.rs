//! Faults of the user stream and of single answers, each by itself: whatever comes twice, late, in
//! another order or not at all, every fill is booked once and belief is truth in the end.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::world::{KEY, World};
use aegis_types::{
    Cause, ClientOrderId, Command, FillReason, Money, Order, OrderType, OrderUpdate, Qty, Side,
    SymbolTable,
};
use aegis_venue::client::account::Held;
use aegis_venue::client::attempts::Phase;
use aegis_venue::client::machine::Config;
use serde_json::{Value, json};

/// Quantity that was told as filled of an order.
fn filled(desk: &Desk, id: ClientOrderId) -> Qty {
    desk.of(id).iter().fold(Qty::ZERO, |sum, update| match update {
        OrderUpdate::Filled { fill } => sum.plus(fill.qty).unwrap(),
        _ => sum,
    })
}

/// Entry, stop, exit and the stop taken back, under a fault that is posted before each.
fn round_trip(fault: &Value, delay: i64) {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(200);
    desk.user_delay = delay;
    let post = |desk: &mut Desk| {
        desk.world.raw(None, "POST", "/sim/v1/faults", "", fault.to_string().as_bytes());
    };
    post(&mut desk);
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(3_000);
    post(&mut desk);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(3_000);
    post(&mut desk);
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(3_000);
    desk.cancel(stop);
    let reply = desk.world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
    assert_eq!(reply.status, 200);
    desk.run(130_000);
    let what = format!("{fault}, {delay} ms");
    for id in [entry, exit] {
        assert_eq!(filled(&desk, id), "0.01".parse().unwrap(), "{what}: {:?}", desk.words(id));
    }
    assert_eq!(filled(&desk, stop), Qty::ZERO, "{what}");
    assert!(desk.outside().is_empty(), "{what}: {:?}", desk.outside());
    for cause in [Cause::Mismatch, Cause::Foreign, Cause::UserStream] {
        assert!(!desk.machine.holds(cause), "{what}: {cause}");
    }
    desk.assert_true(&what);
}

#[test]
fn frames_twice_swapped_late_lost_or_broken_change_nothing() {
    for fault in ["ws_dup", "ws_reorder", "ws_gap", "ws_late", "ws_malformed", "ws_drop"] {
        for of in ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", ""] {
            let ms = 2_000;
            let fault = json!({"fault": fault, "match": of, "count": 3, "ms": ms, "seed": 5});
            for delay in [0, 40] {
                round_trip(&fault, delay);
            }
        }
    }
}

#[test]
fn answers_cut_or_ten_seconds_late_leave_one_order() {
    for fault in [
        json!({"fault": "reply_delay", "ms": 10_000, "count": 2}),
        json!({"fault": "reply_cut", "bytes": 20, "count": 2}),
        json!({"fault": "reply_cut", "bytes": -1, "count": 2}),
        json!({"fault": "fill_before_ack", "ms": 900}),
        json!({"fault": "avg_price_absent", "count": 9}),
    ] {
        round_trip(&fault, 5);
    }
}

#[test]
fn a_partly_filled_order_that_is_taken_back_leaves_what_was_filled() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(200);
    desk.world.fault(&json!({"fault": "partial_fill", "fraction": "0.4"}));
    let entry = desk.order(OrderType::Limit, Side::Buy, "0.01", 59_000);
    desk.run(500);
    desk.cancel(entry);
    desk.run(5_000);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.004", "canceled"]);
    desk.assert_true("in part");
}

#[test]
fn a_stop_that_fills_in_part_tells_what_is_left() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.world.fault(&json!({"fault": "partial_fill", "fraction": "0.5"}));
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(500);
    desk.price(58_000);
    desk.run(5_000);
    let words = desk.words(stop);
    assert_eq!(words[..2], ["accepted", "filled 0.005"], "{words:?}");
    assert_eq!(words.last().map(String::as_str), Some("expired"), "{words:?}");
    assert_eq!(desk.machine.account().held(BTC).unwrap().qty, "0.005".parse().unwrap());
    desk.assert_true("half a stop");
}

#[test]
fn a_restart_with_another_position_than_the_exchange_ends_entries_until_it_is_explained() {
    // Long 0.075 here, short 0.065 there.
    let mut world = World::new();
    world.must("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=5");
    world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.065");
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut desk = Desk::with(world, Config::new(SESSION, symbols));
    let margin: Money = "900".parse().unwrap();
    let qty: Qty = "0.075".parse().unwrap();
    desk.machine.account_mut().resume(BTC, Held { side: Side::Buy, qty, margin });
    desk.machine.account_mut().set_leverage(BTC, 5);
    desk.run(8_000);
    assert_eq!(desk.turns(Cause::Mismatch), [true], "{:?}", desk.notes);
    desk.run(120_000);
    // Nothing of ours is left, as its position says, and what stands is somebody else's.
    assert!(!desk.machine.holds(Cause::Mismatch), "{:?}", desk.notes);
    let fills = desk.outside();
    assert!(fills.iter().all(|fill| fill.reason == FillReason::Manual), "{fills:?}");
    let closed = fills.iter().fold(Qty::ZERO, |sum, fill| match fill.side {
        Side::Sell => sum.plus(fill.qty).unwrap(),
        Side::Buy => sum.minus(fill.qty).unwrap(),
    });
    assert!(closed >= qty, "{fills:?}");
    let ours = desk.machine.account().held(BTC).map_or(Qty::ZERO, |held| held.qty);
    assert!(desk.machine.holds(Cause::Foreign) || ours == "0.065".parse().unwrap(), "{ours}");
}

#[test]
fn a_session_goes_on_with_every_order_that_worked_before_it_died() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    let mut ids = Vec::new();
    for step in 0..14 {
        let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.001", 55_000 + step);
        desk.run(1_100);
        assert_eq!(desk.words(stop), ["accepted"], "{step}");
        ids.push(stop);
    }
    let orders: Vec<Order> =
        ids.iter().map(|id| desk.machine.attempts().get(*id).unwrap().order).collect();
    let held = *desk.machine.account().held(BTC).unwrap();
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut again = Desk::with(desk.world, Config::new(SESSION, symbols));
    let at = aegis_types::Nanos::from_millis(again.world.wall);
    // Whatever was known of each when it died.
    for (index, order) in orders.iter().enumerate() {
        let before = aegis_venue::client::attempts::Before {
            accepted: index % 2 == 0,
            ..Default::default()
        };
        again.machine.attempts_mut().resume(at, order, before);
    }
    again.machine.account_mut().resume(BTC, held);
    again.run(30_000);
    let open = again.machine.attempts().all().iter().filter(|a| a.is_open()).count();
    assert_eq!(open, 14, "{:?}", again.notes);
    for id in ids {
        assert_eq!(again.placements(id), 1, "none is sent again");
    }
    assert!(!again.machine.holds(Cause::Foreign), "{:?}", again.notes);
}

#[test]
fn funding_is_exact_to_the_last_unit() {
    let mut desk = Desk::holding(Side::Sell, "0.037");
    let before = desk.machine.account().wallet().unwrap();
    for rate in ["0.0003", "-0.00012345", "0.00000001"] {
        desk.world.fault(&json!({
            "fault": "funding", "symbol": "BTCUSDT", "key": KEY, "rate": rate,
        }));
        desk.run(2_000);
    }
    desk.assert_true("funding");
    assert_ne!(desk.machine.account().wallet(), Some(before));
}

#[test]
fn a_fill_of_an_order_that_is_over_is_booked_all_the_same() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(200);
    let entry = desk.order(OrderType::Limit, Side::Buy, "0.01", 59_000);
    desk.run(200);
    desk.world.fault(&json!({"fault": "fill_after_cancel"}));
    desk.cancel(entry);
    desk.run(10_000);
    assert_eq!(filled(&desk, entry), "0.01".parse().unwrap(), "{:?}", desk.words(entry));
    desk.assert_true("filled behind a cancel");
}

#[test]
fn a_late_word_of_an_old_position_closes_nothing() {
    use aegis_venue::client::request::Purpose;
    let mut desk = Desk::holding(Side::Buy, "0.01");
    // An event of long ago says that nothing is held; positions cannot be read, fills can.
    let late = r#"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[],
        "P":[{"s":"BTCUSDT","pa":"0","ep":"0","ps":"BOTH"}]}}"#;
    desk.intercept = Some(Box::new(|request| {
        (request.purpose == Purpose::Positions).then(|| (503, "Service Unavailable.".to_owned()))
    }));
    desk.hear_now(late);
    desk.run(50_000);
    assert!(desk.outside().is_empty(), "{:?}", desk.outside());
    assert_eq!(desk.turns(Cause::Mismatch), [true], "and no entry is made meanwhile");
    desk.intercept = None;
    desk.run(30_000);
    assert_eq!(desk.turns(Cause::Mismatch), [true, false], "{:?}", desk.notes);
    desk.assert_true("a late word");
}

#[test]
fn fills_of_before_a_restart_are_told_and_move_the_wallet_once() {
    // Three entries left, and the program died before anything was heard of them.
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(300);
    let start = desk.machine.account().wallet().unwrap();
    let ids: Vec<_> = (0..3).map(|_| desk.order(OrderType::Market, Side::Buy, "0.01", 0)).collect();
    let orders: Vec<Order> =
        ids.iter().map(|id| desk.machine.attempts().get(*id).unwrap().order).collect();
    desk.run(100);
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    for fault in ["", "http_503_unavailable"] {
        let world = core::mem::replace(&mut desk.world, World::new());
        let mut again = Desk::with(world, Config::new(SESSION, symbols.clone()));
        if !fault.is_empty() {
            for of in ["GET /fapi/v1/order", "GET /fapi/v1/userTrades"] {
                again.world.fault(&json!({"fault": fault, "match": of, "count": 4}));
            }
        }
        let at = aegis_types::Nanos::from_millis(again.world.wall);
        for order in &orders {
            again.machine.attempts_mut().resume(at, order, Default::default());
        }
        again.machine.account_mut().set_leverage(BTC, 5);
        let truth: Money = again.world.truth(KEY)["balance"].as_str().unwrap().parse().unwrap();
        for _ in 0..200 {
            again.run(100);
            let believed = again.machine.account().wallet();
            assert!(
                believed.is_none_or(|wallet| wallet == truth),
                "{believed:?}, was {start}, is {truth}: {:?}",
                again.notes
            );
        }
        for id in &ids {
            assert_eq!(filled(&again, *id), "0.01".parse().unwrap(), "{:?}", again.notes);
        }
        assert!(again.turns(Cause::Foreign).is_empty(), "{:?}", again.notes);
        let foreign = |note: &&aegis_venue::client::Note| {
            matches!(note, aegis_venue::client::Note::ForeignPosition { .. })
        };
        assert_eq!(again.notes.iter().filter(foreign).count(), 0, "{:?}", again.notes);
        again.assert_true("behind a restart");
        desk = again;
    }
}

#[test]
fn a_session_that_goes_on_has_its_wallet_while_an_order_is_still_to_be_proven() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 55_000);
    desk.run(500);
    let mut lost = desk.machine.attempts().get(stop).unwrap().order;
    lost.id.number += 50;
    let held = *desk.machine.account().held(BTC).unwrap();
    let wallet = desk.machine.account().wallet().unwrap();
    // Somebody else has traded before, and does again behind the restart.
    let foreign = "symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.1";
    desk.world.order(foreign);
    let truth = |desk: &mut Desk| -> Money {
        desk.world.truth(KEY)["balance"].as_str().unwrap().parse().unwrap()
    };
    for knew_of_it in [false, true] {
        let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
        let before = if knew_of_it { truth(&mut desk) } else { wallet };
        let world = core::mem::replace(&mut desk.world, World::new());
        let mut again = Desk::with(world, Config::new(SESSION, symbols));
        let at = aegis_types::Nanos::from_millis(again.world.wall);
        again.machine.attempts_mut().resume(at, &lost, Default::default());
        again.machine.account_mut().resume(BTC, held);
        again.machine.account_mut().resume_wallet(at, before);
        again.run(1_000);
        let was = truth(&mut again);
        again.world.order(foreign);
        again.run(1_000);
        let unknown = |desk: &Desk| {
            let attempt = desk.machine.attempts().get(lost.id);
            attempt.is_some_and(|attempt| attempt.phase == Phase::Unknown)
        };
        assert!(unknown(&again), "{:?}", again.notes);
        let fee = truth(&mut again).saturating_plus(-was);
        let believed = before.saturating_plus(fee);
        assert_eq!(again.machine.account().wallet(), Some(believed), "{:?}", again.notes);
        again.run(60_000);
        assert!(!unknown(&again), "{:?}", again.notes);
        again.assert_true("proven");
        desk = again;
    }
}
