//! One symbol: candles of every timeframe, and what is read in them.

use crate::config::Config;
use crate::features;
use crate::frame::Frame;
use aegis_types::{
    Candle, CandleBuilder, FEATURES, LateCandle, Nanos, Pattern, Side, SymbolId, Timeframe,
};
use serde::{Deserialize, Serialize};

/// What one closed minute brought to light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found {
    /// A candle closed; the 1m candle itself comes first.
    Candle(Candle),
    /// A structure event, stamped with the close of the candle that made it knowable.
    Structure {
        /// In the candles of this length.
        timeframe: Timeframe,
        /// What it is.
        pattern: Pattern,
        /// Which side it speaks for.
        side: Side,
        /// The price that it is about.
        level: f64,
    },
}

/// Everything known of one symbol's market. Fixed memory: nothing is allocated after `new`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analysis {
    symbol: SymbolId,
    /// No part of what is written down: see [`Analysis::configure`].
    #[serde(skip)]
    config: Config,
    last: Nanos,
    minutes: u64,
    builders: [CandleBuilder; Timeframe::COUNT - 1],
    frames: [Frame; Timeframe::COUNT],
}

impl Analysis {
    /// Nothing seen yet.
    pub fn new(symbol: SymbolId, config: &Config) -> Self {
        Self {
            symbol,
            config: config.clone(),
            last: Nanos(i64::MIN),
            minutes: 0,
            builders: [Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::D1]
                .map(CandleBuilder::new),
            frames: Timeframe::ALL.map(|timeframe| Frame::new(timeframe, config)),
        }
    }

    /// Puts back the configuration of an analysis that was read back: the one it was made with.
    pub fn configure(&mut self, config: &Config) {
        self.config = config.clone();
    }

    /// Reads one closed 1m candle through all timeframes, shortest first: of each timeframe the
    /// candle, then the structure that its close makes knowable.
    ///
    /// # Errors
    /// [`LateCandle`] when its minute is not after the last one; nothing changes then.
    pub fn push(
        &mut self,
        minute: &Candle,
        found: &mut impl FnMut(Found),
    ) -> Result<(), LateCandle> {
        if minute.open_time <= self.last {
            return Err(LateCandle);
        }
        self.last = minute.open_time;
        self.minutes += 1;
        let hour = self.frame(Timeframe::H1).detector.structure().trend();
        self.frames[Timeframe::M5 as usize].detector.set_higher_trend(hour);
        let [first, longer @ ..] = &mut self.frames;
        read(first, minute, minute.close_time(), found);
        for (builder, frame) in self.builders.iter_mut().zip(longer) {
            for candle in builder.push(minute)?.iter().filter_map(|closed| closed.0) {
                // A candle cut short by a gap is knowable only now, not at its own end.
                read(frame, &candle, minute.close_time(), found);
            }
        }
        Ok(())
    }

    /// Whose market this is.
    pub const fn symbol(&self) -> SymbolId {
        self.symbol
    }

    /// Closed 1m candles seen.
    pub const fn minutes(&self) -> u64 {
        self.minutes
    }

    /// Wilder ATR of a timeframe, in price; none while warming up.
    pub fn atr(&self, timeframe: Timeframe) -> Option<f64> {
        self.frame(timeframe).detector.atr()
    }

    /// Wilder RSI of a timeframe, 0 to 100; none while warming up.
    pub fn rsi(&self, timeframe: Timeframe) -> Option<f64> {
        self.frame(timeframe).rsi()
    }

    /// The features now, in the order of [`features::NAMES`]; none while warming up.
    pub fn features(&self) -> Option<[f64; FEATURES]> {
        features::read(self, &self.config)
    }

    #[inline]
    pub(crate) const fn frame(&self, timeframe: Timeframe) -> &Frame {
        &self.frames[timeframe as usize]
    }

    /// Close time of the last minute.
    #[inline]
    pub(crate) const fn now(&self) -> Nanos {
        self.last.after(Nanos::MINUTE)
    }

    /// Close of the last minute.
    #[inline]
    pub(crate) const fn price(&self) -> f64 {
        self.frames[0].last().close()
    }
}

#[inline]
fn read(frame: &mut Frame, candle: &Candle, closed: Nanos, found: &mut impl FnMut(Found)) {
    found(Found::Candle(*candle));
    let timeframe = candle.timeframe;
    frame.push(&candle.bar(), closed, &mut |pattern, side, level| {
        found(Found::Structure { timeframe, pattern, side, level });
    });
}
