//! Step machine: the WebSocket API.
//!
//! A message stands for a REST call with the same parameters and result; it goes the same way
//! through limits, faults and the log of truth, and is answered by the same handler. Its own are
//! two things: parameters are signed sorted by name, and an Ed25519 key may log a socket on.

use crate::server::auth;
use crate::server::call::{Answer, ApiError, Call, Fate, Method, Reply, Request, Sending};
use crate::server::gate::{self, Gate, Incoming, NO_CODE, known_key};
use crate::server::handle::route_of;
use crate::server::params::Params;
use crate::server::sim::Sim;
use crate::server::texts::error;
use crate::server::truth::{Arrival, Outcome};
use aegis_wire::endpoints::Security;
use aegis_wire::percent_encode;
use aegis_wire::ws_methods::{HANDSHAKE_WEIGHT, WsCall, WsMethod};
use core::net::{IpAddr, Ipv4Addr};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a socket of the WebSocket API answers to one message.
#[derive(Clone, Debug, Default)]
pub struct WsReply {
    /// Frames to send, in order.
    pub frames: Vec<String>,
    /// Delay and loss, as for REST; a cut frame is not sent and the socket closes.
    pub fate: Fate,
    /// Closes the socket afterwards.
    pub close: bool,
}

/// A key that has logged a socket on.
#[derive(Clone, Debug)]
struct Logon {
    account: usize,
    key: String,
    since_ms: i64,
}

/// A socket.
#[derive(Clone, Debug)]
struct Session {
    peer: IpAddr,
    since_ms: i64,
    rate_limits: bool,
    logon: Option<Logon>,
}

/// The open sockets.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    open: BTreeMap<u64, Session>,
}

/// A socket wants to open at `/ws-fapi/v1?query`.
///
/// # Errors
/// The reply that refuses the handshake.
pub fn opened(
    sim: &mut Sim,
    wall_ms: i64,
    conn: u64,
    query: &str,
    peer: IpAddr,
) -> Result<(), Reply> {
    let limits = sim.gate.limits;
    let charged = sim.gate.weights.charge(peer, HANDSHAKE_WEIGHT, &limits, wall_ms);
    charged.map_err(|refusal| Reply::error(&refusal))?;
    let rate_limits = Params::parse(query).get("returnRateLimits") != Some("false");
    let session = Session { peer, since_ms: wall_ms, rate_limits, logon: None };
    sim.gate.sessions.open.insert(conn, session);
    Ok(())
}

/// The socket has gone.
pub fn closed(sim: &mut Sim, conn: u64) {
    sim.gate.sessions.open.remove(&conn);
}

/// A message taken apart. Values keep their text: it is what was signed.
#[derive(serde::Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<BTreeMap<String, &'a RawValue>>,
}

/// The parameters of a message: texts without their quotes, everything else as it was written.
fn params_of(message: &Message<'_>) -> Result<Params, ApiError> {
    let mut params = Params::default();
    for (name, raw) in message.params.iter().flatten() {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => {
                let value: String =
                    serde_json::from_str(text).map_err(|_| ApiError::invalid_value(name))?;
                params.push(name, value);
            }
            Some(b'n') => {}
            _ => params.push(name, text),
        }
    }
    Ok(params)
}

/// A text message of that socket.
pub fn message(sim: &mut Sim, wall_ms: i64, conn: u64, text: &str) -> WsReply {
    let Ok(message) = serde_json::from_str::<Message<'_>>(text) else {
        let refusal = ApiError::new(-1100, "Malformed request.");
        return refused(sim, conn, wall_ms, ("null", ""), &refusal);
    };
    let id = message.id.map_or("null", RawValue::get).to_owned();
    let method = message.method.as_deref().unwrap_or_default();
    let params = match params_of(&message) {
        Ok(params) => params,
        Err(refusal) => return refused(sim, conn, wall_ms, (&id, method), &refusal),
    };
    let Some(line) = WsMethod::find(method) else {
        let text = format!("Invalid method '{method}'.");
        return refused(sim, conn, wall_ms, (&id, method), &ApiError::new(-1020, text));
    };
    let session = sim.gate.sessions.open.get(&conn).cloned();
    let logged_on = session.as_ref().and_then(|session| session.logon.clone());
    let request = request_of(line, &params, session.as_ref(), wall_ms);
    let rate_limits = params.get("returnRateLimits").map_or_else(
        || session.as_ref().is_none_or(|session| session.rate_limits),
        |word| word != "false",
    );
    let weight = line.weight.of(|name| params.get(name));
    let endpoint = line.rest.map(|call| call.endpoint());
    let incoming =
        Incoming { request: &request, params, method: "WS", path: line.name, endpoint, weight };
    let who = |gate: &Gate, incoming: &Incoming<'_>, wall_ms: i64| {
        authenticate(gate, line, logged_on.as_ref(), &incoming.params, wall_ms)
    };
    let out = gate::through(sim, wall_ms, &incoming, who, |sim, call| run(sim, call, line, conn));
    let limits = rate_limits.then(|| rate_limits_of(sim, wall_ms, request.peer, out.account));
    WsReply {
        frames: vec![frame(&id, &out.answer, limits.as_ref())],
        fate: out.fate,
        close: out.fate.sending != Sending::Whole,
    }
}

fn frame(id: &str, answer: &Answer, limits: Option<&Value>) -> String {
    let (status, name, body) = match answer {
        Ok(result) => (200, "result", result.clone()),
        Err(page) if page.code == NO_CODE => {
            let told = ApiError { code: -1000, msg: "No answer.".to_owned(), ..page.clone() };
            (page.status, "error", told.json())
        }
        Err(refusal) => (refusal.status, "error", refusal.json()),
    };
    let limits = limits.map(|limits| format!(",\"rateLimits\":{limits}")).unwrap_or_default();
    format!("{{\"id\":{id},\"status\":{status},\"{name}\":{body}{limits}}}")
}

/// What is refused before it is known what is asked: by its id and the method that it names.
fn refused(
    sim: &mut Sim,
    conn: u64,
    wall_ms: i64,
    (id, method): (&str, &str),
    refusal: &ApiError,
) -> WsReply {
    let session = sim.gate.sessions.open.get(&conn);
    let (peer, wanted) = session.map_or((LOCAL, true), |s| (s.peer, s.rate_limits));
    let key = session.and_then(|session| session.logon.as_ref()).map(|logon| logon.key.clone());
    sim.gate.truth.log(Arrival {
        wall_ms,
        market_ms: sim.clock.market_ms(),
        key: key.unwrap_or_default(),
        method: "WS",
        path: method.chars().take(METHOD_LOGGED_MAX).collect(),
        client_ids: Vec::new(),
        params: String::new(),
        outcome: Outcome::Refused,
        status: Some(refusal.status),
        code: refusal.code,
        fault: None,
    });
    let limits = wanted.then(|| rate_limits_of(sim, wall_ms, peer, None));
    let frames = vec![frame(id, &Err(refusal.clone()), limits.as_ref())];
    WsReply { frames, ..WsReply::default() }
}

/// Characters of an unknown method that are logged.
const METHOD_LOGGED_MAX: usize = 64;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn rate_limits_of(sim: &mut Sim, wall_ms: i64, peer: IpAddr, account: Option<usize>) -> Value {
    let limits = sim.gate.limits;
    let used = sim.gate.weights.used(peer, wall_ms);
    let line = |kind: &str, interval: &str, number: u32, limit: u32, count: u32| {
        json!({
            "rateLimitType": kind,
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        })
    };
    let mut lines = vec![line("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute, used)];
    if let Some(account) = account.and_then(|index| sim.gate.accounts.get_mut(index)) {
        let (short, long) = account.counts.used(wall_ms);
        lines.push(line("ORDERS", "SECOND", 10, limits.orders_per_10s, short));
        lines.push(line("ORDERS", "MINUTE", 1, limits.orders_per_minute, long));
    }
    Value::Array(lines)
}

/// The REST request that a message stands for.
fn request_of(
    line: &WsMethod,
    params: &Params,
    session: Option<&Session>,
    wall_ms: i64,
) -> Request {
    let endpoint = line.rest.map(|call| call.endpoint());
    let logged_on = session.and_then(|session| session.logon.as_ref());
    let key = params.get("apiKey").or(logged_on.map(|logon| logon.key.as_str()));
    Request {
        method: endpoint.map_or(Method::Get, |line| line.method),
        path: endpoint.map_or("", |line| line.path).to_owned(),
        query: String::new(),
        body: Vec::new(),
        api_key: key.map(str::to_owned),
        peer: session.map_or(LOCAL, |session| session.peer),
        arrived_ms: wall_ms,
    }
}

/// Who asks? A socket that is logged on needs neither key nor signature.
fn authenticate(
    gate: &Gate,
    line: &WsMethod,
    logged_on: Option<&Logon>,
    params: &Params,
    wall_ms: i64,
) -> Result<Option<usize>, ApiError> {
    if line.security == Security::None {
        return Ok(logged_on.map(|logon| logon.account));
    }
    let signed = params.get("signature").is_some();
    let account = match (params.get("apiKey"), logged_on) {
        (None, Some(logon)) => logon.account,
        (Some(key), Some(logon)) if key == logon.key && !signed => logon.account,
        (key, _) => {
            let account = known_key(gate, key)?;
            if line.security.is_signed() {
                auth::check_time(params, wall_ms)?;
                check_signature(gate, account, params)?;
            }
            return Ok(Some(account));
        }
    };
    if line.security.is_signed() && line.call != WsCall::Logon {
        auth::check_time(params, wall_ms)?;
    }
    Ok(Some(account))
}

/// Sorted parameters, as they are; some clients sign them percent-encoded.
fn check_signature(gate: &Gate, account: usize, params: &Params) -> Result<(), ApiError> {
    let verifier = &gate.accounts[account].verifier;
    let signature = params.need("signature")?;
    let plain = auth::websocket_payload(params);
    if verifier.accepts(plain.as_bytes(), signature) {
        return Ok(());
    }
    let mut encoded = Params::default();
    for (name, value) in params.pairs() {
        let mut text = String::new();
        percent_encode(value, &mut text);
        encoded.push(name, text);
    }
    let encoded = auth::websocket_payload(&encoded);
    if verifier.accepts(encoded.as_bytes(), signature) { Ok(()) } else { Err(error(-1022)) }
}

/// Carries a message out.
fn run(sim: &mut Sim, call: &Call<'_>, line: &WsMethod, conn: u64) -> Answer {
    match line.call {
        WsCall::Logon => logon(sim, call, conn),
        WsCall::SessionStatus => Ok(session_status(sim, call, conn)),
        WsCall::Logout => {
            if let Some(session) = sim.gate.sessions.open.get_mut(&conn) {
                session.logon = None;
            }
            Ok(session_status(sim, call, conn))
        }
        _ => {
            let endpoint = line.rest.map(|rest| rest.endpoint());
            let path = endpoint.map_or("", |endpoint| endpoint.path);
            let route = route_of(call.request.method, path).ok_or_else(|| error(-1020))?;
            (route.handler)(sim, call)
        }
    }
}

fn logon(sim: &mut Sim, call: &Call<'_>, conn: u64) -> Answer {
    let index = call.account.ok_or_else(|| error(-2015))?;
    let account = &sim.gate.accounts[index];
    if !account.verifier.is_ed25519() {
        return Err(error(-4056));
    }
    let logon = Logon { account: index, key: account.key.clone(), since_ms: call.wall_ms };
    if let Some(session) = sim.gate.sessions.open.get_mut(&conn) {
        session.logon = Some(logon);
    }
    Ok(session_status(sim, call, conn))
}

fn session_status(sim: &Sim, call: &Call<'_>, conn: u64) -> String {
    let session = sim.gate.sessions.open.get(&conn);
    let logon = session.and_then(|session| session.logon.as_ref());
    let status = json!({
        "apiKey": logon.map(|logon| logon.key.as_str()),
        "authorizedSince": logon.map(|logon| logon.since_ms),
        "connectedSince": session.map(|session| session.since_ms),
        "returnRateLimits": session.is_none_or(|session| session.rate_limits),
        "serverTime": call.wall_ms,
    });
    status.to_string()
}
