//! One symbol: candles of every timeframe, and what is read in them.

use crate::config::Config;
use aegis_types::{
    Candle, CandleBuilder, FEATURES, LateCandle, Nanos, Pattern, Side, SymbolId, Timeframe,
};

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
pub struct Analysis {
    symbol: SymbolId,
    last: Nanos,
    minutes: u64,
    builders: [CandleBuilder; Timeframe::COUNT - 1],
}

impl Analysis {
    /// Nothing seen yet.
    pub fn new(symbol: SymbolId, _config: &Config) -> Self {
        Self {
            symbol,
            last: Nanos(i64::MIN),
            minutes: 0,
            builders: [Timeframe::M5, Timeframe::M15, Timeframe::H1, Timeframe::D1]
                .map(CandleBuilder::new),
        }
    }

    /// Reads one closed 1m candle through all timeframes, shortest first.
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
        found(Found::Candle(*minute));
        for builder in &mut self.builders {
            for candle in builder.push(minute)?.iter().filter_map(|closed| closed.0) {
                found(Found::Candle(candle));
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
    pub fn atr(&self, _timeframe: Timeframe) -> Option<f64> {
        None
    }

    /// Wilder RSI of a timeframe, 0 to 100; none while warming up.
    pub fn rsi(&self, _timeframe: Timeframe) -> Option<f64> {
        None
    }

    /// The features now, in the order of [`crate::features::NAMES`]; none while warming up.
    pub fn features(&self) -> Option<[f64; FEATURES]> {
        None
    }
}
