//! The one stream of ticks: all symbols merged, rows read only as they are needed.

use crate::dataset::{Dataset, FileKind};
use crate::error::DataError;
use crate::firewall::{Firewall, Reason};
use crate::funding::{self, Settlement};
use crate::refusals::Refusals;
use crate::row::Row;
use crate::rows::Rows;
use aegis_types::{Nanos, SymbolId, Tick, TickBody};
use std::fs;
use std::path::PathBuf;

/// One symbol's place in the merge: the candle that is open, and the row after it.
struct Lane {
    rows: Rows,
    current: Option<Row>,
    next: Option<Row>,
    funding: std::iter::Peekable<std::vec::IntoIter<Settlement>>,
    started: bool,
    missing_minutes: u64,
}

/// Which half of an instant is being told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closes,
    Opens,
}

/// Iterates the ticks of a data set: at one instant all closes, then all opens, each by symbol id.
///
/// A row gives two ticks, its open at `open_time` and its whole candle 60 s later. After an error
/// nothing follows.
pub struct Ticks {
    lanes: Vec<Lane>,
    firewall: Firewall,
    refusals: Refusals,
    until: Nanos,
    now: Nanos,
    phase: Phase,
    cursor: usize,
    failed: Option<DataError>,
    done: bool,
}

/// Opens a data set for reading. Memory is one buffer and decoder a symbol, whatever the length.
///
/// # Errors
/// When a file has gone or changed since it was described, or cannot be read.
pub fn open(dataset: &Dataset) -> Result<Ticks, DataError> {
    let count = dataset.symbols.len();
    let mut refusals = Refusals::new(count);
    let mut firewall = Firewall::new(count, dataset.firewall);
    let mut lanes = Vec::with_capacity(count);
    for entry in &dataset.files {
        let meta = fs::metadata(&entry.path).map_err(|e| DataError::io(&entry.path, 0, &e))?;
        if meta.len() != entry.bytes {
            return Err(DataError::file(
                &entry.path,
                format!("it had {} bytes when described, now {}", entry.bytes, meta.len()),
                "restore the file, or start a new session on the changed data",
            ));
        }
    }
    for (id, name) in dataset.symbols.ids().zip(dataset.symbols.names()) {
        let of_kind = |kind: FileKind| -> Vec<PathBuf> {
            let files = dataset.files.iter().filter(|f| f.symbol == *name && f.kind == kind);
            files.map(|f| f.path.clone()).collect()
        };
        let settlements = funding::read(id, &of_kind(FileKind::Funding), &mut refusals)?;
        let mut rows = Rows::new(id, of_kind(FileKind::Candles));
        let next = rows.next(&mut firewall, &mut refusals)?;
        lanes.push(Lane {
            rows,
            current: None,
            next,
            funding: settlements.into_iter().peekable(),
            started: false,
            missing_minutes: 0,
        });
    }
    let mut ticks = Ticks {
        lanes,
        firewall,
        refusals,
        until: dataset.until,
        now: Nanos(i64::MIN),
        phase: Phase::Closes,
        cursor: 0,
        failed: None,
        done: false,
    };
    ticks.next_instant();
    Ok(ticks)
}

/// Reads a whole data set into memory, for benchmarks: the ticks, and what was refused.
///
/// # Errors
/// See [`open`].
pub fn load(dataset: &Dataset) -> Result<(Vec<Tick>, Refusals), DataError> {
    let mut ticks = open(dataset)?;
    let all = ticks.by_ref().collect::<Result<Vec<_>, _>>()?;
    Ok((all, ticks.refusals))
}

impl Ticks {
    /// What the firewall has refused so far.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Minutes so far in which a symbol had no row between two that it had, by symbol id.
    pub fn missing_minutes(&self) -> Vec<u64> {
        self.lanes.iter().map(|lane| lane.missing_minutes).collect()
    }

    /// Moves to the earliest instant at which any lane has something to tell.
    fn next_instant(&mut self) {
        let until = self.until;
        let instant = |lane: &Lane| match (&lane.current, &lane.next) {
            (Some(current), _) => Some(current.close_time()),
            (None, Some(next)) => (next.close_time() <= until).then_some(next.open_time),
            (None, None) => None,
        };
        match self.lanes.iter().filter_map(instant).min() {
            Some(at) => self.now = at,
            None => self.done = true,
        }
        self.phase = Phase::Closes;
        self.cursor = 0;
    }

    #[inline]
    fn close(&mut self, index: usize) -> Option<Tick> {
        let lane = &mut self.lanes[index];
        if lane.current.as_ref().is_none_or(|row| row.close_time() != self.now) {
            return None;
        }
        let row = lane.current.take()?;
        Some(row.candle(SymbolId(index as u16)))
    }

    #[inline]
    fn open(&mut self, index: usize) -> Option<Tick> {
        let symbol = SymbolId(index as u16);
        let lane = &mut self.lanes[index];
        let row = lane.next.filter(|row| row.open_time == self.now)?;
        if row.close_time() > self.until {
            return None;
        }
        let funding = lane.settlement(self.now, symbol, &mut self.refusals);
        lane.current = Some(row);
        match lane.rows.next(&mut self.firewall, &mut self.refusals) {
            Ok(next) => {
                if let Some(next) = next {
                    let hole = next.open_time.since(row.close_time());
                    lane.missing_minutes += (hole.0 / Nanos::MINUTE.0) as u64;
                }
                lane.next = next;
            }
            // Told after this tick, which is still good.
            Err(e) => self.failed = Some(e),
        }
        let body = TickBody::Open { px: row.open, funding };
        Some(Tick { symbol, derived: false, at: self.now, received_us: 0, body })
    }
}

impl Lane {
    /// The rate settled in this minute; settlements in minutes without a candle are counted.
    #[inline]
    fn settlement(
        &mut self,
        minute: Nanos,
        symbol: SymbolId,
        refusals: &mut Refusals,
    ) -> Option<aegis_types::Rate> {
        let mut rate = None;
        while let Some((at, settled)) = self.funding.next_if(|(at, _)| *at <= minute) {
            if at == minute {
                rate = Some(settled);
            } else if self.started {
                let place = || format!("funding of {}", at.utc());
                refusals.add(symbol, Reason::FundingWithoutCandle, place, || settled.to_string());
            }
        }
        self.started = true;
        rate
    }
}

impl Iterator for Ticks {
    type Item = Result<Tick, DataError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.failed.take() {
                self.done = true;
                return Some(Err(error));
            }
            if self.done {
                return None;
            }
            while self.cursor < self.lanes.len() {
                let index = self.cursor;
                self.cursor += 1;
                let tick = match self.phase {
                    Phase::Closes => self.close(index),
                    Phase::Opens => self.open(index),
                };
                if let Some(tick) = tick {
                    return Some(Ok(tick));
                }
            }
            if self.phase == Phase::Closes {
                self.phase = Phase::Opens;
                self.cursor = 0;
            } else {
                self.next_instant();
            }
        }
    }
}
