//! Standard deviation of the last p inputs: of the whole population (divided by p, not by p − 1),
//! times a factor. First value on input p − 1.
//!
//! The sums of the deviations and of their squares run, measured from a base near the window's
//! mean, so that the difference of two big numbers is never taken: a price of 60,000 that moves by
//! 0.05 keeps its digits. The base is moved, and the sums are made anew from the window, when the
//! spread has become a millionth of what it is computed from, when what falls out outweighs all
//! that is left a million times, and every 32 windows: TA-Lib's rule, for the same digits. Each of
//! these needs about a window of new inputs to happen again, so the cost does not depend on p.

use crate::indicator::Indicator;
use crate::window::Window;
use core::num::NonZeroU32;

/// Of the mean square, below which the digits of the spread are being lost.
const WORN: f64 = 1e-6;
/// Windows between two new sums at the latest.
const WINDOWS: u64 = 32;

/// Variance of a window that another structure holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    share: f64,
    sums: Sums,
    /// Inputs until the sums are made anew.
    due: u64,
}

/// Deviations from a base and their squares, summed over a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    base: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn from(base: f64) -> Self {
        Self { base, sum: 0.0, squares: 0.0 }
    }

    /// `input` comes in, and the value that the last window began with goes. Each sum takes one
    /// step, so that the next input waits for one addition only.
    #[inline]
    fn step(&mut self, input: f64, gone: f64) {
        let (new, old) = (input - self.base, gone - self.base);
        self.sum += new - old;
        self.squares += new * new - old * old;
    }

    #[inline]
    fn variance(&self, share: f64) -> f64 {
        let mean = self.sum * share;
        self.squares * share - mean * mean
    }

    fn of(base: f64, cells: &[f64]) -> Self {
        let mut sums = Self::from(base);
        cells.iter().for_each(|cell| sums.step(*cell, base));
        sums
    }

    /// All anew, from the mean; where its own rounding is more than the spread, from one of the
    /// values: equal ones then have none.
    #[cold]
    #[inline(never)]
    fn anew(cells: &[f64], share: f64) -> Self {
        let sums = Self::of(cells.iter().sum::<f64>() * share, cells);
        if sums.variance(share) < WORN * (sums.squares * share) {
            return Self::of(cells[0], cells);
        }
        sums
    }
}

impl Spread {
    pub(crate) fn new(period: NonZeroU32) -> Self {
        Self { share: 1.0 / f64::from(period.get()), sums: Sums::default(), due: 0 }
    }

    /// One more input while the window is not full.
    pub(crate) fn fill(&mut self, input: f64, first: bool, length: usize) {
        if first {
            self.sums.base = input;
            self.due = WINDOWS * length as u64;
        }
        self.sums.step(input, self.sums.base);
    }

    /// One more input, for `gone`.
    #[inline]
    pub(crate) fn slide(&mut self, input: f64, gone: f64) {
        self.sums.step(input, gone);
    }

    /// Standard deviation of `window`, which is full.
    #[inline]
    pub(crate) fn deviation(&mut self, window: &Window) -> f64 {
        let mut variance = self.sums.variance(self.share);
        self.due = self.due.saturating_sub(1);
        // Looks one step ahead: what falls out next must not leave its rounding behind.
        let next = window.oldest() - self.sums.base;
        let left = self.sums.squares - next * next;
        let worn = variance < WORN * (left * self.share);
        if worn || WORN * (next * next) > left || self.due == 0 {
            self.sums = Sums::anew(window.cells(), self.share);
            self.due = WINDOWS * window.length() as u64;
            variance = self.sums.variance(self.share);
        }
        // What is no number stays visible.
        libm::sqrt(if variance < 0.0 { 0.0 } else { variance })
    }

    pub(crate) fn reset(&mut self) {
        (self.sums, self.due) = (Sums::default(), 0);
    }
}

/// Standard deviation of any series. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq)]
pub struct Stddev {
    window: Window,
    spread: Spread,
    deviations: f64,
    seen: usize,
    value: Option<f64>,
}

impl Stddev {
    /// Of `period` inputs, times `deviations`; TA-Lib takes periods from two on.
    pub fn new(period: NonZeroU32, deviations: f64) -> Self {
        Self {
            window: Window::new(period.get() as usize),
            spread: Spread::new(period),
            deviations,
            seen: 0,
            value: None,
        }
    }
}

impl Indicator for Stddev {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, input: f64) -> Option<f64> {
        let gone = self.window.push(input);
        let length = self.window.length();
        if self.seen < length {
            self.spread.fill(input, self.seen == 0, length);
            self.seen += 1;
            if self.seen < length {
                return None;
            }
        } else {
            self.spread.slide(input, gone);
        }
        let deviation = self.spread.deviation(&self.window);
        let value = Some(deviation * self.deviations);
        self.value = value;
        value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.window.reset();
        self.spread.reset();
        self.seen = 0;
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;
    use alloc::vec::Vec;

    fn stddev(period: u32) -> Stddev {
        Stddev::new(NonZeroU32::new(period).unwrap(), 1.0)
    }

    #[test]
    fn divides_by_the_whole_population() {
        assert_eq!(over(stddev(2), [1.0, 3.0, 7.0]), [None, Some(1.0), Some(2.0)]);
    }

    /// The definition, from the window alone.
    fn exact(window: &[f64]) -> f64 {
        let length = window.len() as f64;
        let mean = window.iter().sum::<f64>() / length;
        libm::sqrt(window.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / length)
    }

    #[test]
    fn keeps_its_digits_far_from_zero_and_after_a_spike() {
        let noise = |n: u32| f64::from(n * n % 17) * 0.01;
        let mut inputs: Vec<f64> = (0..200).map(|n| 60_000.0 + noise(n)).collect();
        inputs[100] = 1e9;
        inputs.extend((0..200).map(|n| 5e-7 + 1e-9 * noise(n)));
        let got = over(stddev(20), inputs.iter().copied());
        for (n, window) in inputs.windows(20).enumerate() {
            let (got, want) = (got[n + 19].unwrap(), exact(window));
            assert!((got - want).abs() <= 1e-9 * want, "{n}: {got} is not {want}");
        }
    }

    #[test]
    fn equal_values_have_none() {
        let inputs = (0..40).map(f64::from).chain([100.3; 30]);
        assert_eq!(over(stddev(20), inputs).last(), Some(&Some(0.0)));
    }
}
