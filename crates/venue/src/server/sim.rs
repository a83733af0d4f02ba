//! Step machine: the whole simulated exchange. One lock holds it; time and bytes are arguments.

use crate::server::clock::{Clock, Speed};
use crate::server::fact::{Fact, Facts};
use crate::server::faults::{Faults, FrameFate};
use crate::server::gate::{AccountSetup, Gate};
use crate::server::history::MINUTE_MS;
use crate::server::limits::Limits;
use crate::server::market::{Change, Market};
use crate::server::sockets::Socket;
use crate::server::streams::{ConnId, Delivery, Streams};
use crate::server::venue;
use aegis_exchange::ExchangeError;
use aegis_exchange::futures::{AccountId, Futures};
use aegis_types::{Instrument, Px, SymbolId, SymbolTable};
use core::iter::Peekable;
use std::collections::HashMap;

/// Facts that one call of [`Sim::advance`] takes at most, so that others get the lock too.
const FACTS_PER_CALL: usize = 4_096;

/// How often a paced market looks for streams that are due, wall ms.
const DUE_EVERY_MS: u64 = 10;

/// How long a paced market may be silent, wall ms.
const QUIET_MS: i64 = 1_000;

/// What the exchange is made of.
pub struct Setup {
    /// Symbols in name order.
    pub symbols: SymbolTable,
    /// Their instruments by symbol id.
    pub instruments: Vec<Instrument>,
    /// Key of every random draw.
    pub seed: u64,
    /// How market time runs.
    pub speed: Speed,
    /// Where the market begins, ms.
    pub start_ms: i64,
    /// Every stream on every URL, for clients without routed URLs.
    pub lenient_routes: bool,
    /// Book and trades are derived from candles.
    pub derived: bool,
    /// Prices come from the generator and may be set by hand.
    pub generated: bool,
    /// The market.
    pub facts: Facts,
    /// Mean slippage of a taking order on candle data, basis points.
    pub slippage_bps: f64,
    /// Accounts.
    pub accounts: Vec<AccountSetup>,
    /// What one address and one account may ask for.
    pub limits: Limits,
}

/// Who hears a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Subscribers of a market stream, by its name.
    Market(String),
    /// Subscribers of a listen key; `event` is the payload's `e`, for `&events=` filters.
    User {
        /// The key.
        listen_key: String,
        /// `ORDER_TRADE_UPDATE`, …
        event: &'static str,
    },
}

impl Default for Audience {
    fn default() -> Self {
        Self::Market(String::new())
    }
}

/// A frame on its way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Who hears it.
    pub to: Audience,
    /// The payload: JSON text without the wrapper of combined streams.
    pub body: String,
}

/// The simulated exchange.
pub struct Sim {
    pub(crate) symbols: SymbolTable,
    pub(crate) clock: Clock,
    pub(crate) markets: Vec<Market>,
    pub(crate) streams: Streams,
    pub(crate) sockets: HashMap<ConnId, Socket>,
    pub(crate) faults: Faults,
    pub(crate) core: Futures,
    pub(crate) gate: Gate,
    pub(crate) lenient_routes: bool,
    pub(crate) derived: bool,
    pub(crate) generated: bool,
    facts: Peekable<Facts>,
    deliveries: Vec<Delivery>,
    wall_ms: i64,
    /// When to look for markets that have said nothing.
    quiet_until_ms: i64,
    /// Instant of the fact told last, while others of the same instant may follow.
    instant_ms: Option<i64>,
    /// End of the minutes that trades have made.
    minute_end_ms: i64,
    told: u64,
    failure: Option<String>,
}

impl Sim {
    /// An exchange at its start: everything before is history.
    ///
    /// # Errors
    /// Instruments, settings or accounts that no venue can be opened with.
    pub fn new(setup: Setup) -> Result<Self, ExchangeError> {
        let instruments: Vec<Instrument> = setup.instruments;
        let markets: Vec<Market> = instruments.into_iter().map(Market::new).collect();
        let core = venue::open(&markets, setup.seed, setup.slippage_bps)?;
        let mut sim = Self {
            streams: Streams::new(setup.symbols.len()),
            symbols: setup.symbols,
            markets,
            core,
            gate: Gate { limits: setup.limits, ..Gate::default() },
            clock: Clock::new(setup.speed, setup.start_ms),
            sockets: HashMap::new(),
            faults: Faults::default(),
            lenient_routes: setup.lenient_routes,
            derived: setup.derived,
            generated: setup.generated,
            facts: setup.facts.peekable(),
            deliveries: Vec::new(),
            wall_ms: 0,
            quiet_until_ms: 0,
            instant_ms: None,
            minute_end_ms: i64::MIN,
            told: 0,
            failure: None,
        };
        sim.read_history(setup.start_ms);
        venue::open_accounts(&mut sim, setup.accounts)?;
        Ok(sim)
    }

    /// Takes everything in up to the start, where minutes open: the market begins with prices that
    /// hold. Nobody is told.
    fn read_history(&mut self, start_ms: i64) {
        let before = |fact: &Fact| fact.at_ms <= start_ms;
        while let Some(fact) = self.next_fact(before) {
            venue::on_fact(self, &fact);
            self.apply(&fact, false);
        }
        self.instant_ms = None;
    }

    /// Does market time follow wall time?
    pub(crate) fn is_paced(&self) -> bool {
        matches!(self.clock.speed(), Speed::Times(_))
    }

    /// How market time runs.
    pub const fn speed(&self) -> Speed {
        self.clock.speed()
    }

    /// Market time.
    pub fn market_ms(&self) -> i64 {
        self.clock.market_ms()
    }

    /// Has the data ended?
    pub fn ended(&self) -> bool {
        self.clock.ended()
    }

    /// Why no further fact can be read, told once.
    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Facts told so far.
    pub const fn told(&self) -> u64 {
        self.told
    }

    /// When the next fact becomes known, ms of the market's clock; none at the end.
    pub fn next_fact_ms(&mut self) -> Option<i64> {
        match self.facts.peek() {
            Some(Ok(fact)) => Some(fact.at_ms),
            _ => None,
        }
    }

    /// How many streams someone listens to.
    pub fn listeners(&self) -> usize {
        self.streams.len()
    }

    /// Has the account a listen key that lives, so that its events are told to whoever listens?
    pub fn listens(&self, account: AccountId) -> bool {
        self.gate.keys.of(account).is_some()
    }

    /// Does a fault hide this conditional order from every question, list and cancel?
    pub fn hides(&self, account: AccountId, algo: u64) -> bool {
        self.gate.hides(account, algo, self.wall_ms)
    }

    /// How far its clock is skewed until further notice, ms.
    pub fn skew_ms(&self) -> i64 {
        self.faults.skew_ms()
    }

    /// Id of a symbol by its exchange name.
    pub(crate) fn symbol(&self, name: &str) -> Option<SymbolId> {
        self.symbols.id(name)
    }

    /// The next fact if it is wanted.
    fn next_fact(&mut self, wanted: impl Fn(&Fact) -> bool) -> Option<Fact> {
        let next = self.facts.next_if(|next| match next {
            Ok(fact) => wanted(fact),
            Err(_) => true,
        });
        match next {
            Some(Ok(fact)) => Some(fact),
            Some(Err(why)) => {
                // The source says nothing after an error: this is its end.
                self.failure = Some(why);
                None
            }
            None => None,
        }
    }

    /// Lets market time follow wall time. Frames wait in the deliveries afterwards. Wall
    /// milliseconds until there is something to do again; none when only requests can bring it.
    pub fn advance(&mut self, wall_ms: i64) -> Option<u64> {
        self.wall_ms = self.wall_ms.max(wall_ms);
        for output in self.faults.late(wall_ms) {
            self.deliver(&output);
        }
        let wait = match self.clock.speed() {
            Speed::Times(_) => {
                let now = self.clock.paced(wall_ms);
                let whole = self.run_until(now, FACTS_PER_CALL);
                if self.wall_ms >= self.quiet_until_ms && !self.clock.ended() {
                    self.quiet_until_ms = self.wall_ms.saturating_add(QUIET_MS);
                    self.repeat_quiet();
                }
                self.tell_due(self.clock.market_ms());
                Some(if whole { self.next_look(wall_ms) } else { 0 })
            }
            Speed::Max | Speed::Step => None,
        };
        venue::on_time(self, wall_ms);
        wait
    }

    /// Wall milliseconds until a paced market has something to do.
    fn next_look(&mut self, wall_ms: i64) -> u64 {
        let next = match self.facts.peek() {
            Some(Ok(fact)) => self.clock.wall_until(wall_ms, fact.at_ms),
            _ => None,
        };
        next.map_or(DUE_EVERY_MS, |wait| wait.clamp(1, DUE_EVERY_MS))
    }

    /// Tells the next facts at once, whatever their time; false when there are no more.
    pub fn rush(&mut self, wall_ms: i64, facts: usize) -> bool {
        self.advance(wall_ms);
        self.run_until(i64::MAX, facts);
        !self.clock.ended()
    }

    /// Tells all facts of the next `ms` milliseconds of market time.
    pub fn step(&mut self, ms: i64) {
        let target = self.clock.market_ms().saturating_add(ms.max(0));
        while !self.run_until(target, usize::MAX) {}
    }

    /// Tells facts up to `market_ms`, at most so many; true when there are no more until then.
    fn run_until(&mut self, market_ms: i64, most: usize) -> bool {
        if self.clock.ended() {
            return true;
        }
        for _ in 0..most {
            let Some(mut fact) = self.next_fact(|fact| fact.at_ms <= market_ms) else {
                self.settle(market_ms);
                return true;
            };
            if let Some(market) = self.markets.get(fact.symbol().index()) {
                market.rescale(&mut fact);
            }
            self.tell_fact(&fact);
        }
        false
    }

    fn tell_fact(&mut self, fact: &Fact) {
        if self.instant_ms.is_some_and(|instant| instant < fact.at_ms) {
            self.finish_instant();
        }
        self.close_minutes(fact.at_ms);
        self.clock.reach(fact.at_ms);
        self.instant_ms = Some(self.clock.market_ms());
        venue::on_fact(self, fact);
        self.apply(fact, true);
        self.told += 1;
    }

    /// No fact is left until `market_ms`: what was held for company is told, and time moves on.
    fn settle(&mut self, market_ms: i64) {
        self.finish_instant();
        let ended = self.facts.peek().is_none();
        if market_ms != i64::MAX && !ended {
            self.close_minutes(market_ms);
            self.clock.reach(market_ms);
        }
        if ended {
            self.clock.end();
            venue::on_end(self);
        }
    }

    fn finish_instant(&mut self) {
        if let Some(instant) = self.instant_ms.take() {
            self.end_of_instant(instant);
        }
    }

    /// Ends minutes that trades have made and that are over.
    fn close_minutes(&mut self, at_ms: i64) {
        if at_ms < self.minute_end_ms {
            return;
        }
        let start = at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        self.minute_end_ms = start + MINUTE_MS;
        for symbol in self.symbols.ids() {
            let mut changes = Vec::new();
            self.markets[symbol.index()].close_minute(start, &mut changes);
            // In its last millisecond, as a recorded candle.
            self.tell(symbol, start - 1, &changes);
        }
    }

    fn apply(&mut self, fact: &Fact, aloud: bool) {
        let symbol = fact.symbol();
        let Some(market) = self.markets.get_mut(symbol.index()) else { return };
        let mut changes = Vec::new();
        if !aloud {
            market.close_minute(fact.at_ms, &mut changes);
        }
        market.apply(fact, &mut changes);
        if aloud {
            self.tell(symbol, fact.at_ms, &changes);
        }
    }

    /// Sets the price of a symbol by hand.
    pub(crate) fn set_price(&mut self, symbol: SymbolId, px: Px) {
        let now = self.clock.market_ms();
        let mut changes: Vec<Change> = Vec::new();
        venue::on_price(self, symbol, px);
        self.markets[symbol.index()].set_price(now, px, &mut changes);
        self.tell(symbol, now, &changes);
        self.end_of_instant(now);
    }

    /// Sends a frame to everyone who subscribed.
    pub(crate) fn send(&mut self, to: Audience, body: String) {
        let (name, event) = match &to {
            Audience::Market(name) => (name.as_str(), ""),
            Audience::User { listen_key, event } => (listen_key.as_str(), *event),
        };
        let Some(index) = self.streams.find(name) else { return };
        let memory = &mut self.streams.at_mut(index).memory;
        memory.count += 1;
        memory.last = Some(match &to {
            Audience::Market(_) => self.clock.market_ms(),
            Audience::User { .. } => memory.count,
        });
        self.publish(index, body, event);
    }

    /// A payload of a stream on its way to the sockets, past the faults that act on frames.
    pub(crate) fn publish(&mut self, index: usize, body: String, event: &'static str) {
        if self.faults.spares_frames() {
            self.streams.send(index, &body, event, &mut self.deliveries);
            return;
        }
        let stream = self.streams.at(index);
        let name = stream.name.to_string();
        let to = match stream.topic {
            crate::server::streams::Topic::User => Audience::User { listen_key: name, event },
            crate::server::streams::Topic::Market(..) => Audience::Market(name),
        };
        let output = Output { to, body };
        match self.faults.frame(&output, self.wall_ms, self.clock.market_ms()) {
            FrameFate::Send => self.deliver(&output),
            FrameFate::Twice => {
                self.deliver(&output);
                self.deliver(&output);
            }
            FrameFate::Lost => {}
            FrameFate::Close { politely } => {
                let code = politely.then_some(1_001);
                self.streams.close(index, code, &mut self.deliveries);
            }
            FrameFate::Deaf => self.streams.deafen(index, &mut self.deliveries),
            FrameFate::Changed(body) => self.deliver(&Output { body, to: output.to.clone() }),
            FrameFate::Behind => {
                self.faults.hold_behind(output);
                return;
            }
            FrameFate::At(at_ms) => {
                self.faults.hold_until(at_ms, output);
                return;
            }
        }
        for held in self.faults.behind(&output.to) {
            self.deliver(&held);
        }
    }

    /// A frame to its sockets, if there are any still.
    fn deliver(&mut self, output: &Output) {
        let (name, event) = match &output.to {
            Audience::Market(name) => (name.as_str(), ""),
            Audience::User { listen_key, event } => (listen_key.as_str(), *event),
        };
        if let Some(index) = self.streams.find(name) {
            self.streams.send(index, &output.body, event, &mut self.deliveries);
        }
    }

    /// Takes what waits for the sockets.
    pub fn take_deliveries(&mut self, into: &mut Vec<Delivery>) {
        into.append(&mut self.deliveries);
    }
}
