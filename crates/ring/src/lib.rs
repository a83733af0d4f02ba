//! The way from feed to brain: one writer, any number of readers, fixed 64-byte slots in shared
//! memory.
//!
//! The one decision: **the sequence lives in the slot**, in the same cache line as the payload.
//! One line crosses from core to core per message where a ring with a published cursor needs
//! two, and a reader finds out by itself, from the slot alone, whether a message is there, not
//! there yet, or already overwritten. The writer therefore needs to know nothing about its
//! readers, and a dead or slow one cannot hold it up.
//!
//! ```text
//!  writer                     /dev/shm/aegis-<uid>/<tag>/NAME                    readers
//!            ┌────────────┬──────────────┬──────┬──────┬───┬──────┐
//!  publish ─►│ header     │ readers'     │ slot │ slot │ … │ slot │─► poll: message, empty,
//!  flush     │ epoch tail │ page: asked, │ seq+ │      │   │      │   overrun{skipped}
//!            │ state bell │ gate, lifted │ 7 u64│      │   │      │
//!            └────────────┴──────────────┴──────┴──────┴───┴──────┘
//!             writer's      readers'       writer's
//! ```
//!
//! - Every word has one process that writes it. Slots are atomics on every side, so a race is a
//!   stale or refused read, never undefined behaviour.
//! - A segment belongs to one writer's life: a new writer makes a new file with a new epoch.
//! - Broadcast ([`Writer::publish`]) loses by overrun, counted exactly. Gated
//!   ([`Writer::publish_gated`], recorded sources) loses nothing: the writer waits for the one
//!   reader that holds the gating place, whether it lives or not.
//! - What the owner does to the file by other means is outside the protocol: truncating a mapped
//!   segment kills its users (SIGBUS), deleting it hides it from whoever attaches later.
//! - The payload is opaque here; symbol and kind of every message are words of it.
#![allow(unsafe_code)] // the one crate that maps memory shared between processes

mod error;
mod layout;

mod atomics;
mod bell;
mod gate;
mod slot;

mod files;
mod segment;

mod info;
mod reader;
mod writer;

pub mod machine;
pub mod shared;

mod allocator;

pub use allocator::CountingAllocator;
pub use error::RingError;
pub use files::{prepare_dir, ring_dir};
pub use info::{Info, State, lift_gate};
pub use layout::{
    CAPACITY_DEFAULT, CAPACITY_MAX, CAPACITY_MIN, LAYOUT_HASH, LAYOUT_VERSION, MAGIC,
    PAYLOAD_WORDS, Words,
};
pub use reader::{Poll, Reader, Wait, WaitOutcome};
pub use writer::{Config, Writer};
