//! Step machine: `exchangeInfo`, from the rules that orders are judged by.

use crate::server::call::{Answer, Call};
use crate::server::limits::Limits;
use crate::server::market::Market;
use crate::server::sim::Sim;
use crate::server::text::fixed;
use aegis_types::InstrumentOrigin;
use serde_json::{Value, json};

/// When a perpetual contract ends: 2100-12-25, as the exchange says.
pub const DELIVERY_MS: i64 = 4_133_404_800_000;

/// When every symbol of the simulator was listed: 2019-09-25.
pub const ONBOARD_MS: i64 = 1_569_398_400_000;

/// Answers `GET /fapi/v1/exchangeInfo`.
///
/// # Errors
/// None.
pub fn answer(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let symbols: Vec<Value> = sim.markets.iter().map(symbol).collect();
    let answer = json!({
        "timezone": "UTC",
        "serverTime": call.wall_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": rate_limits(sim.gate.limits),
        "exchangeFilters": [],
        "assets": [
            { "asset": "USDT", "marginAvailable": true, "autoAssetExchange": "-10000" },
            { "asset": "BNB", "marginAvailable": true, "autoAssetExchange": "0" },
        ],
        "symbols": symbols,
    });
    Ok(answer.to_string())
}

fn rate_limits(limits: Limits) -> Value {
    let limit = |kind: &str, interval: &str, number: u32, limit: u32| {
        json!({
            "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit,
        })
    };
    json!([
        limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        limit("ORDERS", "MINUTE", 1, limits.orders_per_minute),
        limit("ORDERS", "SECOND", 10, limits.orders_per_10s),
    ])
}

/// The asset that a symbol is of: its name without the quote asset.
pub fn base_asset(name: &str) -> &str {
    name.strip_suffix("USDT").filter(|base| !base.is_empty()).unwrap_or(name)
}

fn symbol(market: &Market) -> Value {
    let rules = &market.rules;
    let instrument = &rules.instrument;
    let (px, qty) = (market.px_places, market.qty_places);
    let leverage = instrument.brackets.first().map_or(1, |bracket| bracket.leverage_max).max(1);
    let maintenance = instrument.brackets.first().map_or(0, |bracket| bracket.rate.raw());
    let origin = match instrument.origin {
        InstrumentOrigin::File => "file",
        InstrumentOrigin::BuiltIn => "built-in",
        InstrumentOrigin::Derived => "derived",
    };
    json!({
        "symbol": instrument.name,
        "pair": instrument.name,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": rules.status.name(),
        "maintMarginPercent": fixed(maintenance.saturating_mul(100), 4),
        "requiredMarginPercent": fixed(10_000_000_000 / i64::from(leverage), 4),
        "baseAsset": base_asset(&instrument.name),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": px,
        "quantityPrecision": qty,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": fixed(rules.trigger_protect.raw(), 4),
        "liquidationFee": fixed(instrument.liquidation_fee.raw(), 6),
        "marketTakeBound": fixed(rules.market_take_bound.raw(), 2),
        "maxMoveOrderLimit": 10_000,
        "filters": filters(market),
        "orderTypes": [
            "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
        "instrumentOrigin": origin,
    })
}

fn filters(market: &Market) -> Value {
    let rules = &market.rules;
    let instrument = &rules.instrument;
    let px = |raw: i64| fixed(raw, market.px_places);
    let qty = |raw: i64| fixed(raw, market.qty_places);
    let (least, step) = (qty(instrument.qty_min.raw()), qty(instrument.step.raw()));
    json!([
        {
            "filterType": "PRICE_FILTER",
            "minPrice": px(rules.price_min.raw()),
            "maxPrice": px(rules.price_max.raw()),
            "tickSize": px(instrument.tick.raw()),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": least,
            "maxQty": qty(instrument.qty_max.raw()),
            "stepSize": step,
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": least,
            "maxQty": qty(rules.market_qty_max.raw()),
            "stepSize": step,
        },
        { "filterType": "MAX_NUM_ORDERS", "limit": rules.orders_max },
        { "filterType": "MIN_NOTIONAL", "notional": fixed(instrument.notional_min.raw(), 0) },
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": fixed(rules.percent_up.raw(), 4),
            "multiplierDown": fixed(rules.percent_down.raw(), 4),
            "multiplierDecimal": "4",
        },
        { "filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE" },
    ])
}

/// The margin brackets in the words of `contractInfo`.
pub fn brackets(market: &Market) -> Vec<Value> {
    let brackets = &market.rules.instrument.brackets;
    let number = |raw: i64| raw as f64 / aegis_types::SCALE as f64;
    let line = |(index, bracket): (usize, &aegis_types::Bracket)| {
        let next = brackets.get(index + 1).map_or(0, |next| next.leverage_max);
        json!({
            "bs": index + 1,
            "bnf": number(bracket.floor.raw()),
            "bnc": number(bracket.cap.raw()),
            "mmr": number(bracket.rate.raw()),
            "cf": number(bracket.deduction.raw()),
            "mi": next + 1,
            "ma": bracket.leverage_max,
        })
    };
    brackets.iter().enumerate().map(line).collect()
}
