//! The ring between two processes, beside what the machine itself can do in the same run.
//!
//! Regimes:
//! - **ping-pong**: two processes bounce one word (same line) or two words (a line each) through
//!   shared memory; half a round trip is the floor of any message from core to core.
//! - **hand-over**: blocks of 8,192 lines, double-buffered, written by one process and read by
//!   the other; the ceiling of any rate.
//! - **latency**: one message every 2 µs, stamped before publishing, read by a spinning process.
//! - **rate**: gated, as fast as it goes, every word of every message verified.
//! - **overrun**: the writer ignores its reader; delivered + reported lost must be what was sent.
//! - **adaptive**: one message every 200 µs, flushed, to a reader that spins 20 µs and then
//!   sleeps, with its core free and beside a busy thread.
//! - **stopped**: the writer's rate while an attached reader is stopped, beside its rate alone.
//! - **kills**: writers killed at random moments; nothing torn, nothing doubled.
//!
//! Left out: more than one reader (two cores give no third place), and what follows the ring.
//! Rates are medians over chunks inside a run and then over runs, so that a run is not spoilt by
//! somebody else's time slice; p99 on a shared machine is the scheduler's, not the ring's.

mod flow;
mod kills;
mod limits;
mod partner;

use aegis_ring::Config;
use aegis_ring::machine::{self, pin_to_core};
use flow::{LATENCY_MESSAGES, Latency, Overrun, RATE_MESSAGES, Rate, Stopped, WAKE_MESSAGES, Wake};
use kills::Kills;
use limits::{HANDOVER_BLOCKS, HANDOVER_LINES, PINGPONGS, PONG_LINE};
use partner::{Bench, Partner, median, text};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What to measure.
#[derive(Clone, Debug)]
pub struct RingOptions {
    /// 1,000 kills and 10⁹ free-running messages instead of 50 and 10⁸.
    pub soak: bool,
    /// Runs of every regime; medians are over these. At least 1.
    pub runs: usize,
}

impl Default for RingOptions {
    fn default() -> Self {
        Self { soak: false, runs: 5 }
    }
}

const KILLS: u32 = 50;
const KILLS_SOAK: u32 = 1_000;
const OVERRUNS: u32 = 5;
const OVERRUNS_SOAK: u32 = 50;

/// How much the limit may change from before to after a figure that is compared with it.
const STEADY: f64 = 1.10;
/// How many tries a run may take to find a steady limit.
const TRIES_PER_RUN: usize = 4;

/// Measures everything; takes about ten seconds, with `soak` about half a minute.
///
/// The measuring is done by a process of its own, so that the caller is neither pinned to a core
/// nor taken out of its session.
///
/// # Errors
/// When there is only one core, shared memory refuses, or a child process fails: as text.
pub fn run(opts: &RingOptions) -> Result<Map<String, Value>, String> {
    let args = [opts.runs.max(1).to_string(), u8::from(opts.soak).to_string()];
    let mut measuring = Partner::spawn("all", args.into_iter())?;
    let line = measuring.line()?;
    match serde_json::from_str(&line) {
        Ok(Value::Object(figures)) => Ok(figures),
        _ => Err(line.trim_start_matches("error: ").to_owned()),
    }
}

/// The measuring process.
fn measure_all(runs: usize, soak: bool) -> Result<String, String> {
    let (near, far) = machine::core_pair()
        .ok_or("the ring bench needs two cores: this process may use only one; widen its cpuset")?;
    machine::end_with_parent();
    let first = machine::go_first();
    pin_to_core(near);
    let figures = Figures::measure(&Bench::new(far)?, runs, soak)?;
    let mut out = figures.to_json();
    out.insert("cores".to_owned(), json!([near, far]));
    out.insert("capacity".to_owned(), json!(Config::default().capacity));
    out.insert("soak".to_owned(), json!(soak));
    out.insert("priority_raised".to_owned(), json!(first));
    out.insert("samples".to_owned(), json!(runs as u64 * LATENCY_MESSAGES));
    out.insert("sample_counts".to_owned(), sample_counts(runs));
    out.insert("bars".to_owned(), bars(&out));
    Ok(Value::Object(out).to_string())
}

/// Figures of the ring, each with the machine's limit before and after it.
struct Compared<T> {
    runs: Vec<(f64, T)>,
    tries: usize,
}

/// Takes `runs` figures, each between two looks at the limit. Where the limit changed meanwhile
/// (another tenant, a moved virtual core) the figure is taken again, up to a bound; then those
/// count whose limit was steadiest.
fn compare<T>(
    runs: usize,
    mut limit: impl FnMut() -> Result<f64, String>,
    mut figure: impl FnMut() -> Result<T, String>,
) -> Result<Compared<T>, String> {
    let mut taken = Vec::new();
    let (mut steady, mut tries) = (0, 0);
    while steady < runs && tries < runs * TRIES_PER_RUN {
        let before = limit()?;
        let value = figure()?;
        let after = limit()?;
        let drift = before.max(after) / before.min(after);
        steady += usize::from(drift <= STEADY);
        tries += 1;
        taken.push((drift, (before + after) / 2.0, value));
    }
    taken.sort_by(|a, b| a.0.total_cmp(&b.0));
    taken.truncate(runs);
    Ok(Compared {
        runs: taken.into_iter().map(|(_, limit, value)| (limit, value)).collect(),
        tries,
    })
}

impl<T> Compared<T> {
    fn median(&self, of: impl Fn(f64, &T) -> f64) -> f64 {
        median(&mut self.runs.iter().map(|(limit, value)| of(*limit, value)).collect::<Vec<_>>())
    }
}

/// Everything that is measured.
struct Figures {
    same_line_ns: f64,
    latency: Compared<Latency>,
    rate: Compared<Rate>,
    rates_torn: f64,
    rates_unaccounted: f64,
    overrun: Overrun,
    idle: Wake,
    busy: Wake,
    stopped: Stopped,
    kills: Kills,
}

impl Figures {
    fn measure(bench: &Bench, runs: usize, soak: bool) -> Result<Self, String> {
        let mut same_line = Vec::with_capacity(runs);
        for _ in 0..runs {
            same_line.push(limits::pingpong(bench, 0)?);
        }
        let pingpong = || limits::pingpong(bench, PONG_LINE);
        let latency = compare(runs, pingpong, || flow::latency(bench))?;
        let (mut rates_torn, mut rates_unaccounted) = (0.0, 0.0);
        let rate = compare(
            runs,
            || limits::handover(bench),
            || {
                let rate = flow::rate(bench)?;
                rates_torn += rate.torn;
                rates_unaccounted += rate.unaccounted;
                Ok(rate)
            },
        )?;
        Ok(Self {
            same_line_ns: median(&mut same_line),
            latency,
            rate,
            rates_torn,
            rates_unaccounted,
            overrun: flow::overrun(bench, if soak { OVERRUNS_SOAK } else { OVERRUNS })?,
            idle: flow::wake(bench, runs, false)?,
            busy: flow::wake(bench, runs, true)?,
            stopped: flow::stopped_reader(bench, runs)?,
            kills: kills::kills(bench, if soak { KILLS_SOAK } else { KILLS })?,
        })
    }

    fn to_json(&self) -> Map<String, Value> {
        let (latency, rate) = (&self.latency, &self.rate);
        let (overrun, kills, stopped) = (&self.overrun, &self.kills, &self.stopped);
        let measured = [
            ("p50_ns", latency.median(|_, l| l.p50)),
            ("p99_ns", latency.median(|_, l| l.p99)),
            ("p50_with_clock_ns", latency.median(|_, l| l.p50 + l.clock)),
            ("clock_ns", latency.median(|_, l| l.clock)),
            ("p50_over_two_line_pingpong", latency.median(|limit, l| l.p50 / limit)),
            ("two_line_pingpong_ns", latency.median(|limit, _| limit)),
            ("same_line_pingpong_ns", self.same_line_ns),
            ("rate_per_second", rate.median(|_, r| r.median)),
            ("rate_whole_run_per_second", rate.median(|_, r| r.mean)),
            ("rate_over_line_handover", rate.median(|limit, r| r.median / limit)),
            ("line_handover_per_second", rate.median(|limit, _| limit)),
            ("adaptive_busy_p50_us", self.busy.p50_us),
            ("adaptive_busy_p99_us", self.busy.p99_us),
            ("adaptive_idle_p50_us", self.idle.p50_us),
            ("adaptive_idle_p99_us", self.idle.p99_us),
            ("flush_of_sleeper_p50_ns", self.idle.flush_p50_ns),
            ("writer_alone_per_second", stopped.alone),
            ("stopped_reader_over_alone", stopped.beside_stopped / stopped.alone),
            ("recovery_p50_ms", kills.recovery_p50_ms),
            ("recovery_max_ms", kills.recovery_max_ms),
        ];
        let counted = [
            ("torn", self.rates_torn + overrun.torn + kills.torn),
            ("unaccounted", self.rates_unaccounted + overrun.unaccounted),
            ("overrun_sent", overrun.sent),
            ("overrun_delivered", overrun.delivered),
            ("overrun_reported_lost", overrun.lost),
            ("kills", f64::from(kills.kills)),
            ("kill_messages_checked", kills.messages),
            ("kills_doubled_or_disordered", kills.disordered),
            ("latency_tries", latency.tries as f64),
            ("rate_tries", rate.tries as f64),
        ];
        let measured = measured.map(|(key, v)| (key, json!((v * 1_000.0).round() / 1_000.0)));
        let counted = counted.map(|(key, v)| (key, json!(v as u64)));
        measured.into_iter().chain(counted).map(|(key, v)| (key.to_owned(), v)).collect()
    }
}

fn sample_counts(runs: usize) -> Value {
    json!({
        "runs": runs,
        "latency_messages": LATENCY_MESSAGES,
        "rate_messages": RATE_MESSAGES,
        "pingpongs": PINGPONGS,
        "handover_lines": HANDOVER_BLOCKS * HANDOVER_LINES as u64,
        "adaptive_messages": WAKE_MESSAGES,
    })
}

/// The bars that this bench is held to, and whether this run holds them.
fn bars(out: &Map<String, Value>) -> Value {
    let at_most = [
        ("p50_ns", 200.0),
        ("p50_over_two_line_pingpong", 1.25),
        ("adaptive_busy_p50_us", 50.0),
        ("torn", 0.0),
        ("unaccounted", 0.0),
        ("kills_doubled_or_disordered", 0.0),
    ];
    let at_least = [("rate_per_second", 100e6), ("rate_over_line_handover", 0.70)];
    let value = |key: &str| out.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let most = at_most.iter().map(|(key, bar)| {
        json!({ "key": key, "value": value(key), "at_most": bar, "held": value(key) <= *bar })
    });
    let least = at_least.iter().map(|(key, bar)| {
        json!({ "key": key, "value": value(key), "at_least": bar, "held": value(key) >= *bar })
    });
    most.chain(least).collect()
}

/// Another process of this bench: arguments after `bench-child ring`. Returns its exit code.
pub fn child(args: &[String]) -> i32 {
    let args = if args.first().is_some_and(|a| a == "ring") { &args[1..] } else { args };
    match answer(args) {
        Ok(line) => {
            println!("{line}");
            0
        }
        Err(e) => {
            println!("error: {e}");
            1
        }
    }
}

fn answer(args: &[String]) -> Result<String, String> {
    const USAGE: &str = "bench-child is for the bench's own processes; run `aegis bench ring`";
    if let [task, runs, soak] = args
        && task == "all"
    {
        return measure_all(runs.parse().map_err(|_| USAGE)?, soak == "1");
    }
    let [task, path, core, rate, numbers @ ..] = args else { return Err(USAGE.to_owned()) };
    let number = |i: usize| numbers.get(i).and_then(|n| n.parse::<u64>().ok()).ok_or(USAGE);
    let path = Path::new(path);
    let core = core.parse().map_err(text)?;
    let ticks_per_ns = rate.parse().map_err(text)?;
    machine::end_with_parent();
    pin_to_core(core);
    match task.as_str() {
        "pong" => limits::pong_child(path, number(0)?, number(1)?),
        "emptier" => limits::emptier_child(path, ticks_per_ns),
        "latency" => flow::latency_child(path, number(0)?),
        "rate" => flow::rate_child(path, number(0)?, ticks_per_ns),
        "overrun" => flow::overrun_child(path),
        "wake" => flow::wake_child(path, number(0)?, number(1)? != 0, core),
        "endless" => kills::endless_child(path),
        _ => Err(USAGE.to_owned()),
    }
}
