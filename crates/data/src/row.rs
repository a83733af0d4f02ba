//! One row of a 1m candle file: `open_time,open,high,low,close,volume[,close_time,…]`.

use crate::error::DataError;
use crate::firewall::Reason;
use crate::number::{self, Fault};
use crate::time;
use aegis_types::{Nanos, Px, SymbolId, Tick, TickBody};
use std::path::Path;

/// The columns that are read; more may follow and are ignored.
pub(crate) const COLUMNS: [&str; 6] = ["open_time", "open", "high", "low", "close", "volume"];

const LAYOUT: &str = "expected the exchange's 1m layout \
                      open_time,open,high,low,close,volume[,close_time,…]";

/// A parsed row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub open_time: Nanos,
    pub open: Px,
    pub high: Px,
    pub low: Px,
    pub close: Px,
    pub volume: f64,
    /// Decimals of the volume as written, without trailing zeros.
    pub volume_decimals: u8,
}

impl Row {
    pub(crate) fn close_time(&self) -> Nanos {
        self.open_time.after(Nanos::MINUTE)
    }

    /// The tick at the row's end.
    #[inline]
    pub(crate) fn candle(&self, symbol: SymbolId) -> Tick {
        let Self { open, high, low, close, volume, .. } = *self;
        let body = TickBody::Candle { open, high, low, close, volume };
        Tick { symbol, derived: false, at: self.close_time(), received_us: 0, body }
    }
}

/// Why a line is not a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowFault {
    /// A number that cannot be true: the firewall counts it.
    Refused(Reason),
    /// Not a row at all: column from 1 and why.
    Bad(usize, String),
}

/// Parses one line.
#[inline]
pub(crate) fn parse(line: &[u8]) -> Result<Row, RowFault> {
    let (open_time, at) = open_time(line)?;
    let (open, at) = price(line, at, 2)?;
    let (high, at) = price(line, at, 3)?;
    let (low, at) = price(line, at, 4)?;
    let (close, at) = price(line, at, 5)?;
    let (volume, volume_decimals) = volume(line, at)?;
    Ok(Row { open_time, open, high, low, close, volume, volume_decimals })
}

#[inline]
fn open_time(line: &[u8]) -> Result<(Nanos, usize), RowFault> {
    if let Some(plain) = number::plain(line, 0)
        && plain.decimals == 0
    {
        let at = time::epoch(plain.mantissa).map_err(|why| RowFault::Bad(1, why))?;
        return Ok((at, next(line, plain.end, 2)?));
    }
    let (text, end) = field(line, 0);
    let text = String::from_utf8_lossy(text);
    let at = time::parse_time(text.trim_matches('"')).map_err(|why| RowFault::Bad(1, why))?;
    Ok((at, next(line, end, 2)?))
}

#[inline]
fn price(line: &[u8], at: usize, column: usize) -> Result<(Px, usize), RowFault> {
    if let Some(plain) = number::plain(line, at)
        && let Some(raw) = plain.raw()
    {
        return Ok((Px::from_raw(raw), next(line, plain.end, column + 1)?));
    }
    let (text, end) = field(line, at);
    let raw = number::general(text, false).map_err(|fault| bad(fault, column, text))?;
    Ok((Px::from_raw(raw), next(line, end, column + 1)?))
}

#[inline]
fn volume(line: &[u8], at: usize) -> Result<(f64, u8), RowFault> {
    if let Some(plain) = number::plain(line, at)
        && let Some(volume) = plain.float()
    {
        return Ok((volume, plain.significant_decimals()));
    }
    let (text, _) = field(line, at);
    let volume = number::general_float(text).map_err(|fault| bad(fault, 6, text))?;
    let decimals = number::general(text, true).map_or(0, decimals);
    Ok((volume, decimals))
}

/// Start of the column after a field's end.
#[inline]
fn next(line: &[u8], end: usize, column: usize) -> Result<usize, RowFault> {
    if line.get(end) == Some(&b',') {
        return Ok(end + 1);
    }
    let why = format!("the row ends after {} columns, 6 are needed", column - 1);
    Err(RowFault::Bad(column, why))
}

fn field(line: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &line[at..];
    let length = rest.iter().position(|b| *b == b',').unwrap_or(rest.len());
    (&rest[..length], at + length)
}

fn bad(fault: Fault, column: usize, text: &[u8]) -> RowFault {
    match fault {
        Fault::Refused(reason) => RowFault::Refused(reason),
        Fault::NotANumber => {
            RowFault::Bad(column, format!("`{}` is not a number", String::from_utf8_lossy(text)))
        }
    }
}

/// Decimals of a 1e-8 number, without trailing zeros.
pub(crate) fn decimals(raw: i64) -> u8 {
    let mut grid = 100_000_000;
    let mut decimals = 0;
    while raw % grid != 0 {
        grid /= 10;
        decimals += 1;
    }
    decimals
}

/// Turns a bad line into an error with its place.
pub(crate) fn error(path: &Path, line: u64, column: usize, why: String) -> DataError {
    let name = COLUMNS.get(column - 1).copied().unwrap_or("volume");
    DataError::at(path, line, Some((column, name)), why, LAYOUT)
}

/// Checks the first line of a file: true when it is a header and not a row.
pub(crate) fn is_header(path: &Path, line: &[u8]) -> Result<bool, DataError> {
    let first = line.iter().find(|b| !matches!(b, b'"' | b' '));
    if first.is_some_and(u8::is_ascii_digit) {
        return Ok(false);
    }
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let mut names = text.split(',').map(|name| name.trim().trim_matches('"'));
    for (index, expected) in COLUMNS.iter().enumerate() {
        let name = names.next().unwrap_or("");
        let time = index == 0 && matches!(name, "time" | "timestamp" | "date" | "datetime" | "ts");
        if name != *expected && !time {
            let found = if name.is_empty() { "nothing" } else { name };
            let shown: String = found.chars().filter(|c| !c.is_control()).take(40).collect();
            let why = format!("the header says `{shown}` where `{expected}` belongs");
            return Err(error(path, 1, index + 1, why));
        }
    }
    Ok(true)
}

/// Refuses a file of another timeframe by the close time of its first row, if it has one.
pub(crate) fn check_span(path: &Path, line: u64, row: &Row, text: &[u8]) -> Result<(), DataError> {
    let Some(close) = text.split(|b| *b == b',').nth(6) else { return Ok(()) };
    let close = std::str::from_utf8(close).ok().and_then(|t| time::parse_time(t).ok());
    let Some(close) = close else { return Ok(()) };
    let span = close.since(row.open_time);
    if span > Nanos::MINUTE || span < Nanos::SECOND.times(59) {
        let why =
            format!("the row spans {} s, not one minute", (span.0 + 1_000_000) / 1_000_000_000);
        return Err(DataError::at(
            path,
            line,
            Some((7, "close_time")),
            why,
            "give 1m candles; longer candles are built from them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn px(text: &str) -> Px {
        text.parse().expect("a price")
    }

    #[test]
    fn the_exchanges_row() {
        let row = parse(b"1746372780000,95505.4,95505.5,95502.7,95502.8,16.536,1746372839999,,,,,");
        let row = row.expect("a row");
        assert_eq!(row.open_time, Nanos::from_millis(1_746_372_780_000));
        assert_eq!((row.open, row.high), (px("95505.4"), px("95505.5")));
        assert_eq!((row.low, row.close), (px("95502.7"), px("95502.8")));
        assert_eq!((row.volume, row.volume_decimals), (16.536, 3));
    }

    #[test]
    fn microseconds_text_times_exponents_and_trailing_zeros() {
        let plain = parse(b"1746372780000,0.00001,0.00002,0.00001,0.00001,1.50").expect("row");
        assert_eq!(plain.volume_decimals, 1);
        for line in [
            "1746372780000000,1e-05,2e-05,1E-5,0.000010,1.5",
            "2025-05-04 15:33:00,\"0.00001\", 0.00002,0.00001,0.00001,1.5",
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(plain), "{line}");
        }
    }

    #[test]
    fn bad_rows_name_their_column() {
        let bad = |line: &str| match parse(line.as_bytes()) {
            Err(RowFault::Bad(column, why)) => (column, why),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(bad("1746372780000,1,2").0, 4);
        assert_eq!(bad("1746372780000").0, 2);
        assert_eq!(bad("1746372780,1,2,1,1,1").0, 1);
        assert_eq!(bad("1746372780000,1,2,x,1,1"), (4, "`x` is not a number".into()));
        assert_eq!(bad("1746372780000,1,2,1,1,many").0, 6);
        for (line, reason) in [
            ("1746372780000,1,nan,1,1,1", Reason::NonFinite),
            ("1746372780000,1,,1,1,1", Reason::NonFinite),
            ("1746372780000,1,1e20,1,1,1", Reason::OutOfRange),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(RowFault::Refused(reason)), "{line}");
        }
    }
}
