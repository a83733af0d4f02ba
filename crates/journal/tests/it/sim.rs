//! The disk in memory: what it keeps and what it loses, and a journal that dies on it at every
//! call.

use crate::{HEADER, append, config, read_all_on};
use aegis_journal::disk::{Disk, Open, SimDisk, SimFault};
use aegis_journal::{Config, Durability, Writer, begun_on};
use std::path::{Path, PathBuf};

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

#[test]
fn a_power_cut_takes_what_was_not_synced_and_nothing_else() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        disk.create_dir(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/f"), Open::Create).unwrap();
        file.write_at(&[1; 3_000], 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(&[2; 3_000], 3_000).unwrap();
        disk.crash();
        assert!(file.write_at(&[3], 0).is_err(), "the process that had it open is gone");
        let left = disk.contents(Path::new("/d/f")).expect("synced with its folder");
        assert!(left[..3_000].iter().all(|b| *b == 1), "seed {seed}: synced bytes are gone");
        let of_second = left[3_000..].iter().filter(|b| **b == 2).count();
        match of_second {
            3_000 => kept += 1,
            0 => lost += 1,
            _ => torn += 1,
        }
    }
    assert!(kept > 10 && lost > 10 && torn > 10, "{kept} kept, {lost} lost, {torn} torn");
}

#[test]
fn names_outlast_a_power_cut_when_their_folder_was_synced() {
    let mut old = 0;
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        disk.create_dir(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/tmp"), Open::Create).unwrap();
        file.write_at(b"new", 0).unwrap();
        file.sync_all().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.rename(Path::new("/d/tmp"), Path::new("/d/name")).unwrap();
        let synced = seed % 2 == 0;
        if synced {
            disk.sync_dir(Path::new("/d")).unwrap();
        }
        disk.crash();
        let renamed = disk.exists(Path::new("/d/name"));
        assert_ne!(renamed, disk.exists(Path::new("/d/tmp")));
        assert!(renamed || !synced, "seed {seed}");
        old += u32::from(!renamed);
    }
    assert!(old > 10, "{old} of 50 renames without a sync were lost");
}

/// Appends records and flushes by a pattern until the disk stops; how many were promised.
fn workload(disk: &SimDisk, config: &Config, seed: u64, promised: &mut u64) {
    let writer = match begun_on(disk, &dir()) {
        Ok(false) | Err(_) => Writer::create_on(disk.disk(), &dir(), HEADER, config),
        Ok(true) => Writer::resume_on(disk.disk(), &dir(), config).map(|(writer, _)| writer),
    };
    let Ok(mut writer) = writer else { return };
    *promised = (*promised).max(1);
    let every = 1 + seed % 5;
    for n in writer.records()..writer.records() + 24 {
        if append(&mut writer, n).is_err() {
            return;
        }
        if n % every == 0 {
            if writer.flush().is_err() {
                return;
            }
            *promised = writer.records();
        }
        if n % 7 == 3 && writer.prepare().is_err() {
            return;
        }
    }
    if writer.close().is_ok() {
        *promised = (*promised).max(25);
    }
}

/// Lets the process or the power end within every call of a journal's life, twice in a row, and
/// recovers: everything that was promised is there, and nothing that was not written.
fn every_end(durability: Durability, power_cut: bool, seeds: std::ops::Range<u64>) {
    let config = config(durability, 1_024);
    let end = |disk: &SimDisk| if power_cut { disk.crash() } else { disk.kill() };
    let mut ends = 0;
    for seed in seeds {
        let whole = SimDisk::new(seed);
        workload(&whole, &config, seed, &mut 0);
        for call in 0..whole.operations() {
            let disk = SimDisk::new(seed ^ call << 32);
            let mut promised = 0;
            disk.stop_after(call);
            workload(&disk, &config, seed, &mut promised);
            end(&disk);
            // The second life dies as well, somewhere: recovery is as fragile as anything.
            disk.stop_after(call % 13);
            let before = promised;
            workload(&disk, &config, seed + 1, &mut promised);
            end(&disk);
            ends += 1;
            let place = format!("seed {seed}, call {call}, {before}, then {promised} promised");
            if promised == 0 && !begun_on(&disk, &dir()).unwrap_or(false) {
                continue;
            }
            let (records, _) =
                read_all_on(&disk, &dir()).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert!(records >= promised, "{place}: {records} left");
            let (mut writer, recovery) = Writer::resume_on(disk.disk(), &dir(), &config)
                .unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(recovery.records, records, "{place}");
            append(&mut writer, records).unwrap();
            writer.close().unwrap();
            assert_eq!(read_all_on(&disk, &dir()).unwrap(), (records + 1, None), "{place}");
        }
    }
    assert!(ends > 100, "{ends} ends are no test");
}

#[test]
fn the_process_may_end_in_every_call() {
    every_end(Durability::Process, false, 0..6);
}

#[test]
fn the_process_may_end_in_every_call_in_power_durability() {
    every_end(Durability::Power, false, 0..6);
}

#[test]
fn the_power_may_go_in_every_call() {
    every_end(Durability::Power, true, 0..12);
}

#[test]
fn faults_are_counted_when_they_happen() {
    let disk = SimDisk::new(1);
    let mut writer =
        Writer::create_on(disk.disk(), &dir(), HEADER, &config(Durability::Power, 4_096)).unwrap();
    append(&mut writer, 1).unwrap();
    disk.fail(SimFault::Sync, 0);
    assert!(writer.flush().is_err());
    disk.read_only(true);
    assert!(Writer::resume_on(disk.disk(), &dir(), &Config::default()).is_err());
    let fired = disk.fired();
    assert_eq!((fired.sync_errors, fired.read_only, fired.crashes), (1, 1, 0));
}
