//! Relative strength index after Wilder: `100 × g / (g + l)` of the smoothed gains and losses.
//!
//! First value on bar p, seeded with the mean of the first p changes. A market that has not moved
//! at all reads 0, as in TA-Lib; only gains read 100.

use crate::indicator::Indicator;
use crate::wilder::Wilder;
use core::num::NonZeroU32;

/// Below this the smoothed movement counts as none, TA-Lib's own epsilon.
const NO_MOVEMENT: f64 = 1e-14;

/// Wilder RSI of closes, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rsi {
    previous: Option<f64>,
    gain: Wilder,
    loss: Wilder,
}

impl Rsi {
    /// Over `period` changes.
    pub fn new(period: NonZeroU32) -> Self {
        Self { previous: None, gain: Wilder::new(period), loss: Wilder::new(period) }
    }

    #[inline]
    fn index(gain: f64, loss: f64) -> f64 {
        let movement = gain + loss;
        if movement < NO_MOVEMENT { 0.0 } else { 100.0 * (gain / movement) }
    }
}

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn push(&mut self, close: f64) -> Option<f64> {
        let previous = self.previous.replace(close)?;
        let change = close - previous;
        // One is zero; the comparison keeps a change that is not a number visible in both.
        let (up, down) = if change > 0.0 { (change, 0.0) } else { (0.0, -change) };
        let (gain, loss) = (self.gain.push(up), self.loss.push(down));
        Some(Self::index(gain?, loss?))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        Some(Self::index(self.gain.value()?, self.loss.value()?))
    }

    fn reset(&mut self) {
        self.previous = None;
        self.gain.reset();
        self.loss.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::over;

    fn rsi(period: u32) -> Rsi {
        Rsi::new(NonZeroU32::new(period).unwrap())
    }

    #[test]
    fn first_value_comes_after_p_changes() {
        let got = over(rsi(14), (0..20).map(f64::from));
        assert!(got[..14].iter().all(Option::is_none));
        assert_eq!(got[14], Some(100.0), "only gains");
    }

    #[test]
    fn falling_reads_zero_and_flat_reads_zero() {
        assert_eq!(over(rsi(3), [4.0, 3.0, 2.0, 1.0])[3], Some(0.0));
        assert_eq!(over(rsi(3), [4.0; 4])[3], Some(0.0));
    }

    #[test]
    fn a_value_that_is_no_number_stays_visible() {
        let got = over(rsi(2), [1.0, 2.0, f64::NAN, 2.0, 3.0]);
        assert!(got[4].unwrap().is_nan());
    }
}
