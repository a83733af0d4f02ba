//! What comes from our own files and shared memory, whatever has happened to them.

use crate::seeds::{self, FOLDER};
use aegis_journal::disk::{Disk, Open, SimDisk};
use aegis_journal::{Config, Durability, Reader, Writer};
use aegis_types::{Command, Event, Tick};
use std::path::Path;

/// Reads a segment to its end; then resumes, which may cut its tail, and reads again: the second
/// reading is no shorter than the first, and ends well.
pub(super) fn journal(data: &[u8]) -> bool {
    let disk = SimDisk::new(1);
    let folder = Path::new(FOLDER);
    if put(&*disk.disk(), folder, data).is_err() {
        return false;
    }
    let before = records(&disk, folder);
    let config = Config { durability: Durability::Process, segment_bytes: 4_096, reserve_bytes: 0 };
    let Ok((writer, _)) = Writer::resume_on(disk.disk(), folder, &config) else { return false };
    drop(writer);
    let after = records(&disk, folder);
    assert!(after >= before, "{before:?} records before a repair, {after:?} after");
    assert!(after.is_some(), "what was repaired cannot be read");
    true
}

fn put(disk: &dyn Disk, folder: &Path, data: &[u8]) -> std::io::Result<()> {
    disk.create_dir(folder)?;
    let file = disk.open(&folder.join("segment-00000000.log"), Open::Create)?;
    file.write_at(data, 0)
}

/// How many records can be read before the end; `None` when it is no journal.
fn records(disk: &SimDisk, folder: &Path) -> Option<usize> {
    let mut reader = Reader::open_on(disk.disk(), folder).ok()?;
    let mut count = 0;
    while let Ok(Some(_)) = reader.next() {
        count += 1;
    }
    Some(count)
}

pub(super) fn journal_seeds() -> Vec<Vec<u8>> {
    vec![seeds::journal()]
}

/// What is read is written as it was.
pub(super) fn events(data: &[u8]) -> bool {
    let event = Event::decode(data);
    if let Ok(event) = &event {
        let written = event.encode();
        assert_eq!(Event::decode(written.as_bytes()).as_ref(), Ok(event), "{event:?}");
    }
    let command = Command::decode(data);
    if let Ok((at, command)) = &command {
        let written = command.encode(*at);
        assert_eq!(Command::decode(written.as_bytes()).as_ref(), Ok(&(*at, *command)));
    }
    event.is_ok() || command.is_ok()
}

/// Seven words, little endian.
pub(super) fn ring_ticks(data: &[u8]) -> bool {
    let mut words = [0u64; 7];
    for (word, bytes) in words.iter_mut().zip(data.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    let Ok(tick) = Tick::from_words(&words) else { return false };
    let again = Tick::from_words(&tick.to_words());
    // A volume may be a number that is not equal to itself; its bits are.
    assert_eq!(again.map(|tick| tick.to_words()), Ok(tick.to_words()), "{tick:?}");
    let _ = tick.candle();
    true
}

pub(super) fn tick_seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for kind in 0..12u64 {
        let words = [kind, kind << 8 | 1, 1_700_000_000_000_000_000, 100, 101, 99, kind << 32];
        all.push(words.iter().flat_map(|word| word.to_le_bytes()).collect());
    }
    all
}
