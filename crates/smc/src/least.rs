//! The least of the last values, in constant amortised time.
//!
//! The values come in blocks as long as the window. The window is then always the end of the last
//! block, whose least was reckoned from every place on when the block was full, and the beginning
//! of the present one, whose least is kept while it grows. Unlike a monotonic queue nothing here
//! branches on prices, which no processor can predict. Both sides are read at once, since every
//! bar is: their values lie side by side and are compared in one step.

use crate::view::Lows;
use alloc::boxed::Box;
use alloc::vec;
use serde::{Deserialize, Serialize};

/// The least lows of the last `window` bars, as each side sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Least {
    /// Up to `place` the present block; from there on the least of the last block from each place
    /// to its end, and at the end that of nothing. What the one overwrites of the other has left
    /// the window, and a bar touches two neighbours only.
    slots: Box<[Lows]>,
    place: usize,
    of_block: Lows,
}

/// The least of no values.
const NOTHING: Lows = [f64::INFINITY; 2];

impl Least {
    /// Over `window` bars (at least one); the caller bounds it.
    pub fn new(window: u32) -> Self {
        let slots = vec![NOTHING; window.max(1) as usize + 1].into_boxed_slice();
        Self { slots, place: 0, of_block: NOTHING }
    }

    /// Adds the lows of a bar; returns the least of the window, which now ends with it, the later
    /// on ties (zeros differ in sign).
    #[inline]
    pub fn push(&mut self, lows: Lows) -> Lows {
        self.of_block = later_least(self.of_block, lows);
        let Some([slot, rest]) = self.slots.get_mut(self.place..).and_then(<[_]>::first_chunk_mut)
        else {
            return self.of_block;
        };
        *slot = lows;
        let least = later_least(*rest, self.of_block);
        self.place += 1;
        if self.place + 1 == self.slots.len() {
            self.turn();
        }
        least
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
}

#[inline]
fn later_least(before: Lows, after: Lows) -> Lows {
    let least = |before: f64, after: f64| if before < after { before } else { after };
    [least(before[0], after[0]), least(before[1], after[1])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn equals_a_search_of_the_window() {
        let value = |n: u64| (n * n * 7_919 % 11) as f64;
        let values: Vec<Lows> = (0..300).map(|n| [value(n), -value(n + 1)]).collect();
        for window in 1..9 {
            let mut least = Least::new(window as u32);
            for at in 0..values.len() {
                let seen = &values[(at + 1).saturating_sub(window)..=at];
                let of = |side: usize| seen.iter().map(|lows| lows[side]).reduce(f64::min);
                let found = least.push(values[at]);
                assert_eq!(found.map(Some), [of(0), of(1)]);
            }
        }
    }
}
