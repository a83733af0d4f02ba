//! What truly is: the exchange's `/sim/v1/truth`, read into types.

use aegis_types::{ClientOrderId, Money, Px, Qty, Side};
use serde_json::Value;
use std::collections::BTreeMap;

/// A fill.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueFill {
    /// Symbol.
    pub symbol: String,
    /// Trade id, unique in its symbol.
    pub id: u64,
    /// The exchange's id of the order.
    pub order: u64,
    /// Signed quantity.
    pub qty: Qty,
    /// Market ms.
    pub time_ms: i64,
}

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueOrder {
    /// The exchange's id.
    pub id: u64,
    /// The client's id.
    pub client: String,
    /// Executed quantity.
    pub executed: Qty,
    /// May only reduce.
    pub reduce_only: bool,
    /// It can still be filled.
    pub live: bool,
}

/// A conditional order.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueAlgo {
    /// The client's id.
    pub client: String,
    /// Symbol.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// It is a stop, not a target.
    pub stop: bool,
    /// May only reduce, or closes the position.
    pub reduces: bool,
    /// Closes the whole position, whatever its size.
    pub closes: bool,
    /// Quantity.
    pub qty: Qty,
    /// Where it triggers.
    pub trigger: Px,
    /// What became of it.
    pub status: String,
    /// The order that it became, or 0.
    pub order: u64,
    /// Since when it rests, market ms.
    pub created_ms: i64,
    /// When it ceased to rest, market ms; none while it does.
    pub ended_ms: Option<i64>,
}

/// A request that changes something.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueRequest {
    /// Wall ms.
    pub at_ms: i64,
    /// Market ms.
    pub market_ms: i64,
    /// `POST /fapi/v1/order`, or `WS order.place`.
    pub name: String,
    /// The client id that it names.
    pub client: String,
    /// Its parameters.
    pub params: String,
    /// It was carried out.
    pub executed: bool,
    /// The status that the client saw.
    pub status: Option<u64>,
    /// The exchange's refusal, or 0.
    pub code: i64,
    /// The fault that acted on it.
    pub fault: Option<String>,
}

impl TrueRequest {
    /// Does it place an order, plain or conditional?
    pub fn places(&self) -> bool {
        matches!(
            self.name.as_str(),
            "POST /fapi/v1/order"
                | "POST /fapi/v1/algoOrder"
                | "WS order.place"
                | "WS algoOrder.place"
        )
    }
}

/// Everything that matters here.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Market ms.
    pub market_ms: i64,
    /// Orders by the exchange's id.
    pub orders: BTreeMap<u64, TrueOrder>,
    /// Conditional orders.
    pub algos: Vec<TrueAlgo>,
    /// Fills by time.
    pub fills: Vec<TrueFill>,
    /// Signed positions by symbol, without those that are zero.
    pub positions: BTreeMap<String, Qty>,
    /// The wallet.
    pub wallet: Money,
    /// What it must be, by the exchange's ledger.
    pub ledger: Money,
    /// Requests that place or cancel, in order of arrival.
    pub requests: Vec<TrueRequest>,
    /// How often each fault acted, by the id of its posting.
    pub faults: BTreeMap<u64, u64>,
    /// Answers with 429 and 418 that no fault had caused.
    pub over_limits: u64,
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn qty(of: &Value, key: &str) -> Result<Qty, String> {
    text(of, key).parse().map_err(|_| format!("truth: `{key}` of {of} is no quantity"))
}

fn money(of: &Value, key: &str) -> Result<Money, String> {
    text(of, key).parse().map_err(|_| format!("truth: `{key}` of {of} is no amount"))
}

fn list<'a>(of: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    of[key].as_array().ok_or_else(|| format!("truth has no list `{key}`"))
}

fn side(of: &Value) -> Side {
    if of["side"] == "BUY" { Side::Buy } else { Side::Sell }
}

impl Truth {
    /// Reads an answer.
    ///
    /// # Errors
    /// When something in it is not as the exchange writes it.
    pub fn read(json: &Value) -> Result<Self, String> {
        let mut fills = Vec::new();
        for fill in list(json, "fills")? {
            fills.push(TrueFill {
                symbol: text(fill, "symbol"),
                id: fill["id"].as_u64().unwrap_or(0),
                order: fill["orderId"].as_u64().unwrap_or(0),
                qty: super::signed(side(fill), qty(fill, "qty")?),
                time_ms: fill["time"].as_i64().unwrap_or(0),
            });
        }
        fills.sort_by_key(|fill| fill.time_ms);
        let mut orders = BTreeMap::new();
        for order in list(json, "orders")? {
            let id = order["orderId"].as_u64().unwrap_or(0);
            let order = TrueOrder {
                id,
                client: text(order, "clientOrderId"),
                executed: qty(order, "executedQty")?,
                reduce_only: order["reduceOnly"] == true,
                live: matches!(order["status"].as_str(), Some("NEW" | "PARTIALLY_FILLED")),
            };
            orders.insert(id, order);
        }
        let mut positions = BTreeMap::new();
        for position in list(json, "positions")? {
            positions.insert(text(position, "symbol"), qty(position, "positionAmt")?);
        }
        let requests = list(json, "requests")?;
        let ledger = &json["ledger"];
        let signed = [("deposits", 1), ("realized", 1), ("funding", 1)];
        let signed = signed.into_iter().chain([("fees", -1), ("liquidation_fees", -1)]);
        let mut sum = Money::ZERO;
        for (key, sign) in signed {
            let amount = money(ledger, key)?;
            sum = sum.saturating_plus(Money::from_raw(amount.raw().saturating_mul(sign)));
        }
        Ok(Self {
            market_ms: json["market_ms"].as_i64().unwrap_or(0),
            orders,
            algos: list(json, "algo_orders")?.iter().map(algo).collect::<Result<_, _>>()?,
            fills,
            positions,
            wallet: money(json, "balance")?,
            ledger: sum,
            requests: requests.iter().filter_map(request).collect(),
            faults: faults(json),
            over_limits: requests.iter().filter(|request| is_over_limit(request)).count() as u64,
        })
    }

    /// Our order behind a fill: its own id, or that of the conditional order it came from.
    pub fn ours(&self, fill: &TrueFill) -> Option<ClientOrderId> {
        let algo = self.algos.iter().find(|algo| algo.order == fill.order && algo.order != 0);
        let client = match algo {
            Some(algo) => &algo.client,
            None => &self.orders.get(&fill.order)?.client,
        };
        ClientOrderId::parse(client)
    }
}

fn algo(json: &Value) -> Result<TrueAlgo, String> {
    let status = text(json, "algoStatus");
    let times = |key: &str| json[key].as_i64().filter(|ms| *ms > 0);
    let rests = status == "NEW";
    Ok(TrueAlgo {
        client: text(json, "clientAlgoId"),
        symbol: text(json, "symbol"),
        side: side(json),
        stop: text(json, "orderType").starts_with("STOP"),
        reduces: json["reduceOnly"] == true || json["closePosition"] == true,
        closes: json["closePosition"] == true,
        qty: qty(json, "quantity")?,
        trigger: text(json, "triggerPrice").parse().unwrap_or_default(),
        order: text(json, "actualOrderId").parse().unwrap_or(0),
        created_ms: times("createTime").unwrap_or(0),
        ended_ms: if rests { None } else { times("triggerTime").or_else(|| times("updateTime")) },
        status,
    })
}

fn request(json: &Value) -> Option<TrueRequest> {
    let (method, path) = (json["method"].as_str()?, json["path"].as_str()?);
    let changes = matches!(method, "POST" | "DELETE" | "PUT") || path.contains("rder.");
    let name = format!("{method} {path}");
    let client = text(json, "client_order_id");
    (changes && !client.is_empty()).then(|| TrueRequest {
        at_ms: json["at"].as_i64().unwrap_or(0),
        market_ms: json["market_ms"].as_i64().unwrap_or(0),
        name,
        client,
        params: text(json, "params"),
        executed: json["outcome"] == "executed",
        status: json["status"].as_u64(),
        code: json["code"].as_i64().unwrap_or(0),
        fault: json["fault"].as_str().map(str::to_owned),
    })
}

fn is_over_limit(json: &Value) -> bool {
    matches!(json["status"].as_u64(), Some(418 | 429)) && json["fault"].is_null()
}

fn faults(json: &Value) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for fired in json["faults"].as_array().into_iter().flatten() {
        if fired["refused"].is_null()
            && let Some(id) = fired["id"].as_u64()
        {
            *counts.entry(id).or_default() += 1;
        }
    }
    counts
}
