//! Dealing range: from the last swing low to the last swing high, trailing with new extremes.
//!
//! Its middle is equilibrium; below lies the discount, where longs are cheap, above the premium.
//! Known as soon as both a high and a low swing are confirmed. Source: the LuxAlgo definition as
//! described in its public documentation.

use crate::pivot::{Pivot, PivotKind};
use aegis_types::Bar;

/// The range now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DealingRange {
    high: Option<f64>,
    low: Option<f64>,
}

impl DealingRange {
    /// No swing yet.
    pub const fn new() -> Self {
        Self { high: None, low: None }
    }

    /// A swing was confirmed: its end of the range starts there.
    #[inline]
    pub fn swing(&mut self, pivot: &Pivot) {
        match pivot.kind {
            PivotKind::High => self.high = Some(pivot.level),
            PivotKind::Low => self.low = Some(pivot.level),
        }
    }

    /// Reads a bar: the range trails with new extremes.
    #[inline]
    pub fn push(&mut self, bar: &Bar) {
        if let Some(high) = &mut self.high
            && bar.high() > *high
        {
            *high = bar.high();
        }
        if let Some(low) = &mut self.low
            && bar.low() < *low
        {
            *low = bar.low();
        }
    }

    /// Low and high; none until both are known.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        Some((self.low?, self.high?))
    }

    /// Where `price` lies: 0 at the low, 0.5 at equilibrium, 1 at the high. None until the range is
    /// known and is wider than nothing.
    pub fn position(&self, price: f64) -> Option<f64> {
        let (low, high) = self.bounds()?;
        (high > low).then(|| (price - low) / (high - low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;

    #[test]
    fn trails_and_places_a_price() {
        let mut range = DealingRange::new();
        range.swing(&Pivot { kind: PivotKind::High, pos: 3, level: 20.0 });
        assert_eq!(range.position(15.0), None);
        range.swing(&Pivot { kind: PivotKind::Low, pos: 6, level: 10.0 });
        assert_eq!(range.position(15.0), Some(0.5));
        range.push(&Bar::new(Nanos::ZERO, 12.0, 30.0, 12.0, 30.0, 0.0).unwrap());
        assert_eq!(range.bounds(), Some((10.0, 30.0)));
        range.swing(&Pivot { kind: PivotKind::High, pos: 9, level: 18.0 });
        assert_eq!(range.bounds(), Some((10.0, 18.0)));
    }
}
