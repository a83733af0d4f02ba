//! Triple exponential moving average: `3 e₁ − 3 e₂ + e₃`, each the average of the one before,
//! seeded with the mean of its own first p inputs; first value on input 3 (p − 1).
//!
//! Source: Patrick Mulloy, *Smoothing data with less lag*, Technical Analysis of Stocks &
//! Commodities 12:2 (1994).

use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Triple exponential moving average of any series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tema {
    once: Ema,
    twice: Ema,
    thrice: Ema,
}

impl Tema {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let average = Ema::new(period);
        Self { once: average, twice: average, thrice: average }
    }

    #[inline]
    fn combine(once: f64, twice: f64, thrice: f64) -> f64 {
        3.0 * once - 3.0 * twice + thrice
    }
}

impl Indicator for Tema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        let once = self.once.push(input)?;
        let twice = self.twice.push(once)?;
        Some(Self::combine(once, twice, self.thrice.push(twice)?))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        Some(Self::combine(self.once.value()?, self.twice.value()?, self.thrice.value()?))
    }

    fn reset(&mut self) {
        self.once.reset();
        self.twice.reset();
        self.thrice.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn a_constant_is_its_own_average() {
        let got = over(Tema::new(NonZeroU32::new(2).unwrap()), [5.0; 5]);
        assert_eq!(got, [None, None, None, Some(5.0), Some(5.0)]);
    }
}
