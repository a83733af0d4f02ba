//! Candles in, rows out: what `aegis indicators` and `aegis smc` share.

use crate::output;
use aegis_data::Bars;
use aegis_node::session::data_failure;
use aegis_node::{EXIT_OK, Failure};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

/// Why a command that writes rows ends early.
pub enum Stop {
    /// Stdout took no more.
    Stdout(io::Error),
    /// Anything else.
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Stdout(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The exit code: a reader that left early is no fault.
///
/// # Errors
/// Whatever else ended the writing.
pub fn exit(written: Result<(), Stop>) -> Result<i32, Failure> {
    match written {
        Ok(()) => Ok(EXIT_OK),
        Err(Stop::Stdout(error)) => output::refused(&error).map(|_| EXIT_OK),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// The candles of a file; `-` is standard input.
///
/// # Errors
/// Exit 1 with what is wrong with it.
pub fn bars(path: &Path) -> Result<Bars, Failure> {
    let bars = if path == Path::new("-") {
        Bars::stream("standard input", io::stdin())
    } else {
        Bars::open(path)
    };
    bars.map_err(data_failure)
}

/// Stdout for many lines. What is shown must be flushed before a wait.
pub fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A header and a line a row; no value is an empty cell.
    Csv,
    /// One array with an object a row; no value is null.
    Json,
}

/// Writes rows of numbers under named columns, `i` (the bar, from 0) before them.
pub struct Table<W> {
    to: W,
    form: Form,
    names: Vec<String>,
    line: Vec<u8>,
    rows: u64,
}

impl<W: Write> Table<W> {
    /// A table of these columns; a CSV header is written with the first row or at the end.
    pub fn new(to: W, form: Form, names: Vec<String>) -> Self {
        Self { to, form, names, line: Vec::new(), rows: 0 }
    }

    /// One row; a cell for each column.
    pub fn row(&mut self, i: u32, cells: &[Option<f64>]) -> io::Result<()> {
        self.begin();
        self.rows += 1;
        match self.form {
            Form::Csv => self.csv(i, cells)?,
            Form::Json => self.json(i, cells)?,
        }
        self.to.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    fn csv(&mut self, i: u32, cells: &[Option<f64>]) -> io::Result<()> {
        write!(self.line, "{i}")?;
        for cell in cells {
            self.line.push(b',');
            if let Some(value) = cell {
                number(&mut self.line, *value)?;
            }
        }
        self.line.push(b'\n');
        Ok(())
    }

    fn json(&mut self, i: u32, cells: &[Option<f64>]) -> io::Result<()> {
        write!(self.line, "{{\"i\":{i}")?;
        for (name, cell) in self.names.iter().zip(cells) {
            write!(self.line, ",\"{name}\":")?;
            match cell {
                Some(value) => number(&mut self.line, *value)?,
                None => self.line.extend_from_slice(b"null"),
            }
        }
        self.line.push(b'}');
        Ok(())
    }

    /// What stands before a row.
    fn begin(&mut self) {
        let text = match (self.form, self.rows) {
            (Form::Csv, 0) => format!("i,{}\n", self.names.join(",")),
            (Form::Csv, _) => return,
            (Form::Json, 0) => "[\n".to_owned(),
            (Form::Json, _) => ",\n".to_owned(),
        };
        self.line.extend_from_slice(text.as_bytes());
    }

    /// Shows what was written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// What stands after the last row.
    pub fn finish(mut self) -> io::Result<()> {
        if self.rows == 0 {
            self.begin();
        }
        if self.form == Form::Json {
            let end: &[u8] = if self.rows == 0 { b"]\n" } else { b"\n]\n" };
            self.line.extend_from_slice(end);
        }
        self.to.write_all(&self.line)?;
        self.to.flush()
    }
}

/// The shortest text that reads back as the same float, as Python and pandas write it: `98.0`,
/// `0.3906`, `1e-05`, `1e+16`. A number that is none has no text: `null`, which no caller hands in.
pub fn number(to: &mut impl Write, value: f64) -> io::Result<()> {
    let size = value.abs();
    if !value.is_finite() {
        return to.write_all(b"null");
    }
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) =
            exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return write!(to, "{digits}e{sign}{exponent:0>2}");
    }
    // Of two shortest texts at one distance it takes the even one, as Python does and `Display`
    // does not.
    Ok(serde_json::to_writer(to, &value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut text = Vec::new();
        number(&mut text, value).expect("a Vec takes everything");
        String::from_utf8(text).expect("ASCII")
    }

    #[test]
    fn floats_as_python_writes_them() {
        for (value, expected) in [
            (98.0, "98.0"),
            (-1.0, "-1.0"),
            (-0.0, "-0.0"),
            (97.233_673_095_703_12, "97.23367309570312"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (0.390_599_995_851_516_7, "0.3905999958515167"),
            (0.0001, "0.0001"),
            (0.00009, "9e-05"),
            (-6.818e-5, "-6.818e-05"),
            (1e-300, "1e-300"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    fn table(form: Form, rows: &[(u32, [Option<f64>; 2])]) -> String {
        let mut bytes = Vec::new();
        let mut table = Table::new(&mut bytes, form, vec!["a".into(), "b".into()]);
        for (i, cells) in rows {
            table.row(*i, cells).expect("a Vec takes everything");
        }
        table.finish().expect("a Vec takes everything");
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn rows_as_csv_and_json() {
        let rows = [(0, [None, Some(1.0)]), (7, [Some(0.5), None])];
        assert_eq!(table(Form::Csv, &rows), "i,a,b\n0,,1.0\n7,0.5,\n");
        assert_eq!(
            table(Form::Json, &rows),
            "[\n{\"i\":0,\"a\":null,\"b\":1.0},\n{\"i\":7,\"a\":0.5,\"b\":null}\n]\n"
        );
        assert_eq!(table(Form::Csv, &[]), "i,a,b\n");
        assert_eq!(table(Form::Json, &[]), "[\n]\n");
    }
}
