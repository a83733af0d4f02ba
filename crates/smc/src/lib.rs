//! Causal market structure (SMC/ICT): one push per closed bar, events that never change.
//!
//! Every event carries the bar at which it became knowable (`at`) beside the bar it is about
//! (`pos`), and nothing emitted is ever taken back: a swing that a stronger one replaces is told by
//! a new event. The common batch tools write their findings onto past bars instead, so a backtest
//! on their output trades on swings, blocks and pools that nobody could see at the time; 13 to 22 %
//! of what was visible live is missing from such a record. Here the events of a prefix of bars are
//! the prefix of the events, on any data, and a property test holds it so.
//!
//! ```text
//!            ┌ gaps, imbalances, liquidity, turtle soup ┐
//!            ├ tracker of swings   ┐ breaks, strength,  │
//! bar ──push─┤ tracker, internal   ┘ blocks, entries    ├─> Event{at, pos, kind, of, side, …}
//!            ├ LuxAlgo-style blocks, equal swings       │
//!            └ clock: sessions, periods, models         ┘
//! ```
//!
//! Each concept is one file of one shape: definition, parameters, state, `push`, tests. Concepts
//! that come in two mirrored kinds are written once, for the bullish kind, and run a second time on
//! the bar turned upside down ([`View`]), so that long and short cannot differ by a typing error.
//! Memory is allocated when a detector is made and then fixed: what lives is bounded by count and
//! by age, the oldest gives way and is counted.
#![no_std]

extern crate alloc;

mod age;
mod balanced_range;
mod bounded;
mod clock;
mod concepts;
mod dealing_range;
mod detector;
mod displacement;
mod equal;
mod event;
mod fvg;
mod launch;
mod least;
mod liquidity;
mod lux;
mod mss;
mod order_block;
mod ote;
mod pivot;
pub mod record;
mod retracement;
mod smt;
mod strength;
mod structure;
mod tracker;
mod turtle_soup;
mod view;
mod volume_imbalance;
mod waiting;
mod window;
mod zone;

pub use balanced_range::{BalancedRangeParams, BalancedRanges};
pub use bounded::Bounded;
pub use clock::{
    AsianRange, Civil, Clock, ClockParams, DailyBias, Level, MidnightOpen, NoWindow, OpeningGap,
    OpeningGapParams, OpeningGaps, Period, Periods, PowerOfThree, PowerOfThreeParams, Session,
    SessionCursor, SessionRun, SessionWindow, Sessions, Span, Stretch, TimeZone, kill_zone_at,
    sessions_at,
};
pub use concepts::Concepts;
pub use dealing_range::DealingRange;
pub use detector::{Detector, Params};
pub use displacement::{Displacement, DisplacementParams};
pub use equal::{EqualParams, EqualSwings};
pub use event::{Event, Kind, Of};
pub use fvg::{FairValueGaps, FvgParams};
pub use launch::Launch;
pub use liquidity::{Liquidity, LiquidityParams, Resting};
pub use lux::{LuxBlocks, LuxParams};
pub use mss::{Mss, MssParams};
pub use order_block::{OrderBlockParams, OrderBlocks};
pub use ote::{BrokenLeg, Ote, OteParams};
pub use pivot::{Pivot, PivotKind, PivotParams, Pivots, Swing};
pub use retracement::{Retracement, RetracementParams};
pub use smt::{Smt, SmtParams, Which};
pub use strength::Strength;
pub use structure::{Break, Structure};
pub use tracker::Tracker;
pub use turtle_soup::{TurtleSoup, TurtleSoupParams};
pub use view::View;
pub use volume_imbalance::{VolumeImbalanceParams, VolumeImbalances};
pub use zone::{Zone, ZoneState};
