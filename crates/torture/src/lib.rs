//! The proofs of safety: the system under every fault of the catalogue.
//!
//! ```text
//!  chaos     real processes, a real network between them, real signals and disks
//! ```

pub mod chaos;
