//! What is on the account and not of this session, on real processes: a position by hand is taken
//! over, protected at the exchange, survives the brain's death and is closed; what an earlier
//! session left is told as such, and its orders go when they protect nothing.

use crate::exchange::Exchange;
use crate::harness::{Place, Started, last_json, signal};
use aegis_types::{Qty, Round};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

const KEYS: [(&str, &str); 2] = [("BINANCE_API_KEY", "owner"), ("BINANCE_API_SECRET", "canary-23")];

fn exchange(place: &Place, speed: &str) -> Exchange {
    let account = "key=owner,secret=canary-23,balance=10000";
    let args = ["exchange", "--generate", "11", "--symbols", "6", "--days", "4", "--speed", speed];
    Exchange::start(place, &[&args[..], &["--account", account]].concat())
}

fn fault(exchange: &Exchange, body: &Value) {
    let body = body.to_string();
    let mut socket = TcpStream::connect(exchange.address()).unwrap();
    write!(
        socket,
        "POST /sim/v1/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

fn start(place: &Place, exchange: &Exchange, settings: &[&str]) -> Started {
    let url = format!("http://{}", exchange.address());
    let mut args = vec!["run", "--venue", "local", "--exchange-url", &url, "--json"];
    settings.iter().for_each(|setting| args.extend(["--set", setting]));
    place.start_with(&args, &KEYS)
}

/// The quantities held, and the live conditional orders, as the exchange has them.
fn truth(exchange: &Exchange) -> (Vec<Value>, Vec<Value>) {
    let truth = exchange.get("/sim/v1/truth?key=owner");
    let held = truth["positions"].as_array().expect("positions").clone();
    let algos = truth["algo_orders"].as_array().expect("conditional orders");
    (held, algos.iter().filter(|algo| algo["algoStatus"] == "NEW").cloned().collect())
}

fn one_protected(status: &Value) -> bool {
    let positions = status["positions"].as_array();
    positions.is_some_and(|p| p.len() == 1 && p[0]["protected"] == true)
}

#[test]
fn a_position_by_hand_is_taken_over_protected_and_closed() {
    let place = Place::new("adopted");
    let exchange = exchange(&place, "10");
    let info = exchange.get("/fapi/v1/exchangeInfo");
    let symbol = info["symbols"][0]["symbol"].as_str().expect("a symbol").to_owned();
    let ticker = exchange.get(&format!("/fapi/v1/ticker/price?symbol={symbol}"));
    let price: f64 = ticker["price"].as_str().expect("price").parse().expect("price");
    let filters = info["symbols"][0]["filters"].as_array().expect("filters");
    let lot = filters.iter().find(|f| f["filterType"] == "LOT_SIZE").expect("a grid");
    let step: Qty = lot["stepSize"].as_str().expect("a step").parse().expect("a step");
    let quantity = Qty::from_f64(500.0 / price).unwrap().to_grid(step, Round::Up).unwrap();
    fault(
        &exchange,
        &json!({
            "fault": "foreign_order", "symbol": symbol, "side": "BUY",
            "quantity": quantity.to_string(), "key": "owner",
        }),
    );
    // It trades nothing by itself.
    let adopt = [
        "venue.foreign=adopt",
        "venue.adopt_stop=0.2",
        "engine.signal_confidence=1",
        "engine.decay_exit=false",
        // Of market time, which is ten times ours.
        "engine.stop_deadline_ms=30000",
    ];
    let mut run = start(&place, &exchange, &adopt);
    let status = run.wait_until("it is held and protected", one_protected);
    assert_eq!(status["positions"][0]["symbol"], symbol.as_str());
    let (held, stops) = truth(&exchange);
    assert_eq!(held.len(), 1);
    let id = stops[0]["clientAlgoId"].as_str().expect("an id");
    assert!(id.starts_with("aegis-"), "our stop stands at the exchange: {stops:?}");

    // Its brain dies; the next one holds the same under the same stop.
    let brain = u32::try_from(status["pids"]["brain"].as_u64().expect("pid")).expect("a pid");
    signal(brain, "KILL");
    let status = run.wait_until("another brain holds it", |s| {
        s["pids"]["brain"].as_u64().is_some_and(|pid| pid != u64::from(brain)) && one_protected(s)
    });
    assert_eq!(status["positions"][0]["symbol"], symbol.as_str());
    let (_, after) = truth(&exchange);
    assert!(after.iter().any(|stop| stop["clientAlgoId"] == id), "{after:?}");

    let output = run.close_and_stop(&place);
    let (held, rests) = truth(&exchange);
    assert_eq!((held.len(), rests.len()), (0, 0), "{held:?} {rests:?}");
    let last = last_json(&output);
    assert_eq!((&last["trades"], &last["fills"]), (&json!(1), &json!(1)), "closed once, by us");
    let balance = &exchange.get("/sim/v1/truth?key=owner")["balance"];
    assert_eq!(&last["wallet_end"], balance, "to the last decimal");
    let journal = last["journal"].as_str().expect("journal");
    let replay = place.json(&["replay", journal, "--json"]);
    assert_eq!((&replay["match"], &replay["digest"]), (&json!(true), &last["digest"]));
}

#[test]
fn a_new_session_knows_what_an_earlier_one_left() {
    let place = Place::new("earlier");
    let exchange = exchange(&place, "600");
    let often = ["engine.signal_confidence=0.3", "risk.gate=0.25"];
    let mut run = start(&place, &exchange, &often);
    run.wait_until("a protected position", |s| {
        let positions = s["positions"].as_array();
        positions.is_some_and(|p| !p.is_empty() && p.iter().all(|p| p["protected"] == true))
    });
    run.signal("INT");
    assert_eq!(run.wait().status.code(), Some(130));
    // Market time flies: what was left may have ended by its stop meanwhile.
    let calm = ["engine.signal_confidence=1", "venue.sweep_s=5"];
    let mut run = start(&place, &exchange, &calm);
    run.wait_until("it is ready", |s| s["pids"]["brain"].is_u64());
    let began = std::time::Instant::now();
    while !run.log().contains("is of the earlier session") && !truth(&exchange).1.is_empty() {
        assert!(began.elapsed().as_secs() < 60, "{}", run.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(!run.log().contains("was not made here"), "no stranger's orders: {}", run.log());
    // Closed by hand: nothing protects anything any more, and nothing is left.
    for position in truth(&exchange).0 {
        let symbol = position["symbol"].clone();
        fault(&exchange, &json!({"fault": "manual_close", "symbol": symbol, "key": "owner"}));
    }
    let began = std::time::Instant::now();
    while !truth(&exchange).1.is_empty() {
        assert!(began.elapsed().as_secs() < 60, "{:?} {}", truth(&exchange).1, run.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    run.signal("TERM");
    assert_eq!(run.wait().status.code(), Some(0));
}
