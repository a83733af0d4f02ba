//! Balanced price range: where a bullish and a bearish fair value gap overlap.
//!
//! Price left a gap one way and, within `bars_max` bars, another the other way over the same
//! prices: both sides have traded there in haste. The range is the overlap (of more than a point)
//! of a new gap with the latest opposite gap that it overlaps, whatever has become of that one
//! since; it speaks for the side of the new gap and is known with it. It is invalidated by a later
//! close beyond its far edge. The gaps are those of [`crate::FairValueGaps`], neither joined nor
//! left out for their size.
//! Source: the common ICT usage; the number of bars is ours.

use crate::age::Age;
use crate::bounded::Bounded;
use crate::event::{Event, Kind};
use crate::fvg::Before;
use crate::view::View;
use crate::zone::Zone;
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// Parameters of [`BalancedRanges`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancedRangeParams {
    /// Most bars between the two gaps, at most [`BalancedRangeParams::BARS_MAX`]; a larger number
    /// is taken for it.
    pub bars_max: u32,
    /// Most ranges alive on each side.
    pub capacity: u32,
    /// A range is forgotten after this many bars.
    pub age_max: u32,
}

impl BalancedRangeParams {
    /// Most bars that two gaps may lie apart.
    pub const BARS_MAX: u32 = 500;
}

impl Default for BalancedRangeParams {
    fn default() -> Self {
        Self { bars_max: 10, capacity: 16, age_max: 500 }
    }
}

/// A recent gap as its side sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gap {
    near: f64,
    far: f64,
    pos: u32,
}

/// What belongs to one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Half {
    gaps: Bounded<Gap>,
    zones: Bounded<Zone>,
    /// The highest far edge: a close below it ends something.
    trigger: f64,
    age: Age,
}

/// The balanced price ranges of both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalancedRanges {
    params: BalancedRangeParams,
    before: [Before; 2],
    halves: [Half; 2],
}

impl BalancedRanges {
    /// None yet.
    pub fn new(params: BalancedRangeParams) -> Self {
        let bars_max = params.bars_max.min(BalancedRangeParams::BARS_MAX);
        let half = |_| Half {
            // A gap a bar, of the bars from `bars_max` ago to the last.
            gaps: Bounded::new(bars_max + 1),
            zones: Bounded::new(params.capacity),
            trigger: f64::NEG_INFINITY,
            age: Age::new(params.age_max),
        };
        Self {
            params: BalancedRangeParams { bars_max, ..params },
            before: [Before::NONE; 2],
            halves: [Side::Buy, Side::Sell].map(half),
        }
    }

    /// Ranges alive that speak for `side`, oldest first, as it sees them.
    pub fn zones(&self, side: Side) -> &Bounded<Zone> {
        &self.halves[side as usize].zones
    }

    /// Reads bar `at`.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        for side in [Side::Buy, Side::Sell] {
            let half = &mut self.halves[side as usize];
            if half.age.is_due(at) {
                while half.age.too_old(at, half.zones.first().map(|zone| zone.pos)) {
                    half.zones.remove_first();
                }
            }
            if View::price(bar.close(), side) < half.trigger {
                half.invalidate(at, side, View::price(bar.close(), side), out);
            }
        }
        let view = View::of(bar, Side::Buy);
        let [buy, sell] = &mut self.before;
        let (rising, falling) = (buy.push(&view), sell.push(&view.turned()));
        if let Some(edges) = rising {
            self.form(at, Side::Buy, edges, out);
        } else if let Some(edges) = falling {
            self.form(at, Side::Sell, edges, out);
        }
    }

    /// A gap of `side` was completed.
    fn form(&mut self, at: u32, side: Side, (near, far): (f64, f64), out: &mut impl FnMut(Event)) {
        let pos = at - 1;
        let recent = self.halves[side.opposite() as usize].gaps.iter().rev();
        let range = recent
            .take_while(|other| pos - other.pos <= self.params.bars_max)
            // The other side's near edge is this one's lower edge.
            .map(|other| (near.min(-other.far), far.max(-other.near)))
            .find(|(near, far)| near > far);
        let half = &mut self.halves[side as usize];
        half.gaps.push(Gap { near, far, pos });
        if let Some((near, far)) = range {
            let zone = Zone { near, far, pos, formed: at, ..Zone::default() };
            half.zones.push(zone);
            half.trigger = half.trigger.max(far);
            out(event(at, Kind::BalancedRange, side, &zone));
        }
    }
}

impl Half {
    fn invalidate(&mut self, at: u32, side: Side, close: f64, out: &mut impl FnMut(Event)) {
        let mut trigger = f64::NEG_INFINITY;
        self.zones.retain(|zone| {
            if close < zone.far {
                out(event(at, Kind::BalancedRangeInvalidated, side, zone));
                return false;
            }
            trigger = trigger.max(zone.far);
            true
        });
        self.trigger = trigger;
    }
}

fn event(at: u32, kind: Kind, side: Side, zone: &Zone) -> Event {
    let (level, far) = (View::price(zone.near, side), View::price(zone.far, side));
    Event::new(at, zone.pos, kind, side, level, far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;
    use alloc::vec::Vec;

    type Ohlc = (f64, f64, f64, f64);

    fn run(bars_max: u32, bars: &[Ohlc]) -> Vec<(u32, u32, Kind, Option<Side>, f64, f64)> {
        let params = BalancedRangeParams { bars_max, ..Default::default() };
        let mut ranges = BalancedRanges::new(params);
        let mut seen = Vec::new();
        for (at, &(open, high, low, close)) in (0..).zip(bars) {
            let bar = Bar::new(Nanos::ZERO, open, high, low, close, 0.0).unwrap();
            ranges.push(at, &bar, &mut |e| {
                seen.push((e.at, e.pos, e.kind, e.side, e.level, e.far));
            });
        }
        seen
    }

    /// Down through 17 to 12, and up again from `bottom` to `top`.
    fn down_and_up(bottom: f64, top: f64) -> [Ohlc; 5] {
        [
            (18., 19., 17., 17.),
            (17., 17., 11., 11.),
            (11., 12., 10., 11.),
            (11., bottom, 10., bottom),
            (bottom, 20., top, 19.),
        ]
    }

    #[test]
    fn two_gaps_over_the_same_prices_until_a_close_beyond() {
        // The middle bar of the bullish gap is bar 3, its lower edge the high of bar 2.
        let mut bars = down_and_up(14.0, 16.0).to_vec();
        bars.extend([(19., 19., 12., 12.), (12., 16., 11., 11.5)]);
        let side = Some(Side::Buy);
        assert_eq!(
            run(10, &bars),
            [
                (4, 3, Kind::BalancedRange, side, 16.0, 12.0),
                // The close of bar 5, at the far edge, is not beyond it.
                (6, 3, Kind::BalancedRangeInvalidated, side, 16.0, 12.0),
            ]
        );
    }

    #[test]
    fn gaps_too_far_apart_make_none() {
        let bars = down_and_up(14.0, 16.0);
        assert_eq!(run(2, &bars).len(), 1);
        assert_eq!(run(1, &bars), []);
    }

    #[test]
    fn gaps_that_only_touch_make_none() {
        // Bearish from 17 to 12, bullish from 10 to 12.
        let mut bars = down_and_up(14.0, 16.0).to_vec();
        bars[3] = (11., 11., 8., 9.);
        bars[4] = (9., 10., 8., 9.);
        bars.extend([(9., 14., 9., 14.), (14., 15., 12., 15.)]);
        assert_eq!(run(10, &bars), []);
    }
}
