//! Keltner channel: an exponential average of the typical price and lines some average true ranges
//! away from it.
//!
//! Typical price is (high + low + close) / 3. Both averages begin on the same bar, the later of
//! p − 1 and a (p of the average, a of the ATR), each seeded from the bars just before it, as in
//! TA-Lib 0.8: the shorter of the two leaves out the first bars. Known at the bar's close.
//!
//! Source: Chester Keltner (1960) in Linda Raschke's form.

use crate::atr::Atr;
use crate::bands::Bands;
use crate::ema::Ema;
use crate::indicator::Indicator;
use crate::typical::typical;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Keltner channel of bars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keltner {
    average: Ema,
    atr: Atr,
    multiplier: f64,
    /// Bars that the average leaves out at the beginning, and the ATR.
    average_from: u32,
    atr_from: u32,
    /// Bars seen, up to the longer of the two.
    seen: u32,
    value: Option<Bands>,
}

impl Keltner {
    /// An average over `period` bars, lines `multiplier` times the ATR over `atr_period` away.
    /// TA-Lib takes a `period` of two and more.
    pub fn new(period: NonZeroU32, atr_period: NonZeroU32, multiplier: f64) -> Self {
        let (average, atr) = (period.get() - 1, atr_period.get());
        let first = average.max(atr);
        Self {
            average: Ema::new(period),
            atr: Atr::new(atr_period),
            multiplier,
            average_from: first - average,
            atr_from: first - atr,
            seen: 0,
            value: None,
        }
    }
}

impl Indicator for Keltner {
    type Input = Bar;
    type Output = Bands;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<Bands> {
        let (mut middle, mut range) = (None, None);
        if self.seen >= self.average_from {
            middle = self.average.push(typical(&bar));
        }
        if self.seen >= self.atr_from {
            range = self.atr.push(bar);
        }
        if self.seen < self.average_from.max(self.atr_from) {
            self.seen += 1;
        }
        let bands = Bands::around(middle?, range? * self.multiplier);
        self.value = Some(bands);
        Some(bands)
    }

    #[inline]
    fn value(&self) -> Option<Bands> {
        self.value
    }

    fn reset(&mut self) {
        self.average.reset();
        self.atr.reset();
        self.seen = 0;
        self.value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    fn periods(period: u32, atr: u32) -> Keltner {
        let of = |n| NonZeroU32::new(n).unwrap();
        Keltner::new(of(period), of(atr), 2.0)
    }

    #[test]
    fn the_shorter_average_begins_late() {
        // Ranges 10, 2, 2: the ATR over two leaves out the ten.
        let bars = [bar(10.0, 10.0, 10.0), bar(15.0, 5.0, 10.0), bar(11.0, 9.0, 10.0)];
        let bars = bars.into_iter().chain([bar(11.0, 9.0, 10.0)]);
        let got = over(periods(4, 2), bars);
        assert_eq!(got, [None, None, None, Some(Bands::around(10.0, 4.0))]);
    }

    #[test]
    fn begins_where_both_are_warm() {
        for (period, atr, first) in [(2, 5, 5), (9, 3, 8), (3, 2, 2)] {
            let got = over(periods(period, atr), [bar(2.0, 1.0, 1.5); 12]);
            assert_eq!(got.iter().position(Option::is_some), Some(first), "{period} {atr}");
        }
    }
}
