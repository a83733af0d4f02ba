//! The trading state machine: events in, commands out.
#![no_std]
extern crate alloc;
