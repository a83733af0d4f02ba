//! Average directional movement index: DX smoothed again, 0 to 100.
//!
//! The first value is the mean of the first p DX, on bar 2p − 1, then Wilder's average; known at
//! its bar's close. Source: Wilder (1978). As TA-Lib: a bar without movement in either direction
//! adds nothing to the first mean and afterwards leaves the average as it is.

use crate::directional::Movement;
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// ADX of bars, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    movement: Movement,
    share: f64,
    period: u32,
    /// DX readings that the first mean still lacks.
    ahead: u32,
    /// Their sum while warming up, then the average.
    state: f64,
}

impl Adx {
    /// Over `period` changes and as many DX readings; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        Self {
            movement: Movement::new(period),
            share: 1.0 / f64::from(period.get()),
            period: period.get(),
            ahead: period.get(),
            state: 0.0,
        }
    }
}

impl Indicator for Adx {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        if !self.movement.push(&bar) {
            return None;
        }
        let index = self.movement.index();
        if self.ahead == 0 {
            let index = index.unwrap_or(self.state);
            self.state -= (self.state - index) * self.share;
            return Some(self.state);
        }
        self.state += index.unwrap_or(0.0);
        self.ahead -= 1;
        if self.ahead > 0 {
            return None;
        }
        self.state /= f64::from(self.period);
        Some(self.state)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.ahead == 0).then_some(self.state)
    }

    fn reset(&mut self) {
        self.movement.reset();
        self.ahead = self.period;
        self.state = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn averages_the_index_from_bar_two_p_minus_one() {
        let bars = (0..8).map(|n| bar(f64::from(n) + 1.0, f64::from(n), f64::from(n)));
        let got = over(Adx::new(NonZeroU32::new(3).unwrap()), bars);
        assert_eq!(got[..5], [None; 5]);
        assert_eq!(got[5..], [Some(100.0); 3], "a straight climb");
    }

    #[test]
    fn no_movement_leaves_the_average_alone() {
        let flat = bar(5.0, 5.0, 5.0);
        let got = over(Adx::new(NonZeroU32::new(2).unwrap()), [flat; 6]);
        assert_eq!(got[3..], [Some(0.0); 3]);
    }
}
