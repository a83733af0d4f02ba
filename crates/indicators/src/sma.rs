//! Simple moving average: the mean of the last p inputs; first value on input p − 1.
//!
//! A running sum gives up the oldest input before it takes the new one, as TA-Lib does, so that the
//! rounding of long series is the same.

use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Simple moving average of any series. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    window: Window,
    sum: f64,
    share: f64,
    /// Inputs until the first value; zero once warm.
    missing: usize,
}

impl Sma {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let window = Window::new(period.get() as usize);
        let missing = window.length();
        Self { window, sum: 0.0, share: 1.0 / f64::from(period.get()), missing }
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        self.sum -= self.window.push(input);
        self.sum += input;
        self.missing = self.missing.saturating_sub(1);
        self.value()
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.missing == 0).then_some(self.sum * self.share)
    }

    fn reset(&mut self) {
        self.window.reset();
        self.sum = 0.0;
        self.missing = self.window.length();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn averages_the_last_inputs() {
        let got = over(Sma::new(NonZeroU32::new(2).unwrap()), [1.0, 3.0, 7.0]);
        assert_eq!(got, [None, Some(2.0), Some(5.0)]);
    }
}
