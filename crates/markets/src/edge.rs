//! The planted edge: after a liquidity sweep the price drifts back by a stated amount.
//!
//! A sweep is a candle that trades beyond the extreme of the eight half-hours before the current
//! one and closes back inside. Sweeps happen by themselves; with `edge = 0` nothing follows from
//! them, with `edge > 0` the next [`DRIFT_MINUTES`] carry a drift away from the swept side. So a
//! learner finds the same pattern in both worlds, and only in one of them does it pay.

use aegis_types::{Candle, Nanos, Px, Side};

/// How many minutes the drift lasts, beginning with the minute after the sweep.
pub const DRIFT_MINUTES: u32 = 120;

const BLOCKS: usize = 8;
const BLOCK: Nanos = Nanos(30 * Nanos::MINUTE.0);

/// Finds sweeps in the 1m candles of one symbol. While a drift would be under way no new sweep
/// counts, so that drifts never overlap.
#[derive(Clone, Debug)]
pub struct Sweeps {
    lows: [Px; BLOCKS],
    highs: [Px; BLOCKS],
    low: Px,
    high: Px,
    block: Nanos,
    filled: usize,
    busy: u32,
}

impl Sweeps {
    /// Before the first candle.
    pub const fn new() -> Self {
        Self {
            lows: [Px::MAX; BLOCKS],
            highs: [Px::ZERO; BLOCKS],
            low: Px::MAX,
            high: Px::ZERO,
            block: Nanos(i64::MIN),
            filled: 0,
            busy: 0,
        }
    }

    /// Adds a closed 1m candle; the side of the drift that its sweep announces, if it is one.
    #[inline]
    pub fn push(&mut self, candle: &Candle) -> Option<Side> {
        let block = candle.open_time.floor(BLOCK);
        if block != self.block {
            if self.block.0 != i64::MIN {
                let place = self.filled % BLOCKS;
                (self.lows[place], self.highs[place]) = (self.low, self.high);
                self.filled += 1;
            }
            (self.block, self.low, self.high) = (block, Px::MAX, Px::ZERO);
        }
        self.low = self.low.min(candle.low);
        self.high = self.high.max(candle.high);
        if self.busy > 0 {
            self.busy -= 1;
            return None;
        }
        if self.filled < BLOCKS {
            return None;
        }
        let low = self.lows.iter().copied().fold(Px::MAX, Px::min);
        let high = self.highs.iter().copied().fold(Px::ZERO, Px::max);
        let swept_low = candle.low < low && candle.close > low;
        let swept_high = candle.high > high && candle.close < high;
        let side = match (swept_low, swept_high) {
            (true, false) => Side::Buy,
            (false, true) => Side::Sell,
            _ => return None,
        };
        self.busy = DRIFT_MINUTES;
        Some(side)
    }
}

impl Default for Sweeps {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{SymbolId, Timeframe};

    fn candle(minute: i64, low: i64, close: i64, high: i64) -> Candle {
        Candle {
            open_time: Nanos::MINUTE.times(minute),
            open: Px::whole(close),
            high: Px::whole(high),
            low: Px::whole(low),
            close: Px::whole(close),
            volume: 1.0,
            symbol: SymbolId(0),
            missing_minutes: 0,
            timeframe: Timeframe::M1,
        }
    }

    #[test]
    fn a_sweep_needs_eight_half_hours_a_wick_beyond_and_a_close_inside() {
        let mut sweeps = Sweeps::new();
        for minute in 0..240 {
            assert_eq!(sweeps.push(&candle(minute, 99, 100, 101)), None);
        }
        assert_eq!(sweeps.push(&candle(240, 98, 98, 101)), None, "closed outside");
        assert_eq!(sweeps.push(&candle(241, 98, 100, 102)), None, "both sides");
        assert_eq!(sweeps.push(&candle(242, 98, 100, 101)), Some(Side::Buy));
        for minute in 243..243 + i64::from(DRIFT_MINUTES) {
            assert_eq!(sweeps.push(&candle(minute, 90, 100, 101)), None, "drift under way");
        }
        assert_eq!(sweeps.push(&candle(400, 95, 100, 103)), Some(Side::Sell));
    }
}
