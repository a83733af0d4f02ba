//! Step machine: the REST routes of market data.

use crate::server::call::{Answer, ApiError, Call, Method, Route};
use crate::server::klines::{limit, window};
use crate::server::market::{Funding, Market};
use crate::server::payload::Fields;
use crate::server::sim::Sim;
use crate::server::text::fixed;
use crate::server::{exchange_info, klines, tape};
use Method::Get;
use serde_json::{Value, json};

/// All of them.
pub const ROUTES: &[Route] = &[
    Route::public(Get, "/fapi/v1/ping", ping),
    Route::public(Get, "/fapi/v1/time", time),
    Route::public(Get, "/fapi/v1/exchangeInfo", exchange_info::answer),
    Route::public(Get, "/fapi/v1/depth", depth),
    Route::public(Get, "/fapi/v1/rpiDepth", depth),
    Route::public(Get, "/fapi/v1/trades", tape::recent),
    Route::keyed(Get, "/fapi/v1/historicalTrades", tape::historical),
    Route::public(Get, "/fapi/v1/aggTrades", tape::aggregates),
    Route::public(Get, "/fapi/v1/klines", klines::klines),
    Route::public(Get, "/fapi/v1/continuousKlines", klines::continuous),
    Route::public(Get, "/fapi/v1/indexPriceKlines", klines::index),
    Route::public(Get, "/fapi/v1/markPriceKlines", klines::mark),
    Route::public(Get, "/fapi/v1/premiumIndexKlines", klines::premium),
    Route::public(Get, "/fapi/v1/premiumIndex", premium_index),
    Route::public(Get, "/fapi/v1/fundingRate", funding_rate),
    Route::public(Get, "/fapi/v1/fundingInfo", funding_info),
    Route::public(Get, "/fapi/v1/ticker/24hr", ticker_day),
    Route::public(Get, "/fapi/v1/ticker/price", ticker_price),
    Route::public(Get, "/fapi/v2/ticker/price", ticker_price),
    Route::public(Get, "/fapi/v1/ticker/bookTicker", book_ticker),
    Route::public(Get, "/fapi/v1/openInterest", open_interest),
    Route::public(Get, "/sapi/v1/system/status", system_status),
    Route::public(Get, "/api/v3/ping", ping),
    Route::public(Get, "/api/v3/time", time),
];

/// Depths that may be asked for.
const DEPTHS: [i64; 7] = [5, 10, 20, 50, 100, 500, 1_000];

impl Sim {
    /// The market that a parameter names.
    ///
    /// # Errors
    /// -1102 without it, -1121 for an unknown one.
    pub(crate) fn market_of(&self, call: &Call<'_>, name: &str) -> Result<&Market, ApiError> {
        let symbol = self.symbol(call.params.need(name)?).ok_or_else(ApiError::invalid_symbol)?;
        self.markets.get(symbol.index()).ok_or_else(ApiError::invalid_symbol)
    }

    /// One object when `symbol` is sent, else a list of all.
    fn one_or_all(&self, call: &Call<'_>, text: impl Fn(&Market) -> Option<String>) -> Answer {
        if call.params.get("symbol").is_some() {
            let market = self.market_of(call, "symbol")?;
            return Ok(text(market).unwrap_or_else(|| "{}".to_owned()));
        }
        let texts: Vec<String> = self.markets.iter().filter_map(text).collect();
        Ok(format!("[{}]", texts.join(",")))
    }
}

fn ping(_: &mut Sim, _: &Call<'_>) -> Answer {
    Ok("{}".to_owned())
}

fn time(_: &mut Sim, call: &Call<'_>) -> Answer {
    Ok(format!("{{\"serverTime\":{}}}", call.wall_ms))
}

fn system_status(_: &mut Sim, _: &Call<'_>) -> Answer {
    Ok(json!({ "status": 0, "msg": "normal" }).to_string())
}

fn depth(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let limit = call.params.int("limit")?.unwrap_or(500);
    if !DEPTHS.contains(&limit) {
        let known = DEPTHS.map(|depth| depth.to_string()).join(", ");
        return Err(ApiError::new(
            -4021,
            format!("Invalid depth limit, limit should be in {known}."),
        ));
    }
    let (id, time_ms, bids, asks) =
        market.levels(limit as usize).unwrap_or((0, call.market_ms, Vec::new(), Vec::new()));
    let answer = Fields::new(market)
        .int("lastUpdateId", id as i64)
        .int("E", call.market_ms)
        .int("T", time_ms)
        .levels("bids", bids.into_iter())
        .levels("asks", asks.into_iter());
    Ok(answer.done())
}

fn premium_index(sim: &mut Sim, call: &Call<'_>) -> Answer {
    sim.one_or_all(call, |market| {
        let mark = market.mark(call.market_ms)?;
        let fields = Fields::new(market)
            .text("symbol", &market.instrument.name)
            .decimal("markPrice", mark.mark.raw(), 8)
            .decimal("indexPrice", mark.index.raw(), 8)
            .decimal("estimatedSettlePrice", mark.index.raw(), 8)
            .decimal("lastFundingRate", mark.rate.raw(), 8)
            .text("interestRate", "0.00010000")
            .int("nextFundingTime", mark.next_ms)
            .int("time", call.market_ms);
        Some(fields.done())
    })
}

fn funding_rate(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let limit = limit(call, 100, 1_000)?;
    let (from, to) = window(call)?;
    let (start, end) = (from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX));
    let chosen: Vec<&Market> = match call.params.get("symbol") {
        Some(_) => vec![sim.market_of(call, "symbol")?],
        None => sim.markets.iter().collect(),
    };
    let mut rows: Vec<(&Market, &Funding)> = chosen
        .into_iter()
        .flat_map(|market| market.fundings.iter().map(move |funding| (market, funding)))
        .filter(|(_, funding)| (start..=end).contains(&funding.time_ms))
        .collect();
    rows.sort_by_key(|(_, funding)| funding.time_ms);
    if from.is_some() {
        rows.truncate(limit);
    } else {
        rows.drain(..rows.len().saturating_sub(limit));
    }
    let line = |(market, funding): &(&Market, &Funding)| {
        json!({
            "symbol": market.instrument.name,
            "fundingRate": fixed(funding.rate.raw(), 8),
            "fundingTime": funding.time_ms,
            "markPrice": fixed(funding.mark.raw(), 8),
            "rateType": "Regular",
        })
    };
    Ok(Value::from(rows.iter().map(line).collect::<Vec<_>>()).to_string())
}

/// Only symbols that are not funded every eight hours, as the exchange does.
fn funding_info(sim: &mut Sim, _: &Call<'_>) -> Answer {
    const HOUR_MS: i64 = 3_600_000;
    let line = |market: &Market| {
        let hours = market.instrument.funding_interval.as_millis() / HOUR_MS;
        (hours != 8).then(|| {
            json!({
                "symbol": market.instrument.name,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": hours,
                "disclaimer": false,
            })
        })
    };
    Ok(Value::from(sim.markets.iter().filter_map(line).collect::<Vec<_>>()).to_string())
}

fn ticker_day(sim: &mut Sim, call: &Call<'_>) -> Answer {
    sim.one_or_all(call, |market| {
        let day = market.day(call.market_ms)?;
        let fields = Fields::new(market)
            .text("symbol", &market.instrument.name)
            .px("priceChange", day.change)
            .amount("priceChangePercent", day.change_percent, 3)
            .amount("weightedAvgPrice", day.average, market.px_places + 2)
            .px("lastPrice", day.bar.close)
            .qty("lastQty", day.last_qty)
            .px("openPrice", day.bar.open)
            .px("highPrice", day.bar.high)
            .px("lowPrice", day.bar.low)
            .volume("volume", day.bar.volume)
            .amount("quoteVolume", day.bar.quote, 2)
            .int("openTime", day.bar.open_ms)
            .int("closeTime", day.close_ms)
            .int("firstId", day.bar.first_id as i64)
            .int("lastId", day.last_id)
            .int("count", day.bar.trades as i64);
        Some(fields.done())
    })
}

fn ticker_price(sim: &mut Sim, call: &Call<'_>) -> Answer {
    sim.one_or_all(call, |market| {
        let px = market.last()?.px;
        let fields = Fields::new(market)
            .text("symbol", &market.instrument.name)
            .text("ps", &market.instrument.name)
            .px("price", px)
            .int("time", call.market_ms);
        Some(fields.done())
    })
}

fn book_ticker(sim: &mut Sim, call: &Call<'_>) -> Answer {
    sim.one_or_all(call, |market| {
        let touch = market.touch()?;
        let fields = Fields::new(market)
            .text("symbol", &market.instrument.name)
            .px("bidPrice", touch.bid)
            .qty("bidQty", touch.bid_qty)
            .px("askPrice", touch.ask)
            .qty("askQty", touch.ask_qty)
            .int("time", touch.time_ms)
            .int("lastUpdateId", touch.id as i64);
        Some(fields.done())
    })
}

/// Half of the last day's volume: derived, since no data set of candles knows it.
fn open_interest(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let market = sim.market_of(call, "symbol")?;
    let volume = market.day(call.market_ms).map_or(0.0, |day| day.bar.volume);
    let fields = Fields::new(market)
        .volume("openInterest", volume / 2.0)
        .text("symbol", &market.instrument.name)
        .int("time", call.market_ms);
    Ok(fields.done())
}
