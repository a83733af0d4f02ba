//! Midnight open: the first price of the New York day, also "true day open".
//!
//! The open of the first bar at or after 00:00 New York civil time; knowable at that bar's close.
//! Below it longs buy at a discount to the day. The day in which the data begins has one only if
//! they begin at midnight.

use super::civil::TimeZone;
use super::session::{SessionCursor, SessionWindow, Span};
use crate::event::{Event, Kind, Of};
use aegis_types::{Bar, Nanos, Side};
use serde::{Deserialize, Serialize};

/// The last midnight open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MidnightOpen {
    cursor: SessionCursor,
    day: Option<i32>,
    price: Option<f64>,
}

impl Default for MidnightOpen {
    fn default() -> Self {
        Self::new()
    }
}

impl MidnightOpen {
    /// None yet.
    pub const fn new() -> Self {
        let day = SessionWindow::new(0, 0, TimeZone::NewYork);
        Self { cursor: SessionCursor::new(day), day: None, price: None }
    }

    /// Reads a bar.
    #[inline]
    pub fn push(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        if !self.cursor.stays(bar.time()) {
            self.begin(at, bar, out);
        }
    }

    fn begin(&mut self, at: u32, bar: &Bar, out: &mut impl FnMut(Event)) {
        let here = self.cursor.at(bar.time());
        if here.day == self.day {
            return; // at the end of time every bar comes here
        }
        let first = self.day.is_none();
        self.day = here.day;
        if first && bar.time().since(here.span.from) >= Nanos::MINUTE {
            return;
        }
        let price = bar.open();
        self.price = Some(price);
        out(Event::new(at, at, Kind::MidnightOpen, Side::Buy, price, price).of(Of::Day).both());
    }

    /// From when until when the last bar's day lasts.
    pub(super) const fn calm(&self) -> Span {
        self.cursor.calm()
    }

    /// The first price of the last bar's New York day, where it is known.
    pub const fn price(&self) -> Option<f64> {
        self.price
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn opens(times: &[(u32, i64, i64)]) -> Vec<u32> {
        let mut midnight = MidnightOpen::new();
        let mut opens = Vec::new();
        for (at, &(day, hour, minute)) in (0..).zip(times) {
            let time = Nanos::MINUTE.times(hour * 60 + minute);
            let time = Nanos::from_civil(2026, 3, day).after(time);
            let bar = Bar::new(time, f64::from(at), 9.0, 0.0, 1.0, 1.0).expect("a bar");
            midnight.push(at, &bar, &mut |event| {
                assert_eq!((event.level, event.side), (f64::from(at), None));
                opens.push(at);
            });
        }
        opens
    }

    #[test]
    fn the_first_bar_of_each_new_york_day() {
        // Winter time until 8 March 2026, 07:00 UTC; summer time after.
        let times = [(8, 4, 59), (8, 5, 0), (8, 5, 1), (9, 3, 59), (9, 4, 0)];
        assert_eq!(opens(&times), [1, 4]);
        assert_eq!(opens(&[(8, 5, 0), (9, 5, 30)]), [0, 1], "at midnight, and after a gap");
        assert_eq!(opens(&[(8, 5, 1), (8, 5, 2)]), [], "the data begin after midnight");
    }
}
