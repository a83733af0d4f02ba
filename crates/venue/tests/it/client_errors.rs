//! Every line of the tables of errors, answered to an entry and to an order that protects: the
//! client does what the table says, and nothing else.

use crate::client_desk::{BTC, Desk};
use crate::world::World;
use aegis_types::{Command, OrderType, OrderUpdate, Side};
use aegis_venue::client::Note;
use aegis_venue::client::request::{Purpose, Request};
use aegis_wire::errors::{Answer, Class, ERRORS, Hint, STATUSES, Wait, reject_code};
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// Answers the first placement instead of the exchange; counts placements.
fn answer_first(desk: &mut Desk, status: u16, body: String) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let seen = Rc::clone(&count);
    desk.intercept = Some(Box::new(move |request: &Request| {
        if !matches!(request.purpose, Purpose::Place(_)) {
            return None;
        }
        seen.set(seen.get() + 1);
        (seen.get() == 1).then(|| (status, body.clone()))
    }));
    count
}

/// What the table asks for, as seen from outside: was it sent again, and what was told.
fn expect(
    desk: &Desk,
    what: &str,
    answer: &Answer<'_>,
    protects: bool,
    sent: u32,
    told: &[String],
) {
    let reaction = answer.classify(true);
    let closed = !matches!(reaction.wait, Wait::None | Wait::Backoff);
    let waits = closed && matches!(reaction.class, Class::Retry | Class::Stop);
    let code = reject_code(answer.code.unwrap_or(0));
    let refused = format!("rejected {code}");
    let again = match reaction.class {
        Class::Clock => true,
        Class::Retry | Class::Stop if waits => protects,
        Class::Retry => true,
        _ => false,
    };
    assert_eq!(sent, if again { 2 } else { 1 }, "{what}: placements, {told:?}");
    match reaction.class {
        _ if again => assert_eq!(told.first().map(String::as_str), Some("accepted"), "{what}"),
        Class::Unknown | Class::Done => {
            assert_eq!(told, ["unknown", "rejected venue_failed"], "{what}");
        }
        _ => assert_eq!(told, [refused], "{what}"),
    }
    let stopped = desk.notes.iter().any(|note| matches!(note, Note::Stop { .. }));
    assert_eq!(stopped, reaction.class == Class::Stop && !waits, "{what}: {:?}", desk.notes);
    let reduces = desk.notes.iter().any(|note| matches!(note, Note::ReduceOnly { .. }));
    assert_eq!(reduces, reaction.hint == Hint::ReduceOnlyMode, "{what}: {:?}", desk.notes);
}

fn check(status: u16, code: Option<i32>, message: &str) {
    let body = match code {
        Some(code) => json!({"code": code, "msg": message}).to_string(),
        None => message.to_owned(),
    };
    let answer = Answer { status, code, message, retry_after_s: None };
    for protects in [false, true] {
        let what = format!("status {status}, code {code:?}, {message}, protects {protects}");
        let mut desk = Desk::ready(World::new());
        if protects {
            desk.order(OrderType::Market, Side::Buy, "0.01", 0);
            desk.run(100);
            desk.notes.clear();
        }
        let sent = answer_first(&mut desk, status, body.clone());
        let id = if protects {
            desk.order(OrderType::StopMarket, Side::Sell, "0.01", 50_000)
        } else {
            desk.order(OrderType::Market, Side::Buy, "0.01", 0)
        };
        // Longer than any window, ban or block.
        desk.run(330_000);
        let told = desk.words(id);
        expect(&desk, &what, &answer, protects, sent.get(), &told);
        assert_eq!(desk.machine.attempts().unknown(), 0, "{what}");
    }
}

#[test]
fn every_code_is_answered_as_the_table_says() {
    for row in ERRORS {
        check(row.status, Some(row.code), row.text);
    }
}

#[test]
fn every_status_is_answered_as_the_table_says() {
    for row in STATUSES.iter().filter(|row| row.statuses.0 > 0) {
        check(row.statuses.0, None, row.text);
        check(row.statuses.1, None, row.text);
    }
    // Two texts that share a status with their opposites.
    check(503, None, "Unknown error, please check your request or try again later.");
    check(503, None, "Service Unavailable.");
}

#[test]
fn unknown_codes_leave_a_write_unknown_and_wake_somebody() {
    check(400, Some(-9_876), "Something new.");
    check(200_u16.wrapping_add(99), None, "neither JSON nor sense");
    let mut desk = Desk::ready(World::new());
    answer_first(&mut desk, 400, json!({"code": -9_876, "msg": "Something new."}).to_string());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(100);
    let puzzling = |note: &Note| matches!(note, Note::Puzzling { code: -9_876, .. });
    assert!(desk.notes.iter().any(puzzling), "{:?}", desk.notes);
}

#[test]
fn an_answer_that_cannot_be_read_is_as_unknown_as_none() {
    for body in ["", "{", "[]", "{\"orderId\":1}", "<html></html>", "null", "{\"status\":\"NEW\"}"]
    {
        let mut desk = Desk::ready(World::new());
        let sent = answer_first(&mut desk, 200, body.into());
        let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
        desk.run(20_000);
        assert_eq!(desk.words(id), ["unknown", "rejected venue_failed"], "{body}");
        assert_eq!(sent.get(), 1, "{body}");
    }
}

#[test]
fn after_a_stop_nothing_is_entered_and_positions_are_still_closed() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(100);
    let body = json!({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."});
    let sent = answer_first(&mut desk, 401, body.to_string());
    let first = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(1_000);
    let second = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(1_000);
    assert_eq!(desk.words(first), ["rejected venue_failed"]);
    assert_eq!(desk.words(second), ["rejected venue_failed"]);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.01"]);
    assert_eq!(sent.get(), 2, "the second entry never left");
    assert!(!desk.machine.ready());
}

#[test]
fn changed_filters_are_read_and_the_order_is_rounded_to_them_once() {
    let mut desk = Desk::ready(World::new());
    let change = json!({"fault": "filters_change", "symbol": "BTCUSDT",
        "tickSize": "1", "stepSize": "0.01", "minQty": "0.01", "minNotional": "50"});
    desk.world.fault(&change);
    let id = desk.order(OrderType::Market, Side::Buy, "0.017", 0);
    desk.run(1_000);
    // The engine asked for more and hears that no more comes.
    assert_eq!(desk.words(id), ["accepted", "filled 0.01", "expired"], "{:?}", desk.notes);
    assert_eq!(desk.placements(id), 2);
    let small = desk.order(OrderType::Market, Side::Buy, "0.007", 0);
    desk.run(1_000);
    assert_eq!(desk.words(small), ["rejected quantity"], "{:?}", desk.notes);
    assert_eq!(desk.placements(small), 1);
}

#[test]
fn a_grid_so_coarse_that_another_order_would_come_of_it_ends_the_order() {
    let mut desk = Desk::ready(World::new());
    desk.enter(Side::Buy, "0.01");
    // 53,333 would become 50,000: another stop than the one that was decided on.
    let change = json!({"fault": "filters_change", "symbol": "BTCUSDT", "tickSize": "10000"});
    desk.world.fault(&change);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 53_333);
    desk.run(1_000);
    assert_eq!(desk.words(stop).len(), 1, "{:?}", desk.notes);
    assert!(desk.words(stop)[0].starts_with("rejected "), "{:?}", desk.words(stop));
    assert_ne!(desk.words(stop), ["rejected gateway"], "{:?}", desk.notes);
    assert_eq!(
        desk.machine.gateway().counts().stopped,
        0,
        "nothing reached the gateway that it had to stop"
    );
}

#[test]
fn definite_failures_go_again_with_growing_pauses_and_then_end() {
    let mut desk = Desk::ready(World::new());
    let fault = json!({"fault": "http_503_unavailable", "match": "POST /fapi/v1/order",
        "count": 9});
    desk.world.fault(&fault);
    let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(10_000);
    assert_eq!(desk.words(id), ["rejected venue_failed"]);
    let at: Vec<i64> = desk
        .world
        .arrivals("/fapi/v1/order")
        .iter()
        .map(|request| request["at"].as_i64().unwrap())
        .collect();
    let pauses: Vec<i64> = at.windows(2).map(|pair| (pair[1] - pair[0]) / 100 * 100).collect();
    assert_eq!(pauses, [200, 400, 800]);
}

#[test]
fn a_ban_holds_everything_and_protection_is_the_first_to_go() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(100);
    let fault = json!({"fault": "http_418", "match": "POST /fapi/v1/algoOrder", "ms": 120_000});
    desk.world.fault(&fault);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 50_000);
    desk.run(500);
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    let before = desk.machine.counts().requests;
    desk.run(110_000);
    assert_eq!(desk.machine.counts().requests, before, "nothing goes while banned");
    assert_eq!(desk.words(entry), ["rejected venue_failed"], "it waited for too long");
    desk.run(20_000);
    assert_eq!(desk.words(stop), ["accepted"], "{:?}", desk.notes);
    let OrderUpdate::Accepted = desk.of(stop)[0] else { panic!("accepted") };
    assert!(desk.notes.iter().any(|note| matches!(note, Note::Closed { status: 418, .. })));
}

#[test]
fn a_refused_cancel_is_looked_into_whatever_the_code() {
    for row in ERRORS.iter().filter(|row| !matches!(row.code, -1_003 | -1_015)) {
        let mut desk = Desk::ready(World::new());
        desk.order(OrderType::Market, Side::Buy, "0.01", 0);
        desk.run(100);
        let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 50_000);
        desk.run(100);
        let first = Cell::new(true);
        let body = json!({"code": row.code, "msg": row.text}).to_string();
        let status = row.status;
        desk.intercept = Some(Box::new(move |request: &Request| {
            let cancel = matches!(request.purpose, Purpose::Cancel(_));
            (cancel && first.replace(false)).then(|| (status, body.clone()))
        }));
        desk.command(&Command::Cancel { id: stop, symbol: BTC });
        desk.run(10_000);
        assert_eq!(desk.words(stop), ["accepted", "canceled"], "code {}", row.code);
    }
}
