//! The loop.

use crate::observer::Observer;
use crate::timers::{TIMERS_MAX, Timers};
use aegis_engine::{Brain, Engine, Teacher};
use aegis_types::{Answers, Command, Event, EventBody, Nanos, Out, Venue};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

/// Events that one outside event may cause before the driver stops believing that they end.
pub const ROUNDS_MAX: u32 = 1_024;

/// Answers that may wait at once.
pub const QUEUE_MAX: usize = 4_096;

/// A bound that was passed. Each is a defect of engine or venue, never of the market. The first
/// one is kept in [`Driver::fault`]; the run can go on, but its results must not be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Engine and venue did not become quiet within [`ROUNDS_MAX`] events. The rest of the answers
    /// waits for the next step.
    NotQuiet {
        /// Answers that were still waiting.
        waiting: usize,
    },
    /// More than [`QUEUE_MAX`] answers at once; those beyond were dropped.
    QueueFull {
        /// How many were dropped.
        dropped: usize,
    },
    /// More timers than fit; this one was not set.
    TimersFull {
        /// Its id.
        id: u64,
    },
    /// One event caused more commands or notices than [`Out`] holds; those beyond were dropped.
    OutFull {
        /// How many were dropped.
        dropped: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotQuiet { waiting } => write!(
                f,
                "engine and venue were not quiet after {ROUNDS_MAX} events, {waiting} answers \
                 wait; look for a command that each answer repeats"
            ),
            Self::QueueFull { dropped } => write!(
                f,
                "{dropped} answers of the venue did not fit into the queue of {QUEUE_MAX} and are \
                 lost; do not trust this run"
            ),
            Self::TimersFull { id } => write!(f, "no place for timer {id}; it was not set"),
            Self::OutFull { dropped } => write!(
                f,
                "{dropped} commands or notices of one event did not fit and are lost; do not \
                 trust this run"
            ),
        }
    }
}

impl core::error::Error for Fault {}

/// Steps an engine and a venue. `B` is the engine's brain.
#[derive(Debug)]
pub struct Driver<V, B = Teacher> {
    engine: Engine<B>,
    venue: V,
    out: Out,
    answers: Answers,
    queue: VecDeque<EventBody>,
    pub(crate) timers: Timers,
    now: Nanos,
    seq: u64,
    refused: u64,
    fault: Option<Fault>,
    /// Most answers and timers that ever waited.
    most: (usize, usize),
}

impl<V: Venue, B: Brain> Driver<V, B> {
    /// A driver at the beginning of time; all memory is allocated here.
    pub fn new(engine: Engine<B>, venue: V) -> Self {
        Self {
            engine,
            venue,
            out: Out::new(),
            answers: Vec::with_capacity(QUEUE_MAX),
            queue: VecDeque::with_capacity(QUEUE_MAX),
            timers: Timers::new(),
            now: Nanos(i64::MIN),
            seq: 0,
            refused: 0,
            fault: None,
            most: (0, 0),
        }
    }

    /// Delivers what the venue says before the first market event, such as the wallet balance, in
    /// order.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn start<O: Observer>(
        &mut self,
        at: Nanos,
        initial: &[EventBody],
        observer: &mut O,
    ) -> Result<(), O::Error> {
        initial.iter().try_for_each(|body| self.step(at, *body, observer))
    }

    /// Takes one outside event to its end: first the timers due by then, each at its own time;
    /// then the venue's answers to a market event; then the event itself; and after each the
    /// commands, and the answers to those, until engine and venue are quiet.
    ///
    /// Time never goes back: an event from before [`Driver::now`] is dated now.
    ///
    /// # Errors
    /// The observer's, at once. What it refused has not happened, what waited behind it has not
    /// either; a driver whose step failed must not be stepped again.
    #[inline]
    pub fn step<O: Observer>(
        &mut self,
        at: Nanos,
        body: EventBody,
        observer: &mut O,
    ) -> Result<(), O::Error> {
        let mut rounds = 0;
        self.catch_up(at, usize::MAX, &mut rounds, observer)?;
        self.now = self.now.max(at);
        if let EventBody::Market(tick) = &body {
            self.venue.on_market(self.now, tick, &mut self.answers);
            if !self.answers.is_empty() {
                self.enqueue(observer)?;
                self.settle(&mut rounds, observer)?;
            }
        }
        self.apply(body, observer)?;
        self.settle(&mut rounds, observer)
    }

    /// Takes to its end what the venue says by itself, between two outside events. Timers due by
    /// then are left waiting: whoever wants them first calls [`Driver::advance`] before.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn answer<O: Observer>(
        &mut self,
        at: Nanos,
        body: EventBody,
        observer: &mut O,
    ) -> Result<(), O::Error> {
        let mut rounds = 0;
        if !self.queue.is_empty() {
            self.settle(&mut rounds, observer)?;
        }
        self.now = self.now.max(at);
        self.apply(body, observer)?;
        self.settle(&mut rounds, observer)
    }

    /// Lets the timers due by `at` come, each at its own time, without an outside event: for a live
    /// loop in which nothing else happens.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn advance<O: Observer>(&mut self, at: Nanos, observer: &mut O) -> Result<(), O::Error> {
        self.catch_up(at, usize::MAX, &mut 0, observer)
    }

    /// The same with the first `most` of these timers: what a venue says by itself may have come
    /// between two that were due at one instant.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub fn advance_some<O: Observer>(
        &mut self,
        at: Nanos,
        most: usize,
        observer: &mut O,
    ) -> Result<(), O::Error> {
        self.catch_up(at, most, &mut 0, observer)
    }

    #[inline]
    fn catch_up<O: Observer>(
        &mut self,
        at: Nanos,
        most: usize,
        rounds: &mut u32,
        observer: &mut O,
    ) -> Result<(), O::Error> {
        // Left over from a step that did not become quiet.
        if !self.queue.is_empty() {
            self.settle(rounds, observer)?;
        }
        let mut left = most;
        while *rounds < ROUNDS_MAX && left > 0 {
            let Some((due, id)) = self.timers.due(at) else { break };
            left -= 1;
            if due > self.now {
                // Only what happens at one instant must end.
                self.now = due;
                *rounds = 0;
            }
            self.apply(EventBody::Timer { id }, observer)?;
            self.settle(rounds, observer)?;
        }
        Ok(())
    }

    /// Applies waiting answers, and the answers to what they cause, until none is left.
    fn settle<O: Observer>(&mut self, rounds: &mut u32, observer: &mut O) -> Result<(), O::Error> {
        while let Some(body) = self.queue.pop_front() {
            if *rounds >= ROUNDS_MAX {
                self.queue.push_front(body);
                let waiting = self.queue.len();
                return self.report(Fault::NotQuiet { waiting }, observer);
            }
            *rounds += 1;
            self.apply(body, observer)?;
        }
        // A timer that each of its events sets anew for the same instant does not end either.
        *rounds += 1;
        if *rounds == ROUNDS_MAX {
            return self.report(Fault::NotQuiet { waiting: 0 }, observer);
        }
        Ok(())
    }

    /// Applies one event and executes what it causes; answers go into the queue.
    #[inline]
    fn apply<O: Observer>(&mut self, body: EventBody, observer: &mut O) -> Result<(), O::Error> {
        let event = Event { seq: self.seq, at: self.now, body };
        observer.event(&event)?;
        self.seq += 1;
        self.out.clear();
        self.engine.apply(&event, &mut self.out);
        for index in 0..self.out.commands().len() {
            let command = self.out.commands()[index];
            self.execute(&command, observer)?;
        }
        for notice in self.out.notices() {
            observer.notice(event.at, event.seq, notice);
        }
        if self.out.refused() != self.refused {
            let dropped = self.out.refused() - self.refused;
            self.refused = self.out.refused();
            self.report(Fault::OutFull { dropped }, observer)?;
        }
        Ok(())
    }

    fn execute<O: Observer>(
        &mut self,
        command: &Command,
        observer: &mut O,
    ) -> Result<(), O::Error> {
        observer.command(self.now, command)?;
        if let Command::WakeAt { at, id } = *command {
            if !self.timers.set(at, id) {
                return self.report(Fault::TimersFull { id }, observer);
            }
            self.most.1 = self.most.1.max(self.timers.len());
            return Ok(());
        }
        self.venue.execute(self.now, command, &mut self.answers);
        self.enqueue(observer)
    }

    /// Moves the venue's answers into the queue, which never grows.
    fn enqueue<O: Observer>(&mut self, observer: &mut O) -> Result<(), O::Error> {
        let room = QUEUE_MAX - self.queue.len();
        let dropped = self.answers.len().saturating_sub(room);
        self.queue.extend(self.answers.drain(..).take(room));
        self.most.0 = self.most.0.max(self.queue.len());
        match dropped {
            0 => Ok(()),
            dropped => self.report(Fault::QueueFull { dropped }, observer),
        }
    }

    #[cold]
    fn report<O: Observer>(&mut self, fault: Fault, observer: &mut O) -> Result<(), O::Error> {
        self.fault.get_or_insert(fault);
        observer.fault(self.now, &fault)
    }
}

impl<V, B> Driver<V, B> {
    /// The engine.
    pub const fn engine(&self) -> &Engine<B> {
        &self.engine
    }

    /// The engine, to change it between steps.
    pub const fn engine_mut(&mut self) -> &mut Engine<B> {
        &mut self.engine
    }

    /// The venue.
    pub const fn venue(&self) -> &V {
        &self.venue
    }

    /// The venue, to change it between steps.
    pub const fn venue_mut(&mut self) -> &mut V {
        &mut self.venue
    }

    /// The venue, to change it between steps, beside the engine as it is.
    pub const fn parts_mut(&mut self) -> (&mut V, &Engine<B>) {
        (&mut self.venue, &self.engine)
    }

    /// The number that the next event gets.
    pub const fn next_seq(&self) -> u64 {
        self.seq
    }

    /// The time of the last event; the far past before the first.
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// When the next timer is due: a live loop must step by then, with whatever it has.
    pub fn next_timer(&self) -> Option<Nanos> {
        self.timers.next()
    }

    /// Nothing waits to be applied, and no bound was ever passed.
    pub(crate) fn quiet(&self) -> bool {
        self.queue.is_empty() && self.fault.is_none()
    }

    /// Goes on from another instant and number.
    pub(crate) const fn stand_at(&mut self, now: Nanos, seq: u64) {
        (self.now, self.seq) = (now, seq);
    }

    /// Its tables: name, entries in use, most ever in use, capacity.
    pub fn capacities(&self) -> [(&'static str, usize, usize, usize); 2] {
        let (answers, timers) = self.most;
        [
            ("answers of the venue", self.queue.len(), answers, QUEUE_MAX),
            ("timers", self.timers.len(), timers, TIMERS_MAX),
        ]
    }

    /// Timers waiting.
    pub fn timers_waiting(&self) -> usize {
        self.timers.len()
    }

    /// The first bound that was passed, if any ever was.
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }
}
