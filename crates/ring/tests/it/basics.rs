//! Publish and poll, on the heap and in shared memory: the same answers.

use crate::support::{Folder, message};
use aegis_ring::{Config, Poll, Reader, RingError, Wait, WaitOutcome, Writer};
use std::time::{Duration, Instant};

const SMALL: Config = Config { capacity: 1024, gated: false, base: 0 };
const GATED: Config = Config { capacity: 1024, gated: true, base: 77 };

fn expect_message(reader: &mut Reader, seq: u64) {
    let mut out = [0; 7];
    assert_eq!(reader.poll(&mut out), Poll::Message { seq });
    assert_eq!(out, message(seq, 0));
}

fn messages_arrive_in_order(writer: &mut Writer, reader: &mut Reader) {
    let mut out = [9; 7];
    assert_eq!(reader.poll(&mut out), Poll::Empty);
    assert_eq!(out, [9; 7], "an empty poll leaves the words alone");
    for seq in 0..5_000 {
        writer.publish(&message(seq, 0));
        expect_message(reader, seq);
    }
    assert_eq!((reader.next_seq(), reader.tail(), reader.lag()), (5_000, 5_000, 0));
    assert_eq!(writer.published(), 5_000);
}

#[test]
fn heap_and_shared_memory_give_the_same_messages() {
    let mut writer = Writer::heap(&SMALL);
    let mut reader = writer.reader();
    messages_arrive_in_order(&mut writer, &mut reader);

    let folder = Folder::new();
    let mut writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let mut reader = Reader::attach(&folder.ring()).unwrap();
    messages_arrive_in_order(&mut writer, &mut reader);
}

#[test]
fn an_overrun_is_counted_exactly_and_reading_goes_on_half_a_ring_behind() {
    let mut writer = Writer::heap(&SMALL);
    let mut reader = writer.reader();
    for seq in 0..1_025 {
        writer.publish(&message(seq, 0));
    }
    let mut out = [0; 7];
    assert_eq!(reader.poll(&mut out), Poll::Overrun { skipped: 513 });
    assert_eq!((reader.skipped(), reader.next_seq()), (513, 513));
    for seq in 513..1_025 {
        expect_message(&mut reader, seq);
    }
    assert_eq!(reader.poll(&mut out), Poll::Empty);
}

#[test]
fn the_gate_holds_the_writer_until_progress_or_lifting() {
    let mut writer = Writer::heap(&GATED);
    let mut reader = writer.reader();
    assert!(reader.gates() && reader.base() == 77);
    for seq in 0..1_024 {
        assert!(writer.try_publish(&message(seq, 0)));
    }
    assert!(!writer.try_publish(&message(1_024, 0)), "the ring is full of unread messages");
    for seq in 0..10 {
        expect_message(&mut reader, seq);
    }
    assert!(!writer.try_publish(&message(1_024, 0)), "reading is not acknowledging");
    reader.acknowledge(3);
    reader.acknowledge(1);
    assert_eq!(writer.gate(), 3, "the gate never moves back");
    for seq in 1_024..1_027 {
        assert!(writer.try_publish(&message(seq, 0)));
    }
    assert!(!writer.try_publish(&message(1_027, 0)));
    drop(reader);
    let mut asked = 0;
    let waited = writer.publish_gated(&message(1_027, 0), || {
        asked += 1;
        asked < 4
    });
    assert!(!waited && asked == 4, "no brain, gate in force: the writer waits as told");
    writer.lift_gate();
    assert!(writer.publish_gated(&message(1_027, 0), || false));
}

#[test]
fn a_progress_word_ahead_of_the_writer_is_not_believed() {
    let mut writer = Writer::heap(&GATED);
    let mut reader = writer.reader();
    reader.acknowledge(u64::MAX);
    for seq in 0..5_000 {
        assert!(writer.try_publish(&message(seq, 0)));
    }
}

#[test]
fn watchers_never_gate() {
    let folder = Folder::new();
    let mut writer = Writer::create(&folder.ring(), &GATED).unwrap();
    for seq in 0..10 {
        writer.publish(&message(seq, 0));
    }
    let mut tool = Reader::attach(&folder.ring()).unwrap();
    assert_eq!(tool.next_seq(), 10, "a tool starts at the latest message");
    tool.acknowledge(10);
    assert_eq!(writer.gate(), 0);

    let brain = Reader::attach_from(&folder.ring(), 4).unwrap();
    assert_eq!((brain.next_seq(), writer.gate()), (4, 4));
    let second = Reader::attach_from(&folder.ring(), 4);
    assert!(matches!(second, Err(RingError::Locked { place: "brain", .. })));
    drop(brain);
    let ahead = Reader::attach_from(&folder.ring(), 11);
    assert!(matches!(ahead, Err(RingError::Ahead { asked: 11, published: 10, .. })));
    assert!(Reader::attach_from(&folder.ring(), 10).is_ok());
    assert_eq!(writer.gate(), 10);
}

#[test]
fn waiting_ends_with_a_message_a_close_a_death_or_the_time() {
    let folder = Folder::new();
    let mut writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let mut reader = Reader::attach(&folder.ring()).unwrap();
    let strategies =
        [Wait::Spin, Wait::Adaptive { spin_us: 5 }, Wait::Sleep(Duration::from_millis(1))];
    for strategy in strategies {
        let start = Instant::now();
        assert_eq!(reader.wait(strategy, Duration::from_millis(20)), WaitOutcome::TimedOut);
        assert!(start.elapsed() >= Duration::from_millis(20));
    }
    for (seq, strategy) in strategies.into_iter().enumerate() {
        std::thread::scope(|s| {
            s.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                writer.publish(&message(seq as u64, 0));
                writer.flush();
            });
            assert_eq!(reader.wait(strategy, Duration::from_secs(10)), WaitOutcome::Ready);
        });
        expect_message(&mut reader, seq as u64);
    }
    writer.publish(&message(3, 0));
    writer.close();
    let wait = Wait::default();
    assert_eq!(reader.wait(wait, Duration::from_secs(10)), WaitOutcome::Ready, "read it first");
    expect_message(&mut reader, 3);
    assert_eq!(reader.wait(wait, Duration::from_secs(10)), WaitOutcome::Closed);
}

#[test]
fn a_sleeper_is_woken_by_the_flush_and_not_by_the_clock() {
    let mut writer = Writer::heap(&SMALL);
    let mut reader = writer.reader();
    let mut slow = 0;
    for seq in 0..50 {
        std::thread::scope(|s| {
            s.spawn(|| {
                std::thread::sleep(Duration::from_millis(3));
                writer.publish(&message(seq, 0));
                writer.flush();
            });
            let start = Instant::now();
            let outcome = reader.wait(Wait::Adaptive { spin_us: 0 }, Duration::from_secs(5));
            assert_eq!(outcome, WaitOutcome::Ready);
            // A lost wake would show as the 100 ms look for a dead writer.
            slow += u32::from(start.elapsed() >= Duration::from_millis(90));
        });
        expect_message(&mut reader, seq);
    }
    assert!(slow <= 5, "{slow} of 50 waits ended by the clock");
}
