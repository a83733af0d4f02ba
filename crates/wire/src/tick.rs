//! From frames to the ticks that travel through the ring.

use crate::frame::{AggTrade, BookTicker, Frame, Kline, MarkPrice, Trade};
use aegis_types::{Nanos, SymbolId, Tick, TickBody};
use core::fmt;

/// Why a frame is not a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTick<'a> {
    /// The symbol is not one of the session's.
    UnknownSymbol(&'a str),
    /// The candle is not closed, or not a 1m candle.
    NotAClosedMinute,
    /// Not an execution in the market: insurance fund, auto-deleveraging.
    NotMarket(&'a str),
    /// A frame of a kind that is not passed on as one tick: depth, other events.
    Kind,
}

impl fmt::Display for NoTick<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSymbol(name) => {
                write!(f, "symbol {name} is not in this session; it was not subscribed by us")
            }
            Self::NotAClosedMinute => f.write_str("the candle is not a closed 1m candle"),
            Self::NotMarket(origin) => write!(f, "the execution is of kind {origin}"),
            Self::Kind => f.write_str("this frame is not a tick"),
        }
    }
}

impl<'a> Frame<'a> {
    /// The symbol that the frame names.
    pub const fn symbol(&self) -> Option<&'a str> {
        match self {
            Self::Trade(frame) => Some(frame.symbol),
            Self::AggTrade(frame) => Some(frame.symbol),
            Self::BookTicker(frame) => Some(frame.symbol),
            Self::Kline(frame) => Some(frame.symbol),
            Self::MarkPrice(frame) => Some(frame.symbol),
            Self::Depth(frame) => Some(frame.symbol),
            Self::Other { .. } => None,
        }
    }

    /// The tick that this frame is, with `symbol` as the session's lookup from name to id
    /// (`SymbolTable::id`). `received_us` stays 0: the feed stamps it.
    ///
    /// Trades and book are dated by the transaction (`T`), the mark price by the event (`E`), and a
    /// closed candle by its close, as recorded candles are.
    ///
    /// # Errors
    /// [`NoTick`] says why not.
    pub fn tick(&self, symbol: impl FnOnce(&str) -> Option<SymbolId>) -> Result<Tick, NoTick<'a>> {
        let (at_ms, body) = match self {
            Self::Trade(frame) => trade(frame)?,
            Self::AggTrade(frame) => agg_trade(frame),
            Self::BookTicker(frame) => book(frame),
            Self::Kline(frame) => candle(frame)?,
            Self::MarkPrice(frame) => mark(frame),
            Self::Depth(_) | Self::Other { .. } => return Err(NoTick::Kind),
        };
        let name = self.symbol().unwrap_or("");
        let symbol = symbol(name).ok_or(NoTick::UnknownSymbol(name))?;
        Ok(Tick { symbol, derived: false, at: Nanos::from_millis(at_ms), received_us: 0, body })
    }
}

fn trade<'a>(frame: &Trade<'a>) -> Result<(i64, TickBody), NoTick<'a>> {
    match frame.origin {
        None | Some("MARKET") => {}
        Some(other) => return Err(NoTick::NotMarket(other)),
    }
    let Trade { px, qty, id, buyer_is_maker, .. } = *frame;
    Ok((frame.time_ms, TickBody::Trade { px, qty, id, buyer_is_maker }))
}

fn agg_trade(frame: &AggTrade<'_>) -> (i64, TickBody) {
    let AggTrade { px, qty, id, buyer_is_maker, .. } = *frame;
    (frame.time_ms, TickBody::Trade { px, qty, id, buyer_is_maker })
}

fn book(frame: &BookTicker<'_>) -> (i64, TickBody) {
    let BookTicker { bid, bid_qty, ask, ask_qty, update_id, .. } = *frame;
    (frame.time_ms, TickBody::Book { bid, bid_qty, ask, ask_qty, update_id })
}

fn candle<'a>(frame: &Kline<'a>) -> Result<(i64, TickBody), NoTick<'a>> {
    let bar = &frame.bar;
    if !bar.closed || bar.interval != "1m" {
        return Err(NoTick::NotAClosedMinute);
    }
    let body = TickBody::Candle {
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
    };
    Ok((bar.open_ms.saturating_add(60_000), body))
}

fn mark(frame: &MarkPrice<'_>) -> (i64, TickBody) {
    let body = TickBody::Mark {
        mark: frame.mark,
        index: frame.index,
        rate: frame.rate.unwrap_or_default(),
        next_funding: Nanos::from_millis(frame.next_funding_ms),
    };
    (frame.event_ms, body)
}
