//! Causal market structure, one push per candle.
#![no_std]
extern crate alloc;
