//! Directional movement index: `100 × |+DI − −DI| / (+DI + −DI)`, 0 to 100.
//!
//! First value on bar p, known at its close. Source: Wilder (1978). As TA-Lib: a bar after which
//! there is no movement in either direction repeats the value before, and the first reads 0.

use crate::directional::Movement;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// DX of bars, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dx {
    movement: Movement,
    value: Option<f64>,
}

impl Dx {
    /// Over `period` changes; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        Self { movement: Movement::new(period), value: None }
    }
}

impl Indicator for Dx {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        if !self.movement.push(&bar) {
            return None;
        }
        let index = self.movement.index().or(self.value).unwrap_or(0.0);
        self.value = Some(index);
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.movement.reset();
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn compares_the_directions_and_repeats_without_movement() {
        let flat = bar(5.0, 5.0, 5.0);
        let bars = [flat, flat, flat, bar(6.0, 5.0, 5.0), flat];
        let got = over(Dx::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got, [None, None, Some(0.0), Some(100.0), Some(100.0)]);
        let calm = over(Dx::new(NonZeroU32::MIN), [flat, bar(6.0, 5.0, 5.0), bar(6.0, 5.0, 5.0)]);
        assert_eq!(calm[1..], [Some(100.0), Some(100.0)], "no movement repeats");
    }
}
