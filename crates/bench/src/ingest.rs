//! `aegis bench feed`: what the live feed takes in on one core, and whether it loses anything.
//!
//! Regime: the feed's own pump (`node::live`), its sockets, WebSocket and frame readers, firewall,
//! conflation of 100 ms and ring, in a thread of this process; 500 symbols with candle, best bid
//! and ask, mark price and trades, over three loopback connections as the feed itself spreads them.
//! At the other end a thread plays the exchange: it writes frames that were made before, with
//! fresh numbers and times put in, so that no two are alike and none is refused as a copy. It
//! closes a candle of every symbol at each minute of its own time, which runs at 10 times the
//! wall's. Left out: TLS, the network, the brain.
//!
//! Full speed: as fast as the feed reads; the figure is frames a second of the feed's processor
//! time, so that what else runs on the machine counts less, with frames a second of wall time
//! beside it. Soak: 100,000 messages a second for as long as asked; every one must have been read,
//! every candle told without a gap.

mod exchange;
mod frames;

use crate::Options;
use crate::sample::{Samples, on_cpu_ns, rounded};
use aegis_data::FirewallConfig;
use aegis_node::live::{Live, LiveReport, Silence, Source, Streams};
use aegis_ring::{Config, Writer};
use aegis_types::{Nanos, SymbolTable};
use exchange::{Exchange, Pace};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Symbols of the bar.
const SYMBOLS: usize = 500;
/// Messages a second of the soak.
const SOAK_RATE: u64 = 100_000;
const SLOTS: usize = 1 << 16;
const WINDOWS: usize = 11;
const PATIENCE: Nanos = Nanos(5_000_000);

/// What a soak has shown.
#[derive(Clone, Debug)]
pub struct Soak {
    /// Messages that the exchange wrote.
    pub messages: u64,
    /// Messages that the feed did not take, or could not read or use.
    pub lost: u64,
    /// Processor seconds of the feed's thread in a second of wall time.
    pub feed_cpu_cores: f64,
    /// Messages a second of wall time.
    pub messages_per_second: f64,
    /// Resident memory of this process when the streams began, and at the end, in MB.
    pub rss_begin_mb: f64,
    /// See `rss_begin_mb`.
    pub rss_end_mb: f64,
    /// The feed's own account.
    pub report: LiveReport,
}

/// Frames a second on one core.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// Of the feed's processor time: the median of the windows.
    pub frames_per_second: f64,
    /// Of wall time, while other things may run.
    pub frames_per_wall_second: f64,
    /// Windows measured.
    pub windows: usize,
}

/// A feed that listens to an exchange of this module.
struct Bench {
    live: Live,
    ring: Writer,
    exchange: Exchange,
}

impl Bench {
    fn start(pace: Pace) -> Result<Self, String> {
        let names = (0..SYMBOLS).map(|n| format!("B{n:03}USDT"));
        let symbols = SymbolTable::new(names).map_err(|e| e.to_string())?;
        let exchange = Exchange::start(&symbols, pace)?;
        let source = Source {
            venue: "local".to_owned(),
            rest: format!("http://{}", exchange.address()),
            stream_base: format!("ws://{}", exchange.address()),
            streams: Streams::All,
            history_from_ms: frames::BEGIN_MS,
            conflation_ms: 100,
            universe_refresh_ms: 0,
            weight_minute: u32::MAX,
            silence: Silence::NEVER,
            firewall: FirewallConfig::default(),
        };
        let live = Live::new(&source, &symbols, None, SLOTS).map_err(|e| e.to_string())?;
        let ring = Writer::heap(&Config { capacity: SLOTS, gated: false, base: 0 });
        ring.lift_gate();
        let mut bench = Self { live, ring, exchange };
        let began = Instant::now();
        while !bench.live.is_live() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err(format!("the feed does not go live: {:?}", bench.live.report()));
            }
            bench.turn();
        }
        bench.exchange.go();
        Ok(bench)
    }

    fn turn(&mut self) {
        self.live.turn(&mut self.ring, PATIENCE);
    }

    /// Takes what is still on its way; then nothing may be missing.
    fn drain(&mut self) -> Result<(u64, u64), String> {
        let began = Instant::now();
        while !self.exchange.has_stopped() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err("the exchange does not stop".to_owned());
            }
            self.turn();
        }
        let written = self.exchange.written()?;
        let began = Instant::now();
        while self.live.report().frames < written && began.elapsed() < Duration::from_secs(5) {
            self.turn();
        }
        let report = self.live.report();
        let unread = written.saturating_sub(report.frames);
        let refused = self.live.refusals().total();
        let useless = report.malformed + report.unknown + report.duplicates + report.late;
        Ok((written, unread + useless + report.gaps + refused))
    }
}

/// Measures frames a second at full speed.
///
/// # Errors
/// When a socket fails, or a frame was lost: then no figure means anything.
pub fn ingest(seconds: f64) -> Result<Ingest, String> {
    let mut bench = Bench::start(Pace::Full)?;
    let window = Duration::from_secs_f64(seconds.max(0.2) / WINDOWS as f64);
    let (mut by_cpu, mut by_wall) = (Samples::default(), Samples::default());
    // The first window warms up.
    for n in 0..=WINDOWS {
        let (began, cpu, before) = (Instant::now(), on_cpu_ns(), bench.live.frames());
        while began.elapsed() < window {
            bench.turn();
        }
        let frames = (bench.live.frames() - before) as f64;
        if n > 0 {
            by_cpu.push(frames * 1e9 / (on_cpu_ns() - cpu));
            by_wall.push(frames / began.elapsed().as_secs_f64());
        }
    }
    let (_, lost) = bench.drain()?;
    if lost > 0 {
        let refused = bench.live.refusals().examples();
        return Err(format!("{lost} frames were lost: {:?}, {refused:?}", bench.live.report()));
    }
    Ok(Ingest {
        frames_per_second: by_cpu.median(),
        frames_per_wall_second: by_wall.median(),
        windows: by_cpu.len(),
    })
}

/// Listens to `rate` messages a second for some seconds.
///
/// # Errors
/// When a socket fails.
pub fn soak(seconds: f64, rate: u64) -> Result<Soak, String> {
    let mut bench = Bench::start(Pace::Rate(rate))?;
    let warm = Duration::from_secs_f64((seconds / 10.0).min(5.0));
    let (began, mut cpu) = (Instant::now(), on_cpu_ns());
    let (mut measured, mut rss_begin_mb) = (began, 0.0);
    let mut warmed = false;
    while began.elapsed().as_secs_f64() < seconds {
        bench.turn();
        if !warmed && began.elapsed() >= warm {
            (warmed, cpu, measured) = (true, on_cpu_ns(), Instant::now());
            rss_begin_mb = resident_mb();
        }
    }
    let feed_cpu_cores = (on_cpu_ns() - cpu) / 1e9 / measured.elapsed().as_secs_f64();
    let rss_end_mb = resident_mb();
    let (messages, lost) = bench.drain()?;
    Ok(Soak {
        messages,
        lost,
        feed_cpu_cores,
        messages_per_second: messages as f64 / began.elapsed().as_secs_f64(),
        rss_begin_mb,
        rss_end_mb,
        report: bench.live.report(),
    })
}

/// Measures both, each for `opts.seconds`; with `opts.soak` full speed for 3 s only.
///
/// # Errors
/// See [`ingest`] and [`soak`].
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let full = ingest(if opts.soak { 3.0 } else { opts.seconds })?;
    let seconds = opts.seconds;
    let steady = soak(seconds, SOAK_RATE)?;
    let mut out = Map::new();
    out.insert("frames_per_second".into(), json!(full.frames_per_second.round()));
    out.insert("frames_per_wall_second".into(), json!(full.frames_per_wall_second.round()));
    out.insert("symbols".into(), json!(SYMBOLS));
    out.insert("connections".into(), json!(steady.report.connections));
    out.insert("seconds".into(), json!(rounded(seconds, 1)));
    out.insert("messages".into(), json!(steady.messages));
    out.insert("messages_per_second".into(), json!(steady.messages_per_second.round()));
    out.insert("lost".into(), json!(steady.lost));
    out.insert("conflated".into(), json!(steady.report.conflated));
    out.insert("feed_cpu_cores".into(), json!(rounded(steady.feed_cpu_cores, 3)));
    out.insert("rss_begin_mb".into(), json!(rounded(steady.rss_begin_mb, 1)));
    out.insert("rss_end_mb".into(), json!(rounded(steady.rss_end_mb, 1)));
    out.insert("samples".into(), json!(full.windows));
    Ok(out)
}

/// Resident memory of this process, in MB (10⁶ bytes).
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_at_either_pace() {
        let full = ingest(0.3).unwrap();
        assert!(full.frames_per_second > 0.0 && full.windows == WINDOWS, "{full:?}");
        let steady = soak(2.0, 20_000).unwrap();
        assert_eq!(steady.lost, 0, "{steady:?}");
        assert!(steady.messages > 10_000 && steady.report.conflated > 0, "{steady:?}");
        assert!(steady.report.connections == 3, "{steady:?}");
    }
}
