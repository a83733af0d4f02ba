//! `aegis chaos`: real processes under real faults.
//!
//! A round starts `aegis exchange` on a generated market a moment before a close at which the
//! engine enters, a TCP proxy before it, and `aegis run --venue local` behind that. One to four
//! faults of the [catalogue](catalogue::FAULTS), drawn by the round's seed, happen while orders are
//! on their way. Then all faults end, the node is given ten seconds to be where the exchange is,
//! every position is closed or kept with its stop, and what the node's journal says is compared
//! with what the exchange knows to be true.
//!
//! The one decision: nothing in here is a double. The node is the program as users run it, found by
//! its own status and journal only; what is true is asked of the exchange past the proxy. A seed
//! decides what is done and when; what that meets in real processes is not the same twice.
//!
//! ```text
//!  plan (seed) ──> round ──> stage: exchange ← proxy ← node   (process groups, a guard behind us)
//!                    │ faults, peace, end
//!                    └─> judge, protect, settle:  belief (journal) = truth (/sim/v1/truth)?
//! ```

pub mod belief;
pub mod catalogue;
pub mod disk;
pub mod draw;
pub mod http;
pub mod judge;
pub mod kills;
pub mod plan;
pub mod process;
pub mod protect;
pub mod proxy;
pub mod round;
pub mod scan;
pub mod settle;
pub mod stage;
pub mod truth;
pub mod wreck;

#[cfg(test)]
mod tests;

use aegis_types::{Qty, Side};
use catalogue::Fault;
use plan::Plan;
use round::{Failed, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Wall milliseconds between the market's begin and the close, at first.
const LEAD_MS: i64 = 2_200;
/// How often a round is tried again with more time when the node was not ready.
const TRIES: u32 = 4;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Rounds.
    pub rounds: u32,
    /// Seed of the first; each further round has the next one.
    pub seed: u64,
    /// Faults that may be drawn; all when empty.
    pub only: Vec<&'static Fault>,
    /// Keeps the folders of clean rounds too.
    pub keep: bool,
    /// Where rounds have their folders.
    pub folder: PathBuf,
}

/// What all rounds showed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rounds played to their end.
    pub rounds: u64,
    /// Rounds that could not be played on this machine, each with its reason.
    pub skipped: Vec<String>,
    /// Rounds in which something was not as it must be.
    pub violated: u64,
    /// Things that were not as they must be.
    pub violations: u64,
    /// Fills that the journal did not have.
    pub fills_lost: u64,
    /// Fills that the journal had twice.
    pub fills_doubled: u64,
    /// Positions without protection beyond the deadline.
    pub late: u64,
    /// As long, but nothing could be done, or a closing order was on its way.
    pub excused: u64,
    /// Wall ms from an entry's fill to its protection.
    pub protect_ms: Vec<f64>,
    /// Those of them in which no fault met the stop, and requests could be sent.
    pub undisturbed_ms: Vec<f64>,
    /// In how many rounds each fault acted.
    pub faults: BTreeMap<&'static str, u64>,
    /// Fills of all accounts.
    pub fills: u64,
    /// Orders sent.
    pub orders: u64,
    /// Seconds that it took.
    pub wall_s: f64,
}

impl Report {
    /// The report as an object.
    pub fn json(&self, options: &Options) -> Value {
        let names = catalogue::FAULTS.iter().map(|fault| fault.name);
        let meant = |name: &&str| {
            options.only.is_empty() || options.only.iter().any(|fault| fault.name == *name)
        };
        let never: Vec<&str> =
            names.filter(meant).filter(|name| !self.faults.contains_key(name)).collect();
        let tenths = |ms: f64| (ms * 10.0).round() / 10.0;
        let ms = |share| quantile(&self.protect_ms, share).map(tenths);
        let undisturbed_ms = |share| quantile(&self.undisturbed_ms, share).map(tenths);
        json!({
            "rounds": self.rounds,
            "violations": self.violations,
            "rounds_violated": self.violated,
            "rounds_skipped": self.skipped.len(),
            "fills_lost": self.fills_lost,
            "fills_doubled": self.fills_doubled,
            "unprotected_past_deadline": self.late,
            "unprotected_but_excused": self.excused,
            "protect_p50_ms": ms(0.5),
            "protect_p99_ms": ms(0.99),
            "protect_max_ms": ms(1.0),
            "entries": self.protect_ms.len(),
            "undisturbed_p50_ms": undisturbed_ms(0.5),
            "undisturbed_p99_ms": undisturbed_ms(0.99),
            "undisturbed_max_ms": undisturbed_ms(1.0),
            "entries_undisturbed": self.undisturbed_ms.len(),
            "orders": self.orders,
            "fills": self.fills,
            "faults": self.faults,
            "faults_never_fired": never,
            "seed": options.seed,
            "wall_s": tenths(self.wall_s),
        })
    }

    fn take(&mut self, verdict: &Verdict) {
        if let Some(why) = &verdict.skipped {
            self.skipped.push(why.clone());
            return;
        }
        self.rounds += 1;
        let found = verdict.findings.words.len() as u64;
        self.violations += found;
        self.violated += u64::from(found > 0);
        self.fills_lost += verdict.findings.fills_lost;
        self.fills_doubled += verdict.findings.fills_doubled;
        self.late += verdict.late;
        self.excused += verdict.excused;
        self.protect_ms.extend(&verdict.protect_ms);
        self.undisturbed_ms.extend(&verdict.undisturbed_ms);
        self.fills += verdict.fills;
        self.orders += verdict.orders;
        for name in &verdict.fired {
            *self.faults.entry(name).or_default() += 1;
        }
    }
}

/// A quantile; none of none.
fn quantile(of: &[f64], share: f64) -> Option<f64> {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = (last as f64 * share).ceil() as usize;
    sorted.get(place.min(last)).copied()
}

/// Plays rounds. `tell` hears of each: its plan, what became of it and how long it took, seconds.
///
/// # Errors
/// When a round could not be played, with its seed; what is not as it must be is in the report.
pub fn run(
    options: &Options,
    stopped: &dyn Fn() -> bool,
    mut tell: impl FnMut(&Plan, &Verdict, &Path, f64),
) -> Result<Report, String> {
    let began = Instant::now();
    let instants = scan::instants()?;
    if instants.is_empty() {
        return Err("the engine never enters on the generated market".to_owned());
    }
    let mut report = Report::default();
    for round in 0..options.rounds {
        if stopped() {
            break;
        }
        let plan = Plan::draw(options.seed.wrapping_add(u64::from(round)), &options.only);
        let folder = options.folder.join(format!("round-{}", plan.seed));
        let started = Instant::now();
        let place = plan.instant % instants.len() as u64;
        let instant = instants[usize::try_from(place).unwrap_or(0)];
        let verdict = match in_time(&plan, &folder, instant, stopped) {
            _ if stopped() => break,
            verdict => verdict?,
        };
        tell(&plan, &verdict, &folder, started.elapsed().as_secs_f64());
        report.take(&verdict);
        if verdict.findings.words.is_empty() && !options.keep {
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    report.wall_s = began.elapsed().as_secs_f64();
    Ok(report)
}

/// Plays a round, with more time before the close when the machine was too slow for it.
fn in_time(
    plan: &Plan,
    folder: &Path,
    instant: aegis_types::Nanos,
    stopped: &dyn Fn() -> bool,
) -> Result<Verdict, String> {
    let mut lead_ms = LEAD_MS;
    for _ in 0..TRIES {
        match round::play(plan, folder, instant, lead_ms, stopped) {
            Ok(verdict) => return Ok(verdict),
            Err(Failed::Harness(what)) => return Err(format!("round {}: {what}", plan.seed)),
            Err(Failed::Late) => {}
        }
        let _ = std::fs::remove_dir_all(folder);
        lead_ms *= 2;
    }
    Err(format!("round {}: the node is not ready within {lead_ms} ms", plan.seed))
}

/// A quantity with the sign of its side.
pub fn signed(side: Side, qty: Qty) -> Qty {
    match side {
        Side::Buy => qty,
        Side::Sell => Qty::from_raw(-qty.raw()),
    }
}
