//! Candles and the float bars that detectors read.

use crate::fixed::Px;
use crate::symbol::SymbolId;
use crate::time::{Nanos, Timeframe};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A closed candle. Prices are exact; volume is an indicator input and stays a float.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candle {
    /// First instant of the candle.
    pub open_time: Nanos,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Volume in base units.
    pub volume: f64,
    /// Whose candle it is.
    pub symbol: SymbolId,
    /// Minutes of this candle for which there was no 1m candle: a gap when not zero.
    pub missing_minutes: u16,
    /// Its length.
    pub timeframe: Timeframe,
}

const _: () = assert!(size_of::<Candle>() == 56);

/// What makes five numbers not a candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandleFault {
    /// A price that is zero or negative.
    NotPositive,
    /// High below low.
    HighBelowLow,
    /// Open or close outside the range of low to high.
    OutsideRange,
    /// Volume that is negative or not finite.
    BadVolume,
    /// An open time that is not a multiple of the timeframe.
    Misaligned,
}

impl CandleFault {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotPositive => "non_positive_price",
            Self::HighBelowLow => "high_below_low",
            Self::OutsideRange => "open_or_close_outside_range",
            Self::BadVolume => "bad_volume",
            Self::Misaligned => "misaligned_time",
        }
    }
}

impl fmt::Display for CandleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Candle {
    /// First instant after the candle: when it is knowable.
    #[inline]
    pub const fn close_time(&self) -> Nanos {
        self.open_time.after(self.timeframe.span())
    }

    /// Checks that the numbers can be a candle.
    ///
    /// # Errors
    /// The first [`CandleFault`] found.
    pub fn check(&self) -> Result<(), CandleFault> {
        if !(self.low.is_positive() && self.open.is_positive() && self.close.is_positive()) {
            return Err(CandleFault::NotPositive);
        }
        if self.high < self.low {
            return Err(CandleFault::HighBelowLow);
        }
        let inside = |px: Px| self.low <= px && px <= self.high;
        if !(inside(self.open) && inside(self.close)) {
            return Err(CandleFault::OutsideRange);
        }
        if !(self.volume.is_finite() && self.volume >= 0.0) {
            return Err(CandleFault::BadVolume);
        }
        if self.open_time.floor(self.timeframe.span()) != self.open_time {
            return Err(CandleFault::Misaligned);
        }
        Ok(())
    }

    /// The float bar that detectors read. A volume that is not finite, which [`Self::check`]
    /// refuses, reads as none.
    #[inline]
    pub fn bar(&self) -> Bar {
        Bar {
            time: self.open_time,
            open: self.open.to_f64(),
            high: self.high.to_f64(),
            low: self.low.to_f64(),
            close: self.close.to_f64(),
            volume: if self.volume.is_finite() { self.volume } else { 0.0 },
        }
    }

    /// The JSON form that users expect, under the exchange's symbol name.
    pub fn json<'a>(&self, symbol: &'a str) -> CandleJson<'a> {
        CandleJson {
            symbol,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            time: self.open_time.as_millis(),
        }
    }
}

/// `{"symbol","open","high","low","close","volume","time"}`; prices as decimal strings, time in
/// milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandleJson<'a> {
    /// The exchange's name.
    pub symbol: &'a str,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Volume in base units.
    pub volume: f64,
    /// Open time in milliseconds since the epoch.
    pub time: i64,
}

/// A closed bar as detectors see it: floats, converted once, every one of them finite.
///
/// The fields are private so that a number that is none (NaN, an infinity) cannot reach a detector:
/// it would sit in a running sum for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    time: Nanos,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// A number of a bar that is not finite: which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite(pub &'static str);

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is not a finite number", self.0)
    }
}

impl Bar {
    /// A bar that begins at `time`; prices in quote units, volume in base units.
    ///
    /// # Errors
    /// [`NotFinite`] names the first number that is not finite. Nothing else is judged: a detector
    /// takes any finite bar, and what may be traded on is judged by [`Candle::check`].
    #[inline]
    pub fn new(
        time: Nanos,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
    ) -> Result<Self, NotFinite> {
        let named =
            [("open", open), ("high", high), ("low", low), ("close", close), ("volume", volume)];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some((name, _)) => Err(NotFinite(name)),
            None => Ok(Self { time, open, high, low, close, volume }),
        }
    }

    /// First instant of the bar.
    #[inline]
    pub const fn time(&self) -> Nanos {
        self.time
    }

    /// First price.
    #[inline]
    pub const fn open(&self) -> f64 {
        self.open
    }

    /// Highest price.
    #[inline]
    pub const fn high(&self) -> f64 {
        self.high
    }

    /// Lowest price.
    #[inline]
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// Last price.
    #[inline]
    pub const fn close(&self) -> f64 {
        self.close
    }

    /// Volume in base units.
    #[inline]
    pub const fn volume(&self) -> f64 {
        self.volume
    }
}
