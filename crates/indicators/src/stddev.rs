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
use serde::{Deserialize, Serialize};

/// Of the mean square, below which the digits of the spread are being lost.
const WORN: f64 = 1e-6;
/// Windows between two new sums at the latest.
const WINDOWS: u64 = 32;

/// Variance of a window that another structure holds.
///
/// In this order for the reason given at [`crate::Ema`]; the pair never crosses a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(16))]
pub(crate) struct Spread {
    /// Sum and sum of squares of the window, less its oldest value once it is full.
    sums: [f64; 2],
    base: f64,
    share: f64,
    /// Inputs until the sums are made anew.
    due: u64,
}

impl Spread {
    pub(crate) fn new(period: NonZeroU32) -> Self {
        let share = 1.0 / f64::from(period.get());
        Self { sums: [0.0; 2], base: 0.0, share, due: 0 }
    }

    /// One more input while the window is not full.
    #[inline]
    pub(crate) fn fill(&mut self, input: f64, first: bool, length: usize) {
        if first {
            self.base = input;
            self.due = WINDOWS * length as u64;
        }
        self.add(input);
    }

    /// One more input, which `window` holds already and is full with; the standard deviation.
    #[inline(always)]
    pub(crate) fn slide(&mut self, input: f64, window: &Window) -> f64 {
        self.add(input);
        let mut variance = self.variance();
        let removed = self.remove(window.oldest());
        self.due = self.due.saturating_sub(1);
        let worn = variance < WORN * (self.sums[1] * self.share);
        if worn || WORN * removed > self.sums[1] || self.due == 0 {
            (*self, variance) = self.renewed(window.cells(), window.oldest());
        }
        // What is no number stays visible.
        libm::sqrt(if variance < 0.0 { 0.0 } else { variance })
    }

    #[inline]
    fn add(&mut self, input: f64) {
        let deviation = input - self.base;
        self.sums = [self.sums[0] + deviation, self.sums[1] + deviation * deviation];
    }

    #[inline]
    fn remove(&mut self, oldest: f64) -> f64 {
        let deviation = oldest - self.base;
        let square = deviation * deviation;
        self.sums = [self.sums[0] - deviation, self.sums[1] - square];
        square
    }

    #[inline]
    fn variance(&self) -> f64 {
        let mean = self.sums[0] * self.share;
        self.sums[1] * self.share - mean * mean
    }

    /// With new sums, and the variance. Taken and given back by value, so that the sums may stay in
    /// registers where nothing is renewed.
    #[cold]
    #[inline(never)]
    fn renewed(mut self, cells: &[f64], oldest: f64) -> (Self, f64) {
        self.due = WINDOWS * cells.len() as u64;
        let mut variance = self.measure(cells.iter().sum::<f64>() * self.share, cells);
        if variance < WORN * (self.sums[1] * self.share) {
            // The mean's own rounding is more than the spread: measured from one of the values,
            // equal ones have none.
            variance = self.measure(oldest, cells);
        }
        self.remove(oldest);
        (self, variance)
    }

    fn measure(&mut self, base: f64, cells: &[f64]) -> f64 {
        (self.base, self.sums) = (base, [0.0; 2]);
        cells.iter().for_each(|cell| self.add(*cell));
        self.variance()
    }

    pub(crate) fn reset(&mut self) {
        (self.base, self.sums, self.due) = (0.0, [0.0; 2], 0);
    }
}

/// Standard deviation of any series. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    #[inline(always)]
    fn push(&mut self, input: f64) -> Option<f64> {
        self.window.push(input);
        let length = self.window.length();
        if self.seen + 1 < length {
            self.spread.fill(input, self.seen == 0, length);
            self.seen += 1;
            return None;
        }
        let deviation = self.spread.slide(input, &self.window);
        self.value = Some(deviation * self.deviations);
        self.value
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
