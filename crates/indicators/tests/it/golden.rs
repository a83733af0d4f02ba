//! Every column of the golden tables, from the catalogue with its default parameters: relative 1e-9
//! plus 1e-9 of the price scale; relative 1e-7 where both sides keep running sums.

use crate::tables::{Table, fixtures, shared_golden};
use aegis_indicators::catalogue::{Call, ENTRIES, Entry, MAX_COLUMNS};
use aegis_types::Bar;
use std::collections::BTreeSet;
use std::path::Path;

const TABLES: [&str; 5] =
    ["talib_momentum", "talib_trend", "talib_volatility", "talib_volume", "ref_vwap_ichimoku"];
const RUNNING_SUMS: [&str; 5] = ["cci", "bb_up", "bb_mid", "bb_low", "stddev"];
/// Not in any golden table: their definition is a test of their own.
const WITHOUT_TABLE: [&str; 3] = ["vwap_week", "vwap_session", "vwap_from"];

/// What the entry gives for each bar.
fn run(entry: &Entry, bars: &[Bar]) -> Vec<[Option<f64>; MAX_COLUMNS]> {
    let mut row = Call::parse(entry.name).expect("a call").build();
    let mut cells = [None; MAX_COLUMNS];
    let mut push = |bar| {
        row.push(bar, &mut cells);
        cells
    };
    bars.iter().map(&mut push).collect()
}

fn compare(name: &str, table: &Table, at: usize, got: impl Fn(usize) -> Option<f64>, price: f64) {
    let relative = if RUNNING_SUMS.contains(&name) { 1e-7 } else { 1e-9 };
    let mut compared = 0;
    for row in &table.rows {
        let n = row[0].expect("row number") as usize;
        match (got(n), row[at]) {
            (None, None) => {}
            (Some(got), Some(want)) => {
                let tolerance = relative * want.abs() + 1e-9 * price;
                assert!((got - want).abs() <= tolerance, "{name} row {n}: {got} is not {want}");
                compared += 1;
            }
            (got, want) => panic!("{name} row {n}: {got:?} is not {want:?}"),
        }
    }
    assert!(compared > 250, "{name}: only {compared} rows compared");
}

fn compare_all(folder: &Path, suffix: &str) {
    let table = |name: &str| Table::read(&folder.join(format!("{name}{suffix}.csv")));
    let bars = table("candles").bars();
    let price = bars.iter().map(|bar| bar.close()).sum::<f64>() / bars.len() as f64;
    let mut done = BTreeSet::new();
    for name in TABLES {
        let table = table(name);
        for entry in &ENTRIES {
            let rows = run(entry, &bars);
            for (n, column) in entry.columns.iter().enumerate() {
                if let Some(at) = table.names.iter().position(|name| name == column) {
                    compare(column, &table, at, |row| rows[row][n], price);
                    assert!(done.insert(*column), "{column} is there twice");
                }
            }
        }
        for column in &table.names[1..] {
            assert!(done.contains(column.as_str()), "no indicator gives {column}");
        }
    }
    for entry in ENTRIES.iter().filter(|entry| !WITHOUT_TABLE.contains(&entry.name)) {
        assert!(entry.columns.iter().all(|c| done.contains(c)), "{} not compared", entry.name);
    }
}

#[test]
fn equal_on_generated_candles() {
    compare_all(&fixtures(), "_synth");
}

#[test]
fn equal_on_real_candles() {
    if let Some(golden) = shared_golden() {
        compare_all(&golden, "");
    }
}
