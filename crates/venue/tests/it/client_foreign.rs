//! What is on the account and not of this session: leftovers of an earlier one, and positions that
//! are taken over.

use crate::client_desk::{BTC, Desk, SESSION};
use crate::world::{KEY, World};
use aegis_types::{
    AccountUpdate, Cause, ClientOrderId, EventBody, FoundPosition, OrderType, Px, Rate, Side,
    SymbolTable,
};
use aegis_venue::client::Note;
use aegis_venue::client::health::Foreign;
use aegis_venue::client::machine::Config;
use serde_json::json;

/// The session that was there before.
const EARLIER: u64 = 0xdead;

fn config(session: u64, foreign: Foreign) -> Config {
    let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
    Config { foreign, ..Config::new(session, symbols) }
}

/// A client that takes positions over, of an engine that has caught up with the market.
fn adopting(world: World) -> Desk {
    let mut desk = Desk::with(world, config(SESSION, Foreign::Adopt));
    desk.machine.caught_up(aegis_types::Nanos::from_millis(desk.world.wall));
    desk
}

/// A stop or another conditional order of a session.
fn conditional(world: &mut World, session: u64, number: u32, side: &str, kind: &str, px: u32) {
    let id = ClientOrderId { session, number };
    let query = format!(
        "algoType=CONDITIONAL&symbol=BTCUSDT&side={side}&type={kind}&quantity=0.01\
         &triggerPrice={px}&reduceOnly=true&clientAlgoId={id}"
    );
    world.must("POST", "/fapi/v1/algoOrder", &query);
}

fn open_conditional(desk: &mut Desk) -> Vec<String> {
    let rows = desk.world.must("GET", "/fapi/v1/openAlgoOrders", "symbol=BTCUSDT");
    let id = |row: &serde_json::Value| row["clientAlgoId"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(id).collect()
}

/// What an earlier session has left: a position with its stop and target.
fn left_open() -> World {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    conditional(&mut world, EARLIER, 2, "SELL", "STOP_MARKET", 59_000);
    conditional(&mut world, EARLIER, 3, "SELL", "TAKE_PROFIT_MARKET", 63_000);
    world
}

fn taken_over(desk: &Desk) -> Vec<FoundPosition> {
    let of = |(_, body): &(i64, EventBody)| match body {
        EventBody::Account(AccountUpdate::Position { found }) => Some(*found),
        _ => None,
    };
    desk.told.iter().filter_map(of).collect()
}

#[test]
fn leftovers_on_a_flat_account_are_cancelled() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    conditional(&mut world, EARLIER, 2, "SELL", "STOP_MARKET", 59_000);
    conditional(&mut world, EARLIER, 3, "SELL", "TAKE_PROFIT_MARKET", 63_000);
    world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01");
    let mut desk = Desk::idle(world);
    desk.run(10_000);
    assert_eq!(open_conditional(&mut desk), [""; 0], "{:?}", desk.notes);
    let told = |n: &&Note| matches!(n, Note::Leftover { .. });
    assert_eq!(desk.notes.iter().filter(told).count(), 2, "{:?}", desk.notes);
    let strange = |n: &Note| matches!(n, Note::ForeignOrder { .. } | Note::ForeignPosition { .. });
    assert!(!desk.notes.iter().any(strange), "{:?}", desk.notes);
    assert_eq!(desk.turns(Cause::Foreign), [false; 0]);
    assert_eq!(desk.machine.status(aegis_types::Nanos::ZERO).gateway.stopped, 0);
    // Entries as if nothing had been there.
    desk.enter(Side::Buy, "0.01");
    desk.run(70_000);
    desk.assert_true("behind leftovers");
}

#[test]
fn an_earlier_sessions_position_is_told_and_kept() {
    let mut desk = Desk::idle(left_open());
    desk.run(200_000);
    let qty = "0.01".parse().unwrap();
    let told = Note::EarlierPosition { symbol: BTC, qty, session: EARLIER };
    assert_eq!(desk.notes.iter().filter(|n| **n == told).count(), 1, "{:?}", desk.notes);
    assert!(told.to_string().contains("--resume"), "{told}");
    assert_eq!(desk.turns(Cause::Foreign), [true]);
    assert_eq!(open_conditional(&mut desk).len(), 2);
    // Closed by hand: what protected it goes, and entries come back.
    desk.world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01");
    desk.run(200_000);
    assert_eq!(open_conditional(&mut desk), [""; 0], "{:?}", desk.notes);
    assert_eq!(desk.turns(Cause::Foreign), [true, false]);
}

#[test]
fn an_order_of_another_session_that_comes_later_is_of_somebody_who_trades_beside_us() {
    let mut desk = Desk::ready(World::new());
    conditional(&mut desk.world, EARLIER, 2, "SELL", "STOP_MARKET", 59_000);
    desk.run(130_000);
    assert_eq!(desk.turns(Cause::Foreign), [true], "{:?}", desk.notes);
    assert_eq!(open_conditional(&mut desk).len(), 1, "it is left alone");
}

#[test]
fn a_leftover_that_cannot_be_cancelled_ends_entries() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    conditional(&mut world, EARLIER, 2, "SELL", "STOP_MARKET", 59_000);
    world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01");
    let mut desk = Desk::idle(world);
    desk.intercept = Some(Box::new(|request| {
        let cancels = matches!(request.purpose, aegis_venue::client::request::Purpose::Cancel(_));
        cancels.then(|| (400, r#"{"code":-2011,"msg":"Unknown order sent."}"#.to_owned()))
    }));
    desk.run(200_000);
    assert_eq!(desk.turns(Cause::Foreign), [true], "{:?}", desk.notes);
    let tries = desk.world.arrivals("/fapi/v1/algoOrder").len();
    assert!(tries < 20, "it is not tried for ever: {tries}");
}

#[test]
fn a_position_by_hand_is_taken_over_at_the_start_when_that_is_wished() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.02");
    let mut desk = adopting(world);
    desk.run(5_000);
    let found = taken_over(&desk);
    assert_eq!(found.len(), 1, "{:?}", desk.notes);
    let FoundPosition { symbol, side, qty, entry, mark, margin, stop } = found[0];
    assert_eq!((symbol, side, qty), (BTC, Side::Sell, "0.02".parse().unwrap()));
    let worse = entry.max(mark).to_f64();
    let beyond = stop.to_f64() / worse - 1.0;
    assert!(beyond > 0.0 && beyond <= 0.0201, "{beyond}");
    let leverage = (entry * qty).unwrap().ratio_of(margin);
    assert!(beyond <= 0.5 / leverage + 1e-4, "half the way to the end of its margin: {leverage}");
    assert_eq!(desk.turns(Cause::Foreign), [false; 0], "entries go on");
    // From here on it is ours: its stop, and what becomes of it.
    let trigger = (stop.to_f64() as i64) + 1;
    let stop = desk.order(OrderType::StopMarket, Side::Buy, "0.02", trigger);
    desk.run(500);
    assert_eq!(desk.words(stop), ["accepted"]);
    assert!(
        desk.machine.protection_age(aegis_types::Nanos::from_millis(desk.world.wall)).is_some()
    );
    let exit = desk.exit(Side::Buy, "0.02");
    desk.run(500);
    assert_eq!(desk.words(exit), ["accepted", "filled 0.02"]);
    desk.cancel(stop);
    desk.run(70_000);
    desk.assert_true("taken over and closed");
}

#[test]
fn a_position_by_hand_is_taken_over_while_it_runs() {
    let mut desk = adopting(World::new());
    desk.run(5_000);
    let fault = json!({
        "fault": "foreign_order", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.03",
        "key": KEY,
    });
    desk.world.fault(&fault);
    desk.run(30_000);
    let found = taken_over(&desk);
    assert_eq!(found.len(), 1, "{:?}", desk.notes);
    assert_eq!((found[0].side, found[0].qty), (Side::Buy, "0.03".parse().unwrap()));
    assert!(found[0].stop < found[0].entry && found[0].stop > Px::ZERO);
    desk.run(130_000);
    assert_eq!(taken_over(&desk).len(), 1, "once");
    assert!(!desk.machine.holds(Cause::Mismatch) && !desk.machine.holds(Cause::Foreign));
    desk.assert_true("taken over");
    // By hand again: what is ours now is closed by somebody else.
    desk.world.order("symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.03");
    desk.run(5_000);
    assert_eq!(desk.outside().len(), 1);
    desk.assert_true("closed by hand");
}

#[test]
fn orders_by_hand_that_protect_what_was_taken_over_stay_and_others_end_entries() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    world.must(
        "POST",
        "/fapi/v1/algoOrder",
        "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&closePosition=true\
         &triggerPrice=58000&clientAlgoId=by-hand",
    );
    let mut desk = adopting(world);
    desk.run(70_000);
    assert_eq!(taken_over(&desk).len(), 1);
    assert_eq!(desk.turns(Cause::Foreign), [false; 0], "{:?}", desk.notes);
    assert_eq!(open_conditional(&mut desk), ["by-hand"]);
    let resting = "symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=2000";
    desk.world.order(resting);
    desk.run(70_000);
    assert_eq!(desk.turns(Cause::Foreign), [true], "{:?}", desk.notes);
}

#[test]
fn a_position_of_an_earlier_session_is_taken_over_and_its_stop_goes_when_ours_stands() {
    let mut desk = adopting(left_open());
    desk.run(10_000);
    assert_eq!(taken_over(&desk).len(), 1, "{:?}", desk.notes);
    assert_eq!(open_conditional(&mut desk).len(), 2, "they protect it until ours stands");
    let stop = desk.order(OrderType::StopMarket, Side::Sell, "0.01", 58_800);
    desk.run(130_000);
    assert_eq!(desk.words(stop), ["accepted"]);
    assert_eq!(open_conditional(&mut desk), [stop.to_string()], "{:?}", desk.notes);
    assert_eq!(desk.turns(Cause::Foreign), [false; 0], "{:?}", desk.notes);
}

#[test]
fn a_session_that_sent_orders_looks_before_it_takes_over() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    let mut desk = adopting(world);
    desk.machine.resumed();
    desk.run(4_000);
    assert!(taken_over(&desk).is_empty(), "its fills are asked for first");
    desk.run(30_000);
    assert_eq!(taken_over(&desk).len(), 1, "{:?}", desk.notes);
    desk.run(70_000);
    desk.assert_true("looked first");
}

#[test]
fn the_stop_of_what_is_taken_over_stands_where_the_setting_says() {
    let wide = Config { adopt_stop: Rate::from_raw(1_000_000), ..config(SESSION, Foreign::Adopt) };
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    let mut desk = Desk::with(world, wide);
    desk.machine.caught_up(aegis_types::Nanos::from_millis(desk.world.wall));
    desk.run(5_000);
    let found = taken_over(&desk)[0];
    let worse = found.entry.min(found.mark).to_f64();
    let beyond = 1.0 - found.stop.to_f64() / worse;
    assert!((0.0099..0.0101).contains(&beyond), "{beyond}");
}

#[test]
fn nothing_is_taken_over_before_the_engine_has_caught_up_and_then_at_prices_of_now() {
    let mut world = World::new();
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    let mut desk = Desk::with(world, config(SESSION, Foreign::Adopt));
    desk.run(20_000);
    assert!(taken_over(&desk).is_empty(), "the engine still learns what has been");
    assert_eq!(desk.turns(Cause::Foreign), [false; 0], "nor is it called foreign");
    desk.price(55_000);
    desk.machine.caught_up(aegis_types::Nanos::from_millis(desk.world.wall));
    desk.run(1_000);
    let found = taken_over(&desk);
    assert_eq!(found.len(), 1, "{:?}", desk.notes);
    assert!(found[0].mark < Px::whole(56_000) && found[0].stop < found[0].mark, "{found:?}");
    assert!(desk.machine.ready(), "entries do not wait for it");
}
