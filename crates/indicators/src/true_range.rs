//! True range: how far the price went in a bar, the gap from the previous close included.
//!
//! `max(high, previous close) − min(low, previous close)`. First value on bar 1, known at its
//! close. Source: Wilder (1978).

use crate::atr::{range_after, true_range};
use crate::catalogue::{OfTwoBars, Series};
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// True range of bars, in price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrueRange {
    previous_close: Option<f64>,
    value: Option<f64>,
}

impl TrueRange {
    /// Without a previous close yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator for TrueRange {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let previous_close = self.previous_close.replace(bar.close())?;
        self.value = Some(true_range(&bar, previous_close));
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl OfTwoBars for TrueRange {
    fn distance(&self) -> usize {
        1
    }

    fn fill(&self, series: &Series, rows: Range<usize>, out: &mut [f64]) {
        let before = &series.closes()[rows.start - 1..rows.end - 1];
        let ranges = series.highs()[rows.clone()].iter().zip(&series.lows()[rows]).zip(before);
        for (cell, ((high, low), close)) in out.iter_mut().zip(ranges) {
            *cell = range_after(*high, *low, *close);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn begins_with_the_second_bar() {
        let got = over(TrueRange::new(), [bar(9.0, 1.0, 5.0), bar(8.0, 6.0, 7.0)]);
        assert_eq!(got, [None, Some(3.0)]);
    }
}
