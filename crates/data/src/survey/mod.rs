//! What data files hold and what is wrong with them: every file read once, row by row, then the
//! files of one series against each other.
//!
//! Unlike a run, which stops at a line that is no row, a survey tells them all and goes on.

mod check;

use crate::archive::interval_span;
use crate::content::Content;
use crate::error::DataError;
use crate::problem::Problem;
use crate::records::{Item, Records};
use crate::scan;
use aegis_types::Nanos;
use check::Check;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 8;

/// From when on something is worth telling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// A price so many times above or below the last one is a wild jump; 0 is off.
    pub jump_factor: f64,
    /// A last price older than this is no measure of a jump.
    pub jump_window: Nanos,
    /// A relative move from one row to the next that is told as an outlier.
    pub outlier: f64,
    /// So many candles in a row without a trade are told.
    pub quiet_candles: u64,
    /// Findings of one problem in one file that are kept with their lines; all are counted.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            jump_factor: 3.0,
            jump_window: Nanos::MINUTE.times(10),
            outlier: 0.1,
            quiet_candles: 60,
            kept: 100,
        }
    }
}

/// Something found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Line from 1; 0 when it is about the file as a whole.
    pub line: u64,
    /// What kind it is.
    pub problem: Problem,
    /// The numbers.
    pub detail: String,
}

/// What one file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// The file.
    pub path: PathBuf,
    /// What it is meant to hold.
    pub content: Content,
    /// Length on the disk.
    pub bytes: u64,
    /// SHA-256 of its bytes on the disk, hex; empty when it could not be read.
    pub sha256: String,
    /// `Some(true)` when it is what the CHECKSUM beside it says.
    pub checksum: Option<bool>,
    /// Rows that could be read.
    pub rows: u64,
    /// Earliest and latest time.
    pub first: Option<Nanos>,
    /// See `first`.
    pub last: Option<Nanos>,
    /// Least and greatest id, where rows are numbered.
    pub ids: Option<(i64, i64)>,
    /// The candle length, else the most frequent time between two rows.
    pub step: Option<Nanos>,
    /// Places where rows are missing.
    pub gaps: u64,
    /// Rows that are missing there.
    pub missing: u64,
    /// Prices by how many decimals they need.
    pub price_decimals: [u64; 9],
    /// Most decimals of a quantity.
    pub quantity_decimals: Option<u8>,
    /// What was found, the first of each problem with their lines.
    pub findings: Vec<Finding>,
    /// How often each problem was found, by [`Problem`] as index.
    pub counts: Vec<u64>,
}

impl Survey {
    fn new(path: &Path, content: Content) -> Self {
        Self {
            path: path.to_path_buf(),
            content,
            bytes: 0,
            sha256: String::new(),
            checksum: None,
            rows: 0,
            first: None,
            last: None,
            ids: None,
            step: None,
            gaps: 0,
            missing: 0,
            price_decimals: [0; 9],
            quantity_decimals: None,
            findings: Vec::new(),
            counts: vec![0; Problem::ALL.len()],
        }
    }

    fn find(
        &mut self,
        limits: &Limits,
        line: u64,
        problem: Problem,
        detail: impl FnOnce() -> String,
    ) {
        let count = &mut self.counts[problem as usize];
        *count += 1;
        if *count <= limits.kept as u64 {
            self.findings.push(Finding { line, problem, detail: detail() });
        }
    }

    /// How often a problem was found.
    pub fn count(&self, problem: Problem) -> u64 {
        self.counts[problem as usize]
    }

    /// How many findings cannot be right.
    pub fn violations(&self) -> u64 {
        Problem::ALL.iter().filter(|p| p.is_violation()).map(|p| self.count(*p)).sum()
    }

    /// How many findings are only worth a look.
    pub fn warnings(&self) -> u64 {
        Problem::ALL.iter().filter(|p| !p.is_violation()).map(|p| self.count(*p)).sum()
    }

    /// Decimals of the price grid: the most that at least one price in a thousand needs. `None`
    /// where there are no prices.
    pub fn price_grid(&self) -> Option<u8> {
        grid(&self.price_decimals)
    }
}

/// See [`Survey::price_grid`].
pub fn grid(decimals: &[u64; 9]) -> Option<u8> {
    let all: u64 = decimals.iter().sum();
    let mut finer = 0;
    for (index, count) in decimals.iter().enumerate().rev() {
        finer += count;
        if finer > 0 && finer * 1_000 >= all {
            return Some(index as u8);
        }
    }
    None
}

/// The data files that paths mean: files by their names, folders with all folders in them. Also how
/// many other files were passed over.
///
/// # Errors
/// When a path does not exist or a named file's name does not say what is inside.
pub fn data_files(paths: &[PathBuf]) -> Result<(Vec<(PathBuf, Content)>, usize), DataError> {
    let (mut files, mut others) = (Vec::new(), 0);
    for path in paths {
        let meta = fs::metadata(path).map_err(|e| DataError::io(path, 0, &e))?;
        if meta.is_dir() {
            let before = files.len();
            walk(path, DEPTH_MAX, &mut files, &mut others)?;
            if files.len() == before {
                return Err(DataError::file(path, "the folder holds no data file", NAMES));
            }
            continue;
        }
        let Some(content) = Content::of(path) else {
            return Err(DataError::file(path, "the name does not say what is inside", NAMES));
        };
        files.push((path.clone(), content));
    }
    files.sort();
    files.dedup();
    Ok((files, others))
}

const NAMES: &str = "give files named SYMBOL-1m…, SYMBOL-aggTrades…, SYMBOL-fundingRate… with \
                     .csv, .csv.gz or .zip, or a folder that holds them";

fn walk(
    folder: &Path,
    depth: usize,
    files: &mut Vec<(PathBuf, Content)>,
    others: &mut usize,
) -> Result<(), DataError> {
    for entry in fs::read_dir(folder).map_err(|e| DataError::io(folder, 0, &e))? {
        let path = entry.map_err(|e| DataError::io(folder, 0, &e))?.path();
        let Ok(meta) = fs::metadata(&path) else { continue };
        if meta.is_dir() && depth > 0 {
            walk(&path, depth - 1, files, others)?;
        } else if meta.is_file() {
            match Content::of(&path) {
                Some(content) => files.push((path, content)),
                None if is_companion(&path) => {}
                None => *others += 1,
            }
        }
    }
    Ok(())
}

/// What this program itself puts beside data files.
fn is_companion(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".CHECKSUM") || name.ends_with(".manifest.json")
}

/// Surveys files, on as many threads as there are cores, then what lies between them. `tick` is
/// called with the number of files done, by any of the threads.
pub fn survey(
    files: &[(PathBuf, Content)],
    limits: &Limits,
    tick: impl Fn(usize) + Sync,
) -> Vec<Survey> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        while let Some((path, content)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let survey = one(path, content, limits);
            all.lock().unwrap_or_else(PoisonError::into_inner).push(survey);
            tick(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by(|a, b| a.path.cmp(&b.path));
    between(&mut all, limits);
    all
}

fn one(path: &Path, content: &Content, limits: &Limits) -> Survey {
    let mut survey = Survey::new(path, content.clone());
    match scan::hash(path) {
        Ok((bytes, sha256)) => (survey.bytes, survey.sha256) = (bytes, sha256),
        Err(error) => {
            survey.find(limits, 0, Problem::Unreadable, || told(&error, path));
            return survey;
        }
    }
    if let Some(expected) = checksum_beside(path) {
        let same = expected.eq_ignore_ascii_case(&survey.sha256);
        survey.checksum = Some(same);
        if !same {
            let found = survey.sha256.clone();
            survey.find(limits, 0, Problem::Checksum, || {
                format!("its SHA-256 is {found}, the CHECKSUM says {expected}")
            });
        }
    }
    let mut check = Check::new(content, limits, survey);
    let read = Records::open(path, content.columns()).and_then(|mut records| {
        while let Some(item) = records.next()? {
            match item {
                Item::Row => check.row(records.line(), &records.record),
                Item::Refused(r) => check.refused(records.line(), r.problem, r.detail),
            }
        }
        Ok(())
    });
    if let Err(error) = read {
        let line = match &error {
            DataError::File { line, .. } => *line,
            DataError::Arguments { .. } => 0,
        };
        check.refused(line, Problem::Unreadable, told(&error, path));
    } else if check.survey.rows == 0 {
        check.refused(0, Problem::Empty, "not a single row is inside".to_owned());
    }
    check.end()
}

/// An error without the path that is printed before it.
fn told(error: &DataError, path: &Path) -> String {
    match error {
        DataError::File { why, hint, .. } => format!("{why}; {hint}"),
        DataError::Arguments { .. } => format!("{}: {error}", path.display()),
    }
}

/// The hash in the CHECKSUM file beside a file.
fn checksum_beside(path: &Path) -> Option<String> {
    let mut name = OsString::from(path);
    name.push(".CHECKSUM");
    let text = fs::read_to_string(PathBuf::from(name)).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

/// Files of one series in one folder, in the order of their times: nothing twice, nothing missing.
fn between(all: &mut [Survey], limits: &Limits) {
    let mut series: BTreeMap<(PathBuf, Content), Vec<usize>> = BTreeMap::new();
    for (index, survey) in all.iter().enumerate().filter(|(_, survey)| survey.rows > 0) {
        let folder = survey.path.parent().unwrap_or(Path::new("")).to_path_buf();
        series.entry((folder, survey.content.clone())).or_default().push(index);
    }
    for ((_, content), mut files) in series {
        files.sort_by_key(|index| all[*index].first);
        for pair in files.windows(2) {
            let (before, after) = (all[pair[0]].clone(), &mut all[pair[1]]);
            joint(&content, &before, after, limits);
        }
    }
}

fn joint(content: &Content, before: &Survey, after: &mut Survey, limits: &Limits) {
    let (Some(last), Some(first)) = (before.last, after.first) else { return };
    let name = before.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let overlap = match (before.ids, after.ids) {
        (Some((_, last)), Some((first, _))) => first <= last,
        _ => first <= last,
    };
    if overlap {
        return after.find(limits, 0, Problem::Overlap, || {
            format!("it begins at {}, and {name} ends at {}", first.utc(), last.utc())
        });
    }
    let missing = match (before.ids, after.ids, content.interval.and_then(interval_span)) {
        (Some((_, last)), Some((first, _)), _) if content.series.has_every_id() => first - last - 1,
        (None, None, Some(span)) => first.since(last).0 / span.0 - 1,
        _ => 0,
    };
    if missing > 0 {
        after.gaps += 1;
        after.missing += missing as u64;
        after.find(limits, 0, Problem::Gap, || {
            let (last, first) = (last.utc(), first.utc());
            format!("{missing} are missing between {name}, which ends at {last}, and {first}")
        });
    }
}
