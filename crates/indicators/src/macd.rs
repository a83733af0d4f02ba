//! Moving average convergence and divergence: the fast less the slow exponential average of
//! closes, its own average (signal) and the difference of both (histogram).
//!
//! As in TA-Lib the fast average is seeded late, so that both first stand on bar slow − 1: it reads
//! nothing before bar slow − fast. All three come together, on bar slow + signal − 2. Where the
//! slow period is the shorter one, both are exchanged. Source: Gerald Appel, *The Moving Average
//! Convergence-Divergence Trading Method* (1985).

use crate::catalogue::{Columns, MAX_COLUMNS, cells};
use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// The three lines, in price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdLines {
    /// Fast less slow.
    pub macd: f64,
    /// The average of `macd`.
    pub signal: f64,
    /// `macd` less `signal`.
    pub histogram: f64,
}

impl Columns for MacdLines {
    const COUNT: usize = 3;

    #[inline]
    fn cells(self) -> [f64; MAX_COLUMNS] {
        cells([self.macd, self.signal, self.histogram])
    }
}

/// MACD of closes.
///
/// In this order for the reason given at [`crate::Ema`]; no pair crosses a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(16))]
pub struct Macd {
    /// Fast and slow: sums while warming up, then averages. One array, so that they are read and
    /// written as one.
    averages: [f64; 2],
    factors: [f64; 2],
    signal: Ema,
    /// Fast and slow.
    periods: [u32; 2],
    /// Closes read, up to the slow period.
    seen: u32,
    warm: bool,
}

impl Macd {
    /// With its three periods, usually 12, 26 and 9.
    pub fn new(fast: NonZeroU32, slow: NonZeroU32, signal: NonZeroU32) -> Self {
        let periods = [fast.min(slow).get(), fast.max(slow).get()];
        Self {
            averages: [0.0; 2],
            factors: periods.map(|period| 2.0 / (f64::from(period) + 1.0)),
            signal: Ema::new(signal),
            periods,
            seen: 0,
            warm: false,
        }
    }

    #[inline]
    fn step(&mut self, close: f64) -> f64 {
        let (old, factors) = (self.averages, self.factors);
        let next = |n: usize| old[n] + (close - old[n]) * factors[n];
        self.averages = [next(0), next(1)];
        self.averages[0] - self.averages[1]
    }

    #[inline]
    fn seed(&mut self, close: f64) -> Option<f64> {
        let [fast, slow] = self.periods;
        self.seen += 1;
        if self.seen > slow - fast {
            self.averages[0] += close;
        }
        self.averages[1] += close;
        if self.seen < slow {
            return None;
        }
        self.averages = [self.averages[0] / f64::from(fast), self.averages[1] / f64::from(slow)];
        Some(self.averages[0] - self.averages[1])
    }

    #[inline]
    fn warm_up(&mut self, close: f64) -> Option<MacdLines> {
        let seeded = self.seen == self.periods[1];
        let macd = if seeded { self.step(close) } else { self.seed(close)? };
        let signal = self.signal.push(macd)?;
        self.warm = true;
        Some(lines(macd, signal))
    }
}

#[inline]
fn lines(macd: f64, signal: f64) -> MacdLines {
    MacdLines { macd, signal, histogram: macd - signal }
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdLines;

    #[inline]
    fn push(&mut self, close: f64) -> Option<MacdLines> {
        if !self.warm {
            return self.warm_up(close);
        }
        let macd = self.step(close);
        Some(lines(macd, self.signal.step(macd)))
    }

    #[inline]
    fn value(&self) -> Option<MacdLines> {
        let signal = self.signal.value()?;
        Some(lines(self.averages[0] - self.averages[1], signal))
    }

    fn reset(&mut self) {
        self.averages = [0.0; 2];
        self.signal.reset();
        self.seen = 0;
        self.warm = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    #[test]
    fn the_fast_average_is_seeded_late() {
        let periods = [1, 3, 2].map(|n| NonZeroU32::new(n).unwrap());
        let got = over(Macd::new(periods[0], periods[1], periods[2]), [9.0, 1.0, 2.0, 6.0]);
        assert_eq!(got[..3], [None; 3]);
        // Fast is the close itself; slow 4, then 5; the signal is the mean of −2 and 1.
        let want = MacdLines { macd: 1.0, signal: -0.5, histogram: 1.5 };
        assert_eq!(got[3], Some(want));
    }
}
