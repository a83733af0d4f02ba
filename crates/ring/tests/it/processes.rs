//! Two real processes: writers killed at any moment, readers stopped.
//!
//! The second process is this test binary again, running only the test [`child`] with its task
//! in the environment.

use crate::support::{Folder, message};
use aegis_ring::{Config, Info, Poll, Reader, RingError, Wait, WaitOutcome, Writer};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TASK: &str = "AEGIS_RING_TEST_TASK";
const PATH: &str = "AEGIS_RING_TEST_PATH";
const SMALL: Config = Config { capacity: 1024, gated: false, base: 0 };
const PATIENCE: Duration = Duration::from_secs(60);
const KILLS: u32 = 240;

/// Not a test by itself: the body of the second process.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let path = std::env::var(PATH).unwrap();
    match task.as_str() {
        "write" => publish_for_ever(Path::new(&path)),
        "read" => read_to_the_end(Path::new(&path)),
        other => panic!("unknown task {other}"),
    }
}

fn spawn(task: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(PATH, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Publishes, in batches of changing size, until it is killed.
fn publish_for_ever(path: &Path) {
    let mut writer = Writer::create(path, &SMALL).unwrap();
    let salt = writer.epoch();
    loop {
        let seq = writer.published();
        writer.publish(&message(seq, salt));
        if seq.is_multiple_of(1 + seq % 97) {
            writer.flush();
            writer.heartbeat(seq.cast_signed());
        }
    }
}

/// Reads until the ring is closed and prints what it got.
fn read_to_the_end(path: &Path) {
    let mut reader = Reader::attach(path).unwrap();
    assert_eq!(reader.next_seq(), 0);
    let mut print = std::io::stdout();
    writeln!(print, "\nready").unwrap();
    let (salt, mut delivered, mut next) = (reader.epoch(), 0_u64, 0);
    let mut out = [0; 7];
    loop {
        match reader.poll(&mut out) {
            Poll::Message { seq } => {
                assert_eq!((seq, out), (next, message(next, salt)));
                next += 1;
                delivered += 1;
            }
            Poll::Overrun { skipped } => next += skipped,
            Poll::Empty => {
                if reader.wait(Wait::default(), PATIENCE) == WaitOutcome::Closed {
                    break;
                }
            }
        }
    }
    writeln!(print, "\ntotals {delivered} {}", reader.skipped()).unwrap();
}

/// Reads lines of a child up to one that begins with `word`; returns its numbers.
fn answer(lines: &mut impl BufRead, word: &str) -> Vec<u64> {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended before `{word}`");
        if let Some(rest) = line.trim().strip_prefix(word) {
            return rest.split_whitespace().map(|n| n.parse().unwrap()).collect();
        }
    }
}

/// What one reader saw of one writer's life.
struct Checked {
    reader: Reader,
    next: u64,
    messages: u64,
}

impl Checked {
    fn new(reader: Reader) -> Self {
        let next = reader.next_seq();
        Self { reader, next, messages: 0 }
    }

    /// Takes what is there. Panics on a torn, doubled or misplaced message.
    fn drain(&mut self, until: Instant) {
        let salt = self.reader.epoch();
        let mut out = [0; 7];
        loop {
            match self.reader.poll(&mut out) {
                Poll::Message { seq } => {
                    assert_eq!(seq, self.next, "doubled or out of order");
                    assert_eq!(out, message(seq, salt), "torn, or of another epoch");
                    self.next += 1;
                    self.messages += 1;
                    if self.messages.is_multiple_of(256) && Instant::now() >= until {
                        return;
                    }
                }
                Poll::Overrun { skipped } => self.next += skipped,
                Poll::Empty => return,
            }
        }
    }
}

/// Pseudo-random numbers; the seed is printed with a failure.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (x ^ (x >> 29)) % bound
    }
}

#[test]
fn writers_killed_at_any_moment_leave_nothing_torn_or_doubled() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut draw = Draw(seed);
    let folder = Folder::new();
    let path = folder.ring();
    let (mut last_epoch, mut epochs, mut messages) = (0, 0, 0);
    for round in 0..KILLS {
        let mut child = spawn("write", &path);
        // Every fourth one dies at a moment that may lie before or inside its creation of the
        // segment; the others while they publish.
        let early = round % 4 == 0;
        let mut checked = None;
        if early {
            std::thread::sleep(Duration::from_micros(draw.below(6_000)));
        } else {
            checked = Some(Checked::new(attach_newer(&path, last_epoch)));
            let until = Instant::now() + Duration::from_micros(draw.below(2_000));
            while Instant::now() < until {
                checked.as_mut().unwrap().drain(until);
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(mut checked) = checked.or_else(|| attach_any(&path).map(Checked::new)) else {
            continue;
        };
        checked.drain(Instant::now() + PATIENCE);
        let reader = &checked.reader;
        assert!(!reader.writer_alive() && !reader.is_closed());
        // All that is complete was read, and status counts the same on the dead segment.
        assert_eq!(reader.lag(), 0);
        assert_eq!(Info::read(&path).unwrap().tail, checked.next);
        assert!(reader.epoch() >= last_epoch);
        epochs += u32::from(reader.epoch() > last_epoch);
        last_epoch = reader.epoch();
        messages += checked.messages;
    }
    println!("{KILLS} kills, {epochs} epochs, {messages} messages checked");
    assert!(epochs >= KILLS * 3 / 4, "only {epochs} epochs");
    assert!(messages > 10_000, "only {messages} messages were seen");
    let _ = Writer::create(&path, &SMALL).unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "the segment and its lock; nothing half made");
}

/// Whatever complete segment is there; anything half made is a failure.
fn attach_any(path: &Path) -> Option<Reader> {
    match Reader::attach(path) {
        Ok(reader) => Some(reader),
        Err(RingError::NotFound { .. }) => None,
        Err(e) => panic!("{e}"),
    }
}

fn attach_newer(path: &Path, epoch: u64) -> Reader {
    let start = Instant::now();
    loop {
        match attach_any(path) {
            Some(reader) if reader.epoch() > epoch => return reader,
            _ => std::thread::sleep(Duration::from_micros(200)),
        }
        assert!(start.elapsed() < PATIENCE, "no new epoch");
    }
}

#[test]
fn a_waiting_reader_hears_of_the_death_and_of_the_successor() {
    let folder = Folder::new();
    let path = folder.ring();
    let mut child = spawn("write", &path);
    let mut checked = Checked::new(attach_newer(&path, 0));
    child.kill().unwrap();
    let outcome = loop {
        checked.drain(Instant::now() + PATIENCE);
        match checked.reader.wait(Wait::default(), PATIENCE) {
            WaitOutcome::Ready => {}
            outcome => break outcome,
        }
    };
    assert_eq!(outcome, WaitOutcome::WriterGone);
    child.wait().unwrap();
    let mut successor = spawn("write", &path);
    let start = Instant::now();
    let epoch = loop {
        match checked.reader.wait(Wait::default(), PATIENCE) {
            WaitOutcome::Replaced { epoch } => break epoch,
            WaitOutcome::WriterGone => std::thread::sleep(Duration::from_millis(1)),
            other => panic!("{other:?}"),
        }
        assert!(start.elapsed() < PATIENCE);
    };
    assert!(epoch > checked.reader.epoch());
    assert_eq!(Info::read(&path).unwrap().epoch, epoch);
    assert_eq!(Info::read(&path).unwrap().creator_pid, u64::from(successor.id()));
    successor.kill().unwrap();
    successor.wait().unwrap();
}

#[test]
fn a_stopped_reader_does_not_hold_up_the_writer() {
    const BATCH: u64 = 300_000;
    let folder = Folder::new();
    let mut writer = Writer::create(&folder.ring(), &SMALL).unwrap();
    let salt = writer.epoch();
    let mut child = spawn("read", &folder.ring());
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    answer(&mut lines, "ready");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let mut publish = |count: u64| {
        for _ in 0..count {
            let seq = writer.published();
            writer.publish(&message(seq, salt));
            if seq.is_multiple_of(64) {
                writer.flush();
            }
        }
        writer.flush();
        writer.published()
    };
    publish(BATCH);
    kill_process(pid, Signal::STOP).unwrap();
    // That this returns at all is the point: 300,000 messages into 1,024 slots.
    assert_eq!(publish(BATCH), 2 * BATCH);
    kill_process(pid, Signal::CONT).unwrap();
    publish(BATCH);
    writer.close();
    let totals = answer(&mut lines, "totals");
    assert!(child.wait().unwrap().success());
    assert_eq!(totals[0] + totals[1], 3 * BATCH, "delivered and skipped: {totals:?}");
    assert!(totals[1] >= BATCH - 2 * 1024, "it did sleep through the middle: {totals:?}");
}

#[test]
fn the_gate_of_a_killed_brain_keeps_its_place() {
    let folder = Folder::new();
    let gated = Config { gated: true, ..SMALL };
    let mut writer = Writer::create(&folder.ring(), &gated).unwrap();
    let mut brain = Reader::attach_from(&folder.ring(), 0).unwrap();
    let mut out = [0; 7];
    let mut fill = |upto: u64| {
        while writer.try_publish(&message(writer.published(), 0)) {}
        assert_eq!(writer.published(), upto);
    };
    fill(1024);
    for seq in 0..500 {
        assert_eq!(brain.poll(&mut out), Poll::Message { seq });
    }
    brain.acknowledge(300);
    drop(brain);
    fill(1324);
    // The successor goes on where its journal ends, which may be past the gate.
    let mut brain = Reader::attach_from(&folder.ring(), 320).unwrap();
    fill(1344);
    for seq in 320..1344 {
        assert_eq!(brain.poll(&mut out), Poll::Message { seq });
        assert_eq!(out, message(seq, 0));
    }
    assert_eq!(brain.poll(&mut out), Poll::Empty);
}
