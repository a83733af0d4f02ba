//! Bollinger bands: a simple moving average and lines some standard deviations away from it.
//!
//! The deviation is that of the whole population of the last p inputs. First value on input p − 1.
//! Source: John Bollinger, *Bollinger on Bollinger Bands* (2001); defaults 20 and 2.

use crate::bands::Bands;
use crate::indicator::Indicator;
use crate::stddev::Spread;
use crate::window::Window;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Bollinger bands of any series. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bbands {
    window: Window,
    spread: Spread,
    share: f64,
    deviations: f64,
    sum: f64,
    seen: usize,
    /// Of the bands from the mean; none while warming up. The bands are made of it each time: to
    /// give back what has just been written, as one, would wait until the writes have left the
    /// processor.
    distance: Option<f64>,
}

impl Bbands {
    /// Of `period` inputs, `deviations` away; TA-Lib takes periods from two on.
    pub fn new(period: NonZeroU32, deviations: f64) -> Self {
        Self {
            window: Window::new(period.get() as usize),
            spread: Spread::new(period),
            share: 1.0 / f64::from(period.get()),
            deviations,
            sum: 0.0,
            seen: 0,
            distance: None,
        }
    }
}

impl Indicator for Bbands {
    type Input = f64;
    type Output = Bands;

    #[inline]
    fn push(&mut self, input: f64) -> Option<Bands> {
        let oldest = self.window.push(input);
        // Zero while the window fills.
        self.sum = self.sum - oldest + input;
        let length = self.window.length();
        if self.seen + 1 < length {
            self.spread.fill(input, self.seen == 0, length);
            self.seen += 1;
            return None;
        }
        let distance = self.spread.slide(input, &self.window) * self.deviations;
        self.distance = Some(distance);
        Some(Bands::around(self.sum * self.share, distance))
    }

    #[inline]
    fn value(&self) -> Option<Bands> {
        Some(Bands::around(self.sum * self.share, self.distance?))
    }

    fn reset(&mut self) {
        self.window.reset();
        self.spread.reset();
        (self.sum, self.seen) = (0.0, 0);
        self.distance = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn stand_deviations_away_from_the_mean() {
        let got = over(Bbands::new(NonZeroU32::new(2).unwrap(), 2.0), [1.0, 3.0, 7.0]);
        let bands = |upper, middle, lower| Some(Bands { upper, middle, lower });
        assert_eq!(got, [None, bands(4.0, 2.0, 0.0), bands(9.0, 5.0, 1.0)]);
    }
}
