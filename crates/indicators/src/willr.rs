//! Williams' %R: how far the close stands below the highest high of the last p bars, in percent of
//! the range: 0 at the top, −100 at the bottom; first value on bar p − 1.
//!
//! A range that is rounding only reads 0 and the reading never leaves −100 to 0, as in TA-Lib.
//! Source: Larry Williams, *How I Made One Million Dollars* (1973).

use crate::extremes::{Extremes, Range};
use crate::indicator::Indicator;
use crate::rounding::negligible;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Williams' %R of bars, −100 to 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Willr {
    extremes: Extremes,
    value: Option<f64>,
}

impl Willr {
    /// Over the range of `period` bars.
    pub fn new(period: NonZeroU32) -> Self {
        Self { extremes: Extremes::new(period.get() as usize), value: None }
    }

    #[inline]
    fn below_the_top(range: Range, close: f64) -> f64 {
        let width = range.high - range.low;
        if negligible(width, range.high.abs() + range.low.abs()) {
            return 0.0;
        }
        ((range.high - close) / width * -100.0).clamp(-100.0, 0.0)
    }
}

impl Indicator for Willr {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let range = self.extremes.push(bar.high(), bar.low());
        self.value = range.map(|range| Self::below_the_top(range, bar.close()));
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.extremes.reset();
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;
    use aegis_types::Nanos;

    #[test]
    fn reads_from_zero_at_the_top_to_minus_a_hundred() {
        let bar = |close| Bar::new(Nanos::ZERO, 5.0, 10.0, 0.0, close, 0.0).unwrap();
        let got = over(Willr::new(NonZeroU32::MIN), [10.0, 5.0, 0.0, 11.0].map(bar));
        assert_eq!(got, [Some(0.0), Some(-50.0), Some(-100.0), Some(0.0)]);
    }
}
