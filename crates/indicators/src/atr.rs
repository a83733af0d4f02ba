//! Average true range after Wilder.
//!
//! True range = max(high, previous close) − min(low, previous close). The first bar has no previous
//! close and is left out, so the first value comes on bar p, seeded with the mean of p true ranges.

use crate::indicator::Indicator;
use crate::wilder::Wilder;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// The true range of `bar` after a close at `previous_close`, in price.
#[inline]
pub fn true_range(bar: &Bar, previous_close: f64) -> f64 {
    range_after(bar.high(), bar.low(), previous_close)
}

#[inline]
pub(crate) fn range_after(high: f64, low: f64, previous_close: f64) -> f64 {
    let range = high - low;
    let above = (high - previous_close).abs();
    let below = (low - previous_close).abs();
    let larger = if above > range { above } else { range };
    if below > larger { below } else { larger }
}

/// Wilder ATR of bars, in price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    previous_close: Option<f64>,
    average: Wilder,
}

impl Atr {
    /// Over `period` true ranges.
    pub fn new(period: NonZeroU32) -> Self {
        Self { previous_close: None, average: Wilder::new(period) }
    }
}

impl Indicator for Atr {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let previous_close = self.previous_close.replace(bar.close())?;
        self.average.push(true_range(&bar, previous_close))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.average.value()
    }

    fn reset(&mut self) {
        self.previous_close = None;
        self.average.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;
    use aegis_types::Nanos;

    fn bar(high: f64, low: f64, close: f64) -> Bar {
        Bar::new(Nanos::ZERO, close, high, low, close, 0.0).unwrap()
    }

    #[test]
    fn a_gap_counts_from_the_previous_close() {
        assert_eq!(true_range(&bar(12.0, 11.0, 11.5), 9.0), 3.0);
        assert_eq!(true_range(&bar(8.0, 7.0, 7.5), 9.0), 2.0);
        assert_eq!(true_range(&bar(10.0, 8.0, 9.5), 9.0), 2.0);
    }

    #[test]
    fn leaves_out_the_first_bar_then_smooths() {
        let bars = [bar(99.0, 1.0, 10.0), bar(11.0, 9.0, 10.0), bar(12.0, 8.0, 10.0)];
        let got = over(Atr::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got, [None, None, Some(3.0)]);
    }
}
