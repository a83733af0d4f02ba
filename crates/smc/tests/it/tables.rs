//! Golden tables and real candles as test input.

use aegis_types::{Bar, Nanos};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A CSV table: column names and rows; empty and textual cells are NaN.
pub struct Table {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
    /// The first cell as a time, where it is one.
    times: Vec<Option<Nanos>>,
}

/// `2025-03-28 21:07:00`, or milliseconds since 1970.
fn time(cell: &str) -> Option<Nanos> {
    let part = |from: usize, to: usize| cell.get(from..to)?.parse().ok();
    if cell.len() != "2025-03-28 21:07:00".len() {
        return cell.parse().ok().map(Nanos::from_millis);
    }
    let day = Nanos::from_civil(part(0, 4)?, part(5, 7)? as u32, part(8, 10)? as u32);
    let minutes = 60 * part(11, 13)? + part(14, 16)?;
    Some(day.after(Nanos::MINUTE.times(minutes)))
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
        let (mut rows, mut times) = (Vec::new(), Vec::new());
        for line in lines {
            rows.push(line.split(',').map(cell).collect());
            times.push(line.split(',').next().and_then(time));
        }
        Self { names, rows, times }
    }

    /// The named columns of every row, where the second is there.
    pub fn rows_of<const N: usize>(&self, names: [&str; N]) -> Vec<[f64; N]> {
        let at = names.map(|name| self.names.iter().position(|n| n == name).expect("column"));
        let rows = self.rows.iter().map(|row| at.map(|column| row[column]));
        rows.filter(|row| !row[1].is_nan()).collect()
    }

    /// The time and columns 1 to 5 as bars.
    pub fn bars(&self) -> Vec<Bar> {
        let bar = |(time, row): (&Option<Nanos>, &Vec<f64>)| {
            let time = time.expect("a time");
            Bar::new(time, row[1], row[2], row[3], row[4], row[5]).expect("a bar")
        };
        self.times.iter().zip(&self.rows).map(bar).collect()
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
