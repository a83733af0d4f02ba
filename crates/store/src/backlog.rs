//! What stands between the bus and a database that may be slow, locked or dead: a bounded queue
//! with back-off, as a plain step machine. The thread around it only carries out what it asks.
//!
//! ```text
//!  Rows ──→ queue ──Write──→ Store ──Written──→ next batch
//!            │ full                └─Failed───→ wait 0.1 s, 0.2 s … 30 s, then the same batch
//!            └ drop from seq n on … queue drained ──→ CatchUp {n, until} (from the journal)
//! ```

use crate::row::Row;
use aegis_types::Nanos;
use std::collections::VecDeque;
use std::fmt;

/// Limits of a backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogConfig {
    /// Rows that may wait; beyond, rows are dropped and later made again from the journal.
    pub rows_max: usize,
    /// Rows of one transaction.
    pub batch_max: usize,
    /// First pause after a failure; doubles with each.
    pub backoff_min: Nanos,
    /// Longest pause.
    pub backoff_max: Nanos,
}

impl Default for BacklogConfig {
    fn default() -> Self {
        Self {
            rows_max: 100_000,
            batch_max: 1_000,
            backoff_min: Nanos::from_millis(100),
            backoff_max: Nanos::from_millis(30_000),
        }
    }
}

/// What happens to a backlog.
#[derive(Debug)]
pub enum Input<'a> {
    /// The rows of one event; taken, or dropped whole.
    Rows {
        /// The event's sequence.
        seq: u64,
        /// Left empty.
        rows: &'a mut Vec<Row>,
    },
    /// The batch asked for with [`Output::Write`] is in the database.
    Written,
    /// It is not; nothing of it was written.
    Failed {
        /// What the store said.
        why: String,
    },
    /// Time passes.
    Tick,
}

/// What a backlog asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write [`Backlog::batch`] and answer `Written` or `Failed`. Never asked twice at once.
    Write,
    /// Make the rows of events `from..until` again from the journal and write them; rows of later
    /// events are queued here already.
    CatchUp {
        /// First sequence whose rows were dropped.
        from: u64,
        /// First sequence behind them.
        until: u64,
    },
    /// Tell the operator.
    Alert(Alert),
}

/// News for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// A batch could not be written. The first of a row is an error, the rest are warnings.
    Failing {
        /// What the store said.
        why: String,
        /// Failures in a row.
        failures: u32,
        /// When the batch is tried again.
        retry_in: Nanos,
        /// Rows that wait.
        waiting: usize,
    },
    /// The queue is full and rows are being dropped.
    Dropping {
        /// First sequence whose rows are dropped.
        from: u64,
        /// The queue's capacity.
        capacity: usize,
    },
    /// The database takes rows again.
    Recovered {
        /// Failures before.
        failures: u32,
        /// Rows that still wait.
        waiting: usize,
    },
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { why, failures, retry_in, waiting } => write!(
                f,
                "store: rows are not being written ({why}); trading goes on; attempt {failures} \
                 failed, next in {} ms, {waiting} rows wait",
                retry_in.as_millis()
            ),
            Self::Dropping { from, capacity } => write!(
                f,
                "store: {capacity} rows wait and no more fit; rows from event {from} on are \
                 dropped and will be made again from the journal; trading goes on"
            ),
            Self::Recovered { failures, waiting } => write!(
                f,
                "store: the database takes rows again after {failures} failed attempts; {waiting} \
                 rows wait"
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing asked for.
    Idle,
    /// A batch of so many rows is being written.
    Writing(usize),
    /// The last batch failed; wait until then.
    Waiting(Nanos),
}

/// The queue of rows on their way to the database.
#[derive(Debug)]
pub struct Backlog {
    config: BacklogConfig,
    queue: VecDeque<Row>,
    state: State,
    failures: u32,
    /// First and one past the last sequence whose rows were dropped.
    lost: Option<(u64, u64)>,
    dropped: u64,
    high_water: usize,
}

impl Backlog {
    /// Empty.
    pub fn new(config: BacklogConfig) -> Self {
        Self {
            config,
            queue: VecDeque::new(),
            state: State::Idle,
            failures: 0,
            lost: None,
            dropped: 0,
            high_water: 0,
        }
    }

    /// The rows to be written now; constant from [`Output::Write`] to its answer.
    pub fn batch(&mut self) -> &[Row] {
        let rows = match self.state {
            State::Writing(rows) => rows,
            _ => 0,
        };
        &self.queue.make_contiguous()[..rows]
    }

    /// Rows that wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Most rows that ever waited.
    pub const fn high_water(&self) -> usize {
        self.high_water
    }

    /// Rows that may wait.
    pub const fn capacity(&self) -> usize {
        self.config.rows_max
    }

    /// Rows dropped since the start; each was, or will be, asked for again.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Everything handed in is in the database, and nothing waits for a catch-up.
    pub fn is_drained(&self) -> bool {
        self.queue.is_empty() && self.lost.is_none()
    }

    /// Failures in a row; 0 when all is well.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// When a `Tick` is needed at the latest; `None` when none is.
    pub const fn wake_at(&self) -> Option<Nanos> {
        match self.state {
            State::Waiting(until) => Some(until),
            _ => None,
        }
    }

    /// One step.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Rows { seq, rows } => self.take(seq, rows, out),
            Input::Written => self.written(out),
            Input::Failed { why } => self.failed(now, why, out),
            Input::Tick => {}
        }
        let due = match self.state {
            State::Idle => true,
            State::Writing(_) => false,
            State::Waiting(until) => now >= until,
        };
        if due && !self.queue.is_empty() {
            self.state = State::Writing(self.queue.len().min(self.config.batch_max.max(1)));
            out.push(Output::Write);
        }
    }

    fn take(&mut self, seq: u64, rows: &mut Vec<Row>, out: &mut Vec<Output>) {
        if rows.is_empty() {
            return;
        }
        // One event's rows always fit an empty queue: the engine bounds them.
        let full = !self.queue.is_empty() && self.queue.len() + rows.len() > self.config.rows_max;
        match &mut self.lost {
            // Once something is missing, later rows wait for the same catch-up: one gap, not many.
            Some((_, until)) => *until = seq + 1,
            None if full => {
                self.lost = Some((seq, seq + 1));
                let capacity = self.config.rows_max;
                out.push(Output::Alert(Alert::Dropping { from: seq, capacity }));
            }
            None => {
                self.queue.extend(rows.drain(..));
                self.high_water = self.high_water.max(self.queue.len());
                return;
            }
        }
        self.dropped += rows.len() as u64;
        rows.clear();
    }

    fn written(&mut self, out: &mut Vec<Output>) {
        let State::Writing(rows) = self.state else { return };
        self.queue.drain(..rows);
        self.state = State::Idle;
        if self.failures > 0 {
            let failures = std::mem::take(&mut self.failures);
            let waiting = self.queue.len();
            out.push(Output::Alert(Alert::Recovered { failures, waiting }));
        }
        if self.queue.is_empty()
            && let Some((from, until)) = self.lost.take()
        {
            out.push(Output::CatchUp { from, until });
        }
    }

    fn failed(&mut self, now: Nanos, why: String, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Writing(_)) {
            return;
        }
        let doubled = 1i64.checked_shl(self.failures.min(40)).unwrap_or(i64::MAX);
        let pause = self.config.backoff_min.times(doubled).min(self.config.backoff_max);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting(now.after(pause));
        out.push(Output::Alert(Alert::Failing {
            why,
            failures: self.failures,
            retry_in: pause,
            waiting: self.queue.len(),
        }));
    }
}
