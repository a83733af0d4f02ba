//! The frames of the market streams, as the exchange sends them (field letters in brackets).
//!
//! Times are milliseconds since the epoch, UTC. Prices and quantities are exact; candle volumes are
//! floats, because a day's volume of a cheap coin does not fit in fixed point and only indicators
//! read it. Every type also derives `Deserialize`: that reader is slow and is the oracle of
//! [`crate::scan`].

use aegis_types::{Px, Qty, Rate};
use serde::Deserialize;

/// One payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Frame<'a> {
    /// `trade`: one execution (undocumented for futures, still sent).
    Trade(Trade<'a>),
    /// `aggTrade`: the executions of one taker order at one price.
    AggTrade(AggTrade<'a>),
    /// `bookTicker`: best bid and ask.
    BookTicker(BookTicker<'a>),
    /// `kline`: the candle under way, or closed.
    Kline(Kline<'a>),
    /// `markPriceUpdate`: mark, index and funding.
    MarkPrice(MarkPrice<'a>),
    /// `depthUpdate`: changed levels; they are in the buffer given to the scan.
    Depth(Depth<'a>),
    /// Anything else: another event of the venue, or an answer to a subscription (no event name).
    /// Well-formed JSON, not looked into.
    Other {
        /// The value of `e`, if there is one.
        event: Option<&'a str>,
    },
}

/// `trade`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Trade<'a> {
    /// Event time (`E`).
    #[serde(rename = "E")]
    pub event_ms: i64,
    /// Trade time (`T`).
    #[serde(rename = "T")]
    pub time_ms: i64,
    /// Symbol (`s`).
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Trade id (`t`).
    #[serde(rename = "t")]
    pub id: u64,
    /// Price (`p`).
    #[serde(rename = "p", deserialize_with = "crate::oracle::px")]
    pub px: Px,
    /// Base quantity (`q`).
    #[serde(rename = "q", deserialize_with = "crate::oracle::qty")]
    pub qty: Qty,
    /// `MARKET`, or what else made the execution (`X`): `INSURANCE_FUND`, `ADL`, `NA`.
    #[serde(rename = "X", default)]
    pub origin: Option<&'a str>,
    /// The buyer's order was resting: the aggressor sold (`m`).
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// `aggTrade`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct AggTrade<'a> {
    /// Event time (`E`).
    #[serde(rename = "E")]
    pub event_ms: i64,
    /// Trade time (`T`).
    #[serde(rename = "T")]
    pub time_ms: i64,
    /// Symbol (`s`).
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Aggregate id (`a`).
    #[serde(rename = "a")]
    pub id: u64,
    /// First trade id (`f`).
    #[serde(rename = "f")]
    pub first_id: u64,
    /// Last trade id (`l`).
    #[serde(rename = "l")]
    pub last_id: u64,
    /// Price (`p`).
    #[serde(rename = "p", deserialize_with = "crate::oracle::px")]
    pub px: Px,
    /// Base quantity, retail price improvement included (`q`).
    #[serde(rename = "q", deserialize_with = "crate::oracle::qty")]
    pub qty: Qty,
    /// Base quantity without retail price improvement (`nq`, since 2025-12-29).
    #[serde(rename = "nq", default, deserialize_with = "crate::oracle::qty_opt")]
    pub qty_normal: Option<Qty>,
    /// The buyer's order was resting: the aggressor sold (`m`).
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// `bookTicker`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct BookTicker<'a> {
    /// Event time (`E`).
    #[serde(rename = "E")]
    pub event_ms: i64,
    /// Transaction time (`T`).
    #[serde(rename = "T")]
    pub time_ms: i64,
    /// Symbol (`s`).
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Update id of the book (`u`).
    #[serde(rename = "u")]
    pub update_id: u64,
    /// Best bid (`b`).
    #[serde(rename = "b", deserialize_with = "crate::oracle::px")]
    pub bid: Px,
    /// Quantity at the best bid (`B`).
    #[serde(rename = "B", deserialize_with = "crate::oracle::qty")]
    pub bid_qty: Qty,
    /// Best ask (`a`).
    #[serde(rename = "a", deserialize_with = "crate::oracle::px")]
    pub ask: Px,
    /// Quantity at the best ask (`A`).
    #[serde(rename = "A", deserialize_with = "crate::oracle::qty")]
    pub ask_qty: Qty,
}

/// `kline`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Kline<'a> {
    /// Event time (`E`).
    #[serde(rename = "E")]
    pub event_ms: i64,
    /// Symbol (`s`).
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// The candle (`k`).
    #[serde(rename = "k", borrow)]
    pub bar: KlineBar<'a>,
}

/// The candle inside a `kline`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct KlineBar<'a> {
    /// First instant (`t`).
    #[serde(rename = "t")]
    pub open_ms: i64,
    /// Last millisecond (`T`): open + interval − 1.
    #[serde(rename = "T")]
    pub close_ms: i64,
    /// Interval (`i`): `1m`, `5m`, …
    #[serde(rename = "i")]
    pub interval: &'a str,
    /// First price (`o`).
    #[serde(rename = "o", deserialize_with = "crate::oracle::px")]
    pub open: Px,
    /// Highest price (`h`).
    #[serde(rename = "h", deserialize_with = "crate::oracle::px")]
    pub high: Px,
    /// Lowest price (`l`).
    #[serde(rename = "l", deserialize_with = "crate::oracle::px")]
    pub low: Px,
    /// Last price (`c`).
    #[serde(rename = "c", deserialize_with = "crate::oracle::px")]
    pub close: Px,
    /// Volume in base units (`v`).
    #[serde(rename = "v", deserialize_with = "crate::oracle::float")]
    pub volume: f64,
    /// Volume in quote units (`q`).
    #[serde(rename = "q", deserialize_with = "crate::oracle::float")]
    pub quote_volume: f64,
    /// Base volume bought by takers (`V`).
    #[serde(rename = "V", deserialize_with = "crate::oracle::float")]
    pub taker_buy_volume: f64,
    /// Quote volume bought by takers (`Q`).
    #[serde(rename = "Q", deserialize_with = "crate::oracle::float")]
    pub taker_buy_quote_volume: f64,
    /// Number of trades (`n`).
    #[serde(rename = "n")]
    pub trades: u64,
    /// Closed (`x`): the only close signal there is.
    #[serde(rename = "x")]
    pub closed: bool,
}

/// `markPriceUpdate`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct MarkPrice<'a> {
    /// Event time (`E`).
    #[serde(rename = "E")]
    pub event_ms: i64,
    /// Symbol (`s`).
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Mark price (`p`).
    #[serde(rename = "p", deserialize_with = "crate::oracle::px")]
    pub mark: Px,
    /// Moving average of the mark price (`ap`, since 2026-03-16).
    #[serde(rename = "ap", default, deserialize_with = "crate::oracle::px_opt")]
    pub mark_average: Option<Px>,
    /// Index price (`i`).
    #[serde(rename = "i", deserialize_with = "crate::oracle::px")]
    pub index: Px,
    /// Estimated settlement price (`P`); meaningful in the hour before settlement only.
    #[serde(rename = "P", default, deserialize_with = "crate::oracle::px_opt")]
    pub settle: Option<Px>,
    /// Funding rate to be charged at `next_funding_ms` (`r`); none for delivery contracts, which
    /// send an empty text.
    #[serde(rename = "r", deserialize_with = "crate::oracle::rate_or_empty")]
    pub rate: Option<Rate>,
    /// Time of the next funding (`T`).
    #[serde(rename = "T")]
    pub next_funding_ms: i64,
}

/// `depthUpdate`, without the levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth<'a> {
    /// Event time (`E`).
    pub event_ms: i64,
    /// Transaction time (`T`).
    pub time_ms: i64,
    /// Symbol (`s`).
    pub symbol: &'a str,
    /// First update id in the event (`U`).
    pub first_id: u64,
    /// Last update id in the event (`u`).
    pub last_id: u64,
    /// Last update id of the event before (`pu`); the chain is whole when it equals that `u`.
    pub previous_id: u64,
}

/// The answer of `GET /fapi/v1/depth`, without the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Message time (`E`).
    pub event_ms: i64,
    /// Transaction time (`T`).
    pub time_ms: i64,
    /// Update id that the levels correspond to.
    pub last_update_id: u64,
}
