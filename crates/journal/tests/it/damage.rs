//! Torn tails (fault 48) and flipped bits (49), on the disk in memory: whatever happens to a file
//! is either cut off as the end of what no returned sync has promised, or refused with the record's
//! number and what to do.

use crate::{HEADER, append, config, read_all_on};
use aegis_journal::disk::{Disk, Open, SimDisk};
use aegis_journal::{Config, Durability, JournalError, Kind, Source, Writer, begun_on};
use proptest::prelude::*;
use std::iter::repeat;
use std::path::{Path, PathBuf};

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "log")
}

/// A journal whose records share syncs by this pattern; where its last sync begins.
fn journal(durability: Durability, batches: &[u64]) -> (SimDisk, u64) {
    let disk = SimDisk::new(1);
    let mut writer =
        Writer::create_on(disk.disk(), &dir(), HEADER, &config(durability, 768)).unwrap();
    let mut last = 0;
    for batch in batches {
        last = writer.records();
        for n in last..last + batch {
            append(&mut writer, n).unwrap();
        }
        writer.flush().unwrap();
    }
    disk.kill();
    (disk, last)
}

/// Every bit of every byte of every segment, one at a time.
fn every_bit(durability: Durability) {
    let (whole, last) = journal(durability, &[1, 2, 1, 4, 1, 3]);
    let total = read_all_on(&whole, &dir()).unwrap().0;
    let (mut cut, mut refused) = (0, 0);
    for (path, length) in whole.files().into_iter().filter(|(path, _)| is_segment(path)) {
        for at in 0..length {
            for bit in 0..8 {
                let disk = whole.copy(at);
                assert!(disk.flip(&path, at, 1 << bit));
                let place = format!("{} byte {at} bit {bit}", path.display());
                match read_all_on(&disk, &dir()) {
                    Ok((records, torn)) => {
                        let torn = torn.unwrap_or_else(|| panic!("{place}: not seen"));
                        assert!(records >= last, "{place}: {records} of {last} promised before");
                        assert!(records <= total && torn.record == records, "{place}");
                        cut += 1;
                    }
                    Err(e) => {
                        let JournalError::Corrupt { record, .. } = &e else {
                            assert!(matches!(e, JournalError::NotAJournal { .. }), "{place}: {e}");
                            continue;
                        };
                        let text = e.to_string();
                        let named = text.contains(&format!("record {record}"));
                        assert!(named && text.contains("restore a copy"), "{place}: {text}");
                        assert!(
                            Writer::resume_on(disk.disk(), &dir(), &Config::default()).is_err()
                        );
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(cut > 1_000 && refused > 5_000, "{cut} cut off, {refused} refused");
}

#[test]
fn every_flipped_bit_is_refused_or_in_the_last_sync() {
    every_bit(Durability::Power);
}

#[test]
fn every_flipped_bit_is_refused_or_at_the_end_in_process_durability() {
    every_bit(Durability::Process);
}

/// One step of a journal's life.
#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Flush,
    Prepare,
    Snapshot,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..6).prop_map(Step::Append),
        4 => Just(Step::Flush),
        1 => Just(Step::Prepare),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Reopen),
    ]
}

/// Lives until the end, or until the disk stops. How many records were promised, and how many
/// handed over at most.
fn live(disk: &SimDisk, config: &Config, steps: &[Step]) -> (u64, u64) {
    let (mut promised, mut handed) = (0, 0);
    let mut life = || -> Result<(), JournalError> {
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, config)?;
        (promised, handed) = (1, 1);
        for step in steps {
            match step {
                Step::Append(many) => {
                    for _ in 0..*many {
                        handed = writer.records() + 1;
                        append(&mut writer, handed - 1)?;
                    }
                }
                Step::Flush => writer.flush()?,
                Step::Prepare => writer.prepare()?,
                Step::Snapshot => {
                    writer.snapshot(1, b"what was made of it")?;
                }
                Step::Reopen => {
                    writer.close()?;
                    promised = handed;
                    writer = Writer::resume_on(disk.disk(), &dir(), config)?.0;
                }
            }
            if !matches!(step, Step::Append(_) | Step::Prepare) {
                promised = writer.records();
            }
        }
        writer.flush()?;
        promised = writer.records();
        Ok(())
    };
    // The error is the end that the test is about.
    let _ = life();
    (promised, handed.max(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// At every call that changes something: the end of the process, and of the power.
    #[test]
    fn a_life_cut_anywhere_leaves_a_prefix_with_all_that_was_promised(
        steps in prop::collection::vec(step(), 1..24),
        segment in 320u64..2_048,
        power in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let durability = if power { Durability::Power } else { Durability::Process };
        let config = Config { reserve_bytes: seed % 3 * 512, ..config(durability, segment) };
        let whole = SimDisk::new(seed);
        let all = live(&whole, &config, &steps);
        prop_assert_eq!(all.0, all.1);
        for call in 0..whole.operations() {
            let disk = SimDisk::new(seed.wrapping_add(call));
            disk.stop_after(call);
            let (promised, handed) = live(&disk, &config, &steps);
            if power { disk.crash() } else { disk.kill() }
            if !begun_on(&disk, &dir()).unwrap_or(false) {
                prop_assert_eq!(promised, 0, "call {}", call);
                continue;
            }
            let (records, _) = read_all_on(&disk, &dir()).unwrap();
            prop_assert!(
                (promised..=handed.max(1)).contains(&records),
                "call {}: {} promised, {} handed over, {} left", call, promised, handed, records
            );
            let resumed = Writer::resume_on(disk.disk(), &dir(), &config).unwrap();
            prop_assert_eq!(resumed.1.records, records);
            let newest = aegis_journal::snapshot::newest(&disk.disk(), &dir(), 1).unwrap();
            if power {
                prop_assert!(newest.skipped.is_empty(), "{:?}", newest.skipped);
            }
        }
    }

    /// Damage of any size anywhere: seen, or of no consequence.
    #[test]
    fn whatever_is_overwritten_is_never_taken_for_what_was_written(
        batches in prop::collection::vec(1u64..6, 1..8),
        power in any::<bool>(),
        at in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 1..700),
    ) {
        let durability = if power { Durability::Power } else { Durability::Process };
        let (disk, last) = journal(durability, &batches);
        let files: Vec<_> = disk.files().into_iter().filter(|(path, _)| is_segment(path)).collect();
        let (path, length) = at.get(&files).clone();
        let before = disk.contents(&path).unwrap();
        let from = at.index(length as usize) as u64;
        let file = disk.open(&path, Open::Write).unwrap();
        file.write_at(&noise, from).unwrap();
        let total: u64 = 1 + batches.iter().sum::<u64>();
        if disk.contents(&path).unwrap() != before {
            match read_all_on(&disk, &dir()) {
                Ok((records, torn)) => {
                    // What is destroyed up to the last record cannot be told from a torn tail; it
                    // is told as one.
                    let mut without = batches.clone();
                    if let Some(last) = without.last_mut() {
                        *last -= 1;
                    }
                    let without = journal(durability, &without).0.contents(&path);
                    let without = without.unwrap_or_default().into_iter().chain(repeat(0));
                    let last_record = before.iter().zip(without).position(|(a, b)| *a != b);
                    let end = from as usize + noise.len();
                    let to_the_end = last_record.is_some_and(|start| end > start);
                    prop_assert!(torn.is_some(), "not seen");
                    prop_assert!(to_the_end || records >= last.min(total - 1), "{}", records);
                }
                Err(e) => prop_assert!(matches!(
                    e,
                    JournalError::Corrupt { .. }
                        | JournalError::NotAJournal { .. }
                        | JournalError::NoSession { .. }
                ), "{}", e),
            }
        }
    }

    /// No bytes make a reader panic, and none make it hang.
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..6_000),
        zeros in prop::collection::vec((any::<prop::sample::Index>(), 0usize..400), 0..6),
    ) {
        let mut bytes = bytes;
        for (at, length) in zeros {
            if !bytes.is_empty() {
                let from = at.index(bytes.len());
                let to = bytes.len().min(from + length);
                bytes[from..to].fill(0);
            }
        }
        aegis_journal::fuzzing::journal(&bytes);
        aegis_journal::fuzzing::snapshot(&bytes);
        aegis_journal::fuzzing::money(&bytes);
    }

    /// Nor do a real journal's bytes with some of them changed, cut, doubled or moved.
    #[test]
    fn no_change_to_a_journal_makes_a_reader_panic(
        batches in prop::collection::vec(1u64..6, 1..4),
        cuts in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()),
            1..5
        ),
    ) {
        let (disk, _) = journal(Durability::Power, &batches);
        let mut bytes = disk.contents(&dir().join("segment-00000000.log")).unwrap();
        for (from, to, what) in cuts {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            match what % 4 {
                0 => bytes[from] ^= what | 1,
                1 => bytes.truncate(from.max(1)),
                2 => bytes.copy_within(from.min(to)..from.max(to), 0),
                _ => bytes.extend_from_within(from.min(to)..from.max(to)),
            }
        }
        aegis_journal::fuzzing::journal(&bytes);
    }
}

#[test]
fn the_entry_points_for_fuzzing_get_behind_the_checksums() {
    let noise: Vec<u8> = (0..4_000u32).map(|n| (n * 7 % 251) as u8).collect();
    assert!(aegis_journal::fuzzing::journal(&[0; 1_000]) > 0);
    assert!(aegis_journal::fuzzing::journal(&noise) > 0);
}

/// A length that is only noise asks for no memory: the file is not that long.
#[test]
fn a_long_length_in_a_short_file_is_a_torn_tail() {
    let (disk, _) = journal(Durability::Process, &[3]);
    let path = dir().join("segment-00000000.log");
    let mut bytes = disk.contents(&path).unwrap();
    let end = bytes.len();
    bytes.extend([0xff; 7]);
    bytes.extend([Kind::Node as u8; 57]);
    disk.put(&path, &bytes);
    let (records, torn) = read_all_on(&disk, &dir()).unwrap();
    assert_eq!((records, torn.unwrap().offset), (4, end as u64));
    let (mut writer, _) = Writer::resume_on(disk.disk(), &dir(), &Config::default()).unwrap();
    writer.append(Kind::Node, Source::default(), b"on").unwrap();
    writer.close().unwrap();
}
