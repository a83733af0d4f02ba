//! Swing points, alternating.
//!
//! With swing length L, bar p is a raw high if `high[p]` is the highest of the 2L bars
//! `[p−L+1, p+L]` (a raw low mirrored); it is known at the close of p+L. Of a run of raw pivots of
//! one kind the most extreme is the swing, the first on ties; a stronger one supersedes it, and an
//! opposite one makes it final. A bar that is both is taken for the opposite of the open swing, and
//! for nothing before the first or where all 2L bars stand at one price; with `high_wins` it is a
//! high, as in smartmoneyconcepts 0.0.27, whose other definitions these are.
//!
//! One sliding extreme of 2L bars each way tells it, in constant amortised time at any length.

use crate::event::{Event, Kind, Of};
use crate::least::Least;
use crate::window::History;
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// Parameters of [`Pivots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PivotParams {
    /// L: bars after the pivot until it is confirmed, 1 to [`PivotParams::LENGTH_MAX`]; numbers
    /// outside are moved to the nearest inside.
    pub length: u32,
    /// A bar that is both a high and a low counts as a high (the package's rule).
    pub high_wins: bool,
}

impl PivotParams {
    /// Longest swing length.
    pub const LENGTH_MAX: u32 = 5_000;
}

impl Default for PivotParams {
    fn default() -> Self {
        Self { length: 50, high_wins: false }
    }
}

/// High or low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PivotKind {
    /// A swing high.
    #[default]
    High,
    /// A swing low.
    Low,
}

impl PivotKind {
    /// The side that a pivot of this kind speaks for: a low for buyers, a high for sellers.
    pub const fn side(self) -> Side {
        match self {
            Self::High => Side::Sell,
            Self::Low => Side::Buy,
        }
    }
}

/// A confirmed pivot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pivot {
    /// High or low.
    pub kind: PivotKind,
    /// Its bar.
    pub pos: u32,
    /// Its price.
    pub level: f64,
}

/// What a raw pivot did to the alternation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swing {
    /// The swing now open.
    pub new: Pivot,
    /// The swing before it: superseded if of the same kind, else final.
    pub old: Option<Pivot>,
}

impl Swing {
    /// The events of this change, in order, known at bar `at`.
    pub fn emit(&self, at: u32, of: Of, out: &mut impl FnMut(Event)) {
        if let Some(old) = self.old {
            let (kind, far) = if old.kind == self.new.kind {
                (Kind::PivotSuperseded, self.new.level)
            } else {
                (Kind::PivotFinal, old.level)
            };
            out(Event::new(at, old.pos, kind, old.kind.side(), old.level, far).of(of));
        }
        let Pivot { kind, pos, level } = self.new;
        out(Event::new(at, pos, Kind::Pivot, kind.side(), level, level).of(of));
    }
}

/// Finds swings.
#[derive(Clone, Debug, PartialEq)]
pub struct Pivots {
    turns: Turns,
    history: History,
}

/// Finds swings in bars that somebody else keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turns {
    length: u32,
    high_wins: bool,
    /// Of the last 2L bars.
    least: Least,
    open: Option<Pivot>,
}

impl Pivots {
    /// Nothing seen.
    pub fn new(params: PivotParams) -> Self {
        let turns = Turns::new(params);
        let history = History::new(turns.length());
        Self { turns, history }
    }

    /// Reads bar `at`; a change of the alternation, if its close confirms one.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar) -> Option<Swing> {
        self.history.put(at, [bar.low(), -bar.high()]);
        self.turns.push(at, &self.history)
    }

    /// The swing that a stronger one may still supersede.
    pub const fn open(&self) -> Option<Pivot> {
        self.turns.open()
    }
}

impl Turns {
    /// Nothing seen.
    pub fn new(params: PivotParams) -> Self {
        let length = params.length.clamp(1, PivotParams::LENGTH_MAX);
        Self { length, high_wins: params.high_wins, least: Least::new(2 * length), open: None }
    }

    /// L: the bars before the last that are looked at.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Reads bar `at`, the last of the history.
    #[inline]
    pub fn push(&mut self, at: u32, history: &History) -> Option<Swing> {
        let length = self.length;
        let lowest = self.least.push(history.get(at));
        if at < 3 * length - 1 {
            return None;
        }
        let [low, high] = history.get(at - length);
        let (is_low, is_high) = (low <= lowest[0], high <= lowest[1]);
        if !is_high & !is_low {
            return None;
        }
        let high = -high;
        let kind = match (is_high, is_low) {
            (true, true) if !self.high_wins && high == low => return None,
            (true, true) if !self.high_wins => match self.open?.kind {
                PivotKind::High => PivotKind::Low,
                PivotKind::Low => PivotKind::High,
            },
            (true, _) => PivotKind::High,
            (false, _) => PivotKind::Low,
        };
        let level = if kind == PivotKind::High { high } else { low };
        self.alternate(Pivot { kind, pos: at - length, level })
    }

    #[inline]
    fn alternate(&mut self, new: Pivot) -> Option<Swing> {
        let old = self.open;
        if let Some(old) = old
            && old.kind == new.kind
        {
            let stronger = match new.kind {
                PivotKind::High => new.level > old.level,
                PivotKind::Low => new.level < old.level,
            };
            if !stronger {
                return None;
            }
        }
        self.open = Some(new);
        Some(Swing { new, old })
    }

    /// The swing that a stronger one may still supersede.
    pub const fn open(&self) -> Option<Pivot> {
        self.open
    }

    /// After bar `at` confirmed a swing: of the bars since, the one with the lowest low as `side`
    /// sees them, the later on ties.
    ///
    /// Swings of a kind lie L bars apart where they differ in price, and where they do not the
    /// search ends at the nearest, so that it takes constant time a bar on average.
    pub fn lowest_since(&self, at: u32, side: Side, history: &History) -> u32 {
        history.lowest(at, self.length, |pos| history.get(pos)[side as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;
    use alloc::vec::Vec;

    fn bar(high: f64, low: f64) -> Bar {
        Bar::new(Nanos::ZERO, low, high, low, high, 0.0).unwrap()
    }

    fn swings(high_wins: bool, bars: &[(f64, f64)]) -> Vec<(u32, Kind, u32)> {
        let mut pivots = Pivots::new(PivotParams { length: 1, high_wins });
        let mut seen = Vec::new();
        for (at, (high, low)) in (0..).zip(bars.iter().copied()) {
            if let Some(swing) = pivots.push(at, &bar(high, low)) {
                swing.emit(at, Of::Swing, &mut |e| seen.push((e.at, e.kind, e.pos)));
            }
        }
        seen
    }

    #[test]
    fn confirms_supersedes_and_finalises() {
        // L = 1: the window is the bar and the next one.
        let bars = [(5., 4.), (9., 5.), (8., 6.), (9.5, 7.), (9.4, 8.), (4., 3.), (5., 4.)];
        assert_eq!(
            swings(true, &bars),
            [
                (2, Kind::Pivot, 1),
                // bar 2 is a low (6 before 7), which makes the high final
                (3, Kind::PivotFinal, 1),
                (3, Kind::Pivot, 2),
                (4, Kind::PivotFinal, 2),
                (4, Kind::Pivot, 3),
                (6, Kind::PivotFinal, 3),
                (6, Kind::Pivot, 5),
            ]
        );
    }

    #[test]
    fn a_stronger_swing_of_the_same_kind_supersedes() {
        let bars = [(5., 4.), (9., 5.), (8., 4.), (10., 3.), (9., 2.)];
        assert_eq!(
            swings(true, &bars),
            [(2, Kind::Pivot, 1), (4, Kind::PivotSuperseded, 1), (4, Kind::Pivot, 3)]
        );
    }

    #[test]
    fn a_bar_that_is_both_is_opposite_to_the_open_swing() {
        let outside = [(5., 4.), (9., 1.), (8., 2.)];
        assert_eq!(swings(true, &outside), [(2, Kind::Pivot, 1)]);
        assert_eq!(swings(false, &outside), [], "nothing is open: it could be either");
    }

    #[test]
    fn a_flat_stretch_has_no_swings() {
        let bars = [(5., 4.), (9., 5.), (8., 4.), (7., 7.), (7., 7.), (7., 7.), (7., 7.)];
        let before = [(2, Kind::Pivot, 1), (3, Kind::PivotFinal, 1), (3, Kind::Pivot, 2)];
        assert_eq!(swings(false, &bars), before);
    }
}
