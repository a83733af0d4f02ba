//! The engine alone: what one tick and one closed candle cost, and that nothing is allocated.
//!
//! Regime: the events of a whole backtest (ten symbols, all timeframes, structure, teacher, risk,
//! portfolio, simulated exchange) are recorded once, then applied to a fresh engine again and
//! again. Ticks that close nothing are timed by instant, all symbols together, and divided; closed
//! candles are timed one by one, with the clock's own cost taken off. Left out: journal, exchange
//! and driver (see the backtest bench).

use crate::Options;
use crate::market::{self, Loaded};
use crate::sample::{Samples, clock_cost_ns, ns_since, repeat, rounded};
use aegis_backtest::Tally;
use aegis_driver::Observer;
use aegis_ring::CountingAllocator;
use aegis_types::{Command, Event, EventBody, Nanos, Notice, Out, TickBody, Timeframe};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

/// Days of the generated market.
const DAYS: u32 = 10;

/// Keeps every event that the engine saw.
struct Recorder {
    events: Vec<Event>,
    tally: Tally,
}

impl Observer for Recorder {
    type Error = Infallible;
    fn event(&mut self, event: &Event) -> Result<(), Infallible> {
        self.events.push(*event);
        self.tally.event(event);
        Ok(())
    }
    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Infallible> {
        self.tally.command(at, command);
        Ok(())
    }
    fn notice(&mut self, at: Nanos, _seq: u64, notice: &Notice) {
        self.tally.notice(at, notice);
    }
}

/// Measures; takes a few seconds.
///
/// # Errors
/// When the market cannot be had, or the run did none of the work that is to be measured.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let loaded = market::load(opts, DAYS)?;
    let recorder = record(&loaded)?;
    let counts = recorder.tally.counts();
    let mut times = Times::default();
    let clock = clock_cost_ns();
    let passes = repeat(opts.seconds, 3, || pass(&loaded, &recorder.events, clock, &mut times))?;
    let allocations = allocations(&loaded)?;
    let mut map = Map::new();
    map.insert("source".into(), json!(loaded.source));
    map.insert("seed".into(), json!(loaded.seed));
    map.insert("symbols".into(), json!(loaded.session.symbols.len()));
    map.insert("samples".into(), json!(times.closed.len()));
    map.insert("passes".into(), json!(passes));
    map.insert("tick_ns_median".into(), json!(rounded(times.tick.median(), 1)));
    map.insert("closed_candle_ns_median".into(), json!(rounded(times.closed.median(), 1)));
    map.insert("closed_candle_ns_p99".into(), json!(rounded(times.closed.quantile(0.99), 1)));
    map.insert("closed_candle_ns_mean".into(), json!(rounded(times.mean(), 1)));
    map.insert("hour_close_ns_median".into(), json!(rounded(times.hour.median(), 1)));
    map.insert("all_timeframes_close_ns_median".into(), json!(rounded(times.day.median(), 1)));
    map.insert("clock_cost_ns".into(), json!(rounded(clock, 1)));
    map.insert("allocations_after_warmup".into(), json!(allocations));
    map.insert("signals".into(), json!(counts.signals));
    map.insert("orders".into(), json!(counts.orders));
    map.insert("fills".into(), json!(counts.fills));
    map.insert("trades".into(), json!(counts.trades));
    map.insert("rotations".into(), json!(counts.rotations));
    Ok(map)
}

fn record(loaded: &Loaded) -> Result<Recorder, String> {
    let (mut driver, initial) = loaded.session.build().map_err(|e| e.to_string())?;
    let events = Vec::with_capacity(loaded.ticks.len() * 5 / 4);
    let mut recorder = Recorder { events, tally: Tally::new(&loaded.session) };
    for (index, tick) in loaded.ticks.iter().enumerate() {
        if index == 0 {
            let Ok(()) = driver.start(tick.at, &initial, &mut recorder);
        }
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut recorder);
    }
    let counts = recorder.tally.counts();
    if counts.signals == 0 || counts.orders == 0 || counts.trades == 0 {
        return Err(format!("the market gave nothing to measure: {counts:?}; take longer data"));
    }
    Ok(recorder)
}

#[derive(Default)]
struct Times {
    tick: Samples,
    closed: Samples,
    closed_sum: f64,
    hour: Samples,
    day: Samples,
}

impl Times {
    fn mean(&self) -> f64 {
        self.closed_sum / self.closed.len().max(1) as f64
    }
}

/// One pass of all events through a fresh engine.
fn pass(loaded: &Loaded, events: &[Event], clock: f64, times: &mut Times) -> Result<(), String> {
    let mut engine = loaded.session.engine().map_err(|e| e.to_string())?;
    let mut out = Out::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        let opens = rest.iter().take_while(|event| is_open(event)).count();
        if opens > 0 {
            let (batch, after) = rest.split_at(opens);
            let start = Instant::now();
            for event in batch {
                out.clear();
                engine.apply(event, &mut out);
            }
            times.tick.push((ns_since(start) - clock) / opens as f64);
            black_box(&out);
            rest = after;
            continue;
        }
        out.clear();
        let start = Instant::now();
        engine.apply(first, &mut out);
        let ns = ns_since(start) - clock;
        black_box(&out);
        if is_close(first) {
            times.closed.push(ns);
            times.closed_sum += ns;
            if ends(first.at, Timeframe::D1) {
                times.day.push(ns);
            } else if ends(first.at, Timeframe::H1) {
                times.hour.push(ns);
            }
        }
        rest = &rest[1..];
    }
    Ok(())
}

fn is_open(event: &Event) -> bool {
    matches!(&event.body, EventBody::Market(tick) if matches!(tick.body, TickBody::Open { .. }))
}

fn is_close(event: &Event) -> bool {
    matches!(&event.body, EventBody::Market(tick) if matches!(tick.body, TickBody::Candle { .. }))
}

fn ends(at: Nanos, timeframe: Timeframe) -> bool {
    at.floor(timeframe.span()) == at
}

/// Allocations of driver, engine, exchange and tally from the end of the engine's warm-up on, over
/// a run that must have had signals, orders, fills and rotations; null where allocations are not
/// counted.
fn allocations(loaded: &Loaded) -> Result<Option<u64>, String> {
    if !CountingAllocator::is_installed() {
        return Ok(None);
    }
    let counted = count_allocations(loaded)?;
    Ok(Some(counted.allocations))
}

/// What [`count_allocations`] saw after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How often memory was asked for.
    pub allocations: u64,
    /// Signals formed meanwhile.
    pub signals: u64,
    /// Orders sent meanwhile.
    pub orders: u64,
    /// Executions meanwhile.
    pub fills: u64,
    /// Rotations meanwhile.
    pub rotations: u64,
}

struct Counting(Tally);

impl Observer for Counting {
    type Error = Infallible;
    fn event(&mut self, event: &Event) -> Result<(), Infallible> {
        self.0.event(event);
        Ok(())
    }
    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Infallible> {
        self.0.command(at, command);
        Ok(())
    }
    fn notice(&mut self, at: Nanos, _seq: u64, notice: &Notice) {
        self.0.notice(at, notice);
    }
}

/// Bars after which nothing may be allocated any more.
const WARM_UP: Nanos = Nanos::MINUTE.times(250);

fn count_allocations(loaded: &Loaded) -> Result<Counted, String> {
    let (mut driver, initial) = loaded.session.build().map_err(|e| e.to_string())?;
    let mut counting = Counting(Tally::new(&loaded.session));
    let Some(first) = loaded.ticks.first() else { return Err("no ticks to run on".into()) };
    let Ok(()) = driver.start(first.at, &initial, &mut counting);
    let warm_from = first.at.after(WARM_UP);
    let mut before = None;
    for tick in &loaded.ticks {
        if before.is_none() && tick.at > warm_from {
            before = Some((CountingAllocator::allocations(), counting.0.counts()));
        }
        let Ok(()) = driver.step(tick.at, EventBody::Market(*tick), &mut counting);
    }
    let after = CountingAllocator::allocations();
    let (before, warm) = before.ok_or("the data ends before the warm-up does")?;
    let counts = counting.0.counts();
    Ok(Counted {
        allocations: after - before,
        signals: counts.signals - warm.signals,
        orders: counts.orders - warm.orders,
        fills: counts.fills - warm.fills,
        rotations: counts.rotations - warm.rotations,
    })
}

/// Allocations after warm-up over `days` of the generated market; for the test that holds it at
/// zero. Needs [`CountingAllocator`] as the global allocator.
///
/// # Errors
/// When it is not installed, or the market cannot be had.
pub fn allocations_on_generated(days: u32) -> Result<Counted, String> {
    if !CountingAllocator::is_installed() {
        return Err("allocations are not counted: install CountingAllocator".into());
    }
    let opts = Options::default();
    count_allocations(&market::load(&opts, days)?)
}
