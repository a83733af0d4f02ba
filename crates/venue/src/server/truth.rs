//! Step machine: truth.
