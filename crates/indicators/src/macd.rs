//! Moving average convergence and divergence: the fast less the slow exponential average of
//! closes, its own average (signal) and the difference of both (histogram).
//!
//! As in TA-Lib the fast average is seeded late, so that both first stand on bar slow − 1: it reads
//! nothing before bar slow − fast. All three come together, on bar slow + signal − 2. Where the
//! slow period is the shorter one, both are exchanged. Source: Gerald Appel, *The Moving Average
//! Convergence-Divergence Trading Method* (1985).

use crate::catalogue::Columns;
use crate::ema::Ema;
use crate::indicator::Indicator;
use core::num::NonZeroU32;

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
    fn write(self, out: &mut [Option<f64>]) {
        crate::catalogue::write_cells([self.macd, self.signal, self.histogram], out);
    }
}

/// MACD of closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    /// Closes that the fast average must not see yet.
    skip: u32,
    warm: bool,
}

impl Macd {
    /// With its three periods, usually 12, 26 and 9.
    pub fn new(fast: NonZeroU32, slow: NonZeroU32, signal: NonZeroU32) -> Self {
        let (fast, slow) = (fast.min(slow), fast.max(slow));
        Self {
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
            skip: slow.get() - fast.get(),
            warm: false,
        }
    }

    #[cold]
    fn warm_up(&mut self, close: f64) -> Option<MacdLines> {
        let slow = self.slow.push(close);
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let (fast, slow) = (self.fast.push(close)?, slow?);
        let signal = self.signal.push(fast - slow)?;
        self.warm = true;
        Some(lines(fast - slow, signal))
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
        let macd = self.fast.step(close) - self.slow.step(close);
        Some(lines(macd, self.signal.step(macd)))
    }

    #[inline]
    fn value(&self) -> Option<MacdLines> {
        let macd = self.fast.value()? - self.slow.value()?;
        Some(lines(macd, self.signal.value()?))
    }

    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        self.skip = self.slow.period() - self.fast.period();
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
