//! What the detectors say.

use aegis_types::Side;

/// One finding, final when emitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Index of the bar at whose close this became knowable; the first bar pushed is 0.
    pub at: u32,
    /// Index of the bar that it is about, at most `at`.
    pub pos: u32,
    /// What it is.
    pub kind: Kind,
    /// The side it speaks for: a swing low, a swept low, a bullish gap speak for `Buy`.
    pub side: Side,
    /// The price it is about; see [`Kind`].
    pub level: f64,
    /// The second price; see [`Kind`].
    pub far: f64,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// Kinds of events, each with the meaning of `level` and `far`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

kinds! {
    /// A swing point is confirmed; both prices are its level.
    Pivot = "pivot",
    /// A stronger swing of the same kind is confirmed: `pos` and `level` of the old, `far` the new.
    PivotSuperseded = "pivot_superseded",
    /// An opposite swing is confirmed: this one can no longer be superseded.
    PivotFinal = "pivot_final",
    /// Close beyond the last swing, with the trend: its level, the close.
    Bos = "bos",
    /// Close beyond the last swing, against the trend: its level, the close.
    Choch = "choch",
    /// A change of character after a sweep, by displacement: the level, the close.
    Mss = "mss",
    /// A fair value gap: the edge that price meets first, the other edge.
    FvgFormed = "fvg_formed",
    /// A gap and the next one of its side became one (`pos` of the later): its new edges.
    FvgJoined = "fvg_joined",
    /// First touch of a gap's near edge: its edges.
    FvgTouched = "fvg_touched",
    /// A gap's far edge was reached: its edges.
    FvgFilled = "fvg_filled",
    /// Close beyond a gap's far edge: its edges. It speaks against its side from here.
    FvgInverted = "fvg_inverted",
    /// An order block: the edge that price meets first, the other edge.
    OrderBlockFormed = "order_block_formed",
    /// First touch of a block's near edge: its edges.
    OrderBlockMitigated = "order_block_mitigated",
    /// A block's far edge was broken: its edges.
    OrderBlockInvalidated = "order_block_invalidated",
    /// Two swings at one price: mean level of the pool, outermost member.
    PoolFormed = "pool_formed",
    /// One more swing at that price: mean level of the pool, outermost member.
    PoolExtended = "pool_extended",
    /// Resting liquidity was traded through and price closed back: outermost member, the extreme.
    Sweep = "sweep",
    /// Resting liquidity was traded through and price stayed there: outermost member, the extreme.
    Run = "run",
    /// A displacement candle: its close, its open.
    Displacement = "displacement",
}
