//! Old segments go; their money events stay for ever.
//!
//! A segment goes only when nobody can need it any more: it is older than asked for, the newest two
//! snapshots that can be used have both seen all of it, and what is to be kept of it has been
//! written, synced and read back. They go in their order, so what is left begins with a whole
//! segment.

use crate::disk::{Disk, Open};
use crate::error::JournalError;
use crate::money::{self, Money, Span};
use crate::reader::Reader;
use crate::record::Record;
use crate::{segment, snapshot};
use std::path::Path;
use std::sync::Arc;

/// How many snapshots must have seen a segment before it goes.
const SNAPSHOTS: usize = 2;

/// What the journal does not know about its records.
pub trait Policy {
    /// When the record was written, if it says so: any unit, as long as it is the same for all.
    fn time(&self, record: &Record<'_>) -> Option<i64>;

    /// Is it kept for ever? Asked of every record but the session, which is always kept.
    fn keeps(&self, record: &Record<'_>) -> bool;
}

/// What has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Segments removed.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records kept of them.
    pub kept: u64,
}

/// Removes the segments whose records are all older than `before`, as far as two snapshots have
/// seen them. The live writer's own segment is never touched, so this may run beside it.
///
/// # Errors
/// [`JournalError`]: damage in a segment that was to go (it stays), or what the disk says. What
/// had gone before stays gone.
pub fn retain(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    layout: u32,
    before: i64,
    policy: &dyn Policy,
) -> Result<Gone, JournalError> {
    let mut gone = Gone::default();
    let segments = segment::range(&**disk, dir)?;
    let Some(seen) = seen_by_snapshots(disk, dir, layout)? else { return Ok(gone) };
    for index in segments.start..segments.end.saturating_sub(1) {
        let mut next = Reader::raw(Arc::clone(disk), dir, index + 1)?;
        let end = next.records();
        if end > seen || !begins_before(&mut next, before, policy)? {
            break;
        }
        let kept = collect(disk, dir, index, end, policy)?;
        kept.write(&**disk, dir)?;
        let again = money::read(&**disk, dir, index)?;
        let path = segment::path(dir, index);
        if again != kept {
            return Err(JournalError::Corrupt {
                file: segment::money_path(dir, index),
                offset: 0,
                record: kept.records().0,
                why: "what was written of the money events is not what is read back",
            });
        }
        let file = disk.open(&path, Open::Read);
        let length = file.and_then(|file| file.length());
        gone.bytes += length.map_err(|e| JournalError::io("read", &path, e))?;
        disk.remove(&path).map_err(|e| JournalError::io("remove", &path, e))?;
        segment::sync_dir(&**disk, dir)?;
        (gone.segments, gone.kept) = (gone.segments + 1, gone.kept + kept.kept());
    }
    Ok(gone)
}

/// The first record that one of the newest usable snapshots has not seen; they are synced first.
fn seen_by_snapshots(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    layout: u32,
) -> Result<Option<u64>, JournalError> {
    let mut usable = 0;
    for record in snapshot::list(&**disk, dir)? {
        let Ok((found, _)) = snapshot::checked(disk, dir, record, Some(layout)) else { continue };
        let path = &found.info.path;
        let file = disk.open(path, Open::Write).map_err(|e| JournalError::io("open", path, e))?;
        file.sync_all().map_err(|e| JournalError::sync(path, e))?;
        usable += 1;
        if usable == SNAPSHOTS {
            segment::sync_dir(&**disk, dir)?;
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// Is the first record that has a time from before `before`? Then all in the segment before are.
fn begins_before(
    reader: &mut Reader,
    before: i64,
    policy: &dyn Policy,
) -> Result<bool, JournalError> {
    while let Some(record) = reader.next()? {
        if let Some(time) = policy.time(&record) {
            return Ok(time < before);
        }
    }
    Ok(false)
}

/// Reads a segment whole, checking it, and takes out what is kept.
fn collect(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    index: u64,
    end: u64,
    policy: &dyn Policy,
) -> Result<Money, JournalError> {
    let mut reader = Reader::raw(Arc::clone(disk), dir, index)?;
    let (first, (_, _, chain, identity)) = (reader.records(), reader.position());
    let (mut frames, mut count) = (Vec::new(), 0);
    while reader.records() < end {
        let Some((record, bytes)) = reader.next_raw()? else { break };
        if record.number == 0 || policy.keeps(&record) {
            frames.extend_from_slice(bytes);
            count += 1;
        }
    }
    let behind = reader.position().2;
    let span = Span { identity, index, first, before: chain, end, behind, count };
    // The next segment's header names the same chain, or reading on would have refused it.
    let following = Reader::raw(Arc::clone(disk), dir, index + 1)?.position().2;
    if reader.records() != end || following != behind {
        return Err(JournalError::Corrupt {
            file: segment::path(dir, index),
            offset: 0,
            record: reader.records(),
            why: "the segment does not lead to the next one",
        });
    }
    Ok(Money::new(span, frames))
}
