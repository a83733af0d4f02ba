//! Exponential moving average: `prev + (x − prev) × 2 / (p + 1)`, seeded with the mean of the
//! first p inputs (on input p − 1), as in TA-Lib.

use crate::indicator::Indicator;
use core::num::NonZeroU32;

/// Exponential moving average of any series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    factor: f64,
    seen: u32,
    warm_at: u32,
    /// The sum while warming up, then the average.
    state: f64,
}

impl Ema {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let factor = 2.0 / (f64::from(period.get()) + 1.0);
        Self { factor, seen: 0, warm_at: period.get(), state: 0.0 }
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        if self.seen >= self.warm_at {
            self.state += (input - self.state) * self.factor;
            return Some(self.state);
        }
        self.seen += 1;
        self.state += input;
        if self.seen < self.warm_at {
            return None;
        }
        self.state /= f64::from(self.warm_at);
        Some(self.state)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.seen >= self.warm_at).then_some(self.state)
    }

    fn reset(&mut self) {
        self.seen = 0;
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
