//! Breaks of structure and changes of character of a record.
//!
//! Four swings in a row a, b, m, d; for d a high: BOS if a < m < b < d, CHoCH if m < a < b < d (d a
//! low: mirrored). The row is at b, Level is b's. BrokenIndex is the first bar from pos(b)+2 on
//! whose close (wick: high, low) is beyond Level; without one there is no row. A row is superseded,
//! and gone, once a later row is broken no later than it. Knowable at the later of pos(d)+L and
//! BrokenIndex, and superseded even after that.
//!
//! Compat: Level is rounded to f32 and prices are compared with the rounded one; the made swings at
//! both ends count; a superseded row stays with its BrokenIndex only; a Level of 0 is absent.
//! Default: none of these.

use super::Record;
use super::ahead::first_beyond;
use super::swings::Swings;
use aegis_types::Bar;
use alloc::vec::Vec;

struct Pattern {
    pos: u32,
    sign: f64,
    bos: bool,
    level: f64,
}

fn patterns(bars: &[Bar], swings: &Swings, compat: bool) -> Vec<Pattern> {
    let all = swings.all(bars);
    let pattern = |four: &[super::swings::Swing]| {
        let sign = four[3].sign();
        let [a, b, m, d] = [0, 1, 2, 3].map(|n| sign * four[n].level);
        let bos = a < m && m < b;
        let choch = m < a && a < b;
        let level = four[1].level;
        let level = if compat { f64::from(level as f32) } else { level };
        ((bos || choch) && b < d).then_some(Pattern { pos: four[1].pos, sign, bos, level })
    };
    all.windows(4).filter_map(pattern).collect()
}

fn broken(bars: &[Bar], patterns: &[Pattern], close: bool, sign: f64) -> Vec<Option<u32>> {
    let of_sign = patterns.iter().filter(|pattern| pattern.sign == sign);
    let questions: Vec<_> =
        of_sign.map(|pattern| (pattern.pos as usize + 2, sign * pattern.level)).collect();
    let price = |bar: usize| {
        let bar = &bars[bar];
        match (close, sign > 0.0) {
            (true, _) => sign * bar.close(),
            (false, true) => bar.high(),
            (false, false) => -bar.low(),
        }
    };
    first_beyond(bars.len(), price, &questions, |price, level| price > level)
}

/// A row per break that was not superseded; under compat what is left of the others, too.
pub(super) fn record(bars: &[Bar], swings: &Swings, close: bool, compat: bool) -> Record {
    let patterns = patterns(bars, swings, compat);
    let mut ups = broken(bars, &patterns, close, 1.0).into_iter();
    let mut downs = broken(bars, &patterns, close, -1.0).into_iter();
    let broken = |pattern: &Pattern| {
        let answers = if pattern.sign > 0.0 { &mut ups } else { &mut downs };
        answers.next().flatten()
    };
    let broken: Vec<Option<u32>> = patterns.iter().map(broken).collect();
    let mut stands = alloc::vec![false; patterns.len()];
    let mut earliest = u32::MAX;
    for (stands, broken) in stands.iter_mut().zip(&broken).rev() {
        if let Some(broken) = *broken {
            *stands = broken < earliest;
            earliest = earliest.min(broken);
        }
    }
    let mut record = Record::new(&["BOS", "CHOCH", "Level", "BrokenIndex"]);
    for ((pattern, broken), stands) in patterns.iter().zip(broken).zip(stands) {
        let Some(broken) = broken.map(f64::from) else { continue };
        let only = |what| if what { pattern.sign } else { f64::NAN };
        let level = if compat && pattern.level == 0.0 { f64::NAN } else { pattern.level };
        if stands {
            record.push(pattern.pos, &[only(pattern.bos), only(!pattern.bos), level, broken]);
        } else if compat {
            record.push(pattern.pos, &[f64::NAN, f64::NAN, f64::NAN, broken]);
        }
    }
    record
}
