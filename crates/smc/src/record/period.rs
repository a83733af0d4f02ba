//! Periods of the calendar and the bins that they cut time into.

use super::RecordError;
use aegis_types::Nanos;
use alloc::string::ToString;

/// A period: a count of units, spelled as pandas 3 spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A span of time, by its length.
    Span(Nanos),
    /// Weeks, by the weekday that ends them, 0 for Monday.
    WeekEnd(u8),
    /// Months, told by their last day.
    MonthEnd,
    /// Months, told by their first day.
    MonthStart,
}

/// As [`Nanos::floor`], and the end of the range holds.
const fn floor(time: Nanos, span: Nanos) -> Nanos {
    time.since(Nanos(time.0.rem_euclid(span.0)))
}

const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

impl Period {
    /// One day.
    pub const DAY: Self = Self { count: 1, unit: Unit::Span(Nanos::DAY) };
    /// One week, Monday to Sunday.
    pub const WEEK: Self = Self { count: 1, unit: Unit::WeekEnd(6) };
    /// One month.
    pub const MONTH: Self = Self { count: 1, unit: Unit::MonthEnd };

    /// Reads `15min`, `1h`, `4h`, `1D`, `W`, `W-FRI`, `ME`, `MS`: a count (1 if there is none) and
    /// one of `s`, `min`, `h`, `D`, `W` with or without the weekday that ends it, `ME`, `MS`.
    ///
    /// # Errors
    /// [`RecordError::Period`] for anything else, a count of 0, and one over 10,000,000.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let wrong = || RecordError::Period(text.to_string());
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (count, unit) = text.split_at(unit_at);
        let count = if count.is_empty() { 1 } else { count.parse().map_err(|_| wrong())? };
        let unit = match unit {
            "s" => Unit::Span(Nanos::SECOND),
            "min" => Unit::Span(Nanos::MINUTE),
            "h" => Unit::Span(Nanos::HOUR),
            "D" | "d" => Unit::Span(Nanos::DAY),
            "W" | "w" => Unit::WeekEnd(6),
            "ME" => Unit::MonthEnd,
            "MS" => Unit::MonthStart,
            _ => {
                let day = unit.strip_prefix("W-").ok_or_else(wrong)?;
                let day = WEEKDAYS.iter().position(|name| *name == day).ok_or_else(wrong)?;
                Unit::WeekEnd(day as u8)
            }
        };
        if (1..=10_000_000).contains(&count) { Ok(Self { count, unit }) } else { Err(wrong()) }
    }

    /// Number of the unit that holds an instant, from any fixed one: grows with time.
    fn unit_of(self, time: Nanos) -> i64 {
        let days = time.0.div_euclid(Nanos::DAY.0);
        match self.unit {
            Unit::Span(span) => time.0.div_euclid(span.0),
            // Day 0 is a Thursday.
            Unit::WeekEnd(end) => (days + 2 - i64::from(end)).div_euclid(7),
            Unit::MonthEnd | Unit::MonthStart => {
                let (year, month, ..) = time.civil();
                year * 12 + i64::from(month) - 1
            }
        }
    }

    /// The bin that holds an instant, aligned to the epoch: grows with time.
    pub(super) fn bin(self, time: Nanos) -> i64 {
        self.unit_of(time).div_euclid(i64::from(self.count))
    }

    /// The bin that pandas puts an instant in, by the time that labels it; `first` is the earliest
    /// instant of the data, from which pandas counts.
    pub(super) fn label(self, time: Nanos, first: Nanos) -> Nanos {
        let count = i64::from(self.count);
        match self.unit {
            Unit::Span(unit) => {
                let origin = floor(first, Nanos::DAY);
                origin.after(floor(time.since(origin), unit.times(count)))
            }
            Unit::MonthStart => {
                let from = self.unit_of(first);
                let bins = (self.unit_of(time) - from).div_euclid(count);
                self.month_start(from + bins * count)
            }
            Unit::WeekEnd(_) | Unit::MonthEnd => {
                let from = self.unit_of(first);
                // The bins end with these units: rounded up.
                let bins = -(from - self.unit_of(time)).div_euclid(count);
                self.last_day(from + bins * count)
            }
        }
    }

    fn month_start(self, month: i64) -> Nanos {
        Nanos::from_civil(month.div_euclid(12), month.rem_euclid(12) as u32 + 1, 1)
    }

    /// Midnight at the start of the last day of a week or month.
    fn last_day(self, unit: i64) -> Nanos {
        match self.unit {
            Unit::WeekEnd(end) => Nanos::DAY.times((unit + 1) * 7 - 3 + i64::from(end)),
            _ => self.month_start(unit + 1).since(Nanos::DAY),
        }
    }
}
