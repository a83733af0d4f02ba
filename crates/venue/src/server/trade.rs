//! Step machine: orders: placing, changing, cancelling, asking.

use crate::server::admin::part_of;
use crate::server::call::{Answer, ApiError, Call};
use crate::server::gate::{keep, keep_till};
use crate::server::params::Params;
use crate::server::render;
use crate::server::sim::Sim;
use crate::server::texts::{error, error_of};
use crate::server::user_stream;
use aegis_exchange::futures::{
    AccountId, AlgoKind, AmendRequest, ClientId, Filter, Futures, OrderKey, OrderKind, OrderRecord,
    OrderRequest, OrderStatus, PositionSide, Refusal, Report, SelfTrade, TimeInForce,
};
use aegis_types::{Nanos, Px, Rate, Side, SymbolId};
use aegis_wire::endpoints::{BATCH_CANCEL_MAX, BATCH_MAX};
use core::fmt::Write as _;
use serde_json::{Value, json};

/// The span that a query of history may ask for.
const HISTORY_MS_MAX: i64 = 7 * 24 * 3_600_000;

/// How much of an order is told in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// That it was taken.
    Ack,
    /// What became of it.
    Result,
}

impl Sim {
    /// Asks something of the venue and tells what it led to, even where it was refused.
    pub(crate) fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut Futures, &mut Vec<Report>) -> Result<T, Refusal>,
    ) -> Result<T, ApiError> {
        let mut reports = Vec::new();
        let result = ask(&mut self.core, &mut reports);
        user_stream::publish(self, &reports);
        Ok(result?)
    }

    /// The symbol that a request must name.
    pub(crate) fn symbol_of(&self, params: &Params) -> Result<SymbolId, ApiError> {
        self.symbols.id(params.need("symbol")?).ok_or_else(|| error(-1121))
    }

    /// The symbol that a request may name.
    pub(crate) fn symbol_if(&self, params: &Params) -> Result<Option<SymbolId>, ApiError> {
        let Some(name) = params.get("symbol") else { return Ok(None) };
        self.symbols.id(name).map(Some).ok_or_else(|| error(-1121))
    }
}

impl Call<'_> {
    /// The account that asks.
    pub(crate) fn sender(&self, sim: &Sim) -> Result<AccountId, ApiError> {
        let account = self.account.and_then(|index| sim.gate.accounts.get(index));
        account.map(|account| account.id).ok_or_else(|| error(-2015))
    }

    /// Market time.
    pub(crate) const fn at(&self) -> Nanos {
        Nanos::from_millis(self.market_ms)
    }
}

/// The side that a request must name.
pub fn side_of(params: &Params) -> Result<Side, ApiError> {
    match params.need("side")? {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(error(-1117)),
    }
}

/// The position side of a request; the only one where it names none.
pub fn position_side_of(params: &Params) -> Result<PositionSide, ApiError> {
    let word = params.get("positionSide").unwrap_or("BOTH");
    PositionSide::parse(word).ok_or_else(|| error(-4060))
}

/// The time in force of a request, if it names one.
pub fn time_in_force_of(params: &Params) -> Result<Option<TimeInForce>, ApiError> {
    let Some(word) = params.get("timeInForce") else { return Ok(None) };
    TimeInForce::parse(word).map(Some).ok_or_else(|| error(-1115))
}

/// Self-trade prevention of a request.
pub fn self_trade_of(params: &Params, default: SelfTrade) -> Result<SelfTrade, ApiError> {
    match params.get("selfTradePreventionMode") {
        None => Ok(default),
        Some(word) => SelfTrade::parse(word).ok_or_else(|| error(-5039)),
    }
}

/// How much the reply is to tell.
pub fn reply_kind_of(params: &Params) -> Result<ReplyKind, ApiError> {
    match params.get("newOrderRespType") {
        None | Some("ACK") => Ok(ReplyKind::Ack),
        Some("RESULT") => Ok(ReplyKind::Result),
        Some(_) => Err(error(-1136)),
    }
}

/// A client's id as the venue holds it: 1 to 36 of `.A-Z:/a-z0-9_-`.
///
/// # Errors
/// -4015 for anything else.
pub fn client_id(text: &str) -> Result<ClientId, ApiError> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-');
    let mut id = ClientId::new();
    if text.is_empty() || !text.bytes().all(allowed) || id.write_str(text).is_err() {
        return Err(error(-4015));
    }
    Ok(id)
}

/// By which id a request means an order; the venue's own wins.
///
/// # Errors
/// -1102 without either.
pub fn order_key(params: &Params) -> Result<OrderKey, ApiError> {
    key_of(params, "orderId", "origClientOrderId")
}

/// As [`order_key`], for other names of the parameters.
pub fn key_of(params: &Params, id: &str, client: &str) -> Result<OrderKey, ApiError> {
    if let Some(number) = params.int(id)? {
        return Ok(OrderKey::Id(u64::try_from(number).unwrap_or(0)));
    }
    match params.get(client) {
        Some(text) => client_id(text).map(OrderKey::Client),
        None => {
            let text =
                format!("Param '{client}' or '{id}' must be sent, but both were empty/null!");
            Err(ApiError::new(-1102, text))
        }
    }
}

/// -1106 for what may not be sent.
fn not_required(name: &str) -> ApiError {
    error_of(-1106, &[name])
}

/// `reduceOnly`: not to be said in hedge mode.
pub fn reduce_only_of(sim: &Sim, call: &Call<'_>, params: &Params) -> Result<bool, ApiError> {
    let reduce_only = params.flag("reduceOnly")?.unwrap_or(false);
    let account = call.sender(sim)?;
    if reduce_only && sim.core.account(account)?.dual_side {
        return Err(not_required("reduceonly"));
    }
    Ok(reduce_only)
}

fn kind_of(params: &Params) -> Result<OrderKind, ApiError> {
    let word = params.need("type")?;
    if AlgoKind::parse(word).is_some() {
        return Err(error(-4120));
    }
    OrderKind::parse(word).ok_or_else(|| error(-1116))
}

/// Reads an order; of a batch, `params` are the item's.
fn request_of(
    sim: &Sim,
    call: &Call<'_>,
    params: &Params,
    self_trade: SelfTrade,
) -> Result<OrderRequest, ApiError> {
    let symbol = sim.symbol_of(params)?;
    let side = side_of(params)?;
    let kind = kind_of(params)?;
    let mut time_in_force = time_in_force_of(params)?;
    let mut price = params.px("price")?;
    if params.flag("closePosition")? == Some(true) {
        return Err(not_required("closePosition"));
    }
    if params.get("priceMatch").is_some_and(|word| word != "NONE") {
        if price.is_some() || kind == OrderKind::Market {
            return Err(error(-5037));
        }
        price = Some(matched_px(sim, params, symbol, side)?);
    }
    match kind {
        OrderKind::Limit => {
            time_in_force.ok_or_else(|| ApiError::mandatory("timeInForce"))?;
            price.ok_or_else(|| ApiError::mandatory("price"))?;
        }
        OrderKind::Market => {
            if time_in_force.take().is_some() {
                return Err(not_required("timeInForce"));
            }
            if price.is_some_and(|price| !price.is_zero()) {
                return Err(not_required("price"));
            }
            price = None;
        }
    }
    let qty = params.qty("quantity")?.ok_or_else(|| ApiError::mandatory("quantity"))?;
    let client = params.get("newClientOrderId").map(client_id).transpose()?;
    Ok(OrderRequest {
        symbol,
        side,
        position_side: position_side_of(params)?,
        kind,
        time_in_force: time_in_force.unwrap_or(TimeInForce::Gtc),
        qty,
        price: price.unwrap_or(Px::ZERO),
        reduce_only: reduce_only_of(sim, call, params)?,
        client_id: client,
        self_trade: self_trade_of(params, self_trade)?,
        good_till: good_till_of(call, params, time_in_force)?,
        partial: sim.gate.shape.partial,
        rest_expires: sim.gate.shape.rest_expires,
    })
}

/// The price that `priceMatch` takes from the book.
fn matched_px(sim: &Sim, params: &Params, symbol: SymbolId, side: Side) -> Result<Px, ApiError> {
    let (other_side, level) = match params.need("priceMatch")? {
        "OPPONENT" => (true, 1),
        "OPPONENT_5" => (true, 5),
        "QUEUE" => (false, 1),
        "QUEUE_5" => (false, 5),
        "QUEUE_10" => (false, 10),
        "QUEUE_20" => (false, 20),
        _ => return Err(error(-5037)),
    };
    let (bids, asks) = sim.core.depth(symbol, level)?;
    let levels = if (side == Side::Buy) == other_side { asks } else { bids };
    levels.get(level - 1).map(|(px, _)| *px).ok_or_else(|| error(-5041))
}

/// The end of a GTD order in market time: the sender reckons it by the clock of the API.
pub fn good_till_of(
    call: &Call<'_>,
    params: &Params,
    time_in_force: Option<TimeInForce>,
) -> Result<Nanos, ApiError> {
    if time_in_force != Some(TimeInForce::Gtd) {
        return Ok(Nanos::ZERO);
    }
    let till = params.int("goodTillDate")?.ok_or_else(|| ApiError::mandatory("goodTillDate"))?;
    let span = till.saturating_sub(call.wall_ms);
    Ok(Nanos::from_millis(call.market_ms.saturating_add(span)))
}

/// `POST /fapi/v1/order`.
pub fn place(sim: &mut Sim, call: &Call<'_>) -> Answer {
    place_one(sim, call, &call.params, SelfTrade::ExpireMaker)
}

fn place_one(sim: &mut Sim, call: &Call<'_>, params: &Params, self_trade: SelfTrade) -> Answer {
    let account = call.sender(sim)?;
    let request = request_of(sim, call, params, self_trade)?;
    let kind = reply_kind_of(params)?;
    let mut order = sim.ask(|core, reports| core.place(call.at(), account, &request, reports))?;
    if let Some(fraction) = sim.gate.shape.partial
        && order.status == OrderStatus::New
    {
        order = fill_part(sim, call, &order, fraction);
    }
    remember_good_till(sim, params, &order)?;
    if let Some(ms) = sim.gate.shape.hidden_ms {
        let now = call.request.arrived_ms;
        sim.gate.hidden.retain(|(.., until)| now < *until);
        sim.gate.hidden.push((account, order.id, now.saturating_add(ms)));
    }
    let line = match kind {
        ReplyKind::Ack => render::acknowledgement(sim, &order),
        ReplyKind::Result => render::reply(sim, &order),
    };
    let reply = render::text(&line);
    if sim.gate.shape.fill_first && order.status.is_open() {
        let (symbol, key) = (order.symbol, OrderKey::Id(order.id));
        // What cannot be filled by hand, such as a market order without a price, stays.
        let _ = sim.ask(|core, out| core.force_fill(call.at(), account, symbol, key, None, out));
    }
    Ok(reply)
}

/// Fills a part of an order that rests; an order that cannot be filled so stays as it is.
fn fill_part(sim: &mut Sim, call: &Call<'_>, order: &OrderRecord, fraction: Rate) -> OrderRecord {
    let step = sim.core.rules()[order.symbol.index()].instrument.step;
    let part = Some(part_of(order.qty, fraction, step));
    let (account, symbol, key) = (order.account, order.symbol, OrderKey::Id(order.id));
    let filled = sim.ask(|core, out| core.force_fill(call.at(), account, symbol, key, part, out));
    filled.unwrap_or(*order)
}

fn remember_good_till(sim: &mut Sim, params: &Params, order: &OrderRecord) -> Result<(), ApiError> {
    if order.time_in_force == TimeInForce::Gtd
        && let Some(till) = params.int("goodTillDate")?
    {
        keep_till(&mut sim.gate.good_tills, order.id, till);
    }
    Ok(())
}

/// `POST /fapi/v1/order/test`.
pub fn test(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let request = request_of(sim, call, &call.params, SelfTrade::ExpireMaker)?;
    reply_kind_of(&call.params)?;
    let order = sim.core.check(call.at(), account, &request)?;
    Ok(render::text(&render::untouched(sim, &order)))
}

/// `PUT /fapi/v1/order`.
pub fn amend(sim: &mut Sim, call: &Call<'_>) -> Answer {
    amend_one(sim, call, &call.params)
}

fn amend_one(sim: &mut Sim, call: &Call<'_>, params: &Params) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(params)?;
    let key = order_key(params)?;
    let side = side_of(params)?;
    let price = match params.px("price")? {
        Some(price) => price,
        None if params.get("priceMatch").is_some() => matched_px(sim, params, symbol, side)?,
        None => return Err(ApiError::mandatory("price")),
    };
    let request = AmendRequest {
        side: Some(side),
        price,
        qty: params.qty("quantity")?.ok_or_else(|| ApiError::mandatory("quantity"))?,
        modify_id: params.int("modifyId")?.and_then(|id| u64::try_from(id).ok()).unwrap_or(0),
    };
    let before = sim.core.order(account, symbol, key);
    let order =
        sim.ask(|core, reports| core.amend(call.at(), account, symbol, key, &request, reports))?;
    if let Ok(before) = before {
        keep(&mut sim.gate.amendments, (before, order));
    }
    Ok(render::text(&render::reply(sim, &order)))
}

/// `GET /fapi/v1/orderAmendment`.
pub fn amendments(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let filter = filter_of(sim, call, "amendmentId", 50, 100)?;
    let symbol = sim.symbol_of(&call.params)?;
    let order = call.params.int("orderId")?.and_then(|id| u64::try_from(id).ok());
    let name = call.params.get("origClientOrderId");
    let mut lines = Vec::new();
    for (index, (before, after)) in sim.gate.amendments.iter().enumerate() {
        let wanted = after.account == account
            && after.symbol == symbol
            && order.is_none_or(|id| id == after.id)
            && name.is_none_or(|name| name == after.client_id.as_str())
            && (filter.start..=filter.end).contains(&after.updated);
        if !wanted {
            continue;
        }
        lines.push(json!({
            "amendmentId": index + 1,
            "symbol": sim.symbols.name(after.symbol),
            "pair": sim.symbols.name(after.symbol),
            "orderId": after.id,
            "clientOrderId": after.client_id.as_str(),
            "time": after.updated.as_millis(),
            "amendment": {
                "price": { "before": before.price, "after": after.price },
                "origQty": { "before": before.qty, "after": after.qty },
                "count": after.amended,
            },
            "priceMatch": "NONE",
        }));
    }
    // The newest first.
    lines.reverse();
    lines.truncate(filter.limit);
    Ok(Value::Array(lines).to_string())
}

/// `DELETE /fapi/v1/order`.
pub fn cancel(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let key = order_key(&call.params)?;
    cancel_one(sim, call, key)
}

fn cancel_one(sim: &mut Sim, call: &Call<'_>, key: OrderKey) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    if sim.gate.shape.fill_after_cancel {
        sim.ask(|core, reports| core.force_fill(call.at(), account, symbol, key, None, reports))?;
        return Err(error(-2011));
    }
    let order = sim.ask(|core, reports| core.cancel(call.at(), account, symbol, key, reports))?;
    Ok(render::text(&render::reply(sim, &order)))
}

/// `DELETE /fapi/v1/allOpenOrders`.
pub fn cancel_all(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    sim.ask(|core, reports| core.cancel_all(call.at(), account, symbol, reports))?;
    Ok(done("The operation of cancel all open order is done."))
}

/// `{"code":200,"msg":…}`.
pub fn done(msg: &str) -> String {
    json!({ "code": 200, "msg": msg }).to_string()
}

/// `POST /fapi/v1/countdownCancelAll`: the countdown runs by the wall clock.
pub fn countdown(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let ms = call.params.int("countdownTime")?;
    let ms = ms.ok_or_else(|| ApiError::mandatory("countdownTime"))?;
    if ms < 0 {
        return Err(ApiError::invalid_value("countdownTime"));
    }
    let arrived = call.request.arrived_ms;
    let deadline = (ms > 0).then(|| Nanos::from_millis(arrived.saturating_add(ms)));
    sim.core.countdown_cancel_all(account, symbol, deadline)?;
    let symbol = sim.symbols.name(symbol);
    Ok(json!({ "symbol": symbol, "countdownTime": ms.to_string() }).to_string())
}

/// `GET /fapi/v1/order`.
pub fn query(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let order = sim.core.order(account, symbol, order_key(&call.params)?)?;
    if sim.gate.hides_order(&order, call.request.arrived_ms) {
        return Err(error(-2013));
    }
    Ok(render::text(&render::order(sim, &order)))
}

/// `GET /fapi/v1/openOrder`.
pub fn open_order(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_of(&call.params)?;
    let order = sim.core.order(account, symbol, order_key(&call.params)?)?;
    if !order.status.is_open() || sim.gate.hides_order(&order, call.request.arrived_ms) {
        return Err(error(-2013));
    }
    Ok(render::text(&render::order(sim, &order)))
}

/// `GET /fapi/v1/openOrders`.
pub fn open_orders(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let symbol = sim.symbol_if(&call.params)?;
    let mut orders = sim.core.open_orders(account, symbol)?;
    orders.retain(|order| !sim.gate.hides_order(order, call.request.arrived_ms));
    Ok(render::list(&orders, |order| render::order(sim, order)))
}

/// `GET /fapi/v1/allOrders`.
pub fn all_orders(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let account = call.sender(sim)?;
    let filter = filter_of(sim, call, "orderId", 500, 1_000)?;
    let orders = sim.core.all_orders(account, &filter)?;
    Ok(render::list(&orders, |order| render::order(sim, order)))
}

/// What a query of history asks for.
///
/// # Errors
/// -1127 for more than seven days, -1130 for a limit that is none.
pub fn filter_of(
    sim: &Sim,
    call: &Call<'_>,
    from: &str,
    limit: i64,
    limit_max: i64,
) -> Result<Filter, ApiError> {
    let params = &call.params;
    let (start, end) = (params.int("startTime")?, params.int("endTime")?);
    if let (Some(start), Some(end)) = (start, end)
        && (end < start || end.saturating_sub(start) > HISTORY_MS_MAX)
    {
        return Err(error_of(-1127, &["168"]));
    }
    let limit = params.int("limit")?.unwrap_or(limit);
    if limit < 1 {
        return Err(ApiError::invalid_value("limit"));
    }
    let from_id = params.int(from)?.map(|id| u64::try_from(id).unwrap_or(0));
    Ok(Filter {
        symbol: sim.symbol_if(params)?,
        from_id,
        start: start.map_or(Nanos(i64::MIN), Nanos::from_millis),
        end: end
            .map_or(Nanos::MAX, |end| Nanos::from_millis(end.saturating_add(1)).since(Nanos(1))),
        limit: usize::try_from(limit.min(limit_max)).unwrap_or(0),
        ..Filter::default()
    })
}

/// The items of a batch, each as parameters.
fn items(call: &Call<'_>) -> Result<Vec<Params>, ApiError> {
    let text = call.params.need("batchOrders")?;
    let Ok(Value::Array(orders)) = serde_json::from_str(text) else {
        return Err(ApiError::invalid_value("batchOrders"));
    };
    if orders.is_empty() || orders.len() > BATCH_MAX {
        return Err(error(-4082));
    }
    let item = |order: &Value| {
        let fields = order.as_object().ok_or_else(|| ApiError::invalid_value("batchOrders"))?;
        let mut params = Params::default();
        for (name, value) in fields {
            match value {
                Value::String(text) => params.push(name, text),
                Value::Null => {}
                other => params.push(name, other.to_string()),
            }
        }
        Ok(params)
    };
    orders.iter().map(item).collect()
}

/// The answers of a batch: each an order or an error, all under status 200.
fn answers(each: impl Iterator<Item = Answer>) -> String {
    let each: Vec<String> =
        each.map(|answer| answer.unwrap_or_else(|refusal| refusal.json())).collect();
    format!("[{}]", each.join(","))
}

/// `POST /fapi/v1/batchOrders`.
pub fn place_batch(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let items = items(call)?;
    Ok(answers(items.iter().map(|item| place_one(sim, call, item, SelfTrade::None))))
}

/// `PUT /fapi/v1/batchOrders`.
pub fn amend_batch(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let items = items(call)?;
    Ok(answers(items.iter().map(|item| amend_one(sim, call, item))))
}

/// `DELETE /fapi/v1/batchOrders`: a list of ids of either kind, under the documented names or all
/// in lower case, as some clients write them.
pub fn cancel_batch(sim: &mut Sim, call: &Call<'_>) -> Answer {
    let list = |names: [&str; 2]| names.iter().find_map(|name| call.params.get(name));
    let ids = list(["orderIdList", "orderidlist"]);
    let clients = list(["origClientOrderIdList", "origclientorderidlist"]);
    let (text, by_id) = match (ids, clients) {
        (Some(text), _) => (text, true),
        (None, Some(text)) => (text, false),
        (None, None) => return Err(ApiError::mandatory("orderIdList")),
    };
    let Ok(Value::Array(list)) = serde_json::from_str(text) else {
        return Err(ApiError::invalid_value("orderIdList"));
    };
    if list.is_empty() || list.len() > BATCH_CANCEL_MAX {
        return Err(error(-4082));
    }
    let key = |item: &Value| {
        let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        match text.parse() {
            Ok(id) if by_id => Ok(OrderKey::Id(id)),
            Err(_) if by_id => Err(ApiError::invalid_value("orderIdList")),
            _ => client_id(&text).map(OrderKey::Client),
        }
    };
    Ok(answers(list.iter().map(|item| cancel_one(sim, call, key(item)?))))
}
