//! From closed candles to signals. The engine asks a [`Brain`]; the one that trades is the
//! [`Teacher`]. The seam is where a student steps in later, and where tests put a script.

use aegis_learn::{self as learn, Analysis, Found, Proposal};
use aegis_types::{
    Candle, LateCandle, Level, Nanos, OutOfRange, Px, Qty, Round, Side, Signal, SymbolId,
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What forms proposals. It sees closed 1m candles of each symbol in time order and nothing else.
pub trait Brain {
    /// Takes a closed 1m candle; tells candles and structure of every timeframe that it completes.
    ///
    /// # Errors
    /// [`LateCandle`] when the minute is not after the symbol's last one; nothing has changed.
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle>;

    /// Closed 1m candles of the symbol so far.
    fn minutes(&self, symbol: SymbolId) -> u64;

    /// A proposal at the last closed candle, ungated.
    fn propose(&self, symbol: SymbolId) -> Option<Proposal>;

    /// Are the reasons for an entry made at `entered_at` gone?
    fn decayed(&self, symbol: SymbolId, side: Side, entered_at: Nanos) -> bool;

    /// It was written down and read back: takes again what is no part of its state. False when it
    /// is not one of so many symbols.
    fn restored(&mut self, config: &learn::Config, symbols: usize) -> bool {
        let _ = (config, symbols);
        true
    }
}

/// The rules of `aegis_learn` over one [`Analysis`] per symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Teacher {
    analyses: Vec<Analysis>,
    #[serde(skip)]
    config: learn::Config,
}

impl Teacher {
    /// For symbols `0..symbols`.
    pub fn new(symbols: usize, config: &learn::Config) -> Self {
        let ids = (0..symbols).map(|index| SymbolId(index as u16));
        Self { analyses: ids.map(|id| Analysis::new(id, config)).collect(), config: config.clone() }
    }

    /// What is known of a symbol's market.
    ///
    /// # Panics
    /// When the id is not of this session.
    pub fn analysis(&self, symbol: SymbolId) -> &Analysis {
        &self.analyses[symbol.index()]
    }
}

impl Brain for Teacher {
    #[inline]
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        self.analyses[minute.symbol.index()].push(minute, found)
    }

    #[inline]
    fn minutes(&self, symbol: SymbolId) -> u64 {
        self.analyses[symbol.index()].minutes()
    }

    #[inline]
    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        learn::propose(&self.analyses[symbol.index()], &self.config)
    }

    #[inline]
    fn decayed(&self, symbol: SymbolId, side: Side, entered_at: Nanos) -> bool {
        learn::decayed(&self.analyses[symbol.index()], &self.config, side, entered_at)
    }

    fn restored(&mut self, config: &learn::Config, symbols: usize) -> bool {
        self.config = config.clone();
        self.analyses.iter_mut().for_each(|analysis| analysis.configure(config));
        self.analyses.len() == symbols
    }
}

/// A proposal as a signal: floats become prices on the symbol's grid, the stop away from the price
/// and the target towards it, so that rounding never flatters.
///
/// # Errors
/// [`OutOfRange`] when stop or target is not a price.
pub(crate) fn signal(
    proposal: &Proposal,
    symbol: SymbolId,
    at: Nanos,
    level: Level,
    reference: Px,
    tick: Px,
) -> Result<Signal, OutOfRange> {
    let (stop_round, target_round) = match proposal.side {
        Side::Buy => (Round::Down, Round::Down),
        Side::Sell => (Round::Up, Round::Up),
    };
    Ok(Signal {
        at,
        symbol,
        side: proposal.side,
        level,
        confidence: proposal.confidence,
        patterns: proposal.patterns,
        reasons: proposal.reasons,
        reference,
        stop: Px::from_f64(proposal.stop)?.to_grid(tick, stop_round)?,
        target: Px::from_f64(proposal.target)?.to_grid(tick, target_round)?,
        qty_suggested: Qty::ZERO,
        features: proposal.features,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{FEATURES, List, Patterns};

    fn proposal(side: Side, stop: f64, target: f64) -> Proposal {
        Proposal {
            side,
            confidence: 0.7,
            patterns: Patterns::default(),
            reasons: List::new(),
            stop,
            target,
            features: [0.0; FEATURES],
        }
    }

    #[test]
    fn rounding_never_flatters() {
        let tick = Px::parse(b"0.5").unwrap();
        let make = |p: &Proposal| {
            signal(p, SymbolId(0), Nanos::ZERO, Level::Teacher, Px::whole(100), tick).unwrap()
        };
        let long = make(&proposal(Side::Buy, 98.7, 103.3));
        assert_eq!((long.stop.to_f64(), long.target.to_f64()), (98.5, 103.0));
        let short = make(&proposal(Side::Sell, 101.2, 96.7));
        assert_eq!((short.stop.to_f64(), short.target.to_f64()), (101.5, 97.0));
    }

    #[test]
    fn what_is_not_a_price_is_refused() {
        let p = proposal(Side::Buy, f64::NAN, 103.0);
        let at = Nanos::ZERO;
        let made = signal(&p, SymbolId(0), at, Level::Teacher, Px::whole(100), Px::whole(1));
        assert_eq!(made, Err(OutOfRange));
    }
}
