//! The append-only, hash-chained log of everything that enters and leaves the engine.
//!
//! **The decision:** one file order for everything. Market facts, venue answers, timers, operator
//! and commands go into the same sequence of records, so flushing one money event flushes all that
//! was before it, and a journal replays to the same digest by reading it from front to end. A
//! record carries a CRC-32 (is it whole?) and a link into a SHA-256 chain (is it the one that was
//! written here?); because there is one copy, a torn tail is cut off and reported, while anything
//! wrong in the middle is refused with file and offset, never repaired by guess.
//!
//! ```text
//!  folder/  LOCK   segment-00000000.log   segment-00000001.log   …   snapshot-000000012345.bin
//!                  │ header 128 B: first number, chain state │
//!                  │ record 0: the session (JSON)            │ record n
//!                  │ record 1 … 64-byte steps                │ record n+1 … zeros (preallocated)
//!
//!  Writer.append → buffer → flush: one write (+ fdatasync in `Power`) → effect may leave
//!                             └→ Disk: the operating system's files, or memory that fails by seed
//! ```
//!
//! The file format to the byte, and what each failure of a disk means, is in `docs/journal.md`.

pub mod disk;

mod error;
pub use error::JournalError;

mod chain;

mod record;
pub use record::{Kind, PAYLOAD_MAX, Record, Source};

mod segment;

mod space;
pub use space::Space;

mod reader;
pub use reader::{Reader, Torn, begun, begun_on};

mod writer;
pub use writer::{Config, Durability, Last, Recovery, Writer};

mod threaded;
pub use threaded::{Durable, Threaded};

pub mod snapshot;

pub mod money;

pub mod retention;

mod verify;
pub use verify::{Checked, Verified, verify};

mod migrate;
pub use migrate::{Migrated, migrate};

mod digest;
pub use digest::OrderDigest;

pub mod fuzzing;
