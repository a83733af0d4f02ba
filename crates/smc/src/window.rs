//! The extremes of the last bars, by bar index.

use crate::view::{Lows, View};
use aegis_types::Side;
use alloc::boxed::Box;
use alloc::vec;
use serde::{Deserialize, Serialize};

/// A ring of bars; one serves all that look back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    slots: Box<[Lows]>,
}

impl History {
    /// Of the last bar and `bars` before it.
    pub fn new(bars: u32) -> Self {
        let slots = (bars + 1).next_power_of_two() as usize;
        Self { slots: vec![[0.0; 2]; slots].into_boxed_slice() }
    }

    /// Keeps the lows of bar `at`.
    #[inline]
    pub fn put(&mut self, at: u32, lows: Lows) {
        let mask = self.slots.len() - 1;
        self.slots[at as usize & mask] = lows;
    }

    /// The lows of bar `at`, one of the last.
    #[inline]
    pub fn get(&self, at: u32) -> Lows {
        self.slots[at as usize & (self.slots.len() - 1)]
    }

    /// High and low of bar `at` as `side` sees it.
    pub fn range(&self, at: u32, side: Side) -> (f64, f64) {
        let lows = self.get(at);
        (-lows[side.opposite() as usize], lows[side as usize])
    }

    /// The bar with the least `price` of the `bars` up to `at`, the later on ties.
    pub fn lowest(&self, at: u32, bars: u32, price: impl Fn(u32) -> f64) -> u32 {
        let mut lowest = (price(at), at);
        for pos in (at + 1 - bars..at).rev() {
            let price = price(pos);
            if price < lowest.0 {
                lowest = (price, pos);
            }
        }
        lowest.1
    }

    /// The latest bar of those up to `at` whose low, as `side` sees it, is at `level` or below;
    /// there is one.
    pub fn latest(&self, at: u32, side: Side, level: f64) -> u32 {
        let mut pos = at;
        while pos > 0 && self.get(pos)[side as usize] > level {
            pos -= 1;
        }
        pos
    }
}

/// The lows of a bar as each side sees them.
#[inline]
pub(crate) const fn lows(views: &[View; 2]) -> Lows {
    [views[0].low, views[1].low]
}
