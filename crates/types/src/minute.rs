//! Building 1m candles from trades, aligned to UTC.

use crate::builder::{BuildRefusal, BuildRefusals};
use crate::candle::Candle;
use crate::fixed::{Px, Qty, SCALE};
use crate::symbol::SymbolId;
use crate::time::{Nanos, Timeframe};

/// Builds the 1m candles of one symbol from its trades.
///
/// A trade belongs to the UTC minute that holds its time, half-open. A minute's candle is emitted
/// with the first trade of a later minute, or when the clock is told to have passed its end
/// ([`Self::close_until`]). A minute without a trade has no candle: it is counted here, and marked
/// in the longer candles that a [`crate::CandleBuilder`] makes of these. Trades are taken in the
/// order of their times (of their ids within one); late and duplicate ones are refused and counted.
/// Volumes add up exactly and become floats once a minute. Nothing is allocated.
#[derive(Clone, Copy, Debug)]
pub struct MinuteBuilder {
    symbol: SymbolId,
    open: Option<Candle>,
    /// Of the open minute, in units of 1e-8.
    volume: i128,
    /// Time and id of the last trade taken; trades before the time are late.
    at: Nanos,
    id: Option<u64>,
    /// End of the last minute that has closed.
    end: Option<Nanos>,
    missing: u64,
    refusals: BuildRefusals,
}

impl MinuteBuilder {
    /// A builder of `symbol`'s candles.
    pub const fn new(symbol: SymbolId) -> Self {
        Self {
            symbol,
            open: None,
            volume: 0,
            at: Nanos(i64::MIN),
            id: None,
            end: None,
            missing: 0,
            refusals: BuildRefusals { late: 0, duplicate: 0, malformed: 0 },
        }
    }

    /// Adds a trade of `qty` at `px`; returns the candle of an earlier minute that this closes.
    ///
    /// `id` rises from trade to trade, where the venue numbers them. Without ids two trades of one
    /// instant, price and quantity are two trades.
    ///
    /// # Errors
    /// [`BuildRefusal`]: a duplicate has the id of the last trade taken; a late one has a lower id,
    /// an earlier time, or a minute that is closed already; a malformed one has no positive price
    /// and quantity.
    #[inline]
    pub fn push(
        &mut self,
        at: Nanos,
        px: Px,
        qty: Qty,
        id: Option<u64>,
    ) -> Result<Option<Candle>, BuildRefusal> {
        if let Err(refusal) = self.check(at, px, qty, id) {
            return Err(self.refusals.count(refusal));
        }
        (self.at, self.id) = (at, id.or(self.id));
        let start = at.floor(Nanos::MINUTE);
        if let Some(open) = &mut self.open
            && open.open_time == start
        {
            open.high = open.high.max(px);
            open.low = open.low.min(px);
            open.close = px;
            self.volume += i128::from(qty.raw());
            return Ok(None);
        }
        let closed = self.close();
        if let Some(end) = self.end {
            self.missing += (start.since(end).0 / Nanos::MINUTE.0).unsigned_abs();
        }
        self.volume = i128::from(qty.raw());
        self.open = Some(Candle {
            open_time: start,
            open: px,
            high: px,
            low: px,
            close: px,
            volume: 0.0,
            symbol: self.symbol,
            missing_minutes: 0,
            timeframe: Timeframe::M1,
        });
        Ok(closed)
    }

    #[inline]
    fn check(&self, at: Nanos, px: Px, qty: Qty, id: Option<u64>) -> Result<(), BuildRefusal> {
        if let (Some(id), Some(last)) = (id, self.id) {
            if id == last {
                return Err(BuildRefusal::Duplicate);
            }
            if id < last {
                return Err(BuildRefusal::Late);
            }
        }
        if at < self.at {
            return Err(BuildRefusal::Late);
        }
        if !(px.is_positive() && qty.is_positive()) {
            return Err(BuildRefusal::Malformed);
        }
        Ok(())
    }

    /// The clock shows `now`: returns the candle of a minute that has ended. Trades of minutes
    /// before `now`'s are late from here on. A clock that goes back changes nothing.
    #[inline]
    pub fn close_until(&mut self, now: Nanos) -> Option<Candle> {
        let start = now.floor(Nanos::MINUTE);
        self.at = self.at.max(start);
        let over = self.open.is_some_and(|open| open.open_time < start);
        if over { self.close() } else { None }
    }

    fn close(&mut self) -> Option<Candle> {
        let candle = Candle { volume: self.volume(), ..self.open.take()? };
        self.end = Some(candle.close_time());
        Some(candle)
    }

    fn volume(&self) -> f64 {
        self.volume as f64 / SCALE as f64
    }

    /// The candle that is not closed yet, for display only; detectors never see it.
    pub fn unfinished(&self) -> Option<Candle> {
        self.open.map(|open| Candle { volume: self.volume(), ..open })
    }

    /// Minutes without a trade between the first candle and the last one begun.
    pub const fn missing_minutes(&self) -> u64 {
        self.missing
    }

    /// How many trades were refused so far.
    pub const fn refusals(&self) -> &BuildRefusals {
        &self.refusals
    }
}
