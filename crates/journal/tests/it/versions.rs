//! Versions of the format: older ones are refused with the command that carries them over, newer
//! ones are refused; what was carried over is the same record by record, and the old one stays.

use crate::{Folder, HEADER, append, config, sample};
use aegis_journal::disk::{self, Disk, SimDisk};
use aegis_journal::{Config, Durability, JournalError, Reader, Writer, migrate, verify};
use std::fs;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal").join(name)
}

/// The fixture's files in memory.
fn in_memory(name: &str, seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        disk.put(&Path::new("/run/journal").join(name), &fs::read(&path).unwrap());
    }
    disk
}

fn dir() -> PathBuf {
    PathBuf::from("/run/journal")
}

/// The records of `v1-kinds` are those of [`sample`].
fn check_kinds(disk: &SimDisk, dir: &Path) {
    let mut reader = Reader::open_on(disk.disk(), dir).unwrap();
    assert_eq!((reader.version(), reader.header()), (2, HEADER));
    for n in 1..=12 {
        let record = reader.next().unwrap().unwrap();
        let (kind, source, payload) = sample(n);
        assert_eq!((record.number, record.kind, record.source), (n, kind, source));
        assert_eq!((record.version, record.payload), (1, payload.as_slice()));
    }
    assert!(reader.next().unwrap().is_none() && reader.torn().is_none());
}

#[test]
fn an_older_journal_is_refused_and_the_way_is_named() {
    let disk = in_memory("v1-kinds", 1);
    let reader = Reader::open_on(disk.disk(), &dir()).map(|_| ()).unwrap_err();
    let writer = Writer::resume_on(disk.disk(), &dir(), &Config::default()).unwrap_err();
    for refused in [reader, writer] {
        let text = refused.to_string();
        assert!(matches!(refused, JournalError::Version { found: 1, supported: 2, .. }), "{text}");
        assert!(text.contains("version 1") && text.contains("version 2"), "{text}");
        assert!(text.contains("aegis journal migrate /run/journal"), "{text}");
    }
}

#[test]
fn a_migrated_journal_holds_the_same_records_and_the_old_one_stays() {
    let disk = in_memory("v1-kinds", 2);
    let before = disk.contents(&dir().join("segment-00000001.log")).unwrap();
    let done = migrate(&disk.disk(), &dir(), None, 1_024).unwrap().unwrap();
    assert_eq!((done.from, done.to, done.records, &done.torn), (1, 2, 13, &None));
    assert_eq!((done.journal, &done.old), (dir(), &PathBuf::from("/run/journal-v1")));
    check_kinds(&disk, &dir());
    let after = disk.contents(&done.old.join("segment-00000001.log")).unwrap();
    assert_eq!(before, after, "the old one is as it was");
    assert!(migrate(&disk.disk(), &dir(), None, 1_024).unwrap().is_none(), "of this version");
    let (mut writer, _) = Writer::resume_on(disk.disk(), &dir(), &Config::default()).unwrap();
    append(&mut writer, 13).unwrap();
    writer.close().unwrap();
    let found = verify(&disk.disk(), &dir()).unwrap();
    assert_eq!((found.version, found.records), (2, 14));
    let old = verify(&disk.disk(), &done.old).unwrap();
    assert_eq!((old.version, old.records), (1, 13));
    // What only carries over to elsewhere leaves the place alone.
    let disk = in_memory("v1-kinds", 3);
    let out = Path::new("/elsewhere");
    let done = migrate(&disk.disk(), &dir(), Some(out), 1_024).unwrap().unwrap();
    assert_eq!((done.journal.as_path(), done.old), (out, dir()));
    check_kinds(&disk, out);
    assert!(matches!(
        migrate(&disk.disk(), &dir(), Some(out), 1_024),
        Err(JournalError::Exists { .. })
    ));
}

#[test]
fn a_migration_may_be_cut_off_anywhere() {
    let calls = {
        let disk = in_memory("v1-kinds", 0);
        migrate(&disk.disk(), &dir(), None, 1_024).unwrap();
        disk.operations()
    };
    let mut completed = 0;
    for seed in 0..8 {
        for call in 0..calls {
            let disk = in_memory("v1-kinds", seed << 32 | call);
            disk.stop_after(call);
            migrate(&disk.disk(), &dir(), None, 1_024).unwrap_err();
            if seed % 2 == 0 {
                disk.crash()
            } else {
                disk.kill()
            }
            completed += u32::from(!disk.is_dir(&dir()));
            let again = migrate(&disk.disk(), &dir(), None, 1_024);
            let again = again.unwrap_or_else(|e| panic!("seed {seed}, call {call}: {e}"));
            assert!(again.is_none_or(|done| done.records == 13));
            check_kinds(&disk, &dir());
            assert!(disk.exists(Path::new("/run/journal-v1/segment-00000000.log")));
        }
    }
    assert!(completed > 0, "some were cut between the last two steps");
}

#[test]
fn a_torn_tail_of_an_older_journal_is_told_and_left_behind() {
    let disk = in_memory("v1-kinds", 4);
    let last = dir().join("segment-00000001.log");
    let bytes = disk.contents(&last).unwrap();
    disk.put(&last, &bytes[..bytes.len() - 20]);
    let done = migrate(&disk.disk(), &dir(), None, 1 << 20).unwrap().unwrap();
    assert_eq!((done.records, done.torn.unwrap().record), (12, 12));
    // Damage before the tail is refused, and nothing is changed.
    let disk = in_memory("v1-kinds", 5);
    assert!(disk.flip(&dir().join("segment-00000000.log"), 300, 1));
    let refused = migrate(&disk.disk(), &dir(), None, 1 << 20).unwrap_err();
    assert!(matches!(refused, JournalError::Corrupt { .. }), "{refused}");
    assert!(!disk.exists(Path::new("/run/journal-v1")));
}

#[test]
fn a_days_journal_is_carried_over_on_a_real_disk() {
    let (before, folder) = (Folder::copy_of(&fixture("v1-day")), Folder::new());
    let done = migrate(&disk::system(), before.path(), Some(folder.path()), 1 << 16);
    let done = done.unwrap().unwrap();
    assert_eq!(done.records, 2_908);
    let (old, new) = (
        verify(&disk::system(), before.path()).unwrap(),
        verify(&disk::system(), folder.path()).unwrap(),
    );
    assert_eq!((old.version, new.version), (1, 2));
    assert_eq!((&old.header, &old.kinds), (&new.header, &new.kinds));
    assert!(new.segments > 1 && new.torn.is_none());
}

/// Nothing of a migrated journal is a sync that may not have returned: damage is damage.
#[test]
fn damage_in_a_migrated_journal_is_no_torn_tail() {
    let whole = in_memory("v1-kinds", 6);
    migrate(&whole.disk(), &dir(), None, 1 << 20).unwrap();
    let path = dir().join("segment-00000000.log");
    let end = whole.contents(&path).unwrap().len() as u64;
    // The last record of all, which nothing follows, takes two blocks.
    for at in 128..end - 128 {
        let disk = whole.copy(at);
        assert!(disk.flip(&path, at, 2));
        let refused = verify(&disk.disk(), &dir()).unwrap_err();
        assert!(matches!(refused, JournalError::Corrupt { .. }), "byte {at}: {refused}");
    }
}

/// A journal of this version, its segment header or a record changed and its checksums made right.
fn forged(change: impl Fn(&mut [u8])) -> SimDisk {
    let disk = SimDisk::new(1);
    let settings = config(Durability::Process, 1 << 16);
    let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &settings).unwrap();
    append(&mut writer, 1).unwrap();
    writer.close().unwrap();
    let path = dir().join("segment-00000000.log");
    let mut bytes = disk.contents(&path).unwrap();
    change(&mut bytes);
    let crc = crc32fast::hash(&bytes[..124]);
    bytes[124..128].copy_from_slice(&crc.to_le_bytes());
    // Record 1 begins behind record 0, which takes two blocks.
    let crc = crc32fast::hash(&bytes[260..]);
    bytes[256..260].copy_from_slice(&crc.to_le_bytes());
    disk.put(&path, &bytes);
    disk
}

fn refusal(disk: &SimDisk) -> JournalError {
    let mut reader = match Reader::open_on(disk.disk(), &dir()) {
        Ok(reader) => reader,
        Err(e) => return e,
    };
    let refused = loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing was refused; {:?}", reader.torn()),
            Err(e) => break e,
        }
    };
    let resumed = Writer::resume_on(disk.disk(), &dir(), &Config::default());
    assert_eq!(resumed.unwrap_err().to_string(), refused.to_string(), "and nothing was cut off");
    refused
}

#[test]
fn what_a_newer_program_wrote_is_refused_and_not_cut_off() {
    let newer = refusal(&forged(|bytes| bytes[8] = 3));
    assert!(matches!(newer, JournalError::Version { found: 3, supported: 2, .. }), "{newer}");
    assert!(newer.to_string().contains("newer program"), "{newer}");
    let kind = refusal(&forged(|bytes| bytes[256 + 7] = 99));
    assert!(matches!(kind, JournalError::RecordKind { record: 1, code: 99, .. }), "{kind}");
    let version = refusal(&forged(|bytes| bytes[256 + 51] = 2));
    let JournalError::RecordVersion { record: 1, found: 2, supported: 1, .. } = version else {
        panic!("{version}");
    };
    for (refused, says) in [(kind, "kind 99"), (version, "version 2")] {
        let text = refused.to_string();
        assert!(text.contains(says) && text.contains("newer program"), "{text}");
    }
}
