//! Simple moving average: the mean of the last p inputs; first value on input p − 1.
//!
//! A running sum gives up the oldest input before it takes the new one, as TA-Lib does, so that the
//! rounding is the same.

use crate::indicator::Indicator;
use alloc::boxed::Box;
use alloc::vec;
use core::num::NonZeroU32;

/// Simple moving average of any series. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq)]
pub struct Sma {
    window: Box<[f64]>,
    /// Where the next input goes; the oldest lies there once the window is full.
    next: usize,
    full: bool,
    sum: f64,
    value: Option<f64>,
}

impl Sma {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let window = vec![0.0; period.get() as usize].into_boxed_slice();
        Self { window, next: 0, full: false, sum: 0.0, value: None }
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        if self.full {
            self.sum -= self.window[self.next];
        }
        self.sum += input;
        self.window[self.next] = input;
        self.next += 1;
        if self.next == self.window.len() {
            self.next = 0;
            self.full = true;
        }
        self.value = self.full.then(|| self.sum / self.window.len() as f64);
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.window.fill(0.0);
        self.next = 0;
        self.full = false;
        self.sum = 0.0;
        self.value = None;
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
