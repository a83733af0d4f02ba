//! Tests of the ring at its boundary: one binary, a module per promise.
//!
//! `model` compiles the protocol's own source files against loom's atomics, so the interleavings
//! are explored by the ordinary `cargo test`. Under Miri run
//! `MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p aegis-ring heap_`: Miri knows
//! no shared mappings, so the tests of the heap ring (their names begin so) stand for the rest.

mod basics;
mod files;
mod model;
mod processes;
mod properties;
mod regressions;
mod support;
