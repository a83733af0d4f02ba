//! Displacement: a candle that shows intent.
//!
//! Bullish: body at least `body_atr` times the ATR before the bar, body at least `body_share` of
//! the range, close in the top `close_share` of the range. Known at its own close. Bearish
//! mirrored. The ATR of the bar before is used, so that the candle is measured against what was
//! normal.

use crate::view::View;
use serde::{Deserialize, Serialize};

/// Parameters of [`Displacement`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisplacementParams {
    /// Least body, in ATR.
    pub body_atr: f64,
    /// Least body over range.
    pub body_share: f64,
    /// The close lies within this share of the range from its extreme.
    pub close_share: f64,
}

impl Default for DisplacementParams {
    fn default() -> Self {
        Self { body_atr: 1.5, body_share: 0.6, close_share: 0.25 }
    }
}

/// The rule itself; it has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Displacement {
    params: DisplacementParams,
}

impl Displacement {
    /// With these thresholds.
    pub const fn new(params: DisplacementParams) -> Self {
        Self { params }
    }

    /// Is this bar a displacement for the side that sees it so, with `atr` before it?
    #[inline]
    pub fn push(&self, bar: View, atr: f64) -> bool {
        let body = bar.close - bar.open;
        let range = bar.high - bar.low;
        body > 0.0
            && body >= self.params.body_atr * atr
            && body >= self.params.body_share * range
            && bar.high - bar.close <= self.params.close_share * range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_body_share_and_close_at_the_extreme() {
        let rule = Displacement::new(DisplacementParams::default());
        let bar = |open, high, low, close| View { open, high, low, close };
        assert!(rule.push(bar(10.0, 12.0, 10.0, 12.0), 1.0));
        assert!(!rule.push(bar(10.0, 11.4, 10.0, 11.4), 1.0), "body below 1.5 ATR");
        assert!(!rule.push(bar(10.0, 12.8, 10.0, 12.0), 1.0), "close away from the extreme");
        assert!(!rule.push(bar(10.0, 12.0, 8.0, 12.0), 1.0), "body half of the range");
        assert!(!rule.push(bar(12.0, 12.0, 10.0, 10.0), 1.0), "the other direction");
        assert!(!rule.push(bar(10.0, 10.0, 10.0, 10.0), 0.0), "a flat bar");
    }
}
