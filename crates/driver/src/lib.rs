//! The one loop that steps an engine and a venue until both are quiet.
#![no_std]
extern crate alloc;
