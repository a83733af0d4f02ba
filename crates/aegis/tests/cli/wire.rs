//! The system through real sockets: its decisions are those of one process, whatever dies
//! meanwhile; on a market that does not wait, what it believes in the end is what truly happened.

use crate::exchange::Exchange;
use crate::harness::{Place, last_json, refused, shared, signal, text};
use serde_json::Value;

const KEYS: [(&str, &str); 2] = [("BINANCE_API_KEY", "me"), ("BINANCE_API_SECRET", "canary-91")];

/// What a decision is: which order, when, how large, why, and what it made of the account.
fn decides_as(wire: &Value, inside: &Value) {
    for key in [
        "digest",
        "orders",
        "fills",
        "trades",
        "rotations",
        "fees",
        "funding",
        "wallet_end",
        "equity_end",
        "rejections",
        "order_outcomes",
    ] {
        assert_eq!(wire[key], inside[key], "{key}");
    }
    assert!(wire["trades"].as_u64() > Some(0), "something was decided");
}

fn replays(place: &Place, run: &Value) {
    let journal = run["journal"].as_str().expect("journal");
    let replay = place.json(&["replay", journal, "--json"]);
    assert_eq!((&replay["match"], &replay["digest"]), (&true.into(), &run["digest"]));
}

#[test]
fn a_demo_by_wire_decides_as_the_demo() {
    let place = Place::new("wire");
    let args = ["demo", "--headless", "--json", "--days", "3"];
    let inside = place.json(&args);
    let wire = place.json(&[&args[..], &["--wire"]].concat());
    decides_as(&wire, &inside);
    replays(&place, &wire);
    assert_eq!(wire["ring"]["lost"], 0);
}

#[test]
fn so_it_does_on_recorded_candles_with_funding() {
    let Some(shared) = shared("a demo by wire on recorded candles") else { return };
    let place = Place::new("wire-recorded");
    let data = shared.join("data");
    let (candles, funding) = (data.join("futures_1m"), data.join("funding"));
    let (candles, funding) = (candles.to_string_lossy(), funding.to_string_lossy());
    let args = ["demo", "--headless", "--json", "--days", "2", "--data", &candles, &funding];
    let inside = place.json(&args);
    let wire = place.json(&[&args[..], &["--wire"]].concat());
    decides_as(&wire, &inside);
}

#[test]
fn sigkill_of_feed_and_brain_by_wire_leaves_nothing_unknown() {
    let place = Place::new("wire-kills");
    let mut run = place.start(&["demo", "--wire", "--headless", "--json", "--days", "3"]);
    for (kill, victim) in ["brain", "feed", "brain", "feed"].into_iter().enumerate() {
        let at = 3 * 2 * 1_440 * 10 * (kill as u64 + 1) / 6;
        let status = run.wait_until("the next place to kill", |s| {
            s["position"].as_u64() >= Some(at) && s["health"][victim]["state"] == "running"
        });
        signal(status["pids"][victim].as_u64().expect("pid") as u32, "KILL");
        run.wait_until("the restart", |s| s["pids"][victim] != status["pids"][victim]);
    }
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let disturbed = last_json(&output);
    assert_eq!(disturbed["finished"], true);
    assert_eq!(disturbed["order_outcomes"]["unknown"], 0);
    assert_eq!(disturbed["order_outcomes"]["rejected"], 0, "{}", disturbed["order_rejections"]);
    replays(&place, &disturbed);
}

#[test]
fn on_a_market_that_does_not_wait_belief_is_truth_and_a_stopped_session_goes_on() {
    let place = Place::new("local");
    let exchange = Exchange::start(
        &place,
        &[
            "exchange",
            "--generate",
            "11",
            "--symbols",
            "6",
            "--days",
            "4",
            "--speed",
            "1500",
            "--account",
            "key=me,secret=canary-91,balance=10000",
        ],
    );
    let url = format!("http://{}", exchange.address());
    let args = [
        "run",
        "--venue",
        "local",
        "--exchange-url",
        &url,
        "--json",
        "--set",
        "engine.signal_confidence=0.3",
        "--set",
        "risk.gate=0.25",
    ];
    let mut run = place.start_with(&args, &KEYS);
    run.wait_until("a few orders", |s| s["orders"]["filled"].as_u64() >= Some(3));
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let first = last_json(&output);

    let resumed: Vec<&str> = args.iter().copied().chain(["--resume"]).collect();
    let mut run = place.start_with(&resumed, &KEYS);
    let filled = first["order_outcomes"]["filled"].as_u64().expect("a count");
    run.wait_until("more orders", |s| s["orders"]["filled"].as_u64() > Some(filled + 2));
    // Closed and paused: nothing changes while the two are compared.
    let output = run.close_and_stop(&place);
    let last = last_json(&output);
    assert_eq!((&last["session"], &last["journal"]), (&first["session"], &first["journal"]));
    assert_eq!(last["order_outcomes"]["unknown"], 0);

    let truth = exchange.get("/sim/v1/truth?key=me");
    let fills = truth["fills"].as_array().expect("fills");
    assert_eq!(last["fills"].as_u64(), Some(fills.len() as u64), "each fill once");
    let held = truth["positions"].as_array().expect("positions");
    assert!(held.iter().all(|p| p["positionAmt"] == "0" || p["qty"] == "0"), "{held:?}");
    assert_eq!(last["wallet_end"], truth["balance"], "to the last decimal");
    replays(&place, &last);
    for entry in walk(&place.home()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        let leaked = bytes.windows(9).any(|window| window == b"canary-91");
        assert!(!leaked, "the secret is in {}", entry.display());
    }
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walk(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
fn simulated_orders_on_a_live_market_need_no_key() {
    let place = Place::new("sim-live");
    let exchange = Exchange::start(
        &place,
        &["exchange", "--generate", "11", "--symbols", "3", "--days", "3", "--speed", "1500"],
    );
    let url = format!("http://{}", exchange.address());
    let mut run = place.start(&["run", "--exchange-url", &url, "--json"]);
    run.wait_until("the market", |s| s["candles"].as_u64() > Some(3 * 1_510));
    run.signal("TERM");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let run = last_json(&output);
    assert_eq!(run["symbols"], 3);
    let truth = exchange.get("/sim/v1/truth?key=demo");
    let orders = truth["orders"].as_array().expect("orders");
    assert!(orders.is_empty(), "no order left the brain");
}

#[test]
fn what_a_venue_needs_is_said_before_anything_starts() {
    let place = Place::new("venues");
    let local = ["run", "--venue", "local", "--exchange-url", "http://127.0.0.1:9"];
    let without_keys = |args: &[&str]| place.keyless(args).output().expect("the program starts");
    refused(&without_keys(&local), 2, &["BINANCE_API_KEY", "--venue sim"]);
    refused(&without_keys(&["run", "--venue", "testnet"]), 2, &["BINANCE_API_SECRET"]);
    let with_keys =
        |args: &[&str]| place.aegis(args).envs(KEYS).output().expect("the program starts");
    refused(&with_keys(&["run", "--venue", "local"]), 2, &["--exchange-url", "aegis exchange"]);
    // Nobody listens there.
    refused(&with_keys(&local), 1, &["127.0.0.1:9", "check that the exchange runs"]);
    let elsewhere = ["run", "--venue", "local", "--exchange-url", "http://example.org"];
    refused(&with_keys(&elsewhere), 2, &["venue.exchange_url", "https://"]);
    refused(&with_keys(&["run", "--venue", "binance"]), 2, &["64 letters and digits"]);
    let recorded = ["run", "--venue", "local", "--data", "."];
    refused(&with_keys(&recorded), 2, &["--data is recorded"]);
    refused(&place.run(&["demo", "--wire", "--resume"]), 2, &["--resume"]);
}

#[test]
fn an_audit_says_which_of_keys_rights_and_exchange_is_wrong() {
    let place = Place::new("audit-keys");
    let [good, may_withdraw, secret, other] = ["g1", "w2", "s3", "o4"].map(|pair| pair.repeat(32));
    let accounts = [
        format!("key={good},secret={secret}"),
        format!("key={may_withdraw},secret={secret},withdraw=true"),
    ];
    let args = ["exchange", "--generate", "3", "--symbols", "2", "--days", "2"];
    let [first, second] = accounts.each_ref().map(|account| ["--account", account.as_str()]);
    let exchange = Exchange::start(&place, &[&args[..], &first, &second].concat());
    let url = format!("venue.exchange_url=http://{}", exchange.address());
    let audit = |key: &str, secret: &str| {
        let args = ["audit", "--for", "live", "--set", &url, "--set", "live=true"];
        let keys = [("BINANCE_API_KEY", key), ("BINANCE_API_SECRET", secret)];
        let mut command = place.aegis(&args);
        let output = command.envs(keys).env("ENVIRONMENT", "production").output();
        let output = output.expect("the program starts");
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = audit(&good, &secret);
    assert_eq!(code, Some(0), "{said}");
    for (key, secret, named) in [
        (&may_withdraw, &secret, "the key may withdraw"),
        (&good, &other, "the secret is not that of the key"),
        (&other, &secret, "check the key"),
    ] {
        let (code, said) = audit(key, secret);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(named), "{named} is not in\n{said}");
    }
    exchange.end("TERM");
    let (code, said) = audit(&good, &secret);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("check that the exchange runs"), "{said}");
}

#[test]
fn an_exchange_of_a_demo_does_not_outlive_it() {
    let place = Place::new("wire-orphan");
    let mut run = place.start(&["demo", "--wire", "--headless", "--json", "--speed", "600"]);
    run.wait_until("the market", |s| s["candles"].as_u64() > Some(0));
    run.signal("KILL");
    let home = place.home().display().to_string();
    let started = std::time::Instant::now();
    while let Some(left) = running(&home) {
        assert!(started.elapsed().as_secs() < 20, "still running: {left}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The command line of a process that names this folder.
fn running(folder: &str) -> Option<String> {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| text(&line).replace('\0', " ")).find(|line| line.contains(folder))
}

#[test]
fn a_session_of_real_orders_goes_on_only_where_they_are_armed() {
    let place = Place::new("unarmed");
    let (key, secret) = ("k1".repeat(32), "s2".repeat(32));
    let account = format!("key={key},secret={secret},balance=10000");
    let exchange = Exchange::start(
        &place,
        &["exchange", "--generate", "3", "--symbols", "2", "--days", "3", "--account", &account],
    );
    let url = format!("http://{}", exchange.address());
    let keys = [("BINANCE_API_KEY", key.as_str()), ("BINANCE_API_SECRET", secret.as_str())];
    let mut run =
        place.start_with(&["run", "--venue", "local", "--exchange-url", &url, "--json"], &keys);
    let status = run.wait_until("the market", |s| s["candles"].as_u64() > Some(0));
    run.signal("TERM");
    run.wait();
    // As if it had been a session of the exchange itself.
    let folder = std::path::PathBuf::from(status["run"].as_str().expect("a folder"));
    let source = std::fs::read_to_string(folder.join("source.json")).expect("a source");
    let source = source.replace("\"local\"", "\"binance\"");
    std::fs::write(folder.join("source.json"), source).expect("written");
    let resume = ["run", "--venue", "binance", "--exchange-url", &url, "--resume"];
    let unarmed = place.aegis(&resume).envs(keys).output().expect("the program starts");
    refused(&unarmed, 2, &["no unfinished session on binance with simulated orders"]);
    let run = folder.display().to_string();
    let alone = place.aegis(&["brain", "--run", &run]).envs(keys).output();
    refused(&alone.expect("the program starts"), 2, &["nothing has armed them"]);
    let orders = exchange.get(&format!("/sim/v1/truth?key={key}"))["orders"].clone();
    assert_eq!(orders, serde_json::json!([]));
}
