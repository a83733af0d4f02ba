//! Step machine: faults.
