//! Step machine: the simulator's own calls: its clock, steps, prices.

use crate::server::call::{Answer, ApiError, Call, Method, Route};
use crate::server::clock::Speed;
use crate::server::sim::Sim;
use aegis_types::{Px, Round};
use serde_json::{Map, Value, json};

/// All of them.
pub const ROUTES: &[Route] = &[
    Route::public(Method::Get, "/sim/v1/clock", clock),
    Route::public(Method::Post, "/sim/v1/step", step),
    Route::public(Method::Post, "/sim/v1/price", price),
];

/// Longest step, ms: a year.
const STEP_MAX_MS: i64 = 366 * 86_400_000;

fn clock(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let speed = match sim.clock.speed() {
        Speed::Times(times) if times != 1.0 => json!(times),
        named => json!(named.to_string()),
    };
    let answer = json!({
        "market_ms": sim.clock.market_ms(),
        "wall_ms": call.wall_ms,
        "speed": speed,
        "derived": sim.derived,
        "generated": sim.generated,
        "ended": sim.clock.ended(),
    });
    Ok(answer.to_string())
}

/// The body as a JSON object; the query's fields where there is none.
fn fields(call: &Call<'_>) -> Result<Value, ApiError> {
    if call.request.body.iter().all(u8::is_ascii_whitespace) {
        let pairs = call.params.pairs().iter();
        return Ok(Value::Object(pairs.map(|(k, v)| (k.clone(), json!(v))).collect()));
    }
    serde_json::from_slice(&call.request.body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::new(-1130, "The body must be a JSON object."))
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn step(sim: &mut Sim, call: &Call<'_>) -> Answer {
    if sim.clock.speed() != Speed::Step {
        let why = "The market runs by itself; start the exchange with --speed step.";
        return Err(ApiError::new(-1020, why));
    }
    let ms = whole(&fields(call)?["ms"]).filter(|ms| (0..=STEP_MAX_MS).contains(ms));
    let ms = ms.ok_or_else(|| ApiError::invalid_value("ms"))?;
    sim.step(ms);
    let last: Map<String, Value> =
        sim.streams.last().map(|(name, id)| (name.to_owned(), json!(id))).collect();
    let answer = json!({
        "market_ms": sim.clock.market_ms(), "last": last, "ended": sim.clock.ended(),
    });
    Ok(answer.to_string())
}

fn price(sim: &mut Sim, call: &Call<'_>) -> Answer {
    if !sim.generated {
        let why = "Only generated markets take prices by hand; start with --generate SEED.";
        return Err(ApiError::new(-1020, why));
    }
    let fields = fields(call)?;
    let name = fields["symbol"].as_str().ok_or_else(|| ApiError::mandatory("symbol"))?;
    let symbol = sim.symbol(name).ok_or_else(ApiError::invalid_symbol)?;
    let text = match &fields["price"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(ApiError::mandatory("price")),
    };
    let tick = sim.markets[symbol.index()].instrument.tick;
    let px = Px::parse(text.as_bytes()).ok().and_then(|px| px.to_grid(tick, Round::Nearest).ok());
    let px = px.filter(|px| px.is_positive());
    let px = px.ok_or_else(|| ApiError::invalid_value("price"))?;
    sim.set_price(symbol, px);
    let market_ms = sim.clock.market_ms();
    Ok(json!({ "symbol": name, "price": px, "market_ms": market_ms }).to_string())
}
