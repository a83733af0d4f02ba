//! Weighted moving average: the newest of p inputs weighs p, the oldest 1; first value on input
//! p − 1.
//!
//! Two running sums: the weighted one loses the plain one each bar, which lowers every weight by
//! one. The order of operations is TA-Lib's.

use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;

/// Linearly weighted moving average of any series.
#[derive(Clone, Debug, PartialEq)]
pub struct Wma {
    window: Window,
    sum: f64,
    weighted: f64,
    period: f64,
    /// The sum of all weights.
    weights: f64,
    seen: u32,
    warm_at: u32,
    value: f64,
}

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
            value: 0.0,
        }
    }
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
}
