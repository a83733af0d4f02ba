//! Proves: under compat the record equals every golden table of smartmoneyconcepts 0.0.27 cell for
//! cell, and its answers on random frames with ties, gaps, odd lengths and bars that no market
//! makes; each deliberate difference of the default shows on a small frame; asking for a record
//! disturbs nothing; the default mirrors; no bars whatever do harm.

mod differences;
mod frames;
mod golden;
mod properties;

use aegis_smc::record::{RecordOf, Recorder};
use aegis_types::{Bar, Nanos};

/// Rows: the bar, then its cells.
type Rows = Vec<(u32, Vec<Option<f64>>)>;

fn rows_of(recorder: &Recorder) -> Rows {
    recorder.record().rows().map(|(at, cells)| (at, cells.to_vec())).collect()
}

fn recorded(of: RecordOf, length: u32, compat: bool, bars: &[Bar]) -> Rows {
    let mut recorder = Recorder::new(of, length, compat);
    for bar in bars {
        recorder.push(bar);
    }
    rows_of(&recorder)
}

/// A bar a minute from open, high, low and close, of volume 1.
fn bars_of(prices: &[(f64, f64, f64, f64)]) -> Vec<Bar> {
    let bar = |(n, &(open, high, low, close)): (i64, &(f64, f64, f64, f64))| {
        Bar::new(Nanos::MINUTE.times(n), open, high, low, close, 1.0).expect("a bar")
    };
    (0..).zip(prices).map(bar).collect()
}

/// Bars that hold one price each.
fn flat(prices: &[f64]) -> Vec<Bar> {
    bars_of(&prices.iter().map(|&price| (price, price, price, price)).collect::<Vec<_>>())
}
