//! Step machine: the way of every request: limits, faults, who asks, and only then what is asked.
//!
//! REST and the WebSocket API come in by different doors and go this one way, so that limits,
//! faults and the log of truth are the same for both.

use crate::server::account::MarginMove;
use crate::server::admin;
use crate::server::auth;
use crate::server::call::{Answer, ApiError, Call, Fate, Reply, Request, Security, Sending};
use crate::server::faults::{Fault, Kind, SKEW_MS, Target};
use crate::server::handle::route_of;
use crate::server::limits::{Limits, OrderCounts, Weights, banned};
use crate::server::params::Params;
use crate::server::sim::Sim;
use crate::server::texts::{error, error_of};
use crate::server::truth::{Arrival, Outcome, Truth};
use crate::server::user_stream::ListenKeys;
use crate::server::ws_api::Sessions;
use aegis_exchange::futures::{AccountConfig, AccountId, AlgoRecord, OrderRecord};
use aegis_types::{Rate, SymbolId};
use aegis_wire::Verifier;
use aegis_wire::endpoints::{self, Endpoint, OrderCount, Weight};
use aegis_wire::errors::text;
use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

/// An account to be opened.
#[derive(Clone, Debug)]
pub struct AccountSetup {
    /// API key.
    pub key: String,
    /// Checks its signatures.
    pub verifier: Verifier,
    /// The key may withdraw.
    pub withdraw: bool,
    /// Balance, fees, modes.
    pub config: AccountConfig,
}

/// An account as the server knows it.
#[derive(Clone, Debug)]
pub struct Account {
    /// API key.
    pub key: String,
    /// Checks its signatures.
    pub verifier: Verifier,
    /// The key may withdraw.
    pub withdraw: bool,
    /// Its id in the venue.
    pub id: AccountId,
    /// Orders sent.
    pub counts: OrderCounts,
}

/// What a fault asks of the handler of the request under way.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Only so much of the order fills at once.
    pub partial: Option<Rate>,
    /// The rest ends instead of filling later.
    pub rest_expires: bool,
    /// The order fills before its reply, which knows nothing of it.
    pub fill_first: bool,
    /// The cancel fails and the order fills.
    pub fill_after_cancel: bool,
    /// The conditional order will be rejected when it triggers.
    pub reject_trigger: bool,
    /// The conditional order is refused with this.
    pub refuse: Option<ApiError>,
    /// The conditional order cannot be seen for so long, ms.
    pub invisible_ms: Option<i64>,
    /// Questions do not find the order for so long, ms.
    pub hidden_ms: Option<i64>,
    /// The reply has no average price.
    pub no_average: bool,
}

/// Everything between the sockets and the venue.
#[derive(Default)]
pub struct Gate {
    /// Accounts by order of opening.
    pub accounts: Vec<Account>,
    /// The figures of the limits.
    pub limits: Limits,
    /// What they were before a fault changed them.
    pub limits_before: Option<Limits>,
    /// Use by address.
    pub weights: Weights,
    /// What truly happened.
    pub truth: Truth,
    /// User streams.
    pub keys: ListenKeys,
    /// Sockets of the WebSocket API.
    pub sessions: Sessions,
    /// For the request under way.
    pub shape: Shape,
    /// Conditional orders that cannot be seen until a wall time, ms.
    pub invisible: Vec<(AccountId, u64, i64)>,
    /// Orders that questions do not find until a wall time, ms.
    pub hidden: Vec<(AccountId, u64, i64)>,
    /// Symbols that trade again at a wall time, ms.
    pub halted: Vec<(SymbolId, i64)>,
    /// Margin moved by hand, in order.
    pub margin_moves: VecDeque<MarginMove>,
    /// Orders before and after each amendment, in order.
    pub amendments: VecDeque<(OrderRecord, OrderRecord)>,
    /// End of GTD orders as their senders wrote it, ms of the API's clock.
    pub good_tills: BTreeMap<u64, i64>,
    /// The same of conditional orders.
    pub algo_tills: BTreeMap<u64, i64>,
}

/// Entries of each list that the server keeps beside the venue's own; the oldest are forgotten.
const KEPT_MAX: usize = 10_000;

/// Appends to a list of at most [`KEPT_MAX`] entries.
pub fn keep<T>(list: &mut VecDeque<T>, entry: T) {
    if list.len() == KEPT_MAX {
        list.pop_front();
    }
    list.push_back(entry);
}

/// Remembers the end of a GTD order as it was written.
pub fn keep_till(tills: &mut BTreeMap<u64, i64>, id: u64, till: i64) {
    tills.insert(id, till);
    if tills.len() > KEPT_MAX {
        tills.pop_first();
    }
}

impl Gate {
    /// The index of the account of a key.
    pub fn account_of(&self, key: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.key == key)
    }

    /// The end of a GTD order as its sender wrote it.
    pub fn good_till(&self, order: &OrderRecord) -> i64 {
        self.good_tills.get(&order.id).copied().unwrap_or_else(|| order.good_till.as_millis())
    }

    /// The same of a conditional order.
    pub fn algo_till(&self, algo: &AlgoRecord) -> i64 {
        self.algo_tills.get(&algo.id).copied().unwrap_or_else(|| algo.good_till.as_millis())
    }

    /// Is a conditional order hidden by a fault?
    pub fn hides(&self, account: AccountId, algo: u64, wall_ms: i64) -> bool {
        let hidden = |(of, id, until): &(AccountId, u64, i64)| {
            *of == account && *id == algo && wall_ms < *until
        };
        self.invisible.iter().any(hidden)
    }

    /// Is an order not found yet by questions?
    pub fn hides_order(&self, order: &OrderRecord, wall_ms: i64) -> bool {
        let hidden = |(of, id, until): &(AccountId, u64, i64)| {
            *of == order.account && *id == order.id && wall_ms < *until
        };
        self.hidden.iter().any(hidden)
    }
}

/// What comes in by either door.
pub struct Incoming<'a> {
    /// As REST has it; of the WebSocket API the call that it stands for.
    pub request: &'a Request,
    /// Decoded.
    pub params: Params,
    /// `POST`, or `WS`.
    pub method: &'static str,
    /// Path, or method of the WebSocket API.
    pub path: &'a str,
    /// The line of the table of REST calls, where there is one.
    pub endpoint: Option<&'static Endpoint>,
    /// What it costs of the limit per address.
    pub weight: u32,
}

/// What goes out.
pub struct Outgoing {
    /// The answer.
    pub answer: Answer,
    /// Delay and loss.
    pub fate: Fate,
    /// Whose account it was.
    pub account: Option<usize>,
}

/// Answers a REST request.
pub fn answer(sim: &mut Sim, wall_ms: i64, request: &Request) -> Reply {
    let found = route_of(request.method, &request.path);
    if request.path.starts_with("/sim/") {
        return administer(sim, wall_ms, request);
    }
    let method = request.method.name();
    let endpoint = Endpoint::find(request.method, &request.path);
    let params = Params::of(request);
    let weight = endpoint.map_or(1, |line| line.weight.of(|name| params.get(name)));
    let incoming = Incoming { request, params, method, path: &request.path, endpoint, weight };
    let security = found.map_or(Security::Public, |route| route.security);
    let who = |gate: &Gate, incoming: &Incoming<'_>, wall_ms| {
        authenticate(gate, security, incoming, wall_ms)
    };
    let out = through(sim, wall_ms, &incoming, who, |sim, call| match found {
        Some(route) => (route.handler)(sim, call),
        None => Err(no_such_path(request)),
    });
    let mut reply = match &out.answer {
        Ok(body) => Reply::ok(body.clone()),
        Err(page) if page.code == NO_CODE => Reply { status: page.status, ..Reply::ok(&*page.msg) },
        Err(error) => Reply::error(error),
    };
    reply.fate = out.fate;
    reply.headers = headers(sim, wall_ms, request.peer, endpoint, out.account);
    reply
}

fn no_such_path(request: &Request) -> ApiError {
    let text = format!("Path {}, Method {} is invalid", request.path, request.method.name());
    ApiError::new(-5000, text).with_status(404)
}

/// What administers the simulation has neither limits nor faults, and is not logged.
fn administer(sim: &mut Sim, wall_ms: i64, request: &Request) -> Reply {
    let call = Call {
        request,
        params: Params::parse(&request.query),
        wall_ms,
        market_ms: sim.clock.market_ms(),
        account: None,
    };
    let answer = match route_of(request.method, &request.path) {
        Some(route) => (route.handler)(sim, &call),
        None => Err(no_such_path(request)),
    };
    answer.map_or_else(|error| Reply::error(&error), Reply::ok)
}

fn headers(
    sim: &mut Sim,
    wall_ms: i64,
    peer: IpAddr,
    endpoint: Option<&'static Endpoint>,
    account: Option<usize>,
) -> Vec<(&'static str, String)> {
    let used = sim.gate.weights.used(peer, wall_ms);
    let mut headers = vec![(endpoints::USED_WEIGHT_HEADER, used.to_string())];
    let orders = endpoint.is_some_and(|line| line.orders != OrderCount::NONE);
    if let Some(account) = account.and_then(|index| sim.gate.accounts.get_mut(index))
        && orders
    {
        let (short, long) = account.counts.used(wall_ms);
        headers.push((endpoints::ORDERS_TEN_SECONDS_HEADER, short.to_string()));
        headers.push((endpoints::ORDERS_MINUTE_HEADER, long.to_string()));
    }
    headers
}

/// Who asks over REST? None when nobody has to say.
fn authenticate(
    gate: &Gate,
    security: Security,
    incoming: &Incoming<'_>,
    wall_ms: i64,
) -> Result<Option<usize>, ApiError> {
    if security == Security::Public {
        return Ok(None);
    }
    let request = incoming.request;
    let index = known_key(gate, request.api_key.as_deref())?;
    if security == Security::Signed {
        auth::check_time(&incoming.params, wall_ms)?;
        let signed = auth::signed(&request.query, &request.body);
        auth::check_signature(&gate.accounts[index].verifier, &signed)?;
    }
    Ok(Some(index))
}

/// The account of a key.
///
/// # Errors
/// -2014 without a key, -2015 for one that is not known.
pub fn known_key(gate: &Gate, key: Option<&str>) -> Result<usize, ApiError> {
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| error(-2014))?;
    gate.account_of(key).ok_or_else(|| error(-2015))
}

/// The one way: limits, faults, who asks, what is asked.
pub fn through(
    sim: &mut Sim,
    wall_ms: i64,
    incoming: &Incoming<'_>,
    who: impl FnOnce(&Gate, &Incoming<'_>, i64) -> Result<Option<usize>, ApiError>,
    run: impl FnOnce(&mut Sim, &Call<'_>) -> Answer,
) -> Outgoing {
    let peer = incoming.request.peer;
    let limits = sim.gate.limits;
    let weights = &mut sim.gate.weights;
    let mut charged = weights.charge(peer, incoming.weight, &limits, wall_ms);
    if charged.is_ok() && incoming.endpoint.is_some_and(|line| line.weight == Weight::Funding) {
        charged = weights.charge_funding(peer, &limits, wall_ms);
    }
    if let Err(refusal) = charged {
        log(sim, wall_ms, incoming, Outcome::Refused, Seen::error(&refusal), None);
        return Outgoing { answer: Err(refusal), fate: Fate::default(), account: None };
    }
    let name = format!("{} {}", incoming.method, incoming.path);
    let mut fault = sim.faults.take(target(incoming, &name));
    let now = (wall_ms, sim.clock.market_ms());
    if let Some(event) = fault.take_if(|fault| fault.kind.is_event()) {
        // What cannot happen, such as liquidating nothing, does not; truth shows it.
        let refused = admin::happen(sim, wall_ms, &event).err().map(|error| error.msg);
        sim.faults.record(&event, &name, now, refused);
    } else if let Some(fault) = &fault {
        sim.faults.record(fault, &name, now, None);
    }
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.kind.carries_out(fault)) {
        let refusal = replacement(sim, wall_ms, peer, fault).unwrap_or_else(|| error(-1000));
        let fate = fate_of(fault);
        let seen = Seen { status: visible(fate, refusal.status), code: 0 };
        log(sim, wall_ms, incoming, Outcome::NotExecuted, seen, Some(fault));
        return Outgoing { answer: Err(refusal), fate, account: None };
    }
    let (answer, account) = carry_out(sim, wall_ms, incoming, fault.as_ref(), who, run);
    let answer = answer.map_err(|e| count_429(sim, wall_ms, peer, e));
    let truth = match &answer {
        Ok(_) if incoming.endpoint.is_some_and(Endpoint::is_write) => Outcome::Executed,
        Ok(_) => Outcome::Answered,
        Err(_) => Outcome::Refused,
    };
    let code = answer.as_ref().err().map_or(0, |refusal| refusal.code);
    let told = fault.as_ref().and_then(|fault| replacement(sim, wall_ms, peer, fault));
    let answer = told.map_or(answer, Err);
    let mut fate = fault.as_ref().map(fate_of).unwrap_or_default();
    if let Some(fault) = &fault {
        let length = answer.as_ref().map_or_else(|error| error.json().len(), String::len);
        fate = cut_of(fault, length, fate);
    }
    let status = answer.as_ref().err().map_or(200, |refusal| refusal.status);
    let seen = Seen { status: visible(fate, status), code };
    log(sim, wall_ms, incoming, truth, seen, fault.as_ref());
    Outgoing { answer, fate, account }
}

/// A 429 for too many orders leads to a ban too when it is ignored.
fn count_429(sim: &mut Sim, wall_ms: i64, peer: IpAddr, refusal: ApiError) -> ApiError {
    if refusal.code != -1015 {
        return refusal;
    }
    let limits = sim.gate.limits;
    sim.gate.weights.refused(peer, &limits, wall_ms, refusal)
}

/// Who asks, order limits, and the handler.
fn carry_out(
    sim: &mut Sim,
    wall_ms: i64,
    incoming: &Incoming<'_>,
    fault: Option<&Fault>,
    who: impl FnOnce(&Gate, &Incoming<'_>, i64) -> Result<Option<usize>, ApiError>,
    run: impl FnOnce(&mut Sim, &Call<'_>) -> Answer,
) -> (Answer, Option<usize>) {
    let once = fault.filter(|fault| fault.kind == Kind::ClockSkew);
    let skew = once.map_or(0, |fault| fault.ms.unwrap_or(SKEW_MS));
    let api_ms = wall_ms.saturating_add(skew).saturating_add(sim.faults.skew_ms());
    let account = match who(&sim.gate, incoming, api_ms) {
        Ok(account) => account,
        Err(refusal) => return (Err(refusal), None),
    };
    let orders = incoming.endpoint.map_or(OrderCount::NONE, |line| line.orders);
    let limits = sim.gate.limits;
    if let Some(sender) = account.and_then(|index| sim.gate.accounts.get_mut(index)) {
        let (short, long) = (u32::from(orders.ten_seconds), u32::from(orders.minute));
        if let Err(refusal) = sender.counts.charge(short, long, &limits, wall_ms) {
            return (Err(refusal), account);
        }
    }
    let call = Call {
        request: incoming.request,
        params: incoming.params.clone(),
        wall_ms: api_ms,
        market_ms: sim.clock.market_ms(),
        account,
    };
    sim.gate.shape = fault.map(shape_of).unwrap_or_default();
    let answer = run(sim, &call);
    sim.gate.shape = Shape::default();
    (answer, account)
}

/// A request as faults see it.
fn target<'a>(incoming: &'a Incoming<'_>, name: &'a str) -> Target<'a> {
    use aegis_wire::endpoints::Call as Rest;
    let call = incoming.endpoint.map(|line| line.call);
    let is = |some: &[Rest]| call.is_some_and(|call| some.contains(&call));
    let cancels = [
        Rest::CancelOrder,
        Rest::CancelAll,
        Rest::CancelBatch,
        Rest::CancelAlgoOrder,
        Rest::CancelAllAlgo,
    ];
    let params = &incoming.params;
    Target {
        name,
        symbol: params.get("symbol").or_else(|| params.get("batchOrders")).unwrap_or_default(),
        key: key_of(incoming),
        order: is(&[Rest::NewOrder, Rest::NewBatch]),
        algo: is(&[Rest::NewAlgoOrder]),
        cancel: is(&[Rest::CancelOrder]),
        order_reply: call.is_some_and(Target::answers_with_an_order),
        exempt: is(&cancels) || only_reduces(&incoming.params),
    }
}

/// The API key that a request carries, known or not.
fn key_of<'a>(incoming: &'a Incoming<'_>) -> &'a str {
    let header = incoming.request.api_key.as_deref();
    header.or_else(|| incoming.params.get("apiKey")).unwrap_or_default()
}

/// What passes while the system is throttled.
fn only_reduces(params: &Params) -> bool {
    let is = |name: &str, value: &str| {
        params.get(name).is_some_and(|text| text.eq_ignore_ascii_case(value))
    };
    is("reduceOnly", "true")
        || is("closePosition", "true")
        || (is("positionSide", "LONG") && is("side", "SELL"))
        || (is("positionSide", "SHORT") && is("side", "BUY"))
}

/// The code of what is no answer of the exchange but a page of something before it.
pub const NO_CODE: i32 = 0;

/// A page of a proxy or a firewall.
fn page(status: u16, title: &str) -> ApiError {
    let title = format!("{status} {title}");
    let msg = format!("<html><head><title>{title}</title></head><body>{title}</body></html>");
    ApiError { status, code: NO_CODE, msg }
}

/// What the client is told in place of the truth.
fn replacement(sim: &mut Sim, wall_ms: i64, peer: IpAddr, fault: &Fault) -> Option<ApiError> {
    let of = |status, code, msg: &str| ApiError { status, code, msg: msg.to_owned() };
    Some(match fault.kind {
        Kind::Http408 => page(408, "Request Time-out"),
        Kind::Http429 => {
            let limit = sim.gate.limits.weight_per_minute.to_string();
            error_of(-1003, &[&peer.to_string(), &limit])
        }
        Kind::Http418 => {
            let until = wall_ms.saturating_add(fault.ms.unwrap_or(BAN_MS));
            match fault.ms {
                Some(_) => sim.gate.weights.ban(peer, until),
                None => banned(peer, until),
            }
        }
        Kind::Http403 => page(403, "Forbidden"),
        Kind::UnknownExecuted | Kind::UnknownLost => of(503, -1000, text::UNKNOWN_503),
        Kind::Unavailable if fault.seed.is_some_and(|seed| seed & 1 == 1) => {
            of(503, -1001, text::INTERNAL_503)
        }
        Kind::Unavailable => of(503, -1001, text::UNAVAILABLE_503),
        Kind::Minus1008 => error(-1008),
        Kind::Minus1007 => error(-1007),
        Kind::Minus5028 => error(-5028),
        Kind::ErrorCode => posted_error(fault),
        _ => return None,
    })
}

/// How long a ban lasts unless it is said, ms.
const BAN_MS: i64 = 120_000;

/// The error that a posting describes.
fn posted_error(fault: &Fault) -> ApiError {
    let code = fault.whole("code").and_then(|code| i32::try_from(code).ok()).unwrap_or(-1000);
    let usual = error(code);
    let status = fault.whole("status").and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (400..600).contains(status)).unwrap_or(usual.status);
    ApiError { status, code, msg: fault.text("msg").unwrap_or(usual.msg) }
}

/// How long the reply of a delayed request takes unless it is said, ms.
const DELAY_MS: u64 = 10_000;

/// How long an acknowledgement comes behind the fill unless it is said, ms.
const ACK_DELAY_MS: u64 = 300;

fn fate_of(fault: &Fault) -> Fate {
    match fault.kind {
        Kind::ReplyDelay => Fate { delay_ms: fault.ms_or(DELAY_MS), ..Fate::default() },
        Kind::FillBeforeAck => Fate { delay_ms: fault.ms_or(ACK_DELAY_MS), ..Fate::default() },
        Kind::ReplyCut if fault.executes() => Fate::default(),
        Kind::ReplyCut => Fate { sending: Sending::Nothing, ..Fate::default() },
        _ => {
            Fate { delay_ms: fault.ms_or(0) * u64::from(fault.kind.may_wait()), ..Fate::default() }
        }
    }
}

/// Where a reply of that length is cut.
fn cut_of(fault: &Fault, length: usize, fate: Fate) -> Fate {
    if fault.kind != Kind::ReplyCut {
        return fate;
    }
    let sending = match (fault.whole("bytes"), fault.seed) {
        (Some(bytes), _) => match usize::try_from(bytes) {
            Ok(bytes) => Sending::Cut(bytes.min(length.saturating_sub(1))),
            Err(_) => Sending::Nothing,
        },
        (None, Some(_)) => match fault.draw() % 3 {
            0 => Sending::Nothing,
            1 => Sending::Cut(0),
            _ => Sending::Cut(fault.draw() as usize % length.max(1)),
        },
        (None, None) => Sending::Cut(length / 2),
    };
    Fate { sending, ..fate }
}

fn shape_of(fault: &Fault) -> Shape {
    let partial = || fault.rate("fraction").unwrap_or(Rate::from_raw(50_000_000));
    let refused = || fault.kind == Kind::AlgoReject && fault.whole("code").is_some();
    Shape {
        partial: (fault.kind == Kind::PartialFill).then(partial),
        rest_expires: fault.text("rest").is_some_and(|rest| rest == "expire"),
        fill_first: fault.kind == Kind::FillBeforeAck,
        fill_after_cancel: fault.kind == Kind::FillAfterCancel,
        reject_trigger: fault.kind == Kind::AlgoReject && !refused(),
        refuse: refused().then(|| posted_error(fault)),
        invisible_ms: (fault.kind == Kind::AlgoInvisible)
            .then(|| i64::try_from(fault.ms_or(INVISIBLE_MS)).unwrap_or(i64::MAX)),
        hidden_ms: (fault.kind == Kind::UnknownExecuted)
            .then(|| fault.whole("hidden_ms"))
            .flatten(),
        no_average: fault.kind == Kind::AvgPriceAbsent,
    }
}

/// How long a conditional order cannot be seen unless it is said, ms.
const INVISIBLE_MS: u64 = 1_800_000;

/// What a client sees of an answer.
struct Seen {
    status: Option<u16>,
    code: i32,
}

impl Seen {
    fn error(refusal: &ApiError) -> Self {
        Self { status: Some(refusal.status), code: refusal.code }
    }
}

fn visible(fate: Fate, status: u16) -> Option<u16> {
    (fate.sending != Sending::Nothing).then_some(status)
}

fn log(
    sim: &mut Sim,
    wall_ms: i64,
    incoming: &Incoming<'_>,
    outcome: Outcome,
    seen: Seen,
    fault: Option<&Fault>,
) {
    let params = &incoming.params;
    let write = incoming.endpoint.is_some_and(Endpoint::is_write);
    sim.gate.truth.log(Arrival {
        wall_ms,
        market_ms: sim.clock.market_ms(),
        key: key_of(incoming).to_owned(),
        method: incoming.method,
        path: incoming.path.to_owned(),
        client_ids: client_ids(params),
        params: if write { readable(params) } else { String::new() },
        outcome,
        status: seen.status,
        code: seen.code,
        fault: fault.map(|fault| fault.kind.name()),
    });
}

/// Client ids that a request names, those of a batch in order.
fn client_ids(params: &Params) -> Vec<String> {
    const NAMES: [&str; 4] =
        ["newClientOrderId", "clientAlgoId", "origClientOrderId", "clientOrderId"];
    if let Some(id) = NAMES.iter().find_map(|name| params.get(name)) {
        return vec![id.to_owned()];
    }
    let batch = params.get("batchOrders").and_then(|text| serde_json::from_str(text).ok());
    let Some(serde_json::Value::Array(orders)) = batch else { return Vec::new() };
    let id = |order: &serde_json::Value| {
        let id = NAMES.iter().find_map(|name| order.get(name)?.as_str());
        id.unwrap_or_default().to_owned()
    };
    orders.iter().map(id).collect()
}

fn readable(params: &Params) -> String {
    let secret = ["signature", "apiKey"];
    let pairs = params.pairs().iter().filter(|(name, _)| !secret.contains(&name.as_str()));
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
