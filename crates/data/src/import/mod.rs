//! Candle files of other programs into the one layout: read whole, judged row by row, written only
//! when everything is in order or the caller has said what may be left out.
//!
//! Nothing is repaired: a row that cannot be true is told with its line and keeps the file from
//! being written, unless `skip_bad` leaves such rows out. Identical rows given twice, and rows that
//! are not in time order, need `dedup` and `sort` for the same reason. Missing minutes stay so.

mod header;
mod write;

use crate::archive::Date;
use crate::error::DataError;
use crate::lines::Lines;
use crate::names;
use crate::problem::Problem;
use crate::scan;
use aegis_types::{Nanos, exchange_name};
use header::Row;
use std::path::{Path, PathBuf};

pub(crate) use header::Columns;

/// Bad rows that are told with their lines; all are counted.
const TOLD_MAX: usize = 20;

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Milliseconds or microseconds by their magnitude, or text.
    #[default]
    Auto,
    /// Seconds since the epoch.
    Seconds,
    /// Milliseconds since the epoch.
    Milliseconds,
    /// Microseconds since the epoch.
    Microseconds,
    /// Nanoseconds since the epoch.
    Nanoseconds,
}

/// What is imported, and what may be left out or put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportConfig {
    /// Files of one symbol.
    pub files: Vec<PathBuf>,
    /// The symbol; by the files' names without it.
    pub symbol: Option<String>,
    /// Folder that the file goes into.
    pub out: PathBuf,
    /// How times are written.
    pub time_unit: TimeUnit,
    /// Leaves out rows that repeat another one exactly.
    pub dedup: bool,
    /// Puts rows in the order of their times.
    pub sort: bool,
    /// Leaves out rows that cannot be true.
    pub skip_bad: bool,
    /// Writes over a file that is there.
    pub force: bool,
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// What kind of wrong it is.
    pub problem: Problem,
    /// The numbers.
    pub detail: String,
}

/// One source of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Lines that are meant to be rows.
    pub rows: u64,
}

/// What an import did, or why it wrote nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Exchange name of the symbol.
    pub symbol: String,
    /// The file written; `None` when something was refused.
    pub path: Option<PathBuf>,
    /// SHA-256 of the file written, hex.
    pub sha256: String,
    /// The sources.
    pub sources: Vec<Source>,
    /// Candles written, or that would be.
    pub rows: u64,
    /// Open time of the first and the last candle.
    pub first: Nanos,
    /// See `first`.
    pub last: Nanos,
    /// Places where minutes are missing, and how many minutes.
    pub gaps: u64,
    /// See `gaps`.
    pub missing: u64,
    /// How many rows could not be taken.
    pub bad_rows: u64,
    /// The first of them.
    pub bad: Vec<BadRow>,
    /// Rows that repeat another one exactly.
    pub duplicates: u64,
    /// Rows that came before an earlier one in time.
    pub unordered: u64,
}

impl ImportReport {
    /// Why nothing was written, with what would change that.
    pub fn refusal(&self) -> Option<String> {
        if self.path.is_some() {
            return None;
        }
        let mut reasons = Vec::new();
        for (count, what, flag) in [
            (self.bad_rows, "rows that cannot be taken", "--skip-bad leaves them out"),
            (self.duplicates, "rows that repeat another one", "--dedup leaves them out"),
            (self.unordered, "rows that are not in time order", "--sort puts them in order"),
        ] {
            if count > 0 {
                reasons.push(format!("{count} {what} ({flag})"));
            }
        }
        Some(reasons.join(", "))
    }
}

/// Reads, judges and writes.
///
/// # Errors
/// [`DataError`] for arguments and files that cannot be used at all: no symbol in the names, a
/// header without the columns, candles of another length, a file that is there already. What is
/// wrong with single rows is in the report.
pub fn import(config: &ImportConfig) -> Result<ImportReport, DataError> {
    let symbol = symbol(config)?;
    let mut rows = Vec::new();
    let mut sources = Vec::new();
    let mut bad = Bad::default();
    for path in &config.files {
        let before = rows.len() as u64 + bad.count;
        read(path, config, &mut rows, &mut bad)?;
        let (bytes, sha256) = scan::hash(path)?;
        let rows = rows.len() as u64 + bad.count - before;
        sources.push(Source { path: path.clone(), bytes, sha256, rows });
    }
    one_minute(config, &rows)?;
    let order = put_in_order(config, &mut rows, &mut bad);
    let ends = rows.first().zip(rows.last()).map(|(a, b)| (a.row.at, b.row.at));
    let Some((first, last)) = ends else {
        let path = config.files.first().map_or(Path::new("-"), PathBuf::as_path);
        let (line, why, hint) = match bad.told.first() {
            Some(b) => (b.line, b.detail.clone(), "no row can be taken: check columns and times"),
            None => (0, "it holds no candle".to_owned(), header::LAYOUT),
        };
        return Err(DataError::at(path, line, None, why, hint));
    };
    let holes = rows.windows(2).map(|pair| pair[1].row.at.since(pair[0].row.at).0);
    let holes: Vec<u64> =
        holes.map(|span| (span / Nanos::MINUTE.0 - 1).max(0) as u64).filter(|n| *n > 0).collect();
    let mut report = ImportReport {
        symbol,
        path: None,
        sha256: String::new(),
        sources,
        rows: rows.len() as u64,
        first,
        last,
        gaps: holes.len() as u64,
        missing: holes.iter().sum(),
        bad_rows: bad.count,
        bad: bad.told,
        duplicates: order.duplicates,
        unordered: order.unordered,
    };
    let fine = (report.bad_rows == 0 || config.skip_bad)
        && (report.duplicates == 0 || config.dedup)
        && (report.unordered == 0 || config.sort);
    if fine {
        let (from, to) = (Date::of(first), Date::of(last));
        let name = format!("{}-1m-{from}_{to}", report.symbol);
        free(config, &report.symbol, &name, (first, last))?;
        write::write(config, &name, &rows, &mut report)?;
    }
    Ok(report)
}

/// The symbol that is given, or that all names begin with.
fn symbol(config: &ImportConfig) -> Result<String, DataError> {
    let refuse = |why: String| {
        Err(DataError::arguments(why, "say whose candles they are: --symbol BTCUSDT"))
    };
    if config.files.is_empty() {
        return Err(DataError::arguments("no file is named", "name the files of one symbol"));
    }
    if let Some(given) = &config.symbol {
        let symbol = exchange_name(given);
        let ok = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if !(2..=24).contains(&symbol.len()) || !symbol.bytes().all(ok) {
            return refuse(format!("--symbol {given} cannot be a symbol of the exchange"));
        }
        return Ok(symbol);
    }
    let mut found: Option<String> = None;
    for path in &config.files {
        let Some((symbol, _)) = names::classify(path) else {
            return refuse(format!("the name of {} does not say the symbol", path.display()));
        };
        match &found {
            Some(first) if *first != symbol => {
                return refuse(format!("the names say {first} and {symbol}"));
            }
            _ => found = Some(symbol),
        }
    }
    found.map_or_else(|| refuse("no file says the symbol".to_owned()), Ok)
}

/// Rows that cannot be taken: all counted, the first kept.
#[derive(Default)]
struct Bad {
    count: u64,
    told: Vec<BadRow>,
}

impl Bad {
    fn add(&mut self, path: &Path, line: u64, problem: Problem, detail: String) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(BadRow { path: path.to_path_buf(), line, problem, detail });
        }
    }
}

/// A row and where it stands.
struct Placed {
    row: Row,
    file: usize,
    line: u64,
}

fn read(
    path: &Path,
    config: &ImportConfig,
    rows: &mut Vec<Placed>,
    bad: &mut Bad,
) -> Result<(), DataError> {
    let file = config.files.iter().position(|f| f == path).unwrap_or(0);
    let mut lines = Lines::open(path)?;
    let mut columns: Option<Columns> = None;
    while let Some(range) = lines.advance()? {
        let text = String::from_utf8_lossy(lines.text(range)).into_owned();
        let line = lines.number();
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let Some(known) = &columns else {
            let found = Columns::of(&text, config.time_unit)
                .map_err(|why| DataError::at(path, line, None, why, header::LAYOUT))?;
            // Some programs write their own address above the header.
            let Some(found) = found else { continue };
            if found.is_header {
                columns = Some(found);
                continue;
            }
            take(path, file, line, found.row(&text), rows, bad);
            columns = Some(found);
            continue;
        };
        take(path, file, line, known.row(&text), rows, bad);
    }
    if columns.is_none() {
        return Err(DataError::file(path, "it has no header and no row", header::LAYOUT));
    }
    Ok(())
}

fn take(
    path: &Path,
    file: usize,
    line: u64,
    row: Result<Row, (Problem, String)>,
    rows: &mut Vec<Placed>,
    bad: &mut Bad,
) {
    match row {
        Ok(row) => rows.push(Placed { row, file, line }),
        Err((problem, detail)) => bad.add(path, line, problem, detail),
    }
}

/// Longer candles are not split: what happened within them is not known.
fn one_minute(config: &ImportConfig, rows: &[Placed]) -> Result<(), DataError> {
    let mut steps: Vec<i64> =
        rows.windows(2).map(|pair| pair[1].row.at.since(pair[0].row.at).0.abs()).collect();
    steps.retain(|step| *step > 0);
    steps.sort_unstable();
    let most = steps.chunk_by(|a, b| a == b).max_by_key(|chunk| (chunk.len(), -chunk[0]));
    let Some(step) = most.map(|chunk| chunk[0]).filter(|step| *step != Nanos::MINUTE.0) else {
        return Ok(());
    };
    let path = config.files.first().map_or(Path::new("-"), PathBuf::as_path);
    let seconds = step as f64 / 1e9;
    Err(DataError::file(
        path,
        format!("its candles are {seconds} s long, not one minute"),
        "import 1m candles: longer ones are built from them, and none can be split",
    ))
}

struct Order {
    duplicates: u64,
    unordered: u64,
}

/// Sorts where that is asked for, takes out what repeats, and refuses what contradicts.
fn put_in_order(config: &ImportConfig, rows: &mut Vec<Placed>, bad: &mut Bad) -> Order {
    let mut latest = Nanos(i64::MIN);
    let mut unordered = 0;
    for placed in rows.iter() {
        unordered += u64::from(placed.row.at < latest);
        latest = latest.max(placed.row.at);
    }
    // In any case, so that equal times stand together; what is written obeys the flags.
    rows.sort_by_key(|placed| placed.row.at);
    let mut duplicates = 0;
    let mut kept: Vec<Placed> = Vec::with_capacity(rows.len());
    for placed in rows.drain(..) {
        let Some(before) = kept.last().filter(|before| before.row.at == placed.row.at) else {
            kept.push(placed);
            continue;
        };
        if before.row == placed.row {
            duplicates += 1;
            continue;
        }
        let at = placed.row.at.utc();
        let (file, line) = (config.files[before.file].display(), before.line);
        let detail = format!("{at} stands in {file}, line {line}, with other values");
        bad.add(&config.files[placed.file], placed.line, Problem::Duplicate, detail);
    }
    *rows = kept;
    Order { duplicates, unordered }
}

/// Nothing of that name or of those minutes is in the folder yet.
fn free(
    config: &ImportConfig,
    symbol: &str,
    name: &str,
    (first, last): (Nanos, Nanos),
) -> Result<(), DataError> {
    let Ok(entries) = std::fs::read_dir(&config.out) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        let kind = names::classify(&path);
        let candles = (symbol.to_owned(), crate::FileKind::Candles);
        if kind != Some(candles) {
            continue;
        }
        let own = path.file_name().is_some_and(|n| n.to_string_lossy() == format!("{name}.csv.gz"));
        if own && config.force {
            continue;
        }
        let Some((from, to)) = header::ends(&path)? else { continue };
        if from <= last && first <= to {
            return Err(DataError::file(
                &path,
                format!("it holds {} to {} already", from.utc(), to.utc()),
                "give another folder with --out, or remove it; --force writes over a file of the \
                 same name",
            ));
        }
    }
    Ok(())
}
