//! Step machine: account.
