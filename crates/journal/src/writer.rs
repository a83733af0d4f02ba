//! The one writer of a journal: appends into a buffer, flushes with one write.

use crate::chain::Chain;
use crate::disk::{self, Disk, DiskFile, Lock, Open, read_full};
use crate::error::{JournalError, is_full};
use crate::reader::{Reader, Torn, identity};
use crate::record::{self, Batch, Kind, PAYLOAD_MAX, Source};
use crate::segment::{self, HEADER, Prepared, SegmentHeader};
use crate::snapshot::{self, SnapshotInfo, Ticket};
use crate::space::{self, Room, Space};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The buffer is written out, without a sync, before it exceeds this.
const BUFFER: usize = 256 << 10;

/// What a flushed record survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of this process, also by SIGKILL: the bytes are in the page cache.
    #[default]
    Process,
    /// A power cut: the bytes are synced to the disk.
    Power,
}

impl Durability {
    /// `process` or `power`, as the setting is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
        }
    }
}

/// How a journal is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What a flushed record survives.
    pub durability: Durability,
    /// Size at which a new segment begins; a record longer than this gets a segment of its own.
    pub segment_bytes: u64,
    /// Space held back for the day on which the disk is full; 0: none.
    pub reserve_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { durability: Durability::Process, segment_bytes: 64 << 20, reserve_bytes: 16 << 20 }
    }
}

/// The last record that a recovery found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Its number.
    pub number: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its source.
    pub source: Source,
}

/// What [`Writer::resume`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whole records, the session header included.
    pub records: u64,
    /// Bytes of a torn tail that were cut off.
    pub truncated_bytes: u64,
    /// Where the torn tail was.
    pub truncated: Option<Torn>,
    /// The last whole record.
    pub last: Last,
    /// Source of the last market record: a feed resumes behind it.
    pub last_market: Option<Source>,
}

/// Appends records; holds the folder's lock as long as it lives.
#[derive(Debug)]
pub struct Writer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    config: Config,
    identity: [u8; 32],
    index: u64,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    capacity: u64,
    /// File offset at which the buffer will be written.
    offset: u64,
    buffer: Vec<u8>,
    /// Bytes of the segments before this one.
    before: u64,
    number: u64,
    chain: Chain,
    /// First record that the next sync (in `Process`: the next write) covers.
    batch_first: u64,
    /// Records before this number are in the file.
    written: u64,
    last: Last,
    market: Option<Source>,
    market_written: Option<Source>,
    prepared: Option<Prepared>,
    room: Room,
    failed: Option<String>,
    _lock: Box<dyn Lock>,
}

impl Writer {
    /// Starts a journal in a folder that holds none; `header` is the session as JSON and becomes
    /// record 0. On return it is in the file; in `Power` it is synced.
    ///
    /// # Errors
    /// [`JournalError`]: there is one already, it is locked, no space, no access.
    pub fn create(dir: &Path, header: &[u8], config: &Config) -> Result<Self, JournalError> {
        Self::create_on(disk::system(), dir, header, config)
    }

    /// As [`Writer::create`], on another disk.
    ///
    /// # Errors
    /// As [`Writer::create`].
    pub fn create_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        header: &[u8],
        config: &Config,
    ) -> Result<Self, JournalError> {
        check_length(header)?;
        let lock = segment::lock(&*disk, dir, true)?;
        segment::remove_prepared(&*disk, dir)?;
        if !segment::range(&*disk, dir)?.is_empty() {
            return Err(JournalError::Exists { dir: dir.to_path_buf() });
        }
        let (mut chain, mut first) = (Chain::new(), Vec::new());
        let power = config.durability == Durability::Power;
        let (version, identity) = (segment::VERSION, identity(header));
        let segment = SegmentHeader { version, identity, index: 0, first: 0, chain };
        let batch = Batch { first: 0, power };
        let kind = (Kind::Header, Kind::Header.version());
        record::frame(&mut first, &mut chain, batch, 0, kind, Source::default(), header);
        let capacity = capacity(config, first.len());
        let room = Room::new(&*disk, dir, config.reserve_bytes)?;
        let begun = segment::prepare(&*disk, dir, capacity, power).and_then(|prepared| {
            segment::publish(&*disk, dir, &prepared, &segment, &first, power)?;
            Ok(prepared)
        });
        let prepared = begun.inspect_err(|_| {
            // Nothing was begun that could need it; the first error is the one to report.
            let _ = space::release(&*disk, dir);
        })?;
        Ok(Self {
            disk,
            dir: dir.to_path_buf(),
            config: config.clone(),
            identity: segment.identity,
            index: 0,
            path: segment::path(dir, 0),
            file: prepared.file,
            capacity,
            offset: (HEADER + first.len()) as u64,
            buffer: Vec::with_capacity(BUFFER),
            before: 0,
            number: 1,
            chain,
            batch_first: 1,
            written: 1,
            last: Last { number: 0, kind: Kind::Header, source: Source::default() },
            market: None,
            market_written: None,
            prepared: None,
            room,
            failed: None,
            _lock: lock,
        })
    }

    /// Goes on with a journal: checks every record, cuts off a torn tail, continues the chain.
    ///
    /// # Errors
    /// [`JournalError`]: missing, locked, another version, damaged anywhere but at the tail.
    pub fn resume(dir: &Path, config: &Config) -> Result<(Self, Recovery), JournalError> {
        Self::resume_on(disk::system(), dir, config)
    }

    /// As [`Writer::resume`], on another disk.
    ///
    /// # Errors
    /// As [`Writer::resume`].
    pub fn resume_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: &Config,
    ) -> Result<(Self, Recovery), JournalError> {
        Self::resume_behind(disk, dir, config, None)
    }

    /// As [`Writer::resume_on`], reading only what is behind a snapshot.
    ///
    /// # Errors
    /// As [`Writer::resume`]; [`JournalError::Snapshot`] when the journal does not hold what the
    /// snapshot has seen.
    pub fn resume_behind(
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: &Config,
        snapshot: Option<&SnapshotInfo>,
    ) -> Result<(Self, Recovery), JournalError> {
        let lock = segment::lock(&*disk, dir, false)?;
        segment::remove_prepared(&*disk, dir)?;
        let mut reader = match snapshot {
            Some(snapshot) => Reader::open_behind(Arc::clone(&disk), dir, snapshot)?,
            None => Reader::open_on(Arc::clone(&disk), dir)?,
        };
        let first = Last { number: 0, kind: Kind::Header, source: Source::default() };
        let mut last = snapshot.map_or(first, |snapshot| snapshot.last);
        let mut last_market = snapshot.and_then(|snapshot| snapshot.last_market);
        while let Some(record) = reader.next()? {
            last = Last { number: record.number, kind: record.kind, source: record.source };
            if record.kind == Kind::Market {
                last_market = Some(record.source);
            }
        }
        let records = reader.records();
        let torn = reader.torn().cloned();
        let (index, offset, chain, identity) = reader.position();
        if let Some(torn) = torn.as_ref().filter(|t| t.offset == 0) {
            disk.remove(&torn.file).map_err(|e| JournalError::io("remove", &torn.file, e))?;
        }
        let before = lengths(&*disk, dir, index)?;
        let path = segment::path(dir, index);
        let file = disk.open(&path, Open::Write).map_err(|e| JournalError::io("open", &path, e))?;
        // Cutting, and growing again, leaves nothing or zeros behind the last whole record.
        file.set_length(offset).map_err(|e| JournalError::io("truncate", &path, e))?;
        let power = config.durability == Durability::Power;
        let mut room = Room::again(&*disk, dir, config.reserve_bytes)?;
        let sizes = (config.segment_bytes.max(offset), offset);
        let capacity = room.segment(&*disk, dir, sizes, |bytes| {
            segment::reserve(&*file, &path, bytes, power).map(|()| bytes)
        })?;
        if power {
            make_sure(&*disk, dir, &*file, &path, &reader)?;
        }
        let recovery = Recovery {
            records,
            truncated_bytes: torn.as_ref().map_or(0, |t| t.bytes),
            truncated: torn,
            last,
            last_market,
        };
        let writer = Self {
            disk,
            dir: dir.to_path_buf(),
            config: config.clone(),
            identity,
            index,
            path,
            file,
            capacity,
            offset,
            buffer: Vec::with_capacity(BUFFER),
            before,
            number: records,
            chain,
            batch_first: records,
            written: records,
            last,
            market: last_market,
            market_written: last_market,
            prepared: None,
            room,
            failed: None,
            _lock: lock,
        };
        Ok((writer, recovery))
    }

    /// Adds a record to the buffer and returns its number. Nothing may act on it before
    /// [`Writer::flush`].
    ///
    /// # Errors
    /// [`JournalError`]; the record was then not added. After [`JournalError::NoSpace`] the call
    /// may be repeated; after an error of the disk every further call fails.
    #[inline]
    pub fn append(
        &mut self,
        kind: Kind,
        source: Source,
        payload: &[u8],
    ) -> Result<u64, JournalError> {
        self.append_as((kind, kind.version()), source, payload)
    }

    /// As [`Writer::append`], of a version of the payload that may be an older one.
    #[inline]
    pub(crate) fn append_as(
        &mut self,
        (kind, version): (Kind, u8),
        source: Source,
        payload: &[u8],
    ) -> Result<u64, JournalError> {
        check_length(payload)?;
        self.check()?;
        let total = record::total(payload.len());
        if self.offset + (self.buffer.len() + total) as u64 > self.capacity {
            self.roll(total)?;
        } else if !self.buffer.is_empty() && self.buffer.len() + total > BUFFER {
            self.write()?;
        }
        let number = self.number;
        let power = self.config.durability == Durability::Power;
        let batch = Batch { first: self.batch_first, power };
        let kinds = (kind, version);
        record::frame(&mut self.buffer, &mut self.chain, batch, number, kinds, source, payload);
        self.number += 1;
        self.last = Last { number, kind, source };
        if kind == Kind::Market {
            self.market = Some(source);
        }
        Ok(number)
    }

    /// Puts everything appended so far into the file, in `Power` also onto the disk.
    ///
    /// # Errors
    /// [`JournalError::NoSpace`] leaves everything as it was and may be repeated. A failed sync is
    /// final: the kernel may have dropped the pages, so a second sync would lie.
    #[inline]
    pub fn flush(&mut self) -> Result<(), JournalError> {
        self.check()?;
        self.write()?;
        if self.config.durability == Durability::Power && self.batch_first < self.number {
            if let Err(e) = self.file.sync_data() {
                return Err(self.fail(JournalError::sync(&self.path, e)));
            }
            self.batch_first = self.number;
        }
        Ok(())
    }

    /// The place of a snapshot of what was made of the records appended so far, which are flushed
    /// first. Writing it may be left to another thread. `layout` is the payload's, as its owner
    /// counts.
    ///
    /// # Errors
    /// As [`Writer::flush`].
    pub fn snapshot_here(&mut self, layout: u32) -> Result<Ticket, JournalError> {
        self.flush()?;
        let info = SnapshotInfo {
            path: snapshot::path(&self.dir, self.number),
            record: self.number,
            layout,
            last: self.last,
            last_market: self.market,
            bytes: 0,
            identity: self.identity,
            chain: self.chain,
        };
        let power = self.config.durability == Durability::Power;
        Ok(Ticket::new(Arc::clone(&self.disk), &self.dir, info, power))
    }

    /// As [`Writer::snapshot_here`], and writes it on this thread.
    ///
    /// # Errors
    /// As [`Writer::flush`] and [`Ticket::write`].
    pub fn snapshot(&mut self, layout: u32, payload: &[u8]) -> Result<SnapshotInfo, JournalError> {
        self.snapshot_here(layout)?.write(payload)
    }

    /// What room there is. It changes with a flush or an append; whoever trades asks behind them.
    #[inline]
    pub const fn space(&self) -> Space {
        self.room.space
    }

    /// Looks whether there is space again, and takes the reserve back. Worth asking every few
    /// seconds while [`Writer::space`] is not [`Space::Plenty`].
    pub fn reclaim(&mut self) -> Space {
        if self.failed.is_none() {
            let next = capacity(&self.config, 0);
            self.room.reclaim(&*self.disk, &self.dir, &self.path, next);
        }
        self.room.space
    }

    /// Bytes free on the disk, and how many there must be for [`Space::Plenty`] to come back.
    pub fn free(&self) -> (u64, u64) {
        let wanted = self.config.reserve_bytes + capacity(&self.config, 0);
        // A disk that does not answer that is no disk with space.
        (self.disk.free(&self.dir).unwrap_or(0), wanted)
    }

    /// Why the writer takes nothing any more, when it does not.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Reserves the next segment ahead, so that the append that needs it does not wait.
    ///
    /// # Errors
    /// [`JournalError::NoSpace`] and others; the journal itself is unaffected, but its room is the
    /// reserve from then on.
    pub fn prepare(&mut self) -> Result<(), JournalError> {
        if self.prepared.is_none() {
            let power = self.config.durability == Durability::Power;
            let capacity = capacity(&self.config, 0);
            match segment::prepare(&*self.disk, &self.dir, capacity, power) {
                Ok(prepared) => self.prepared = Some(prepared),
                Err(e) => {
                    if e.is_no_space() && self.room.space == Space::Plenty {
                        self.room.space = Space::Reserve;
                    }
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    /// More than half of the segment is used: time to [`Writer::prepare`] the next.
    pub const fn past_half(&self) -> bool {
        self.prepared.is_none() && self.offset > self.capacity / 2
    }

    /// Flushes, gives unused space back and releases the lock.
    ///
    /// # Errors
    /// As [`Writer::flush`].
    pub fn close(mut self) -> Result<(), JournalError> {
        self.flush()?;
        self.trim()?;
        if self.config.durability == Durability::Power {
            self.file.sync_all().map_err(|e| JournalError::sync(&self.path, e))?;
        }
        // What was held for later was never part of the journal.
        self.prepared = None;
        space::release(&*self.disk, &self.dir)?;
        segment::remove_prepared(&*self.disk, &self.dir)
    }

    /// Records appended so far, the session header included: the number of the next one.
    pub const fn records(&self) -> u64 {
        self.number
    }

    /// Index of the present segment.
    pub const fn segment(&self) -> u64 {
        self.index
    }

    /// Records in the file; in `Process` they are durable.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Source of the newest market record in the file: how far the ring may be overwritten.
    pub const fn market_written(&self) -> Option<Source> {
        self.market_written
    }

    /// Bytes of the journal, headers and buffered records included, reserved space not.
    pub const fn bytes(&self) -> u64 {
        self.before + self.offset + self.buffer.len() as u64
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a flushed record survives.
    pub const fn durability(&self) -> Durability {
        self.config.durability
    }

    /// One write of the whole buffer.
    fn write(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut written = self.file.write_at(&self.buffer, self.offset);
        if written.as_ref().is_err_and(is_full) && self.room.release(&*self.disk, &self.dir) {
            self.room.space = Space::Reserve;
            written = self.file.write_at(&self.buffer, self.offset);
        }
        let written = written.map_err(|e| JournalError::io("write", &self.path, e));
        if let Err(error) = self.room.note(written) {
            // Without space the same bytes can be written to the same place later.
            return Err(if error.is_no_space() { error } else { self.fail(error) });
        }
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.written = self.number;
        self.market_written = self.market;
        if self.config.durability == Durability::Process {
            self.batch_first = self.number;
        }
        Ok(())
    }

    /// Ends this segment and begins the next. Old records are in the file (in `Power` synced)
    /// before the next segment exists, so damage before the last segment is never a torn tail.
    fn roll(&mut self, record: usize) -> Result<(), JournalError> {
        self.flush()?;
        let power = self.config.durability == Durability::Power;
        let needed = capacity(&self.config, record);
        let prepared = match self.prepared.take() {
            Some(prepared) if prepared.capacity >= needed => prepared,
            _ => {
                let (disk, dir) = (&*self.disk, &*self.dir);
                let sizes = (needed, ((HEADER + record) as u64).next_multiple_of(64));
                self.room
                    .segment(disk, dir, sizes, |bytes| segment::prepare(disk, dir, bytes, power))?
            }
        };
        let header = SegmentHeader {
            version: segment::VERSION,
            identity: self.identity,
            index: self.index + 1,
            first: self.number,
            chain: self.chain,
        };
        if let Err(e) = segment::publish(&*self.disk, &self.dir, &prepared, &header, &[], power) {
            let refused = self.room.note::<()>(Err(e));
            return refused.map_err(|e| if e.is_no_space() { e } else { self.fail(e) });
        }
        // Unused space of the old segment is only space: keep it if the system will not take it.
        let _ = self.trim();
        self.before += self.offset;
        self.index += 1;
        self.path = segment::path(&self.dir, self.index);
        (self.file, self.capacity) = (prepared.file, prepared.capacity);
        self.offset = HEADER as u64;
        Ok(())
    }

    fn trim(&self) -> Result<(), JournalError> {
        self.file.set_length(self.offset).map_err(|e| JournalError::io("truncate", &self.path, e))
    }

    fn check(&self) -> Result<(), JournalError> {
        match &self.failed {
            None => Ok(()),
            Some(why) => Err(JournalError::Failed { why: why.clone() }),
        }
    }

    fn fail(&mut self, error: JournalError) -> JournalError {
        self.failed = Some(error.to_string());
        error
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.failed.is_none() {
            // On a panic this saves what was appended; nobody is left to hear an error.
            let _ = self.write();
        }
    }
}

/// Bytes of the segments before `index`.
fn lengths(disk: &dyn Disk, dir: &Path, index: u64) -> Result<u64, JournalError> {
    let mut bytes = 0;
    for earlier in segment::range(disk, dir)?.start..index {
        let path = segment::path(dir, earlier);
        let length = disk.open(&path, Open::Read).and_then(|file| file.length());
        bytes += length.map_err(|e| JournalError::io("read", &path, e))?;
    }
    Ok(bytes)
}

/// Makes what was read survive a power cut before anything is promised about it.
///
/// What a sync was to cover that failed is in memory only, and the system takes it for clean: it
/// would not write it again. So the part that shares the last sync is written anew.
fn make_sure(
    disk: &dyn Disk,
    dir: &Path,
    file: &dyn DiskFile,
    path: &Path,
    reader: &Reader,
) -> Result<(), JournalError> {
    let ((index, end, ..), syncs) = (reader.position(), reader.syncs());
    if syncs.process {
        for earlier in segment::range(disk, dir)?.start..index {
            let path = segment::path(dir, earlier);
            let file =
                disk.open(&path, Open::Write).map_err(|e| JournalError::io("open", &path, e))?;
            file.sync_all().map_err(|e| JournalError::sync(&path, e))?;
        }
    }
    let (of, mut at) = syncs.last;
    let mut chunk = vec![0; BUFFER];
    while of == index && at < end {
        let n = chunk.len().min((end - at) as usize);
        let read = read_full(file, &mut chunk[..n], at);
        let n = read.map_err(|e| JournalError::io("read", path, e))?;
        file.write_at(&chunk[..n], at).map_err(|e| JournalError::io("write", path, e))?;
        at += n.max(1) as u64;
    }
    file.sync_all().map_err(|e| JournalError::sync(path, e))?;
    segment::sync_dir(disk, dir)
}

fn check_length(payload: &[u8]) -> Result<(), JournalError> {
    if payload.len() > PAYLOAD_MAX {
        return Err(JournalError::TooLong { bytes: payload.len() });
    }
    Ok(())
}

/// Size of a segment that holds at least one record of `record` bytes.
fn capacity(config: &Config, record: usize) -> u64 {
    config.segment_bytes.max((HEADER + record) as u64).next_multiple_of(64)
}
