//! Proves: every column of the golden tables comes out of the catalogue's call of that name; every
//! indicator streams without knowledge of the future, is as new after `reset`, allocates nothing
//! once made, and survives any finite bars; windows equal their definition; calls and column names
//! read as documented.

mod definitions;
mod golden;
mod laws;
mod names;
mod properties;
mod tables;

#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();
