//! Exponential moving average: `prev + (x − prev) × 2 / (p + 1)`, seeded with the mean of the
//! first p inputs (on input p − 1), as in TA-Lib.

use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Exponential moving average of any series.
///
/// In this order: what is written each bar does not lie beside a constant, or both would be read
/// as one, which waits until the write has left the processor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Ema {
    /// The sum while warming up, then the average.
    state: f64,
    /// Inputs until the first value; zero once warm.
    missing: u32,
    period: u32,
    factor: f64,
}

impl Ema {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let factor = 2.0 / (f64::from(period.get()) + 1.0);
        Self { factor, state: 0.0, missing: period.get(), period: period.get() }
    }

    /// One input once warm.
    #[inline]
    pub(crate) fn step(&mut self, input: f64) -> f64 {
        self.state += (input - self.state) * self.factor;
        self.state
    }

    #[inline]
    fn warm_up(&mut self, input: f64) -> Option<f64> {
        self.state += input;
        self.missing -= 1;
        if self.missing > 0 {
            return None;
        }
        self.state /= f64::from(self.period);
        Some(self.state)
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        if self.missing == 0 { Some(self.step(input)) } else { self.warm_up(input) }
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.missing == 0).then_some(self.state)
    }

    fn reset(&mut self) {
        self.missing = self.period;
        self.state = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn seeds_with_the_mean_then_follows() {
        let got = over(Ema::new(NonZeroU32::new(3).unwrap()), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(got, [None, None, Some(2.0), Some(3.0)]);
    }
}
