//! Which files a data argument means.

use crate::dataset::FileKind;
use crate::error::DataError;
use aegis_types::exchange_name;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const NAMES: &str = "give files named SYMBOL-1m*.csv, .csv.gz or .zip (and SYMBOL-funding* for \
                     funding), or a folder that holds them";

/// A symbol's files as found, not yet in time order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub candles: Vec<PathBuf>,
    pub funding: Vec<PathBuf>,
}

/// Files by symbol name.
pub(crate) type FoundBySymbol = BTreeMap<String, Found>;

/// Collects the files that the arguments name; a file given twice counts once.
pub(crate) fn collect(paths: &[PathBuf]) -> Result<FoundBySymbol, DataError> {
    let mut files = Files::default();
    for path in paths {
        let meta = fs::metadata(path).map_err(|e| DataError::io(path, 0, &e))?;
        if meta.is_dir() {
            if files.add_folder(path, |_, _| true)? == 0 {
                return Err(DataError::file(path, "the folder holds no data file", NAMES));
            }
            continue;
        }
        let Some((symbol, kind)) = classify(path) else {
            return Err(DataError::file(path, "the name does not say what is inside", NAMES));
        };
        files.add(&symbol, kind, path)?;
        if kind == FileKind::Candles {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            files.add_folder(folder, |s, k| k == FileKind::Funding && s == symbol)?;
        }
    }
    Ok(files.found)
}

#[derive(Default)]
struct Files {
    found: FoundBySymbol,
    seen: Vec<PathBuf>,
}

impl Files {
    fn add(&mut self, symbol: &str, kind: FileKind, path: &Path) -> Result<(), DataError> {
        let real = fs::canonicalize(path).map_err(|e| DataError::io(path, 0, &e))?;
        if self.seen.contains(&real) {
            return Ok(());
        }
        self.seen.push(real);
        let absolute = std::path::absolute(path).map_err(|e| DataError::io(path, 0, &e))?;
        let found = self.found.entry(symbol.to_owned()).or_default();
        match kind {
            FileKind::Candles => found.candles.push(absolute),
            FileKind::Funding => found.funding.push(absolute),
        }
        Ok(())
    }

    /// Adds the folder's own files (not those of folders in it; links are followed); how many.
    fn add_folder(
        &mut self,
        folder: &Path,
        wanted: impl Fn(&str, FileKind) -> bool,
    ) -> Result<usize, DataError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|e| DataError::io(folder, 0, &e))? {
            paths.push(entry.map_err(|e| DataError::io(folder, 0, &e))?.path());
        }
        // The system lists in any order.
        paths.sort();
        let mut added = 0;
        for path in paths {
            let Some((symbol, kind)) = classify(&path) else { continue };
            if wanted(&symbol, kind) && fs::metadata(&path).is_ok_and(|m| m.is_file()) {
                self.add(&symbol, kind, &path)?;
                added += 1;
            }
        }
        Ok(added)
    }
}

/// Does a folder itself hold a file of candles or funding, by its name?
pub fn holds_data(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.into_iter().any(|entry| classify(&entry.path()).is_some())
}

/// Symbol and kind by the file's name: `SYMBOL-1m…` or `SYMBOL-funding…` with `.csv`, `.csv.gz`,
/// `.csv.zip` or `.zip`. `1mo` is a month, not a minute.
pub(crate) fn classify(path: &Path) -> Option<(String, FileKind)> {
    let name = path.file_name()?.to_str()?;
    let stem = [".csv.gz", ".csv.zip", ".csv", ".zip"].iter().find_map(|e| name.strip_suffix(e))?;
    let (symbol, rest) = stem.split_once('-')?;
    let symbol = exchange_name(symbol);
    let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !(2..=24).contains(&symbol.len()) || !symbol.bytes().all(ok) {
        return None;
    }
    let minute = rest.strip_prefix("1m").is_some_and(|r| r.is_empty() || r.starts_with(['-', '_']));
    if minute {
        return Some((symbol, FileKind::Candles));
    }
    rest.starts_with("funding").then_some((symbol, FileKind::Funding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_symbol_and_kind() {
        let kind = |name: &str| classify(Path::new(name));
        let candles = Some(("BTCUSDT".to_owned(), FileKind::Candles));
        let funding = Some(("BTCUSDT".to_owned(), FileKind::Funding));
        for name in ["BTCUSDT-1m.csv", "BTCUSDT-1m-2025-05.csv.gz", "/x/BTCUSDT-1m-2025-05-01.zip"]
        {
            assert_eq!(kind(name), candles, "{name}");
        }
        for name in ["BTCUSDT-funding.csv", "BTCUSDT-fundingRate-2025-05.zip"] {
            assert_eq!(kind(name), funding, "{name}");
        }
        for name in ["BTCUSDT-1mo-2025.csv", "BTCUSDT-15m.csv", "BTCUSDT-1m.csv.xz", "README.md"] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
