//! Highest high and lowest low of the last n bars, and how long ago they were.
//!
//! The series is cut into blocks of n. A window is the tail of one block and the head of the next:
//! the head's extreme runs along, the tails' extremes are computed once when a block ends (van
//! Herk 1992; Gil and Werman 1993). Three comparisons per bar whatever n is and whatever the data
//! are, with none that a processor would have to guess.

use alloc::boxed::Box;
use alloc::vec;

/// Highest and lowest of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The highest high.
    pub high: f64,
    /// The lowest low.
    pub low: f64,
}

impl Range {
    const NONE: Self = Self { high: f64::NEG_INFINITY, low: f64::INFINITY };

    #[inline]
    fn with(self, other: Self) -> Self {
        Self {
            high: if other.high > self.high { other.high } else { self.high },
            low: if other.low < self.low { other.low } else { self.low },
        }
    }

    /// Half-way between them.
    #[inline]
    pub fn middle(self) -> f64 {
        (self.high + self.low) / 2.0
    }
}

/// Sliding highest high and lowest low; the bar just pushed counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremes {
    /// Places before `at`: bars of the block that is filling. From `at` on: extremes of the block
    /// before, each from its place to that block's end. The last place stays empty.
    places: Box<[Range]>,
    at: usize,
    head: Range,
    warm: bool,
}

impl Extremes {
    /// Over `length` bars, at least one. Allocates once.
    pub fn new(length: usize) -> Self {
        let places = vec![Range::NONE; length.max(1) + 1].into_boxed_slice();
        Self { places, at: 0, head: Range::NONE, warm: false }
    }

    /// Reads one bar; a range from the `length`-th bar on.
    #[inline]
    pub fn push(&mut self, high: f64, low: f64) -> Option<Range> {
        let bar = Range { high, low };
        self.head = self.head.with(bar);
        let at = self.at;
        let [place, rest] = self.places.get_mut(at..at + 2)? else { return None };
        *place = bar;
        let range = rest.with(self.head);
        self.at += 1;
        if self.at + 1 == self.places.len() {
            self.end_block();
        }
        self.warm.then_some(range)
    }

    #[inline(never)]
    fn end_block(&mut self) {
        let mut tail = Range::NONE;
        for place in self.places.iter_mut().rev() {
            tail = place.with(tail);
            *place = tail;
        }
        self.at = 0;
        self.head = Range::NONE;
        self.warm = true;
    }

    /// As new.
    pub fn reset(&mut self) {
        self.places.fill(Range::NONE);
        self.at = 0;
        self.head = Range::NONE;
        self.warm = false;
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

/// A value and the bar it stands on, counted from the start of the block it is read in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Placed {
    high: f64,
    high_at: usize,
    low: f64,
    low_at: usize,
}

impl Placed {
    const NONE: Self = Self { high: f64::NEG_INFINITY, high_at: 0, low: f64::INFINITY, low_at: 0 };

    /// Of equals the later bar counts.
    #[inline]
    fn with_later(self, later: Self) -> Self {
        let mut both = self;
        if later.high >= self.high {
            (both.high, both.high_at) = (later.high, later.high_at);
        }
        if later.low <= self.low {
            (both.low, both.low_at) = (later.low, later.low_at);
        }
        both
    }
}

/// Sliding ages of the extremes; of equal ones the latest counts. The bar just pushed counts.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtremeAges {
    /// As in [`Extremes`].
    places: Box<[Placed]>,
    at: usize,
    head: Placed,
    warm: bool,
}

impl ExtremeAges {
    /// Over `length` bars, at least one. Allocates once.
    pub fn new(length: usize) -> Self {
        let places = vec![Placed::NONE; length.max(1) + 1].into_boxed_slice();
        Self { places, at: 0, head: Placed::NONE, warm: false }
    }

    /// Reads one bar; ages from the `length`-th bar on.
    #[inline]
    pub fn push(&mut self, high: f64, low: f64) -> Option<Ages> {
        let at = self.at;
        let bar = Placed { high, high_at: at, low, low_at: at };
        self.head = self.head.with_later(bar);
        let length = self.places.len() - 1;
        let [place, rest] = self.places.get_mut(at..at + 2)? else { return None };
        *place = bar;
        // Places of the block before lie `length` bars further back.
        let age = |from_head: bool, place: usize| {
            if from_head { at - place } else { at + length - place }
        };
        let ages = Ages {
            high: age(
                self.head.high >= rest.high,
                if self.head.high >= rest.high { self.head.high_at } else { rest.high_at },
            ),
            low: age(
                self.head.low <= rest.low,
                if self.head.low <= rest.low { self.head.low_at } else { rest.low_at },
            ),
        };
        self.at += 1;
        if self.at == length {
            self.end_block();
        }
        self.warm.then_some(ages)
    }

    #[inline(never)]
    fn end_block(&mut self) {
        let mut tail = Placed::NONE;
        let length = self.places.len() - 1;
        for place in self.places[..length].iter_mut().rev() {
            tail = place.with_later(tail);
            *place = tail;
        }
        self.at = 0;
        self.head = Placed::NONE;
        self.warm = true;
    }

    /// As new.
    pub fn reset(&mut self) {
        self.places.fill(Placed::NONE);
        self.at = 0;
        self.head = Placed::NONE;
        self.warm = false;
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
