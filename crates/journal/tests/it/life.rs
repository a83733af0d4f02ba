//! Creation, resumption, locks, rolls, errors.

use crate::{Folder, HEADER, append, config, journal, read_all, sample, segments};
use aegis_journal::{
    Config, Durability, JournalError, Kind, PAYLOAD_MAX, Reader, Source, Space, Writer,
};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

#[test]
fn resume_continues_numbers_and_chain_over_segments() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1_024));
    let writer = journal(&folder, &config, 20, false);
    assert_eq!((writer.records(), writer.written()), (21, 21));
    let bytes = writer.bytes();
    writer.close().unwrap();
    let mut on_disk = 0;
    for file in segments(folder.path()) {
        let meta = file.metadata().unwrap();
        on_disk += meta.len();
        // Blocks of 512 bytes, given out by pages.
        let reserved = (meta.blocks() * 512).saturating_sub(meta.len());
        assert!(reserved <= 4_096, "a closed journal keeps no reserved space: {reserved}");
    }
    assert_eq!(on_disk, bytes);
    let (mut writer, recovery) = Writer::resume(folder.path(), &config).unwrap();
    assert_eq!((recovery.records, recovery.truncated_bytes, recovery.last.number), (21, 0, 20));
    // Kinds repeat every six records; 18 is the last market record.
    assert_eq!(sample(18).0, Kind::Market);
    assert_eq!(recovery.last_market, Some(sample(18).1));
    assert_eq!(writer.market_written(), recovery.last_market);
    assert_eq!(writer.bytes(), bytes);
    for n in 21..=40 {
        assert_eq!(append(&mut writer, n).unwrap(), n);
    }
    writer.close().unwrap();
    assert_eq!(read_all(folder.path()).unwrap(), (41, None));
    assert!(segments(folder.path()).len() > 3);
}

#[test]
fn space_is_reserved_while_open_and_given_back_on_close() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = Folder::new();
        let writer = journal(&folder, &config(durability, 1 << 20), 3, false);
        let (file, bytes) = (segments(folder.path())[0].clone(), writer.bytes());
        let held = |file: &Path| {
            let meta = file.metadata().unwrap();
            (meta.len(), meta.blocks() * 512)
        };
        let (length, blocks) = held(&file);
        assert_eq!(length, if durability == Durability::Power { 1 << 20 } else { bytes });
        assert!(blocks >= 1 << 20, "{blocks}");
        writer.close().unwrap();
        let (length, blocks) = held(&file);
        assert!(length == bytes && blocks <= 8_192, "{length} {blocks}");
    }
}

#[test]
fn a_market_record_takes_128_bytes() {
    let folder = Folder::new();
    let mut writer = Writer::create(folder.path(), HEADER, &Config::default()).unwrap();
    let before = writer.bytes();
    for seq in 0..100 {
        let source = Source { epoch: 1, seq, position: seq };
        writer.append(Kind::Market, source, &[0; 73]).unwrap();
    }
    assert_eq!(writer.bytes() - before, 100 * 128);
    assert_eq!(writer.market_written(), None, "appended is not written");
    writer.flush().unwrap();
    assert_eq!(writer.market_written().map(|s| s.seq), Some(99));
}

#[test]
fn two_writers_are_refused_and_the_holder_is_named() {
    let folder = Folder::new();
    let config = Config::default();
    let writer = journal(&folder, &config, 3, false);
    for refused in [
        Writer::resume(folder.path(), &config).unwrap_err(),
        Writer::create(folder.path(), HEADER, &config).unwrap_err(),
    ] {
        let text = refused.to_string();
        assert!(matches!(refused, JournalError::Locked { .. }), "{text}");
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    }
    drop(writer);
    let (_writer, recovery) = Writer::resume(folder.path(), &config).unwrap();
    assert_eq!(recovery.records, 4);
}

#[test]
fn wrong_folders_say_what_to_do() {
    let (folder, config) = (Folder::new(), Config::default());
    let missing = Writer::resume(folder.path(), &config).unwrap_err();
    assert!(matches!(missing, JournalError::Missing { .. }), "{missing}");
    assert!(matches!(Reader::open(folder.path()), Err(JournalError::Missing { .. })));
    fs::create_dir_all(folder.path()).unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(JournalError::Missing { .. })));
    drop(journal(&folder, &config, 1, false));
    let exists = Writer::create(folder.path(), HEADER, &config).unwrap_err();
    assert!(matches!(exists, JournalError::Exists { .. }), "{exists}");
    // A system folder that takes no entries, not even from root.
    let denied = Writer::create(Path::new("/sys/aegis-journal-test"), HEADER, &config).unwrap_err();
    assert!(matches!(denied, JournalError::Denied { .. }), "{denied}");
    assert!(denied.to_string().contains("AEGIS_HOME"), "{denied}");
    fs::write(&segments(folder.path())[0], [b'x'; 200]).unwrap();
    let foreign = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(foreign, JournalError::NotAJournal { .. }), "{foreign}");
    fs::write(&segments(folder.path())[0], b"").unwrap();
    let empty = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(empty, JournalError::NoSession { .. }), "{empty}");
}

#[test]
fn a_journal_is_begun_with_its_first_segment() {
    let folder = Folder::new();
    assert!(!aegis_journal::begun(folder.path()).unwrap(), "no folder");
    let config = config(Durability::Process, 1_024);
    drop(journal(&folder, &config, 20, false));
    assert!(aegis_journal::begun(folder.path()).unwrap());
    let segments = segments(folder.path());
    assert!(segments.len() > 1);
    fs::remove_file(&segments[0]).unwrap();
    assert!(aegis_journal::begun(folder.path()).is_err(), "damage is no new journal");
    segments[1..].iter().for_each(|s| fs::remove_file(s).unwrap());
    // What a writer leaves that is killed, or has no space, while it makes the first segment.
    fs::write(folder.path().join("next.tmp"), b"half made").unwrap();
    assert!(!aegis_journal::begun(folder.path()).unwrap());
    drop(Writer::create(folder.path(), HEADER, &config).unwrap());
    assert!(aegis_journal::begun(folder.path()).unwrap());
}

#[test]
fn a_missing_segment_is_named() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 512));
    drop(journal(&folder, &config, 12, false));
    let second = segments(folder.path())[1].clone();
    fs::remove_file(&second).unwrap();
    let missing = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(&missing, JournalError::MissingSegment { file } if *file == second));
}

#[test]
fn files_are_for_the_owner_only() {
    let folder = Folder::new();
    drop(journal(&folder, &Config::default(), 1, false));
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    assert_eq!(mode(&segments(folder.path())[0]), 0o600);
}

#[test]
fn a_full_disk_is_refused_before_anything_is_lost() {
    // tmpfs refuses at once to reserve more than it holds.
    let dir = Path::new("/dev/shm").join(format!("aegis-journal-full-{}", std::process::id()));
    let huge = config(Durability::Process, 1 << 42);
    let refused = Writer::create(&dir, HEADER, &huge).unwrap_err();
    assert!(refused.is_no_space(), "{refused}");
    assert!(refused.to_string().contains("free space"), "{refused}");
    let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["LOCK"], "the reserved space was given back");
    let mut writer = Writer::create(&dir, HEADER, &config(Durability::Process, 4_096)).unwrap();
    append(&mut writer, 1).unwrap();
    writer.close().unwrap();
    // One that goes on may have positions open: it takes what there is, and says so.
    let (mut writer, _) = Writer::resume(&dir, &huge).unwrap();
    assert_eq!(writer.space(), Space::Reserve);
    append(&mut writer, 2).unwrap();
    writer.close().unwrap();
    assert_eq!(read_all(&dir).unwrap(), (3, None));
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_refused_roll_can_be_repeated() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1_024));
    let mut writer = journal(&folder, &config, 1, false);
    // What stands in the way of the next segment.
    let obstacle = folder.path().join("next.tmp");
    fs::create_dir(&obstacle).unwrap();
    let mut next = 2;
    let refused = loop {
        match append(&mut writer, next) {
            Ok(n) => next = n + 1,
            Err(e) => break e,
        }
    };
    assert!(refused.to_string().contains("next.tmp"), "{refused}");
    assert!(append(&mut writer, next).is_err());
    fs::remove_dir(&obstacle).unwrap();
    for n in next..next + 10 {
        assert_eq!(append(&mut writer, n).unwrap(), n);
    }
    writer.close().unwrap();
    assert_eq!(read_all(folder.path()).unwrap(), (next + 10, None));
}

#[test]
fn long_records_get_a_segment_of_their_own_and_too_long_ones_none() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1_024));
    let header = vec![b' '; 5_000];
    let mut writer = Writer::create(folder.path(), &header, &config).unwrap();
    let long = vec![7; 300_000];
    writer.append(Kind::Node, Source::default(), &long).unwrap();
    writer.append(Kind::Node, Source::default(), b"short").unwrap();
    let too_long = vec![0; PAYLOAD_MAX + 1];
    let refused = writer.append(Kind::Node, Source::default(), &too_long).unwrap_err();
    assert!(matches!(refused, JournalError::TooLong { .. }), "{refused}");
    writer.close().unwrap();
    let mut reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.header(), header);
    assert_eq!(reader.next().unwrap().unwrap().payload, long);
    assert_eq!(reader.next().unwrap().unwrap().payload, b"short");
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn a_prepared_segment_is_used_or_forgotten() {
    let (folder, config) = (Folder::new(), config(Durability::Power, 1_024));
    let mut writer = journal(&folder, &config, 1, false);
    writer.prepare().unwrap();
    let before = segments(folder.path()).len();
    for n in 2..=12 {
        append(&mut writer, n).unwrap();
    }
    writer.prepare().unwrap();
    assert!(segments(folder.path()).len() > before);
    drop(writer); // as a crash would: the prepared file stays
    assert!(folder.path().join("next.tmp").exists());
    let (writer, recovery) = Writer::resume(folder.path(), &config).unwrap();
    assert_eq!(recovery.records, 13);
    assert!(!folder.path().join("next.tmp").exists());
    writer.close().unwrap();
    assert_eq!(read_all(folder.path()).unwrap(), (13, None));
}

/// The bytes of a known journal. A change here is a change of the file format: raise the version.
#[test]
fn the_format_is_pinned() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1_024));
    journal(&folder, &config, 12, true).close().unwrap();
    let mut crc = 0;
    for file in segments(folder.path()) {
        crc = crc32fast::hash(&[&u32::to_le_bytes(crc)[..], &fs::read(file).unwrap()].concat());
    }
    assert_eq!(format!("{crc:08x}"), "9d7352ca");
}
