//! The database's lane: notices to rows to a backlog to a database that may be down, locked, slow.

use crate::violation::{Invariant, Violation};
use aegis_backtest::Session;
use aegis_node::bus::{Noticed, Read, Subscription};
use aegis_node::dispatch::{Lanes, Priority};
use aegis_node::persist::projector;
use aegis_store::{Backlog, BacklogConfig, Input, Output, Projector, Row};
use aegis_types::Nanos;
use std::time::Duration;

/// How often the lane has its turn.
const EVERY: Nanos = Nanos::SECOND;
/// Rows that may wait.
const ROWS_MAX: usize = 2_000;
/// Jobs that a lane holds.
const LANE_JOBS: usize = 4;

/// The lane and its database.
pub struct Rows {
    session: Session,
    notices: Option<Subscription>,
    projector: Projector,
    backlog: Backlog,
    lanes: Lanes<()>,
    next: Nanos,
    /// No row is taken before then.
    pub down_until: Nanos,
    /// A batch takes so long.
    pub slow: Nanos,
    /// A batch is written then.
    writing: Option<Nanos>,
    taken: Vec<Noticed>,
    fresh: Vec<Row>,
    /// The bus has dropped this lane there.
    pub dropped_at: Option<u64>,
    /// Rows written.
    pub written: u64,
    /// Batches that failed.
    pub failed: u64,
    /// How often rows had to be made again from the journal.
    pub caught_up: u64,
}

impl Rows {
    /// Of a session.
    pub fn new(session: &Session) -> Self {
        Self {
            session: session.clone(),
            notices: None,
            projector: projector(session),
            backlog: Backlog::new(BacklogConfig { rows_max: ROWS_MAX, ..Default::default() }),
            lanes: Lanes::new(LANE_JOBS),
            next: Nanos::MAX,
            down_until: Nanos::ZERO,
            slow: Nanos::ZERO,
            writing: None,
            taken: Vec::new(),
            fresh: Vec::new(),
            dropped_at: None,
            written: 0,
            failed: 0,
            caught_up: 0,
        }
    }

    /// The lane of another brain, which tells everything from the start.
    pub fn begin_again(&mut self, notices: Subscription) {
        let (written, failed, caught_up) = (self.written, self.failed, self.caught_up);
        let (down_until, slow) = (self.down_until, self.slow);
        *self = Self { written, failed, caught_up, down_until, slow, ..Self::new(&self.session) };
        (self.notices, self.next) = (Some(notices), Nanos::ZERO);
    }

    /// When it has something to do.
    pub const fn next(&self) -> Nanos {
        self.next
    }

    /// Everything is in the database.
    pub fn is_drained(&self) -> bool {
        self.backlog.is_drained()
    }

    /// One turn.
    ///
    /// # Errors
    /// A queue that has grown beyond its bound.
    pub fn turn(&mut self, now: Nanos) -> Result<(), Violation> {
        self.next = now.after(EVERY);
        // A full lane holds a job as good as this one.
        let _ = self.lanes.push(Priority::Background, ());
        if self.lanes.pop(&Priority::ALL).is_none() {
            return Ok(());
        }
        let Some(notices) = &self.notices else { return Ok(()) };
        if let Read::Dropped(seq) = notices.read(&mut self.taken, Duration::ZERO) {
            // A lane that is too slow for the bus reads the journal instead, up to there and on.
            self.caught_up += 1;
            self.dropped_at = Some(seq);
        }
        let mut taken = std::mem::take(&mut self.taken);
        for Noticed { at, seq, notice } in taken.drain(..) {
            self.projector.notice(at, seq, &notice, &mut self.fresh);
            let mut fresh = std::mem::take(&mut self.fresh);
            self.step(now, Input::Rows { seq, rows: &mut fresh });
            self.fresh = fresh;
        }
        self.taken = taken;
        self.step(now, Input::Tick);
        if self.writing.is_some_and(|at| at <= now) {
            self.writing = None;
            let input = if now < self.down_until {
                self.failed += 1;
                Input::Failed { why: "the database is locked".to_owned() }
            } else {
                self.written += self.backlog.batch().len() as u64;
                Input::Written
            };
            self.step(now, input);
        }
        let high = self.backlog.high_water();
        if high > ROWS_MAX + LANE_JOBS {
            let what = format!("{high} rows wait where {ROWS_MAX} may");
            return Err(Violation::new(Invariant::I15, what));
        }
        Ok(())
    }

    fn step(&mut self, now: Nanos, input: Input<'_>) {
        let mut asked = Vec::new();
        self.backlog.step(now, input, &mut asked);
        for output in asked {
            match output {
                Output::Write => self.writing = Some(now.after(self.slow)),
                Output::CatchUp { .. } => self.caught_up += 1,
                Output::Alert(_) => {}
            }
        }
    }
}
