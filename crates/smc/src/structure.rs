//! Break of structure and change of character.
//!
//! A bar that closes beyond the last confirmed, unbroken swing breaks it, once. In the direction of
//! the trend (or without a trend yet) that is a break of structure, against it a change of
//! character; the trend is the direction of the last break. Known at the close of the breaking bar
//! and stamped there, not on the swing.

use crate::pivot::{Pivot, PivotKind};
use aegis_types::Side;
use serde::{Deserialize, Serialize};

/// A swing was broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    /// Direction of the break.
    pub side: Side,
    /// The swing's bar.
    pub pos: u32,
    /// The swing's price.
    pub level: f64,
    /// Against the trend.
    pub change_of_character: bool,
}

/// Swings that are not broken yet, and the trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Structure {
    high: Option<Pivot>,
    low: Option<Pivot>,
    trend: Option<Side>,
}

impl Structure {
    /// Nothing known.
    pub const fn new() -> Self {
        Self { high: None, low: None, trend: None }
    }

    /// A swing was confirmed: it is the one to break now.
    #[inline]
    pub fn swing(&mut self, pivot: &Pivot) {
        match pivot.kind {
            PivotKind::High => self.high = Some(*pivot),
            PivotKind::Low => self.low = Some(*pivot),
        }
    }

    /// Reads a close.
    #[inline]
    pub fn push(&mut self, close: f64) -> Option<Break> {
        let (side, pivot) = if let Some(pivot) = self.high.take_if(|high| close > high.level) {
            (Side::Buy, pivot)
        } else if let Some(pivot) = self.low.take_if(|low| close < low.level) {
            (Side::Sell, pivot)
        } else {
            return None;
        };
        let change_of_character = self.trend.is_some_and(|trend| trend != side);
        self.trend = Some(side);
        Some(Break { side, pos: pivot.pos, level: pivot.level, change_of_character })
    }

    /// The direction of the last break.
    #[inline]
    pub const fn trend(&self) -> Option<Side> {
        self.trend
    }

    /// The last confirmed swing high that no close has broken.
    pub const fn unbroken_high(&self) -> Option<Pivot> {
        self.high
    }

    /// The last confirmed swing low that no close has broken.
    pub const fn unbroken_low(&self) -> Option<Pivot> {
        self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_once_and_turns_the_trend() {
        let mut structure = Structure::new();
        structure.swing(&Pivot { kind: PivotKind::High, pos: 1, level: 10.0 });
        structure.swing(&Pivot { kind: PivotKind::Low, pos: 2, level: 5.0 });
        assert_eq!(structure.push(10.0), None, "at the level is not beyond it");
        let up = structure.push(10.1).unwrap();
        assert_eq!((up.side, up.pos, up.change_of_character), (Side::Buy, 1, false));
        assert_eq!(structure.push(11.0), None, "broken once");
        let down = structure.push(4.0).unwrap();
        assert_eq!((down.side, down.change_of_character), (Side::Sell, true));
        assert_eq!(structure.trend(), Some(Side::Sell));
    }
}
