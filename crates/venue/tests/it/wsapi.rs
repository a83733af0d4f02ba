//! The WebSocket API: the same exchange by another door.

use crate::world::{EDDSA, KEY, World, signer};
use aegis_venue::server::Sending;
use aegis_wire::percent_encode;
use serde_json::{Map, Value, json};

fn open(world: &mut World, query: &str) -> u64 {
    const CONN: u64 = 900;
    world.sim.ws_api_open(world.wall, CONN, query, World::here()).unwrap();
    CONN
}

/// Sorted `name=value` pairs, texts as they are.
fn payload(params: &Map<String, Value>, encode: bool) -> String {
    let text = |value: &Value| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !encode {
            return plain;
        }
        let mut out = String::new();
        percent_encode(&plain, &mut out);
        out
    };
    let mut pairs: Vec<String> =
        params.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    pairs.sort();
    pairs.join("&")
}

fn signed(world: &World, key: &str, params: Value) -> Value {
    let mut params = params;
    params["apiKey"] = json!(key);
    params["timestamp"] = json!(world.wall);
    let text = payload(params.as_object().unwrap(), false);
    params["signature"] = json!(signer(key).signature(text.as_bytes()));
    params
}

fn call(world: &mut World, conn: u64, method: &str, params: Value) -> Value {
    world.say(conn, &json!({ "id": "x", "method": method, "params": params })).0
}

fn order() -> Value {
    json!({ "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": "58000", "newClientOrderId": "ws-1" })
}

#[test]
fn an_order_lives_its_life_over_the_socket() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    let place = signed(&world, KEY, order());
    let placed = call(&mut world, conn, "order.place", place);
    assert_eq!((&placed["status"], &placed["id"]), (&json!(200), &json!("x")), "{placed}");
    let result = &placed["result"];
    assert_eq!((&result["clientOrderId"], &result["status"]), (&json!("ws-1"), &json!("NEW")));
    let limits = placed["rateLimits"].as_array().unwrap();
    assert_eq!(limits[0]["rateLimitType"], "REQUEST_WEIGHT");
    assert_eq!((&limits[1]["rateLimitType"], &limits[1]["count"]), (&json!("ORDERS"), &json!(1)));
    let by_name = json!({ "symbol": "BTCUSDT", "origClientOrderId": "ws-1" });
    let change = json!({ "symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "ws-1",
        "quantity": "0.01", "price": "58100" });
    for (method, params, field, value) in [
        ("order.status", by_name.clone(), "status", json!("NEW")),
        ("order.modify", change, "price", json!("58100")),
        ("order.cancel", by_name, "status", json!("CANCELED")),
    ] {
        let params = signed(&world, KEY, params);
        let reply = call(&mut world, conn, method, params);
        assert_eq!(reply["result"][field], value, "{method}: {reply}");
    }
    let truth = world.truth(KEY);
    let methods: Vec<(&str, &str)> = truth["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["method"].as_str().unwrap(), r["path"].as_str().unwrap()))
        .collect();
    assert_eq!(methods[0], ("WS", "order.place"));
    assert_eq!(truth["requests"][0]["client_order_id"], "ws-1");
    assert_eq!(methods.len(), 4);
}

#[test]
fn conditional_orders_and_the_account_are_there_too() {
    let mut world = World::new();
    let conn = open(&mut world, "returnRateLimits=false");
    world.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01");
    let stop = json!({ "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL",
        "type": "STOP_MARKET", "triggerPrice": "59000", "closePosition": true });
    let stop = signed(&world, KEY, stop);
    let placed = call(&mut world, conn, "algoOrder.place", stop);
    let id = placed["result"]["algoId"].as_u64().unwrap();
    let cancel = signed(&world, KEY, json!({ "algoId": id }));
    let gone = call(&mut world, conn, "algoOrder.cancel", cancel);
    assert_eq!(gone["result"]["code"], "200");
    for (method, path) in [
        ("v2/account.balance", "/0/asset"),
        ("account.balance", "/0/asset"),
        ("v2/account.status", "/assets/0/asset"),
        ("account.status", "/assets/0/asset"),
        ("v2/account.position", "/0/symbol"),
        ("account.position", "/0/symbol"),
    ] {
        let params = signed(&world, KEY, json!({}));
        let reply = call(&mut world, conn, method, params);
        assert!(reply["result"].pointer(path).is_some_and(Value::is_string), "{method} {reply}");
    }
    for method in ["ticker.price", "ticker.book", "depth"] {
        let reply = call(&mut world, conn, method, json!({ "symbol": "BTCUSDT" }));
        assert_eq!(reply["status"], 200, "{method} {reply}");
        let params = signed(&world, KEY, json!({ "symbol": "BTCUSDT", "recvWindow": 5_000 }));
        let reply = call(&mut world, conn, method, params);
        assert_eq!(reply["status"], 200, "a signature does no harm: {method} {reply}");
    }
    let started = call(&mut world, conn, "userDataStream.start", json!({ "apiKey": KEY }));
    let key = started["result"]["listenKey"].clone();
    assert_eq!(key, json!(world.listen_key(KEY)));
    let pinged = call(&mut world, conn, "userDataStream.ping", json!({ "apiKey": KEY }));
    assert_eq!(pinged["result"]["listenKey"], key);
    let stopped = call(&mut world, conn, "userDataStream.stop", json!({ "apiKey": KEY }));
    assert_eq!(stopped["result"], json!({}));
    assert!(stopped.get("rateLimits").is_none(), "as asked for when the socket opened");
}

#[test]
fn a_session_needs_an_ed25519_key_and_then_neither_key_nor_signature() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    let logon = signed(&world, KEY, json!({}));
    let refused = call(&mut world, conn, "session.logon", logon);
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&json!(400), &json!(-4056)));
    let logon = signed(&world, EDDSA, json!({}));
    let status = call(&mut world, conn, "session.logon", logon);
    assert_eq!(status["result"]["apiKey"], EDDSA);
    assert_eq!(status["result"]["authorizedSince"], world.wall);
    let mut place = order();
    place["timestamp"] = json!(world.wall);
    let placed = call(&mut world, conn, "order.place", place.clone());
    assert_eq!(placed["status"], 200, "{placed}");
    let asked = call(&mut world, conn, "session.status", json!({}));
    assert_eq!(asked["result"]["apiKey"], EDDSA);
    let left = call(&mut world, conn, "session.logout", json!({}));
    assert_eq!(left["result"]["apiKey"], Value::Null);
    let refused = call(&mut world, conn, "order.place", place);
    assert_eq!(refused["error"]["code"], -2014);
    assert_eq!(world.truth(EDDSA)["orders"].as_array().map(Vec::len), Some(1));
}

#[test]
fn errors_say_what_is_wrong_and_echo_the_id() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    let mut bad = signed(&world, KEY, order());
    bad["price"] = json!("58001");
    let cases: &[(Value, i64, i64)] = &[
        (json!({ "id": 7, "method": "order.place", "params": bad }), 400, -1022),
        (json!({ "id": 7, "method": "order.place", "params": order() }), 401, -2014),
        (json!({ "id": 7, "method": "no.such", "params": {} }), 400, -1020),
        (
            json!({ "id": 7, "method": "order.status", "params": signed(&world, KEY, json!({
            "symbol": "BTCUSDT", "orderId": 99 })) }),
            400,
            -2013,
        ),
        (
            json!({ "id": 7, "method": "order.place", "params": { "apiKey": KEY,
            "signature": "x" } }),
            400,
            -1102,
        ),
    ];
    for (message, status, code) in cases {
        let (reply, _) = world.say(conn, message);
        assert_eq!(reply["id"], 7);
        assert_eq!((&reply["status"], &reply["error"]["code"]), (&json!(status), &json!(code)));
    }
    let reply = world.sim.ws_api(world.wall, conn, "nonsense");
    let reply: Value = serde_json::from_str(&reply.frames[0]).unwrap();
    assert_eq!((&reply["id"], &reply["status"]), (&Value::Null, &json!(400)));
    let all = world.raw(None, "GET", "/sim/v1/truth", "", b"");
    let all: Value = serde_json::from_str(&all.body).unwrap();
    let all = all["requests"].as_array().unwrap();
    assert_eq!(all.len(), cases.len() + 1, "every arrival is logged");
    assert!(all.iter().all(|arrival| arrival["outcome"] == "refused"));
}

#[test]
fn numbers_are_signed_as_they_are_written() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    let head = format!("\"apiKey\":\"{KEY}\"");
    let text = format!(
        "apiKey={KEY}&price=58000.10&quantity=0.010&recvWindow=5000&side=BUY&symbol=BTCUSDT\
         &timeInForce=GTC&timestamp={}&type=LIMIT",
        world.wall
    );
    let signature = signer(KEY).signature(text.as_bytes());
    let message = format!(
        "{{\"id\":1,\"method\":\"order.place\",\"params\":{{{head},\"symbol\":\"BTCUSDT\",\
         \"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\",\"quantity\":0.010,\
         \"price\":58000.10,\"recvWindow\":5000,\"timestamp\":{},\"signature\":\"{signature}\"}}}}",
        world.wall
    );
    let reply = world.sim.ws_api(world.wall, conn, &message);
    let reply: Value = serde_json::from_str(&reply.frames[0]).unwrap();
    assert_eq!(reply["status"], 200, "{reply}");
}

#[test]
fn percent_encoded_signatures_of_some_clients_are_accepted() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    let mut params = order();
    params["newClientOrderId"] = json!("a:b/c");
    params["apiKey"] = json!(KEY);
    params["timestamp"] = json!(world.wall);
    let text = payload(params.as_object().unwrap(), true);
    params["signature"] = json!(signer(KEY).signature(text.as_bytes()));
    let reply = call(&mut world, conn, "order.place", params);
    assert_eq!(reply["result"]["clientOrderId"], "a:b/c", "{reply}");
}

#[test]
fn faults_act_on_its_methods() {
    let mut world = World::new();
    let conn = open(&mut world, "");
    world.fault(&json!({ "fault": "reply_cut", "match": "WS order.place" }));
    let place = signed(&world, KEY, order());
    let message = json!({ "id": 1, "method": "order.place", "params": place });
    let reply = world.sim.ws_api(world.wall, conn, &message.to_string());
    assert_ne!(reply.fate.sending, Sending::Whole);
    assert!(reply.close);
    let truth = world.truth(KEY);
    assert_eq!(truth["orders"].as_array().map(Vec::len), Some(1));
    assert_eq!(truth["requests"][0]["outcome"], "executed");
    world.fault(&json!({ "fault": "http_503_unknown_lost", "match": "WS order.cancel" }));
    let cancel = signed(&world, KEY, json!({ "symbol": "BTCUSDT", "origClientOrderId": "ws-1" }));
    let lost = call(&mut world, conn, "order.cancel", cancel);
    assert_eq!((&lost["status"], &lost["error"]["code"]), (&json!(503), &json!(-1000)));
    assert_eq!(world.truth(KEY)["orders"][0]["status"], "NEW");
}
