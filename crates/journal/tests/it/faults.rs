//! A disk that is full (fault 46), fails a sync (47), fails a write or a read, or becomes
//! read-only: what was promised stays, what cannot be promised is refused with a reason, and nobody
//! asks a failed sync a second time.

use crate::{HEADER, append, config, sample};
use aegis_journal::disk::{self, Disk, Open, SimDisk, SimFault};
use aegis_journal::{Config, Durability, JournalError, Reader, Space, Threaded, Writer};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const BOTH: [Durability; 2] = [Durability::Process, Durability::Power];

fn dir() -> PathBuf {
    PathBuf::from("/journal")
}

fn with_reserve(durability: Durability, segment: u64, reserve: u64) -> Config {
    Config { reserve_bytes: reserve, ..config(durability, segment) }
}

fn count(disk: Arc<dyn Disk>, dir: &Path) -> u64 {
    let mut reader = Reader::open_on(disk, dir).unwrap();
    loop {
        let expected = reader.records();
        let Some(record) = reader.next().unwrap() else { return expected };
        let (kind, source, payload) = sample(expected);
        assert_eq!((record.number, record.kind, record.source), (expected, kind, source));
        assert_eq!(record.payload, payload);
    }
}

/// Appends and flushes until `stop`, or until the disk takes nothing more: then the error.
fn until(writer: &mut Writer, stop: impl Fn(&Writer) -> bool) -> Option<JournalError> {
    while !stop(writer) {
        let n = writer.records();
        if let Err(e) = append(writer, n).and_then(|_| writer.flush()) {
            return Some(e);
        }
    }
    None
}

/// Fills a disk under a journal: the reserve is told of before anything is refused, holds what it
/// says, and is taken back when there is space.
fn fill_up(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    durability: Durability,
    free_some: impl FnOnce(),
) -> u64 {
    let reserve = 1 << 20;
    let config = with_reserve(durability, 1 << 20, reserve);
    let mut writer = Writer::create_on(Arc::clone(disk), dir, HEADER, &config).unwrap();
    assert_eq!(writer.space(), Space::Plenty);
    assert!(until(&mut writer, |w| w.space() != Space::Plenty).is_none(), "refused before told");
    assert_eq!(writer.space(), Space::Reserve);
    assert_eq!(writer.reclaim(), Space::Reserve, "there is no space to take back");
    let told = writer.bytes();
    let refused = until(&mut writer, |_| false).unwrap();
    assert!(refused.is_no_space(), "{refused}");
    assert!(refused.to_string().contains("free space"), "{refused}");
    assert_eq!(writer.space(), Space::None);
    let in_reserve = writer.bytes() - told;
    assert!(in_reserve > reserve * 3 / 4, "{in_reserve} bytes were written into the reserve");
    // Refused again and again, nothing is lost and nothing is poisoned.
    let refused = until(&mut writer, |_| false).unwrap();
    assert!(refused.is_no_space() && writer.failed().is_none(), "{refused}");
    let written = writer.written();
    assert_eq!(count(Arc::clone(disk), dir), written);
    free_some();
    assert_eq!(writer.reclaim(), Space::Plenty);
    let goal = written + 1_000;
    assert!(until(&mut writer, |w| w.written() >= goal).is_none());
    assert_eq!(writer.space(), Space::Plenty);
    writer.close().unwrap();
    assert_eq!(count(Arc::clone(disk), dir), goal);
    goal
}

#[test]
fn a_full_disk_is_told_of_and_the_reserve_holds_what_it_says() {
    for durability in BOTH {
        let sim = SimDisk::new(3);
        sim.limit(Some(6 << 20));
        fill_up(&sim.disk(), &dir(), durability, || sim.limit(Some(16 << 20)));
        assert!(sim.fired().no_space > 0);
        let left = sim.files().iter().any(|(path, _)| path.ends_with("reserve.tmp"));
        assert!(!left, "a closed journal holds nothing back");
    }
}

const ROOM: &str = "AEGIS_JOURNAL_TEST_ROOM";

/// Not a test by itself: what the test below runs where a tmpfs of 6 MiB is mounted.
#[test]
fn child_fills_a_real_disk() {
    let Some(room) = std::env::var_os(ROOM).map(PathBuf::from) else { return };
    for durability in BOTH {
        let ballast = room.join("ballast");
        std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
        let journal = room.join(durability.name());
        let free_some = || {
            std::fs::remove_file(&ballast).unwrap();
            remount(&room, "24m");
        };
        let records = fill_up(&disk::system(), &journal, durability, free_some);
        // The next one finds as little room as this one did.
        std::fs::remove_dir_all(&journal).unwrap();
        remount(&room, "6m");
        println!("filled a real disk in {}: {records} records", durability.name());
    }
}

fn remount(room: &Path, size: &str) {
    let options = format!("remount,size={size}");
    let done = Command::new("mount").args(["-o", &options]).arg(room).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_full_tmpfs_is_told_of_and_the_reserve_holds_what_it_says() {
    let room = std::env::temp_dir().join(format!("aegis-journal-room-{}", std::process::id()));
    std::fs::create_dir_all(&room).unwrap();
    // A mount namespace of its own: nothing is left mounted, whatever happens.
    let rights = if rustix::process::geteuid().is_root() { "--mount" } else { "--mount -r" };
    let script = format!(
        "mount -t tmpfs -o size=6m tmpfs '{room}' || exit 77; exec '{program}' --exact \
         faults::child_fills_a_real_disk --nocapture",
        room = room.display(),
        program = std::env::current_exe().unwrap().display()
    );
    let ran = Command::new("unshare")
        .args(rights.split(' '))
        .args(["sh", "-c", &script])
        .env(ROOM, &room)
        .output();
    let _ = std::fs::remove_dir(&room);
    let (code, text) = match &ran {
        Ok(ran) => (
            ran.status.code(),
            [&ran.stdout[..], &ran.stderr[..]].map(String::from_utf8_lossy).concat(),
        ),
        Err(e) => (None, e.to_string()),
    };
    if code == Some(0) {
        assert_eq!(text.matches("filled a real disk").count(), 2, "{text}");
        return;
    }
    let mounted = text.contains("running 1 test");
    assert!(!mounted, "{text}");
    println!("NOT RUN on a real disk: no tmpfs may be mounted here ({})", text.trim());
    assert!(std::env::var_os("CI").is_none(), "a mount is needed where CI is set: {text}");
}

#[test]
fn whatever_the_size_of_the_disk_nothing_that_was_promised_is_lost() {
    for durability in BOTH {
        for extra in 0..120 {
            let disk = SimDisk::new(extra);
            let config = with_reserve(durability, 4_096, 8_192);
            let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
            disk.limit(Some(disk.used() + extra * 97));
            let refused = until(&mut writer, |w| w.records() > 2_000).unwrap();
            assert!(refused.is_no_space(), "{refused}");
            let promised = writer.written();
            disk.kill();
            drop(writer);
            disk.limit(None);
            let (writer, recovery) = Writer::resume_on(disk.disk(), &dir(), &config).unwrap();
            assert!(recovery.records >= promised, "{extra}");
            assert_eq!(writer.space(), Space::Plenty);
            writer.close().unwrap();
            assert_eq!(count(disk.disk(), &dir()), recovery.records);
        }
    }
}

#[test]
fn a_journal_goes_on_where_the_disk_is_full_and_takes_the_reserve_that_was_left() {
    for durability in BOTH {
        let disk = SimDisk::new(1);
        let config = with_reserve(durability, 1 << 20, 2 << 20);
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
        append(&mut writer, 1).unwrap();
        writer.flush().unwrap();
        disk.kill();
        drop(writer);
        disk.limit(Some(disk.used()));
        let bigger = Config { segment_bytes: 8 << 20, ..config.clone() };
        let (mut writer, _) = Writer::resume_on(disk.disk(), &dir(), &bigger).unwrap();
        assert_eq!(writer.space(), Space::Reserve);
        let goal = (1 << 20) / 150;
        assert!(until(&mut writer, |w| w.records() > goal).is_none());
        disk.limit(None);
        assert_eq!(writer.reclaim(), Space::Plenty);
        writer.close().unwrap();
    }
}

#[test]
fn without_a_reserve_a_full_disk_refuses_and_may_be_asked_again() {
    let disk = SimDisk::new(1);
    let mut writer =
        Writer::create_on(disk.disk(), &dir(), HEADER, &config(Durability::Power, 4_096)).unwrap();
    disk.limit(Some(disk.used()));
    let refused = until(&mut writer, |_| false).unwrap();
    assert!(refused.is_no_space() && writer.space() == Space::None, "{refused}");
    disk.limit(None);
    let goal = writer.records() + 100;
    assert!(until(&mut writer, |w| w.records() > goal).is_none());
    assert_eq!(writer.reclaim(), Space::Plenty);
}

/// What makes this fault what it is: the second sync says that all is well, and it is not.
#[test]
fn the_disk_in_memory_lies_after_a_failed_sync_as_real_ones_do() {
    let lost = (0..100).filter(|seed| {
        let disk = SimDisk::new(*seed);
        disk.create_dir(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/f"), Open::Create).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(&[1; 2_000], 0).unwrap();
        disk.fail(SimFault::Sync, 0);
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        disk.crash();
        disk.contents(Path::new("/d/f")).unwrap() != [1; 2_000]
    });
    assert!(lost.count() > 30);
}

#[test]
fn a_failed_sync_is_final_and_never_asked_for_again() {
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        let config = with_reserve(Durability::Power, 4_096, 4_096);
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
        assert!(until(&mut writer, |w| w.records() > 5 + seed % 40).is_none());
        disk.fail(SimFault::Sync, 0);
        let before = writer.records();
        let refused = until(&mut writer, |_| false).unwrap();
        assert!(matches!(refused, JournalError::SyncFailed { .. }), "{refused}");
        assert!(!refused.is_no_space());
        let calls = disk.operations();
        for _ in 0..3 {
            let append = append(&mut writer, before + 1).unwrap_err();
            let flush = writer.flush().unwrap_err();
            let snapshot = writer.snapshot(1, b"state").unwrap_err();
            for again in [append, flush, snapshot] {
                assert!(matches!(again, JournalError::Failed { .. }), "{again}");
                assert!(again.to_string().contains("restart"), "{again}");
            }
        }
        assert!(writer.failed().is_some());
        assert!(writer.close().is_err());
        assert_eq!(disk.operations(), calls, "nothing was written or synced any more");
        assert_eq!(disk.fired().sync_errors, 1);
    }
}

/// The restart reads the page cache, which may hold what the disk does not: what it has read, it
/// must put down before it builds upon it.
#[test]
fn what_a_restart_reads_after_a_failed_sync_outlasts_the_next_power_cut() {
    let mut saved = 0;
    for seed in 0..300 {
        let disk = SimDisk::new(seed);
        let config = config(Durability::Power, 8_192);
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
        assert!(until(&mut writer, |w| w.records() > 5).is_none());
        let promised = writer.records();
        for n in promised..promised + 1 + seed % 9 {
            append(&mut writer, n).unwrap();
        }
        disk.fail(SimFault::Sync, 0);
        writer.flush().unwrap_err();
        disk.kill();
        drop(writer);
        let (writer, recovery) = Writer::resume_on(disk.disk(), &dir(), &config).unwrap();
        assert!(recovery.records >= promised, "seed {seed}");
        saved += recovery.records - promised;
        disk.crash();
        drop(writer);
        let after = count(disk.disk(), &dir());
        assert_eq!(after, recovery.records, "seed {seed}: a record that was built upon is gone");
    }
    assert!(saved > 100, "{saved}");
}

#[test]
fn a_failed_write_is_final_and_a_failed_read_is_no_end() {
    let disk = SimDisk::new(8);
    let config = config(Durability::Process, 1 << 16);
    let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
    assert!(until(&mut writer, |w| w.records() > 20).is_none());
    let promised = writer.written();
    disk.fail(SimFault::Write, 0);
    let refused = until(&mut writer, |_| false).unwrap();
    assert!(matches!(refused, JournalError::Io { action: "write", .. }), "{refused}");
    assert!(matches!(writer.flush(), Err(JournalError::Failed { .. })));
    drop(writer);
    disk.fail(SimFault::Read, 1);
    let refused = Writer::resume_on(disk.disk(), &dir(), &config).unwrap_err();
    assert!(matches!(refused, JournalError::Io { action: "read", .. }), "{refused}");
    let (_, recovery) = Writer::resume_on(disk.disk(), &dir(), &config).unwrap();
    assert!(recovery.records >= promised);
}

#[test]
fn a_read_only_disk_refuses_and_nothing_is_lost() {
    for durability in BOTH {
        let disk = SimDisk::new(6);
        let config = with_reserve(durability, 2_048, 4_096);
        let mut writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
        assert!(until(&mut writer, |w| w.records() > 30).is_none());
        disk.read_only(true);
        let promised = writer.written();
        let refused = until(&mut writer, |_| false).unwrap();
        assert!(matches!(refused, JournalError::ReadOnly { .. }), "{refused}");
        assert!(refused.is_no_space() && refused.to_string().contains("read-only"), "{refused}");
        assert_eq!((writer.space(), writer.reclaim()), (Space::None, Space::None));
        assert_eq!(count(disk.disk(), &dir()), promised, "it can still be read");
        let second = Writer::resume_on(disk.disk(), &dir(), &config).unwrap_err();
        assert!(matches!(second, JournalError::ReadOnly { .. }), "{second}");
        disk.read_only(false);
        let goal = writer.records() + 50;
        assert!(until(&mut writer, |w| w.records() > goal).is_none());
        assert_eq!(writer.reclaim(), Space::Plenty);
        writer.close().unwrap();
        assert!(count(disk.disk(), &dir()) > goal);
        assert!(disk.fired().read_only > 0);
    }
}

#[test]
fn the_writers_thread_tells_of_its_room_and_of_its_end() {
    let disk = SimDisk::new(2);
    let config = with_reserve(Durability::Power, 64 << 10, 1 << 20);
    let writer = Writer::create_on(disk.disk(), &dir(), HEADER, &config).unwrap();
    let writer = Threaded::start(writer).unwrap();
    assert_eq!(writer.space(), Space::Plenty);
    disk.limit(Some(disk.used()));
    let mut n = 1;
    while writer.space() == Space::Plenty {
        let (kind, source, payload) = sample(n);
        writer.append(kind, source, &payload).and_then(|n| writer.wait(n)).unwrap();
        n += 1;
    }
    assert_eq!(writer.space(), Space::Reserve);
    disk.limit(None);
    disk.fail(SimFault::Sync, 0);
    let (kind, source, payload) = sample(n);
    let failed = writer.append(kind, source, &payload).and_then(|n| writer.wait(n)).unwrap_err();
    assert!(failed.to_string().contains("sync"), "{failed}");
    assert!(matches!(writer.close(), Err(JournalError::SyncFailed { .. })));
    assert_eq!(count(disk.disk(), &dir()).min(n), n);
}
