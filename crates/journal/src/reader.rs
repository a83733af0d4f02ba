//! Reads a journal from front to end in bounded memory, checking every record.

use crate::chain::{BLOCK, Chain};
use crate::disk::{self, Disk, DiskFile, Open, read_full};
use crate::error::JournalError;
use crate::money;
use crate::record::{HEAD, Head, Kind, Record, kind_of, take};
use crate::segment::{self, HEADER, OLDEST, SegmentHeader, VERSION};
use crate::snapshot::SnapshotInfo;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CHUNK: usize = 256 << 10;

/// Does this folder hold a journal? Not if it is missing, nor if its writer died while making it:
/// the first segment appears whole, with the session in it, or not at all.
///
/// # Errors
/// [`JournalError`]: the folder cannot be listed, or its first segment is missing.
pub fn begun(dir: &Path) -> Result<bool, JournalError> {
    begun_on(&*disk::system(), dir)
}

/// As [`begun`], on another disk.
///
/// # Errors
/// As [`begun`].
pub fn begun_on(disk: &dyn Disk, dir: &Path) -> Result<bool, JournalError> {
    match segment::range(disk, dir) {
        Ok(segments) => Ok(!segments.is_empty()),
        Err(JournalError::Missing { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Bytes behind the last whole record: what a crash cut off, or a live writer is just writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The last segment.
    pub file: PathBuf,
    /// Where the whole records end.
    pub offset: u64,
    /// How many bytes from there are not zero-filled space.
    pub bytes: u64,
    /// Number of the first record that is not whole.
    pub record: u64,
}

/// Streams the records of a journal; safe beside a live writer, and never writes.
///
/// After `Ok(None)` it may be asked again: it goes on where it stopped if more was written.
#[derive(Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    header: Vec<u8>,
    identity: [u8; 32],
    path: PathBuf,
    file: Box<dyn DiskFile>,
    index: u64,
    /// File offset of `buffer[start]`: the next record.
    offset: u64,
    number: u64,
    chain: Chain,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    torn: Option<Torn>,
    follow: bool,
    /// Offset whose tail was already found clean; asking again costs one read.
    clean_at: Option<u64>,
    sync: Sync,
    /// Of the format.
    version: u32,
}

/// What the records that were read say about the syncs that covered them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sync {
    /// Segment and offset of the first record of the last sync: whether it returned is not known.
    pub last: (u64, u64),
    /// Some record was written in `Process`, so no sync covered it.
    pub process: bool,
}

/// What stands where a record should be.
enum Found {
    Whole(Head),
    Not(&'static str),
}

/// What lies behind a place where no whole record is.
struct Tail {
    /// One past the last byte that is not zero.
    end: Option<u64>,
    /// Some whole record follows.
    follows: bool,
    /// All that follow were written in `Power` and share the hole's sync, so none was promised.
    one_batch: bool,
}

impl Reader {
    /// Opens a journal's folder and reads its session header.
    ///
    /// # Errors
    /// [`JournalError`]: missing, not a journal, another version, damaged, or without a header.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::start(disk::system(), dir, false)
    }

    /// As [`Reader::open`], on another disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        Self::start(disk, dir, false)
    }

    /// As [`Reader::open`], for following a live writer: the end is taken at its word, and the
    /// preallocated space behind it is not searched for records after a hole.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn follow(dir: &Path) -> Result<Self, JournalError> {
        Self::start(disk::system(), dir, true)
    }

    /// As [`Reader::follow`], on another disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn follow_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        Self::start(disk, dir, true)
    }

    /// From the first record that is still there: the whole journal, or what was left when the
    /// segments before it were removed behind a snapshot.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_rest(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        let first = segment::range(&*disk, dir)?.start;
        if first == 0 { Self::start(disk, dir, false) } else { Self::within(disk, dir, first) }
    }

    /// Behind a snapshot: the next record is the first that the snapshot has not seen. The records
    /// before it in its segment are checked on the way.
    ///
    /// # Errors
    /// As [`Reader::open`]; [`JournalError::Snapshot`] when the journal does not hold what the
    /// snapshot has seen.
    pub fn open_behind(
        disk: Arc<dyn Disk>,
        dir: &Path,
        snapshot: &SnapshotInfo,
    ) -> Result<Self, JournalError> {
        let refused = |why| JournalError::Snapshot { file: snapshot.path.clone(), why };
        let segments = segment::range(&*disk, dir)?;
        let mut found = None;
        for index in segments.rev() {
            let (_, header) = open_segment(&*disk, &segment::path(dir, index), VERSION)?;
            if header.is_some_and(|header| header.first <= snapshot.record) {
                found = Some(index);
                break;
            }
        }
        let index = found.ok_or_else(|| refused("the segment that it continues was removed"))?;
        let mut reader = match index {
            0 => Self::start(disk, dir, false)?,
            _ => Self::within(disk, dir, index)?,
        };
        if reader.identity != snapshot.identity {
            return Err(refused("it belongs to another session"));
        }
        while reader.number < snapshot.record {
            if reader.advance()?.is_none() {
                return Err(refused("it has seen more records than the journal holds"));
            }
        }
        if reader.number != snapshot.record || reader.chain != snapshot.chain {
            return Err(refused("the journal's records are not the ones that it has seen"));
        }
        Ok(reader)
    }

    fn start(disk: Arc<dyn Disk>, dir: &Path, follow: bool) -> Result<Self, JournalError> {
        let mut reader = Self::start_from(disk, dir, VERSION)?;
        reader.follow = follow;
        Ok(reader)
    }

    /// As [`Reader::open`], of any version of the format that can be migrated.
    pub(crate) fn open_older(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, JournalError> {
        Self::start_from(disk, dir, OLDEST)
    }

    fn start_from(disk: Arc<dyn Disk>, dir: &Path, oldest: u32) -> Result<Self, JournalError> {
        let segments = segment::range(&*disk, dir)?;
        if segments.is_empty() {
            return Err(JournalError::Missing { dir: dir.to_path_buf() });
        }
        let no_session = || JournalError::NoSession { dir: dir.to_path_buf() };
        let path = segment::path(dir, segments.start);
        let (file, header) = open_segment(&*disk, &path, oldest)?;
        let header = header.ok_or_else(no_session)?;
        if segments.start > 0 {
            return Err(JournalError::Trimmed { dir: dir.to_path_buf(), first: header.first });
        }
        let mut reader = Self::at(disk, dir, path, file, &header);
        if header.index != 0 || header.first != 0 || header.chain != Chain::new() {
            return Err(reader.corrupt("the first segment does not begin the chain"));
        }
        let first = reader.next()?.ok_or_else(no_session)?;
        let (kind, bytes) = (first.kind, first.payload.to_vec());
        if kind != Kind::Header || identity(&bytes) != reader.identity {
            return Err(reader.corrupt("record 0 is not the session that the segment names"));
        }
        reader.header = bytes;
        Ok(reader)
    }

    /// At the start of a segment that is not the first.
    fn within(disk: Arc<dyn Disk>, dir: &Path, index: u64) -> Result<Self, JournalError> {
        let session = if disk.exists(&segment::path(dir, 0)) {
            Self::start(Arc::clone(&disk), dir, false)?.header
        } else {
            money::session(&*disk, dir)?
        };
        let path = segment::path(dir, index);
        let (file, header) = open_segment(&*disk, &path, VERSION)?;
        let header = header.ok_or_else(|| JournalError::NoSession { dir: dir.to_path_buf() })?;
        let mut reader = Self::at(disk, dir, path, file, &header);
        if header.index != index {
            return Err(reader.corrupt("the segment's header has another index than its name"));
        }
        if identity(&session) != reader.identity {
            return Err(reader.corrupt("the segment belongs to another session"));
        }
        reader.header = session;
        Ok(reader)
    }

    /// At the first record of a segment, record 0 included, knowing no session.
    pub(crate) fn raw(disk: Arc<dyn Disk>, dir: &Path, index: u64) -> Result<Self, JournalError> {
        let path = segment::path(dir, index);
        let (file, header) = open_segment(&*disk, &path, VERSION)?;
        let header = header.ok_or_else(|| JournalError::NoSession { dir: dir.to_path_buf() })?;
        Ok(Self::at(disk, dir, path, file, &header))
    }

    fn at(
        disk: Arc<dyn Disk>,
        dir: &Path,
        path: PathBuf,
        file: Box<dyn DiskFile>,
        header: &SegmentHeader,
    ) -> Self {
        Self {
            disk,
            dir: dir.to_path_buf(),
            header: Vec::new(),
            identity: header.identity,
            path,
            file,
            index: header.index,
            offset: HEADER as u64,
            number: header.first,
            chain: header.chain,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            torn: None,
            follow: false,
            clean_at: None,
            sync: Sync::default(),
            version: header.version,
        }
    }

    /// The session header given to [`crate::Writer::create`]: record 0, which `next` does not
    /// repeat.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] with file and offset when something other than the tail is wrong.
    #[allow(clippy::should_implement_trait, reason = "lends from its buffer")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        Ok(self.next_raw()?.map(|(record, _)| record))
    }

    /// Version of the format that the journal is written in.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// As [`Reader::next`], with the record's own bytes.
    pub(crate) fn next_raw(&mut self) -> Result<Option<(Record<'_>, &[u8])>, JournalError> {
        let Some((at, head)) = self.advance()? else { return Ok(None) };
        let bytes = &self.buffer[at..at + head.total()];
        // `advance` accepted the code, so this is only the type's way of saying so.
        let kind = Kind::from_code(head.kind).unwrap_or(Kind::Node);
        let payload = &bytes[HEAD..HEAD + head.length];
        let (number, version, source) = (head.number, head.version, head.source);
        Ok(Some((Record { number, kind, version, source, payload }, bytes)))
    }

    /// Number of the next record: how many were read, the session header included.
    pub const fn records(&self) -> u64 {
        self.number
    }

    /// File and offset of the next record.
    pub fn place(&self) -> (&Path, u64) {
        (&self.path, self.offset)
    }

    /// What lay behind the last whole record when `next` last returned `None`.
    pub const fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    pub(crate) const fn syncs(&self) -> Sync {
        self.sync
    }

    pub(crate) const fn position(&self) -> (u64, u64, Chain, [u8; 32]) {
        (self.index, self.offset, self.chain, self.identity)
    }

    /// Moves past the next record; its place in the buffer and its head.
    fn advance(&mut self) -> Result<Option<(usize, Head)>, JournalError> {
        self.torn = None;
        loop {
            let head = match self.look()? {
                Found::Whole(head) => head,
                Found::Not(why) => match self.at_end(why)? {
                    End::Again => continue,
                    End::Here => return Ok(None),
                },
            };
            if head.number != self.number {
                return Err(self.corrupt("the record's number is out of order"));
            }
            if head.link != self.chain.link() {
                return Err(self.corrupt("the record does not continue the hash chain"));
            }
            self.understood(&head)?;
            if head.batch.first == head.number {
                self.sync.last = (self.index, self.offset);
            }
            self.sync.process |= !head.batch.power;
            let (at, total) = (self.start, head.total());
            self.chain.absorb(&self.buffer[at..at + total]);
            self.start += total;
            self.offset += total as u64;
            self.number += 1;
            return Ok(Some((at, head)));
        }
    }

    /// Is the record one that this program knows? One that is whole and in its place, and is not,
    /// is no torn tail: a newer program wrote it.
    #[inline]
    fn understood(&self, head: &Head) -> Result<(), JournalError> {
        match kind_of(head.kind, self.version) {
            Some(kind) if head.version > 0 && head.version <= kind.version() => Ok(()),
            kind => Err(self.not_understood(kind, head)),
        }
    }

    #[cold]
    fn not_understood(&self, kind: Option<Kind>, head: &Head) -> JournalError {
        let (file, record) = (self.path.clone(), self.number);
        match kind {
            None => JournalError::RecordKind { file, record, code: head.kind },
            Some(kind) => JournalError::RecordVersion {
                file,
                record,
                kind: kind.name(),
                found: head.version,
                supported: kind.version(),
            },
        }
    }

    /// Is there a whole record at the present place?
    fn look(&mut self) -> Result<Found, JournalError> {
        if !self.fill(HEAD)? {
            return Ok(Found::Not("the file ends inside a record's head"));
        }
        let head = Head::parse(&take(&self.buffer[self.start..], 0), self.version);
        if head.length == 0 && head.kind == 0 {
            return Ok(Found::Not("zeros stand where a record should be"));
        }
        let behind = self.offset + head.total() as u64;
        // Before space is taken for a long one: a length that is noise is longer than the file.
        let noise = head.total() > CHUNK && behind > self.length()?;
        if noise || !self.fill(head.total())? {
            return Ok(Found::Not("the file ends inside a record"));
        }
        let bytes = &self.buffer[self.start..self.start + head.total()];
        if crc32fast::hash(&bytes[4..]) == head.crc {
            Ok(Found::Whole(head))
        } else {
            Ok(Found::Not("the record's checksum does not match"))
        }
    }

    /// No whole record here: is it the end of a segment, the end of the journal, or damage?
    fn at_end(&mut self, why: &'static str) -> Result<End, JournalError> {
        let next = segment::path(&self.dir, self.index + 1);
        if self.disk.exists(&next) {
            // The writer may have appended here between our look and its roll: look again, now
            // that this segment is final.
            self.refill();
            if matches!(self.look()?, Found::Whole(_)) {
                return Ok(End::Again);
            }
            return self.roll(next, why);
        }
        if !self.disk.exists(&self.path) {
            // Segments go in their order, so the next one may be gone too: this is no end.
            let (dir, first) = (self.dir.clone(), self.number);
            return Err(JournalError::Trimmed { dir, first });
        }
        if self.follow || self.clean_at == Some(self.offset) {
            return Ok(End::Here);
        }
        let tail = self.tail()?;
        if tail.follows {
            // A live writer may have written this record and the later one between our two reads;
            // it writes in order, so a second look sees this one too.
            self.refill();
            if matches!(self.look()?, Found::Whole(_)) {
                return Ok(End::Again);
            }
            if !tail.one_batch {
                return Err(self.corrupt(why));
            }
        }
        match tail.end {
            None => self.clean_at = Some(self.offset),
            Some(end) => {
                self.torn = Some(Torn {
                    file: self.path.clone(),
                    offset: self.offset,
                    bytes: end - self.offset,
                    record: self.number,
                });
            }
        }
        Ok(End::Here)
    }

    /// Goes on in the next segment if this one ends here.
    fn roll(&mut self, next: PathBuf, why: &'static str) -> Result<End, JournalError> {
        if self.tail()?.end.is_some() {
            return Err(self.corrupt(why));
        }
        let (file, header) = open_segment(&*self.disk, &next, self.version)?;
        let Some(header) = header else {
            if self.disk.exists(&segment::path(&self.dir, self.index + 2)) {
                return Err(JournalError::Corrupt {
                    file: next,
                    offset: 0,
                    record: self.number,
                    why: "the segment has no header",
                });
            }
            let bytes = file.length().map_err(|e| JournalError::io("read", &next, e))?;
            self.torn = Some(Torn { file: next, offset: 0, bytes, record: self.number });
            return Ok(End::Here);
        };
        if header.first > self.number {
            return Err(self.corrupt("the segment ends before the next one begins"));
        }
        let continues = header.version == self.version
            && header.first == self.number
            && header.chain == self.chain
            && header.index == self.index + 1
            && header.identity == self.identity;
        (self.path, self.file, self.index) = (next, file, self.index + 1);
        (self.offset, self.start, self.end) = (HEADER as u64, 0, 0);
        if continues {
            Ok(End::Again)
        } else {
            self.offset = 0;
            Err(self.corrupt("the segment does not continue the one before it"))
        }
    }

    /// Reads the rest of the segment for what is there beside zeros.
    fn tail(&self) -> Result<Tail, JournalError> {
        let fail = |e| JournalError::io("read", &self.path, e);
        let mut tail = Tail { end: None, follows: false, one_batch: true };
        let mut chunk = vec![0u8; CHUNK];
        let mut at = self.offset;
        loop {
            let n = read_full(&*self.file, &mut chunk, at).map_err(fail)?;
            let bytes = &chunk[..n];
            if bytes.iter().any(|b| *b != 0) {
                for (i, block) in bytes.chunks(BLOCK).enumerate() {
                    let place = at + (i * BLOCK) as u64;
                    let Some(last) = block.iter().rposition(|b| *b != 0) else { continue };
                    tail.end = Some(place + last as u64 + 1);
                    if place == self.offset {
                        continue;
                    }
                    if let Some(head) = self.whole_at(place, block).map_err(fail)? {
                        tail.follows = true;
                        tail.one_batch &= head.batch.power && head.batch.first <= self.number;
                    }
                }
            }
            if n < chunk.len() {
                return Ok(tail);
            }
            at += n as u64;
        }
    }

    /// The head of a later record that is whole, if one begins at `place`.
    fn whole_at(&self, place: u64, block: &[u8]) -> io::Result<Option<Head>> {
        if block.len() < HEAD {
            return Ok(None);
        }
        let head = Head::parse(&take(block, 0), self.version);
        // A record takes a block at least, so there are no more numbers than blocks between.
        let most = self.number.saturating_add((place - self.offset) / BLOCK as u64);
        let plausible = head.kind != 0 && head.number > self.number && head.number <= most;
        if !plausible || place + head.total() as u64 > self.file.length()? {
            return Ok(None);
        }
        let mut bytes = vec![0; head.total()];
        let n = read_full(&*self.file, &mut bytes, place)?;
        let whole = n == bytes.len() && crc32fast::hash(&bytes[4..]) == head.crc;
        Ok(whole.then_some(head))
    }

    fn length(&self) -> Result<u64, JournalError> {
        self.file.length().map_err(|e| JournalError::io("read", &self.path, e))
    }

    /// Makes at least `bytes` readable from the present place; false when the file ends before.
    fn fill(&mut self, bytes: usize) -> Result<bool, JournalError> {
        if self.end - self.start >= bytes {
            return Ok(true);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let want = bytes.next_multiple_of(BLOCK).max(CHUNK);
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        let at = self.offset + self.end as u64;
        let n = read_full(&*self.file, &mut self.buffer[self.end..], at)
            .map_err(|e| JournalError::io("read", &self.path, e))?;
        self.end += n;
        Ok(self.end >= bytes)
    }

    /// Forgets what was read ahead.
    const fn refill(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    fn corrupt(&self, why: &'static str) -> JournalError {
        JournalError::Corrupt {
            file: self.path.clone(),
            offset: self.offset,
            record: self.number,
            why,
        }
    }
}

enum End {
    /// Look again: there is more.
    Again,
    /// Nothing more for now.
    Here,
}

/// SHA-256 of the session header.
pub(crate) fn identity(header: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(header).into()
}

/// An open segment, and its header.
type Opened = (Box<dyn DiskFile>, Option<SegmentHeader>);

/// Opens a segment; `None` for a header that was never completely written.
fn open_segment(disk: &dyn Disk, path: &Path, oldest: u32) -> Result<Opened, JournalError> {
    let file = disk.open(path, Open::Read).map_err(|e| JournalError::io("open", path, e))?;
    let mut bytes = [0; HEADER];
    let n = read_full(&*file, &mut bytes, 0).map_err(|e| JournalError::io("read", path, e))?;
    if n < HEADER || bytes == [0; HEADER] {
        return Ok((file, None));
    }
    let header = SegmentHeader::decode(path, &bytes, oldest)?;
    Ok((file, Some(header)))
}
