//! A few rounds of real processes under real faults; what the exchange is asked for is what it
//! knows; nothing that was started outlives a chaos that is killed itself.

use crate::exchange::Exchange;
use crate::harness::{PATIENCE, Place, last_json, refused, text};
use aegis_torture::chaos::catalogue::FAULTS;
use aegis_torture::chaos::plan::{Plan, Step};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn what_is_believed_after_faults_is_what_is_true() {
    let place = Place::new("chaos");
    let only = "reply_cut,sigkill_brain,reset,stop_touched,manual_close,ws_dup,database_locked";
    let output = place.run(&["chaos", "--rounds", "3", "--seed", "1", "--only", only, "--json"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report = last_json(&output);
    assert_eq!(report["rounds"], 3, "{stderr}");
    for key in ["violations", "fills_lost", "fills_doubled", "unprotected_past_deadline"] {
        assert_eq!(report[key], 0, "{key}: {stderr}");
    }
    assert!(report["protect_p50_ms"].as_f64() > Some(0.0), "{report}");
    assert!(report["entries"].as_u64() > Some(0), "{report}");
    assert!(report["faults"].as_object().is_some_and(|faults| !faults.is_empty()), "{report}");
}

#[test]
fn brains_that_are_killed_decide_as_one_that_is_not() {
    let place = Place::new("chaos-kills");
    let report = place.json(&["chaos", "--kills", "10", "--days", "1", "--seed", "3"]);
    assert!(report["kills"].as_u64() >= Some(10), "{report}");
    assert_eq!(report["digests_equal"], report["runs"], "{report}");
    assert!(report["orders"].as_u64() > Some(0), "{report}");
}

#[test]
fn the_exchange_knows_every_fault_that_a_plan_may_post() {
    let place = Place::new("chaos-faults");
    let args = ["exchange", "--generate", "7", "--symbols", "2", "--days", "2"];
    let exchange = Exchange::start(&place, &args);
    let mut tried = std::collections::BTreeSet::new();
    for fault in FAULTS {
        for seed in 0..12 {
            for planned in Plan::draw(seed, &[fault]).steps {
                let posting = match planned.step {
                    Step::Post(posting) => posting,
                    Step::OnPosition(mut posting) => {
                        posting["symbol"] = "GEN000USDT".into();
                        posting
                    }
                    _ => continue,
                };
                let reply = post(exchange.address(), &posting.to_string());
                let taken = reply.starts_with("HTTP/1.1 200") && !reply.contains("ignored");
                assert!(taken || reply.contains("no such position"), "{posting}: {reply}");
                tried.insert(fault.name);
                exchange.delete("/sim/v1/faults");
            }
        }
    }
    assert!(tried.len() > 30, "{tried:?}");
}

fn post(address: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = "POST /sim/v1/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    write!(socket, "{head}Content-Length: {length}\r\n\r\n{body}").expect("written");
    let mut reply = String::new();
    socket.read_to_string(&mut reply).expect("a reply");
    reply
}

#[test]
fn nothing_outlives_a_chaos_that_is_killed() {
    let place = Place::new("chaos-orphans");
    let args = ["chaos", "--rounds", "1", "--only", "sigstop_brain"];
    let mut chaos = place.aegis(&args);
    chaos.env("TMPDIR", &place.path);
    let mut chaos = chaos.spawn().expect("the program starts");
    let began = Instant::now();
    let mut seen = 0;
    // Exchange, orchestrator, brain, feed.
    while seen < 4 {
        assert!(began.elapsed() < PATIENCE, "only {seen} processes");
        std::thread::sleep(Duration::from_millis(10));
        seen = with(&place).len();
    }
    chaos.kill().expect("killed");
    chaos.wait().expect("gone");
    while !with(&place).is_empty() {
        assert!(began.elapsed() < PATIENCE, "still running: {:?}", with(&place));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes with this place in their environment, the killed one itself left out.
fn with(place: &Place) -> Vec<u32> {
    let folder = place.path.join("aegis-chaos-");
    aegis_torture::chaos::process::with_folder(&folder)
}

#[test]
fn a_fault_that_is_none_is_refused() {
    let place = Place::new("chaos-names");
    refused(&place.run(&["chaos", "--only", "gremlins"]), 2, &["gremlins", "--only help"]);
    let output = place.run(&["chaos", "--only", "help"]);
    let listed = text(&output.stdout);
    assert!(FAULTS.iter().all(|fault| listed.contains(fault.name)), "{listed}");
}
