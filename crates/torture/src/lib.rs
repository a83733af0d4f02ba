//! The proofs of safety: the system under every fault of the catalogue.
//!
//! ```text
//!  run(seed)  one thread, no socket, no file, no clock
//!
//!   market ─> venue (the simulated exchange) ─┬─ network ─┬─ feed ─> ring ─> brain ─> disk
//!                                             │           └── client <────────┘ └─> rows
//!   trouble: drawn per seed, acts on each ────┘  witness, checks: look after every step
//!
//!  chaos      real processes, a real network between them, real signals and disks
//! ```

pub mod chaos;

mod draw;

pub mod options;
pub mod violation;

mod market;
mod mind;

mod network;
mod ring;
mod venue;

mod brain;
mod carrier;
mod feed;
mod rows;

mod books;
mod caps;
mod invariants;
mod taint;
mod witness;

pub mod catalogue;
mod inject;
mod weather;

mod world;

mod run;

pub mod report;
pub mod shrink;

#[cfg(feature = "defects")]
pub mod mutants;

pub use options::{Options, Outcome};
pub use run::run;
pub use violation::{Invariant, Violation};
