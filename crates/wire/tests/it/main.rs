//! What the tests of this crate prove:
//! 1. every frame the venue sends gives the same values by the scanners as by typed serde;
//! 2. so does every other way to write the same JSON: key order, white space, escapes, more keys;
//! 3. no bytes make a scanner panic, and what serde refuses is refused;
//! 4. signatures equal the published vectors;
//! 5. the tables of calls, streams and errors say what the documentation says;
//! 6. bodies of replies and events are read whatever is new in them;
//! 7. connections give the same messages however they are cut, without copies.

mod bodies;
mod captured;
mod errors;
mod generated;
mod signing;
mod support;
mod tables;
mod ticks;
mod websocket;

#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();
