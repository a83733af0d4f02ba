//! Double exponential moving average: `2 e₁ − e₂`, e₂ the average of e₁, each seeded with the mean
//! of its own first p inputs; first value on input 2 (p − 1).
//!
//! Source: Patrick Mulloy, *Smoothing data with faster moving averages*, Technical Analysis of
//! Stocks & Commodities 12:1 (1994).

use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Double exponential moving average of any series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dema {
    once: Ema,
    twice: Ema,
}

impl Dema {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        Self { once: Ema::new(period), twice: Ema::new(period) }
    }
}

impl Indicator for Dema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        let once = self.once.push(input)?;
        Some(2.0 * once - self.twice.push(once)?)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        Some(2.0 * self.once.value()? - self.twice.value()?)
    }

    fn reset(&mut self) {
        self.once.reset();
        self.twice.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn a_constant_is_its_own_average() {
        let got = over(Dema::new(NonZeroU32::new(3).unwrap()), [5.0; 6]);
        assert_eq!(got, [None, None, None, None, Some(5.0), Some(5.0)]);
    }
}
