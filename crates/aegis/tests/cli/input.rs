//! Wrong input: what happened, why, what to do; never exit 0.

use crate::harness::{Place, refused};
use std::io::Write;

const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
    taker_buy_volume,taker_buy_quote_volume,ignore\n";

/// 400 good minutes from 2025-01-01.
fn rows() -> String {
    (0..400i64)
        .map(|m| {
            let t = 1_735_689_600_000 + m * 60_000;
            format!("{t},100.1,100.9,99.8,100.5,12.5,{},,,,,\n", t + 59_999)
        })
        .collect()
}

#[test]
fn missing_and_damaged_files_are_named() {
    let place = Place::new("files");
    let path = place.path.join("nowhere");
    refused(&place.run(&["backtest", "--data", path.to_str().unwrap()]), 1, &["nowhere"]);

    let cut = place.path.join("BTCUSDT-1m-2025-01.csv.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(format!("{HEADER}{}", rows()).as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    refused(
        &place.run(&["demo", "--headless", "--data", cut.to_str().unwrap()]),
        1,
        &["BTCUSDT-1m-2025-01.csv.gz"],
    );

    let columns = place.path.join("ETHUSDT-1m-2025-01.csv");
    std::fs::write(&columns, "time,price\n1,2\n").unwrap();
    refused(
        &place.run(&["backtest", "--data", columns.to_str().unwrap()]),
        1,
        &["ETHUSDT-1m-2025-01.csv"],
    );
}

#[test]
fn bad_rows_are_refused_by_the_firewall_and_counted() {
    let place = Place::new("firewall");
    let mut text = format!("{HEADER}{}", rows());
    for (from, to) in [
        ("1735689660000,100.1", "1735689660000,NaN"),
        ("1735689720000,100.1,100.9", "1735689720000,100.1,90.9"),
        ("1735689780000,100.1", "1735689780000,-100.1"),
    ] {
        assert!(text.contains(from));
        text = text.replace(from, to);
    }
    let file = place.path.join("BTCUSDT-1m-2025-01.csv");
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    for args in [
        vec!["backtest", "--json", "--data", path],
        vec!["demo", "--headless", "--json", "--data", path],
    ] {
        let o = place.json(&args);
        let refused: u64 =
            o["refusals"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
        assert_eq!(refused, 3, "{}", o["refusals"]);
        assert_eq!(o["candles"], 397);
    }
}

#[test]
fn unknown_symbols_and_windows_list_what_there_is() {
    let place = Place::new("unknown");
    refused(&place.run(&["backtest", "--symbols", "NOPEUSDT"]), 2, &["NOPEUSDT", "choose among"]);
    refused(&place.run(&["backtest", "--from", "yesterday"]), 2, &["--from", "yesterday"]);
    let file = place.path.join("BTCUSDT-1m-2025-01.csv");
    std::fs::write(&file, format!("{HEADER}{}", rows())).unwrap();
    let path = file.to_str().unwrap();
    refused(
        &place.run(&["backtest", "--data", path, "--symbols", "ETHUSDT"]),
        2,
        &["ETHUSDT", "BTCUSDT"],
    );
}

#[test]
fn an_unwritable_state_folder_is_named() {
    let place = Place::new("readonly");
    let output = place
        .aegis(&["demo", "--headless", "--days", "1"])
        .env("AEGIS_HOME", "/proc/aegis-home")
        .output()
        .unwrap();
    refused(&output, 1, &["/proc/aegis-home", "AEGIS_HOME"]);
}

#[test]
fn modes_that_need_keys_or_arming_refuse_to_start() {
    let place = Place::new("modes");
    // Nobody listens there, and nothing is asked of anybody else.
    let nowhere = ["--exchange-url", "http://127.0.0.1:9"];
    for venue in ["testnet", "binance", "local"] {
        let args = [&["run", "--venue", venue][..], &nowhere].concat();
        let output = place.keyless(&args).output().unwrap();
        refused(&output, 2, &["BINANCE_API_KEY", "BINANCE_API_SECRET"]);
    }
    let key = "k1".repeat(32);
    let with_keys = |more: &[&str]| {
        let args = [&["run", "--venue", "binance"][..], &nowhere, more].concat();
        let mut command = place.aegis(&args);
        command.env("BINANCE_API_KEY", &key).env("BINANCE_API_SECRET", &key);
        command
    };
    let armed = ["--live", "--set", "live=true"];
    refused(&with_keys(&armed).output().unwrap(), 2, &["only in production"]);
    let production = with_keys(&armed).env("ENVIRONMENT", "production").output().unwrap();
    refused(&production, 3, &["NO-GO", "exchange.clock"]);
    // Not armed: simulated orders on its market, which is not there.
    let simulated = with_keys(&["--symbols", "NOSUCHUSDT"]).output().unwrap();
    refused(&simulated, 1, &["127.0.0.1:9"]);
    let one = place.keyless(&["backtest"]).env("BINANCE_API_KEY", &key).output().unwrap();
    refused(&one, 2, &["BINANCE_API_SECRET"]);
}

#[test]
fn usage_errors_exit_2() {
    let place = Place::new("usage");
    for args in [
        &["demo", "--speed", "fast"][..],
        &["bench", "nothing"],
        &["nosuchcommand"],
        &["backtest", "--days", "0"],
        &["replay"],
        &["demo", "--set", "nothing"],
    ] {
        assert_eq!(place.run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_journal_that_is_not_one_is_refused() {
    let place = Place::new("journal");
    let empty = place.path.join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    refused(&place.run(&["replay", empty.to_str().unwrap()]), 1, &["empty"]);
}
