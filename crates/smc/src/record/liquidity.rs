//! Liquidity of a record: swings at one price.
//!
//! A swing high that no pool has taken opens one of half-width R around its level. It is swept by
//! the first later bar whose high is at or above level + R. A later swing high before that, within
//! R of the opener's level, joins the earliest pool that it fits. A pool of two or more is a row at
//! its opener: Level their mean, End the last member, Swept 0 if it never is. Lows mirrored.
//! Knowable at End + L, Swept at its bar.
//!
//! Compat: R is `range_percent` of the whole data's high-low range, of bars to come too; Level, End
//! and Swept are rounded to f32; the made swings at both ends count. Default: R is `range_percent`
//! of the range up to the bar that confirms the opener, and the rest is none of these.
//!
//! Openers that are open at one time are further than R apart, so that few can fit a swing: they
//! are found by price, and no swing is compared with all.

use super::Record;
use super::ahead::first_beyond;
use super::swings::{Swing, Swings};
use aegis_types::Bar;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

struct Pool {
    pos: u32,
    high: bool,
    /// Level and half-width, the level negated for lows.
    level: f64,
    width: f64,
    swept: Option<u32>,
    sum: f64,
    count: u32,
    end: u32,
}

impl Pool {
    fn fits(&self, level: f64) -> bool {
        self.level - self.width <= level && level <= self.level + self.width
    }
}

/// Bits that order as the numbers do. Both zeros are one.
fn ordered(price: f64) -> i64 {
    let bits = (price + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// Open pools of one kind by level, to find those near a price.
#[derive(Default)]
struct ByLevel(BTreeSet<(i64, u32)>);

impl ByLevel {
    /// Numbers of the pools that may be within `width` of `level`: a little too many, never too
    /// few, as rounding may fall either way.
    fn near(&self, level: f64, width: f64) -> Vec<u32> {
        let slack = 4.0 * f64::EPSILON * (level.abs() + width);
        let (from, to) = (level - width - slack, level + width + slack);
        if from > to {
            return Vec::new();
        }
        let range = (ordered(from), 0)..=(ordered(to), u32::MAX);
        self.0.range(range).map(|&(_, number)| number).collect()
    }
}

/// Half-width of the pool that each swing may open.
fn widths(bars: &[Bar], all: &[Swing], length: u32, share: f64, compat: bool) -> Vec<f64> {
    let (mut highest, mut lowest, mut read) = (f64::NEG_INFINITY, f64::INFINITY, 0);
    let width = |swing: &Swing| {
        let known = if compat { bars.len() } else { (swing.pos + length) as usize + 1 };
        for bar in &bars[read..known] {
            (highest, lowest) = (highest.max(bar.high()), lowest.min(bar.low()));
        }
        read = known;
        (highest - lowest) * share
    };
    all.iter().map(width).collect()
}

fn swept(bars: &[Bar], all: &[Swing], widths: &[f64], high: bool) -> Vec<Option<u32>> {
    let of_kind = all.iter().zip(widths).filter(|(swing, _)| swing.high == high);
    let questions: Vec<_> = of_kind
        .map(|(swing, width)| (swing.pos as usize + 1, swing.sign() * swing.level + width))
        .collect();
    let extreme = |bar: usize| if high { bars[bar].high() } else { -bars[bar].low() };
    first_beyond(bars.len(), extreme, &questions, |extreme, price| extreme >= price)
}

/// The pools that swings of one kind form, those of one member too.
fn pools(bars: &[Bar], all: &[Swing], widths: &[f64], high: bool) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    let mut open = ByLevel::default();
    let mut widest = 0.0_f64;
    let of_kind = all.iter().zip(widths).filter(|(swing, _)| swing.high == high);
    for ((swing, &width), swept) in of_kind.zip(swept(bars, all, widths, high)) {
        let level = swing.sign() * swing.level;
        let mut joined = None;
        for number in open.near(level, widest) {
            let pool = &pools[number as usize];
            if pool.swept.is_some_and(|swept| swept <= swing.pos) {
                open.0.remove(&(ordered(pool.level), number));
            } else if pool.fits(level) && joined.is_none_or(|earlier| number < earlier) {
                joined = Some(number);
            }
        }
        if let Some(number) = joined {
            let pool = &mut pools[number as usize];
            (pool.sum, pool.count, pool.end) = (pool.sum + level, pool.count + 1, swing.pos);
            continue;
        }
        widest = widest.max(width);
        open.0.insert((ordered(level), pools.len() as u32));
        let (pos, sum, count, end) = (swing.pos, level, 1, swing.pos);
        pools.push(Pool { pos, high, level, width, swept, sum, count, end });
    }
    pools
}

/// A row per pool of two or more; `share` is the range percentage as a fraction.
pub(super) fn record(bars: &[Bar], swings: &Swings, share: f64, compat: bool) -> Record {
    let all = swings.all(bars);
    let widths = widths(bars, &all, swings.length(), share, compat);
    let mut found = pools(bars, &all, &widths, true);
    found.append(&mut pools(bars, &all, &widths, false));
    found.retain(|pool| pool.count > 1);
    found.sort_unstable_by_key(|pool| pool.pos);
    let stored = |value: f64| if compat { f64::from(value as f32) } else { value };
    let mut record = Record::new(&["Liquidity", "Level", "End", "Swept"]);
    for pool in found {
        let sign = if pool.high { 1.0 } else { -1.0 };
        let level = stored(sign * (pool.sum / f64::from(pool.count)));
        let (end, swept) = (f64::from(pool.end), f64::from(pool.swept.unwrap_or(0)));
        record.push(pool.pos, &[sign, level, stored(end), stored(swept)]);
    }
    record
}
