//! Vortex indicator: movement up and movement down over the true range of the last p bars.
//!
//! Up is the way from the previous low to this high, down from the previous high to this low; each
//! line is the sum of its movements over the sum of the true ranges. First value on bar p, known at
//! its close. No range at all reads 0.
//!
//! Source: Etienne Botes and Douglas Siepman, *Technical Analysis of Stocks & Commodities*, January
//! 2010. The sums run, as in TA-Lib.

use crate::atr::true_range;
use crate::indicator::Indicator;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Both lines; around 1 when neither direction leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VortexLines {
    /// +VI.
    pub plus: f64,
    /// −VI.
    pub minus: f64,
}

/// Vortex of bars. Allocates 3 p places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vortex {
    /// True range, movement up, movement down.
    terms: Window<[f64; 3]>,
    sums: [f64; 3],
    last: Option<(f64, f64, f64)>,
    seen: usize,
    /// Bars without range in a row: a whole window of them has a sum of exactly zero.
    still: usize,
    value: Option<VortexLines>,
}

impl Vortex {
    /// Over `period` changes.
    pub fn new(period: NonZeroU32) -> Self {
        let terms = Window::new(period.get() as usize);
        Self { terms, sums: [0.0; 3], last: None, seen: 0, still: 0, value: None }
    }
}

impl Indicator for Vortex {
    type Input = Bar;
    type Output = VortexLines;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<VortexLines> {
        let (high, low) = (bar.high(), bar.low());
        let (last_high, last_low, last_close) = self.last.replace((high, low, bar.close()))?;
        let range = true_range(&bar, last_close);
        let terms = [range, (high - last_low).abs(), (low - last_high).abs()];
        let oldest = self.terms.push(terms);
        for ((sum, new), old) in self.sums.iter_mut().zip(terms).zip(oldest) {
            *sum = *sum - old + new;
        }
        self.still = if range == 0.0 { self.still + 1 } else { 0 };
        if self.still >= self.terms.length() {
            self.sums[0] = 0.0;
        }
        if self.seen + 1 < self.terms.length() {
            self.seen += 1;
            return None;
        }
        let [range, plus, minus] = self.sums;
        let moved = range > 0.0;
        let of_range = |sum: f64| if moved { sum / range } else { 0.0 };
        let lines = VortexLines { plus: of_range(plus), minus: of_range(minus) };
        self.value = Some(lines);
        Some(lines)
    }

    #[inline]
    fn value(&self) -> Option<VortexLines> {
        self.value
    }

    fn reset(&mut self) {
        self.terms.reset();
        self.sums = [0.0; 3];
        self.last = None;
        (self.seen, self.still) = (0, 0);
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn sums_both_movements_over_the_range() {
        let bars = [bar(10.0, 8.0, 9.0), bar(12.0, 9.0, 11.0), bar(13.0, 7.0, 8.0)];
        let got = over(Vortex::new(NonZeroU32::new(2).unwrap()), bars);
        let want = VortexLines { plus: (4.0 + 4.0) / 9.0, minus: (1.0 + 5.0) / 9.0 };
        assert_eq!(got, [None, None, Some(want)]);
    }

    #[test]
    fn a_still_market_reads_zero() {
        let mut vortex = Vortex::new(NonZeroU32::new(2).unwrap());
        vortex.push(bar(0.7, 0.1, 0.3));
        let still = bar(0.3, 0.3, 0.3);
        let got = [still; 4].map(|bar| vortex.push(bar));
        assert_eq!(got[3], Some(VortexLines { plus: 0.0, minus: 0.0 }));
    }
}
