//! Percentage price oscillator: the fast less the slow exponential average of closes, in percent
//! of the slow one; 0 where that is 0.
//!
//! First value on bar slow − 1. Unlike in MACD each average is seeded with its own first closes.
//! Where the slow period is the shorter one, both are exchanged, as in TA-Lib.

use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// PPO of closes, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ppo {
    fast: Ema,
    slow: Ema,
}

impl Ppo {
    /// With its two periods, usually 12 and 26.
    pub fn new(fast: NonZeroU32, slow: NonZeroU32) -> Self {
        Self { fast: Ema::new(fast.min(slow)), slow: Ema::new(fast.max(slow)) }
    }

    #[inline]
    fn percent(fast: f64, slow: f64) -> f64 {
        if slow == 0.0 { 0.0 } else { (fast - slow) / slow * 100.0 }
    }
}

impl Indicator for Ppo {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        let fast = self.fast.push(close);
        let slow = self.slow.push(close)?;
        Some(Self::percent(fast?, slow))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        Some(Self::percent(self.fast.value()?, self.slow.value()?))
    }

    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn is_a_share_of_the_slow_average() {
        let periods = [1, 3].map(|n| NonZeroU32::new(n).unwrap());
        let got = over(Ppo::new(periods[1], periods[0]), [9.0, 1.0, 2.0, 6.0]);
        assert_eq!(got, [None, None, Some(-50.0), Some(20.0)]);
    }

    #[test]
    fn the_fast_average_is_not_seeded_late() {
        let periods = [2, 3].map(|n| NonZeroU32::new(n).unwrap());
        let got = over(Ppo::new(periods[0], periods[1]), [9.0, 3.0, 3.0]);
        // Fast: 6, then a third of it and two thirds of 3; slow: 5.
        assert!((got[2].unwrap() - -20.0).abs() < 1e-12, "{got:?}");
    }
}
