//! Whatever is sent, the exchange answers with JSON and goes on: parameters, bodies, faults and
//! messages of random rubbish, by seed.

use crate::client_once::Draw;
use crate::world::{KEY, World};
use aegis_wire::endpoints::ENDPOINTS;
use aegis_wire::percent_encode;
use aegis_wire::ws_methods::WS_METHODS;
use serde_json::{Value, json};

const NAMES: [&str; 44] = [
    "symbol",
    "side",
    "type",
    "quantity",
    "price",
    "timeInForce",
    "positionSide",
    "reduceOnly",
    "newClientOrderId",
    "newOrderRespType",
    "selfTradePreventionMode",
    "goodTillDate",
    "orderId",
    "origClientOrderId",
    "batchOrders",
    "orderIdList",
    "countdownTime",
    "algoType",
    "triggerPrice",
    "callbackRate",
    "activatePrice",
    "workingType",
    "closePosition",
    "priceProtect",
    "algoId",
    "clientAlgoId",
    "leverage",
    "marginType",
    "dualSidePosition",
    "multiAssetsMargin",
    "amount",
    "limit",
    "startTime",
    "endTime",
    "fromId",
    "incomeType",
    "interval",
    "pair",
    "contractType",
    "priceMatch",
    "modifyId",
    "listenKey",
    "recvWindow",
    "autoCloseType",
];

const VALUES: [&str; 48] = [
    "BTCUSDT",
    "ETHUSDT",
    "BUY",
    "SELL",
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TRAILING_STOP_MARKET",
    "GTC",
    "GTD",
    "GTX",
    "LONG",
    "SHORT",
    "BOTH",
    "true",
    "false",
    "RESULT",
    "CONDITIONAL",
    "MARK_PRICE",
    "ISOLATED",
    "CROSSED",
    "QUEUE",
    "0",
    "1",
    "-1",
    "0.01",
    "60000",
    "59000.1",
    "1e5",
    "NaN",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "92233720368.54775807",
    "0.00000001",
    "[]",
    "{}",
    "[{}]",
    "[1,\"a\"]",
    "null",
    "é",
    "a b",
    "1m",
    "PERPETUAL",
    "1790000600000",
    "5000",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fn query(draw: &mut Draw) -> String {
    let mut text = String::new();
    for _ in 0..draw.below(14) {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(draw.one::<&str>(&NAMES));
        text.push('=');
        percent_encode(draw.one::<&str>(&VALUES), &mut text);
    }
    text
}

#[test]
fn no_request_breaks_it() {
    for seed in 0..40 {
        let mut draw = Draw::new(seed);
        let mut world = World::new();
        let (_, conn) = world.listen();
        for _ in 0..300 {
            let line = draw.one(ENDPOINTS);
            let (method, path) = (line.method.name(), line.path);
            let query = query(&mut draw);
            let (status, _) = world.ask(method, path, &query);
            assert!((200..600).contains(&status), "seed {seed}: {method} {path}?{query}");
            world.wait(2_000);
            world.step(draw.below(2_000) as i64);
        }
        let heard = world.heard();
        for text in heard.into_iter().filter(|(to, _)| *to == conn).filter_map(|(_, text)| text) {
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "seed {seed}: {text}");
        }
        let truth = world.truth(KEY);
        assert!(truth["requests"].as_array().is_some_and(|all| all.len() > 100), "seed {seed}");
    }
}

#[test]
fn no_number_is_too_large_or_too_small() {
    let extremes = ["-9223372036854775808", "9223372036854775807", "-1", "0", "92233720368"];
    let numbers = [
        "quantity",
        "price",
        "goodTillDate",
        "orderId",
        "countdownTime",
        "triggerPrice",
        "callbackRate",
        "activatePrice",
        "algoId",
        "leverage",
        "amount",
        "type",
        "limit",
        "fromId",
        "modifyId",
    ];
    let orders = "symbol=BTCUSDT&side=BUY&timeInForce=GTD&algoType=CONDITIONAL&pair=BTCUSDT\
                  &interval=1m&contractType=PERPETUAL";
    let mut world = World::new();
    for line in ENDPOINTS {
        for start in extremes {
            for end in extremes {
                let all: Vec<String> = numbers.iter().map(|name| format!("{name}={end}")).collect();
                let all = all.join("&");
                for kind in ["LIMIT", "MARKET", "STOP", "TRAILING_STOP_MARKET"] {
                    let query =
                        format!("type={kind}&{orders}&startTime={start}&endTime={end}&{all}");
                    let (status, _) = world.ask(line.method.name(), line.path, &query);
                    assert!((200..600).contains(&status), "{} {query}", line.path);
                    world.wait(1_500);
                }
            }
        }
    }
}

#[test]
fn no_fault_breaks_it() {
    let names: Vec<String> = {
        let mut world = World::new();
        let reply = world.raw(None, "GET", "/sim/v1/faults", "", b"");
        let listed: Value = serde_json::from_str(&reply.body).unwrap();
        let of = |fault: &Value| fault["name"].as_str().unwrap().to_owned();
        listed["faults"].as_array().unwrap().iter().map(of).collect()
    };
    let fields = [
        "match",
        "count",
        "seed",
        "ms",
        "executed",
        "symbol",
        "key",
        "rate",
        "fraction",
        "quantity",
        "side",
        "leverage",
        "marginType",
        "tickSize",
        "stepSize",
        "minQty",
        "minNotional",
        "status",
        "code",
        "bytes",
        "kind",
        "rest",
        "weight",
    ];
    let values = [
        json!(0),
        json!(-1),
        json!(3),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.5),
        json!("0.5"),
        json!("BTCUSDT"),
        json!("first-key"),
        json!("x"),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!("-1"),
        json!("POST /fapi/v1/order"),
        json!("private"),
    ];
    for seed in 0..200 {
        let mut draw = Draw::new(seed);
        let mut world = World::new();
        let (_, _) = world.listen();
        for _ in 0..30 {
            let mut fault = json!({ "fault": draw.one(&names) });
            for _ in 0..draw.below(6) {
                fault[*draw.one(&fields)] = draw.one(&values).clone();
            }
            let body = fault.to_string();
            let reply = world.raw(None, "POST", "/sim/v1/faults", "", body.as_bytes());
            assert!([200, 400].contains(&reply.status), "seed {seed}: {body}");
            let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01";
            let _ = world.ask("POST", "/fapi/v1/order", order);
            let stop = "algoType=CONDITIONAL&symbol=BTCUSDT&side=SELL&type=STOP_MARKET\
                        &triggerPrice=59000&quantity=0.01";
            let _ = world.ask("POST", "/fapi/v1/algoOrder", stop);
            world.wait(1_000);
        }
        world.step(60_000);
    }
}

#[test]
fn no_message_breaks_it() {
    let mut world = World::new();
    let conn = 77;
    world.sim.ws_api_open(world.wall, conn, "", World::here()).unwrap();
    for seed in 0..3_000 {
        let mut draw = Draw::new(seed);
        let params: serde_json::Map<String, Value> = (0..draw.below(10))
            .map(|_| {
                let text = *draw.one(&VALUES);
                let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
                ((*draw.one(&NAMES)).to_owned(), value)
            })
            .collect();
        let method = draw.one(WS_METHODS).name;
        let whole = json!({ "id": seed, "method": method, "params": params }).to_string();
        let cut = whole.char_indices().nth(draw.below(whole.len() as u64) as usize);
        let text = match (draw.below(4), cut) {
            (0, Some((at, _))) => &whole[..at],
            _ => whole.as_str(),
        };
        for frame in world.sim.ws_api(world.wall, conn, text).frames {
            let reply: Value = serde_json::from_str(&frame).unwrap();
            assert!(reply["status"].is_u64(), "seed {seed}: {text}: {frame}");
        }
        world.wait(500);
    }
}
