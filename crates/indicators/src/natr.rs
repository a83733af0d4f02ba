//! Normalised average true range: ATR in percent of the close.
//!
//! First value on bar p, known at its close. Source: John Forman, *Technical Analysis of Stocks &
//! Commodities*, May 2006. As TA-Lib: a close of zero reads 0, and period 1 is the true range
//! itself, in price.

use crate::atr::Atr;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// ATR of bars in percent of their close.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Natr {
    atr: Atr,
    raw: bool,
    value: Option<f64>,
}

impl Natr {
    /// Over `period` true ranges.
    pub fn new(period: NonZeroU32) -> Self {
        Self { atr: Atr::new(period), raw: period == NonZeroU32::MIN, value: None }
    }
}

impl Indicator for Natr {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let (atr, close) = (self.atr.push(bar)?, bar.close());
        let percent = if close == 0.0 { 0.0 } else { atr / close * 100.0 };
        self.value = Some(if self.raw { atr } else { percent });
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.atr.reset();
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn is_a_percentage_of_the_close() {
        let bars = [bar(10.0, 10.0, 10.0), bar(11.0, 9.0, 10.0), bar(12.0, 10.0, 20.0)];
        let got = over(Natr::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got, [None, None, Some(10.0)]);
        assert_eq!(over(Natr::new(NonZeroU32::MIN), bars)[1..], [Some(2.0), Some(2.0)]);
    }

    #[test]
    fn a_close_of_zero_reads_zero() {
        let bars = [bar(1.0, -1.0, 0.0); 3];
        assert_eq!(over(Natr::new(NonZeroU32::new(2).unwrap()), bars)[2], Some(0.0));
    }
}
