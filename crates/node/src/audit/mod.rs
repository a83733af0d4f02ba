//! The preflight: four phases of live checks, a verdict, and a report that a person can act on.
//!
//! Every check does the thing it talks about: it computes, opens, forks, kills, recovers; nothing
//! is taken from an earlier run but what the build embedded (crate graph, tidy), and that says so.
//! Bad settings never stop the audit: they are its findings.

mod child;
mod configuration;
mod dry_run;
mod integrity;
mod performance;
mod render;
mod resilience;
mod security;
mod venue;

pub use child::run as child;

use crate::{EXIT_NO_GO, EXIT_OK, clock};
use aegis_settings::{Settings, Violations};
use serde::Serialize;
use std::path::PathBuf;

/// What the verdict is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Simulated orders.
    Sim,
    /// Real orders.
    Live,
}

/// What is audited.
pub struct Options {
    /// State folder.
    pub home: PathBuf,
    /// The settings file that is read, if there is one.
    pub file: Option<PathBuf>,
    /// Settings, or everything that is wrong with them.
    pub settings: Result<Settings, Violations>,
    /// What the verdict is for.
    pub purpose: Purpose,
}

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Works, but somebody should know.
    Warn,
    /// Must not trade.
    Fail,
    /// Not checked, for the reason given.
    Skip,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Stable id.
    pub id: String,
    /// Phase it belongs to, 1 to 4.
    pub phase: u8,
    /// Component of the summary it counts for.
    pub component: &'static str,
    /// Outcome.
    pub status: Status,
    /// What was seen.
    pub reason: String,
    /// What to do, when there is something to do.
    pub hint: String,
    /// Milliseconds it took.
    pub ms: f64,
}

/// What a check found.
pub struct Finding {
    status: Status,
    reason: String,
    hint: String,
}

impl Finding {
    fn pass(reason: impl Into<String>) -> Self {
        Self { status: Status::Pass, reason: reason.into(), hint: String::new() }
    }
    fn warn(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: Status::Warn, reason: reason.into(), hint: hint.into() }
    }
    fn fail(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status: Status::Fail, reason: reason.into(), hint: hint.into() }
    }
    fn skip(reason: impl Into<String>) -> Self {
        Self { status: Status::Skip, reason: reason.into(), hint: String::new() }
    }
}

/// Components of the summary.
pub const COMPONENTS: [&str; 6] = [
    "code integrity",
    "configuration",
    "data layer",
    "concurrency",
    "error handling",
    "API signing",
];

/// Names of the phases, first to fourth.
pub const PHASES: [&str; 4] =
    ["integrity", "configuration and secrets", "dry run", "concurrency and resilience"];

/// Collects checks and their times.
pub struct Auditor {
    phase: u8,
    checks: Vec<Check>,
}

impl Auditor {
    /// Runs one check and notes what it found and how long it took.
    fn check(&mut self, id: &str, component: &'static str, check: impl FnOnce() -> Finding) {
        let started = clock::monotonic();
        let Finding { status, reason, hint } = check();
        let ms = clock::monotonic().since(started).0 as f64 / 1e6;
        self.checks.push(Check {
            id: id.to_owned(),
            phase: self.phase,
            component,
            status,
            reason,
            hint,
            ms: (ms * 1e3).round() / 1e3,
        });
    }
}

/// Time of a phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// Milliseconds it took.
    pub ms: f64,
}

/// Something measured during the audit, beside the floor it is held to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Slower than this is worth a warning.
    pub floor: f64,
}

/// The audit's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// `GO` or `NO-GO`.
    pub verdict: &'static str,
    /// What it is for: `simulated` or `live`.
    pub mode: &'static str,
    /// Every check.
    pub checks: Vec<Check>,
    /// Time by phase.
    pub phases: Vec<Phase>,
    /// Milliseconds in all.
    pub total_ms: f64,
    /// Measured on the spot.
    pub performance: Vec<Measured>,
    /// Version of the program.
    pub version: &'static str,
    /// Commit it was built from.
    pub commit: &'static str,
    /// When, UTC.
    pub date: String,
}

impl Report {
    /// What failed, in a line each.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.checks.iter().filter(|check| check.status == Status::Fail);
        let line = |check: &Check| match check.hint.as_str() {
            "" => format!("{} ({})", check.reason, check.id),
            hint => format!("{} ({}): {hint}", check.reason, check.id),
        };
        failed.map(line).collect()
    }

    /// May trading begin?
    pub fn is_go(&self) -> bool {
        self.verdict == "GO"
    }

    /// Exit code of the command: 0 for GO, 3 for NO-GO.
    pub fn exit_code(&self) -> i32 {
        if self.is_go() { EXIT_OK } else { EXIT_NO_GO }
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Runs all four phases.
pub fn run(options: &Options) -> Report {
    let started = clock::monotonic();
    let mut auditor = Auditor { phase: 0, checks: Vec::with_capacity(64) };
    let mut performance = Vec::new();
    let mut phases = Vec::new();
    for (index, name) in PHASES.into_iter().enumerate() {
        let began = clock::monotonic();
        auditor.phase = index as u8 + 1;
        match index {
            0 => integrity::phase(&mut auditor),
            1 => {
                configuration::phase(&mut auditor, options);
                security::phase(&mut auditor, options);
                venue::phase(&mut auditor, options);
            }
            2 => dry_run::phase(&mut auditor, &mut performance),
            _ => resilience::phase(&mut auditor, options, &mut performance),
        }
        phases.push(Phase { name, ms: ms_since(began) });
    }
    auditor.check("performance", "concurrency", || performance::finding(&performance));
    let failed = auditor.checks.iter().any(|c| c.status == Status::Fail);
    Report {
        verdict: if failed { "NO-GO" } else { "GO" },
        mode: if options.purpose == Purpose::Live { "live" } else { "simulated" },
        checks: auditor.checks,
        phases,
        total_ms: ms_since(started),
        performance,
        version: env!("CARGO_PKG_VERSION"),
        commit: crate::session::COMMIT,
        date: clock::wall().utc().to_string(),
    }
}

fn ms_since(started: aegis_types::Nanos) -> f64 {
    (clock::monotonic().since(started).0 as f64 / 1e3).round() / 1e3
}
