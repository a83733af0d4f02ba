//! Wilder's moving average (RMA): seeded with a plain mean, then `(prev × (p − 1) + x) / p`.
//!
//! Source: J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978); order of
//! operations as in TA-Lib.

use crate::indicator::Indicator;
use core::num::NonZeroU32;

/// Wilder's moving average; first value on input p − 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wilder {
    period: f64,
    seen: u32,
    warm_at: u32,
    /// The sum while warming up, then the average.
    state: f64,
}

impl Wilder {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        Self { period: f64::from(period.get()), seen: 0, warm_at: period.get(), state: 0.0 }
    }
}

impl Indicator for Wilder {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        if self.seen >= self.warm_at {
            self.state = (self.state * (self.period - 1.0) + input) / self.period;
            return Some(self.state);
        }
        self.seen += 1;
        self.state += input;
        if self.seen < self.warm_at {
            return None;
        }
        self.state /= self.period;
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
    fn seeds_with_the_mean_then_smooths() {
        let got = over(Wilder::new(NonZeroU32::new(2).unwrap()), [1.0, 3.0, 6.0]);
        assert_eq!(got, [None, Some(2.0), Some(4.0)]);
    }

    #[test]
    fn period_one_is_the_input() {
        assert_eq!(over(Wilder::new(NonZeroU32::MIN), [5.0, 7.0]), [Some(5.0), Some(7.0)]);
    }
}
