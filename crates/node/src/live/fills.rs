//! Step machine: which symbols' candles are fetched to fill a hole, and when they are asked again.

use super::MINUTE_MS;
use super::past::{Query, SLICE};
use aegis_types::{Nanos, SymbolId};

/// Pause before the second question; it doubles with each one in vain.
const PAUSE: Nanos = Nanos(250_000_000);
/// The longest.
const PAUSE_MAX: Nanos = Nanos(8_000_000_000);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// To be asked from then on.
    Due(Nanos),
    Asked {
        /// The socket was lost again since.
        again: bool,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Errand {
    state: State,
    in_vain: u8,
}

/// The holes of all symbols.
#[derive(Clone, Debug)]
pub struct Fills {
    errands: Vec<Errand>,
    open: usize,
    /// Where the search for the next one begins, so that all have their turn.
    from: usize,
}

impl Fills {
    /// Of `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        Self { errands: vec![Errand::default(); symbols], open: 0, from: 0 }
    }

    /// A symbol has a hole.
    pub fn want(&mut self, symbol: SymbolId, now: Nanos) {
        let Some(errand) = self.errands.get_mut(symbol.index()) else { return };
        match &mut errand.state {
            State::Idle => {
                *errand = Errand { state: State::Due(now), in_vain: 0 };
                self.open += 1;
            }
            State::Due(at) => *at = now.min(*at),
            State::Asked { again } => *again = true,
        }
    }

    /// How many symbols have one.
    pub const fn open(&self) -> usize {
        self.open
    }

    /// The symbol to ask for at `now`, if there is one. `needless` says which do not need it any
    /// more.
    pub fn next(&mut self, now: Nanos, needless: impl Fn(SymbolId) -> bool) -> Option<SymbolId> {
        if self.open == 0 {
            return None;
        }
        let count = self.errands.len();
        for step in 0..count {
            let index = (self.from + step) % count;
            let symbol = SymbolId(index as u16);
            let errand = &mut self.errands[index];
            if !matches!(errand.state, State::Due(at) if at <= now) {
                continue;
            }
            if needless(symbol) {
                errand.state = State::Idle;
                self.open -= 1;
                continue;
            }
            errand.state = State::Asked { again: false };
            self.from = (index + 1) % count;
            return Some(symbol);
        }
        None
    }

    /// Was the symbol's socket lost again since it was asked for? Then the answer proves nothing of
    /// what came after it.
    pub fn is_stale(&self, symbol: SymbolId) -> bool {
        let errand = self.errands.get(symbol.index());
        errand.is_some_and(|errand| errand.state == State::Asked { again: true })
    }

    /// It was answered: is the hole filled, and did the answer bring anything?
    pub fn answered(&mut self, symbol: SymbolId, now: Nanos, filled: bool, progress: bool) {
        let Some(errand) = self.errands.get_mut(symbol.index()) else { return };
        let State::Asked { again } = errand.state else { return };
        if filled && !again {
            errand.state = State::Idle;
            self.open -= 1;
            return;
        }
        if progress || again {
            *errand = Errand { state: State::Due(now), in_vain: 0 };
            return;
        }
        let pause = PAUSE.times(1 << errand.in_vain.min(6)).min(PAUSE_MAX);
        *errand = Errand { state: State::Due(now.after(pause)), in_vain: errand.in_vain + 1 };
    }

    /// When the next one is due, if not now.
    pub fn due(&self) -> Option<Nanos> {
        if self.open == 0 {
            return None;
        }
        let due = |errand: &Errand| match errand.state {
            State::Due(at) => Some(at),
            State::Idle | State::Asked { .. } => None,
        };
        self.errands.iter().filter_map(due).min()
    }
}

/// What to ask for a symbol whose next candle begins at `next_ms`, when market time is `market_ms`.
pub fn query(symbol: SymbolId, next_ms: i64, market_ms: i64) -> Query {
    // The candle under way is wanted too: it proves that nothing lies between.
    let minutes = (market_ms.saturating_sub(next_ms) / MINUTE_MS).clamp(0, SLICE) + 3;
    let limit = minutes.min(SLICE);
    Query { symbol, from_ms: next_ms, to_ms: i64::MAX, limit: limit as u16 }
}
