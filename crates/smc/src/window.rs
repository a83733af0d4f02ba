//! The last bars: their prices by index, and their extremes in constant amortised time.

use aegis_types::Bar;
use alloc::boxed::Box;
use alloc::vec;

/// A monotonic queue over the values of the last bars: the greatest of them, the later on ties.
///
/// A value leaves when a later one is at least as great, so the values that are left fall from the
/// oldest to the newest: the oldest is the greatest of the window, and the first from a bar on is
/// the greatest since that bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Greatest {
    slots: Box<[(f64, u32)]>,
    window: u32,
    head: u32,
    tail: u32,
}

impl Greatest {
    /// Over the last `window` bars.
    pub fn new(window: u32) -> Self {
        let slots = (window + 1).next_power_of_two() as usize;
        Self { slots: vec![(0.0, 0); slots].into_boxed_slice(), window, head: 0, tail: 0 }
    }

    #[inline]
    fn slot(&self, index: u32) -> (f64, u32) {
        self.slots[index as usize & (self.slots.len() - 1)]
    }

    /// Adds the value of bar `at`, which follows the last; the greatest of the window and its bar.
    #[inline]
    pub fn push(&mut self, at: u32, value: f64) -> (f64, u32) {
        while self.tail != self.head && self.slot(self.tail.wrapping_sub(1)).0 <= value {
            self.tail = self.tail.wrapping_sub(1);
        }
        let mask = self.slots.len() - 1;
        self.slots[self.tail as usize & mask] = (value, at);
        self.tail = self.tail.wrapping_add(1);
        // At most one value leaves the window a bar.
        if at - self.slot(self.head).1 >= self.window {
            self.head = self.head.wrapping_add(1);
        }
        self.slot(self.head)
    }

    /// The greatest value of the bars from `from` to the last and its bar. `from` lies within the
    /// window.
    pub fn since(&self, from: u32) -> (f64, u32) {
        let (mut low, mut high) = (0, self.tail.wrapping_sub(self.head).saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.slot(self.head.wrapping_add(middle)).1 < from {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.slot(self.head.wrapping_add(low))
    }
}

/// High and low of the last bars, by bar index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    slots: Box<[(f64, f64)]>,
}

impl History {
    /// Of the last `bars` bars.
    pub fn new(bars: u32) -> Self {
        let slots = bars.next_power_of_two() as usize;
        Self { slots: vec![(0.0, 0.0); slots].into_boxed_slice() }
    }

    #[inline]
    pub fn put(&mut self, at: u32, bar: &Bar) {
        let mask = self.slots.len() - 1;
        self.slots[at as usize & mask] = (bar.high(), bar.low());
    }

    /// High and low of bar `at`, one of the last.
    #[inline]
    pub fn get(&self, at: u32) -> (f64, f64) {
        self.slots[at as usize & (self.slots.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_of_the_window_and_since_a_bar() {
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 3.0, 3.0];
        let slow = |from: usize, to: usize| {
            let later = |best: (f64, u32), (value, at): (f64, u32)| {
                if value >= best.0 { (value, at) } else { best }
            };
            let all = (0u32..).zip(values).map(|(at, value)| (value, at));
            all.skip(from).take(to + 1 - from).fold((f64::MIN, 0), later)
        };
        let mut queue = Greatest::new(4);
        for (at, value) in (0u32..).zip(values) {
            let to = at as usize;
            let first = to.saturating_sub(3);
            assert_eq!(queue.push(at, value), slow(first, to));
            for from in first..=to {
                assert_eq!(queue.since(from as u32), slow(from, to), "{from}..={to}");
            }
        }
    }
}
