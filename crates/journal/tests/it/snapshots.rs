//! Snapshots: found newest first, believed only when whole and of this journal.

use crate::{HEADER, append, config, sample};
use aegis_journal::disk::SimDisk;
use aegis_journal::{Durability, JournalError, Reader, Writer, snapshot};
use std::path::{Path, PathBuf};

const LAYOUT: u32 = 7;

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

fn file(record: u64) -> PathBuf {
    dir().join(format!("snapshot-{record:012}.bin"))
}

/// A journal of 40 records in several segments, a snapshot behind 10, 20 and 30.
fn journal(durability: Durability) -> SimDisk {
    let disk = SimDisk::new(4);
    let mut writer =
        Writer::create_on(disk.disk(), &dir(), HEADER, &config(durability, 1_024)).unwrap();
    for n in 1..=40 {
        append(&mut writer, n).unwrap();
        if n % 10 == 0 && n < 40 {
            let written = writer.snapshot(LAYOUT, &payload(n + 1)).unwrap();
            assert_eq!((written.record, written.path), (n + 1, file(n + 1)));
        }
    }
    writer.close().unwrap();
    disk
}

fn payload(record: u64) -> Vec<u8> {
    (0..100 + record).map(|i| (i * record) as u8).collect()
}

/// The record of the newest usable snapshot, and how many were passed over; what follows it is
/// read to the end.
fn found(disk: &SimDisk) -> (Option<u64>, usize) {
    let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap();
    let skipped = newest.skipped.len();
    let Some((snapshot, mut reader)) = newest.found else { return (None, skipped) };
    assert_eq!(snapshot.payload, payload(snapshot.info.record));
    assert_eq!(reader.header(), HEADER);
    for n in snapshot.info.record..=40 {
        let record = reader.next().unwrap().unwrap();
        let (kind, source, payload) = sample(n);
        assert_eq!((record.number, record.kind, record.source), (n, kind, source));
        assert_eq!(record.payload, payload);
    }
    assert!(reader.next().unwrap().is_none());
    (Some(snapshot.info.record), skipped)
}

#[test]
fn the_newest_is_found_and_replay_goes_on_behind_it() {
    for durability in [Durability::Process, Durability::Power] {
        let disk = journal(durability);
        assert_eq!(snapshot::list(&disk, &dir()).unwrap(), [31, 21, 11]);
        assert_eq!(found(&disk), (Some(31), 0));
        let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap();
        let info = newest.found.unwrap().0.info;
        let config = config(durability, 1_024);
        let (_, whole) = Writer::resume_on(disk.copy(1).disk(), &dir(), &config).unwrap();
        let (mut writer, behind) =
            Writer::resume_behind(disk.disk(), &dir(), &config, Some(&info)).unwrap();
        assert_eq!(behind, whole, "a recovery from a snapshot knows what one from the start knows");
        assert_eq!(writer.records(), 41);
        append(&mut writer, 41).unwrap();
        writer.close().unwrap();
        let mut reader = Reader::open_on(disk.disk(), &dir()).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.records(), 42, "the chain is whole from end to end");
    }
}

#[test]
fn a_recovery_right_behind_a_snapshot_knows_the_last_record() {
    let disk = SimDisk::new(5);
    let config = config(Durability::Power, 512);
    let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
    for n in 1..=8 {
        append(&mut writer, n).unwrap();
        let info = writer.snapshot(LAYOUT, b"state").unwrap();
        let there = disk.copy(n);
        let (_, whole) = Writer::resume_on(there.disk(), &dir(), &config).unwrap();
        let (_, behind) =
            Writer::resume_behind(there.disk(), &dir(), &config, Some(&info)).unwrap();
        assert_eq!(behind, whole, "record {n}");
    }
    assert_eq!(snapshot::list(&disk, &dir()).unwrap(), [9, 8, 7], "three are kept");
}

#[test]
fn every_flipped_byte_and_every_cut_passes_it_over_for_the_next_older() {
    let whole = journal(Durability::Process);
    let length = whole.contents(&file(31)).unwrap().len() as u64;
    for at in 0..length {
        let disk = whole.copy(at);
        assert!(disk.flip(&file(31), at, 1 << (at % 8)));
        assert_eq!(found(&disk), (Some(21), 1), "byte {at}");
        let disk = whole.copy(at);
        disk.put(&file(31), &whole.contents(&file(31)).unwrap()[..at as usize]);
        assert_eq!(found(&disk), (Some(21), 1), "cut at {at}");
    }
    let disk = whole.copy(0);
    for record in [11, 21, 31] {
        disk.put(&file(record), b"nothing of the kind");
    }
    assert_eq!(found(&disk), (None, 3), "what is left is the journal's start");
}

#[test]
fn one_of_another_layout_session_or_journal_is_passed_over() {
    let disk = journal(Durability::Process);
    let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT + 1).unwrap();
    assert!(newest.found.is_none());
    assert_eq!(newest.skipped.len(), 3);
    assert!(newest.skipped[0].to_string().contains("layout"), "{}", newest.skipped[0]);
    // The snapshot of a session whose header differs.
    let other = SimDisk::new(9);
    let settings = config(Durability::Process, 1_024);
    let mut writer = Writer::create_on(other.disk(), &dir(), b"{}", &settings).unwrap();
    for n in 1..=30 {
        append(&mut writer, n).unwrap();
    }
    writer.snapshot(LAYOUT, &payload(31)).unwrap();
    disk.put(&file(31), &other.contents(&file(31)).unwrap());
    assert_eq!(found(&disk), (Some(21), 1));
    // One under another's name.
    disk.put(&file(31), &disk.contents(&file(11)).unwrap());
    assert_eq!(found(&disk), (Some(21), 1));
    // One that has seen what a power cut has taken from the journal.
    let longer = journal(Durability::Process);
    let mut writer = Writer::resume_on(longer.disk(), &dir(), &settings).unwrap().0;
    append(&mut writer, 41).unwrap();
    writer.snapshot(LAYOUT, &payload(42)).unwrap();
    let disk = journal(Durability::Process);
    disk.put(&file(42), &longer.contents(&file(42)).unwrap());
    let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap();
    assert_eq!(newest.found.unwrap().0.info.record, 31);
    assert!(newest.skipped[0].to_string().contains("more records"), "{}", newest.skipped[0]);
}

#[test]
fn a_snapshot_is_there_whole_or_not_at_all_whenever_the_power_goes() {
    let settings = config(Durability::Power, 1 << 16);
    let begin = |seed| {
        let disk = SimDisk::new(seed);
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &settings).unwrap();
        for n in 1..=20 {
            append(&mut writer, n).unwrap();
            if n == 10 {
                writer.snapshot(LAYOUT, &payload(11)).unwrap();
            }
        }
        (disk, writer)
    };
    let mut there = 0;
    for seed in 0..60 {
        for call in 0..10 {
            let (disk, mut writer) = begin(seed);
            disk.stop_after(call);
            let written = writer.snapshot(LAYOUT, &payload(21)).is_ok();
            disk.crash();
            drop(writer);
            let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap();
            assert!(newest.skipped.is_empty(), "seed {seed}, call {call}: {:?}", newest.skipped);
            let record = newest.found.unwrap().0.info.record;
            assert!(record == 21 || (record == 11 && !written), "seed {seed}, call {call}");
            there += u32::from(record == 21);
        }
    }
    assert!((100..500).contains(&there), "{there} of 600");
}

#[test]
fn a_full_disk_refuses_a_snapshot_and_keeps_its_reserve() {
    let disk = SimDisk::new(2);
    let settings =
        aegis_journal::Config { reserve_bytes: 1 << 20, ..config(Durability::Power, 1 << 16) };
    let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &settings).unwrap();
    append(&mut writer, 1).unwrap();
    disk.limit(Some(disk.used() + 100));
    let refused = writer.snapshot(LAYOUT, &payload(2)).unwrap_err();
    assert!(refused.is_no_space(), "{refused}");
    assert_eq!(writer.space(), aegis_journal::Space::Plenty);
    append(&mut writer, 2).unwrap();
    writer.flush().unwrap();
    assert!(!disk.files().iter().any(|(path, _)| path.ends_with("snapshot.tmp")));
    let missing = snapshot::load(&disk, Path::new("/journal"), 2).unwrap_err();
    assert!(matches!(missing, JournalError::Io { .. }), "{missing}");
}
