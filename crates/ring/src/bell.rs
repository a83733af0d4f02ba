//! The bell: how a sleeping reader is woken without a system call per message.
//!
//! Every word has one side that writes it. The writer owns `generation` and `futex` (the same
//! count, once as 64 bits for comparison and once as the 32 bits the kernel compares). Readers
//! own `asked`, raised with `fetch_max` and never lowered:
//!
//! ```text
//!  reader                              writer, once per batch
//!  g = generation                      (publish …)
//!  asked = max(asked, g + 1)           fence SeqCst
//!  fence SeqCst                        if asked > generation:
//!  slot still empty?                       generation += 1; futex = generation
//!  futex_wait(futex == g)                  futex_wake(all)
//! ```
//!
//! The two fences exclude that the reader misses the message *and* the writer misses the
//! request. A reader that dies asleep leaves one request behind, which costs one wake and is
//! then spent: nothing has to be cleaned.

use super::atomics::{AtomicU32, AtomicU64, Ordering, fence};

/// Reader: announces that it is about to sleep and returns the generation it must sleep on.
/// The caller looks at its slot once more *after* this call, then sleeps on that generation.
pub(crate) fn ask(generation: &AtomicU64, asked: &AtomicU64) -> u64 {
    let now = generation.load(Ordering::Acquire);
    asked.fetch_max(now + 1, Ordering::AcqRel);
    fence(Ordering::SeqCst);
    now
}

/// Writer: after a batch. Returns true when somebody asked and the futex must be woken; the new
/// generation is already stored. `current` is the writer's own copy of the generation.
#[inline]
pub(crate) fn answer(
    current: &mut u64,
    generation: &AtomicU64,
    futex: &AtomicU32,
    asked: &AtomicU64,
) -> bool {
    fence(Ordering::SeqCst);
    if asked.load(Ordering::Relaxed) <= *current {
        return false;
    }
    *current += 1;
    generation.store(*current, Ordering::Release);
    futex.store(low_half(*current), Ordering::Release);
    true
}

/// The 32 bits of a generation that the kernel compares.
pub(crate) fn low_half(generation: u64) -> u32 {
    (generation & u64::from(u32::MAX)) as u32
}
