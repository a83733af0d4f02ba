//! Golden tables and real candles as test input.

use aegis_types::{Bar, Nanos};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A CSV table: column names and rows; empty and textual cells are NaN.
pub struct Table {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let names = lines.next().expect("a header").split(',').map(str::to_owned).collect();
        let cell = |text: &str| text.parse().unwrap_or(f64::NAN);
        Self { names, rows: lines.map(|line| line.split(',').map(cell).collect()).collect() }
    }

    /// The named columns of every row, where the second is there.
    pub fn rows_of<const N: usize>(&self, names: [&str; N]) -> Vec<[f64; N]> {
        let at = names.map(|name| self.names.iter().position(|n| n == name).expect("column"));
        let rows = self.rows.iter().map(|row| at.map(|column| row[column]));
        rows.filter(|row| !row[1].is_nan()).collect()
    }

    /// Columns 1 to 5 as bars.
    pub fn bars(&self) -> Vec<Bar> {
        let bar = |(n, row): (i64, &Vec<f64>)| {
            let time = Nanos::MINUTE.times(n);
            Bar::new(time, row[1], row[2], row[3], row[4], row[5]).expect("a bar")
        };
        (0..).zip(&self.rows).map(bar).collect()
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

/// A folder of shared data, or none where it is absent and no one insists on it.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AEGIS_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    println!("not run: {} is missing", path.display());
    None
}

/// The first minutes of a symbol's real candles.
pub fn real_minutes(symbol: &str, most: usize) -> Option<Vec<Bar>> {
    let path = shared("data/futures_1m")?.join(format!("{symbol}-1m-2025-05.csv.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip text");
    let mut bars = Table::parse(&text).bars();
    bars.truncate(most);
    Some(bars)
}
