//! The brain's snapshots: taken where nothing waits, written by the background lane.

use super::{Brain, Job};
use crate::Failure;
use crate::clock;
use crate::dispatch::{LaneFull, Priority};
use crate::door::Door;
use crate::snapshots::Beside;
use aegis_backtest::{SNAPSHOT_LAYOUT, write_snapshot};
use aegis_types::Nanos;

/// A snapshot that takes the engine's thread longer than this is worth a line in the log.
const LONG: Nanos = Nanos(50_000_000);

impl Brain {
    /// Takes a snapshot when one is due and nothing waits: the journal is flushed, every answer was
    /// given to the engine, no fact is in hand.
    pub(super) fn snapshot_when_due(&mut self) -> Result<(), Failure> {
        let (record, segment) = (self.recorder.records(), self.recorder.segment());
        if !self.schedule.due(record, segment, clock::monotonic) || !self.nothing_waits() {
            return Ok(());
        }
        let Some(snapshot) = self.take_snapshot()? else { return Ok(()) };
        if let Err(LaneFull(Job::Snapshot(snapshot))) =
            self.lanes.push(Priority::DataIngestion, Job::Snapshot(Box::new(snapshot)))
        {
            self.schedule.give_back(snapshot.into_payload());
        }
        Ok(())
    }

    /// The state as it is left, written at once: the next start begins there.
    pub(super) fn last_snapshot(&mut self) -> Result<(), Failure> {
        if self.schedule.is_off() || !self.nothing_waits() {
            return Ok(());
        }
        if let Some(snapshot) = self.take_snapshot()? {
            snapshot.write();
        }
        Ok(())
    }

    fn nothing_waits(&self) -> bool {
        let answered = self.live.as_ref().is_none_or(|live| live.answers.is_empty());
        self.initial.is_none() && answered && self.recorder.caught_up()
    }

    fn take_snapshot(&mut self) -> Result<Option<crate::snapshots::Written>, Failure> {
        let started = clock::monotonic();
        let Some(beside) = self.beside() else { return Ok(None) };
        let (record, segment) = (self.recorder.records(), self.recorder.segment());
        let Some(mut payload) = self.schedule.begin(record, segment) else { return Ok(None) };
        let tally = self.recorder.tally();
        if !write_snapshot(&self.driver, tally, &beside.to_bytes(), &mut payload) {
            self.schedule.give_back(payload);
            return Ok(None);
        }
        let bytes = payload.len();
        let ticket = self.recorder.snapshot_here(SNAPSHOT_LAYOUT)?;
        let now = clock::monotonic();
        let took = now.since(started);
        self.schedule.took(now, took);
        let us = took.0 / 1_000;
        if took > LONG {
            tracing::warn!(record, bytes, us, "a snapshot held the engine up");
        } else {
            tracing::debug!(record, bytes, us, "a snapshot was taken");
        }
        Ok(Some(self.schedule.job(ticket, payload, self.driver.now())))
    }

    /// What lies beside the state; `None` while an answer waits for its fact.
    fn beside(&self) -> Option<Beside> {
        let (underway, seen) = match self.driver.venue() {
            Door::Inside(_) => (None, Vec::new()),
            Door::Wire(wired) => (Some(wired.underway().clone()), wired.seen_all()?),
        };
        Some(Beside {
            sequencer: self.sequencer,
            days: self.reports.days().to_vec(),
            news: self.recorder.news(),
            underway,
            seen,
            admission: self.live.as_ref().map(|live| live.admission().clone()),
        })
    }
}
