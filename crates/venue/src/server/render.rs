//! Step machine: orders as replies show them.

use crate::server::sim::Sim;
use aegis_exchange::futures::{OrderRecord, OrderStatus};
use aegis_types::{Money, Px, Qty};
use serde::Serialize;
use serde_json::Value;

/// An order as REST and the WebSocket API show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine<'a> {
    order_id: u64,
    symbol: &'a str,
    pair: &'a str,
    status: &'static str,
    client_order_id: String,
    price: Px,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_price: Option<Px>,
    orig_qty: Qty,
    executed_qty: Qty,
    #[serde(skip_serializing_if = "Option::is_none")]
    cum_qty: Option<Qty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cum_quote: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cum_base: Option<Qty>,
    time_in_force: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    reduce_only: bool,
    close_position: bool,
    side: &'static str,
    position_side: &'static str,
    stop_price: Px,
    working_type: &'static str,
    price_protect: bool,
    orig_type: &'static str,
    price_match: &'static str,
    self_trade_prevention_mode: &'static str,
    good_till_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    update_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    modify_id: Option<u64>,
}

/// An order as queries show it.
pub fn order<'a>(sim: &'a Sim, order: &OrderRecord) -> OrderLine<'a> {
    let symbol = sim.symbols.name(order.symbol);
    OrderLine {
        order_id: order.id,
        symbol,
        pair: symbol,
        status: order.status.name(),
        client_order_id: order.client_id.as_str().to_owned(),
        price: order.price,
        avg_price: Some(order.average_px()),
        orig_qty: order.qty,
        executed_qty: order.filled,
        cum_qty: None,
        cum_quote: Some(order.quote),
        cum_base: Some(order.filled),
        time_in_force: order.time_in_force.name(),
        kind: order.kind.name(),
        reduce_only: order.reduce_only,
        close_position: order.close_position,
        side: order.side.order_name(),
        position_side: order.position_side.name(),
        stop_price: order.stop_price,
        working_type: order.working_type.name(),
        price_protect: order.price_protect,
        orig_type: order.origin.map_or(order.kind.name(), |origin| origin.name()),
        price_match: "NONE",
        self_trade_prevention_mode: order.self_trade.name(),
        good_till_date: sim.gate.good_till(order),
        time: Some(order.created.as_millis()),
        update_time: order.updated.as_millis(),
        modify_id: (order.modify_id != 0).then_some(order.modify_id),
    }
}

/// An order as the reply to placing, changing or cancelling it shows it.
pub fn reply<'a>(sim: &'a Sim, record: &OrderRecord) -> OrderLine<'a> {
    let line = order(sim, record);
    let absent = sim.gate.shape.no_average;
    OrderLine {
        cum_qty: Some(record.filled),
        avg_price: line.avg_price.filter(|_| !absent),
        cum_quote: line.cum_quote.filter(|_| !absent),
        cum_base: None,
        time: None,
        ..line
    }
}

/// The reply that only says that an order was taken: nothing of what became of it since.
pub fn acknowledgement<'a>(sim: &'a Sim, record: &OrderRecord) -> OrderLine<'a> {
    let taken = OrderRecord {
        status: OrderStatus::New,
        filled: Qty::ZERO,
        quote: Money::ZERO,
        updated: record.created,
        ..*record
    };
    reply(sim, &taken)
}

/// What `order/test` answers: an order that was not placed.
pub fn untouched<'a>(sim: &'a Sim, record: &OrderRecord) -> OrderLine<'a> {
    OrderLine { order_id: 0, ..reply(sim, record) }
}

/// JSON text.
pub fn text(line: &impl Serialize) -> String {
    // Maps with keys that are no text are the only way to fail; there are none.
    serde_json::to_string(line).unwrap_or_default()
}

/// A JSON value.
pub fn value(line: &impl Serialize) -> Value {
    serde_json::to_value(line).unwrap_or_default()
}

/// A list of lines.
pub fn list<T, L: Serialize>(items: &[T], line: impl Fn(&T) -> L) -> String {
    text(&items.iter().map(line).collect::<Vec<L>>())
}
