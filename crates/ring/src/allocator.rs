//! An allocator that counts, for proving that a path does not allocate.
//!
//! It stands here because implementing an allocator is unsafe, and this is the crate where unsafe
//! code is allowed. A binary or a test installs it:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();
//!
//! let before = aegis_ring::CountingAllocator::allocations();
//! let boxed = std::hint::black_box(Box::new(7));
//! assert_eq!(aegis_ring::CountingAllocator::allocations(), before + 1);
//! # drop(boxed);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting the allocations of each thread. Costs one addition to a
/// thread's own counter per allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

thread_local! {
    // Constant and without a destructor, so that touching it never allocates by itself.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

impl CountingAllocator {
    /// For a `#[global_allocator]` static.
    pub const fn new() -> Self {
        Self
    }

    /// How often the calling thread has asked for memory, growth of existing memory included; stays
    /// 0 where this allocator is not installed.
    pub fn allocations() -> u64 {
        ALLOCATIONS.with(Cell::get)
    }

    /// Whether this allocator is installed: tries one allocation.
    pub fn is_installed() -> bool {
        let before = Self::allocations();
        drop(std::hint::black_box(Box::new(0u8)));
        Self::allocations() > before
    }

    fn count() {
        ALLOCATIONS.with(|n| n.set(n.get().wrapping_add(1)));
    }
}

// SAFETY: every call goes unchanged to `System`, which keeps the contract of `GlobalAlloc`; the
// counter is a plain cell of the calling thread and does not allocate, unwind, or touch the memory.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller keeps the contract of `alloc`, which is `System`'s too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is `System`'s too.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count();
        // SAFETY: `memory` came from `System` through this allocator, with this layout.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System` through this allocator, with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}
