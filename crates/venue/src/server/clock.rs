//! Step machine: market time, driven by wall time or by steps.

use core::fmt;
use core::str::FromStr;

/// How market time runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many market seconds a second; 1 is real time.
    Times(f64),
    /// As fast as the listeners take it.
    Max,
    /// Only by `POST /sim/v1/step`.
    Step,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Times(1.0)),
            "max" => Ok(Self::Max),
            "step" => Ok(Self::Step),
            number => match number.parse::<f64>() {
                Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
                _ => Err(format!(
                    "`{text}` is not a speed: write real, max, step, or how many times real time"
                )),
            },
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) if *times == 1.0 => f.pad("real"),
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.pad("max"),
            Self::Step => f.pad("step"),
        }
    }
}

/// Market time. It never goes back, and stands still at the end of the data.
#[derive(Clone, Debug)]
pub struct Clock {
    speed: Speed,
    market_ms: i64,
    /// Wall and market time from which a paced clock counts.
    anchor: Option<(i64, i64)>,
    end_ms: Option<i64>,
}

impl Clock {
    /// A clock that stands at `start_ms`.
    pub const fn new(speed: Speed, start_ms: i64) -> Self {
        Self { speed, market_ms: start_ms, anchor: None, end_ms: None }
    }

    /// How it runs.
    pub const fn speed(&self) -> Speed {
        self.speed
    }

    /// Market time.
    pub const fn market_ms(&self) -> i64 {
        self.market_ms
    }

    /// Has the data ended?
    pub const fn ended(&self) -> bool {
        self.end_ms.is_some()
    }

    /// What market time a paced clock shows at `wall_ms`; the first call starts it.
    pub fn paced(&mut self, wall_ms: i64) -> i64 {
        let Speed::Times(times) = self.speed else { return self.market_ms };
        let (wall, market) = *self.anchor.get_or_insert((wall_ms, self.market_ms));
        let gone = wall_ms.saturating_sub(wall).max(0) as f64 * times;
        market.saturating_add(gone as i64)
    }

    /// Moves market time on to `market_ms`; a time that has passed changes nothing.
    pub fn reach(&mut self, market_ms: i64) {
        let until = self.end_ms.unwrap_or(i64::MAX);
        self.market_ms = self.market_ms.max(market_ms.min(until));
    }

    /// The data has ended: time stands from here on.
    pub fn end(&mut self) {
        self.end_ms = Some(self.market_ms);
    }

    /// Wall milliseconds until a paced clock shows `market_ms`.
    pub fn wall_until(&self, wall_ms: i64, market_ms: i64) -> Option<u64> {
        let Speed::Times(times) = self.speed else { return None };
        let (wall, market) = self.anchor?;
        let due = wall as f64 + market_ms.saturating_sub(market) as f64 / times;
        Some((due - wall_ms as f64).ceil().max(0.0) as u64)
    }
}
