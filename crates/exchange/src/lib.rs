//! A simulated futures exchange: matching, fees, funding, margin, liquidation.
#![no_std]
extern crate alloc;
