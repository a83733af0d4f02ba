//! The whole system of one seed in one thread: it jumps from one instant at which something happens
//! to the next.

use crate::brain::{Brain, Kept, Plan, Proposals};
use crate::carrier::Machinery;
use crate::draw::Draw;
use crate::feed::{self, Feed};
use crate::invariants::Checks;
use crate::market::{SYMBOLS, Workload};
use crate::network::{Act, Arrival, Host, Network, Owner, Parcel};
use crate::options::Options;
use crate::ring::Ring;
use crate::rows::Rows;
use crate::venue::Venue;
use crate::violation::{Invariant, Violation};
use crate::weather::Trouble;
use crate::witness::Witness;
use aegis_backtest::{Execution, Market, SNAPSHOT_LAYOUT, Session};
use aegis_journal::disk::SimDisk;
use aegis_journal::{Durability, JournalError, Reader, snapshot};
use aegis_node::Failure;
use aegis_node::door::Carrier;
use aegis_node::live::Source;
use aegis_node::supervisor::{Child, Limits, Supervisor, Verdict};
use aegis_settings::Settings;
use aegis_types::{Nanos, Operator};
use aegis_venue::client::machine::Config as ClientConfig;
use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

/// Minutes of candles before the market begins, and how many of them warm up.
const HISTORY: [i64; 2] = [90, 400];
/// An operator resumes a run that has stopped after that.
const RESUMED_AFTER: Nanos = Nanos::MINUTE;
/// So many steps without time passing are a loop that spins.
const SPINS_MAX: u32 = 2_000;
/// What the witness knew is kept of so many snapshots: far more than have files.
const KEPT: usize = 16;
/// A feed begins so long before its brain's last instant.
const BEHIND_MS: i64 = 30 * 60_000;

/// A process.
pub enum Process<T> {
    /// At work.
    Up(Box<T>),
    /// Starts at that time.
    Down(Nanos),
}

impl<T> Process<T> {
    /// It, if it is at work.
    pub fn up(&mut self) -> Option<&mut T> {
        match self {
            Self::Up(it) => Some(it),
            Self::Down(_) => None,
        }
    }
}

/// The system of one seed.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// True time.
    pub now: Nanos,
    /// The exchange.
    pub venue: Venue,
    /// What lies between.
    pub network: Network,
    /// Between feed and brain.
    pub ring: Ring,
    /// Market data.
    pub feed: Process<Feed>,
    /// Orders.
    pub brain: Process<Brain>,
    /// What the brain writes on.
    pub disk: SimDisk,
    /// The database's lane.
    pub rows: Rows,
    /// The second account.
    pub witness: Witness,
    /// What it knew where snapshots were taken.
    kept: Vec<Kept>,
    /// What must hold.
    pub checks: Checks,
    /// What goes wrong, and when.
    pub trouble: Trouble,
    /// What every brain is started with.
    pub plan: Plan,
    source: Source,
    client: ClientConfig,
    feed_clock: Machinery,
    brain_clock: Machinery,
    /// How far each process's clock is from the truth.
    pub feed_skew: Nanos,
    /// The same of the brain.
    pub brain_skew: Nanos,
    /// How far the brain's will be from its next start on.
    next_skew: Option<Nanos>,
    /// The disk has space again then.
    pub space_at: Nanos,
    /// Hangs until its supervisor kills it then.
    killed_at: Nanos,
    /// The operator flattens as soon as an entry is filled in part.
    pub flattens: bool,
    /// Events when it was last looked for that.
    events_seen: u64,
    /// The operator lets entries be made again then.
    resumes_at: Nanos,
    /// Stopped until then.
    pub feed_stalled: Nanos,
    /// The same of the brain.
    pub brain_stalled: Nanos,
    feed_inbox: VecDeque<Parcel>,
    supervisors: [Supervisor; 2],
    restarts: u64,
    /// How many of them began behind a snapshot.
    pub snapshots: u64,
    /// How often the supervisor gave up, and the operator went on.
    pub crash_loops: u64,
    /// How often somebody asked again and again without time passing.
    pub loops: u64,
    /// Steps in a row within one microsecond each: somebody asks again and again.
    spins: u32,
    slots: usize,
    /// Steps so far.
    pub steps: u64,
    /// Hash of everything that was carried, so that two runs can be told apart.
    pub trace: u64,
    /// What happened last, for people.
    pub diary: Diary,
}

/// The last things that happened.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    lines: VecDeque<String>,
    /// Keep everything instead of the last lines.
    pub all: bool,
}

impl Diary {
    const KEPT: usize = 60;

    /// Notes something.
    pub fn note(&mut self, now: Nanos, line: impl FnOnce() -> String) {
        if !self.all && self.lines.len() == Self::KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{} {}", now.utc(), line()));
    }

    /// What is remembered.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

impl World {
    /// A system at its start: nothing is connected, no journal is there.
    ///
    /// # Errors
    /// What of settings, market or exchange cannot be built.
    pub fn new(seed: u64, options: &Options) -> Result<Self, String> {
        let mut draw = Draw::new(seed, 0);
        let teacher = draw.permille(100);
        let history = HISTORY[usize::from(teacher)];
        let workload = Workload::new(seed, history, options.hours);
        let start = Nanos::from_millis(workload.start_ms);
        let trouble = Trouble::new(seed, start, options);
        let synced = trouble.has("sync_fails") || trouble.has("torn_tail");
        let plan = plan(seed, &workload, (teacher, synced), &mut draw)?;
        let slots = *draw.one(&[256usize, 1_024, 8_192]);
        let conns = Rc::new(Cell::new(0));
        let machinery = || Machinery { clock: Rc::new(Cell::new(start)), conns: Rc::clone(&conns) };
        let number = plan.session.number().map_err(|e| e.to_string())?;
        let client =
            ClientConfig { stops_by_mark: true, ..ClientConfig::new(number, workload.symbols()) };
        let instruments = &plan.session.instruments;
        let witness = Witness::new(instruments, &plan.engine);
        Ok(Self {
            seed,
            now: start,
            venue: Venue::new(&workload, seed)?,
            network: Network::new(seed),
            ring: Ring::new(1, slots),
            feed: Process::Down(Nanos::MAX),
            brain: Process::Down(start),
            disk: SimDisk::new(seed),
            rows: Rows::new(&plan.session),
            checks: Checks::new(&plan),
            trouble,
            source: feed::source(workload.history_ms()),
            client,
            feed_clock: machinery(),
            brain_clock: machinery(),
            feed_skew: Nanos::ZERO,
            brain_skew: Nanos::ZERO,
            next_skew: None,
            space_at: Nanos::MAX,
            killed_at: Nanos::MAX,
            flattens: false,
            events_seen: 0,
            resumes_at: Nanos::MAX,
            feed_stalled: Nanos::ZERO,
            brain_stalled: Nanos::ZERO,
            feed_inbox: VecDeque::new(),
            supervisors: [Supervisor::default(); 2],
            restarts: 0,
            snapshots: 0,
            crash_loops: 0,
            loops: 0,
            spins: 0,
            slots,
            steps: 0,
            trace: seed,
            diary: Diary { all: options.trace, ..Diary::default() },
            witness,
            kept: Vec::new(),
            plan,
        })
    }

    fn clocks(&self) {
        self.feed_clock.clock.set(self.now.after(self.feed_skew));
        self.brain_clock.clock.set(self.now.after(self.brain_skew));
    }

    /// When something happens next.
    fn next(&mut self) -> Nanos {
        let mut next = self.venue.next().min(self.network.next()).min(self.trouble.next());
        next = next.min(self.rows.next()).min(self.checks.next());
        next = next.min(self.space_at).min(self.killed_at).min(self.resumes_at);
        next = next.min(match &self.feed {
            Process::Up(feed) => feed.wake().since(self.feed_skew).max(self.feed_stalled),
            Process::Down(at) => *at,
        });
        next = next.min(match &self.brain {
            Process::Up(brain) if brain.is_live() && self.ring.waits() => self.brain_stalled,
            Process::Up(brain) => brain.wake().since(self.brain_skew).max(self.brain_stalled),
            Process::Down(at) => *at,
        });
        next.max(self.now)
    }

    /// Goes on to the next instant, but not beyond `until`.
    ///
    /// # Errors
    /// What must not be.
    pub fn step(&mut self, until: Nanos) -> Result<(), Violation> {
        let next = self.next();
        self.spins = if next > self.now { 0 } else { self.spins + 1 };
        let spins = self.spins > SPINS_MAX;
        if spins {
            (self.spins, self.loops) = (0, self.loops + 1);
            let who = self.who_spins();
            self.diary.note(self.now, || who);
        }
        // What is due now was done; whoever still says now has asked for another look.
        let pause = if spins { Nanos::SECOND } else { Nanos(1_000) };
        self.now = if next > self.now { next } else { self.now.after(pause) }.min(until);
        self.steps += 1;
        self.clocks();
        if self.venue.next() <= self.now {
            self.venue.advance(self.now, &mut self.network);
        }
        self.carry();
        self.machines()?;
        self.start_processes();
        self.feed_turn();
        self.brain_turn()?;
        self.operator()?;
        if self.trouble.next() <= self.now {
            Trouble::act(self);
        }
        if self.rows.next() <= self.now {
            self.rows.turn(self.now)?;
        }
        Checks::look(self)
    }

    /// Who has asked to be looked at again and again.
    fn who_spins(&mut self) -> String {
        let now = self.now;
        let late = |at: Nanos| at.since(now).0.min(1);
        let venue = late(self.venue.next());
        let network = late(self.network.next());
        let others = [self.rows.next(), self.checks.next(), self.trouble.next()].map(late);
        let feed = self.feed.up().map(|feed| late(feed.wake()));
        let brain = self.brain.up().map(|brain| {
            let inside = brain.client().map(|client| client.what_wakes());
            (late(brain.wake()), brain.is_live(), inside)
        });
        format!(
            "somebody asks again and again: venue {venue}, network {network}, rows, checks, \
             trouble {others:?}, feed {feed:?}, brain {brain:?}"
        )
    }

    /// What happens to machine and processes by itself.
    fn machines(&mut self) -> Result<(), Violation> {
        if self.space_at <= self.now {
            self.space_at = Nanos::MAX;
            self.disk.limit(None);
        }
        if self.killed_at <= self.now {
            self.killed_at = Nanos::MAX;
            self.brain_stalled = self.now;
            self.end_brain()?;
        }
        Ok(())
    }

    /// What has arrived goes to whom it is for.
    fn carry(&mut self) {
        while let Some(parcel) = self.network.take(self.now) {
            self.mark(parcel.conn ^ (self.now.0 as u64) << 8);
            match (&parcel.what, parcel.owner) {
                (Arrival::Dialed { .. } | Arrival::Asked { .. } | Arrival::Gone, _) => {
                    self.checks.asked = true;
                    self.venue.arrived(self.now, parcel, &mut self.network);
                }
                (_, Owner::Feed) => {
                    if self.now < self.feed_stalled {
                        self.feed_inbox.push_back(parcel);
                    } else if let Process::Up(feed) = &mut self.feed {
                        feed.arrived(parcel, &mut self.ring);
                    }
                }
                (_, Owner::Brain) => {
                    self.checks.brought(self.now, &parcel.what);
                    if let Some(client) = self.brain.up().and_then(Brain::client_mut) {
                        client.arrived(parcel);
                    }
                }
            }
        }
    }

    fn mark(&mut self, word: u64) {
        self.trace = (self.trace ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    fn feed_turn(&mut self) {
        let Process::Up(feed) = &mut self.feed else { return };
        if self.now < self.feed_stalled {
            return;
        }
        for parcel in self.feed_inbox.drain(..) {
            feed.arrived(parcel, &mut self.ring);
        }
        if feed.wake() <= self.feed_clock.clock.get() {
            feed.turn(&mut self.ring);
        }
        for act in feed.acts.drain(..) {
            self.network.act(self.now, Owner::Feed, act);
        }
    }

    fn brain_turn(&mut self) -> Result<(), Violation> {
        let Process::Up(brain) = &mut self.brain else { return Ok(()) };
        let due =
            brain.is_live() && self.ring.waits() || brain.wake() <= self.brain_clock.clock.get();
        if self.now < self.brain_stalled || !due {
            return Ok(());
        }
        let before = brain.events();
        let turned = brain.turn(&mut self.ring, &mut self.witness);
        let events = brain.events();
        let acts = brain.client_mut().map(|client| std::mem::take(&mut client.acts));
        for note in brain.notes.drain(..) {
            self.checks.note(&note, &mut self.witness);
            self.diary.note(self.now, || format!("note {note}"));
        }
        if let Some(kept) = brain.take_kept() {
            // Of the older ones no file is left.
            self.kept.drain(..(self.kept.len() + 1).saturating_sub(KEPT));
            self.kept.push(kept);
        }
        for symbol in brain.gaps.drain(..) {
            self.diary.note(self.now, || format!("gap of symbol {}", symbol.0));
        }
        if events != before {
            self.mark(events);
        }
        self.checks.turned(self.now, &self.witness);
        self.leave(acts);
        match turned {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.diary.note(self.now, || "the brain is live".to_owned());
                self.checks.lives(self.now);
                self.replace_feed();
                Ok(())
            }
            Err(failure) => self.brain_failed(&failure),
        }
    }

    /// What the brain wants of the network leaves.
    fn leave(&mut self, acts: Option<Vec<Act>>) {
        for act in acts.unwrap_or_default() {
            if let Act::Ask { text, .. } = &act {
                Checks::leaves(self, text);
            }
            self.network.act(self.now, Owner::Brain, act);
        }
    }

    /// What the operator does: flattens in the middle of an entry, and resumes a minute later.
    fn operator(&mut self) -> Result<(), Violation> {
        if self.now < self.brain_stalled {
            return Ok(());
        }
        // What the witness knows has changed only with an event.
        let events = self.brain.up().map_or(0, |brain| brain.events());
        let changed = events != std::mem::replace(&mut self.events_seen, events);
        let flattens = self.flattens && changed && self.witness.is_entering();
        if !(flattens || self.resumes_at <= self.now) {
            return Ok(());
        }
        let Process::Up(brain) = &mut self.brain else {
            self.resumes_at = self.resumes_at.max(self.now.after(Nanos::SECOND));
            return Ok(());
        };
        let what = if flattens { Operator::Flatten } else { Operator::Resume };
        self.resumes_at = if flattens { self.now.after(Nanos::MINUTE) } else { Nanos::MAX };
        self.flattens &= !flattens;
        self.diary.note(self.now, || format!("operator: {what}"));
        let done = brain.operator(what, &mut self.witness);
        let acts = brain.client_mut().map(|client| std::mem::take(&mut client.acts));
        self.leave(acts);
        done.map_or_else(|failure| self.brain_failed(&failure), |()| Ok(()))
    }

    /// The brain's process has ended by itself.
    fn brain_failed(&mut self, failure: &Failure) -> Result<(), Violation> {
        self.diary.note(self.now, || format!("the brain ends: {failure}"));
        if failure.what.contains("recovery differs") || failure.what.contains("out of its place") {
            return Err(Violation::new(Invariant::I7, failure.to_string()));
        }
        if failure.what.starts_with("driver:") {
            return Err(Violation::new(Invariant::I15, failure.to_string()));
        }
        self.end_brain()
    }

    /// The brain is dead: what it had in memory is gone, its connections end, its supervisor
    /// decides.
    ///
    /// # Errors
    /// [`Invariant::I16`] when the supervisor gives up.
    pub fn end_brain(&mut self) -> Result<(), Violation> {
        let Process::Up(brain) = &self.brain else { return Ok(()) };
        let progress = brain.recorder().records() > brain.records_before;
        self.disk.kill();
        self.checks.died();
        self.network.owner_died(self.now, Owner::Brain);
        self.restarts += 1;
        let limits = Limits::default();
        match self.supervisors[Child::Brain as usize].exited(self.now, progress, &limits) {
            Verdict::RestartAt(at) => {
                self.brain = Process::Down(at.after(Nanos::from_millis(50)));
                Ok(())
            }
            Verdict::CrashLoop(exits) => {
                // The system stops, positions keep their stops, and the operator goes on.
                self.diary.note(self.now, || format!("crash loop after {exits} exits"));
                self.supervisors[Child::Brain as usize] = Supervisor::default();
                self.crash_loops += 1;
                self.brain = Process::Down(self.now.after(RESUMED_AFTER));
                Ok(())
            }
        }
    }

    /// The feed is dead.
    pub fn end_feed(&mut self) {
        let Process::Up(feed) = &self.feed else { return };
        let progress = feed.is_live();
        self.network.owner_died(self.now, Owner::Feed);
        self.feed_inbox.clear();
        let limits = Limits::default();
        let verdict = self.supervisors[Child::Feed as usize].exited(self.now, progress, &limits);
        let at = match verdict {
            Verdict::RestartAt(at) => at,
            Verdict::CrashLoop(_) => self.now.after(limits.backoff_max),
        };
        self.feed = Process::Down(at.after(Nanos::from_millis(50)));
    }

    /// A feed that begins where the brain stands, in place of the one that runs.
    fn replace_feed(&mut self) {
        if matches!(self.feed, Process::Up(_)) {
            self.network.owner_died(self.now, Owner::Feed);
            self.feed_inbox.clear();
        }
        self.feed = Process::Down(self.now.after(Nanos::from_millis(20)));
    }

    fn start_processes(&mut self) {
        if matches!(self.brain, Process::Down(at) if at <= self.now) {
            self.start_brain();
        }
        if matches!(self.feed, Process::Down(at) if at <= self.now) {
            self.start_feed();
        }
    }

    fn start_feed(&mut self) {
        let Process::Up(brain) = &self.brain else {
            // It starts when a brain says where.
            self.feed = Process::Down(Nanos::MAX);
            return;
        };
        let last = brain.engine_now().as_millis();
        let begun = last > self.source.history_from_ms;
        let since = begun.then(|| (last - BEHIND_MS).max(self.source.history_from_ms));
        self.ring = Ring::new(self.ring.epoch + 1, self.slots);
        let symbols = self.plan.session.symbols.clone();
        let seed = self.seed ^ self.ring.epoch << 32;
        let clock = self.feed_clock.clone();
        let feed = Feed::new(&self.source, &symbols, since, self.slots, seed, clock);
        self.feed = Process::Up(Box::new(feed));
        self.diary.note(self.now, || format!("a feed begins at {since:?}"));
    }

    fn start_brain(&mut self) {
        if let Some(skew) = self.next_skew.take() {
            self.brain_skew = skew;
            self.clocks();
        }
        let opened = Brain::open(&self.plan, &self.disk, self.brain_clock.clone());
        let (mut brain, notices) = match opened {
            Ok(opened) => opened,
            Err(failure) => return self.not_started(&failure),
        };
        self.rows.begin_again(notices);
        let from = brain.first_record();
        if !self.remember(from) {
            return;
        }
        let fired = self.disk.fired();
        match brain.recover(&mut self.witness) {
            Ok(inputs) => {
                self.diary.note(self.now, || {
                    format!("a brain begins behind record {from} and {inputs} inputs")
                });
                self.checks.recovered(&mut self.witness);
                brain.connect(self.client.clone());
                self.brain = Process::Up(Box::new(brain));
            }
            // It dies of its disk, as it may at any other time.
            Err(failure) if self.disk.is_stopped() || self.disk.fired() != fired => {
                self.not_started(&failure);
            }
            Err(failure) => {
                let what = failure.to_string();
                self.witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I7, what));
            }
        }
    }

    /// The witness knows what it knew behind the records before this one. False when nobody has
    /// taken a snapshot there.
    fn remember(&mut self, record: u64) -> bool {
        self.snapshots += u64::from(record > 0);
        if record == 0 {
            self.witness.begin_again();
            return true;
        }
        // What was cut off behind its record may have been written again: the newest counts.
        let kept = self.kept.iter().rfind(|kept| kept.record == record);
        let Some(Kept { witness, .. }) = kept else {
            let what = format!("a snapshot of record {record} that nobody has taken");
            self.witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I7, what));
            return false;
        };
        self.witness = witness.clone();
        true
    }

    fn not_started(&mut self, failure: &Failure) {
        self.diary.note(self.now, || format!("no brain: {failure}"));
        self.disk.kill();
        self.brain = Process::Down(self.now.after(Nanos::SECOND.times(10)));
    }

    /// The brain hangs; its supervisor kills it when its heartbeats have been missing for too long.
    pub fn hang(&mut self, until: Nanos) {
        (self.brain_stalled, self.killed_at) = (until.after(Nanos::SECOND), until);
    }

    /// Is what the journal writes synced before it counts?
    pub fn is_synced(&self) -> bool {
        self.plan.journal.durability == Durability::Power
    }

    /// Power goes and comes back: all processes are gone, and of the disk what was not synced.
    pub fn power_cut(&mut self) {
        self.end_feed();
        // No supervisor counts this: it went down too.
        self.network.owner_died(self.now, Owner::Brain);
        self.checks.died();
        self.disk.crash();
        self.restarts += 1;
        self.brain = Process::Down(self.now.after(Nanos::SECOND.times(5)));
    }

    /// A bit flips somewhere in the journal, which is then read from its newest snapshot on: a bit
    /// that matters must be found. It flips back. False when nothing is there yet.
    pub fn flip_a_bit(&mut self) -> bool {
        let before = self.hashes();
        // Where reading begins is within the newest segment, or the one before it.
        let segments = |path: &Path| path.extension().is_some_and(|end| end == "log");
        let newest = self.disk.files().into_iter().map(|(path, _)| path).filter(|p| segments(p));
        let from = newest.rev().nth(1).unwrap_or_default();
        let flipped = self.disk.flip_somewhere(|path| segments(path) && *path >= *from);
        let Some((path, at, bits)) = flipped else { return false };
        let after = self.hashes();
        self.disk.flip(&path, at, bits);
        // What is damaged within is refused; of the tail one record may be lost.
        if let (Ok(before), Ok(after)) = (before, after)
            && (!before.starts_with(&after) || after.len() + 1 < before.len())
        {
            let what = format!("a bit flipped at {at} of {} was not found", path.display());
            self.witness.wrong.get_or_insert_with(|| Violation::new(Invariant::I7, what));
        }
        true
    }

    /// A bit of a snapshot flips, for good: it must be passed over. False when there is none.
    pub fn flip_a_snapshot(&mut self) -> bool {
        let snapshots = |path: &Path| path.extension().is_some_and(|end| end == "bin");
        self.disk.flip_somewhere(snapshots).is_some()
    }

    /// Hashes of the journal's records behind its newest snapshot.
    fn hashes(&self) -> Result<Vec<u64>, JournalError> {
        let (disk, dir) = (self.disk.disk(), self.plan.dir());
        let mut reader = match snapshot::newest(&disk, &dir, SNAPSHOT_LAYOUT)?.found {
            Some((_, reader)) => reader,
            None => Reader::open_on(disk, &dir)?,
        };
        let mut hashes = Vec::new();
        while let Some(record) = reader.next()? {
            let hash = record.payload.iter().fold(record.number, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// The brain stands still while more comes than the ring holds, for about so long.
    pub fn flood(&mut self, more: i64) {
        let rate = i64::from(SYMBOLS) * 4 / 3;
        let span = Nanos::SECOND.times(self.slots.min(256) as i64 / rate + 5);
        self.brain_stalled = self.now.after(span).after(Nanos(more));
    }

    /// From its next start on the brain's clock is off by so much; it starts anew.
    pub fn skew_at_restart(&mut self, off: Nanos) {
        self.next_skew = Some(off);
        if matches!(self.brain, Process::Up(_)) {
            self.disk.stop_after(0);
        }
    }

    /// The machine's clocks are right again, from the next start of each process on.
    pub fn set_clocks_right(&mut self) {
        if self.feed_skew != Nanos::ZERO {
            self.feed_skew = Nanos::ZERO;
            self.end_feed();
        }
        self.next_skew = None;
        if self.brain_skew != Nanos::ZERO {
            self.skew_at_restart(Nanos::ZERO);
        }
    }

    /// What a brain of this machine knows without asking.
    pub fn brain_machinery(&self) -> Machinery {
        self.brain_clock.clone()
    }

    /// Can the brain reach the exchange: does it not stand still, and is nothing slow, closed or
    /// stuck on the way?
    pub fn reaches(&self) -> bool {
        if self.now < self.brain_stalled {
            return false;
        }
        let Process::Up(brain) = &self.brain else { return false };
        let Some(client) = brain.client() else { return false };
        let machine = client.machine();
        let server = Nanos::from_millis(machine.clock().server_ms(client.now()));
        let open = machine.ledger().closed(server).is_none();
        open && machine.clock().synced() && self.network.is_fair(Host::Rest, self.now)
    }

    /// How often a brain was started again.
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }
}

fn plan(
    seed: u64,
    workload: &Workload,
    (teacher, synced): (bool, bool),
    draw: &mut Draw,
) -> Result<Plan, String> {
    let warm_up = if teacher { "250" } else { "5" };
    let positions = draw.between(1, 5).to_string();
    // What is not synced suffers nothing of syncs and power cuts.
    let durability = *draw.one(if synced { &["power"; 2] } else { &["process", "power"] });
    let pairs = [
        ("engine.warm_up_bars", warm_up),
        ("portfolio.max_open_positions", &positions),
        // A script loses money: limits on losses would end every story early.
        ("risk.daily_loss_max", "0.9"),
        ("risk.drawdown_max", "1"),
        ("risk.repeat_max", "100"),
        ("protections.stop_guard_stops", "0"),
        ("protections.drawdown_max", "1"),
        ("protections.low_profit_trades", "0"),
        ("risk.cool_down_s", "10"),
        ("journal.durability", durability),
        // Small, so that much begins and ends within a seed: a day's files in hours.
        ("journal.segment_mb", "1"),
        ("journal.reserve_mb", "1"),
    ];
    let settings = Settings::from_pairs(pairs).map_err(|e| e.to_string())?;
    let market = Market {
        symbols: workload.symbols(),
        instruments: workload.instruments(),
        trade_from: Nanos::from_millis(workload.start_ms),
        until: Nanos::MAX,
        assumptions: Vec::new(),
        mark_is_last: false,
        manifest: serde_json::json!({"torture": seed}),
    };
    let mut session = Session::new(&settings, market, "simulation");
    session.execution = Execution::Wire;
    let mut engine = settings.engine();
    engine.session = session.number().map_err(|e| e.to_string())?;
    engine.trade_from = session.trade_from;
    engine.mark_is_last = session.mark_is_last;
    let proposals = Proposals {
        seed: draw.word(),
        teacher,
        entries: draw.between(100, 500).unsigned_abs(),
        exits: draw.between(20, 200).unsigned_abs(),
    };
    let snapshot_every = *draw.one(&[2_000, 4_000, 8_000]);
    debug_assert_eq!(session.symbols.len(), usize::from(SYMBOLS));
    let (journal, quote_interval) = (settings.journal(), settings.quote_interval());
    Ok(Plan { session, engine, proposals, journal, quote_interval, snapshot_every })
}
