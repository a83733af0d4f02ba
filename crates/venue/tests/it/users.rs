//! The user stream: which events come, in which order, with what in them.

use crate::world::{KEY, OTHER, START, World, kinds};
use serde_json::{Value, json};

const ORDER: &str = "/fapi/v1/order";
const MARKET: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58000";

#[test]
fn a_fill_is_told_short_then_with_balances_and_status() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.order(&format!("{MARKET}&newClientOrderId=m-1"));
    let events = world.events(conn);
    let order = ["TRADE_LITE", "ACCOUNT_UPDATE ORDER", "ORDER_TRADE_UPDATE TRADE"];
    let found: Vec<String> =
        kinds(&events).into_iter().filter(|kind| kind != "ORDER_TRADE_UPDATE NEW").collect();
    assert_eq!(found[0], order[0]);
    assert!(found.len() == 3 && order.iter().all(|kind| found.iter().any(|f| f == kind)));
    let of = |kind: &str| events.iter().find(|event| event["e"] == kind).unwrap();
    let fill = events.iter().find(|event| event["o"]["x"] == "TRADE").unwrap();
    for event in &events {
        assert!(event["E"].as_i64().unwrap() >= START && event["T"].is_i64(), "{event}");
    }
    let o = &fill["o"];
    let expected = json!({
        "s": "BTCUSDT", "c": "m-1", "S": "BUY", "o": "MARKET", "f": "GTC", "q": "0.01",
        "ap": "60000", "sp": "0", "x": "TRADE", "X": "FILLED", "l": "0.01", "z": "0.01",
        "L": "60000", "N": "USDT", "n": "0.3", "m": false, "R": false, "wt": "CONTRACT_PRICE",
        "ot": "MARKET", "ps": "BOTH", "cp": false, "rp": "0", "V": "EXPIRE_MAKER", "pm": "NONE",
        "gtd": 0, "er": "0", "si": 0, "ss": 0, "pP": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&o[name], value, "{name} of {o}");
    }
    for name in ["i", "t", "T"] {
        assert!(o[name].as_i64().unwrap() > 0, "{name} of {o}");
    }
    let lite = of("TRADE_LITE");
    assert_eq!((&lite["t"], &lite["i"]), (&o["t"], &o["i"]));
    assert_eq!((&lite["L"], &lite["l"], &lite["c"]), (&o["L"], &o["l"], &o["c"]));
    let account = &of("ACCOUNT_UPDATE")["a"];
    assert_eq!(account["B"][0], json!({ "a": "USDT", "wb": "9999.7", "cw": "9999.7", "bc": "0" }));
    let position = &account["P"][0];
    assert_eq!((&position["s"], &position["pa"]), (&json!("BTCUSDT"), &json!("0.01")));
    assert_eq!((&position["mt"], &position["ps"]), (&json!("cross"), &json!("BOTH")));
}

#[test]
fn orders_tell_new_amendment_and_cancel() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=l-1"));
    let change = "symbol=BTCUSDT&side=BUY&origClientOrderId=l-1&quantity=0.02&price=58000";
    world.must("PUT", ORDER, &format!("{change}&modifyId=44444"));
    world.must("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=l-1");
    let events = world.events(conn);
    assert_eq!(
        kinds(&events),
        ["ORDER_TRADE_UPDATE NEW", "ORDER_TRADE_UPDATE AMENDMENT", "ORDER_TRADE_UPDATE CANCELED"]
    );
    assert_eq!(events[1]["o"]["M"], "44444");
    assert_eq!(events[0]["o"].get("M"), None);
    assert_eq!(events[2]["o"]["X"], "CANCELED");
    assert_eq!(events[0]["o"]["b"], "580", "notional of open buys");
}

#[test]
fn a_conditional_order_tells_its_whole_life() {
    let mut world = World::of(&[60_000, 60_000, 58_500, 58_500, 58_500], |_| {});
    let (_, conn) = world.listen();
    world.order(MARKET);
    let stop = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET&triggerPrice=59000\
                &closePosition=true&clientAlgoId=s-1";
    world.must("POST", "/fapi/v1/algoOrder", stop);
    let _ = world.events(conn);
    world.step(180_000);
    let events = world.events(conn);
    let algo: Vec<&Value> = events.iter().filter(|e| e["e"] == "ALGO_UPDATE").collect();
    let states: Vec<&str> = algo.iter().map(|e| e["o"]["X"].as_str().unwrap()).collect();
    assert_eq!(states.last(), Some(&"FINISHED"), "{states:?}");
    assert!(states.contains(&"TRIGGERED"), "{states:?}");
    let last = &algo.last().unwrap()["o"];
    let same = json!({
        "caid": "s-1", "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL",
        "ps": "BOTH", "tp": "59000", "p": "0", "wt": "CONTRACT_PRICE", "cp": true, "R": false,
        "pP": false, "pm": "NONE", "gtd": 0, "rm": "", "ia": false, "act": "MARKET",
    });
    for (name, value) in same.as_object().unwrap() {
        assert_eq!(&last[name], value, "{name} of {last}");
    }
    let fill = events.iter().find(|event| event["o"]["x"] == "TRADE").unwrap();
    assert_eq!(last["ai"], fill["o"]["i"].to_string());
    assert_eq!((&fill["o"]["ot"], &fill["o"]["o"]), (&json!("STOP_MARKET"), &json!("MARKET")));
    assert_eq!(fill["o"]["sp"], "59000");
}

#[test]
fn settings_are_told() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.must("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=25");
    let events = world.events(conn);
    assert_eq!(kinds(&events), ["ACCOUNT_CONFIG_UPDATE"]);
    assert_eq!(events[0]["ac"], json!({ "s": "BTCUSDT", "l": 25 }));
    world.must("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin=true");
    assert_eq!(world.events(conn)[0]["ai"], json!({ "j": true }));
}

#[test]
fn a_margin_call_comes_before_the_liquidation() {
    let mut prices = vec![60_000; 3];
    prices.extend([59_000, 58_000, 57_700, 57_400, 57_260, 57_100, 56_000, 54_000, 54_000]);
    let mut world = World::of(&prices, |_| {});
    let (_, conn) = world.listen();
    world.must("POST", "/fapi/v1/leverage", "symbol=BTCUSDT&leverage=20");
    world.must("POST", "/fapi/v1/marginType", "symbol=BTCUSDT&marginType=ISOLATED");
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.5");
    let _ = world.events(conn);
    world.step(600_000);
    let events = world.events(conn);
    let place = |kind: &str| events.iter().position(|event| event["e"] == kind);
    let call = place("MARGIN_CALL").expect("a margin call");
    let p = &events[call]["p"][0];
    assert_eq!(
        (&p["s"], &p["mt"], &p["pa"]),
        (&json!("BTCUSDT"), &json!("ISOLATED"), &json!("0.5"))
    );
    let end = events
        .iter()
        .position(|e| e["o"]["c"].as_str().is_some_and(|id| id.starts_with("autoclose-")));
    assert!(end.expect("a liquidation") > call);
    assert!(events.iter().any(|event| event["o"]["X"] == "FILLED"));
}

#[test]
fn the_key_may_come_in_every_documented_way() {
    let mut world = World::new();
    let key = world.listen_key(KEY);
    assert_eq!(world.listen_key(KEY), key, "a key that lives is given again");
    let by_query = world.socket("/private/ws", &format!("listenKey={key}"));
    let by_path = world.socket(&format!("/private/ws/{key}"), "");
    let wrapped =
        world.socket("/private/stream", &format!("listenKey={key}&events=ACCOUNT_UPDATE"));
    let later = world.socket("/private/stream", "");
    let told = world.sim.socket_text(
        world.wall,
        later,
        &json!({ "method": "SUBSCRIBE", "params": [key], "id": "an-id" }).to_string(),
    );
    assert_eq!(told.reply.as_deref(), Some(r#"{"id":"an-id","result":null}"#));
    let bogus = world.socket("/private/ws", "listenKey=nonsense");
    let wrong_route = world.socket("/market/ws", &format!("listenKey={key}"));
    world.order(MARKET);
    let heard = world.heard();
    let of = |conn: u64| -> Vec<Value> {
        let mine = heard.iter().filter(|(to, _)| *to == conn);
        mine.map(|(_, text)| serde_json::from_str(text.as_ref().unwrap()).unwrap()).collect()
    };
    assert!(of(by_query).len() >= 3);
    assert_eq!(of(by_query), of(by_path));
    let wrapped = of(wrapped);
    assert_eq!(wrapped.len(), 1, "only the events asked for: {wrapped:?}");
    assert_eq!(
        (&wrapped[0]["stream"], &wrapped[0]["data"]["e"]),
        (&json!(key), &json!("ACCOUNT_UPDATE"))
    );
    assert_eq!(of(later).len(), of(by_query).len());
    assert!(of(bogus).is_empty() && of(wrong_route).is_empty(), "open and silent");
}

#[test]
fn a_listen_key_lives_an_hour_from_its_last_renewal() {
    let mut world = World::new();
    let (key, conn) = world.listen();
    world.wait(50 * 60_000);
    let kept = world.raw(Some(KEY), "PUT", "/fapi/v1/listenKey", "", b"");
    assert_eq!(kept.status, 200, "{}", kept.body);
    world.wait(59 * 60_000);
    assert!(world.events(conn).is_empty());
    world.wait(60_000);
    let events = world.events(conn);
    assert_eq!(kinds(&events), ["listenKeyExpired"]);
    assert_eq!(events[0]["listenKey"], json!(key));
    world.order(MARKET);
    assert!(world.events(conn).is_empty(), "orders go on, events do not");
    let kept = world.raw(Some(KEY), "PUT", "/fapi/v1/listenKey", "", b"");
    assert_eq!(kept.status, 400);
    assert!(kept.body.contains("-1125"));
    assert_ne!(world.listen_key(KEY), key);
    let closed = world.raw(Some(KEY), "DELETE", "/fapi/v1/listenKey", "", b"");
    assert_eq!((closed.status, closed.body.as_str()), (200, "{}"));
}

#[test]
fn accounts_do_not_hear_each_other() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    let (status, _) = world.by(OTHER, "POST", ORDER, MARKET);
    assert_eq!(status, 200);
    assert!(world.events(conn).is_empty());
}
