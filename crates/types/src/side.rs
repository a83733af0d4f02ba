//! The two sides of a trade.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Buy or sell; of a position: long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Side {
    /// Buy; a long position.
    Buy = 0,
    /// Sell; a short position.
    Sell = 1,
}

impl Side {
    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for buy, −1 for sell.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// `BUY` or `SELL`, as orders are written.
    pub const fn order_name(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// `long` or `short`, as positions are written.
    pub const fn position_name(self) -> &'static str {
        match self {
            Self::Buy => "long",
            Self::Sell => "short",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.order_name())
    }
}
