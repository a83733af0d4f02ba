//! From data arguments to a described data set: what is read, in which window, on what terms.

use crate::error::DataError;
use crate::firewall::FirewallConfig;
use crate::instruments::{self, InstrumentFile};
use crate::names::{self, Found, FoundBySymbol};
use crate::scan::{self, Scan};
use aegis_types::{Instrument, InstrumentOrigin, Nanos, SYMBOLS_MAX, SymbolTable, exchange_name};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataArgs {
    /// Files, or folders of files (not recursive, links followed).
    pub paths: Vec<PathBuf>,
    /// Symbols in any written form, also several by commas; empty: all that have candles.
    pub symbols: Vec<String>,
    /// Exchange JSON with instruments.
    pub instruments: Option<PathBuf>,
    /// Trade from here; earlier rows only warm up.
    pub from: Option<Nanos>,
    /// Read up to here, exclusive.
    pub to: Option<Nanos>,
    /// Trade this many times 24 h from `from`, or from the first minute that all symbols have.
    pub days: Option<u32>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// 1m candles.
    Candles,
    /// Funding settlements.
    Funding,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Exchange name of its symbol.
    pub symbol: String,
    /// What it holds.
    pub kind: FileKind,
    /// Its absolute path.
    pub path: PathBuf,
    /// Its length on the disk.
    pub bytes: u64,
    /// SHA-256 of its bytes on the disk, hex.
    pub sha256: String,
}

/// Everything a run must know of its data; written into the journal's header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Symbols in name order.
    pub symbols: SymbolTable,
    /// Their instruments by symbol id.
    pub instruments: Vec<Instrument>,
    /// Files by symbol, each symbol's candle files in time order.
    pub files: Vec<FileEntry>,
    /// Signals from here on; rows before only warm up.
    pub trade_from: Nanos,
    /// Rows whose candle closes later are not read.
    pub until: Nanos,
    /// Declared assumptions, as sentences for people.
    pub assumptions: Vec<String>,
    /// Limits by which rows are judged.
    #[serde(default)]
    pub firewall: FirewallConfig,
}

impl Dataset {
    /// What identifies the data: symbol, kind, length and SHA-256 of every file, but not where
    /// the files lie.
    pub fn manifest(&self) -> serde_json::Value {
        let file = |f: &FileEntry| {
            serde_json::json!({
                "symbol": f.symbol, "kind": f.kind, "bytes": f.bytes, "sha256": f.sha256,
            })
        };
        self.files.iter().map(file).collect()
    }
}

/// Finds and describes the data that the arguments name, with the firewall's default limits.
///
/// Every candle file is read once in full: for its first and last minute, holes and finest steps.
///
/// # Errors
/// See [`DataError`].
pub fn discover(args: &DataArgs) -> Result<Dataset, DataError> {
    discover_with(args, FirewallConfig::default())
}

/// [`discover`] with other limits of the firewall.
///
/// # Errors
/// See [`DataError`].
pub fn discover_with(args: &DataArgs, firewall: FirewallConfig) -> Result<Dataset, DataError> {
    if args.paths.is_empty() {
        return Err(DataError::arguments(
            "no data is named",
            "give --data with files or folders of SYMBOL-1m*.csv[.gz|.zip]",
        ));
    }
    let found = names::collect(&args.paths)?;
    let selected = select(found, &args.symbols)?;
    let table = SymbolTable::new(selected.iter().map(|(name, _)| name)).map_err(|e| {
        DataError::arguments(e.to_string(), format!("select at most {SYMBOLS_MAX} with --symbols"))
    })?;
    let file = args.instruments.as_deref().map(instruments::read_instruments).transpose()?;
    let scans = scan::all(&selected, firewall)?;
    let window = Window::new(args, &scans)?;
    let mut notes = Vec::new();
    let mut chosen = Vec::with_capacity(scans.len());
    for ((id, name), scan) in table.ids().zip(table.names()).zip(&scans) {
        chosen.push(instruments::choose(name, id, file.as_ref(), scan, &mut notes)?);
    }
    let mut assumptions = assumptions(&table, &chosen, &scans, file.as_ref());
    assumptions.append(&mut notes);
    assumptions.extend(window.note);
    Ok(Dataset {
        symbols: table,
        instruments: chosen,
        files: scans.into_iter().flat_map(|scan| scan.files).collect(),
        trade_from: window.trade_from,
        until: window.until,
        assumptions,
        firewall,
    })
}

/// The symbols to read, in name order, each with candles.
fn select(found: FoundBySymbol, wanted: &[String]) -> Result<Vec<(String, Found)>, DataError> {
    let known = |found: &FoundBySymbol| {
        let with_candles = found.iter().filter(|(_, f)| !f.candles.is_empty());
        with_candles.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let names = known(&found);
    if names.is_empty() {
        return Err(DataError::arguments(
            "the data holds funding but no candles",
            "name the files or folders of SYMBOL-1m*.csv[.gz|.zip] too",
        ));
    }
    let mut wanted: Vec<String> = wanted
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(exchange_name)
        .collect();
    if wanted.is_empty() {
        wanted.clone_from(&names);
    }
    wanted.sort();
    wanted.dedup();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(DataError::arguments(
            format!("there are no candles of {unknown} in the data"),
            format!("the data has {}", names.join(", ")),
        ));
    }
    Ok(found.into_iter().filter(|(name, _)| wanted.contains(name)).collect())
}

struct Window {
    trade_from: Nanos,
    until: Nanos,
    note: Option<String>,
}

impl Window {
    fn new(args: &DataArgs, scans: &[Scan]) -> Result<Self, DataError> {
        let first = scans.iter().map(|s| s.first).min().unwrap_or_default();
        let end = scans.iter().map(|s| s.last).max().unwrap_or_default().after(Nanos::MINUTE);
        let span = format!("the data runs from {} to {} UTC", first.utc(), end.utc());
        let refuse = |why: &str| Err(DataError::arguments(why, span.clone()));
        if args.days == Some(0) {
            return refuse("--days 0 leaves nothing to trade");
        }
        if args.days.is_some() && args.to.is_some() {
            return refuse("--days and --to both say where to end: give one of them");
        }
        let mut until = args.to.unwrap_or(end).min(end);
        let mut trade_from = args.from.unwrap_or(first).max(first);
        let mut note = None;
        if let Some(days) = args.days {
            if args.from.is_none() {
                trade_from = first_common(scans)
                    .ok_or_else(|| DataError::arguments(NO_COMMON_MINUTE, span.clone()))?;
            }
            let asked = trade_from.after(Nanos::DAY.times(i64::from(days)));
            until = until.min(asked);
            if asked > end {
                note = Some(format!("the data ends at {}, before the {days} days do", end.utc()));
            }
        }
        if until <= first {
            return refuse("--to is before the first candle");
        }
        if trade_from >= until {
            return refuse("the window that is asked for holds no candle");
        }
        Ok(Self { trade_from, until, note })
    }
}

const NO_COMMON_MINUTE: &str = "the symbols have no minute in common, so --days has no start: \
                                select fewer with --symbols, or give --from";

/// The first minute that every symbol has.
fn first_common(scans: &[Scan]) -> Option<Nanos> {
    let mut minute = scans.iter().map(|s| s.first).max()?;
    loop {
        let mut latest = minute;
        for scan in scans {
            latest = latest.max(scan.present_from(minute)?);
        }
        if latest == minute {
            return Some(minute);
        }
        minute = latest;
    }
}

fn assumptions(
    table: &SymbolTable,
    instruments: &[Instrument],
    scans: &[Scan],
    file: Option<&InstrumentFile>,
) -> Vec<String> {
    let named = |keep: &dyn Fn(usize) -> bool| {
        let names = table.names().iter().enumerate().filter(|(index, _)| keep(*index));
        names.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut lines = vec!["mark price = last price: there is no mark series".to_owned()];
    let unfunded = named(&|i| !scans[i].funded);
    if !unfunded.is_empty() {
        lines.push(format!(
            "funding is not charged for {unfunded}: no SYMBOL-funding file is beside the candles \
             or named with --data"
        ));
    }
    let of = |origin| named(&|i: usize| instruments[i].origin == origin);
    let (from_file, table_of, derived) =
        (of(InstrumentOrigin::File), of(InstrumentOrigin::BuiltIn), of(InstrumentOrigin::Derived));
    if !from_file.is_empty() {
        lines.push(format!("instruments from the file: {from_file}"));
    }
    let unbracketed = named(&|i| {
        instruments[i].origin == InstrumentOrigin::File
            && file.is_some_and(|f| !f.has_brackets(&table.names()[i]))
    });
    if !unbracketed.is_empty() {
        lines
            .push(format!("margin brackets not in the file, so this program's own: {unbracketed}"));
    }
    if !table_of.is_empty() {
        lines.push(format!(
            "instruments built-in (a table of this program, not the exchange's answer): {table_of}"
        ));
    }
    if !derived.is_empty() {
        lines.push(format!(
            "instruments derived from the data (finest steps seen, least notional 5 USDT, one \
             bracket: maintenance 5 %, leverage at most 10; simulation only): {derived}"
        ));
    }
    lines.push("fees of a regular user: taker 0.05 %, maker 0.02 %".to_owned());
    lines
}
