//! Step machine: orders as frames of the WebSocket API, and its replies as answers.
//!
//! A frame carries the same parameters as the REST request, with the key among them, and a
//! signature over all of them sorted by name.

use super::http::Identity;
use super::request::{Meters, Request};
use aegis_wire::ws_methods::WS_METHODS;
use core::fmt::Write as _;
use serde_json::Value;

/// Parameters of one frame.
const PARAMS: usize = 24;

/// Writes the frame of a request into `text`; false when the WebSocket API has no such call.
pub fn write_frame(
    text: &mut String,
    payload: &mut String,
    request: &Request,
    identity: &Identity,
) -> bool {
    let method = WS_METHODS.iter().find(|line| line.rest == Some(request.call));
    let Some(method) = method else { return false };
    let mut pairs = [("", ""); PARAMS];
    let mut count = 0;
    for pair in request.params.as_str().split('&').filter_map(|pair| pair.split_once('=')) {
        if count + 3 >= PARAMS {
            return false;
        }
        pairs[count] = pair;
        count += 1;
    }
    let mut numbers = [aegis_types::Text::<24>::new(); 2];
    // 20 digits always fit.
    let _ = write!(numbers[0], "{}", request.timestamp_ms);
    let _ = write!(numbers[1], "{}", identity.recv_window_ms);
    pairs[count] = ("apiKey", identity.api_key.expose_text());
    pairs[count + 1] = ("timestamp", numbers[0].as_str());
    pairs[count + 2] = ("recvWindow", numbers[1].as_str());
    let pairs = &mut pairs[..count + 3];
    pairs.sort_unstable_by_key(|(name, _)| *name);
    payload.clear();
    text.clear();
    // Writing to a String cannot fail.
    let _ = write!(text, "{{\"id\":{},\"method\":\"{}\",\"params\":{{", request.token, method.name);
    for (name, value) in pairs.iter() {
        let join = if payload.is_empty() { "" } else { "&" };
        let _ = write!(payload, "{join}{name}={value}");
        let quote = if matches!(*name, "timestamp" | "recvWindow") { "" } else { "\"" };
        // Names and values are of our own making; a key is letters and digits.
        let _ = write!(text, "\"{name}\":{quote}{value}{quote},");
    }
    let signature = identity.signer.signature(payload.as_bytes());
    let _ = write!(text, "\"signature\":\"{signature}\"}}}}");
    true
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameReply {
    /// Of which request; nothing when the exchange speaks of the connection.
    pub token: Option<u64>,
    /// As an HTTP status.
    pub status: u16,
    /// What it says about limits.
    pub meters: Meters,
    /// The result or the error, as JSON.
    pub body: Vec<u8>,
}

/// Reads a reply; nothing when it is none.
pub fn read_reply(frame: &[u8]) -> Option<FrameReply> {
    let value: Value = serde_json::from_slice(frame).ok()?;
    let status = value.get("status")?.as_u64().and_then(|n| u16::try_from(n).ok())?;
    let token = match value.get("id")? {
        Value::Number(id) => id.as_u64(),
        Value::String(id) => id.parse().ok(),
        _ => None,
    };
    let body = value.get("result").or_else(|| value.get("error")).unwrap_or(&Value::Null);
    let mut meters = Meters::default();
    for line in value.get("rateLimits").and_then(Value::as_array).into_iter().flatten() {
        let count = line.get("count").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let kind = super::facts::text(line, "rateLimitType");
        let interval = super::facts::text(line, "interval");
        match (kind, interval) {
            (Some("REQUEST_WEIGHT"), Some("MINUTE")) => meters.weight_1m = count,
            (Some("ORDERS"), Some("SECOND")) => meters.orders_10s = count,
            (Some("ORDERS"), Some("MINUTE")) => meters.orders_1m = count,
            _ => {}
        }
    }
    Some(FrameReply { token, status, meters, body: serde_json::to_vec(body).ok()? })
}
