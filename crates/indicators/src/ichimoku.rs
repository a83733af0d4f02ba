//! Ichimoku: middles of ranges of three lengths, and the middle between the first two.
//!
//! Tenkan, kijun and span B are half-way between the highest high and the lowest low of 9, 26 and
//! 52 bars; span A is half-way between tenkan and kijun. Each line begins when its own bars are
//! there, and is known at the bar's close. The spans are not shifted: charts draw them 26 bars
//! ahead, what is known now is what stands here.
//!
//! Source: Goichi Hosoda (1969).

use crate::extremes::{Extremes, Range};
use crate::indicator::Indicator;
use aegis_types::Bar;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// The four lines, in price; a line is absent while it warms up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IchimokuLines {
    /// The conversion line.
    pub tenkan: Option<f64>,
    /// The base line.
    pub kijun: Option<f64>,
    /// Half-way between the two.
    pub span_a: Option<f64>,
    /// The longest middle.
    pub span_b: Option<f64>,
}

impl IchimokuLines {
    #[inline]
    fn if_any(self) -> Option<Self> {
        (self.tenkan.is_some() || self.kijun.is_some() || self.span_b.is_some()).then_some(self)
    }
}

/// Ichimoku lines of bars. Allocates its windows once, when made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ichimoku {
    tenkan: Extremes,
    kijun: Extremes,
    span_b: Extremes,
    lines: IchimokuLines,
}

impl Ichimoku {
    /// Of windows of so many bars.
    pub fn new(tenkan: NonZeroU32, kijun: NonZeroU32, span_b: NonZeroU32) -> Self {
        let of = |period: NonZeroU32| Extremes::new(period.get() as usize);
        Self {
            tenkan: of(tenkan),
            kijun: of(kijun),
            span_b: of(span_b),
            lines: IchimokuLines::default(),
        }
    }
}

impl Indicator for Ichimoku {
    type Input = Bar;
    type Output = IchimokuLines;

    /// Something as soon as one line is there.
    #[inline]
    fn push(&mut self, bar: Bar) -> Option<IchimokuLines> {
        let (high, low) = (bar.high(), bar.low());
        let tenkan = self.tenkan.push(high, low).map(Range::middle);
        let kijun = self.kijun.push(high, low).map(Range::middle);
        let span_b = self.span_b.push(high, low).map(Range::middle);
        let span_a = tenkan.zip(kijun).map(|(tenkan, kijun)| (tenkan + kijun) / 2.0);
        let lines = IchimokuLines { tenkan, kijun, span_a, span_b };
        self.lines = lines;
        lines.if_any()
    }

    #[inline]
    fn value(&self) -> Option<IchimokuLines> {
        self.lines.if_any()
    }

    fn reset(&mut self) {
        self.tenkan.reset();
        self.kijun.reset();
        self.span_b.reset();
        self.lines = IchimokuLines::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::bar;
    use crate::over;

    #[test]
    fn each_line_begins_with_its_own_bars() {
        let of = |n| NonZeroU32::new(n).unwrap();
        let bars = [(2.0, 0.0), (4.0, 2.0), (8.0, 6.0)].map(|(h, l)| bar(h, l, l));
        let got = over(Ichimoku::new(of(1), of(2), of(3)), bars);
        let first = IchimokuLines { tenkan: Some(1.0), ..IchimokuLines::default() };
        assert_eq!(got[0], Some(first));
        assert_eq!(got[1].unwrap().span_a, Some(2.5));
        let last = IchimokuLines {
            tenkan: Some(7.0),
            kijun: Some(5.0),
            span_a: Some(6.0),
            span_b: Some(4.0),
        };
        assert_eq!(got[2], Some(last));
    }
}
