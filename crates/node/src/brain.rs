//! The brain process: ring → sequencer → journal → driver (engine and venue) → orders.
//!
//! After a restart it first steps through its own journal; the simulated exchange is stepped beside
//! the engine, so what it answered before must come out again, byte for byte. Then it attaches to
//! the ring at the next fact.

mod burden;
mod keep;
mod live;
mod outside;
mod tables;
mod understudy;
mod way;

use self::burden::Burden;
use crate::begin::{self, From, Watch};
use crate::bus::Bus;
use crate::dispatch::{Dispatcher, LaneFull, Priority};
use crate::door::Door;
use crate::exchange_child::Account;
use crate::home::{Home, write_whole};
use crate::pace::Speed;
use crate::persist::{self, Persist, Pulse, Trouble};
use crate::protocol::{BrainReport, JournalReport, Order, Report, orders, send};
use crate::recorder::Recorder;
use crate::recovery::{Recovered, Recovery, sound};
use crate::reports::Reports;
use crate::sequencer::{Sequenced, Sequencer};
use crate::snapshots::{Schedule, Written};
use crate::{EXIT_OK, Failure, clock, identity, session};
use aegis_backtest::{Session, state_digest};
use aegis_driver::Driver;
use aegis_journal::Source;
use aegis_ring::{Poll, Reader, Wait, WaitOutcome, Words};
use aegis_types::{Condition, EventBody, Nanos, Operator, Tick, TradingState};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// Facts taken between two flushes of the journal.
const FLUSH_EVERY: u32 = 1_024;
/// How often the brain reports, and so beats.
const REPORT_EVERY: Nanos = Nanos(100_000_000);
/// How often the database's lane is told of new rows: waking it after each fact would cost the next
/// fact more than all that is done for it.
const PERSIST_EVERY: Nanos = Nanos(20_000_000);
/// Jobs that one lane holds; more reports or row turns than that say nothing new.
const LANE_JOBS: usize = 4;
/// Longest wait at the end for a database that does not take rows.
const LAST_CALL: Nanos = Nanos(5_000_000_000);
/// The same when told to stop: the orchestrator kills what has not ended after
/// `shutdown_timeout_s`, and rows can be made again from the journal.
const LAST_CALL_STOPPED: Nanos = Nanos(1_500_000_000);
/// A finished run gives up a database in which nothing has moved for so long. Above the store's own
/// limits for connecting and for silence, so that it is told why as a rule.
const STUCK: Nanos = Nanos(30_000_000_000);
/// Longest sleep on an empty ring.
const WAIT: Duration = Duration::from_millis(50);

static LAST_SEQ: AtomicU64 = AtomicU64::new(0);

/// Notes the event in hand, for the log of a panic.
pub fn note_seq(seq: u64) {
    LAST_SEQ.store(seq, Ordering::Relaxed);
}

/// The last event this process took in hand.
pub fn last_seq() -> u64 {
    LAST_SEQ.load(Ordering::Relaxed)
}

/// What a brain is started with.
#[derive(Clone, Debug)]
pub struct Args {
    /// State folder.
    pub home: PathBuf,
    /// Run folder with `session.json`.
    pub run: PathBuf,
    /// How to wait on an empty ring.
    pub wait: Wait,
    /// How fast a stepped exchange is stepped.
    pub speed: Speed,
    /// Reads orders on stdin, and stops when it ends.
    pub supervised: bool,
    /// Database, or the default file in the state folder.
    pub store: Option<String>,
    /// Rows that may wait for the database.
    pub store_rows: usize,
    /// The orchestrator has decided that orders go to the exchange.
    pub armed: bool,
    /// Keys of the account that orders go to.
    pub keys: Option<Account>,
}

struct Brain {
    args: Args,
    session: Session,
    driver: Driver<Door>,
    /// The venue's first words, until the first input says when they are said.
    initial: Option<Vec<EventBody>>,
    recorder: Recorder,
    sequencer: Sequencer,
    /// Where recovery began.
    from: From,
    schedule: Schedule,
    orders: Receiver<Option<Order>>,
    /// Operator's commands that came before the last brain's unfinished input was made again.
    held: VecDeque<(Operator, u64)>,
    /// Conditions that have not been delivered yet.
    conditions: Vec<Condition>,
    /// What facts that come live need; none for recorded ones.
    live: Option<live::Live>,
    reports: Reports,
    lanes: Dispatcher<Job>,
    /// The analysis lane is kept full, for a measurement.
    burdened: bool,
    trouble: Trouble,
    pulse: Pulse,
    rows: Receiver<serde_json::Value>,
    reported: Nanos,
    /// There are rows that the lane does not know of; when it was told last.
    rows_wait: bool,
    persisted: Nanos,
    slots: u64,
    read: u64,
    overruns: u64,
    /// Most facts that ever waited in the ring.
    lag_most: u64,
}

/// A side effect of the brain.
enum Job {
    /// A report to the orchestrator: system-critical, because it is the heartbeat.
    Report(Box<BrainReport>),
    /// Work for the sake of a measurement: analysis.
    Burden,
    /// Rows to the database: background.
    Persist,
    /// A snapshot to its file: background.
    Snapshot(Box<Written>),
    /// The last rows, and how it went.
    LastRows {
        /// How long a database may take that does not answer.
        patience: Nanos,
    },
}

/// Starts the lanes: reports on the urgent thread, rows on the ordinary one.
fn lanes(
    persist: Persist,
    mut burden: Option<Burden>,
) -> (Dispatcher<Job>, Receiver<serde_json::Value>) {
    let (done, rows) = std::sync::mpsc::channel();
    let mut persist = Some(persist);
    let urgent = |job| {
        if let Job::Report(report) = job {
            send(&Report::Brain(report));
        }
    };
    let ordinary = move |job| match job {
        Job::Burden => {
            if let Some(burden) = &mut burden {
                burden.work();
            }
        }
        Job::Persist => {
            // Out of its place while it runs: after a panic its rows are not to be trusted.
            if let Some(mut running) = persist.take() {
                running.turn();
                persist = Some(running);
            }
        }
        Job::LastRows { patience } => {
            let rows = persist.take().map_or_else(persist::incomplete, |p| p.finish(patience));
            let _ = done.send(rows);
        }
        Job::Snapshot(snapshot) => snapshot.write(),
        Job::Report(_) => {}
    };
    (Dispatcher::start(LANE_JOBS, urgent, ordinary), rows)
}

/// Why the pump ended.
enum Ended {
    /// The source has ended: the run is complete.
    Source,
    /// Told to stop.
    Stopped,
}

/// Runs a brain until its source has ended or it is told to stop.
///
/// # Errors
/// When the session, journal or ring cannot be used, or recovery differs from the journal.
pub fn run(args: &Args) -> Result<i32, Failure> {
    let started = clock::monotonic();
    let home = Home::open(&args.home)?;
    let _lock = home.lock("brain.lock", "another brain")?;
    let mut brain = Brain::open(args, &home)?;
    let epoch = brain.recover()?;
    if brain.live.is_some() && !brain.connect()? {
        return brain.finish(None, &Ended::Stopped);
    }
    // A live feed that an earlier brain has read begins anew, where this one stands.
    let gone = brain.live.is_some().then_some(epoch);
    match brain.attach(&home, Some(started), gone)? {
        Some(ring) if brain.live.is_some() => {
            let (ended, ring) = brain.pump_live(&home, ring)?;
            brain.finish(ring, &ended)
        }
        Some(ring) => {
            let (ended, ring) = brain.pump(&home, ring)?;
            brain.finish(ring, &ended)
        }
        None => brain.finish(None, &Ended::Stopped),
    }
}

impl Brain {
    fn open(args: &Args, home: &Home) -> Result<Self, Failure> {
        let session = session::load(&args.run)?;
        let settings =
            session.settings().map_err(|e| Failure::usage(e.to_string(), "start a new session"))?;
        let journal = args.run.join("journal");
        let mut begun = begin::begin(&session, &args.run, &settings.journal())?;
        if begun.fresh
            && matches!(begun.driver.venue(), Door::Wire(_))
            && let Some(initial) = &mut begun.initial
        {
            outside::remember(&args.run, initial)?;
        }
        let mut bus = Bus::new();
        let url = args.store.clone().unwrap_or_else(|| persist::sqlite_url(&home.database()));
        let mut persist = Persist::new(&url, args.store_rows, &session, &journal, &mut bus);
        let (trouble, pulse) = (persist.trouble(), persist.pulse());
        let mut reports = Reports::new(&session, &mut bus);
        let mut live = live::Live::of(args, &session)?;
        let (from, fresh) = (begun.from, begun.fresh);
        let (watch, driver, initial) = begun.watch(&session, bus);
        let Watch { mut recorder, sequencer, rest } = watch;
        if let Some(rest) = rest {
            reports.restore(&rest.days);
            if let (Some(live), Some(admission)) = (&mut live, rest.admission) {
                live.restore(admission);
            }
            // What came before is in the journal, and perhaps not in the database.
            persist.begin_behind();
        }
        if let Some(build) = identity::of_run(&args.run) {
            recorder.node(&serde_json::json!({ "node": "build", "build": build }))?;
        }
        if !fresh {
            let (pid, from_record) = (std::process::id(), from.record);
            recorder.node(&serde_json::json!({
                "node": "brain restarted", "pid": pid, "from_record": from_record
            }))?;
        }
        let every = settings.snapshot_every();
        let schedule = Schedule::new(every, recorder.records(), recorder.segment(), from.record)
            .keeping(settings.journal_retain_days());
        let local = live.as_ref().is_some_and(live::Live::is_local);
        let burden = Burden::asked(&session, local);
        let burdened = burden.is_some();
        let (lanes, rows) = lanes(persist, burden);
        Ok(Self {
            reports,
            orders: orders(args.supervised),
            held: VecDeque::new(),
            conditions: Vec::new(),
            live,
            args: args.clone(),
            session,
            driver,
            initial,
            from,
            schedule,
            recorder,
            sequencer,
            lanes,
            burdened,
            trouble,
            pulse,
            rows,
            reported: Nanos::ZERO,
            rows_wait: false,
            persisted: Nanos::ZERO,
            slots: 0,
            read: 0,
            overruns: 0,
            lag_most: 0,
        })
    }

    /// One input to its end.
    fn step(&mut self, at: Nanos, body: EventBody) -> Result<(), Failure> {
        if let Some(initial) = self.initial.take() {
            self.driver.start(at, &initial, &mut self.recorder)?;
        }
        self.driver.step(at, body, &mut self.recorder)?;
        self.count_handed();
        self.sound()
    }

    /// Counts the delays of the orders that have left.
    fn count_handed(&mut self) {
        if let Door::Wire(wired) = self.driver.venue_mut() {
            wired.drain_handed().for_each(|order| self.recorder.handed(order));
        }
    }

    /// No bound of the driver was passed.
    fn sound(&self) -> Result<(), Failure> {
        sound(self.driver.fault())
    }

    /// Steps through what the journal holds behind the snapshot that this brain began with.
    ///
    /// Returns the newest epoch of a ring in it.
    fn recover(&mut self) -> Result<u64, Failure> {
        let started = clock::monotonic();
        let from = self.from;
        let Self { driver, initial, recorder, sequencer, reports, live, .. } = self;
        let mut recovery = Recovery { driver, initial, recorder, sequencer };
        let Recovered { inputs, epoch } = recovery.run(|body| {
            if let EventBody::Market(tick) = body {
                reports.tick(tick);
                if let Some(live) = live {
                    live.shown_before(tick);
                }
            }
        })?;
        if inputs > 0 || from.record > 0 {
            let ms = clock::monotonic().since(started).as_millis();
            let from_record = from.record;
            tracing::info!(from_record, inputs, ms, "recovered from the journal");
        }
        Ok(epoch.max(from.epoch))
    }

    /// Waits for the ring and takes the gating place; `None` when told to stop first. A segment of
    /// the epoch `gone` has been read to its end and is not attached again.
    fn attach(
        &mut self,
        home: &Home,
        started: Option<Nanos>,
        gone: Option<u64>,
    ) -> Result<Option<Reader>, Failure> {
        let path = home.ring();
        let mut said = started.is_none();
        loop {
            let reader = match self.live {
                Some(_) => self.attach_live(&path, gone)?,
                None => self.try_attach(&path, gone)?,
            };
            if let Some(started) = started.filter(|_| !said) {
                self.say_ready(started);
                said = true;
            }
            if reader.is_some() {
                return Ok(reader);
            }
            if self.take_orders()? {
                return Ok(None);
            }
            self.beat(None)?;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn say_ready(&self, started: Nanos) {
        let after_ms = clock::monotonic().since(started).0 as f64 / 1e6;
        let position = self.sequencer.next_position();
        if self.args.supervised {
            // Before its first event a driver's time is the far past.
            let time_ms = self.driver.now().as_millis().max(0);
            send(&Report::Ready { after_ms, position, epoch: 0, time_ms });
        }
        tracing::info!(after_ms, position, "brain ready");
    }

    fn try_attach(&mut self, path: &Path, gone: Option<u64>) -> Result<Option<Reader>, Failure> {
        use aegis_ring::{Info, State};
        let Ok(info) = Info::read(path) else { return Ok(None) };
        let dead = !info.writer_alive && info.state != State::Closed;
        if info.state == State::Init || dead || Some(info.epoch) == gone {
            return Ok(None);
        }
        let position = self.sequencer.next_position();
        let next = match position.checked_sub(info.base) {
            Some(next) if next <= info.tail => next,
            // A feed that started early: what it brings again is dropped by position. Waiting for
            // it to catch up without taking the gate's place would stop it there for good.
            Some(_) if info.writer_alive => info.tail,
            // The closed ring of an earlier run.
            Some(_) => return Ok(None),
            None if !info.writer_alive => return Ok(None),
            None => {
                return Err(Failure::failed(
                    format!(
                        "the ring starts at fact {} of the source, the journal needs {position}",
                        info.base
                    ),
                    "let the orchestrator start the feed, which tells it where to resume",
                ));
            }
        };
        match Reader::attach_from(path, next) {
            Ok(reader) => {
                self.slots = info.capacity;
                Ok(Some(reader))
            }
            Err(error) => {
                tracing::debug!(%error, "ring not ready");
                Ok(None)
            }
        }
    }

    /// Takes facts until the source ends or the brain is told to stop; gives the ring back.
    fn pump(&mut self, home: &Home, mut ring: Reader) -> Result<(Ended, Option<Reader>), Failure> {
        let mut words: Words = [0; 7];
        loop {
            match ring.poll(&mut words) {
                Poll::Message { seq } => {
                    if self.fact(&ring, seq, &words)? {
                        return Ok((Ended::Source, Some(ring)));
                    }
                    if self.recorder.pending() < FLUSH_EVERY {
                        continue;
                    }
                    self.settle(&mut ring)?;
                    self.snapshot_when_due()?;
                }
                Poll::Overrun { skipped } => {
                    self.overruns += skipped;
                    return Err(Failure::failed(
                        format!("the ring overran: {skipped} facts of a recorded source are lost"),
                        "this must not happen on a gated ring; report it with the log",
                    ));
                }
                Poll::Empty => {
                    self.settle(&mut ring)?;
                    self.snapshot_when_due()?;
                    match ring.wait(self.args.wait, WAIT) {
                        WaitOutcome::Ready | WaitOutcome::TimedOut => {}
                        outcome => {
                            tracing::info!(?outcome, "the feed is gone; waiting for its successor");
                            let epoch = ring.epoch();
                            // The place at the gate is free for the next segment only then.
                            drop(ring);
                            match self.attach(home, None, Some(epoch))? {
                                Some(next) => ring = next,
                                None => return Ok((Ended::Stopped, None)),
                            }
                        }
                    }
                }
            }
            if self.take_orders()? {
                return Ok((Ended::Stopped, Some(ring)));
            }
        }
    }

    /// Takes one fact. Returns true at the end of the source.
    fn fact(&mut self, ring: &Reader, seq: u64, words: &Words) -> Result<bool, Failure> {
        let tick = Tick::from_words(words).map_err(|e| {
            Failure::failed(format!("ring slot {seq}: {e}"), "feed and brain differ in version")
        })?;
        let position = ring.base() + seq;
        match self.sequencer.fact(position, tick) {
            Sequenced::Input { at, body } => {
                self.read += 1;
                let source = Source { epoch: ring.epoch(), seq, position };
                self.recorder.from_ring(source, tick.received_us);
                self.reports.tick(&tick);
                self.step(at, body)?;
                Ok(false)
            }
            Sequenced::Duplicate => Ok(false),
            Sequenced::End => Ok(true),
            Sequenced::Hole { missing } => Err(Failure::failed(
                format!("{missing} facts are missing before fact {position} of the source"),
                "this must not happen on a gated ring; report it with the log",
            )),
        }
    }

    /// Journal to its file, then progress to the gate, then a heartbeat.
    fn settle(&mut self, ring: &mut Reader) -> Result<(), Failure> {
        self.count_handed();
        self.rows_wait |= self.recorder.flush()?;
        self.lag_most = self.lag_most.max(ring.lag());
        ring.acknowledge(ring.next_seq());
        let now = clock::monotonic();
        if (self.rows_wait || self.burdened) && now.since(self.persisted) >= PERSIST_EVERY {
            (self.rows_wait, self.persisted) = (false, now);
            // A full lane is about to take these rows too.
            let _ = self.lanes.push(Priority::Background, Job::Persist);
            while self.burdened && self.lanes.push(Priority::Analysis, Job::Burden).is_ok() {}
        }
        self.beat(Some(ring))
    }

    fn beat(&mut self, ring: Option<&Reader>) -> Result<(), Failure> {
        let now = clock::monotonic();
        if now.since(self.reported) < REPORT_EVERY {
            return Ok(());
        }
        self.reported = now;
        if self.args.supervised {
            let mut report = self.report();
            if let Some(ring) = ring {
                (report.lag, report.capacity) = (ring.lag(), self.slots);
            }
            // A full lane holds a report as good as this one.
            let _ = self.lanes.push(Priority::SystemCritical, Job::Report(Box::new(report)));
        }
        Ok(())
    }

    /// What is true now; the ring's lag is the caller's to add.
    fn report(&mut self) -> BrainReport {
        let report = self.reports.report(&self.driver, &self.recorder);
        let last_snapshot_record = self.schedule.written();
        BrainReport {
            read: self.read,
            overruns: self.overruns,
            lost: self.lost(),
            position: self.sequencer.next_position(),
            risk: self.memory(),
            venue: self.way(),
            store: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            journal: JournalReport { last_snapshot_record, ..report.journal },
            ..report
        }
    }

    /// Facts that nobody will bring again: those that a live ring has overwritten.
    fn lost(&self) -> u64 {
        if self.live.is_some() { self.overruns } else { 0 }
    }

    /// Carries out the orchestrator's orders. Returns true when told to stop or left alone.
    fn take_orders(&mut self) -> Result<bool, Failure> {
        let stop = loop {
            match self.orders.try_recv() {
                Err(TryRecvError::Empty) => break false,
                Ok(Some(Order::Operator { what, request })) => self.held.push_back((what, request)),
                Ok(Some(Order::Condition { condition })) => self.conditions.push(condition),
                Ok(Some(Order::Live { epoch, facts })) => {
                    if let Some(live) = &mut self.live {
                        live.listens(epoch, facts);
                    }
                }
                Ok(Some(Order::Stop) | None) | Err(TryRecvError::Disconnected) => break true,
            }
        };
        self.outside()?;
        // The journal may end inside an input: its timers, say, and not yet the fact itself.
        // Nothing may come between them, or this brain would differ from its journal.
        while self.recorder.caught_up()
            && let Some((what, request)) = self.held.pop_front()
        {
            self.operator(what)?;
            let halted =
                what == Operator::Resume && self.driver.engine().state() == TradingState::Halted;
            let refused = halted.then(|| "entries are halted until a new session".to_owned());
            if self.args.supervised {
                // First what is true now: whoever asks for the status next must not see the past.
                send(&Report::Brain(Box::new(self.report())));
                send(&Report::Applied { request, refused });
            }
        }
        Ok(stop)
    }

    fn operator(&mut self, what: Operator) -> Result<(), Failure> {
        tracing::warn!(what = %what, "operator command");
        let (at, body) = self.sequencer.operator(what);
        self.recorder.from_journal(Source::default());
        self.step(at, body)?;
        self.recorder.flush().map(|_| ())
    }

    /// Writes the summary, closes everything; the gate follows last, so that the feed may end.
    fn finish(mut self, ring: Option<Reader>, ended: &Ended) -> Result<i32, Failure> {
        let finished = matches!(ended, Ended::Source);
        self.recorder.flush()?;
        if finished {
            self.recorder.node(&serde_json::json!({"node": "source ended"}))?;
        }
        self.recorder.bus().close();
        let (rows, answered) = self.last_rows(finished)?;
        if answered {
            // The lane is idle: it has answered to the last of its jobs.
            self.last_snapshot()?;
        }
        let mut report = self.recorder.tally().finish(self.driver.engine());
        report.journal = Some(self.args.run.join("journal").display().to_string());
        let mut summary = serde_json::to_value(&report)
            .map_err(|e| Failure::failed(format!("summary: {e}"), ""))?;
        summary["finished"] = finished.into();
        summary["from_record"] = self.from.record.into();
        summary["tick_to_order_us"] =
            serde_json::to_value(self.recorder.delays().quantiles()).unwrap_or_default();
        summary["capacities"] = self.capacities();
        summary["queues"] = self.queues(&rows);
        summary["store"] = rows;
        summary["state_digest"] = state_digest(&self.driver).into();
        let text = serde_json::to_vec_pretty(&summary)
            .map_err(|e| Failure::failed(format!("summary: {e}"), ""))?;
        write_whole(&self.args.run.join("summary.json"), &text)?;
        if self.args.supervised {
            let last = BrainReport { finished, ..self.report() };
            if answered {
                self.lanes.finish();
            }
            send(&Report::Brain(Box::new(last)));
        }
        if let Some(mut ring) = ring {
            ring.acknowledge(ring.next_seq());
        }
        self.recorder.close()?;
        tracing::info!(finished, session = %self.session.id, "brain ends");
        Ok(EXIT_OK)
    }

    /// Has the last rows written. How it went, and whether the lane answered: a database that is
    /// gone without a word may hold it for ever. A finished run waits as long as the lane gets on,
    /// a stopped one no longer than it may.
    fn last_rows(&mut self, finished: bool) -> Result<(serde_json::Value, bool), Failure> {
        let (patience, longest) = if finished {
            (LAST_CALL, STUCK)
        } else {
            (LAST_CALL_STOPPED, LAST_CALL_STOPPED.times(2))
        };
        let (mut until, mut pulse) = (clock::monotonic().after(longest), 0);
        let mut last = Some(Job::LastRows { patience });
        while clock::monotonic() < until {
            if let Some(job) = last.take()
                && let Err(LaneFull(job)) = self.lanes.push(Priority::Background, job)
            {
                last = Some(job);
            }
            if let Ok(rows) = self.rows.recv_timeout(Duration::from_millis(20)) {
                return Ok((rows, true));
            }
            self.beat(None)?;
            let now = self.pulse.load(Ordering::Relaxed);
            if finished && now != pulse {
                (until, pulse) = (clock::monotonic().after(STUCK), now);
            }
        }
        tracing::error!("the database does not answer; run `aegis store rebuild`");
        Ok((persist::incomplete(), false))
    }
}
