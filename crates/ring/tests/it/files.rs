//! Segments that must be refused, and the words they are refused with.

use crate::support::{Folder, message};
use aegis_ring::{
    CAPACITY_MAX, Config, Info, Reader, RingError, Wait, WaitOutcome, Writer, lift_gate,
    prepare_dir, ring_dir,
};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SMALL: Config = Config { capacity: 1024, gated: false, base: 0 };

/// A complete segment whose writer is dead.
fn dead_segment(folder: &Folder) {
    let mut writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    writer.publish(&message(0, 0));
}

fn overwrite(path: &Path, word: u64, value: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&value.to_ne_bytes(), word * 8).unwrap();
}

fn refused_fact(path: &Path) -> &'static str {
    assert!(Info::read(path).is_err(), "status and reader see the same");
    match Reader::attach(path) {
        Err(RingError::Layout { fact, .. }) => fact,
        other => panic!("expected a layout refusal, got {other:?}"),
    }
}

#[test]
fn another_layout_is_refused_by_readers_and_replaced_by_writers() {
    let folder = Folder::new();
    let facts = [(1, "layout version"), (2, "layout hash"), (4, "slot size"), (5, "capacity")];
    for (word, fact) in facts {
        dead_segment(&folder);
        overwrite(&folder.ring(), word, 48);
        assert_eq!(refused_fact(&folder.ring()), fact);
    }
    let writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    assert_eq!(Info::read(&folder.ring()).unwrap().epoch, writer.epoch());
}

#[test]
fn a_foreign_file_is_neither_read_nor_overwritten() {
    let folder = Folder::new();
    dead_segment(&folder);
    overwrite(&folder.ring(), 0, 0x1234);
    assert_eq!(refused_fact(&folder.ring()), "magic");
    let refused = Writer::create(&folder.ring(), &SMALL).unwrap_err();
    assert!(matches!(refused, RingError::Exists { .. }));
    assert!(refused.to_string().contains("not overwritten"), "{refused}");

    fs::write(folder.ring(), b"notes").unwrap();
    assert!(matches!(Writer::create(&folder.ring(), &SMALL), Err(RingError::Exists { .. })));
    assert_eq!(fs::read(folder.ring()).unwrap(), b"notes");

    fs::remove_file(folder.ring()).unwrap();
    fs::create_dir(folder.ring()).unwrap();
    assert!(matches!(Writer::create(&folder.ring(), &SMALL), Err(RingError::Exists { .. })));
}

#[test]
fn a_truncated_segment_is_refused() {
    let folder = Folder::new();
    dead_segment(&folder);
    let file = File::options().write(true).open(folder.ring()).unwrap();
    for (len, fact) in [(8192 + 1024 * 64 - 1, "length"), (4096, "length"), (0, "magic")] {
        file.set_len(len).unwrap();
        // Length zero leaves no magic to read either.
        assert_eq!(refused_fact(&folder.ring()), fact);
    }
}

#[test]
fn epochs_rise_even_when_the_clock_went_back() {
    let folder = Folder::new();
    dead_segment(&folder);
    let far_ahead = 1 << 62;
    overwrite(&folder.ring(), 3, far_ahead);
    let writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    assert_eq!(writer.epoch(), far_ahead + 1);
}

#[test]
fn modes_owners_and_links_are_checked() {
    let folder = Folder::new();
    dead_segment(&folder);
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let is = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((is(&folder.ring()), is(folder.path())), (0o600, 0o700));

    mode(&folder.ring(), 0o644);
    let refused = Reader::attach(&folder.ring()).unwrap_err();
    assert!(matches!(refused, RingError::Permission { .. }));
    assert!(refused.to_string().contains("0644"), "{refused}");
    mode(&folder.ring(), 0o600);

    let link = folder.path().join("link.ring");
    symlink(folder.ring(), &link).unwrap();
    assert!(matches!(Reader::attach(&link), Err(RingError::Permission { .. })));
    assert!(matches!(Writer::create(&link, &SMALL), Err(RingError::Exists { .. })));

    mode(folder.path(), 0o755);
    let refused = Writer::create(&folder.ring(), &SMALL).unwrap_err();
    assert!(matches!(refused, RingError::Permission { .. }), "{refused}");
    assert!(prepare_dir(folder.path()).is_err());
    mode(folder.path(), 0o700);
    assert!(Writer::create(&folder.ring(), &SMALL).is_ok());
}

#[test]
fn folder_names_stay_below_the_user_folder() {
    let parent = ring_dir("a").parent().unwrap().to_path_buf();
    for tag in ["../../etc", "a/b", "..", "", "with space", "ünï"] {
        let dir = ring_dir(tag);
        assert_eq!(dir.parent(), Some(parent.as_path()), "{tag}");
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert!(!name.contains('.') && !name.is_empty());
    }
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let folder = Folder::new();
    let mut first = Writer::create(&folder.ring(), &SMALL).unwrap();
    let refused = Writer::create(&folder.ring(), &SMALL).unwrap_err();
    assert!(matches!(refused, RingError::Locked { place: "writer", .. }));
    first.publish(&message(0, 0));
    assert_eq!(Info::read(&folder.ring()).unwrap().tail, 1, "the first goes on undisturbed");
    drop(first);
    assert!(Writer::create(&folder.ring(), &SMALL).is_ok());
}

#[test]
fn probing_readers_never_look_like_a_writer() {
    let folder = Folder::new();
    dead_segment(&folder);
    let readers: Vec<_> = (0..8).map(|_| Reader::attach(&folder.ring()).unwrap()).collect();
    std::thread::scope(|s| {
        for reader in &readers {
            s.spawn(|| (0..500).for_each(|_| assert!(!reader.writer_alive())));
        }
    });
}

#[test]
fn a_status_that_looks_at_the_places_keeps_nobody_out() {
    let folder = Folder::new();
    let _writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert!(Info::read(&folder.ring()).unwrap().writer_alive);
                }
            });
        }
        for _ in 0..100 {
            let brain = Reader::attach_from(&folder.ring(), 0);
            if brain.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            assert!(brain.unwrap().gates());
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(!Info::read(&folder.ring()).unwrap().gate_held);
}

#[test]
fn what_a_killed_creator_left_is_swept() {
    let folder = Folder::new();
    let left = folder.path().join("feed.ring.tmp.999999");
    let other = folder.path().join("other.ring.tmp.999999");
    fs::write(&left, b"half").unwrap();
    fs::write(&other, b"half").unwrap();
    let _writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    assert!(!left.exists() && other.exists());
}

#[test]
fn impossible_configurations_are_named() {
    let folder = Folder::new();
    for capacity in [0, 512, 1000, 1 << 21] {
        let refused = Writer::create(&folder.ring(), &Config { capacity, ..SMALL }).unwrap_err();
        assert!(matches!(refused, RingError::BadConfig { .. }));
        assert!(refused.to_string().contains(&capacity.to_string()), "{refused}");
    }
    assert!(!folder.ring().exists());
    let largest = Config { capacity: CAPACITY_MAX, ..SMALL };
    assert_eq!(Writer::create(&folder.ring(), &largest).unwrap().capacity(), 1 << 20);
}

#[test]
fn a_missing_segment_says_so() {
    let folder = Folder::new();
    for refused in [
        Reader::attach(&folder.ring()).unwrap_err(),
        Reader::attach_from(&folder.ring(), 0).unwrap_err(),
        Info::read(&folder.ring()).unwrap_err(),
        lift_gate(&folder.ring()).unwrap_err(),
    ] {
        assert!(matches!(refused, RingError::NotFound { .. }), "{refused}");
    }
}

#[test]
fn only_the_orchestrator_lifts_the_gate() {
    let folder = Folder::new();
    let gated = Config { gated: true, ..SMALL };
    let mut writer = Writer::create(&folder.ring(), &gated).unwrap();
    while writer.try_publish(&[7; 7]) {}
    assert_eq!(writer.published(), 1024);
    let brain = Reader::attach_from(&folder.ring(), 10).unwrap();
    for _ in 0..10 {
        assert!(writer.try_publish(&[7; 7]));
    }
    assert!(!writer.try_publish(&[7; 7]));
    drop(brain);
    assert!(!writer.try_publish(&[7; 7]), "the gate outlives its brain");
    lift_gate(&folder.ring()).unwrap();
    assert!(writer.try_publish(&[7; 7]) && writer.gate_lifted());
    assert!(Info::read(&folder.ring()).unwrap().gate_lifted);
}

#[test]
fn a_writer_dropped_without_closing_counts_as_dead() {
    let folder = Folder::new();
    let mut writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let mut reader = Reader::attach(&folder.ring()).unwrap();
    assert!(reader.writer_alive());
    writer.publish(&message(0, 0));
    drop(writer);
    let wait = Wait::default();
    assert_eq!(reader.wait(wait, Duration::from_secs(5)), WaitOutcome::Ready, "drain first");
    let mut out = [0; 7];
    reader.poll(&mut out);
    assert_eq!(reader.wait(wait, Duration::from_secs(5)), WaitOutcome::WriterGone);
    assert_eq!(reader.wait(wait, Duration::from_secs(5)), WaitOutcome::WriterGone);
    assert!(!reader.is_closed() && reader.successor().is_none());
}
