//! Live sources: an exchange's streams and candles, past the data firewall, into the ring.
//!
//! ```text
//! sockets ─ channel ─ frame ─> intake ─ lane (candles) ────┬─ firewall ─> ring
//!    │                           └─ conflator (quotes) ────┘
//!    └ lost, back ─> lanes: gap, then candles by REST (past, fills ─ rest)
//! ```

mod names;

pub mod conflate;
pub mod lane;

pub mod admission;
pub mod intake;

pub mod fills;
pub mod past;

pub mod plan;
pub mod sockets;
pub mod universe;

pub mod course;

mod channel;
mod pump;
mod rest;

pub use pump::Live;

use aegis_data::FirewallConfig;
use aegis_types::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Candles of one minute as REST answers them, in order.
pub type Rows = Vec<lane::Bar>;

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Which market streams of a symbol are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Streams {
    /// Candles of one minute alone: for an exchange that says that it derives book and trades from
    /// them. Their order in the ring is the order of arrival.
    Klines,
    /// Candles, best bid and ask, mark price and trades.
    All,
}

/// How long a stream may be silent, by the machine's clock, before it counts as dead; 0 for ever,
/// as where the exchange is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A symbol's candles. They come at least once a minute.
    pub candle_ms: u32,
    /// A symbol's mark price. It comes once a second.
    pub mark_ms: u32,
    /// All streams of a connection together.
    pub socket_ms: u32,
}

impl Silence {
    /// No watch: a stepped exchange is silent for as long as it is not stepped.
    pub const NEVER: Self = Self { candle_ms: 0, mark_ms: 0, socket_ms: 0 };
}

impl Default for Silence {
    fn default() -> Self {
        Self { candle_ms: 150_000, mark_ms: 15_000, socket_ms: 20_000 }
    }
}

/// Where live facts come from; part of a session's manifest. The symbols are the session's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `local`, `testnet` or `binance`.
    pub venue: String,
    /// REST base, without a slash at the end.
    pub rest: String,
    /// Base of the streams, without a slash at the end; a route follows.
    pub stream_base: String,
    /// What is listened to.
    pub streams: Streams,
    /// Closed candles from here on are fetched before the first live fact, ms since the epoch.
    pub history_from_ms: i64,
    /// Window in which book, mark and trades of a symbol are conflated; 0 is off.
    pub conflation_ms: u32,
    /// How often the exchange's list of symbols is asked for again, by the machine's clock; 0 is
    /// never.
    pub universe_refresh_ms: u64,
    /// Most weight of requests a minute that the feed may use: its share of the address's.
    pub weight_minute: u32,
    /// When a stream counts as dead.
    pub silence: Silence,
    /// Limits of the data firewall.
    pub firewall: FirewallConfig,
}

impl Source {
    /// Does the exchange wait for us? A watch for silence would make no sense there.
    pub fn is_stepped(&self) -> bool {
        self.silence == Silence::NEVER
    }
}

/// How a live source fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveReport {
    /// Messages taken from the streams.
    pub frames: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Messages of symbols that are not the session's.
    pub unknown: u64,
    /// Books, marks and trades that newer ones replaced.
    pub conflated: u64,
    /// Closed candles that came again.
    pub duplicates: u64,
    /// Closed candles that came too late.
    pub late: u64,
    /// Gaps told.
    pub gaps: u64,
    /// Connections of streams.
    pub connections: u64,
    /// How often one was lost.
    pub lost_connections: u64,
    /// Questions by REST.
    pub requests: u64,
    /// Questions without a usable answer.
    pub failed_requests: u64,
    /// Holes filled by REST.
    pub filled: u64,
    /// Newest market time heard, ms since the epoch.
    pub market_ms: i64,
    /// Symbols that have left the universe, and why.
    pub left: BTreeMap<String, String>,
    /// Symbols that have come; they join at the next start.
    pub arrived: Vec<String>,
}

/// The receive stamp of an instant of the monotonic clock.
const fn stamp(now: Nanos) -> u32 {
    (now.0 / 1_000) as u32
}
