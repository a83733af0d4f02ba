//! What a data file holds, by its name, and which columns that has.

use crate::archive::{INTERVALS, Series};
use aegis_types::exchange_name;
use std::path::Path;

/// Endings of data files.
const ENDINGS: [&str; 5] = [".csv.gz", ".csv.zip", ".csv", ".zip", ".gz"];

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    /// Exchange name of its symbol.
    pub symbol: String,
    /// The kind of data.
    pub series: Series,
    /// Candle length, for candles.
    pub interval: Option<&'static str>,
}

impl Content {
    /// What a file holds by its name, and by its folder where files of several series have one
    /// name: `SYMBOL-1m…`, `markPriceKlines/SYMBOL-1m…`, `SYMBOL-mark8h…`, `SYMBOL-funding…`,
    /// `SYMBOL-aggTrades…`. `None` when they do not tell.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
        let (symbol, rest) = stem.split_once('-')?;
        let symbol = exchange_name(symbol);
        let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(2..=24).contains(&symbol.len()) || !symbol.bytes().all(ok) {
            return None;
        }
        let what = rest.split(['-', '_', '.']).next().unwrap_or(rest);
        let length = |text: &str| INTERVALS.into_iter().find(|interval| *interval == text);
        if let Some(interval) = length(what) {
            let series = folders(path).find_map(Series::parse).filter(|s| s.has_interval());
            let series = series.unwrap_or(Series::Klines);
            return Some(Self { symbol, series, interval: Some(interval) });
        }
        if let Some(interval) = what.strip_prefix("mark").and_then(length) {
            let series = Series::MarkPriceKlines;
            return Some(Self { symbol, series, interval: Some(interval) });
        }
        let series = match Series::parse(what) {
            Some(series) if !series.has_interval() => series,
            None if what.starts_with("funding") => Series::FundingRate,
            _ => return None,
        };
        Some(Self { symbol, series, interval: None })
    }

    /// The columns of its rows.
    pub(crate) fn columns(&self) -> &'static [Column] {
        match self.series {
            Series::Klines => &CANDLES,
            Series::MarkPriceKlines | Series::IndexPriceKlines => &PRICE_CANDLES,
            Series::PremiumIndexKlines => &PREMIUM_CANDLES,
            Series::FundingRate => &FUNDING,
            Series::AggTrades => &AGG_TRADES,
            Series::Trades => &TRADES,
            Series::BookTicker => &BOOK_TICKER,
            Series::BookDepth => &BOOK_DEPTH,
            Series::Metrics => &METRICS,
        }
    }

    /// `klines 1m`, `aggTrades`.
    pub fn text(&self) -> String {
        match self.interval {
            Some(interval) => format!("{} {interval}", self.series.name()),
            None => self.series.name().to_owned(),
        }
    }
}

/// Names of the folders that a file lies in, the nearest first.
fn folders(path: &Path) -> impl Iterator<Item = &str> {
    path.ancestors().skip(1).take(4).filter_map(|folder| folder.file_name()?.to_str())
}

/// What may stand in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A time: ms or µs since the epoch, or text.
    Time,
    /// A price above zero, exact to 1e-8.
    Price,
    /// A finite number of either sign.
    Signed,
    /// A finite number from zero on.
    Amount,
    /// A whole number from zero on.
    Id,
    /// `true` or `false`.
    Flag,
    /// Anything.
    Text,
}

/// A column of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The archive's name of it.
    pub name: &'static str,
    /// Other names of it.
    pub also: &'static [&'static str],
    /// What may stand in it.
    pub cell: Cell,
    /// A row without it is none.
    pub needed: bool,
}

/// Every layout.
pub(crate) const LAYOUTS: [&[Column]; 9] = [
    &CANDLES,
    &PRICE_CANDLES,
    &PREMIUM_CANDLES,
    &FUNDING,
    &AGG_TRADES,
    &TRADES,
    &BOOK_TICKER,
    &BOOK_DEPTH,
    &METRICS,
];

/// Most columns of a layout.
pub(crate) const COLUMNS_MAX: usize = 11;

const fn needed(name: &'static str, cell: Cell) -> Column {
    Column { name, also: &[], cell, needed: true }
}

const fn optional(name: &'static str, cell: Cell) -> Column {
    Column { name, also: &[], cell, needed: false }
}

const fn named(name: &'static str, also: &'static [&'static str], cell: Cell) -> Column {
    Column { name, also, cell, needed: true }
}

const TIMES: &[&str] = &["time", "timestamp", "date", "datetime", "ts"];

/// Places of a candle's columns.
pub(crate) mod candle {
    pub const TIME: usize = 0;
    pub const OPEN: usize = 1;
    pub const CLOSE: usize = 4;
    pub const VOLUME: usize = 5;
    pub const CLOSE_TIME: usize = 6;
}

macro_rules! candles {
    ($price:expr, $volume:expr) => {
        [
            named("open_time", TIMES, Cell::Time),
            needed("open", $price),
            needed("high", $price),
            needed("low", $price),
            needed("close", $price),
            $volume,
            optional("close_time", Cell::Time),
            optional("quote_volume", Cell::Amount),
            optional("count", Cell::Amount),
            optional("taker_buy_volume", Cell::Amount),
            optional("taker_buy_quote_volume", Cell::Amount),
        ]
    };
}

static CANDLES: [Column; 11] = candles!(Cell::Price, needed("volume", Cell::Amount));
static PRICE_CANDLES: [Column; 11] = candles!(Cell::Price, optional("volume", Cell::Amount));
static PREMIUM_CANDLES: [Column; 11] = candles!(Cell::Signed, optional("volume", Cell::Amount));

/// Places of a settlement's columns.
pub(crate) mod funding {
    pub const TIME: usize = 0;
    pub const RATE: usize = 2;
}

static FUNDING: [Column; 3] = [
    named("calc_time", &["funding_time", "fundingtime", "time"], Cell::Time),
    optional("funding_interval_hours", Cell::Amount),
    named("last_funding_rate", &["funding_rate", "fundingrate", "rate"], Cell::Signed),
];

/// Places of a trade's columns, single or aggregate.
pub(crate) mod trade {
    pub const ID: usize = 0;
    pub const PRICE: usize = 1;
    pub const QTY: usize = 2;
    pub const FIRST: usize = 3;
    pub const LAST: usize = 4;
    pub const AGG_TIME: usize = 5;
    pub const TIME: usize = 4;
}

static AGG_TRADES: [Column; 7] = [
    named("agg_trade_id", &["id", "aggregate_trade_id"], Cell::Id),
    needed("price", Cell::Price),
    named("quantity", &["qty"], Cell::Amount),
    needed("first_trade_id", Cell::Id),
    needed("last_trade_id", Cell::Id),
    named("transact_time", &["time", "timestamp"], Cell::Time),
    needed("is_buyer_maker", Cell::Flag),
];

static TRADES: [Column; 6] = [
    named("id", &["trade_id"], Cell::Id),
    needed("price", Cell::Price),
    named("qty", &["quantity"], Cell::Amount),
    optional("quote_qty", Cell::Amount),
    named("time", &["timestamp"], Cell::Time),
    needed("is_buyer_maker", Cell::Flag),
];

/// Places of a best bid's and ask's columns.
pub(crate) mod book {
    pub const ID: usize = 0;
    pub const BID: usize = 1;
    pub const BID_QTY: usize = 2;
    pub const ASK: usize = 3;
    pub const TIME: usize = 5;
}

static BOOK_TICKER: [Column; 7] = [
    needed("update_id", Cell::Id),
    needed("best_bid_price", Cell::Price),
    needed("best_bid_qty", Cell::Amount),
    needed("best_ask_price", Cell::Price),
    needed("best_ask_qty", Cell::Amount),
    needed("transaction_time", Cell::Time),
    optional("event_time", Cell::Time),
];

static BOOK_DEPTH: [Column; 4] = [
    named("timestamp", TIMES, Cell::Time),
    needed("percentage", Cell::Signed),
    needed("depth", Cell::Amount),
    needed("notional", Cell::Amount),
];

/// Place of the symbol in a row of metrics.
pub(crate) const METRICS_SYMBOL: usize = 1;

static METRICS: [Column; 8] = [
    named("create_time", TIMES, Cell::Time),
    needed("symbol", Cell::Text),
    optional("sum_open_interest", Cell::Amount),
    optional("sum_open_interest_value", Cell::Amount),
    optional("count_toptrader_long_short_ratio", Cell::Amount),
    optional("sum_toptrader_long_short_ratio", Cell::Amount),
    optional("count_long_short_ratio", Cell::Amount),
    optional("sum_taker_long_short_vol_ratio", Cell::Amount),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_tell_what_is_inside() {
        let of =
            |path: &str| Content::of(Path::new(path)).map(|c| format!("{} {}", c.symbol, c.text()));
        for (path, content) in [
            ("BTCUSDT-1m-2025-05.csv.gz", "BTCUSDT klines 1m"),
            ("x/markPriceKlines/BTCUSDT-1m-2025-05.zip", "BTCUSDT markPriceKlines 1m"),
            (
                "premiumIndexKlines/BTCUSDT/1h/BTCUSDT-1h-2025-05.zip",
                "BTCUSDT premiumIndexKlines 1h",
            ),
            ("trades/BTCUSDT-1m.csv", "BTCUSDT klines 1m"),
            ("BTCUSDT-mark8h-2025-05.csv.gz", "BTCUSDT markPriceKlines 8h"),
            ("BTCUSDT-funding-2025-05.csv.gz", "BTCUSDT fundingRate"),
            ("BTCUSDT-trades-20240808.csv.gz", "BTCUSDT trades"),
            ("ETHUSDT-aggTrades-2025-05-01.zip", "ETHUSDT aggTrades"),
            ("ETHUSDT-1mo-2025-05.zip", "ETHUSDT klines 1mo"),
        ] {
            assert_eq!(of(path).as_deref(), Some(content), "{path}");
        }
        for path in ["README.md", "BTCUSDT-1m.zip.part", "BTCUSDT-1m.zip.CHECKSUM", "BTCUSDT.csv"] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
