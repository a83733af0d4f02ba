//! Signals: what the teacher or the student proposes, with every reason and its weight.

use crate::fixed::{Px, Qty};
use crate::list::List;
use crate::side::Side;
use crate::symbol::SymbolId;
use crate::time::Nanos;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Who decides, and so which leverage cap holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// The rules.
    #[default]
    Teacher = 0,
    /// The learned model; reached on evidence only.
    Student = 1,
}

impl Level {
    /// `teacher` or `student`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Teacher => "teacher",
            Self::Student => "student",
        }
    }
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant,)* }

        impl $name {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code in logs, files and JSON.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// From its position in [`Self::ALL`].
            pub fn from_index(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.code()) }
        }
    };
}
pub(crate) use codes;

codes! {
    /// A named part of a confidence.
    Component {
        /// Where every confidence starts.
        Base = "base",
        /// Higher timeframes agree with the side: 1h structure, 1h EMA, daily bias.
        HigherTimeframe = "higher_timeframe",
        /// The structure of the setup's timeframes agrees with the side.
        Structure = "structure",
        /// Opposing liquidity was just taken: a swing, a pool, a previous day, the Asian range.
        LiquiditySweep = "liquidity_sweep",
        /// Structure just broke towards the side; a market structure shift counts in full.
        StructureShift = "structure_shift",
        /// A displacement candle in the side's direction.
        Displacement = "displacement",
        /// Price is in or near an open fair value gap of the side, or an inverse one.
        FairValueGap = "fair_value_gap",
        /// Price is in or near a live order block of the side, or a breaker.
        OrderBlock = "order_block",
        /// Long in the discount half of the dealing range, or short in the premium half.
        DealingRange = "dealing_range",
        /// Price is in the optimal trade entry of the last leg towards the side.
        OptimalEntry = "optimal_entry",
        /// Liquidity of the other side lies where the trade is paid.
        OpposingLiquidity = "opposing_liquidity",
        /// Momentum over ATR.
        Momentum = "momentum",
        /// RSI has room in the side's direction.
        Rsi = "rsi",
        /// Volume above its mean.
        Volume = "volume",
        /// A kill zone: an hour in which moves are made, by New York's clock.
        KillZone = "kill_zone",
    }
}

codes! {
    /// A market-structure pattern that a signal saw.
    Pattern {
        /// Break of structure.
        Bos = "bos",
        /// Change of character.
        Choch = "choch",
        /// Market structure shift: a change of character after a sweep, by displacement.
        Mss = "mss",
        /// Fair value gap.
        Fvg = "fvg",
        /// Order block.
        OrderBlock = "order_block",
        /// Liquidity sweep.
        Sweep = "sweep",
        /// Displacement candle.
        Displacement = "displacement",
        /// Inverse fair value gap.
        InverseFvg = "inverse_fvg",
        /// Breaker or mitigation block: an order block that was broken and changed sides.
        Breaker = "breaker",
        /// Turtle soup: a failed break of an old extreme.
        TurtleSoup = "turtle_soup",
        /// Judas swing: the Asian range taken soon after an open, and closed back into.
        JudasSwing = "judas_swing",
        /// A previous day's, week's or month's extreme taken and closed back from.
        PeriodSweep = "period_sweep",
    }
}

/// A set of [`Pattern`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Patterns(pub u32);

impl Patterns {
    /// With one more pattern.
    #[must_use]
    pub const fn with(self, pattern: Pattern) -> Self {
        Self(self.0 | 1 << pattern as u8)
    }

    /// Holds this pattern?
    pub const fn has(self, pattern: Pattern) -> bool {
        self.0 & (1 << pattern as u8) != 0
    }

    /// The patterns held, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Pattern> {
        Pattern::ALL.iter().copied().filter(move |p| self.has(*p))
    }
}

impl Serialize for Patterns {
    /// The patterns by name where people read, the set as a number elsewhere.
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_seq(self.iter()) } else { s.serialize_u32(self.0) }
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if !d.is_human_readable() {
            return u32::deserialize(d).map(Self);
        }
        let patterns = alloc::vec::Vec::<Pattern>::deserialize(d)?;
        Ok(patterns.into_iter().fold(Self::default(), Self::with))
    }
}

/// One component's contribution to a confidence; contributions add up to the confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Which component.
    pub component: Component,
    /// What it adds (or takes), in units of confidence.
    pub adds: f64,
}

impl Default for Reason {
    fn default() -> Self {
        Self { component: Component::Base, adds: 0.0 }
    }
}

/// Most components of one confidence.
pub const REASONS_MAX: usize = 16;

/// How many features describe an entry; names in `aegis_learn::features`.
pub const FEATURES: usize = 12;

/// A proposal to enter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// When it was formed: the close time of the candle that completed it.
    pub at: Nanos,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Direction, decided apart from the confidence.
    pub side: Side,
    /// Who proposes.
    pub level: Level,
    /// 0..=1; the sum of `reasons`.
    pub confidence: f64,
    /// What was seen.
    pub patterns: Patterns,
    /// Components of the confidence; they add up to it.
    pub reasons: List<Reason, REASONS_MAX>,
    /// Last price when formed.
    pub reference: Px,
    /// Where the protective stop belongs.
    pub stop: Px,
    /// Where the target belongs.
    pub target: Px,
    /// Size suggested before risk, zero when the proposer leaves it to risk.
    pub qty_suggested: Qty,
    /// Features at the time, in the order of `aegis_learn::features::NAMES`.
    pub features: [f64; FEATURES],
}
