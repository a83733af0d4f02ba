//! What a script does to the program's streams: closes them early, fills them, hands in nonsense.

use crate::harness::{PATIENCE, Place, last_json, refused, text};
use crate::tables::candles;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::process::{Output, Stdio};
use std::time::Instant;

/// Runs with a stdout whose reader is gone before the first line.
fn unread(place: &Place, args: &[&str]) -> Output {
    let mut child =
        place.aegis(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let started = Instant::now();
    while child.try_wait().expect("status").is_none() {
        assert!(started.elapsed() < PATIENCE, "{args:?} does not end");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.wait_with_output().expect("waits")
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let place = Place::new("unread");
    let journal = place.path.join("journal");
    let journal = journal.to_str().unwrap();
    let file = candles();
    for args in [
        &["indicators", &file, "rsi", "macd"][..],
        &["indicators", "--list"],
        &["smc", &file],
        &["smc", &file, "--detector", "prev_hl", "--out", "json"],
        &["backtest", "--days", "1", "--json", "--journal", journal],
        &["backtest", "--days", "1"],
        &["replay", journal, "--json"],
        &["replay", journal, "--print"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "example"],
        &["config", "check"],
        &["--help"],
        &["demo", "--help"],
        &["audit", "--json"],
        &["demo", "--headless", "--days", "1", "--json"],
    ] {
        let output = unread(&place, args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
    // What the command found still decides the exit code.
    let output = unread(&place, &["audit", "--for", "live"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

#[test]
fn a_full_disk_behind_stdout_is_an_error_and_no_panic() {
    let place = Place::new("full");
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let file = candles();
    for args in [
        &["indicators", &file, "rsi"][..],
        &["smc", &file],
        &["smc", &file, "--detector", "fvg"],
        &["backtest", "--days", "1", "--json"],
        &["config", "show"],
        &["config", "example"],
        &["--help"],
        &["audit"],
        &["demo", "--headless", "--days", "1", "--json"],
    ] {
        let output = place.aegis(args).stdout(full()).output().expect("starts");
        refused(&output, 1, &["stdout", "No space left"]);
        assert!(!text(&output.stderr).contains("panicked"), "{args:?}");
    }
}

#[test]
fn a_full_disk_behind_stderr_does_not_change_the_result() {
    let place = Place::new("mute");
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let backtest = ["backtest", "--days", "1", "--json"];
    let output = place.aegis(&backtest).stderr(full()).output().expect("starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(last_json(&output)["digest"].is_string());
    let missing = place.aegis(&["backtest", "--data", "nowhere"]).stderr(full()).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn an_environment_that_is_not_utf_8_is_told_where_it_matters() {
    let place = Place::new("bytes");
    let bytes = OsStr::from_bytes(b"/tmp/aegis-\xff");
    let check =
        |name: &str| place.aegis(&["config", "check"]).env(name, bytes).output().expect("starts");
    assert_eq!(check("SOMETHING_ELSE").status.code(), Some(0));
    refused(&check("DATABASE_URL"), 2, &["DATABASE_URL"]);
    refused(&check("AEGIS__STORE__URL"), 2, &["AEGIS__STORE__URL"]);
    let home =
        place.aegis(&["demo", "--headless", "--days", "1"]).env("AEGIS_HOME", bytes).output();
    refused(&home.expect("starts"), 2, &["AEGIS_HOME", "UTF-8"]);
    let key = place
        .aegis(&["config", "check"])
        .env("BINANCE_API_KEY", OsStr::from_bytes(b"k\xff"))
        .env("BINANCE_API_SECRET", "s")
        .output();
    refused(&key.expect("starts"), 2, &["BINANCE_API_KEY", "not ASCII"]);
}

#[test]
fn flags_without_effect_are_told() {
    let place = Place::new("noeffect");
    refused(&place.run(&["backtest", "--symbols", ""]), 2, &["--symbols", "empty"]);
    refused(&place.run(&["backtest", "--symbols", "GEN001USDT,,"]), 2, &["--symbols", "empty"]);
    refused(&place.run(&["backtest", "--instruments", "nowhere"]), 2, &["--instruments"]);
    refused(&place.run(&["bench", "sign", "--seconds", "nan"]), 2, &["--seconds"]);
    let blank = place.aegis(&["sign", "a=b"]).env("BINANCE_API_SECRET", "a b").output();
    refused(&blank.expect("starts"), 2, &["BINANCE_API_SECRET", "white space"]);
    let memory = place.aegis(&["config", "check"]).env("DATABASE_URL", "sqlite::memory:").output();
    refused(&memory.expect("starts"), 2, &["sqlite:PATH"]);
    refused(&place.run(&["store", "dump", "0123456789abcdef"]), 1, &["0123456789abcdef"]);
}

#[test]
fn json_logs_are_json_from_the_first_line() {
    let place = Place::new("jsonlog");
    let args = ["demo", "--headless", "--days", "1", "--log-format", "json", "--log-level", "INFO"];
    let output = place.run(&args);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("GENERATED"), "{stderr}");
    for line in stderr.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn a_symbol_always_has_room_for_entry_stop_target_and_close() {
    let place = Place::new("room");
    let set = |n: &str| {
        let orders = format!("sim.orders_per_symbol={n}");
        place.run(&["backtest", "--json", "--days", "3", "--set", &orders])
    };
    refused(&set("3"), 2, &["sim.orders_per_symbol", "from 4 to 1024"]);
    let report = last_json(&set("4"));
    assert_eq!(report["order_outcomes"]["rejected"], 0, "{}", report["order_rejections"]);
    assert!(report["trades"].as_u64() > Some(0));
}
