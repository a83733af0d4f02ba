//! On-balance volume: the volume of rising closes less that of falling ones.
//!
//! Begins with the first bar's volume, on bar 0, as in TA-Lib; an unchanged close adds nothing.
//! Source: Joseph Granville, *New Key to Stock Market Profits* (1963).

use crate::indicator::Indicator;
use aegis_types::Bar;
use serde::{Deserialize, Serialize};

/// OBV of bars, in volume units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Obv {
    previous_close: f64,
    value: Option<f64>,
}

impl Obv {
    /// Without a bar yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator for Obv {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let (close, volume) = (bar.close(), bar.volume());
        let next = match self.value {
            None => volume,
            Some(sum) => {
                let up = if close > self.previous_close { volume } else { 0.0 };
                let down = if close < self.previous_close { volume } else { 0.0 };
                sum + up - down
            }
        };
        self.previous_close = close;
        self.value = Some(next);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::traded;
    use crate::over;

    #[test]
    fn adds_rising_and_subtracts_falling_volume() {
        let bars =
            [(1.0, 5.0), (2.0, 3.0), (2.0, 9.0), (1.0, 4.0)].map(|(c, v)| traded(c, c, c, v));
        assert_eq!(over(Obv::new(), bars), [Some(5.0), Some(8.0), Some(8.0), Some(4.0)]);
    }
}
