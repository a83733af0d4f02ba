//! What travels through the ring: one market fact of one symbol in 56 bytes.
//!
//! ```text
//! word 0   symbol u16 | kind u8 | flags u8 | receive stamp µs u32
//! word 1   exchange time, ns since the epoch
//! word 2-6 five words by kind
//! ```

use crate::candle::Candle;
use crate::fixed::{Px, Qty, Rate};
use crate::symbol::SymbolId;
use crate::time::{Nanos, Timeframe};

/// A market fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// Whose fact it is.
    pub symbol: SymbolId,
    /// Set when the numbers were derived from candles and not seen in a book or a trade.
    pub derived: bool,
    /// Exchange (or data) time.
    pub at: Nanos,
    /// Low 32 bits of the feed's monotonic clock in µs when it handed the fact on. For measuring
    /// delays only: the brain reads and clears it, so that journals do not depend on it.
    pub received_us: u32,
    /// The fact.
    pub body: TickBody,
}

/// The kinds of market facts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TickBody {
    /// The first price of a new minute, and the funding settled at that instant, if any.
    Open {
        /// First price of the minute.
        px: Px,
        /// Funding rate charged at `at` on positions held before it.
        funding: Option<Rate>,
    },
    /// A whole 1m candle that has closed; `at` is its close time.
    Candle {
        /// First price.
        open: Px,
        /// Highest price.
        high: Px,
        /// Lowest price.
        low: Px,
        /// Last price.
        close: Px,
        /// Volume in base units.
        volume: f64,
    },
    /// Best bid and ask.
    Book {
        /// Best bid.
        bid: Px,
        /// Quantity at the best bid.
        bid_qty: Qty,
        /// Best ask.
        ask: Px,
        /// Quantity at the best ask.
        ask_qty: Qty,
        /// The book's update id.
        update_id: u64,
    },
    /// Mark price and the funding rate that is to be charged next.
    Mark {
        /// Mark price.
        mark: Px,
        /// Index price.
        index: Px,
        /// Rate that will be charged at `next_funding`.
        rate: Rate,
        /// When it will be charged.
        next_funding: Nanos,
    },
    /// A trade (or an aggregate of trades).
    Trade {
        /// Price.
        px: Px,
        /// Quantity.
        qty: Qty,
        /// Trade id.
        id: u64,
        /// The buyer's order was resting: the aggressor sold.
        buyer_is_maker: bool,
    },
    /// The source has no data for this symbol from `at` on, for a reason the feed logged.
    Gap {
        /// How many facts are missing, if known.
        missing: u64,
    },
    /// The recorded source has ended; no tick follows. The symbol is 0 and means nothing.
    End,
}

const FLAG_DERIVED: u8 = 1;
const FLAG_FUNDING: u8 = 2;
const FLAG_BUYER_MAKER: u8 = 4;

/// Words that are not a tick: the kind byte that nobody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind(pub u8);

impl core::fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "tick kind {} is not known to this version", self.0)
    }
}

impl core::error::Error for UnknownKind {}

#[inline]
const fn word(px: i64) -> u64 {
    px as u64
}

impl Tick {
    /// Packs the tick into the seven words of a ring slot.
    #[inline]
    pub fn to_words(&self) -> [u64; 7] {
        let mut flags = if self.derived { FLAG_DERIVED } else { 0 };
        let (kind, body): (u8, [u64; 5]) = match self.body {
            TickBody::Open { px, funding } => {
                if funding.is_some() {
                    flags |= FLAG_FUNDING;
                }
                (1, [word(px.raw()), word(funding.unwrap_or_default().raw()), 0, 0, 0])
            }
            TickBody::Candle { open, high, low, close, volume } => (
                2,
                [
                    word(open.raw()),
                    word(high.raw()),
                    word(low.raw()),
                    word(close.raw()),
                    volume.to_bits(),
                ],
            ),
            TickBody::Book { bid, bid_qty, ask, ask_qty, update_id } => (
                3,
                [
                    word(bid.raw()),
                    word(bid_qty.raw()),
                    word(ask.raw()),
                    word(ask_qty.raw()),
                    update_id,
                ],
            ),
            TickBody::Mark { mark, index, rate, next_funding } => (
                4,
                [word(mark.raw()), word(index.raw()), word(rate.raw()), word(next_funding.0), 0],
            ),
            TickBody::Trade { px, qty, id, buyer_is_maker } => {
                if buyer_is_maker {
                    flags |= FLAG_BUYER_MAKER;
                }
                (5, [word(px.raw()), word(qty.raw()), id, 0, 0])
            }
            TickBody::Gap { missing } => (6, [missing, 0, 0, 0, 0]),
            TickBody::End => (7, [0; 5]),
        };
        let head = u64::from(self.symbol.0)
            | u64::from(kind) << 16
            | u64::from(flags) << 24
            | u64::from(self.received_us) << 32;
        [head, word(self.at.0), body[0], body[1], body[2], body[3], body[4]]
    }

    /// Unpacks the words of a ring slot.
    ///
    /// # Errors
    /// [`UnknownKind`] when the kind byte is not one of ours.
    #[inline]
    pub fn from_words(words: &[u64; 7]) -> Result<Self, UnknownKind> {
        let [head, at, a, b, c, d, e] = *words;
        let flags = (head >> 24) as u8;
        let px = |w: u64| Px::from_raw(w as i64);
        let qty = |w: u64| Qty::from_raw(w as i64);
        let body = match (head >> 16) as u8 {
            1 => TickBody::Open {
                px: px(a),
                funding: (flags & FLAG_FUNDING != 0).then(|| Rate::from_raw(b as i64)),
            },
            2 => TickBody::Candle {
                open: px(a),
                high: px(b),
                low: px(c),
                close: px(d),
                volume: f64::from_bits(e),
            },
            3 => TickBody::Book {
                bid: px(a),
                bid_qty: qty(b),
                ask: px(c),
                ask_qty: qty(d),
                update_id: e,
            },
            4 => TickBody::Mark {
                mark: px(a),
                index: px(b),
                rate: Rate::from_raw(c as i64),
                next_funding: Nanos(d as i64),
            },
            5 => TickBody::Trade {
                px: px(a),
                qty: qty(b),
                id: c,
                buyer_is_maker: flags & FLAG_BUYER_MAKER != 0,
            },
            6 => TickBody::Gap { missing: a },
            7 => TickBody::End,
            kind => return Err(UnknownKind(kind)),
        };
        Ok(Self {
            symbol: SymbolId(head as u16),
            derived: flags & FLAG_DERIVED != 0,
            at: Nanos(at as i64),
            received_us: (head >> 32) as u32,
            body,
        })
    }

    /// The closed 1m candle that this tick carries, if it carries one.
    #[inline]
    pub fn candle(&self) -> Option<Candle> {
        match self.body {
            TickBody::Candle { open, high, low, close, volume } => Some(Candle {
                open_time: Nanos(self.at.0.saturating_sub(Nanos::MINUTE.0)),
                open,
                high,
                low,
                close,
                volume,
                symbol: self.symbol,
                missing_minutes: 0,
                timeframe: Timeframe::M1,
            }),
            _ => None,
        }
    }
}
