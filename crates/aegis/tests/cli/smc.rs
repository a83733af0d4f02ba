//! `aegis smc`: live events that no later candle changes, records equal to the golden ones.

use crate::harness::{Place, refused, shared, text};
use crate::indicators::fed;
use crate::tables::{Table, candles, golden, printed};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

fn lines(count: usize) -> String {
    let csv = std::fs::read_to_string(golden("candles_synth.csv")).expect("golden candles");
    csv.lines().take(count + 1).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_shorter_file_gives_a_prefix_of_the_events() {
    let place = Place::new("prefix");
    let whole = printed(&["smc", &candles(), "--swing-length", "3"]);
    assert!(whole.lines().count() > 1_000);
    for count in [1, 7, 900, 1_299, 2_111] {
        let output = fed(&place, &["smc", "-", "--swing-length", "3"], lines(count).as_bytes());
        let part = text(&output.stdout);
        assert!(whole.starts_with(&part), "{count} bars");
        let last: Vec<Value> = whole.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let known = last.iter().take_while(|e| e["at"].as_u64().unwrap() < count as u64).count();
        assert_eq!(part.lines().count(), known, "{count} bars");
    }
}

#[test]
fn every_event_is_an_object_with_its_bar() {
    let mut before = 0;
    for line in printed(&["smc", &candles(), "--swing-length", "5"]).lines() {
        let event: Value = serde_json::from_str(line).expect("an object a line");
        let (at, pos) = (event["at"].as_u64().unwrap(), event["pos"].as_u64().unwrap());
        assert!(before <= at && pos <= at && at < 2_500, "{line}");
        assert!(event["kind"].as_str().is_some_and(|k| k.starts_with(char::is_uppercase)));
        assert!(event["level"].is_number() && event["far"].is_number(), "{line}");
        before = at;
    }
}

#[test]
fn an_event_is_printed_when_its_candle_has_come() {
    let place = Place::new("streaming");
    let mut child = place
        .aegis(&["smc", "-", "--concepts", "gaps"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdin.write_all(lines(5).as_bytes()).expect("takes candles");
    let mut first = String::new();
    // The pipe is still open: nothing here waits for the end of the input.
    stdout.read_line(&mut first).expect("an event");
    assert!(first.contains("\"at\":2,\"kind\":\"FvgFormed\""), "{first}");
    drop(stdin);
    assert!(child.wait().expect("ends").success());
}

#[test]
fn concepts_that_are_not_chosen_are_silent() {
    let gaps = printed(&["smc", &candles(), "--concepts", "gaps"]);
    assert!(gaps.contains("FvgFormed") && !gaps.contains("VolumeImbalance"));
    assert!(!gaps.contains("ObFormed"));
    assert!(!gaps.contains("SessionOpened") && !gaps.contains("\"Sweep\""));
    let place = Place::new("concepts");
    let output = place.run(&["smc", &candles(), "--concepts", "gaps,magic"]);
    refused(&output, 2, &["magic", "choose among", "blocks"]);
}

#[test]
fn options_without_meaning_are_refused() {
    let place = Place::new("options");
    let file = candles();
    let refuses = |args: &[&str], words: &[&str]| {
        refused(&place.run(&[&["smc", &file], args].concat()), 2, words);
    };
    refuses(&["--detector", "fvg", "--timeframe", "1D"], &["--timeframe", "fvg", "prev_hl"]);
    refuses(&["--detector", "swings", "--join"], &["--join", "swings", "fvg"]);
    refuses(&["--compat"], &["--compat", "live events", "swings"]);
    refuses(&["--detector", "ob", "--concepts", "gaps"], &["--concepts", "live events"]);
    refuses(&["--detector", "ob", "--close", "--wick"], &["--close", "--wick"]);
    refuses(&["--detector", "fvq"], &["fvg"]);
    refuses(&["--out", "csv"], &["JSON lines"]);
    refuses(&["--swing-length", "0"], &["1..=5000"]);
    refused(&place.run(&["smc", "nowhere.csv"]), 1, &["nowhere.csv", "does not exist"]);
}

/// The call that a golden file's name describes: `bos_choch_L10_wick_synth`.
fn call(name: &str) -> Vec<String> {
    let name = name.trim_start_matches("smc_").trim_end_matches(".csv").trim_end_matches("_synth");
    let detectors =
        ["swings", "fvg", "bos_choch", "ob", "liquidity", "prev_hl", "session", "retracements"];
    let detector = detectors.iter().find(|d| name.starts_with(*d)).expect("a known detector");
    let mut args = vec!["--detector".to_owned(), (*detector).to_owned()];
    if *detector == "session" {
        args[1] = "sessions".to_owned();
    }
    for word in name[detector.len()..].split('_').filter(|word| !word.is_empty()) {
        match (word.strip_prefix('L'), word.strip_prefix("rp")) {
            (Some(length), _) if length.parse::<u32>().is_ok() => {
                args.extend(["--swing-length".to_owned(), length.to_owned()]);
            }
            (_, Some(share)) => args.extend(["--range-percent".to_owned(), share.to_owned()]),
            _ if matches!(word, "close" | "wick" | "join") => args.push(format!("--{word}")),
            _ => args.extend(match word {
                "newyork" => ["--session".to_owned(), "new york".to_owned()],
                "custom" => ["--session".to_owned(), "22:30-01:15".to_owned()],
                "2230" | "0115" => continue,
                _ if *detector == "session" => ["--session".to_owned(), word.to_owned()],
                _ => ["--timeframe".to_owned(), word.to_owned()],
            }),
        }
    }
    args
}

/// Every golden record of a folder against the program's, byte for byte.
fn compare(folder: &Path, synth: bool) -> usize {
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("the golden folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("smc_") || name.contains("_synth") != synth {
            continue;
        }
        let candles = if synth { "candles_synth.csv" } else { "candles.csv" };
        let file = folder.join(candles).display().to_string();
        let call = call(&name);
        let mut args = vec!["smc", &file, "--compat"];
        args.extend(call.iter().map(String::as_str));
        let expected = std::fs::read_to_string(entry.path()).expect("a golden file");
        let found = printed(&args);
        let differs =
            found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert_eq!(differs, None, "{name}: {call:?}");
        assert_eq!(found, expected, "{name}: {call:?}");
        compared += 1;
    }
    compared
}

#[test]
fn golden_records_come_out_of_the_program_byte_for_byte() {
    assert_eq!(compare(&golden(""), true), 18);
}

#[test]
fn golden_records_of_real_candles_too() {
    let Some(shared) = shared("records of real candles") else { return };
    assert_eq!(compare(&shared.join("golden"), false), 21);
}

#[test]
fn defaults_are_the_packages() {
    let file = candles();
    let same = |short: &[&str], long: &[&str]| {
        let [short, long] =
            [short, long].map(|args| printed(&[&["smc", &file, "--detector"], args].concat()));
        assert!(short == long && short.lines().count() > 1, "{short}");
    };
    same(&["bos_choch"], &["bos_choch", "--close", "--swing-length", "50"]);
    same(&["ob", "--swing-length", "5"], &["ob", "--wick", "--swing-length", "5"]);
    same(
        &["liquidity", "--swing-length", "3"],
        &["liquidity", "--swing-length", "3", "--range-percent", "0.01"],
    );
    same(&["prev_hl"], &["prev_hl", "--timeframe", "1D"]);
    same(
        &["sessions", "--session", "LONDON"],
        &["sessions", "--session", "03:00-12:00", "--zone", "new_york"],
    );
}

#[test]
fn a_record_as_json_says_what_csv_says() {
    let file = candles();
    let args = ["smc", &file, "--detector", "ob", "--swing-length", "3"];
    let csv = Table::parse(&printed(&args));
    let json = printed(&[&args[..], &["--out", "json"]].concat());
    let json: Vec<Value> = serde_json::from_str(&json).expect("one JSON array");
    assert_eq!(json.len(), csv.rows.len());
    for (object, row) in json.iter().zip(&csv.rows) {
        for (name, cell) in csv.names.iter().zip(row) {
            assert_eq!(object[name].as_f64(), *cell, "{object}");
        }
    }
}

#[test]
fn sessions_and_periods_that_are_none_say_what_there_is() {
    let place = Place::new("names");
    let file = candles();
    let refuses = |args: &[&str], words: &[&str]| {
        refused(&place.run(&[&["smc", &file, "--detector"], args].concat()), 2, words);
    };
    refuses(&["sessions"], &["--session", "London"]);
    refuses(&["sessions", "--session", "Berlin"], &["Berlin", "London", "HH:MM-HH:MM"]);
    refuses(&["sessions", "--session", "25:00-03:00"], &["25:00-03:00"]);
    refuses(&["sessions", "--session", "Tokyo", "--zone", "utc"], &["--zone", "Tokyo"]);
    refuses(&["prev_hl", "--timeframe", "1X"], &["1X", "15min"]);
    refuses(&["liquidity", "--range-percent", "-1"], &["--range-percent"]);
}

#[test]
fn a_picture_is_written_whole_and_shows_the_bars_that_were_asked_for() {
    let place = Place::new("chart");
    let file = candles();
    let path = |name: &str| place.path.join(name).display().to_string();
    let draw = |name: &str, args: &[&str]| {
        let picture = path(name);
        let answer = place.json(&[&["smc", &file, "--chart", &picture], args].concat());
        assert_eq!((answer["chart"].as_str(), &answer["bars"]), (Some(&*picture), &2_500.into()));
        std::fs::read_to_string(picture).expect("a picture")
    };
    let html = draw("a.html", &["--swing-length", "5", "--concepts", "gaps,blocks"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg") && !html.contains("src="));
    let svg = draw("a.SVG", &["--from", "2025-03-28 22:00:00", "--to", "200", "--small"]);
    assert!(svg.contains("<svg") && svg.contains("candles_synth.csv"));
    assert_eq!(draw("b.svg", &["--from", "53", "--to", "200", "--small"]), svg);
    assert_eq!(draw("c.svg", &["--last", "147", "--to", "200", "--small"]), svg);
    assert_ne!(draw("d.svg", &["--last", "147", "--small", "--layers", "gaps"]), svg);
    let left = std::fs::read_dir(&place.path).expect("the folder").flatten();
    assert!(!left.map(|e| e.file_name()).any(|name| name.to_string_lossy().contains("part")));

    let refuses = |args: &[&str], code: i32, words: &[&str]| {
        refused(&place.run(&[&["smc", &file], args].concat()), code, words);
    };
    refuses(&["--chart", "a.png"], 2, &["a.png", ".html", ".svg"]);
    refuses(&["--chart", "nowhere/a.svg"], 1, &["nowhere/a.svg", "folder"]);
    refuses(&["--chart", "a.svg", "--from", "9000"], 2, &["none of the 2500 bars"]);
    refuses(&["--chart", "a.svg", "--from", "90000", "--to", "99999"], 2, &["none of the 2500"]);
    refuses(&["--chart", "a.svg", "--to", "0"], 2, &["none of the 2500 bars"]);
    refuses(&["--chart", "a.svg", "--from", "soon"], 2, &["--from", "soon"]);
    refuses(&["--chart", "a.svg", "--layers", "gasp"], 2, &["gasp", "gaps"]);
    refuses(&["--chart", "a.svg", "--detector", "fvg"], 2, &["--chart", "live events"]);
    refuses(&["--last", "9"], 2, &["--chart"]);
}

#[test]
fn divergences_stand_at_bars_of_this_file_and_depend_on_no_later_ones() {
    let place = Place::new("smt");
    let csv = std::fs::read_to_string(golden("candles_synth.csv")).expect("golden candles");
    // The same market, but every low of an hour's second half is cut short, and some rows miss.
    let other: String = csv
        .lines()
        .enumerate()
        .filter(|(n, _)| n % 41 != 7)
        .map(|(n, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if n > 0 && n % 60 > 30 {
                cells[3] = if cells[1] < cells[4] { cells[1] } else { cells[4] };
            }
            format!("{}\n", cells.join(","))
        })
        .collect();
    let path = place.path.join("other.csv").display().to_string();
    std::fs::write(&path, other).expect("writes");
    let file = candles();
    let args = ["smc", &file, "--smt", &path, "--swing-length", "3", "--concepts", "range"];
    let whole = printed(&args);
    let smt: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|event| event["kind"] == "Smt")
        .collect();
    assert!(smt.len() > 3, "{}", smt.len());
    for event in &smt {
        assert!(event["pos"].as_u64() <= event["at"].as_u64() && event["symbol"].is_string());
    }
    let feed = |count| {
        text(&fed(&place, &[&["smc", "-"], &args[2..]].concat(), lines(count).as_bytes()).stdout)
    };
    for count in [60, 800, 1_777] {
        assert!(whole.starts_with(&feed(count)), "{count} bars");
    }
    assert_eq!(feed(2_500), whole);
    refused(&place.run(&["smc", &file, "--smt", &file]), 2, &["--smt", "second symbol"]);
}
