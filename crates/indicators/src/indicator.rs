//! The one shape of all indicators.

use alloc::vec::Vec;

/// One push per closed bar; a value once warm.
pub trait Indicator {
    /// What is pushed.
    type Input;
    /// What comes out.
    type Output;

    /// Reads one more input; `None` while warming up.
    fn push(&mut self, input: Self::Input) -> Option<Self::Output>;

    /// The last value; `None` while warming up.
    fn value(&self) -> Option<Self::Output>;

    /// Forgets everything: afterwards indistinguishable from a fresh one.
    fn reset(&mut self);
}

/// The batch form: every value over a series, one row per input.
///
/// Allocates the answer; for research and tests, not for the tick path.
pub fn over<I: Indicator>(
    mut indicator: I,
    inputs: impl IntoIterator<Item = I::Input>,
) -> Vec<Option<I::Output>> {
    indicator.reset();
    inputs.into_iter().map(|input| indicator.push(input)).collect()
}
