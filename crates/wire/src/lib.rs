//! Binance bytes to types and back, without sockets.
#![no_std]
extern crate alloc;
