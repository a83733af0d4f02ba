//! Parabolic stop and reverse.
//!
//! A stop that follows the trend: each bar it closes a share of its distance to the trend's extreme
//! price; the share grows by `step` with every new extreme, up to `max`. It never enters the range
//! of this bar or the one before. A bar that reaches it reverses the trend, and the stop jumps to
//! the old trend's extreme. First value on bar 1, known at its close.
//!
//! Source: Wilder (1978); the beginning as TA-Lib: the first two bars' directional movement gives
//! the first trend (a tie is up), the first bar's far end the first stop.

use crate::indicator::Indicator;
use aegis_types::Bar;
use serde::{Deserialize, Serialize};

#[inline]
fn higher(a: f64, b: f64) -> f64 {
    if a < b { b } else { a }
}

#[inline]
fn lower(a: f64, b: f64) -> f64 {
    if a > b { b } else { a }
}

/// A bar as the holder of the trend sees it: prices of a down trend are negated, so that one rule
/// serves both.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    /// The end in the trend's direction.
    gain: f64,
    /// The end that threatens the stop.
    risk: f64,
}

impl Seen {
    #[inline]
    fn new(high: f64, low: f64, up: bool) -> Self {
        if up { Self { gain: high, risk: low } } else { Self { gain: -low, risk: -high } }
    }
}

/// SAR of bars, in price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sar {
    step: f64,
    max: f64,
    /// High and low of the bar before, none before the first.
    last: Option<(f64, f64)>,
    /// Whether the trend is up; the next three are negated while it is down.
    up: bool,
    stop: f64,
    extreme: f64,
    factor: f64,
    value: Option<f64>,
}

impl Sar {
    /// The share begins at `step`, grows by it and ends at `max`; TA-Lib takes both from zero on
    /// and uses `max` for a `step` above it.
    pub fn new(step: f64, max: f64) -> Self {
        Self {
            step: lower(step, max),
            max,
            last: None,
            up: true,
            stop: 0.0,
            extreme: 0.0,
            factor: 0.0,
            value: None,
        }
    }

    /// The second bar: the trend, its extreme and the stop that bar meets.
    #[inline]
    fn begin(&mut self, high: f64, low: f64, last_high: f64, last_low: f64) {
        let (rise, fall) = (high - last_high, last_low - low);
        self.up = !(fall > 0.0 && rise < fall);
        self.stop = Seen::new(last_high, last_low, self.up).risk;
        self.extreme = Seen::new(high, low, self.up).gain;
        self.factor = self.step;
    }

    /// One bar after another `before` it; returns the stop that held on it.
    #[inline]
    fn follow(&mut self, high: f64, low: f64, (last_high, last_low): (f64, f64)) -> f64 {
        let now = Seen::new(high, low, self.up);
        let before = Seen::new(last_high, last_low, self.up);
        let sign = if self.up { 1.0 } else { -1.0 };
        if now.risk <= self.stop {
            let beyond = |level| higher(higher(level, before.gain), now.gain);
            let held = beyond(self.extreme);
            let next = beyond(held + self.step * (now.risk - held));
            self.up = !self.up;
            self.factor = self.step;
            self.extreme = -now.risk;
            self.stop = -next;
            return sign * held;
        }
        let held = self.stop;
        if now.gain > self.extreme {
            self.extreme = now.gain;
            self.factor = lower(self.factor + self.step, self.max);
        }
        let next = held + self.factor * (self.extreme - held);
        self.stop = lower(lower(next, before.risk), now.risk);
        sign * held
    }
}

impl Default for Sar {
    /// Wilder's 0.02 and 0.2.
    fn default() -> Self {
        Self::new(0.02, 0.2)
    }
}

impl Indicator for Sar {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let (high, low) = (bar.high(), bar.low());
        let (last_high, last_low) = self.last.replace((high, low))?;
        let mut before = (last_high, last_low);
        if self.value.is_none() {
            self.begin(high, low, last_high, last_low);
            // The first stop may enter the first bar's range, as in TA-Lib.
            before = (high, low);
        }
        self.value = Some(self.follow(high, low, before));
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        *self = Self::new(self.step, self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn follows_accelerates_and_reverses() {
        let bars = [
            bar(10.0, 9.0, 9.5),
            bar(11.0, 10.0, 10.5),
            bar(12.0, 11.0, 11.5),
            bar(11.5, 8.0, 8.5),
            bar(9.0, 7.0, 7.5),
            bar(8.0, 7.5, 7.5),
        ];
        let got = over(Sar::new(0.1, 0.2), bars);
        // Stop 9; a tenth of the way to 11; hit: the extreme 12 is the stop; never below the high
        // of the bar before, 12 and then 11.5.
        let first = 9.0 + 0.1 * (11.0 - 9.0);
        assert_eq!(got[..3], [None, Some(9.0), Some(first)]);
        assert_eq!(got[3..], [Some(12.0), Some(12.0), Some(11.5)]);
    }

    #[test]
    fn a_fall_begins_down() {
        let got = over(Sar::default(), [bar(10.0, 9.0, 9.5), bar(9.5, 8.0, 8.5)]);
        assert_eq!(got, [None, Some(10.0)]);
    }
}
