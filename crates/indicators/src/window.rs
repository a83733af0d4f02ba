//! The last n values of a series, in a ring made once.

use alloc::boxed::Box;
use alloc::vec;
use core::mem;
use serde::{Deserialize, Serialize};

/// A ring of the last `length` values: numbers, or a few numbers that belong together.
///
/// It begins filled with zeros, so that a running sum may subtract what falls out from the first
/// value on: zero is subtracted until the ring has gone round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window<T = f64> {
    cells: Box<[T]>,
    next: usize,
}

impl<T: Copy + Default> Window<T> {
    /// Room for `length` values, at least one. Allocates once.
    pub fn new(length: usize) -> Self {
        Self { cells: vec![T::default(); length.max(1)].into_boxed_slice(), next: 0 }
    }

    /// Puts `value` in and returns what falls out: the value `length` pushes ago, or zero.
    #[inline]
    pub fn push(&mut self, value: T) -> T {
        let oldest = mem::replace(&mut self.cells[self.next], value);
        self.next += 1;
        if self.next == self.cells.len() {
            self.next = 0;
        }
        oldest
    }

    /// What the next push will put out.
    #[inline]
    pub fn oldest(&self) -> T {
        self.cells[self.next]
    }

    /// All values from the oldest to the newest, in two parts: the older ones first.
    #[inline]
    pub fn parts(&self) -> (&[T], &[T]) {
        let (newer, older) = self.cells.split_at(self.next);
        (older, newer)
    }

    /// All values in the order of their places, not of their age.
    #[inline]
    pub fn cells(&self) -> &[T] {
        &self.cells
    }

    /// How many values it holds.
    #[inline]
    pub fn length(&self) -> usize {
        self.cells.len()
    }

    /// All zeros again.
    pub fn reset(&mut self) {
        self.cells.fill(T::default());
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put_in_a_length_ago() {
        let mut window = Window::new(2);
        let out = [1.0, 2.0, 3.0, 4.0].map(|value| window.push(value));
        assert_eq!(out, [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(window.oldest(), 3.0);
        window.push(5.0);
        assert_eq!(window.parts(), (&[4.0][..], &[5.0][..]));
    }
}
