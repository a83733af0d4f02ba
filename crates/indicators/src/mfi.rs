//! Money flow index: the share of rising money flow in the flow of the last p bars, 0 to 100.
//!
//! A bar's flow is its typical price (high + low + close) / 3 times its volume; it counts as rising
//! or falling by the typical price of the bar before. First value on bar p, known at its close.
//!
//! Source: Gene Quong and Avrum Soudack, *Technical Analysis of Stocks & Commodities*, March 1989.
//! As TA-Lib: a change within 1e-14 of both prices counts as none, no flow at all reads 0, and the
//! sums run.

use crate::indicator::Indicator;
use crate::typical::typical;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Of the two prices' sum: a smaller change is rounding, not movement.
const NO_CHANGE: f64 = 1e-14;

/// MFI of bars, 0 to 100. Allocates `period` places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mfi {
    /// Flows, falling ones negative.
    flows: Window,
    rising: f64,
    falling: f64,
    previous: Option<f64>,
    seen: usize,
    /// Bars without flow in a row: a whole window of them has sums of exactly zero.
    still: usize,
    value: Option<f64>,
}

impl Mfi {
    /// Over `period` changes; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        Self {
            flows: Window::new(period.get() as usize),
            rising: 0.0,
            falling: 0.0,
            previous: None,
            seen: 0,
            still: 0,
            value: None,
        }
    }

    #[inline]
    fn index(&self) -> f64 {
        let both = self.rising + self.falling;
        let rising = if self.rising < 0.0 { 0.0 } else { self.rising };
        let rising = if rising > both { both } else { rising };
        if both <= 0.0 { 0.0 } else { 100.0 * (rising / both) }
    }
}

#[inline]
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

impl Indicator for Mfi {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let price = typical(&bar);
        let previous = self.previous.replace(price)?;
        let change = price - previous;
        let moved = change.abs() > NO_CHANGE * (price.abs() + previous.abs());
        let flow = if moved { price * bar.volume() } else { 0.0 };
        let flow = if change < 0.0 { -flow } else { flow };
        let oldest = self.flows.push(flow);
        self.rising = self.rising - positive(oldest) + positive(flow);
        self.falling = self.falling - positive(-oldest) + positive(-flow);
        self.still = if flow == 0.0 { self.still + 1 } else { 0 };
        if self.still >= self.flows.length() {
            (self.rising, self.falling) = (0.0, 0.0);
        }
        if self.seen + 1 < self.flows.length() {
            self.seen += 1;
            return None;
        }
        self.value = Some(self.index());
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.flows.reset();
        (self.rising, self.falling) = (0.0, 0.0);
        self.previous = None;
        (self.seen, self.still) = (0, 0);
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::traded;
    use crate::over;

    #[test]
    fn is_the_share_of_rising_flow() {
        let bars =
            [(1.0, 9.0), (2.0, 3.0), (1.0, 2.0), (1.0, 8.0)].map(|(c, v)| traded(c, c, c, v));
        let got = over(Mfi::new(NonZeroU32::new(2).unwrap()), bars);
        assert_eq!(got, [None, None, Some(75.0), Some(0.0)]);
    }

    #[test]
    fn no_flow_reads_zero_whatever_came_before() {
        let moving = [0.1, 0.3, 0.7, 0.2].map(|c| traded(c, c, c, 0.7));
        let still = [traded(0.2, 0.2, 0.2, 5.0); 3];
        let got = over(Mfi::new(NonZeroU32::new(3).unwrap()), moving.into_iter().chain(still));
        assert_eq!(got[6], Some(0.0));
    }
}
