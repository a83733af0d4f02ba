//! Runs a target so many times, and says where it failed.

use crate::draw::Draw;
use crate::mutate::{LENGTH_MAX, mutate};
use crate::targets::Target;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Inputs that were accepted and are kept as seeds beside those that a target brings.
const POOL_MAX: usize = 256;
/// Of so many accepted inputs one is kept, when there is room: neighbours are alike.
const KEEP_ONE_IN: u64 = 16;
/// Executions between two looks at the clock.
const BATCH: u64 = 256;

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Inputs that were given.
    pub executions: u64,
    /// Inputs that the target took for good ones.
    pub accepted: u64,
    /// How long it took.
    pub took: Duration,
}

/// A target has panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub target: &'static str,
    /// Seed of the run.
    pub seed: u64,
    /// Which execution.
    pub execution: u64,
    /// The panic's message.
    pub message: String,
    /// The input.
    pub input: Vec<u8>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, seed, execution, message, input } = self;
        write!(f, "{target}: seed {seed}, execution {execution}: {message}\n  bytes ")?;
        input.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "\n  text  {:?}", String::from_utf8_lossy(input))
    }
}

/// The inputs of a run, one after the other.
struct Inputs {
    seed: u64,
    pool: Vec<Vec<u8>>,
    given: usize,
    accepted: u64,
    words: &'static [&'static str],
    bytes: Vec<u8>,
}

impl Inputs {
    fn new(target: &Target, seed: u64) -> Self {
        let mut pool = (target.seeds)();
        pool.push(Vec::new());
        let given = pool.len();
        let bytes = Vec::with_capacity(2 * LENGTH_MAX);
        Self { seed, pool, given, accepted: 0, words: target.words, bytes }
    }

    /// The first executions are the seeds as they are.
    fn make(&mut self, execution: u64) {
        self.bytes.clear();
        if let Some(seed) = self.pool.get(execution as usize).filter(|_| self.is_given(execution)) {
            self.bytes.extend_from_slice(seed);
            return;
        }
        let mut draw = Draw::of(self.seed, execution);
        if let Some(first) = draw.pick(&self.pool) {
            self.bytes.extend_from_slice(first);
        }
        mutate(&mut self.bytes, &self.pool, self.words, &mut draw);
    }

    fn is_given(&self, execution: u64) -> bool {
        execution < self.given as u64
    }

    fn note(&mut self, execution: u64) {
        self.accepted += 1;
        if self.is_given(execution) || !self.accepted.is_multiple_of(KEEP_ONE_IN) {
            return;
        }
        if self.pool.len() < POOL_MAX {
            self.pool.push(self.bytes.clone());
        } else {
            let at = Draw::of(!self.seed, execution).below(POOL_MAX - self.given);
            self.pool[self.given + at].clone_from(&self.bytes);
        }
    }
}

/// Gives a target so many inputs by seed, or as many as fit into `within`.
///
/// # Errors
/// The first input that makes it panic. The panic's own report goes where the process sends it.
pub fn run(
    target: &Target,
    seed: u64,
    executions: u64,
    within: Option<Duration>,
) -> Result<Outcome, Box<Failure>> {
    let started = Instant::now();
    let mut inputs = Inputs::new(target, seed);
    let execution = Cell::new(0);
    // One guard around all: a guard for each would cost more than most targets.
    let ended = catch_unwind(AssertUnwindSafe(|| {
        while execution.get() < executions {
            let n = execution.get();
            if n.is_multiple_of(BATCH) && within.is_some_and(|within| started.elapsed() > within) {
                break;
            }
            inputs.make(n);
            if (target.run)(&inputs.bytes) {
                inputs.note(n);
            }
            execution.set(n + 1);
        }
    }));
    match ended {
        Ok(()) => Ok(Outcome {
            executions: execution.get(),
            accepted: inputs.accepted,
            took: started.elapsed(),
        }),
        Err(panic) => Err(Box::new(Failure {
            target: target.name,
            seed,
            execution: execution.get(),
            message: message(&*panic),
            input: inputs.bytes,
        })),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}

/// Gives a target one input.
///
/// # Errors
/// When it panics.
pub fn replay(target: &Target, input: &[u8]) -> Result<bool, Box<Failure>> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|panic| {
        Box::new(Failure {
            target: target.name,
            seed: 0,
            execution: 0,
            message: message(&*panic),
            input: input.to_vec(),
        })
    })
}
