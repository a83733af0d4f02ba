//! Step machine: trade.
