//! Bars inside a session, with the session's high and low so far; bars outside have no row.
//!
//! Default: half-open windows of civil time, summer time included; a session is that of the civil
//! day on which it starts, so that neither a gap in the data nor a window of 24 hours joins two.
//! Knowable at the bar.
//!
//! Compat: whole minutes, both ends inside; a window that ends no later than it starts goes over
//! midnight, one of equal ends holds all day. High and Low run on while the bar before was inside,
//! whenever that was, rounded to f32 each time; a High starts from 0 where prices are negative, and
//! a Low that comes to 0 is forgotten.

use super::Record;
use crate::clock::{SessionCursor, SessionWindow};
use aegis_types::Bar;
use alloc::vec::Vec;

/// Bars inside one daily window.
#[derive(Clone, Debug)]
pub(super) struct SessionBars {
    window: SessionWindow,
    compat: bool,
    cursor: SessionCursor,
    /// Civil day of the session that the bar before lay in.
    day: Option<i32>,
    /// High and low of the session so far; compat: 0 outside.
    range: (f64, f64),
    count: u32,
    rows: Vec<(u32, f64, f64)>,
}

impl SessionBars {
    pub(super) fn new(window: SessionWindow, compat: bool) -> Self {
        let cursor = SessionCursor::new(window);
        let (day, range, count, rows) = (None, (0.0, 0.0), 0, Vec::new());
        Self { window, compat, cursor, day, range, count, rows }
    }

    pub(super) fn push(&mut self, bar: &Bar) {
        let at = self.count;
        self.count += 1;
        let inside = if self.compat { self.push_compat(bar) } else { self.push_default(bar) };
        if inside {
            self.rows.push((at, self.range.0, self.range.1));
        }
    }

    fn push_default(&mut self, bar: &Bar) -> bool {
        let day = self.cursor.day(bar.time());
        if day != self.day || day.is_none() {
            (self.day, self.range) = (day, (bar.high(), bar.low()));
        }
        self.range = (self.range.0.max(bar.high()), self.range.1.min(bar.low()));
        day.is_some()
    }

    fn push_compat(&mut self, bar: &Bar) -> bool {
        let minute = self.window.zone().civil(bar.time()).minute;
        let (start, end) = (self.window.start(), self.window.end());
        let inside = if start < end {
            start <= minute && minute <= end
        } else {
            start <= minute || minute <= end
        };
        let (high, low) = self.range;
        self.range = if inside {
            let low = if low == 0.0 { f64::INFINITY } else { low };
            let (high, low) = (bar.high().max(high), bar.low().min(low));
            (f64::from(high as f32), f64::from(low as f32))
        } else {
            (0.0, 0.0)
        };
        inside
    }

    /// A row per bar inside.
    pub(super) fn record(&self) -> Record {
        let mut record = Record::new(&["Active", "High", "Low"]);
        for &(at, high, low) in &self.rows {
            record.push(at, &[1.0, high, low]);
        }
        record
    }
}
