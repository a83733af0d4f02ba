//! Recorded raw frames to facts: lines of `RECEIVED_NS FRAME` as they came over sockets, plain or
//! gzip, several files merged by the time of receipt.
//!
//! Book changes, snapshots, trades, best prices, mark prices and closed candles become facts; a
//! frame of any other kind is counted and left out. A snapshot names no symbol: it is of the symbol
//! whose frame stands before it in its file.

use crate::server::fact::{DepthChange, DepthSnapshot, Fact, FactBody, Facts};
use crate::server::text::places;
use aegis_data::{built_in, derived};
use aegis_types::{Instrument, Px, Qty, SCALE, SymbolId, SymbolTable, Tick, TickBody};
use aegis_wire::{Frame, Levels, scan, scan_snapshot};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line: a book of a thousand levels a side has some sixty thousand bytes.
const LINE_MAX: usize = 4 * 1024 * 1024;

/// Is this the name of a file of recorded frames?
pub fn is_recording(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    [".raw", ".raw.gz", ".jsonl", ".jsonl.gz"].iter().any(|end| name.ends_with(end))
}

/// The recordings among files and folders, in name order.
///
/// # Errors
/// When a folder cannot be listed.
pub fn recordings(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries =
                std::fs::read_dir(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let files = entries.filter_map(Result::ok).map(|entry| entry.path());
            found.extend(files.filter(|path| path.is_file() && is_recording(path)));
        } else if is_recording(path) {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// What a recording holds of one symbol.
#[derive(Clone, Copy, Debug)]
struct Seen {
    first_ms: i64,
    last_ms: i64,
    px_places: u8,
    qty_places: u8,
    trades: bool,
}

/// A described recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Symbols in name order.
    pub symbols: SymbolTable,
    /// Instruments: built-in, else derived from the grids seen.
    pub instruments: Vec<Instrument>,
    /// First instant that all symbols have, ms.
    pub first_ms: i64,
    /// Last instant, ms.
    pub last_ms: i64,
    files: Vec<PathBuf>,
    with_trades: Vec<bool>,
}

impl Recording {
    /// Reads the files once and says what is in them.
    ///
    /// # Errors
    /// When one cannot be read, or holds a line that is no frame; with its place.
    pub fn describe(files: Vec<PathBuf>, wanted: &[String]) -> Result<Self, String> {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for path in &files {
            let mut lines = Lines::open(path)?;
            while let Some(line) = lines.next()? {
                if let Some((name, at_ms, noted)) = note(&line, &mut lines.levels) {
                    seen.entry(name).and_modify(|known| known.join(at_ms, noted)).or_insert(Seen {
                        first_ms: at_ms,
                        last_ms: at_ms,
                        ..noted
                    });
                } else if line.fault {
                    return Err(lines.wrong());
                }
            }
        }
        seen.retain(|name, _| wanted.is_empty() || wanted.contains(name));
        if seen.is_empty() {
            return Err("the recorded frames hold no symbol that is wanted".to_owned());
        }
        let symbols = SymbolTable::new(seen.keys()).map_err(|e| e.to_string())?;
        let grid = |places: u8| SCALE / 10i64.pow(u32::from(places.min(8)));
        let instrument = |(id, (name, seen)): (SymbolId, (&String, &Seen))| {
            let tick = Px::from_raw(grid(seen.px_places));
            let step = Qty::from_raw(grid(seen.qty_places));
            built_in(name, id).unwrap_or_else(|| derived(name, id, tick, step))
        };
        Ok(Self {
            instruments: symbols.ids().zip(&seen).map(instrument).collect(),
            first_ms: seen.values().map(|seen| seen.first_ms).max().unwrap_or(0),
            last_ms: seen.values().map(|seen| seen.last_ms).max().unwrap_or(0),
            with_trades: seen.values().map(|seen| seen.trades).collect(),
            symbols,
            files,
        })
    }

    /// The facts from the first one on.
    ///
    /// # Errors
    /// When a file cannot be opened any more.
    pub fn facts(&self) -> Result<Facts, String> {
        let open = |path: &PathBuf| -> Result<Lane, String> {
            let mut lane = Lane { lines: Lines::open(path)?, symbol: None, head: None };
            lane.advance(self)?;
            Ok(lane)
        };
        let lanes = self.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(Merge { recording: self.clone(), lanes, now_ms: i64::MIN, failed: false }))
    }
}

impl Seen {
    fn join(&mut self, at_ms: i64, noted: Self) {
        self.first_ms = self.first_ms.min(at_ms);
        self.last_ms = self.last_ms.max(at_ms);
        self.px_places = self.px_places.max(noted.px_places);
        self.qty_places = self.qty_places.max(noted.qty_places);
        self.trades |= noted.trades;
    }
}

/// Symbol, event time and grids of a line.
fn note(line: &Line, levels: &mut Levels) -> Option<(String, i64, Seen)> {
    let frame = scan(&line.frame, levels).ok()?.frame;
    let name = frame.symbol()?.to_owned();
    let (at_ms, px, qty) = match frame {
        Frame::Trade(trade) => (trade.event_ms, trade.px.raw(), trade.qty.raw()),
        Frame::AggTrade(trade) => (trade.event_ms, trade.px.raw(), trade.qty.raw()),
        Frame::BookTicker(book) => (book.event_ms, book.bid.raw(), book.bid_qty.raw()),
        Frame::Kline(kline) => (kline.event_ms, kline.bar.close.raw(), 0),
        Frame::MarkPrice(mark) => (mark.event_ms, 0, 0),
        Frame::Depth(depth) => {
            let level = levels.bids().first().copied().unwrap_or_default();
            (depth.event_ms, level.px.raw(), level.qty.raw())
        }
        Frame::Other { .. } => return None,
    };
    let decimals = |raw: i64| if raw == 0 { 0 } else { places(raw) };
    let seen = Seen {
        first_ms: at_ms,
        last_ms: at_ms,
        px_places: decimals(px),
        qty_places: decimals(qty),
        trades: matches!(frame, Frame::Trade(_)),
    };
    Some((name, at_ms, seen))
}

/// One line.
struct Line {
    received_ns: i64,
    frame: Vec<u8>,
    /// It is neither a frame nor a snapshot.
    fault: bool,
}

/// The lines of one file.
struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    number: u64,
    levels: Levels,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let gzip = path.extension().is_some_and(|end| end == "gz");
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(file)))
        } else {
            Box::new(BufReader::with_capacity(1 << 18, file))
        };
        let (number, levels) = (0, Levels::with_capacity(10_000));
        Ok(Self { path: path.to_path_buf(), reader, number, levels, buffer: Vec::new() })
    }

    fn wrong(&self) -> String {
        format!(
            "{}:{}: not `RECEIVED_NS FRAME` with a frame of the exchange; cut the line out or \
             record again",
            self.path.display(),
            self.number
        )
    }

    fn next(&mut self) -> Result<Option<Line>, String> {
        loop {
            self.buffer.clear();
            let mut limited = self.reader.by_ref().take(LINE_MAX as u64);
            let read = limited.read_until(b'\n', &mut self.buffer);
            let length = read.map_err(|e| format!("{}: {e}", self.path.display()))?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            let line = self.buffer.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let stamp = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let received = core::str::from_utf8(&line[..stamp]).ok();
            let received_ns = received.and_then(|text| text.parse().ok()).unwrap_or(0);
            let frame = line[stamp..].trim_ascii_start().to_vec();
            let fault = scan(&frame, &mut self.levels).is_err();
            return Ok(Some(Line { received_ns, frame, fault }));
        }
    }
}

/// A file's place in the merge.
struct Lane {
    lines: Lines,
    /// Of the last frame: the symbol that a snapshot is of.
    symbol: Option<SymbolId>,
    head: Option<(i64, Fact)>,
}

impl Lane {
    /// Reads up to the next fact.
    fn advance(&mut self, recording: &Recording) -> Result<(), String> {
        self.head = None;
        while let Some(line) = self.lines.next()? {
            if line.fault {
                return Err(self.lines.wrong());
            }
            if let Some(fact) = self.fact(&line, recording) {
                self.head = Some((line.received_ns, fact));
                return Ok(());
            }
        }
        Ok(())
    }

    fn fact(&mut self, line: &Line, recording: &Recording) -> Option<Fact> {
        let frame = scan(&line.frame, &mut self.lines.levels).ok()?.frame;
        let levels = &self.lines.levels;
        let id = |name: &str| recording.symbols.id(name);
        if let Some(name) = frame.symbol() {
            self.symbol = id(name);
        }
        let symbol = self.symbol?;
        let event_ms = match frame {
            Frame::Trade(trade) => trade.event_ms,
            Frame::AggTrade(_) if recording.with_trades[symbol.index()] => return None,
            Frame::AggTrade(trade) => trade.event_ms,
            Frame::BookTicker(book) => book.event_ms,
            Frame::MarkPrice(mark) => mark.event_ms,
            Frame::Kline(kline) => kline.event_ms,
            Frame::Depth(depth) => {
                let body = FactBody::Depth(Box::new(DepthChange {
                    symbol,
                    time_ms: depth.time_ms,
                    first_id: depth.first_id,
                    last_id: depth.last_id,
                    previous_id: depth.previous_id,
                    bids: levels.bids().to_vec(),
                    asks: levels.asks().to_vec(),
                }));
                return Some(Fact { at_ms: depth.event_ms, body });
            }
            Frame::Other { event: Some(_) } => return None,
            Frame::Other { event: None } => return self.snapshot(&line.frame, symbol),
        };
        let tick: Tick = frame.tick(id).ok()?;
        match tick.body {
            TickBody::Candle { .. } => Some(Fact::of(tick)),
            _ => Some(Fact { at_ms: event_ms, body: FactBody::Tick(tick) }),
        }
    }

    fn snapshot(&mut self, frame: &[u8], symbol: SymbolId) -> Option<Fact> {
        let snapshot = scan_snapshot(frame, &mut self.lines.levels).ok()?;
        let levels = &self.lines.levels;
        let body = FactBody::Snapshot(Box::new(DepthSnapshot {
            symbol,
            time_ms: snapshot.time_ms,
            last_id: snapshot.last_update_id,
            bids: levels.bids().to_vec(),
            asks: levels.asks().to_vec(),
        }));
        Some(Fact { at_ms: snapshot.event_ms, body })
    }
}

/// All files in the order of receipt.
struct Merge {
    recording: Recording,
    lanes: Vec<Lane>,
    now_ms: i64,
    failed: bool,
}

impl Iterator for Merge {
    type Item = Result<Fact, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let heads = self.lanes.iter().enumerate();
        let heads = heads.filter_map(|(place, lane)| Some((lane.head.as_ref()?.0, place)));
        let (_, place) = heads.min()?;
        let lane = &mut self.lanes[place];
        let (_, mut fact) = lane.head.take()?;
        if let Err(why) = lane.advance(&self.recording) {
            self.failed = true;
            return Some(Err(why));
        }
        // Events overtake each other by some milliseconds on their way; told time does not go back.
        self.now_ms = self.now_ms.max(fact.at_ms);
        fact.at_ms = self.now_ms;
        Some(Ok(fact))
    }
}
