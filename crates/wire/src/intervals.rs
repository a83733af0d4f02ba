//! Candle intervals: their names and where their candles begin.

/// The length of a candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// `1s`, of continuous candles only.
    S1,
    /// `1m`
    M1,
    /// `3m`
    M3,
    /// `5m`
    M5,
    /// `15m`
    M15,
    /// `30m`
    M30,
    /// `1h`
    H1,
    /// `2h`
    H2,
    /// `4h`
    H4,
    /// `6h`
    H6,
    /// `8h`
    H8,
    /// `12h`
    H12,
    /// `1d`
    D1,
    /// `3d`
    D3,
    /// `1w`, from Monday.
    W1,
    /// `1M`, calendar months.
    Month,
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1970-01-05 was the first Monday.
const MONDAY: i64 = 4 * DAY;

impl Interval {
    /// The fifteen that candles have by REST and stream; `1s` is not among them.
    pub const ALL: [Self; 15] = [
        Self::M1,
        Self::M3,
        Self::M5,
        Self::M15,
        Self::M30,
        Self::H1,
        Self::H2,
        Self::H4,
        Self::H6,
        Self::H8,
        Self::H12,
        Self::D1,
        Self::D3,
        Self::W1,
        Self::Month,
    ];

    /// As parameters and streams write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S1 => "1s",
            Self::M1 => "1m",
            Self::M3 => "3m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::M30 => "30m",
            Self::H1 => "1h",
            Self::H2 => "2h",
            Self::H4 => "4h",
            Self::H6 => "6h",
            Self::H8 => "8h",
            Self::H12 => "12h",
            Self::D1 => "1d",
            Self::D3 => "3d",
            Self::W1 => "1w",
            Self::Month => "1M",
        }
    }

    /// From a parameter or stream; `1M` is a month, `1m` a minute.
    pub fn parse(text: &str) -> Option<Self> {
        core::iter::once(Self::S1).chain(Self::ALL).find(|interval| interval.name() == text)
    }

    /// Its length in milliseconds; none for months, which differ.
    pub const fn millis(self) -> Option<i64> {
        Some(match self {
            Self::S1 => SECOND,
            Self::M1 => MINUTE,
            Self::M3 => 3 * MINUTE,
            Self::M5 => 5 * MINUTE,
            Self::M15 => 15 * MINUTE,
            Self::M30 => 30 * MINUTE,
            Self::H1 => HOUR,
            Self::H2 => 2 * HOUR,
            Self::H4 => 4 * HOUR,
            Self::H6 => 6 * HOUR,
            Self::H8 => 8 * HOUR,
            Self::H12 => 12 * HOUR,
            Self::D1 => DAY,
            Self::D3 => 3 * DAY,
            Self::W1 => 7 * DAY,
            Self::Month => return None,
        })
    }

    /// The first instant of the candle that holds an instant, both in milliseconds since the epoch.
    pub const fn open_of(self, at_ms: i64) -> i64 {
        match (self, self.millis()) {
            (Self::W1, _) => (at_ms - MONDAY).div_euclid(7 * DAY) * 7 * DAY + MONDAY,
            (_, Some(length)) => at_ms.div_euclid(length) * length,
            (_, None) => {
                let (year, month) = month_of(at_ms.div_euclid(DAY));
                first_day(year, month) * DAY
            }
        }
    }

    /// The first instant of the candle behind the one that holds an instant.
    pub const fn next_open(self, at_ms: i64) -> i64 {
        match self.millis() {
            Some(length) => self.open_of(at_ms) + length,
            None => {
                let (year, month) = month_of(at_ms.div_euclid(DAY));
                let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                first_day(year, month) * DAY
            }
        }
    }
}

/// Year and month of a day since the epoch (Hinnant, "chrono-compatible low-level date
/// algorithms": years begin in March, eras have 400 years).
const fn month_of(day: i64) -> (i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + (month <= 2) as i64, month)
}

/// Days from the epoch to the first of a month.
const fn first_day(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
