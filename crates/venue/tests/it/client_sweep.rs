//! The sweep: every position's stop is confirmed by the exchange at the start, behind a silence and
//! now and then; one that is gone for sure is told, one that merely cannot be found is not.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::world::{KEY, World};
use aegis_types::{Cause, ClientOrderId, Money, Nanos, Order, OrderType, Px, Side, SymbolTable};
use aegis_venue::client::Note;
use aegis_venue::client::attempts::Before;
use aegis_venue::client::machine::Config;
use serde_json::json;

fn now(desk: &Desk) -> Nanos {
    Nanos::from_millis(desk.world.wall)
}

/// A position with its stop.
fn protected() -> (Desk, ClientOrderId) {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(200);
    assert_eq!(desk.words(stop), ["accepted"]);
    (desk, stop)
}

#[test]
fn the_age_of_the_last_confirmation_stays_below_the_sweep() {
    let (mut desk, _) = protected();
    let mut worst = Nanos::ZERO;
    for _ in 0..300 {
        desk.run(1_000);
        worst = worst.max(desk.machine.protection_age(now(&desk)).unwrap());
    }
    assert!(worst >= Nanos::SECOND.times(50), "it is an age: {}", worst.as_millis());
    assert!(worst <= Nanos::SECOND.times(61), "{} ms", worst.as_millis());
    let status = desk.machine.status(now(&desk));
    assert!(status.protection_age_ms.is_some_and(|age| age < 61_000), "{status:?}");
    // Out of reach it grows, and says so.
    desk.cut_off = true;
    desk.run(180_000);
    assert!(desk.machine.protection_age(now(&desk)).unwrap() > Nanos::MINUTE.times(2));
    assert!(desk.machine.holds(Cause::Connection));
    desk.cut_off = false;
    desk.run(20_000);
    assert!(desk.machine.protection_age(now(&desk)).unwrap() < Nanos::MINUTE);
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(1_000);
    assert_eq!(desk.words(exit).len(), 2);
    assert_eq!(desk.machine.protection_age(now(&desk)), None, "nothing is held");
}

#[test]
fn a_position_without_a_stop_has_the_age_of_its_entry() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.run(30_000);
    let age = desk.machine.protection_age(now(&desk)).unwrap();
    assert!(age >= Nanos::SECOND.times(30) && age < Nanos::SECOND.times(32), "{}", age.0);
    // One that covers only a part confirms nothing.
    desk.order(OrderType::StopMarket, Side::Sell, "0.005", 59_000);
    desk.run(1_000);
    assert!(desk.machine.protection_age(now(&desk)).unwrap() > age);
    desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(100);
    assert!(desk.machine.protection_age(now(&desk)).unwrap() < Nanos::SECOND);
}

#[test]
fn a_stop_that_was_taken_back_unheard_is_told_within_a_sweep() {
    let (mut desk, stop) = protected();
    desk.deaf_until = desk.world.wall + 1_000;
    desk.world.must("DELETE", "/fapi/v1/algoOrder", &format!("clientAlgoId={stop}"));
    desk.run(62_000);
    assert_eq!(desk.words(stop), ["accepted", "canceled"], "{:?}", desk.notes);
}

#[test]
fn a_stop_that_cannot_be_found_is_still_believed() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.world.fault(&json!({"fault": "algo_invisible", "ms": 1_800_000}));
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(1_700_000);
    assert_eq!(desk.words(stop), ["accepted"], "not found is not absent");
    assert_eq!(desk.placements(stop), 1);
    let age = desk.machine.protection_age(now(&desk)).unwrap();
    assert!(age > Nanos::MINUTE.times(25), "and the age says that nobody has seen it");
    desk.run(200_000);
    assert_eq!(desk.words(stop), ["accepted"]);
    assert!(desk.machine.protection_age(now(&desk)).unwrap() <= Nanos::SECOND.times(61));
}

#[test]
fn a_restart_and_a_reconnect_confirm_the_stop_at_once() {
    let (mut desk, stop) = protected();
    let held = *desk.machine.account().held(BTC).unwrap();
    let order: Order = desk.machine.attempts().get(stop).unwrap().order;
    // Taken back while nobody runs.
    desk.world.must("DELETE", "/fapi/v1/algoOrder", &format!("clientAlgoId={stop}"));
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut again = Desk::with(desk.world, Config::new(SESSION, symbols));
    let before = Before { accepted: true, ..Before::default() };
    let at = now(&again);
    again.machine.attempts_mut().resume(at, &order, before);
    again.machine.account_mut().resume(BTC, held);
    again.run(5_000);
    assert!(again.machine.ready());
    assert_eq!(again.words(stop), ["canceled"]);
    // Behind a silence: a stop that went with it.
    let (mut desk, stop) = protected();
    desk.run(10_000);
    desk.deaf_until = desk.world.wall + 10;
    desk.world.must("DELETE", "/fapi/v1/algoOrder", &format!("clientAlgoId={stop}"));
    desk.run(20);
    desk.world.fault(&json!({"fault": "listen_key_expire", "key": KEY}));
    desk.run(5_000);
    assert_eq!(desk.words(stop), ["accepted", "canceled"]);
}

#[test]
fn an_order_that_is_over_for_us_and_stands_there_is_taken_back() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    // Invisible for two minutes: it can be neither found nor taken back, and is given up.
    desk.world.fault(&json!({"fault": "algo_invisible", "ms": 200_000}));
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(1_000);
    desk.intercept = Some(Box::new(|request| {
        let cancels = matches!(request.purpose, aegis_venue::client::request::Purpose::Cancel(_));
        cancels.then(|| (400, r#"{"code":-2011,"msg":"Unknown order sent."}"#.to_owned()))
    }));
    desk.cancel(stop);
    desk.run(150_000);
    assert_eq!(desk.words(stop), ["accepted", "rejected unknown_order"], "{:?}", desk.notes);
    desk.intercept = None;
    desk.run(200_000);
    let truth = desk.world.truth(KEY);
    assert_eq!(truth["algo_orders"][0]["algoStatus"], "CANCELED", "{:?}", desk.notes);
    assert!(desk.notes.iter().any(|note| matches!(note, Note::Orphan { .. })));
    assert_eq!(desk.words(stop).len(), 2, "and nothing more is told of it");
}

/// The next process of the session, whose journal has all orders ended; the position is as told.
fn next_process(desk: Desk) -> Desk {
    let held = desk.machine.account().held(BTC).copied();
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut again = Desk::with(desk.world, Config::new(SESSION, symbols));
    again.number_from(100);
    if let Some(held) = held {
        again.machine.account_mut().resume(BTC, held);
    }
    again.run(5_000);
    again
}

fn open_orders(desk: &mut Desk) -> (usize, usize) {
    let mut count =
        |path: &str| desk.world.must("GET", path, "symbol=BTCUSDT").as_array().unwrap().len();
    (count("/fapi/v1/openOrders"), count("/fapi/v1/openAlgoOrders"))
}

#[test]
fn an_order_of_the_session_that_its_journal_has_ended_is_taken_back_and_not_foreign() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Limit, Side::Buy, "0.01", 50_000);
    desk.order(OrderType::StopMarket, Side::Sell, "0.01", 49_000);
    desk.run(1_000);
    assert_eq!(open_orders(&mut desk), (1, 1));
    let mut again = next_process(desk);
    again.run(1_000);
    assert_eq!(open_orders(&mut again), (0, 0), "{:?}", again.notes);
    again.run(130_000);
    assert_eq!(again.turns(Cause::Foreign), [false; 0], "{:?}", again.notes);
    assert_eq!(again.machine.status(now(&again)).foreign, 0);
    let orphans = again.notes.iter().filter(|note| matches!(note, Note::Orphan { .. }));
    assert_eq!(orphans.count(), 2, "{:?}", again.notes);
    let entry = again.order(OrderType::Market, Side::Buy, "0.01", 0);
    again.run(500);
    assert_eq!(again.words(entry), ["accepted", "filled 0.01"]);
}

#[test]
fn a_stop_that_its_journal_has_ended_stays_until_another_one_protects() {
    let (desk, old) = protected();
    let mut again = next_process(desk);
    again.run(130_000);
    assert_eq!(open_orders(&mut again), (0, 1), "all that protects: {:?}", again.notes);
    assert_eq!(again.machine.status(now(&again)).foreign, 0);
    let stop = again.order(OrderType::StopMarket, Side::Sell, "0.01", 59_500);
    again.run(70_000);
    assert_eq!(open_orders(&mut again), (0, 1), "{:?}", again.notes);
    assert_eq!((again.words(stop), again.words(old)), (vec!["accepted".to_owned()], vec![]));
    again.assert_true("one stop is left");
}

#[test]
fn a_fill_of_an_order_that_its_journal_has_ended_is_booked_on_it_once() {
    let mut desk = Desk::ready(World::new());
    let limit = desk.order(OrderType::Limit, Side::Buy, "0.01", 59_000);
    desk.run(1_000);
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut again = Desk::with(desk.world, Config::new(SESSION, symbols));
    // It fills before anybody has taken it back.
    again.intercept = Some(Box::new(|request| {
        let cancels = matches!(request.purpose, aegis_venue::client::request::Purpose::Cancel(_));
        cancels.then(|| (400, r#"{"code":-2011,"msg":"Unknown order sent."}"#.to_owned()))
    }));
    again.run(5_000);
    again.price(58_000);
    again.run(3_000);
    assert_eq!(again.words(limit), ["filled 0.01"], "{:?}", again.notes);
    again.run(120_000);
    assert_eq!(again.words(limit), ["filled 0.01"], "{:?}", again.notes);
    assert_eq!(again.turns(Cause::Foreign), [false; 0], "{:?}", again.notes);
    again.assert_true("filled late");
}

#[test]
fn entries_do_not_outlive_the_program_and_stops_do() {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let dead_man = Nanos::SECOND.times(30);
    let mut desk = Desk::with(World::new(), Config { dead_man, ..Config::new(SESSION, symbols) });
    desk.run(5_000);
    desk.enter(Side::Buy, "0.01");
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(1_000);
    assert_eq!(desk.world.arrivals("/fapi/v1/countdownCancelAll").len(), 0, "nothing rests");
    let limit = desk.order(OrderType::Limit, Side::Buy, "0.01", 50_000);
    desk.run(100_000);
    assert_eq!(desk.words(limit), ["accepted"], "it is renewed in time");
    let set = desk.world.arrivals("/fapi/v1/countdownCancelAll").len();
    assert!((9..=12).contains(&set), "every third of its time: {set}");
    // The program stands still.
    desk.world.wait(35_000);
    let open = |desk: &mut Desk, path: &str| {
        desk.world.must("GET", path, "symbol=BTCUSDT").as_array().unwrap().len()
    };
    assert_eq!(open(&mut desk, "/fapi/v1/openOrders"), 0, "the entry is gone");
    assert_eq!(open(&mut desk, "/fapi/v1/openAlgoOrders"), 1, "the stop is spared");
    desk.run(5_000);
    assert_eq!(desk.words(limit), ["accepted", "canceled"]);
    assert_eq!(desk.words(stop), ["accepted"]);
    // Nothing rests any more: the countdown is ended.
    let set = desk.world.arrivals("/fapi/v1/countdownCancelAll").len();
    desk.run(60_000);
    assert_eq!(desk.world.arrivals("/fapi/v1/countdownCancelAll").len(), set);
}

#[test]
fn a_stop_whose_trigger_was_crossed_is_asked_for_when_nothing_tells_of_it() {
    let (mut desk, stop) = protected();
    // The stream stays open and loses everything.
    desk.deaf_until = desk.world.wall + 60_000;
    desk.price(58_000);
    desk.machine.see(BTC, Px::whole(58_000));
    desk.run(4_500);
    assert_eq!(desk.words(stop), ["accepted", "filled 0.01"], "{:?}", desk.notes);
    desk.run(3_000);
    desk.assert_true("crossed unheard");
}

#[test]
fn a_close_that_nobody_heard_moves_the_wallet_once() {
    for wait in [0, 300, 700, 1_500, 4_000] {
        let mut desk = Desk::holding(Side::Buy, "0.01");
        desk.price(61_000);
        desk.run(100);
        desk.deaf_until = desk.world.wall + 50 + wait;
        desk.world.fault(&json!({"fault": "manual_close", "symbol": "BTCUSDT", "key": KEY}));
        desk.run(wait);
        // Some of the account is read early, as after a doubt.
        desk.world.fault(&json!({"fault": "listen_key_expire", "key": KEY}));
        let truth: Money = desk.world.truth(KEY)["balance"].as_str().unwrap().parse().unwrap();
        let start = desk.machine.account().wallet().unwrap();
        for _ in 0..600 {
            desk.run(100);
            let believed = desk.machine.account().wallet().unwrap();
            assert!(
                believed == start || believed == truth,
                "after {wait} ms: {believed}, was {start}, is {truth}: {:?}",
                desk.notes
            );
        }
        desk.assert_true(&format!("after {wait} ms"));
    }
}

#[test]
fn the_fee_of_a_foreign_order_that_nobody_heard_is_in_the_wallet_within_seconds() {
    for stream_back in [false, true] {
        let mut desk = Desk::ready(World::new());
        desk.deaf_until = desk.world.wall + 60_000;
        desk.world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.02");
        if stream_back {
            desk.run(100);
            desk.deaf_until = 0;
            desk.world.fault(&json!({"fault": "listen_key_expire", "key": KEY}));
        } else {
            // A sweep finds it.
            desk.run(60_000);
        }
        desk.run(3_000);
        let truth: Money = desk.world.truth(KEY)["balance"].as_str().unwrap().parse().unwrap();
        assert!(truth < Money::whole(10_000), "there was a fee");
        assert_eq!(desk.machine.account().wallet(), Some(truth), "{:?}", desk.notes);
    }
}
