//! Relative strength index after Wilder: `100 × g / (g + l)` of the smoothed gains and losses.
//!
//! First value on bar p, seeded with the mean of the first p changes. A market that has not moved
//! at all reads 0, as in TA-Lib; only gains read 100. Source: J. Welles Wilder, *New Concepts in
//! Technical Trading Systems* (1978).
//!
//! The order of operations is TA-Lib's own to the last bit: where price stands still, the index
//! stands still but for that bit, and a stochastic of it divides by nothing else.

use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Wilder RSI of closes, 0 to 100.
///
/// In this order for the reason given at [`crate::Ema`]; the pair never crosses a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(16))]
pub struct Rsi {
    /// Gain and loss: sums while warming up, then averages. One array, so that they are read and
    /// written as one.
    moves: [f64; 2],
    previous: f64,
    /// Period less one, and one over the period.
    keep: f64,
    share: f64,
    /// Closes until the first value; zero once warm.
    missing: u32,
    period: u32,
}

impl Rsi {
    /// Over `period` changes.
    pub fn new(period: NonZeroU32) -> Self {
        let length = f64::from(period.get());
        Self {
            moves: [0.0; 2],
            previous: 0.0,
            keep: length - 1.0,
            share: 1.0 / length,
            missing: period.get().saturating_add(1),
            period: period.get(),
        }
    }

    #[inline]
    fn index(&self) -> f64 {
        let [gain, loss] = self.moves;
        let movement = gain + loss;
        // So said that a movement that is no number stays visible.
        if movement <= 0.0 { 0.0 } else { 100.0 * (gain / movement) }
    }

    /// Gain and loss from the previous close; one is zero.
    #[inline]
    fn change_to(&mut self, close: f64) -> [f64; 2] {
        let change = close - self.previous;
        self.previous = close;
        let up = if change > 0.0 { change } else { 0.0 };
        [up, up - change]
    }

    #[inline]
    fn warm_up(&mut self, close: f64) -> Option<f64> {
        let first = self.missing > self.period;
        self.missing -= 1;
        let [up, down] = self.change_to(close);
        if first {
            return None;
        }
        self.moves = [self.moves[0] + up, self.moves[1] + down];
        if self.missing > 0 {
            return None;
        }
        self.moves = self.moves.map(|sum| sum * self.share);
        Some(self.index())
    }
}

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        if self.missing > 0 {
            return self.warm_up(close);
        }
        let [up, down] = self.change_to(close);
        let [gain, loss] = self.moves.map(|average| average * self.keep);
        self.moves = [(gain + up) * self.share, (loss + down) * self.share];
        Some(self.index())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.missing == 0).then(|| self.index())
    }

    fn reset(&mut self) {
        self.previous = 0.0;
        self.moves = [0.0; 2];
        self.missing = self.period.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    fn rsi(period: u32) -> Rsi {
        Rsi::new(NonZeroU32::new(period).unwrap())
    }

    #[test]
    fn first_value_comes_after_p_changes() {
        let got = over(rsi(14), (0..20).map(f64::from));
        assert!(got[..14].iter().all(Option::is_none));
        assert_eq!(got[14], Some(100.0), "only gains");
    }

    #[test]
    fn falling_reads_zero_and_flat_reads_zero() {
        assert_eq!(over(rsi(3), [4.0, 3.0, 2.0, 1.0])[3], Some(0.0));
        assert_eq!(over(rsi(3), [4.0; 4])[3], Some(0.0));
    }

    #[test]
    fn a_value_that_is_no_number_stays_visible() {
        let got = over(rsi(2), [1.0, 2.0, f64::NAN, 2.0, 3.0]);
        assert!(got[4].unwrap().is_nan());
    }
}
