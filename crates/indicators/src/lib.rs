//! Streaming technical indicators, one push per candle.
#![no_std]
extern crate alloc;
