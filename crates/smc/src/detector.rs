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
use crate::lux::{LuxBlocks, LuxParams};
use crate::mss::{Mss, MssParams};
use crate::order_block::{OrderBlockParams, OrderBlocks};
use crate::ote::OteParams;
use crate::pivot::{PivotParams, Swing};
use crate::retracement::RetracementParams;
use crate::structure::Structure;
use crate::tracker::{Context, Tracker};
use crate::turtle_soup::{OldLows, TurtleSoup, TurtleSoupParams};
use crate::view::View;
use crate::volume_imbalance::{VolumeImbalanceParams, VolumeImbalances};
use crate::window::{History, lows};
use crate::zone::Zone;
use aegis_indicators::{Atr, Indicator};
use aegis_types::{Bar, Side};
use alloc::boxed::Box;
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Parameters of all concepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    /// Which concepts run.
    pub concepts: Concepts,
    /// Wilder period of the ATR that thresholds are measured in.
    pub atr_period: NonZeroU32,
    /// Wilder period of the long ATR, by which equal highs and lows are equal and bars volatile.
    pub atr_long_period: NonZeroU32,
    /// Swings of the swing tracker.
    pub pivot: PivotParams,
    /// Swings of the internal tracker.
    pub internal: PivotParams,
    /// Displacement candles.
    pub displacement: DisplacementParams,
    /// Fair value gaps.
    pub fvg: FvgParams,
    /// Volume imbalances.
    pub volume_imbalance: VolumeImbalanceParams,
    /// Balanced price ranges.
    pub balanced_range: BalancedRangeParams,
    /// Order blocks of both trackers.
    pub order_block: OrderBlockParams,
    /// LuxAlgo-style order blocks.
    pub lux: LuxParams,
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
    /// Optimal trade entry.
    pub ote: OteParams,
    /// Retracements.
    pub retracement: RetracementParams,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            concepts: Concepts::default(),
            atr_period: NonZeroU32::MIN.saturating_add(13),
            atr_long_period: NonZeroU32::MIN.saturating_add(199),
            pivot: PivotParams::default(),
            internal: PivotParams { length: 5, ..PivotParams::default() },
            displacement: DisplacementParams::default(),
            fvg: FvgParams::default(),
            volume_imbalance: VolumeImbalanceParams::default(),
            balanced_range: BalancedRangeParams::default(),
            order_block: OrderBlockParams::default(),
            lux: LuxParams::default(),
            liquidity: LiquidityParams::default(),
            equal: EqualParams::default(),
            turtle_soup: TurtleSoupParams::default(),
            mss: MssParams::default(),
            clock: ClockParams::default(),
            ote: OteParams::default(),
            retracement: RetracementParams::default(),
        }
    }
}

/// What belongs to one side and to no tracker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Half {
    gaps: FairValueGaps,
    imbalances: VolumeImbalances,
    liquidity: Liquidity,
    turtle_soup: TurtleSoup,
}

/// Reads the bars of one timeframe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    concepts: Concepts,
    bars: u32,
    atr: Atr,
    atr_long: Atr,
    /// Volume of the last bar and of the one before it.
    volumes: [f64; 2],
    displacement: Displacement,
    mss: Mss,
    clock: Clock,
    /// Trend of a higher timeframe, as far as the caller tells it.
    higher: Option<Side>,
    balanced: BalancedRanges,
    equal: EqualSwings,
    old_lows: OldLows,
    history: History,
    halves: [Half; 2],
    swing: Tracker,
    range: DealingRange,
    internal: Option<Box<Tracker>>,
    lux: Option<Box<LuxBlocks>>,
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Detector {
    /// Nothing seen.
    pub fn new(params: &Params) -> Self {
        let half = |side| Half {
            gaps: FairValueGaps::new(side, params.fvg),
            imbalances: VolumeImbalances::new(side, params.volume_imbalance),
            liquidity: Liquidity::new(side, params.liquidity),
            turtle_soup: TurtleSoup::new(side, params.turtle_soup),
        };
        let on = params.concepts;
        let internal = || Box::new(Tracker::new(Of::Internal, params.internal, params));
        let mut all = Self {
            concepts: on,
            bars: 0,
            atr: Atr::new(params.atr_period),
            atr_long: Atr::new(params.atr_long_period),
            volumes: [0.0; 2],
            displacement: Displacement::new(params.displacement),
            mss: Mss::new(params.mss),
            clock: Clock::new(params.clock, params.concepts),
            higher: None,
            balanced: BalancedRanges::new(params.balanced_range),
            equal: EqualSwings::new(params.equal),
            old_lows: OldLows::new(&params.turtle_soup),
            history: History::new(0),
            halves: SIDES.map(half),
            swing: Tracker::new(Of::Swing, params.pivot, params),
            range: DealingRange::new(),
            internal: on.has(Concepts::INTERNAL).then(internal),
            lux: on.has(Concepts::LUX).then(|| Box::new(LuxBlocks::new(params.lux))),
        };
        all.history = History::new(all.bars_back(params));
        all
    }

    /// Bars before the last that anything that runs looks at.
    fn bars_back(&self, params: &Params) -> u32 {
        let on = self.concepts;
        let turtle_soup = on.has(Concepts::TURTLE_SOUP).then(|| params.turtle_soup.bars_back());
        let equal = on.has(Concepts::EQUALS).then(|| self.equal.bars_back());
        let internal = self.internal.as_ref().map(|tracker| tracker.bars_back());
        let lux = self.lux.as_ref().map(|lux| lux.bars_back());
        let others = [turtle_soup, equal, internal, lux].into_iter().flatten();
        others.fold(self.swing.bars_back(), u32::max)
    }

    /// Reads one closed bar; tells every event that its close makes knowable.
    ///
    /// The order within a bar: what it does to what is of no tracker (gaps, liquidity), then each
    /// tracker: what the bar does to what was known, what it breaks, what it confirms.
    pub fn push(&mut self, bar: &Bar, out: &mut impl FnMut(Event)) {
        let at = self.bars;
        let views = SIDES.map(|side| View::of(bar, side));
        let [last, before] = self.volumes;
        let volume = bar.volume() + last + before;
        self.volumes = [bar.volume(), last];
        let atr_before = self.atr.value();
        self.atr.push(*bar);
        let atr_long = self.atr_long.push(*bar);
        let on = self.concepts;
        self.history.put(at, lows(&views));
        for side in SIDES {
            self.push_side(at, side, bar, views[side as usize], atr_before, out);
        }
        if on.has(Concepts::IMBALANCES) {
            self.balanced.push(at, bar, out);
        }
        if on.has(Concepts::EQUALS) {
            self.equal.push(at, &self.history, atr_long, out);
        }
        if on.has(Concepts::TURTLE_SOUP) {
            self.old_lows.push(lows(&views));
        }
        let (mss, history) = (&self.mss, &self.history);
        let context = Context { at, views: &views, volume, on, mss, history };
        let swing = self.swing.push(bar, &context, out);
        if let Some(internal) = &mut self.internal {
            internal.push(bar, &context, out);
        }
        if let Some(lux) = &mut self.lux {
            lux.push(bar, &context, atr_long, out);
        }
        if let Some(Swing { new: pivot, .. }) = swing {
            self.range.swing(&pivot);
            if on.has(Concepts::LIQUIDITY) {
                let side = pivot.kind.side();
                let low = View::price(pivot.level, side);
                let atr = self.atr.value().unwrap_or(0.0);
                self.halves[side as usize].liquidity.swing(at, pivot.pos, low, atr, out);
            }
        }
        self.range.push(bar);
        if on.has(Concepts::RANGE) {
            self.range.judge(at, bar.close(), out);
        }
        self.clock.push(at, bar, self.higher, out);
        self.bars += 1;
    }

    /// What the bar does for one side to what is of no tracker.
    #[inline]
    fn push_side(
        &mut self,
        at: u32,
        side: Side,
        bar: &Bar,
        view: View,
        atr_before: Option<f64>,
        out: &mut impl FnMut(Event),
    ) {
        let on = self.concepts;
        let atr = self.atr.value();
        let half = &mut self.halves[side as usize];
        if let Some(atr) = atr_before
            && self.displacement.push(view, atr)
        {
            self.mss.displacement(at, side);
            let (level, far) = (bar.close(), bar.open());
            let body = in_atr(view.close - view.open, atr);
            out(Event::new(at, at, Kind::Displacement, side, level, far).amount(body));
        }
        if on.has(Concepts::GAPS) {
            half.gaps.push(at, view, atr, out);
        }
        if on.has(Concepts::IMBALANCES) {
            half.imbalances.push(at, view, atr, out);
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
            let level = self.old_lows.lows[side as usize];
            half.turtle_soup.push(at, view, level, &self.history, out);
        }
    }

    /// Which concepts run.
    pub const fn concepts(&self) -> Concepts {
        self.concepts
    }

    /// Tells the trend of a higher timeframe before the next bar: against it there is no daily
    /// bias. A detector that is never told reads its own timeframe alone.
    #[inline]
    pub fn set_higher_trend(&mut self, trend: Option<Side>) {
        self.higher = trend;
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

    /// The swing tracker: swings, trend, strength, blocks, optimal trade entry, retracement.
    pub const fn swing(&self) -> &Tracker {
        &self.swing
    }

    /// The internal tracker, where it runs.
    pub fn internal(&self) -> Option<&Tracker> {
        self.internal.as_deref()
    }

    /// Trend and unbroken swings of the swing tracker.
    pub const fn structure(&self) -> &Structure {
        self.swing.structure()
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

    /// Order blocks of the swing tracker that speak for `side`.
    pub const fn blocks(&self, side: Side) -> &OrderBlocks {
        self.swing.blocks(side)
    }

    /// LuxAlgo-style order blocks that speak for `side`, as it sees them.
    pub fn lux_blocks(&self, side: Side) -> &[Zone] {
        self.lux.as_ref().map_or(&[], |lux| lux.zones(side))
    }

    /// Liquidity whose sweep speaks for `side`: below the market for buyers.
    pub const fn liquidity(&self, side: Side) -> &Liquidity {
        &self.halves[side as usize].liquidity
    }

    /// Sessions, periods and what else depends on the time of day.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// `length` in ATR; 0 where the ATR is nothing.
pub(crate) fn in_atr(length: f64, atr: f64) -> f64 {
    if atr > 0.0 { length / atr } else { 0.0 }
}
