//! Step machine: algo.
