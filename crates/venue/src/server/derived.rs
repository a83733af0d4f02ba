//! Step machine: what is derived from candles alone, by one stated rule.
//!
//! Book: bid and ask one tick around the last price, twenty levels a side one tick apart, each
//! holding about 100,000 USDT. Trades: at the open one step of quantity, the rest
//! of the minute's volume in thirds at the two extremes (a rising candle sees its low first) and at
//! the close. A trade that is not below the one before it was bought by the taker.

use crate::server::history::Bar;
use aegis_types::{Instrument, Money, Px, Qty};
use aegis_wire::Level;

/// Levels a side of a derived book.
pub const LEVELS: usize = 20;

/// Notional of each level of a derived book, USDT.
const LEVEL_NOTIONAL: Money = Money::whole(100_000);

/// An execution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TradeRow {
    /// Its id.
    pub id: u64,
    /// Price.
    pub px: Px,
    /// Base quantity.
    pub qty: Qty,
    /// When, ms.
    pub time_ms: i64,
    /// The aggressor sold.
    pub buyer_is_maker: bool,
}

/// The trade at a minute's open.
pub fn open_trade(id: u64, px: Px, before: Px, time_ms: i64, step: Qty) -> TradeRow {
    TradeRow { id, px, qty: step, time_ms, buyer_is_maker: px < before }
}

/// The trades of a minute behind its open: at both extremes and at the close.
pub fn inner_trades(bar: &Bar, step: Qty) -> impl Iterator<Item = TradeRow> + use<> {
    let steps = (bar.volume / step.to_f64()).floor();
    let left = if steps.is_finite() { (steps as i64 - 1).max(0) } else { 0 };
    let third = left / 3;
    let rising = bar.close >= bar.open;
    let (first, second) = if rising { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let path = [(first, third), (second, third), (bar.close, left - 2 * third)];
    let (mut id, mut before) = (bar.first_id, bar.open);
    let time_ms = bar.open_ms + 59_999;
    path.into_iter().filter(|(_, steps)| *steps > 0).map(move |(px, steps)| {
        id += 1;
        let qty = Qty::from_raw(steps.saturating_mul(step.raw()));
        let row = TradeRow { id, px, qty, time_ms, buyer_is_maker: px < before };
        before = px;
        row
    })
}

/// The quantity of a level.
pub fn level_qty(px: Px, instrument: &Instrument) -> Qty {
    let qty = LEVEL_NOTIONAL.over_px(px).unwrap_or(instrument.qty_min);
    let steps = (qty.raw() / instrument.step.raw().max(1)).max(1);
    Qty::from_raw(steps * instrument.step.raw()).max(instrument.qty_min)
}

/// One side of a derived book from its best level on.
pub fn levels(best: Px, qty: Qty, away: i64, tick: Px) -> impl Iterator<Item = Level> {
    (0..LEVELS as i64).map_while(move |n| {
        let px = Px::from_raw(best.raw().saturating_add(away * n * tick.raw()));
        px.is_positive().then_some(Level { px, qty })
    })
}
