//! Wilder's moving average (RMA): `prev × (p − 1) / p + x / p`, seeded with the mean of the first p
//! inputs (on input p − 1).
//!
//! Source: J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978). Both shares are
//! computed once: a division per bar would cost more than all the rest.

use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Wilder's moving average; first value on input p − 1.
///
/// In this order for the reason given at [`crate::Ema`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Wilder {
    /// The sum while warming up, then the average times p: what a value waits for is then one
    /// multiplication and one addition.
    sum: f64,
    /// Inputs until the first value; zero once warm.
    missing: u32,
    period: u32,
    /// `(p − 1) / p` and `1 / p`.
    keep: f64,
    share: f64,
}

impl Wilder {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let length = f64::from(period.get());
        Self {
            keep: (length - 1.0) / length,
            share: 1.0 / length,
            sum: 0.0,
            missing: period.get(),
            period: period.get(),
        }
    }

    #[inline]
    fn warm_up(&mut self, input: f64) -> Option<f64> {
        self.sum += input;
        self.missing -= 1;
        self.value()
    }
}

impl Indicator for Wilder {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        if self.missing > 0 {
            return self.warm_up(input);
        }
        self.sum = self.sum * self.keep + input;
        Some(self.sum * self.share)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.missing == 0).then_some(self.sum * self.share)
    }

    fn reset(&mut self) {
        self.missing = self.period;
        self.sum = 0.0;
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
