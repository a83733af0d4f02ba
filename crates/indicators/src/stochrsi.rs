//! Stochastic of the relative strength index: where the index stands in its own range of the last
//! k bars, 0 to 100 (%K), and the simple average of that (%D).
//!
//! Both lines first stand together, on bar period + k + d − 2. Source: Tushar Chande and Stanley
//! Kroll, *The New Technical Trader* (1994).

use crate::extremes::Extremes;
use crate::indicator::Indicator;
use crate::rsi::Rsi;
use crate::sma::Sma;
use crate::stoch::{StochLines, place_in};
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Stochastic RSI of closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StochRsi {
    rsi: Rsi,
    extremes: Extremes,
    average: Sma,
    k: f64,
}

impl StochRsi {
    /// An index over `period` changes, its range over `k` bars, averaged over `d`.
    pub fn new(period: NonZeroU32, k: NonZeroU32, d: NonZeroU32) -> Self {
        Self {
            rsi: Rsi::new(period),
            extremes: Extremes::new(k.get() as usize),
            average: Sma::new(d),
            k: 0.0,
        }
    }
}

impl Indicator for StochRsi {
    type Input = f64;
    type Output = StochLines;

    #[inline]
    fn push(&mut self, close: f64) -> Option<StochLines> {
        let index = self.rsi.push(close)?;
        let range = self.extremes.push(index, index)?;
        self.k = place_in(range, index);
        Some(StochLines { k: self.k, d: self.average.push(self.k)? })
    }

    #[inline]
    fn value(&self) -> Option<StochLines> {
        Some(StochLines { k: self.k, d: self.average.value()? })
    }

    fn reset(&mut self) {
        self.rsi.reset();
        self.extremes.reset();
        self.average.reset();
        self.k = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn a_new_high_of_the_index_reads_a_hundred() {
        let n = |n| NonZeroU32::new(n).unwrap();
        let got = over(StochRsi::new(n(2), n(2), n(1)), [5.0, 4.0, 3.0, 6.0, 6.0]);
        assert_eq!(got[3], Some(StochLines { k: 100.0, d: 100.0 }));
        assert_eq!(got[4], Some(StochLines { k: 0.0, d: 0.0 }), "it stands still");
    }
}
