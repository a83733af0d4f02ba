//! Snapshots: what somebody has made of the records before a number, so that nobody has to read
//! those again.
//!
//! The journal does not know what a snapshot holds; it knows what it belongs to. A file is believed
//! when it is whole (SHA-256), of this session, and when the journal's chain at its record is the
//! one that it names. One that is not is passed over for the next older one; in the end there is
//! the journal's first record.
//!
//! ```text
//!   0 magic "AEGISSNP"   8 version u32   12 layout u32 (of the payload, as its owner counts)
//!  16 identity 32 B      SHA-256 of the session header
//!  48 record u64         the first record that it has not seen
//!  56 chain 32 B         state before that record
//!  88 last kind u8       89 a market record was seen u8      90 zeros
//!  96 last source 24 B   120 last market source 24 B: epoch, sequence, position
//! 144 length u64         152 SHA-256 of the payload
//! 184 zeros              188 crc u32 of bytes 0..188         192 payload
//! ```

use crate::chain::Chain;
use crate::disk::{Disk, Open, read_full};
use crate::error::JournalError;
use crate::reader::Reader;
use crate::record::{Kind, Source, take};
use crate::segment;
use crate::writer::Last;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const MAGIC: &[u8; 8] = b"AEGISSNP";
const VERSION: u32 = 1;
const HEADER: usize = 192;
const TEMPORARY: &str = "snapshot.tmp";
/// How many are kept: the newest, and those that stand in for it.
pub(crate) const KEPT: usize = 3;

/// What a snapshot belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its file.
    pub path: PathBuf,
    /// Number of the first record that it has not seen.
    pub record: u64,
    /// Layout of the payload, as its owner counts.
    pub layout: u32,
    /// The last record that it has seen.
    pub last: Last,
    /// Source of the last market record that it has seen.
    pub last_market: Option<Source>,
    /// Bytes of the payload.
    pub bytes: u64,
    pub(crate) identity: [u8; 32],
    pub(crate) chain: Chain,
}

/// A snapshot that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it belongs to.
    pub info: SnapshotInfo,
    /// What its owner wrote.
    pub payload: Vec<u8>,
}

fn source_bytes(source: Source) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&source.epoch.to_le_bytes());
    bytes[8..16].copy_from_slice(&source.seq.to_le_bytes());
    bytes[16..].copy_from_slice(&source.position.to_le_bytes());
    bytes
}

fn source_at(bytes: &[u8; HEADER], at: usize) -> Source {
    let u64_at = |at: usize| u64::from_le_bytes(take(bytes, at));
    Source { epoch: u64_at(at), seq: u64_at(at + 8), position: u64_at(at + 16) }
}

impl SnapshotInfo {
    fn encode(&self, payload: &[u8]) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.layout.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.identity);
        bytes[48..56].copy_from_slice(&self.record.to_le_bytes());
        bytes[56..88].copy_from_slice(&self.chain.to_bytes());
        bytes[88] = self.last.kind as u8;
        bytes[89] = u8::from(self.last_market.is_some());
        bytes[96..120].copy_from_slice(&source_bytes(self.last.source));
        bytes[120..144].copy_from_slice(&source_bytes(self.last_market.unwrap_or_default()));
        bytes[144..152].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        bytes[152..184].copy_from_slice(&Sha256::digest(payload));
        let crc = crc32fast::hash(&bytes[..188]);
        bytes[188..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header's fields, and the payload's SHA-256.
    fn decode(path: &Path, bytes: &[u8; HEADER]) -> Result<(Self, [u8; 32]), JournalError> {
        let refused = |why| JournalError::Snapshot { file: path.to_path_buf(), why };
        if &bytes[..8] != MAGIC {
            return Err(refused("it is no snapshot"));
        }
        if crc32fast::hash(&bytes[..188]) != u32::from_le_bytes(take(bytes, 188)) {
            return Err(refused("its header's checksum does not match"));
        }
        if u32::from_le_bytes(take(bytes, 8)) != VERSION {
            return Err(refused("it is of another version of the format"));
        }
        let record = u64::from_le_bytes(take(bytes, 48));
        let kind =
            Kind::from_code(bytes[88]).ok_or_else(|| refused("its last record is unknown"))?;
        let number =
            record.checked_sub(1).ok_or_else(|| refused("it has seen no record at all"))?;
        let info = Self {
            path: path.to_path_buf(),
            record,
            layout: u32::from_le_bytes(take(bytes, 12)),
            last: Last { number, kind, source: source_at(bytes, 96) },
            last_market: (bytes[89] == 1).then(|| source_at(bytes, 120)),
            bytes: u64::from_le_bytes(take(bytes, 144)),
            identity: take(bytes, 16),
            chain: Chain::from_bytes(&take(bytes, 56)),
        };
        Ok((info, take(bytes, 152)))
    }
}

/// The path of the snapshot that has seen the records before `record`.
pub(crate) fn path(dir: &Path, record: u64) -> PathBuf {
    dir.join(format!("snapshot-{record:012}.bin"))
}

/// The snapshots of a journal by the record they go up to, newest first; none was opened yet.
///
/// # Errors
/// [`JournalError`]: the folder cannot be listed.
pub fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, JournalError> {
    let names = disk.names(dir).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => JournalError::Missing { dir: dir.to_path_buf() },
        _ => JournalError::io("list", dir, e),
    })?;
    let of = |name: &String| name.strip_prefix("snapshot-")?.strip_suffix(".bin")?.parse().ok();
    let mut records: Vec<u64> = names.iter().filter_map(of).collect();
    records.sort_unstable_by(|a, b| b.cmp(a));
    Ok(records)
}

/// Reads the snapshot of a record whole and checks it against itself.
///
/// # Errors
/// [`JournalError::Snapshot`] when it is damaged, and what the disk says.
pub fn load(disk: &dyn Disk, dir: &Path, record: u64) -> Result<Snapshot, JournalError> {
    let path = path(dir, record);
    let refused = |why| JournalError::Snapshot { file: path.clone(), why };
    let fail = |e| JournalError::io("read", &path, e);
    let file = disk.open(&path, Open::Read).map_err(fail)?;
    let mut header = [0; HEADER];
    if read_full(&*file, &mut header, 0).map_err(fail)? < HEADER {
        return Err(refused("it ends within its header"));
    }
    let (info, hash) = SnapshotInfo::decode(&path, &header)?;
    if info.record != record {
        return Err(refused("its name has another record than its header"));
    }
    // Before anything of that size is asked for: the file must have it.
    let length = file.length().map_err(fail)?;
    if length.checked_sub(HEADER as u64) != Some(info.bytes) {
        return Err(refused("its length is not the one in its header"));
    }
    let mut payload = vec![0; info.bytes as usize];
    if read_full(&*file, &mut payload, HEADER as u64).map_err(fail)? < payload.len() {
        return Err(refused("it ends within its payload"));
    }
    if Sha256::digest(&payload).as_slice() != hash {
        return Err(refused("its payload's SHA-256 does not match"));
    }
    Ok(Snapshot { info, payload })
}

/// What [`newest`] has found.
#[derive(Debug, Default)]
pub struct Newest {
    /// The newest snapshot that can be used, with a reader that stands behind it.
    pub found: Option<(Snapshot, Reader)>,
    /// Why those newer than it cannot.
    pub skipped: Vec<JournalError>,
}

/// The newest snapshot that is whole, of this layout, and of what the journal holds. None: replay
/// starts with the first record.
///
/// # Errors
/// [`JournalError`]: the folder cannot be listed.
pub fn newest(disk: &Arc<dyn Disk>, dir: &Path, layout: u32) -> Result<Newest, JournalError> {
    let mut newest = Newest::default();
    for record in list(&**disk, dir)? {
        match checked(disk, dir, record, Some(layout)) {
            Ok(found) => {
                newest.found = Some(found);
                break;
            }
            Err(why) => newest.skipped.push(why),
        }
    }
    Ok(newest)
}

/// The snapshot of a record, checked against itself and against the journal.
pub(crate) fn checked(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    record: u64,
    layout: Option<u32>,
) -> Result<(Snapshot, Reader), JournalError> {
    let snapshot = load(&**disk, dir, record)?;
    if layout.is_some_and(|layout| layout != snapshot.info.layout) {
        let why = "its payload is of another layout (another version of the program wrote it)";
        return Err(JournalError::Snapshot { file: snapshot.info.path, why });
    }
    let reader = Reader::open_behind(Arc::clone(disk), dir, &snapshot.info)?;
    Ok((snapshot, reader))
}

/// The place of a snapshot that is still to be written; one is written at a time.
#[derive(Debug)]
pub struct Ticket {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    info: SnapshotInfo,
    sync: bool,
}

impl Ticket {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, info: SnapshotInfo, sync: bool) -> Self {
        Self { disk, dir: dir.to_path_buf(), info, sync }
    }

    /// Number of the first record that it has not seen.
    pub const fn record(&self) -> u64 {
        self.info.record
    }

    /// Writes it, in `Power` synced: it appears whole or not at all. Older ones than the newest
    /// three are removed. The journal itself is unaffected by what goes wrong here.
    ///
    /// # Errors
    /// [`JournalError::NoSpace`] (the journal's reserve is not touched) and what the disk says.
    pub fn write(self, payload: &[u8]) -> Result<SnapshotInfo, JournalError> {
        let (disk, dir) = (&*self.disk, &*self.dir);
        let info = SnapshotInfo { bytes: payload.len() as u64, ..self.info };
        write(disk, dir, &info, payload, self.sync)?;
        for old in list(disk, dir)?.into_iter().skip(KEPT) {
            let path = path(dir, old);
            disk.remove(&path).map_err(|e| JournalError::io("remove", &path, e))?;
        }
        Ok(info)
    }
}

fn write(
    disk: &dyn Disk,
    dir: &Path,
    info: &SnapshotInfo,
    payload: &[u8],
    sync: bool,
) -> Result<(), JournalError> {
    let from = dir.join(TEMPORARY);
    let file = disk.open(&from, Open::Create).map_err(|e| JournalError::io("create", &from, e))?;
    let written = file
        .write_at(&info.encode(payload), 0)
        .and_then(|()| file.write_at(payload, HEADER as u64))
        .map_err(|e| JournalError::io("write", &from, e));
    let written = match written {
        Ok(()) if sync => file.sync_all().map_err(|e| JournalError::sync(&from, e)),
        other => other,
    };
    if let Err(e) = written {
        // Give the space back; the first error is the one to report.
        let _ = disk.remove(&from);
        return Err(e);
    }
    disk.rename(&from, &info.path).map_err(|e| JournalError::io("rename", &from, e))?;
    if sync { segment::sync_dir(disk, dir) } else { Ok(()) }
}
