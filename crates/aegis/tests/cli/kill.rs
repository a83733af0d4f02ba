//! The kill switch on real processes: with a brain that is stopped, by each of its three ways, the
//! exchange's own truth shows entries taken back and positions closed; nothing starts behind it
//! until somebody says so.

use crate::exchange::Exchange;
use crate::harness::{Place, Started, last_json, refused, signal, text};
use aegis_types::{Px, Qty, Round};
use aegis_wire::{Query, Secret, Signer};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

const KEYS: [(&str, &str); 2] = [("BINANCE_API_KEY", "owner"), ("BINANCE_API_SECRET", "canary-17")];
/// An entry as a brain would have left it, and one of somebody else.
const ENTRY: &str = "aegis-00000000000000ff-1";
const FOREIGN: &str = "by-hand-1";

fn exchange(place: &Place) -> Exchange {
    let account = "key=owner,secret=canary-17,balance=10000";
    let args = ["exchange", "--generate", "11", "--symbols", "6", "--days", "4", "--speed", "600"];
    Exchange::start(place, &[&args[..], &["--account", account]].concat())
}

/// Trades on it, until it holds something that is protected.
fn trading(place: &Place, exchange: &Exchange, more: &[&str]) -> (Started, Value) {
    let url = format!("http://{}", exchange.address());
    let args = ["run", "--venue", "local", "--exchange-url", &url, "--json"];
    let often = ["--set", "engine.signal_confidence=0.3", "--set", "risk.gate=0.25"];
    let mut run = place.start_with(&[&args[..], &often, more].concat(), &KEYS);
    let status = run.wait_until("a protected position", |s| {
        let positions = s["positions"].as_array();
        positions.is_some_and(|p| !p.is_empty() && p.iter().all(|p| p["protected"] == true))
    });
    (run, status)
}

fn pid(status: &Value, child: &str) -> u32 {
    u32::try_from(status["pids"][child].as_u64().expect("pid")).expect("a pid")
}

/// Rests an order far below the market, by hand.
fn rest(exchange: &Exchange, status: &Value, id: &str) {
    let run = status["run"].as_str().expect("run");
    let session = std::fs::read(format!("{run}/session.json")).expect("session");
    let session: Value = serde_json::from_slice(&session).expect("JSON");
    let instrument = &session["instruments"][0];
    let decimal = |name: &str| instrument[name].as_str().expect("a decimal").to_owned();
    let symbol = decimal("name");
    let ticker = exchange.get(&format!("/fapi/v1/ticker/price?symbol={symbol}"));
    let price: Px = ticker["price"].as_str().expect("price").parse().expect("price");
    let (tick, step): (Px, Qty) =
        (decimal("tick").parse().unwrap(), decimal("step").parse().unwrap());
    let low = Px::from_raw(price.raw() / 100 * 95).to_grid(tick, Round::Down).unwrap();
    let qty = Qty::from_f64(20.0 / low.to_f64()).unwrap().to_grid(step, Round::Up).unwrap();
    let query = Query::new()
        .with("symbol", &*symbol)
        .with("side", "BUY")
        .with("type", "LIMIT")
        .with("timeInForce", "GTC")
        .with("quantity", qty)
        .with("price", low)
        .with("newClientOrderId", id);
    let signer = Signer::hmac(&Secret::new("canary-17".to_owned()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let query = query.signed(&signer, i64::try_from(now).unwrap(), 5_000);
    let request = format!(
        "POST /fapi/v1/order?{query} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: owner\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let mut socket = TcpStream::connect(exchange.address()).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

fn status_of(truth: &Value, id: &str) -> String {
    let orders = truth["orders"].as_array().expect("orders");
    let order = orders.iter().find(|order| order["clientOrderId"] == id).expect("the order");
    order["status"].as_str().expect("status").to_owned()
}

/// Positions, and live conditional orders.
fn left(truth: &Value) -> (usize, usize) {
    let positions = truth["positions"].as_array().expect("positions");
    let algos = truth["algo_orders"].as_array().expect("conditional orders");
    (positions.len(), algos.iter().filter(|algo| algo["algoStatus"] == "NEW").count())
}

/// How the switch is used, and what then is true.
fn killed(
    name: &str,
    flatten: bool,
    by: &str,
    switch: impl FnOnce(&Place, &Started) -> Option<Value>,
) {
    let place = Place::new(name);
    let exchange = exchange(&place);
    let (run, status) = trading(&place, &exchange, &[]);
    let brain = pid(&status, "brain");
    signal(brain, "STOP");
    rest(&exchange, &status, ENTRY);
    rest(&exchange, &status, FOREIGN);
    let answered = switch(&place, &run);
    let output = run.wait();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let summary = last_json(&output);
    let killed = &summary["killed"];
    assert_eq!((&killed["by"], &killed["flatten"]), (&by.into(), &flatten.into()), "{killed}");
    assert_eq!((&killed["complete"], &killed["unknown"]), (&true.into(), &0.into()), "{killed}");
    assert!(killed["cancelled"].as_u64() >= Some(1), "{killed}");
    if let Some(answered) = answered {
        assert_eq!(answered["killed"]["complete"], true, "{answered}");
    }
    let truth = exchange.get("/sim/v1/truth?key=owner");
    assert_eq!(status_of(&truth, ENTRY), "CANCELED");
    assert_eq!(status_of(&truth, FOREIGN), "NEW", "an order of somebody else is left alone");
    let (positions, stops) = left(&truth);
    if flatten {
        assert_eq!((positions, stops), (0, 0), "{killed}");
    } else {
        assert!(positions == 0 || stops > 0, "what is held keeps its stop: {killed}");
    }
    assert!(!std::path::Path::new(&format!("/proc/{brain}")).exists(), "the brain is dead");
    nothing_starts_until_it_is_lifted(&place);
    let log = std::fs::read_to_string(place.home().join("emergency.jsonl")).expect("its log");
    assert!(log.contains("entry taken back") && log.contains(ENTRY), "{log}");
    assert!(!log.contains("canary-17"));
}

fn nothing_starts_until_it_is_lifted(place: &Place) {
    let demo = ["demo", "--headless", "--json", "--days", "1"];
    refused(&place.run(&demo), 2, &["kill switch", "--lift-fence"]);
    assert!(place.home().join("fence").exists());
    place.json(&[&demo[..], &["--lift-fence"]].concat());
    assert!(!place.home().join("fence").exists() && !place.home().join("KILL").exists());
}

#[test]
fn by_file() {
    killed("kill-file", false, "file", |place, _| {
        std::fs::write(place.home().join("KILL"), "").expect("the file");
        None
    });
}

#[test]
fn by_file_with_flatten() {
    killed("kill-file-flatten", true, "file", |place, _| {
        std::fs::write(place.home().join("KILL"), "flatten\n").expect("the file");
        None
    });
}

#[test]
fn by_signal_with_flatten() {
    killed("kill-signal", true, "signal", |_, run| {
        run.signal("USR2");
        None
    });
}

#[test]
fn by_socket_with_flatten() {
    killed("kill-socket", true, "socket", |place, _| {
        let output = place.run(&["kill", "--flatten", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        Some(last_json(&output))
    });
}

#[test]
fn a_flatten_that_the_brain_does_not_answer_becomes_the_kill_switch() {
    killed("kill-unanswered", true, "unanswered", |place, _| {
        let output = place.run(&["flatten", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        Some(last_json(&output))
    });
}

#[test]
fn where_orders_are_simulated_the_brain_dies_and_it_is_said() {
    let place = Place::new("kill-simulated");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", "3", "--speed", "20000"]);
    run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    run.signal("USR1");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let killed = &last_json(&output)["killed"];
    assert_eq!((&killed["simulated"], &killed["by"]), (&true.into(), &"signal".into()));
    nothing_starts_until_it_is_lifted(&place);
}

#[test]
fn a_crash_loop_closes_positions_where_that_is_set() {
    let place = Place::new("crash-flatten");
    let exchange = exchange(&place);
    let more = ["--set", "node.crash_loop=flatten", "--set", "node.crash_loop_exits=1"];
    let (mut run, status) = trading(&place, &exchange, &more);
    let mut last = pid(&status, "brain");
    signal(last, "KILL");
    // The next ones never get as far as a fact.
    for _ in 0..200 {
        let Some(status) = run.status() else { break };
        let Some(now) = status["pids"]["brain"].as_u64() else { continue };
        if now != u64::from(last) {
            last = u32::try_from(now).expect("a pid");
            signal(last, "KILL");
        }
        if status["killing"] == true {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = run.wait();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let summary = last_json(&output);
    assert_eq!(summary["killed"]["by"], "crash_loop", "{summary}");
    assert!(summary["error"].as_str().is_some_and(|e| e.contains("without progress")));
    assert_eq!(left(&exchange.get("/sim/v1/truth?key=owner")), (0, 0));
}
