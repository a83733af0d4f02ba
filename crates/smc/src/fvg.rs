//! Fair value gap: a bar so strong that its neighbours do not overlap. And what becomes of it.
//!
//! Bullish at bar i: `high[i−1] < low[i+1]` and `close[i] > open[i]`, both strict; the zone lies
//! between the two. Known at the close of i+1, which makes its edge and cannot touch it. From i+2
//! on, each once and in this order where one bar does several:
//!
//! - touched: a low at or below the upper edge;
//! - halved (consequent encroachment): a low at or below the middle;
//! - filled: a low at or below the lower edge;
//! - inverted: a close below the lower edge. From here it is an inverse gap, which speaks for
//!   sellers; on later bars it is retested by the first high at or above its lower edge, and
//!   reclaimed, which ends it, by a close above its upper edge.
//!
//! A close counts as reached even where a bar's low lies above it, so that no step is left out on
//! any bars. With `join`, a gap directly after one of its side takes it over: highest top, lowest
//! bottom, and its touches count from the later bar. A gap below `size_atr_min` does not exist, nor
//! is it joined. Within a bar inverse gaps come first, then gaps, the latest first, then the new
//! gap. Bearish mirrored.
//! Source: smartmoneyconcepts 0.0.27 `fvg` (touch = its mitigation), states after ICT usage.

use crate::age::Age;
use crate::bounded::Bounded;
use crate::event::{Event, Kind};
use crate::view::View;
use crate::zone::{Zone, ZoneState};
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`FairValueGaps`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FvgParams {
    /// Directly consecutive gaps of one side become one.
    pub join: bool,
    /// Least size in ATR; 0: all. While the ATR warms up only 0 lets any through.
    pub size_atr_min: f64,
    /// Most gaps alive, and most inverse gaps.
    pub capacity: u32,
    /// A gap is forgotten after this many bars, an inverse gap this many bars after its inversion.
    pub age_max: u32,
}

impl Default for FvgParams {
    fn default() -> Self {
        Self { join: false, size_atr_min: 0.0, capacity: 16, age_max: 500 }
    }
}

/// What a gap needs to know of the two bars before, as a side sees them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// The high of the earlier one.
    before: f64,
    /// The high of the later one, and whether it closed above its open.
    last: f64,
    rose: bool,
}

impl Before {
    /// No bars: comparisons with what is no number are false.
    pub const NONE: Self = Self { before: f64::NAN, last: f64::NAN, rose: false };

    /// The gap that `bar` completes, its near and its far edge; `bar` is then the last.
    #[inline]
    pub fn push(&mut self, bar: &View) -> Option<(f64, f64)> {
        let gap = (self.before < bar.low && self.rose).then_some((bar.low, self.before));
        *self = Self { before: self.last, last: bar.high, rose: bar.close > bar.open };
        gap
    }
}

/// The steps down into a gap; the number of those done is its state.
const STEPS: [(ZoneState, Kind); 3] = [
    (ZoneState::Touched, Kind::FvgTouched),
    (ZoneState::Halved, Kind::FvgHalved),
    (ZoneState::Filled, Kind::FvgFilled),
];

/// Zones alive, oldest first, each with the price whose reach changes it next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alive {
    zones: Bounded<Zone>,
    /// By zone. Apart from the zones, so that a search reads nothing else.
    prices: Bounded<f64>,
    /// The highest of them: above it nothing happens.
    trigger: f64,
    age: Age,
}

impl Alive {
    fn new(params: &FvgParams) -> Self {
        let (zones, prices) = (Bounded::new(params.capacity), Bounded::new(params.capacity));
        Self { zones, prices, trigger: f64::NEG_INFINITY, age: Age::new(params.age_max) }
    }

    /// Forgets what is too old at bar `at`, counted from the bar that `born` names.
    #[inline]
    fn forget(&mut self, at: u32, born: impl Fn(&Zone) -> u32) {
        if self.age.is_due(at) {
            while self.age.too_old(at, self.zones.first().map(&born)) {
                self.remove_first();
            }
        }
    }

    fn push(&mut self, zone: Zone) {
        self.zones.push(zone);
        self.prices.push(zone.near);
        self.trigger = self.trigger.max(zone.near);
    }

    fn remove_first(&mut self) {
        self.zones.remove_first();
        self.prices.remove_first();
    }

    fn remove_last(&mut self) {
        self.zones.remove_last();
        self.prices.remove_last();
    }

    /// Has `change` work on each zone whose price is reached, the latest first; it returns the next
    /// price, none where the zone ends.
    #[inline]
    fn reach(&mut self, reach: f64, mut change: impl FnMut(&mut Zone) -> Option<f64>) {
        // First which, without a branch, then one by one: most are not.
        let mut end = self.prices.len();
        while end > 0 {
            let from = end.saturating_sub(u64::BITS as usize);
            let mut reached = 0u64;
            for (bit, price) in self.prices[from..end].iter().enumerate() {
                reached |= u64::from(reach <= *price) << bit;
            }
            while let Some(bit) = reached.checked_ilog2() {
                reached ^= 1 << bit;
                let index = from + bit as usize;
                match change(&mut self.zones[index]) {
                    Some(next) => self.prices[index] = next,
                    None => {
                        self.zones.remove(index);
                        self.prices.remove(index);
                    }
                }
            }
            end = from;
        }
        self.trigger = greatest(&self.prices);
    }
}

/// In four lanes, as wide as processors compare.
#[inline]
fn greatest(prices: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let mut lanes = [f64::NEG_INFINITY; 4];
    let chunks = prices.chunks_exact(4);
    for (lane, price) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = *price;
    }
    for chunk in chunks {
        for (lane, price) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *price);
        }
    }
    larger(larger(lanes[0], lanes[1]), larger(lanes[2], lanes[3]))
}

/// The gaps that formed for one side, and the inverse gaps that they became.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FairValueGaps {
    params: FvgParams,
    side: Side,
    before: Before,
    gaps: Alive,
    /// As the other side sees them.
    inverse: Alive,
}

impl FairValueGaps {
    /// None yet.
    pub fn new(side: Side, params: FvgParams) -> Self {
        Self {
            params,
            side,
            before: Before::NONE,
            gaps: Alive::new(&params),
            inverse: Alive::new(&params),
        }
    }

    /// Gaps alive, oldest first, as their side sees them.
    pub fn zones(&self) -> &Bounded<Zone> {
        &self.gaps.zones
    }

    /// The gaps of this side that were closed through: they speak for the other side and are given
    /// as it sees them, `formed` being the bar that inverted them. Earliest inversion first.
    pub fn inverse(&self) -> &Bounded<Zone> {
        &self.inverse.zones
    }

    /// Reads bar `at` as this side sees it; `atr` is the ATR at its close.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, atr: Option<f64>, out: &mut impl FnMut(Event)) {
        self.inverse.forget(at, |zone| zone.formed);
        self.gaps.forget(at, |zone| zone.pos);
        if -bar.high.max(bar.close) <= self.inverse.trigger {
            self.touch_inverse(at, bar, out);
        }
        let formed = self.before.push(&bar).and_then(|edges| {
            let amount = self.size(edges, atr)?;
            Some((edges, amount))
        });
        // What a new gap takes over, this bar cannot touch.
        let joined = if formed.is_some() { self.taken_over(at) } else { None };
        if bar.low.min(bar.close) <= self.gaps.trigger {
            self.touch(at, bar, out);
        }
        if let Some(((near, far), amount)) = formed {
            self.form(at, near, far, amount, joined, out);
        }
    }

    /// Size in ATR, 0 while that is unknown; none for a gap that is too small.
    #[inline]
    fn size(&self, (near, far): (f64, f64), atr: Option<f64>) -> Option<f64> {
        let size = match atr {
            Some(atr) if atr > 0.0 => (near - far) / atr,
            _ => 0.0,
        };
        // Both may be too large for a float: then nothing is known of the ratio.
        let size = if size.is_finite() { size } else { 0.0 };
        let least = self.params.size_atr_min;
        (least <= 0.0 || size >= least).then_some(size)
    }

    #[inline]
    fn taken_over(&mut self, at: u32) -> Option<Zone> {
        let previous = *self.gaps.zones.last().filter(|_| self.params.join)?;
        (previous.pos + 2 == at).then(|| {
            self.gaps.remove_last();
            previous
        })
    }

    fn form(
        &mut self,
        at: u32,
        near: f64,
        far: f64,
        amount: f64,
        joined: Option<Zone>,
        out: &mut impl FnMut(Event),
    ) {
        let mut zone = Zone { near, far, pos: at - 1, formed: at, amount, ..Zone::default() };
        let mut kind = Kind::FvgFormed;
        if let Some(previous) = joined {
            kind = Kind::FvgJoined;
            zone.near = near.max(previous.near);
            zone.far = far.min(previous.far);
        }
        self.gaps.push(zone);
        out(event(at, kind, self.side, &zone).amount(amount));
    }

    fn touch(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let (side, reach) = (self.side, bar.low.min(bar.close));
        let inverse = &mut self.inverse;
        self.gaps.reach(reach, |zone| {
            let middle = zone.middle();
            let reached = [zone.near, middle, zone.far].map(|price| usize::from(reach <= price));
            let reached = reached[0] + reached[1] + reached[2];
            for (state, kind) in STEPS.iter().take(reached).skip(zone.state as usize) {
                zone.state = *state;
                let level = if *state == ZoneState::Halved { middle } else { zone.near };
                out(Event { level: View::price(level, side), ..event(at, *kind, side, zone) });
            }
            if bar.close < zone.far {
                let turned = Zone {
                    near: -zone.far,
                    far: -zone.near,
                    formed: at,
                    state: ZoneState::Fresh,
                    ..*zone
                };
                out(event(at, Kind::FvgInverted, side.opposite(), &turned));
                inverse.push(turned);
                return None;
            }
            Some(zone.next_price())
        });
    }

    fn touch_inverse(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let side = self.side.opposite();
        let (reach, close) = (-bar.high.max(bar.close), -bar.close);
        self.inverse.reach(reach, |zone| {
            if zone.state == ZoneState::Fresh && reach <= zone.near {
                zone.state = ZoneState::Touched;
                out(event(at, Kind::FvgRetested, side, zone));
            }
            if close < zone.far {
                out(event(at, Kind::FvgReclaimed, side, zone));
                return None;
            }
            Some(zone.far)
        });
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

    type Ohlc = (f64, f64, f64, f64);

    fn run_with(params: FvgParams, bars: &[Ohlc]) -> Vec<(u32, Kind, f64, f64)> {
        let mut gaps = FairValueGaps::new(Side::Buy, params);
        let mut seen = Vec::new();
        for (at, (open, high, low, close)) in (0..).zip(bars.iter().copied()) {
            let bar = View { open, high, low, close };
            gaps.push(at, bar, Some(1.0), &mut |e| seen.push((e.at, e.kind, e.level, e.far)));
        }
        seen
    }

    fn run(join: bool, bars: &[Ohlc]) -> Vec<(u32, Kind, f64, f64)> {
        run_with(FvgParams { join, ..FvgParams::default() }, bars)
    }

    /// A gap from 2 to 4, known at bar 2.
    const FORMED: [Ohlc; 3] = [(1., 2., 1., 2.), (2., 5., 2., 5.), (5., 6., 4., 6.)];

    fn after(then: &[Ohlc]) -> Vec<(u32, Kind, f64, f64)> {
        let mut bars = FORMED.to_vec();
        bars.extend_from_slice(then);
        run(false, &bars).split_off(1)
    }

    #[test]
    fn forms_is_touched_halved_filled_and_inverted() {
        assert_eq!(run(false, &FORMED), [(2, Kind::FvgFormed, 4.0, 2.0)]);
        let then = [
            (6., 6., 3.5, 6.),
            (6., 6., 3., 6.),
            (6., 6., 2., 3.),
            (3., 3., 1., 2.),
            (2., 2., 1., 1.),
        ];
        assert_eq!(
            after(&then),
            [
                (3, Kind::FvgTouched, 4.0, 2.0),
                (4, Kind::FvgHalved, 3.0, 2.0),
                (5, Kind::FvgFilled, 4.0, 2.0),
                // A close at the edge, of bar 6, is not beyond it.
                (7, Kind::FvgInverted, 2.0, 4.0),
            ]
        );
    }

    #[test]
    fn one_bar_can_do_it_all_in_order() {
        assert_eq!(
            after(&[(6., 6., 1., 1.)]),
            [
                (3, Kind::FvgTouched, 4.0, 2.0),
                (3, Kind::FvgHalved, 3.0, 2.0),
                (3, Kind::FvgFilled, 4.0, 2.0),
                (3, Kind::FvgInverted, 2.0, 4.0),
            ]
        );
    }

    #[test]
    fn edges_count_as_touched_and_above_them_nothing_happens() {
        assert_eq!(after(&[(6., 6., 4.1, 6.)]), []);
        assert_eq!(after(&[(6., 6., 4., 6.)]), [(3, Kind::FvgTouched, 4.0, 2.0)]);
    }

    #[test]
    fn an_inverse_gap_is_retested_and_reclaimed_on_later_bars() {
        let inverted = (6., 6., 1., 1.);
        let lives = |then: &[Ohlc]| {
            let mut bars = [inverted].to_vec();
            bars.extend_from_slice(then);
            after(&bars).split_off(4)
        };
        assert_eq!(lives(&[(1., 1.9, 1., 1.5)]), [], "below its near edge");
        assert_eq!(
            lives(&[(1., 2., 1., 1.5), (1.5, 5., 1., 4.), (4., 4.5, 2., 4.1)]),
            [(4, Kind::FvgRetested, 2.0, 4.0), (6, Kind::FvgReclaimed, 2.0, 4.0)]
        );
        assert_eq!(
            lives(&[(1., 5., 1., 5.), (5., 5., 1., 1.), (1., 9., 1., 9.)])[..2],
            [(4, Kind::FvgRetested, 2.0, 4.0), (4, Kind::FvgReclaimed, 2.0, 4.0)],
            "both at once"
        );
    }

    #[test]
    fn touching_edges_and_a_doji_make_no_gap() {
        assert_eq!(run(false, &[(1., 2., 1., 2.), (2., 5., 2., 5.), (5., 6., 2., 6.)]), []);
        assert_eq!(run(false, &[(1., 2., 1., 2.), (3., 5., 2., 3.), (5., 6., 4., 6.)]), []);
    }

    /// The last bar forms a second gap and would touch the first.
    const CONSECUTIVE: [Ohlc; 4] =
        [(1., 2., 1., 2.), (2., 5., 2., 5.), (5., 7., 6., 7.), (7., 9., 5.5, 9.)];

    #[test]
    fn consecutive_gaps_join_and_the_joining_bar_touches_neither() {
        assert_eq!(
            run(true, &CONSECUTIVE),
            [(2, Kind::FvgFormed, 6.0, 2.0), (3, Kind::FvgJoined, 6.0, 2.0)]
        );
        assert_eq!(
            run(false, &CONSECUTIVE),
            [
                (2, Kind::FvgFormed, 6.0, 2.0),
                (3, Kind::FvgTouched, 6.0, 2.0),
                (3, Kind::FvgFormed, 5.5, 5.0)
            ]
        );
    }

    #[test]
    fn too_small_a_gap_neither_exists_nor_joins() {
        let params = FvgParams { join: true, size_atr_min: 1.0, ..Default::default() };
        assert_eq!(
            run_with(params, &CONSECUTIVE),
            [(2, Kind::FvgFormed, 6.0, 2.0), (3, Kind::FvgTouched, 6.0, 2.0)]
        );
        let params = FvgParams { size_atr_min: 4.01, ..params };
        assert_eq!(run_with(params, &CONSECUTIVE), []);
        let mut gaps = FairValueGaps::new(Side::Buy, params);
        for (at, (open, high, low, close)) in (0..).zip(CONSECUTIVE) {
            gaps.push(at, View { open, high, low, close }, None, &mut |e| {
                panic!("{e:?} of unknown size")
            });
        }
    }

    #[test]
    fn tells_its_size_in_atr() {
        let mut sizes = Vec::new();
        for atr in [Some(4.0), None, Some(0.0)] {
            let mut gaps = FairValueGaps::new(Side::Buy, FvgParams::default());
            for (at, (open, high, low, close)) in (0..).zip(FORMED) {
                let bar = View { open, high, low, close };
                gaps.push(at, bar, atr, &mut |e| sizes.push(e.amount));
            }
        }
        assert_eq!(sizes, [0.5, 0.0, 0.0]);
    }

    #[test]
    fn gaps_and_inverse_gaps_are_forgotten_by_age() {
        let params = FvgParams { age_max: 3, ..Default::default() };
        let mut gaps = FairValueGaps::new(Side::Buy, params);
        let mut alive = Vec::new();
        let quiet = (6., 6., 5., 6.);
        let inverts = (6., 6., 1., 1.);
        let below = (1., 1., 1., 1.);
        let bars = [quiet, quiet, inverts, below, below, below, below];
        for (at, (open, high, low, close)) in (0..).zip(FORMED.into_iter().chain(bars)) {
            gaps.push(at, View { open, high, low, close }, None, &mut |_| ());
            alive.push((gaps.zones().len(), gaps.inverse().len()));
        }
        // Of bar 1: too old at bar 5, before it could be inverted.
        assert_eq!(alive[2..6], [(1, 0), (1, 0), (1, 0), (0, 0)]);
        let bars = [inverts, below, below, below, below];
        let mut gaps = FairValueGaps::new(Side::Buy, params);
        alive.clear();
        for (at, (open, high, low, close)) in (0..).zip(FORMED.into_iter().chain(bars)) {
            gaps.push(at, View { open, high, low, close }, None, &mut |_| ());
            alive.push((gaps.zones().len(), gaps.inverse().len()));
        }
        assert_eq!(alive[2..], [(1, 0), (0, 1), (0, 1), (0, 1), (0, 1), (0, 0)]);
    }
}
