//! A reader beside a live writer.

use crate::{Folder, HEADER, append, config, sample};
use aegis_journal::{Durability, Reader, Writer};
use std::sync::atomic::{AtomicBool, Ordering};

const RECORDS: u64 = 20_000;

fn read_while_written(open: fn(&std::path::Path) -> Reader) {
    let folder = Folder::new();
    let mut writer =
        Writer::create(folder.path(), HEADER, &config(Durability::Process, 16 << 10)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=RECORDS {
                append(&mut writer, n).unwrap();
                if n % 7 == 0 || n % 11 == 0 {
                    writer.flush().unwrap();
                }
            }
            writer.flush().unwrap();
            done.store(true, Ordering::Release);
        });
        let mut reader = open(folder.path());
        let mut ends = 0u32;
        loop {
            let last_look = done.load(Ordering::Acquire);
            let expected = reader.records();
            match reader.next().unwrap() {
                Some(record) => {
                    let (kind, source, payload) = sample(expected);
                    assert_eq!((record.number, record.kind), (expected, kind));
                    assert_eq!((record.source, record.payload), (source, payload.as_slice()));
                }
                None if last_look => break,
                None => ends += 1,
            }
        }
        assert_eq!(reader.records(), RECORDS + 1);
        assert!(reader.torn().is_none());
        assert!(ends < u32::MAX);
    });
}

#[test]
fn a_follower_sees_every_record_once_and_whole() {
    read_while_written(|dir| Reader::follow(dir).unwrap());
}

#[test]
fn a_checking_reader_beside_a_writer_never_cries_damage() {
    read_while_written(|dir| Reader::open(dir).unwrap());
}
