//! Typical price of a bar: (high + low + close) / 3.

use aegis_types::Bar;

/// (high + low + close) / 3, summed in this order.
#[inline]
pub(crate) fn typical(bar: &Bar) -> f64 {
    (bar.high() + bar.low() + bar.close()) / 3.0
}
