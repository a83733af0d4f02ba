//! Snapshots of a brain: when one is due, what of the brain goes beside engine and exchange, and
//! the newest that can be used.
//!
//! The engine's thread writes the state into a buffer that is kept, between two inputs and with
//! nothing waiting; a background lane writes the file. A snapshot saves time and nothing else:
//! whatever is wrong with one is a warning, and recovery begins with an older one or with the
//! journal's first record.

use crate::Failure;
use crate::door::{Carrier, Door};
use crate::live::admission::Admission;
use crate::reports::Day;
use crate::sequencer::Sequencer;
use crate::underway::Underway;
use aegis_backtest::{MoneyEvents, SNAPSHOT_LAYOUT, Snapshot, SnapshotError, Tally, load_snapshot};
use aegis_driver::Driver;
use aegis_engine::{Brain, Teacher};
use aegis_journal::disk::{Disk, system};
use aegis_journal::retention::{Gone, retain};
use aegis_journal::snapshot::{self, SnapshotInfo, Ticket};
use aegis_journal::{JournalError, Reader};
use aegis_types::Nanos;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Snapshots take at most one part in so many of the engine's time.
const SHARE: i64 = 200;

const DAY: Nanos = Nanos(86_400_000_000_000);

/// What of a brain is kept beside engine, exchange, driver and tally.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// Where the source stands.
    pub sequencer: Sequencer,
    /// Prices of the last day, by symbol.
    pub days: Vec<Day>,
    /// The last news.
    pub news: Vec<String>,
    /// What is under way at an exchange.
    pub underway: Option<Underway>,
    /// Up to where each symbol's facts were seen, where the exchange waits for us.
    pub seen: Vec<Nanos>,
    /// The live facts that were taken.
    pub admission: Option<Admission>,
}

impl Beside {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Only a value without a known length has no such form; there is none in it.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// From its bytes.
    ///
    /// # Errors
    /// Why they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(bytes).map_err(|e| format!("what lies beside the state: {e}"))
    }
}

/// A buffer that comes back from the lane, and the record up to which the file goes that was
/// written.
type Returned = (Vec<u8>, Option<u64>);

/// A snapshot to be written, and the buffer that comes back.
#[derive(Debug)]
pub struct Written {
    ticket: Ticket,
    payload: Vec<u8>,
    /// Segments of the journal whose records are all older go, once this is written.
    keep_from: Option<Nanos>,
    back: Sender<Returned>,
}

impl Written {
    /// The buffer, when nobody is to write it.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Writes the file; in a lane of its own.
    pub fn write(self) {
        let written = self.ticket.write(&self.payload);
        let record = match &written {
            Ok(info) => {
                if let (Some(from), Some(dir)) = (self.keep_from, info.path.parent()) {
                    let_go(dir, from);
                }
                Some(info.record)
            }
            Err(error) => {
                tracing::warn!(%error, "no snapshot was written; recovery will take longer");
                None
            }
        };
        let _ = self.back.send((self.payload, record));
    }
}

/// Lets the journal's old segments go; what is kept of them for ever stays.
fn let_go(dir: &Path, from: Nanos) {
    match retain(&system(), dir, SNAPSHOT_LAYOUT, from.0, &MoneyEvents) {
        Ok(Gone { segments: 0, .. }) => {}
        Ok(Gone { segments, bytes, kept }) => {
            tracing::info!(segments, bytes, kept, "old segments of the journal were removed");
        }
        Err(error) => tracing::error!(%error, "an old segment of the journal stays"),
    }
}

/// When the next snapshot is due.
#[derive(Debug)]
pub struct Schedule {
    /// Records between two; none at 0.
    every: u64,
    /// Record and segment of the last one that was begun.
    last: (u64, u64),
    /// None before: what one costs, times [`SHARE`].
    not_before: Nanos,
    /// The record up to which the newest file goes.
    written: u64,
    /// How long the journal's segments are kept; `None`: for ever.
    retain: Option<Nanos>,
    /// None while the lane has it.
    buffer: Option<Vec<u8>>,
    back: (Sender<Returned>, Receiver<Returned>),
}

impl Schedule {
    /// One after every so many records, counted from `record` in `segment`; `written` is the newest
    /// that is there.
    pub fn new(every: u64, record: u64, segment: u64, written: u64) -> Self {
        let (buffer, back) = (Some(Vec::new()), channel());
        let (last, not_before, retain) = ((record, segment), Nanos::ZERO, None);
        Self { every, last, not_before, written, retain, buffer, back }
    }

    /// The journal's segments go so many days after their last record, behind snapshots.
    pub const fn keeping(mut self, days: Option<u32>) -> Self {
        self.retain = match days {
            Some(days) => Some(Nanos(days as i64 * DAY.0)),
            None => None,
        };
        self
    }

    /// Is one due, and is there a buffer for it?
    #[inline]
    pub fn due(&mut self, record: u64, segment: u64, now: impl FnOnce() -> Nanos) -> bool {
        let (last, in_segment) = self.last;
        let due = record - last >= self.every || segment != in_segment;
        if self.every == 0 || !due || record == last || now() < self.not_before {
            return false;
        }
        self.take_back();
        self.buffer.is_some()
    }

    /// One was taken by now, and it took so long: the next waits in proportion.
    pub const fn took(&mut self, now: Nanos, time: Nanos) {
        self.not_before = now.after(time.times(SHARE));
    }

    /// No snapshots are wanted.
    pub const fn is_off(&self) -> bool {
        self.every == 0
    }

    fn take_back(&mut self) {
        while let Ok((buffer, record)) = self.back.1.try_recv() {
            self.buffer = Some(buffer);
            self.written = record.unwrap_or(self.written);
        }
    }

    /// Gives the buffer out, empty.
    pub fn begin(&mut self, record: u64, segment: u64) -> Option<Vec<u8>> {
        self.take_back();
        let mut buffer = self.buffer.take()?;
        buffer.clear();
        self.last = (record, segment);
        Some(buffer)
    }

    /// The buffer is full: a job for the lane. `at` is the market's time.
    pub fn job(&self, ticket: Ticket, payload: Vec<u8>, at: Nanos) -> Written {
        let keep_from = self.retain.map(|retain| Nanos(at.0.saturating_sub(retain.0)));
        Written { ticket, payload, keep_from, back: self.back.0.clone() }
    }

    /// Nothing was written into it.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        self.buffer = Some(buffer);
    }

    /// The record up to which the newest file goes; 0 when there is none.
    pub fn written(&mut self) -> u64 {
        self.take_back();
        self.written
    }
}

/// A snapshot that can be used, and the journal behind it.
#[derive(Debug)]
pub struct Found<B = Teacher> {
    /// What it belongs to.
    pub info: SnapshotInfo,
    /// Stands at the first record that it has not seen.
    pub reader: Reader,
    /// The state, until it is restored.
    state: Option<Snapshot<B>>,
    /// What lies beside it.
    pub beside: Beside,
}

impl<B: Brain> Found<B> {
    /// Makes a driver at its session's start, a tally, and what is under way, what they were.
    ///
    /// # Errors
    /// When they are of another session; do not use them then.
    pub fn restore<C: Carrier>(
        &mut self,
        driver: &mut Driver<Door<C>, B>,
        tally: &mut Tally,
    ) -> Result<(), SnapshotError> {
        let Some(state) = self.state.take() else { return Ok(()) };
        state.restore(driver, tally)?;
        if let Door::Wire(wired) = driver.venue_mut() {
            let underway = self.beside.underway.take().unwrap_or_default();
            wired.restore(underway, &self.beside.seen);
        }
        Ok(())
    }
}

/// The snapshots of a journal that can be read here, newest first; what is wrong with the others is
/// a warning.
///
/// # Errors
/// When the folder cannot be listed.
pub fn usable<B: Brain + DeserializeOwned>(
    disk: &Arc<dyn Disk>,
    dir: &Path,
) -> Result<impl Iterator<Item = Found<B>>, Failure> {
    let failed = |e: JournalError| Failure::failed(e.to_string(), "");
    let records = snapshot::list(&**disk, dir).map_err(failed)?;
    let (disk, dir) = (Arc::clone(disk), dir.to_path_buf());
    Ok(records.into_iter().filter_map(move |record| match read(&disk, &dir, record) {
        Ok(found) => Some(found),
        Err(why) => {
            tracing::warn!(record, why, "a snapshot is passed over");
            None
        }
    }))
}

fn read<B: Brain + DeserializeOwned>(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    record: u64,
) -> Result<Found<B>, String> {
    let loaded = load_snapshot(disk, dir, record).map_err(|e| e.to_string())?;
    let beside = Beside::from_bytes(loaded.state.beside())?;
    Ok(Found { info: loaded.info, reader: loaded.reader, state: Some(loaded.state), beside })
}
