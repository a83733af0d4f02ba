//! Volume-weighted average price since an anchor: typical price (high + low + close) / 3 weighted
//! by volume.
//!
//! The anchor is the first bar, or the start of each UTC day, of each UTC week (Monday 00:00, as in
//! ISO 8601), of each opening of a session, or one chosen bar. A bar belongs to the span that holds
//! its open time; spans are half-open. Known at each bar's close; the bar counts.
//!
//! From the first bar on it is TA-Lib's VWAP: 0 until something is traded. Under every other anchor
//! it is absent until something is traded since, before the chosen bar, and outside of the session.

use crate::indicator::Indicator;
use aegis_types::{Bar, Nanos};
use serde::{Deserialize, Serialize};

/// Minutes of a day.
const DAY: u32 = 1440;
const WEEK: Nanos = Nanos::DAY.times(7);
/// The first Monday after the epoch, a Thursday.
const MONDAY: Nanos = Nanos::DAY.times(4);

/// Since when prices are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchor {
    /// The first bar.
    Start,
    /// 00:00 UTC.
    Day,
    /// Monday 00:00 UTC.
    Week,
    /// The opening of a daily session, up to its close; both in minutes of the UTC day. A close at
    /// or before the opening is the next day's.
    Session {
        /// Opening minute, counted in.
        open: u32,
        /// Closing minute, not counted in.
        close: u32,
    },
    /// The bar with this number, counted from 0.
    Bar(u64),
}

impl Anchor {
    /// First and last instant of the span that holds `time`, and whether prices count in it.
    #[cold]
    #[inline(never)]
    fn span(self, time: Nanos) -> (Nanos, Nanos, bool) {
        let every = |span: Nanos, offset: Nanos| {
            let first = time.since(offset).floor(span).after(offset);
            (first, first.after(span).since(Nanos(1)))
        };
        match self {
            Self::Start | Self::Bar(_) => (Nanos(i64::MIN), Nanos::MAX, true),
            Self::Day => {
                let (first, last) = every(Nanos::DAY, Nanos::ZERO);
                (first, last, true)
            }
            Self::Week => {
                let (first, last) = every(WEEK, MONDAY);
                (first, last, true)
            }
            Self::Session { open, close } => {
                let (open, close) = (open % DAY, close % DAY);
                let length = Nanos::MINUTE.times(i64::from((close + DAY - open - 1) % DAY + 1));
                let (opening, last) = every(Nanos::DAY, Nanos::MINUTE.times(i64::from(open)));
                let closing = opening.after(length);
                let open = time < closing;
                if open { (opening, closing.since(Nanos(1)), open) } else { (closing, last, open) }
            }
        }
    }
}

/// VWAP of bars, in price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vwap {
    anchor: Anchor,
    /// The span that is being averaged, and whether prices count in it. None before the first bar:
    /// no instant lies in it.
    first: Nanos,
    last: Nanos,
    counts: bool,
    /// Three times the price, times volume.
    paid: f64,
    traded: f64,
    /// Bars to come before the chosen one.
    ahead: u64,
}

impl Vwap {
    /// Since `anchor`.
    pub fn new(anchor: Anchor) -> Self {
        Self {
            anchor,
            first: Nanos::MAX,
            last: Nanos(i64::MIN),
            counts: false,
            paid: 0.0,
            traded: 0.0,
            ahead: if let Anchor::Bar(number) = anchor { number } else { 0 },
        }
    }
}

impl Indicator for Vwap {
    type Input = Bar;
    type Output = f64;

    #[inline]
    fn push(&mut self, bar: Bar) -> Option<f64> {
        if self.ahead > 0 {
            self.ahead -= 1;
            return None;
        }
        let time = bar.time();
        if time < self.first || self.last < time {
            (self.first, self.last, self.counts) = self.anchor.span(time);
            (self.paid, self.traded) = (0.0, 0.0);
        }
        if !self.counts {
            return None;
        }
        self.paid += (bar.high() + bar.low() + bar.close()) * bar.volume();
        self.traded += bar.volume();
        self.value()
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        if !self.counts {
            return None;
        }
        if self.traded > 0.0 {
            return Some(self.paid / self.traded * (1.0 / 3.0));
        }
        // TA-Lib's zero until something is traded.
        (self.anchor == Anchor::Start).then_some(0.0)
    }

    fn reset(&mut self) {
        *self = Self::new(self.anchor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::at;
    use crate::over;
    use alloc::vec::Vec;

    /// Volume 1 at price `n` at each of these times.
    fn prices(anchor: Anchor, times: &[Nanos]) -> Vec<Option<f64>> {
        let bars = times.iter().zip(1u32..).map(|(time, n)| {
            let price = f64::from(n);
            at(*time, price, price, price, 1.0)
        });
        over(Vwap::new(anchor), bars)
    }

    fn clock(day: u32, hour: i64, minute: i64) -> Nanos {
        let midnight = Nanos::from_civil(2026, 1, day);
        midnight.after(Nanos::HOUR.times(hour)).after(Nanos::MINUTE.times(minute))
    }

    #[test]
    fn from_the_first_bar_it_is_zero_until_something_is_traded() {
        let bars = [(2.0, 0.0), (4.0, 1.0), (8.0, 3.0), (9.0, 0.0)]
            .map(|(price, volume)| at(Nanos::ZERO, price, price, price, volume));
        let got = over(Vwap::new(Anchor::Start), bars);
        assert_eq!(got, [Some(0.0), Some(4.0), Some(7.0), Some(7.0)]);
        assert_eq!(over(Vwap::new(Anchor::Day), bars)[..2], [None, Some(4.0)]);
    }

    #[test]
    fn a_day_begins_at_midnight_also_before_the_epoch() {
        let times = [clock(1, 23, 58), clock(1, 23, 59), clock(2, 0, 0), clock(2, 0, 1)];
        assert_eq!(prices(Anchor::Day, &times), [1.0, 1.5, 3.0, 3.5].map(Some));
        let times = [Nanos(-2), Nanos(-1), Nanos(0)];
        assert_eq!(prices(Anchor::Day, &times), [1.0, 1.5, 3.0].map(Some));
    }

    #[test]
    fn a_week_begins_on_monday() {
        // 5 January 2026 is a Monday; the year's turn is inside a week.
        let times = [clock(1, 0, 0), clock(4, 23, 59), clock(5, 0, 0), clock(11, 23, 59)];
        assert_eq!(prices(Anchor::Week, &times), [1.0, 1.5, 3.0, 3.5].map(Some));
    }

    #[test]
    fn a_session_is_half_open_and_may_cross_midnight() {
        let day = Anchor::Session { open: 8 * 60, close: 9 * 60 };
        let times = [clock(1, 7, 59), clock(1, 8, 0), clock(1, 8, 59), clock(1, 9, 0)];
        assert_eq!(prices(day, &times), [None, Some(2.0), Some(2.5), None]);
        let night = Anchor::Session { open: 22 * 60, close: 2 * 60 };
        let times = [clock(1, 22, 0), clock(2, 1, 59), clock(2, 2, 0), clock(2, 22, 0)];
        assert_eq!(prices(night, &times), [Some(1.0), Some(1.5), None, Some(4.0)]);
        // A gap from one session into the next does not join them.
        assert_eq!(prices(day, &[clock(1, 8, 0), clock(2, 8, 30)]), [Some(1.0), Some(2.0)]);
        let whole = Anchor::Session { open: 0, close: 0 };
        let times = [clock(1, 23, 59), clock(2, 0, 0)];
        assert_eq!(prices(whole, &times), prices(Anchor::Day, &times));
    }

    #[test]
    fn a_chosen_bar_counts() {
        let got = prices(Anchor::Bar(1), &[Nanos::ZERO; 3]);
        assert_eq!(got, [None, Some(2.0), Some(2.5)]);
    }
}
