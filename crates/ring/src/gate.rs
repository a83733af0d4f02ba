//! The gate: how far a lossless writer may run ahead of the one reader that must not miss.
//!
//! `progress` belongs to the holder of the reader's place (the brain) and counts what it has
//! durably consumed; `lifted` belongs to the orchestrator. The gate is a property of the place:
//! a dead holder leaves `progress` where it was, and the writer waits there until a successor
//! moves it on or the orchestrator lifts it.

use super::atomics::{AtomicU64, Ordering};

/// First sequence that may *not* be published now. `published` guards against a progress word
/// that claims more than was ever sent.
pub(crate) fn limit(
    progress: &AtomicU64,
    lifted: &AtomicU64,
    published: u64,
    capacity: u64,
) -> u64 {
    if lifted.load(Ordering::Acquire) != 0 {
        return u64::MAX;
    }
    // Acquire pairs with the Release in `advance`: the holder's reads of a slot are over before
    // the writer fills that slot again.
    progress.load(Ordering::Acquire).min(published) + capacity
}

/// Holder: everything before `seq_exclusive` is consumed. Never moves backwards; `mine` is the
/// holder's own copy of the word, so that the line is not fetched back to be compared.
#[inline]
pub(crate) fn advance(mine: &mut u64, progress: &AtomicU64, seq_exclusive: u64) {
    if seq_exclusive > *mine {
        *mine = seq_exclusive;
        progress.store(seq_exclusive, Ordering::Release);
    }
}

/// Orchestrator: the writer need not wait for anybody from here on.
pub(crate) fn lift(lifted: &AtomicU64) {
    lifted.store(1, Ordering::Release);
}
