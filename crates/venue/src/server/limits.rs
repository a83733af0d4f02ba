//! Step machine: limits.
