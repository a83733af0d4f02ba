//! The markets as an iterator of ticks.

use crate::rhythm::{Rhythm, minute_of};
use crate::spec::MarketSpec;
use crate::symbol::{Shared, Symbol};
use aegis_types::{Nanos, Qty, Tick, TickBody};
use alloc::vec::Vec;

/// What is emitted at an instant: the opens of the minute that begins; half-way the books, where
/// they are asked for; then the closes, before the opens of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opens,
    Books,
    Closes,
}

/// What is offered at either side of a book: nobody trades against it here.
const BOOK_QTY: Qty = Qty::whole(1);

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
    books: bool,
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
            books: spec.books,
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
        let phases = if self.books { 3 } else { 2 };
        let passed = match self.phase {
            Phase::Opens => 0,
            Phase::Books => 1,
            Phase::Closes => phases - 1,
        };
        (minutes * phases * self.symbols.len())
            .saturating_sub(passed * self.symbols.len() + self.next)
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
            Phase::Books => {
                let bid = candle.open.saturating_plus(-symbol.tick());
                let ask = candle.open.saturating_plus(symbol.tick());
                let (bid_qty, ask_qty, update_id) = (BOOK_QTY, BOOK_QTY, self.minute as u64);
                let at = Nanos::MINUTE.times(self.minute).after(Nanos::SECOND.times(30));
                (at, TickBody::Book { bid, bid_qty, ask, ask_qty, update_id })
            }
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
        let derived = self.phase == Phase::Books;
        let tick = Tick { symbol: symbol.id(), derived, at, received_us: 0, body };
        self.next += 1;
        if self.next == self.symbols.len() {
            self.next = 0;
            self.phase = match self.phase {
                Phase::Opens if self.books => Phase::Books,
                Phase::Opens | Phase::Books => Phase::Closes,
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
