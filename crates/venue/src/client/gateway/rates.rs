//! Step machine: how many orders leave a second and a minute, of a symbol and of all.
//!
//! The caps lie far below the exchange's own and are there for a strategy that has gone mad: an
//! entry beyond them is refused for good. Orders that only reduce may use twice as much of a second
//! and four times as much of a minute, and what is beyond that goes later: an exit that is refused
//! every half second, as of a halted symbol, must not have used up the minute in which it could
//! leave. Cancels are not counted, as the exchange does not count them.

use aegis_types::Nanos;
use std::collections::VecDeque;

/// Orders that may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// In a second, of all symbols.
    pub second: u32,
    /// In a minute, of all symbols.
    pub minute: u32,
    /// In a second, of one symbol.
    pub symbol_second: u32,
    /// In a minute, of one symbol.
    pub symbol_minute: u32,
}

impl Caps {
    /// For a market that is stepped as fast as it goes: a day of orders passes in a second.
    pub const WIDE: Self = Self {
        second: 1_000_000,
        minute: 1_000_000,
        symbol_second: 1_000_000,
        symbol_minute: 1_000_000,
    };
}

impl Default for Caps {
    fn default() -> Self {
        Self { second: 10, minute: 120, symbol_second: 5, symbol_minute: 40 }
    }
}

/// Orders that are remembered: more than the widest cap of a real market lets through.
const REMEMBERED: usize = 4_096;

/// The orders of the last minute.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    caps: Caps,
    recent: VecDeque<(Nanos, u16)>,
}

impl Rates {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, recent: VecDeque::with_capacity(REMEMBERED) }
    }

    /// May an order of that symbol leave now? It is counted when it may.
    pub(super) fn admit(&mut self, now: Nanos, symbol: u16, reduces: bool) -> bool {
        if self.caps == Caps::WIDE {
            return true;
        }
        while self.recent.front().is_some_and(|(at, _)| now.since(*at) >= Nanos::MINUTE) {
            self.recent.pop_front();
        }
        let (mut minute, mut second, mut of_minute, mut of_second) = (0, 0, 0, 0);
        for (at, of) in &self.recent {
            let here = u32::from(*of == symbol);
            let young = u32::from(now.since(*at) < Nanos::SECOND);
            (minute, second) = (minute + 1, second + young);
            (of_minute, of_second) = (of_minute + here, of_second + here * young);
        }
        let (seconds, minutes) = if reduces { (2, 4) } else { (1, 1) };
        let fits = |used: u32, cap: u32, times: u32| used < cap.saturating_mul(times);
        let caps = &self.caps;
        let admitted = self.recent.len() < REMEMBERED
            && fits(minute, caps.minute, minutes)
            && fits(second, caps.second, seconds)
            && fits(of_minute, caps.symbol_minute, minutes)
            && fits(of_second, caps.symbol_second, seconds);
        if admitted {
            self.recent.push_back((now, symbol));
        }
        admitted
    }
}
