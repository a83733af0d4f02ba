//! Opening gaps: what a market jumped over while it was closed.
//!
//! New day opening gap: from the last price before 17:00 New York civil time to the first price at
//! or after 18:00, Monday to Thursday. New week opening gap: from the last price before Friday
//! 17:00 to the first at or after Sunday 18:00. Bars between are not read: a market that trades
//! through, as crypto does, has gaps against its own past, which is why this concept is off by
//! default. A week's gap is told as such whenever trading resumes in another week. Equal prices
//! leave no gap. ICT's definitions.
//!
//! Knowable at the close of the first bar after the pause. Filled when a bar trades to the price
//! before the pause, at the opening bar's close at the earliest.

use super::civil::{TimeZone, weekday};
use super::session::{SessionCursor, SessionWindow, Span};
use crate::bounded::Bounded;
use crate::event::{Event, Kind, Of};
use crate::view::View;
use aegis_types::{Bar, Side};
use serde::{Deserialize, Serialize};

/// Parameters of [`OpeningGaps`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpeningGapParams {
    /// Most gaps that are watched, days' and weeks' together.
    pub capacity: u32,
}

impl Default for OpeningGapParams {
    fn default() -> Self {
        Self { capacity: 10 }
    }
}

/// A gap that is not filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpeningGap {
    /// Last price before the pause.
    pub before: f64,
    /// First price after it.
    pub after: f64,
    /// The first bar after it.
    pub pos: u32,
    /// [`Of::Day`] or [`Of::Week`].
    pub of: Of,
}

impl OpeningGap {
    /// The side to which the market jumped.
    pub fn side(&self) -> Side {
        if self.after > self.before { Side::Buy } else { Side::Sell }
    }

    fn event(&self, at: u32, kind: Kind) -> Event {
        let upwards = self.side() == Side::Buy;
        let (upper, lower) =
            if upwards { (self.after, self.before) } else { (self.before, self.after) };
        Event::new(at, self.pos, kind, Side::Buy, upper, lower).of(self.of).both()
    }
}

/// The gaps of New York's days and weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpeningGaps {
    cursor: SessionCursor,
    /// The last bar lies in a trading day, not in a pause.
    trading: bool,
    /// The trading day of the last bar: when it began and ends, and the calendar day it began on.
    day: Option<(Span, i32)>,
    last: f64,
    open: Bounded<OpeningGap>,
    /// A bar strictly between both fills no gap.
    pub(super) quiet: [f64; 2],
}

const FRIDAY: u8 = 4;
const SATURDAY: u8 = 5;
const QUIET: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

impl OpeningGaps {
    /// None yet.
    pub fn new(params: OpeningGapParams) -> Self {
        let window = SessionWindow::new(18 * 60, 17 * 60, TimeZone::NewYork);
        let open = Bounded::new(params.capacity);
        Self {
            cursor: SessionCursor::new(window),
            trading: false,
            day: None,
            last: 0.0,
            open,
            quiet: QUIET,
        }
    }

    /// Gaps that are not filled, oldest first.
    pub fn open(&self) -> &Bounded<OpeningGap> {
        &self.open
    }

    /// Reads a bar.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        if !self.cursor.stays(bar.time()) {
            self.turn(at, bar, out);
        }
        self.close(bar);
        if bar.low() <= self.quiet[0] || bar.high() >= self.quiet[1] {
            self.fill(at, bar, out);
        }
    }

    /// Remembers the price of a bar at which nothing else happens.
    #[inline]
    pub(super) fn close(&mut self, bar: &Bar) {
        if self.trading {
            self.last = bar.close();
        }
    }

    /// From when until when the last bar's trading day, or the pause, lasts.
    pub(super) const fn calm(&self) -> Span {
        self.cursor.calm()
    }

    fn turn(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        let here = self.cursor.at(bar.time());
        let day = here.day.filter(|day| weekday(*day) != FRIDAY && weekday(*day) != SATURDAY);
        self.trading = day.is_some();
        let Some(day) = day else { return };
        if let Some((span, last_day)) = self.day
            && span != here.span
            && bar.open() != self.last
        {
            // Trading weeks begin on Sunday.
            let week = |day: i32| (i64::from(day) + 4).div_euclid(7);
            let of = if week(day) == week(last_day) { Of::Day } else { Of::Week };
            let gap = OpeningGap { before: self.last, after: bar.open(), pos: at, of };
            self.open.push(gap);
            self.hush();
            out(gap.event(at, Kind::OpeningGap));
        }
        self.day = Some((here.span, day));
    }

    fn fill(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        self.open.retain(|gap| {
            let side = gap.side();
            let filled = View::of(bar, side).low <= View::price(gap.before, side);
            if filled {
                out(gap.event(at, Kind::OpeningGapFilled));
            }
            !filled
        });
        self.hush();
    }

    fn hush(&mut self) {
        self.quiet = self.open.iter().fold(QUIET, |[low, high], gap| match gap.side() {
            Side::Buy => [low.max(gap.before), high],
            Side::Sell => [low, high.min(gap.before)],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Nanos;
    use alloc::vec::Vec;

    /// Bars of flat price in July 2026 (New York is four hours behind): day, hour, minute, price.
    fn run(bars: &[(u32, i64, i64, f64)]) -> Vec<(u32, Kind, Of, f64, f64)> {
        let mut gaps = OpeningGaps::new(OpeningGapParams::default());
        let mut seen = Vec::new();
        for (at, &(day, hour, minute, price)) in (0..).zip(bars) {
            let time = Nanos::MINUTE.times((hour + 4) * 60 + minute);
            let time = Nanos::from_civil(2026, 7, day).after(time);
            let bar = Bar::new(time, price, price, price, price, 1.0).expect("a bar");
            gaps.push(at, &bar, &mut |e| seen.push((e.at, e.kind, e.of, e.level, e.far)));
        }
        seen
    }

    #[test]
    fn a_day_gap_and_its_fill() {
        // 7 July 2026 is a Tuesday.
        let (gap, filled) = (Kind::OpeningGap, Kind::OpeningGapFilled);
        let bars = [(7, 16, 59, 10.0), (7, 18, 0, 12.0), (7, 18, 1, 10.5), (7, 18, 2, 10.0)];
        let day = |at, kind| (at, kind, Of::Day, 12.0, 10.0);
        assert_eq!(run(&bars), [day(1, gap), day(3, filled)]);
        let down = [(7, 16, 59, 12.0), (7, 18, 0, 10.0), (7, 19, 0, 13.0)];
        assert_eq!(run(&down), [day(1, gap), day(2, filled)]);
    }

    #[test]
    fn the_pause_and_the_weekend_are_not_read() {
        let bars = [(7, 16, 59, 10.0), (7, 17, 30, 11.0), (7, 18, 0, 12.0)];
        assert_eq!(run(&bars), [(2, Kind::OpeningGap, Of::Day, 12.0, 10.0)]);
        // Friday is the 10th.
        let bars = [(10, 16, 59, 10.0), (10, 18, 0, 11.0), (11, 12, 0, 11.5), (12, 18, 0, 12.0)];
        assert_eq!(run(&bars), [(3, Kind::OpeningGap, Of::Week, 12.0, 10.0)]);
        let bars = [(10, 16, 59, 10.0), (12, 18, 0, 10.0), (13, 18, 0, 9.0)];
        assert_eq!(run(&bars), [(2, Kind::OpeningGap, Of::Day, 10.0, 9.0)], "no jump, no gap");
    }
}
