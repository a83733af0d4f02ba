//! Donchian channel: the highest high and the lowest low of the last p bars, and the middle.
//!
//! The bar just closed counts, as in TA-Lib 0.8 and the charting programs; Donchian's own rule
//! reads the bands of the bar before. First value on bar p − 1, known at its close.
//!
//! Source: Richard Donchian's four-week rule.

use crate::bands::Bands;
use crate::extremes::Extremes;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Donchian channel of bars. Allocates p + 1 places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Donchian {
    extremes: Extremes,
    value: Option<Bands>,
}

impl Donchian {
    /// Of `period` bars; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        Self { extremes: Extremes::new(period.get() as usize), value: None }
    }
}

impl Indicator for Donchian {
    type Input = Bar;
    type Output = Bands;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<Bands> {
        let range = self.extremes.push(bar.high(), bar.low())?;
        let bands = Bands { upper: range.high, middle: range.middle(), lower: range.low };
        self.value = Some(bands);
        Some(bands)
    }

    #[inline]
    fn value(&self) -> Option<Bands> {
        self.value
    }

    fn reset(&mut self) {
        self.extremes.reset();
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn spans_the_last_bars() {
        let bars = [(5.0, 1.0), (4.0, 2.0), (3.0, 2.5)].map(|(h, l)| bar(h, l, l));
        let got = over(Donchian::new(NonZeroU32::new(2).unwrap()), bars);
        let bands = |upper, middle, lower| Some(Bands { upper, middle, lower });
        assert_eq!(got, [None, bands(5.0, 3.0, 1.0), bands(4.0, 3.0, 2.0)]);
    }
}
