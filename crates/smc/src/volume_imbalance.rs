//! Volume imbalance: two neighbouring bodies that do not overlap while their wicks do.
//!
//! Bullish at bar i: the lower end of its body is above the upper end of the body before it, and
//! its low is at or below the high before it (were it not, the bars would not meet at all). The
//! zone lies between the two bodies. Known at the close of i. Filled by the first later bar that
//! trades at or below the zone's lower edge. Bearish mirrored.
//! Source: the common ICT usage.
//!
//! A later zone always lies above the ones alive (price would have filled them otherwise), so the
//! list is sorted and only its end is ever looked at.

use crate::age::Age;
use crate::bounded::Bounded;
use crate::event::{Event, Kind};
use crate::view::View;
use crate::zone::Zone;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`VolumeImbalances`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeImbalanceParams {
    /// Least size in ATR; 0: all. While the ATR warms up only 0 lets any through.
    pub size_atr_min: f64,
    /// Most imbalances alive.
    pub capacity: u32,
    /// An imbalance is forgotten after this many bars.
    pub age_max: u32,
}

impl Default for VolumeImbalanceParams {
    fn default() -> Self {
        Self { size_atr_min: 0.0, capacity: 16, age_max: 500 }
    }
}

/// The volume imbalances of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeImbalances {
    params: VolumeImbalanceParams,
    side: Side,
    /// The upper end of the last bar's body, and its high.
    last: [f64; 2],
    zones: Bounded<Zone>,
    /// The far edge of the newest, which is the highest.
    trigger: f64,
    age: Age,
}

impl VolumeImbalances {
    /// None yet.
    pub fn new(side: Side, params: VolumeImbalanceParams) -> Self {
        let (zones, age) = (Bounded::new(params.capacity), Age::new(params.age_max));
        Self { params, side, last: [f64::NAN; 2], zones, trigger: f64::NEG_INFINITY, age }
    }

    /// Imbalances alive, oldest first, as their side sees them.
    pub fn zones(&self) -> &Bounded<Zone> {
        &self.zones
    }

    /// Reads bar `at` as this side sees it; `atr` is the ATR at its close.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, atr: Option<f64>, out: &mut impl FnMut(Event)) {
        if self.age.is_due(at) {
            while self.age.too_old(at, self.zones.first().map(|zone| zone.pos)) {
                self.zones.remove_first();
            }
        }
        let body = bar.open.min(bar.close);
        // The body belongs to the bar even where its low does not say so; this keeps the list
        // sorted on any bars.
        let reach = bar.low.min(body);
        if reach <= self.trigger {
            self.fill(at, reach, out);
        }
        let [before, high] = self.last;
        // Comparisons with the missing bar before the first (NaN) are false.
        if body > before && bar.low <= high && self.large_enough(body - before, atr) {
            let (near, far) = (body, before);
            let zone = Zone { near, far, pos: at, formed: at, ..Zone::default() };
            self.zones.push(zone);
            self.trigger = far;
            out(event(at, Kind::VolumeImbalance, self.side, &zone));
        }
        self.last = [bar.open.max(bar.close), bar.high];
    }

    fn fill(&mut self, at: u32, reach: f64, out: &mut impl FnMut(Event)) {
        self.trigger = f64::NEG_INFINITY;
        while let Some(zone) = self.zones.last() {
            if reach > zone.far {
                self.trigger = zone.far;
                break;
            }
            out(event(at, Kind::VolumeImbalanceFilled, self.side, zone));
            self.zones.remove_last();
        }
    }

    #[inline]
    fn large_enough(&self, size: f64, atr: Option<f64>) -> bool {
        let least = self.params.size_atr_min;
        least <= 0.0 || atr.is_some_and(|atr| size >= least * atr)
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

    fn run(size_atr_min: f64, bars: &[(f64, f64, f64, f64)]) -> Vec<(u32, u32, Kind, f64, f64)> {
        let params = VolumeImbalanceParams { size_atr_min, ..Default::default() };
        let mut found = VolumeImbalances::new(Side::Buy, params);
        let mut seen = Vec::new();
        for (at, &(open, high, low, close)) in (0..).zip(bars) {
            let bar = View { open, high, low, close };
            let mut out = |e: Event| seen.push((e.at, e.pos, e.kind, e.level, e.far));
            found.push(at, bar, Some(1.0), &mut out);
        }
        seen
    }

    const FORMED: [(f64, f64, f64, f64); 2] = [(2.0, 4.5, 1.0, 3.0), (4.0, 6.0, 3.5, 5.0)];

    #[test]
    fn bodies_apart_and_wicks_together_until_traded_through() {
        let mut bars = FORMED.to_vec();
        bars.extend([(5.0, 6.0, 3.1, 5.0), (5.0, 6.0, 3.0, 5.0), (5.0, 6.0, 1.0, 5.0)]);
        let want = [
            (1, 1, Kind::VolumeImbalance, 4.0, 3.0),
            (3, 1, Kind::VolumeImbalanceFilled, 4.0, 3.0),
        ];
        assert_eq!(run(0.0, &bars), want);
    }

    #[test]
    fn wicks_that_only_touch_overlap_and_apart_do_not() {
        let with_low = |low| [FORMED[0], (5.0, 6.0, low, 5.5)];
        assert_eq!(run(0.0, &with_low(4.5)).len(), 1);
        assert_eq!(run(0.0, &with_low(4.6)), []);
    }

    #[test]
    fn bodies_that_touch_make_none() {
        assert_eq!(run(0.0, &[FORMED[0], (3.0, 6.0, 2.5, 5.0)]), []);
    }

    #[test]
    fn a_smaller_one_than_asked_for_does_not_exist() {
        assert_eq!(run(1.0, &FORMED).len(), 1);
        assert_eq!(run(1.01, &FORMED), []);
    }

    #[test]
    fn one_bar_fills_several_the_nearest_first() {
        let mut bars = FORMED.to_vec();
        bars.extend([(5.5, 7.0, 5.2, 6.0), (6.0, 6.0, 2.0, 2.0)]);
        let filled: Vec<_> = run(0.0, &bars)[2..].iter().map(|e| (e.0, e.1)).collect();
        assert_eq!(filled, [(3, 2), (3, 1)]);
    }

    #[test]
    fn forgotten_by_age_and_count() {
        let params = VolumeImbalanceParams { age_max: 2, capacity: 1, ..Default::default() };
        let mut found = VolumeImbalances::new(Side::Buy, params);
        let step = |n: u32| {
            let base = f64::from(n) * 3.0;
            View { open: base, high: base + 4.0, low: base - 0.5, close: base + 2.0 }
        };
        for at in 0..4 {
            found.push(at, step(at), None, &mut |_| ());
            assert!(found.zones().len() <= 1);
        }
        assert_eq!(found.zones()[0].pos, 3);
        for at in 4..7 {
            found.push(at, step(3), None, &mut |_| ());
        }
        assert!(found.zones().is_empty());
    }
}
