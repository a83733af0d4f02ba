//! Aroon: how recently the highest high and the lowest low of the last p + 1 bars occurred.
//!
//! `100 × (p − bars since) / p`: 100 on the bar of the extreme, 0 when it is p bars old; of equal
//! extremes the latest counts. First value on bar p, known at its close.
//!
//! Source: Tushar Chande, *Technical Analysis of Stocks & Commodities*, September 1995.

use crate::extremes::{Ages, ExtremeAges};
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Both lines, 0 to 100 each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AroonLines {
    /// Recency of the lowest low.
    pub down: f64,
    /// Recency of the highest high.
    pub up: f64,
}

/// Aroon of bars. Allocates p + 2 places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aroon {
    ages: ExtremeAges,
    period: f64,
    unit: f64,
    value: Option<AroonLines>,
}

impl Aroon {
    /// Looks `period` bars back; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        let ages = ExtremeAges::new(period.get() as usize + 1);
        let period = f64::from(period.get());
        Self { ages, period, unit: 100.0 / period, value: None }
    }
}

impl Indicator for Aroon {
    type Input = Bar;
    type Output = AroonLines;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<AroonLines> {
        let Ages { high, low } = self.ages.push(bar.high(), bar.low())?;
        let line = |age: usize| self.unit * (self.period - age as f64);
        let lines = AroonLines { down: line(low), up: line(high) };
        self.value = Some(lines);
        Some(lines)
    }

    #[inline]
    fn value(&self) -> Option<AroonLines> {
        self.value
    }

    fn reset(&mut self) {
        self.ages.reset();
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn the_latest_of_equal_extremes_counts() {
        let bars = [(5.0, 1.0), (4.0, 2.0), (5.0, 2.0), (3.0, 2.5)].map(|(h, l)| bar(h, l, l));
        let got = over(Aroon::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got[1], None);
        assert_eq!(got[2], Some(AroonLines { down: 0.0, up: 100.0 }));
        assert_eq!(got[3], Some(AroonLines { down: 50.0, up: 50.0 }));
    }
}
