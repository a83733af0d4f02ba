//! Orders of the client against the simulated exchange: what is told, and when.

use crate::client_desk::{BTC, Desk};
use crate::world::{KEY, World};
use aegis_types::{AccountUpdate, Command, EventBody, FillReason, OrderType, OrderUpdate, Side};
use aegis_venue::client::Note;
use serde_json::json;

#[test]
fn a_start_reads_everything_and_tells_the_wallet_first() {
    let mut desk = Desk::idle(World::new());
    desk.run(5_000);
    assert!(desk.machine.ready(), "{:?} {:?}", desk.machine.stage(), desk.notes);
    let first = desk.told.first().map(|(_, body)| *body);
    let wallet = "10000".parse().unwrap();
    assert_eq!(first, Some(EventBody::Account(AccountUpdate::Wallet { balance: wallet })));
    assert!(!desk.machine.exchange_info().is_empty() && !desk.machine.brackets().is_empty());
    desk.assert_true("after the start");
}

#[test]
fn leverage_is_told_as_it_was_read_back() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 7 });
    desk.run(200);
    let told: Vec<_> = desk.told.iter().map(|(_, body)| *body).collect();
    let update = AccountUpdate::Leverage { symbol: BTC, leverage: 7 };
    assert_eq!(told, [EventBody::Account(update)]);
    let config = desk.world.must("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT");
    assert_eq!(config[0]["marginType"], "ISOLATED");
    assert_eq!(config[0]["leverage"], 7);
    // Once more costs nothing: it is so already.
    let before = desk.machine.counts().requests;
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 7 });
    assert_eq!(desk.machine.counts().requests, before);
}

#[test]
fn a_round_trip_fills_once_with_margin_and_wallet() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(200);
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.01"]);
    let OrderUpdate::Filled { fill } = desk.of(entry)[1] else { panic!("a fill") };
    assert_eq!(fill.reason, FillReason::NextPrice);
    assert_eq!(fill.px * fill.qty, Ok("600".parse().unwrap()));
    assert_eq!(fill.margin, "120".parse().unwrap());
    assert_eq!(fill.fee, "0.3".parse().unwrap());
    assert!(fill.leaves.is_zero());
    let last = desk.told.last().map(|(_, body)| *body);
    let wallet = AccountUpdate::Wallet { balance: "9999.7".parse().unwrap() };
    assert_eq!(last, Some(EventBody::Account(wallet)));
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(200);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.01"]);
    desk.assert_true("after the exit");
    assert!(desk.machine.settled());
}

#[test]
fn a_stop_rests_triggers_and_fills_under_its_own_id() {
    // Falls through the stop in the second minute.
    let mut desk = Desk::ready(World::of(&[60_000, 60_000, 58_000, 58_000], |_| {}));
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    let target = desk.order(OrderType::TakeProfitMarket, Side::Sell, "0.01", 65_000);
    desk.run(200);
    assert_eq!(desk.words(stop), ["accepted"]);
    assert_eq!(desk.words(target), ["accepted"]);
    desk.market(150_000);
    desk.run(1_000);
    assert_eq!(desk.words(stop), ["accepted", "filled 0.01"], "{:?}", desk.notes);
    let OrderUpdate::Filled { fill } = desk.of(stop)[1] else { panic!("a fill") };
    assert_eq!((fill.order, fill.reason), (stop, FillReason::StopTouched));
    // Nothing is left that it could reduce; whether the exchange ends it itself is not documented.
    if desk.words(target) == ["accepted"] {
        desk.cancel(target);
        desk.run(1_000);
    }
    let ended = desk.words(target).pop();
    assert!(matches!(ended.as_deref(), Some("canceled" | "expired")), "{ended:?}");
    assert_eq!(desk.words(entry).len(), 2);
    desk.assert_true("after the stop");
    assert!(desk.machine.settled());
}

#[test]
fn a_cancel_that_comes_too_late_is_settled_by_the_fill() {
    let mut desk = Desk::ready(World::new());
    let order = desk.order(OrderType::Limit, Side::Buy, "0.01", 59_000);
    desk.run(200);
    assert_eq!(desk.words(order), ["accepted"]);
    desk.world.fault(&json!({"fault": "fill_after_cancel"}));
    desk.cancel(order);
    desk.run(100);
    desk.price(58_000);
    desk.run(3_000);
    assert_eq!(desk.words(order), ["accepted", "filled 0.01"], "{:?}", desk.notes);
    desk.assert_true("after the cancel");
    assert!(desk.machine.settled());
}

#[test]
fn a_cancel_without_an_answer_goes_again_only_after_asking() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(200);
    let cancel = "DELETE /fapi/v1/algoOrder";
    desk.world.fault(&json!({"fault": "http_503_unknown_lost", "match": cancel}));
    desk.deaf_until = i64::MAX;
    desk.cancel(stop);
    desk.run(5_000);
    assert_eq!(desk.words(stop), ["accepted", "canceled"]);
    desk.deaf_until = 0;
}

#[test]
fn fills_are_found_without_a_user_stream() {
    let mut desk = Desk::ready(World::new());
    desk.deaf_until = i64::MAX;
    let entry = desk.order(OrderType::Market, Side::Sell, "0.02", 0);
    desk.run(3_000);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.02"]);
    desk.assert_true("deaf");
}

#[test]
fn a_fill_before_its_acknowledgement_and_twice_is_booked_once() {
    let mut desk = Desk::ready(World::new());
    desk.world.fault(&json!({"fault": "fill_before_ack", "ms": 900}));
    desk.world.fault(&json!({"fault": "ws_dup", "match": "ORDER_TRADE_UPDATE", "count": 4}));
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(100);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.01"]);
    desk.run(3_000);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.01"]);
    desk.assert_true("dup");
}

#[test]
fn a_liquidation_is_told_without_an_order_of_ours() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 10 });
    desk.run(200);
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    desk.world.fault(&json!({"fault": "liquidation", "symbol": "BTCUSDT", "key": KEY}));
    desk.run(2_000);
    let fill = desk.told.iter().rev().find_map(|(_, body)| match body {
        EventBody::Order { id, update: OrderUpdate::Filled { fill }, .. } if id.number == 0 => {
            Some(*fill)
        }
        _ => None,
    });
    let fill = fill.unwrap_or_else(|| panic!("{:?}", desk.told));
    assert_eq!((fill.reason, fill.side), (FillReason::Liquidated, Side::Sell));
    assert!(desk.notes.iter().any(|n| matches!(n, Note::Liquidated { .. })));
    desk.assert_true("liquidated");
}

#[test]
fn deleveraging_and_a_close_by_hand_are_taken_as_true() {
    for (fault, half) in [
        (json!({"fault": "adl", "symbol": "BTCUSDT", "key": KEY}), false),
        (json!({"fault": "manual_close", "symbol": "BTCUSDT", "key": KEY}), false),
        (
            json!({"fault": "manual_close", "symbol": "BTCUSDT", "key": KEY, "fraction": "0.5"}),
            true,
        ),
    ] {
        let mut desk = Desk::ready(World::new());
        desk.order(OrderType::Market, Side::Buy, "0.01", 0);
        desk.run(200);
        desk.world.fault(&fault);
        desk.run(3_000);
        let left = desk.machine.account().held(BTC).map(|held| held.qty);
        assert_eq!(left, half.then(|| "0.005".parse().unwrap()), "{fault}");
        desk.assert_true("closed by another");
    }
}

#[test]
fn funding_is_told_with_its_symbol() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    desk.machine.see(BTC, aegis_types::Px::whole(60_000));
    desk.told.clear();
    desk.world.fault(&json!({"fault": "funding", "symbol": "BTCUSDT", "rate": "0.0001"}));
    desk.run(1_000);
    let amount = "-0.06".parse().unwrap();
    let told = desk.told.iter().find_map(|(_, body)| match body {
        EventBody::Account(AccountUpdate::Funding { symbol, amount, rate, .. }) => {
            Some((*symbol, *amount, *rate))
        }
        _ => None,
    });
    assert_eq!(told, Some((BTC, amount, "0.0001".parse().unwrap())), "{:?}", desk.told);
    desk.assert_true("funded");
}

#[test]
fn an_expired_listen_key_stops_entries_until_the_account_is_read_again() {
    let mut desk = Desk::ready(World::new());
    desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(200);
    desk.world.fault(&json!({"fault": "listen_key_expire", "key": KEY}));
    desk.run(5_000);
    assert!(desk.notes.contains(&Note::UserStreamLost), "{:?}", desk.notes);
    assert!(desk.notes.contains(&Note::UserStreamReady));
    assert!(desk.machine.ready());
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(500);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.01"]);
    desk.assert_true("renewed");
}

#[test]
fn a_skewed_clock_is_set_and_the_order_goes_once_more() {
    let mut desk = Desk::ready(World::new());
    desk.world.fault(&json!({"fault": "clock_skew", "ms": -8000}));
    let entry = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
    desk.run(2_000);
    assert_eq!(desk.words(entry), ["accepted", "filled 0.01"], "{:?}", desk.notes);
    assert_eq!(desk.placements(entry), 2, "the first was refused for sure");
    desk.assert_true("skewed");
}

#[test]
fn a_foreign_position_is_said_and_left_alone() {
    let mut desk = Desk::ready(World::new());
    let foreign = json!({
        "fault": "foreign_order", "symbol": "BTCUSDT", "key": KEY,
        "side": "BUY", "quantity": "0.01",
    });
    desk.world.fault(&foreign);
    desk.run(20_000);
    let said = |note: &Note| matches!(note, Note::ForeignPosition { symbol: BTC, .. });
    assert_eq!(desk.notes.iter().filter(|note| said(note)).count(), 1, "{:?}", desk.notes);
    let of_an_order = |(_, body): &(i64, EventBody)| matches!(body, EventBody::Order { .. });
    assert!(!desk.told.iter().any(of_an_order), "{:?}", desk.told);
    let risk = desk.world.must("GET", "/fapi/v3/positionRisk", "symbol=BTCUSDT");
    assert_eq!(risk[0]["positionAmt"], "0.01", "{risk}");
}
