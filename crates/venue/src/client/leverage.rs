//! Step machine: isolated margin and leverage of a symbol, set before its first entry, read back.
//!
//! ```text
//! isolate (unless it is) ─> set leverage (unless it is) ─> read back ─> told
//! ```
//!
//! Only what was read back is told. A symbol whose margin is not isolated is told with leverage 0,
//! on which the engine gives its entry up.

use super::notes::Note;
use super::request::Purpose;
use aegis_types::{Nanos, SymbolId};
use aegis_wire::errors::Class;

/// Times that the whole chain is tried.
const TRIES: u8 = 3;
/// Pause before it is tried again.
const AGAIN: Nanos = Nanos::MILLISECOND.times(500);
/// Pause before a chain that has failed, or that somebody has undone, is tried anew.
const ANEW: Nanos = Nanos::SECOND.times(30);

/// What happens to a chain.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// The engine wants this leverage.
    Want(SymbolId, u16),
    /// The exchange did what was asked, or says that it is so already.
    Done(Purpose),
    /// It refused, with that class.
    Refused(Purpose, Class),
    /// No answer.
    Lost(Purpose),
    /// Read back: leverage, isolated.
    Read(SymbolId, u16, bool),
    /// Nothing could be read.
    Unread(SymbolId),
    /// Somebody has set this leverage; what was proven no longer holds.
    Changed(SymbolId, u16),
    /// As they were at the start.
    Known(&'a [(SymbolId, u16, bool)]),
}

/// What it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That request.
    Ask(Purpose),
    /// The engine told this leverage.
    Tell(SymbolId, u16),
    /// People told this.
    Note(Note),
}

#[derive(Clone, Copy, Debug)]
struct Chain {
    symbol: SymbolId,
    wanted: u16,
    /// The request that is under way.
    asked: Option<Purpose>,
    at: Nanos,
    tries: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    leverage: u16,
    isolated: Option<bool>,
    /// Read back by a chain of ours.
    proven: bool,
}

/// Leverages and margin types of all symbols.
#[derive(Clone, Debug)]
pub struct Leverages {
    known: Vec<Known>,
    chains: Vec<Chain>,
    /// Symbols that are not as they were wanted, and when that is tried anew.
    unset: Vec<(SymbolId, u16, Nanos)>,
}

impl Leverages {
    /// Nothing known of `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        Self { known: vec![Known::default(); symbols], chains: Vec::new(), unset: Vec::new() }
    }

    /// Chains that are not done.
    pub fn pending(&self) -> usize {
        self.chains.len()
    }

    /// Symbols whose leverage or margin type is not what was asked for.
    pub fn unset(&self) -> usize {
        self.unset.len()
    }

    fn miss(&mut self, symbol: SymbolId, wanted: u16, again: Nanos) {
        self.unset.retain(|(of, ..)| *of != symbol);
        self.unset.push((symbol, wanted, again));
    }

    /// Is a chain of this symbol under way?
    pub fn busy(&self, symbol: SymbolId) -> bool {
        self.chains.iter().any(|chain| chain.symbol == symbol)
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Vec<Wish>) {
        match input {
            Input::Tick => self.try_anew(now, out),
            Input::Known(rows) => {
                for (symbol, leverage, isolated) in rows {
                    if let Some(known) = self.known.get_mut(symbol.index()) {
                        *known = Known {
                            leverage: *leverage,
                            isolated: Some(*isolated),
                            proven: known.proven,
                        };
                    }
                }
            }
            Input::Changed(symbol, leverage) if !self.busy(symbol) => {
                if let Some(known) = self.known.get_mut(symbol.index()) {
                    let before = *known;
                    (known.leverage, known.proven) = (leverage, false);
                    // What was read back and not wanted is not what is gone back to.
                    let missed = self.unset.iter().any(|(of, ..)| *of == symbol);
                    if before.proven && before.leverage != leverage && !missed {
                        self.miss(symbol, before.leverage, now.after(ANEW));
                    }
                }
            }
            // Most likely its own doing; the read-back decides.
            Input::Changed(..) => {}
            Input::Want(symbol, wanted) => self.want(now, symbol, wanted, out),
            Input::Done(purpose) => self.went(now, purpose, true),
            Input::Refused(purpose, class) => self.went(now, purpose, class == Class::Done),
            // What it did is read back.
            Input::Lost(purpose) => self.went(now, purpose, false),
            Input::Read(symbol, leverage, isolated) => {
                self.read(now, symbol, leverage, isolated, out);
            }
            Input::Unread(symbol) => self.unread(now, symbol, out),
        }
        for index in 0..self.chains.len() {
            self.go(now, index, out);
        }
    }

    fn try_anew(&mut self, now: Nanos, out: &mut Vec<Wish>) {
        for index in 0..self.unset.len() {
            let (symbol, wanted, again) = self.unset[index];
            if now >= again && !self.busy(symbol) {
                self.unset[index].2 = Nanos::MAX;
                self.want(now, symbol, wanted, out);
            }
        }
    }

    fn want(&mut self, now: Nanos, symbol: SymbolId, wanted: u16, out: &mut Vec<Wish>) {
        let Some(known) = self.known.get(symbol.index()) else {
            return out.push(Wish::Tell(symbol, 0));
        };
        if known.proven && known.isolated == Some(true) && known.leverage == wanted {
            return out.push(Wish::Tell(symbol, wanted));
        }
        match self.chains.iter_mut().find(|chain| chain.symbol == symbol) {
            Some(chain) => chain.wanted = wanted,
            None => {
                let chain = Chain { symbol, wanted, asked: None, at: now, tries: 0 };
                self.chains.push(chain);
            }
        }
    }

    /// Sends the next request of a chain, if none is under way.
    fn go(&mut self, now: Nanos, index: usize, out: &mut Vec<Wish>) {
        let chain = &mut self.chains[index];
        if chain.asked.is_some() || now < chain.at {
            return;
        }
        let (symbol, known) = (chain.symbol, self.known[chain.symbol.index()]);
        let next = if known.isolated != Some(true) {
            Purpose::Isolate(symbol)
        } else if known.leverage != chain.wanted {
            Purpose::Leverage(symbol, chain.wanted)
        } else {
            Purpose::SymbolConfig(Some(symbol))
        };
        chain.asked = Some(next);
        out.push(Wish::Ask(next));
    }

    /// A setting was answered: what it is believed to be now decides what is asked next, and the
    /// read-back decides what is told.
    fn went(&mut self, now: Nanos, purpose: Purpose, done: bool) {
        let symbol = match purpose {
            Purpose::Isolate(symbol) | Purpose::Leverage(symbol, _) => symbol,
            _ => return,
        };
        let Some(chain) = self.chains.iter_mut().find(|c| c.asked == Some(purpose)) else { return };
        chain.asked = None;
        let Some(known) = self.known.get_mut(symbol.index()) else { return };
        match purpose {
            Purpose::Isolate(_) if done => known.isolated = Some(true),
            Purpose::Leverage(_, leverage) if done => known.leverage = leverage,
            // Refused or unknown: nothing but what is read back counts, so what is believed here
            // only makes that the next question.
            _ => {
                *known = Known { leverage: chain.wanted, isolated: Some(true), proven: false };
                (chain.tries, chain.at) = (chain.tries + 1, now);
            }
        }
    }

    fn read(
        &mut self,
        now: Nanos,
        symbol: SymbolId,
        leverage: u16,
        isolated: bool,
        out: &mut Vec<Wish>,
    ) {
        let Some(known) = self.known.get_mut(symbol.index()) else { return };
        *known = Known { leverage, isolated: Some(isolated), proven: true };
        let Some(index) = self.chains.iter().position(|chain| chain.symbol == symbol) else {
            return;
        };
        let chain = &mut self.chains[index];
        chain.asked = None;
        let as_wanted = isolated && leverage == chain.wanted;
        if !as_wanted && chain.tries < TRIES {
            chain.tries += 1;
            chain.at = now.after(AGAIN);
            return;
        }
        let wanted = self.chains.remove(index).wanted;
        self.unset.retain(|(of, ..)| *of != symbol);
        if !as_wanted {
            self.miss(symbol, wanted, now.after(ANEW));
            out.push(Wish::Note(Note::NotSet { symbol, leverage, isolated }));
        }
        out.push(Wish::Tell(symbol, if isolated { leverage } else { 0 }));
    }

    fn unread(&mut self, now: Nanos, symbol: SymbolId, out: &mut Vec<Wish>) {
        let Some(index) = self.chains.iter().position(|chain| chain.symbol == symbol) else {
            return;
        };
        let chain = &mut self.chains[index];
        chain.asked = None;
        if chain.tries < TRIES {
            chain.tries += 1;
            chain.at = now.after(AGAIN);
            return;
        }
        let wanted = self.chains.remove(index).wanted;
        self.miss(symbol, wanted, now.after(ANEW));
        out.push(Wish::Note(Note::NotSet { symbol, leverage: 0, isolated: false }));
        out.push(Wish::Tell(symbol, 0));
    }

    /// When it has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let waiting = self.chains.iter().filter(|chain| chain.asked.is_none());
        let anew = self.unset.iter().map(|(_, _, again)| *again);
        waiting.map(|chain| chain.at).chain(anew).fold(Nanos::MAX, Nanos::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_has_set_is_never_gone_back_to() {
        let (symbol, mut wishes) = (SymbolId(0), Vec::new());
        let mut leverages = Leverages::new(1);
        let mut now = Nanos::SECOND;
        leverages.step(now, Input::Known(&[(symbol, 3, true)]), &mut wishes);
        leverages.step(now, Input::Want(symbol, 3), &mut wishes);
        // Read back as something else, again and again, until the chain is given up.
        while leverages.busy(symbol) {
            now = now.after(AGAIN);
            leverages.step(now, Input::Lost(Purpose::Leverage(symbol, 3)), &mut wishes);
            leverages.step(now, Input::Read(symbol, 7, true), &mut wishes);
        }
        leverages.step(now, Input::Changed(symbol, 15), &mut wishes);
        wishes.clear();
        leverages.step(now.after(ANEW), Input::Tick, &mut wishes);
        assert_eq!(wishes, [Wish::Ask(Purpose::Leverage(symbol, 3))]);
    }
}
