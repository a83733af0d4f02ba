//! Instants as nanoseconds since the Unix epoch, UTC, and the timeframes of candles.

use core::fmt;
use serde::{Deserialize, Serialize};

/// An instant, or a span between two, in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[repr(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// The epoch, or no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const MAX: Self = Self(i64::MAX);
    /// One millisecond.
    pub const MILLISECOND: Self = Self(1_000_000);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000_000_000);
    /// One day of 24 h.
    pub const DAY: Self = Self(86_400_000_000_000);

    /// From milliseconds; the ends of the range hold.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// Whole milliseconds, towards the past.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Later by `span`; the ends of the range hold.
    #[inline]
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since `earlier`; the ends of the range hold.
    #[inline]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// This span `n` times; the ends of the range hold.
    pub const fn times(self, n: i64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// The start of the UTC-aligned span of length `span` that holds this instant; the ends of the
    /// range hold.
    #[inline]
    pub const fn floor(self, span: Self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(span.0)))
    }

    /// Year, month, day, hour, minute, second in UTC (proleptic Gregorian calendar).
    ///
    /// Days to civil date after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    pub fn civil(self) -> (i64, u32, u32, u32, u32, u32) {
        let seconds = self.0.div_euclid(Self::SECOND.0);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = (if mp < 10 { mp + 3 } else { mp - 9 }) as u32;
        let year = yoe + era * 400 + i64::from(month <= 2);
        (year, month, day, rest / 3_600, rest / 60 % 60, rest % 60)
    }

    /// Midnight UTC of a civil date; the inverse of [`Nanos::civil`].
    pub fn from_civil(year: i64, month: u32, day: u32) -> Self {
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let m = i64::from(month);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(day) - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        Self((era * 146_097 + doe - 719_468).saturating_mul(Self::DAY.0))
    }

    /// Text for people: `2025-05-09 18:18:00`, UTC.
    pub fn utc(self) -> Utc {
        Utc(self)
    }
}

/// Formats an instant as `YYYY-MM-DD HH:MM:SS` in UTC.
pub struct Utc(Nanos);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, mo, d, h, mi, s) = self.0.civil();
        write!(f, "{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")
    }
}

/// The candle lengths that the engine watches, shortest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Timeframe {
    /// One minute: the decision timeframe.
    #[serde(rename = "1m")]
    M1 = 0,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5 = 1,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    M15 = 2,
    /// One hour.
    #[serde(rename = "1h")]
    H1 = 3,
    /// One UTC day.
    #[serde(rename = "1d")]
    D1 = 4,
}

impl Timeframe {
    /// All, shortest first.
    pub const ALL: [Self; 5] = [Self::M1, Self::M5, Self::M15, Self::H1, Self::D1];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Length in minutes.
    pub const fn minutes(self) -> i64 {
        match self {
            Self::M1 => 1,
            Self::M5 => 5,
            Self::M15 => 15,
            Self::H1 => 60,
            Self::D1 => 1_440,
        }
    }

    /// Length in nanoseconds.
    pub const fn span(self) -> Nanos {
        Nanos::MINUTE.times(self.minutes())
    }

    /// Position in [`Timeframe::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The exchange's name: `1m`, `5m`, `15m`, `1h`, `1d`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::H1 => "1h",
            Self::D1 => "1d",
        }
    }

    /// From a position in [`Timeframe::ALL`].
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
