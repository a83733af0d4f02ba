//! Tests of the ring at its boundary: one binary, a module per promise.

mod basics;
mod support;
