//! Price levels of a book update, in a buffer that the caller keeps.

use aegis_types::{Px, Qty};
use alloc::vec::Vec;

/// Levels that one side of a book message is known to hold: the largest REST snapshot.
pub const LEVELS_MAX: usize = 1_000;

/// A price and the whole quantity there; zero quantity deletes the level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Price.
    pub px: Px,
    /// Quantity at that price.
    pub qty: Qty,
}

/// Bids and asks of the last depth message scanned. All memory is taken at construction; a side
/// that does not fit is an error of the scan, never a growth.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    bids: Vec<Level>,
    asks: Vec<Level>,
    capacity: usize,
}

impl Levels {
    /// Room for `capacity` levels a side.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bids: Vec::with_capacity(capacity), asks: Vec::with_capacity(capacity), capacity }
    }

    /// Bids in the order sent.
    pub fn bids(&self) -> &[Level] {
        &self.bids
    }

    /// Asks in the order sent.
    pub fn asks(&self) -> &[Level] {
        &self.asks
    }

    /// Levels a side that fit.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets the levels, keeps the memory.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Appends to one side; `false` when it is full.
    #[inline]
    pub(crate) fn push(&mut self, bid: bool, level: Level) -> bool {
        let side = if bid { &mut self.bids } else { &mut self.asks };
        if side.len() >= self.capacity {
            return false;
        }
        side.push(level);
        true
    }
}

impl Default for Levels {
    /// Room for [`LEVELS_MAX`] levels a side.
    fn default() -> Self {
        Self::with_capacity(LEVELS_MAX)
    }
}
