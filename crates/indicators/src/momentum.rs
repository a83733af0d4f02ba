//! Momentum and rate of change: the close against the close p bars ago, as a difference (MOM, in
//! price) or in percent of the old one (ROC; 0 where that was 0). First value on bar p.

use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;

/// A close and the close p bars before it.
#[derive(Clone, Debug, PartialEq)]
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

    fn reset(&mut self) {
        self.window.reset();
        self.missing = self.window.length() + 1;
        (self.old, self.new) = (0.0, 0.0);
    }
}

/// Momentum of closes, in price.
#[derive(Clone, Debug, PartialEq)]
pub struct Mom(Pair);

impl Mom {
    /// Against the close `period` bars ago.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Pair::new(period))
    }
}

impl Indicator for Mom {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        self.0.push(close).map(|(old, new)| new - old)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.value().map(|(old, new)| new - old)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Rate of change of closes, in percent.
#[derive(Clone, Debug, PartialEq)]
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
