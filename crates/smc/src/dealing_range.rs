//! Dealing range: from the last swing low to the last swing high, trailing with new extremes.
//!
//! Its middle is equilibrium; below lies the discount, where longs are cheap, above the premium.
//! Known as soon as both a high and a low swing are confirmed. The half that the close lies in, of
//! the range at that close, is told when it is another than before; at equilibrium itself a close
//! stays where it was. Source: the LuxAlgo definition as described in its public documentation.

use crate::event::{Event, Kind, Of};
use crate::pivot::{Pivot, PivotKind};
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// The range now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DealingRange {
    high: Option<f64>,
    low: Option<f64>,
    /// The side for which the last close was cheap.
    cheap: Option<Side>,
}

impl DealingRange {
    /// No swing yet.
    pub const fn new() -> Self {
        Self { high: None, low: None, cheap: None }
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

    /// Tells when the close of bar `at` is in another half of the range than the one before.
    #[inline]
    pub fn judge(&mut self, at: u32, close: f64, out: &mut impl FnMut(Event)) {
        let Some(middle) = self.equilibrium() else { return };
        let side = match self.cheap {
            Some(Side::Buy) if close <= middle => return,
            Some(Side::Sell) if close >= middle => return,
            _ if close < middle => Side::Buy,
            _ if close > middle => Side::Sell,
            _ => return,
        };
        self.cheap = Some(side);
        out(Event::new(at, at, Kind::CheapHalf, side, middle, close).of(Of::Swing));
    }

    /// The side for which the last close was cheap; none until the range is known.
    pub const fn cheap(&self) -> Option<Side> {
        self.cheap
    }

    /// The middle of the range; none until it is known.
    #[inline]
    pub fn equilibrium(&self) -> Option<f64> {
        // Halved before they are added: the sum of two great prices might not be finite.
        Some(0.5 * self.low? + 0.5 * self.high?)
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
    use alloc::vec::Vec;

    #[test]
    fn tells_when_the_close_changes_halves() {
        let mut range = DealingRange::new();
        range.swing(&Pivot { kind: PivotKind::High, pos: 3, level: 20.0 });
        let mut seen = Vec::new();
        let mut judge = |range: &mut DealingRange, at, close| {
            range.judge(at, close, &mut |e| seen.push((e.at, e.side.unwrap(), e.level, e.far)));
        };
        judge(&mut range, 5, 12.0);
        range.swing(&Pivot { kind: PivotKind::Low, pos: 6, level: 10.0 });
        for (at, close) in [(8, 15.0), (9, 14.0), (10, 15.0), (11, 16.0), (12, 17.0)] {
            judge(&mut range, at, close);
        }
        assert_eq!(range.cheap(), Some(Side::Sell));
        range.swing(&Pivot { kind: PivotKind::High, pos: 9, level: 30.0 });
        judge(&mut range, 13, 17.0);
        let (buy, sell) = (Side::Buy, Side::Sell);
        assert_eq!(seen, [(9, buy, 15.0, 14.0), (11, sell, 15.0, 16.0), (13, buy, 20.0, 17.0)]);
    }

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
