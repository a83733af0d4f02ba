//! What is kept for ever of a segment that was removed behind a snapshot: its money events, each
//! the bytes of the record as it was written.
//!
//! ```text
//!   0 magic "AEGISMNY"   8 version u32   12 layout u32   as in a segment
//!  16 identity 32 B      48 index u64    56 first u64    64 chain 32 B before the segment
//!  96 end u64            one past the segment's last record
//! 104 count u64          112 bytes u64   of the records kept
//! 120 chain 32 B         state behind the segment
//! 152 SHA-256 of the records kept        188 crc u32 of bytes 0..188    192 records
//! ```

use crate::chain::Chain;
use crate::disk::{Disk, Open, read_full};
use crate::error::JournalError;
use crate::record::{HEAD, Head, Kind, Record, take};
use crate::segment;
use sha2::{Digest, Sha256};
use std::path::Path;

pub(crate) const MAGIC: &[u8; 8] = b"AEGISMNY";
const VERSION: u32 = 1;
const HEADER: usize = 192;

/// Which segment a file of money events stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub identity: [u8; 32],
    pub index: u64,
    pub first: u64,
    pub before: Chain,
    pub end: u64,
    pub behind: Chain,
    pub count: u64,
}

/// The money events of a segment that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    span: Span,
    frames: Vec<u8>,
}

impl Money {
    pub(crate) fn new(span: Span, frames: Vec<u8>) -> Self {
        Self { span, frames }
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// Number of the segment's first record, and one past its last.
    pub const fn records(&self) -> (u64, u64) {
        (self.span.first, self.span.end)
    }

    /// How many records were kept.
    pub const fn kept(&self) -> u64 {
        self.span.count
    }

    /// The records that were kept, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = self.frames.as_slice();
        std::iter::from_fn(move || {
            let (record, behind) = first(rest)?;
            rest = behind;
            Some(record)
        })
    }

    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let span = &self.span;
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&segment::layout(segment::VERSION).to_le_bytes());
        bytes[16..48].copy_from_slice(&span.identity);
        bytes[48..56].copy_from_slice(&span.index.to_le_bytes());
        bytes[56..64].copy_from_slice(&span.first.to_le_bytes());
        bytes[64..96].copy_from_slice(&span.before.to_bytes());
        bytes[96..104].copy_from_slice(&span.end.to_le_bytes());
        bytes[104..112].copy_from_slice(&span.count.to_le_bytes());
        bytes[112..120].copy_from_slice(&(self.frames.len() as u64).to_le_bytes());
        bytes[120..152].copy_from_slice(&span.behind.to_bytes());
        bytes[152..184].copy_from_slice(&Sha256::digest(&self.frames));
        let crc = crc32fast::hash(&bytes[..188]);
        bytes[188..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Puts it on the disk, synced.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
        let (from, to) = (dir.join("money.tmp"), segment::money_path(dir, self.span.index));
        let file =
            disk.open(&from, Open::Create).map_err(|e| JournalError::io("create", &from, e))?;
        file.write_at(&self.encode(), 0)
            .and_then(|()| file.write_at(&self.frames, HEADER as u64))
            .map_err(|e| JournalError::io("write", &from, e))?;
        file.sync_all().map_err(|e| JournalError::sync(&from, e))?;
        disk.rename(&from, &to).map_err(|e| JournalError::io("rename", &from, e))?;
        segment::sync_dir(disk, dir)
    }
}

/// The record at the start of these bytes, and what is behind it.
fn first(frames: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let head = Head::parse(frames.first_chunk::<HEAD>()?, segment::VERSION);
    let (bytes, behind) = frames.split_at_checked(head.total())?;
    let kind = Kind::from_code(head.kind)?;
    if crc32fast::hash(&bytes[4..]) != head.crc {
        return None;
    }
    let payload = &bytes[HEAD..HEAD + head.length];
    let (number, version, source) = (head.number, head.version, head.source);
    Some((Record { number, kind, version, source, payload }, behind))
}

/// Reads and checks what was kept of segment `index`.
///
/// # Errors
/// [`JournalError::Corrupt`] when it is damaged, and what the disk says.
pub fn read(disk: &dyn Disk, dir: &Path, index: u64) -> Result<Money, JournalError> {
    let path = segment::money_path(dir, index);
    let fail = |e| JournalError::io("read", &path, e);
    let file = disk.open(&path, Open::Read).map_err(fail)?;
    let refused =
        |record, why| JournalError::Corrupt { file: path.clone(), offset: 0, record, why };
    let mut bytes = [0; HEADER];
    if read_full(&*file, &mut bytes, 0).map_err(fail)? < HEADER || &bytes[..8] != MAGIC {
        return Err(JournalError::NotAJournal { file: path.clone() });
    }
    let u64_at = |at: usize| u64::from_le_bytes(take(&bytes, at));
    if crc32fast::hash(&bytes[..188]) != u32::from_le_bytes(take(&bytes, 188)) {
        return Err(refused(0, "the header's checksum does not match"));
    }
    let version = u32::from_le_bytes(take(&bytes, 8));
    if version != VERSION {
        return Err(JournalError::Version { file: path, found: version, supported: VERSION });
    }
    let found = u32::from_le_bytes(take(&bytes, 12));
    if found != segment::layout(segment::VERSION) {
        return Err(JournalError::Layout {
            file: path,
            found,
            supported: segment::layout(segment::VERSION),
        });
    }
    let span = Span {
        identity: take(&bytes, 16),
        index: u64_at(48),
        first: u64_at(56),
        before: Chain::from_bytes(&take(&bytes, 64)),
        end: u64_at(96),
        behind: Chain::from_bytes(&take(&bytes, 120)),
        count: u64_at(104),
    };
    let length = file.length().map_err(fail)?;
    if span.index != index || length.checked_sub(HEADER as u64) != Some(u64_at(112)) {
        return Err(refused(span.first, "its index or its length is not the one in its header"));
    }
    let mut frames = vec![0; u64_at(112) as usize];
    let n = read_full(&*file, &mut frames, HEADER as u64).map_err(fail)?;
    if n < frames.len() || Sha256::digest(&frames).as_slice() != &bytes[152..184] {
        return Err(refused(span.first, "the records' SHA-256 does not match"));
    }
    let money = Money::new(span, frames);
    if money.iter().count() as u64 != span.count {
        return Err(refused(span.first, "it does not hold as many records as it says"));
    }
    Ok(money)
}

/// The session header of a journal whose first segment was removed.
pub(crate) fn session(disk: &dyn Disk, dir: &Path) -> Result<Vec<u8>, JournalError> {
    let kept = read(disk, dir, 0)?;
    let session = kept.iter().next().filter(|record| record.kind == Kind::Header);
    match session {
        Some(record) => Ok(record.payload.to_vec()),
        None => Err(JournalError::NoSession { dir: dir.to_path_buf() }),
    }
}
