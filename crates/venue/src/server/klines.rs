//! Step machine: candles by REST: of the last price, mark, index, premium, and continuous ones.

use crate::server::call::{Answer, ApiError, Call};
use crate::server::history::{Bar, History};
use crate::server::market::Market;
use crate::server::sim::Sim;
use crate::server::text::{push_amount, push_fixed, push_int};
use aegis_types::Px;
use aegis_wire::intervals::Interval;
use aegis_wire::streams::ContractType;

/// Candles without a `limit`.
const LIMIT: i64 = 500;
/// Most candles of one answer.
const LIMIT_MAX: i64 = 1_500;

/// What a call asks for.
struct Asked {
    interval: Interval,
    from_ms: i64,
    to_ms: i64,
    limit: usize,
    /// The newest ones: without a start.
    latest: bool,
}

impl Asked {
    fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let interval = call.params.need("interval")?;
        let interval = Interval::parse(interval)
            .filter(|interval| *interval != Interval::S1)
            .ok_or_else(|| ApiError::new(-1120, "Invalid interval."))?;
        let limit = limit(call, LIMIT, LIMIT_MAX)?;
        let (from, to) = window(call)?;
        Ok(Self {
            interval,
            from_ms: from.unwrap_or(i64::MIN),
            to_ms: to.unwrap_or(i64::MAX),
            limit,
            latest: from.is_none(),
        })
    }

    fn bars(&self, history: &History, now_ms: i64) -> Vec<Bar> {
        let (window, limit) = ((self.from_ms, self.to_ms), (self.limit, self.latest));
        history.bars(self.interval, window, limit, now_ms)
    }
}

/// `limit` between 1 and `most`.
///
/// # Errors
/// -1100 when it is no number, -1130 when it is out of range.
pub fn limit(call: &Call<'_>, default: i64, most: i64) -> Result<usize, ApiError> {
    let limit = call.params.int("limit")?.unwrap_or(default);
    if !(1..=most).contains(&limit) {
        return Err(ApiError::invalid_value("limit"));
    }
    Ok(limit as usize)
}

/// `startTime` and `endTime`, both inclusive.
///
/// # Errors
/// -1100 when one is no number, -1130 when negative, -1130 when they are the wrong way round.
pub fn window(call: &Call<'_>) -> Result<(Option<i64>, Option<i64>), ApiError> {
    let (from, to) = (call.params.int("startTime")?, call.params.int("endTime")?);
    for (name, value) in [("startTime", from), ("endTime", to)] {
        if value.is_some_and(i64::is_negative) {
            return Err(ApiError::invalid_value(name));
        }
    }
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(ApiError::new(-1130, "Start time is greater than end time."));
    }
    Ok((from, to))
}

/// Answers `klines`.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn klines(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let asked = Asked::of(call)?;
    Ok(rows(market, &asked.bars(&market.history, call.market_ms), asked.interval))
}

/// Answers `continuousKlines`.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn continuous(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "pair")?;
    let contract = ContractType::parse(call.params.need("contractType")?)
        .ok_or_else(|| ApiError::invalid_value("contractType"))?;
    let asked = Asked::of(call)?;
    if contract != ContractType::Perpetual {
        return Ok("[]".to_owned());
    }
    Ok(rows(market, &asked.bars(&market.history, call.market_ms), asked.interval))
}

/// Answers `markPriceKlines`: as recorded, else those of the last price.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn mark(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    prices(market, market.marks.as_ref(), call)
}

/// Answers `indexPriceKlines`: as recorded, else those of the last price.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn index(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "pair")?;
    prices(market, market.indexes.as_ref(), call)
}

/// Answers `premiumIndexKlines`: zero, since mark and index are one price here.
///
/// # Errors
/// A parameter that is missing or wrong.
pub fn premium(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let asked = Asked::of(call)?;
    let mut bars = asked.bars(&market.history, call.market_ms);
    for bar in &mut bars {
        *bar = Bar { open_ms: bar.open_ms, ..Bar::flat(bar.open_ms, Px::ZERO, 0) };
    }
    Ok(rows(market, &bars, asked.interval))
}

fn prices(market: &Market, recorded: Option<&History>, call: &Call<'_>) -> Answer {
    let asked = Asked::of(call)?;
    let mut bars = asked.bars(recorded.unwrap_or(&market.history), call.market_ms);
    for bar in &mut bars {
        // A price that is computed is not traded.
        (bar.volume, bar.quote, bar.buy, bar.buy_quote) = (0.0, 0.0, 0.0, 0.0);
    }
    Ok(rows(market, &bars, asked.interval))
}

/// Rows of twelve.
fn rows(market: &Market, bars: &[Bar], interval: Interval) -> String {
    let mut out = String::with_capacity(bars.len() * 160 + 2);
    out.push('[');
    for bar in bars {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('[');
        push_int(&mut out, bar.open_ms);
        for px in [bar.open, bar.high, bar.low, bar.close] {
            out.push_str(",\"");
            push_fixed(&mut out, px.raw(), market.px_places);
            out.push('"');
        }
        out.push_str(",\"");
        push_amount(&mut out, bar.volume, market.qty_places);
        out.push_str("\",");
        push_int(&mut out, interval.next_open(bar.open_ms) - 1);
        out.push_str(",\"");
        push_amount(&mut out, bar.quote, 5);
        out.push_str("\",");
        push_int(&mut out, bar.trades as i64);
        for (amount, places) in [(bar.buy, market.qty_places), (bar.buy_quote, 5)] {
            out.push_str(",\"");
            push_amount(&mut out, amount, places);
            out.push('"');
        }
        out.push_str(",\"0\"]");
    }
    out.push(']');
    out
}
