//! Commodity channel index: how far the typical price `(h + l + c) / 3` stands from its mean over
//! p bars, in units of 0.015 mean absolute deviations; first value on bar p − 1.
//!
//! The mean deviation is taken about a mean that moves each bar, so every bar reads its whole
//! window: a tight loop over p numbers, in TA-Lib's order. A distance or deviation that is rounding
//! only reads 0. Source: Donald Lambert, *Commodity Channel Index*, Commodities (October 1980).

use crate::indicator::Indicator;
use crate::rounding::negligible;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// CCI of bars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cci {
    window: Window,
    period: f64,
    /// Bars until the first value; zero once warm.
    missing: usize,
    value: f64,
}

impl Cci {
    /// Over `period` bars.
    pub fn new(period: NonZeroU32) -> Self {
        let window = Window::new(period.get() as usize);
        let missing = window.length();
        Self { window, period: f64::from(period.get()), missing, value: 0.0 }
    }

    #[inline]
    fn index(&self, typical: f64) -> f64 {
        let cells = self.window.cells();
        let mean = cells.iter().fold(0.0, |sum, cell| sum + cell) / self.period;
        let apart = cells.iter().fold(0.0, |sum, cell| sum + (cell - mean).abs());
        let (distance, deviation) = (typical - mean, apart / self.period);
        if negligible(distance, mean.abs()) || negligible(deviation, mean.abs()) {
            return 0.0;
        }
        let unit = 0.015 * deviation;
        if unit == 0.0 { 0.0 } else { distance / unit }
    }
}

impl Indicator for Cci {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let typical = (bar.high() + bar.low() + bar.close()) / 3.0;
        self.window.push(typical);
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return None;
        }
        self.value = self.index(typical);
        Some(self.value)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.missing == 0).then_some(self.value)
    }

    fn reset(&mut self) {
        self.window.reset();
        self.missing = self.window.length();
        self.value = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;
    use aegis_types::Nanos;

    #[test]
    fn two_bars_stand_a_deviation_from_their_mean() {
        let bar = |price| Bar::new(Nanos::ZERO, price, price, price, price, 0.0).unwrap();
        let got = over(Cci::new(NonZeroU32::new(2).unwrap()), [4.0, 8.0, 8.0].map(bar));
        assert_eq!(got[0], None);
        assert!((got[1].unwrap() - 1.0 / 0.015).abs() < 1e-9);
        assert_eq!(got[2], Some(0.0));
    }
}
