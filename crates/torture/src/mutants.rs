//! The mutation run: each mistake made by hand is switched on, and the seeds are run until one of
//! them finds it. What a simulation cannot find when it is there, it cannot rule out either.
//!
//! A mistake is a switch of the whole process ([`aegis_types::defect`]), so they are tried one
//! after the other; the seeds of one mistake are spread over threads.

use crate::{Options, Outcome, run};
use aegis_types::defect::{self, Defect};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What came of one mistake.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The mistake; none for the run without any, in which nothing may be found.
    pub defect: Option<Defect>,
    /// Seeds that were run.
    pub tried: u64,
    /// The first that found something, by number.
    pub found: Option<Outcome>,
}

/// Switches a mistake on and runs seeds, in order, until one violates an invariant.
pub fn hunt(
    defect: Option<Defect>,
    seeds: RangeInclusive<u64>,
    threads: usize,
    options: &Options,
) -> Hunt {
    defect::switch(defect);
    let next = AtomicU64::new(*seeds.start());
    let found: Mutex<Option<Outcome>> = Mutex::new(None);
    let tried = AtomicU64::new(0);
    let lock = || found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let done = lock().as_ref().is_some_and(|first| first.seed < seed);
                    if seed > *seeds.end() || done {
                        return;
                    }
                    let outcome = run(seed, options);
                    tried.fetch_add(1, Ordering::Relaxed);
                    if outcome.violation.is_some() {
                        let mut first = lock();
                        if first.as_ref().is_none_or(|first| seed < first.seed) {
                            *first = Some(outcome);
                        }
                    }
                }
            });
        }
    });
    defect::switch(None);
    let found = lock().take();
    Hunt { defect, tried: tried.into_inner(), found }
}
