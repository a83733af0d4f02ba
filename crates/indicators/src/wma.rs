//! Weighted moving average: the newest of p inputs weighs p, the oldest 1; first value on input
//! p − 1.
//!
//! Two running sums: the weighted one loses the plain one each bar, which lowers every weight by
//! one. The order of operations is TA-Lib's, which also sums the window up anew every 8 p values:
//! otherwise what a spike leaves in the last bits of two sums would grow for ever.

use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Linearly weighted moving average of any series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wma {
    window: Window,
    sum: f64,
    weighted: f64,
    period: f64,
    /// The sum of all weights.
    weights: f64,
    seen: u32,
    warm_at: u32,
    /// Values until the window is summed up anew.
    until_anew: u32,
    value: f64,
}

/// The window is summed up anew after this many times its length.
const ANEW: u32 = 8;

impl Wma {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let length = f64::from(period.get());
        Self {
            window: Window::new(period.get() as usize),
            sum: 0.0,
            weighted: 0.0,
            period: length,
            weights: length * (length + 1.0) / 2.0,
            seen: 0,
            warm_at: period.get(),
            until_anew: period.get().saturating_mul(ANEW),
            value: 0.0,
        }
    }
}

/// The plain and the weighted sum of a window, from its oldest value to its newest.
///
/// It is handed the values alone, so that the sums may stay in registers.
#[cold]
fn sums_of((older, newer): (&[f64], &[f64])) -> (f64, f64) {
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (value, weight) in older.iter().chain(newer).zip(1u32..) {
        sum += value;
        weighted += value * f64::from(weight);
    }
    (sum, weighted)
}

impl Indicator for Wma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        self.sum = (self.sum + input) - self.window.push(input);
        if self.seen + 1 < self.warm_at {
            self.seen += 1;
            self.weighted += input * f64::from(self.seen);
            return None;
        }
        self.seen = self.warm_at;
        self.weighted += input * self.period;
        self.until_anew -= 1;
        if self.until_anew == 0 {
            (self.sum, self.weighted) = sums_of(self.window.parts());
            self.until_anew = self.warm_at.saturating_mul(ANEW);
        }
        self.value = self.weighted / self.weights;
        self.weighted -= self.sum;
        Some(self.value)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.seen == self.warm_at).then_some(self.value)
    }

    fn reset(&mut self) {
        self.window.reset();
        (self.sum, self.weighted, self.value) = (0.0, 0.0, 0.0);
        self.seen = 0;
        self.until_anew = self.warm_at.saturating_mul(ANEW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn the_newest_weighs_most() {
        let got = over(Wma::new(NonZeroU32::new(2).unwrap()), [1.0, 4.0, 7.0]);
        assert_eq!(got, [None, Some(3.0), Some(6.0)]);
    }

    #[test]
    fn forgets_what_a_spike_left() {
        let mut wma = Wma::new(NonZeroU32::new(3).unwrap());
        wma.push(1e18);
        let last = (0..40).filter_map(|_| wma.push(0.1)).last();
        assert!((last.unwrap() - 0.1).abs() < 1e-15, "{last:?}");
    }
}
