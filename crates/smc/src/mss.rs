//! Market structure shift: a change of character by displacement, after the other side's liquidity
//! was swept.
//!
//! At the bar of a change of character for a side: a displacement candle of that side at most
//! `displacement_bars` earlier (0 = the same bar) and a sweep that speaks for that side at most
//! `sweep_bars` earlier. Known at the same close as the change of character.

use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`Mss`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MssParams {
    /// Most bars from the displacement to the break.
    pub displacement_bars: u32,
    /// Most bars from the sweep to the break.
    pub sweep_bars: u32,
}

impl Default for MssParams {
    fn default() -> Self {
        Self { displacement_bars: 3, sweep_bars: 24 }
    }
}

/// The last displacement and sweep of each side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mss {
    params: MssParams,
    displacement: [Option<u32>; 2],
    sweep: [Option<u32>; 2],
}

impl Mss {
    /// Nothing seen.
    pub const fn new(params: MssParams) -> Self {
        Self { params, displacement: [None; 2], sweep: [None; 2] }
    }

    /// A displacement of `side` at bar `at`.
    #[inline]
    pub fn displacement(&mut self, at: u32, side: Side) {
        self.displacement[side as usize] = Some(at);
    }

    /// A sweep that speaks for `side` at bar `at`.
    #[inline]
    pub fn sweep(&mut self, at: u32, side: Side) {
        self.sweep[side as usize] = Some(at);
    }

    /// Is a change of character for `side` at bar `at` a market structure shift?
    #[inline]
    pub fn push(&self, at: u32, side: Side) -> bool {
        let within = |seen: Option<u32>, bars: u32| seen.is_some_and(|seen| at - seen <= bars);
        within(self.displacement[side as usize], self.params.displacement_bars)
            && within(self.sweep[side as usize], self.params.sweep_bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_both_and_recent() {
        let mut mss = Mss::new(MssParams { displacement_bars: 1, sweep_bars: 5 });
        mss.sweep(10, Side::Buy);
        assert!(!mss.push(12, Side::Buy), "no displacement");
        mss.displacement(12, Side::Buy);
        assert!(mss.push(12, Side::Buy) && mss.push(13, Side::Buy));
        assert!(!mss.push(14, Side::Buy), "the displacement is two bars old");
        assert!(!mss.push(12, Side::Sell), "the other side");
        mss.displacement(16, Side::Buy);
        assert!(!mss.push(16, Side::Buy), "the sweep is six bars old");
    }
}
