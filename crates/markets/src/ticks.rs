//! The markets as an iterator of ticks.

use crate::rhythm::{Rhythm, minute_of};
use crate::spec::MarketSpec;
use crate::symbol::{Shared, Symbol};
use aegis_types::{Nanos, Tick, TickBody};
use alloc::vec::Vec;

/// What is emitted at an instant: first the closes of the minute that ended, then the opens of the
/// one that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opens,
    Closes,
}

/// All ticks of a [`MarketSpec`], in order; memory for one minute of each symbol.
#[derive(Clone, Debug)]
pub struct MarketTicks {
    rhythm: Rhythm,
    shared: Shared,
    symbols: Vec<Symbol>,
    minute: i64,
    last_minute: i64,
    phase: Phase,
    next: usize,
}

impl MarketTicks {
    pub(crate) fn new(spec: &MarketSpec) -> Self {
        let symbol = |index| Symbol::new(spec.seed, index, spec.edge);
        let first = minute_of(spec.start);
        Self {
            rhythm: Rhythm::new(),
            shared: Shared::new(spec.seed),
            symbols: (0..spec.symbol_count()).map(symbol).collect(),
            minute: first,
            last_minute: first + spec.minutes() as i64 - 1,
            phase: Phase::Opens,
            next: 0,
        }
    }

    fn make_minute(&mut self) {
        let minute = self.shared.step(self.minute, self.rhythm.factor(self.minute));
        for symbol in &mut self.symbols {
            symbol.step(&minute);
        }
    }

    /// Ticks that are still to come.
    fn remaining(&self) -> usize {
        let minutes = usize::try_from(self.last_minute + 1 - self.minute).unwrap_or(0);
        let done = match self.phase {
            Phase::Opens => self.next,
            Phase::Closes => self.symbols.len() + self.next,
        };
        (minutes * 2 * self.symbols.len()).saturating_sub(done)
    }
}

impl Iterator for MarketTicks {
    type Item = Tick;

    #[inline]
    fn next(&mut self) -> Option<Tick> {
        if self.minute > self.last_minute || self.symbols.is_empty() {
            return None;
        }
        if self.phase == Phase::Opens && self.next == 0 {
            self.make_minute();
        }
        let symbol = &self.symbols[self.next];
        let candle = &symbol.candle;
        let (at, body) = match self.phase {
            Phase::Opens => (
                Nanos::MINUTE.times(self.minute),
                TickBody::Open { px: candle.open, funding: symbol.funding },
            ),
            Phase::Closes => (
                Nanos::MINUTE.times(self.minute + 1),
                TickBody::Candle {
                    open: candle.open,
                    high: candle.high,
                    low: candle.low,
                    close: candle.close,
                    volume: candle.volume,
                },
            ),
        };
        let tick = Tick { symbol: symbol.id(), derived: false, at, received_us: 0, body };
        self.next += 1;
        if self.next == self.symbols.len() {
            self.next = 0;
            self.phase = match self.phase {
                Phase::Opens => Phase::Closes,
                Phase::Closes => {
                    self.minute += 1;
                    Phase::Opens
                }
            };
        }
        Some(tick)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

impl ExactSizeIterator for MarketTicks {}
impl core::iter::FusedIterator for MarketTicks {}
