//! What lies where in a segment file, to the byte.
//!
//! ```text
//!      0  header page      facts (written once), state, tail, heartbeat, bell: writer only
//!   4096  readers' page    asked (waiting readers), gate progress (brain), lifted (orchestrator)
//!   8192  slots            capacity × 64 B
//! ```
//!
//! Readers map the file read-only and only the second page writable. Words that different
//! processes write are 128 bytes apart: some cores fetch lines in pairs.

use crate::atomics::{AtomicU32, AtomicU64};
use crate::slot::Slot;
use std::mem::{align_of, offset_of, size_of};

/// Payload of a slot: seven words beside the sequence. Symbol and kind live in them.
pub type Words = [u64; PAYLOAD_WORDS];
/// Words of payload in a slot.
pub const PAYLOAD_WORDS: usize = 7;
/// A slot of the ring: 64 bytes, one cache line.
pub(crate) type RingSlot = Slot<PAYLOAD_WORDS>;

/// `AEGISRNG` in ASCII: the first eight bytes of every segment.
pub const MAGIC: u64 = u64::from_le_bytes(*b"AEGISRNG");
/// Version of the layout; raised when the meaning of a word changes.
pub const LAYOUT_VERSION: u64 = 1;
/// Least number of slots.
pub const CAPACITY_MIN: usize = 1024;
/// Greatest number of slots.
pub const CAPACITY_MAX: usize = 1 << 20;
/// Default number of slots: 1 MiB, which stays in a core's own cache.
pub const CAPACITY_DEFAULT: usize = 16_384;

pub(crate) const PAGE: usize = 4096;
pub(crate) const SLOTS_AT: usize = 2 * PAGE;
pub(crate) const FACT_WORDS: usize = 10;

pub(crate) const STATE_INIT: u64 = 0;
pub(crate) const STATE_LIVE: u64 = 1;
pub(crate) const STATE_CLOSED: u64 = 2;

/// Keeps what one process writes off the lines of another.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Apart<T>(pub(crate) T);

/// The writer's page.
#[repr(C, align(4096))]
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) facts: Apart<[AtomicU64; FACT_WORDS]>,
    pub(crate) state: Apart<AtomicU64>,
    /// Number of messages published, as of the last flush.
    pub(crate) tail: Apart<AtomicU64>,
    /// Nanoseconds, as the writer's owner counts them.
    pub(crate) heartbeat: Apart<AtomicU64>,
    pub(crate) generation: Apart<AtomicU64>,
    pub(crate) futex: Apart<AtomicU32>,
}

/// The one page that readers may write.
#[repr(C, align(4096))]
#[derive(Debug)]
pub(crate) struct ReadersPage {
    /// Written by waiting readers.
    pub(crate) asked: Apart<AtomicU64>,
    /// Written by the holder of the gating place.
    pub(crate) progress: Apart<AtomicU64>,
    /// Written by the orchestrator.
    pub(crate) lifted: Apart<AtomicU64>,
}

const _: () = assert!(size_of::<RingSlot>() == 64 && align_of::<RingSlot>() == 64);
const _: () = assert!(size_of::<Header>() == PAGE && size_of::<ReadersPage>() == PAGE);

/// Facts that are written once, before the segment gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) magic: u64,
    pub(crate) version: u64,
    pub(crate) layout_hash: u64,
    pub(crate) epoch: u64,
    pub(crate) slot_size: u64,
    pub(crate) capacity: u64,
    pub(crate) gated: u64,
    pub(crate) base: u64,
    pub(crate) creator_pid: u64,
    pub(crate) creator_start: u64,
}

impl Facts {
    pub(crate) fn to_words(self) -> [u64; FACT_WORDS] {
        [
            self.magic,
            self.version,
            self.layout_hash,
            self.epoch,
            self.slot_size,
            self.capacity,
            self.gated,
            self.base,
            self.creator_pid,
            self.creator_start,
        ]
    }

    pub(crate) fn from_words(words: [u64; FACT_WORDS]) -> Self {
        let [
            magic,
            version,
            layout_hash,
            epoch,
            slot_size,
            capacity,
            gated,
            base,
            creator_pid,
            creator_start,
        ] = words;
        Self {
            magic,
            version,
            layout_hash,
            epoch,
            slot_size,
            capacity,
            gated,
            base,
            creator_pid,
            creator_start,
        }
    }
}

/// Fingerprint of sizes, offsets and version: two builds that disagree about any byte of a
/// segment have different hashes and refuse each other.
pub const LAYOUT_HASH: u64 = fingerprint(&[
    LAYOUT_VERSION,
    size_of::<RingSlot>() as u64,
    PAYLOAD_WORDS as u64,
    SLOTS_AT as u64,
    FACT_WORDS as u64,
    offset_of!(Header, facts) as u64,
    offset_of!(Header, state) as u64,
    offset_of!(Header, tail) as u64,
    offset_of!(Header, heartbeat) as u64,
    offset_of!(Header, generation) as u64,
    offset_of!(Header, futex) as u64,
    offset_of!(ReadersPage, asked) as u64,
    offset_of!(ReadersPage, progress) as u64,
    offset_of!(ReadersPage, lifted) as u64,
    // Byte order: a segment is read by the machine that wrote it, but a core file may travel.
    u32::from_ne_bytes([1, 2, 3, 4]) as u64,
]);

/// FNV-1a over the words' bytes.
const fn fingerprint(words: &[u64]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < words.len() {
        let bytes = words[i].to_le_bytes();
        let mut j = 0;
        while j < bytes.len() {
            hash = (hash ^ bytes[j] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            j += 1;
        }
        i += 1;
    }
    hash
}

/// Bytes of a segment file with `capacity` slots.
pub(crate) fn file_len(capacity: usize) -> usize {
    SLOTS_AT + capacity * size_of::<RingSlot>()
}
