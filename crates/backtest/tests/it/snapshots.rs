//! From a snapshot is from zero:
//! - a machine that was written down and read back has the same bytes, and goes on to the same
//!   records, the same digest and the same state as the one that was never interrupted;
//! - a snapshot of another session, or one that was cut, is refused.

use crate::support::{self, generated, shared};
use aegis_backtest::{
    Session, Snapshot, SnapshotError, Tally, event_kind, state_bytes, state_digest, write_snapshot,
};
use aegis_driver::{Driver, Observer};
use aegis_exchange::Exchange;
use aegis_types::{Command, Event, EventBody, Nanos, Notice, Tick};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Everything that a journal would be given, hashed, and the tally.
struct Watch {
    tally: Tally,
    records: u64,
    hash: Sha256,
}

impl Watch {
    fn new(session: &Session) -> Self {
        Self { tally: Tally::new(session), records: 0, hash: Sha256::new() }
    }
}

impl Observer for Watch {
    type Error = Infallible;

    fn event(&mut self, event: &Event) -> Result<(), Infallible> {
        self.records += 1;
        self.hash.update([event_kind(event) as u8]);
        self.hash.update(event.encode().as_bytes());
        self.tally.event(event);
        Ok(())
    }

    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Infallible> {
        self.records += 1;
        self.hash.update(command.encode(at).as_bytes());
        self.tally.command(at, command);
        Ok(())
    }

    fn notice(&mut self, at: Nanos, _: u64, notice: &Notice) {
        self.tally.notice(at, notice);
    }
}

/// A session on its way.
struct Run<'a> {
    session: &'a Session,
    ticks: &'a [Tick],
    driver: Driver<Exchange>,
    watch: Watch,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session, ticks: &'a [Tick]) -> Self {
        let (mut driver, initial) = session.build().unwrap();
        let mut watch = Watch::new(session);
        let Ok(()) = driver.start(ticks[0].at, &initial, &mut watch);
        Self { session, ticks, driver, watch }
    }

    /// Takes one tick more.
    fn step(&mut self, tick: usize) {
        let tick = self.ticks[tick];
        let Ok(()) = self.driver.step(tick.at, EventBody::Market(tick), &mut self.watch);
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(write_snapshot(&self.driver, &self.watch.tally, b"beside", &mut bytes));
        bytes
    }

    /// A fresh machine that begins at a snapshot of this run; count and hash of its records go on
    /// from where they stood.
    fn from(&self, snapshot: &[u8], records: u64, hash: &Sha256) -> Self {
        let (mut driver, _) = self.session.build().unwrap();
        let mut tally = Tally::new(self.session);
        let read: Snapshot = Snapshot::read(snapshot).unwrap();
        assert_eq!(read.beside(), b"beside");
        read.restore(&mut driver, &mut tally).unwrap();
        let watch = Watch { tally, records, hash: hash.clone() };
        Self { session: self.session, ticks: self.ticks, driver, watch }
    }

    /// Everything that must be the same.
    fn outcome(&self) -> (u64, String, Vec<u8>, String) {
        let report = self.watch.tally.finish(self.driver.engine());
        let records = format!("{:x?}", self.watch.hash.clone().finalize());
        let state = state_bytes(&self.driver).unwrap();
        (self.watch.records, records, state, serde_json::to_string(&report).unwrap())
    }
}

/// Runs from `first` to `last`, writing down after every `every`th tick; then goes on to `last`
/// from each snapshot. Returns how many there were, and the bytes of the largest.
fn from_each_snapshot(
    session: &Session,
    ticks: &[Tick],
    (first, last): (usize, usize),
    every: usize,
) -> (usize, usize) {
    let mut run = Run::new(session, ticks);
    let mut snapshots = Vec::new();
    for tick in 0..last {
        run.step(tick);
        if tick >= first && (tick - first).is_multiple_of(every) {
            let (records, hash) = (run.watch.records, run.watch.hash.clone());
            snapshots.push((tick + 1, run.snapshot(), records, hash));
        }
    }
    let expected = run.outcome();
    for (next, bytes, records, hash) in &snapshots {
        let mut again = run.from(bytes, *records, hash);
        assert_eq!(&again.snapshot(), bytes, "read back and written again, before tick {next}");
        for tick in *next..last {
            again.step(tick);
        }
        let outcome = again.outcome();
        assert_eq!((outcome.0, &outcome.1), (expected.0, &expected.1), "records from tick {next}");
        assert!(outcome.2 == expected.2, "the state differs, from tick {next}");
        assert_eq!(outcome.3, expected.3, "the report from tick {next}");
    }
    (snapshots.len(), snapshots.iter().map(|(_, bytes, ..)| bytes.len()).max().unwrap_or(0))
}

/// The ticks around the first order: there is most to lose.
fn busy(session: &Session, ticks: &[Tick]) -> usize {
    let mut run = Run::new(session, ticks);
    (0..ticks.len())
        .find(|tick| {
            run.step(*tick);
            run.watch.tally.counts().fills > 0
        })
        .expect("an order is filled")
}

#[test]
fn from_a_snapshot_is_from_zero() {
    let (session, ticks) = generated(7, 2);
    let (snapshots, bytes) = from_each_snapshot(&session, &ticks, (0, ticks.len()), 1_777);
    println!("{snapshots} snapshots of {} symbols, at most {bytes} bytes", session.symbols.len());
    assert!(snapshots > 10);
}

#[test]
fn from_a_snapshot_at_every_boundary_around_the_first_fill() {
    let (session, ticks) = generated(7, 2);
    let fill = busy(&session, &ticks);
    let (first, last) = (fill.saturating_sub(40), (fill + 120).min(ticks.len()));
    let (snapshots, _) = from_each_snapshot(&session, &ticks, (first, last), 1);
    assert_eq!(snapshots, last - first);
}

#[test]
fn from_a_snapshot_of_a_recorded_day() {
    let Some(shared) = shared("real market data") else { return };
    let (session, ticks) = support::recorded(&shared.join("data/futures_1m"), 1);
    let (snapshots, bytes) = from_each_snapshot(&session, &ticks, (0, ticks.len()), 2_711);
    println!("{snapshots} snapshots of {} symbols, at most {bytes} bytes", session.symbols.len());
    assert!(snapshots > 5);
}

#[test]
fn what_does_not_belong_here_is_refused() {
    let (session, ticks) = generated(7, 1);
    let mut run = Run::new(&session, &ticks);
    (0..2_000).for_each(|tick| run.step(tick));
    let bytes = run.snapshot();

    let (other, _) = generated(8, 1);
    let (mut driver, _) = other.build().unwrap();
    let read: Snapshot = Snapshot::read(&bytes).unwrap();
    let refused = read.restore(&mut driver, &mut Tally::new(&other));
    assert!(matches!(refused, Err(SnapshotError::Session(_))), "{refused:?}");
    let damaged = |bytes: &[u8]| {
        let read: Result<Snapshot, SnapshotError> = Snapshot::read(bytes);
        matches!(read, Err(SnapshotError::Damaged(_)))
    };
    for cut in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
        assert!(damaged(&bytes[..cut]), "cut at {cut}");
    }
    assert!(damaged(&[&bytes[..], &[0]].concat()), "a byte too many");
}

/// Whatever the bytes are, reading them ends with a snapshot or a refusal.
#[test]
fn changed_bytes_are_read_or_refused() {
    let (session, ticks) = generated(7, 1);
    let mut run = Run::new(&session, &ticks);
    (0..2_000).for_each(|tick| run.step(tick));
    let bytes = run.snapshot();
    for at in (0..bytes.len()).step_by(211) {
        for bits in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= bits;
            let _: Result<Snapshot, SnapshotError> = Snapshot::read(&changed);
        }
    }
}

#[test]
fn the_state_digest_follows_the_state() {
    let (session, ticks) = generated(7, 1);
    let (mut one, mut two) = (Run::new(&session, &ticks), Run::new(&session, &ticks));
    for tick in 0..200 {
        one.step(tick);
        two.step(tick);
        assert_eq!(state_digest(&one.driver), state_digest(&two.driver));
    }
    one.step(200);
    assert_ne!(state_digest(&one.driver), state_digest(&two.driver), "one tick more");
}

/// What a snapshot costs: printed, never judged.
#[test]
fn figures() {
    for (symbols, minutes) in [(10, 600), (500, 40)] {
        let (session, ticks) = support::generated_of(7, symbols, minutes);
        let mut run = Run::new(&session, &ticks);
        (0..ticks.len()).for_each(|tick| run.step(tick));
        let mut bytes = run.snapshot();
        bytes.clear();
        let started = std::time::Instant::now();
        assert!(write_snapshot(&run.driver, &run.watch.tally, b"", &mut bytes));
        let wrote = started.elapsed();
        let started = std::time::Instant::now();
        let read: Snapshot = Snapshot::read(&bytes).unwrap();
        let (mut driver, _) = session.build().unwrap();
        let built = started.elapsed();
        read.restore(&mut driver, &mut Tally::new(&session)).unwrap();
        println!(
            "{symbols} symbols: {} bytes, written in {wrote:?}, read in {built:?}, restored in \
             {:?}",
            bytes.len(),
            started.elapsed() - built
        );
    }
}
