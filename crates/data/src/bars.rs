//! A user's candle file to bars: any timeframe, any market, any prices that are finite.
//!
//! Three layouts, told apart by the first line: a header with the names in any order (as many more
//! columns as there are, in any case), the exchange's rows with that header, and those rows without
//! one. Times are ms or µs since the epoch, or `YYYY-MM-DD[ T]HH:MM:SS` in UTC. Numbers become
//! floats directly, never by way of `Px`: what its grid cannot hold is a fair price to a detector.
//!
//! Nothing is refused in silence and nothing is repaired: the first line that cannot be true ends
//! the reading with its place.

use crate::error::DataError;
use crate::lines::Lines;
use crate::number::{self, Fault};
use crate::time;
use aegis_types::{Bar, Nanos};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a column holds, in the order of a row without header.
const ROLES: [&str; 6] = ["time", "open", "high", "low", "close", "volume"];
const TIME: usize = 0;
const HIGH: usize = 2;
const LOW: usize = 3;

/// Names by which other programs call a column; of several present, the first here is read.
const TIMES: [&str; 7] =
    ["open_time", "time", "timestamp", "datetime", "date", "opentime", "open time"];
const VOLUMES: [&str; 5] = ["volume", "vol", "tick_volume", "tickvolume", "tickvol"];

/// Reads bars from a file, oldest first, in memory that does not grow with its length.
pub struct Bars {
    lines: Lines,
    columns: Columns,
    /// Time of the bar last returned.
    last: Option<Nanos>,
    line: u64,
}

/// Which column holds what.
struct Columns {
    /// For each column up to the last one needed, the role or none.
    roles: Vec<Option<usize>>,
    /// Columns of the header; any number without one.
    width: usize,
}

impl Columns {
    fn of_rows() -> Self {
        Self { roles: (0..ROLES.len()).map(Some).collect(), width: usize::MAX }
    }

    /// Column from 1 of a role.
    fn number(&self, role: usize) -> usize {
        self.roles.iter().position(|r| *r == Some(role)).map_or(role + 1, |index| index + 1)
    }
}

impl Bars {
    /// Opens a plain, gzip or zip file; its first bytes say which it is.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read, is a zip of several files, or has a header without one
    /// of the columns `time open high low close volume`.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Self::new(Lines::open(path)?))
    }

    /// Reads a stream, such as standard input, that errors call `name`. Every bar is returned as
    /// soon as its line has come. A zip on a stream is held in memory, packed.
    ///
    /// # Errors
    /// As [`Bars::open`].
    pub fn stream(name: &str, input: impl Read + Send + 'static) -> Result<Self, DataError> {
        Ok(Self::new(Lines::stream(&PathBuf::from(name), input)?))
    }

    fn new(lines: Lines) -> Self {
        Self { lines, columns: Columns::of_rows(), last: None, line: 0 }
    }

    /// The next bar; `None` after the last.
    ///
    /// # Errors
    /// [`DataError`] with file, line and column: a row that ends early, a time or a number that is
    /// none or not finite, a high below the low, a time that is not after the one before, a damaged
    /// archive; and a file that holds no candle at all.
    #[expect(
        clippy::should_implement_trait,
        reason = "an error ends the reading, and is not an item"
    )]
    pub fn next(&mut self) -> Result<Option<Bar>, DataError> {
        while let Some(range) = self.lines.advance()? {
            let text = self.lines.text(range);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let first = self.line == 0;
            self.line = self.lines.number();
            if first && !is_row(text) {
                self.columns = header(text).map_err(|fault| self.error(fault))?;
                continue;
            }
            let bar = parse(&self.columns, text, self.last).map_err(|fault| self.error(fault))?;
            self.last = Some(bar.time());
            return Ok(Some(bar));
        }
        if self.last.is_none() {
            return Err(DataError::file(
                self.lines.path(),
                "it holds no candle",
                "give a CSV file with one candle a line: time,open,high,low,close,volume",
            ));
        }
        Ok(None)
    }

    /// True when the next bar is already here: asking for it waits for nobody. What was found so
    /// far should be shown before a call that may wait.
    pub fn is_ready(&self) -> bool {
        self.lines.has_line()
    }

    fn error(&self, fault: RowFault) -> DataError {
        let RowFault { column, role, why, hint } = fault;
        let column = column.unwrap_or_else(|| self.columns.number(role));
        let place = Some((column, ROLES[role]));
        DataError::at(self.lines.path(), self.lines.number(), place, why, hint)
    }
}

/// All bars of a file.
///
/// # Errors
/// As [`Bars::open`] and [`Bars::next`].
pub fn read_bars(path: &Path) -> Result<Vec<Bar>, DataError> {
    let mut bars = Bars::open(path)?;
    let mut all = Vec::new();
    while let Some(bar) = bars.next()? {
        all.push(bar);
    }
    Ok(all)
}

struct RowFault {
    /// Column from 1, where it is not the one that the role has.
    column: Option<usize>,
    role: usize,
    why: String,
    hint: &'static str,
}

impl RowFault {
    fn new(role: usize, why: String, hint: &'static str) -> Self {
        Self { column: None, role, why, hint }
    }
}

const LAYOUT: &str = "give a header with time,open,high,low,close,volume (more columns are \
                      ignored), or the exchange's rows open_time,open,high,low,close,volume";

/// A row begins with a time, a header with a name.
fn is_row(line: &[u8]) -> bool {
    line.iter().find(|b| !matches!(b, b'"' | b' ')).is_some_and(u8::is_ascii_digit)
}

fn header(line: &[u8]) -> Result<Columns, RowFault> {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let names: Vec<&str> =
        text.split(',').map(|name| name.trim().trim_matches('"').trim()).collect();
    let mut columns = Vec::new();
    for (role, name) in ROLES.iter().enumerate() {
        let known: &[&str] = match *name {
            "time" => &TIMES,
            "volume" => &VOLUMES,
            _ => std::slice::from_ref(name),
        };
        let found = known.iter().find_map(|known| names.iter().position(|name| name == known));
        let Some(index) = found else { return Err(missing(role, &names)) };
        let again = names[index + 1..].iter().position(|name| *name == names[index]);
        if let Some(again) = again {
            let column = Some(index + again + 2);
            let why = format!("the header names `{}` twice", names[index]);
            return Err(RowFault { column, role, why, hint: "rename or remove one of the two" });
        }
        if columns.len() <= index {
            columns.resize(index + 1, None);
        }
        columns[index] = Some(role);
    }
    Ok(Columns { roles: columns, width: names.len() })
}

fn missing(role: usize, names: &[&str]) -> RowFault {
    let shown: String = names.join(",").chars().take(100).collect();
    let why = format!("the header `{shown}` has no column `{}`", ROLES[role]);
    let hint = match (names, role) {
        ([one], _) if one.contains([';', '\t', '|']) => "separate the columns by commas",
        (_, 5) => "add a column `volume`, with 0 where it is not known",
        _ => LAYOUT,
    };
    RowFault { column: Some(names.len() + 1), role, why, hint }
}

fn parse(columns: &Columns, line: &[u8], last: Option<Nanos>) -> Result<Bar, RowFault> {
    let Columns { roles: columns, width } = columns;
    let mut values = [0.0; ROLES.len()];
    let mut time = Nanos::ZERO;
    let mut at = 0;
    for (index, role) in columns.iter().enumerate() {
        if at > line.len() {
            return Err(short(columns, index));
        }
        at = match *role {
            None => field(line, at).1,
            Some(TIME) => {
                let end;
                (time, end) = read_time(line, at)?;
                end
            }
            Some(role) => {
                let end;
                (values[role], end) = read_number(line, at, role)?;
                end
            }
        } + 1;
    }
    if let Some(rest) = line.get(at..) {
        wide(columns.len(), *width, rest)?;
    }
    let [_, open, high, low, close, volume] = values;
    if let Some(last) = last.filter(|last| time <= *last) {
        let what = if time == last { "repeats that" } else { "is before that" };
        let why = format!("the time {} {what} of the row before", time.utc());
        return Err(RowFault::new(TIME, why, "sort the rows by time, and leave each time once"));
    }
    if high < low {
        let why = format!("the high {high} is below the low {low}");
        return Err(RowFault::new(HIGH, why, "correct the row, or check the order of the columns"));
    }
    let bar = Bar::new(time, open, high, low, close, volume);
    // Every number was judged when it was read.
    bar.map_err(|e| RowFault::new(LOW, e.to_string(), FINITE))
}

/// Refuses a row that goes on after the header's last column: numbers that are written with a comma
/// would all be read, and none of them in its place. Blank fields at the end do no harm, and a
/// comma between quotes may belong to a text.
fn wide(before: usize, width: usize, rest: &[u8]) -> Result<(), RowFault> {
    let more = width.saturating_sub(before);
    let mut beyond = rest.split(|b| *b == b',').skip(more);
    if beyond.all(|field| field.trim_ascii().is_empty()) || rest.contains(&b'"') {
        return Ok(());
    }
    let why = format!("the row goes on after column {width}, the last one of the header");
    let hint = "write numbers with a decimal point, and name every column in the header";
    Err(RowFault::new(ROLES.len() - 1, why, hint))
}

fn short(columns: &[Option<usize>], from: usize) -> RowFault {
    let role = columns[from..].iter().find_map(|role| *role).unwrap_or(ROLES.len() - 1);
    let why = format!("the row ends after {from} columns, {} are needed", columns.len());
    RowFault::new(role, why, "complete the row, or remove it")
}

fn read_time(line: &[u8], at: usize) -> Result<(Nanos, usize), RowFault> {
    let bad = |why| RowFault::new(TIME, why, "correct the row, or check the order of the columns");
    if let Some(plain) = number::plain(line, at)
        && plain.decimals == 0
    {
        return Ok((time::epoch(plain.mantissa).map_err(bad)?, plain.end));
    }
    let (text, end) = field(line, at);
    let text = String::from_utf8_lossy(text);
    let time = time::parse_time(text.trim().trim_matches('"')).map_err(bad)?;
    Ok((time, end))
}

const FINITE: &str = "give a finite decimal number, or remove the row";

fn read_number(line: &[u8], at: usize, role: usize) -> Result<(f64, usize), RowFault> {
    if let Some(plain) = number::plain(line, at)
        && let Some(value) = plain.float()
    {
        return Ok((value, plain.end));
    }
    let (text, end) = field(line, at);
    let shown = || String::from_utf8_lossy(text).chars().take(40).collect::<String>();
    match number::general_float(text) {
        Ok(value) if value.is_finite() => Ok((value, end)),
        Ok(_) if text.trim_ascii().is_empty() => {
            Err(RowFault::new(role, "the field is empty".to_owned(), FINITE))
        }
        Ok(_) => Err(RowFault::new(role, format!("`{}` is not a finite number", shown()), FINITE)),
        Err(Fault::NotANumber | Fault::Refused(_)) => {
            Err(RowFault::new(role, format!("`{}` is not a number", shown()), FINITE))
        }
    }
}

fn field(line: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &line[at..];
    let length = rest.iter().position(|b| *b == b',').unwrap_or(rest.len());
    (&rest[..length], at + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read(text: &str) -> Result<Vec<Bar>, String> {
        let mut bars = Bars::stream("candles", Cursor::new(text.as_bytes().to_vec()))
            .map_err(|e| e.to_string())?;
        let mut all = Vec::new();
        while let Some(bar) = bars.next().map_err(|e| e.to_string())? {
            all.push(bar);
        }
        Ok(all)
    }

    fn says(text: &str, words: &[&str]) {
        let error = read(text).expect_err(text);
        for word in words {
            assert!(error.contains(word), "`{word}` is not in: {error}");
        }
    }

    /// 2025-05-04 15:33 and a minute later.
    fn two() -> Vec<Bar> {
        let at = Nanos::from_millis(1_746_372_780_000);
        let bar = |n| Bar::new(at.after(Nanos::MINUTE.times(n)), 1.5, 3e-9, -2.0, 1e17, 0.5);
        vec![bar(0).expect("finite"), bar(1).expect("finite")]
    }

    #[test]
    fn every_layout_gives_the_same_bars() {
        for text in [
            "time,open,high,low,close,volume\n\
             2025-05-04 15:33:00,1.5,3e-9,-2.0,1e17,0.5\n\
             2025-05-04 15:34:00,1.5,3e-9,-2,1e17,0.5\n",
            "1746372780000,1.5,0.000000003,-2,100000000000000000,.5,1746372839999,1,2,3,4,0\r\n\
             1746372840000,1.5,0.000000003,-2,100000000000000000,0.50,1746372899999,1,2,3,4,0\r\n",
            "\u{feff}open_time,open,high,low,close,volume,close_time\n\
             1746372780000000,1.5,3e-9,-2.0,1e17,0.5,1\n\n\
             1746372840000000,1.5,3e-9,-2.0,1e17,0.5,2\n\n \n\n",
            "Close,\"Date\", TickVol ,Open,Note,LOW,High\n\
             1e17,\"2025-05-04T15:33:00Z\",0.5,1.5,a,-2,3e-9\n\
             1e17,2025-05-04 15:34,0.5,1.5,,-2,3e-9",
        ] {
            assert_eq!(read(text), Ok(two()), "{text}");
        }
    }

    #[test]
    fn the_name_that_says_most_is_read() {
        let text = "date,time,open,high,low,close,tickvol,volume\n\
                    x,1746372780000,1,1,1,1,9,7\n";
        let bars = read(text).expect("bars");
        assert_eq!(bars[0].volume(), 7.0);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        const H: &str = "time,open,high,low,close,volume\n";
        let row = |row: &str| format!("{H}1746372780000,1,2,0.5,1,3\n{row}\n");
        says(&row("1746372840000,1,2,x,1,3"), &["candles, line 3, column 4 (low): `x`", "number"]);
        says(&row("1746372840000,1,nan,1,1,3"), &["line 3, column 3 (high)", "not a finite"]);
        says(&row("1746372840000,1,2,1,1e999,3"), &["line 3, column 5 (close)", "not a finite"]);
        says(&row("1746372840000,1,2,1,1,"), &["line 3, column 6 (volume)", "empty"]);
        says(&row("1746372840000,1,2,1"), &["line 3, column 5 (close)", "ends after 4 columns"]);
        says(&row("1746372840000,1,2,3,1,3"), &["line 3, column 3 (high)", "2 is below the low 3"]);
        says(&row("1746372780000,1,2,1,1,3"), &["line 3, column 1 (time)", "repeats", "once"]);
        says(&row("1746372720000,1,2,1,1,3"), &["line 3, column 1 (time)", "before", "sort"]);
        says(&row("1746372840,1,2,1,1,3"), &["line 3, column 1 (time)", "seconds"]);
        says(&row("1746372840000,1,5,2,0,1,1,3"), &["line 3, column 6", "decimal point"]);
        says(&row("soon,1,2,1,1,3"), &["line 3, column 1 (time)", "`soon` is not a time"]);
    }

    #[test]
    fn a_row_may_be_wider_than_its_header_by_nothing_only() {
        const H: &str = "time,open,high,low,close,volume";
        for (more, tail) in [("", ","), ("", ", ,"), (",note", ",a"), (",note", ",\"a, b\"")] {
            let text = format!("{H}{more}\n1746372780000,1,2,0.5,1,3{tail}\n");
            assert_eq!(read(&text).map(|bars| bars.len()), Ok(1), "{text}");
        }
        says(
            &format!("{H},note\n1746372780000,1,2,0.5,1,3,a,b\n"),
            &["line 2, column 6", "after column 7"],
        );
    }

    #[test]
    fn headers_that_do_not_do_say_what_is_missing() {
        says("time,open,high,low,close\n1,2\n", &["line 1, column 6 (volume)", "with 0"]);
        says("time,price\n1,2\n", &["line 1, column 3 (open)", "no column `open`"]);
        says("time;open;high;low;close;volume\n", &["by commas"]);
        says("time,open,high,low,close,volume,Close\n", &["column 7 (close)", "twice"]);
        says("", &["candles: it holds no candle", "one candle a line"]);
        says("time,open,high,low,close,volume\n\n", &["holds no candle"]);
        says("\u{0}\u{1}\u{2}", &["no column `time`"]);
    }

    proptest! {
        /// No bytes make the reader panic, and it ends.
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(mut bars) = Bars::stream("x", Cursor::new(bytes)) {
                while matches!(bars.next(), Ok(Some(_))) {}
            }
        }

        /// What was written with every digit is read back with every bit.
        #[test]
        fn floats_come_back_as_they_were(value in any::<f64>().prop_filter("", |x| x.is_finite())) {
            let bars = read(&format!("1746372780000,{value},{value},{value},{value:e},{value}\n"));
            let bar = bars.expect("a bar")[0];
            prop_assert_eq!(bar.open().to_bits(), value.to_bits());
            prop_assert_eq!(bar.close().to_bits(), value.to_bits());
        }
    }
}
