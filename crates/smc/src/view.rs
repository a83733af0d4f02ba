//! A bar seen from one side: upright for buyers, upside down for sellers.

use aegis_types::{Bar, Side};

/// Prices of a bar, times the side's sign. Negation is exact, so a rule written for buyers is the
/// very same rule for sellers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct View {
    /// First price.
    pub open: f64,
    /// The side's favourable extreme.
    pub high: f64,
    /// The side's adverse extreme.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

impl View {
    /// `bar` as `side` sees it.
    #[inline]
    pub fn of(bar: &Bar, side: Side) -> Self {
        match side {
            Side::Buy => {
                Self { open: bar.open(), high: bar.high(), low: bar.low(), close: bar.close() }
            }
            Side::Sell => {
                Self { open: -bar.open(), high: -bar.low(), low: -bar.high(), close: -bar.close() }
            }
        }
    }

    /// A price as `side` sees it, and back again: its own inverse.
    #[inline]
    pub fn price(price: f64, side: Side) -> f64 {
        match side {
            Side::Buy => price,
            Side::Sell => -price,
        }
    }
}
