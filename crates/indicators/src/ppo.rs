//! Percentage price oscillator: the fast less the slow exponential average of closes, in percent
//! of the slow one; 0 where that is 0.
//!
//! Seeded as MACD, the fast average late; first value on bar slow − 1. Where the slow period is the
//! shorter one, both are exchanged, as in TA-Lib.

use crate::indicator::Indicator;
use crate::macd::EmaPair;
use core::num::NonZeroU32;

/// PPO of closes, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ppo(EmaPair);

impl Ppo {
    /// With its two periods, usually 12 and 26.
    pub fn new(fast: NonZeroU32, slow: NonZeroU32) -> Self {
        Self(EmaPair::new(fast, slow))
    }

    #[inline]
    fn percent((fast, slow): (f64, f64)) -> f64 {
        if slow == 0.0 { 0.0 } else { (fast - slow) / slow * 100.0 }
    }
}

impl Indicator for Ppo {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        self.0.push(close).map(Self::percent)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.value().map(Self::percent)
    }

    fn reset(&mut self) {
        self.0.reset();
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
}
