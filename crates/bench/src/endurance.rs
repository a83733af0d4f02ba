//! 24 days of 500 symbols through the whole system: does its memory stay what it is?
//!
//! Regime: the real thing, as in [`memory`](crate::memory): a demo with a state folder of its own
//! (feed, ring, brain with journal, database lane, log), on candles and one book update a minute
//! and symbol. Feed and brain are looked at five times a second. The first quarter of the run is
//! warm-up (every window of every timeframe is full by then); what counts is the median of the last
//! tenth against the median of the tenth behind the warm-up.

use crate::Options;
use crate::market::Scratch;
use crate::memory::look;
use crate::program::{Running, command, exe, last_line};
use crate::sample::rounded;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Symbols and days of the bar.
const SYMBOLS: u64 = 500;
const DAYS: u64 = 24;

/// How often a process is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Resident megabytes of a process over a run.
#[derive(Debug, Default)]
struct Curve {
    pid: Option<u32>,
    resident: Vec<f64>,
    peak: f64,
}

impl Curve {
    fn look(&mut self, demo: &Running, name: &str) {
        self.pid = self.pid.or_else(|| demo.child(name));
        if let Some(now) = self.pid.and_then(look) {
            self.resident.push(now.last);
            self.peak = now.peak;
        }
    }

    /// The median from one share of the run to another.
    fn median(&self, from: f64, to: f64) -> f64 {
        let at = |share: f64| (self.resident.len() as f64 * share) as usize;
        let mut part = self.resident[at(from)..at(to)].to_vec();
        part.sort_by(f64::total_cmp);
        part.get(part.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn told(&self) -> Value {
        let (warm, end) = (self.median(0.25, 0.35), self.median(0.9, 1.0));
        json!({
            "after_warm_up_mb": warm,
            "at_end_mb": end,
            "growth": rounded(end / warm - 1.0, 4),
            "peak_mb": self.peak,
            "samples": self.resident.len(),
        })
    }
}

/// Measures; takes some minutes.
///
/// # Errors
/// When the demo fails, or its processes cannot be looked at: as text.
pub fn run(_opts: &Options) -> Result<Map<String, Value>, String> {
    let scratch = Scratch::new("endurance")?;
    let (symbols, days) = (format!("market.symbols={SYMBOLS}"), DAYS.to_string());
    let args = [
        "demo",
        "--headless",
        "--speed",
        "max",
        "--json",
        "--days",
        &days,
        "--set",
        &symbols,
        "--set",
        "market.books=true",
    ];
    let mut demo = command(&exe()?, scratch.path(), &args);
    demo.env("LOG_LEVEL", "ERROR").stdout(Stdio::piped()).stderr(Stdio::null());
    let started = Instant::now();
    let mut demo = Running::start(demo)?;
    // Read beside the looking, so that the demo never waits for a full pipe.
    let mut stdout = demo.0.stdout.take().ok_or("the demo has no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let (mut feed, mut brain) = (Curve::default(), Curve::default());
    let status = loop {
        if let Some(status) = demo.0.try_wait().map_err(|e| format!("the demo: {e}"))? {
            break status;
        }
        feed.look(&demo, "feed");
        brain.look(&demo, "brain");
        std::thread::sleep(GLANCE);
    };
    let text = reading.join().map_err(|_| "the demo's output was not read")?;
    let text = text.map_err(|e| format!("the demo's output: {e}"))?;
    let summary: Value = serde_json::from_str(last_line(&text)).unwrap_or(Value::Null);
    let told = summary.get("symbols").and_then(Value::as_u64);
    if !status.success() || told != Some(SYMBOLS) || brain.resident.len() < 100 {
        return Err(format!("the demo ended with {status} on {told:?} symbols; run it by hand"));
    }
    let mut map = Map::new();
    map.insert("simulated_days".into(), json!(DAYS));
    map.insert("wall_s".into(), json!(rounded(started.elapsed().as_secs_f64(), 1)));
    map.insert("brain".into(), brain.told());
    map.insert("feed".into(), feed.told());
    map.insert("durability".into(), json!("process"));
    for key in [
        "symbols",
        "candles",
        "ticks",
        "signals",
        "orders",
        "fills",
        "trades",
        "restarts",
        "store",
        "capacities",
        "queues",
    ] {
        map.insert(key.into(), summary.get(key).cloned().unwrap_or(Value::Null));
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_end_against_what_follows_the_warm_up() {
        let resident = (0..100).map(|i| if i < 20 { f64::from(i) } else { 50.0 }).collect();
        let mut curve = Curve { resident, ..Curve::default() };
        assert_eq!(curve.told()["growth"], 0.0);
        curve.resident[90..].fill(55.0);
        assert_eq!(curve.told()["growth"], 0.1);
    }
}
