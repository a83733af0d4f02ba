//! The readers of files on bytes that are already in memory, for whoever feeds them rubbish: what
//! comes from outside must end in rows or in an error, never in a panic.

use crate::content::LAYOUTS;
use crate::error::DataError;
use crate::import::Columns;
use crate::instruments::{InstrumentFile, parse_instruments};
use crate::lines::Lines;
use crate::records::Records;
use crate::row::{self, RowFault};
use crate::{Bars, TimeUnit};
use std::io::Cursor;
use std::path::Path;

/// Rows after which reading stops: a small archive may hold a great many.
const ROWS_MAX: usize = 4_096;

/// Reads a 1m candle file, plain, gzip or zip. How many rows were good and how many bad.
///
/// # Errors
/// As reading such a file.
pub fn candle_rows(bytes: Vec<u8>) -> Result<(usize, usize), DataError> {
    let path = Path::new("rubbish");
    let mut lines = Lines::stream(path, Cursor::new(bytes))?;
    let (mut good, mut bad) = (0, 0);
    while let Some(range) = lines.advance()? {
        if good + bad == ROWS_MAX {
            break;
        }
        let text = lines.text(range);
        if lines.number() == 1 && row::is_header(path, text)? || text.is_empty() {
            continue;
        }
        match row::parse(text) {
            Ok(row) => {
                // What a row is made into, and how it is judged first.
                let _ = row::check_span(path, lines.number(), &row, text);
                good += 1;
            }
            Err(RowFault::Refused(_) | RowFault::Bad(..)) => bad += 1,
        }
    }
    Ok((good, bad))
}

/// Reads a file of any layout of the public archive by its cells: candles, trades, funding and what
/// else there is, chosen by `layout`. Good and bad rows.
///
/// # Errors
/// As reading such a file.
pub fn cells(bytes: Vec<u8>, layout: usize) -> Result<(usize, usize), DataError> {
    let columns = LAYOUTS[layout % LAYOUTS.len()];
    let mut records = Records::stream(Path::new("rubbish"), Cursor::new(bytes), columns)?;
    let (mut good, mut bad) = (0, 0);
    while let Some(item) = records.next()? {
        if good + bad == ROWS_MAX {
            break;
        }
        match item {
            crate::records::Item::Row => good += 1,
            crate::records::Item::Refused(_) => bad += 1,
        }
    }
    Ok((good, bad))
}

/// Reads another program's candles. Good and bad rows.
pub fn import_rows(text: &str, unit: TimeUnit) -> (usize, usize) {
    let (mut columns, mut good, mut bad) = (None, 0, 0);
    for line in text.lines().take(ROWS_MAX) {
        let Some(known): &Option<Columns> = &columns else {
            columns = Columns::of(line, unit).ok().flatten();
            continue;
        };
        match known.row(line) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    (good, bad)
}

/// Reads a user's candle file of any timeframe. How many bars came before the end or the error.
pub fn bars(bytes: Vec<u8>) -> usize {
    let Ok(mut bars) = Bars::stream("rubbish", Cursor::new(bytes)) else { return 0 };
    let mut count = 0;
    while count < ROWS_MAX && matches!(bars.next(), Ok(Some(_))) {
        count += 1;
    }
    count
}

/// Reads instruments and brackets from a text.
///
/// # Errors
/// As [`read_instruments`](crate::read_instruments).
pub fn instruments(text: &str) -> Result<InstrumentFile, DataError> {
    parse_instruments(Path::new("rubbish"), text)
}
