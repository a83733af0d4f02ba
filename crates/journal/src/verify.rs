//! The whole journal, read and checked: segments, chain, money events, snapshots.

use crate::disk::{Disk, Open};
use crate::error::JournalError;
use crate::money;
use crate::reader::{Reader, Torn};
use crate::record::Kind;
use crate::{segment, snapshot};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// A snapshot, and what is wrong with it, if anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The first record that it has not seen.
    pub record: u64,
    /// Layout of its payload, when it could be read.
    pub layout: Option<u32>,
    /// Bytes of its payload.
    pub bytes: u64,
    /// Why it cannot be used.
    pub refused: Option<String>,
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Version of the format.
    pub version: u32,
    /// The session, as it was given.
    pub header: Vec<u8>,
    /// The first record that is still there.
    pub first: u64,
    /// The number of the next record.
    pub records: u64,
    /// How many there are of each kind that occurs.
    pub kinds: Vec<(Kind, u64)>,
    /// Segments that are there.
    pub segments: u64,
    /// Bytes of them, reserved space not counted where it is known.
    pub bytes: u64,
    /// The chain's state behind the last record, in hex.
    pub chain: String,
    /// What lies behind the last whole record.
    pub torn: Option<Torn>,
    /// Segments that were removed, of which the money events are there.
    pub removed: u64,
    /// Records kept of them.
    pub kept: u64,
    /// Snapshots, newest first.
    pub snapshots: Vec<Checked>,
}

/// Reads a journal of any version that this program knows, and all that belongs to it. It only
/// reads, and may run beside a live writer.
///
/// # Errors
/// [`JournalError`]: the first damage. Snapshots that cannot be used are in the result, because
/// the journal can be replayed without them.
pub fn verify(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Verified, JournalError> {
    let segments = segment::range(&**disk, dir)?;
    let mut reader = match segments.start {
        0 => Reader::open_older(Arc::clone(disk), dir)?,
        _ => Reader::open_rest(Arc::clone(disk), dir)?,
    };
    let kept = removed(&**disk, dir, segments.start, &reader)?;
    let mut counts = [0u64; Kind::ALL.len()];
    let first = if segments.start == 0 { 0 } else { reader.records() };
    counts[0] = u64::from(first == 0);
    while let Some(record) = reader.next()? {
        counts[record.kind as usize - 1] += 1;
    }
    let kinds = Kind::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    let (index, end, chain, _) = reader.position();
    let mut bytes = end;
    for earlier in segments.start..index {
        let path = segment::path(dir, earlier);
        let length = disk.open(&path, Open::Read).and_then(|file| file.length());
        bytes += length.map_err(|e| JournalError::io("read", &path, e))?;
    }
    let snapshots =
        snapshot::list(&**disk, dir)?.into_iter().map(|record| {
            match snapshot::checked(disk, dir, record, None) {
                Ok((found, _)) => {
                    let (layout, bytes) = (Some(found.info.layout), found.info.bytes);
                    Checked { record, layout, bytes, refused: None }
                }
                Err(why) => {
                    Checked { record, layout: None, bytes: 0, refused: Some(why.to_string()) }
                }
            }
        });
    Ok(Verified {
        version: reader.version(),
        header: reader.header().to_vec(),
        first,
        records: reader.records(),
        kinds,
        segments: segments.end - segments.start,
        bytes,
        chain: hex(&chain.to_bytes()),
        torn: reader.torn().cloned(),
        removed: segments.start,
        kept,
        snapshots: snapshots.collect(),
    })
}

/// Checks what was kept of the segments that were removed: each is whole, and one leads to the
/// next. How many records they hold.
fn removed(
    disk: &dyn Disk,
    dir: &Path,
    segments: u64,
    reader: &Reader,
) -> Result<u64, JournalError> {
    let (mut kept, mut place) = (0, None);
    for index in 0..segments {
        let money = money::read(disk, dir, index)?;
        let span = money.span();
        if place.is_some_and(|place| place != (span.first, span.before)) {
            return Err(broken(dir, index, span.first));
        }
        place = Some((span.end, span.behind));
        kept += money.kept();
    }
    if place.is_some_and(|place| place != (reader.records(), reader.position().2)) {
        return Err(broken(dir, segments - 1, reader.records()));
    }
    Ok(kept)
}

fn broken(dir: &Path, index: u64, record: u64) -> JournalError {
    JournalError::Corrupt {
        file: segment::money_path(dir, index),
        offset: 0,
        record,
        why: "the money events do not lead to what follows them",
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
