//! What the controls count: denials, alerts, the most that was ever used of each; and the memory
//! behind the throttle of repeated entries.

use crate::brain::Brain;
use crate::machine::Engine;
use crate::risk::Reject;
use aegis_types::{
    Alert, AlertCode, Denial, DenialCode, Nanos, Notice, Out, Side, Signal, SymbolId,
};
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Entries that are remembered for the throttle. Were all of them within its window, nobody could
/// say how many there had been before: then nothing is entered.
pub const RECENT_ENTRIES: usize = 1_024;

/// A measurement: the last, and the largest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gauge {
    pub last: f64,
    pub high: f64,
}

impl Gauge {
    pub const fn note(&mut self, value: f64) {
        self.last = value;
        self.high = self.high.max(value);
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Entered {
    symbol: SymbolId,
    side: Side,
    at: Nanos,
}

/// Counts and high-water marks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Controls {
    /// Denials and alerts by code.
    denied: Vec<u64>,
    alerted: Vec<u64>,
    /// A ring of the newest entries, and how many there ever were.
    entered: Vec<Entered>,
    entries: usize,
    pub repeats: Gauge,
    /// Notional over equity of entries.
    pub order: Gauge,
    /// Distance of entries' prices from what they were held against.
    pub collar: Gauge,
    /// Seconds that positions were without an acknowledged stop.
    pub unprotected: Gauge,
    /// Seconds that outcomes of orders were unknown.
    pub unknown: Gauge,
}

impl Controls {
    pub fn new() -> Self {
        let none = Entered { symbol: SymbolId(0), side: Side::Buy, at: Nanos(i64::MIN) };
        Self {
            denied: vec![0; DenialCode::ALL.len()],
            alerted: vec![0; AlertCode::ALL.len()],
            entered: vec![none; RECENT_ENTRIES],
            entries: 0,
            repeats: Gauge::default(),
            order: Gauge::default(),
            collar: Gauge::default(),
            unprotected: Gauge::default(),
            unknown: Gauge::default(),
        }
    }

    /// Entries that are remembered.
    pub fn entries_known(&self) -> usize {
        self.entries.min(RECENT_ENTRIES)
    }

    /// An entry leaves.
    pub fn note_entry(&mut self, symbol: SymbolId, side: Side, at: Nanos, over_equity: f64) {
        self.entered[self.entries % RECENT_ENTRIES] = Entered { symbol, side, at };
        self.entries += 1;
        self.order.note(over_equity);
    }

    /// May one more entry of this symbol and side leave?
    pub fn check_repeats(
        &mut self,
        symbol: SymbolId,
        side: Side,
        at: Nanos,
        most: u32,
        window: Nanos,
    ) -> Result<(), Reject> {
        let recent = |entered: &&Entered| at.since(entered.at) < window;
        let known = &self.entered[..self.entries_known()];
        let all = known.iter().filter(recent).count();
        if all == RECENT_ENTRIES {
            let all = all as f64;
            return Err(Reject::new(DenialCode::TableFull, all, all));
        }
        let same = |entered: &&Entered| entered.symbol == symbol && entered.side == side;
        let count = known.iter().filter(recent).filter(same).count();
        self.repeats.note(count as f64);
        if count >= most as usize {
            return Err(Reject::new(DenialCode::Repeated, count as f64, f64::from(most)));
        }
        Ok(())
    }

    /// Denials by any of these codes.
    pub fn refused(&self, codes: &[DenialCode]) -> u64 {
        codes.iter().map(|code| self.denied[*code as usize]).sum()
    }

    /// Alerts by this code.
    pub fn alerted(&self, code: AlertCode) -> u64 {
        self.alerted[code as usize]
    }
}

impl<B: Brain> Engine<B> {
    /// Turns a signal away.
    pub(crate) fn deny(&mut self, signal: &Signal, reject: Reject, at: Nanos, out: &mut Out) {
        self.deny_of(signal.symbol, signal.confidence, signal.side, reject, at, out);
    }

    pub(crate) fn deny_of(
        &mut self,
        symbol: SymbolId,
        confidence: f64,
        side: Side,
        reject: Reject,
        at: Nanos,
        out: &mut Out,
    ) {
        let Reject { code, measured, limit } = reject;
        let count = &mut self.controls.denied[code as usize];
        *count += 1;
        let first = *count == 1;
        let denial = Denial { at, symbol, code, measured, limit };
        out.notice(Notice::Denied { denial, confidence, side });
        if code == DenialCode::TableFull && first {
            self.alert(AlertCode::TableFull, Some(symbol), measured as i64, limit as i64, out);
        }
    }

    /// Tells a human.
    pub(crate) fn alert(
        &mut self,
        code: AlertCode,
        symbol: Option<SymbolId>,
        measured: i64,
        limit: i64,
        out: &mut Out,
    ) {
        self.controls.alerted[code as usize] += 1;
        out.notice(Notice::Alert(Alert { code, symbol, measured, limit }));
    }
}
