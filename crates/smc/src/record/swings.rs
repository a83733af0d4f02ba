//! Swings as a record knows them: each run of raw pivots of one kind by its most extreme.
//!
//! With swing length L, bar p is a raw high if its high is the highest of the 2L bars
//! `[p−L+1, p+L]`, else a raw low if its low is their lowest; only bars with p ≥ 2L−1 are looked
//! at. Knowable at p+L, and final only when the opposite kind follows. A length of 0 finds none.
//!
//! Compat: a bar that is both counts as a high, and the first and the last bar are made swings of
//! the opposite kind to their neighbours. Default: a bar that is both is the opposite of the swing
//! before it, or none where all 2L bars stand at one price, and the ends of the data are no swings.

use super::Record;
use aegis_types::Bar;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A swing of the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Swing {
    pub pos: u32,
    pub high: bool,
    pub level: f64,
}

impl Swing {
    fn of(pos: u32, high: bool, bars: &[Bar]) -> Self {
        let bar = &bars[pos as usize];
        Self { pos, high, level: if high { bar.high() } else { bar.low() } }
    }

    /// 1 for a high, −1 for a low.
    pub(super) const fn sign(&self) -> f64 {
        if self.high { 1.0 } else { -1.0 }
    }
}

/// The greatest of the last values. It grows with the data only, whatever the length asked for.
#[derive(Clone, Debug, Default)]
struct Greatest(VecDeque<(f64, u32)>);

impl Greatest {
    fn push(&mut self, at: u32, value: f64, window: u64) -> f64 {
        while self.0.back().is_some_and(|&(lower, _)| lower < value) {
            self.0.pop_back();
        }
        self.0.push_back((value, at));
        while self.0.front().is_some_and(|&(_, bar)| u64::from(at - bar) >= window) {
            self.0.pop_front();
        }
        self.0.front().map_or(value, |&(greatest, _)| greatest)
    }
}

/// Finds swings, bar by bar.
#[derive(Clone, Debug)]
pub(super) struct Swings {
    length: u32,
    compat: bool,
    highest: Greatest,
    /// Of the negated lows.
    lowest: Greatest,
    found: Vec<Swing>,
}

impl Swings {
    pub(super) fn new(length: u32, compat: bool) -> Self {
        let (highest, lowest) = (Greatest::default(), Greatest::default());
        Self { length, compat, highest, lowest, found: Vec::new() }
    }

    /// Bars after a swing until it is knowable.
    pub(super) const fn length(&self) -> u32 {
        self.length
    }

    /// Reads the last of `bars`.
    pub(super) fn push(&mut self, bars: &[Bar]) {
        let (Some(bar), at) = (bars.last(), bars.len() as u32 - 1) else { return };
        let length = u64::from(self.length);
        if length == 0 {
            return;
        }
        let highest = self.highest.push(at, bar.high(), 2 * length);
        let lowest = -self.lowest.push(at, -bar.low(), 2 * length);
        if u64::from(at) < 3 * length - 1 {
            return;
        }
        let pos = at - self.length;
        let bar = &bars[pos as usize];
        let (is_high, is_low) = (bar.high() == highest, bar.low() == lowest);
        let before = self.found.last().map(|swing| swing.high);
        let high = match (is_high, is_low, before) {
            (false, false, _) => return,
            (true, true, _) if !self.compat && highest == lowest => return,
            (true, true, None) if !self.compat => return,
            (true, true, Some(high)) if !self.compat => !high,
            (high, ..) => high,
        };
        self.alternate(Swing::of(pos, high, bars));
    }

    fn alternate(&mut self, new: Swing) {
        match self.found.last_mut() {
            Some(open) if open.high == new.high => {
                if new.sign() * new.level > new.sign() * open.level {
                    *open = new;
                }
            }
            _ => self.found.push(new),
        }
    }

    /// The swings after the last bar, under compat with the two made ones.
    pub(super) fn all(&self, bars: &[Bar]) -> Vec<Swing> {
        let (Some(first), Some(last), true) = (self.found.first(), self.found.last(), self.compat)
        else {
            return self.found.clone();
        };
        let mut all = Vec::with_capacity(self.found.len() + 2);
        all.push(Swing::of(0, !first.high, bars));
        all.extend_from_slice(&self.found);
        all.push(Swing::of(bars.len() as u32 - 1, !last.high, bars));
        all
    }
}

/// A row per swing.
pub(super) fn record(bars: &[Bar], swings: &Swings) -> Record {
    let mut record = Record::new(&["HighLow", "Level"]);
    for swing in swings.all(bars) {
        record.push(swing.pos, &[swing.sign(), swing.level]);
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;

    #[test]
    fn the_window_grows_with_the_data_and_not_with_the_length() {
        for (length, most) in [(3, 6), (u32::MAX, 40)] {
            let (mut swings, mut bars) = (Swings::new(length, true), Vec::new());
            for n in 0..40 {
                // Both queues keep most where highs fall and lows rise.
                let (high, low) = (100.0 - f64::from(n), f64::from(n));
                bars.push(Bar::new(Nanos::ZERO, low, high, low, high, 0.0).unwrap());
                swings.push(&bars);
                assert!(swings.highest.0.len().max(swings.lowest.0.len()) <= most);
            }
            assert_eq!(swings.highest.0.len(), most);
        }
    }
}
