//! Which concepts a detector runs.

use core::ops::BitOr;
use serde::{Deserialize, Serialize};

/// A set of concepts. One that is off costs a branch a bar and says nothing.
///
/// Swings, breaks of structure, displacement, market structure shifts and the ATR always run. A
/// market structure shift needs sweeps: without [`Concepts::LIQUIDITY`] there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concepts(u16);

impl Concepts {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Internal structure: a second tracker, of shorter swings.
    pub const INTERNAL: Self = Self(1);
    /// Strong and weak highs and lows.
    pub const STRENGTH: Self = Self(1 << 1);
    /// Fair value gaps and inverse gaps.
    pub const GAPS: Self = Self(1 << 2);
    /// Volume imbalances and balanced price ranges.
    pub const IMBALANCES: Self = Self(1 << 3);
    /// Order blocks, breakers, mitigation blocks.
    pub const BLOCKS: Self = Self(1 << 4);
    /// LuxAlgo-style order blocks.
    pub const LUX: Self = Self(1 << 5);
    /// Resting liquidity: pools, sweeps, runs.
    pub const LIQUIDITY: Self = Self(1 << 6);
    /// Equal highs and lows.
    pub const EQUALS: Self = Self(1 << 7);
    /// Turtle soup.
    pub const TURTLE_SOUP: Self = Self(1 << 8);
    /// Cheap half of the dealing range, optimal trade entry, retracements.
    pub const RANGE: Self = Self(1 << 9);
    /// Sessions and kill zones.
    pub const SESSIONS: Self = Self(1 << 10);
    /// Highs and lows of the previous day, week and month.
    pub const PERIODS: Self = Self(1 << 11);
    /// Asian range, Power of 3, Judas swing, midnight open, daily bias.
    pub const MODELS: Self = Self(1 << 12);
    /// Opening gaps of the New York day and week. A market that never closes has next to none.
    pub const OPENING_GAPS: Self = Self(1 << 13);
    /// All of them.
    pub const ALL: Self = Self((1 << 14) - 1);

    /// Are all of `concepts` in this set?
    #[inline]
    pub const fn has(self, concepts: Self) -> bool {
        self.0 & concepts.0 == concepts.0
    }

    /// This set and `concepts`.
    #[must_use]
    pub const fn with(self, concepts: Self) -> Self {
        Self(self.0 | concepts.0)
    }

    /// This set without `concepts`.
    #[must_use]
    pub const fn without(self, concepts: Self) -> Self {
        Self(self.0 & !concepts.0)
    }
}

impl Default for Concepts {
    /// All but opening gaps.
    fn default() -> Self {
        Self::ALL.without(Self::OPENING_GAPS)
    }
}

impl BitOr for Concepts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_all_but_opening_gaps() {
        let set = Concepts::default();
        assert!(set.has(Concepts::INTERNAL | Concepts::MODELS));
        assert!(!set.has(Concepts::OPENING_GAPS) && !set.has(Concepts::ALL));
        assert!(set.with(Concepts::OPENING_GAPS).has(Concepts::ALL));
        assert!(!Concepts::NONE.has(Concepts::GAPS) && Concepts::NONE.has(Concepts::NONE));
    }
}
