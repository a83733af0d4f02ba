//! The pump of a live source: one thread, non-blocking sockets, everything that decides elsewhere.
//!
//! ```text
//! connect ──> clock ──> past, slice by slice ──> clock … until nothing has closed since ──> live
//! ```
//!
//! The streams are open before the past is fetched, so nothing lies between; what they bring
//! meanwhile is kept by each symbol's lane.

use super::channel::{Channel, Turn};
use super::fills::{self, Fills};
use super::intake::{Asks, Intake};
use super::lane::Bar;
use super::past::{Past, Query};
use super::plan::{Shard, plan};
use super::rest::{Answer, Outcome, Rest};
use super::sockets::{Place, Sockets, Wish};
use super::universe::Universe;
use super::{LiveReport, MINUTE_MS, Rows, Source, Streams, stamp};
use crate::{Failure, clock};
use aegis_ring::Writer;
use aegis_types::{Nanos, SymbolId, SymbolTable, Tick};
use aegis_venue::client::backoff::Backoff;
use aegis_venue::client::link::Tls;
use aegis_wire::bodies::{self, ExchangeInfo, KlineRow};
use aegis_wire::endpoints::Call;
use aegis_wire::urls::Urls;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};

/// Connections that one call waits for.
const WAITED: usize = 32;
/// While a connection is opened by its own thread, it is looked at so often.
const OPENING: Nanos = Nanos(2_000_000);
/// How often silence is looked for.
const WATCH: Nanos = Nanos(1_000_000_000);
/// The exchange's candles by REST may lag behind its streams so long.
const LAG_MS: i64 = 1_500;
/// Rounds of fetching what has closed meanwhile, after which holes are filled as always.
const ROUNDS: u32 = 20;

/// What a question is for.
#[derive(Clone, Copy, Debug)]
enum Errand {
    Clock,
    Past(Query),
    Fill { query: Query, closed_until_ms: i64 },
    Universe,
}

impl std::fmt::Display for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Clock => "the clock",
            Self::Past(_) => "candles of the past",
            Self::Fill { .. } => "candles of a hole",
            Self::Universe => "the list of symbols",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    Clock,
    Past,
    Live,
}

/// The exchange's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// As new as what the streams bring.
    Known,
    /// To be asked for: nothing was heard for a while.
    Wanted,
    Asked,
}

/// A live source at work.
pub struct Live {
    local: bool,
    streams: Streams,
    silence: super::Silence,
    shards: Vec<Shard>,
    /// Which of them carries a symbol's candles.
    carriers: Vec<usize>,
    channels: Vec<[Option<Channel>; 2]>,
    sockets: Sockets,
    intake: Intake,
    tls: Tls,
    rest: Rest<Errand>,
    phase: Phase,
    time: Time,
    rounds: u32,
    past: Past,
    fills: Fills,
    universe: Universe,
    /// Ring slots that the past may fill ahead of its reader.
    ahead: u64,
    backoff: Backoff,
    /// No question is asked before then.
    ask_from: Nanos,
    watched: Nanos,
    filled: u64,
    failed: u64,
    idle: OwnedFd,
    wishes: Vec<Wish>,
    asks: Vec<Asks>,
    outcomes: Vec<(Errand, Outcome)>,
    rows: Vec<KlineRow>,
    bars: Rows,
}

impl Live {
    /// A source at the beginning. `since_ms` replaces the beginning of its past: a successor has to
    /// tell only what its predecessor did not.
    ///
    /// # Errors
    /// When an address is wrong or the system gives no event descriptor.
    pub fn new(
        source: &Source,
        symbols: &SymbolTable,
        since_ms: Option<i64>,
        slots: usize,
    ) -> Result<Self, Failure> {
        let wrong = |e| Failure::usage(format!("{}: {e}", source.rest), "check the address");
        let tls = Tls::new().map_err(|e| Failure::failed(e.to_string(), ""))?;
        let urls = Urls {
            rest: source.rest.clone(),
            streams: source.stream_base.clone(),
            ws_api: String::new(),
            weight_minute: source.weight_minute,
        };
        let shards = plan(&urls, symbols, source.streams);
        if 2 * shards.len() + 4 > WAITED {
            let what = format!("{} connections are more than one thread waits for", shards.len());
            return Err(Failure::usage(what, "name fewer symbols"));
        }
        let now = clock::monotonic();
        let span = |ms: u32| Nanos::from_millis(i64::from(ms));
        let refresh = i64::try_from(source.universe_refresh_ms).unwrap_or(i64::MAX);
        let from_ms = since_ms.unwrap_or(source.history_from_ms);
        let mut intake = Intake::new(symbols, source.firewall, span(source.conflation_ms));
        let past = Past::new(symbols.len(), from_ms);
        intake.begin(past.from_ms());
        let idle = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Failure::failed(format!("no event descriptor: {e}"), ""))?;
        let seed = clock::wall().0.unsigned_abs();
        Ok(Self {
            local: source.venue == "local",
            streams: source.streams,
            silence: source.silence,
            channels: shards.iter().map(|_| [None, None]).collect(),
            carriers: carriers(&shards, symbols.len()),
            sockets: Sockets::new(shards.len(), span(source.silence.socket_ms), seed),
            shards,
            intake,
            rest: Rest::new(&source.rest, source.weight_minute, tls.clone()).map_err(wrong)?,
            tls,
            phase: Phase::Connecting,
            time: Time::Wanted,
            rounds: 0,
            past,
            fills: Fills::new(symbols.len()),
            universe: Universe::new(Nanos::from_millis(refresh), now),
            ahead: slots as u64 / 2,
            backoff: Backoff::new(seed),
            ask_from: now,
            watched: now,
            filled: 0,
            failed: 0,
            idle,
            wishes: Vec::with_capacity(16),
            asks: Vec::with_capacity(64),
            outcomes: Vec::with_capacity(8),
            rows: Vec::new(),
            bars: Rows::new(),
        })
    }

    /// Is the past told and do the streams follow?
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Messages taken from the streams.
    pub const fn frames(&self) -> u64 {
        self.intake.counts().frames
    }

    /// Counters and reasons, for the report.
    pub fn report(&self) -> LiveReport {
        let counts = self.intake.counts();
        LiveReport {
            frames: counts.frames,
            malformed: counts.malformed,
            unknown: counts.unknown,
            conflated: self.intake.conflated(),
            duplicates: counts.duplicates,
            late: counts.late,
            gaps: counts.gaps,
            connections: self.shards.len() as u64,
            lost_connections: self.sockets.losses(),
            requests: self.rest.asked(),
            failed_requests: self.failed,
            filled: self.filled,
            market_ms: self.intake.market_ms().max(0),
            left: self.universe.left().clone(),
            arrived: self.universe.arrived().iter().cloned().collect(),
        }
    }

    /// What the firewall refused.
    pub const fn refusals(&self) -> &aegis_data::Refusals {
        self.intake.refusals()
    }

    /// One turn: waits for something to do, `patience` at most, and does it.
    pub fn turn(&mut self, ring: &mut Writer, patience: Nanos) {
        let before = ring.published();
        let ready = self.wait(patience);
        let now = clock::monotonic();
        self.sockets.step(now, &mut self.wishes);
        self.wishes(ring, now);
        self.channels(ring, ready);
        if ring.published() != before {
            // A sleeping reader is woken before anything else is done.
            ring.flush();
        }
        self.rest(ring);
        let now = clock::monotonic();
        self.intake.turn(now, &mut |tick: &Tick| ring.publish(&tick.to_words()));
        self.advance(ring, now);
        self.ask(now);
        self.watch(ring, now);
        if ring.published() != before {
            ring.flush();
        }
    }

    /// Waits for a connection. Which channels have something: bit `2 × slot + place`.
    fn wait(&self, patience: Nanos) -> u64 {
        let mut fds: [PollFd<'_>; WAITED] = std::array::from_fn(|_| {
            PollFd::from_borrowed_fd(self.idle.as_fd(), PollFlags::empty())
        });
        let mut bits = [0u8; WAITED];
        let (mut count, mut dialing) = (0, self.rest.is_dialing());
        for (n, channel) in self.channels.iter().flatten().enumerate() {
            let Some(channel) = channel else { continue };
            match channel.poll_fd() {
                Some(fd) => {
                    (fds[count], bits[count]) = (fd, n as u8);
                    count += 1;
                }
                None => dialing = true,
            }
        }
        let more = |channel: &Channel| channel.has_more();
        if self.channels.iter().flatten().flatten().any(more) {
            return u64::MAX;
        }
        let channels = count;
        for fd in self.rest.poll_fds() {
            fds[count] = fd;
            count += 1;
        }
        let now = clock::monotonic();
        let mut span = if dialing { patience.min(OPENING) } else { patience };
        for due in [self.intake.due(), self.fills.due()].into_iter().flatten() {
            span = span.min(due.since(now).max(Nanos::ZERO));
        }
        if self.phase == Phase::Past {
            // The reader makes room without a word.
            span = span.min(OPENING);
        }
        let timeout =
            Timespec { tv_sec: span.0 / Nanos::SECOND.0, tv_nsec: span.0 % Nanos::SECOND.0 };
        if poll(&mut fds[..count], Some(&timeout)).is_err() {
            return u64::MAX;
        }
        let ready = fds[..channels].iter().zip(bits).filter(|(fd, _)| !fd.revents().is_empty());
        ready.fold(0, |all, (_, bit)| all | 1 << bit)
    }

    /// Opens, closes and gives up connections as the machine wishes.
    fn wishes(&mut self, ring: &mut Writer, now: Nanos) {
        // Opening may fail at once, which is a wish more.
        while !self.wishes.is_empty() {
            let wishes = std::mem::take(&mut self.wishes);
            for wish in &wishes {
                self.wish(*wish, ring, now);
            }
        }
    }

    fn wish(&mut self, wish: Wish, ring: &mut Writer, now: Nanos) {
        match wish {
            Wish::Open(at) => {
                let shard = &self.shards[at.slot];
                match Channel::open(&shard.url, &shard.subscribe, &self.tls, now) {
                    Ok(channel) => self.channels[at.slot][at.place] = Some(channel),
                    Err(why) => self.ended(at, &why, now),
                }
            }
            Wish::Close(at) => self.channels[at.slot][at.place] = None,
            Wish::Lost(slot) => {
                let shard = &self.shards[slot];
                let symbols = if shard.candles { shard.symbols.as_slice() } else { &[] };
                let received_us = stamp(now);
                for symbol in symbols {
                    self.intake.lane_tells(
                        *symbol,
                        received_us,
                        &mut |tick: &Tick| ring.publish(&tick.to_words()),
                        |lane, tell| lane.lost(tell),
                    );
                }
            }
            Wish::Back(slot) => {
                let shard = &self.shards[slot];
                tracing::info!(slot, streams = shard.streams, "streams come");
                if self.time == Time::Known {
                    self.time = Time::Wanted;
                }
                for symbol in &shard.symbols {
                    self.intake.pulse(*symbol, now);
                    if shard.candles && self.phase == Phase::Live {
                        self.fills.want(*symbol, now);
                    }
                }
            }
        }
    }

    fn ended(&mut self, at: Place, why: &str, now: Nanos) {
        let failures = self.sockets.failures(at.slot);
        tracing::warn!(slot = at.slot, failures, "connection of the streams ended: {why}");
        self.channels[at.slot][at.place] = None;
        self.sockets.closed(at, now, &mut self.wishes);
    }

    fn channels(&mut self, ring: &mut Writer, ready: u64) {
        for slot in 0..self.channels.len() {
            for place in 0..2 {
                let Some(channel) = &mut self.channels[slot][place] else { continue };
                if channel.poll_fd().is_some() && ready & 1 << (2 * slot + place) == 0 {
                    continue;
                }
                let mut turn = channel.turn(&mut self.intake, ring, &mut self.asks);
                let at = Place { slot, place };
                let now = clock::monotonic();
                if turn == Turn::Opened {
                    self.sockets.opened(at, now, &mut self.wishes);
                    // What came with the handshake.
                    turn = channel.turn(&mut self.intake, ring, &mut self.asks);
                }
                match turn {
                    Turn::Quiet | Turn::Opened => {}
                    Turn::Data => self.sockets.data(at, now, &mut self.wishes),
                    Turn::Ended(why) => self.ended(at, &why, now),
                }
                self.wishes(ring, now);
            }
        }
        let now = clock::monotonic();
        for ask in self.asks.drain(..) {
            match ask {
                Asks::Candles(symbol) => self.fills.want(symbol, now),
                Asks::Universe => self.universe.changed(now),
                Asks::Nothing => {}
            }
        }
    }

    fn rest(&mut self, ring: &mut Writer) {
        let now = clock::monotonic();
        let mut outcomes = std::mem::take(&mut self.outcomes);
        self.rest.step(now, clock::wall(), &mut outcomes);
        for (errand, outcome) in outcomes.drain(..) {
            match outcome {
                Outcome::Answer(answer) if answer.status == 200 => {
                    self.backoff.reset();
                    if let Err(why) = self.answer(errand, &answer, ring, now) {
                        self.no_answer(errand, &why, now);
                    }
                }
                Outcome::Answer(answer) => {
                    let text = String::from_utf8_lossy(&answer.body);
                    let text: String = text.chars().take(160).collect();
                    self.no_answer(errand, &format!("status {}: {text}", answer.status), now);
                }
                Outcome::Lost(why) => self.no_answer(errand, &why, now),
            }
        }
        self.outcomes = outcomes;
    }

    fn no_answer(&mut self, errand: Errand, why: &str, now: Nanos) {
        self.failed += 1;
        tracing::warn!(%errand, "no answer by REST: {why}");
        self.ask_from = now.after(self.backoff.pause());
        match errand {
            Errand::Clock => self.time = Time::Wanted,
            Errand::Past(query) => self.past.failed(query.symbol),
            Errand::Fill { query, .. } => self.fills.answered(query.symbol, now, false, false),
            Errand::Universe => self.universe.failed(now),
        }
    }

    fn answer(
        &mut self,
        errand: Errand,
        answer: &Answer,
        ring: &mut Writer,
        now: Nanos,
    ) -> Result<(), String> {
        match errand {
            Errand::Clock => {
                let market_ms = self.market_ms(&answer.body)?;
                self.intake.clock(market_ms);
                self.time = Time::Known;
                if self.phase == Phase::Clock {
                    self.past.extend(self.closed_until_ms());
                    self.rounds += 1;
                    self.phase = Phase::Past;
                }
            }
            Errand::Past(query) => {
                bodies::klines(&answer.body, &mut self.rows).map_err(|e| e.to_string())?;
                self.bars.clear();
                self.bars.extend(self.rows.iter().map(bar));
                self.past.answered(query.symbol, &self.bars);
            }
            Errand::Fill { query, closed_until_ms } => {
                bodies::klines(&answer.body, &mut self.rows).map_err(|e| e.to_string())?;
                self.fill(query.symbol, closed_until_ms, ring, now);
            }
            Errand::Universe => {
                let info: ExchangeInfo = bodies::read(&answer.body).map_err(|e| e.to_string())?;
                let verdicts = bodies::universe(&info.symbols.0);
                let gone = self.universe.answered(now, self.intake.symbols(), &verdicts);
                for (symbol, reason) in gone {
                    self.leave(symbol, &reason, ring, now);
                }
                for name in self.universe.arrived() {
                    tracing::info!(name, "a new symbol trades; it joins at the next start");
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, symbol: SymbolId, reason: &str, ring: &mut Writer, now: Nanos) {
        let name = self.intake.symbols().name(symbol);
        tracing::warn!(name, "the symbol has left the universe: {reason}");
        self.intake.leave(symbol, stamp(now), &mut |tick: &Tick| ring.publish(&tick.to_words()));
    }

    /// The exchange's clock: of the market where it is a simulated one.
    fn market_ms(&self, body: &[u8]) -> Result<i64, String> {
        let name = if self.local { "market_ms" } else { "serverTime" };
        let value: serde_json::Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        value[name].as_i64().ok_or_else(|| format!("no {name} in the answer"))
    }

    /// Candles are closed for good that end by then.
    fn closed_until_ms(&self) -> i64 {
        let lag = if self.local { 0 } else { LAG_MS };
        // A simulated market closes a candle in its last millisecond.
        let until = self.intake.market_ms().max(0) + 1 - lag;
        until.div_euclid(MINUTE_MS) * MINUTE_MS
    }

    fn fill(&mut self, symbol: SymbolId, closed_until_ms: i64, ring: &mut Writer, now: Nanos) {
        // While its connection is down what comes next would be missed: it is asked again then.
        if !self.is_carried(symbol) || self.fills.is_stale(symbol) {
            return self.fills.answered(symbol, now, true, true);
        }
        let closed = |row: &&KlineRow| row.open_ms + MINUTE_MS <= closed_until_ms;
        // What has a successor has closed, but for what may lag.
        let lag = if self.local { 1 } else { 2 };
        let split = self.rows.iter().take_while(closed).count();
        let split = split.max(self.rows.len().saturating_sub(lag));
        self.bars.clear();
        self.bars.extend(self.rows[..split].iter().map(bar));
        let under_way = self.rows.get(split).map(bar);
        let bars = &self.bars;
        let told = self.intake.lane_tells(
            symbol,
            stamp(now),
            &mut |tick: &Tick| ring.publish(&tick.to_words()),
            |lane, tell| {
                let before = lane.next_ms();
                let filled = lane.fetched(bars, under_way.as_ref(), tell);
                (filled, lane.next_ms() != before)
            },
        );
        let (filled, progress) = told.unwrap_or((true, false));
        self.filled += u64::from(filled);
        self.fills.answered(symbol, now, filled, progress);
    }

    /// From phase to phase.
    fn advance(&mut self, ring: &mut Writer, now: Nanos) {
        match self.phase {
            Phase::Connecting if self.sockets.all_up() => self.read_clock(),
            Phase::Past => {
                self.tell_past(ring, now);
                if !self.past.is_done() {
                    return;
                }
                let fresh = self.past.from_ms() >= self.closed_until_ms();
                if fresh && self.rounds > 1 || self.rounds >= ROUNDS {
                    self.go_live(ring, now);
                } else {
                    self.read_clock();
                }
            }
            Phase::Connecting | Phase::Clock | Phase::Live => {}
        }
    }

    fn read_clock(&mut self) {
        (self.phase, self.time) = (Phase::Clock, Time::Wanted);
    }

    /// Tells of the past what the reader has room for. What it has not taken is not overwritten.
    fn tell_past(&mut self, ring: &mut Writer, now: Nanos) {
        let lifted = ring.gate_lifted();
        let ahead = ring.published().saturating_sub(ring.gate());
        let mut room = if lifted { u64::MAX } else { self.ahead.saturating_sub(ahead) };
        let has_room = || {
            room = room.saturating_sub(1);
            room > 0
        };
        self.past.tell(&mut self.intake, stamp(now), has_room, &mut |tick: &Tick| {
            ring.publish(&tick.to_words());
        });
    }

    fn go_live(&mut self, ring: &mut Writer, now: Nanos) {
        self.phase = Phase::Live;
        let symbols = self.intake.symbols().ids();
        for symbol in symbols {
            let incomplete = self.past.incomplete().contains(&symbol);
            let whole = self.intake.lane_tells(
                symbol,
                stamp(now),
                &mut |tick: &Tick| ring.publish(&tick.to_words()),
                |lane, tell| {
                    let whole = lane.past_ends(tell);
                    if incomplete {
                        lane.lost(tell);
                    }
                    whole && !incomplete
                },
            );
            if whole == Some(false) {
                self.fills.want(symbol, now);
            }
        }
        for slot in 0..self.shards.len() {
            if !self.sockets.is_up(slot) {
                self.wish(Wish::Lost(slot), ring, now);
            }
        }
        self.intake.let_quotes_through();
        let requests = self.rest.asked();
        tracing::info!(requests, holes = self.fills.open(), "the past is told; live from here");
    }

    /// Asks what is to be asked, as far as there is room.
    fn ask(&mut self, now: Nanos) {
        while now >= self.ask_from && self.rest.has_room() {
            let Some((errand, path, call)) = self.next_question(now) else { return };
            let query = path.split_once('?').map_or("", |(_, query)| query);
            let weight = call.endpoint().weight.of(|name| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
            });
            self.rest.ask(errand, path, weight);
        }
    }

    fn next_question(&mut self, now: Nanos) -> Option<(Errand, String, Call)> {
        let plain = |call: Call| call.endpoint().path.to_owned();
        if self.time == Time::Wanted && self.phase != Phase::Connecting {
            self.time = Time::Asked;
            let path = if self.local { "/sim/v1/clock".to_owned() } else { plain(Call::Time) };
            return Some((Errand::Clock, path, Call::Time));
        }
        if self.phase == Phase::Past
            && let Some(query) = self.past.next_query()
        {
            return Some((Errand::Past(query), self.klines(&query), Call::Klines));
        }
        if self.universe.ask(now) {
            return Some((Errand::Universe, plain(Call::ExchangeInfo), Call::ExchangeInfo));
        }
        if self.phase != Phase::Live || self.time != Time::Known {
            return None;
        }
        let (intake, sockets, carriers) = (&self.intake, &self.sockets, &self.carriers);
        let needless = |symbol: SymbolId| {
            let down = !carriers.get(symbol.index()).is_some_and(|slot| sockets.is_up(*slot));
            down || intake.lane(symbol).is_none_or(|lane| !lane.is_filling())
        };
        let symbol = self.fills.next(now, needless)?;
        let next_ms = intake.lane(symbol)?.next_ms()?;
        let query = fills::query(symbol, next_ms, intake.market_ms());
        let errand = Errand::Fill { query, closed_until_ms: self.closed_until_ms() };
        Some((errand, self.klines(&query), Call::Klines))
    }

    fn klines(&self, query: &Query) -> String {
        let Query { symbol, from_ms, to_ms, limit } = *query;
        let path = Call::Klines.endpoint().path;
        let symbol = self.intake.symbols().name(symbol);
        let end = if to_ms == i64::MAX { String::new() } else { format!("&endTime={to_ms}") };
        format!("{path}?symbol={symbol}&interval=1m&startTime={from_ms}{end}&limit={limit}")
    }

    /// Is the connection of a symbol's candles up?
    fn is_carried(&self, symbol: SymbolId) -> bool {
        self.carriers.get(symbol.index()).is_some_and(|slot| self.sockets.is_up(*slot))
    }

    /// Looks for symbols that are silent while their connection is not.
    fn watch(&mut self, ring: &mut Writer, now: Nanos) {
        if now.since(self.watched) < WATCH || self.phase != Phase::Live {
            return;
        }
        self.watched = now;
        let marks = self.streams == Streams::All;
        let Some(symbol) = self.intake.silent(now, &self.silence, marks) else { return };
        let name = self.intake.symbols().name(symbol);
        let Some(slot) = self.carriers.get(symbol.index()).copied() else { return };
        if !self.sockets.is_up(slot) {
            return;
        }
        tracing::warn!(name, slot, "a symbol's streams are silent; connecting again");
        self.intake.mute(symbol);
        self.universe.changed(now);
        self.sockets.silent(slot, now, &mut self.wishes);
        self.wishes(ring, now);
    }
}

/// By symbol, the connection that carries its candles.
fn carriers(shards: &[Shard], symbols: usize) -> Vec<usize> {
    let mut carriers = vec![0; symbols];
    for (slot, shard) in shards.iter().enumerate().filter(|(_, shard)| shard.candles) {
        for symbol in &shard.symbols {
            carriers[symbol.index()] = slot;
        }
    }
    carriers
}

fn bar(row: &KlineRow) -> Bar {
    let KlineRow { open_ms, open, high, low, close, volume, .. } = *row;
    Bar { open_ms, open, high, low, close, volume }
}
