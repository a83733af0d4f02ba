//! High and low of the last bars, by bar index.

use aegis_types::Bar;
use alloc::boxed::Box;
use alloc::vec;

/// A ring of bars, each with two marks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    slots: Box<[(f64, f64, [bool; 2])]>,
}

impl History {
    /// Of the last `bars` bars.
    pub fn new(bars: u32) -> Self {
        let slots = bars.next_power_of_two() as usize;
        Self { slots: vec![(0.0, 0.0, [false; 2]); slots].into_boxed_slice() }
    }

    /// Keeps bar `at`.
    #[inline]
    pub fn put(&mut self, at: u32, bar: &Bar, marks: [bool; 2]) {
        let mask = self.slots.len() - 1;
        self.slots[at as usize & mask] = (bar.high(), bar.low(), marks);
    }

    /// High, low and marks of bar `at`, one of the last.
    #[inline]
    pub fn get(&self, at: u32) -> (f64, f64, [bool; 2]) {
        self.slots[at as usize & (self.slots.len() - 1)]
    }
}
