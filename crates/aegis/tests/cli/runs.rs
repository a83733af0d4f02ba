//! One engine: demo, backtest and replay agree.

use crate::harness::{Place, shared, text};
use serde_json::Value;

const DAYS: &str = "4";

fn demo(place: &Place, more: &[&str]) -> Value {
    let mut args = vec!["demo", "--headless", "--speed", "max", "--json"];
    args.extend(more);
    place.json(&args)
}

fn backtest(place: &Place, more: &[&str]) -> Value {
    let mut args = vec!["backtest", "--json"];
    args.extend(more);
    place.json(&args)
}

#[test]
fn demo_twice_backtest_and_replay_give_one_digest() {
    let place = Place::new("digest");
    let first = demo(&place, &["--days", DAYS]);
    let second = demo(&place, &["--days", DAYS]);
    let backtest = backtest(&place, &["--days", DAYS]);
    assert!(first["orders"].as_u64() > Some(0), "a digest of no orders proves nothing: {first}");
    assert_eq!(first["digest"], second["digest"]);
    assert_eq!(first["digest"], backtest["digest"]);
    for key in ["candles", "ticks", "signals", "orders", "fills", "trades", "equity_end"] {
        assert_eq!(first[key], backtest[key], "{key}");
    }
    let journal = first["journal"].as_str().expect("journal path");
    let replay = place.json(&["replay", journal, "--json"]);
    assert_eq!(replay["match"], true);
    assert_eq!(replay["digest"], first["digest"]);
    assert!(replay["events"].as_u64() > first["ticks"].as_u64());
}

#[test]
fn the_summary_has_every_key_with_its_type() {
    let place = Place::new("keys");
    let o = demo(&place, &["--days", "2"]);
    for key in ["candles", "ticks", "symbols", "signals", "orders", "fills", "trades"] {
        assert!(o[key].is_u64(), "{key} is {}", o[key]);
    }
    assert_eq!(o["candles"], 2 * 1_440 * 10);
    assert_eq!(o["ticks"], 2 * 2 * 1_440 * 10);
    assert_eq!(o["symbols"], 10);
    assert!(o["rejections"].is_object());
    for key in ["published", "read", "overruns", "lost"] {
        assert!(o["ring"][key].is_u64(), "ring.{key}");
    }
    assert_eq!(o["ring"]["published"], o["ticks"]);
    assert_eq!(o["ring"]["read"], o["ticks"]);
    assert_eq!((&o["ring"]["overruns"], &o["ring"]["lost"]), (&0.into(), &0.into()));
    let pids: Vec<_> = ["main", "feed", "brain"].map(|p| o["pids"][p].as_u64().unwrap()).into();
    assert!(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2], "{pids:?}");
    assert!(o["max_open_positions"].as_u64() <= Some(3));
    assert!(o["max_leverage"].as_f64() <= Some(3.0));
    assert_eq!(o["digest"].as_str().map(str::len), Some(64));
    for key in ["equity_start", "equity_end"] {
        assert!(o[key].as_str().is_some_and(|m| m.parse::<f64>().is_ok()), "{key}");
    }
    assert!(o["wall_s"].is_number());
    assert_eq!(o["finished"], true);
    assert_eq!(o["health"]["brain"]["restarts"], 0);
    assert!(o["tick_to_order_us"]["p99"].is_u64());
}

#[test]
fn the_market_seed_and_the_symbols_change_the_run() {
    let place = Place::new("seed");
    let a = backtest(&place, &["--days", "2"]);
    let b = backtest(&place, &["--days", "2", "--market-seed", "7"]);
    assert_ne!(a["digest"], b["digest"]);
    let names = a["symbol_names"].as_array().expect("names");
    let one = names[0].as_str().expect("a name");
    assert!(one.starts_with("GEN"), "generated markets are named so: {one}");
    let c = backtest(&place, &["--days", "2", "--symbols", one]);
    assert_eq!(c["symbols"], 1);
    assert_eq!(c["candles"], 2 * 1_440);
}

#[test]
fn the_first_line_says_that_prices_are_generated() {
    let place = Place::new("said");
    let output = place.run(&["demo", "--headless", "--days", "1"]);
    let stderr = text(&output.stderr);
    assert!(stderr.lines().next().is_some_and(|l| l.contains("GENERATED")), "{stderr}");
    let stdout = text(&output.stdout);
    for part in ["by symbol", "denied", "no price here is real", "digest", "check it: aegis replay"]
    {
        assert!(stdout.contains(part), "`{part}` is not in:\n{stdout}");
    }
}

#[test]
fn real_markets_give_trades_long_and_short_and_rotations() {
    let Some(shared) = shared("trades on real data") else { return };
    let place = Place::new("real");
    let data = shared.join("data/futures_1m");
    let data = data.to_str().expect("a path");
    let o = backtest(&place, &["--data", data]);
    assert_eq!(o["symbols"], 10);
    assert!(o["trades_long"].as_u64() > Some(0), "{o}");
    assert!(o["trades_short"].as_u64() > Some(0), "{o}");
    assert!(o["rotations"].as_u64() > Some(0), "{o}");
    assert!(o["max_open_positions"].as_u64() <= Some(3));
    assert!(o["max_leverage"].as_f64() <= Some(3.0));
    let days = ["--data", data, "--days", "6", "--symbols", "BTC/USDT:USDT,ETHUSDT,SOLUSDT"];
    let demo = demo(&place, &days);
    let same = backtest(&place, &days);
    assert_eq!(demo["digest"], same["digest"]);
    assert_eq!(demo["symbols"], 3);
}

#[test]
fn every_log_line_says_the_environment() {
    let place = Place::new("logs");
    let run = |more: &[&str]| {
        let args = [&["demo", "--headless", "--days", "1", "--log-level", "info"], more].concat();
        let output = place.aegis(&args).env_remove("LOG_LEVEL").output().expect("the demo runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let json = run(&["--log-format", "json"]);
    assert!(json.lines().count() > 5, "{json}");
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(line["env"], "development", "{line}");
    }
    let plain = run(&[]);
    let lines: Vec<_> = plain.lines().filter(|l| l.contains(" INFO ")).collect();
    assert!(lines.len() > 5 && lines.iter().all(|l| l.contains("[development]")), "{plain}");
}
