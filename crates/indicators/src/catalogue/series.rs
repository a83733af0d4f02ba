//! Bars in memory, for batches.

use aegis_types::Bar;
use alloc::vec::Vec;

/// Bars, and the three prices that most indicators read as columns of their own: a pass that needs
/// the closes alone reads a sixth of the memory, and what depends on no state can be computed for
/// several bars at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    bars: Vec<Bar>,
    highs: Vec<f64>,
    lows: Vec<f64>,
    closes: Vec<f64>,
}

impl Series {
    /// Of these bars, from the oldest to the newest.
    pub fn new(bars: Vec<Bar>) -> Self {
        let highs = bars.iter().map(Bar::high).collect();
        let lows = bars.iter().map(Bar::low).collect();
        let closes = bars.iter().map(Bar::close).collect();
        Self { bars, highs, lows, closes }
    }

    /// The bars.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// The high of each bar.
    pub fn highs(&self) -> &[f64] {
        &self.highs
    }

    /// The low of each bar.
    pub fn lows(&self) -> &[f64] {
        &self.lows
    }

    /// The close of each bar.
    pub fn closes(&self) -> &[f64] {
        &self.closes
    }
}
