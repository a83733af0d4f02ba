//! Every fault: what the client sees, and what truly happened.

use crate::world::{EDDSA, KEY, OTHER, World, kinds};
use aegis_venue::server::{Reply, Sending};
use serde_json::{Value, json};

const ORDER: &str = "/fapi/v1/order";
const ALGO: &str = "/fapi/v1/algoOrder";
const POST: &str = "POST /fapi/v1/order";
const MARKET: &str = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58000";
const STOP: &str = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET\
                    &triggerPrice=59000&closePosition=true";

/// A request with its whole reply.
fn raw(world: &mut World, method: &str, path: &str, query: &str) -> Reply {
    let query = world.sign(KEY, query);
    world.raw(Some(KEY), method, path, &query, b"")
}

fn body(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or(Value::Null)
}

/// How much was truly bought.
fn position(world: &mut World) -> String {
    let truth = world.truth(KEY);
    truth["positions"][0]["positionAmt"].as_str().unwrap_or("0").to_owned()
}

/// The newest arrival: outcome, status seen, fault.
fn arrival(world: &mut World, path: &str) -> (String, Value, Value) {
    let arrival = world.arrivals(path).pop().unwrap();
    let outcome = arrival["outcome"].as_str().unwrap().to_owned();
    (outcome, arrival["status"].clone(), arrival["fault"].clone())
}

#[test]
fn every_name_has_a_meaning_and_what_waits_is_shown() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "reply_cut", "match": POST, "count": 3, "seed": 9 }));
    let listed = body(&world.raw(None, "GET", "/sim/v1/faults", "", b""));
    let names: Vec<&str> =
        listed["faults"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    for name in [
        "reply_cut",
        "reply_delay",
        "http_408",
        "http_429",
        "http_418",
        "http_403",
        "http_503_unknown_executed",
        "http_503_unknown_lost",
        "http_503_unavailable",
        "minus_1008",
        "minus_1007",
        "clock_skew",
        "ws_silence",
        "ws_drop",
        "ws_dup",
        "ws_reorder",
        "ws_gap",
        "ws_malformed",
        "listen_key_expire",
        "partial_fill",
        "fill_before_ack",
        "fill_after_cancel",
        "algo_reject",
        "algo_invisible",
        "liquidation",
        "adl",
        "funding",
        "symbol_halt",
        "filters_change",
        "avg_price_absent",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(listed["faults"].as_array().unwrap().iter().all(|f| f["meaning"].is_string()));
    assert_eq!(listed["faults"][0]["fields"], json!(["bytes"]));
    assert_eq!(listed["active"][0]["left"], 3);
    assert_eq!(listed["active"][0]["match"], POST);
    let deleted = body(&world.raw(None, "DELETE", "/sim/v1/faults", "", b""));
    assert_eq!(deleted["deleted"], 1);
    assert_eq!(raw(&mut world, "POST", ORDER, MARKET).fate.sending, Sending::Whole);
    let wrong = [
        "{}",
        "[]",
        "nonsense",
        r#"{"fault":"no_such"}"#,
        r#"{"fault":"ws_gap","count":-1}"#,
        r#"{"fault":"ws_gap","count":"x"}"#,
        r#"{"fault":"ws_gap","match":"POST /no/such/path"}"#,
        r#"{"fault":"partial_fill","match":"GET /fapi/v1/time"}"#,
        r#"{"fault":"liquidation","symbol":"NOSUCH"}"#,
        r#"{"fault":"liquidation","key":"first-key","symbol":"ETHUSDT"}"#,
        r#"{"fault":"reply_cut","executed":"perhaps"}"#,
        r#"{"fault":"partial_fill","fraction":"abc"}"#,
        r#"{"fault":"partial_fill","fraction":1.5}"#,
        r#"{"fault":"ws_wrong_data","kind":"odd"}"#,
        r#"{"fault":"filters_change","tickSize":"0"}"#,
        r#"{"fault":"error_code","code":"-2019x"}"#,
    ];
    for posted in wrong {
        let reply = world.raw(None, "POST", "/sim/v1/faults", "", posted.as_bytes());
        assert_eq!(reply.status, 400, "{posted}: {}", reply.body);
    }
    let misspelt = world.fault(&json!({ "fault": "reply_delay", "mss": 5, "executed": "true" }));
    assert_eq!(misspelt["ignored"], json!(["mss"]));
}

#[test]
fn a_fault_may_be_meant_for_one_symbol_or_one_account() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "http_403", "match": POST, "symbol": "ETHUSDT" }));
    world.fault(&json!({ "fault": "http_429", "match": POST, "key": OTHER }));
    let ether = "symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.1";
    assert_eq!(raw(&mut world, "POST", ORDER, MARKET).status, 200);
    assert_eq!(world.by(OTHER, "POST", ORDER, MARKET).0, 429);
    assert_eq!(raw(&mut world, "POST", ORDER, ether).status, 403);
    assert_eq!(raw(&mut world, "POST", ORDER, ether).status, 200);
    world.fault(&json!({ "fault": "http_408", "symbol": "ETHUSDT" }));
    let batch = |symbol: &str| {
        let order = json!({ "symbol": symbol, "side": "BUY", "type": "MARKET", "quantity": "0.1" });
        let mut query = String::from("batchOrders=");
        aegis_wire::percent_encode(&json!([order]).to_string(), &mut query);
        query
    };
    let statuses = ["BTCUSDT", "ETHUSDT"]
        .map(|symbol| raw(&mut world, "POST", "/fapi/v1/batchOrders", &batch(symbol)).status);
    assert_eq!(statuses, [200, 408]);
}

#[test]
fn truth_remembers_whenever_a_fault_acted() {
    let mut world = World::new();
    let _ = world.listen();
    world.fault(&json!({ "fault": "http_408", "match": POST }));
    world.fault(&json!({ "fault": "ws_gap", "match": "ORDER_TRADE_UPDATE" }));
    world.fault(&json!({ "fault": "adl", "symbol": "ETHUSDT", "match": POST }));
    world.fault(&json!({ "fault": "funding", "symbol": "BTCUSDT" }));
    let _ = raw(&mut world, "POST", ORDER, MARKET);
    let _ = raw(&mut world, "POST", ORDER, MARKET);
    let truth = world.truth(KEY);
    let told = truth["faults"].as_array().unwrap().iter();
    let told: Vec<(i64, &str, &str, bool)> = told
        .map(|act| {
            let text = |name: &str| act[name].as_str().unwrap();
            let refused = act["refused"].is_string();
            (act["id"].as_i64().unwrap(), text("fault"), text("on"), refused)
        })
        .collect();
    let expected = [
        (4, "funding", "", false),
        (1, "http_408", POST, false),
        (2, "ws_gap", "ORDER_TRADE_UPDATE", false),
        (3, "adl", POST, true),
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_event_without_a_symbol_or_a_key_is_for_all() {
    let mut world = World::new();
    world.order(MARKET);
    world.by(OTHER, "POST", ORDER, MARKET);
    world.order("symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.1");
    world.fault(&json!({ "fault": "funding" }));
    let charged = world.must("GET", "/fapi/v1/income", "incomeType=FUNDING_FEE");
    assert_eq!(charged.as_array().map(Vec::len), Some(2));
    world.fault(&json!({ "fault": "symbol_halt" }));
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -1122));
    let _ = world.raw(None, "DELETE", "/sim/v1/faults", "fault=reply_cut", b"");
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -1122), "halts stay");
    let _ = world.raw(None, "DELETE", "/sim/v1/faults", "fault=symbol_halt", b"");
    world.must("POST", ORDER, MARKET);
    let unknown = world.raw(None, "DELETE", "/sim/v1/faults", "fault=nonsense", b"");
    assert_eq!(unknown.status, 400);
    world.fault(&json!({ "fault": "liquidation" }));
    for key in [KEY, OTHER] {
        assert_eq!(world.truth(key)["positions"], json!([]), "{key}");
    }
}

#[test]
fn the_documentation_has_the_same_table() {
    let mut world = World::new();
    let listed = body(&world.raw(None, "GET", "/sim/v1/faults", "", b""));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/exchange.md");
    let page = std::fs::read_to_string(path).unwrap();
    for fault in listed["faults"].as_array().unwrap() {
        let text = |name: &str| fault[name].as_str().unwrap();
        let line = format!("| `{}` | {} | {} |", text("name"), text("acts_on"), text("meaning"));
        assert!(page.lines().any(|known| known == line), "docs/exchange.md lacks the line\n{line}");
    }
}

#[test]
fn the_oldest_fault_that_names_the_request_acts_first() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "http_429", "match": "GET /fapi/v1/openOrders" }));
    world.fault(&json!({ "fault": "http_403", "match": POST, "count": 2 }));
    world.fault(&json!({ "fault": "http_408", "match": POST }));
    let statuses: Vec<u16> =
        (0..4).map(|_| raw(&mut world, "POST", ORDER, MARKET).status).collect();
    assert_eq!(statuses, [403, 403, 408, 200]);
    assert_eq!(raw(&mut world, "GET", "/fapi/v1/openOrders", "").status, 429);
    assert_eq!(raw(&mut world, "GET", "/fapi/v1/openOrders", "").status, 200);
}

/// Name, further fields, status and code as seen, text in it, and whether the order was executed.
const ANSWERS: &[(&str, &str, u16, i64, &str, bool)] = &[
    ("http_408", "{}", 408, 0, "", true),
    ("http_408", r#"{"executed":false}"#, 408, 0, "", false),
    ("http_429", "{}", 429, -1003, "Too many requests", false),
    ("http_418", "{}", 418, -1003, "banned until", false),
    ("http_503_unknown_executed", "{}", 503, -1000, "Unknown error, please check", true),
    ("http_503_unknown_lost", "{}", 503, -1000, "Unknown error, please check", false),
    ("http_503_unavailable", "{}", 503, -1001, "Service Unavailable.", false),
    ("http_503_unavailable", r#"{"seed":1}"#, 503, -1001, "Internal error; unable", false),
    ("minus_1008", "{}", 503, -1008, "throttled", false),
    ("minus_1007", "{}", 408, -1007, "execution status unknown", true),
    ("minus_1007", r#"{"executed":false}"#, 408, -1007, "execution status unknown", false),
    ("minus_5028", "{}", 400, -5028, "ME recvWindow", false),
    ("error_code", r#"{"code":-2019}"#, 400, -2019, "Margin is insufficient.", false),
    ("error_code", r#"{"code":-9999,"status":418,"msg":"new"}"#, 418, -9999, "new", false),
    ("error_code", r#"{"code":-4116,"executed":true}"#, 400, -4116, "duplicated", true),
];

#[test]
fn answers_in_place_of_the_truth() {
    for (name, fields, status, code, text, executed) in ANSWERS {
        let mut world = World::new();
        let mut fault: Value = serde_json::from_str(fields).unwrap();
        fault["fault"] = json!(name);
        fault["match"] = json!(POST);
        world.fault(&fault);
        let reply = raw(&mut world, "POST", ORDER, &format!("{MARKET}&newClientOrderId=x"));
        let told = body(&reply);
        let found = told["code"].as_i64().unwrap_or(0);
        assert_eq!((reply.status, found), (*status, *code), "{name} {told}");
        assert!(told["msg"].as_str().unwrap_or_default().contains(text), "{name} {told}");
        assert_eq!(position(&mut world) == "0.01", *executed, "{name} {fields}");
        let (outcome, seen, by) = arrival(&mut world, ORDER);
        assert_eq!(outcome, if *executed { "executed" } else { "not_executed" }, "{name}");
        assert_eq!((seen, by), (json!(status), json!(name)));
        let next = raw(&mut world, "GET", ORDER, "symbol=BTCUSDT&origClientOrderId=x");
        assert_eq!(next.status == 200, *executed, "the query tells the truth: {name}");
    }
}

#[test]
fn the_firewall_does_not_speak_json() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "http_403" }));
    let reply = world.raw(None, "GET", "/fapi/v1/time", "", b"");
    assert_eq!(reply.status, 403);
    assert!(reply.body.starts_with("<html>"), "{}", reply.body);
}

#[test]
fn a_ban_with_a_length_lasts() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "http_418", "ms": 3_000 }));
    let told = body(&world.raw(None, "GET", "/fapi/v1/time", "", b""));
    let until = aegis_wire::errors::banned_until(told["msg"].as_str().unwrap());
    assert_eq!(until, Some(world.wall + 3_000));
    world.wait(2_999);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/time", "", b"").status, 418);
    world.wait(1);
    assert_eq!(world.raw(None, "GET", "/fapi/v1/time", "", b"").status, 200);
}

#[test]
fn a_cut_reply_hides_an_order_that_stands() {
    for (fields, expected) in [
        (json!({}), None),
        (json!({ "bytes": 0 }), Some(Sending::Cut(0))),
        (json!({ "bytes": 10 }), Some(Sending::Cut(10))),
        (json!({ "bytes": -1 }), Some(Sending::Nothing)),
    ] {
        let mut world = World::new();
        let mut fault = fields.clone();
        fault["fault"] = json!("reply_cut");
        world.fault(&fault);
        let reply = raw(&mut world, "POST", ORDER, MARKET);
        match expected {
            Some(sending) => assert_eq!(reply.fate.sending, sending),
            None => assert!(matches!(reply.fate.sending, Sending::Cut(n) if n < reply.body.len())),
        }
        assert_eq!(position(&mut world), "0.01");
        let (outcome, seen, _) = arrival(&mut world, ORDER);
        assert_eq!(outcome, "executed");
        assert_eq!(seen.is_null(), expected == Some(Sending::Nothing));
    }
    let mut kinds = [false; 3];
    for seed in 0..40 {
        let mut world = World::new();
        world.fault(&json!({ "fault": "reply_cut", "seed": seed }));
        match raw(&mut world, "POST", ORDER, MARKET).fate.sending {
            Sending::Nothing => kinds[0] = true,
            Sending::Cut(0) => kinds[1] = true,
            Sending::Cut(_) => kinds[2] = true,
            Sending::Whole => panic!("seed {seed} cuts nothing"),
        }
    }
    assert_eq!(kinds, [true; 3], "seeds cut at every kind of place");
    let mut world = World::new();
    world.fault(&json!({ "fault": "reply_cut", "executed": false }));
    assert_eq!(raw(&mut world, "POST", ORDER, MARKET).fate.sending, Sending::Nothing);
    assert_eq!(position(&mut world), "0");
}

#[test]
fn delays_hold_the_reply_and_nothing_else() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "reply_delay", "ms": 7_000 }));
    assert_eq!(raw(&mut world, "POST", ORDER, MARKET).fate.delay_ms, 7_000);
    assert_eq!(position(&mut world), "0.01");
    let (_, conn) = world.listen();
    world.fault(&json!({ "fault": "fill_before_ack", "match": POST }));
    let reply = raw(&mut world, "POST", ORDER, MARKET);
    assert_eq!(reply.fate.delay_ms, 300);
    assert!(kinds(&world.events(conn)).contains(&"ORDER_TRADE_UPDATE TRADE".to_owned()));
    world.fault(&json!({ "fault": "fill_before_ack", "match": POST }));
    let reply = raw(&mut world, "POST", ORDER, &format!("{LIMIT}&newOrderRespType=RESULT"));
    assert_eq!(body(&reply)["status"], "NEW", "the reply knows nothing of the fill");
    assert!(kinds(&world.events(conn)).contains(&"ORDER_TRADE_UPDATE TRADE".to_owned()));
    assert_eq!(position(&mut world), "0.03");
}

#[test]
fn throttling_lets_what_reduces_pass() {
    let mut world = World::new();
    world.order(MARKET);
    world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=c"));
    world.fault(&json!({ "fault": "minus_1008", "count": 100 }));
    world.must("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=c");
    world.must("POST", ALGO, STOP);
    let close = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01&reduceOnly=true";
    let before = world.must("POST", ORDER, close);
    assert!(before["orderId"].is_u64());
    let refused = raw(&mut world, "POST", ORDER, MARKET);
    assert_eq!((refused.status, &body(&refused)["code"]), (503, &json!(-1008)));
    assert!(refused.headers.iter().all(|(name, _)| !name.contains("ORDER-COUNT")));
}

#[test]
fn a_skewed_clock_refuses_until_the_client_follows_it() {
    let mut world = World::new();
    let shown = |world: &mut World| {
        body(&world.raw(None, "GET", "/fapi/v1/time", "", b""))["serverTime"].as_i64().unwrap()
    };
    for ms in [5_001, -1_000] {
        world.fault(&json!({ "fault": "clock_skew", "ms": ms }));
        assert_eq!(world.fails("POST", ORDER, MARKET), (400, -1021), "{ms}");
        let offset = shown(&mut world) - world.wall;
        assert_eq!(offset, ms);
        world.wall += offset;
        let signed = world.sign(KEY, MARKET);
        world.wall -= offset;
        assert_eq!(world.raw(Some(KEY), "POST", ORDER, &signed, b"").status, 200);
        let _ = world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
        assert_eq!(shown(&mut world), world.wall);
    }
    world.fault(&json!({ "fault": "clock_skew", "ms": 9_000, "count": 1, "match": POST }));
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -1021));
    world.must("POST", ORDER, MARKET);
}

#[test]
fn orders_fill_in_parts() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.fault(&json!({ "fault": "partial_fill", "match": POST, "fraction": "0.3" }));
    let reply = world.order(&format!("{MARKET}&newClientOrderId=p"));
    assert_eq!(reply["status"], "PARTIALLY_FILLED");
    assert_eq!(reply["executedQty"], "0.003");
    assert_eq!(position(&mut world), "0.003");
    let first = world.events(conn);
    let o = &first.iter().find(|event| event["o"]["x"] == "TRADE").unwrap()["o"];
    assert_eq!((&o["X"], &o["z"]), (&json!("PARTIALLY_FILLED"), &json!("0.003")));
    world.step(60_000);
    assert_eq!(position(&mut world), "0.01");
    let asked = world.must("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=p");
    assert_eq!(asked["status"], "FILLED");
    world.fault(&json!({ "fault": "partial_fill", "rest": "expire" }));
    let reply = world.order(&format!("{MARKET}&newClientOrderId=q"));
    assert_eq!((&reply["status"], &reply["executedQty"]), (&json!("EXPIRED"), &json!("0.005")));
    world.step(60_000);
    assert_eq!(position(&mut world), "0.015");
    world.fault(&json!({ "fault": "partial_fill", "fraction": "0.2" }));
    let reply = world.order(&format!("{LIMIT}&newClientOrderId=r"));
    assert_eq!(
        (&reply["status"], &reply["executedQty"]),
        (&json!("PARTIALLY_FILLED"), &json!("0.002"))
    );
    let gone = world.must("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=r");
    assert_eq!((&gone["status"], &gone["executedQty"]), (&json!("CANCELED"), &json!("0.002")));
}

#[test]
fn a_stop_fills_in_part_and_leaves_the_rest_unprotected() {
    let mut world = World::of(&[60_000, 60_000, 58_500, 58_500, 58_500], |_| {});
    world.order(MARKET);
    let path = "POST /fapi/v1/algoOrder";
    world.fault(&json!({ "fault": "partial_fill", "match": path, "fraction": "0.4" }));
    world.must("POST", ALGO, &format!("{STOP}&clientAlgoId=half"));
    world.step(180_000);
    assert_eq!(position(&mut world), "0.006");
    let asked = world.must("GET", ALGO, "clientAlgoId=half");
    assert_eq!((&asked["algoStatus"], &asked["actualQty"]), (&json!("FINISHED"), &json!("0.004")));
    let order = world.must("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=half");
    assert_eq!((&order["status"], &order["executedQty"]), (&json!("EXPIRED"), &json!("0.004")));
}

#[test]
fn the_user_changes_settings_by_hand() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    let change = json!({
        "fault": "settings_change", "key": KEY, "symbol": "BTCUSDT", "leverage": 3,
        "marginType": "ISOLATED",
    });
    world.fault(&change);
    let config = world.must("GET", "/fapi/v1/symbolConfig", "symbol=BTCUSDT");
    assert_eq!((&config[0]["leverage"], &config[0]["marginType"]), (&json!(3), &json!("ISOLATED")));
    assert!(kinds(&world.events(conn)).contains(&"ACCOUNT_CONFIG_UPDATE".to_owned()));
}

#[test]
fn a_cancel_can_come_too_late() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.must("POST", ORDER, &format!("{LIMIT}&newClientOrderId=late"));
    world.fault(&json!({ "fault": "fill_after_cancel", "match": "DELETE /fapi/v1/order" }));
    let cancel = "symbol=BTCUSDT&origClientOrderId=late";
    assert_eq!(world.fails("DELETE", ORDER, cancel), (400, -2011));
    let asked = world.must("GET", ORDER, cancel);
    assert_eq!((&asked["status"], &asked["avgPrice"]), (&json!("FILLED"), &json!("58000")));
    assert_eq!(position(&mut world), "0.01");
    assert!(kinds(&world.events(conn)).contains(&"ORDER_TRADE_UPDATE TRADE".to_owned()));
}

#[test]
fn a_stop_is_rejected_when_it_triggers_or_at_once() {
    let mut world = World::of(&[60_000, 60_000, 58_500, 58_500, 58_500], |_| {});
    let (_, conn) = world.listen();
    world.order(MARKET);
    world.fault(&json!({ "fault": "algo_reject", "code": -2021 }));
    assert_eq!(world.fails("POST", ALGO, STOP), (400, -2021));
    world.fault(&json!({ "fault": "algo_reject", "match": "POST /fapi/v1/algoOrder" }));
    world.must("POST", ALGO, &format!("{STOP}&clientAlgoId=doomed"));
    let _ = world.events(conn);
    world.step(180_000);
    let asked = world.must("GET", ALGO, "clientAlgoId=doomed");
    assert_eq!(asked["algoStatus"], "REJECTED");
    let events = world.events(conn);
    let told = events.iter().find(|event| event["o"]["X"] == "REJECTED").unwrap();
    assert_eq!(told["o"]["rm"], "Margin is insufficient.");
    assert_eq!(position(&mut world), "0.01", "the position stands without its stop");
}

#[test]
fn an_order_that_is_not_found_at_first_was_executed_all_the_same() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "http_503_unknown_executed", "hidden_ms": 1_500 }));
    let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId=late";
    assert_eq!(world.fails("POST", "/fapi/v1/order", order), (503, -1000));
    let asked = "symbol=BTCUSDT&origClientOrderId=late";
    assert_eq!(world.fails("GET", "/fapi/v1/order", asked), (400, -2013));
    world.wait(1_500);
    assert_eq!(world.must("GET", "/fapi/v1/order", asked)["clientOrderId"], "late");
}

#[test]
fn a_stop_that_nobody_can_see_still_acts() {
    let mut world = World::of(&[60_000, 60_000, 58_500, 58_500, 58_500], |_| {});
    world.order(MARKET);
    world.fault(&json!({ "fault": "algo_invisible", "ms": 60_000 }));
    world.must("POST", ALGO, &format!("{STOP}&clientAlgoId=ghost"));
    assert_eq!(world.fails("GET", ALGO, "clientAlgoId=ghost"), (400, -2013));
    assert_eq!(world.fails("DELETE", ALGO, "clientAlgoId=ghost"), (400, -2011));
    assert_eq!(world.must("GET", "/fapi/v1/openAlgoOrders", ""), json!([]));
    let truth = world.truth(KEY);
    assert_eq!(truth["algo_orders"][0]["clientAlgoId"], "ghost");
    world.step(180_000);
    assert_eq!(position(&mut world), "0");
    world.wait(60_000);
    let seen = world.must("GET", ALGO, "clientAlgoId=ghost");
    assert_eq!(seen["algoStatus"], "FINISHED");
}

#[test]
fn positions_are_taken_away() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.order(MARKET);
    let named = json!({ "fault": "adl", "key": KEY, "symbol": "BTCUSDT", "fraction": "0.5" });
    assert_eq!(world.fault(&named)["state"], "happened");
    assert_eq!(position(&mut world), "0.005");
    world.fault(&json!({ "fault": "adl", "key": KEY, "symbol": "BTCUSDT" }));
    assert_eq!(position(&mut world), "0");
    world.order(MARKET);
    let forced = world.socket("/market/ws/btcusdt@forceOrder", "");
    let _ = world.events(conn);
    world.fault(&json!({ "fault": "liquidation", "key": KEY, "symbol": "BTCUSDT" }));
    assert_eq!(position(&mut world), "0");
    let heard = world.heard();
    let of = |conn: u64| -> Vec<Value> {
        let mine = heard.iter().filter(|(to, _)| *to == conn);
        mine.map(|(_, text)| serde_json::from_str(text.as_ref().unwrap()).unwrap()).collect()
    };
    let closing = of(conn).into_iter().find(|event| event["e"] == "ORDER_TRADE_UPDATE").unwrap();
    assert!(closing["o"]["c"].as_str().unwrap().starts_with("autoclose-"), "{closing}");
    assert_eq!(of(forced)[0]["o"]["S"], "SELL");
    let orders = world.must("GET", "/fapi/v1/forceOrders", "");
    assert_eq!(orders.as_array().map(Vec::len), Some(3));
    let liquidated = world.must("GET", "/fapi/v1/forceOrders", "autoCloseType=LIQUIDATION");
    assert_eq!(liquidated.as_array().map(Vec::len), Some(1));
}

#[test]
fn an_event_can_wait_for_a_request() {
    let mut world = World::new();
    world.order(MARKET);
    let waits = json!({
        "fault": "liquidation", "key": KEY, "symbol": "BTCUSDT",
        "match": "POST /fapi/v1/algoOrder",
    });
    assert_eq!(world.fault(&waits)["state"], "waiting");
    assert_eq!(position(&mut world), "0.01");
    let _ = world.ask("POST", ALGO, STOP);
    assert_eq!(position(&mut world), "0", "gone before its stop came");
}

#[test]
fn funding_is_charged() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    world.order(MARKET);
    let _ = world.events(conn);
    world.fault(&json!({ "fault": "funding", "symbol": "BTCUSDT", "rate": "0.001" }));
    let events = world.events(conn);
    assert_eq!(kinds(&events), ["ACCOUNT_UPDATE FUNDING_FEE"]);
    assert_eq!(events[0]["a"]["B"][0]["bc"], "-0.6");
    assert_eq!(events[0]["a"]["S"], "BTCUSDT");
    let income = world.must("GET", "/fapi/v1/income", "incomeType=FUNDING_FEE");
    assert_eq!(income[0]["income"], "-0.6");
}

#[test]
fn a_symbol_halts_and_trades_again() {
    let mut world = World::new();
    let told = world.socket("/market/ws/!contractInfo", "");
    let status = |world: &mut World| {
        let info = body(&world.raw(None, "GET", "/fapi/v1/exchangeInfo", "", b""));
        info["symbols"][0]["status"].as_str().unwrap().to_owned()
    };
    world.fault(&json!({ "fault": "symbol_halt", "symbol": "BTCUSDT", "ms": 1_000 }));
    assert_eq!(world.events(told)[0]["cs"], "TRADING_HALT");
    assert_eq!(status(&mut world), "TRADING_HALT");
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -1122));
    world.wait(1_000);
    assert_eq!(world.events(told)[0]["cs"], "TRADING");
    world.must("POST", ORDER, MARKET);
    world.fault(&json!({ "fault": "symbol_halt", "symbol": "BTCUSDT", "status": "CLOSE" }));
    assert_eq!(status(&mut world), "CLOSE");
    let _ = world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
    assert_eq!(status(&mut world), "TRADING");
}

#[test]
fn filters_change_while_running() {
    let mut world = World::new();
    world.must("POST", ORDER, MARKET);
    world.fault(&json!({ "fault": "filters_change", "symbol": "BTCUSDT" }));
    let info = body(&world.raw(None, "GET", "/fapi/v1/exchangeInfo", "", b""));
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    let of = |kind: &str| filters.iter().find(|f| f["filterType"] == kind).unwrap().clone();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(number(&of("PRICE_FILTER")["tickSize"]), 1.0);
    assert_eq!(number(&of("LOT_SIZE")["stepSize"]), 0.01);
    let fine = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.015";
    assert_eq!(world.fails("POST", ORDER, fine), (400, -4023));
    let notional = json!({ "fault": "filters_change", "symbol": "BTCUSDT", "minNotional": "1000" });
    world.fault(&notional);
    assert_eq!(world.fails("POST", ORDER, MARKET), (400, -4164));
}

#[test]
fn the_average_price_can_be_absent() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "avg_price_absent", "match": POST }));
    let reply = world.order(MARKET);
    assert_eq!((reply.get("avgPrice"), reply.get("cumQuote")), (None, None));
    assert_eq!(reply["status"], "FILLED");
    assert!(world.order(MARKET).get("avgPrice").is_some());
}

#[test]
fn limits_change_and_come_back() {
    let mut world = World::new();
    world.fault(&json!({ "fault": "limits_change", "orders_10s": 1, "ban_after": 1 }));
    world.must("POST", ORDER, MARKET);
    assert_eq!(world.fails("POST", ORDER, MARKET), (429, -1015));
    assert_eq!(world.fails("POST", ORDER, MARKET), (418, -1003));
    let _ = world.raw(None, "DELETE", "/sim/v1/faults", "", b"");
    world.must("POST", ORDER, MARKET);
}

#[test]
fn others_act_on_the_account() {
    let mut world = World::new();
    let (_, conn) = world.listen();
    let foreign = json!({
        "fault": "foreign_order", "key": KEY, "symbol": "BTCUSDT", "quantity": "0.02",
    });
    world.fault(&foreign);
    assert_eq!(position(&mut world), "0.02");
    assert!(kinds(&world.events(conn)).contains(&"ORDER_TRADE_UPDATE TRADE".to_owned()));
    world.fault(&json!({ "fault": "manual_close", "key": KEY, "symbol": "BTCUSDT" }));
    assert_eq!(position(&mut world), "0");
    assert!(world.arrivals(ORDER).is_empty(), "no request of the program did it");
}

#[test]
fn the_key_of_a_user_stream_expires() {
    let mut world = World::new();
    let (key, conn) = world.listen();
    let (other, third) = (world.listen_key(OTHER), world.listen_key(EDDSA));
    world.fault(&json!({ "fault": "listen_key_expire", "key": KEY }));
    assert_eq!(world.events(conn)[0]["listenKey"], json!(key));
    assert_eq!(world.listen_key(OTHER), other);
    world.fault(&json!({ "fault": "listen_key_expire" }));
    assert_ne!(world.listen_key(EDDSA), third);
    let again = world.listen_key(KEY);
    let put = json!({ "fault": "listen_key_expire", "match": "PUT /fapi/v1/listenKey" });
    world.fault(&put);
    let kept = world.raw(Some(KEY), "PUT", "/fapi/v1/listenKey", "", b"");
    assert!(kept.body.contains("-1125"), "{}", kept.body);
    assert_ne!(world.listen_key(KEY), again);
}

/// Ids of the fills that a socket of the user stream hears while three orders fill.
fn fills(fault: Value) -> Vec<i64> {
    let mut world = World::new();
    let (_, conn) = world.listen();
    let mut fault = fault;
    fault["match"] = json!("ORDER_TRADE_UPDATE");
    world.fault(&fault);
    for _ in 0..3 {
        world.order(MARKET);
        world.wait(1);
    }
    world.wait(60_000);
    let events = world.events(conn);
    let fills = events.iter().filter(|event| event["o"]["x"] == "TRADE");
    fills.map(|event| event["o"]["i"].as_i64().unwrap()).collect()
}

#[test]
fn frames_of_user_streams_are_lost_doubled_and_late() {
    let plain = fills(json!({ "fault": "ws_gap", "count": 0 }));
    assert_eq!(plain.len(), 3);
    let [a, b, c] = [plain[0], plain[1], plain[2]];
    assert_eq!(fills(json!({ "fault": "ws_gap" })).len(), 3, "NEW is the first event lost");
    assert_eq!(fills(json!({ "fault": "ws_gap", "count": 2 })), [b, c]);
    assert_eq!(fills(json!({ "fault": "ws_dup", "count": 2 })), [a, a, b, c]);
    assert_eq!(fills(json!({ "fault": "ws_late", "count": 2, "ms": 100 })), [b, c, a]);
    assert_eq!(fills(json!({ "fault": "ws_silence", "count": 4 })), [c]);
    assert_eq!(fills(json!({ "fault": "ws_silence" })).len(), 0);
    assert_eq!(fills(json!({ "fault": "ws_reorder" })).len(), 3);
}

#[test]
fn sockets_close_with_and_without_a_farewell_or_go_deaf() {
    for name in ["ws_drop", "ws_close", "ws_half_open"] {
        let mut world = World::new();
        let (_, conn) = world.listen();
        world.fault(&json!({ "fault": name, "match": "private" }));
        world.order(MARKET);
        let heard = world.heard();
        assert!(heard.contains(&(conn, None)), "{name}: {heard:?}");
    }
}

#[test]
fn broken_frames_cannot_be_read_as_they_were() {
    let mut seen = 0;
    for seed in 0..12 {
        let mut world = World::new();
        let (_, conn) = world.listen();
        world.fault(&json!({
            "fault": "ws_malformed", "match": "TRADE_LITE", "seed": seed, "count": 1,
        }));
        world.order(MARKET);
        for (to, text) in world.heard() {
            assert_eq!(to, conn);
            let text = text.unwrap();
            let good = serde_json::from_str::<Value>(&text)
                .is_ok_and(|event| event["e"].as_str().is_some_and(|e| e.len() < 30));
            seen += usize::from(!good || text.contains("NaN"));
        }
    }
    assert_eq!(seen, 12);
}
