//! Who watches: alerts that wait until they are acknowledged, hung children, one engine for one
//! account, the program that is expected, what outlives a session.

use crate::exchange::Exchange;
use crate::harness::{Place, Started, last_json, refused, signal, text};
use serde_json::Value;
use std::process::Stdio;

fn exchange(place: &Place, key: &str) -> Exchange {
    let account = format!("key={key},secret=canary-23,balance=10000");
    let args = ["exchange", "--generate", "11", "--symbols", "3", "--days", "4", "--speed", "600"];
    Exchange::start(place, &[&args[..], &["--account", &account]].concat())
}

fn local(place: &Place, exchange: &Exchange, key: &str, more: &[&str]) -> Started {
    let url = format!("http://{}", exchange.address());
    let args = ["run", "--venue", "local", "--exchange-url", &url, "--json"];
    let keys = [("BINANCE_API_KEY", key), ("BINANCE_API_SECRET", "canary-23")];
    place.start_with(&[&args[..], more].concat(), &keys)
}

fn stop(run: Started) -> Value {
    run.signal("TERM");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    last_json(&output)
}

#[test]
fn an_alert_that_nobody_acknowledges_stops_entries_until_somebody_does() {
    let place = Place::new("alerts");
    let exchange = exchange(&place, "alerted");
    std::fs::write(place.path.join("aegis.toml"), "# as read\n").unwrap();
    let patience = ["--set", "alerts.escalate_after_s=1"];
    let mut run = local(&place, &exchange, "alerted", &patience);
    run.wait_until("entries", |s| s["entries"] == true && s["candles"].as_u64() > Some(0));
    std::fs::write(place.path.join("aegis.toml"), "# edited\n").unwrap();
    let status = run.wait_until("no entries", |s| s["entries"] == false);
    assert_eq!(status["alerts_open"], 1);
    let alerts = place.json(&["alerts", "--json"]);
    assert_eq!(alerts["alerts"][0]["code"], "config_edited", "{alerts}");
    // It waits over a restart, too.
    stop(run);
    std::fs::remove_file(place.path.join("aegis.toml")).unwrap();
    let mut run = local(&place, &exchange, "alerted", &patience);
    run.wait_until("no entries again", |s| {
        s["entries"] == false && s["health"]["brain"]["state"] == "running"
    });
    refused(&place.run(&["ack", "99"]), 2, &["no alert 99"]);
    assert_eq!(place.json(&["ack", "all", "--json"])["acknowledged"], serde_json::json!([1]));
    run.wait_until("entries allowed", |s| s["entries"] == true);
    let last = stop(run);
    assert_eq!(last["alerts_open"], 0);
    let replay = place.json(&["replay", last["journal"].as_str().unwrap(), "--json"]);
    assert_eq!(replay["match"], true, "conditions replay too");
}

#[test]
fn a_hung_child_is_killed_and_started_again() {
    let place = Place::new("hung");
    let args = ["demo", "--headless", "--json", "--days", "3", "--speed", "20000"];
    let mut run = place.start(&[&args[..], &["--set", "node.heartbeat_timeout_s=1"]].concat());
    let status = run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    let brain = status["pids"]["brain"].as_u64().unwrap();
    signal(u32::try_from(brain).unwrap(), "STOP");
    run.wait_until("another brain", |s| {
        s["pids"]["brain"].as_u64() != Some(brain) && s["health"]["brain"]["state"] == "running"
    });
    let alerts = place.json(&["alerts", "--all", "--json"]);
    let codes: Vec<_> = alerts["alerts"].as_array().unwrap().iter().map(|a| &a["code"]).collect();
    assert!(codes.contains(&&Value::from("hung")), "{alerts}");
    run.signal("INT");
    assert_eq!(run.wait().status.code(), Some(130));
}

#[test]
fn one_account_has_one_engine_whatever_its_folder() {
    let (place, other) = (Place::new("claim-a"), Place::new("claim-b"));
    let exchange = exchange(&place, "claimed");
    let mut run = local(&place, &exchange, "claimed", &[]);
    run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    let second = local(&other, &exchange, "claimed", &[]).wait();
    let home = place.home().canonicalize().unwrap().display().to_string();
    refused(&second, 1, &["traded by another aegis", &run.pid().to_string(), &home]);
    stop(run);
    let mut after = local(&other, &exchange, "claimed", &[]);
    after.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    stop(after);
}

#[test]
fn only_the_expected_program_starts() {
    let place = Place::new("build");
    let demo = ["demo", "--headless", "--json", "--days", "1"];
    let summary = place.json(&demo);
    let build = summary["build"]["binary"].as_str().expect("a hash").to_owned();
    assert_eq!(build.len(), 64);
    place.json(&[&demo[..], &["--expect-build", &build[..12]]].concat());
    let other = [&demo[..], &["--expect-build", "00000000"]].concat();
    refused(&place.run(&other), 2, &[&build, "00000000", "deploy.expect_build"]);
    let words = [&demo[..], &["--expect-build", "latest"]].concat();
    refused(&place.run(&words), 2, &["deploy.expect_build", "hex"]);
}

#[test]
fn a_program_that_is_replaced_goes_on_as_it_was_and_says_so() {
    let place = Place::new("replaced");
    let copy = place.path.join("aegis-copy");
    std::fs::copy(env!("CARGO_BIN_EXE_aegis"), &copy).unwrap();
    let mut command = std::process::Command::new(&copy);
    command.args(["demo", "--headless", "--json", "--days", "3", "--speed", "20000"]);
    command.current_dir(&place.path).env("AEGIS_HOME", place.home()).env("LOG_LEVEL", "WARN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let status = || {
        let output = place.run(&["status", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    let wait = |what: &str, satisfied: &dyn Fn(&Value) -> bool| {
        for _ in 0..1_000 {
            let status = status();
            if satisfied(&status) {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{what} took too long")
    };
    let running = wait("a brain", &|s| s["health"]["brain"]["state"] == "running");
    std::fs::write(place.path.join("other"), b"#!/bin/sh\nexit 1\n").unwrap();
    std::fs::rename(place.path.join("other"), &copy).unwrap();
    let feed = &running["pids"]["feed"];
    signal(u32::try_from(feed.as_u64().unwrap()).unwrap(), "KILL");
    wait("another feed", &|s| {
        s["pids"]["feed"] != *feed && s["health"]["feed"]["state"] == "running"
    });
    let told = |alerts: &Value| alerts.to_string().contains("build_differs");
    for _ in 0..100 {
        if told(&place.json(&["alerts", "--all", "--json"])) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(told(&place.json(&["alerts", "--all", "--json"])));
    signal(run.id(), "INT");
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

#[test]
fn what_an_operator_has_halted_stays_so_in_the_next_session() {
    let place = Place::new("memory");
    let exchange = exchange(&place, "halted");
    let mut run = local(&place, &exchange, "halted", &[]);
    run.wait_until("entries", |s| s["entries"] == true && s["candles"].as_u64() > Some(0));
    assert_eq!(place.json(&["halt", "--json"])["applied"], true);
    let first = stop(run);
    let mut run = local(&place, &exchange, "halted", &[]);
    let status = run.wait_until("the next session", |s| {
        s["health"]["brain"]["state"] == "running" && s["candles"].as_u64() > Some(0)
    });
    assert_ne!(status["session"], first["session"]);
    assert_eq!(status["entries"], false, "halted in the session before");
    assert_eq!(place.json(&["resume", "--json"])["applied"], true);
    run.wait_until("entries", |s| s["entries"] == true);
    let last = stop(run);
    let replay = place.json(&["replay", last["journal"].as_str().unwrap(), "--json"]);
    assert_eq!(replay["match"], true, "what was remembered replays too");
    std::fs::write(place.home().join("risk.json"), "{\"version\":1,").unwrap();
    let output = local(&place, &exchange, "halted", &[]).wait();
    refused(&output, 1, &["risk.json", "not known", "to do:"]);
}
