//! Zones of price with a life: gaps and order blocks.

use serde::{Deserialize, Serialize};

/// How far a zone has been used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ZoneState {
    /// Never touched since it formed.
    #[default]
    Fresh,
    /// Its near edge was touched.
    Touched,
    /// Its middle was reached (gaps only).
    Halved,
    /// Its far edge was reached; it holds nothing any more.
    Filled,
}

/// A zone as the side that it speaks for sees it ([`crate::View`]): `near` is above `far`, and
/// price comes down to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// The edge that price meets first.
    pub near: f64,
    /// The edge behind which the zone is void.
    pub far: f64,
    /// The bar that it is about.
    pub pos: u32,
    /// The bar at whose close it became known.
    pub formed: u32,
    /// How far it has been used up.
    pub state: ZoneState,
    /// The number that its event told: size of a gap in ATR, volume of a block.
    pub amount: f64,
    /// Of a block: the swing that made it had taken liquidity, so it turns into a breaker when it
    /// is broken (else into a mitigation block).
    pub swept: bool,
}

impl Zone {
    /// Half-way between the edges. Each is halved first: their sum could be too large for a float.
    #[inline]
    pub fn middle(&self) -> f64 {
        self.near * 0.5 + self.far * 0.5
    }

    /// The price whose reach changes a gap's state next.
    #[inline]
    pub(crate) fn next_price(&self) -> f64 {
        match self.state {
            ZoneState::Fresh => self.near,
            ZoneState::Touched => self.middle(),
            ZoneState::Halved | ZoneState::Filled => self.far,
        }
    }

    /// The price whose touch changes the zone's state next.
    #[inline]
    pub(crate) fn next_edge(&self) -> f64 {
        if self.state == ZoneState::Fresh { self.near } else { self.far }
    }
}
