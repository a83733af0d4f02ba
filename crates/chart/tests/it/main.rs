//! The picture holds what the events say: well-formed for any input, a class per kind, nothing
//! outside its window, the same bytes for the same input.

mod events;
mod odd;
mod page;
mod xml;

use aegis_types::{Bar, Nanos};

/// A bar at minute `n`.
pub fn bar(n: i64, [open, high, low, close]: [f64; 4], volume: f64) -> Bar {
    Bar::new(Nanos::MINUTE.times(n), open, high, low, close, volume).expect("finite numbers")
}

/// Bars that swing about 100, two apart in range, between 96 and 104.
pub fn waves(count: i64) -> Vec<Bar> {
    let height = |n: i64| 100.0 + ((n % 12) - 6).abs() as f64 / 2.0;
    let wave = |n: i64| {
        let (open, close) = (height(n), height(n + 1));
        bar(n, [open, open.max(close) + 1.0, open.min(close) - 1.0, close], 5.0 + (n % 7) as f64)
    };
    (0..count).map(wave).collect()
}
