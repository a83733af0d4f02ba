//! Hull moving average: the weighted average over √p of `2 × WMA(p/2) − WMA(p)`, roots and halves
//! rounded down as in TA-Lib; first value on input p + √p − 2.
//!
//! Source: Alan Hull, *How to reduce lag in a moving average* (2005).

use crate::indicator::Indicator;
use crate::wma::Wma;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Hull moving average of any series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hma {
    half: Wma,
    whole: Wma,
    smooth: Wma,
    /// Inputs that the half one need not see: it begins so late that both first stand together.
    skip: u32,
    period: NonZeroU32,
}

fn half(period: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(period.get() / 2).unwrap_or(NonZeroU32::MIN)
}

impl Hma {
    /// Of `period` inputs.
    pub fn new(period: NonZeroU32) -> Self {
        let root = NonZeroU32::new(period.get().isqrt()).unwrap_or(NonZeroU32::MIN);
        Self {
            half: Wma::new(half(period)),
            whole: Wma::new(period),
            smooth: Wma::new(root),
            skip: period.get() - half(period).get(),
            period,
        }
    }
}

impl Indicator for Hma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        let whole = self.whole.push(input);
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let half = self.half.push(input)?;
        self.smooth.push(2.0 * half - whole?)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.smooth.value()
    }

    fn reset(&mut self) {
        self.half.reset();
        self.whole.reset();
        self.smooth.reset();
        self.skip = self.period.get() - half(self.period).get();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn follows_a_straight_line_without_lag() {
        let got = over(Hma::new(NonZeroU32::new(4).unwrap()), (0..7).map(f64::from));
        assert_eq!(got[..4], [None; 4]);
        assert!((got[6].unwrap() - 6.0).abs() < 0.4, "{got:?}");
    }
}
