//! Retracements of a record: how much of its last leg price has given back, bar by bar.
//!
//! After a swing high the leg is from the low before it: Direction 1, and the retracement is
//! `100 − (low − bottom)/(top − bottom)·100`, rounded to a tenth (half to even), 0 for a leg of no
//! height; the deepest is the greatest since the swing. After a swing low mirrored, Direction −1.
//! Knowable at the swing's confirmation, and final when the swing is.
//!
//! Compat: the made swings at both ends count; a missing swing is a price of 0; a low's own bar is
//! measured and a high's is not; all three columns are rolled by one bar, the last into the first;
//! all rows up to the third change of direction are 0, and where there is no third all but the
//! last. Default: none of these; a swing's own bar is 0 for both kinds, as nobody knows what came
//! first in it, and before there is a leg the two percentages are absent.

use super::Record;
use super::swings::{Swing, Swings};
use aegis_types::Bar;
use alloc::vec::Vec;

/// Direction, current and deepest retracement.
type Row = [f64; 3];

/// How much of the leg from `origin` to `end` the bar gave back, in percent.
fn given_back(bar: &Bar, sign: f64, origin: f64, end: f64) -> f64 {
    let leg = sign * end - sign * origin;
    let price = if sign > 0.0 { bar.low() } else { -bar.high() };
    let share = if leg == 0.0 { 0.0 } else { 100.0 - (price - sign * origin) / leg * 100.0 };
    libm::rint(share * 10.0) / 10.0
}

/// The greater, the first unless the second is greater.
fn deeper(before: f64, now: f64) -> f64 {
    if now > before { now } else { before }
}

fn default_rows(bars: &[Bar], all: &[Swing]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(bars.len());
    let mut ahead = all.iter().peekable();
    let (mut origin, mut end): (Option<Swing>, Option<Swing>) = (None, None);
    let mut deepest = 0.0;
    for (at, bar) in (0..).zip(bars) {
        if let Some(swing) = ahead.next_if(|swing| swing.pos == at) {
            (origin, end, deepest) = (end, Some(*swing), 0.0);
        }
        let direction = end.map_or(0.0, |end| end.sign());
        let Some((origin, end)) = origin.zip(end) else {
            rows.push([direction, f64::NAN, f64::NAN]);
            continue;
        };
        let own = end.pos == at;
        let now = if own { 0.0 } else { given_back(bar, direction, origin.level, end.level) };
        deepest = deeper(deepest, now);
        rows.push([direction, now, deepest]);
    }
    rows
}

fn compat_rows(bars: &[Bar], all: &[Swing]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(bars.len());
    let mut ahead = all.iter().peekable();
    let (mut top, mut bottom) = (0.0, 0.0);
    let mut before = [0.0; 3];
    for (at, bar) in (0..).zip(bars) {
        let mut row = [before[0], 0.0, 0.0];
        if let Some(swing) = ahead.next_if(|swing| swing.pos == at) {
            row[0] = swing.sign();
            *if swing.high { &mut top } else { &mut bottom } = swing.level;
        }
        let measured = if row[0] == -1.0 {
            Some((-1.0, top, bottom))
        } else if before[0] == 1.0 {
            Some((1.0, bottom, top))
        } else {
            None
        };
        if let Some((sign, origin, end)) = measured {
            let deepest = if before[0] == sign { before[2] } else { 0.0 };
            row[1] = given_back(bar, sign, origin, end);
            row[2] = deeper(deepest, row[1]);
        }
        rows.push(row);
        before = row;
    }
    if let Some(last) = rows.pop() {
        rows.insert(0, last);
    }
    blank(&mut rows);
    rows
}

/// Zeroes the rows up to and with the one after the third change of direction.
fn blank(rows: &mut [Row]) {
    let changes = rows.windows(2).enumerate().filter(|(_, two)| two[0][0] != two[1][0]);
    let third = changes.map(|(before, _)| before + 2).nth(2);
    let until = third.unwrap_or(rows.len().saturating_sub(1));
    rows[..until].fill([0.0; 3]);
}

/// A row per bar.
pub(super) fn record(bars: &[Bar], swings: &Swings, compat: bool) -> Record {
    let all = swings.all(bars);
    let rows = if compat { compat_rows(bars, &all) } else { default_rows(bars, &all) };
    let mut record = Record::new(&["Direction", "CurrentRetracement%", "DeepestRetracement%"]);
    for (at, row) in (0..).zip(&rows) {
        record.push(at, row);
    }
    record
}
