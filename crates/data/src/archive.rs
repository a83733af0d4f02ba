//! The layout of the exchange's public archive: which series there are, in files of which periods,
//! under which names.
//!
//! ```text
//! BASE/data/futures/um/{daily|monthly}/SERIES/SYMBOL[/INTERVAL]/
//!     SYMBOL-{INTERVAL|SERIES}-YYYY-MM[-DD].zip        one CSV
//!     SYMBOL-{INTERVAL|SERIES}-YYYY-MM[-DD].zip.CHECKSUM   as sha256sum prints it
//! ```

use aegis_types::Nanos;
use std::fmt;
use std::path::{Path, PathBuf};

/// The archive's folder of USDⓈ-M futures.
const MARKET: &str = "data/futures/um";

/// A kind of data in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Candles of trades.
    Klines,
    /// Candles of the mark price.
    MarkPriceKlines,
    /// Candles of the index price.
    IndexPriceKlines,
    /// Candles of the premium index.
    PremiumIndexKlines,
    /// Funding settlements.
    FundingRate,
    /// Trades, those of one taker order at one price as one.
    AggTrades,
    /// Single trades.
    Trades,
    /// Best bid and ask, every change.
    BookTicker,
    /// Depth within bands around the price.
    BookDepth,
    /// Open interest and long/short ratios.
    Metrics,
}

impl Series {
    /// All, those that a backtest reads first.
    pub const ALL: [Self; 10] = [
        Self::Klines,
        Self::FundingRate,
        Self::MarkPriceKlines,
        Self::IndexPriceKlines,
        Self::PremiumIndexKlines,
        Self::AggTrades,
        Self::Trades,
        Self::BookTicker,
        Self::BookDepth,
        Self::Metrics,
    ];

    /// The archive's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Klines => "klines",
            Self::MarkPriceKlines => "markPriceKlines",
            Self::IndexPriceKlines => "indexPriceKlines",
            Self::PremiumIndexKlines => "premiumIndexKlines",
            Self::FundingRate => "fundingRate",
            Self::AggTrades => "aggTrades",
            Self::Trades => "trades",
            Self::BookTicker => "bookTicker",
            Self::BookDepth => "bookDepth",
            Self::Metrics => "metrics",
        }
    }

    /// A series by its name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|series| series.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Are there files for each candle length?
    pub const fn has_interval(self) -> bool {
        matches!(
            self,
            Self::Klines
                | Self::MarkPriceKlines
                | Self::IndexPriceKlines
                | Self::PremiumIndexKlines
        )
    }

    /// Are there files of single days?
    pub const fn is_daily(self) -> bool {
        !matches!(self, Self::FundingRate)
    }

    /// Are there files of whole months?
    pub const fn is_monthly(self) -> bool {
        !matches!(self, Self::BookDepth | Self::Metrics)
    }

    /// Are rows numbered without a hole?
    pub(crate) const fn has_every_id(self) -> bool {
        matches!(self, Self::AggTrades | Self::Trades)
    }

    /// Candles and funding lie where `--data` finds them; each other series has a folder of its
    /// own, because the archive gives files of different series the same name.
    pub(crate) fn folder(self, out: &Path) -> PathBuf {
        match self {
            Self::Klines | Self::FundingRate => out.to_path_buf(),
            other => out.join(other.name()),
        }
    }
}

/// The candle lengths that the archive has. A month is `1mo`, for file systems that do not know
/// capitals.
pub const INTERVALS: [&str; 15] =
    ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1mo"];

/// The archive's spelling of a candle length.
pub fn interval(written: &str) -> Option<&'static str> {
    let written = written.trim();
    let written = if written == "1M" { "1mo" } else { written };
    INTERVALS.into_iter().find(|known| *known == written)
}

/// The length of a candle; `None` for a month, which has no fixed one.
pub(crate) fn interval_span(interval: &str) -> Option<Nanos> {
    let split = interval.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = interval[..split].parse().ok()?;
    let unit = match &interval[split..] {
        "m" => Nanos::MINUTE,
        "h" => Nanos::HOUR,
        "d" => Nanos::DAY,
        "w" => Nanos::DAY.times(7),
        _ => return None,
    };
    Some(unit.times(number))
}

/// A day of the civil calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

impl Date {
    /// The day of an instant.
    pub fn of(at: Nanos) -> Self {
        Self { days: at.0.div_euclid(Nanos::DAY.0) }
    }

    /// Its midnight.
    pub fn start(self) -> Nanos {
        Nanos::DAY.times(self.days)
    }

    /// The day `days` later.
    pub const fn plus(self, days: i64) -> Self {
        Self { days: self.days + days }
    }

    /// The first Monday from this day on.
    fn monday(self) -> Self {
        // 1970-01-01 was a Thursday.
        self.plus((4 - self.days).rem_euclid(7))
    }

    /// Its month.
    pub fn month(self) -> Month {
        let (year, month, ..) = self.start().civil();
        Month { year, month }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, ..) = self.start().civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A month of the civil calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i64,
    month: u32,
}

impl Month {
    /// Its first day.
    pub fn first(self) -> Date {
        Date::of(Nanos::from_civil(self.year, self.month, 1))
    }

    /// Its last day.
    pub fn last(self) -> Date {
        self.next().first().plus(-1)
    }

    /// The month after it.
    pub const fn next(self) -> Self {
        match self {
            Self { year, month: 12 } => Self { year: year + 1, month: 1 },
            Self { year, month } => Self { year, month: month + 1 },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// The days that one file of the archive covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A whole month.
    Month(Month),
    /// A single day.
    Day(Date),
}

impl Period {
    /// Reads `YYYY-MM` or `YYYY-MM-DD`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let expected =
            || format!("`{text}` is no month and no day; expected YYYY-MM or YYYY-MM-DD");
        let whole = if text.len() == 7 { format!("{text}-01") } else { text.to_owned() };
        let dashed = whole.len() == 10 && whole.bytes().filter(|b| *b == b'-').count() == 2;
        let at = if dashed { crate::time::parse_time(&whole).ok() } else { None };
        let date = Date::of(at.ok_or_else(expected)?);
        // The exchange is younger, and a year such as 0205 is a slip.
        if date.start() < Nanos::from_civil(2000, 1, 1) {
            return Err(expected());
        }
        Ok(if text.len() == 7 { Self::Month(date.month()) } else { Self::Day(date) })
    }

    /// Its first day.
    pub fn first(self) -> Date {
        match self {
            Self::Month(month) => month.first(),
            Self::Day(day) => day,
        }
    }

    /// From this day on its file should be there: a day's file appears in the course of the next
    /// day, a month's on the first Monday after it.
    pub fn due(self) -> Date {
        match self {
            Self::Month(month) => month.next().first().monday().plus(1),
            Self::Day(day) => day.plus(2),
        }
    }

    /// Its last day.
    pub fn last(self) -> Date {
        match self {
            Self::Month(month) => month.last(),
            Self::Day(day) => day,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Day(day) => day.fmt(f),
        }
    }
}

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchiveFile {
    /// Exchange name of its symbol.
    pub symbol: String,
    /// What it holds.
    pub series: Series,
    /// Candle length, for candles.
    pub interval: Option<&'static str>,
    /// The days it covers.
    pub period: Period,
}

impl ArchiveFile {
    /// Its name, `BTCUSDT-1m-2025-05.zip`.
    pub fn name(&self) -> String {
        let what = self.interval.unwrap_or(self.series.name());
        format!("{}-{what}-{}.zip", self.symbol, self.period)
    }

    /// Its path below the base address.
    pub fn path(&self) -> String {
        let every = match self.period {
            Period::Month(_) => "monthly",
            Period::Day(_) => "daily",
        };
        let (series, symbol, name) = (self.series.name(), &self.symbol, self.name());
        match self.interval {
            Some(interval) => format!("{MARKET}/{every}/{series}/{symbol}/{interval}/{name}"),
            None => format!("{MARKET}/{every}/{series}/{symbol}/{name}"),
        }
    }

    /// The same series in a file of another period.
    pub(crate) fn of(&self, period: Period) -> Self {
        Self { period, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_archives_names() {
        let file = |series, interval, period| {
            let period = Period::parse(period).expect("a period");
            ArchiveFile { symbol: "BTCUSDT".to_owned(), series, interval, period }.path()
        };
        assert_eq!(
            file(Series::Klines, Some("1m"), "2025-05"),
            "data/futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-05.zip"
        );
        assert_eq!(
            file(Series::MarkPriceKlines, interval("1M"), "2025-05-04"),
            "data/futures/um/daily/markPriceKlines/BTCUSDT/1mo/BTCUSDT-1mo-2025-05-04.zip"
        );
        assert_eq!(
            file(Series::FundingRate, None, "2025-05"),
            "data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-05.zip"
        );
        assert_eq!(
            file(Series::AggTrades, None, "2024-02-29"),
            "data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02-29.zip"
        );
    }

    #[test]
    fn months_and_days_are_those_of_the_calendar() {
        let last = |text| Period::parse(text).expect("a period").last().to_string();
        assert_eq!(last("2024-02"), "2024-02-29");
        assert_eq!(last("2025-02"), "2025-02-28");
        assert_eq!(last("2025-12"), "2025-12-31");
        assert_eq!(last("2025-12-05"), "2025-12-05");
        let due = |text| Period::parse(text).expect("a period").due().to_string();
        // 2025-06-02 and 2025-09-01 were Mondays.
        assert_eq!((due("2025-05"), due("2025-08")), ("2025-06-03".into(), "2025-09-02".into()));
        assert_eq!(due("2025-05-30"), "2025-06-01");
        for wrong in ["", "2025", "2025-13", "2025-02-30", "May", "2025-5", "0205-05", "20250504"] {
            assert!(Period::parse(wrong).unwrap_err().contains("YYYY-MM"), "{wrong}");
        }
    }

    #[test]
    fn names_are_understood_in_any_case_and_lengths_are_not() {
        assert_eq!(Series::parse("aggtrades"), Some(Series::AggTrades));
        assert_eq!(Series::parse("candles"), None);
        assert_eq!((interval("1m"), interval("1M")), (Some("1m"), Some("1mo")));
        assert_eq!((interval("1H"), interval("7m")), (None, None));
        assert_eq!(interval_span("4h"), Some(Nanos::HOUR.times(4)));
        assert_eq!(interval_span("1mo"), None);
    }
}
