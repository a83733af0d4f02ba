//! Seeded generator of market data with the statistics of real markets.
#![no_std]
extern crate alloc;
