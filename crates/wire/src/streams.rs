//! Stream names: what they carry, on which route, how often.
//!
//! A stream subscribed on a wrong route opens and stays silent, so the route is part of the table.

use crate::intervals::Interval;
use core::fmt;

/// The three ways into the stream hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Order book streams.
    Public,
    /// Trades, candles, prices.
    Market,
    /// User data.
    Private,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::Market, Self::Private];

    /// As written in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Market => "market",
            Self::Private => "private",
        }
    }

    /// From an address.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == text)
    }
}

/// Contract types that continuous candles are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContractType {
    /// Without an end.
    Perpetual,
    /// Ends this quarter.
    CurrentQuarter,
    /// Ends next quarter.
    NextQuarter,
    /// Perpetual contracts on what is not a coin.
    TradifiPerpetual,
}

impl ContractType {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Perpetual, Self::CurrentQuarter, Self::NextQuarter, Self::TradifiPerpetual];

    /// As parameters write it; streams write it in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Perpetual => "PERPETUAL",
            Self::CurrentQuarter => "CURRENT_QUARTER",
            Self::NextQuarter => "NEXT_QUARTER",
            Self::TradifiPerpetual => "TRADIFI_PERPETUAL",
        }
    }

    /// As streams write it.
    pub const fn stream_name(self) -> &'static str {
        match self {
            Self::Perpetual => "perpetual",
            Self::CurrentQuarter => "current_quarter",
            Self::NextQuarter => "next_quarter",
            Self::TradifiPerpetual => "tradifi_perpetual",
        }
    }

    /// From a parameter or a stream, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contract| contract.name().eq_ignore_ascii_case(text))
    }
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// `aggTrade`: executions by taker order and price.
    AggTrade,
    /// `trade`: executions; not documented for futures, still sent.
    Trade,
    /// `bookTicker`: best bid and ask.
    BookTicker,
    /// `depth`: changed levels.
    Depth {
        /// Milliseconds between updates: 100, 250 or 500; 0 for every change.
        speed_ms: u16,
    },
    /// `depth5`, `depth10`, `depth20`: the best levels, whole.
    PartialDepth {
        /// Levels a side: 5, 10 or 20.
        levels: u8,
        /// Milliseconds between updates: 100, 250 or 500; 0 for every change.
        speed_ms: u16,
    },
    /// `rpiDepth`: changed levels with retail price improvement orders.
    RpiDepth,
    /// `kline`: the candle under way.
    Kline(Interval),
    /// `continuousKline`: the candle under way of a pair and contract type.
    ContinuousKline(ContractType, Interval),
    /// `markPrice`: mark, index and funding.
    MarkPrice {
        /// Every second instead of every three.
        fast: bool,
    },
    /// `ticker`: the last 24 hours.
    Ticker,
    /// `miniTicker`: the last 24 hours, short.
    MiniTicker,
    /// `forceOrder`: liquidations.
    ForceOrder,
    /// `compositeIndex`: the parts of an index.
    CompositeIndex,
    /// `!contractInfo`: listings, delistings, brackets.
    ContractInfo,
    /// `!assetIndex@arr`: prices of collateral.
    AssetIndex,
}

/// A stream by name.
///
/// ```
/// use aegis_wire::streams::{Route, Stream, StreamKind};
/// let stream = Stream::parse("btcusdt@depth20@100ms").ok_or("a stream")?;
/// assert_eq!(stream.symbol, Some("btcusdt"));
/// assert_eq!(stream.kind, StreamKind::PartialDepth { levels: 20, speed_ms: 100 });
/// assert_eq!(stream.kind.route(), Route::Public);
/// assert_eq!(stream.to_string(), "btcusdt@depth20@100ms");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream<'a> {
    /// Symbol (pair, for continuous candles) as written in the name: lower case; none when the
    /// stream is of all symbols.
    pub symbol: Option<&'a str>,
    /// What it carries.
    pub kind: StreamKind,
}

impl StreamKind {
    /// The route that carries it.
    pub const fn route(self) -> Route {
        match self {
            Self::Trade
            | Self::BookTicker
            | Self::Depth { .. }
            | Self::PartialDepth { .. }
            | Self::RpiDepth => Route::Public,
            _ => Route::Market,
        }
    }

    /// Milliseconds between two messages of one symbol (of all symbols, where `all`) at most; 0
    /// when each event is sent.
    pub const fn speed_ms(self, all: bool) -> u16 {
        match self {
            Self::AggTrade => 100,
            Self::BookTicker if all => 5_000,
            Self::Trade | Self::BookTicker | Self::ContractInfo => 0,
            Self::Depth { speed_ms } | Self::PartialDepth { speed_ms, .. } => speed_ms,
            Self::RpiDepth => 500,
            Self::Kline(_) | Self::ContinuousKline(..) => 250,
            Self::MarkPrice { fast: true } => 1_000,
            Self::MarkPrice { fast: false } => 3_000,
            Self::Ticker | Self::MiniTicker if !all => 2_000,
            Self::Ticker | Self::MiniTicker => 1_000,
            Self::ForceOrder | Self::CompositeIndex | Self::AssetIndex => 1_000,
        }
    }

    /// The value of `e` in its payload.
    pub const fn event(self) -> &'static str {
        match self {
            Self::AggTrade => "aggTrade",
            Self::Trade => "trade",
            Self::BookTicker => "bookTicker",
            Self::Depth { .. } | Self::PartialDepth { .. } | Self::RpiDepth => "depthUpdate",
            Self::Kline(_) => "kline",
            Self::ContinuousKline(..) => "continuous_kline",
            Self::MarkPrice { .. } => "markPriceUpdate",
            Self::Ticker => "24hrTicker",
            Self::MiniTicker => "24hrMiniTicker",
            Self::ForceOrder => "forceOrder",
            Self::CompositeIndex => "compositeIndex",
            Self::ContractInfo => "contractInfo",
            Self::AssetIndex => "assetIndexUpdate",
        }
    }

    /// A stream of all symbols sends a list of payloads, not one.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::MarkPrice { .. } | Self::Ticker | Self::MiniTicker | Self::AssetIndex)
    }
}

impl<'a> Stream<'a> {
    /// From a name as it is subscribed. Upper-case symbols are not names of streams: the exchange
    /// takes them and stays silent.
    pub fn parse(name: &'a str) -> Option<Self> {
        let Some(all) = name.strip_prefix('!') else {
            let (symbol, what) = name.split_once('@')?;
            let odd = |c: char| c.is_ascii_uppercase() || c.is_ascii_control() || c == ' ';
            if symbol.is_empty() || symbol.contains(odd) {
                return None;
            }
            return of_symbol(symbol, what);
        };
        let kind = match all {
            "bookTicker" => StreamKind::BookTicker,
            "contractInfo" => StreamKind::ContractInfo,
            "markPrice@arr" => StreamKind::MarkPrice { fast: false },
            "markPrice@arr@1s" => StreamKind::MarkPrice { fast: true },
            "ticker@arr" => StreamKind::Ticker,
            "miniTicker@arr" => StreamKind::MiniTicker,
            "forceOrder@arr" => StreamKind::ForceOrder,
            "assetIndex@arr" => StreamKind::AssetIndex,
            _ => return None,
        };
        Some(Self { symbol: None, kind })
    }
}

fn of_symbol<'a>(symbol: &'a str, what: &str) -> Option<Stream<'a>> {
    let one = |kind| Some(Stream { symbol: Some(symbol), kind });
    if let Some(interval) = what.strip_prefix("kline_") {
        let interval = Interval::parse(interval).filter(|i| *i != Interval::S1)?;
        return one(StreamKind::Kline(interval));
    }
    if let Some(interval) = what.strip_prefix("continuousKline_") {
        let (pair, contract) = symbol.split_once('_')?;
        let contract = ContractType::ALL.into_iter().find(|c| c.stream_name() == contract)?;
        let kind = StreamKind::ContinuousKline(contract, Interval::parse(interval)?);
        return (!pair.is_empty()).then_some(Stream { symbol: Some(pair), kind });
    }
    if let Some(rest) = what.strip_prefix("depth") {
        let (levels, speed) = match rest.split_once('@') {
            Some((levels, speed)) => (levels, Some(speed)),
            None => (rest, None),
        };
        let speed_ms = match speed {
            None | Some("250ms") => 250,
            Some("100ms") => 100,
            Some("500ms") => 500,
            Some("0ms") => 0, // every change; not documented, and what recordings are made of
            Some(_) => return None,
        };
        return match levels {
            "" => one(StreamKind::Depth { speed_ms }),
            "5" => one(StreamKind::PartialDepth { levels: 5, speed_ms }),
            "10" => one(StreamKind::PartialDepth { levels: 10, speed_ms }),
            "20" => one(StreamKind::PartialDepth { levels: 20, speed_ms }),
            _ => None,
        };
    }
    one(match what {
        "aggTrade" => StreamKind::AggTrade,
        "trade" => StreamKind::Trade,
        "bookTicker" => StreamKind::BookTicker,
        "rpiDepth@500ms" => StreamKind::RpiDepth,
        "markPrice" | "markPrice@3s" => StreamKind::MarkPrice { fast: false },
        "markPrice@1s" => StreamKind::MarkPrice { fast: true },
        "ticker" => StreamKind::Ticker,
        "miniTicker" => StreamKind::MiniTicker,
        "forceOrder" => StreamKind::ForceOrder,
        "compositeIndex" => StreamKind::CompositeIndex,
        _ => return None,
    })
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let speed = |f: &mut fmt::Formatter<'_>, ms: u16| match ms {
            250 => Ok(()), // the one that needs no name
            ms => write!(f, "@{ms}ms"),
        };
        match *self {
            Self::AggTrade => f.write_str("aggTrade"),
            Self::Trade => f.write_str("trade"),
            Self::BookTicker => f.write_str("bookTicker"),
            Self::Depth { speed_ms } => f.write_str("depth").and_then(|()| speed(f, speed_ms)),
            Self::PartialDepth { levels, speed_ms } => {
                write!(f, "depth{levels}")?;
                speed(f, speed_ms)
            }
            Self::RpiDepth => f.write_str("rpiDepth@500ms"),
            Self::Kline(interval) => write!(f, "kline_{}", interval.name()),
            Self::ContinuousKline(_, interval) => write!(f, "continuousKline_{}", interval.name()),
            Self::MarkPrice { fast: false } => f.write_str("markPrice"),
            Self::MarkPrice { fast: true } => f.write_str("markPrice@1s"),
            Self::Ticker => f.write_str("ticker"),
            Self::MiniTicker => f.write_str("miniTicker"),
            Self::ForceOrder => f.write_str("forceOrder"),
            Self::CompositeIndex => f.write_str("compositeIndex"),
            Self::ContractInfo => f.write_str("contractInfo"),
            Self::AssetIndex => f.write_str("assetIndex"),
        }
    }
}

impl fmt::Display for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.symbol, self.kind) {
            (Some(pair), StreamKind::ContinuousKline(contract, _)) => {
                write!(f, "{pair}_{}@{}", contract.stream_name(), self.kind)
            }
            (Some(symbol), kind) => write!(f, "{symbol}@{kind}"),
            (None, StreamKind::MarkPrice { fast: true }) => f.write_str("!markPrice@arr@1s"),
            (None, StreamKind::BookTicker | StreamKind::ContractInfo) => {
                write!(f, "!{}", self.kind)
            }
            (None, kind) => write!(f, "!{kind}@arr"),
        }
    }
}
