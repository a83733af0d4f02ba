//! What a journal promises, tested at its boundary.
//!
//! - What was flushed is read back, whatever the process did afterwards (`kill`, `crash`).
//! - Cut at any byte: the whole records before the cut, the cut reported, the chain continued.
//! - Any byte changed: refused with file and offset, or a reported torn tail; never accepted.
//! - One writer; a reader beside it sees whole records only (`life`, `follow`).
//! - Random programs of appends, flushes, reopens and cuts keep all of that (`model`).

mod crash;
mod damage;
mod faults;
mod follow;
mod kill;
mod life;
mod model;
mod retention;
mod sim;
mod snapshots;
mod threaded;
mod versions;

use aegis_journal::disk::SimDisk;
use aegis_journal::{Config, Durability, JournalError, Kind, Reader, Source, Torn, Writer};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        // Memory where there is some: the tests are about bytes, and real syncs would take minutes.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.into() } else { std::env::temp_dir() };
        let path = base.join(format!("aegis-journal-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// The files of another journal, without its lock.
    fn copy_of(other: &Path) -> Self {
        let folder = Self::new();
        fs::create_dir_all(&folder.0).unwrap();
        for file in segments(other) {
            fs::copy(&file, folder.0.join(file.file_name().unwrap())).unwrap();
        }
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|p| p.extension().is_some_and(|e| e == "log")).collect();
    files.sort();
    files
}

fn config(durability: Durability, segment_bytes: u64) -> Config {
    Config { durability, segment_bytes, reserve_bytes: 0 }
}

const HEADER: &[u8] = br#"{"id":"0000000000000001"}"#;

/// Kind, source and payload of record `n` of a test journal: many lengths, all kinds.
fn sample(n: u64) -> (Kind, Source, Vec<u8>) {
    let kind = Kind::ALL[1 + (n as usize) % 6];
    let source = match kind {
        Kind::Market => Source { epoch: 1, seq: n, position: n * 2 },
        _ => Source::default(),
    };
    let length = [73, 0, 12, 13, 50, 150][(n as usize) % 6];
    let payload = (0..length).map(|i| (n as u8).wrapping_mul(31).wrapping_add(i as u8)).collect();
    (kind, source, payload)
}

fn append(writer: &mut Writer, n: u64) -> Result<u64, JournalError> {
    let (kind, source, payload) = sample(n);
    writer.append(kind, source, &payload)
}

/// A journal of records 1..=records, each flushed by itself when `each`.
fn journal(folder: &Folder, config: &Config, records: u64, each: bool) -> Writer {
    let mut writer = Writer::create(folder.path(), HEADER, config).unwrap();
    for n in 1..=records {
        assert_eq!(append(&mut writer, n).unwrap(), n);
        if each {
            writer.flush().unwrap();
        }
    }
    writer.flush().unwrap();
    writer
}

/// Reads a whole journal, checking every record against [`sample`]; how many, and the torn tail.
fn read_all(dir: &Path) -> Result<(u64, Option<Torn>), JournalError> {
    read_whole(Reader::open(dir)?)
}

/// The same of the journal on a disk in memory.
fn read_all_on(disk: &SimDisk, dir: &Path) -> Result<(u64, Option<Torn>), JournalError> {
    read_whole(Reader::open_on(disk.disk(), dir)?)
}

fn read_whole(mut reader: Reader) -> Result<(u64, Option<Torn>), JournalError> {
    assert_eq!(reader.header(), HEADER);
    loop {
        let expected = reader.records();
        let Some(record) = reader.next()? else { break };
        let (kind, source, payload) = sample(expected);
        assert_eq!((record.number, record.kind), (expected, kind), "invented");
        assert_eq!((record.source, record.payload), (source, payload.as_slice()), "invented");
    }
    Ok((reader.records(), reader.torn().cloned()))
}
