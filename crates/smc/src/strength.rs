//! Strong and weak highs and lows.
//!
//! When structure breaks upwards, the last confirmed swing low becomes strong: it held and sent
//! price through the other side, so it should hold again. A swing low that is confirmed while the
//! trend is down is weak: it did not turn the trend, so its stops are the next target. A weak one
//! becomes strong when structure then breaks away from it. Known at the close of the break, or of
//! the bar that confirms the swing. Mirrored for highs. Source: the LuxAlgo notion as described in
//! its public documentation, made testable.

use crate::event::{Event, Kind, Of};
use crate::pivot::Pivot;
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// What is known of the last swings of one tracker. Indexed by side: lows speak for buyers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strength {
    of: Of,
    last: [Option<Pivot>; 2],
    strong: [Option<Pivot>; 2],
    weak: [Option<Pivot>; 2],
}

impl Strength {
    /// Nothing known.
    pub(crate) const fn new(of: Of) -> Self {
        Self { of, last: [None; 2], strong: [None; 2], weak: [None; 2] }
    }

    /// Structure broke towards `side` at bar `at`.
    pub(crate) fn broken(&mut self, at: u32, side: Side, out: &mut impl FnMut(Event)) {
        let index = side as usize;
        if let Some(pivot) = self.last[index].take() {
            self.strong[index] = Some(pivot);
            self.weak[index] = self.weak[index].filter(|weak| weak.pos != pivot.pos);
            out(event(at, Kind::Strong, &pivot, self.of));
        }
    }

    /// A swing was confirmed at bar `at`, in this trend.
    pub(crate) fn swing(
        &mut self,
        at: u32,
        pivot: &Pivot,
        trend: Option<Side>,
        out: &mut impl FnMut(Event),
    ) {
        let side = pivot.kind.side();
        self.last[side as usize] = Some(*pivot);
        if trend == Some(side.opposite()) {
            self.weak[side as usize] = Some(*pivot);
            out(event(at, Kind::Weak, pivot, self.of));
        }
    }

    /// The last swing that became strong: a low for `Buy`, a high for `Sell`.
    pub const fn strong(&self, side: Side) -> Option<Pivot> {
        self.strong[side as usize]
    }

    /// The last swing that was weak when confirmed and has not become strong since: a low for
    /// `Buy`, a high for `Sell`.
    pub const fn weak(&self, side: Side) -> Option<Pivot> {
        self.weak[side as usize]
    }
}

fn event(at: u32, kind: Kind, pivot: &Pivot, of: Of) -> Event {
    Event::new(at, pivot.pos, kind, pivot.kind.side(), pivot.level, pivot.level).of(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pivot::PivotKind;
    use alloc::vec::Vec;

    #[test]
    fn a_break_makes_strong_and_a_swing_against_the_trend_is_weak() {
        let mut strength = Strength::new(Of::Swing);
        let mut seen = Vec::new();
        let mut out = |e: Event| seen.push((e.at, e.kind, e.pos, e.side.unwrap()));
        let low = Pivot { kind: PivotKind::Low, pos: 2, level: 5.0 };
        let high = Pivot { kind: PivotKind::High, pos: 5, level: 9.0 };
        strength.swing(4, &low, None, &mut out);
        strength.swing(7, &high, None, &mut out);
        strength.broken(8, Side::Buy, &mut out);
        strength.broken(9, Side::Buy, &mut out);
        let higher = Pivot { pos: 10, ..high };
        strength.swing(12, &higher, Some(Side::Buy), &mut out);
        assert_eq!(
            (strength.strong(Side::Buy), strength.weak(Side::Sell)),
            (Some(low), Some(higher))
        );
        strength.broken(14, Side::Sell, &mut out);
        assert_eq!((strength.strong(Side::Sell), strength.weak(Side::Sell)), (Some(higher), None));
        assert_eq!(
            seen,
            [
                (8, Kind::Strong, 2, Side::Buy),
                (12, Kind::Weak, 10, Side::Sell),
                (14, Kind::Strong, 10, Side::Sell),
            ]
        );
    }
}
