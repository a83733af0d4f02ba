//! The golden tables of smartmoneyconcepts 0.0.27, all of a folder's, by their names.

use super::{Rows, recorded};
use crate::tables::{fixtures, shared};
use aegis_smc::record::{Period, RecordOf, Recorder, session_window};
use aegis_types::{Bar, Nanos};
use std::path::Path;

/// `2022-10-10 00:15:00`, UTC.
fn time(text: &str) -> Nanos {
    let numbers: Vec<i64> =
        text.split(['-', ' ', ':']).map(|part| part.parse().expect("a number")).collect();
    let &[year, month, day, hour, minute, second] = &numbers[..] else { panic!("{text}") };
    let seconds = hour * 3_600 + minute * 60 + second;
    Nanos::from_civil(year, month as u32, day as u32).after(Nanos::SECOND.times(seconds))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Candles with their times.
pub fn candles(path: &Path) -> Vec<Bar> {
    let bar = |line: &str| {
        let (at, rest) = line.split_once(',').expect("columns");
        let numbers: Vec<f64> = rest.split(',').map(|cell| cell.parse().expect("one")).collect();
        let &[open, high, low, close, volume] = &numbers[..] else { panic!("{line}") };
        Bar::new(time(at), open, high, low, close, volume).expect("a bar")
    };
    text(path).lines().skip(1).map(bar).collect()
}

/// Names of the columns after the first, and the rows.
fn table(path: &Path) -> (Vec<String>, Rows) {
    let text = text(path);
    let mut lines = text.lines();
    let names = lines.next().expect("a header").split(',').skip(1).map(str::to_owned).collect();
    let row = |line: &str| {
        let (at, cells) = line.split_once(',').expect("columns");
        let cell = |cell: &str| (!cell.is_empty()).then(|| cell.parse().expect("a number"));
        (at.parse().expect("a row"), cells.split(',').map(cell).collect())
    };
    (names, lines.map(row).collect())
}

/// What a table of this name holds, and its swing length.
fn of(name: &str) -> (RecordOf, u32) {
    let (kind, rest) = name.split_once('_').unwrap_or((name, ""));
    let parts: Vec<&str> = rest.split('_').collect();
    let length = || {
        let length = parts.iter().find_map(|part| part.strip_prefix('L'));
        length.and_then(|length| length.parse().ok()).expect("a swing length")
    };
    let close = || match parts.last() {
        Some(&"close") => true,
        Some(&"wick") => false,
        _ => panic!("{name}: by close or by wick?"),
    };
    match kind {
        "swings" => (RecordOf::Swings, length()),
        "fvg" => (RecordOf::Fvg { join: rest == "join" }, 1),
        "bos" => (RecordOf::BosChoch { close: close() }, length()),
        "ob" => (RecordOf::Ob { close_mitigation: close() }, length()),
        "liquidity" => {
            let share = parts.iter().find_map(|part| part.strip_prefix("rp"));
            let range_percent = share.and_then(|share| share.parse().ok()).expect("a share");
            (RecordOf::Liquidity { range_percent }, length())
        }
        "prev" => {
            let period = Period::parse(parts.last().expect("a period")).expect("a period");
            (RecordOf::PrevHl { period }, 1)
        }
        "session" => {
            let window = match parts[..] {
                ["newyork"] => "New York".to_owned(),
                ["custom", from, to] => {
                    format!("{}:{}-{}:{}", &from[..2], &from[2..], &to[..2], &to[2..])
                }
                [name] => name.to_owned(),
                _ => panic!("{name}"),
            };
            (RecordOf::Sessions { window: session_window(&window, true).expect("a window") }, 1)
        }
        "retracements" => (RecordOf::Retracements, length()),
        _ => panic!("smc_{name}: no test compares this table"),
    }
}

/// Compares every `smc_*.csv` of a folder; returns how many there were.
fn compare(folder: &Path) -> usize {
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let Some(name) = name.strip_prefix("smc_").and_then(|name| name.strip_suffix(".csv"))
        else {
            continue;
        };
        let (name, suffix) = match name.strip_suffix("_synth") {
            Some(name) => (name, "_synth"),
            None => (name, ""),
        };
        let bars = candles(&folder.join(format!("candles{suffix}.csv")));
        let (of, length) = of(name);
        let (columns, want) = table(&path);
        assert_eq!(Recorder::new(of, length, true).record().columns(), columns, "{name}");
        let found = recorded(of, length, true, &bars);
        assert_eq!(found.len(), want.len(), "rows of {name}{suffix}");
        for (found, want) in found.iter().zip(&want) {
            assert_eq!(found, want, "{name}{suffix}");
        }
        assert!(!want.is_empty(), "{name}{suffix} compares nothing");
        compared += 1;
    }
    compared
}

#[test]
fn every_table_of_the_generated_candles_is_equal() {
    assert_eq!(compare(&fixtures()), 18);
}

#[test]
fn every_table_of_the_real_candles_is_equal() {
    let Some(folder) = shared("golden") else { return };
    assert_eq!(compare(&folder), 39);
}
