//! Step machine: which live facts the brain takes: each once, quotes no more often than their
//! interval.

use aegis_types::{Nanos, Tick, TickBody};
use serde::{Deserialize, Serialize};

/// What a symbol has shown, so that nothing is shown twice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Shown {
    opened: Nanos,
    closed: Nanos,
    book: Nanos,
    mark: Nanos,
}

const UNSEEN: Nanos = Nanos(i64::MIN);

/// The facts that were taken, of every symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Admission {
    shown: Vec<Shown>,
    quote_interval: Nanos,
}

impl Admission {
    /// For so many symbols, with so much time between two quotes of a kind.
    pub fn new(symbols: usize, quote_interval: Nanos) -> Self {
        let shown = Shown { opened: UNSEEN, closed: UNSEEN, book: UNSEEN, mark: UNSEEN };
        Self { shown: vec![shown; symbols], quote_interval }
    }

    /// Is this fact new, and due by the interval of quotes? Then it counts as taken.
    #[inline]
    pub fn admits(&mut self, tick: &Tick) -> bool {
        let Some(shown) = self.shown.get_mut(tick.symbol.index()) else { return false };
        let (last, pause) = match tick.body {
            TickBody::Open { .. } => (&mut shown.opened, Nanos(1)),
            TickBody::Candle { .. } => (&mut shown.closed, Nanos(1)),
            TickBody::Book { .. } => (&mut shown.book, self.quote_interval),
            TickBody::Mark { .. } => (&mut shown.mark, self.quote_interval),
            // What trades say of prices, the book says before and candles say after.
            TickBody::Trade { .. } | TickBody::End => return false,
            TickBody::Gap { .. } => return true,
        };
        let due = *last == UNSEEN || tick.at.since(*last) >= pause;
        if due {
            *last = tick.at;
        }
        due
    }
}
