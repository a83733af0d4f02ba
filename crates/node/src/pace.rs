//! Step machine: when a recorded fact is due, by the speed the user asked for.

use aegis_types::Nanos;
use std::fmt;
use std::str::FromStr;

/// How fast recorded data is published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as the reader takes it.
    Max,
    /// So many times faster than it was recorded; 1 is real time.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => Ok(Self::Max),
            "real" => Ok(Self::Times(1.0)),
            number => match number.parse::<f64>() {
                Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
                _ => Err(format!("`{number}` is not a speed: use max, real or a number above 0")),
            },
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Times(times) => write!(f, "{times}"),
        }
    }
}

/// Maps data time to wall time from the first fact on.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: Speed,
    origin: Option<(Nanos, Nanos)>,
}

impl Pace {
    /// A pace that starts with the first fact it sees.
    pub const fn new(speed: Speed) -> Self {
        Self { speed, origin: None }
    }

    /// How long to wait at `now` before publishing a fact of `data_time`; zero when it is due.
    pub fn step(&mut self, now: Nanos, data_time: Nanos) -> Nanos {
        let Speed::Times(times) = self.speed else { return Nanos::ZERO };
        let (data_origin, wall_origin) = *self.origin.get_or_insert((data_time, now));
        let due = wall_origin.0 as f64 + data_time.since(data_origin).0 as f64 / times;
        Nanos((due - now.0 as f64).max(0.0) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_reads_what_users_write() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("real".parse(), Ok(Speed::Times(1.0)));
        assert_eq!("600".parse(), Ok(Speed::Times(600.0)));
        for bad in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_minute_of_data_takes_a_second_at_sixty_times() {
        let mut pace = Pace::new(Speed::Times(60.0));
        let start = Nanos(5_000);
        assert_eq!(pace.step(start, Nanos::HOUR), Nanos::ZERO);
        let next = Nanos::HOUR.after(Nanos::MINUTE);
        assert_eq!(pace.step(start, next), Nanos::SECOND);
        assert_eq!(pace.step(start.after(Nanos::SECOND), next), Nanos::ZERO);
        assert_eq!(Pace::new(Speed::Max).step(start, next), Nanos::ZERO);
    }
}
