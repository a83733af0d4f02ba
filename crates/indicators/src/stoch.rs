//! Stochastic oscillator: where the close stands in the range of the last k bars, 0 to 100 (raw
//! %K), its simple average (slow %K), and the average of that (slow %D).
//!
//! Both lines first stand together, on bar k + slow_k + d − 3. A range that is rounding only reads
//! 0, as in TA-Lib. Source: George Lane, *Lane's Stochastics*, Technical Analysis of Stocks &
//! Commodities 2:3 (1984).

use crate::catalogue::{Columns, MAX_COLUMNS, cells};
use crate::extremes::{Extremes, Range};
use crate::indicator::Indicator;
use crate::rounding::negligible;
use crate::sma::Sma;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// The two lines, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochLines {
    /// %K.
    pub k: f64,
    /// %D, the average of %K.
    pub d: f64,
}

impl Columns for StochLines {
    const COUNT: usize = 2;

    #[inline]
    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self.k, self.d])
    }
}

/// Where `value` stands in `range`, in percent; 0 where the range is rounding only.
#[inline]
pub(crate) fn place_in(range: Range, value: f64) -> f64 {
    let width = range.high - range.low;
    if negligible(width, range.high.abs() + range.low.abs()) {
        return 0.0;
    }
    (value - range.low) / width * 100.0
}

/// Stochastic of bars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stoch {
    extremes: Extremes,
    slow: Sma,
    average: Sma,
}

impl Stoch {
    /// Over a range of `k` bars, averaged over `slow_k`, then over `d`.
    pub fn new(k: NonZeroU32, slow_k: NonZeroU32, d: NonZeroU32) -> Self {
        Self {
            extremes: Extremes::new(k.get() as usize),
            slow: Sma::new(slow_k),
            average: Sma::new(d),
        }
    }
}

impl Indicator for Stoch {
    type Input = Bar;
    type Output = StochLines;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<StochLines> {
        let range = self.extremes.push(bar.high(), bar.low())?;
        let k = self.slow.push(place_in(range, bar.close()))?;
        Some(StochLines { k, d: self.average.push(k)? })
    }

    #[inline]
    fn value(&self) -> Option<StochLines> {
        Some(StochLines { k: self.slow.value()?, d: self.average.value()? })
    }

    fn reset(&mut self) {
        self.extremes.reset();
        self.slow.reset();
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
    fn stands_in_the_range_and_reads_zero_without_one() {
        let one = NonZeroU32::MIN;
        let bars = [bar(10.0, 0.0, 4.0), bar(8.0, 6.0, 7.0), bar(7.0, 7.0, 7.0)];
        let got = over(Stoch::new(one, one, one), bars);
        let want = [40.0, 50.0, 0.0].map(|k| Some(StochLines { k, d: k }));
        assert_eq!(got, want);
    }
}
