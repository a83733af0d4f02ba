//! The least of the last values, in constant amortised time.
//!
//! The values come in blocks as long as the window. The window is then always the end of the last
//! block, whose least was reckoned from every place on when the block was full, and the beginning
//! of the present one, whose least is kept while it grows. Unlike a monotonic queue nothing here
//! branches on prices, which no processor can predict.

use alloc::boxed::Box;
use alloc::vec;

/// The least value of the last `window` bars and its bar, the latest on ties.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Least {
    /// Up to `place` the present block; from there on the least of the last block from each place
    /// to its end, and at the end that of nothing. What the one overwrites of the other has left
    /// the window, and a bar touches two neighbours only.
    slots: Box<[(f64, u32)]>,
    place: usize,
    of_block: (f64, u32),
    least: (f64, u32),
}

/// The least of no values.
const NOTHING: (f64, u32) = (f64::INFINITY, 0);

impl Least {
    /// Over `window` bars (at least one); the caller bounds it.
    pub fn new(window: u32) -> Self {
        let window = window.max(1) as usize;
        Self {
            slots: vec![NOTHING; window + 1].into_boxed_slice(),
            place: 0,
            of_block: NOTHING,
            least: NOTHING,
        }
    }

    /// Adds the value of bar `at`, one bar after the last; the window now ends with it.
    #[inline]
    pub fn push(&mut self, at: u32, value: f64) {
        self.of_block = later_least(self.of_block, (value, at));
        let Some([slot, rest]) = self.slots.get_mut(self.place..).and_then(<[_]>::first_chunk_mut)
        else {
            return;
        };
        *slot = (value, at);
        self.least = later_least(*rest, self.of_block);
        self.place += 1;
        if self.place + 1 == self.slots.len() {
            self.turn();
        }
    }

    /// The block is full and becomes the last one.
    fn turn(&mut self) {
        let mut least = NOTHING;
        for slot in self.slots.iter_mut().rev() {
            least = later_least(*slot, least);
            *slot = least;
        }
        self.place = 0;
        self.of_block = NOTHING;
    }

    /// The least value of the window and its bar, the latest on ties; after the first push.
    #[inline]
    pub const fn least(&self) -> (f64, u32) {
        self.least
    }
}

#[inline]
fn later_least(before: (f64, u32), after: (f64, u32)) -> (f64, u32) {
    let is_after = after.0 <= before.0;
    (if is_after { after.0 } else { before.0 }, if is_after { after.1 } else { before.1 })
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
