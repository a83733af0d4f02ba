//! Bars for the tests of this crate.

use aegis_types::{Bar, Nanos};

/// A bar without volume, opened at its close.
pub(crate) fn bar(high: f64, low: f64, close: f64) -> Bar {
    traded(high, low, close, 0.0)
}

/// A bar with volume, opened at its close.
pub(crate) fn traded(high: f64, low: f64, close: f64, volume: f64) -> Bar {
    at(Nanos::ZERO, high, low, close, volume)
}

/// A bar with volume that begins at `time`.
pub(crate) fn at(time: Nanos, high: f64, low: f64, close: f64, volume: f64) -> Bar {
    Bar::new(time, close, high, low, close, volume).expect("finite numbers")
}
