//! The start: what is set, what is refused, what is found; and a session that goes on after it was
//! cut off.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::client_once::Draw;
use crate::world::{EDDSA, OTHER, World, signer};
use aegis_types::{
    ClientOrderId, Command, Money, Nanos, Order, OrderReason, OrderType, Px, Qty, Side, SymbolTable,
};
use aegis_venue::client::Note;
use aegis_venue::client::account::Held;
use aegis_venue::client::attempts::Before;
use aegis_venue::client::machine::Config;
use aegis_venue::client::startup::{Restrictions, Stage};
use aegis_wire::{Secret, Signer};
use serde_json::json;

fn config(live: bool) -> Config {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    Config { live, ..Config::new(SESSION, symbols) }
}

fn failure(desk: &Desk) -> String {
    match desk.machine.stage() {
        Stage::Failed(why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn hedge_mode_is_switched_to_one_way() {
    let mut world = World::new();
    world.must("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true");
    let mut desk = Desk::ready(world);
    let mode = desk.world.must("GET", "/fapi/v1/positionSide/dual", "");
    assert_eq!(mode["dualSidePosition"], false);
}

#[test]
fn what_cannot_be_traded_safely_is_not_begun() {
    // Hedge mode with a position: it cannot be switched.
    let mut world = World::new();
    world.must("POST", "/fapi/v1/positionSide/dual", "dualSidePosition=true");
    world.order("symbol=BTCUSDT&side=BUY&positionSide=LONG&type=MARKET&quantity=0.01");
    let mut desk = Desk::idle(world);
    desk.run(5_000);
    assert!(failure(&desk).contains("hedge mode"), "{}", failure(&desk));
    // Margin that cannot be isolated.
    let mut world = World::new();
    world.must("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true");
    let mut desk = Desk::idle(world);
    desk.run(5_000);
    assert!(failure(&desk).contains("multi-assets"), "{}", failure(&desk));
    // A secret that is not the key's, and a key that nobody knows.
    let wrong = Signer::hmac(&Secret::from("wrong"));
    let mut desk = Desk::keyed(World::new(), config(false), OTHER, wrong.clone());
    desk.run(5_000);
    assert!(failure(&desk).contains("ignature"), "{}", failure(&desk));
    let mut desk = Desk::keyed(World::new(), config(false), "nobody", wrong);
    desk.run(5_000);
    assert!(failure(&desk).contains("check key"), "{}", failure(&desk));
}

#[test]
fn a_key_that_may_withdraw_is_refused_where_money_is_real() {
    let mut desk = Desk::keyed(World::new(), config(true), OTHER, signer(OTHER));
    desk.run(5_000);
    assert!(failure(&desk).contains("withdraw"), "{}", failure(&desk));
    let mut desk = Desk::keyed(World::new(), config(false), OTHER, signer(OTHER));
    desk.run(5_000);
    assert!(desk.machine.ready(), "elsewhere it is only said");
    assert_eq!(desk.machine.restrictions(), Restrictions::MayWithdraw);
    let mut desk = Desk::keyed(World::new(), config(true), crate::world::KEY, signer("first-key"));
    desk.run(5_000);
    assert!(desk.machine.ready());
    assert!(matches!(desk.machine.restrictions(), Restrictions::TradeOnly { .. }));
}

#[test]
fn an_environment_without_that_question_is_said_to_have_none() {
    let mut desk = Desk::idle(World::new());
    desk.intercept = Some(Box::new(|request| {
        let asks = request.purpose == aegis_venue::client::request::Purpose::Restrictions;
        asks.then(|| (403, "<html>Forbidden</html>".to_owned()))
    }));
    desk.run(5_000);
    assert!(desk.machine.ready());
    assert_eq!(desk.machine.restrictions(), Restrictions::Absent);
}

#[test]
fn an_ed25519_key_signs_as_well() {
    let mut desk = Desk::keyed(World::new(), config(false), EDDSA, signer(EDDSA));
    desk.run(5_000);
    assert!(desk.machine.ready(), "{:?}", desk.machine.stage());
    let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(500);
    assert_eq!(desk.words(id), ["accepted", "filled 0.01"]);
}

#[test]
fn what_was_there_before_is_said_and_left_alone() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.02");
    let resting = "symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=2000\
                   &newClientOrderId=by-hand";
    world.order(resting);
    let mut desk = Desk::idle(world);
    desk.run(5_000);
    assert!(desk.machine.ready());
    let position = Note::ForeignPosition { symbol: BTC, qty: "0.02".parse().unwrap() };
    assert!(desk.notes.contains(&position), "{:?}", desk.notes);
    let order =
        |n: &Note| matches!(n, Note::ForeignOrder { client, .. } if client.as_str() == "by-hand");
    assert_eq!(desk.notes.iter().filter(|note| order(note)).count(), 1);
    desk.run(200_000);
    assert_eq!(desk.notes.iter().filter(|note| order(note)).count(), 1, "said once");
    assert!(desk.machine.account().held(BTC).is_none());
}

#[test]
fn a_start_through_trouble_succeeds_in_the_end() {
    for seed in 0..100 {
        let mut draw = Draw::new(seed);
        let mut desk = Desk::idle(World::new());
        for _ in 0..draw.below(12) {
            let fault = *draw.one(&[
                "reply_cut",
                "reply_delay",
                "http_408",
                "http_503_unavailable",
                "http_503_unknown_executed",
                "minus_1007",
                "http_429",
            ]);
            desk.world.fault(&json!({"fault": fault, "seed": seed, "ms": 12_000}));
            desk.run(draw.below(1_500) as i64);
        }
        desk.run(400_000);
        assert!(desk.machine.ready(), "seed {seed}: {:?}", desk.machine.stage());
        desk.assert_true(&format!("seed {seed}"));
    }
}

/// A market order of ours under a number.
fn market(number: u32, side: Side, reduce_only: bool) -> Order {
    Order {
        id: ClientOrderId { session: SESSION, number },
        symbol: BTC,
        side,
        kind: OrderType::Market,
        reason: OrderReason::Entry,
        reduce_only,
        qty: "0.01".parse().unwrap(),
        price: Px::ZERO,
        trigger: Px::ZERO,
    }
}

#[test]
fn a_session_that_was_cut_off_finds_out_what_became_of_its_orders() {
    for executed in [true, false] {
        let mut desk = Desk::ready(World::new());
        desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
        desk.run(100);
        desk.command(&Command::Submit { order: market(1, Side::Buy, false) });
        desk.run(200);
        let fault = json!({
            "fault": "reply_cut", "executed": executed, "match": "POST /fapi/v1/order",
        });
        desk.world.fault(&fault);
        desk.deaf_until = i64::MAX;
        desk.command(&Command::Submit { order: market(2, Side::Sell, true) });
        // Killed before anything was heard: a new process, which only knows its journal.
        let Desk { world, .. } = desk;
        let mut desk = Desk::idle(world);
        let now = Nanos::from_millis(desk.world.wall);
        let exit = market(2, Side::Sell, true);
        desk.machine.attempts_mut().resume(now, &exit, Before::default());
        let held = Held { side: Side::Buy, qty: exit.qty, margin: Money::whole(120) };
        desk.machine.account_mut().resume(BTC, held);
        desk.run(20_000);
        let words = desk.words(exit.id);
        if executed {
            assert_eq!(words, ["accepted", "filled 0.01"]);
        } else {
            assert_eq!(words, ["rejected venue_failed"]);
        }
        assert_eq!(desk.placements(exit.id), 1);
        desk.assert_true("resumed");
        assert!(desk.machine.ready());
    }
}

#[test]
fn an_order_that_a_cut_off_session_was_taking_back_is_taken_back() {
    let mut desk = Desk::ready(World::new());
    let far =
        Order { kind: OrderType::Limit, price: Px::whole(50_000), ..market(1, Side::Buy, false) };
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(100);
    desk.command(&Command::Submit { order: far });
    desk.run(200);
    // Killed before the cancel left.
    let Desk { world, .. } = desk;
    let mut desk = Desk::idle(world);
    let now = Nanos::from_millis(desk.world.wall);
    let before = Before { accepted: true, canceling: true, booked: Qty::ZERO };
    desk.machine.attempts_mut().resume(now, &far, before);
    desk.run(5_000);
    assert_eq!(desk.words(far.id), ["canceled"], "{:?}", desk.notes);
}

#[test]
fn a_stream_that_is_open_and_silent_is_opened_again() {
    let mut desk = Desk::ready(World::new());
    desk.deaf_until = desk.world.wall + 4_000;
    let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(2_000);
    assert_eq!(desk.words(id), ["accepted", "filled 0.01"], "by request");
    assert!(desk.machine.ready());
    desk.run(10_000);
    for wanted in [Note::UserStreamSilent, Note::UserStreamLost, Note::UserStreamReady] {
        assert!(desk.notes.contains(&wanted), "{wanted:?}: {:?}", desk.notes);
    }
    assert!(desk.machine.ready());
}

#[test]
fn what_is_known_behind_a_restart_does_not_wait_for_what_is_not() {
    let mut desk = Desk::ready(World::new());
    let filled = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    let mut order = desk.machine.attempts().get(filled).unwrap().order;
    desk.world.wait(500);
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let mut again = Desk::with(desk.world, Config::new(SESSION, symbols));
    again.number_from(100);
    let now = Nanos::from_millis(again.world.wall);
    let attempts = again.machine.attempts_mut();
    attempts.resume(now, &order, Before::default());
    // This one has never left.
    order.id.number += 1;
    attempts.resume(now, &order, Before::default());
    again.run(2_000);
    assert_eq!(again.words(filled), ["accepted", "filled 0.01"], "{:?}", again.notes);
    assert!(again.machine.ready(), "{:?}", again.notes);
    assert!(!again.machine.settled(), "the other one is not proven for seconds");
    assert_eq!(again.machine.attempts().unknown(), 1);
    let stop = again.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    again.run(200);
    assert_eq!(again.words(stop), ["accepted"]);
    again.run(8_000);
    assert_eq!(again.words(order.id), ["rejected venue_failed"]);
    assert!(again.machine.settled());
    again.assert_true("behind the restart");
}
