//! The brain on an exchange's live facts: broadcast ring, answers of a venue on the wire, time that
//! passes by itself, or an exchange that waits to be stepped.

use super::understudy::Understudy;
use super::{Brain, Ended, FLUSH_EVERY, WAIT};
use crate::alerts::Told;
use crate::door::{Door, STOPPED};
use crate::exchange_child::Account;
use crate::home::Home;
use crate::live::admission::Admission;
use crate::live::{Source, Streams};
use crate::pace::Pace;
use crate::question::Questions;
use crate::sequencer::Sequenced;
use crate::steps::{Stepped, Steps};
use crate::{Failure, clock, listing, session};
use aegis_backtest::{Execution, Session};
use aegis_journal::Source as Place;
use aegis_ring::machine::{core_pair, pin_to_core};
use aegis_ring::{Info, Poll, Reader, State, Wait, WaitOutcome, Words};
use aegis_settings::VenueSettings;
use aegis_types::{AlertCode, Answers, EventBody, Nanos, Tick, TickBody};
use aegis_venue::client::gateway::Caps;
use aegis_venue::client::health::Foreign;
use aegis_venue::client::machine::Config;
use aegis_venue::client::notes::Loud;
use aegis_venue::client::startup::Stage;
use aegis_venue::client::{SteadyClock, WireVenue};
use aegis_wire::urls::{HOSTS, Urls, WS_API_PATH};
use std::path::Path;
use std::time::Duration;

/// How long the way to the exchange may take to be ready; after that, and then as often, it is told
/// that it still is not.
const CONNECT: Nanos = Nanos(60_000_000_000);
/// Longest answer of a stepped exchange.
const STEP: Nanos = Nanos(60_000_000_000);
/// Empty looks at the ring between two looks at the sockets, where the brain spins.
const LOOKS: u32 = 64;
/// Longest sleep on an empty ring while an answer is awaited.
const SHORT: Duration = Duration::from_millis(1);
/// A brain that spins looks at its sockets so often.
const GLANCE: Duration = Duration::from_micros(50);

/// Which time it is for the engine when nothing happens.
enum Time {
    /// The exchange's, which stands still between two steps.
    Stepped,
    /// The exchange's market time, so many times as fast as ours.
    Market { market: Nanos, ours: Nanos, times: f64 },
    /// Ours.
    Wall,
}

/// A stepped exchange.
struct Stepping {
    exchange: Questions,
    steps: Steps,
    pace: Pace,
    /// Account events of the stream that were sent before we counted; none before the first look.
    events_before: Option<u64>,
    /// Market time at which the session ends.
    until_ms: i64,
}

/// What there was to do beside facts.
enum Quiet {
    /// The session has ended.
    Ended,
    /// Something; there may be more.
    Moved,
    /// Nothing, or what will bring facts.
    Idle,
}

/// Everything that live facts need beside the ring.
pub(super) struct Live {
    source: Source,
    venue: VenueSettings,
    environment_is_live: bool,
    armed: bool,
    keys: Option<Account>,
    clock: SteadyClock,
    time: Time,
    stepping: Option<Stepping>,
    admission: Admission,
    /// The feed that listens: epoch of its ring, and how many facts of the past it brings.
    listening: Option<(u64, u64)>,
    pub(super) answers: Answers,
    /// When the venue was looked at last.
    looked: Nanos,
    /// Of a brain that spins.
    understudy: Option<Understudy>,
}

impl Live {
    /// Of a run whose facts come from an exchange.
    pub fn of(args: &super::Args, session: &Session) -> Result<Option<Self>, Failure> {
        let Some(source) = session::source(&args.run)? else { return Ok(None) };
        let settings =
            session.settings().map_err(|e| Failure::usage(e.to_string(), "start a new session"))?;
        let mut live = Self {
            venue: settings.venue(),
            environment_is_live: settings.live() && settings.environment() == "production",
            armed: args.armed,
            keys: args.keys.clone(),
            clock: SteadyClock::new(),
            time: Time::Wall,
            stepping: None,
            admission: Admission::new(session.symbols.len(), settings.quote_interval()),
            listening: None,
            answers: Vec::new(),
            looked: Nanos::ZERO,
            understudy: match args.wait {
                Wait::Spin => Understudy::of(session),
                Wait::Adaptive { .. } | Wait::Sleep(_) => None,
            },
            source,
        };
        live.look_at_clock(args, session)?;
        Ok(Some(live))
    }

    /// A simulator says how its market time runs; everywhere else it is ours.
    fn look_at_clock(&mut self, args: &super::Args, session: &Session) -> Result<(), Failure> {
        if self.source.venue != "local" {
            return Ok(());
        }
        let mut exchange = Questions::to(&self.source.rest, STEP)?;
        let said = exchange.json("/sim/v1/clock")?;
        let market_ms = said["market_ms"].as_i64().unwrap_or(0);
        if self.source.is_stepped() {
            self.time = Time::Stepped;
            self.stepping = Some(Stepping {
                exchange,
                steps: Steps::new(market_ms, session.symbols.len()),
                pace: Pace::new(args.speed),
                events_before: None,
                until_ms: session.until.as_millis(),
            });
        } else {
            let times = said["speed"].as_f64().unwrap_or(1.0);
            let market = Nanos::from_millis(market_ms);
            self.time = Time::Market { market, ours: self.clock.now(), times };
        }
        Ok(())
    }

    /// Do orders go to a simulated exchange of this machine?
    pub fn is_local(&self) -> bool {
        self.source.venue == "local"
    }

    /// This fact was taken by an earlier brain.
    pub fn shown_before(&mut self, tick: &Tick) {
        self.admission.admits(tick);
    }

    /// The facts that were taken.
    pub const fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Goes on from what an earlier brain had taken.
    pub fn restore(&mut self, admission: Admission) {
        self.admission = admission;
    }

    /// A feed listens.
    pub fn listens(&mut self, epoch: u64, facts: u64) {
        self.listening = Some((epoch, facts));
        if let Some(stepping) = &mut self.stepping {
            stepping.steps.forget_facts();
        }
    }

    /// The engine's time, when it passes by itself.
    fn now(&self) -> Option<Nanos> {
        match self.time {
            Time::Stepped => None,
            Time::Wall => Some(self.clock.now()),
            Time::Market { market, ours, times } => {
                let passed = self.clock.now().since(ours).0 as f64 * times;
                Some(market.after(Nanos(passed as i64)))
            }
        }
    }

    /// How many orders may leave. Where market time is not ours, a day of them may pass in a
    /// second.
    fn caps(&self) -> Caps {
        let [second, minute, symbol_second, symbol_minute] = self.venue.orders_max;
        match self.time {
            Time::Wall => Caps { second, minute, symbol_second, symbol_minute },
            Time::Market { times, .. } if times <= 1.0 => {
                Caps { second, minute, symbol_second, symbol_minute }
            }
            Time::Stepped | Time::Market { .. } => Caps::WIDE,
        }
    }

    /// The client for this source, not yet connected.
    fn client(&self, session: &Session) -> Result<WireVenue, Failure> {
        let Some(keys) = &self.keys else {
            return Err(Failure::usage(
                "orders go to an exchange, and there are no keys",
                "set BINANCE_API_KEY and BINANCE_API_SECRET",
            ));
        };
        if self.source.venue == "binance" && !(self.armed && self.environment_is_live) {
            return Err(Failure::usage(
                "orders would be real, and nothing has armed them",
                "start with `aegis run --venue binance --live`, live = true, in production",
            ));
        }
        let recv_window_ms = self.venue.recv_window_ms;
        let identity = listing::identity(keys, recv_window_ms)?;
        let number = session.number().map_err(|e| Failure::usage(e.to_string(), ""))?;
        let config = Config {
            live: self.environment_is_live,
            recv_window_ms,
            write_timeout: self.venue.request_timeout,
            orders_by_socket: self.venue.orders_by_socket,
            // A wick on one exchange must not close a position; where the mark is derived from the
            // last price, both are one.
            stops_by_mark: self.source.streams == Streams::All,
            caps: self.caps(),
            foreign: match (self.venue.foreign_adopted, self.venue.foreign_ends_entries) {
                (true, _) => Foreign::Adopt,
                (false, true) => Foreign::Alert,
                (false, false) => Foreign::Ignore,
            },
            adopt_stop: self.venue.adopt_stop,
            sweep: self.venue.sweep,
            unreachable_after: self.venue.unreachable_after,
            dead_man: self.venue.dead_man,
            ..Config::new(number, session.symbols.clone())
        };
        WireVenue::new(&urls(&self.source), identity, config)
            .map_err(|e| Failure::usage(e.to_string(), "correct the venue's address"))
    }
}

/// Keeps this thread on the last core: whoever spins has one for itself, or every process that
/// wakes stands in its way. Threads that run already may go where they like.
fn take_core() {
    match core_pair() {
        Some((_, core)) if pin_to_core(core) => tracing::info!(core, "the brain spins on its core"),
        _ => tracing::warn!("the brain spins, and has no core for itself; ring.wait = adaptive"),
    }
}

/// The bases of a source.
fn urls(source: &Source) -> Urls {
    let weight_minute = source.weight_minute;
    let (rest, streams) = (source.rest.clone(), source.stream_base.clone());
    // The environments have it on a host of its own, a simulator on its one port.
    let own = HOSTS.iter().find(|hosts| hosts.rest == rest).map(|hosts| hosts.ws_api.to_owned());
    let ws_api = own.unwrap_or_else(|| format!("{streams}{WS_API_PATH}"));
    Urls { rest, streams, ws_api, weight_minute }
}

impl Brain {
    /// Opens the way to the exchange, when orders go there, and waits until entries may be made,
    /// however long that takes: whoever ended would be started again and find the same, and be
    /// taken for one that crashes. False when told to stop meanwhile.
    pub(super) fn connect(&mut self) -> Result<bool, Failure> {
        if self.session.execution == Execution::Simulated {
            return Ok(true);
        }
        let Some(live) = &self.live else { return Ok(true) };
        let mut client = live.client(&self.session)?;
        client.set_fence(Home::of_running(&self.args.home).fence());
        let (door, engine) = self.driver.parts_mut();
        let Door::Wire(wired) = door else { return Ok(true) };
        wired.connect(client, engine);
        let begun = clock::monotonic();
        let mut tell_at = begun.after(CONNECT);
        loop {
            let (ready, failed) = self.look_at_venue()?;
            if let Some(why) = failed {
                return Err(Failure::usage(why, "correct it, then start again"));
            }
            if ready && (self.goes_on() || self.venue_settled()) {
                return Ok(true);
            }
            let now = clock::monotonic();
            if now > tell_at {
                tell_at = now.after(CONNECT);
                self.still_waits(now.since(begun))?;
            }
            if self.take_orders()? {
                return Ok(false);
            }
            self.beat(None)?;
            if let Door::Wire(wired) = self.driver.venue_mut()
                && let Some(venue) = wired.venue()
            {
                venue.wait(Nanos::MILLISECOND.times(20));
            }
        }
    }

    /// Nothing can be done without the exchange: people are told, and the engine, once. The client
    /// tells the end of it.
    fn still_waits(&mut self, waited: Nanos) -> Result<(), Failure> {
        let Door::Wire(wired) = self.driver.venue_mut() else { return Ok(()) };
        let Some(venue) = wired.venue_mut() else { return Ok(()) };
        tracing::warn!(
            waited_s = waited.0 / Nanos::SECOND.0,
            stage = ?venue.stage(),
            shut_out = venue.shut_out(),
            unknown = venue.machine().status(venue.now()).unknown,
            "the way to the exchange is not ready; it is waited for"
        );
        match wired.out_of_reach(waited, CONNECT) {
            Some(condition) => self.tell(EventBody::Condition(condition)),
            None => Ok(()),
        }
    }

    /// May the session go on before every outcome is known? What an earlier brain left open is
    /// found out in seconds, and its positions must be looked after meanwhile; what is unknown
    /// holds its slot. A new session begins with a whole account, and a stepped exchange waits.
    fn goes_on(&self) -> bool {
        self.initial.is_none() && self.live.as_ref().is_some_and(|live| live.stepping.is_none())
    }

    fn venue_settled(&self) -> bool {
        match self.driver.venue() {
            Door::Wire(wired) => wired.venue().is_some_and(WireVenue::settled),
            Door::Inside(_) => true,
        }
    }

    /// Takes what the venue has said, and logs what people should know. Whether entries may be
    /// made, and why its start has failed, if it has.
    fn look_at_venue(&mut self) -> Result<(bool, Option<String>), Failure> {
        let Some(live) = &mut self.live else { return Ok((true, None)) };
        let Door::Wire(wired) = self.driver.venue_mut() else { return Ok((true, None)) };
        wired.poll(&mut live.answers);
        live.looked = live.clock.now();
        let Some(venue) = wired.venue_mut() else { return Ok((false, None)) };
        let mut loud = Vec::new();
        for note in venue.drain_notes() {
            match note.loud() {
                Loud::Info => tracing::info!("{note}"),
                Loud::Warn => tracing::warn!("{note}"),
                Loud::Alert => {
                    tracing::error!("{note}");
                    loud.push(note.to_string());
                }
            }
        }
        let failed = match venue.stage() {
            Stage::Failed(why) => Some(why.clone()),
            _ => None,
        };
        let ready = venue.ready();
        for text in loud {
            let (code, symbol) = (AlertCode::Venue.to_string(), String::new());
            self.alert(Told { code, symbol, text, must_ack: AlertCode::Venue.must_acknowledge() });
        }
        self.deliver()?;
        Ok((ready, failed))
    }

    /// Tells the engine something that comes from neither the market nor a venue.
    pub(super) fn tell(&mut self, body: EventBody) -> Result<(), Failure> {
        if let Some(live) = &mut self.live {
            live.answers.push(body);
        }
        self.deliver()?;
        self.recorder.flush().map(|_| ())
    }

    /// Applies the answers that have come. Before the first fact they wait for it: nothing can be
    /// dated before the market.
    fn deliver(&mut self) -> Result<(), Failure> {
        let Some(live) = &mut self.live else { return Ok(()) };
        if live.answers.is_empty() {
            return Ok(());
        }
        let now = live.now();
        if let Some(initial) = &mut self.initial {
            initial.append(&mut live.answers);
            return Ok(());
        }
        let mut said = std::mem::take(&mut live.answers);
        self.recorder.from_journal(Place::default());
        let at = self.driver.now().max(now.unwrap_or(Nanos(i64::MIN)));
        if now.is_some() {
            self.driver.advance(at, &mut self.recorder)?;
        }
        for body in said.drain(..) {
            self.driver.answer(at, body, &mut self.recorder)?;
        }
        if let Some(live) = &mut self.live {
            live.answers = said;
        }
        self.sound()
    }

    /// Takes facts until the session ends or the brain is told to stop; gives the ring back.
    pub(super) fn pump_live(
        &mut self,
        home: &Home,
        mut ring: Reader,
    ) -> Result<(Ended, Option<Reader>), Failure> {
        let mut words: Words = [0; 7];
        let (mut looks, mut rested) = (0, true);
        if self.args.wait == Wait::Spin {
            take_core();
        }
        loop {
            match ring.poll(&mut words) {
                Poll::Message { seq } => {
                    if std::mem::take(&mut rested) {
                        self.hear_first()?;
                    }
                    self.live_fact(&ring, seq, &words)?;
                    if self.recorder.pending() < FLUSH_EVERY {
                        continue;
                    }
                    self.settle(&mut ring)?;
                    continue;
                }
                Poll::Overrun { skipped } => self.hole(&ring, skipped)?,
                Poll::Empty => {
                    looks += 1;
                    if looks < LOOKS && self.args.wait == Wait::Spin {
                        continue;
                    }
                    looks = 0;
                }
            }
            self.settle(&mut ring)?;
            rested = true;
            // Not in a burst: nothing is in the ring.
            self.snapshot_when_due()?;
            if self.take_orders()? {
                return Ok((Ended::Stopped, Some(ring)));
            }
            match self.quiet(&ring)? {
                Quiet::Ended => return Ok((Ended::Source, Some(ring))),
                Quiet::Moved => {}
                Quiet::Idle => {
                    self.caught_up();
                    match self.await_fact(home, ring)? {
                        Some(next) => ring = next,
                        None => return Ok((Ended::Stopped, None)),
                    }
                }
            }
        }
    }

    /// A process that was stopped hears what the exchange has said meanwhile before it reads facts
    /// of that time: they bring no entry that it would no longer make.
    fn hear_first(&mut self) -> Result<(), Failure> {
        let stopped =
            |live: &Live| live.now().is_some() && live.clock.now().since(live.looked) > STOPPED;
        if self.is_warm() && self.live.as_ref().is_some_and(stopped) {
            self.look_at_venue()?;
        }
        Ok(())
    }

    /// Has the market begun, and is the warm-up over?
    fn is_warm(&self) -> bool {
        self.initial.is_none() && self.driver.now() >= self.session.trade_from
    }

    /// No fact waits. Behind the warm-up that means that the engine's time is the market's.
    fn caught_up(&mut self) {
        if self.is_warm()
            && let Door::Wire(wired) = self.driver.venue_mut()
            && let Some(venue) = wired.venue_mut()
        {
            let now = venue.now();
            venue.machine_mut().caught_up(now);
        }
    }

    /// Facts were overwritten before they were read: that is a fact itself, of every symbol.
    fn hole(&mut self, ring: &Reader, skipped: u64) -> Result<(), Failure> {
        self.overruns += skipped;
        tracing::error!(skipped, "the ring overran: no entries until candles are whole again");
        let at = self.driver.now();
        if self.initial.is_some() {
            return Ok(());
        }
        for symbol in self.session.symbols.ids() {
            let body = TickBody::Gap { missing: 0 };
            let tick = Tick { symbol, derived: false, at, received_us: 0, body };
            self.take(ring, ring.next_seq(), tick)?;
        }
        Ok(())
    }

    /// Nothing is in the ring: the venue, the time, a step.
    fn quiet(&mut self, ring: &Reader) -> Result<Quiet, Failure> {
        let before = self.driver.next_seq();
        self.look_at_venue()?;
        if self.initial.is_none()
            && let Some(now) = self.live.as_ref().and_then(Live::now)
            && self.driver.next_timer().is_some_and(|due| due <= now)
        {
            self.recorder.from_journal(Place::default());
            self.driver.advance(now, &mut self.recorder)?;
            self.sound()?;
        }
        let quiet = self.go_on(ring)?;
        Ok(if self.driver.next_seq() > before { Quiet::Moved } else { quiet })
    }

    /// Steps a stepped exchange once everything that it has sent is here.
    fn go_on(&mut self, ring: &Reader) -> Result<Quiet, Failure> {
        let Some(live) = &mut self.live else { return Ok(Quiet::Idle) };
        let Some(stepping) = &mut live.stepping else { return Ok(Quiet::Idle) };
        let listens = |(epoch, facts): (u64, u64)| {
            epoch == ring.epoch() && ring.next_seq() >= facts && ring.lag() == 0
        };
        if !live.listening.is_some_and(listens) {
            return Ok(Quiet::Idle);
        }
        let Door::Wire(wired) = self.driver.venue_mut() else { return Ok(Quiet::Idle) };
        let Some(venue) = wired.venue() else { return Ok(Quiet::Idle) };
        let events = venue.machine().counts().events;
        let key = venue.machine().listen_key().to_owned();
        let before = stepping.events_before.unwrap_or(0);
        let seen = stepping.steps.settled(|symbol| wired.seen(symbol), before + events);
        if !seen || !venue.ready() || !venue.settled() {
            return Ok(Quiet::Idle);
        }
        wired.rest(&mut live.answers);
        if !live.answers.is_empty() {
            self.deliver()?;
            return Ok(Quiet::Moved);
        }
        if stepping.steps.ended() || stepping.steps.market_ms() >= stepping.until_ms {
            return Ok(Quiet::Ended);
        }
        let ours = clock::monotonic();
        let market = Nanos::from_millis(stepping.steps.market_ms());
        if stepping.pace.step(ours, market) > Nanos::ZERO {
            return Ok(Quiet::Idle);
        }
        let first = stepping.events_before.is_none();
        let ms = if first { 0 } else { stepping.steps.next_ms() };
        let answer = stepping.exchange.post("/sim/v1/step", &format!("{{\"ms\":{ms}}}"))?;
        let reply = stepping.exchange.good("/sim/v1/step", &answer)?;
        let reply: Stepped = serde_json::from_value(reply)
            .map_err(|e| Failure::failed(format!("the exchange's step: {e}"), ""))?;
        if first {
            let sent = reply.last.get(&key).copied().unwrap_or(0);
            stepping.events_before = Some(sent.saturating_sub(events));
            stepping.steps.begin(&reply);
        } else {
            stepping.steps.stepped(&reply, &self.session.symbols, &key);
            // Before any fact of this step: what it did to the account is told with its cause.
            let missing = stepping.steps.user().saturating_sub(before);
            wired.listen_until(missing, &mut live.answers);
            self.deliver()?;
        }
        Ok(Quiet::Idle)
    }

    /// Takes one fact of the ring.
    fn live_fact(&mut self, ring: &Reader, seq: u64, words: &Words) -> Result<(), Failure> {
        let tick = Tick::from_words(words).map_err(|e| {
            Failure::failed(format!("ring slot {seq}: {e}"), "feed and brain differ in version")
        })?;
        let Some(live) = &mut self.live else { return Ok(()) };
        if !live.admission.admits(&tick) {
            if let Door::Wire(wired) = self.driver.venue_mut() {
                wired.seen_again(&tick);
            }
            return Ok(());
        }
        self.take(ring, seq, tick)
    }

    /// Puts a fact behind those that were taken before.
    fn take(&mut self, ring: &Reader, seq: u64, tick: Tick) -> Result<(), Failure> {
        let position = self.sequencer.next_position();
        let Sequenced::Input { at, body } = self.sequencer.fact(position, tick) else {
            return Ok(());
        };
        self.read += 1;
        let source = Place { epoch: ring.epoch(), seq, position };
        self.recorder.from_ring(source, tick.received_us);
        self.reports.tick(&tick);
        self.step(at, body)
    }

    /// Lets the understudy act.
    fn keep_warm(&mut self) {
        let Some(understudy) = self.live.as_mut().and_then(|live| live.understudy.as_mut()) else {
            return;
        };
        let venue = match self.driver.venue_mut() {
            Door::Wire(wired) => wired.venue_mut(),
            Door::Inside(_) => None,
        };
        understudy.act(clock::monotonic(), venue);
    }

    /// Sleeps until there may be something to do; gives the ring back, or that of the next feed.
    /// None when told to stop while there was no feed.
    fn await_fact(&mut self, home: &Home, mut ring: Reader) -> Result<Option<Reader>, Failure> {
        let spins = self.args.wait == Wait::Spin;
        if spins {
            self.keep_warm();
        }
        let busy = !self.venue_settled();
        let stepped = self.live.as_ref().is_some_and(|live| live.stepping.is_some());
        let patience = match busy || stepped {
            _ if spins => GLANCE,
            true => SHORT,
            false => WAIT.min(SHORT * 5),
        };
        match ring.wait(self.args.wait, patience) {
            WaitOutcome::Ready | WaitOutcome::TimedOut => Ok(Some(ring)),
            outcome => {
                tracing::info!(?outcome, "the feed is gone; waiting for its successor");
                let gone = ring.epoch();
                // The place at the gate is free for the next segment only then.
                drop(ring);
                self.attach(home, None, Some(gone))
            }
        }
    }

    /// Attaches to a live feed's ring: from its first fact, or where the journal has read it.
    pub(super) fn attach_live(
        &mut self,
        path: &Path,
        gone: Option<u64>,
    ) -> Result<Option<Reader>, Failure> {
        let Ok(info) = Info::read(path) else { return Ok(None) };
        if info.state != State::Live || !info.writer_alive || Some(info.epoch) == gone {
            return Ok(None);
        }
        // A ring that has gone round already is read from its newest fact on; what is missed by
        // that, the feed fetches again when it begins anew.
        let next = if info.tail > info.capacity { info.tail } else { 0 };
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
}
