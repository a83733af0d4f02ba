//! The exchange on the wire, at its boundary: bytes in, bytes out.

mod auth;
mod candles;
mod client_book;
mod client_desk;
mod client_errors;
mod client_faults;
mod client_filters;
mod client_foreign;
mod client_gateway;
mod client_health;
mod client_limits;
mod client_links;
mod client_machines;
mod client_once;
mod client_orders;
mod client_start;
mod client_sweep;
mod client_torture;
mod client_wire;
mod faults;
mod limits;
mod orders;
mod questions;
mod recorded;
mod served;
mod streams;
mod town;
mod users;
mod world;
mod wsapi;

#[global_allocator]
static ALLOCATOR: aegis_ring::CountingAllocator = aegis_ring::CountingAllocator::new();
mod garbage;
mod sequences;
