//! Turtle soup: the failed break of an old extreme.
//!
//! Bullish: a bar trades below the lowest low of the `period` bars before it (the latest of equal
//! lows), that low being at least `age_min` bars old, and it or one of the next `reclaim_bars`
//! closes back above the low. Known at that close. A further break while one is being judged takes
//! its place. Bearish mirrored. Nothing is said before there are `period` earlier bars.
//! Source: L. Connors and L. Raschke, *Street Smarts* (1995): 20 bars, 4 bars old, entered on the
//! bar of the break or on the next one ("plus one").

use crate::event::{Event, Kind};
use crate::least::Least;
use crate::view::{Lows, View};
use crate::window::History;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`TurtleSoup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurtleSoupParams {
    /// Bars whose extreme is broken, 1 to [`TurtleSoupParams::PERIOD_MAX`]; numbers outside are
    /// moved to the nearest inside.
    pub period: u32,
    /// The extreme's own bar lies at least this many bars before the break.
    pub age_min: u32,
    /// Bars after the break in which a close back still counts; 0: only the bar of the break.
    pub reclaim_bars: u32,
}

impl TurtleSoupParams {
    /// Longest period.
    pub const PERIOD_MAX: u32 = 1_000;

    /// Bars before the last that are looked at.
    pub(crate) fn bars_back(&self) -> u32 {
        self.period.clamp(1, Self::PERIOD_MAX)
    }
}

impl Default for TurtleSoupParams {
    fn default() -> Self {
        Self { period: 20, age_min: 4, reclaim_bars: 1 }
    }
}

/// A break that is not judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Broken {
    level: f64,
    pos: u32,
    at: u32,
    lowest: f64,
}

/// Failed breaks that speak for one side: below old lows for buyers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurtleSoup {
    params: TurtleSoupParams,
    side: Side,
    broken: Option<Broken>,
}

/// The old extremes, of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OldLows {
    least: Least,
    /// Of the `period` bars before the next.
    pub lows: Lows,
}

impl OldLows {
    /// Nothing seen.
    pub fn new(params: &TurtleSoupParams) -> Self {
        Self { least: Least::new(params.bars_back()), lows: [f64::INFINITY; 2] }
    }

    /// After a bar was read: it is one of the bars before.
    #[inline]
    pub fn push(&mut self, lows: Lows) {
        self.lows = self.least.push(lows);
    }
}

impl TurtleSoup {
    /// Nothing seen.
    pub fn new(side: Side, params: TurtleSoupParams) -> Self {
        let params = TurtleSoupParams { period: params.bars_back(), ..params };
        Self { params, side, broken: None }
    }

    /// Reads bar `at` as this side sees it; `level` is the lowest low of the `period` bars before.
    #[inline]
    pub(crate) fn push(
        &mut self,
        at: u32,
        bar: View,
        level: f64,
        history: &History,
        out: &mut impl FnMut(Event),
    ) {
        if let Some(broken) = self.broken {
            self.judge(at, bar, broken, out);
        }
        if bar.low < level && at >= self.params.period {
            let pos = history.latest(at - 1, self.side, level);
            if at - pos >= self.params.age_min {
                self.judge(at, bar, Broken { level, pos, at, lowest: bar.low }, out);
            }
        }
    }

    fn judge(&mut self, at: u32, bar: View, mut broken: Broken, out: &mut impl FnMut(Event)) {
        broken.lowest = broken.lowest.min(bar.low);
        let back = bar.close > broken.level;
        if back {
            let level = View::price(broken.level, self.side);
            let far = View::price(broken.lowest, self.side);
            out(Event::new(at, broken.pos, Kind::TurtleSoup, self.side, level, far));
        }
        let over = back || at - broken.at >= self.params.reclaim_bars;
        self.broken = if over { None } else { Some(broken) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const PARAMS: TurtleSoupParams = TurtleSoupParams { period: 6, age_min: 4, reclaim_bars: 1 };

    /// Lows and closes after six bars whose lowest low, 5, is of bar `old`.
    fn run(old: usize, params: TurtleSoupParams, then: &[(f64, f64)]) -> Vec<(u32, u32, f64, f64)> {
        let mut bars = [(8.0, 9.0); 6].to_vec();
        bars[old] = (5.0, 9.0);
        bars.extend_from_slice(then);
        let mut soup = TurtleSoup::new(Side::Buy, params);
        let (mut old, mut history) = (OldLows::new(&params), History::new(params.bars_back()));
        let mut seen = Vec::new();
        for (at, &(low, close)) in (0..).zip(&bars) {
            let bar = View { open: close, high: 10.0, low, close };
            history.put(at, [low, -10.0]);
            soup.push(at, bar, old.lows[0], &history, &mut |e| {
                seen.push((e.at, e.pos, e.level, e.far));
            });
            old.push([low, -10.0]);
        }
        seen
    }

    #[test]
    fn a_break_that_closes_back_at_once() {
        assert_eq!(run(1, PARAMS, &[(4.0, 6.0)]), [(6, 1, 5.0, 4.0)]);
    }

    #[test]
    fn or_on_the_next_bar_from_the_lowest_price_reached() {
        assert_eq!(run(1, PARAMS, &[(4.0, 4.5), (3.0, 6.0)]), [(7, 1, 5.0, 3.0)]);
        let at_once = TurtleSoupParams { reclaim_bars: 0, ..PARAMS };
        assert_eq!(run(1, at_once, &[(4.0, 4.5), (4.2, 6.0)]), []);
    }

    #[test]
    fn a_later_close_back_is_too_late() {
        assert_eq!(run(1, PARAMS, &[(4.0, 4.5), (4.2, 4.5), (4.3, 6.0)]), []);
    }

    #[test]
    fn the_low_must_be_old_and_broken_and_left_behind() {
        assert_eq!(run(2, PARAMS, &[(4.0, 6.0)]), [(6, 2, 5.0, 4.0)], "four bars old");
        assert_eq!(run(3, PARAMS, &[(4.0, 6.0)]), [], "three bars old");
        assert_eq!(run(1, PARAMS, &[(5.0, 6.0)]), [], "touched, not broken");
        assert_eq!(run(1, PARAMS, &[(4.0, 5.0), (4.5, 5.0)]), [], "closed at the low");
    }

    #[test]
    fn the_latest_of_equal_lows_counts() {
        assert_eq!(run(1, PARAMS, &[(5.0, 6.0), (4.0, 6.0)]), [], "equalled a bar ago");
    }

    #[test]
    fn needs_the_whole_period() {
        let longer = TurtleSoupParams { period: 7, ..PARAMS };
        assert_eq!(run(1, longer, &[(4.0, 6.0)]), []);
    }
}
