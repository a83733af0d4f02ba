//! Step machine: a live source at work, from the first connection to live and through every hole
//! behind it.
//!
//! ```text
//! connect ──> clock ──> past, slice by slice ──> clock … until nothing has closed since ──> live
//! ```
//!
//! The streams are open before the past is fetched, so nothing lies between; what they bring
//! meanwhile is kept by each symbol's lane. Connections and questions are somebody else's: what is
//! wanted of them is told one by one, and what became of them is told back.

use super::fills::{self, Fills};
use super::intake::{Asks, Intake};
use super::lane::Bar;
use super::past::{Past, Query};
use super::plan::Shard;
use super::sockets::{Place, Sockets, Wish};
use super::universe::Universe;
use super::{LiveReport, MINUTE_MS, Rows, Silence, Source, Streams, stamp};
use aegis_types::{Nanos, SymbolId, SymbolTable, Tick};
use aegis_venue::client::backoff::Backoff;
use aegis_wire::bodies::{self, ExchangeInfo, KlineRow};
use aegis_wire::endpoints::Call;

/// How often silence is looked for.
const WATCH: Nanos = Nanos(1_000_000_000);
/// The exchange's candles by REST may lag behind its streams so long.
const LAG_MS: i64 = 1_500;
/// Rounds of fetching what has closed meanwhile, after which holes are filled as always.
const ROUNDS: u32 = 20;

/// What a question is for.
#[derive(Clone, Copy, Debug)]
pub enum Errand {
    /// The exchange's clock.
    Clock,
    /// Candles of the past.
    Past(Query),
    /// Candles of a hole.
    Fill {
        /// Which.
        query: Query,
        /// Candles that end by then are closed for good.
        closed_until_ms: i64,
    },
    /// The list of symbols.
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

/// A question that is to be asked by REST.
#[derive(Clone, Debug)]
pub struct Question {
    /// What for; comes back with the answer.
    pub errand: Errand,
    /// Path and query.
    pub path: String,
    /// What it costs of the limit per address.
    pub weight: u32,
}

/// Where facts go.
pub trait Sink {
    /// Takes a fact.
    fn publish(&mut self, tick: &Tick);
    /// How many facts fit before those that its reader has not taken are more than `ahead`.
    fn room(&self, ahead: u64) -> u64;
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

/// A live source without its sockets.
pub struct Course {
    local: bool,
    streams: Streams,
    silence: Silence,
    shards: Vec<Shard>,
    /// Which of them carries a symbol's candles.
    carriers: Vec<usize>,
    sockets: Sockets,
    intake: Intake,
    phase: Phase,
    time: Time,
    rounds: u32,
    past: Past,
    fills: Fills,
    universe: Universe,
    /// Facts that the past may be ahead of its reader.
    ahead: u64,
    backoff: Backoff,
    /// No question is asked before then.
    ask_from: Nanos,
    watched: Nanos,
    filled: u64,
    failed: u64,
    asked: u64,
    wishes: Vec<Wish>,
    asks: Vec<Asks>,
    rows: Vec<KlineRow>,
    bars: Rows,
}

impl Course {
    /// A source at the beginning, over these connections. `since_ms` replaces the beginning of its
    /// past: a successor has to tell only what its predecessor did not. The seed is of the pauses'
    /// jitter.
    pub fn new(
        source: &Source,
        symbols: &SymbolTable,
        shards: Vec<Shard>,
        since_ms: Option<i64>,
        slots: usize,
        (now, seed): (Nanos, u64),
    ) -> Self {
        let span = |ms: u32| Nanos::from_millis(i64::from(ms));
        let refresh = i64::try_from(source.universe_refresh_ms).unwrap_or(i64::MAX);
        let from_ms = since_ms.unwrap_or(source.history_from_ms);
        let mut intake = Intake::new(symbols, source.firewall, span(source.conflation_ms));
        let past = Past::new(symbols.len(), from_ms);
        intake.begin(past.from_ms());
        Self {
            local: source.venue == "local",
            streams: source.streams,
            silence: source.silence,
            carriers: carriers(&shards, symbols.len()),
            sockets: Sockets::new(shards.len(), span(source.silence.socket_ms), seed),
            shards,
            intake,
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
            asked: 0,
            wishes: Vec::with_capacity(16),
            asks: Vec::with_capacity(64),
            rows: Vec::new(),
            bars: Rows::new(),
        }
    }

    /// Is the past told and do the streams follow?
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Is the past being told, so that a reader that makes room is waited for?
    pub fn tells_past(&self) -> bool {
        self.phase == Phase::Past
    }

    /// The connections.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The way of the frames.
    pub const fn intake(&self) -> &Intake {
        &self.intake
    }

    /// The way of the frames, and where what they ask for is put.
    pub(super) const fn ears(&mut self) -> (&mut Intake, &mut Vec<Asks>) {
        (&mut self.intake, &mut self.asks)
    }

    /// One whole message that a socket brought; whether it is a proof that its streams come.
    #[inline]
    pub fn frame(&mut self, now: Nanos, bytes: &[u8], sink: &mut impl Sink) -> bool {
        let before = self.intake.counts().data;
        let ask = self.intake.frame(now, stamp(now), bytes, &mut |tick| sink.publish(tick));
        if ask != Asks::Nothing {
            self.asks.push(ask);
        }
        self.intake.counts().data != before
    }

    /// Attempts of a connection since its last data.
    pub fn failures(&self, slot: usize) -> u32 {
        self.sockets.failures(slot)
    }

    /// When the passing of time alone has something to do, beside looking at the connections.
    pub fn due(&self) -> Option<Nanos> {
        [self.intake.due(), self.fills.due()].into_iter().flatten().min()
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
            requests: self.asked,
            failed_requests: self.failed,
            filled: self.filled,
            market_ms: self.intake.market_ms().max(0),
            left: self.universe.left().clone(),
            arrived: self.universe.arrived().iter().cloned().collect(),
        }
    }

    /// Looks at the connections: which are to be opened, given up, replaced.
    pub fn look(&mut self, now: Nanos) {
        self.sockets.step(now, &mut self.wishes);
    }

    /// The next connection to be opened or closed.
    pub fn next_wish(&mut self, now: Nanos, sink: &mut impl Sink) -> Option<Wish> {
        while !self.wishes.is_empty() {
            match self.wishes.remove(0) {
                Wish::Lost(slot) => self.lose(slot, now, sink),
                Wish::Back(slot) => self.back(slot, now),
                wish => return Some(wish),
            }
        }
        None
    }

    /// What a connection's streams bring may be missing from now on.
    fn lose(&mut self, slot: usize, now: Nanos, sink: &mut impl Sink) {
        let Self { shards, intake, .. } = self;
        let shard = &shards[slot];
        let symbols = if shard.candles { shard.symbols.as_slice() } else { &[] };
        for symbol in symbols {
            let tell = &mut |tick: &Tick| sink.publish(tick);
            intake.lane_tells(*symbol, stamp(now), tell, |lane, tell| lane.lost(tell));
        }
    }

    /// They come again.
    fn back(&mut self, slot: usize, now: Nanos) {
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

    /// A connection is open and its streams are asked for.
    pub fn opened(&mut self, at: Place, now: Nanos) {
        self.sockets.opened(at, now, &mut self.wishes);
    }

    /// A connection brought something of a market.
    #[inline]
    pub fn data(&mut self, at: Place, now: Nanos) {
        self.sockets.data(at, now, &mut self.wishes);
    }

    /// A connection has ended, or was never made.
    pub fn ended(&mut self, at: Place, why: &str, now: Nanos) {
        let failures = self.sockets.failures(at.slot);
        tracing::warn!(slot = at.slot, failures, "connection of the streams ended: {why}");
        self.sockets.closed(at, now, &mut self.wishes);
    }

    /// What the frames have asked for.
    pub fn take_asks(&mut self, now: Nanos) {
        for ask in self.asks.drain(..) {
            match ask {
                Asks::Candles(symbol) => self.fills.want(symbol, now),
                Asks::Universe => self.universe.changed(now),
                Asks::Nothing => {}
            }
        }
    }

    /// A question was answered.
    pub fn answered(
        &mut self,
        errand: Errand,
        status: u16,
        body: &[u8],
        sink: &mut impl Sink,
        now: Nanos,
    ) {
        if status != 200 {
            let text = String::from_utf8_lossy(body);
            let text: String = text.chars().take(160).collect();
            return self.lost(errand, &format!("status {status}: {text}"), now);
        }
        self.backoff.reset();
        if let Err(why) = self.answer(errand, body, sink, now) {
            self.lost(errand, &why, now);
        }
    }

    /// A question has no usable answer.
    pub fn lost(&mut self, errand: Errand, why: &str, now: Nanos) {
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
        body: &[u8],
        sink: &mut impl Sink,
        now: Nanos,
    ) -> Result<(), String> {
        match errand {
            Errand::Clock => {
                let market_ms = self.market_ms(body)?;
                self.intake.clock(market_ms);
                self.time = Time::Known;
                if self.phase == Phase::Clock {
                    self.past.extend(self.closed_until_ms());
                    self.rounds += 1;
                    self.phase = Phase::Past;
                }
            }
            Errand::Past(query) => {
                bodies::klines(body, &mut self.rows).map_err(|e| e.to_string())?;
                self.bars.clear();
                self.bars.extend(self.rows.iter().map(bar));
                self.past.answered(query.symbol, &self.bars);
            }
            Errand::Fill { query, closed_until_ms } => {
                bodies::klines(body, &mut self.rows).map_err(|e| e.to_string())?;
                self.fill(query.symbol, closed_until_ms, sink, now);
            }
            Errand::Universe => {
                let info: ExchangeInfo = bodies::read(body).map_err(|e| e.to_string())?;
                let verdicts = bodies::universe(&info.symbols.0);
                let gone = self.universe.answered(now, self.intake.symbols(), &verdicts);
                for (symbol, reason) in gone {
                    self.leave(symbol, &reason, sink, now);
                }
                for name in self.universe.arrived() {
                    tracing::info!(name, "a new symbol trades; it joins at the next start");
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, symbol: SymbolId, reason: &str, sink: &mut impl Sink, now: Nanos) {
        let name = self.intake.symbols().name(symbol);
        tracing::warn!(name, "the symbol has left the universe: {reason}");
        self.intake.leave(symbol, stamp(now), &mut |tick: &Tick| sink.publish(tick));
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

    fn fill(&mut self, symbol: SymbolId, closed_until_ms: i64, sink: &mut impl Sink, now: Nanos) {
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
            &mut |tick: &Tick| sink.publish(tick),
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

    /// Time passes: conflation windows end, the past is told, silence is noticed.
    pub fn turn(&mut self, now: Nanos, sink: &mut impl Sink) {
        self.intake.turn(now, &mut |tick| sink.publish(tick));
        self.advance(sink, now);
        self.watch(now);
    }

    /// From phase to phase.
    fn advance(&mut self, sink: &mut impl Sink, now: Nanos) {
        match self.phase {
            Phase::Connecting if self.sockets.all_up() => self.read_clock(),
            Phase::Past => {
                self.tell_past(sink, now);
                if !self.past.is_done() {
                    return;
                }
                let fresh = self.past.from_ms() >= self.closed_until_ms();
                if fresh && self.rounds > 1 || self.rounds >= ROUNDS {
                    self.go_live(sink, now);
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
    fn tell_past(&mut self, sink: &mut impl Sink, now: Nanos) {
        let mut room = sink.room(self.ahead);
        let has_room = || {
            room = room.saturating_sub(1);
            room > 0
        };
        self.past.tell(&mut self.intake, stamp(now), has_room, &mut |tick: &Tick| {
            sink.publish(tick);
        });
    }

    fn go_live(&mut self, sink: &mut impl Sink, now: Nanos) {
        self.phase = Phase::Live;
        let symbols = self.intake.symbols().ids();
        for symbol in symbols {
            let incomplete = self.past.incomplete().contains(&symbol);
            let whole = self.intake.lane_tells(
                symbol,
                stamp(now),
                &mut |tick: &Tick| sink.publish(tick),
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
                self.lose(slot, now, sink);
            }
        }
        self.intake.let_quotes_through();
        let requests = self.asked;
        tracing::info!(requests, holes = self.fills.open(), "the past is told; live from here");
    }

    /// The next question, if one is to be asked now. It counts as asked.
    pub fn next_question(&mut self, now: Nanos) -> Option<Question> {
        if now < self.ask_from {
            return None;
        }
        let (errand, path, call) = self.next_errand(now)?;
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let weight = call.endpoint().weight.of(|name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
        });
        self.asked += 1;
        Some(Question { errand, path, weight })
    }

    fn next_errand(&mut self, now: Nanos) -> Option<(Errand, String, Call)> {
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
    fn watch(&mut self, now: Nanos) {
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
