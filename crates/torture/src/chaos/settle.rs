//! Step machine: is the node, by its own status, where the exchange is?

use super::truth::{TrueAlgo, Truth};
use aegis_types::{ClientOrderId, Money, Qty, Side};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Signed positions as the status shows them.
fn believed(status: &Value) -> BTreeMap<String, Qty> {
    let rows = status["positions"].as_array().into_iter().flatten();
    rows.filter_map(|row| {
        let qty: Qty = row["qty"].as_str()?.parse().ok()?;
        let side = if row["side"] == "short" { Side::Sell } else { Side::Buy };
        Some((row["symbol"].as_str()?.to_owned(), super::signed(side, qty)))
    })
    .collect()
}

/// Why the node is not where the exchange is; `None` when it is, with its wallet, every position
/// under one stop, and nothing resting without a position.
pub fn unsettled(status: &Value, truth: &Truth, foreign: &BTreeSet<String>) -> Option<String> {
    let health = &status["health"];
    let runs = |child: &str| health[child]["state"] == "running";
    if status["healthy"] != true || !runs("brain") || !runs("feed") {
        return Some(format!("not healthy: {health}"));
    }
    let unknown = status["orders"]["unknown"].as_u64();
    if unknown != Some(0) {
        return Some(format!("{unknown:?} orders are unknown"));
    }
    let wallet = status["wallet"].as_str().and_then(|wallet| wallet.parse::<Money>().ok());
    if let Some(wallet) = wallet.filter(|wallet| *wallet != truth.wallet) {
        return Some(format!("wallet: believed {wallet}, truly {}", truth.wallet));
    }
    let ours = |symbol: &String| !foreign.contains(symbol);
    let mut believed = believed(status);
    believed.retain(|symbol, _| ours(symbol));
    let mut truly = truth.positions.clone();
    truly.retain(|symbol, qty| ours(symbol) && !qty.is_zero());
    if believed != truly {
        return Some(format!("positions: believed {believed:?}, truly {truly:?}"));
    }
    for (symbol, qty) in &truly {
        let stops = resting(truth).filter(|algo| algo.stop && algo.symbol == *symbol);
        let stops: Vec<&TrueAlgo> = stops.collect();
        let [stop] = stops.as_slice() else {
            return Some(format!("{} stops rest for {qty} of {symbol}", stops.len()));
        };
        let closing = if qty.is_negative() { Side::Buy } else { Side::Sell };
        if !(stop.reduces && stop.side == closing && (stop.closes || stop.qty == qty.abs())) {
            return Some(format!("the stop of {qty} {symbol} is {stop:?}"));
        }
    }
    let orphan =
        resting(truth).find(|algo| ours(&algo.symbol) && !truly.contains_key(&algo.symbol));
    if let Some(algo) = orphan {
        return Some(format!("{} rests in {} without a position", algo.client, algo.symbol));
    }
    let plain = truth.orders.values().filter(|order| order.live);
    let mut plain = plain.filter(|order| ClientOrderId::parse(&order.client).is_some());
    plain.next().map(|order| format!("{} is still open", order.client))
}

/// Our conditional orders that rest.
fn resting(truth: &Truth) -> impl Iterator<Item = &TrueAlgo> {
    let rests =
        |algo: &&TrueAlgo| algo.ended_ms.is_none() && ClientOrderId::parse(&algo.client).is_some();
    truth.algos.iter().filter(rests)
}
