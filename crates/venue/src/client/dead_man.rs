//! Step machine: the exchange's own countdown, after which it cancels the plain orders of a symbol.
//!
//! Set anew every third of its time for each symbol in which a plain order of ours rests, so that
//! entries do not outlive this program. Conditional orders, and so every stop, are in another
//! service: the simulated exchange spares them, the documents do not say what the real one does.
//! Off unless it is asked for.

use super::request::Purpose;
use aegis_types::{Nanos, SymbolId};

/// Pause after a countdown that could not be set.
const AGAIN: Nanos = Nanos::SECOND;

#[derive(Clone, Copy, Debug)]
struct Armed {
    symbol: SymbolId,
    at: Nanos,
    asked: bool,
    wanted: bool,
}

/// The countdowns of all symbols.
#[derive(Clone, Debug)]
pub struct DeadMan {
    span: Nanos,
    armed: Vec<Armed>,
}

impl DeadMan {
    /// Countdowns of so long; zero is off.
    pub const fn new(span: Nanos) -> Self {
        Self { span, armed: Vec::new() }
    }

    /// Plain orders rest in these symbols; what is to be asked goes into `out`.
    pub fn tick(
        &mut self,
        now: Nanos,
        resting: impl Iterator<Item = SymbolId>,
        out: &mut Vec<Purpose>,
    ) {
        if self.span <= Nanos::ZERO {
            return;
        }
        self.armed.iter_mut().for_each(|armed| armed.wanted = false);
        for symbol in resting {
            match self.armed.iter_mut().find(|armed| armed.symbol == symbol) {
                Some(armed) => armed.wanted = true,
                None => self.armed.push(Armed { symbol, at: now, asked: false, wanted: true }),
            }
        }
        // A day of milliseconds fits.
        let span_ms = u32::try_from(self.span.as_millis()).unwrap_or(u32::MAX);
        for armed in &mut self.armed {
            if !armed.asked && (now >= armed.at || !armed.wanted) {
                armed.asked = true;
                let ms = if armed.wanted { span_ms } else { 0 };
                out.push(Purpose::Countdown(armed.symbol, ms));
            }
        }
    }

    /// The exchange took it, or did not.
    pub fn ended(&mut self, now: Nanos, symbol: SymbolId, ms: u32, taken: bool) {
        let Some(index) = self.armed.iter().position(|armed| armed.symbol == symbol) else {
            return;
        };
        let armed = &mut self.armed[index];
        armed.asked = false;
        armed.at = now.after(if taken { Nanos(self.span.0 / 3) } else { AGAIN });
        if taken && ms == 0 {
            self.armed.swap_remove(index);
        }
    }

    /// When [`DeadMan::tick`] has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let waiting = self.armed.iter().filter(|armed| !armed.asked);
        waiting.map(|armed| armed.at).fold(Nanos::MAX, Nanos::min)
    }
}
