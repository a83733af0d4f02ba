//! Segment files: names, the 128-byte header, creation with preallocated space, the folder's lock.

use crate::chain::Chain;
use crate::error::JournalError;
use crate::record::{LAYOUT, take};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes before the first record.
pub(crate) const HEADER: usize = 128;
/// Version of the file format.
pub(crate) const VERSION: u32 = 1;
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
    pub identity: [u8; 32],
    pub index: u64,
    pub first: u64,
    pub chain: Chain,
}

fn layout() -> u32 {
    crc32fast::hash(LAYOUT)
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&layout().to_le_bytes());
        bytes[16..48].copy_from_slice(&self.identity);
        bytes[48..56].copy_from_slice(&self.index.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.first.to_le_bytes());
        bytes[64..96].copy_from_slice(&self.chain.to_bytes());
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(file: &Path, bytes: &[u8; HEADER]) -> Result<Self, JournalError> {
        let owned = || file.to_path_buf();
        if &bytes[..8] != MAGIC {
            return Err(JournalError::NotAJournal { file: owned() });
        }
        let version = u32::from_le_bytes(take(bytes, 8));
        if version != VERSION {
            return Err(JournalError::Version {
                file: owned(),
                found: version,
                supported: VERSION,
            });
        }
        let header = Self {
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
        let found = u32::from_le_bytes(take(bytes, 12));
        if found != layout() {
            return Err(JournalError::Layout { file: owned(), found, supported: layout() });
        }
        Ok(header)
    }
}

/// The path of a segment.
pub(crate) fn path(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("segment-{index:08}.log"))
}

/// How many segments there are; they must be 0, 1, 2 … without a hole.
pub(crate) fn count(dir: &Path) -> Result<u64, JournalError> {
    let missing = || JournalError::Missing { dir: dir.to_path_buf() };
    let entries = std::fs::read_dir(dir).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => missing(),
        _ => JournalError::io("list", dir, e),
    })?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| JournalError::io("list", dir, e))?;
        let name = entry.file_name();
        let index = name.to_str().and_then(|n| n.strip_prefix("segment-")?.strip_suffix(".log"));
        found.extend(index.and_then(|i| i.parse::<u64>().ok()));
    }
    found.sort_unstable();
    for (expected, index) in (0u64..).zip(&found) {
        if expected != *index {
            return Err(JournalError::MissingSegment { file: path(dir, expected) });
        }
    }
    Ok(found.len() as u64)
}

/// Creates the folder (0700) and takes its lock; the lock lives as long as the file.
pub(crate) fn lock(dir: &Path, create: bool) -> Result<File, JournalError> {
    if create {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| JournalError::io("create folder", dir, e))?;
    } else if !dir.is_dir() {
        return Err(JournalError::Missing { dir: dir.to_path_buf() });
    }
    let path = dir.join("LOCK");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| JournalError::io("open", &path, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The name is a courtesy; without it the refusal is the same.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
            return Err(JournalError::Locked { dir: dir.to_path_buf(), holder: holder.into() });
        }
        Err(TryLockError::Error(e)) => return Err(JournalError::io("lock", &path, e)),
    }
    let note = format!("process {}\n", std::process::id());
    let written = file.set_len(0).and_then(|()| file.rewind());
    written
        .and_then(|()| file.write_all(note.as_bytes()))
        .map_err(|e| JournalError::io("write", &path, e))?;
    Ok(file)
}

/// Removes what a crash left of a segment that was being prepared.
pub(crate) fn remove_prepared(dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(PREPARED);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(JournalError::io("remove", &path, e)),
        _ => Ok(()),
    }
}

/// Makes what the folder lists survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    let synced = File::open(dir).and_then(|d| d.sync_all());
    synced.map_err(|e| JournalError::io("sync folder", dir, e))
}

/// Reserves `bytes` of space, so that appending cannot run out of disk in the middle.
///
/// In `Power` the file gets its full length at once, because a sync that must also record a new
/// length is slower; in `Process` its length stays that of the records, so that nobody has to read
/// empty space to know that it is empty.
pub(crate) fn reserve(
    file: &File,
    path: &Path,
    bytes: u64,
    power: bool,
) -> Result<(), JournalError> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    let flags = if power { FallocateFlags::empty() } else { FallocateFlags::KEEP_SIZE };
    match fallocate(file, flags, 0, bytes) {
        Ok(()) => Ok(()),
        // A file system without preallocation: a full disk then shows on write.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) if !power => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            file.set_len(bytes).map_err(|e| JournalError::io("grow", path, e))
        }
        Err(Errno::NOSPC | Errno::DQUOT) => {
            Err(JournalError::NoSpace { path: path.to_path_buf(), bytes })
        }
        Err(e) => Err(JournalError::io("preallocate", path, e.into())),
    }
}

/// A segment file with its space reserved, not yet part of the journal.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub file: File,
    pub capacity: u64,
}

/// Reserves the next segment under a name that no reader looks at. In `Power` the space is also
/// written once, because a sync into never-written space must update the file system's own log.
pub(crate) fn prepare(dir: &Path, capacity: u64, power: bool) -> Result<Prepared, JournalError> {
    let path = dir.join(PREPARED);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| JournalError::io("create", &path, e))?;
    let fill = || {
        reserve(&file, &path, capacity, power)?;
        let zeros = vec![0u8; (1 << 20).min(capacity as usize)];
        let mut at = 0;
        while power && at < capacity {
            let n = (capacity - at).min(zeros.len() as u64);
            file.write_all_at(&zeros[..n as usize], at)
                .map_err(|e| JournalError::io("zero", &path, e))?;
            at += n;
        }
        Ok(())
    };
    if let Err(e) = fill() {
        // Give the space back; the first error is the one to report.
        let _ = std::fs::remove_file(&path);
        return Err(e);
    }
    Ok(Prepared { file, capacity })
}

/// Writes header and first bytes into a prepared file and makes it the next segment: it appears
/// whole or not at all.
pub(crate) fn publish(
    dir: &Path,
    prepared: &Prepared,
    header: &SegmentHeader,
    first_bytes: &[u8],
    sync: bool,
) -> Result<(), JournalError> {
    let (from, to) = (dir.join(PREPARED), path(dir, header.index));
    let file = &prepared.file;
    let written = file
        .write_all_at(&header.encode(), 0)
        .and_then(|()| file.write_all_at(first_bytes, HEADER as u64));
    written.map_err(|e| JournalError::io("write", &from, e))?;
    if sync {
        file.sync_all().map_err(|e| JournalError::io("sync", &from, e))?;
    }
    std::fs::rename(&from, &to).map_err(|e| JournalError::io("rename", &from, e))?;
    if sync { sync_dir(dir) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader { identity: [9; 32], index: 2, first: 77, chain: Chain::new() }
    }

    #[test]
    fn header_round_trip_and_every_flipped_byte_refused() {
        let file = Path::new("segment");
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(file, &bytes).ok(), Some(header()));
        for at in 0..HEADER {
            let mut bad = bytes;
            bad[at] ^= 1;
            assert!(SegmentHeader::decode(file, &bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn other_versions_and_layouts_say_so() {
        let file = Path::new("segment");
        let mut bytes = header().encode();
        bytes[8] = 2;
        let refused = SegmentHeader::decode(file, &bytes);
        assert!(matches!(refused, Err(JournalError::Version { found: 2, .. })));
        let mut bytes = header().encode();
        bytes[12] ^= 0xff;
        let crc = crc32fast::hash(&bytes[..124]);
        bytes[124..].copy_from_slice(&crc.to_le_bytes());
        let refused = SegmentHeader::decode(file, &bytes);
        assert!(matches!(refused, Err(JournalError::Layout { .. })));
    }
}
