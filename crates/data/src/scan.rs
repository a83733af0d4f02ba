//! One pass over a symbol's files before the run: what they hold, and how finely.

use crate::dataset::{FileEntry, FileKind};
use crate::error::DataError;
use crate::firewall::{Firewall, FirewallConfig};
use crate::funding;
use crate::names::Found;
use crate::refusals::Refusals;
use crate::row;
use crate::rows::{self, Rows};
use aegis_types::{Nanos, SymbolId};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Holes remembered when looking for the first common minute; beyond them the rest counts as data.
const GAPS_MAX: usize = 65_536;

/// What the files of one symbol hold.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub files: Vec<FileEntry>,
    /// Open time of the first and the last admitted row.
    pub first: Nanos,
    pub last: Nanos,
    /// Prices by how many decimals they need.
    pub price_decimals: [u64; 9],
    pub volume_decimals: u8,
    /// Holes as first missing and first present minute.
    gaps: Vec<(Nanos, Nanos)>,
    pub funded: bool,
    pub funding_interval: Option<Nanos>,
}

impl Scan {
    /// The first minute at or after `from` that has a row.
    pub(crate) fn present_from(&self, from: Nanos) -> Option<Nanos> {
        let from = from.max(self.first);
        let at = self.gaps.partition_point(|(missing, _)| *missing <= from);
        let inside = at.checked_sub(1).map(|i| self.gaps[i]).filter(|(_, end)| from < *end);
        let minute = inside.map_or(from, |(_, end)| end);
        (minute <= self.last).then_some(minute)
    }
}

/// Scans all symbols, on as many threads as there are cores; the first error by symbol wins.
pub(crate) fn all(
    symbols: &[(String, Found)],
    config: FirewallConfig,
) -> Result<Vec<Scan>, DataError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(symbols.len());
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Result<Scan, DataError>>>> =
        symbols.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, found)) = symbols.get(index) else { break };
            let result = one(name, found, config);
            if let Ok(mut slot) = slots[index].lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let lost = || Err(DataError::arguments("reading a file panicked", "please report it"));
    slots.into_iter().map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(lost)).collect()
}

fn one(name: &str, found: &Found, config: FirewallConfig) -> Result<Scan, DataError> {
    let candles = in_time_order(&found.candles)?;
    let mut files = Vec::new();
    let kinds = [(FileKind::Candles, &candles), (FileKind::Funding, &found.funding)];
    for (kind, paths) in kinds {
        for path in paths {
            let (bytes, sha256) = hash(path)?;
            files.push(FileEntry {
                symbol: name.to_owned(),
                kind,
                path: path.clone(),
                bytes,
                sha256,
            });
        }
    }
    let mut refusals = Refusals::new(1);
    let settlements = funding::read(SymbolId(0), &found.funding, &mut refusals)?;
    let mut scan = Scan {
        files,
        first: Nanos::MAX,
        last: Nanos(i64::MIN),
        price_decimals: [0; 9],
        volume_decimals: 0,
        gaps: Vec::new(),
        funded: !settlements.is_empty(),
        funding_interval: funding::interval(&settlements),
    };
    let mut firewall = Firewall::new(1, config);
    let mut rows = Rows::new(SymbolId(0), candles.clone());
    while let Some(row) = rows.next(&mut firewall, &mut refusals)? {
        if scan.first == Nanos::MAX {
            scan.first = row.open_time;
        } else if row.open_time > scan.last.after(Nanos::MINUTE) && scan.gaps.len() < GAPS_MAX {
            scan.gaps.push((scan.last.after(Nanos::MINUTE), row.open_time));
        }
        scan.last = row.open_time;
        for px in [row.open, row.high, row.low, row.close] {
            scan.price_decimals[usize::from(row::decimals(px.raw()))] += 1;
        }
        scan.volume_decimals = scan.volume_decimals.max(row.volume_decimals);
    }
    if scan.first == Nanos::MAX {
        let path = candles.first().map_or(Path::new(name), PathBuf::as_path);
        let why = match refusals.examples().first() {
            Some(e) => format!(
                "no usable candle: {} rows were refused, the first at {} ({})",
                refusals.total(),
                e.place,
                e.detail
            ),
            None => "no candle is inside".to_owned(),
        };
        return Err(DataError::file(path, why, "give a file with candles, or leave it out"));
    }
    Ok(scan)
}

/// Files by the time of their first row; names do not always tell.
fn in_time_order(paths: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    if paths.len() < 2 {
        return Ok(paths.to_vec());
    }
    let mut timed = Vec::new();
    for path in paths {
        timed.push((rows::first_time(path)?.unwrap_or(Nanos::MAX), path.clone()));
    }
    timed.sort();
    Ok(timed.into_iter().map(|(_, path)| path).collect())
}

/// Length and SHA-256 of a file as it lies on the disk.
pub(crate) fn hash(path: &Path) -> Result<(u64, String), DataError> {
    let io = |e: std::io::Error| DataError::io(path, 0, &e);
    let mut file = File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer).map_err(io)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
    let digest = hasher.finalize();
    let mut hex = String::with_capacity(64);
    for byte in digest.iter() {
        hex.push_str(&format!("{byte:02x}"));
    }
    Ok((bytes, hex))
}
