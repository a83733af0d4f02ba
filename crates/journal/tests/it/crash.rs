//! Every cut and every flipped byte of a small journal.

use crate::{Folder, append, config, journal, read_all, segments};
use aegis_journal::{Durability, JournalError, Reader, Writer};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where each record ends: (segment, offset), from record 0.
fn ends(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut reader = Reader::open(dir).unwrap();
    let place = |r: &Reader| (r.place().0.to_path_buf(), r.place().1);
    let mut ends = vec![place(&reader)];
    while reader.next().unwrap().is_some() {
        ends.push(place(&reader));
    }
    ends
}

fn cut(file: &Path, length: u64) {
    OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

fn flip(file: &Path, at: u64, bits: u8) {
    let f = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    f.read_exact_at(&mut byte, at).unwrap();
    f.write_all_at(&[byte[0] ^ bits], at).unwrap();
}

/// Cuts the last segment at every byte; resumes, appends, and reads everything again.
fn every_cut(durability: Durability, closed: bool) {
    let (whole, config) = (Folder::new(), config(durability, 1_024));
    let writer = journal(&whole, &config, 9, true);
    if closed {
        writer.close().unwrap();
    } else {
        drop(writer);
    }
    let ends = ends(whole.path());
    let files = segments(whole.path());
    assert!(files.len() > 1, "the test wants more than one segment");
    let last = files.last().unwrap();
    let before = ends.iter().filter(|(file, _)| file != last).count() as u64;
    for length in 0..=fs::metadata(last).unwrap().len() {
        let copy = Folder::copy_of(whole.path());
        let file = copy.path().join(last.file_name().unwrap());
        cut(&file, length);
        let within = ends.iter().filter(|(f, end)| f == last && *end <= length).count() as u64;
        let expected = before + if length >= 128 { within } else { 0 };
        let (records, torn) = read_all(copy.path()).unwrap();
        assert_eq!(records, expected, "cut at {length}");
        let (mut writer, recovery) = Writer::resume(copy.path(), &config).unwrap();
        assert_eq!((recovery.records, &recovery.truncated), (expected, &torn), "cut at {length}");
        assert_eq!(recovery.last.number, expected - 1);
        let kept = ends[expected as usize - 1].1;
        let inside = length >= 128 && length > kept && expected < ends.len() as u64;
        assert_eq!(recovery.truncated_bytes > 0, torn.is_some_and(|t| t.bytes > 0));
        if inside {
            // A record's first byte may be a zero of its checksum; two more are never all zero.
            let lost = length - kept;
            assert!(recovery.truncated_bytes <= lost && (lost < 8 || recovery.truncated_bytes > 0));
        }
        for n in expected..expected + 4 {
            append(&mut writer, n).unwrap();
        }
        writer.close().unwrap();
        assert_eq!(read_all(copy.path()).unwrap(), (expected + 4, None), "cut at {length}");
    }
}

#[test]
fn every_cut_of_a_killed_writer_recovers() {
    every_cut(Durability::Process, false);
}

#[test]
fn every_cut_of_a_closed_journal_recovers() {
    every_cut(Durability::Process, true);
}

#[test]
fn every_cut_recovers_in_power_durability() {
    every_cut(Durability::Power, false);
}

#[test]
fn cuts_before_the_last_segment_are_refused() {
    let (whole, config) = (Folder::new(), config(Durability::Process, 1_024));
    drop(journal(&whole, &config, 9, true));
    let first = segments(whole.path())[0].clone();
    for length in 0..fs::metadata(&first).unwrap().len() {
        let copy = Folder::copy_of(whole.path());
        cut(&copy.path().join(first.file_name().unwrap()), length);
        assert!(read_all(copy.path()).is_err(), "cut at {length}");
        assert!(Writer::resume(copy.path(), &config).is_err(), "cut at {length}");
    }
}

/// Flips every byte of every segment. A flush a record, so that nothing but the last record, and
/// the unused space behind it, can be taken for a torn tail.
fn every_flip(durability: Durability) {
    let (whole, config) = (Folder::new(), config(durability, 768));
    drop(journal(&whole, &config, 8, true));
    let ends = ends(whole.path());
    let total = ends.len() as u64;
    let files = segments(whole.path());
    for file in &files {
        let last_start = if Some(file) == files.last() {
            ends[ends.len() - 2].clone()
        } else {
            (PathBuf::new(), u64::MAX)
        };
        let tail_from = if last_start.0 == *file { last_start.1 } else { 128 };
        for at in 0..fs::metadata(file).unwrap().len() {
            let copy = Folder::copy_of(whole.path());
            let target = copy.path().join(file.file_name().unwrap());
            flip(&target, at, 1 << (at % 8));
            let is_tail = Some(file) == files.last() && at >= tail_from;
            match read_all(copy.path()) {
                Ok((records, torn)) => {
                    assert!(is_tail, "{file:?} byte {at}: accepted");
                    let torn = torn.unwrap_or_else(|| panic!("byte {at}: not reported"));
                    let end = ends[total as usize - 1].1;
                    assert_eq!(records, if at < end { total - 1 } else { total });
                    assert_eq!((torn.record, torn.file), (records, target));
                    let (_, recovery) = Writer::resume(copy.path(), &config).unwrap();
                    assert_eq!((recovery.records, recovery.truncated_bytes), (records, torn.bytes));
                }
                Err(JournalError::Corrupt { file: named, offset, .. }) => {
                    assert!(!is_tail, "{file:?} byte {at}: the tail is recoverable");
                    assert_eq!(named, target);
                    let start = ends
                        .iter()
                        .rfind(|(f, end)| f == file && *end <= at)
                        .map_or(128, |(_, end)| *end);
                    assert_eq!(offset, if at < 128 { 0 } else { start }, "byte {at}");
                    assert!(Writer::resume(copy.path(), &config).is_err());
                }
                Err(e) => {
                    let other = matches!(
                        e,
                        JournalError::NotAJournal { .. } | JournalError::Version { .. }
                    );
                    assert!(other && at < 12, "{file:?} byte {at}: {e}");
                }
            }
        }
    }
}

#[test]
fn every_flipped_byte_is_refused_or_a_reported_tail() {
    every_flip(Durability::Process);
}

#[test]
fn every_flipped_byte_in_power_durability() {
    every_flip(Durability::Power);
}

/// A power cut may keep later pages of an unfinished sync and lose earlier ones: nothing of that
/// sync was promised, so it is a torn tail. The same hole in an older sync is damage.
#[test]
fn a_hole_is_a_torn_tail_only_inside_the_last_sync() {
    for (each, durability) in
        [(false, Durability::Power), (true, Durability::Power), (false, Durability::Process)]
    {
        let (folder, config) = (Folder::new(), config(durability, 1 << 16));
        drop(journal(&folder, &config, 6, each));
        let ends = ends(folder.path());
        let (file, from) = ends[3].clone();
        let hole = vec![0; (ends[4].1 - from) as usize];
        OpenOptions::new().write(true).open(&file).unwrap().write_all_at(&hole, from).unwrap();
        match Writer::resume(folder.path(), &config) {
            Ok((_, recovery)) => {
                assert!(!each && durability == Durability::Power);
                assert_eq!(recovery.records, 4);
                assert_eq!(recovery.truncated.unwrap().record, 4);
            }
            Err(JournalError::Corrupt { offset, record, .. }) => {
                assert!(each || durability == Durability::Process);
                assert_eq!((offset, record), (from, 4));
            }
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn swapped_and_foreign_records_are_refused() {
    let (folder, config) = (Folder::new(), config(Durability::Process, 1 << 16));
    let mut writer = Writer::create(folder.path(), b"{}", &config).unwrap();
    for payload in [[1u8; 8], [2; 8], [3; 8]] {
        let kind = aegis_journal::Kind::Node;
        writer.append(kind, aegis_journal::Source::default(), &payload).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    // Records 1 and 2 take 64 bytes each: whole records, checksums right, order wrong.
    let ends = ends(folder.path());
    let f = OpenOptions::new().read(true).write(true).open(&ends[0].0).unwrap();
    let (mut one, mut two) = ([0; 64], [0; 64]);
    f.read_exact_at(&mut one, ends[0].1).unwrap();
    f.read_exact_at(&mut two, ends[1].1).unwrap();
    f.write_all_at(&two, ends[0].1).unwrap();
    f.write_all_at(&one, ends[1].1).unwrap();
    let refused = Writer::resume(folder.path(), &config).unwrap_err();
    assert!(matches!(refused, JournalError::Corrupt { record: 1, .. }), "{refused}");
    // A segment of another session under the right name.
    let (other, small) = (Folder::new(), crate::config(Durability::Process, 512));
    drop(journal(&other, &small, 9, true));
    let third = Folder::copy_of(other.path());
    let mut writer = {
        let fresh = Folder::new();
        let mut w = Writer::create(fresh.path(), b"{\"id\":2}", &small).unwrap();
        for n in 1..=9 {
            append(&mut w, n).unwrap();
        }
        w.flush().unwrap();
        (w, fresh)
    };
    writer.0.flush().unwrap();
    fs::copy(&segments(writer.1.path())[1], &segments(third.path())[1]).unwrap();
    let refused = read_all(third.path()).unwrap_err();
    assert!(matches!(refused, JournalError::Corrupt { offset: 0, .. }), "{refused}");
}
