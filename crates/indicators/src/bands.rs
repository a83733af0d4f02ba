//! Three lines around a price: what Bollinger, Donchian and Keltner give.

use serde::{Deserialize, Serialize};

/// Upper, middle and lower line, in price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bands {
    /// The upper line.
    pub upper: f64,
    /// The middle line.
    pub middle: f64,
    /// The lower line.
    pub lower: f64,
}

impl Bands {
    /// Lines `distance` above and below `middle`.
    #[inline]
    pub(crate) fn around(middle: f64, distance: f64) -> Self {
        Self { upper: middle + distance, middle, lower: middle - distance }
    }
}
