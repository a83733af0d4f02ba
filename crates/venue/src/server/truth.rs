//! Step machine: what truly arrived and what truly became of it.
//!
//! Every request is logged when it has been dealt with, also those that were refused, cut off or
//! never carried out. A test compares this with what its client believes.

use crate::server::call::{Answer, Call};
use crate::server::sim::Sim;
use crate::server::{account, algo, render};
use aegis_exchange::futures::{AccountId, Filter};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Requests remembered; older ones are forgotten, and counted.
const ARRIVALS_MAX: usize = 200_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed something, or would have, had there been anything to change.
    Executed,
    /// It asked and got an answer.
    Answered,
    /// The exchange refused it.
    Refused,
    /// A fault kept it from being carried out.
    NotExecuted,
}

impl Outcome {
    /// As `truth` says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::NotExecuted => "not_executed",
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Wall time, ms.
    pub wall_ms: i64,
    /// Market time, ms.
    pub market_ms: i64,
    /// The key it carried, known or not.
    pub key: String,
    /// `POST`, or `WS`.
    pub method: &'static str,
    /// Path, or method of the WebSocket API.
    pub path: String,
    /// Client order ids that it names, in order.
    pub client_ids: Vec<String>,
    /// Its parameters without the signature, of a request that changes something.
    pub params: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Status of the answer as the client sees it; none when none was sent.
    pub status: Option<u16>,
    /// The exchange's true refusal; zero without one.
    pub code: i32,
    /// The fault that acted on it.
    pub fault: Option<&'static str>,
}

impl Arrival {
    fn json(&self) -> Value {
        json!({
            "at": self.wall_ms,
            "market_ms": self.market_ms,
            "key": self.key,
            "method": self.method,
            "path": self.path,
            "client_order_id": self.client_ids.first(),
            "client_order_ids": self.client_ids,
            "params": self.params,
            "outcome": self.outcome.name(),
            "status": self.status,
            "code": self.code,
            "fault": self.fault,
        })
    }
}

/// The log of requests.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    arrivals: VecDeque<Arrival>,
    forgotten: u64,
}

impl Truth {
    /// Logs a request.
    pub fn log(&mut self, arrival: Arrival) {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.pop_front();
            self.forgotten += 1;
        }
        self.arrivals.push_back(arrival);
    }

    /// Gives the log away.
    pub fn drain(&mut self) -> impl Iterator<Item = Arrival> + '_ {
        self.arrivals.drain(..)
    }

    fn of(&self, key: Option<&str>) -> Vec<Value> {
        let wanted = |arrival: &&Arrival| key.is_none_or(|key| key == arrival.key);
        self.arrivals.iter().filter(wanted).map(Arrival::json).collect()
    }
}

/// `GET /sim/v1/truth?key=K`: orders, fills, positions, balance (the wallet's) and requests as they
/// truly are, and whenever a fault acted; without a key the requests of everybody.
///
/// # Errors
/// Nothing a caller could do wrong is one: an unknown key has requests and nothing else.
pub fn answer(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let key = call.params.get("key");
    let mut truth = json!({
        "requests": sim.gate.truth.of(key),
        "requests_forgotten": sim.gate.truth.forgotten,
        "faults": sim.faults.fired(),
        "market_ms": call.market_ms,
        "wall_ms": call.wall_ms,
        "orders": [],
        "algo_orders": [],
        "fills": [],
        "positions": [],
        "balance": Value::Null,
    });
    let known = key.and_then(|key| sim.gate.account_of(key));
    let Some(account) = known.map(|index| sim.gate.accounts[index].id) else {
        return Ok(truth.to_string());
    };
    let all = Filter::default();
    let orders = sim.core.all_orders(account, &all)?;
    truth["orders"] = orders.iter().map(|o| render::value(&render::order(sim, o))).collect();
    let algos = sim.core.all_algos(account, &all)?;
    truth["algo_orders"] = algos.iter().map(|a| render::value(&algo::line(sim, a))).collect();
    let fills = sim.core.trades(account, &all)?;
    truth["fills"] = fills.iter().map(|t| render::value(&account::trade(sim, t))).collect();
    truth["positions"] = account::open_positions(sim, account)?;
    let (record, ledger) = money(sim, account)?;
    truth["balance"] = record["wallet"].clone();
    truth["account"] = record;
    truth["ledger"] = ledger;
    Ok(truth.to_string())
}

fn money(sim: &Sim, account: AccountId) -> Result<(Value, Value), crate::server::ApiError> {
    let record = sim.core.account(account)?;
    let ledger = sim.core.ledger(account)?;
    let record = json!({
        "wallet": record.wallet,
        "cross_wallet": record.cross_wallet,
        "available": record.available,
        "unrealized": record.unrealized,
        "margin_balance": record.margin_balance,
    });
    let ledger = json!({
        "deposits": ledger.deposits,
        "realized": ledger.realized,
        "fees": ledger.fees,
        "funding": ledger.funding,
        "liquidation_fees": ledger.liquidation_fees,
        "insurance": ledger.insurance,
    });
    Ok((record, ledger))
}
