//! Step machine: auth.
