//! Building longer candles from shorter ones, aligned to UTC, gaps marked.

use crate::candle::Candle;
use crate::list::List;
use crate::time::{Nanos, Timeframe};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Why a builder did not take what it was given. Nothing has changed then, but a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildRefusal {
    /// It is older than what was taken before.
    Late,
    /// It was taken just before.
    Duplicate,
    /// A candle that does not lie inside one of those being built; a trade without a positive price
    /// and quantity.
    Malformed,
}

impl BuildRefusal {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for BuildRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl core::error::Error for BuildRefusal {}

/// How many a builder refused, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRefusals {
    /// [`BuildRefusal::Late`].
    pub late: u64,
    /// [`BuildRefusal::Duplicate`].
    pub duplicate: u64,
    /// [`BuildRefusal::Malformed`].
    pub malformed: u64,
}

impl BuildRefusals {
    /// Counts one and gives it back.
    #[cold]
    pub(crate) fn count(&mut self, refusal: BuildRefusal) -> BuildRefusal {
        let count = match refusal {
            BuildRefusal::Late => &mut self.late,
            BuildRefusal::Duplicate => &mut self.duplicate,
            BuildRefusal::Malformed => &mut self.malformed,
        };
        *count = count.saturating_add(1);
        refusal
    }
}

/// A candle that a builder of candles did not take, whatever the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateCandle;

impl From<BuildRefusal> for LateCandle {
    fn from(_: BuildRefusal) -> Self {
        Self
    }
}

/// Builds one longer timeframe from shorter candles, aligned to UTC.
///
/// Any candle that lies inside one of those being built may be pushed: 1m ones, or longer ones that
/// were built before. A candle is emitted when its last part arrives, or, if that part is missing,
/// when the first part after it does; then `missing_minutes` says how many minutes were not there,
/// gaps inside of the parts included. What begins before the end of the last one taken changes
/// nothing: late and duplicate candles are refused and counted, never merged.
///
/// ```text
/// trades ──MinuteBuilder──> 1m ──CandleBuilder──> 5m ──CandleBuilder──> 1h
///                            └────────────CandleBuilder───────────────> 1h, the same candles
/// ```
///
/// The two ways differ in when a candle with a gap at its end comes out: the longer the parts, the
/// later the part after it is whole. Volumes are sums of floats, in the order of their parts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CandleBuilder {
    timeframe: Timeframe,
    open: Option<Candle>,
    /// Begin and end of the last candle taken.
    last: Nanos,
    until: Nanos,
    refusals: BuildRefusals,
}

impl CandleBuilder {
    /// A builder of `timeframe` candles.
    pub const fn new(timeframe: Timeframe) -> Self {
        Self {
            timeframe,
            open: None,
            last: Nanos(i64::MIN),
            until: Nanos(i64::MIN),
            refusals: BuildRefusals { late: 0, duplicate: 0, malformed: 0 },
        }
    }

    /// Adds a candle; returns the candles that this closes, oldest first (at most two: one cut
    /// short by a gap and one completed).
    ///
    /// # Errors
    /// [`BuildRefusal`]: a duplicate begins with the last one taken, a late one before that one's
    /// end, and a malformed one is longer than what is built or reaches beyond its end.
    #[inline]
    pub fn push(&mut self, part: &Candle) -> Result<List<ClosedCandle, 2>, BuildRefusal> {
        let (from, until) = (part.open_time, part.close_time());
        if from < self.until {
            let again = from == self.last;
            let refusal = if again { BuildRefusal::Duplicate } else { BuildRefusal::Late };
            return Err(self.refusals.count(refusal));
        }
        let start = from.floor(self.timeframe.span());
        let end = start.after(self.timeframe.span());
        if until > end {
            return Err(self.refusals.count(BuildRefusal::Malformed));
        }
        (self.last, self.until) = (from, until);
        let present = (part.timeframe.minutes() as u16).saturating_sub(part.missing_minutes);
        let mut closed = List::new();
        match &mut self.open {
            Some(open) if open.open_time == start => {
                open.high = open.high.max(part.high);
                open.low = open.low.min(part.low);
                open.close = part.close;
                open.volume += part.volume;
                open.missing_minutes = open.missing_minutes.saturating_sub(present);
            }
            slot => {
                if let Some(cut) = slot.take() {
                    // Cannot be full: this is the first of two places.
                    let _ = closed.push(ClosedCandle(Some(cut)));
                }
                *slot = Some(Candle {
                    open_time: start,
                    timeframe: self.timeframe,
                    missing_minutes: (self.timeframe.minutes() as u16).saturating_sub(present),
                    ..*part
                });
            }
        }
        if until == end {
            let _ = closed.push(ClosedCandle(self.open.take()));
        }
        Ok(closed)
    }

    /// The candle that is not closed yet, for display only; detectors never see it.
    pub const fn unfinished(&self) -> Option<&Candle> {
        self.open.as_ref()
    }

    /// How many candles were refused so far.
    pub const fn refusals(&self) -> &BuildRefusals {
        &self.refusals
    }
}

/// A place in the list that [`CandleBuilder::push`] returns; every returned place is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClosedCandle(pub Option<Candle>);
