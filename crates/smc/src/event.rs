//! What the detectors say.

use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// One finding, final when emitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Index of the bar at whose close this became knowable; the first bar pushed is 0.
    pub at: u32,
    /// Index of the bar that it is about, at most `at`.
    pub pos: u32,
    /// What it is.
    pub kind: Kind,
    /// Of what: which tracker, session or period.
    pub of: Of,
    /// The side it speaks for: a swing low, a swept low, a bullish gap speak for `Buy`. None where
    /// both sides read it alike (a session opens).
    pub side: Option<Side>,
    /// The price it is about; see [`Kind`]. Without a side: the upper of two prices.
    pub level: f64,
    /// The second price; see [`Kind`]. Without a side: the lower of two prices.
    pub far: f64,
    /// A number that goes with it, 0 where [`Kind`] names none.
    pub amount: f64,
}

const _: () = assert!(size_of::<Event>() <= 40);

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

codes! {
    /// Of what an event is: which tracker, session or period.
    #[derive(Default)]
    Of {
        /// Nothing further to tell.
        #[default]
        Market = "market",
        /// The swing tracker and what is built on it.
        Swing = "swing",
        /// The internal tracker, of shorter swings, and what is built on it.
        Internal = "internal",
        /// The LuxAlgo-style order blocks.
        Lux = "lux",
        /// A run of equal highs or lows.
        Pool = "pool",
        /// The day of the period levels (UTC), or of an opening gap (New York).
        Day = "day",
        /// The week.
        Week = "week",
        /// The month.
        Month = "month",
        /// Sydney session.
        Sydney = "sydney",
        /// Tokyo session.
        Tokyo = "tokyo",
        /// London session.
        London = "london",
        /// New York session.
        NewYork = "new_york",
        /// Asian kill zone, whose range the London open tends to raid.
        Asia = "asian_kill_zone",
        /// London open kill zone.
        LondonOpen = "london_open_kill_zone",
        /// New York morning kill zone.
        NewYorkOpen = "new_york_kill_zone",
        /// London close kill zone.
        LondonClose = "london_close_kill_zone",
    }
}

codes! {
    /// Kinds of events, each with the meaning of `level`, `far` and `amount`.
    Kind {
        /// A swing point is confirmed; both prices are its level.
        Pivot = "Pivot",
        /// A stronger swing of the same kind is confirmed: `pos` and `level` of the old, `far` the
        /// new.
        PivotSuperseded = "PivotSuperseded",
        /// An opposite swing is confirmed: this one can no longer be superseded.
        PivotFinal = "PivotFinal",
        /// A swing became strong: structure broke away from it, so it should hold. Its level.
        Strong = "Strong",
        /// A swing became weak: it failed to break structure, so it should be taken. Its level.
        Weak = "Weak",
        /// Close beyond the last swing, with the trend: its level, the close.
        Bos = "Bos",
        /// Close beyond the last swing, against the trend: its level, the close.
        Choch = "Choch",
        /// A change of character after a sweep, by displacement: the level, the close.
        Mss = "Mss",
        /// A displacement candle: its close, its open; amount: body in ATR.
        Displacement = "Displacement",
        /// A fair value gap: the edge that price meets first, the other edge; amount: size in ATR.
        FvgFormed = "FvgFormed",
        /// A gap and the next one of its side became one (`pos` of the later): its new edges;
        /// amount: size of the later in ATR.
        FvgJoined = "FvgJoined",
        /// First touch of a gap's near edge: its edges.
        FvgTouched = "FvgTouched",
        /// A gap's middle (consequent encroachment) was reached: the middle, the far edge.
        FvgHalved = "FvgHalved",
        /// A gap's far edge was reached: its edges.
        FvgFilled = "FvgFilled",
        /// Close beyond a gap's far edge: from here an inverse gap, `side` the new side, its edges
        /// as that side meets them.
        FvgInverted = "FvgInverted",
        /// First touch of an inverse gap's near edge: its edges.
        FvgRetested = "FvgRetested",
        /// Close beyond an inverse gap's far edge: it is gone. Its edges.
        FvgReclaimed = "FvgReclaimed",
        /// Two bodies do not overlap but their wicks do: near edge, far edge.
        VolumeImbalance = "VolumeImbalance",
        /// A volume imbalance was traded through to its far edge: its edges.
        VolumeImbalanceFilled = "VolumeImbalanceFilled",
        /// Overlap of a bullish and a bearish gap; `side` of the later one: near edge, far edge.
        BalancedRange = "BalancedRange",
        /// Close beyond a balanced price range's far edge: its edges.
        BalancedRangeInvalidated = "BalancedRangeInvalidated",
        /// An order block: the edge that price meets first, the other edge; amount: volume.
        ObFormed = "ObFormed",
        /// First touch of a block's near edge: its edges. Of a LuxAlgo-style block: its far edge
        /// was traded through, and it is gone.
        ObMitigated = "ObMitigated",
        /// A block was broken whose swing had taken liquidity: from here a breaker of `side`, the
        /// new side; its edges as that side meets them.
        ObBreaker = "ObBreaker",
        /// A block was broken whose swing had failed to take liquidity: from here a mitigation
        /// block of `side`, the new side; its edges as that side meets them.
        ObMitigation = "ObMitigation",
        /// First touch of a breaker's or mitigation block's near edge: its edges.
        ObRetested = "ObRetested",
        /// Close beyond a breaker's or mitigation block's far edge: it is gone. Its edges.
        ObInvalidated = "ObInvalidated",
        /// Two swings at one price: mean level of the pool, outermost member; amount: members.
        PoolFormed = "PoolFormed",
        /// One more swing at that price: mean level of the pool, outermost member; amount: members.
        PoolExtended = "PoolExtended",
        /// A pool was traded through: outermost member, the bar's extreme; amount: members.
        PoolSwept = "PoolSwept",
        /// Resting liquidity was traded through and price closed back: its level, the extreme;
        /// amount: wick over body of the bar (at most 1000).
        Sweep = "Sweep",
        /// Resting liquidity was traded through and price stayed there: its level, the extreme.
        Run = "Run",
        /// Two neighbouring short swings of one kind at one price: the later, the earlier.
        Equal = "Equal",
        /// A failed break of an old extreme: that extreme, how far price went beyond it.
        TurtleSoup = "TurtleSoup",
        /// The close entered the half of the dealing range that is cheap for `side` (discount for
        /// `Buy`, premium for `Sell`): equilibrium, the close.
        CheapHalf = "CheapHalf",
        /// Price came into the optimal trade entry of the last leg: the ideal price, the edge
        /// behind it.
        OteEntered = "OteEntered",
        /// A pullback reached a share of its leg for the first time: the price, the leg's end;
        /// amount: the share in percent.
        Retraced = "Retraced",
        /// A session opened: the first bar's high and low.
        SessionOpened = "SessionOpened",
        /// A session closed: its high and low.
        SessionClosed = "SessionClosed",
        /// A kill zone opened: the first bar's high and low.
        KillZoneOpened = "KillZoneOpened",
        /// A kill zone closed: its high and low.
        KillZoneClosed = "KillZoneClosed",
        /// The extreme of a period that just ended (`Sell` for its high, `Buy` for its low): the
        /// level, the same.
        PeriodLevel = "PeriodLevel",
        /// A previous period's extreme was traded through: the level, the bar's extreme.
        PeriodLevelBroken = "PeriodLevelBroken",
        /// The Asian range was complete when its kill zone closed: its high and low.
        Accumulation = "Accumulation",
        /// One side of the Asian range was taken in London: the level, the extreme. `side` is the
        /// one that it speaks for: the low taken speaks for `Buy`.
        Manipulation = "Manipulation",
        /// After that a close beyond the other side of the range: the level, the close.
        Distribution = "Distribution",
        /// Soon after an open the Asian range was taken and closed back into: the level, the
        /// extreme.
        JudasSwing = "JudasSwing",
        /// The first price of the New York day: that price, twice.
        MidnightOpen = "MidnightOpen",
        /// The bias for the day changed: to `side`, or to none. The last close, twice.
        DailyBias = "DailyBias",
        /// The market opened away from its last close: the upper and the lower price.
        OpeningGap = "OpeningGap",
        /// An opening gap was traded through to its far side: the upper and the lower price.
        OpeningGapFilled = "OpeningGapFilled",
        /// At paired swings one symbol made a new extreme and the other did not: this symbol's
        /// swing, the swing before it; amount: correlation.
        Smt = "Smt",
    }
}

impl Event {
    /// A finding with no further number.
    #[inline]
    pub const fn new(at: u32, pos: u32, kind: Kind, side: Side, level: f64, far: f64) -> Self {
        Self { at, pos, kind, of: Of::Market, side: Some(side), level, far, amount: 0.0 }
    }

    /// The same, of something.
    #[inline]
    pub const fn of(self, of: Of) -> Self {
        Self { of, ..self }
    }

    /// The same, with a number.
    #[inline]
    pub const fn amount(self, amount: f64) -> Self {
        Self { amount, ..self }
    }

    /// The same, for both sides: `level` the upper price, `far` the lower.
    #[inline]
    pub const fn both(self) -> Self {
        Self { side: None, ..self }
    }
}
