//! Tables that a command printed, and the golden ones beside them.

use crate::harness::{Place, text};
use std::path::{Path, PathBuf};

/// A file of the golden folder that lies in the repository.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden").join(name)
}

/// The golden candles.
pub fn candles() -> String {
    golden("candles_synth.csv").display().to_string()
}

/// A CSV table: names of the columns, and rows of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    pub fn parse(csv: &str) -> Self {
        let mut lines = csv.lines();
        let names = lines.next().unwrap_or_default().split(',').map(str::to_owned).collect();
        let cell = |cell: &str| {
            let value = || cell.parse().unwrap_or_else(|e| panic!("`{cell}` is no number: {e}"));
            (!cell.is_empty()).then(value)
        };
        let rows = lines.map(|line| line.split(',').map(cell).collect()).collect();
        Self { names, rows }
    }

    pub fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).expect("a golden file"))
    }

    pub fn column(&self, name: &str) -> usize {
        let found = self.names.iter().position(|n| n == name);
        found.unwrap_or_else(|| panic!("no column {name} in {:?}", self.names))
    }
}

/// What the program prints, exit 0 wanted.
pub fn printed(args: &[&str]) -> String {
    let output = Place::new("tables").run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
