//! Order block: the last opposing bar before the move that broke structure.
//!
//! Bullish: when a close breaks the swing high of bar p at bar t, the bar with the lowest low
//! strictly between p and t (the later one on ties) is the block: near edge its high, far edge its
//! low. Known at t. Mitigated by the first later bar whose low is at or below the near edge;
//! invalidated by a close below the far edge, or by a low below it with `wick`. Bearish mirrored.
//! Source: smartmoneyconcepts 0.0.27 `ob`, with the life stamped on the bars that make it.

use crate::bounded::Bounded;
use crate::event::{Event, Kind};
use crate::pivot::History;
use crate::view::View;
use crate::zone::{Zone, ZoneState};
use aegis_types::Side;

/// Parameters of [`OrderBlocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderBlockParams {
    /// A low beyond the far edge invalidates, not only a close.
    pub wick: bool,
    /// Most blocks alive.
    pub capacity: u32,
    /// A block is forgotten after this many bars.
    pub age_max: u32,
}

impl Default for OrderBlockParams {
    fn default() -> Self {
        Self { wick: false, capacity: 16, age_max: 500 }
    }
}

/// The bar with the lowest low since the swing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    pos: u32,
    high: f64,
    low: f64,
}

/// The blocks of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderBlocks {
    params: OrderBlockParams,
    side: Side,
    candidate: Option<Candidate>,
    zones: Bounded<Zone>,
    /// The highest edge whose touch changes anything.
    trigger: f64,
}

impl OrderBlocks {
    /// None yet.
    pub fn new(side: Side, params: OrderBlockParams) -> Self {
        let zones = Bounded::new(params.capacity);
        Self { params, side, candidate: None, zones, trigger: f64::NEG_INFINITY }
    }

    /// Blocks alive, oldest first by bar of formation, as their side sees them.
    pub fn zones(&self) -> &Bounded<Zone> {
        &self.zones
    }

    /// Reads bar `at` as this side sees it: the life of the blocks formed before.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        if self.zones.first().is_some_and(|zone| at - zone.formed > self.params.age_max) {
            self.zones.remove_first();
        }
        if bar.low <= self.trigger {
            self.touch(at, bar, out);
        }
    }

    fn touch(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let (side, wick) = (self.side, self.params.wick);
        let mut trigger = f64::NEG_INFINITY;
        self.zones.retain(|zone| {
            if bar.low <= zone.next_edge() {
                if zone.state == ZoneState::Fresh {
                    zone.state = ZoneState::Touched;
                    out(event(at, Kind::ObMitigated, side, zone));
                }
                if (if wick { bar.low } else { bar.close }) < zone.far {
                    out(event(at, Kind::ObInvalidated, side, zone));
                    return false;
                }
            }
            trigger = trigger.max(zone.next_edge());
            true
        });
        self.trigger = trigger;
    }

    /// The swing that guards this side was broken at bar `at`: its block forms.
    pub fn broken(&mut self, at: u32, out: &mut impl FnMut(Event)) {
        let Some(Candidate { pos, high, low }) = self.candidate.take() else { return };
        let zone = Zone { near: high, far: low, pos, formed: at, ..Zone::default() };
        self.zones.push(zone);
        self.trigger = self.trigger.max(high);
        out(event(at, Kind::ObFormed, self.side, &zone));
    }

    /// A swing at bar `pos` that guards this side was confirmed at bar `at`: the search for its
    /// block starts after it.
    pub(crate) fn swing(&mut self, pos: u32, at: u32, history: &History) {
        self.candidate = None;
        for bar in pos + 1..=at {
            let (high, low) = history.get(bar);
            let (high, low) = match self.side {
                Side::Buy => (high, low),
                Side::Sell => (-low, -high),
            };
            self.search(bar, high, low);
        }
    }

    /// Looks at bar `at` as the block to be, after breaks were judged.
    #[inline]
    pub fn extend(&mut self, at: u32, bar: View) {
        if self.candidate.is_some() {
            self.search(at, bar.high, bar.low);
        }
    }

    #[inline]
    fn search(&mut self, pos: u32, high: f64, low: f64) {
        if self.candidate.is_none_or(|lowest| low <= lowest.low) {
            self.candidate = Some(Candidate { pos, high, low });
        }
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

    fn view(high: f64, low: f64, close: f64) -> View {
        View { open: close, high, low, close }
    }

    #[test]
    fn the_lowest_bar_before_the_break_and_its_life() {
        let mut blocks = OrderBlocks::new(Side::Buy, OrderBlockParams::default());
        let mut seen: Vec<(u32, Kind, u32)> = Vec::new();
        let mut out = |e: Event| seen.push((e.at, e.kind, e.pos));
        blocks.candidate = Some(Candidate { pos: 4, high: 9.0, low: 8.0 });
        blocks.extend(5, view(8.0, 7.0, 7.5));
        blocks.extend(6, view(9.0, 7.0, 8.5));
        blocks.broken(7, &mut out);
        blocks.push(8, view(12.0, 9.5, 11.0), &mut out);
        blocks.push(9, view(12.0, 6.0, 8.0), &mut out);
        blocks.push(10, view(8.0, 6.0, 6.5), &mut out);
        assert_eq!(
            seen,
            [(7, Kind::ObFormed, 6), (9, Kind::ObMitigated, 6), (10, Kind::ObInvalidated, 6),]
        );
        assert!(blocks.zones().is_empty());
    }

    #[test]
    fn a_wick_is_enough_when_asked() {
        let mut blocks =
            OrderBlocks::new(Side::Buy, OrderBlockParams { wick: true, ..Default::default() });
        blocks.candidate = Some(Candidate { pos: 4, high: 9.0, low: 8.0 });
        blocks.broken(7, &mut |_| {});
        blocks.push(8, view(12.0, 7.9, 11.0), &mut |_| {});
        assert!(blocks.zones().is_empty());
    }
}
