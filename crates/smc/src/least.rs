//! The least of the last values, in constant amortised time: a monotonic queue.

use alloc::boxed::Box;
use alloc::vec;

/// Values of the last `window` bars that no later one is at or below, oldest and least first.
///
/// Of equal values only the latest stays, so the first entry is the latest of the least.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Least {
    slots: Box<[(f64, u32)]>,
    window: u32,
    head: u32,
    tail: u32,
}

impl Least {
    /// Over `window` bars (at least one); the caller bounds it.
    pub fn new(window: u32) -> Self {
        let window = window.max(1);
        let slots = vec![(0.0, 0); window.next_power_of_two() as usize].into_boxed_slice();
        Self { slots, window, head: 0, tail: 0 }
    }

    #[inline]
    fn slot(&mut self, index: u32) -> &mut (f64, u32) {
        let mask = self.slots.len() - 1;
        &mut self.slots[index as usize & mask]
    }

    /// Adds the value of bar `at`, one bar after the last; the window now ends with it.
    #[inline]
    pub fn push(&mut self, at: u32, value: f64) {
        // At most one value leaves the window a bar.
        let head = self.head;
        if self.tail != head && at - self.slot(head).1 >= self.window {
            self.head = head.wrapping_add(1);
        }
        while self.tail != self.head && self.slot(self.tail.wrapping_sub(1)).0 >= value {
            self.tail = self.tail.wrapping_sub(1);
        }
        *self.slot(self.tail) = (value, at);
        self.tail = self.tail.wrapping_add(1);
    }

    /// The least value of the window and its bar, the latest on ties; after the first push.
    #[inline]
    pub fn least(&self) -> (f64, u32) {
        let mask = self.slots.len() - 1;
        self.slots[self.head as usize & mask]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn equals_a_search_of_the_window_with_the_latest_of_ties() {
        let values: Vec<f64> = (0..300u64).map(|n| (n * n * 7_919 % 11) as f64).collect();
        for window in 1..9 {
            let mut queue = Least::new(window as u32);
            for at in 0..values.len() {
                queue.push(at as u32, values[at]);
                let from = (at + 1).saturating_sub(window);
                let best = (from..=at).reduce(|a, b| if values[b] <= values[a] { b } else { a });
                let best = best.expect("a window is never empty");
                assert_eq!(queue.least(), (values[best], best as u32));
            }
        }
    }
}
