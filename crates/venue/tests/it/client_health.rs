//! Conditions: the engine hears when the way to the exchange is not sound, and when it is again,
//! once each; orders that reduce leave all the while.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::world::{KEY, World};
use aegis_types::{
    Cause, Command, EventBody, Fill, FillReason, OrderType, OrderUpdate, RejectCode, Side,
    SymbolTable,
};
use aegis_venue::client::Note;
use aegis_venue::client::health::Foreign;
use aegis_venue::client::machine::Config;
use serde_json::json;

/// An entry is refused at once, and an exit leaves and fills.
fn only_exits(desk: &mut Desk, what: &str) {
    let entry = desk.order(OrderType::Market, Side::Buy, "0.001", 0);
    assert_eq!(desk.words(entry), ["rejected venue_failed"], "{what}");
    let exit = desk.exit(Side::Sell, "0.001");
    // Without a stream its fill is asked for.
    desk.run(1_500);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.001"], "{what}: {:?}", desk.notes);
}

#[test]
fn a_dead_user_stream_is_told_and_its_return_too() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    // No new key for a while.
    desk.world.fault(&json!({
        "fault": "http_503_unavailable", "match": "POST /fapi/v1/listenKey", "count": 6,
    }));
    desk.world.fault(&json!({"fault": "listen_key_expire", "key": KEY}));
    desk.run(100);
    assert_eq!(desk.turns(Cause::UserStream), [true]);
    assert!(desk.machine.holds(Cause::UserStream));
    only_exits(&mut desk, "without a stream");
    desk.run(30_000);
    assert_eq!(desk.turns(Cause::UserStream), [true, false], "{:?}", desk.notes);
    desk.assert_true("behind the silence");
    let entry = desk.order(OrderType::Market, Side::Buy, "0.001", 0);
    desk.run(200);
    assert_eq!(desk.words(entry).len(), 2);
}

#[test]
fn a_stream_on_which_not_even_pings_come_is_opened_again() {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    let silence_max = aegis_types::Nanos::SECOND.times(90);
    let mut desk =
        Desk::with(World::new(), Config { silence_max, ..Config::new(SESSION, symbols) });
    desk.run(5_000);
    assert!(desk.machine.ready());
    desk.run(80_000);
    assert!(!desk.notes.contains(&Note::UserStreamSilent));
    desk.run(20_000);
    assert!(desk.notes.contains(&Note::UserStreamSilent), "{:?}", desk.notes);
    assert_eq!(desk.turns(Cause::UserStream), [true, false]);
    assert!(desk.machine.ready());
}

#[test]
fn a_clock_that_is_off_ends_entries_until_it_is_right() {
    for ms in [8_000, -8_000, 2_500] {
        let mut desk = Desk::holding(Side::Buy, "0.01");
        desk.world.fault(&json!({"fault": "clock_skew", "ms": ms}));
        // The small skew passes the exchange's window and is found by the next round.
        desk.run(330_000);
        assert_eq!(desk.turns(Cause::Clock), [true], "{ms} ms: {:?}", desk.notes);
        let exit = desk.exit(Side::Sell, "0.001");
        desk.run(5_000);
        assert_eq!(desk.words(exit).len(), 2, "{ms} ms: an exit leaves, stamped right");
        let reply = desk.world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
        assert_eq!(reply.status, 200);
        desk.run(60_000);
        assert_eq!(desk.turns(Cause::Clock), [true, false], "{ms} ms: {:?}", desk.notes);
    }
}

#[test]
fn an_exchange_out_of_reach_is_told_after_five_seconds() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.cut_off = true;
    // Nothing is asked within these seconds: nobody has noticed anything.
    desk.run(3_000);
    assert!(desk.turns(Cause::Connection).is_empty());
    let exit = desk.exit(Side::Sell, "0.001");
    desk.run(4_500);
    assert!(desk.turns(Cause::Connection).is_empty());
    desk.run(1_000);
    assert_eq!(desk.turns(Cause::Connection), [true]);
    desk.run(600_000);
    assert_eq!(desk.words(exit), [""; 0], "it waits, and nothing was dropped");
    desk.cut_off = false;
    desk.run(2_000);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.001"]);
    desk.run(5_000);
    assert_eq!(desk.turns(Cause::Connection), [true, false]);
    desk.assert_true("reached again");
}

#[test]
fn a_ban_is_a_condition_and_the_first_call_after_it_protects() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.world.fault(&json!({"fault": "http_418", "ms": 60_000}));
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 59_000);
    desk.run(1_000);
    assert_eq!(desk.turns(Cause::Connection), [true], "{:?}", desk.notes);
    let before = desk.world.truth(KEY)["requests"].as_array().unwrap().len();
    desk.run(55_000);
    assert_eq!(desk.world.truth(KEY)["requests"].as_array().unwrap().len(), before, "banned");
    desk.run(10_000);
    let truth = desk.world.truth(KEY);
    let first = &truth["requests"].as_array().unwrap()[before];
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!("/fapi/v1/algoOrder")));
    assert_eq!(desk.words(stop), ["accepted"]);
    assert_eq!(desk.turns(Cause::Connection), [true, false]);
}

#[test]
fn behind_a_firewall_an_exit_tries_again_within_seconds() {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.world.fault(&json!({"fault": "http_403", "count": 2}));
    let exit = desk.exit(Side::Sell, "0.01");
    desk.run(9_000);
    assert_eq!(desk.words(exit), [""; 0]);
    assert_eq!(desk.turns(Cause::Connection), [true]);
    desk.run(23_000);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.01"], "{:?}", desk.notes);
    desk.run(2_000);
    assert_eq!(desk.turns(Cause::Connection), [true, false], "its answer opens the door");
    desk.assert_true("through the firewall");
}

/// Rests an order on the account that is not ours, by the user's own hand.
fn by_hand(desk: &mut Desk) {
    desk.world.must(
        "POST",
        "/fapi/v1/order",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000\
         &newClientOrderId=web_1",
    );
}

#[test]
fn an_order_of_somebody_else_ends_entries_and_is_left_alone() {
    for foreign in [Foreign::Alert, Foreign::Ignore] {
        let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
        let config = Config { foreign, ..Config::new(SESSION, symbols) };
        let mut desk = Desk::with(World::new(), config);
        desk.run(5_000);
        by_hand(&mut desk);
        desk.run(200_000);
        let alert = foreign == Foreign::Alert;
        let turns = if alert { vec![true] } else { vec![] };
        assert_eq!(desk.turns(Cause::Foreign), turns, "{foreign:?}");
        let told = |note: &&Note| matches!(note, Note::ForeignOrder { .. });
        let told: Vec<_> = desk.notes.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "once, not at every reading: {told:?}");
        let open = desk.world.must("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT");
        assert_eq!(open.as_array().unwrap().len(), 1, "left alone");
        desk.world.must("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=web_1");
        desk.run(70_000);
        let turns = if alert { vec![true, false] } else { vec![] };
        assert_eq!(desk.turns(Cause::Foreign), turns, "{foreign:?}");
    }
}

#[test]
fn what_is_on_the_account_at_the_start_is_found() {
    let mut world = World::new();
    world.order("symbol=ETHUSDT&side=SELL&type=MARKET&quantity=0.5");
    let symbols = SymbolTable::new(["BTCUSDT"]).unwrap();
    let mut desk = Desk::with(world, Config::new(SESSION, symbols));
    desk.run(5_000);
    by_hand(&mut desk);
    desk.run(70_000);
    assert_eq!(desk.turns(Cause::Foreign), [true], "{:?}", desk.notes);
    let elsewhere = |note: &&Note| matches!(note, Note::ForeignElsewhere { .. });
    assert_eq!(desk.notes.iter().filter(elsewhere).count(), 1);
    assert_eq!(desk.machine.status(aegis_types::Nanos::ZERO).foreign, 2);
}

#[test]
fn a_position_of_somebody_else_ends_entries_until_it_is_gone() {
    let mut desk = Desk::ready(World::new());
    desk.world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.02");
    desk.run(60_000);
    assert_eq!(desk.turns(Cause::Foreign), [true], "{:?}", desk.notes);
    assert!(desk.machine.account().held(BTC).is_none(), "not ours");
    assert_eq!(desk.outside(), [], "the engine has no position that it changes");
    desk.world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02&reduceOnly=true");
    desk.run(90_000);
    assert_eq!(desk.turns(Cause::Foreign), [true, false], "{:?}", desk.notes);
}

#[test]
fn leverage_that_somebody_sets_ends_entries_until_set_again() {
    let mut desk = Desk::ready(World::new());
    desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
    desk.run(500);
    desk.world.fault(&json!({
        "fault": "settings_change", "symbol": "BTCUSDT", "key": KEY, "leverage": 50,
    }));
    desk.run(1_000);
    assert_eq!(desk.turns(Cause::Leverage), [true], "{:?}", desk.notes);
    desk.run(60_000);
    assert_eq!(desk.turns(Cause::Leverage), [true, false], "{:?}", desk.notes);
    assert_eq!(desk.machine.account().leverage(BTC), 5);
}

#[test]
fn who_changed_a_position_is_told_whichever_way_it_was_heard() {
    for deaf in [false, true] {
        for (fault, reason) in [
            ("liquidation", FillReason::Liquidated),
            ("adl", FillReason::Deleveraged),
            ("manual_close", FillReason::Manual),
        ] {
            let mut desk = Desk::holding(Side::Buy, "0.01");
            let what = format!("{fault}, deaf {deaf}");
            if deaf {
                desk.deaf_until = desk.world.wall + 100;
            }
            desk.world.fault(&json!({
                "fault": fault, "symbol": "BTCUSDT", "key": KEY, "fraction": "0.5",
            }));
            desk.run(90_000);
            let fills = desk.outside();
            assert!(!fills.is_empty(), "{what}: {:?}", desk.notes);
            assert!(fills.iter().all(|fill| fill.reason == reason), "{what}: {fills:?}");
            desk.assert_true(&what);
            let turns = desk.turns(Cause::Mismatch);
            assert!(turns.is_empty(), "{what}: explained before it is a mismatch: {turns:?}");
        }
    }
}

/// The user closes a position while nobody hears it and no trade tells it.
fn closed_unseen() -> Desk {
    let mut desk = Desk::holding(Side::Buy, "0.01");
    desk.deaf_until = desk.world.wall + 100;
    let fault = json!({"fault": "manual_close", "symbol": "BTCUSDT", "key": KEY});
    desk.world.fault(&fault);
    desk.run(100);
    desk.intercept = Some(Box::new(|request| {
        let asks =
            matches!(request.purpose, aegis_venue::client::request::Purpose::SymbolTrades(_));
        asks.then(|| (200, "[]".to_owned()))
    }));
    desk.run(120_000);
    desk
}

#[test]
fn the_exchange_is_the_truth_of_positions_even_when_no_fill_explains_it() {
    let mut first = closed_unseen();
    let fills = first.outside();
    assert_eq!(fills.len(), 1, "{:?}", first.notes);
    assert_eq!((fills[0].side, fills[0].reason), (Side::Sell, FillReason::Manual));
    assert!(fills[0].trade_id >= Fill::INFERRED, "kept apart from the exchange's own numbers");
    assert!(first.machine.account().held(BTC).is_none());
    assert_eq!(first.turns(Cause::Mismatch), [true, false]);
    assert!(first.notes.iter().any(|note| matches!(note, Note::ClosedUnseen { .. })));
    first.run(60_000);
    first.assert_true("unseen");
    // The same story gives the same number, so that a restart does not book it twice.
    assert_eq!(closed_unseen().outside()[0].trade_id, fills[0].trade_id);
    // What somebody does from here on, he does not do to a position of ours.
    first.intercept = None;
    first.world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02");
    first.run(60_000);
    assert_eq!(first.outside().len(), 1, "{:?}", first.notes);
    assert_eq!(first.turns(Cause::Foreign), [true], "{:?}", first.notes);
}

#[test]
fn a_fill_that_only_the_order_counts_is_inferred_once_and_not_doubled_by_its_trade() {
    use aegis_venue::client::request::Purpose;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut desk = Desk::ready(World::new());
        desk.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
        desk.run(200);
        desk.told.clear();
        desk.deaf_until = i64::MAX;
        desk.intercept = Some(Box::new(|request| {
            let asks = matches!(request.purpose, Purpose::Trades(_) | Purpose::SymbolTrades(_));
            asks.then(|| (200, "[]".to_owned()))
        }));
        let id = desk.order(OrderType::Market, Side::Buy, "0.01", 0);
        desk.run(60_000);
        let fills: Vec<_> = desk
            .of(id)
            .into_iter()
            .filter(|update| matches!(update, OrderUpdate::Filled { .. }))
            .collect();
        let [OrderUpdate::Filled { fill }] = fills[..] else {
            panic!("{:?} {:?}", desk.words(id), desk.notes)
        };
        assert_eq!((fill.px.to_string(), fill.qty.to_string()), ("60000".into(), "0.01".into()));
        ids.push(fill.trade_id);
        // Its trade turns up after all.
        (desk.deaf_until, desk.intercept) = (0, None);
        desk.run(120_000);
        let filled = desk.words(id).iter().filter(|word| word.starts_with("filled")).count();
        assert_eq!(filled, 1, "{:?}", desk.words(id));
        desk.assert_true("inferred");
    }
    assert!(ids[0] >= Fill::INFERRED && ids[0] == ids[1], "{ids:?}");
}

#[test]
fn a_restarted_client_ends_the_conditions_of_the_one_before() {
    let mut desk = Desk::idle(World::new());
    desk.machine.believed(Cause::Connection);
    desk.machine.believed(Cause::UserStream);
    desk.run(5_000);
    assert_eq!(desk.turns(Cause::Connection), [false]);
    assert_eq!(desk.turns(Cause::UserStream), [false]);
    let told = desk.told.iter().filter(|(_, body)| matches!(body, EventBody::Condition(_)));
    assert_eq!(told.count(), 2, "and says nothing of others");
    let code = RejectCode::VenueFailed;
    assert!(!desk.told.iter().any(|(_, body)| matches!(
        body,
        EventBody::Order { update: OrderUpdate::Rejected { code: c }, .. } if *c == code
    )));
}
