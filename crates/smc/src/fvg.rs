//! Fair value gap: a bar so strong that its neighbours do not overlap.
//!
//! Bullish at bar i: `high[i−1] < low[i+1]` and `close[i] > open[i]`, both strict; the zone lies
//! between the two. Known at the close of i+1. Touched by the first bar from i+2 on whose low is at
//! or below the upper edge; filled when a low reaches the lower edge; inverted when a close is
//! below it. With `join`, a gap directly after one of the same side takes it over: highest top,
//! lowest bottom, and its touches count from the later bar. Bearish mirrored.
//! Source: smartmoneyconcepts 0.0.27 `fvg` (touch = its mitigation), states after ICT usage.

use crate::bounded::Bounded;
use crate::event::{Event, Kind};
use crate::view::View;
use crate::zone::{Zone, ZoneState};
use aegis_types::Side;

/// Parameters of [`FairValueGaps`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FvgParams {
    /// Directly consecutive gaps of one side become one.
    pub join: bool,
    /// Most gaps alive.
    pub capacity: u32,
    /// A gap is forgotten after this many bars.
    pub age_max: u32,
}

impl Default for FvgParams {
    fn default() -> Self {
        Self { join: false, capacity: 16, age_max: 500 }
    }
}

/// The gaps of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct FairValueGaps {
    params: FvgParams,
    side: Side,
    before: View,
    last: View,
    zones: Bounded<Zone>,
    /// The highest edge whose touch changes anything.
    trigger: f64,
}

impl FairValueGaps {
    /// None yet.
    pub fn new(side: Side, params: FvgParams) -> Self {
        let nothing = View { open: f64::NAN, high: f64::NAN, low: f64::NAN, close: f64::NAN };
        Self {
            params,
            side,
            before: nothing,
            last: nothing,
            zones: Bounded::new(params.capacity),
            trigger: f64::NEG_INFINITY,
        }
    }

    /// Gaps alive, oldest first, as their side sees them.
    pub fn zones(&self) -> &Bounded<Zone> {
        &self.zones
    }

    /// Reads bar `at` as this side sees it.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        if self.zones.first().is_some_and(|zone| at - zone.pos > self.params.age_max) {
            self.zones.remove_first();
        }
        // Comparisons with the missing bars before the first (NaN) are false: no gap.
        if self.before.high < bar.low && self.last.close > self.last.open {
            self.form(at, bar, out);
        }
        if bar.low <= self.trigger {
            self.touch(at, bar, out);
        }
        self.before = self.last;
        self.last = bar;
    }

    fn form(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let pos = at - 1;
        let (near, far) = (bar.low, self.before.high);
        let mut zone = Zone { near, far, pos, formed: at, ..Zone::default() };
        let mut kind = Kind::FvgFormed;
        if let Some(previous) = self.zones.last()
            && self.params.join
            && previous.pos + 1 == pos
        {
            kind = Kind::FvgJoined;
            zone.near = zone.near.max(previous.near);
            zone.far = zone.far.min(previous.far);
            self.zones.remove_last();
        }
        self.zones.push(zone);
        self.trigger = self.trigger.max(zone.near);
        out(event(at, kind, self.side, &zone));
    }

    fn touch(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let side = self.side;
        let mut trigger = f64::NEG_INFINITY;
        self.zones.retain(|zone| {
            // The bar that completes a gap makes its edge; it cannot touch it.
            if at > zone.formed && bar.low <= zone.next_edge() {
                if zone.state == ZoneState::Fresh {
                    zone.state = ZoneState::Touched;
                    out(event(at, Kind::FvgTouched, side, zone));
                }
                if zone.state == ZoneState::Touched && bar.low <= zone.far {
                    zone.state = ZoneState::Filled;
                    out(event(at, Kind::FvgFilled, side, zone));
                }
                if bar.close < zone.far {
                    out(event(at, Kind::FvgInverted, side, zone));
                    return false;
                }
            }
            trigger = trigger.max(zone.next_edge());
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
    use alloc::vec::Vec;

    fn run(join: bool, bars: &[(f64, f64, f64, f64)]) -> Vec<(u32, Kind, f64, f64)> {
        let params = FvgParams { join, ..FvgParams::default() };
        let mut gaps = FairValueGaps::new(Side::Buy, params);
        let mut seen = Vec::new();
        for (at, (open, high, low, close)) in (0..).zip(bars.iter().copied()) {
            let bar = View { open, high, low, close };
            gaps.push(at, bar, &mut |e| seen.push((e.at, e.kind, e.level, e.far)));
        }
        seen
    }

    #[test]
    fn forms_is_touched_fills_and_inverts() {
        let bars = [
            (1.0, 2.0, 1.0, 2.0),
            (2.0, 5.0, 2.0, 5.0),
            (5.0, 6.0, 4.0, 6.0),
            (6.0, 6.0, 3.5, 6.0),
            (6.0, 6.0, 2.0, 3.0),
            (3.0, 3.0, 1.0, 1.0),
        ];
        assert_eq!(
            run(false, &bars),
            [
                (2, Kind::FvgFormed, 4.0, 2.0),
                (3, Kind::FvgTouched, 4.0, 2.0),
                (4, Kind::FvgFilled, 4.0, 2.0),
                (5, Kind::FvgInverted, 4.0, 2.0),
            ]
        );
    }

    #[test]
    fn touching_edges_and_a_doji_make_no_gap() {
        assert_eq!(run(false, &[(1., 2., 1., 2.), (2., 5., 2., 5.), (5., 6., 2., 6.)]), []);
        assert_eq!(run(false, &[(1., 2., 1., 2.), (3., 5., 2., 3.), (5., 6., 4., 6.)]), []);
    }

    #[test]
    fn consecutive_gaps_join() {
        let bars = [(1., 2., 1., 2.), (2., 5., 2., 5.), (5., 7., 4., 7.), (7., 9., 6., 9.)];
        assert_eq!(
            run(true, &bars),
            [(2, Kind::FvgFormed, 4.0, 2.0), (3, Kind::FvgJoined, 6.0, 2.0)]
        );
    }
}
