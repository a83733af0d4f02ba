//! Step machine: the sockets of market and user streams: what their address asks for, and what
//! they say.

use crate::server::call::Reply;
use crate::server::params::{Params, decode};
use crate::server::sim::Sim;
use crate::server::streams::{ConnId, Topic, topic};
use aegis_wire::streams::Route;
use serde_json::{Value, json};
use std::sync::Arc;

/// Streams that one socket may have.
pub const STREAMS_MAX: usize = 1_024;

/// Messages that a socket may send a second.
pub const MESSAGES_PER_SECOND: u32 = 10;

/// A socket.
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its route; none on the old addresses without one.
    route: Option<Route>,
    combined: bool,
    /// All names that it has subscribed, also silent ones.
    names: Vec<String>,
    second: i64,
    messages: u32,
}

/// What a socket is told after a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The answer.
    pub reply: Option<String>,
    /// The socket must close.
    pub close: bool,
}

/// Is this the address of streams? Then the route and whether it wraps, and the rest of the path.
pub fn address(path: &str) -> Option<(Option<Route>, bool, &str)> {
    let path = path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let (route, kind, rest) = match Route::parse(first) {
        Some(route) => {
            let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(route), kind, rest)
        }
        None => (None, first, rest),
    };
    match kind {
        // A client that was given `/ws` for its address and adds its own path.
        "ws" if rest == "stream" => Some((route, true, "")),
        "ws" => Some((route, false, rest)),
        "stream" => Some((route, true, rest)),
        _ => None,
    }
}

impl Sim {
    /// A socket opens at this path and query.
    ///
    /// # Errors
    /// The reply that refuses the handshake.
    pub fn socket_open(
        &mut self,
        wall_ms: i64,
        conn: ConnId,
        path: &str,
        query: &str,
    ) -> Result<(), Reply> {
        let Some((route, combined, rest)) = address(path) else {
            return Err(Reply { status: 404, ..Reply::ok("Not found") });
        };
        let socket =
            Socket { route, combined, names: Vec::new(), second: wall_ms / 1_000, messages: 0 };
        self.sockets.insert(conn, socket);
        for name in rest.split('/').filter(|name| !name.is_empty()) {
            // Clients put an index of theirs behind the path: it is no stream and says nothing.
            let name = decode(name);
            if !name.bytes().all(|b| b.is_ascii_digit()) {
                self.subscribe(conn, &name, None);
            }
        }
        let mut keys: Vec<(String, Option<Arc<[String]>>)> = Vec::new();
        for (name, value) in Params::parse(query).pairs() {
            match name.as_str() {
                "streams" => value.split('/').filter(|s| !s.is_empty()).for_each(|stream| {
                    self.subscribe(conn, stream, None);
                }),
                "listenKey" => keys.push((value.clone(), None)),
                "events" => {
                    if let Some((_, events)) = keys.last_mut() {
                        *events = Some(value.split('/').map(str::to_owned).collect());
                    }
                }
                _ => {}
            }
        }
        for (key, events) in keys {
            self.subscribe(conn, &key, events);
        }
        Ok(())
    }

    /// A socket has gone.
    pub fn socket_closed(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.remove(&conn) {
            socket.names.iter().for_each(|name| self.streams.unsubscribe(conn, name));
        }
    }

    /// A socket subscribes a name. What its route does not carry stays silent.
    fn subscribe(&mut self, conn: ConnId, name: &str, events: Option<Arc<[String]>>) -> bool {
        let Some(socket) = self.sockets.get_mut(&conn) else { return false };
        if !socket.names.iter().any(|known| known == name) {
            if socket.names.len() >= STREAMS_MAX {
                return false;
            }
            socket.names.push(name.to_owned());
        }
        let market = topic(name, &self.symbols);
        let carried = match (socket.route, market) {
            _ if self.lenient_routes => Some(market.unwrap_or(Topic::User)),
            (Some(Route::Private), None) => Some(Topic::User),
            (Some(route), Some(Topic::Market(kind, _))) if kind.route() == route => market,
            // The old addresses have kept the order book alone.
            (None, Some(Topic::Market(kind, _))) if kind.route() == Route::Public => market,
            _ => None,
        };
        if let Some(topic) = carried {
            self.streams.subscribe(conn, name, topic, socket.combined, events);
            self.begin_depth(name);
        }
        true
    }

    /// A text message of a socket.
    pub fn socket_text(&mut self, wall_ms: i64, conn: ConnId, text: &str) -> Told {
        let Some(socket) = self.sockets.get_mut(&conn) else {
            return Told { reply: None, close: true };
        };
        if !socket.may_speak(wall_ms) {
            return Told { reply: None, close: true };
        }
        let reply = match request(text) {
            Ok((method, params, id)) => match self.control(conn, method, &params) {
                Ok(result) => json!({ "result": result, "id": id }),
                Err(error) => error,
            },
            Err(error) => error,
        };
        Told { reply: Some(reply.to_string()), close: false }
    }

    /// Counts a ping or pong as a message; false when there are too many.
    pub fn socket_control_frame(&mut self, wall_ms: i64, conn: ConnId) -> bool {
        self.sockets.get_mut(&conn).is_none_or(|socket| socket.may_speak(wall_ms))
    }

    fn control(&mut self, conn: ConnId, method: Method, params: &[Value]) -> Result<Value, Value> {
        let names = || -> Result<Vec<&str>, Value> {
            let text = |value: &Value| value.as_str().map(|_| ());
            if params.iter().any(|value| text(value).is_none()) {
                return Err(invalid("invalid type: stream names must be strings"));
            }
            Ok(params.iter().filter_map(Value::as_str).collect())
        };
        match method {
            Method::Subscribe => {
                for name in names()? {
                    if !self.subscribe(conn, name, None) {
                        return Err(invalid("too many streams: a connection has at most 1024"));
                    }
                }
                Ok(Value::Null)
            }
            Method::Unsubscribe => {
                for name in names()? {
                    self.streams.unsubscribe(conn, name);
                    if let Some(socket) = self.sockets.get_mut(&conn) {
                        socket.names.retain(|known| known != name);
                    }
                }
                Ok(Value::Null)
            }
            Method::List => {
                let names = self.sockets.get(&conn).map(|socket| socket.names.clone());
                Ok(json!(names.unwrap_or_default()))
            }
            Method::SetProperty => self.set_property(conn, params),
            Method::GetProperty => match params {
                [Value::String(name)] if name == "combined" => {
                    Ok(json!(self.sockets.get(&conn).is_some_and(|socket| socket.combined)))
                }
                [Value::String(_)] => Err(json!({ "code": 0, "msg": "Unknown property" })),
                _ => Err(invalid("property name must be a string")),
            },
        }
    }

    fn set_property(&mut self, conn: ConnId, params: &[Value]) -> Result<Value, Value> {
        match params {
            [Value::String(name), Value::Bool(on)] if name == "combined" => {
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.combined = *on;
                    for name in &socket.names {
                        self.streams.set_combined(conn, name, *on);
                    }
                }
                Ok(Value::Null)
            }
            [Value::String(name), _] if name == "combined" => {
                Err(json!({ "code": 1, "msg": "Invalid value type: expected Boolean" }))
            }
            [Value::String(_), _] => Err(json!({ "code": 0, "msg": "Unknown property" })),
            _ => Err(invalid("property name must be a string")),
        }
    }
}

impl Socket {
    /// Counts a message; false when the second has had too many.
    fn may_speak(&mut self, wall_ms: i64) -> bool {
        let second = wall_ms / 1_000;
        if self.second != second {
            (self.second, self.messages) = (second, 0);
        }
        self.messages += 1;
        self.messages <= MESSAGES_PER_SECOND
    }
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Subscribe,
    Unsubscribe,
    List,
    SetProperty,
    GetProperty,
}

fn invalid(why: &str) -> Value {
    json!({ "code": 2, "msg": format!("Invalid request: {why}") })
}

fn request(text: &str) -> Result<(Method, Vec<Value>, Value), Value> {
    let mut value: Value = serde_json::from_str(text).map_err(|e| {
        let place = format!("at line {} column {}", e.line(), e.column());
        json!({ "code": 3, "msg": format!("Invalid JSON: expected value {place}") })
    })?;
    let method = match &value["method"] {
        Value::String(name) => match name.as_str() {
            "SUBSCRIBE" => Method::Subscribe,
            "UNSUBSCRIBE" => Method::Unsubscribe,
            "LIST_SUBSCRIPTIONS" => Method::List,
            "SET_PROPERTY" => Method::SetProperty,
            "GET_PROPERTY" => Method::GetProperty,
            other => {
                return Err(invalid(&format!(
                    "unknown variant {other}, expected one of SUBSCRIBE, UNSUBSCRIBE, \
                     LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY"
                )));
            }
        },
        _ => return Err(invalid("missing field `method`")),
    };
    let id = match value["id"].take() {
        id @ (Value::String(_) | Value::Number(_) | Value::Null) => id,
        _ => return Err(invalid("request ID must be an unsigned integer or a string")),
    };
    match value["params"].take() {
        Value::Array(params) => Ok((method, params, id)),
        Value::Null if matches!(method, Method::List) => Ok((method, Vec::new(), id)),
        _ => Err(invalid("missing field `params`")),
    }
}
