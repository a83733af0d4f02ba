//! Retracements: how much of the last leg price has given back.
//!
//! A leg runs from a final swing to the swing that followed it. From the bar after the leg's end
//! on, the retracement at a bar is `(end − low) / (end − start)` for an upward leg, in percent; the
//! deepest is the greatest so far. The leg is known when its end is confirmed; what the bars since
//! had reached by then is told at that bar. Each share of `percents` is told once per leg; a
//! stronger swing that supersedes the leg's end makes a new leg. Downward mirrored. More than 100
//! is possible. Source: smartmoneyconcepts 0.0.27 `retracements`, without its shift by one bar.

use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`Retracement`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetracementParams {
    /// Shares of the leg that are told, in percent, rising.
    pub percents: [f64; 4],
}

impl Default for RetracementParams {
    fn default() -> Self {
        Self { percents: [38.2, 50.0, 61.8, 78.6] }
    }
}

/// A leg between two swings, as its side sees it: upwards.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Leg {
    side: Side,
    start: f64,
    end: f64,
    pos: u32,
    deepest: f64,
    last: f64,
    /// How many of the shares were told, and the price of the next.
    told: usize,
    next: f64,
}

/// The retracement of the last leg.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retracement {
    params: RetracementParams,
    of: Of,
    leg: Option<Leg>,
}

impl Retracement {
    /// No leg yet.
    pub const fn new(of: Of, params: RetracementParams) -> Self {
        Self { params, of, leg: None }
    }

    /// The direction of the leg.
    pub fn side(&self) -> Option<Side> {
        self.leg.map(|leg| leg.side)
    }

    /// Where the leg began and ended, in price.
    pub fn leg(&self) -> Option<(f64, f64)> {
        let price = |leg: Leg, price| View::price(price, leg.side);
        self.leg.map(|leg| (price(leg, leg.start), price(leg, leg.end)))
    }

    /// The retracement at the last bar, in percent; none without a leg, or with one of no length.
    pub fn current(&self) -> Option<f64> {
        self.percent(self.leg?.last)
    }

    /// The deepest retracement since the leg ended, in percent.
    pub fn deepest(&self) -> Option<f64> {
        self.percent(self.leg?.deepest)
    }

    fn percent(&self, price: f64) -> Option<f64> {
        let Leg { start, end, .. } = self.leg?;
        (end > start).then(|| 100.0 * (end - price) / (end - start))
    }

    /// Reads bar `at` as both sides see it.
    #[inline]
    pub fn push(&mut self, at: u32, views: &[View; 2], out: &mut impl FnMut(Event)) {
        let Some(leg) = &mut self.leg else { return };
        let bar = views[leg.side as usize];
        leg.last = bar.low;
        leg.deepest = leg.deepest.min(bar.low);
        if bar.low <= leg.next {
            self.reached(at, out);
        }
    }

    fn reached(&mut self, at: u32, out: &mut impl FnMut(Event)) {
        let Some(leg) = &mut self.leg else { return };
        let (of, length, end) = (self.of, leg.end - leg.start, View::price(leg.end, leg.side));
        leg.next = f64::NEG_INFINITY;
        for percent in &self.params.percents[leg.told..] {
            let price = leg.end - percent / 100.0 * length;
            // Written so that a price that is no number ends it too.
            if !(length > 0.0 && leg.deepest <= price) {
                leg.next = if length > 0.0 { price } else { f64::NEG_INFINITY };
                break;
            }
            leg.told += 1;
            let level = View::price(price, leg.side);
            let event = Event::new(at, leg.pos, Kind::Retraced, leg.side, level, end);
            out(event.of(of).amount(*percent));
        }
    }

    /// At bar `at` a leg of `side` from `start` to `end` (its bar: `pos`) became known; `deepest`
    /// is the lowest price since, `last` that of bar `at`. All prices as the side sees them.
    pub fn leg_ended(
        &mut self,
        at: u32,
        side: Side,
        [start, end, deepest, last]: [f64; 4],
        pos: u32,
        out: &mut impl FnMut(Event),
    ) {
        self.leg = Some(Leg { side, start, end, pos, deepest, last, told: 0, next: 0.0 });
        self.reached(at, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn tells_each_share_once_and_how_deep_it_is() {
        let mut retracement = Retracement::new(Of::Swing, RetracementParams::default());
        let mut seen = Vec::new();
        let mut out = |e: Event| seen.push((e.at, e.level, e.amount));
        retracement.leg_ended(7, Side::Buy, [0.0, 100.0, 61.0, 90.0], 4, &mut out);
        let mut bar = |at, low: f64| {
            let view = View { open: low, high: low, low, close: low };
            let turned = View { open: -low, high: -low, low: -low, close: -low };
            retracement.push(at, &[view, turned], &mut out);
            (retracement.current().unwrap(), retracement.deepest().unwrap())
        };
        assert_eq!(bar(8, 70.0), (30.0, 39.0));
        assert_eq!(bar(9, 38.0), (62.0, 62.0));
        assert_eq!(bar(10, 55.0), (45.0, 62.0));
        assert_eq!(bar(11, -10.0), (110.0, 110.0));
        let amounts: Vec<_> = seen.iter().map(|e| (e.0, e.2)).collect();
        assert_eq!(amounts, [(7, 38.2), (9, 50.0), (9, 61.8), (11, 78.6)]);
        assert_eq!(seen[1].1, 50.0);
    }

    #[test]
    fn a_leg_of_no_length_has_no_retracement() {
        let mut retracement = Retracement::new(Of::Swing, RetracementParams::default());
        retracement.leg_ended(7, Side::Buy, [5.0, 5.0, 5.0, 5.0], 4, &mut |e| panic!("{e:?}"));
        assert_eq!(retracement.deepest(), None);
        retracement.leg_ended(9, Side::Sell, [-9.0, -5.0, -7.0, -7.0], 4, &mut |_| {});
        assert_eq!((retracement.leg(), retracement.current()), (Some((9.0, 5.0)), Some(50.0)));
    }
}
