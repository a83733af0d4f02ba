//! Average directional movement rating: the mean of ADX now and p − 1 bars ago, 0 to 100.
//!
//! First value on bar 3p − 2, known at its close. Source: Wilder (1978); the distance as TA-Lib.

use crate::adx::Adx;
use crate::indicator::Indicator;
use crate::window::Window;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// ADXR of bars, 0 to 100. Allocates p − 1 places once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adxr {
    adx: Adx,
    before: Window,
    seen: usize,
    value: Option<f64>,
}

impl Adxr {
    /// Of the ADX over `period`; TA-Lib takes two and more.
    pub fn new(period: NonZeroU32) -> Self {
        let before = Window::new(period.get() as usize - 1);
        Self { adx: Adx::new(period), before, seen: 0, value: None }
    }
}

impl Indicator for Adxr {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        let now = self.adx.push(bar)?;
        let then = self.before.push(now);
        if self.seen < self.before.length() {
            self.seen += 1;
            return None;
        }
        self.value = Some((now + then) / 2.0);
        self.value
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.adx.reset();
        self.before.reset();
        self.seen = 0;
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;
    use alloc::vec::Vec;

    #[test]
    fn is_half_way_to_the_adx_of_before() {
        let bars: Vec<Bar> = [1.0, 3.0, 2.0, 5.0, 4.0, 4.0, 1.0, 7.0, 6.0, 9.0, 2.0]
            .map(|high| bar(high, high - 1.0, high))
            .into();
        let three = NonZeroU32::new(3).unwrap();
        let adx = over(Adx::new(three), bars.clone());
        let got = over(Adxr::new(three), bars);
        assert_eq!(got[..7], [None; 7]);
        assert_eq!(got[7], Some((adx[7].unwrap() + adx[5].unwrap()) / 2.0));
        assert_eq!(got[10], Some((adx[10].unwrap() + adx[8].unwrap()) / 2.0));
    }
}
