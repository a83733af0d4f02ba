//! From a failing seed to the least that still fails: fewer hours, then fewer kinds of faults.

use crate::options::{Options, Outcome};
use crate::run::run;
use crate::violation::Invariant;

/// The least that was found.
#[derive(Clone, Debug)]
pub struct Least {
    /// With these options it fails.
    pub options: Options,
    /// What comes of it.
    pub outcome: Outcome,
    /// Runs that it took.
    pub runs: u32,
}

fn fails(outcome: &Outcome) -> Option<Invariant> {
    outcome.violation.as_ref().map(|(violation, ..)| violation.invariant)
}

/// Looks for less that fails with the same invariant. What failed must be given with its outcome.
pub fn shrink(
    seed: u64,
    options: &Options,
    outcome: &Outcome,
    mut told: impl FnMut(&str),
) -> Least {
    let names = || outcome.drawn.iter().map(|name| (*name).to_owned()).collect();
    let faults = options.faults.clone().unwrap_or_else(names);
    let mut least = Least {
        options: Options { faults: Some(faults), trace: false, ..options.clone() },
        outcome: outcome.clone(),
        runs: 0,
    };
    let wanted = fails(outcome);
    let attempt = |least: &mut Least, options: Options| {
        let outcome = run(seed, &options);
        least.runs += 1;
        let same = fails(&outcome) == wanted;
        if same {
            (least.options, least.outcome) = (options, outcome);
        }
        same
    };
    // Not beyond the instant at which it failed.
    let hours = (outcome.simulated_s / 3_600.0 + 0.01).min(options.hours);
    let shorter = Options { hours, ..least.options.clone() };
    attempt(&mut least, shorter);
    let mut index = 0;
    while let Some(name) = least.options.faults.as_ref().and_then(|f| f.get(index)).cloned() {
        let mut fewer = least.options.clone();
        fewer.faults = fewer.faults.map(|f| f.into_iter().filter(|n| *n != name).collect());
        if attempt(&mut least, fewer) {
            told(&format!("fails without {name} too"));
        } else {
            index += 1;
        }
    }
    let halves = [0.5, 0.75, 0.9];
    for part in halves {
        let shorter = Options { hours: least.options.hours * part, ..least.options.clone() };
        if attempt(&mut least, shorter) {
            told(&format!("fails within {:.2} h too", least.options.hours));
        }
    }
    least
}
