//! Volatility: how far price ranges, and bands of it.

use super::entry::{Entry, Parameter};
use super::row::of_bars;
use crate::Atr;

/// The family's table.
pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "atr",
    about: "average true range, in price (Wilder 1978)",
    parameters: &[Parameter::period("period", 14, 1)],
    columns: &["atr"],
    make: |a| of_bars(Atr::new(a.period(0))),
}];
