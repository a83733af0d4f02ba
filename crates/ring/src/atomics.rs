//! The atomics that the protocol modules are written against.
//!
//! `slot`, `bell` and `gate` name only this module. The model test compiles the same three
//! source files a second time against `loom`'s atomics, so what is explored is what ships.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
