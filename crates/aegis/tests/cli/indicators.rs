//! `aegis indicators`: the golden tables through the program, and every way to hand candles in.

use crate::harness::{Place, refused, text};
use crate::tables::{Table, candles, golden, printed};
use serde_json::Value;
use std::io::Write;
use std::process::{Output, Stdio};

/// Runs with these bytes on stdin.
pub fn fed(place: &Place, args: &[&str], bytes: &[u8]) -> Output {
    let mut child = place
        .aegis(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // A program that refuses early leaves the rest unread.
        scope.spawn(move || drop(stdin.write_all(bytes)));
        child.wait_with_output().expect("ends")
    })
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("packs");
    encoder.finish().expect("packs")
}

fn zipped(files: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("packs");
        zip.write_all(bytes).expect("packs");
    }
    zip.finish().expect("packs").into_inner()
}

/// The call that prints a column: by the list.
fn call_of(list: &[Value], column: &str) -> Option<String> {
    let has =
        |entry: &&Value| entry["columns"].as_array().expect("columns").contains(&column.into());
    Some(list.iter().find(has)?["name"].as_str()?.to_owned())
}

#[test]
fn golden_tables_come_out_of_the_program() {
    let list: Vec<Value> =
        serde_json::from_str(&printed(&["indicators", "--list", "--out", "json"])).expect("JSON");
    for family in ["momentum", "trend", "volatility", "volume"] {
        let expected = Table::read(&golden(&format!("talib_{family}_synth.csv")));
        let mut calls: Vec<String> = Vec::new();
        for column in &expected.names[1..] {
            let call = call_of(&list, column).unwrap_or_else(|| panic!("nothing gives {column}"));
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        let file = candles();
        let mut args = vec!["indicators", &file];
        args.extend(calls.iter().map(String::as_str));
        let found = Table::parse(&printed(&args));
        assert_eq!(found.rows.len(), 2_500);
        for row in &expected.rows {
            let i = row[0].expect("i") as usize;
            for (column, expected) in expected.names.iter().zip(row) {
                // Running sums round differently from sums of a window.
                let sums = matches!(column.as_str(), "cci" | "stddev") || column.starts_with("bb_");
                let relative = if sums { 1e-7 } else { 1e-9 };
                let found = found.rows[i][found.column(column)];
                let near = match (found, expected) {
                    (None, None) => true,
                    (Some(found), Some(expected)) => {
                        (found - expected).abs() <= relative * expected.abs() + 1e-9
                    }
                    _ => false,
                };
                assert!(near, "{family} row {i} {column}: {found:?}, expected {expected:?}");
            }
        }
    }
}

#[test]
fn later_columns_of_one_name_carry_their_parameters() {
    let file = candles();
    let found = Table::parse(&printed(&["indicators", &file, "rsi(9)", "RSI", "rsi(9)"]));
    assert_eq!(found.names, ["i", "rsi", "rsi_14", "rsi_9"]);
    let (first, last) = (found.column("rsi"), found.column("rsi_9"));
    assert!(found.rows.iter().all(|row| row[first] == row[last]));
    assert!(found.rows[8][first].is_none() && found.rows[9][first].is_some());
}

#[test]
fn json_says_what_csv_says() {
    let file = candles();
    let csv = Table::parse(&printed(&["indicators", &file, "rsi(9)", "atr"]));
    let json = printed(&["indicators", &file, "rsi(9)", "atr", "--out", "json"]);
    let json: Vec<Value> = serde_json::from_str(&json).expect("one JSON array");
    assert_eq!(json.len(), csv.rows.len());
    for (object, row) in json.iter().zip(&csv.rows) {
        for (name, cell) in csv.names.iter().zip(row) {
            assert_eq!(object[name].as_f64(), *cell, "{object}");
        }
    }
}

#[test]
fn plain_gzip_zip_and_stdin_are_one_file() {
    let place = Place::new("forms");
    let plain = std::fs::read(golden("candles_synth.csv")).expect("golden candles");
    let expected = printed(&["indicators", &candles(), "ema(50)"]);
    let packed = [plain.clone(), gz(&plain), zipped(&["candles.csv"], &plain)];
    for (n, bytes) in packed.iter().enumerate() {
        let file = place.path.join(format!("candles-{n}"));
        std::fs::write(&file, bytes).expect("writes");
        let file = file.to_str().expect("a name");
        assert_eq!(text(&place.run(&["indicators", file, "ema(50)"]).stdout), expected);
        let output = fed(&place, &["indicators", "-", "ema(50)"], bytes);
        assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
    }
}

#[test]
fn the_archives_rows_are_the_golden_candles_too() {
    let place = Place::new("archive");
    let csv = std::fs::read_to_string(golden("candles_synth.csv")).expect("golden candles");
    let minute = |ms: i64, rest: &str| format!("{ms},{rest},{},0,0,0,0,0\n", ms + 59_999);
    // Times do not matter to an EMA; prices do.
    let rows: String = csv
        .lines()
        .skip(1)
        .enumerate()
        .map(|(n, line)| minute(n as i64 * 60_000 + 1_743_196_020_000, &line[20..]))
        .collect();
    let expected = printed(&["indicators", &candles(), "ema(50)"]);
    let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                  taker_buy_volume,taker_buy_quote_volume,ignore\n";
    let micros = rows.replace("000,0.", "000000,0.");
    for text_of in [rows.clone(), format!("{header}{rows}"), format!("{header}{micros}")] {
        let output = fed(&place, &["indicators", "-", "ema(50)"], text_of.as_bytes());
        assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
    }
}

#[test]
fn calls_that_are_none_exit_2_and_say_what_would_be_one() {
    let place = Place::new("calls");
    let file = candles();
    let refuses = |call: &str, words: &[&str]| {
        refused(&place.run(&["indicators", &file, call]), 2, words);
    };
    refuses("rsx", &["rsx", "rsi", "--list"]);
    refuses("rsi(1,2)", &["rsi(period=14)"]);
    refuses("macd(8)", &["macd(fast"]);
    refuses("rsi(0)", &["out of range"]);
    refuses("rsi(", &["is not a call"]);
    refused(&place.run(&["indicators", &file]), 2, &["--list"]);
    refused(&place.run(&["indicators"]), 2, &["FILE"]);
    refused(&place.run(&["indicators", &file, "rsi", "--out", "xml"]), 2, &["csv", "json"]);
}

#[test]
fn files_that_are_wrong_exit_1_with_their_place() {
    let place = Place::new("candles");
    let check = |bytes: &[u8], words: &[&str]| {
        let output = fed(&place, &["indicators", "-", "rsi"], bytes);
        refused(&output, 1, &[&["standard input"], words].concat());
        let file = place.path.join("wrong.csv");
        std::fs::write(&file, bytes).expect("writes");
        let output = place.run(&["indicators", file.to_str().expect("a name"), "rsi"]);
        refused(&output, 1, &[&["wrong.csv"], words].concat());
    };
    const HEAD: &str = "time,open,high,low,close,volume\n2025-01-01 00:00:00,1,2,0.5,1,3\n";
    let row = |row: &str| format!("{HEAD}{row}").into_bytes();
    check(&row("2025-01-01 00:01:00,1,2,0.5,one,3\n"), &["line 3", "column 5 (close)", "`one`"]);
    check(&row("2025-01-01 00:01:00,NaN,2,0.5,1,3\n"), &["line 3", "column 2 (open)", "finite"]);
    check(&row("2025-01-01 00:01:00,1,2,0.5\n"), &["line 3", "column 5 (close)", "4 columns"]);
    check(&row("2025-01-01 00:01:00,1,0.4,0.5,1,3\n"), &["line 3", "column 3 (high)", "below"]);
    check(&row("2025-01-01 00:00:00,1,2,0.5,1,3\n"), &["line 3", "column 1 (time)", "repeats"]);
    check(&row("2024-12-31 00:00:00,1,2,0.5,1,3\n"), &["line 3", "column 1 (time)", "before"]);
    check(b"time,open,high,low,close\n1,2\n", &["line 1", "volume"]);
    check(b"", &["no candle"]);
    check(&zipped(&["a.csv", "b.csv"], HEAD.as_bytes()), &["more than one file", "one CSV"]);
    let packed = gz(HEAD.as_bytes());
    check(&packed[..packed.len() - 9], &["cut"]);
    // What was good before is shown.
    let output = fed(&place, &["indicators", "-", "obv"], &row("soon,1,2,0.5,1,3\n"));
    assert_eq!(text(&output.stdout), "i,obv\n0,3.0\n");
    refused(&place.run(&["indicators", "nowhere.csv", "rsi"]), 1, &["nowhere.csv", "not exist"]);
}
