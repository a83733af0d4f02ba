//! Chaikin oscillator: a fast exponential average of the accumulation/distribution line less a slow
//! one.
//!
//! Both begin with the line's first value, as in TA-Lib, not with a mean. First value on bar
//! p − 1 of the longer period, known at its close. Either may be the longer. Source: Marc Chaikin.

use crate::ad::Ad;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Chaikin oscillator of bars, in volume units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adosc {
    line: Ad,
    /// Factors and averages, fast and slow.
    factors: [f64; 2],
    averages: Option<[f64; 2]>,
    warm_at: u32,
    seen: u32,
}

impl Adosc {
    /// Averages over `fast` and `slow` bars; TA-Lib takes two and more.
    pub fn new(fast: NonZeroU32, slow: NonZeroU32) -> Self {
        let factors = [fast, slow].map(|period| 2.0 / (f64::from(period.get()) + 1.0));
        let warm_at = fast.max(slow).get();
        Self { line: Ad::new(), factors, averages: None, warm_at, seen: 0 }
    }
}

impl Indicator for Adosc {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let line = self.line.push(bar)?;
        let [fast, slow] = self.averages.unwrap_or([line; 2]);
        let averages =
            [fast + (line - fast) * self.factors[0], slow + (line - slow) * self.factors[1]];
        self.averages = Some(averages);
        if self.seen < self.warm_at {
            self.seen += 1;
        }
        self.value()
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let [fast, slow] = self.averages?;
        (self.seen >= self.warm_at).then_some(fast - slow)
    }

    fn reset(&mut self) {
        self.line.reset();
        self.averages = None;
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::traded;
    use crate::over;

    #[test]
    fn both_averages_begin_with_the_first_value() {
        // The line reads 8, 16, 24.
        let bars = [traded(4.0, 0.0, 4.0, 8.0); 3];
        let of = |n| NonZeroU32::new(n).unwrap();
        let got = over(Adosc::new(of(1), of(3)), bars);
        assert_eq!(got, [None, None, Some(24.0 - 18.0)]);
    }
}
