//! The five bug classes that the original system's ring had (reference/ring.md, section 6).
//!
//! a. Both sides rewrote both cursors: lost updates, messages out of order.
//! b. The writer lapped the reader silently, or moved its cursor for it.
//! c. Slots had no symbol; the reader counted round-robin, so one skip mislabelled all.
//! d. Whatever lay in a slot was taken for data.
//! e. Re-creating a ring attached to the dead one, with its old cursors.

use crate::support::{Folder, message};
use aegis_ring::{Config, Info, Poll, Reader, State, Wait, WaitOutcome, Writer};
use aegis_types::{Nanos, Px, SymbolId, Tick, TickBody};
use std::time::Duration;

const SMALL: Config = Config { capacity: 1024, gated: false, base: 0 };
const GATED: Config = Config { capacity: 1024, gated: true, base: 0 };

/// a, in motion: the original lost 4,566 of 200,000 and disordered 114,284.
#[test]
fn heap_a_both_sides_at_work_lose_and_disorder_nothing() {
    let count = if cfg!(miri) { 3_000 } else { 200_000 };
    let mut writer = Writer::heap(&GATED);
    let mut reader = writer.reader();
    std::thread::scope(|s| {
        s.spawn(move || {
            for seq in 0..count {
                assert!(writer.publish_gated(&message(seq, 3), || true));
                assert_eq!(writer.published(), seq + 1, "only the writer moves this");
                assert!(writer.gate() <= seq + 1);
            }
            writer.close();
        });
        let (mut next, mut tail) = (0, 0);
        let mut out = [0; 7];
        loop {
            match reader.poll(&mut out) {
                Poll::Message { seq } => {
                    assert_eq!((seq, out), (next, message(next, 3)));
                    next += 1;
                    reader.acknowledge(next);
                }
                Poll::Empty => {
                    let wait = Wait::Adaptive { spin_us: 1 };
                    if reader.wait(wait, Duration::from_secs(60)) == WaitOutcome::Closed {
                        break;
                    }
                }
                Poll::Overrun { skipped } => panic!("lost {skipped} behind a gate"),
            }
            assert!(reader.tail() >= tail, "the tail went back");
            tail = reader.tail();
        }
        assert_eq!(next, count);
    });
}

/// a, at rest: a reader could not write the writer's words if it wanted to.
#[test]
fn a_readers_map_everything_read_only_but_their_page() {
    let folder = Folder::new();
    let writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let count = |access: &str| {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let name = folder.ring().display().to_string();
        let ours = maps.lines().filter(|line| line.ends_with(&name));
        ours.filter(|line| line.split_whitespace().nth(1) == Some(access))
            .map(|line| {
                let (from, to) = line.split_whitespace().next().unwrap().split_once('-').unwrap();
                let number = |hex| u64::from_str_radix(hex, 16).unwrap();
                number(to) - number(from)
            })
            .collect::<Vec<_>>()
    };
    drop(writer);
    let reader = Reader::attach_from(&folder.ring(), 0).unwrap();
    assert_eq!(count("r--s"), [8192 + 1024 * 64]);
    assert_eq!(count("rw-s"), [4096]);
    drop(reader);
    assert_eq!(count("r--s").len() + count("rw-s").len(), 0, "unmapped with its reader");
}

/// b: free-running writer, slow reader: what is lost is said, to the message.
#[test]
fn heap_b_overruns_are_reported_and_add_up() {
    let count = if cfg!(miri) { 4_000 } else { 2_000_000 };
    let mut writer = Writer::heap(&SMALL);
    let mut readers = [writer.reader(), writer.reader()];
    std::thread::scope(|s| {
        s.spawn(move || {
            for seq in 0..count {
                writer.publish(&message(seq, 4));
            }
            writer.close();
        });
        for reader in &mut readers {
            s.spawn(move || {
                let (mut delivered, mut skipped, mut next) = (0, 0, 0);
                let mut out = [0; 7];
                loop {
                    match reader.poll(&mut out) {
                        Poll::Message { seq } => {
                            assert_eq!((seq, out), (next, message(next, 4)));
                            next += 1;
                            delivered += 1;
                        }
                        Poll::Empty => {
                            let wait = Wait::Adaptive { spin_us: 1 };
                            let outcome = reader.wait(wait, Duration::from_secs(60));
                            if outcome == WaitOutcome::Closed {
                                break;
                            }
                        }
                        Poll::Overrun { skipped: lost } => {
                            assert!(lost > 0);
                            next += lost;
                            skipped += lost;
                        }
                    }
                }
                assert_eq!(delivered + skipped, count);
                assert_eq!(reader.skipped(), skipped);
            });
        }
    });
}

/// Tick number `n` of ten symbols; its price names the symbol a second time.
fn tick(n: u64) -> Tick {
    let symbol = (n % 10) as u16;
    Tick {
        symbol: SymbolId(symbol),
        derived: false,
        at: Nanos(n as i64),
        received_us: 3,
        body: TickBody::Open { px: Px::from_raw(1_000 + i64::from(symbol)), funding: None },
    }
}

/// c: the symbol travels in the slot, so a hole leaves the rest labelled right.
#[test]
fn heap_c_a_hole_does_not_shift_the_symbols() {
    let mut writer = Writer::heap(&SMALL);
    let mut reader = writer.reader();
    let published = 1_024 + 513;
    for n in 0..published {
        writer.publish(&tick(n).to_words());
    }
    let mut out = [0; 7];
    let Poll::Overrun { skipped } = reader.poll(&mut out) else { panic!("no overrun") };
    assert_ne!(skipped % 10, 0, "a skip by whole rounds would hide the fault");
    for n in skipped..published {
        assert_eq!(reader.poll(&mut out), Poll::Message { seq: n });
        assert_eq!(Tick::from_words(&out), Ok(tick(n)));
    }
}

/// d: a slot that holds no tick is refused by its kind, not read as prices; and words arrive to
/// the bit, so that the check before publishing (the feed's) is a check of what is read.
#[test]
fn heap_d_what_is_no_tick_is_refused_after_reading() {
    let mut writer = Writer::heap(&SMALL);
    let mut reader = writer.reader();
    let nan = f64::from_bits(0x7ff8_0000_dead_beef).to_bits();
    for words in [[0; 7], [u64::MAX; 7], [8 << 16, 0, 0, 0, 0, 0, nan]] {
        writer.publish(&words);
        let mut out = [1; 7];
        assert!(matches!(reader.poll(&mut out), Poll::Message { .. }));
        assert_eq!(out, words);
        assert!(Tick::from_words(&out).is_err());
    }
}

/// e: a new writer never continues a dead segment, and its readers find out.
#[test]
fn e_recreating_starts_a_new_epoch_from_nothing() {
    let folder = Folder::new();
    let mut first = Writer::create(&folder.ring(), &GATED).unwrap();
    let epoch = first.epoch();
    for seq in 0..100 {
        first.publish(&message(seq, 5));
    }
    first.heartbeat(123);
    let mut brain = Reader::attach_from(&folder.ring(), 90).unwrap();
    brain.acknowledge(95);
    drop(first);

    let dead = Info::read(&folder.ring()).unwrap();
    assert_eq!((dead.epoch, dead.tail, dead.gate), (epoch, 100, 95));
    assert_eq!((dead.state, dead.writer_alive, dead.heartbeat_ns), (State::Live, false, 123));
    assert!(dead.gated && dead.gate_held && !dead.gate_lifted);
    assert_eq!(dead.creator_pid, u64::from(std::process::id()));

    let second = Writer::create(&folder.ring(), &Config { base: 95, ..GATED }).unwrap();
    assert!(second.epoch() > epoch);
    let fresh = Info::read(&folder.ring()).unwrap();
    assert_eq!((fresh.epoch, fresh.tail, fresh.gate), (second.epoch(), 0, 0));
    assert_eq!((fresh.base, fresh.writer_alive), (95, true));

    // The old reader drains its own epoch, then is told of the new one.
    let mut out = [0; 7];
    for seq in 90..100 {
        assert_eq!(brain.wait(Wait::Spin, Duration::from_secs(1)), WaitOutcome::Ready);
        assert_eq!(brain.poll(&mut out), Poll::Message { seq });
        assert_eq!(out, message(seq, 5));
    }
    let outcome = brain.wait(Wait::default(), Duration::from_secs(5));
    assert_eq!(outcome, WaitOutcome::Replaced { epoch: second.epoch() });
    drop(brain);
    let brain = Reader::attach_from(&folder.ring(), 0).unwrap();
    assert_eq!((brain.epoch(), brain.base(), brain.tail()), (second.epoch(), 95, 0));
}
