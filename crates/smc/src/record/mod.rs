//! The record: what a batch tool would print after the last bar, from one pass over the bars.
//!
//! A record looks back. Its rows stand at the bar that they are about, not at the bar at which
//! anybody could know them, and some change or vanish when later bars come; each concept's file
//! says which. It is for looking at a chart and for comparing with smartmoneyconcepts 0.0.27, whose
//! columns it has. Trade on the events of [`Detector`](crate::Detector), never on a record.
//!
//! ```text
//! bar ──push─┬ gaps, previous high/low, sessions: rows as they come ──┐
//!            └ swings ─> kept ─record()─ breaks, blocks, pools, legs ─┴─> Record
//! ```
//!
//! [`Recorder::push`] is O(1) amortised; [`Recorder::record`] is O(n log n), may be called after
//! any bar and as often as wished, and changes nothing. Memory grows with the bars: it is a tool
//! for files. A [`Bar`] cannot hold a number that is not finite, so there are no rows for those.
//!
//! # The two answers
//! With `compat` every cell equals the package's, for any bars, lengths and settings; its levels
//! in f32 are given as the f64 of the same value. Without it the same concepts are recorded as they
//! are defined. What the package says, what is said here, and the test in
//! `tests/it/record/differences.rs` that shows both:
//!
//! - swings: first and last row are made swings; here only swings.
//!   `ends_of_the_data_are_no_swings`
//! - swings: high and low in one bar: a high; here the opposite of the swing before.
//!   `a_bar_that_is_both_is_the_opposite_of_the_swing_before`
//! - bos_choch, ob, prev_hl: prices are compared with levels rounded to f32; here in f64.
//!   `a_close_at_the_level_breaks_nothing`, `a_low_at_the_edge_mitigates_nothing`
//! - bos_choch: a superseded row stays as a BrokenIndex alone; here it is gone.
//!   `a_superseded_break_leaves_nothing`
//! - bos_choch: a level of 0 is absent; here it is a price. `a_level_of_zero_is_a_price`
//! - ob: a bull's MitigatedIndex is one bar early; here the bar that did it.
//!   `a_bull_block_is_mitigated_by_the_bar_that_did_it`
//! - ob: a mitigated block that price leaves is erased; here it stays.
//!   `a_block_that_price_left_stays`
//! - ob: edges swapped where the break directly follows the first bar; here a block needs a
//!   swing. `edges_are_never_swapped`
//! - ob: a bear block on a bull block's bar takes its place and its mitigation; here both stand.
//!   `two_blocks_on_one_bar_both_stand`
//! - liquidity: tolerance from the range of the whole data; here from the range known at the
//!   opener. `tolerance_does_not_know_the_future`
//! - prev_hl: a bar stamped at the start of a bin sees one bin too old; here the bin before its
//!   own. `a_bar_at_the_start_of_a_bin_belongs_to_it`
//! - prev_hl: weeks and months are one too old but on their last day; here the last one.
//!   `weeks_and_months_are_not_one_too_old`
//! - prev_hl: bins are counted from the first midnight of the data; here from the epoch.
//!   `bins_do_not_depend_on_where_the_data_begin`
//! - sessions: fixed UTC windows; here New York civil time. `sessions_follow_summer_time`
//! - sessions: the minute of the end is inside; here it is outside.
//!   `a_session_ends_before_its_end`
//! - sessions: a gap in the data joins two sessions; here each has its day.
//!   `a_gap_does_not_join_two_sessions`
//! - sessions: High starts from 0, a Low of 0 is forgotten; here prices as they are.
//!   `prices_below_zero_have_a_session_high`
//! - retracements: columns stand one bar late, the last in the first row; here at their bar.
//!   `retracements_stand_at_their_bar`
//! - retracements: 0 up to the third change of direction; here from the first leg on.
//!   `the_first_legs_are_measured`
//! - retracements: a low's own bar is measured, a high's is not; here 0 on both.
//!   `a_swing_retraces_nothing_of_itself`
//! - all levels: rounded to f32 where the package does; here f64. `levels_keep_their_digits`
//!
//! Fair value gaps are alike in both. In both, 0 in `MitigatedIndex` and `Swept` means never, and
//! a swing length of 0 finds no swing. Where the package raises (a period or a session that it
//! does not know), reading the text does: [`RecordError`].

mod ahead;
mod bos_choch;
mod fvg;
mod liquidity;
mod order_block;
mod period;
mod previous_high_low;
mod retracements;
mod session;
mod swings;

pub use period::Period;

use crate::clock::{Session, SessionWindow, TimeZone};
use aegis_types::Bar;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What to record, with what only that needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RecordOf {
    /// Swing highs and lows: `HighLow`, `Level`.
    Swings,
    /// Fair value gaps: `FVG`, `Top`, `Bottom`, `MitigatedIndex`.
    Fvg {
        /// Neighbours of one kind are one gap.
        join: bool,
    },
    /// Breaks of structure and changes of character: `BOS`, `CHOCH`, `Level`, `BrokenIndex`.
    BosChoch {
        /// A close breaks; else a high or low does.
        close: bool,
    },
    /// Order blocks: `OB`, `Top`, `Bottom`, `OBVolume`, `MitigatedIndex`, `Percentage`.
    Ob {
        /// A body mitigates; else a high or low does.
        close_mitigation: bool,
    },
    /// Liquidity pools: `Liquidity`, `Level`, `End`, `Swept`.
    Liquidity {
        /// Half-width of a pool as a share of the high-low range; the package's default is 0.01.
        range_percent: f64,
    },
    /// Previous period's range: `PreviousHigh`, `PreviousLow`, `BrokenHigh`, `BrokenLow`.
    PrevHl {
        /// The period.
        period: Period,
    },
    /// Bars of a session: `Active`, `High`, `Low`. See [`session_window`].
    Sessions {
        /// The window.
        window: SessionWindow,
    },
    /// Retracements: `Direction`, `CurrentRetracement%`, `DeepestRetracement%`.
    Retracements,
}

/// A text that names no period or session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// Not a period.
    Period(String),
    /// Not a session.
    Session(String),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Period(text) => write!(
                f,
                "'{text}' is not a period; write a count and one of s, min, h, D, W, W-MON to \
                 W-SUN, ME, MS, as in 15min, 4h, 1D, W"
            ),
            Self::Session(text) => {
                write!(f, "'{text}' is not a session; write HH:MM-HH:MM or one of")?;
                let mut before = ": ";
                for session in Session::ALL {
                    write!(f, "{before}{}", session.name())?;
                    before = ", ";
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for RecordError {}

/// The window of a session by its name in the package (in upper or lower case) or as
/// `HH:MM-HH:MM`: New York civil time, `HH:MM-HH:MM UTC` for UTC; under `compat` the package's
/// window and UTC.
///
/// # Errors
/// [`RecordError::Session`] when it is neither.
pub fn session_window(text: &str, compat: bool) -> Result<SessionWindow, RecordError> {
    if let Some(session) = Session::from_name(text.trim()) {
        return Ok(if compat { session.package_window() } else { session.window() });
    }
    let (window, zone) = match text.trim().strip_suffix("UTC") {
        Some(window) => (window, TimeZone::Utc),
        None if compat => (text, TimeZone::Utc),
        None => (text, TimeZone::NewYork),
    };
    SessionWindow::parse(window.trim(), zone).map_err(|_| RecordError::Session(text.to_string()))
}

/// A table of findings, rows in order of their bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    columns: &'static [&'static str],
    at: Vec<u32>,
    cells: Vec<Option<f64>>,
}

impl Record {
    fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, at: Vec::new(), cells: Vec::new() }
    }

    /// Adds a row, as many cells as columns; what is no number is absent.
    fn push(&mut self, at: u32, cells: &[f64]) {
        self.at.push(at);
        self.cells.extend(cells.iter().map(|&cell| (!cell.is_nan()).then_some(cell)));
    }

    /// Names of the columns, without the bar's.
    pub const fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// Rows: the bar's index, then a cell for each column. `PrevHl` and `Retracements` have a row
    /// for every bar, the others where there is something; only order blocks can have two on a bar.
    pub fn rows(&self) -> impl Iterator<Item = (u32, &[Option<f64>])> {
        self.at.iter().copied().zip(self.cells.chunks_exact(self.columns.len()))
    }

    /// How many rows.
    pub const fn len(&self) -> usize {
        self.at.len()
    }

    /// No row.
    pub const fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

/// What a recorder keeps.
#[derive(Clone, Debug)]
enum Kept {
    Gaps(fvg::Gaps),
    PreviousHighLow(previous_high_low::PreviousHighLow),
    Session(session::SessionBars),
    /// All that is built on swings.
    Swings {
        bars: Vec<Bar>,
        swings: swings::Swings,
    },
}

/// Records one thing.
#[derive(Clone, Debug)]
pub struct Recorder {
    of: RecordOf,
    compat: bool,
    kept: Kept,
}

impl Recorder {
    /// Nothing seen. `swing_length` is L (the package's default is 50), any number, and of no
    /// meaning for what is not built on swings.
    pub fn new(of: RecordOf, swing_length: u32, compat: bool) -> Self {
        let kept = match of {
            RecordOf::Fvg { join } => Kept::Gaps(fvg::Gaps::new(join)),
            RecordOf::PrevHl { period } => {
                Kept::PreviousHighLow(previous_high_low::PreviousHighLow::new(period, compat))
            }
            RecordOf::Sessions { window } => {
                Kept::Session(session::SessionBars::new(window, compat))
            }
            _ => {
                let swings = swings::Swings::new(swing_length, compat);
                Kept::Swings { bars: Vec::new(), swings }
            }
        };
        Self { of, compat, kept }
    }

    /// Reads the next bar.
    pub fn push(&mut self, bar: &Bar) {
        match &mut self.kept {
            Kept::Gaps(gaps) => gaps.push(bar),
            Kept::PreviousHighLow(levels) => levels.push(bar),
            Kept::Session(session) => session.push(bar),
            Kept::Swings { bars, swings } => {
                bars.push(*bar);
                swings.push(bars);
            }
        }
    }

    /// The record after the last bar so far.
    pub fn record(&self) -> Record {
        let compat = self.compat;
        let (bars, swings) = match &self.kept {
            Kept::Gaps(gaps) => return gaps.record(),
            Kept::PreviousHighLow(levels) => return levels.record(),
            Kept::Session(session) => return session.record(),
            Kept::Swings { bars, swings } => (bars.as_slice(), swings),
        };
        match self.of {
            RecordOf::BosChoch { close } => bos_choch::record(bars, swings, close, compat),
            RecordOf::Ob { close_mitigation } => {
                order_block::record(bars, swings, order_block::Rules { close_mitigation, compat })
            }
            RecordOf::Liquidity { range_percent } => {
                liquidity::record(bars, swings, range_percent, compat)
            }
            RecordOf::Retracements => retracements::record(bars, swings, compat),
            _ => swings::record(bars, swings),
        }
    }
}
