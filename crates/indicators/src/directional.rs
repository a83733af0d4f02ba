//! Directional movement and the directional indicators +DI and −DI.
//!
//! A bar moves up by what its high adds above the previous high, down by what its low adds below
//! the previous low; only the larger of the two counts, of equals neither. +DI and −DI are the
//! smoothed movements in percent of the smoothed true range. Smoothed here are Wilder's sums: the
//! plain sum of the first p − 1, then `S − S/p + x`. First value on bar p, known at its close.
//!
//! Source: J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978). As TA-Lib: a
//! market without any range reads 0, and for period 1 the ratio itself, 0 to 1, not in percent.

use crate::atr::true_range;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Below this, in percent of the range, there was no movement in either direction.
const NO_MOVEMENT: f64 = 1e-14 / 100.0;

/// Wilder's sums of the movements and of the true range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// What is left of the sums after a bar.
    kept: f64,
    /// Changes until the sums are smoothed, then 1 for the first smoothed one, then 0.
    ahead: u32,
    period: u32,
    last: Option<(f64, f64, f64)>,
    up: f64,
    down: f64,
    range: f64,
}

impl Movement {
    pub(crate) fn new(period: NonZeroU32) -> Self {
        Self {
            kept: 1.0 - 1.0 / f64::from(period.get()),
            ahead: period.get(),
            period: period.get(),
            last: None,
            up: 0.0,
            down: 0.0,
            range: 0.0,
        }
    }

    /// Reads one more bar; whether the sums are warm.
    #[inline]
    pub(crate) fn push(&mut self, bar: &Bar) -> bool {
        let (high, low) = (bar.high(), bar.low());
        let Some((last_high, last_low, last_close)) = self.last.replace((high, low, bar.close()))
        else {
            return false;
        };
        let (rise, fall) = (high - last_high, last_low - low);
        let up = positive(if rise > fall { rise } else { 0.0 });
        let down = positive(if fall > rise { fall } else { 0.0 });
        let range = true_range(bar, last_close);
        if self.ahead > 1 {
            self.ahead -= 1;
            self.up += up;
            self.down += down;
            self.range += range;
            return false;
        }
        self.ahead = 0;
        self.up = self.up * self.kept + up;
        self.down = self.down * self.kept + down;
        self.range = self.range * self.kept + range;
        true
    }

    /// What makes a share of the range a reading.
    #[inline]
    fn scale(&self) -> f64 {
        if self.period == 1 { 1.0 } else { 100.0 }
    }

    #[inline]
    fn of_range(&self, movement: f64) -> f64 {
        if self.range > 0.0 { self.scale() * (movement / self.range) } else { 0.0 }
    }

    /// `100 × |up − down| / (up + down)`; none when there was no movement to speak of.
    #[inline]
    pub(crate) fn index(&self) -> Option<f64> {
        let both = self.up + self.down;
        let moved = self.range > 0.0 && both >= NO_MOVEMENT * self.range && both > 0.0;
        moved.then(|| 100.0 * ((self.up - self.down).abs() / both))
    }

    #[inline]
    fn warm(&self) -> bool {
        self.ahead == 0
    }

    pub(crate) fn reset(&mut self) {
        self.ahead = self.period;
        self.last = None;
        (self.up, self.down, self.range) = (0.0, 0.0, 0.0);
    }
}

/// The larger of it and zero, in a form that leaves the processor nothing to guess.
#[inline]
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

/// +DI of bars, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlusDi(Movement);

/// −DI of bars, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinusDi(Movement);

impl PlusDi {
    /// Over `period` changes.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Movement::new(period))
    }
}

impl MinusDi {
    /// Over `period` changes.
    pub fn new(period: NonZeroU32) -> Self {
        Self(Movement::new(period))
    }
}

impl Indicator for PlusDi {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        self.0.push(&bar).then(|| self.0.of_range(self.0.up))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.warm().then(|| self.0.of_range(self.0.up))
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl Indicator for MinusDi {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        self.0.push(&bar).then(|| self.0.of_range(self.0.down))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.warm().then(|| self.0.of_range(self.0.down))
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    fn two() -> NonZeroU32 {
        NonZeroU32::new(2).unwrap()
    }

    #[test]
    fn sums_the_larger_movement_over_the_true_range() {
        let bars = [bar(10.0, 8.0, 9.0), bar(12.0, 9.0, 11.0), bar(13.0, 7.0, 8.0)];
        // Up 2 of range 3; then down 2 (up only 1) of range 6.
        assert_eq!(over(PlusDi::new(two()), bars), [None, None, Some(100.0 * (1.0 / 7.5))]);
        assert_eq!(over(MinusDi::new(two()), bars), [None, None, Some(100.0 * (2.0 / 7.5))]);
    }

    #[test]
    fn equal_movements_cancel_and_no_range_reads_zero() {
        let wider = [bar(10.0, 8.0, 9.0), bar(11.0, 7.0, 9.0), bar(12.0, 6.0, 9.0)];
        assert_eq!(over(PlusDi::new(two()), wider)[2], Some(0.0));
        assert_eq!(over(MinusDi::new(two()), [bar(5.0, 5.0, 5.0); 3])[2], Some(0.0));
    }

    #[test]
    fn period_one_is_a_share_not_a_percentage() {
        let bars = [bar(10.0, 8.0, 9.0), bar(12.0, 9.0, 11.0)];
        assert_eq!(over(PlusDi::new(NonZeroU32::MIN), bars), [None, Some(2.0 / 3.0)]);
    }
}
