//! Wilder's moving average (RMA): `prev + (x − prev) / p`, seeded with the mean of the first p
//! inputs (on input p − 1).
//!
//! Source: J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978). It is an
//! exponential average with factor 1/p; written as a step towards the input, its rounding does not
//! pile up with p.

use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;

/// Wilder's moving average; first value on input p − 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wilder(Ema);

impl Wilder {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Ema::with_factor(period, 1.0 / f64::from(period.get())))
    }
}

impl Indicator for Wilder {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        self.0.push(input)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.value()
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
    fn seeds_with_the_mean_then_smooths() {
        let got = over(Wilder::new(NonZeroU32::new(2).unwrap()), [1.0, 3.0, 6.0]);
        assert_eq!(got, [None, Some(2.0), Some(4.0)]);
    }

    #[test]
    fn period_one_is_the_input() {
        assert_eq!(over(Wilder::new(NonZeroU32::MIN), [5.0, 7.0]), [Some(5.0), Some(7.0)]);
    }
}
