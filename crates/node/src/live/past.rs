//! Step machine: the closed candles before the first live fact: which are asked for, and in which
//! order they are told.
//!
//! They are asked for slice by slice, all symbols of a slice before the next, so that memory does
//! not grow with the length of the past; and told merged: at one instant all closes before all
//! opens, each by symbol id. The last thing told is the first price of the minute under way.

use super::intake::Intake;
use super::lane::Bar;
use super::{MINUTE_MS, Rows};
use aegis_types::{SymbolId, Tick};

/// Minutes of a slice: with the one under way the most candles for the least weight, 2 for fewer
/// than 500.
pub const SLICE: i64 = 498;
/// Asked in vain so often, a slice of a symbol counts as missing.
const TRIES: u8 = 5;

/// One symbol's candles of a slice.
#[derive(Clone, Debug, Default)]
struct Part {
    bars: Vec<Bar>,
    told: usize,
    tries: u8,
}

/// The past of all symbols.
#[derive(Clone, Debug)]
pub struct Past {
    /// First instant of the slice, and the first one behind it.
    from_ms: i64,
    to_ms: i64,
    /// Candles that close later are not of the past.
    until_ms: i64,
    parts: Vec<Part>,
    /// Symbols to ask for, the next one last.
    ask: Vec<SymbolId>,
    /// Asked for and not answered.
    asked: usize,
    /// Symbols of which something could not be had.
    incomplete: Vec<SymbolId>,
    /// What is told next: the minute, whether its closes, the symbol.
    minute_ms: i64,
    closes: bool,
    symbol: usize,
}

/// What is asked for: candles of a symbol that begin between two instants, these included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose.
    pub symbol: SymbolId,
    /// First instant, ms.
    pub from_ms: i64,
    /// Last instant, ms.
    pub to_ms: i64,
    /// Most candles.
    pub limit: u16,
}

impl Past {
    /// Of `symbols` symbols, from a minute on.
    pub fn new(symbols: usize, from_ms: i64) -> Self {
        let from_ms = from_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        Self {
            from_ms,
            to_ms: from_ms,
            until_ms: from_ms,
            parts: vec![Part::default(); symbols],
            ask: Vec::with_capacity(symbols),
            asked: 0,
            incomplete: Vec::new(),
            minute_ms: from_ms,
            closes: false,
            symbol: 0,
        }
    }

    /// First instant that is not told yet.
    pub const fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// Candles are closed until then: more of them are of the past. Call it when a slice is done.
    pub fn extend(&mut self, closed_until_ms: i64) {
        self.until_ms = closed_until_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        self.slice();
    }

    /// Is everything told that was closed when [`Past::extend`] was called last?
    pub const fn is_done(&self) -> bool {
        self.from_ms >= self.until_ms
    }

    fn slice(&mut self) {
        self.to_ms = self.until_ms.min(self.from_ms + SLICE * MINUTE_MS);
        if self.is_done() {
            return;
        }
        (self.minute_ms, self.closes, self.symbol) = (self.from_ms, false, 0);
        for part in &mut self.parts {
            part.bars.clear();
            (part.told, part.tries) = (0, 0);
        }
        self.ask.extend((0..self.parts.len() as u16).rev().map(SymbolId));
    }

    /// The next question, if there is one.
    pub fn next_query(&mut self) -> Option<Query> {
        let symbol = self.ask.pop()?;
        self.asked += 1;
        let to_ms = self.to_ms + if self.is_last() { MINUTE_MS } else { 0 };
        let limit = (to_ms - self.from_ms) / MINUTE_MS;
        Some(Query {
            symbol,
            from_ms: self.from_ms,
            to_ms: to_ms - 1,
            limit: u16::try_from(limit).unwrap_or(u16::MAX),
        })
    }

    /// Behind this slice is the minute under way.
    const fn is_last(&self) -> bool {
        self.to_ms == self.until_ms
    }

    /// An answer. Rows outside of the slice are passed over.
    pub fn answered(&mut self, symbol: SymbolId, rows: &Rows) {
        self.asked = self.asked.saturating_sub(1);
        let (from, to) = (self.from_ms, self.to_ms + i64::from(self.is_last()));
        let Some(part) = self.parts.get_mut(symbol.index()) else { return };
        for bar in rows.iter().filter(|bar| bar.open_ms >= from && bar.open_ms < to) {
            if part.bars.last().is_none_or(|last| last.open_ms < bar.open_ms) {
                part.bars.push(*bar);
            }
        }
    }

    /// No answer, or one without candles. Asks again, or goes on without.
    pub fn failed(&mut self, symbol: SymbolId) {
        self.asked = self.asked.saturating_sub(1);
        let Some(part) = self.parts.get_mut(symbol.index()) else { return };
        part.tries += 1;
        if part.tries < TRIES {
            self.ask.insert(0, symbol);
        } else if !self.incomplete.contains(&symbol) {
            self.incomplete.push(symbol);
        }
    }

    /// Symbols of which something could not be had.
    pub fn incomplete(&self) -> &[SymbolId] {
        &self.incomplete
    }

    /// Tells of a slice that is complete, as long as `room` says that there is room for one more.
    pub fn tell(
        &mut self,
        intake: &mut Intake,
        received_us: u32,
        mut room: impl FnMut() -> bool,
        tell: &mut impl FnMut(&Tick),
    ) {
        if !self.ask.is_empty() || self.asked > 0 || self.is_done() {
            return;
        }
        while self.minute_ms < self.to_ms
            || self.minute_ms == self.to_ms && self.is_last() && !self.closes
        {
            while self.symbol < self.parts.len() {
                if !room() {
                    return;
                }
                self.tell_one(intake, received_us, tell);
                self.symbol += 1;
            }
            self.symbol = 0;
            if self.closes {
                self.minute_ms += MINUTE_MS;
            }
            self.closes = !self.closes;
        }
        self.from_ms = self.to_ms;
        self.slice();
    }

    fn tell_one(&mut self, intake: &mut Intake, received_us: u32, tell: &mut impl FnMut(&Tick)) {
        let part = &mut self.parts[self.symbol];
        let Some(bar) = part.bars.get(part.told).filter(|b| b.open_ms == self.minute_ms) else {
            return;
        };
        let symbol = SymbolId(self.symbol as u16);
        intake.lane_tells(symbol, received_us, tell, |lane, tell| {
            if self.closes { lane.past_close(bar, tell) } else { lane.past_open(bar, tell) }
        });
        part.told += usize::from(self.closes);
    }
}
