//! Supertrend: a stop line that trails the price by a multiple of the average true range.
//!
//! Two bands stand `multiplier × ATR` above and below the middle of the bar. A band only moves
//! towards the price, until the previous close lay beyond it. The line is the lower band while the
//! trend is up and the upper one while it is down; the trend turns when a bar closes beyond the
//! line's band. First value on bar p, known at its close; the first trend is up, as in TA-Lib.
//!
//! Source: Olivier Seban's rule as TA-Lib 0.8 states it.

use crate::atr::Atr;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// The line and the side of the market it is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendLine {
    /// Where the line stands, in price.
    pub level: f64,
    /// Whether the trend is up.
    pub up: bool,
}

impl TrendLine {
    /// +1 for an up trend, −1 for a down trend.
    #[inline]
    pub fn direction(self) -> f64 {
        if self.up { 1.0 } else { -1.0 }
    }
}

/// Supertrend of bars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supertrend {
    atr: Atr,
    multiplier: f64,
    previous_close: f64,
    lower: f64,
    upper: f64,
    up: bool,
    warm: bool,
}

impl Supertrend {
    /// Bands `multiplier` times the ATR over `period` away; TA-Lib takes periods from two on and
    /// multipliers from zero on.
    pub fn new(period: NonZeroU32, multiplier: f64) -> Self {
        Self {
            atr: Atr::new(period),
            multiplier,
            previous_close: 0.0,
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
            up: true,
            warm: false,
        }
    }

    #[inline]
    fn line(&self) -> TrendLine {
        TrendLine { level: if self.up { self.lower } else { self.upper }, up: self.up }
    }
}

impl Indicator for Supertrend {
    type Input = Bar;
    type Output = TrendLine;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<TrendLine> {
        let band = self.multiplier * self.atr.push(bar)?;
        let middle = (bar.high() + bar.low()) / 2.0;
        let (upper, lower) = (middle + band, middle - band);
        // The first bar finds the bands infinitely far away and takes its own. A band that the
        // previous close lay beyond is left as well: it is as good as infinitely far away.
        let held = if self.previous_close > self.upper { upper } else { self.upper };
        self.upper = if upper < held { upper } else { held };
        let held = if self.previous_close < self.lower { lower } else { self.lower };
        self.lower = if lower > held { lower } else { held };
        let close = bar.close();
        if self.warm {
            self.up = if self.up { close >= self.lower } else { close > self.upper };
        }
        self.warm = true;
        self.previous_close = close;
        Some(self.line())
    }

    #[inline]
    fn value(&self) -> Option<TrendLine> {
        self.warm.then(|| self.line())
    }

    fn reset(&mut self) {
        self.atr.reset();
        self.previous_close = 0.0;
        (self.lower, self.upper) = (f64::NEG_INFINITY, f64::INFINITY);
        (self.up, self.warm) = (true, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;
    use alloc::vec::Vec;

    #[test]
    fn trails_up_turns_and_trails_down() {
        // Range 2 every bar, multiplier 1: bands 2 around the middle.
        let middles = [10.0, 10.0, 12.0, 11.0, 8.0, 9.0];
        let bars = middles.map(|middle: f64| bar(middle + 1.0, middle - 1.0, middle));
        let got: Vec<_> = over(Supertrend::new(NonZeroU32::MIN, 1.0), bars)
            .into_iter()
            .map(|line| line.map(|line| (line.level, line.direction())))
            .collect();
        let want = [
            None,
            Some((8.0, 1.0)),
            Some((9.0, 1.0)),
            Some((9.0, 1.0)),
            Some((12.0, -1.0)),
            Some((11.0, -1.0)),
        ];
        assert_eq!(got, want);
    }
}
