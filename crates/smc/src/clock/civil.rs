//! Civil time: what the clocks on the wall of a trading centre say.
//!
//! Offsets come from the time zone database (`zones.rs`, generated), summer time and history
//! included, for every instant that 64-bit nanoseconds can name. A civil time that summer time
//! skips means the instant of the change; one that happens twice means the first of the two.

use super::zones;
use aegis_types::Nanos;
use serde::{Deserialize, Serialize};

/// Minutes of a civil day.
pub const DAY_MINUTES: u16 = 1_440;
const DAY_S: i64 = 86_400;

/// The offset before the first change, then (instant, offset from there on); seconds, offsets
/// positive east of UTC.
pub(super) struct Offsets {
    pub(super) first: i32,
    pub(super) changes: &'static [(i64, i32)],
}

/// Whose civil time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeZone {
    /// New York: sessions and kill zones are defined in its time.
    #[default]
    NewYork,
    /// London.
    London,
    /// Coordinated universal time, without summer time.
    Utc,
}

/// A minute of a civil day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    /// Days of the zone's calendar since 1 January 1970.
    pub day: i32,
    /// Minutes since midnight on the clock's face, 0 to 1439.
    pub minute: u16,
}

impl Civil {
    /// 0 Monday to 6 Sunday.
    pub const fn weekday(self) -> u8 {
        weekday(self.day)
    }
}

/// 0 Monday to 6 Sunday; 1 January 1970 was a Thursday.
pub(super) const fn weekday(day: i32) -> u8 {
    ((day as i64 + 3).rem_euclid(7)) as u8
}

/// From whole seconds; the ends of the range hold.
const fn instant_s(seconds: i64) -> Nanos {
    Nanos(seconds.saturating_mul(Nanos::SECOND.0))
}

impl TimeZone {
    const fn offsets(self) -> Option<&'static Offsets> {
        match self {
            Self::NewYork => Some(&zones::NEW_YORK),
            Self::London => Some(&zones::LONDON),
            Self::Utc => None,
        }
    }

    /// The offset that holds at an instant, in seconds, and how long it does.
    pub(super) fn regime(self, at_s: i64) -> Regime {
        let Some(offsets) = self.offsets() else {
            return Regime { from_s: i64::MIN, until_s: i64::MAX, offset_s: 0 };
        };
        let changes = offsets.changes;
        let next = changes.partition_point(|change| change.0 <= at_s);
        let until_s = changes.get(next).map_or(i64::MAX, |change| change.0);
        match next.checked_sub(1).and_then(|last| changes.get(last)) {
            Some(&(from_s, offset_s)) => Regime { from_s, until_s, offset_s },
            None => Regime { from_s: i64::MIN, until_s, offset_s: offsets.first },
        }
    }

    /// Seconds to add to UTC for this zone's civil time at an instant: -18000 in New York's winter.
    ///
    /// A binary search; whoever follows a moving clock asks once and keeps the answer, as
    /// [`SessionCursor`](super::SessionCursor) does.
    pub fn offset_s(self, at: Nanos) -> i32 {
        self.regime(seconds(at)).offset_s
    }

    /// What the clocks say at an instant.
    pub fn civil(self, at: Nanos) -> Civil {
        self.regime(seconds(at)).civil(at)
    }

    /// The instant at which the clocks say so: the first of two, the instant of the change for a
    /// time that is skipped. A `minute` from 1440 on is of the days after.
    pub fn instant(self, day: i32, minute: u16) -> Nanos {
        let local = local_s(day, minute);
        // Offsets change at most once within two days.
        let before = self.regime(local - DAY_S);
        let early = local - i64::from(before.offset_s);
        if early < before.until_s {
            return instant_s(early);
        }
        let after = self.regime(early);
        // Skipped: by the new offset that time would lie before the change.
        instant_s((local - i64::from(after.offset_s)).max(after.from_s))
    }
}

/// Whole seconds, towards the past.
pub(super) const fn seconds(at: Nanos) -> i64 {
    at.0.div_euclid(Nanos::SECOND.0)
}

const fn local_s(day: i32, minute: u16) -> i64 {
    day as i64 * DAY_S + minute as i64 * 60
}

/// An offset and the time for which it holds, half-open, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Regime {
    from_s: i64,
    until_s: i64,
    offset_s: i32,
}

impl Regime {
    /// Holds at no instant.
    pub(super) const NEVER: Self = Self { from_s: i64::MAX, until_s: i64::MIN, offset_s: 0 };

    /// Does it hold at an instant?
    pub(super) const fn holds(&self, at: Nanos) -> bool {
        let at_s = seconds(at);
        self.from_s <= at_s && at_s < self.until_s
    }

    /// What the clocks say at an instant at which it holds.
    pub(super) const fn civil(&self, at: Nanos) -> Civil {
        let local = seconds(at) + self.offset_s as i64;
        let minute = (local.rem_euclid(DAY_S) / 60) as u16;
        // Nanoseconds reach 106,752 days to either side.
        Civil { day: local.div_euclid(DAY_S) as i32, minute }
    }

    /// As [`TimeZone::instant`], without a search where this offset holds.
    pub(super) fn instant(&self, zone: TimeZone, day: i32, minute: u16) -> Nanos {
        let at_s = local_s(day, minute) - self.offset_s as i64;
        // A day after its beginning no clock can show a time for the second time.
        if self.from_s.saturating_add(DAY_S) <= at_s && at_s < self.until_s {
            return instant_s(at_s);
        }
        zone.instant(day, minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn utc(year: i64, month: u32, day: u32, minutes: i64) -> Nanos {
        Nanos::from_civil(year, month, day).after(Nanos::MINUTE.times(minutes))
    }

    fn day(year: i64, month: u32, day: u32) -> i32 {
        (Nanos::from_civil(year, month, day).0 / Nanos::DAY.0) as i32
    }

    #[test]
    fn summer_time_moves_new_york_and_not_utc() {
        let midnight = |zone: TimeZone, month, of| zone.instant(day(2026, month, of), 0);
        assert_eq!(midnight(TimeZone::NewYork, 3, 8), utc(2026, 3, 8, 300));
        assert_eq!(midnight(TimeZone::NewYork, 3, 9), utc(2026, 3, 9, 240));
        assert_eq!(midnight(TimeZone::NewYork, 3, 29), utc(2026, 3, 29, 240), "Europe's change");
        assert_eq!(midnight(TimeZone::London, 3, 29), utc(2026, 3, 29, 0));
        assert_eq!(midnight(TimeZone::London, 3, 30), utc(2026, 3, 30, -60));
        assert_eq!(midnight(TimeZone::London, 10, 26), utc(2026, 10, 26, 0));
        assert_eq!(midnight(TimeZone::Utc, 7, 1), utc(2026, 7, 1, 0));
    }

    #[test]
    fn the_skipped_hour_is_the_change_and_the_repeated_one_its_first() {
        let spring = day(2026, 3, 8);
        for minute in 120..=180 {
            assert_eq!(TimeZone::NewYork.instant(spring, minute), utc(2026, 3, 8, 420));
        }
        let before = TimeZone::NewYork.civil(utc(2026, 3, 8, 419));
        let after = TimeZone::NewYork.civil(utc(2026, 3, 8, 420));
        assert_eq!((before.minute, after.minute), (119, 180));
        let autumn = day(2026, 11, 1);
        assert_eq!(TimeZone::NewYork.instant(autumn, 60), utc(2026, 11, 1, 300));
        assert_eq!(TimeZone::NewYork.instant(autumn, 119), utc(2026, 11, 1, 359));
        assert_eq!(TimeZone::NewYork.instant(autumn, 120), utc(2026, 11, 1, 420));
        let clock: Vec<_> =
            [359, 360, 419].map(|m| TimeZone::NewYork.civil(utc(2026, 11, 1, m)).minute).into();
        assert_eq!(clock, [119, 60, 119]);
    }

    #[test]
    fn weekdays() {
        assert_eq!(TimeZone::NewYork.civil(utc(2026, 3, 9, 239)).weekday(), 6);
        assert_eq!(TimeZone::NewYork.civil(utc(2026, 3, 9, 240)).weekday(), 0);
        assert_eq!(weekday(i32::MIN), weekday(i32::MIN + 7));
    }

    #[test]
    fn civil_time_and_back_over_all_time() {
        for zone in [TimeZone::NewYork, TimeZone::London, TimeZone::Utc] {
            let mut last = Nanos(i64::MIN);
            // Since November 1883 offsets are whole minutes.
            let (from, until) = (day(1884, 1, 1), day(2262, 4, 10));
            for day in from..until {
                for minute in [0, 90, 150, 1_000] {
                    let at = zone.instant(day, minute);
                    assert!(at > last || minute == 150 && at == last, "{zone:?} {day} {minute}");
                    last = at;
                    let civil = zone.civil(at);
                    let skipped = civil.minute.wrapping_sub(minute);
                    assert!(civil.day == day && (skipped == 0 || skipped <= 60), "{zone:?} {at:?}");
                    assert!(zone.civil(Nanos(at.0 - 1)) < civil || skipped == 0);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_hold() {
        for zone in [TimeZone::NewYork, TimeZone::London, TimeZone::Utc] {
            for at in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                let civil = zone.civil(Nanos(at));
                assert!(civil.minute < DAY_MINUTES);
                zone.instant(civil.day, civil.minute);
            }
            for day in [i32::MIN, i32::MAX] {
                zone.instant(day, u16::MAX);
            }
        }
        assert_eq!(TimeZone::NewYork.offset_s(Nanos(i64::MIN)), -17_762);
        assert_eq!(TimeZone::NewYork.offset_s(Nanos::MAX), -14_400, "April 2262");
    }
}
