//! Segment files: names, the 128-byte header, creation with preallocated space, the folder's lock.

use crate::chain::Chain;
use crate::disk::{Disk, DiskFile, Lock, LockRefused, Open};
use crate::error::JournalError;
use crate::record::{LAYOUT, LAYOUT_1, take};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes before the first record.
pub(crate) const HEADER: usize = 128;
/// Version of the file format that is written, and read without further ado.
pub(crate) const VERSION: u32 = 2;
/// Oldest version of the file format that can be migrated.
pub(crate) const OLDEST: u32 = 1;
const MAGIC: &[u8; 8] = b"AEGISJNL";
const PREPARED: &str = "next.tmp";

/// What a segment begins with.
///
/// ```text
///   0 magic "AEGISJNL"   8 version u32   12 layout u32 (CRC-32 of the layout's text)
///  16 identity 32 B      SHA-256 of the session header's JSON
///  48 index u64          56 first record's number u64
///  64 chain 32 B         state before that record
///  96 zeros              124 crc u32 of bytes 0..124
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub version: u32,
    pub identity: [u8; 32],
    pub index: u64,
    pub first: u64,
    pub chain: Chain,
}

pub(crate) fn layout(version: u32) -> u32 {
    crc32fast::hash(if version == 1 { LAYOUT_1 } else { LAYOUT })
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[12..16].copy_from_slice(&layout(self.version).to_le_bytes());
        bytes[16..48].copy_from_slice(&self.identity);
        bytes[48..56].copy_from_slice(&self.index.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.first.to_le_bytes());
        bytes[64..96].copy_from_slice(&self.chain.to_bytes());
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header of a version from `oldest` on. In every version, magic, version and checksum
    /// have their place.
    pub(crate) fn decode(
        file: &Path,
        bytes: &[u8; HEADER],
        oldest: u32,
    ) -> Result<Self, JournalError> {
        let owned = || file.to_path_buf();
        if &bytes[..8] != MAGIC {
            return Err(JournalError::NotAJournal { file: owned() });
        }
        let header = Self {
            version: u32::from_le_bytes(take(bytes, 8)),
            identity: take(bytes, 16),
            index: u64::from_le_bytes(take(bytes, 48)),
            first: u64::from_le_bytes(take(bytes, 56)),
            chain: Chain::from_bytes(&take(bytes, 64)),
        };
        if crc32fast::hash(&bytes[..124]) != u32::from_le_bytes(take(bytes, 124)) {
            return Err(JournalError::Corrupt {
                file: owned(),
                offset: 0,
                record: header.first,
                why: "the segment header's checksum does not match",
            });
        }
        let (found, supported) = (header.version, VERSION);
        if found < oldest || found > supported {
            return Err(JournalError::Version { file: owned(), found, supported });
        }
        let (found, supported) = (u32::from_le_bytes(take(bytes, 12)), layout(found));
        if found != supported {
            return Err(JournalError::Layout { file: owned(), found, supported });
        }
        Ok(header)
    }
}

/// The path of a segment.
pub(crate) fn path(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("segment-{index:08}.log"))
}

/// The path of what is kept of a segment that was removed.
pub(crate) fn money_path(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("money-{index:08}.log"))
}

/// Which segments there are, without a hole; they begin at 0 unless the first ones were removed
/// behind a snapshot.
pub(crate) fn range(disk: &dyn Disk, dir: &Path) -> Result<Range<u64>, JournalError> {
    let missing = || JournalError::Missing { dir: dir.to_path_buf() };
    let names = disk.names(dir).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing(),
        _ => JournalError::io("list", dir, e),
    })?;
    let index = |name: &String| name.strip_prefix("segment-")?.strip_suffix(".log")?.parse().ok();
    let mut found: Vec<u64> = names.iter().filter_map(index).collect();
    found.sort_unstable();
    let Some(first) = found.first().copied() else { return Ok(0..0) };
    // What was removed behind a snapshot has left its money events.
    let first = if first > 0 && !disk.exists(&money_path(dir, first - 1)) { 0 } else { first };
    for (expected, index) in (first..).zip(&found) {
        if expected != *index {
            return Err(JournalError::MissingSegment { file: path(dir, expected) });
        }
    }
    Ok(first..first + found.len() as u64)
}

/// Creates the folder (0700) and takes its lock.
pub(crate) fn lock(
    disk: &dyn Disk,
    dir: &Path,
    create: bool,
) -> Result<Box<dyn Lock>, JournalError> {
    if create {
        disk.create_dir(dir).map_err(|e| JournalError::io("create folder", dir, e))?;
    } else if !disk.is_dir(dir) {
        return Err(JournalError::Missing { dir: dir.to_path_buf() });
    }
    let path = dir.join("LOCK");
    let note = format!("process {}\n", std::process::id());
    disk.lock(&path, &note).map_err(|refused| match refused {
        LockRefused::Held(holder) => {
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
            JournalError::Locked { dir: dir.to_path_buf(), holder: holder.into() }
        }
        LockRefused::Io(e) => JournalError::io("lock", &path, e),
    })
}

/// Removes what a crash left of a segment that was being prepared.
pub(crate) fn remove_prepared(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(PREPARED);
    match disk.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(JournalError::io("remove", &path, e)),
        _ => Ok(()),
    }
}

/// Makes what the folder lists survive a power cut.
pub(crate) fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    disk.sync_dir(dir).map_err(|e| JournalError::sync(dir, e))
}

/// Reserves `bytes` of space, so that appending cannot run out of disk in the middle.
///
/// In `Power` the file gets its full length at once, because a sync that must also record a new
/// length is slower; in `Process` its length stays that of the records, so that nobody has to read
/// empty space to know that it is empty.
pub(crate) fn reserve(
    file: &dyn DiskFile,
    path: &Path,
    bytes: u64,
    power: bool,
) -> Result<(), JournalError> {
    file.reserve(bytes, power).map_err(|e| match JournalError::io("preallocate", path, e) {
        JournalError::NoSpace { path, .. } => JournalError::NoSpace { path, bytes },
        other => other,
    })
}

/// A segment file with its space reserved, not yet part of the journal.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub file: Box<dyn DiskFile>,
    pub capacity: u64,
}

/// Reserves the next segment under a name that no reader looks at. In `Power` the space is also
/// written once, because a sync into never-written space must update the file system's own log.
pub(crate) fn prepare(
    disk: &dyn Disk,
    dir: &Path,
    capacity: u64,
    power: bool,
) -> Result<Prepared, JournalError> {
    let path = dir.join(PREPARED);
    let file = disk.open(&path, Open::Create).map_err(|e| JournalError::io("create", &path, e))?;
    let fill = || {
        reserve(&*file, &path, capacity, power)?;
        let zeros = vec![0u8; (1 << 20).min(capacity as usize)];
        let mut at = 0;
        while power && at < capacity {
            let n = (capacity - at).min(zeros.len() as u64);
            file.write_at(&zeros[..n as usize], at)
                .map_err(|e| JournalError::io("zero", &path, e))?;
            at += n;
        }
        Ok(())
    };
    if let Err(e) = fill() {
        // Give the space back; the first error is the one to report.
        let _ = disk.remove(&path);
        return Err(e);
    }
    Ok(Prepared { file, capacity })
}

/// Writes header and first bytes into a prepared file and makes it the next segment: it appears
/// whole or not at all.
pub(crate) fn publish(
    disk: &dyn Disk,
    dir: &Path,
    prepared: &Prepared,
    header: &SegmentHeader,
    first_bytes: &[u8],
    sync: bool,
) -> Result<(), JournalError> {
    let (from, to) = (dir.join(PREPARED), path(dir, header.index));
    let file = &prepared.file;
    let written =
        file.write_at(&header.encode(), 0).and_then(|()| file.write_at(first_bytes, HEADER as u64));
    written.map_err(|e| JournalError::io("write", &from, e))?;
    if sync {
        file.sync_all().map_err(|e| JournalError::sync(&from, e))?;
    }
    disk.rename(&from, &to).map_err(|e| JournalError::io("rename", &from, e))?;
    if sync { sync_dir(disk, dir) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            version: VERSION,
            identity: [9; 32],
            index: 2,
            first: 77,
            chain: Chain::new(),
        }
    }

    #[test]
    fn header_round_trip_and_every_flipped_byte_refused() {
        let file = Path::new("segment");
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(file, &bytes, VERSION).ok(), Some(header()));
        for at in 0..HEADER {
            let mut bad = bytes;
            bad[at] ^= 1;
            let refused = SegmentHeader::decode(file, &bad, VERSION);
            match refused {
                Err(JournalError::NotAJournal { .. }) => assert!(at < 8),
                Err(JournalError::Corrupt { .. }) => {}
                other => panic!("byte {at}: {other:?}"),
            }
        }
    }

    #[test]
    fn other_versions_and_layouts_say_so() {
        let file = Path::new("journal/segment");
        for (version, says) in [(1, "aegis journal migrate journal"), (VERSION + 1, "newer")] {
            let bytes = SegmentHeader { version, ..header() }.encode();
            let refused = SegmentHeader::decode(file, &bytes, VERSION).unwrap_err();
            assert!(matches!(refused, JournalError::Version { found, .. } if found == version));
            let text = refused.to_string();
            let names_both = text.contains(&format!("journal version {version}"))
                && text.contains(&format!("program has version {VERSION}"));
            assert!(names_both && text.contains(says), "{text}");
        }
        let old = SegmentHeader { version: 1, ..header() };
        assert_eq!(SegmentHeader::decode(file, &old.encode(), OLDEST).ok(), Some(old));
        let mut bytes = header().encode();
        bytes[12] ^= 0xff;
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        let refused = SegmentHeader::decode(file, &bytes, VERSION);
        assert!(matches!(refused, Err(JournalError::Layout { .. })));
    }
}
