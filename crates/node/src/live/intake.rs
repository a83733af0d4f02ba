//! Step machine: frames of the market streams to ticks: read, past the data firewall, candles in
//! order, quotes conflated. Nothing is allocated per frame.

use super::conflate::Conflator;
use super::lane::{Bar, Fact, Heard, Lane};
use super::names::Names;
use super::{MINUTE_MS, Silence};
use aegis_data::{Firewall, FirewallConfig, Refusal, Refusals};
use aegis_types::{Nanos, SymbolId, SymbolTable, Tick, TickBody};
use aegis_wire::frame::{Frame, Kline};
use aegis_wire::{Levels, NoTick, scan};

/// What the frames were, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames taken.
    pub frames: u64,
    /// Of them, frames of a market: answers to subscriptions prove nothing.
    pub data: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Frames of symbols that are not the session's.
    pub unknown: u64,
    /// Closed candles that came again.
    pub duplicates: u64,
    /// Closed candles that came too late.
    pub late: u64,
    /// Gaps told.
    pub gaps: u64,
}

/// What a frame asks of the pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// Candles of a symbol are missing: fetch them.
    Candles(SymbolId),
    /// The exchange's list of symbols has changed: fetch it.
    Universe,
}

/// When a symbol's streams were last heard, by the machine's clock.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    candle: Nanos,
    mark: Nanos,
    mute: bool,
}

/// The way of the frames.
#[derive(Clone, Debug)]
pub struct Intake {
    names: Names,
    lanes: Vec<Lane>,
    pulses: Vec<Pulse>,
    desk: Desk,
    levels: Levels,
    /// Quotes and trades that came before the candles of the past were told are not told.
    quotes: bool,
    market_ms: i64,
    counts: Counts,
}

/// The last steps to the ring: firewall, conflation, stamp.
#[derive(Clone, Debug)]
struct Desk {
    firewall: Firewall,
    refusals: Refusals,
    conflator: Conflator,
}

impl Intake {
    /// For the symbols of a session.
    pub fn new(symbols: &SymbolTable, firewall: FirewallConfig, conflation: Nanos) -> Self {
        let count = symbols.len();
        Self {
            names: Names::new(symbols),
            lanes: vec![Lane::default(); count],
            pulses: vec![Pulse::default(); count],
            desk: Desk {
                firewall: Firewall::new(count, firewall),
                refusals: Refusals::new(count),
                conflator: Conflator::new(count, conflation),
            },
            // No stream of ours has levels.
            levels: Levels::with_capacity(0),
            quotes: false,
            market_ms: i64::MIN,
            counts: Counts::default(),
        }
    }

    /// The symbols.
    pub const fn symbols(&self) -> &SymbolTable {
        self.names.table()
    }

    /// A symbol's candles.
    pub fn lane(&self, symbol: SymbolId) -> Option<&Lane> {
        self.lanes.get(symbol.index())
    }

    /// What the frames were.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Facts that newer ones replaced.
    pub const fn conflated(&self) -> u64 {
        self.desk.conflator.conflated()
    }

    /// What the firewall refused.
    pub const fn refusals(&self) -> &Refusals {
        &self.desk.refusals
    }

    /// Market time, ms: the newest event time heard, or what the exchange's clock said.
    pub const fn market_ms(&self) -> i64 {
        self.market_ms
    }

    /// What the exchange's clock says.
    pub fn clock(&mut self, market_ms: i64) {
        self.market_ms = self.market_ms.max(market_ms);
    }

    /// When something waits for the end of a window.
    pub fn due(&self) -> Option<Nanos> {
        self.desk.conflator.due()
    }

    /// The candles of the past are told: quotes and trades follow.
    pub const fn let_quotes_through(&mut self) {
        self.quotes = true;
    }

    /// One whole message that a socket brought at `now`, stamped `received_us`.
    #[inline]
    pub fn frame(
        &mut self,
        now: Nanos,
        received_us: u32,
        bytes: &[u8],
        tell: &mut impl FnMut(&Tick),
    ) -> Asks {
        self.counts.frames += 1;
        let Ok(message) = scan(bytes, &mut self.levels) else {
            self.counts.malformed += 1;
            return Asks::Nothing;
        };
        let names = &self.names;
        match message.frame {
            Frame::Kline(kline) => {
                self.counts.data += 1;
                return self.kline(now, received_us, &kline, tell);
            }
            Frame::Other { event } => {
                self.counts.data += u64::from(event.is_some());
                let changed = event == Some("contractInfo");
                return if changed { Asks::Universe } else { Asks::Nothing };
            }
            frame => match frame.tick(|name| names.id(name)) {
                Ok(tick) => {
                    self.counts.data += 1;
                    self.quote(now, &Tick { received_us, ..tick }, tell);
                }
                Err(NoTick::UnknownSymbol(_)) => self.counts.unknown += 1,
                Err(_) => {}
            },
        }
        Asks::Nothing
    }

    #[inline]
    fn quote(&mut self, now: Nanos, tick: &Tick, tell: &mut impl FnMut(&Tick)) {
        let index = tick.symbol.index();
        if matches!(tick.body, TickBody::Mark { .. }) {
            let pulse = &mut self.pulses[index];
            (pulse.mark, pulse.mute) = (now, false);
        }
        self.market_ms = self.market_ms.max(tick.at.as_millis());
        if self.quotes && !self.lanes[index].has_left() && self.desk.admit(tick) {
            self.desk.conflator.push(now, tick, tell);
        }
    }

    fn kline(
        &mut self,
        now: Nanos,
        received_us: u32,
        kline: &Kline<'_>,
        tell: &mut impl FnMut(&Tick),
    ) -> Asks {
        let bar = &kline.bar;
        let Some(symbol) = self.names.id(kline.symbol) else {
            self.counts.unknown += 1;
            return Asks::Nothing;
        };
        if bar.interval != "1m" || bar.open_ms.rem_euclid(MINUTE_MS) != 0 {
            self.counts.malformed += 1;
            return Asks::Nothing;
        }
        let pulse = &mut self.pulses[symbol.index()];
        (pulse.candle, pulse.mute) = (now, false);
        self.market_ms = self.market_ms.max(kline.event_ms);
        let closed = bar.closed;
        let bar = Bar {
            open_ms: bar.open_ms,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
        };
        let heard =
            self.lane_tells(symbol, received_us, tell, |lane, tell| lane.live(&bar, closed, tell));
        match heard {
            Some(Heard::Hole) => return Asks::Candles(symbol),
            Some(Heard::Duplicate) => self.counts.duplicates += 1,
            Some(Heard::Late) => self.counts.late += 1,
            Some(Heard::Fine) | None => {}
        }
        Asks::Nothing
    }

    /// Lets a symbol's lane speak, and passes on what it says.
    pub fn lane_tells<R>(
        &mut self,
        symbol: SymbolId,
        received_us: u32,
        tell: &mut impl FnMut(&Tick),
        speak: impl FnOnce(&mut Lane, &mut dyn FnMut(Fact)) -> R,
    ) -> Option<R> {
        let lane = self.lanes.get_mut(symbol.index())?;
        let (desk, gaps, market_ms) = (&mut self.desk, &mut self.counts.gaps, self.market_ms);
        Some(speak(lane, &mut |fact| {
            let (at_ms, body) = match fact {
                Fact::Open { at_ms, px } => (at_ms, TickBody::Open { px, funding: None }),
                Fact::Gap { missing } => (market_ms.max(0), TickBody::Gap { missing }),
                Fact::Close(bar) => (bar.open_ms + MINUTE_MS, body(&bar)),
            };
            let at = Nanos::from_millis(at_ms);
            let tick = Tick { symbol, derived: false, at, received_us, body };
            *gaps += u64::from(matches!(fact, Fact::Gap { .. }));
            let closes = matches!(fact, Fact::Close(_));
            if closes {
                desk.conflator.settle(symbol, tell);
            }
            if desk.admit(&tick) {
                tell(&tick);
            } else if closes {
                // A candle that cannot be true is a candle that is missing.
                *gaps += 1;
                tell(&Tick { body: TickBody::Gap { missing: 1 }, ..tick });
            }
        }))
    }

    /// Time passes: ends conflation windows.
    pub fn turn(&mut self, now: Nanos, tell: &mut impl FnMut(&Tick)) {
        self.desk.conflator.turn(now, tell);
    }

    /// A symbol has left the universe.
    pub fn leave(&mut self, symbol: SymbolId, received_us: u32, tell: &mut impl FnMut(&Tick)) {
        self.desk.conflator.forget(symbol);
        self.lane_tells(symbol, received_us, tell, |lane, tell| lane.leave(tell));
    }

    /// All streams of a symbol count as heard at `now`: its socket has just come up.
    pub fn pulse(&mut self, symbol: SymbolId, now: Nanos) {
        if let Some(pulse) = self.pulses.get_mut(symbol.index()) {
            (pulse.candle, pulse.mark) = (now, now);
        }
    }

    /// A symbol whose candles or marks (where they are listened to) have been silent for too long.
    pub fn silent(&self, now: Nanos, limit: &Silence, marks: bool) -> Option<SymbolId> {
        let over =
            |since: Nanos, ms: u32| ms > 0 && now.since(since) > Nanos::from_millis(i64::from(ms));
        let silent = |(index, pulse): &(usize, &Pulse)| {
            let listens = !pulse.mute && !self.lanes[*index].has_left();
            let mark = marks && over(pulse.mark, limit.mark_ms);
            listens && (mark || over(pulse.candle, limit.candle_ms))
        };
        self.pulses.iter().enumerate().find(silent).map(|(index, _)| SymbolId(index as u16))
    }

    /// Its silence has been acted upon: it counts no more until it is heard again. Connecting again
    /// and again because of one symbol would harm all others.
    pub fn mute(&mut self, symbol: SymbolId) {
        if let Some(pulse) = self.pulses.get_mut(symbol.index()) {
            pulse.mute = true;
        }
    }

    /// Candles are told from there on.
    pub fn begin(&mut self, from_ms: i64) {
        for lane in &mut self.lanes {
            lane.begin(from_ms);
        }
    }
}

fn body(bar: &Bar) -> TickBody {
    TickBody::Candle {
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
    }
}

impl Desk {
    /// Past the firewall; what does not pass is counted by reason.
    #[inline]
    fn admit(&mut self, tick: &Tick) -> bool {
        match self.firewall.admit(tick) {
            Ok(()) => true,
            Err(refusal) => {
                self.refuse(&refusal);
                false
            }
        }
    }

    #[cold]
    fn refuse(&mut self, refusal: &Refusal) {
        let Refusal { symbol, reason, .. } = *refusal;
        let place = || String::from("live");
        self.refusals.add(symbol, reason, place, || refusal.to_string());
    }
}
