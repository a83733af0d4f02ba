//! What is asked of a run, and what came of it.

use crate::violation::Violation;
use std::collections::BTreeMap;

/// What is asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Hours of market time with faults; what follows is until the system is whole again.
    pub hours: f64,
    /// Only these faults, by name, instead of those that the seed draws; all in the catalogue's
    /// words.
    pub faults: Option<Vec<String>>,
    /// Keep the whole story.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { hours: 6.0, faults: None, trace: false }
    }
}

/// What came of one seed.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Instants at which something happened.
    pub steps: u64,
    /// Simulated seconds, both phases together.
    pub simulated_s: f64,
    /// Books, marks and candles that the exchange told.
    pub facts: u64,
    /// Events that the engine saw.
    pub events: u64,
    /// Entries commanded.
    pub entries: u64,
    /// Fills told.
    pub fills: u64,
    /// Positions closed.
    pub trades: u64,
    /// Brains started again.
    pub restarts: u64,
    /// How many of them began behind a snapshot.
    pub snapshots: u64,
    /// Answers with 429 that no fault made.
    pub limited: u64,
    /// How often somebody asked again and again without time passing: a loop that spins.
    pub loops: u64,
    /// How often a supervisor gave up, and the operator went on.
    pub crash_loops: u64,
    /// How often each fault acted.
    pub fired: BTreeMap<&'static str, u64>,
    /// Faults that the seed had drawn.
    pub drawn: Vec<&'static str>,
    /// What must not be: when, after so many steps.
    pub violation: Option<(Violation, String, u64)>,
    /// What happened before.
    pub story: Vec<String>,
    /// Hash of everything that was carried.
    pub trace: u64,
}
