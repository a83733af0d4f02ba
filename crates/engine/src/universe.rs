//! The symbols: newest price and data time, holes in their candles, cool-downs, leverage as the
//! venue has it, and which slot (if any) each one occupies. Indexed by `SymbolId`.

use crate::config::{EngineError, TAINT_BARS};
use aegis_types::defect::{self, Defect};
use aegis_types::{Candle, Filters, Instrument, Nanos, Px, SYMBOLS_MAX, SymbolId, Tick, TickBody};
use alloc::format;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// No slot.
pub(crate) const NO_SLOT: u8 = u8::MAX;

/// What changes with the market and the orders of one symbol.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Market {
    /// Newest price; zero before the first.
    pub last: Px,
    /// Newest data time.
    pub data_at: Nanos,
    /// What an entry's price is held against.
    pub quotes: Quotes,
    /// Close time of the newest 1m candle; the far past before the first.
    pub closed_at: Nanos,
    /// Until when no entry is made after a failed order.
    pub cool_until: Nanos,
    /// Facts missing since the symbol was tainted; zero when it is not.
    pub missing: u64,
    /// Contiguous 1m candles since the last hole.
    pub contiguous: u32,
    /// The source told of missing facts, and no candle has shown yet what was missed.
    pub gap: bool,
    /// Leverage that the venue confirmed; zero before.
    pub leverage: u16,
    /// The slot that it occupies, or [`NO_SLOT`].
    pub slot: u8,
    /// The venue's filters, where they are no longer those with which the session began.
    pub filters: Option<Filters>,
}

/// Prices beside the last one, with the times of their data.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Quotes {
    pub last_at: Nanos,
    pub mark: Px,
    pub mark_at: Nanos,
    pub bid: Px,
    pub ask: Px,
    pub book_at: Nanos,
}

impl Quotes {
    const UNSEEN: Self = Self {
        last_at: UNSEEN,
        mark: Px::ZERO,
        mark_at: UNSEEN,
        bid: Px::ZERO,
        ask: Px::ZERO,
        book_at: UNSEEN,
    };
}

const UNSEEN: Nanos = Nanos(i64::MIN);

impl Market {
    const fn new() -> Self {
        Self {
            last: Px::ZERO,
            data_at: UNSEEN,
            quotes: Quotes::UNSEEN,
            closed_at: UNSEEN,
            cool_until: UNSEEN,
            missing: 0,
            contiguous: 0,
            gap: false,
            leverage: 0,
            slot: NO_SLOT,
            filters: None,
        }
    }

    /// Notes price, freshness and holes of any market fact but a candle.
    #[inline]
    pub fn see(&mut self, tick: &Tick) {
        match tick.body {
            TickBody::Open { px, .. } | TickBody::Trade { px, .. } => self.trade(px, tick.at),
            TickBody::Book { bid, ask, .. } => {
                if !tick.derived {
                    (self.quotes.bid, self.quotes.ask, self.quotes.book_at) = (bid, ask, tick.at);
                }
                // The middle, without the overflow of a sum.
                let middle = Px::from_raw(bid.raw() + (ask.raw() - bid.raw()) / 2);
                self.trade(middle, tick.at);
            }
            TickBody::Gap { .. } if defect::on(Defect::IgnoreGaps) => return,
            TickBody::Gap { missing } => {
                self.missing = self.missing.saturating_add(missing.max(1));
                self.gap = true;
                return; // an absence is not fresh data
            }
            TickBody::Mark { mark, .. } => {
                (self.quotes.mark, self.quotes.mark_at) = (mark, tick.at);
            }
            TickBody::Candle { .. } | TickBody::End => {}
        }
        self.data_at = self.data_at.max(tick.at);
    }

    /// Notes a closed 1m candle that was not late.
    #[inline]
    pub fn close(&mut self, candle: &Candle) {
        let hole = self.closed_at != UNSEEN && candle.open_time > self.closed_at;
        if hole {
            let missing = candle.open_time.since(self.closed_at).0 / Nanos::MINUTE.0;
            self.taint(missing as u64);
        } else if self.gap && self.contiguous >= TAINT_BARS {
            // The gap was refilled: not one candle is missing after all.
            self.missing = 0;
        }
        self.gap = false;
        self.contiguous = self.contiguous.saturating_add(1);
        if self.missing > 0 && self.contiguous >= TAINT_BARS {
            self.missing = 0;
        }
        self.closed_at = candle.close_time();
        self.trade(candle.close, self.closed_at);
        self.data_at = self.data_at.max(self.closed_at);
    }

    #[inline]
    fn trade(&mut self, px: Px, at: Nanos) {
        self.last = px;
        self.quotes.last_at = self.quotes.last_at.max(at);
    }

    fn taint(&mut self, missing: u64) {
        if defect::on(Defect::IgnoreGaps) {
            return;
        }
        self.missing = self.missing.saturating_add(missing.max(1));
        self.contiguous = 0;
    }
}

/// All symbols of the session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Universe {
    #[serde(skip)]
    instruments: Vec<Instrument>,
    markets: Vec<Market>,
}

impl Universe {
    /// Of instruments in the order of their ids.
    pub fn new(instruments: &[Instrument]) -> Result<Self, EngineError> {
        let wrong = |why| Err(EngineError::Instruments(why));
        if instruments.is_empty() || instruments.len() > SYMBOLS_MAX {
            let n = instruments.len();
            return wrong(format!("{n} of them; give 1 to {SYMBOLS_MAX}"));
        }
        for (index, i) in instruments.iter().enumerate() {
            if i.symbol.index() != index {
                let name = &i.name;
                return wrong(format!("{name} has id {} at place {index}; sort by id", i.symbol.0));
            }
            let grids = i.tick.is_positive() && i.step.is_positive() && i.qty_max.is_positive();
            if !grids || i.taker_fee.is_negative() {
                let name = &i.name;
                return wrong(format!("{name}: tick, step and largest quantity must be positive"));
            }
            if i.brackets.is_empty() {
                return wrong(format!("{} has no margin bracket; at least one is needed", i.name));
            }
        }
        let markets = instruments.iter().map(|_| Market::new()).collect();
        Ok(Self { instruments: instruments.to_vec(), markets })
    }

    /// Gives the instruments to the same universe as it was written down.
    pub fn lend_instruments(&mut self, to: &mut Self) {
        core::mem::swap(&mut self.instruments, &mut to.instruments);
        for (instrument, market) in to.instruments.iter_mut().zip(&to.markets) {
            if let Some(filters) = &market.filters {
                instrument.set_filters(filters);
            }
        }
    }

    /// The venue has changed a symbol's filters.
    pub fn set_filters(&mut self, symbol: SymbolId, filters: &Filters) {
        if let Some(market) = self.markets.get_mut(symbol.index())
            && let Some(instrument) = self.instruments.get_mut(symbol.index())
        {
            market.filters = Some(*filters);
            instrument.set_filters(filters);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.markets.len()
    }

    #[inline]
    pub fn market(&self, symbol: SymbolId) -> Option<&Market> {
        self.markets.get(symbol.index())
    }

    #[inline]
    pub fn market_mut(&mut self, symbol: SymbolId) -> Option<&mut Market> {
        self.markets.get_mut(symbol.index())
    }

    #[inline]
    pub fn instrument(&self, symbol: SymbolId) -> Option<&Instrument> {
        self.instruments.get(symbol.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Timeframe;

    fn candle(minute: i64) -> Candle {
        Candle {
            open_time: Nanos::MINUTE.times(minute),
            open: Px::whole(1),
            high: Px::whole(1),
            low: Px::whole(1),
            close: Px::whole(1),
            volume: 1.0,
            symbol: SymbolId(0),
            missing_minutes: 0,
            timeframe: Timeframe::M1,
        }
    }

    #[test]
    fn a_hole_taints_until_an_hour_is_contiguous() {
        let mut market = Market::new();
        market.close(&candle(0));
        assert_eq!(market.missing, 0, "the first candle is no hole");
        market.close(&candle(4));
        assert_eq!(market.missing, 3);
        for minute in 5..63 {
            market.close(&candle(minute));
            assert_eq!(market.missing, 3, "minute {minute}");
        }
        market.close(&candle(63));
        assert_eq!(market.missing, 0);
    }

    #[test]
    fn a_gap_that_candles_refill_without_a_hole_taints_no_longer_than_it_lasts() {
        let gap = Tick {
            symbol: SymbolId(0),
            derived: false,
            at: Nanos::HOUR,
            received_us: 0,
            body: TickBody::Gap { missing: 0 },
        };
        let mut market = Market::new();
        for minute in 0..100 {
            market.close(&candle(minute));
        }
        market.see(&gap);
        assert_eq!(market.missing, 1);
        market.close(&candle(100));
        assert_eq!(market.missing, 0, "nothing is missing");
        market.see(&gap);
        market.close(&candle(103));
        assert!(market.missing > 0, "two minutes are");
    }

    #[test]
    fn a_gap_tick_taints_and_is_no_fresh_data() {
        let mut market = Market::new();
        market.close(&candle(0));
        let at = Nanos::HOUR;
        let body = TickBody::Gap { missing: 0 };
        let tick = Tick { symbol: SymbolId(0), derived: false, at, received_us: 0, body };
        market.see(&tick);
        assert_eq!((market.missing, market.data_at), (1, Nanos::MINUTE));
    }
}
