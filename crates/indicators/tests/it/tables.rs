//! Golden tables and candles as test input.

use aegis_types::{Bar, Nanos};
use std::path::{Path, PathBuf};

/// A CSV table: column names and rows; empty cells are none, a time is nanoseconds since the epoch.
pub struct Table {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines();
        let names = lines.next().expect("a header").split(',').map(str::to_owned).collect();
        Self { names, rows: lines.map(|line| line.split(',').map(cell).collect()).collect() }
    }

    /// Time, open, high, low, close, volume as bars.
    pub fn bars(&self) -> Vec<Bar> {
        let bar = |row: &Vec<Option<f64>>| {
            let [time, open, high, low, close, volume] =
                [0, 1, 2, 3, 4, 5].map(|at| row[at].expect("a number"));
            Bar::new(Nanos(time as i64), open, high, low, close, volume).expect("a bar")
        };
        self.rows.iter().map(bar).collect()
    }
}

fn cell(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| seconds(text).map(|seconds| seconds as f64 * 1e9))
}

/// Seconds since the epoch of `YYYY-MM-DD HH:MM:SS`, UTC.
fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let numbers = |text: &str, by: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(by).map(|n| n.parse().ok()).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    // Days of a calendar whose year begins in March, so that the leap day comes last.
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

/// The folder of shared tables, or none where it is absent and no one insists on it.
pub fn shared_golden() -> Option<PathBuf> {
    let root = std::env::var_os("AEGIS_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let golden = root.join("golden");
    if golden.is_dir() {
        return Some(golden);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", golden.display());
    println!("not run: {} is missing (real candles and their tables)", golden.display());
    None
}
