//! What came of many seeds, as one object.

use crate::catalogue;
use crate::options::{Options, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The sums over many seeds.
#[derive(Clone, Debug, Default)]
pub struct Report {
    seeds: u64,
    steps: u64,
    facts: u64,
    events: u64,
    entries: u64,
    fills: u64,
    trades: u64,
    restarts: u64,
    snapshots: u64,
    limited: u64,
    crash_loops: u64,
    loops: u64,
    trace: u64,
    simulated_s: f64,
    busy_s: f64,
    fired: BTreeMap<&'static str, u64>,
    violations: Vec<Value>,
}

impl Report {
    /// Adds a seed that took so many seconds of one core.
    pub fn add(&mut self, outcome: &Outcome, took_s: f64) {
        self.seeds += 1;
        self.steps += outcome.steps;
        self.facts += outcome.facts;
        self.events += outcome.events;
        self.entries += outcome.entries;
        self.fills += outcome.fills;
        self.trades += outcome.trades;
        self.restarts += outcome.restarts;
        self.snapshots += outcome.snapshots;
        self.limited += outcome.limited;
        self.crash_loops += outcome.crash_loops;
        self.loops += outcome.loops;
        // A sum: seeds end in any order.
        self.trace = self.trace.wrapping_add(outcome.trace.wrapping_mul(outcome.seed | 1));
        self.simulated_s += outcome.simulated_s;
        self.busy_s += took_s;
        for (name, count) in &outcome.fired {
            *self.fired.entry(name).or_default() += count;
        }
        if let Some((violation, at, step)) = &outcome.violation {
            self.violations.push(json!({
                "seed": outcome.seed,
                "invariant": violation.invariant.name(),
                "at": at,
                "step": step,
                "what": violation.what,
            }));
        }
    }

    /// How many seeds broke an invariant.
    pub fn violations(&self) -> usize {
        self.violations.len()
    }

    /// Faults that the simulation proves and that never acted.
    pub fn never_fired(&self) -> Vec<&'static str> {
        let never = |name: &&str| !self.fired.contains_key(name);
        catalogue::simulated().map(|fault| fault.name).filter(never).collect()
    }

    /// Simulated seconds per second of one core.
    pub fn speedup(&self) -> f64 {
        if self.busy_s > 0.0 { self.simulated_s / self.busy_s } else { 0.0 }
    }

    /// Everything.
    pub fn json(&self, options: &Options) -> Value {
        let mut violations = self.violations.clone();
        violations.sort_by_key(|violation| violation["seed"].as_u64());
        json!({
            "seeds": self.seeds,
            "hours": options.hours,
            "steps": self.steps,
            "violations": self.violations.len(),
            "violation": violations,
            "faults_fired": self.fired,
            "faults_never_fired": self.never_fired(),
            "speedup": self.speedup().round(),
            "simulated_hours": (self.simulated_s / 36.0).round() / 100.0,
            "facts": self.facts,
            "events": self.events,
            "entries": self.entries,
            "fills": self.fills,
            "trades": self.trades,
            "restarts": self.restarts,
            "from_snapshots": self.snapshots,
            "rate_limited": self.limited,
            "crash_loops": self.crash_loops,
            "spinning_loops": self.loops,
            "trace": format!("{:016x}", self.trace),
        })
    }
}
