//! Every indicator alone, and the five that most strategies start from, together.
//!
//! Regime: 100,000 one-minute candles in memory, default parameters, through the catalogue that
//! `aegis indicators` uses: each indicator fills its columns from a [`Series`], bars and columns of
//! their prices, as TA-Lib is handed columns. The five are pushed candle by candle into one struct,
//! as a live engine does. Medians over whole passes, in processor time. The physical limit beside
//! them is the pass over the same candles that only reads and writes; with `--peer` TA-Lib's batch
//! functions are timed on the same candles.

use crate::Options;
use crate::bars::{self, Bars};
use crate::peer;
use crate::sample::{Samples, on_cpu_ns, repeat, rounded};
use aegis_indicators::catalogue::{Call, ENTRIES, Series};
use aegis_indicators::{Atr, Bbands, Ema, Indicator, Macd, Rsi};
use aegis_types::Bar;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::num::NonZeroU32;

/// Candles of a pass.
const CANDLES: u32 = 100_000;
/// The parts of the five, as the catalogue calls them.
const FIVE: [&str; 5] = ["rsi(14)", "atr(14)", "ema(20)", "macd(12,26,9)", "bbands(20,2)"];

/// Measures; takes some ten seconds.
///
/// # Errors
/// When the candles cannot be had, or the peer gives no figures.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let Bars { bars, source, seed } = bars::load(opts, CANDLES)?;
    let mut map = Map::new();
    map.insert("source".into(), json!(source));
    map.insert("seed".into(), json!(seed));
    map.insert("candles".into(), json!(bars.len()));
    let (five, samples) = five(&bars, opts.seconds);
    map.insert("five_ns_per_candle".into(), json!(rounded(five, 2)));
    map.insert("five".into(), json!(FIVE));
    map.insert("samples".into(), json!(samples));
    let floor = read_and_write(&bars, opts.seconds / 10.0);
    map.insert("read_and_write_ns_per_candle".into(), json!(rounded(floor, 2)));
    map.insert("five_over_read_and_write".into(), json!(rounded(five / floor, 2)));
    let mut ns = Map::new();
    let series = Series::new(bars.clone());
    for entry in &ENTRIES {
        ns.insert(
            entry.name.into(),
            json!(rounded(one(entry.name, &series, opts.seconds / 20.0)?, 2)),
        );
    }
    if let Some(python) = &opts.peer {
        compare(&mut map, &ns, five, &peer::talib(python, &bars)?);
    }
    map.insert("ns_per_candle".into(), Value::Object(ns));
    Ok(map)
}

fn compare(
    map: &mut Map<String, Value>,
    ns: &Map<String, Value>,
    five: f64,
    peer: &Map<String, Value>,
) {
    let theirs = |name: &str| peer.get(name).and_then(Value::as_f64);
    let mut over = Map::new();
    let mut worst = 0.0f64;
    for (name, ours) in ns {
        if let (Some(ours), Some(theirs)) = (ours.as_f64(), theirs(name)) {
            worst = worst.max(ours / theirs);
            over.insert(name.clone(), json!(rounded(ours / theirs, 2)));
        }
    }
    let sum: f64 = ["rsi", "atr", "ema", "macd", "bbands"].into_iter().filter_map(theirs).sum();
    map.insert("peer_five_ns_per_candle".into(), json!(rounded(sum, 2)));
    map.insert("five_over_peer".into(), json!(rounded(five / sum, 3)));
    map.insert("over_peer".into(), Value::Object(over));
    map.insert("over_peer_max".into(), json!(rounded(worst, 2)));
    map.insert("peer".into(), Value::Object(peer.clone()));
}

/// The five in one place, as an engine holds them.
struct Five {
    rsi: Rsi,
    atr: Atr,
    ema: Ema,
    macd: Macd,
    bands: Bbands,
}

impl Five {
    fn new() -> Self {
        let period = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            rsi: Rsi::new(period(14)),
            atr: Atr::new(period(14)),
            ema: Ema::new(period(20)),
            macd: Macd::new(period(12), period(26), period(9)),
            bands: Bbands::new(period(20), 2.0),
        }
    }

    /// All five of one bar.
    #[inline]
    fn push(&mut self, bar: &Bar) {
        let close = bar.close();
        black_box(self.rsi.push(close));
        black_box(self.atr.push(*bar));
        black_box(self.ema.push(close));
        black_box(self.macd.push(close));
        black_box(self.bands.push(close));
    }
}

fn five(bars: &[Bar], seconds: f64) -> (f64, usize) {
    let mut samples = Samples::default();
    let Ok(_) = repeat(seconds, 5, || {
        let mut five = Five::new();
        let start = on_cpu_ns();
        for bar in bars {
            five.push(bar);
        }
        samples.push((on_cpu_ns() - start) / bars.len() as f64);
        Ok::<(), Infallible>(())
    });
    (samples.median(), samples.len())
}

/// Reading five numbers and writing one: no indicator can be faster than this.
fn read_and_write(bars: &[Bar], seconds: f64) -> f64 {
    let mut out = vec![0.0; bars.len()];
    let mut samples = Samples::default();
    let Ok(_) = repeat(seconds, 5, || {
        let start = on_cpu_ns();
        for (cell, bar) in out.iter_mut().zip(bars) {
            *cell = bar.open() + bar.high() + bar.low() + bar.close() + bar.volume();
        }
        black_box(&mut out);
        samples.push((on_cpu_ns() - start) / bars.len() as f64);
        Ok::<(), Infallible>(())
    });
    samples.median()
}

/// One indicator of the catalogue at its default parameters, filling its columns.
fn one(call: &str, series: &Series, seconds: f64) -> Result<f64, String> {
    let call = Call::parse(call).map_err(|e| e.to_string())?;
    let rows = series.bars().len();
    let mut columns = vec![vec![0.0; rows]; call.entry().columns.len()];
    let mut out: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
    let mut row = call.build();
    let mut samples = Samples::default();
    let Ok(_) = repeat(seconds, 5, || {
        row.reset();
        let start = on_cpu_ns();
        row.read(series, 0..rows, &mut out);
        black_box(&mut out);
        samples.push((on_cpu_ns() - start) / rows as f64);
        Ok::<(), Infallible>(())
    });
    Ok(samples.median())
}
