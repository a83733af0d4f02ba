//! All concepts on the bars of one timeframe, in one fixed order.

use crate::balanced_range::{BalancedRangeParams, BalancedRanges};
use crate::bounded::Bounded;
use crate::clock::{Clock, ClockParams};
use crate::concepts::Concepts;
use crate::dealing_range::DealingRange;
use crate::displacement::{Displacement, DisplacementParams};
use crate::equal::{EqualParams, EqualSwings};
use crate::event::{Event, Kind, Of};
use crate::fvg::{FairValueGaps, FvgParams};
use crate::liquidity::{Liquidity, LiquidityParams};
use crate::mss::{Mss, MssParams};
use crate::order_block::{OrderBlockParams, OrderBlocks};
use crate::pivot::{PivotKind, PivotParams, Pivots};
use crate::structure::Structure;
use crate::turtle_soup::{TurtleSoup, TurtleSoupParams};
use crate::view::View;
use crate::volume_imbalance::{VolumeImbalanceParams, VolumeImbalances};
use crate::zone::Zone;
use aegis_indicators::{Atr, Indicator};
use aegis_types::{Bar, Side};
use core::num::NonZeroU32;

/// Parameters of all concepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// Which concepts run.
    pub concepts: Concepts,
    /// Wilder period of the ATR that thresholds are measured in.
    pub atr_period: NonZeroU32,
    /// Wilder period of the long ATR, by which equal highs and lows are equal.
    pub atr_long_period: NonZeroU32,
    /// Swings.
    pub pivot: PivotParams,
    /// Displacement candles.
    pub displacement: DisplacementParams,
    /// Fair value gaps.
    pub fvg: FvgParams,
    /// Volume imbalances.
    pub volume_imbalance: VolumeImbalanceParams,
    /// Balanced price ranges.
    pub balanced_range: BalancedRangeParams,
    /// Order blocks.
    pub order_block: OrderBlockParams,
    /// Liquidity.
    pub liquidity: LiquidityParams,
    /// Equal highs and lows.
    pub equal: EqualParams,
    /// Turtle soup.
    pub turtle_soup: TurtleSoupParams,
    /// Market structure shifts.
    pub mss: MssParams,
    /// Sessions, periods and what else depends on the time of day.
    pub clock: ClockParams,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            concepts: Concepts::default(),
            atr_period: NonZeroU32::MIN.saturating_add(13),
            atr_long_period: NonZeroU32::MIN.saturating_add(199),
            pivot: PivotParams::default(),
            displacement: DisplacementParams::default(),
            fvg: FvgParams::default(),
            volume_imbalance: VolumeImbalanceParams::default(),
            balanced_range: BalancedRangeParams::default(),
            order_block: OrderBlockParams::default(),
            liquidity: LiquidityParams::default(),
            equal: EqualParams::default(),
            turtle_soup: TurtleSoupParams::default(),
            mss: MssParams::default(),
            clock: ClockParams::default(),
        }
    }
}

/// What belongs to one side.
#[derive(Clone, Debug, PartialEq)]
struct Half {
    gaps: FairValueGaps,
    imbalances: VolumeImbalances,
    blocks: OrderBlocks,
    liquidity: Liquidity,
    turtle_soup: TurtleSoup,
}

/// Reads the bars of one timeframe.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    concepts: Concepts,
    bars: u32,
    atr: Atr,
    atr_long: Atr,
    displacement: Displacement,
    pivots: Pivots,
    structure: Structure,
    range: DealingRange,
    mss: Mss,
    clock: Clock,
    balanced: BalancedRanges,
    equal: EqualSwings,
    halves: [Half; 2],
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Detector {
    /// Nothing seen.
    pub fn new(params: &Params) -> Self {
        let half = |side| Half {
            gaps: FairValueGaps::new(side, params.fvg),
            imbalances: VolumeImbalances::new(side, params.volume_imbalance),
            blocks: OrderBlocks::new(side, params.order_block),
            liquidity: Liquidity::new(side, params.liquidity),
            turtle_soup: TurtleSoup::new(side, params.turtle_soup),
        };
        Self {
            concepts: params.concepts,
            bars: 0,
            atr: Atr::new(params.atr_period),
            atr_long: Atr::new(params.atr_long_period),
            displacement: Displacement::new(params.displacement),
            pivots: Pivots::new(params.pivot),
            structure: Structure::new(),
            range: DealingRange::new(),
            mss: Mss::new(params.mss),
            clock: Clock::new(params.clock, params.concepts),
            balanced: BalancedRanges::new(params.balanced_range),
            equal: EqualSwings::new(params.equal),
            halves: SIDES.map(half),
        }
    }

    /// Reads one closed bar; tells every event that its close makes knowable.
    ///
    /// The order within a bar: what the bar does to what was known before it (zones, liquidity,
    /// structure), then what it confirms (swings).
    pub fn push(&mut self, bar: &Bar, out: &mut impl FnMut(Event)) {
        let (at, on) = (self.bars, self.concepts);
        let atr_before = self.atr.value();
        let atr = self.atr.push(*bar);
        let atr_long = self.atr_long.push(*bar);
        for side in SIDES {
            let view = View::of(bar, side);
            let half = &mut self.halves[side as usize];
            if atr_before.is_some_and(|atr| self.displacement.push(view, atr)) {
                self.mss.displacement(at, side);
                let (level, far) = (bar.close(), bar.open());
                out(Event::new(at, at, Kind::Displacement, side, level, far));
            }
            if on.has(Concepts::GAPS) {
                half.gaps.push(at, view, atr, out);
            }
            if on.has(Concepts::IMBALANCES) {
                half.imbalances.push(at, view, atr, out);
            }
            if on.has(Concepts::BLOCKS) {
                half.blocks.push(at, view, out);
            }
            if on.has(Concepts::LIQUIDITY) {
                let mss = &mut self.mss;
                half.liquidity.push(at, view, &mut |event| {
                    if event.kind == Kind::Sweep {
                        mss.sweep(at, side);
                    }
                    out(event);
                });
            }
            if on.has(Concepts::TURTLE_SOUP) {
                half.turtle_soup.push(at, view, out);
            }
        }
        if on.has(Concepts::IMBALANCES) {
            self.balanced.push(at, bar, out);
        }
        self.judge_structure(at, bar, out);
        if on.has(Concepts::EQUALS) {
            self.equal.push(at, bar, atr_long, out);
        }
        let swung = self.confirm_swing(at, bar, out);
        for side in SIDES {
            // A search that starts at this bar has looked at it already.
            if swung != Some(side) {
                self.halves[side as usize].blocks.extend(at, View::of(bar, side));
            }
        }
        self.range.push(bar);
        self.clock.push(at, bar, None, out);
        self.bars += 1;
    }

    fn judge_structure(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        let Some(broken) = self.structure.push(bar.close()) else { return };
        let side = broken.side;
        let kind = if broken.change_of_character { Kind::Choch } else { Kind::Bos };
        let event = Event::new(at, broken.pos, kind, side, broken.level, bar.close()).of(Of::Swing);
        out(event);
        if broken.change_of_character && self.mss.push(at, side) {
            out(Event { kind: Kind::Mss, ..event });
        }
        self.halves[side as usize].blocks.broken(at, out);
    }

    /// Returns the side whose search for an order block starts at this bar.
    fn confirm_swing(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) -> Option<Side> {
        let swing = self.pivots.push(at, bar)?;
        swing.emit(at, out);
        let pivot = swing.new;
        self.structure.swing(&pivot);
        self.range.swing(&pivot);
        let side = pivot.kind.side();
        let atr = self.atr.value().unwrap_or(0.0);
        let low = View::price(pivot.level, side);
        self.halves[side as usize].liquidity.swing(at, pivot.pos, low, atr, out);
        // A swing high guards the buyers' block, a swing low the sellers'.
        let guarded = side.opposite();
        self.halves[guarded as usize].blocks.swing(pivot.pos, at, self.pivots.history());
        Some(guarded)
    }

    /// Bars read.
    pub const fn bars(&self) -> u32 {
        self.bars
    }

    /// Wilder ATR in price; none while warming up.
    #[inline]
    pub fn atr(&self) -> Option<f64> {
        self.atr.value()
    }

    /// Swings and trend.
    pub const fn structure(&self) -> &Structure {
        &self.structure
    }

    /// The last confirmed swing, which a stronger one may still supersede.
    pub const fn open_swing(&self) -> Option<crate::Pivot> {
        self.pivots.open()
    }

    /// The dealing range.
    pub const fn range(&self) -> &DealingRange {
        &self.range
    }

    /// Gaps that formed for `side`.
    pub const fn gaps(&self, side: Side) -> &FairValueGaps {
        &self.halves[side as usize].gaps
    }

    /// Inverse gaps that speak for `side`, as it sees them: gaps of the other side that were closed
    /// through.
    pub fn inverse_gaps(&self, side: Side) -> &Bounded<Zone> {
        self.halves[side.opposite() as usize].gaps.inverse()
    }

    /// Volume imbalances that speak for `side`.
    pub const fn imbalances(&self, side: Side) -> &VolumeImbalances {
        &self.halves[side as usize].imbalances
    }

    /// Balanced price ranges that speak for `side`, as it sees them.
    pub fn balanced_ranges(&self, side: Side) -> &Bounded<Zone> {
        self.balanced.zones(side)
    }

    /// Order blocks that speak for `side`.
    pub const fn blocks(&self, side: Side) -> &OrderBlocks {
        &self.halves[side as usize].blocks
    }

    /// Liquidity whose sweep speaks for `side`: below the market for buyers.
    pub const fn liquidity(&self, side: Side) -> &Liquidity {
        &self.halves[side as usize].liquidity
    }

    /// Sessions, periods and what else depends on the time of day.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The level of the last confirmed swing of this kind that no close has broken.
    pub const fn unbroken(&self, kind: PivotKind) -> Option<crate::Pivot> {
        match kind {
            PivotKind::High => self.structure.unbroken_high(),
            PivotKind::Low => self.structure.unbroken_low(),
        }
    }
}
