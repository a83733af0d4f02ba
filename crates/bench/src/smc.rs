//! Market structure alone: all concepts on one timeframe, live, and each record.
//!
//! Regime: one-minute candles of one symbol in memory, every concept on. The cost per candle is the
//! median over whole passes, in processor time; the ratio of a long history to a short one compares
//! one pass over everything with passes of 10,000 candles over the same stretches. Single pushes
//! are timed one by one for the tail, with the clock's own cost taken off. Left out: reading files
//! and printing.

use crate::Options;
use crate::bars::{self, Bars};
use crate::peer;
use crate::sample::{Samples, clock_cost_ns, ns_since, on_cpu_ns, repeat, rounded};
use aegis_ring::CountingAllocator;
use aegis_smc::record::{Period, RecordOf, Recorder};
use aegis_smc::{Concepts, Detector, Params, Session};
use aegis_types::Bar;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

/// The long history.
const LONG: u32 = 1_000_000;
/// The short one.
const SHORT: usize = 10_000;
/// Swing lengths measured.
const LENGTHS: [u32; 4] = [5, 50, 200, 1_000];
/// The swing length of what is not measured at each.
const LENGTH: u32 = 50;
/// Symbols read in turn.
const SYMBOLS: usize = 300;
/// Candles of the record's passes, and of a peer.
const RECORDED: usize = 100_000;

/// Measures; takes a quarter of a minute.
///
/// # Errors
/// When the candles cannot be had, or hold no structure.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let Bars { bars, source, seed } = bars::load(opts, LONG)?;
    let mut map = Map::new();
    map.insert("source".into(), json!(source));
    map.insert("seed".into(), json!(seed));
    map.insert("candles".into(), json!(bars.len()));
    let stretch = &bars[..RECORDED.min(bars.len())];

    let mut worst = 0.0f64;
    let mut by_length = Map::new();
    for length in LENGTHS {
        let ns = all_detectors(stretch, length, opts.seconds / 4.0)?;
        worst = worst.max(ns);
        by_length.insert(format!("{length}"), json!(rounded(ns, 1)));
    }
    map.insert("all_detectors_ns_per_candle".into(), json!(rounded(worst, 1)));
    map.insert("by_swing_length_ns".into(), Value::Object(by_length));
    map.insert("events_per_candle".into(), json!(rounded(events_per_candle(stretch), 3)));

    let (long, short) = long_and_short(&bars, opts.seconds)?;
    map.insert("ns_per_candle_1m".into(), json!(rounded(long, 1)));
    map.insert("ns_per_candle_10k".into(), json!(rounded(short, 1)));
    map.insert("cost_ratio_1m_vs_10k".into(), json!(rounded(long / short, 3)));

    let mut tail = push_times(&bars, opts.seconds)?;
    map.insert("push_p50_ns".into(), json!(rounded(tail.median_of(0.5), 1)));
    map.insert("push_p999_us".into(), json!(rounded(tail.median_of(0.999) / 1e3, 3)));
    map.insert("samples".into(), json!(tail.pushes));

    let (one, many) = interleaved(&bars, opts.seconds)?;
    map.insert("one_symbol_ns_per_candle".into(), json!(rounded(one, 1)));
    map.insert("interleaved_300_ns_per_candle".into(), json!(rounded(many, 1)));
    map.insert("interleaved_300_over_one".into(), json!(rounded(many / one, 3)));
    map.insert("allocations_after_warmup".into(), json!(allocations(stretch)));
    map.insert("record_ns_per_candle".into(), records(stretch, opts.seconds / 8.0));
    if let Some(python) = &opts.peer {
        let theirs = peer::smartmoneyconcepts(python, stretch, LENGTH)?;
        let batch = theirs.get("batch_ns_per_candle").and_then(Value::as_f64);
        let live = theirs.get("live_window_200_ns_per_candle").and_then(Value::as_f64);
        let over = |ns: Option<f64>| json!(ns.map(|ns| rounded(ns / worst, 0)));
        map.insert("peer_batch_over_ours".into(), over(batch));
        map.insert("peer_live_over_ours".into(), over(live));
        map.insert("peer".into(), Value::Object(theirs));
    }
    Ok(map)
}

fn detector(length: u32) -> Detector {
    let mut params = Params { concepts: Concepts::ALL, ..Params::default() };
    params.pivot.length = length;
    Detector::new(&params)
}

/// One pass of fresh detectors over `bars`; returns the events told.
fn pass(detector: &mut Detector, bars: &[Bar]) -> u64 {
    let mut events = 0;
    for bar in bars {
        detector.push(bar, &mut |event| {
            black_box(&event);
            events += 1;
        });
    }
    events
}

fn all_detectors(bars: &[Bar], length: u32, seconds: f64) -> Result<f64, String> {
    let mut samples = Samples::default();
    repeat(seconds, 3, || {
        let mut detector = detector(length);
        let start = on_cpu_ns();
        if pass(&mut detector, bars) == 0 {
            return Err("the candles hold no structure at all: take others".to_owned());
        }
        samples.push((on_cpu_ns() - start) / bars.len() as f64);
        Ok(())
    })?;
    Ok(samples.median())
}

fn events_per_candle(bars: &[Bar]) -> f64 {
    pass(&mut detector(LENGTH), bars) as f64 / bars.len() as f64
}

/// Cost per candle over everything in one go, and in fresh goes of [`SHORT`] over the same bars.
fn long_and_short(bars: &[Bar], seconds: f64) -> Result<(f64, f64), String> {
    let (mut long, mut short) = (Samples::default(), Samples::default());
    repeat(seconds, 3, || {
        let mut whole = detector(LENGTH);
        let start = on_cpu_ns();
        black_box(pass(&mut whole, bars));
        long.push((on_cpu_ns() - start) / bars.len() as f64);
        let (mut ns, mut read) = (0.0, 0);
        for stretch in bars.chunks_exact(SHORT) {
            let mut fresh = detector(LENGTH);
            let start = on_cpu_ns();
            black_box(pass(&mut fresh, stretch));
            ns += on_cpu_ns() - start;
            read += stretch.len();
        }
        short.push(ns / read as f64);
        Ok::<(), String>(())
    })?;
    Ok((long.median(), short.median()))
}

/// Times of single pushes, pass by pass.
struct Tail {
    passes: Vec<Samples>,
    pushes: usize,
}

impl Tail {
    /// The median over the passes of their `q` quantiles.
    fn median_of(&mut self, q: f64) -> f64 {
        let mut quantiles = Samples::default();
        for pass in &mut self.passes {
            quantiles.push(pass.quantile(q));
        }
        quantiles.median()
    }
}

fn push_times(bars: &[Bar], seconds: f64) -> Result<Tail, String> {
    let clock = clock_cost_ns();
    let bars = &bars[..bars.len().min(2 * RECORDED)];
    let mut tail = Tail { passes: Vec::new(), pushes: 0 };
    repeat(seconds, 3, || {
        let mut detector = detector(LENGTH);
        let mut times = Samples::default();
        for bar in bars {
            let start = Instant::now();
            detector.push(bar, &mut |event| {
                black_box(&event);
            });
            times.push((ns_since(start) - clock).max(0.0));
        }
        tail.pushes += times.len();
        tail.passes.push(times);
        Ok::<(), String>(())
    })?;
    Ok(tail)
}

/// Cost per candle of one symbol, and of [`SYMBOLS`] of them read in turn, candle by candle.
fn interleaved(bars: &[Bar], seconds: f64) -> Result<(f64, f64), String> {
    // Each symbol reads a stretch of its own, so that they do not do the same thing at once.
    let each = (bars.len() / SYMBOLS).min(3_000);
    // Minute by minute, as candles arrive.
    let woven: Vec<Bar> =
        (0..each).flat_map(|at| (0..SYMBOLS).map(move |symbol| bars[symbol * each + at])).collect();
    let (mut one, mut many) = (Samples::default(), Samples::default());
    repeat(seconds, 3, || {
        let mut ns = 0.0;
        for stretch in bars.chunks_exact(each).take(SYMBOLS) {
            let mut detector = detector(LENGTH);
            let start = on_cpu_ns();
            black_box(pass(&mut detector, stretch));
            ns += on_cpu_ns() - start;
        }
        one.push(ns / (each * SYMBOLS) as f64);
        let mut detectors: Vec<Detector> = (0..SYMBOLS).map(|_| detector(LENGTH)).collect();
        let start = on_cpu_ns();
        for minute in woven.chunks_exact(SYMBOLS) {
            for (detector, bar) in detectors.iter_mut().zip(minute) {
                black_box(pass(detector, std::slice::from_ref(bar)));
            }
        }
        many.push((on_cpu_ns() - start) / (each * SYMBOLS) as f64);
        Ok::<(), String>(())
    })?;
    Ok((one.median(), many.median()))
}

/// Allocations of a whole pass after the detector was made; null where they are not counted.
fn allocations(bars: &[Bar]) -> Option<u64> {
    CountingAllocator::is_installed().then(|| {
        let mut detector = detector(LENGTH);
        let before = CountingAllocator::allocations();
        black_box(pass(&mut detector, bars));
        CountingAllocator::allocations() - before
    })
}

/// The record of each detector over `bars`: reading them all, and asking once at the end.
fn records(bars: &[Bar], seconds: f64) -> Value {
    let window = Session::London.window();
    let of = [
        ("swings", RecordOf::Swings),
        ("fvg", RecordOf::Fvg { join: false }),
        ("bos_choch", RecordOf::BosChoch { close: true }),
        ("ob", RecordOf::Ob { close_mitigation: false }),
        ("liquidity", RecordOf::Liquidity { range_percent: 0.01 }),
        ("prev_hl", RecordOf::PrevHl { period: Period::DAY }),
        ("sessions", RecordOf::Sessions { window }),
        ("retracements", RecordOf::Retracements),
    ];
    let mut map = Map::new();
    let mut total = 0.0;
    for (name, of) in of {
        let mut samples = Samples::default();
        let Ok(_) = repeat(seconds, 3, || {
            let mut recorder = Recorder::new(of, LENGTH, true);
            let start = on_cpu_ns();
            for bar in bars {
                recorder.push(bar);
            }
            black_box(recorder.record());
            samples.push((on_cpu_ns() - start) / bars.len() as f64);
            Ok::<(), Infallible>(())
        });
        total += samples.median();
        map.insert(name.into(), json!(rounded(samples.median(), 1)));
    }
    map.insert("all".into(), json!(rounded(total, 1)));
    Value::Object(map)
}
