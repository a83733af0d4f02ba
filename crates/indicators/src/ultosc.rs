//! Ultimate oscillator: buying pressure as a share of true range over three periods, weighted 4, 2
//! and 1 from the shortest to the longest, 0 to 100; first value on bar p, p the longest.
//!
//! Buying pressure is the close less the true low, the lower of low and previous close. A period
//! without any range adds 0. The periods may come in any order. Source: Larry Williams, *The
//! Ultimate Oscillator*, Technical Analysis of Stocks & Commodities 3:4 (1985).
//!
//! Six running sums, in TA-Lib's order of operations. A run of bars without range and pressure
//! that is as long as a period sets its sums to nothing, so that no rounding is left to divide.

use crate::atr::true_range;
use crate::indicator::Indicator;
use aegis_types::Bar;
use alloc::boxed::Box;
use alloc::vec;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Buying pressure and true range, of a bar or summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pressure {
    buying: f64,
    range: f64,
}

impl Pressure {
    #[inline]
    fn plus(self, other: Self) -> Self {
        Self { buying: self.buying + other.buying, range: self.range + other.range }
    }

    #[inline]
    fn less(self, other: Self) -> Self {
        Self { buying: self.buying - other.buying, range: self.range - other.range }
    }

    #[inline]
    fn share(self) -> f64 {
        // Division by one stands in for none, so that there is no jump.
        let share = self.buying / if self.range > 0.0 { self.range } else { 1.0 };
        if self.range > 0.0 { share } else { 0.0 }
    }
}

/// Ultimate oscillator of bars, 0 to 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UltOsc {
    previous_close: Option<f64>,
    /// The last bars, as many as the longest period.
    places: Box<[Pressure]>,
    next: usize,
    /// From the shortest to the longest.
    periods: [usize; 3],
    sums: [Pressure; 3],
    /// Place of the bar that each sum gives up next.
    oldest: [usize; 3],
    /// Bars with a previous close, until warm.
    seen: usize,
    /// How many of the last bars had neither range nor pressure.
    still: usize,
    value: f64,
}

impl UltOsc {
    /// Over three periods, usually 7, 14 and 28.
    pub fn new(first: NonZeroU32, second: NonZeroU32, third: NonZeroU32) -> Self {
        let mut periods = [first, second, third].map(|period| period.get() as usize);
        periods.sort_unstable();
        let longest = periods[2];
        Self {
            previous_close: None,
            places: vec![Pressure::default(); longest].into_boxed_slice(),
            next: 0,
            periods,
            sums: [Pressure::default(); 3],
            oldest: periods.map(|period| longest - period),
            seen: 0,
            still: 0,
            value: 0.0,
        }
    }

    /// Adds a bar; false while the longest period is not full.
    #[inline(always)]
    fn take(&mut self, bar: Pressure) -> bool {
        self.places[self.next] = bar;
        self.next = if self.next + 1 == self.places.len() { 0 } else { self.next + 1 };
        self.still = if bar == Pressure::default() { self.still.saturating_add(1) } else { 0 };
        let longest = self.places.len();
        if self.seen == longest {
            self.sums = self.sums.map(|sum| sum.plus(bar));
            return true;
        }
        self.seen += 1;
        for (sum, period) in self.sums.iter_mut().zip(self.periods) {
            // Each sum begins so late that it holds its period when the longest is full.
            if self.seen + period > longest {
                *sum = sum.plus(bar);
            }
        }
        self.seen == longest
    }

    #[inline]
    fn index(&mut self) -> f64 {
        if self.still >= self.periods[0] {
            for (sum, period) in self.sums.iter_mut().zip(self.periods) {
                if self.still >= period {
                    *sum = Pressure::default();
                }
            }
        }
        let [short, middle, long] = self.sums.map(Pressure::share);
        (4.0 * short + 2.0 * middle + long) * (100.0 / 7.0)
    }

    /// Makes room for the next bar.
    #[inline]
    fn give_up_the_oldest(&mut self) {
        let length = self.places.len();
        for (sum, oldest) in self.sums.iter_mut().zip(&mut self.oldest) {
            *sum = sum.less(self.places[*oldest]);
            *oldest = if *oldest + 1 == length { 0 } else { *oldest + 1 };
        }
    }
}

impl Indicator for UltOsc {
    type Input = Bar;
    type Output = f64;

    #[inline(always)]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let before = self.previous_close.replace(bar.close())?;
        let true_low = if before < bar.low() { before } else { bar.low() };
        let buying = bar.close() - true_low;
        if !self.take(Pressure { buying, range: true_range(&bar, before) }) {
            return None;
        }
        self.value = self.index();
        self.give_up_the_oldest();
        Some(self.value)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.seen == self.places.len()).then_some(self.value)
    }

    fn reset(&mut self) {
        self.previous_close = None;
        self.places.fill(Pressure::default());
        self.sums = [Pressure::default(); 3];
        let longest = self.places.len();
        self.oldest = self.periods.map(|period| longest - period);
        (self.next, self.seen, self.still) = (0, 0, 0);
        self.value = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;
    use aegis_types::Nanos;

    fn bar(high: f64, low: f64, close: f64) -> Bar {
        Bar::new(Nanos::ZERO, close, high, low, close, 0.0).unwrap()
    }

    #[test]
    fn is_the_weighted_share_of_buying_pressure() {
        let one = NonZeroU32::MIN;
        let bars = [bar(1.0, 1.0, 1.0), bar(5.0, 1.0, 4.0), bar(4.0, 4.0, 4.0)];
        assert_eq!(over(UltOsc::new(one, one, one), bars), [None, Some(75.0), Some(0.0)]);
    }
}
