//! The door of a brain: the simulated exchange beside the engine, or a real one on the wire.
//!
//! Behind the wire the journal's past is stepped through first, without a socket: what was answered
//! then is in the journal. Only then does the client connect, and finds out what became of the
//! orders that were under way.

use crate::causal::Causal;
use crate::clock;
use crate::underway::{Open, Underway};
use aegis_backtest::Simulates;
use aegis_engine::Engine;
use aegis_exchange::Exchange;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    Answers, Cause, ClientOrderId, Command, Condition, EventBody, Nanos, SymbolId, Tick, Venue,
};
use aegis_venue::client::account::Held;
use aegis_venue::client::attempts::Phase;
use aegis_venue::client::{Machine, WireVenue};

/// Longest wait for an answer where the exchange stands still until we have it.
const PATIENCE: Nanos = Nanos(30_000_000_000);
/// Orders whose leaving is waited for at once; of more no delay is measured.
pub const LEAVING_MAX: usize = 64;
/// A process that has not looked at its venue for so long was stopped meanwhile.
pub const STOPPED: Nanos = Nanos::SECOND;

/// What carries the client's requests to an exchange: sockets, or the network of a simulation.
pub trait Carrier: Venue {
    /// The time by which requests are timed.
    fn now(&self) -> Nanos;
    /// Stamp of the monotonic clock, as the feed puts it on facts.
    fn stamp_us(&self) -> u32;
    /// Carries everything that can be carried without waiting, and appends what the exchange has
    /// said. True when anything happened.
    fn poll(&mut self, said: &mut Answers) -> bool;
    /// Waits until something can be carried, at most so long.
    fn wait(&self, most: Nanos);
    /// The client, to read what it knows.
    fn machine(&self) -> &Machine;
    /// The client, to give it back what an interrupted session had.
    fn machine_mut(&mut self) -> &mut Machine;
}

impl Carrier for WireVenue {
    fn now(&self) -> Nanos {
        Self::now(self)
    }

    fn stamp_us(&self) -> u32 {
        clock::stamp_us()
    }

    fn poll(&mut self, said: &mut Answers) -> bool {
        Self::poll(self, said)
    }

    fn wait(&self, most: Nanos) {
        Self::wait(self, most);
    }

    fn machine(&self) -> &Machine {
        Self::machine(self)
    }

    fn machine_mut(&mut self) -> &mut Machine {
        Self::machine_mut(self)
    }
}

/// Where a brain's orders go.
pub enum Door<C = WireVenue> {
    /// The simulated exchange inside the brain.
    Inside(Box<Exchange>),
    /// An exchange on the wire.
    Wire(Box<Wired<C>>),
}

/// An order that the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Which.
    pub id: ClientOrderId,
    /// When the write that handed it over had returned: stamp of the monotonic clock.
    pub at_us: u32,
}

/// An exchange on the wire, and what was sent to it before this process started.
pub struct Wired<C = WireVenue> {
    /// None while the journal's past is stepped through.
    venue: Option<C>,
    underway: Underway,
    /// Where the exchange waits for us.
    causal: Option<Causal>,
    said: Answers,
    /// Orders that the client has and the kernel not yet.
    leaving: Vec<ClientOrderId>,
    handed: Vec<Handed>,
}

impl<C: Carrier> Wired<C> {
    /// Not connected; `symbols` where the exchange waits for us, so that answers can be told where
    /// they happened.
    pub fn new(symbols: Option<usize>) -> Self {
        Self {
            venue: None,
            underway: Underway::default(),
            causal: symbols.map(Causal::new),
            said: Vec::new(),
            leaving: Vec::with_capacity(LEAVING_MAX),
            handed: Vec::with_capacity(LEAVING_MAX),
        }
    }

    /// Orders that were handed to the kernel since the last call.
    pub fn drain_handed(&mut self) -> impl Iterator<Item = Handed> + '_ {
        self.handed.drain(..)
    }

    /// Notes which orders the kernel has by now: what the client calls sent, it has written.
    fn note_handed(&mut self) {
        let Self { venue: Some(venue), leaving, handed, .. } = self else { return };
        if leaving.is_empty() {
            return;
        }
        let at_us = venue.stamp_us();
        let attempts = venue.machine().attempts();
        leaving.retain(|&id| {
            let Some(attempt) = attempts.get(id) else { return false };
            if matches!(attempt.phase, Phase::Waiting(_) | Phase::Held) {
                return true;
            }
            // What was refused here never left.
            if attempt.tries > 0 && handed.len() < LEAVING_MAX {
                handed.push(Handed { id, at_us });
            }
            false
        });
    }

    /// The journal's past told this: keeps account of what is still under way.
    pub fn past(&mut self, body: &EventBody) {
        self.underway.told(body);
    }

    /// What is under way at the exchange, as far as the engine has heard or is about to.
    pub const fn underway(&self) -> &Underway {
        &self.underway
    }

    /// Up to where each symbol's facts were seen, where the exchange waits for us; `None` while an
    /// answer waits for its fact.
    pub fn seen_all(&self) -> Option<Vec<Nanos>> {
        match &self.causal {
            None => Some(Vec::new()),
            Some(causal) => causal.is_empty().then(|| causal.seen_all().to_vec()),
        }
    }

    /// Begins where an earlier process stood, before connecting.
    pub fn restore(&mut self, underway: Underway, seen: &[Nanos]) {
        self.underway = underway;
        if let Some(causal) = &mut self.causal {
            causal.restore(seen);
        }
    }

    /// Connects: from here on commands leave. The client is given what the past left open.
    pub fn connect<B>(&mut self, mut venue: C, engine: &Engine<B>) {
        let now = venue.now();
        let machine = venue.machine_mut();
        let forgets = defect::on(Defect::ForgetUnderway);
        for Open { order, before } in self.underway.open().iter().filter(|_| !forgets) {
            machine.attempts_mut().resume(now, order, *before);
        }
        for (symbol, trade) in self.underway.booked() {
            machine.account_mut().booked_before(symbol, trade);
        }
        if let Some(balance) = self.underway.wallet() {
            machine.account_mut().resume_wallet(now, balance);
        }
        for position in engine.positions() {
            let held = Held { side: position.side, qty: position.qty, margin: position.margin };
            machine.account_mut().resume(position.symbol, held);
        }
        engine.causes().for_each(|cause| machine.believed(cause));
        // A new session cannot have opened what is found on the account.
        if engine.orders_sent() > 0 || !engine.wallet().is_zero() {
            machine.resumed();
        }
        for symbol in (0..).map(SymbolId) {
            let Some(filters) = engine.filters(symbol) else { break };
            machine.believes(symbol, filters);
        }
        self.venue = Some(venue);
    }

    /// The client, once connected.
    pub const fn venue(&self) -> Option<&C> {
        self.venue.as_ref()
    }

    /// The client, once connected.
    pub const fn venue_mut(&mut self) -> Option<&mut C> {
        self.venue.as_mut()
    }

    /// The exchange has not been there for so long at a start: what the engine is to be told, once.
    /// The client tells the end of it.
    pub fn out_of_reach(&mut self, waited: Nanos, allowed: Nanos) -> Option<Condition> {
        let machine = self.venue.as_mut()?.machine_mut();
        let cause = Cause::Connection;
        if machine.holds(cause) {
            return None;
        }
        machine.believed(cause);
        let (measured, limit) = (waited.as_millis(), allowed.as_millis());
        Some(Condition { cause, on: true, measured, limit })
    }

    /// Carries what can be carried and takes what the exchange has said.
    pub fn poll(&mut self, answers: &mut Answers) {
        let Some(venue) = &mut self.venue else { return };
        venue.poll(&mut self.said);
        self.note_handed();
        self.tell(answers);
    }

    /// The exchange stands still and has sent so many account events: waits until they are here.
    pub fn listen_until(&mut self, events: u64, answers: &mut Answers) {
        let Some(venue) = &mut self.venue else { return };
        let until = venue.now().after(PATIENCE);
        // A stream that is lost meanwhile is made up for by what the client asks anew.
        while venue.machine().counts().events < events
            && venue.machine().ready()
            && venue.now() < until
        {
            if !venue.poll(&mut self.said) {
                venue.wait(Nanos::MILLISECOND);
            }
        }
        self.tell(answers);
    }

    fn tell(&mut self, answers: &mut Answers) {
        let before = answers.len();
        match &mut self.causal {
            Some(causal) => causal.take(&mut self.said, answers),
            None => answers.append(&mut self.said),
        }
        self.note_told(&answers[before..]);
    }

    /// Keeps account of what goes to the engine.
    fn note_told(&mut self, answers: &[EventBody]) {
        answers.iter().for_each(|body| self.underway.told(body));
    }

    /// A fact that the engine has seen before.
    pub fn seen_again(&mut self, tick: &Tick) {
        if let Some(causal) = &mut self.causal {
            causal.note(tick);
        }
    }

    /// Exchange time up to which a symbol's facts were seen.
    pub fn seen(&self, symbol: SymbolId) -> Nanos {
        self.causal.as_ref().map_or(Nanos(i64::MIN), |causal| causal.seen(symbol))
    }

    /// All facts of a step were seen: what still waits for one is told.
    pub fn rest(&mut self, answers: &mut Answers) {
        let before = answers.len();
        if let Some(causal) = &mut self.causal {
            causal.rest(answers);
        }
        self.note_told(&answers[before..]);
    }

    /// The exchange stands still until we go on, so its answer is waited for.
    fn wait(&mut self) {
        let Some(venue) = &mut self.venue else { return };
        let until = venue.now().after(PATIENCE);
        while !venue.machine().settled() && venue.now() < until {
            if !venue.poll(&mut self.said) {
                venue.wait(Nanos::MILLISECOND);
            }
        }
    }
}

impl<C: Carrier> Simulates for Door<C> {
    fn simulated(&self) -> Option<&Exchange> {
        match self {
            Self::Inside(exchange) => Some(exchange),
            Self::Wire(_) => None,
        }
    }

    fn simulated_mut(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Inside(exchange) => Some(exchange),
            Self::Wire(_) => None,
        }
    }
}

impl<C: Carrier> Venue for Door<C> {
    #[inline]
    fn on_market(&mut self, at: Nanos, tick: &Tick, answers: &mut Answers) {
        match self {
            Self::Inside(exchange) => exchange.on_market(at, tick, answers),
            Self::Wire(wired) => {
                let before = answers.len();
                if let Some(venue) = &mut wired.venue {
                    venue.on_market(at, tick, answers);
                }
                if let Some(causal) = &mut wired.causal {
                    causal.fact(tick, answers);
                }
                wired.note_told(&answers[before..]);
            }
        }
    }

    fn execute(&mut self, at: Nanos, command: &Command, answers: &mut Answers) {
        let wired = match self {
            Self::Inside(exchange) => return exchange.execute(at, command, answers),
            Self::Wire(wired) => wired,
        };
        wired.underway.commanded(command);
        let Some(venue) = &mut wired.venue else { return };
        venue.execute(at, command, &mut wired.said);
        if let Command::Submit { order } = command
            && wired.leaving.len() < LEAVING_MAX
        {
            wired.leaving.push(order.id);
        }
        wired.note_handed();
        if wired.causal.is_some() {
            wired.wait();
        }
        wired.tell(answers);
    }
}
