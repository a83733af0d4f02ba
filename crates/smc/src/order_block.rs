//! Order block, breaker and mitigation block.
//!
//! Bullish: when a close breaks the swing high of bar p at bar t, the bar with the lowest low
//! strictly between p and t (the later one on ties) is the block: near edge its high, far edge its
//! low; its volume is that of the breaking bar and the two before. Known at t. Mitigated by the
//! first later bar whose low is at or below the near edge. Source: smartmoneyconcepts 0.0.27 `ob`,
//! with the life stamped on the bars that make it.
//!
//! A close below the far edge (or a low below it, with `wick`) breaks the block and turns it over:
//! from there it speaks for sellers. If the low that made it had taken the swing low before (it
//! lies below that low) it is a breaker, else, a failure swing, a mitigation block. It is retested
//! once, by the first later bar that comes back up to its near edge (the old far edge), and a close
//! above its far edge (the old near edge) ends it. Bearish mirrored.

use crate::bounded::Bounded;
use crate::event::{Event, Kind, Of};
use crate::launch::Launch;
use crate::view::View;
use crate::waiting::{Found, Waiting};
use crate::zone::{Zone, ZoneState};
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// Parameters of [`OrderBlocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBlockParams {
    /// A low beyond the far edge breaks a block, not only a close. (A breaker or mitigation block
    /// ends by a close in any case.)
    pub wick: bool,
    /// Most blocks alive, of each sort and side.
    pub capacity: u32,
    /// A block is forgotten after this many bars, a breaker this many after it turned over.
    pub age_max: u32,
}

impl Default for OrderBlockParams {
    fn default() -> Self {
        Self { wick: false, capacity: 16, age_max: 500 }
    }
}

/// The blocks of one side, and what became of them when they were broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderBlocks {
    params: OrderBlockParams,
    of: Of,
    side: Side,
    blocks: Waiting,
    turned: Waiting,
}

impl OrderBlocks {
    /// None yet.
    pub fn new(of: Of, side: Side, params: OrderBlockParams) -> Self {
        let [blocks, turned] = [(); 2].map(|()| Waiting::new(params.capacity, params.age_max));
        Self { params, of, side, blocks, turned }
    }

    /// Blocks alive, oldest first by bar of formation, as their side sees them.
    pub fn zones(&self) -> &Bounded<Zone> {
        self.blocks.zones()
    }

    /// Blocks of this side that were broken and speak for the other side now, as that side sees
    /// them, oldest first by the bar that broke them: a breaker where `swept`, else a mitigation
    /// block.
    pub fn turned(&self) -> &Bounded<Zone> {
        self.turned.zones()
    }

    /// Reads bar `at` as this side sees it: the life of what was turned over before. Comes before
    /// [`Self::push`], for both sides: what a bar turns over begins its new life with the next one.
    #[inline]
    pub fn push_turned(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let (side, of) = (self.side.opposite(), self.of);
        self.turned.push(at, -bar.high, -bar.close, |found, zone| {
            let kind = match found {
                Found::Touched => Kind::ObRetested,
                Found::Broken => Kind::ObInvalidated,
            };
            out(event(at, kind, side, zone).of(of));
        });
    }

    /// Reads bar `at` as this side sees it: the life of the blocks formed before.
    #[inline]
    pub fn push(&mut self, at: u32, bar: View, out: &mut impl FnMut(Event)) {
        let (side, of) = (self.side, self.of);
        let turned = &mut self.turned;
        let through = if self.params.wick { bar.low } else { bar.close };
        self.blocks.push(at, bar.low, through, |found, zone| match found {
            Found::Touched => out(event(at, Kind::ObMitigated, side, zone).of(of)),
            Found::Broken => {
                let (near, far, state) = (-zone.far, -zone.near, ZoneState::Fresh);
                let zone = Zone { near, far, formed: at, state, ..*zone };
                turned.add(zone);
                let kind = if zone.swept { Kind::ObBreaker } else { Kind::ObMitigation };
                out(event(at, kind, side.opposite(), &zone).of(of));
            }
        });
    }

    /// The swing that guards this side was broken at bar `at`: its block forms. `volume` is that of
    /// this bar and the two before.
    pub fn broken(&mut self, at: u32, from: &Launch, volume: f64, out: &mut impl FnMut(Event)) {
        let Launch { pos, high: near, low: far, swept } = *from;
        let zone =
            Zone { near, far, pos, formed: at, state: ZoneState::Fresh, amount: volume, swept };
        self.blocks.add(zone);
        out(event(at, Kind::ObFormed, self.side, &zone).of(self.of));
    }
}

fn event(at: u32, kind: Kind, side: Side, zone: &Zone) -> Event {
    let (level, far) = (View::price(zone.near, side), View::price(zone.far, side));
    Event::new(at, zone.pos, kind, side, level, far).amount(zone.amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn view(high: f64, low: f64, close: f64) -> View {
        View { open: close, high, low, close }
    }

    type Seen = (u32, Kind, Side, f64, f64);

    /// What a block of bar 4 from 8 to 9 lives through from bar 8 on.
    fn life(swept: bool, wick: bool, bars: &[View]) -> (Vec<Seen>, OrderBlocks) {
        let params = OrderBlockParams { wick, ..Default::default() };
        let mut blocks = OrderBlocks::new(Of::Swing, Side::Buy, params);
        let mut seen = Vec::new();
        let mut out = |e: Event| {
            assert_eq!((e.pos, e.of, e.amount), (4, Of::Swing, 60.0));
            seen.push((e.at, e.kind, e.side.unwrap(), e.level, e.far));
        };
        blocks.broken(7, &Launch { pos: 4, high: 9.0, low: 8.0, swept }, 60.0, &mut out);
        for (at, bar) in (8..).zip(bars) {
            blocks.push_turned(at, *bar, &mut out);
            blocks.push(at, *bar, &mut out);
        }
        (seen, blocks)
    }

    #[test]
    fn forms_is_touched_once_and_turns_over() {
        use Kind::*;
        let bars = [
            view(12.0, 9.5, 11.0),
            view(12.0, 8.5, 10.0),
            view(12.0, 8.4, 10.0),
            view(9.0, 7.0, 7.5),
            view(7.9, 7.0, 7.2),
            view(8.0, 7.0, 7.2),
            view(9.5, 7.0, 9.0),
            view(9.5, 8.0, 9.1),
        ];
        let (seen, blocks) = life(true, false, &bars);
        let (buy, sell) = (Side::Buy, Side::Sell);
        assert_eq!(
            seen,
            [
                (7, ObFormed, buy, 9.0, 8.0),
                (9, ObMitigated, buy, 9.0, 8.0),
                (11, ObBreaker, sell, 8.0, 9.0),
                (13, ObRetested, sell, 8.0, 9.0),
                (15, ObInvalidated, sell, 8.0, 9.0),
            ]
        );
        assert!(blocks.zones().is_empty() && blocks.turned().is_empty());
    }

    #[test]
    fn a_failure_swing_makes_a_mitigation_block() {
        let (seen, blocks) = life(false, false, &[view(9.0, 7.0, 7.5)]);
        assert_eq!(seen[2], (8, Kind::ObMitigation, Side::Sell, 8.0, 9.0));
        let turned = blocks.turned()[0];
        assert_eq!((turned.near, turned.far, turned.formed), (-8.0, -9.0, 8), "as sellers see it");
    }

    #[test]
    fn a_wick_is_enough_when_asked() {
        assert_eq!(life(true, false, &[view(12.0, 7.9, 11.0)]).0.len(), 2);
        let (seen, _) = life(true, true, &[view(12.0, 7.9, 11.0)]);
        assert_eq!(seen[2].1, Kind::ObBreaker);
    }

    #[test]
    fn is_forgotten_when_old() {
        let params = OrderBlockParams { age_max: 10, ..Default::default() };
        let mut blocks = OrderBlocks::new(Of::Swing, Side::Buy, params);
        let from = Launch { pos: 4, high: 9.0, low: 8.0, swept: false };
        blocks.broken(7, &from, 0.0, &mut |_| {});
        blocks.push(17, view(12.0, 11.0, 11.0), &mut |_| {});
        assert_eq!(blocks.zones().len(), 1);
        blocks.push(18, view(12.0, 8.5, 11.0), &mut |event| panic!("{event:?}"));
        assert!(blocks.zones().is_empty());
    }
}
