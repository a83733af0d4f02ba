//! Every boundary of a journal recovers: the journal of a day is cut behind each of its records
//! (now and then within one), opened again, and recovered by the brain's own recovery from the
//! nearest snapshot. What the cut has taken is then made again, and up to the next snapshot every
//! record of the journal, and there every byte of the state, must be what it was without the cut.
//! From equal states everything that follows is equal (`aegis_backtest`, `snapshots`), so there the
//! comparison may end.
//!
//! Cuts go from the end to the front, so that one journal is cut ever shorter. A run of the usual
//! tests tries one boundary of many, from a seed that is printed; `AEGIS_LONG` tries them all.

use crate::random::Random;
use aegis_backtest::{Market, SNAPSHOT_LAYOUT, Session, state_bytes, write_snapshot};
use aegis_data::DataArgs;
use aegis_driver::Driver;
use aegis_journal::{Config, Kind, Source};
use aegis_markets::MarketSpec;
use aegis_node::begin::{self, Watch};
use aegis_node::bus::Bus;
use aegis_node::door::Door;
use aegis_node::recorder::Recorder;
use aegis_node::recovery::{Recovery, sound};
use aegis_node::sequencer::{Sequenced, Sequencer};
use aegis_node::snapshots::Beside;
use aegis_settings::{Settings, Sources};
use aegis_types::{EventBody, Nanos, Tick};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Inputs between two snapshots.
const DENSE: u64 = 48;
/// Bytes before a record's payload (docs/journal.md).
const HEAD: u64 = 52;
/// Boundaries of a day that the usual tests try.
const SLICE: u64 = 250;

struct Scratch(PathBuf);

impl Scratch {
    fn new(what: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aegis-{what}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings() -> Settings {
    let sources = Sources { file: None, env: &|_| None, env_keys: Vec::new(), flags: Vec::new() };
    Settings::load(&sources).unwrap()
}

/// Two days: on the first of them nothing is traded yet.
fn generated() -> (Session, Vec<Tick>) {
    let spec = MarketSpec { seed: 7, days: 2, symbols: 6, ..MarketSpec::default() };
    let market = Market {
        symbols: spec.symbol_table(),
        instruments: spec.instruments(),
        trade_from: Nanos(i64::MIN),
        until: spec.until(),
        assumptions: Vec::new(),
        mark_is_last: true,
        manifest: serde_json::json!({"generated": 7}),
    };
    (Session::new(&settings(), market, "test"), spec.ticks().collect())
}

/// A recorded day behind what warms up for it, or a line that says what is missed without it. In CI
/// it must be there.
fn recorded() -> Option<(Session, Vec<Tick>)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("AEGIS_SHARED").map_or(beside, PathBuf::from);
    let folder = folder.join("data/futures_1m");
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing, CI needs it", folder.display());
        println!("skipped: a recorded day ({} is not there)", folder.display());
        return None;
    }
    let args = DataArgs { paths: vec![folder], days: Some(1), ..DataArgs::default() };
    let dataset = aegis_data::discover(&args).unwrap();
    let (ticks, _) = aegis_data::load(&dataset).unwrap();
    Some((Session::new(&settings(), Market::of_dataset(&dataset), "test"), ticks))
}

/// A brain without its ring: what follows from the journal, and the facts that come next.
struct Machine<'a> {
    ticks: &'a [Tick],
    driver: Driver<Door>,
    initial: Option<Vec<EventBody>>,
    recorder: Recorder,
    sequencer: Sequencer,
    from_record: u64,
}

impl<'a> Machine<'a> {
    /// Opens or makes the journal in `run`, and recovers.
    fn begin(session: &Session, ticks: &'a [Tick], run: &Path, config: &Config) -> Self {
        let begun = begin::begin(session, run, config).unwrap();
        let from_record = begun.from.record;
        let (watch, mut driver, mut initial) = begun.watch(session, Bus::new());
        let Watch { mut recorder, mut sequencer, .. } = watch;
        Recovery {
            driver: &mut driver,
            initial: &mut initial,
            recorder: &mut recorder,
            sequencer: &mut sequencer,
        }
        .run(|_| {})
        .unwrap();
        Self { ticks, driver, initial, recorder, sequencer, from_record }
    }

    /// Takes the next fact, as the brain takes it from the ring.
    fn step(&mut self) {
        let position = self.sequencer.next_position();
        let tick = self.ticks[position as usize];
        let Sequenced::Input { at, body } = self.sequencer.fact(position, tick) else {
            panic!("fact {position} is next")
        };
        self.recorder.from_ring(Source { epoch: 1, seq: position, position }, 0);
        if let Some(initial) = self.initial.take() {
            self.driver.start(at, &initial, &mut self.recorder).unwrap();
        }
        self.driver.step(at, body, &mut self.recorder).unwrap();
        sound(self.driver.fault()).unwrap();
    }

    fn snapshot(&mut self) -> Vec<u8> {
        self.recorder.flush().unwrap();
        let beside = Beside {
            sequencer: self.sequencer,
            days: Vec::new(),
            news: Vec::new(),
            underway: None,
            seen: Vec::new(),
            admission: None,
        };
        let mut payload = Vec::new();
        let tally = self.recorder.tally();
        assert!(write_snapshot(&self.driver, tally, &beside.to_bytes(), &mut payload));
        payload
    }
}

/// A day that was never interrupted.
struct Day {
    /// By the record that comes next: the fact that comes next, the file, its payload.
    snapshots: BTreeMap<u64, (u64, Vec<u8>, Vec<u8>)>,
    records: Vec<Record>,
    /// Segment of each record, and where it ends there.
    ends: Vec<(u64, u64)>,
    segments: Vec<Vec<u8>>,
    digest: String,
    orders: u64,
}

fn segment(run: &Path, index: u64) -> PathBuf {
    run.join(format!("journal/segment-{index:08}.log"))
}

fn snapshot_file(run: &Path, record: u64) -> PathBuf {
    run.join(format!("journal/snapshot-{record:012}.bin"))
}

type Record = (Kind, Source, Vec<u8>);

/// Every record, and where each ends: 64-byte steps behind a segment's header of 128.
fn records(segments: &[Vec<u8>], run: &Path) -> (Vec<Record>, Vec<(u64, u64)>) {
    let mut reader = aegis_journal::Reader::open(&run.join("journal")).unwrap();
    // Record 0 is the session, which opening has read.
    let mut records = vec![(Kind::Header, Source::default(), reader.header().to_vec())];
    while let Some(record) = reader.next().unwrap() {
        records.push((record.kind, record.source, record.payload.to_vec()));
    }
    let (mut ends, mut index, mut at) = (Vec::new(), 0u64, 128u64);
    for (_, _, payload) in &records {
        if at >= segments[index as usize].len() as u64 {
            (index, at) = (index + 1, 128);
        }
        at += (HEAD + payload.len() as u64).next_multiple_of(64);
        ends.push((index, at));
    }
    assert_eq!(at, segments[index as usize].len() as u64, "the last record ends the journal");
    (records, ends)
}

fn uninterrupted(session: &Session, ticks: &[Tick], run: &Path, config: &Config) -> Day {
    let mut machine = Machine::begin(session, ticks, run, config);
    let mut snapshots = BTreeMap::new();
    for fact in 1..=ticks.len() as u64 {
        machine.step();
        if fact.is_multiple_of(DENSE) || fact == ticks.len() as u64 {
            let payload = machine.snapshot();
            let ticket = machine.recorder.snapshot_here(SNAPSHOT_LAYOUT).unwrap();
            let info = ticket.write(&payload).unwrap();
            let file = fs::read(snapshot_file(run, info.record)).unwrap();
            snapshots.insert(info.record, (fact, file, payload));
        }
    }
    let tally = machine.recorder.tally();
    let (digest, orders) = (tally.digest(), tally.counts().orders);
    machine.recorder.close().unwrap();
    let read = |index| fs::read(segment(run, index));
    let segments: Vec<_> = (0..).map_while(|index| read(index).ok()).collect();
    let (records, ends) = records(&segments, run);
    Day { snapshots, records, ends, segments, digest, orders }
}

impl Day {
    /// Cuts the journal behind its first `records` records, and so many bytes further.
    fn cut(&self, run: &Path, records: u64, torn: u64) {
        let (last, end) = self.ends[records as usize - 1];
        for index in last + 1..self.segments.len() as u64 {
            let _ = fs::remove_file(segment(run, index));
        }
        let file = fs::OpenOptions::new().write(true).open(segment(run, last)).unwrap();
        file.set_len(end).unwrap();
        if let Some((next, next_end)) = self.ends.get(records as usize)
            && *next == last
        {
            use std::os::unix::fs::FileExt;
            let torn = torn.min(next_end - end - 1);
            let bytes = &self.segments[last as usize][end as usize..(end + torn) as usize];
            file.write_all_at(bytes, end).unwrap();
        }
    }

    /// Leaves the nearest snapshot before the cut, and one that has seen more than is left.
    fn lay_snapshots(&self, run: &Path, records: u64) -> u64 {
        for entry in fs::read_dir(run.join("journal")).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("snapshot-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let before = self.snapshots.range(..=records).next_back();
        let behind = self.snapshots.range(records + 1..).next();
        for (record, (_, file, _)) in before.into_iter().chain(behind) {
            fs::write(snapshot_file(run, *record), file).unwrap();
        }
        before.map_or(0, |(record, _)| *record)
    }

    /// The journal's records from a snapshot's on, and up to a number, are what they were.
    fn compare(&self, run: &Path, from: u64, until: u64) {
        let disk = aegis_journal::disk::system();
        let journal = run.join("journal");
        let mut reader = if from > 0 {
            let found = aegis_journal::snapshot::load(&*disk, &journal, from).unwrap();
            aegis_journal::Reader::open_behind(disk, &journal, &found.info).unwrap()
        } else {
            aegis_journal::Reader::open(&journal).unwrap()
        };
        let mut compared = from;
        while let Some(record) = reader.next().unwrap() {
            let (kind, source, payload) = &self.records[record.number as usize];
            assert_eq!((record.kind, record.source), (*kind, *source), "record {}", record.number);
            assert!(record.payload == payload, "record {} differs", record.number);
            compared = record.number + 1;
        }
        assert_eq!(compared, until, "the journal ends where it should");
    }
}

/// Cuts behind `records` records, recovers, goes on to the next snapshot's place, compares.
fn recover_at(
    day: &Day,
    (session, ticks): (&Session, &[Tick]),
    run: &Path,
    config: &Config,
    (records, torn): (u64, u64),
) {
    day.cut(run, records, torn);
    let nearest = day.lay_snapshots(run, records);
    let mut machine = Machine::begin(session, ticks, run, config);
    assert_eq!(machine.from_record, nearest, "recovery begins at the nearest snapshot");
    let next = day.snapshots.range(records..).next();
    let (until, (fact, _, payload)) = next.expect("the day ends with a snapshot");
    while machine.sequencer.next_position() < *fact {
        machine.step();
    }
    assert!(machine.recorder.caught_up());
    let state = machine.snapshot();
    assert_eq!(machine.recorder.records(), *until);
    assert!(&state == payload, "the state differs before record {until}");
    day.compare(run, nearest, *until);
}

fn every_boundary(what: &str, (session, ticks): (Session, Vec<Tick>)) {
    let scratch = Scratch::new(what);
    let run = &scratch.0;
    // Small segments, so that some boundaries lie between two.
    let config = Config { segment_bytes: 512 << 10, reserve_bytes: 0, ..Config::default() };
    let day = uninterrupted(&session, &ticks, run, &config);
    let records = day.ends.len() as u64;
    // What warms up is no part of the day.
    let warm_up = ticks.iter().take_while(|tick| tick.at < session.trade_from).count() as u64;
    let mut warm = day.snapshots.iter().take_while(|(_, (fact, ..))| *fact <= warm_up);
    let first = warm.by_ref().last().map_or(1, |(record, _)| *record);
    let boundaries = records - first + 1;
    let long = std::env::var_os("AEGIS_LONG").is_some();
    let every = if long { 1 } else { (boundaries / SLICE).max(1) };
    let seed = std::env::var("AEGIS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = Random(seed);
    println!("{what}: seed {seed}, one boundary of {every}");
    assert!(day.orders > 0, "nothing was traded");
    let (started, mut tried) = (Instant::now(), 0u64);
    let mut cut = records - random.below(every);
    loop {
        let torn = if random.percent(25) { random.below(64) } else { 0 };
        recover_at(&day, (&session, &ticks), run, &config, (cut, torn));
        tried += 1;
        let back = if every == 1 { 1 } else { 1 + random.below(2 * every - 1) };
        if cut < first + back {
            break;
        }
        cut -= back;
    }
    let snapshots = day.snapshots.len();
    println!(
        "{what}: {tried} of {boundaries} boundaries in {} segments recovered from {snapshots} \
         snapshots in {:.1} s; {} orders, digest {}",
        day.segments.len(),
        started.elapsed().as_secs_f64(),
        day.orders,
        day.digest
    );
    assert!(tried >= SLICE.min(boundaries) / 2);
}

#[test]
fn every_boundary_recovers() {
    every_boundary("generated-day", generated());
}

#[test]
fn every_boundary_of_a_recorded_day_recovers() {
    if let Some(day) = recorded() {
        every_boundary("recorded-day", day);
    }
}

/// Without any snapshot of use the same comes out, from the first record.
#[test]
fn damaged_snapshots_are_passed_over() {
    let (session, ticks) = generated();
    let ticks = &ticks[..4_000];
    let scratch = Scratch::new("damaged");
    let run = &scratch.0;
    let config = Config { segment_bytes: 512 << 10, reserve_bytes: 0, ..Config::default() };
    let day = uninterrupted(&session, ticks, run, &config);
    let records = day.ends.len() as u64;
    let place = |record: u64| fs::read(snapshot_file(run, record)).unwrap();
    let mut newest: Vec<u64> = day.snapshots.keys().rev().take(3).copied().collect();
    let expected = state_bytes(&Machine::begin(&session, ticks, run, &config).driver);
    while let Some(record) = newest.first().copied() {
        let machine = Machine::begin(&session, ticks, run, &config);
        assert_eq!(machine.from_record, record);
        assert_eq!(state_bytes(&machine.driver), expected);
        assert_eq!(machine.recorder.records(), records);
        drop(machine);
        let mut bytes = place(record);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(snapshot_file(run, record), bytes).unwrap();
        newest.remove(0);
    }
    let machine = Machine::begin(&session, ticks, run, &config);
    assert_eq!(machine.from_record, 0, "none is left: the session's start");
    assert_eq!(state_bytes(&machine.driver), expected);
}
