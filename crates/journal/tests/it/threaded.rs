//! The writer on its own thread.

use crate::{Folder, config, journal, read_all, sample};
use aegis_journal::{Durability, JournalError, Reader, Threaded, Writer};

#[test]
fn what_was_waited_for_is_in_the_file() {
    let (folder, config) = (Folder::new(), config(Durability::Power, 64 << 10));
    let writer = Threaded::start(journal(&folder, &config, 1, false)).unwrap();
    let durable = writer.durable();
    for n in 2..=300 {
        let (kind, source, payload) = sample(n);
        assert_eq!(writer.append(kind, source, &payload).unwrap(), n);
        if n % 50 == 0 {
            durable.wait(n).unwrap();
            assert!(durable.number() > n);
            let mut reader = Reader::follow(folder.path()).unwrap();
            while reader.next().unwrap().is_some() {}
            assert!(reader.records() > n, "{} records after waiting for {n}", reader.records());
        }
    }
    assert_eq!(writer.records(), 301);
    writer.close().unwrap();
    assert_eq!(read_all(folder.path()).unwrap(), (301, None));
    let (_, recovery) = Writer::resume(folder.path(), &config).unwrap();
    assert_eq!(recovery.records, 301);
}

#[test]
fn many_may_append_and_wait() {
    let folder = Folder::new();
    let power = config(Durability::Power, 64 << 10);
    let first = Writer::create(folder.path(), crate::HEADER, &power).unwrap();
    let writer = Threaded::start(first).unwrap();
    std::thread::scope(|scope| {
        for worker in 0u8..4 {
            let writer = &writer;
            scope.spawn(move || {
                for _ in 0..100 {
                    let (kind, source, _) = sample(5);
                    let number = writer.append(kind, source, &[worker]).unwrap();
                    writer.wait(number).unwrap();
                }
            });
        }
    });
    writer.close().unwrap();
    let mut reader = Reader::open(folder.path()).unwrap();
    let mut of = [0; 4];
    while let Some(record) = reader.next().unwrap() {
        of[usize::from(record.payload[0])] += 1;
    }
    assert_eq!(of, [100; 4]);
}

#[test]
fn a_failure_reaches_everyone_who_waits() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1_024));
    let first = journal(&folder, &config, 1, false);
    std::fs::create_dir(folder.path().join("next.tmp")).unwrap();
    let writer = Threaded::start(first).unwrap();
    let mut last = 1;
    let mut refused = None;
    for n in 2..100 {
        let (kind, source, payload) = sample(n);
        match writer.append(kind, source, &payload) {
            Ok(number) => last = number,
            Err(e) => {
                refused = Some(e);
                break;
            }
        }
    }
    let waited = writer.wait(last).unwrap_err();
    assert!(waited.to_string().contains("next.tmp"), "{waited}");
    assert!(refused.is_none_or(|e| matches!(e, JournalError::Failed { .. })));
    let never = writer.wait(10_000).unwrap_err();
    assert!(matches!(never, JournalError::Failed { .. }), "{never}");
    assert!(writer.close().is_err());
    let (records, _) = read_all(folder.path()).unwrap();
    assert!(records > 1 && records <= last, "{records} of {last}");
}
