//! A bar seen from one side: upright for buyers, upside down for sellers.

use aegis_types::{Bar, Side};

/// The adverse extremes of a bar, by side: its low, and its high upside down.
pub(crate) type Lows = [f64; 2];

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
    /// A bar that is not there: every comparison with it is false.
    pub const NONE: Self = Self { open: f64::NAN, high: f64::NAN, low: f64::NAN, close: f64::NAN };

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

    /// The same bar as the other side sees it: its own inverse.
    #[inline]
    #[must_use]
    pub const fn turned(&self) -> Self {
        Self { open: -self.open, high: -self.low, low: -self.high, close: -self.close }
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
