//! The brain process: ring to sequencer to journal to engine to client, as the real one does it, on
//! the simulated disk and network.

mod keep;

pub use keep::Kept;

use keep::Keep;

use crate::carrier::{Machinery, SimVenue};
use crate::mind::{Mind, Script};
use crate::ring::{Look, Ring};
use crate::witness::Witness;
use aegis_backtest::{Session, state_digest};
use aegis_driver::{Driver, Observer};
use aegis_engine::{Engine, EngineConfig, Teacher};
use aegis_journal::disk::SimDisk;
use aegis_journal::{Config as JournalConfig, Source};
use aegis_node::Failure;
use aegis_node::begin::{From, begin_on};
use aegis_node::bus::{Bus, Class, Subscription};
use aegis_node::door::{Carrier, Door, STOPPED, Wired};
use aegis_node::live::admission::Admission;
use aegis_node::persist::TOPICS;
use aegis_node::recorder::Recorder;
use aegis_node::recovery::{Recovery, Watching};
use aegis_node::sequencer::{Sequenced, Sequencer};
use aegis_node::snapshots::Schedule;
use aegis_types::{
    Answers, Cause, Command, Condition, Event, EventBody, Nanos, Notice, Operator, SymbolId, Tick,
    TickBody,
};
use aegis_venue::client::Note;
use aegis_venue::client::machine::Config as ClientConfig;
use aegis_venue::client::startup::Stage;
use std::path::{Path, PathBuf};

/// How long the way to the exchange may take to be ready.
const CONNECT: Nanos = Nanos::SECOND.times(60);
/// Facts taken between two flushes of the journal.
const FLUSH_EVERY: u32 = 1_024;
/// Notices that may wait on the bus.
const QUEUE: usize = 8_192;

/// How the proposals of a run are made.
#[derive(Clone, Copy, Debug)]
pub struct Proposals {
    /// Key of the draws.
    pub seed: u64,
    /// By the teacher instead of the script.
    pub teacher: bool,
    /// How often a close brings one, in a thousand.
    pub entries: u64,
    /// How often a close ends a position, in a thousand.
    pub exits: u64,
}

/// What every brain of a run is started with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The session.
    pub session: Session,
    /// The engine's figures.
    pub engine: EngineConfig,
    /// Who proposes.
    pub proposals: Proposals,
    /// How the journal is written.
    pub journal: JournalConfig,
    /// Between two quotes of a kind.
    pub quote_interval: Nanos,
    /// Records between two snapshots.
    pub snapshot_every: u64,
}

impl Plan {
    /// The journal's folder.
    pub fn dir(&self) -> PathBuf {
        Path::new("/journal").join(&self.session.id)
    }

    fn mind(&self) -> Mind {
        let symbols = self.session.symbols.len();
        let Proposals { seed, teacher, entries, exits } = self.proposals;
        if teacher {
            Mind::Teacher(Box::new(Teacher::new(symbols, &self.engine.learn)))
        } else {
            Mind::Script(Script::new(seed, symbols, entries, exits))
        }
    }
}

/// The journal first, then whoever watches the node.
struct Watched<'a> {
    recorder: &'a mut Recorder,
    witness: &'a mut Witness,
}

impl Observer for Watched<'_> {
    type Error = Failure;

    #[inline]
    fn event(&mut self, event: &Event) -> Result<(), Failure> {
        self.recorder.event(event)?;
        self.witness.event(event);
        Ok(())
    }

    fn command(&mut self, at: Nanos, command: &Command) -> Result<(), Failure> {
        self.recorder.command(at, command)?;
        self.witness.command(at, command);
        Ok(())
    }

    fn notice(&mut self, at: Nanos, seq: u64, notice: &Notice) {
        self.witness.notice(notice);
        self.recorder.notice(at, seq, notice);
    }
}

impl Watching for Watched<'_> {
    fn recorder(&mut self) -> &mut Recorder {
        self.recorder
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until then the way to the exchange must be ready.
    Connecting(Nanos),
    Live,
}

/// The brain process.
pub struct Brain {
    driver: Driver<Door<SimVenue>, Mind>,
    recorder: Recorder,
    sequencer: Sequencer,
    admission: Admission,
    answers: Answers,
    /// What the venue said before the first fact.
    initial: Option<Vec<EventBody>>,
    symbols: usize,
    phase: Phase,
    machinery: Machinery,
    /// Where recovery begins.
    from: From,
    /// Its snapshots.
    keep: Keep,
    /// Notes since the last look.
    pub notes: Vec<Note>,
    /// Records that were there when it began.
    pub records_before: u64,
    /// Facts that were overwritten before they were read.
    pub overruns: u64,
    /// When it had its last turn.
    looked: Nanos,
    /// Gaps told since the last look.
    pub gaps: Vec<SymbolId>,
}

impl Brain {
    /// Opens or makes the journal, and stands where its newest snapshot does; nothing is stepped
    /// yet.
    ///
    /// # Errors
    /// As of the real one: no journal, no brain.
    pub fn open(
        plan: &Plan,
        disk: &SimDisk,
        machinery: Machinery,
    ) -> Result<(Self, Subscription), Failure> {
        let session = &plan.session;
        let symbols = session.symbols.len();
        let machine = || {
            let engine = plan.engine.clone();
            let engine = Engine::with_brain(engine, &session.instruments, plan.mind())
                .map_err(|e| Failure::failed(e.to_string(), ""))?;
            let door = Door::Wire(Box::new(Wired::new(None)));
            Ok((Driver::new(engine, door), Vec::new()))
        };
        let begun = begin_on(&disk.disk(), session, &plan.dir(), &plan.journal, machine)?;
        let from = begun.from;
        let mut bus = Bus::new();
        let notices = bus.subscribe(&TOPICS, Class::Lossless, QUEUE);
        let (watch, driver, initial) = begun.watch(session, bus);
        let admission = watch.rest.and_then(|rest| rest.admission);
        let (records, segment) = (watch.recorder.records(), watch.recorder.segment());
        let schedule = Schedule::new(plan.snapshot_every, records, segment, from.record);
        let now = machinery.clock.get();
        let brain = Self {
            driver,
            recorder: watch.recorder,
            sequencer: watch.sequencer,
            admission: admission.unwrap_or_else(|| Admission::new(symbols, plan.quote_interval)),
            answers: Vec::new(),
            initial,
            symbols,
            phase: Phase::Connecting(Nanos::MAX),
            machinery,
            from,
            keep: Keep::new(schedule),
            notes: Vec::new(),
            records_before: records,
            overruns: 0,
            looked: now,
            gaps: Vec::new(),
        };
        Ok((brain, notices))
    }

    /// The first record that recovery steps through: behind a snapshot, or the session's start.
    pub const fn first_record(&self) -> u64 {
        self.from.record
    }

    /// Steps through what the journal still holds; how many inputs there were.
    ///
    /// # Errors
    /// When what is made differs from what the journal has.
    pub fn recover(&mut self, witness: &mut Witness) -> Result<u64, Failure> {
        let Self { driver, initial, recorder, sequencer, admission, .. } = self;
        let mut watched = Watched { recorder, witness };
        let mut recovery = Recovery { driver, initial, recorder: &mut watched, sequencer };
        let recovered = recovery.run(|body| {
            if let EventBody::Market(tick) = body {
                admission.admits(tick);
            }
        })?;
        Ok(recovered.inputs)
    }

    /// Opens the way to the exchange.
    pub fn connect(&mut self, config: ClientConfig) {
        let now = self.machinery.clock.get();
        let client = SimVenue::new(config, self.machinery.clone());
        let (door, engine) = self.driver.parts_mut();
        if let Door::Wire(wired) = door {
            wired.connect(client, engine);
        }
        self.phase = Phase::Connecting(now.after(CONNECT));
    }

    /// The client, once there is one.
    pub fn client(&self) -> Option<&SimVenue> {
        match self.driver.venue() {
            Door::Wire(wired) => wired.venue(),
            Door::Inside(_) => None,
        }
    }

    /// The client, once there is one.
    pub fn client_mut(&mut self) -> Option<&mut SimVenue> {
        match self.driver.venue_mut() {
            Door::Wire(wired) => wired.venue_mut(),
            Door::Inside(_) => None,
        }
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine<Mind> {
        self.driver.engine()
    }

    /// Engine time.
    pub const fn engine_now(&self) -> Nanos {
        self.driver.now()
    }

    /// The recorder, to read what it counts.
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Does it take facts?
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// When it has something to do beside what comes, by its own clock.
    pub fn wake(&self) -> Nanos {
        let client = self.client().map_or(Nanos::MAX, SimVenue::wake);
        let timer = match self.initial {
            // Before it is live nothing but the client is looked at.
            None if self.is_live() => self.driver.next_timer().unwrap_or(Nanos::MAX),
            _ => Nanos::MAX,
        };
        client.min(timer).min(self.keep.wake())
    }

    /// One turn of the process: facts, answers, timers. True when it has just become live.
    ///
    /// # Errors
    /// Then the process has ended.
    pub fn turn(&mut self, ring: &mut Ring, witness: &mut Witness) -> Result<bool, Failure> {
        if let Phase::Connecting(until) = self.phase {
            return self.connecting(until, witness);
        }
        let now = self.machinery.clock.get();
        if now.since(std::mem::replace(&mut self.looked, now)) > STOPPED {
            self.listen(witness)?;
        }
        loop {
            match ring.look() {
                Look::Slot(seq, words) => {
                    let tick = Tick::from_words(&words)
                        .map_err(|e| Failure::failed(format!("ring slot {seq}: {e}"), ""))?;
                    if self.admission.admits(&tick) {
                        if matches!(tick.body, TickBody::Gap { .. }) {
                            self.gaps.push(tick.symbol);
                        }
                        self.take(ring.epoch, seq, tick, witness)?;
                    }
                    if self.recorder.pending() >= FLUSH_EVERY {
                        self.settle(ring)?;
                    }
                }
                Look::Overrun(skipped) => self.hole(ring, skipped, witness)?,
                Look::Empty => break,
            }
        }
        self.settle(ring)?;
        self.listen(witness)?;
        self.storage(witness)?;
        self.timers(witness)?;
        self.snapshots(witness)?;
        Ok(false)
    }

    fn connecting(&mut self, until: Nanos, witness: &mut Witness) -> Result<bool, Failure> {
        self.listen(witness)?;
        let now = self.machinery.clock.get();
        let Some(client) = self.client() else { return Ok(false) };
        if let Stage::Failed(why) = client.machine().stage() {
            return Err(Failure::usage(why.clone(), ""));
        }
        // As the real one: what an earlier brain left open is found out while this one goes on.
        let goes_on = self.initial.is_none() || client.machine().settled();
        if client.machine().ready() && goes_on {
            self.phase = Phase::Live;
            return Ok(true);
        }
        if now > until {
            self.phase = Phase::Connecting(now.after(CONNECT));
            self.still_waits(now.since(until).after(CONNECT));
        }
        Ok(false)
    }

    /// As the real one says it, once.
    fn still_waits(&mut self, waited: Nanos) {
        let Door::Wire(wired) = self.driver.venue_mut() else { return };
        let condition = wired.out_of_reach(waited, CONNECT);
        self.answers.extend(condition.map(EventBody::Condition));
    }

    fn settle(&mut self, ring: &mut Ring) -> Result<(), Failure> {
        if let Door::Wire(wired) = self.driver.venue_mut() {
            wired.drain_handed().for_each(|order| self.recorder.handed(order));
        }
        self.recorder.flush()?;
        ring.acknowledge();
        Ok(())
    }

    fn take(
        &mut self,
        epoch: u64,
        seq: u64,
        tick: Tick,
        witness: &mut Witness,
    ) -> Result<(), Failure> {
        let position = self.sequencer.next_position();
        let Sequenced::Input { at, body } = self.sequencer.fact(position, tick) else {
            return Ok(());
        };
        self.recorder.from_ring(Source { epoch, seq, position }, tick.received_us);
        let mut watched = Watched { recorder: &mut self.recorder, witness };
        if let Some(initial) = self.initial.take() {
            self.driver.start(at, &initial, &mut watched)?;
        }
        self.driver.step(at, body, &mut watched)?;
        self.sound()
    }

    /// Facts were overwritten before they were read: that is a fact itself, of every symbol.
    fn hole(&mut self, ring: &Ring, skipped: u64, witness: &mut Witness) -> Result<(), Failure> {
        self.overruns += skipped;
        if self.initial.is_some() {
            return Ok(());
        }
        let at = self.driver.now();
        for index in 0..self.symbols {
            let symbol = SymbolId(index as u16);
            let body = TickBody::Gap { missing: 0 };
            let tick = Tick { symbol, derived: false, at, received_us: 0, body };
            self.take(ring.epoch, ring.next_seq(), tick, witness)?;
        }
        Ok(())
    }

    /// Takes what the venue has said.
    fn listen(&mut self, witness: &mut Witness) -> Result<(), Failure> {
        let Door::Wire(wired) = self.driver.venue_mut() else { return Ok(()) };
        wired.poll(&mut self.answers);
        if let Some(client) = wired.venue_mut() {
            self.notes.append(&mut client.notes);
        }
        if self.answers.is_empty() {
            return Ok(());
        }
        if let Some(initial) = &mut self.initial {
            initial.append(&mut self.answers);
            return Ok(());
        }
        let mut said = std::mem::take(&mut self.answers);
        self.recorder.from_journal(Source::default());
        let at = self.driver.now().max(self.machinery.clock.get());
        let mut watched = Watched { recorder: &mut self.recorder, witness };
        self.driver.advance(at, &mut watched)?;
        for body in said.drain(..) {
            self.driver.answer(at, body, &mut watched)?;
        }
        self.answers = said;
        self.sound()
    }

    /// Tells the engine when the disk under the journal is full, and when it no longer is.
    fn storage(&mut self, witness: &mut Witness) -> Result<(), Failure> {
        if !self.recorder.caught_up() || self.initial.is_some() {
            return Ok(());
        }
        let now = self.machinery.clock.get();
        let full = self.recorder.storage(now);
        let believed = self.driver.engine().causes().any(|cause| cause == Cause::Storage);
        if full.is_some() == believed {
            return Ok(());
        }
        let over = Condition { cause: Cause::Storage, on: false, measured: 0, limit: 0 };
        self.recorder.from_journal(Source::default());
        let at = self.driver.now().max(now);
        let body = EventBody::Condition(full.unwrap_or(over));
        let mut watched = Watched { recorder: &mut self.recorder, witness };
        self.driver.answer(at, body, &mut watched)?;
        self.sound()
    }

    fn timers(&mut self, witness: &mut Witness) -> Result<(), Failure> {
        let now = self.machinery.clock.get();
        if self.initial.is_none() && self.driver.next_timer().is_some_and(|due| due <= now) {
            self.recorder.from_journal(Source::default());
            let mut watched = Watched { recorder: &mut self.recorder, witness };
            self.driver.advance(now, &mut watched)?;
            self.sound()?;
        }
        Ok(())
    }

    fn sound(&self) -> Result<(), Failure> {
        match self.driver.fault() {
            None => Ok(()),
            Some(fault) => Err(Failure::failed(format!("driver: {fault}"), "")),
        }
    }

    /// An operator's command.
    ///
    /// # Errors
    /// Then the process has ended.
    pub fn operator(&mut self, what: Operator, witness: &mut Witness) -> Result<(), Failure> {
        if !self.recorder.caught_up() || self.initial.is_some() {
            return Ok(());
        }
        let (at, body) = self.sequencer.operator(what);
        self.recorder.from_journal(Source::default());
        let mut watched = Watched { recorder: &mut self.recorder, witness };
        self.driver.step(at, body, &mut watched)?;
        self.recorder.flush()?;
        self.sound()
    }

    /// Events so far.
    pub const fn events(&self) -> u64 {
        self.driver.next_seq()
    }

    /// The state: the digest of what is written into snapshots, or, while something waits to be
    /// applied, the engine as it is shown.
    pub fn state(&self) -> String {
        state_digest(&self.driver).unwrap_or_else(|| format!("{:?}", self.driver.engine()))
    }

    /// Writes down what is buffered.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.recorder.flush().map(|_| ())
    }
}
