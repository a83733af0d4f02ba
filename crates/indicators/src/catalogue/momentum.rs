//! Momentum: how fast and how far price has moved.

use super::entry::{Entry, Parameter};
use super::row::of_closes;
use crate::Rsi;

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "rsi",
    about: "relative strength index of closes, 0 to 100 (Wilder 1978)",
    parameters: &[Parameter::period("period", 14, 2)],
    columns: &["rsi"],
    make: |a| of_closes(Rsi::new(a.period(0))),
}];
