//! A tracker: swings of one length and all that is built on them.
//!
//! Two run side by side and know nothing of each other: the swing tracker, and the internal one of
//! shorter swings, whose breaks come first and count for less. Each has its own swings, trend,
//! breaks, strong and weak levels, order blocks, optimal trade entry and retracement.

use crate::concepts::Concepts;
use crate::event::{Event, Kind, Of};
use crate::launch::Launches;
use crate::mss::Mss;
use crate::order_block::OrderBlocks;
use crate::ote::Ote;
use crate::pivot::{Pivot, PivotKind, PivotParams, Swing, Turns};
use crate::retracement::Retracement;
use crate::strength::Strength;
use crate::structure::Structure;
use crate::view::View;
use crate::window::History;
use crate::{Params, zone::Zone};
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// What a tracker needs to know of a bar beside its prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Index of the bar.
    pub at: u32,
    /// The bar as each side sees it.
    pub views: &'a [View; 2],
    /// Volume of the bar and the two before.
    pub volume: f64,
    /// Which concepts run.
    pub on: Concepts,
    /// Displacement and sweeps up to this bar.
    pub mss: &'a Mss,
    /// The last bars, this one included.
    pub history: &'a History,
}

/// Swings of one length and what is built on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracker {
    of: Of,
    turns: Turns,
    structure: Structure,
    /// The last confirmed swing for each side: a low for buyers.
    last: [Option<Pivot>; 2],
    launches: [Launches; 2],
    strength: Strength,
    blocks: [OrderBlocks; 2],
    ote: Ote,
    retracement: Retracement,
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Tracker {
    /// Nothing seen.
    pub(crate) fn new(of: Of, swings: PivotParams, params: &Params) -> Self {
        Self {
            of,
            turns: Turns::new(swings),
            structure: Structure::new(),
            last: [None; 2],
            launches: [Launches::default(); 2],
            strength: Strength::new(of),
            blocks: SIDES.map(|side| OrderBlocks::new(of, side, params.order_block)),
            ote: Ote::new(of, params.ote),
            retracement: Retracement::new(of, params.retracement),
        }
    }

    /// Reads a bar: what it does to what was known, then what it breaks, then what it confirms.
    #[inline]
    pub(crate) fn push(
        &mut self,
        bar: &Bar,
        context: &Context,
        out: &mut impl FnMut(Event),
    ) -> Option<Swing> {
        let Context { at, views, on, .. } = *context;
        if on.has(Concepts::BLOCKS) {
            for (blocks, view) in self.blocks.iter_mut().zip(views) {
                blocks.push_turned(at, *view, out);
            }
            for (blocks, view) in self.blocks.iter_mut().zip(views) {
                blocks.push(at, *view, out);
            }
        }
        if on.has(Concepts::RANGE) {
            self.ote.push(at, views, out);
            self.retracement.push(at, views, out);
        }
        self.judge(bar.close(), context, out);
        for (launches, view) in self.launches.iter_mut().zip(views) {
            launches.extend(at, *view);
        }
        let swing = self.turns.push(at, context.history);
        if let Some(swing) = &swing {
            self.confirm(swing, context, out);
        }
        swing
    }

    fn judge(&mut self, close: f64, context: &Context, out: &mut impl FnMut(Event)) {
        let Some(broken) = self.structure.push(close) else { return };
        let Context { at, on, .. } = *context;
        let side = broken.side;
        let kind = if broken.change_of_character { Kind::Choch } else { Kind::Bos };
        let event = Event::new(at, broken.pos, kind, side, broken.level, close).of(self.of);
        out(event);
        if broken.change_of_character && context.mss.push(at, side) {
            out(Event { kind: Kind::Mss, ..event });
        }
        if on.has(Concepts::STRENGTH) {
            self.strength.broken(at, side, out);
        }
        let Some(from) = self.launches[side as usize].take() else { return };
        if on.has(Concepts::BLOCKS) {
            self.blocks[side as usize].broken(at, &from, context.volume, out);
        }
        if on.has(Concepts::RANGE) {
            self.ote.broken(at, side, from.low, context.views[side as usize]);
        }
    }

    fn confirm(&mut self, swing: &Swing, context: &Context, out: &mut impl FnMut(Event)) {
        let Context { at, on, .. } = *context;
        swing.emit(at, self.of, out);
        let pivot = swing.new;
        self.structure.swing(&pivot);
        if on.has(Concepts::STRENGTH) {
            self.strength.swing(at, &pivot, self.structure.trend(), out);
        }
        // A swing high guards the buyers' next break and ends a leg of theirs.
        let side = pivot.kind.side().opposite();
        let pos = self.turns.lowest_since(at, side, context.history);
        let range = context.history.range(pos, side);
        let before = self.last[side as usize].map(|pivot| View::price(pivot.level, side));
        self.launches[side as usize].swing(pos, range, before);
        if let Some(start) = before
            && on.has(Concepts::RANGE)
        {
            let last = context.views[side as usize].low;
            let prices = [start, View::price(pivot.level, side), range.1, last];
            self.retracement.leg_ended(at, side, prices, pivot.pos, out);
        }
        self.last[pivot.kind.side() as usize] = Some(pivot);
    }

    /// Bars before the last that are looked at.
    pub(crate) const fn bars_back(&self) -> u32 {
        self.turns.length()
    }

    /// Trend and unbroken swings.
    pub const fn structure(&self) -> &Structure {
        &self.structure
    }

    /// The last confirmed swing, which a stronger one may still supersede.
    pub const fn open_swing(&self) -> Option<Pivot> {
        self.turns.open()
    }

    /// The last confirmed swing of this kind, broken or not.
    pub const fn last_swing(&self, kind: PivotKind) -> Option<Pivot> {
        self.last[kind.side() as usize]
    }

    /// The last confirmed swing of this kind that no close has broken.
    pub const fn unbroken(&self, kind: PivotKind) -> Option<Pivot> {
        match kind {
            PivotKind::High => self.structure.unbroken_high(),
            PivotKind::Low => self.structure.unbroken_low(),
        }
    }

    /// Strong and weak highs and lows.
    pub const fn strength(&self) -> &Strength {
        &self.strength
    }

    /// Order blocks that speak for `side`, as it sees them, unbroken.
    pub const fn blocks(&self, side: Side) -> &OrderBlocks {
        &self.blocks[side as usize]
    }

    /// Broken blocks of the other side that speak for `side` now, as it sees them: a breaker where
    /// `swept`, else a mitigation block.
    pub fn breakers(&self, side: Side) -> &[Zone] {
        self.blocks[side.opposite() as usize].turned()
    }

    /// Optimal trade entry of the last leg that broke structure.
    pub const fn ote(&self) -> &Ote {
        &self.ote
    }

    /// Retracement of the last leg between swings.
    pub const fn retracement(&self) -> &Retracement {
        &self.retracement
    }
}
