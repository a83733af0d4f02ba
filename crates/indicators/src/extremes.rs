//! Highest high and lowest low of the last n bars, and how long ago they were.
//!
//! The series is cut into blocks of n. A window is the tail of one block and the head of the next:
//! the head's extreme runs along, the tails' extremes are computed once when a block ends (van
//! Herk 1992; Gil and Werman 1993). Three comparisons per bar whatever n is and whatever the data
//! are, with none that a processor would have to guess.

use alloc::boxed::Box;
use alloc::vec;
use serde::{Deserialize, Serialize};

/// Highest and lowest of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The highest high.
    pub high: f64,
    /// The lowest low.
    pub low: f64,
}

impl Range {
    /// Half-way between them.
    #[inline]
    pub fn middle(self) -> f64 {
        (self.high + self.low) / 2.0
    }
}

/// High and negated low, so that both grow and one instruction compares both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Reach([f64; 2]);

impl Reach {
    const NONE: Self = Self([f64::NEG_INFINITY; 2]);

    #[inline]
    fn with(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        let larger = |n: usize| if b[n] > a[n] { b[n] } else { a[n] };
        Self([larger(0), larger(1)])
    }
}

/// Sliding highest high and lowest low; the bar just pushed counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    /// Places before `at`: bars of the block that is filling. From `at` on: extremes of the block
    /// before, each from its place to that block's end. The last place stays empty.
    places: Box<[Reach]>,
    at: usize,
    head: Reach,
    warm: bool,
}

impl Extremes {
    /// Over `length` bars, at least one. Allocates once.
    pub fn new(length: usize) -> Self {
        let places = vec![Reach::NONE; length.max(1) + 1].into_boxed_slice();
        Self { places, at: 0, head: Reach::NONE, warm: false }
    }

    /// Reads one bar; a range from the `length`-th bar on.
    #[inline]
    pub fn push(&mut self, high: f64, low: f64) -> Option<Range> {
        let bar = Reach([high, -low]);
        self.head = self.head.with(bar);
        let at = self.at;
        let [place, rest] = self.places.get_mut(at..at + 2)? else { return None };
        *place = bar;
        let Reach([high, low]) = rest.with(self.head);
        self.at += 1;
        if self.at + 1 == self.places.len() {
            turn(&mut self.places);
            (self.at, self.head, self.warm) = (0, Reach::NONE, true);
        }
        self.warm.then_some(Range { high, low: -low })
    }

    /// As new.
    pub fn reset(&mut self) {
        self.places.fill(Reach::NONE);
        self.at = 0;
        self.head = Reach::NONE;
        self.warm = false;
    }
}

/// Turns a block of bars into the extremes from each place to its end.
///
/// It is handed the places alone, so that what changes every bar may stay in registers.
#[inline(never)]
fn turn(places: &mut [Reach]) {
    let mut tail = Reach::NONE;
    for place in places.iter_mut().rev() {
        tail = place.with(tail);
        *place = tail;
    }
}

/// How many bars ago a window's highest high and lowest low were; 0 is the bar just pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Bars since the highest high.
    pub high: usize,
    /// Bars since the lowest low.
    pub low: usize,
}

/// Extremes and the numbers of the bars they stand on, whole floats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Placed {
    high: f64,
    high_at: f64,
    low: f64,
    low_at: f64,
}

impl Placed {
    const NONE: Self =
        Self { high: f64::NEG_INFINITY, high_at: 0.0, low: f64::INFINITY, low_at: 0.0 };

    /// Of equals the later bar counts.
    #[inline]
    fn with_later(self, later: Self) -> Self {
        // One or nothing: a step of arithmetic where a choice might become a branch.
        let above = f64::from(u8::from(later.high >= self.high));
        let below = f64::from(u8::from(later.low <= self.low));
        Self {
            high: if later.high > self.high { later.high } else { self.high },
            high_at: self.high_at + above * (later.high_at - self.high_at),
            low: if later.low < self.low { later.low } else { self.low },
            low_at: self.low_at + below * (later.low_at - self.low_at),
        }
    }
}

/// Sliding ages of the extremes; of equal ones the latest counts. The bar just pushed counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtremeAges {
    /// As in [`Extremes`].
    places: Box<[Placed]>,
    at: usize,
    /// Number of the bar that comes next.
    bar_at: f64,
    head: Placed,
    warm: bool,
}

impl ExtremeAges {
    /// Over `length` bars, at least one. Allocates once.
    pub fn new(length: usize) -> Self {
        let places = vec![Placed::NONE; length.max(1) + 1].into_boxed_slice();
        Self { places, at: 0, bar_at: 0.0, head: Placed::NONE, warm: false }
    }

    /// Reads one bar; ages from the `length`-th bar on.
    #[inline]
    pub fn push(&mut self, high: f64, low: f64) -> Option<Ages> {
        let (at, bar_at) = (self.at, self.bar_at);
        let bar = Placed { high, high_at: bar_at, low, low_at: bar_at };
        self.head = self.head.with_later(bar);
        let length = self.places.len() - 1;
        let [place, rest] = self.places.get_mut(at..at + 2)? else { return None };
        *place = bar;
        let extremes = rest.with_later(self.head);
        self.at += 1;
        self.bar_at += 1.0;
        if self.at == length {
            turn_placed(&mut self.places[..length]);
            (self.at, self.head, self.warm) = (0, Placed::NONE, true);
        }
        // Whole and not below zero.
        let age = |extreme_at: f64| (bar_at - extreme_at) as u32 as usize;
        self.warm.then(|| Ages { high: age(extremes.high_at), low: age(extremes.low_at) })
    }

    /// As new.
    pub fn reset(&mut self) {
        self.places.fill(Placed::NONE);
        (self.at, self.bar_at) = (0, 0.0);
        self.head = Placed::NONE;
        self.warm = false;
    }
}

/// As [`turn`], with the places the extremes stand on.
#[inline(never)]
fn turn_placed(places: &mut [Placed]) {
    let mut tail = Placed::NONE;
    for place in places.iter_mut().rev() {
        tail = place.with_later(tail);
        *place = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A walk on a coarse grid: ties, rises and falls.
    fn walk(n: u64) -> Vec<f64> {
        let (mut seed, mut value) = (7u64, 0.0);
        let step = |_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            value += f64::from((seed >> 33) as u32 % 3) - 1.0;
            value
        };
        (0..n).map(step).collect()
    }

    #[test]
    fn equal_a_search_of_each_window() {
        let values = walk(200);
        for length in [1, 2, 3, 7, 40, 199, 200] {
            let (mut extremes, mut ages) = (Extremes::new(length), ExtremeAges::new(length));
            for (n, value) in values.iter().enumerate() {
                let (range, age) = (extremes.push(*value, -value), ages.push(*value, *value));
                if n + 1 < length {
                    assert_eq!((range, age), (None, None));
                    continue;
                }
                let window = &values[n + 1 - length..=n];
                let (mut high, mut low) = (0, 0);
                for (at, value) in window.iter().enumerate() {
                    high = if *value >= window[high] { at } else { high };
                    low = if *value <= window[low] { at } else { low };
                }
                let most = window[high];
                assert_eq!(range, Some(Range { high: most, low: -most }), "length {length}");
                let last = length - 1;
                assert_eq!(age, Some(Ages { high: last - high, low: last - low }));
            }
            extremes.reset();
            ages.reset();
            assert_eq!(extremes, Extremes::new(length));
            assert_eq!(ages, ExtremeAges::new(length));
        }
    }
}
