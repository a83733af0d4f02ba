//! The brain's snapshots: taken where nothing waits, as the real one takes them, and written a
//! moment later, as its background lane does it.

use super::Brain;
use crate::witness::Witness;
use aegis_backtest::{SNAPSHOT_LAYOUT, write_snapshot};
use aegis_journal::disk::SimDisk;
use aegis_node::Failure;
use aegis_node::door::Door;
use aegis_node::snapshots::{Beside, Schedule, Written};
use aegis_types::Nanos;

/// The lane has written a snapshot after that.
const LANE: Nanos = Nanos::from_millis(20);

/// What the witness knew where a snapshot was taken.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The first record that the snapshot has not seen.
    pub record: u64,
    /// Of the records before it.
    pub witness: Witness,
}

/// The snapshots of a process.
pub(super) struct Keep {
    schedule: Schedule,
    /// In the lane, and when the lane has its turn.
    lane: Option<(Nanos, Written)>,
    /// Taken since the last look.
    kept: Option<Kept>,
    /// The process dies so many writes within its next snapshot, which it takes at once.
    dies: Option<(SimDisk, u64)>,
}

impl Keep {
    pub(super) const fn new(schedule: Schedule) -> Self {
        Self { schedule, lane: None, kept: None, dies: None }
    }

    /// When the lane has something to do.
    pub(super) fn wake(&self) -> Nanos {
        self.lane.as_ref().map_or(Nanos::MAX, |(at, _)| *at)
    }
}

impl Brain {
    /// What the witness knew where a snapshot was taken since the last look.
    pub const fn take_kept(&mut self) -> Option<Kept> {
        self.keep.kept.take()
    }

    /// Takes a snapshot at its next turn, and dies within the call of so many that writes it.
    pub fn dies_in_snapshot(&mut self, disk: SimDisk, calls: u64) {
        self.keep.dies = Some((disk, calls));
    }

    /// Takes a snapshot when one is due and nothing waits, and lets the lane write what it has.
    pub(super) fn snapshots(&mut self, witness: &Witness) -> Result<(), Failure> {
        let now = self.machinery.clock.get();
        if let Some((_, written)) = self.keep.lane.take_if(|(at, _)| *at <= now) {
            if let Some((disk, calls)) = self.keep.dies.take() {
                disk.stop_after(calls);
            }
            // What is wrong with it is a warning: an older one serves, or the journal's start.
            written.write();
        }
        let (record, segment) = (self.recorder.records(), self.recorder.segment());
        let wanted = self.keep.dies.is_some() && self.keep.lane.is_none();
        let waits =
            self.initial.is_some() || !self.answers.is_empty() || !self.recorder.caught_up();
        if waits || !(wanted || self.keep.schedule.due(record, segment, || now)) {
            return Ok(());
        }
        let Door::Wire(wired) = self.driver.venue() else { return Ok(()) };
        let Some(seen) = wired.seen_all() else { return Ok(()) };
        let beside = Beside {
            sequencer: self.sequencer,
            days: Vec::new(),
            news: self.recorder.news(),
            underway: Some(wired.underway().clone()),
            seen,
            admission: Some(self.admission.clone()),
        };
        let Some(mut payload) = self.keep.schedule.begin(record, segment) else { return Ok(()) };
        let tally = self.recorder.tally();
        if !write_snapshot(&self.driver, tally, &beside.to_bytes(), &mut payload) {
            self.keep.schedule.give_back(payload);
            return Ok(());
        }
        let ticket = self.recorder.snapshot_here(SNAPSHOT_LAYOUT)?;
        self.keep.kept = Some(Kept { record, witness: witness.clone() });
        let job = self.keep.schedule.job(ticket, payload, self.driver.now());
        self.keep.lane = Some((now.after(LANE), job));
        Ok(())
    }
}
