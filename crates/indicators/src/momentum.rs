//! Momentum and rate of change: the close against the close p bars ago, as a difference (MOM, in
//! price) or in percent of the old one (ROC; 0 where that was 0). First value on bar p.

use crate::catalogue::{OfTwoBars, Series};
use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// A close and the close p bars before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair {
    window: Window,
    /// Closes until the first pair; zero once warm.
    missing: usize,
    old: f64,
    new: f64,
}

impl Pair {
    fn new(period: NonZeroU32) -> Self {
        let window = Window::new(period.get() as usize);
        let missing = window.length() + 1;
        Self { window, missing, old: 0.0, new: 0.0 }
    }

    #[inline]
    fn push(&mut self, close: f64) -> Option<(f64, f64)> {
        self.old = self.window.push(close);
        self.new = close;
        self.missing = self.missing.saturating_sub(1);
        self.value()
    }

    #[inline]
    fn value(&self) -> Option<(f64, f64)> {
        (self.missing == 0).then_some((self.old, self.new))
    }

    /// `of` the pairs that end on `rows`.
    #[inline]
    fn fill(
        &self,
        series: &Series,
        rows: Range<usize>,
        out: &mut [f64],
        of: impl Fn((f64, f64)) -> f64,
    ) {
        let distance = self.window.length();
        let old = &series.closes()[rows.start - distance..rows.end - distance];
        for (cell, (old, new)) in out.iter_mut().zip(old.iter().zip(&series.closes()[rows])) {
            *cell = of((*old, *new));
        }
    }

    fn reset(&mut self) {
        self.window.reset();
        self.missing = self.window.length() + 1;
        (self.old, self.new) = (0.0, 0.0);
    }
}

/// Momentum of closes, in price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mom(Pair);

impl Mom {
    /// Against the close `period` bars ago.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Pair::new(period))
    }

    #[inline]
    fn difference((old, new): (f64, f64)) -> f64 {
        new - old
    }
}

impl Indicator for Mom {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        self.0.push(close).map(Self::difference)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.value().map(Self::difference)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Rate of change of closes, in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roc(Pair);

impl Roc {
    /// Against the close `period` bars ago.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Pair::new(period))
    }

    #[inline]
    fn percent((old, new): (f64, f64)) -> f64 {
        if old == 0.0 { 0.0 } else { (new / old - 1.0) * 100.0 }
    }
}

impl Indicator for Roc {
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

impl OfTwoBars for Mom {
    fn distance(&self) -> usize {
        self.0.window.length()
    }

    fn fill(&self, series: &Series, rows: Range<usize>, out: &mut [f64]) {
        self.0.fill(series, rows, out, Self::difference);
    }
}

impl OfTwoBars for Roc {
    fn distance(&self) -> usize {
        self.0.window.length()
    }

    fn fill(&self, series: &Series, rows: Range<usize>, out: &mut [f64]) {
        self.0.fill(series, rows, out, Self::percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn compare_with_the_close_p_bars_ago() {
        let two = NonZeroU32::new(2).unwrap();
        let closes = [4.0, 0.0, 5.0, 7.0];
        assert_eq!(over(Mom::new(two), closes), [None, None, Some(1.0), Some(7.0)]);
        assert_eq!(over(Roc::new(two), closes), [None, None, Some(25.0), Some(0.0)]);
    }
}
