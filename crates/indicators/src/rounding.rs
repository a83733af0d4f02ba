//! What counts as no difference: TA-Lib's bound on rounding left-overs.
//!
//! Without it a market that stands still would read as whatever its last bit happens to be, since
//! several indicators divide one small difference by another.

/// Relative to the numbers that were subtracted.
const LEFT_OVER: f64 = 1e-14;

/// Whether `difference` of numbers whose absolute values add up to `scale` is rounding only.
#[inline]
pub(crate) fn negligible(difference: f64, scale: f64) -> bool {
    difference.abs() <= LEFT_OVER * scale
}
