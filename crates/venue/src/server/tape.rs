//! Step machine: executions by REST: `trades`, `historicalTrades`, `aggTrades`.

use crate::server::call::{Answer, ApiError, Call};
use crate::server::derived::{self, TradeRow};
use crate::server::history::Bar;
use crate::server::klines::{limit, window};
use crate::server::market::Market;
use crate::server::sim::Sim;
use crate::server::streams::Aggregate;
use crate::server::text::{fixed, push_int};

/// Rows without a `limit`.
const LIMIT: i64 = 500;
/// Most rows of one answer.
const LIMIT_MAX: i64 = 1_000;
/// Longest window of `aggTrades` with both ends, ms.
const WINDOW_MAX_MS: i64 = 3_600_000;

/// Answers `trades`: the newest.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn recent(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let limit = limit(call, LIMIT, LIMIT_MAX)?;
    Ok(list(market, &newest(market, limit)))
}

/// Answers `historicalTrades`: from an id on, else the newest.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn historical(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let limit = limit(call, LIMIT, LIMIT_MAX)?;
    let rows = match from_id(call)? {
        Some(id) => from(market, |row| row.id >= id, |bar| last_id(bar) >= id, limit),
        None => newest(market, limit),
    };
    Ok(list(market, &rows))
}

/// Answers `aggTrades`.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn aggregates(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let limit = limit(call, LIMIT, LIMIT_MAX)?;
    let (start, end) = window(call)?;
    if let (Some(start), Some(end)) = (start, end)
        && end.saturating_sub(start) > WINDOW_MAX_MS
    {
        let why = "More than 1 hours between startTime and endTime.";
        return Err(ApiError::new(-1127, why));
    }
    // Trades of one taker are one row, so more of them are looked at than rows are asked for.
    let most = limit.saturating_mul(64);
    let rows = match (from_id(call)?, start, end) {
        (Some(id), ..) => from(market, |row| row.id >= id, |bar| last_id(bar) >= id, most),
        (None, Some(start), end) => {
            let end = end.unwrap_or(i64::MAX);
            let inside = |row: &TradeRow| row.time_ms >= start && row.time_ms <= end;
            from(market, inside, |bar| bar.open_ms + 59_999 >= start, most)
        }
        (None, None, Some(end)) => {
            let mut rows = from(market, |row| row.time_ms <= end, |_| true, usize::MAX);
            rows.drain(..rows.len().saturating_sub(most));
            rows
        }
        (None, None, None) => newest(market, most),
    };
    let forwards = call.params.get("fromId").is_some() || start.is_some();
    let mut found = together(&rows);
    if forwards {
        found.truncate(limit);
    } else {
        found.drain(..found.len().saturating_sub(limit));
    }
    Ok(aggregate_list(market, &found))
}

fn from_id(call: &Call<'_>) -> Result<Option<u64>, ApiError> {
    match call.params.int("fromId")? {
        None => Ok(None),
        Some(id) => u64::try_from(id).map(Some).map_err(|_| ApiError::invalid_value("fromId")),
    }
}

const fn last_id(bar: &Bar) -> u64 {
    (bar.first_id + bar.trades).saturating_sub(1)
}

/// The trades of a minute, by the stated rule.
fn of_minute(market: &Market, bar: &Bar, before: aegis_types::Px) -> Vec<TradeRow> {
    let step = market.instrument.step;
    let open = derived::open_trade(bar.first_id, bar.open, before, bar.open_ms, step);
    core::iter::once(open).chain(derived::inner_trades(bar, step)).collect()
}

/// The first trades that are wanted; `minute` says of which minutes on to look.
fn from(
    market: &Market,
    wanted: impl Fn(&TradeRow) -> bool,
    minute: impl Fn(&Bar) -> bool,
    most: usize,
) -> Vec<TradeRow> {
    if market.is_ticking() {
        return market.trades.iter().filter(|row| wanted(row)).take(most).copied().collect();
    }
    let closed = market.history.closed();
    let first = closed.partition_point(|bar| !minute(bar));
    let mut found = Vec::new();
    for index in first..closed.len() {
        let before = closed[index.saturating_sub(1)].close;
        found.extend(of_minute(market, &closed[index], before).into_iter().filter(&wanted));
        if found.len() >= most {
            found.truncate(most);
            return found;
        }
    }
    found.extend(open_minute(market).into_iter().filter(&wanted));
    found.truncate(most);
    found
}

/// The trade that has opened the minute under way.
fn open_minute(market: &Market) -> Option<TradeRow> {
    let open = market.history.open()?;
    let before = market.history.closed().last().map_or(open.open, |bar| bar.close);
    let step = market.instrument.step;
    Some(derived::open_trade(open.first_id, open.open, before, open.open_ms, step))
}

/// The newest trades, oldest first.
fn newest(market: &Market, most: usize) -> Vec<TradeRow> {
    if market.is_ticking() {
        let skip = market.trades.len().saturating_sub(most);
        return market.trades.iter().skip(skip).copied().collect();
    }
    let closed = market.history.closed();
    // A minute has at least one trade.
    let first = closed.len().saturating_sub(most);
    let mut found: Vec<TradeRow> = Vec::new();
    for index in first..closed.len() {
        let before = closed[index.saturating_sub(1)].close;
        found.extend(of_minute(market, &closed[index], before));
    }
    found.extend(open_minute(market));
    found.drain(..found.len().saturating_sub(most));
    found
}

/// Trades of one instant, price and side as one.
fn together(rows: &[TradeRow]) -> Vec<Aggregate> {
    let mut found: Vec<Aggregate> = Vec::new();
    for row in rows {
        match found.last_mut().filter(|known| known.goes_with(row)) {
            Some(known) => known.add(row),
            None => found.push(Aggregate::of(row)),
        }
    }
    found
}

fn list(market: &Market, rows: &[TradeRow]) -> String {
    let mut out = String::from("[");
    for row in rows {
        if out.len() > 1 {
            out.push(',');
        }
        let quote = (row.px * row.qty).map_or_else(|_| "0".to_owned(), |quote| quote.to_string());
        out.push_str("{\"id\":");
        push_int(&mut out, row.id as i64);
        out.push_str(",\"price\":\"");
        out.push_str(&fixed(row.px.raw(), market.px_places));
        out.push_str("\",\"qty\":\"");
        out.push_str(&fixed(row.qty.raw(), market.qty_places));
        out.push_str("\",\"quoteQty\":\"");
        out.push_str(&quote);
        out.push_str("\",\"time\":");
        push_int(&mut out, row.time_ms);
        out.push_str(",\"isBuyerMaker\":");
        out.push_str(if row.buyer_is_maker { "true" } else { "false" });
        out.push_str(",\"isRPITrade\":false}");
    }
    out.push(']');
    out
}

fn aggregate_list(market: &Market, rows: &[Aggregate]) -> String {
    let mut out = String::from("[");
    for row in rows {
        if out.len() > 1 {
            out.push(',');
        }
        let qty = fixed(row.qty.raw(), market.qty_places);
        out.push_str("{\"a\":");
        push_int(&mut out, row.first_id as i64);
        out.push_str(",\"p\":\"");
        out.push_str(&fixed(row.px.raw(), market.px_places));
        for key in ["\",\"q\":\"", "\",\"nq\":\""] {
            out.push_str(key);
            out.push_str(&qty);
        }
        out.push_str("\",\"f\":");
        push_int(&mut out, row.first_id as i64);
        out.push_str(",\"l\":");
        push_int(&mut out, row.last_id as i64);
        out.push_str(",\"T\":");
        push_int(&mut out, row.time_ms);
        out.push_str(",\"m\":");
        out.push_str(if row.buyer_is_maker { "true}" } else { "false}" });
    }
    out.push(']');
    out
}
