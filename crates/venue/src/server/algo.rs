//! Step machine: conditional orders.

use crate::server::call::{Answer, ApiError, Call};
use crate::server::gate::keep_till;
use crate::server::params::Params;
use crate::server::render;
use crate::server::sim::Sim;
use crate::server::texts::error;
use crate::server::trade::{
    client_id, done, filter_of, good_till_of, key_of, position_side_of, reduce_only_of,
    reply_kind_of, self_trade_of, side_of, time_in_force_of,
};
use crate::server::user_events::{fraction, id_or_empty, order_type, percent};
use aegis_exchange::futures::{
    AlgoKind, AlgoRecord, AlgoRequest, OrderKey, SelfTrade, TimeInForce, WorkingType,
};
use aegis_types::{Px, Qty, Rate};
use serde::Serialize;
use serde_json::json;

/// What a rejection by a fault says.
const REJECTED: &str = "Margin is insufficient.";

/// A conditional order as replies show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlgoLine<'a> {
    algo_id: u64,
    client_algo_id: String,
    algo_type: &'static str,
    order_type: &'static str,
    symbol: &'a str,
    side: &'static str,
    position_side: &'static str,
    time_in_force: &'static str,
    quantity: Qty,
    algo_status: &'static str,
    actual_order_id: String,
    actual_price: Px,
    actual_qty: Qty,
    actual_type: &'static str,
    trigger_price: Px,
    price: Px,
    iceberg_quantity: Option<Qty>,
    tp_trigger_price: Px,
    tp_price: Px,
    sl_trigger_price: Px,
    sl_price: Px,
    tp_order_type: &'static str,
    self_trade_prevention_mode: &'static str,
    working_type: &'static str,
    price_match: &'static str,
    close_position: bool,
    price_protect: bool,
    reduce_only: bool,
    activate_price: String,
    callback_rate: String,
    create_time: i64,
    update_time: i64,
    trigger_time: i64,
    good_till_date: i64,
}

/// A conditional order as replies show it.
pub fn line<'a>(sim: &'a Sim, record: &AlgoRecord) -> AlgoLine<'a> {
    let trails = record.kind == AlgoKind::TrailingStopMarket;
    let of_trailing = |text: String| if trails { text } else { String::new() };
    AlgoLine {
        algo_id: record.id,
        client_algo_id: record.client_id.as_str().to_owned(),
        algo_type: "CONDITIONAL",
        order_type: record.kind.name(),
        symbol: sim.symbols.name(record.symbol),
        side: record.side.order_name(),
        position_side: record.position_side.name(),
        time_in_force: record.time_in_force.name(),
        quantity: record.qty,
        algo_status: record.status.name(),
        actual_order_id: id_or_empty(record.order_id),
        actual_price: record.average_px,
        actual_qty: record.filled,
        actual_type: if record.order_id == 0 { "" } else { order_type(record.kind) },
        trigger_price: record.trigger,
        price: record.price,
        iceberg_quantity: None,
        tp_trigger_price: Px::ZERO,
        tp_price: Px::ZERO,
        sl_trigger_price: Px::ZERO,
        sl_price: Px::ZERO,
        tp_order_type: "",
        self_trade_prevention_mode: record.self_trade.name(),
        working_type: record.working_type.name(),
        price_match: "NONE",
        close_position: record.close_position,
        price_protect: record.price_protect,
        reduce_only: record.reduce_only,
        activate_price: of_trailing(record.activate_price.to_string()),
        callback_rate: of_trailing(percent(record.callback).to_string()),
        create_time: record.created.as_millis(),
        update_time: record.updated.as_millis(),
        trigger_time: record.triggered_at.as_millis(),
        good_till_date: sim.gate.algo_till(record),
    }
}

fn request_of(sim: &Sim, call: &Call<'_>, params: &Params) -> Result<AlgoRequest, ApiError> {
    if params.need("algoType")? != "CONDITIONAL" {
        return Err(ApiError::invalid_value("algoType"));
    }
    let symbol = sim.symbol_of(params)?;
    let side = side_of(params)?;
    let kind = AlgoKind::parse(params.need("type")?).ok_or_else(|| error(-1116))?;
    let close_position = params.flag("closePosition")?.unwrap_or(false);
    let qty = params.qty("quantity")?;
    if qty.is_none() && !close_position {
        return Err(ApiError::mandatory("quantity"));
    }
    let price = params.px("price")?;
    let limit = matches!(kind, AlgoKind::Stop | AlgoKind::TakeProfit);
    if limit && price.is_none() {
        return Err(ApiError::mandatory("price"));
    }
    let trails = kind == AlgoKind::TrailingStopMarket;
    let trigger = params.px("triggerPrice")?;
    if trigger.is_none() && !trails {
        return Err(ApiError::mandatory("triggerPrice"));
    }
    let callback = params.rate("callbackRate")?;
    if callback.is_none() && trails {
        return Err(ApiError::mandatory("callbackRate"));
    }
    let activate = match params.px("activatePrice")? {
        None => params.px("activationPrice")?,
        some => some,
    };
    let working = params.get("workingType").unwrap_or("CONTRACT_PRICE");
    let working =
        WorkingType::parse(working).ok_or_else(|| ApiError::invalid_value("workingType"))?;
    let time_in_force = time_in_force_of(params)?;
    let trigger = trigger.filter(|_| !trails).unwrap_or(Px::ZERO);
    Ok(AlgoRequest {
        position_side: position_side_of(params)?,
        time_in_force: time_in_force.unwrap_or(TimeInForce::Gtc),
        qty: qty.unwrap_or(Qty::ZERO),
        price: price.filter(|_| limit).unwrap_or(Px::ZERO),
        working_type: working,
        price_protect: params.flag("priceProtect")?.unwrap_or(false),
        close_position,
        reduce_only: reduce_only_of(sim, call, params)?,
        client_id: params.get("clientAlgoId").map(client_id).transpose()?,
        self_trade: self_trade_of(params, SelfTrade::None)?,
        good_till: good_till_of(call, params, time_in_force)?,
        activate_price: activate.unwrap_or(Px::ZERO),
        callback: callback.map_or(Rate::ZERO, fraction),
        ..AlgoRequest::conditional(symbol, kind, side, trigger)
    })
}

/// `POST /fapi/v1/algoOrder`.
pub fn place(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let request = request_of(sim, call, &call.params)?;
    reply_kind_of(&call.params)?;
    if let Some(refusal) = sim.gate.shape.refuse.take() {
        return Err(refusal);
    }
    let record = sim.ask(|core, reports| core.place_algo(call.at(), account, &request, reports))?;
    if sim.gate.shape.reject_trigger {
        sim.core.reject_trigger(account, Some(record.id), REJECTED);
    }
    if let Some(fraction) = sim.gate.shape.partial {
        sim.core.partial_trigger(account, record.id, fraction);
    }
    if let Some(ms) = sim.gate.shape.invisible_ms {
        let now = call.request.arrived_ms;
        sim.gate.invisible.retain(|(.., until)| now < *until);
        sim.gate.invisible.push((account, record.id, now.saturating_add(ms)));
    }
    if record.time_in_force == TimeInForce::Gtd
        && let Some(till) = call.params.int("goodTillDate")?
    {
        keep_till(&mut sim.gate.algo_tills, record.id, till);
    }
    Ok(render::text(&line(sim, &record)))
}

fn key(call: &Call<'_>) -> Result<OrderKey, ApiError> {
    key_of(&call.params, "algoId", "clientAlgoId")
}

/// `DELETE /fapi/v1/algoOrder`.
pub fn cancel(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let key = key(call)?;
    let hidden = sim.core.algo_order(account, key);
    if hidden.is_ok_and(|r| sim.gate.hides(account, r.id, call.request.arrived_ms)) {
        return Err(error(-2011));
    }
    let record = sim.ask(|core, reports| core.cancel_algo(call.at(), account, key, reports))?;
    let client = record.client_id.as_str();
    // The code is a text here and a number everywhere else.
    let reply = json!({
        "algoId": record.id,
        "clientAlgoId": client,
        "code": "200",
        "msg": "success",
    });
    Ok(reply.to_string())
}

/// `DELETE /fapi/v1/algoOpenOrders`.
pub fn cancel_all(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    sim.ask(|core, reports| core.cancel_all_algos(call.at(), account, symbol, reports))?;
    Ok(done("The operation of cancel all open order is done."))
}

/// `GET /fapi/v1/algoOrder`.
pub fn query(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let record = sim.core.algo_order(account, key(call)?)?;
    if sim.gate.hides(account, record.id, call.request.arrived_ms) {
        return Err(error(-2013));
    }
    Ok(render::text(&line(sim, &record)))
}

/// `GET /fapi/v1/openAlgoOrders`.
pub fn open(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_if(&call.params)?;
    let records = sim.core.open_algos(account, symbol)?;
    let wanted = call.params.int("algoId")?.and_then(|id| u64::try_from(id).ok());
    listed(sim, call, records, wanted)
}

/// `GET /fapi/v1/allAlgoOrders`.
pub fn all(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    sim.symbol_of(&call.params)?;
    let filter = filter_of(sim, call, "algoId", 500, 1_000)?;
    let records = sim.core.all_algos(account, &filter)?;
    listed(sim, call, records, None)
}

fn listed(sim: &Sim, call: &Call<'_>, mut records: Vec<AlgoRecord>, wanted: Option<u64>) -> Answer {
    let now = call.request.arrived_ms;
    records.retain(|r| !sim.gate.hides(r.account, r.id, now));
    records.retain(|r| wanted.is_none_or(|id| id == r.id));
    Ok(render::list(&records, |record| line(sim, record)))
}
