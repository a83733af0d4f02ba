//! Chaikin money flow: what the last p bars added to the accumulation/distribution line, as a share
//! of their volume, −1 to 1.
//!
//! First value on bar p − 1, known at its close; a window without volume reads 0. Source: Marc
//! Chaikin. The sums run, as in TA-Lib; unlike there, a window without volume is exactly that, and
//! not the rounding that is left of earlier volumes.

use crate::ad::money_flow;
use crate::indicator::Indicator;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// CMF of bars, −1 to 1. Allocates 2 p places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cmf {
    /// Money flow and volume.
    terms: Window<[f64; 2]>,
    sums: [f64; 2],
    seen: usize,
    /// Bars without volume in a row.
    idle: usize,
    value: Option<f64>,
}

impl Cmf {
    /// Over `period` bars; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        let terms = Window::new(period.get() as usize);
        Self { terms, sums: [0.0; 2], seen: 0, idle: 0, value: None }
    }
}

impl Indicator for Cmf {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let terms = [money_flow(&bar), bar.volume()];
        let oldest = self.terms.push(terms);
        let [flow, volume] = self.sums;
        self.sums = [flow - oldest[0] + terms[0], volume - oldest[1] + terms[1]];
        self.idle = if terms[1] == 0.0 { self.idle + 1 } else { 0 };
        if self.idle >= self.terms.length() {
            self.sums = [0.0; 2];
        }
        if self.seen + 1 < self.terms.length() {
            self.seen += 1;
            return None;
        }
        let [flow, volume] = self.sums;
        self.value = Some(if volume > 0.0 { flow / volume } else { 0.0 });
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

    #[test]
    fn is_the_flow_per_volume() {
        let bars = [(4.0, 10.0), (0.0, 30.0), (2.0, 10.0)].map(|(c, v)| traded(4.0, 0.0, c, v));
        let got = over(Cmf::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got, [None, Some(-0.5), Some(-0.75)]);
    }

    #[test]
    fn no_volume_reads_zero_whatever_came_before() {
        let traded_bars = [0.1, 0.2, 0.3].map(|v| traded(4.0, 0.0, 3.0, v));
        let idle = [traded(4.0, 0.0, 3.0, 0.0); 2];
        let got = over(Cmf::new(NonZeroU32::new(2).unwrap()), traded_bars.into_iter().chain(idle));
        assert_eq!(got[4], Some(0.0));
    }
}
