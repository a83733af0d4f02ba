//! The rows of one symbol: its files one after the other, judged by the firewall.

use crate::error::DataError;
use crate::firewall::Firewall;
use crate::lines::Lines;
use crate::refusals::Refusals;
use crate::row::{self, Row, RowFault};
use aegis_types::{Nanos, SymbolId};
use std::path::{Path, PathBuf};

/// Reads the rows of one symbol in file order; one file is open at a time.
pub(crate) struct Rows {
    symbol: SymbolId,
    files: std::vec::IntoIter<PathBuf>,
    open: Option<Lines>,
    first_row: bool,
}

impl Rows {
    /// Nothing is opened before the first row is asked for.
    pub(crate) fn new(symbol: SymbolId, files: Vec<PathBuf>) -> Self {
        Self { symbol, files: files.into_iter(), open: None, first_row: true }
    }

    /// The next row that the firewall admits; refused ones are counted.
    pub(crate) fn next(
        &mut self,
        firewall: &mut Firewall,
        refusals: &mut Refusals,
    ) -> Result<Option<Row>, DataError> {
        loop {
            let Some(lines) = &mut self.open else {
                let Some(path) = self.files.next() else { return Ok(None) };
                self.open = Some(Lines::open(&path)?);
                self.first_row = true;
                continue;
            };
            let Some(range) = lines.advance()? else {
                self.open = None;
                continue;
            };
            let text = lines.text(range);
            if lines.number() == 1 && row::is_header(lines.path(), text)? || text.is_empty() {
                continue;
            }
            let place = || format!("{}:{}", lines.path().display(), lines.number());
            match row::parse(text) {
                Ok(row) => {
                    if self.first_row {
                        row::check_span(lines.path(), lines.number(), &row, text)?;
                        self.first_row = false;
                    }
                    match firewall.admit(&row.candle(self.symbol)) {
                        Ok(()) => return Ok(Some(row)),
                        Err(r) => refusals.add(self.symbol, r.reason, place, || r.to_string()),
                    }
                }
                Err(RowFault::Refused(reason)) => {
                    let detail = || format!("{reason}: {}", String::from_utf8_lossy(text));
                    refusals.add(self.symbol, reason, place, detail);
                }
                Err(RowFault::Bad(column, why)) => {
                    return Err(row::error(lines.path(), lines.number(), column, why));
                }
            }
        }
    }
}

/// The open time of a file's first row, to put the files of a symbol in order; `None` when it has
/// no row.
pub(crate) fn first_time(path: &Path) -> Result<Option<Nanos>, DataError> {
    let mut lines = Lines::open(path)?;
    while let Some(range) = lines.advance()? {
        let text = lines.text(range);
        if lines.number() == 1 && row::is_header(path, text)? || text.is_empty() {
            continue;
        }
        match row::parse(text) {
            Ok(row) => return Ok(Some(row.open_time)),
            Err(RowFault::Refused(_)) => {}
            Err(RowFault::Bad(column, why)) => {
                return Err(row::error(path, lines.number(), column, why));
            }
        }
    }
    Ok(None)
}
