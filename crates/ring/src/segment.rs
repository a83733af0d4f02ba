//! The memory of a ring: a mapped file, or the heap, behind the same three references.
//!
//! This is where the crate's `unsafe` is: mapping, and turning mapped addresses into references
//! to atomics. Nothing outside ever gets a reference to plain memory in a map, so whatever the
//! other process does to it is a race between atomics and never undefined behaviour.

use crate::atomics::{AtomicU32, AtomicU64, Ordering};
use crate::layout::{
    Apart, FACT_WORDS, Facts, Header, PAGE, ReadersPage, RingSlot, SLOTS_AT, STATE_INIT, file_len,
};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A shared mapping of a file, unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is memory of the process, not of a thread; it stays valid until `drop`,
// which takes `self` by exclusive reference, and is accessed through atomics only.
unsafe impl Send for Mapping {}
// SAFETY: as above; shared references give out pointers only, and users form atomics from them.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of `file` from `offset`, populated, writable or not.
    pub(crate) fn new(file: &File, offset: u64, len: usize, write: bool) -> io::Result<Self> {
        let access = if write { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a null hint lets the kernel choose free address space, so no existing object
        // is mapped over; the result is used only through this type.
        let at = unsafe { mmap(std::ptr::null_mut(), len, access, flags, file, offset)? };
        let at = NonNull::new(at.cast::<u8>())
            .ok_or_else(|| io::Error::other("the kernel mapped address zero"))?;
        Ok(Self { at, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Address of byte `offset`, for a `T` that must lie wholly inside.
    pub(crate) fn cast<T>(&self, offset: usize) -> NonNull<T> {
        assert!(offset.is_multiple_of(align_of::<T>()), "misaligned offset {offset}");
        let end = offset.checked_add(size_of::<T>());
        assert!(end.is_some_and(|end| end <= self.len), "offset {offset} outside the mapping");
        // SAFETY: `offset + size_of::<T>() <= len`, so the result is inside the mapping.
        unsafe { self.at.add(offset).cast() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `at` and `len` are those of a live mapping made by `new`; every reference into
        // it borrows from the owner of this value. A failure leaves it mapped, which is safe.
        unsafe {
            let _ = munmap(self.at.as_ptr().cast(), self.len);
        }
    }
}

/// Keeps the memory alive.
///
/// Heap parts are `Arc`s because an `Arc`, unlike a `Box`, may be moved without invalidating the
/// pointers taken from it.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their Drop")]
enum Memory {
    Heap { header: Arc<Header>, readers: Arc<ReadersPage>, slots: Arc<[RingSlot]> },
    Writable(Mapping),
    Reader { file: Mapping, readers: Mapping },
}

/// Header, readers' page and slots of one epoch.
#[derive(Debug)]
pub(crate) struct Segment {
    header: NonNull<Header>,
    readers: NonNull<ReadersPage>,
    slots: NonNull<RingSlot>,
    mask: u64,
    /// Heap only: false once the writer is dropped (a mapped segment has its lock for that).
    pub(crate) heap_writer: AtomicBool,
    /// Heap only: whether a gating reader exists.
    pub(crate) heap_holder: AtomicBool,
    memory: Memory,
}

// SAFETY: the pointers lead into `memory`, which lives as long as the segment and may move
// between threads; everything behind them is atomic.
unsafe impl Send for Segment {}
// SAFETY: shared access reaches atomics only.
unsafe impl Sync for Segment {}

impl Segment {
    /// A segment on the heap. `capacity` is a power of two.
    pub(crate) fn heap(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two());
        let word = || Apart(AtomicU64::new(0));
        let header = Arc::new(Header {
            facts: Apart(std::array::from_fn(|_| AtomicU64::new(0))),
            state: Apart(AtomicU64::new(STATE_INIT)),
            tail: word(),
            heartbeat: word(),
            generation: word(),
            futex: Apart(AtomicU32::new(0)),
        });
        let readers = Arc::new(ReadersPage { asked: word(), progress: word(), lifted: word() });
        let slots: Arc<[RingSlot]> = (0..capacity).map(|_| RingSlot::new()).collect();
        let parts =
            (pointer(Arc::as_ptr(&header)), pointer(Arc::as_ptr(&readers)), slots_of(&slots));
        Self::assemble(parts, capacity, Memory::Heap { header, readers, slots })
    }

    /// The writer's view of a file that is at least `file_len(capacity)` long.
    pub(crate) fn map_writable(file: &File, capacity: usize) -> io::Result<Self> {
        let map = Mapping::new(file, 0, file_len(capacity), true)?;
        let parts = (map.cast(0), map.cast(PAGE), first_slot(&map, capacity));
        Ok(Self::assemble(parts, capacity, Memory::Writable(map)))
    }

    /// A reader's view: the file read-only, and the readers' page once more writable.
    pub(crate) fn map_reader(file: &File, capacity: usize) -> io::Result<Self> {
        let map = Mapping::new(file, 0, file_len(capacity), false)?;
        let readers = Mapping::new(file, PAGE as u64, PAGE, true)?;
        let parts = (map.cast(0), readers.cast(0), first_slot(&map, capacity));
        Ok(Self::assemble(parts, capacity, Memory::Reader { file: map, readers }))
    }

    fn assemble(
        (header, readers, slots): (NonNull<Header>, NonNull<ReadersPage>, NonNull<RingSlot>),
        capacity: usize,
        memory: Memory,
    ) -> Self {
        assert!(capacity.is_power_of_two(), "capacity {capacity} is no power of two");
        Self {
            header,
            readers,
            slots,
            mask: capacity as u64 - 1,
            heap_writer: AtomicBool::new(true),
            heap_holder: AtomicBool::new(false),
            memory,
        }
    }

    pub(crate) fn is_heap(&self) -> bool {
        matches!(self.memory, Memory::Heap { .. })
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.mask + 1
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: points at a `Header` inside `memory`, aligned (checked by `cast`, or an Arc's
        // own), alive as long as `self`. The type holds atomics only, so other processes may
        // write it. Where the page is mapped read-only the only accesses are Relaxed and Acquire
        // loads of at most 8 bytes, which the standard library allows on read-only memory.
        unsafe { self.header.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn readers(&self) -> &ReadersPage {
        // SAFETY: as in `header`; this page is mapped writable on every side.
        unsafe { self.readers.as_ref() }
    }

    /// The slot of message `seq`.
    #[inline(always)]
    pub(crate) fn slot(&self, seq: u64) -> &RingSlot {
        // SAFETY: `seq & mask < capacity`, and `slots` points at `capacity` slots inside
        // `memory` (length checked in `first_slot`, or the Arc's own); atomics only, as above.
        unsafe { self.slots.add((seq & self.mask) as usize).as_ref() }
    }

    /// Messages published: the tail word, and what the slots hold beyond it. At most a few dozen
    /// slots are looked at unless the writer is running meanwhile.
    pub(crate) fn published(&self) -> u64 {
        let tail = self.header().tail.0.load(Ordering::Acquire);
        let ahead = (tail..tail + self.capacity()).take_while(|seq| self.slot(*seq).holds(*seq));
        tail + ahead.count() as u64
    }

    /// Writes the facts; the caller publishes them by the state word or by renaming the file.
    pub(crate) fn set_facts(&self, facts: &Facts) {
        for (cell, word) in self.header().facts.0.iter().zip(facts.to_words()) {
            cell.store(word, Ordering::Relaxed);
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        let mut words = [0; FACT_WORDS];
        for (word, cell) in words.iter_mut().zip(&self.header().facts.0) {
            *word = cell.load(Ordering::Relaxed);
        }
        Facts::from_words(words)
    }
}

/// Address of the first slot of a mapping that must hold all of them.
fn first_slot(map: &Mapping, capacity: usize) -> NonNull<RingSlot> {
    assert!(map.len() >= file_len(capacity), "mapping shorter than its slots");
    map.cast(SLOTS_AT)
}

fn slots_of(slots: &Arc<[RingSlot]>) -> NonNull<RingSlot> {
    pointer(Arc::as_ptr(slots).cast())
}

fn pointer<T>(raw: *const T) -> NonNull<T> {
    NonNull::new(raw.cast_mut()).expect("an Arc's pointer is not null")
}
