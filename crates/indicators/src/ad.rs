//! Accumulation/distribution line: volume weighted by where in its range a bar closed.
//!
//! Each bar adds `((close − low) − (high − close)) / (high − low) × volume`: all of the volume for
//! a close at the high, minus all of it at the low; a bar without range adds nothing. First value
//! on bar 0, known at its close. Source: Marc Chaikin.

use crate::indicator::Indicator;
use aegis_types::Bar;
use serde::{Deserialize, Serialize};

/// What one bar adds.
#[inline]
pub(crate) fn money_flow(bar: &Bar) -> f64 {
    let (high, low, close) = (bar.high(), bar.low(), bar.close());
    let range = high - low;
    // Division by one stands in for none, so that there is no jump.
    let place = (close - low - (high - close)) / if range > 0.0 { range } else { 1.0 };
    if range > 0.0 { place * bar.volume() } else { 0.0 }
}

/// Accumulation/distribution line of bars, in volume units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ad {
    sum: f64,
    started: bool,
}

impl Ad {
    /// At zero.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator for Ad {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        self.started = true;
        self.sum += money_flow(&bar);
        Some(self.sum)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.started.then_some(self.sum)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::traded;
    use crate::over;

    #[test]
    fn weighs_volume_by_the_close() {
        let bars = [(4.0, 0.0, 4.0), (4.0, 0.0, 1.0), (3.0, 3.0, 3.0)];
        let bars = bars.map(|(h, l, c)| traded(h, l, c, 10.0));
        assert_eq!(over(Ad::new(), bars), [Some(10.0), Some(5.0), Some(5.0)]);
    }
}
