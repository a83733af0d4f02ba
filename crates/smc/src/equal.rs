//! Equal highs and lows: two neighbouring short swings of one kind at one price.
//!
//! Bar p is a short swing low if its low is below the lows of the next `length` bars, all of them
//! (only bars after it count); it is known at the close of p + length. A swing is taken when the
//! leg turns: a low only after a high was taken, and a high after a low; a bar that is both turns
//! the leg, whichever it is, and starts none. Two neighbouring lows that differ by less than
//! `tolerance_atr` ATR (the long one, of 200 bars) are equal lows: stops gather below them, so they
//! speak for buyers. Known with the later swing. Equal highs mirrored.
//! Source: the public documentation of LuxAlgo's Smart Money Concepts.

use crate::event::{Event, Kind};
use crate::least::Least;
use crate::view::View;
use crate::window::History;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`EqualSwings`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EqualParams {
    /// Bars after a short swing until it is known, 1 to [`EqualParams::LENGTH_MAX`]; numbers
    /// outside are moved to the nearest inside.
    pub length: u32,
    /// Swings closer than this are equal, in long ATR.
    pub tolerance_atr: f64,
}

impl EqualParams {
    /// Longest swing length.
    pub const LENGTH_MAX: u32 = 500;
}

impl Default for EqualParams {
    fn default() -> Self {
        Self { length: 3, tolerance_atr: 0.1 }
    }
}

/// Finds equal highs and lows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EqualSwings {
    length: u32,
    tolerance_atr: f64,
    /// Of the last `length` bars.
    least: Least,
    /// The kind of the swing taken last: lows are for buyers.
    leg: Option<Side>,
    last: [Option<f64>; 2],
}

impl EqualSwings {
    /// Nothing seen.
    pub fn new(params: EqualParams) -> Self {
        let length = params.length.clamp(1, EqualParams::LENGTH_MAX);
        Self {
            length,
            tolerance_atr: params.tolerance_atr,
            least: Least::new(length),
            leg: None,
            last: [None; 2],
        }
    }

    /// Bars before the last that are looked at.
    pub(crate) const fn bars_back(&self) -> u32 {
        self.length
    }

    /// Reads bar `at`, the last of `history`; `atr` is the long ATR at its close, none while it
    /// warms up.
    #[inline]
    pub(crate) fn push(
        &mut self,
        at: u32,
        history: &History,
        atr: Option<f64>,
        out: &mut impl FnMut(Event),
    ) {
        // A short swing is below all that came after it: the latter are its window.
        let least = self.least.push(history.get(at));
        let Some(pos) = at.checked_sub(self.length) else { return };
        let swing = history.get(pos);
        let is_swing = |side: Side| swing[side as usize] < least[side as usize];
        // Only the kind that would turn the leg is looked for: a bar that is both turns it too.
        let turned = match self.leg {
            Some(leg) => is_swing(leg.opposite()).then_some(leg.opposite()),
            None => match [Side::Buy, Side::Sell].map(is_swing) {
                [true, false] => Some(Side::Buy),
                [false, true] => Some(Side::Sell),
                _ => None,
            },
        };
        if let Some(side) = turned {
            self.leg = turned;
            self.take(at, (pos, swing[side as usize]), side, atr, out);
        }
    }

    fn take(
        &mut self,
        at: u32,
        (pos, low): (u32, f64),
        side: Side,
        atr: Option<f64>,
        out: &mut impl FnMut(Event),
    ) {
        if let (Some(before), Some(atr)) = (self.last[side as usize].replace(low), atr)
            && (low - before).abs() < self.tolerance_atr * atr
        {
            let (level, far) = (View::price(low, side), View::price(before, side));
            out(Event::new(at, pos, Kind::Equal, side, level, far));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn run(bars: &[(f64, f64)], atr: Option<f64>) -> Vec<(u32, u32, Option<Side>, f64, f64)> {
        let params = EqualParams { length: 2, tolerance_atr: 0.5 };
        let mut equal = EqualSwings::new(params);
        let mut history = History::new(equal.bars_back());
        let mut seen = Vec::new();
        for (at, &(high, low)) in (0..).zip(bars) {
            history.put(at, [low, -high]);
            equal
                .push(at, &history, atr, &mut |e| seen.push((e.at, e.pos, e.side, e.level, e.far)));
        }
        seen
    }

    /// Down to 5, up, and down again to a low of `second`.
    fn double_bottom(second: f64) -> Vec<(f64, f64)> {
        let lows = [7.0, 5.0, 6.0, 8.0, 10.0, 7.0, second, 8.0, 9.0];
        lows.iter().map(|low| (low + 1.0, *low)).collect()
    }

    #[test]
    fn two_lows_at_one_price_are_known_with_the_second() {
        let want = [(8, 6, Some(Side::Buy), 5.5, 5.0)];
        assert_eq!(run(&double_bottom(5.5), Some(1.01)), want);
    }

    #[test]
    fn too_far_apart_or_no_measure_yet_is_not_equal() {
        assert_eq!(run(&double_bottom(5.5), Some(1.0)), [], "just at the tolerance");
        assert_eq!(run(&double_bottom(5.5), None), []);
    }

    #[test]
    fn lows_without_a_high_between_them_are_one_leg() {
        let lows = [5.0, 5.1, 5.2, 5.3, 5.4, 5.5];
        let bars: Vec<_> = lows.iter().map(|low| (low + 1.0, *low)).collect();
        assert_eq!(run(&bars, Some(9.0)), []);
    }

    #[test]
    fn a_low_that_the_next_bars_equal_is_no_swing() {
        let mut bars = double_bottom(5.0);
        assert_eq!(run(&bars, Some(1.0)).len(), 1);
        bars[7].1 = 5.0;
        assert_eq!(run(&bars, Some(1.0)), []);
    }
}
