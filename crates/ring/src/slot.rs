//! One slot: a sequence stamp and its payload in one cache line, written by one process only.
//!
//! The stamp of message `n` is `2(n+1)` once it is complete and `2(n+1) - 1` while it is being
//! written; zero means never written. A reader that wants message `n` compares the stamp before
//! and after its copy of the payload:
//!
//! | stamp      | meaning                                        | answer    |
//! |------------|------------------------------------------------|-----------|
//! | < 2(n+1)   | not there yet, or being written just now       | `Empty`   |
//! | = 2(n+1)   | complete; take it if the stamp is still there  | `Message` |
//! | > 2(n+1)   | the writer has lapped this reader              | `Overrun` |
//!
//! The odd mark is what makes a copy that was overtaken half-way fail its second comparison:
//! without it a reader could see the old stamp twice around new words.

use super::atomics::{AtomicU64, Ordering, fence};

/// A stamp and `N` payload words. `N` is 7 in the ring, fewer in the model.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Slot<const N: usize> {
    stamp: AtomicU64,
    payload: [AtomicU64; N],
}

/// What a read of a slot found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotRead {
    /// The wanted message, whole.
    Message,
    /// The wanted message is not complete yet.
    Empty,
    /// The slot holds, or is about to hold, a later message. At least `published` messages have
    /// been published in total.
    Overrun {
        /// A lower bound of the number of messages published so far.
        published: u64,
    },
}

/// Stamp of the complete message `seq`.
#[inline(always)]
const fn complete(seq: u64) -> u64 {
    (seq + 1) * 2
}

impl<const N: usize> Slot<N> {
    /// A slot that was never written.
    pub(crate) fn new() -> Self {
        Self { stamp: AtomicU64::new(0), payload: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Writes message `seq`. Only the ring's one writer may call this.
    #[inline(always)]
    pub(crate) fn write(&self, seq: u64, words: &[u64; N]) {
        let stamp = complete(seq);
        self.stamp.store(stamp - 1, Ordering::Relaxed);
        // Orders the odd mark before every payload word: whoever reads one of the new words
        // and then fences sees at least the odd mark.
        fence(Ordering::Release);
        for (cell, word) in self.payload.iter().zip(words) {
            cell.store(*word, Ordering::Relaxed);
        }
        self.stamp.store(stamp, Ordering::Release);
    }

    /// Copies message `seq` to `out` if it is there; otherwise leaves `out` alone.
    #[inline(always)]
    pub(crate) fn read(&self, seq: u64, out: &mut [u64; N]) -> SlotRead {
        let want = complete(seq);
        let before = self.stamp.load(Ordering::Acquire);
        if before != want {
            return Self::other(before, want);
        }
        let mut words = [0; N];
        for (word, cell) in words.iter_mut().zip(&self.payload) {
            *word = cell.load(Ordering::Relaxed);
        }
        // Pairs with the fence in `write`.
        fence(Ordering::Acquire);
        let after = self.stamp.load(Ordering::Relaxed);
        if after != want {
            return Self::other(after, want);
        }
        *out = words;
        SlotRead::Message
    }

    #[inline(always)]
    fn other(stamp: u64, want: u64) -> SlotRead {
        if stamp < want { SlotRead::Empty } else { SlotRead::Overrun { published: stamp / 2 } }
    }

    /// True when a read for `seq` would not answer `Empty`.
    #[inline(always)]
    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.stamp.load(Ordering::Acquire) >= complete(seq)
    }
}
