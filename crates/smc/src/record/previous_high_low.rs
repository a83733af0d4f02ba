//! High and low of the period before, and whether they are broken, bar by bar.
//!
//! Default: a bar belongs to the bin that holds its open time, bins begin at multiples of the
//! period from the epoch (UTC; weeks and months by the calendar), and the previous bin is the last
//! one with a bar in it. A level counts as broken from the first bar of the current bin that trades
//! beyond it. A bar that comes late counts into the bin that is open. Knowable at the bar.
//!
//! Compat: bins are those of pandas, which counts from the first midnight of the data and labels
//! weeks and months by their last day; the previous bin is the second last whose label is before
//! the bar's time, so that a bar stamped at the start of a bin, and every bar of a week or month
//! but those of its last day, sees one bin too old. Levels are rounded to f32 and compared so; the
//! breaks start anew when the bin seen changes.

use super::Record;
use super::period::Period;
use aegis_types::{Bar, Nanos};
use alloc::vec::Vec;

/// High and low.
type Range = (f64, f64);

fn widen(range: &mut Range, bar: &Bar) {
    *range = (range.0.max(bar.high()), range.1.min(bar.low()));
}

/// Previous high and low, and whether each is broken.
type Row = [f64; 4];

const UNKNOWN: Row = [f64::NAN, f64::NAN, 0.0, 0.0];

fn row(previous: Range, reached: Range) -> Row {
    let flag = |broken| if broken { 1.0 } else { 0.0 };
    [previous.0, previous.1, flag(reached.0 > previous.0), flag(reached.1 < previous.1)]
}

/// Levels of the period before.
#[derive(Clone, Debug)]
pub(super) struct PreviousHighLow {
    period: Period,
    compat: bool,
    /// Default: one a bar. Compat needs all bars first, as the first midnight may come late.
    rows: Vec<Row>,
    bars: Vec<(Nanos, Range)>,
    bin: i64,
    current: Option<Range>,
    previous: Option<Range>,
}

impl PreviousHighLow {
    pub(super) fn new(period: Period, compat: bool) -> Self {
        let (rows, bars) = (Vec::new(), Vec::new());
        Self { period, compat, rows, bars, bin: i64::MIN, current: None, previous: None }
    }

    pub(super) fn push(&mut self, bar: &Bar) {
        let range = (bar.high(), bar.low());
        if self.compat {
            self.bars.push((bar.time(), range));
            return;
        }
        let bin = self.period.bin(bar.time());
        if bin > self.bin {
            (self.bin, self.previous) = (bin, self.current.take());
        }
        let current = self.current.get_or_insert(range);
        widen(current, bar);
        self.rows.push(self.previous.map_or(UNKNOWN, |previous| row(previous, *current)));
    }

    /// The bins in order: label and range.
    fn bins(&self) -> Vec<(Nanos, Range)> {
        let Some(first) = self.bars.iter().map(|(time, _)| *time).min() else { return Vec::new() };
        let label = |&(time, range): &(Nanos, Range)| (self.period.label(time, first), range);
        let mut bins: Vec<_> = self.bars.iter().map(label).collect();
        bins.sort_by_key(|(label, _)| *label);
        bins.dedup_by(|next, bin| {
            let same = next.0 == bin.0;
            if same {
                bin.1 = (bin.1.0.max(next.1.0), bin.1.1.min(next.1.1));
            }
            same
        });
        bins
    }

    fn compat_rows(&self) -> Vec<Row> {
        let bins = self.bins();
        let mut seen = None;
        let mut reached = (f64::NAN, f64::NAN);
        let row = |&(time, range): &(Nanos, Range)| {
            let before = bins.partition_point(|(label, _)| *label < time);
            if seen != Some(before) {
                (seen, reached) = (Some(before), range);
            }
            reached = (reached.0.max(range.0), reached.1.min(range.1));
            let Some(previous) = before.checked_sub(2) else { return UNKNOWN };
            let (high, low) = bins[previous].1;
            row((f64::from(high as f32), f64::from(low as f32)), reached)
        };
        self.bars.iter().map(row).collect()
    }

    /// A row per bar.
    pub(super) fn record(&self) -> Record {
        let columns = &["PreviousHigh", "PreviousLow", "BrokenHigh", "BrokenLow"];
        let mut record = Record::new(columns);
        let compat = if self.compat { self.compat_rows() } else { Vec::new() };
        for (at, row) in (0..).zip(if self.compat { &compat } else { &self.rows }) {
            record.push(at, row);
        }
        record
    }
}
