//! Rows of any data file, cell by cell; what cannot be is told with its place, and reading goes on.

use crate::content::{COLUMNS_MAX, Cell, Column};
use crate::error::DataError;
use crate::lines::Lines;
use crate::number::{self, Fault};
use crate::problem::Problem;
use crate::row;
use crate::time;
use std::io::Read;
use std::path::Path;

/// A row: what stands in each column of its layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// Times in nanoseconds, prices in 1e-8, ids and flags as they are.
    pub raw: [i64; COLUMNS_MAX],
    /// Prices and amounts as floats.
    pub real: [f64; COLUMNS_MAX],
    /// Decimals as written, without trailing zeros.
    pub decimals: [u8; COLUMNS_MAX],
    /// Bit `n`: column `n` has a value.
    given: u16,
    /// What stands in the layout's text column.
    pub text: String,
}

impl Record {
    /// Has this column a value?
    pub(crate) const fn has(&self, column: usize) -> bool {
        self.given & (1 << column) != 0
    }
}

/// Why a line is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub problem: Problem,
    pub detail: String,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Row,
    Refused(Refused),
}

/// Reads the rows of one file.
pub(crate) struct Records {
    lines: Lines,
    columns: &'static [Column],
    /// Place in the layout for each place in the file.
    places: Vec<Option<usize>>,
    /// The row last read.
    pub record: Record,
    started: bool,
}

impl Records {
    pub(crate) fn open(path: &Path, columns: &'static [Column]) -> Result<Self, DataError> {
        let places = (0..columns.len()).map(Some).collect();
        let lines = Lines::open(path)?;
        Ok(Self { lines, columns, places, record: Record::default(), started: false })
    }

    /// Reads what is in memory already, under the name of `path`.
    pub(crate) fn stream(
        path: &Path,
        input: impl Read + Send + 'static,
        columns: &'static [Column],
    ) -> Result<Self, DataError> {
        let places = (0..columns.len()).map(Some).collect();
        let lines = Lines::stream(path, input)?;
        Ok(Self { lines, columns, places, record: Record::default(), started: false })
    }

    /// Number of the line last read, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// The next line that is meant to be a row.
    pub(crate) fn next(&mut self) -> Result<Option<Item>, DataError> {
        loop {
            let Some(range) = self.lines.advance()? else { return Ok(None) };
            let text = self.lines.text(range);
            if text.trim_ascii().is_empty() {
                continue;
            }
            if !std::mem::replace(&mut self.started, true) {
                if is_header(text) {
                    let header = String::from_utf8_lossy(text).to_ascii_lowercase();
                    self.places = places(self.columns, &header)
                        .map_err(|why| DataError::at(self.lines.path(), 1, None, why, LAYOUT))?;
                    continue;
                }
                // Without a header, a row of as many fields as are needed leaves out the others.
                let needed = (0..self.columns.len()).filter(|i| self.columns[*i].needed);
                if text.split(|b| *b == b',').count() == needed.clone().count() {
                    self.places = needed.map(Some).collect();
                }
            }
            let record = &mut self.record;
            return Ok(Some(match parse(self.columns, &self.places, text, record) {
                Ok(()) => Item::Row,
                Err(refused) => Item::Refused(refused),
            }));
        }
    }
}

const LAYOUT: &str = "the name must say what is inside (SYMBOL-1m…, SYMBOL-aggTrades…), in the \
                      exchange's columns";

/// A row begins with a number or a time, a header with a name.
fn is_header(line: &[u8]) -> bool {
    !line.iter().find(|b| !matches!(b, b'"' | b' ')).is_some_and(u8::is_ascii_digit)
}

fn places(columns: &[Column], header: &str) -> Result<Vec<Option<usize>>, String> {
    let names: Vec<&str> =
        header.split(',').map(|name| name.trim().trim_matches('"').trim()).collect();
    let place = |name: &&str| {
        columns.iter().position(|column| column.name == *name || column.also.contains(name))
    };
    let places: Vec<Option<usize>> = names.iter().map(place).collect();
    for (index, column) in columns.iter().enumerate() {
        let found = places.iter().filter(|place| **place == Some(index)).count();
        let shown: String = names.join(",").chars().take(100).collect();
        if found == 0 && column.needed {
            return Err(format!("the header `{shown}` has no column `{}`", column.name));
        }
        if found > 1 {
            return Err(format!("the header `{shown}` names `{}` twice", column.name));
        }
    }
    Ok(places)
}

fn parse(
    columns: &[Column],
    places: &[Option<usize>],
    line: &[u8],
    record: &mut Record,
) -> Result<(), Refused> {
    *record = Record { text: std::mem::take(&mut record.text), ..Record::default() };
    let fields = line.split(|b| *b == b',');
    for (place, field) in places.iter().zip(fields) {
        let Some(index) = *place else { continue };
        let column = &columns[index];
        let field = number::trimmed(field);
        if field.is_empty() && !column.needed {
            continue;
        }
        cell(column, index, field, record)?;
        record.given |= 1 << index;
    }
    for (index, column) in columns.iter().enumerate() {
        if column.needed && !record.has(index) {
            let detail = format!("the row ends before `{}`", column.name);
            return Err(Refused { problem: Problem::BadRow, detail });
        }
    }
    Ok(())
}

fn cell(column: &Column, index: usize, field: &[u8], record: &mut Record) -> Result<(), Refused> {
    let refuse = |problem: Problem| {
        let shown: String = String::from_utf8_lossy(field)
            .chars()
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .take(40)
            .collect();
        Err(Refused { problem, detail: format!("{} is `{shown}`", column.name) })
    };
    match column.cell {
        Cell::Time => match read_time(field) {
            Some(at) => record.raw[index] = at,
            None => return refuse(Problem::BadRow),
        },
        Cell::Price => match price(field) {
            Ok((raw, decimals)) if raw > 0 => {
                record.raw[index] = raw;
                record.real[index] = raw as f64 / 1e8;
                record.decimals[index] = decimals;
            }
            Ok(_) => return refuse(Problem::NotPositive),
            Err(problem) => return refuse(problem),
        },
        Cell::Signed | Cell::Amount => match number::general_float(field) {
            Ok(value) if !value.is_finite() => return refuse(Problem::NotFinite),
            Ok(value) if value < 0.0 && column.cell == Cell::Amount => {
                return refuse(Problem::Negative);
            }
            Ok(value) => {
                record.real[index] = value;
                record.decimals[index] = match number::plain(field, 0) {
                    Some(plain) => plain.significant_decimals(),
                    None => number::general(field, true).map_or(0, row::decimals),
                };
            }
            Err(_) => return refuse(Problem::BadRow),
        },
        Cell::Id => match number::plain(field, 0).filter(|plain| plain.decimals == 0) {
            Some(plain) => record.raw[index] = plain.mantissa as i64,
            None => return refuse(Problem::BadRow),
        },
        Cell::Flag => match field.to_ascii_lowercase().as_slice() {
            b"true" | b"false" => record.raw[index] = i64::from(field[0] | 0x20 == b't'),
            _ => return refuse(Problem::BadRow),
        },
        Cell::Text => record.text = String::from_utf8_lossy(field).into_owned(),
    }
    Ok(())
}

fn read_time(field: &[u8]) -> Option<i64> {
    if let Some(plain) = number::plain(field, 0).filter(|plain| plain.decimals == 0) {
        return time::epoch(plain.mantissa).ok().map(|at| at.0);
    }
    time::parse_time(std::str::from_utf8(field).ok()?).ok().map(|at| at.0)
}

fn price(field: &[u8]) -> Result<(i64, u8), Problem> {
    if let Some(plain) = number::plain(field, 0)
        && let Some(raw) = plain.raw()
    {
        return Ok((raw, plain.significant_decimals()));
    }
    match number::general(field, false) {
        Ok(raw) => Ok((raw, row::decimals(raw))),
        Err(Fault::NotANumber) => Err(Problem::BadRow),
        Err(Fault::Refused(crate::Reason::NonFinite)) => Err(Problem::NotFinite),
        Err(Fault::Refused(_)) => Err(Problem::OutOfRange),
    }
}
