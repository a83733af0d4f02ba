//! Volume-weighted moving average of the last p closes.
//!
//! First value on bar p − 1, known at its close; none while a window has no volume at all. The sums
//! run, as in TA-Lib; unlike there, a window without volume is exactly that, and not the quotient
//! of the rounding that is left of earlier volumes. Period 1 is the close itself.

use crate::indicator::Indicator;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// VWMA of bars, in price. Allocates 2 p places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vwma {
    /// Close times volume, and volume.
    terms: Window<[f64; 2]>,
    sums: [f64; 2],
    seen: usize,
    /// Bars without volume in a row.
    idle: usize,
    value: Option<f64>,
}

impl Vwma {
    /// Over `period` bars.
    pub fn new(period: NonZeroU32) -> Self {
        let terms = Window::new(period.get() as usize);
        Self { terms, sums: [0.0; 2], seen: 0, idle: 0, value: None }
    }
}

impl Indicator for Vwma {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let (close, volume) = (bar.close(), bar.volume());
        if self.terms.length() == 1 {
            self.value = Some(close);
            return self.value;
        }
        let terms = [close * volume, volume];
        let oldest = self.terms.push(terms);
        let [paid, traded] = self.sums;
        self.sums = [paid - oldest[0] + terms[0], traded - oldest[1] + terms[1]];
        self.idle = if volume == 0.0 { self.idle + 1 } else { 0 };
        if self.idle >= self.terms.length() {
            self.sums = [0.0; 2];
        }
        if self.seen + 1 < self.terms.length() {
            self.seen += 1;
            return None;
        }
        let [paid, traded] = self.sums;
        self.value = (traded != 0.0).then(|| paid / traded);
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.terms.reset();
        self.sums = [0.0; 2];
        (self.seen, self.idle) = (0, 0);
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::traded;
    use crate::over;

    fn two() -> Vwma {
        Vwma::new(NonZeroU32::new(2).unwrap())
    }

    #[test]
    fn weighs_closes_by_volume() {
        let bars = [(1.0, 1.0), (4.0, 3.0), (2.0, 1.0)].map(|(c, v)| traded(c, c, c, v));
        assert_eq!(over(two(), bars), [None, Some(3.25), Some(3.5)]);
        assert_eq!(over(Vwma::new(NonZeroU32::MIN), bars)[1], Some(4.0));
    }

    #[test]
    fn without_volume_there_is_no_average() {
        let bars = [0.1, 0.2, 0.3, 0.0, 0.0, 2.0].map(|v| traded(7.0, 7.0, 7.0, v));
        let got = over(two(), bars);
        assert_eq!(got[4], None);
        assert_eq!(got[5], Some(7.0));
    }
}
