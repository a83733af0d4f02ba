//! Old segments go behind two snapshots, and only then; money events stay.

use crate::{HEADER, append, config, sample};
use aegis_journal::disk::{Disk, SimDisk};
use aegis_journal::retention::{Gone, Policy, retain};
use aegis_journal::{
    Durability, JournalError, Kind, Reader, Record, Writer, money, snapshot, verify,
};
use std::path::{Path, PathBuf};

const LAYOUT: u32 = 3;

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

/// A record's time is its number; market facts and timers are not kept.
struct ByNumber;

impl Policy for ByNumber {
    fn time(&self, record: &Record<'_>) -> Option<i64> {
        (record.kind != Kind::Node).then_some(record.number as i64)
    }

    fn keeps(&self, record: &Record<'_>) -> bool {
        !matches!(record.kind, Kind::Market | Kind::Timer)
    }
}

fn writer(disk: &SimDisk) -> Writer {
    Writer::create_on(disk.disk(), &dir(), HEADER, &config(Durability::Power, 1_024)).unwrap()
}

/// A journal of 80 records with snapshots behind 30, 50 and 70.
fn journal(seed: u64) -> (SimDisk, Writer) {
    let disk = SimDisk::new(seed);
    let mut writer = writer(&disk);
    for n in 1..=80 {
        append(&mut writer, n).unwrap();
        if [30, 50, 70].contains(&n) {
            writer.snapshot(LAYOUT, b"state").unwrap();
        }
    }
    writer.flush().unwrap();
    (disk, writer)
}

fn go(disk: &SimDisk, before: i64) -> Result<Gone, JournalError> {
    retain(&disk.disk(), &dir(), LAYOUT, before, &ByNumber)
}

#[test]
fn old_segments_go_and_replay_starts_at_a_snapshot() {
    let (disk, mut writer) = journal(1);
    let before = verify(&disk.disk(), &dir()).unwrap();
    let gone = go(&disk, 60).unwrap();
    assert!(gone.segments > 3 && gone.kept > 10 && gone.bytes > 3_000, "{gone:?}");
    let after = verify(&disk.disk(), &dir()).unwrap();
    assert_eq!((after.removed, after.kept), (gone.segments, gone.kept));
    assert_eq!((after.chain, after.records), (before.chain, before.records));
    // The second newest snapshot has seen the records before 51: nothing behind it went.
    assert!(after.first <= 51 && after.first > 30, "{}", after.first);
    assert!(after.snapshots[..2].iter().all(|s| s.refused.is_none()));
    let Err(refused) = Reader::open_on(disk.disk(), &dir()) else { panic!("silently cut short") };
    assert!(matches!(refused, JournalError::Trimmed { first, .. } if first == after.first));
    for record in [71, 51] {
        let info = snapshot::load(&disk, &dir(), record).unwrap().info;
        let mut reader = Reader::open_behind(disk.disk(), &dir(), &info).unwrap();
        assert_eq!(reader.header(), HEADER);
        for n in record..=80 {
            assert_eq!(reader.next().unwrap().unwrap().payload, sample(n).2);
        }
    }
    // The live writer did not notice.
    for n in 81..=90 {
        append(&mut writer, n).unwrap();
    }
    writer.close().unwrap();
    let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap().found.unwrap().0.info;
    let config = config(Durability::Power, 1_024);
    assert!(matches!(
        Writer::resume_on(disk.disk(), &dir(), &config),
        Err(JournalError::Trimmed { .. })
    ));
    let (_, recovery) = Writer::resume_behind(disk.disk(), &dir(), &config, Some(&newest)).unwrap();
    assert_eq!(recovery.records, 91);
}

#[test]
fn every_money_event_of_what_went_is_there() {
    let (disk, _writer) = journal(2);
    let gone = go(&disk, 100).unwrap();
    let first = verify(&disk.disk(), &dir()).unwrap().first;
    let mut kept = Vec::new();
    for index in 0..gone.segments {
        let money = money::read(&disk, &dir(), index).unwrap();
        kept.extend(money.iter().map(|r| (r.number, r.kind, r.source, r.payload.to_vec())));
    }
    let expected: Vec<_> = (0..first)
        .map(|n| match n {
            0 => (0, Kind::Header, Default::default(), HEADER.to_vec()),
            n => (n, sample(n).0, sample(n).1, sample(n).2),
        })
        .filter(|(_, kind, ..)| !matches!(kind, Kind::Market | Kind::Timer))
        .collect();
    assert_eq!(kept, expected);
}

#[test]
fn nothing_goes_without_two_snapshots_or_before_its_time() {
    let (disk, _writer) = journal(3);
    assert_eq!(go(&disk, 0).unwrap(), Gone::default());
    assert_eq!(retain(&disk.disk(), &dir(), LAYOUT + 1, 99, &ByNumber).unwrap(), Gone::default());
    // One damaged snapshot leaves two: what the older of those has not seen stays.
    assert!(disk.flip(&dir().join("snapshot-000000000071.bin"), 194, 1));
    go(&disk, 100).unwrap();
    assert!(verify(&disk.disk(), &dir()).unwrap().first <= 31);
    let (disk, _writer) = journal(4);
    for record in [51, 71] {
        assert!(disk.flip(&dir().join(format!("snapshot-{record:012}.bin")), 194, 1));
    }
    assert_eq!(go(&disk, 100).unwrap(), Gone::default());
}

#[test]
fn damage_in_an_old_segment_keeps_it() {
    let (disk, _writer) = journal(5);
    assert!(disk.flip(&dir().join("segment-00000001.log"), 400, 1));
    let refused = go(&disk, 100).unwrap_err();
    assert!(matches!(refused, JournalError::Corrupt { .. }), "{refused}");
    assert!(disk.exists(&dir().join("segment-00000001.log")));
    assert!(!disk.exists(&dir().join("segment-00000000.log")), "the one before it is whole");
}

#[test]
fn damage_in_what_was_kept_is_found() {
    let (whole, _writer) = journal(6);
    go(&whole, 100).unwrap();
    let path = dir().join("money-00000001.log");
    let length = whole.contents(&path).unwrap().len() as u64;
    for at in 0..length {
        let disk = whole.copy(at);
        assert!(disk.flip(&path, at, 1 << (at % 8)));
        assert!(verify(&disk.disk(), &dir()).is_err(), "byte {at}");
    }
    let disk = whole.copy(0);
    disk.remove(&path).unwrap();
    assert!(verify(&disk.disk(), &dir()).is_err());
}

#[test]
fn it_may_be_cut_off_anywhere_and_is_done_again() {
    let calls = {
        let (disk, _writer) = journal(7);
        let before = disk.operations();
        go(&disk, 100).unwrap();
        disk.operations() - before
    };
    for seed in 0..6 {
        for call in 0..calls {
            let (disk, writer) = journal(seed);
            disk.stop_after(call);
            go(&disk, 100).unwrap_err();
            if seed % 2 == 0 {
                disk.crash()
            } else {
                disk.kill()
            }
            drop(writer);
            let place = format!("seed {seed}, call {call}");
            let found = verify(&disk.disk(), &dir()).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(found.records, 81, "{place}");
            go(&disk, 100).unwrap_or_else(|e| panic!("{place}: {e}"));
            let again = verify(&disk.disk(), &dir()).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert!(again.removed >= found.removed && again.removed > 3, "{place}");
            let newest = snapshot::newest(&disk.disk(), &dir(), LAYOUT).unwrap();
            assert_eq!(newest.found.unwrap().0.info.record, 71, "{place}");
        }
    }
}

#[test]
fn a_reader_whose_next_segment_went_says_so() {
    let (disk, _writer) = journal(8);
    let mut reader = Reader::follow_on(disk.disk(), &dir()).unwrap();
    reader.next().unwrap().unwrap();
    go(&disk, 100).unwrap();
    let refused = loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("taken for the end"),
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, JournalError::Trimmed { .. }), "{refused}");
    assert!(disk.exists(Path::new("/journal/money-00000000.log")));
}
