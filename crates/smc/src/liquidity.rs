//! Resting liquidity: stops gather beyond swings, most where several lie at one price.
//!
//! For buyers: every confirmed swing low is a level. A later swing low within `tolerance_atr` ATR
//! of a level's mean joins the oldest such level; two members make a pool (equal lows). A bar that
//! trades below the outermost member takes the level, and a pool is swept at that bar. If that bar
//! or one of the next `reclaim_bars` closes back above, it was a sweep, stamped there, with the
//! lowest price reached; else a run. A level of age `age_max` after its last member is forgotten.
//! Mirrored for sellers. Pools follow smartmoneyconcepts 0.0.27 `liquidity`, whose tolerance looks
//! at the whole future; here it is an ATR multiple known at the time.

use crate::bounded::Bounded;
use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`Liquidity`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiquidityParams {
    /// Swings closer than this to a level's mean join it, in ATR.
    pub tolerance_atr: f64,
    /// Bars after the piercing one in which a close back still makes a sweep.
    pub reclaim_bars: u32,
    /// Most levels alive.
    pub capacity: u32,
    /// A level is forgotten this many bars after its last member.
    pub age_max: u32,
}

impl Default for LiquidityParams {
    fn default() -> Self {
        Self { tolerance_atr: 0.1, reclaim_bars: 2, capacity: 24, age_max: 500 }
    }
}

/// Liquidity at one price, as its side sees it (for buyers: below the market).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resting {
    /// Mean of the members.
    pub level: f64,
    /// The outermost member: beyond it the stops lie.
    pub outer: f64,
    /// Bar of the first member.
    pub pos: u32,
    /// Bar at whose close the last member became known.
    pub known: u32,
    /// Swings at this price; a pool from two on.
    pub members: u32,
    /// The lowest price since it was pierced, and the bar that pierced it.
    pierced: Option<(f64, u32)>,
}

impl Resting {
    /// Not traded through yet.
    pub const fn untouched(&self) -> bool {
        self.pierced.is_none()
    }

    /// An event about the outermost member and an extreme beyond it.
    fn event(&self, at: u32, kind: Kind, side: Side, extreme: f64) -> Event {
        let (level, far) = (View::price(self.outer, side), View::price(extreme, side));
        let of = if self.members > 1 { Of::Pool } else { Of::Swing };
        Event::new(at, self.pos, kind, side, level, far).of(of)
    }
}

/// Greatest ratio of wick to body that is told: a bar without a body has no ratio.
const WICK_OVER_BODY_MAX: f64 = 1000.0;

/// How far the bar went below its body, over the body.
fn wick_over_body(bar: View) -> f64 {
    let wick = bar.open.min(bar.close) - bar.low;
    let body = (bar.close - bar.open).abs();
    if wick > 0.0 { (wick / body).min(WICK_OVER_BODY_MAX) } else { 0.0 }
}

/// Liquidity whose sweep speaks for one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Liquidity {
    params: LiquidityParams,
    side: Side,
    levels: Bounded<Resting>,
    /// The highest price whose touch changes anything; infinite while a pierced level is judged.
    trigger: f64,
}

impl Liquidity {
    /// None yet.
    pub fn new(side: Side, params: LiquidityParams) -> Self {
        let levels = Bounded::new(params.capacity);
        Self { params, side, levels, trigger: f64::NEG_INFINITY }
    }

    /// Levels alive, oldest first.
    pub fn levels(&self) -> &Bounded<Resting> {
        &self.levels
    }

    /// Reads bar `at` as this side sees it.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        if bar.low < self.trigger {
            self.take(at, bar, out);
        }
    }

    fn take(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let (side, params) = (self.side, self.params);
        let mut trigger = f64::NEG_INFINITY;
        self.levels.retain(|resting| {
            if resting.untouched() && at - resting.known > params.age_max {
                return false;
            }
            if resting.untouched() && bar.low < resting.outer {
                resting.pierced = Some((bar.low, at));
                if resting.members > 1 {
                    let members = f64::from(resting.members);
                    out(resting.event(at, Kind::PoolSwept, side, bar.low).amount(members));
                }
            }
            let Some((lowest, pierced_at)) = &mut resting.pierced else {
                trigger = trigger.max(resting.outer);
                return true;
            };
            *lowest = lowest.min(bar.low);
            let lowest = *lowest;
            if bar.close > resting.outer {
                out(resting.event(at, Kind::Sweep, side, lowest).amount(wick_over_body(bar)));
            } else if at - *pierced_at >= params.reclaim_bars {
                out(resting.event(at, Kind::Run, side, lowest));
            } else {
                trigger = f64::INFINITY;
                return true;
            }
            false
        });
        self.trigger = trigger;
    }

    /// A swing low (as this side sees it) of bar `pos` was confirmed at bar `at`.
    pub fn swing(&mut self, at: u32, pos: u32, low: f64, atr: f64, out: &mut impl FnMut(Event)) {
        let params = self.params;
        self.levels.retain(|resting| !resting.untouched() || at - resting.known <= params.age_max);
        let tolerance = params.tolerance_atr * atr;
        let side = self.side;
        let same = |resting: &&mut Resting| {
            resting.untouched() && (resting.level - low).abs() <= tolerance
        };
        if let Some(resting) = self.levels.iter_mut().find(same) {
            let members = f64::from(resting.members);
            resting.level = (resting.level * members + low) / (members + 1.0);
            resting.outer = resting.outer.min(low);
            resting.members += 1;
            resting.known = at;
            let kind = if resting.members == 2 { Kind::PoolFormed } else { Kind::PoolExtended };
            let (level, far) = (View::price(resting.level, side), View::price(resting.outer, side));
            let members = f64::from(resting.members);
            out(Event::new(at, pos, kind, side, level, far).of(Of::Pool).amount(members));
        } else {
            self.levels.push(Resting {
                level: low,
                outer: low,
                pos,
                known: at,
                members: 1,
                pierced: None,
            });
            self.trigger = self.trigger.max(low);
        }
    }

    /// The nearest level that lies at least `distance` below `price`, as this side sees both.
    pub fn nearest_below(&self, price: f64, distance: f64) -> Option<f64> {
        let beyond = price - distance;
        let levels = self.levels.iter().filter(|resting| resting.untouched());
        levels.map(|resting| resting.outer).filter(|level| *level <= beyond).reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn bar(low: f64, close: f64) -> View {
        View { open: close, high: close.max(low), low, close }
    }

    fn run(swings: &[f64], bars: &[View]) -> Vec<(u32, Kind, f64, f64)> {
        let mut liquidity = Liquidity::new(Side::Buy, LiquidityParams::default());
        let mut seen = Vec::new();
        let mut out = |e: Event| seen.push((e.at, e.kind, e.level, e.far));
        for (at, low) in (0..).zip(swings.iter().copied()) {
            liquidity.swing(at, at, low, 1.0, &mut out);
        }
        for (at, bar) in (10..).zip(bars.iter().copied()) {
            liquidity.push(at, bar, &mut out);
        }
        seen
    }

    #[test]
    fn a_wick_through_and_a_close_back_is_a_sweep() {
        assert_eq!(run(&[5.0], &[bar(5.0, 6.0), bar(4.0, 5.5)]), [(11, Kind::Sweep, 5.0, 4.0)]);
    }

    #[test]
    fn a_late_close_back_is_a_sweep_at_its_own_bar() {
        let bars = [bar(4.5, 4.8), bar(4.0, 4.9), bar(4.2, 5.5)];
        assert_eq!(run(&[5.0], &bars), [(12, Kind::Sweep, 5.0, 4.0)]);
    }

    #[test]
    fn no_close_back_is_a_run() {
        let bars = [bar(4.5, 4.8), bar(4.0, 4.9), bar(4.2, 4.5)];
        assert_eq!(run(&[5.0], &bars), [(12, Kind::Run, 5.0, 4.0)]);
    }

    #[test]
    fn equal_lows_make_a_pool_taken_beyond_its_outermost_member() {
        let seen = run(&[5.0, 4.95, 3.0, 5.02], &[bar(4.96, 6.0), bar(4.9, 6.0)]);
        let kinds: Vec<_> = seen.iter().map(|e| (e.0, e.1)).collect();
        let formed = [(1, Kind::PoolFormed), (3, Kind::PoolExtended)];
        assert_eq!(kinds[..2], formed);
        assert_eq!(kinds[2..], [(11, Kind::PoolSwept), (11, Kind::Sweep)]);
        assert_eq!((seen[3].2, seen[3].3), (4.95, 4.9));
    }

    #[test]
    fn a_sweep_tells_its_wick_in_bodies() {
        let bar = |open, low, close| View { open, high: 9.0, low, close };
        assert_eq!(wick_over_body(bar(5.0, 4.0, 5.5)), 2.0);
        assert_eq!(wick_over_body(bar(5.0, 4.0, 5.0)), WICK_OVER_BODY_MAX);
        assert_eq!(wick_over_body(bar(5.0, 5.0, 5.0)), 0.0);
    }

    #[test]
    fn is_forgotten_when_old() {
        let params = LiquidityParams { age_max: 5, ..LiquidityParams::default() };
        let mut liquidity = Liquidity::new(Side::Buy, params);
        liquidity.swing(4, 2, 5.0, 1.0, &mut |_| {});
        liquidity.push(10, bar(4.0, 5.5), &mut |event| panic!("{event:?}"));
        assert!(liquidity.levels().is_empty());
    }
}
