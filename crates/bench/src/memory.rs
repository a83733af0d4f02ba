//! The resident memory of a process with the brain's whole state for 500 symbols.
//!
//! Regime: this process plays the feed, generating two days of 500 symbols into a real ring, gated;
//! a child process reads the ring as the brain does: journal in `process` durability, driver,
//! engine with all five timeframes, exchange, statistics. At the end of the data the child reads
//! its own `VmRSS`. Left out: the database lane and the log, which run in threads of the brain.

use crate::Options;
use crate::market::{self, Scratch};
use crate::sample::rounded;
use aegis_backtest::{Session, Tally, record_command, record_event};
use aegis_driver::Observer;
use aegis_journal::{JournalError, Source, Writer as Journal};
use aegis_markets::MarketSpec;
use aegis_ring::{self as ring, Poll, Reader, Wait, WaitOutcome};
use aegis_types::{Command, Event, EventBody, Nanos, Notice, SymbolId, Tick, TickBody};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

/// Symbols of the bar.
const SYMBOLS: u16 = 500;
/// Days fed; every timeframe, the daily one included, closes.
const DAYS: u32 = 2;

fn spec() -> MarketSpec {
    MarketSpec { symbols: SYMBOLS, days: DAYS, ..MarketSpec::default() }
}

/// Measures; takes some seconds.
///
/// # Errors
/// When ring, journal or child fail: as text.
pub fn run(_opts: &Options) -> Result<Map<String, Value>, String> {
    let scratch = Scratch::new("memory")?;
    let dir = ring::ring_dir(&format!("bench-{}", std::process::id()));
    let path = dir.join("memory");
    let result = feed_a_child(&path, scratch.path());
    let _ = std::fs::remove_dir_all(&dir);
    let spec = spec();
    let mut map = Map::new();
    map.insert("symbols".into(), json!(spec.symbols));
    map.insert("timeframes".into(), json!(aegis_types::Timeframe::COUNT));
    map.insert("days".into(), json!(spec.days));
    map.insert("seed".into(), json!(spec.seed));
    map.insert("samples".into(), json!(1));
    map.insert("durability".into(), json!("process"));
    map.extend(result?);
    Ok(map)
}

fn feed_a_child(path: &Path, journal: &Path) -> Result<Map<String, Value>, String> {
    let config = ring::Config { gated: true, ..ring::Config::default() };
    let mut writer = ring::Writer::create(path, &config).map_err(|e| e.to_string())?;
    let exe = std::env::current_exe().map_err(|e| format!("where this program is: {e}"))?;
    let mut child = Process::new(exe)
        .args(["bench-child", "memory"])
        .arg(path)
        .arg(journal.join("journal"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("the child process cannot be started: {e}"))?;
    let end = Tick {
        symbol: SymbolId(0),
        derived: false,
        at: spec().until(),
        received_us: 0,
        body: TickBody::End,
    };
    let mut alive = true;
    for tick in spec().ticks().chain([end]) {
        let mut looked = Instant::now();
        let keep_waiting = || {
            if looked.elapsed() > Duration::from_millis(200) {
                looked = Instant::now();
                alive = !matches!(child.try_wait(), Ok(Some(_)) | Err(_));
            }
            alive
        };
        if !writer.publish_gated(&tick.to_words(), keep_waiting) {
            break;
        }
    }
    writer.flush();
    let output = child.wait_with_output().map_err(|e| format!("the child process: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().last().unwrap_or("").to_owned();
    match serde_json::from_str(&answer) {
        Ok(Value::Object(map)) if output.status.success() => Ok(map),
        _ => Err(format!("the child process ended with {}: {answer}", output.status)),
    }
}

/// `bench-child memory RING JOURNAL`: the brain's part.
pub fn child(args: &[String]) -> i32 {
    let [ring, journal] = args else {
        eprintln!("bench-child memory needs a ring and a folder for its journal");
        return 2;
    };
    match follow(Path::new(ring), Path::new(journal)) {
        Ok(answer) => {
            println!("{answer}");
            0
        }
        Err(error) => {
            println!("{error}");
            1
        }
    }
}

/// What the brain does with events and commands.
struct Brain {
    tally: Tally,
    journal: Journal,
}

impl Observer for Brain {
    type Error = JournalError;
    fn event(&mut self, event: &Event) -> Result<(), JournalError> {
        self.tally.event(event);
        record_event(&mut self.journal, Source::default(), event)
    }
    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), JournalError> {
        self.tally.command(at, command);
        if record_command(&mut self.journal, at, command)? {
            self.journal.flush()?;
        }
        Ok(())
    }
    fn notice(&mut self, at: Nanos, _seq: u64, notice: &Notice) {
        self.tally.notice(at, notice);
    }
}

/// Facts between two flushes and acknowledgements.
const BATCH: u64 = 1_024;

fn follow(ring: &Path, journal: &Path) -> Result<Value, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let mut reader = Reader::attach_from(ring, 0).map_err(|e| text(&e))?;
    let session: Session = market::generated_session(&spec())?;
    let header = serde_json::to_vec(&session).map_err(|e| text(&e))?;
    let config = session.settings().map_err(|e| text(&e))?.journal();
    let journal = Journal::create(journal, &header, &config).map_err(|e| text(&e))?;
    let (mut driver, initial) = session.build().map_err(|e| text(&e))?;
    let mut brain = Brain { tally: Tally::new(&session), journal };
    let at_start = status_mb("VmRSS:");
    let mut words = [0u64; 7];
    let mut facts = 0u64;
    loop {
        match reader.poll(&mut words) {
            Poll::Message { .. } => {}
            Poll::Overrun { skipped } => return Err(format!("{skipped} facts were overrun")),
            Poll::Empty => {
                acknowledge(&mut brain, &mut reader)?;
                match reader.wait(Wait::default(), Duration::from_secs(30)) {
                    WaitOutcome::Ready => continue,
                    outcome => return Err(format!("the ring ended early: {outcome:?}")),
                }
            }
        }
        let tick = Tick::from_words(&words).map_err(|e| text(&e))?;
        if tick.body == TickBody::End {
            break;
        }
        if facts == 0 {
            driver.start(tick.at, &initial, &mut brain).map_err(|e| text(&e))?;
        }
        driver.step(tick.at, EventBody::Market(tick), &mut brain).map_err(|e| text(&e))?;
        facts += 1;
        if facts.is_multiple_of(BATCH) {
            acknowledge(&mut brain, &mut reader)?;
        }
    }
    acknowledge(&mut brain, &mut reader)?;
    let counts = brain.tally.counts();
    Ok(json!({
        "brain_rss_mb": status_mb("VmRSS:"),
        "brain_rss_peak_mb": status_mb("VmHWM:"),
        "brain_rss_anonymous_mb": status_mb("RssAnon:"),
        "brain_rss_before_data_mb": at_start,
        "facts": facts,
        "candles": counts.candles,
        "signals": counts.signals,
        "orders": counts.orders,
        "journal_bytes": brain.journal.bytes(),
    }))
}

fn acknowledge(brain: &mut Brain, reader: &mut Reader) -> Result<(), String> {
    brain.journal.flush().map_err(|e| e.to_string())?;
    reader.acknowledge(reader.next_seq());
    Ok(())
}

/// A line of `/proc/self/status` in MB (10⁶ bytes); null where there is none.
fn status_mb(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(rounded(kib * 1_024.0 / 1e6, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory() {
        assert!(status_mb("VmRSS:").is_some_and(|mb| mb > 0.5 && mb < 10_000.0));
        assert_eq!(status_mb("VmNothing:"), None);
    }
}
