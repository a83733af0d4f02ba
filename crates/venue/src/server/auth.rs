//! Step machine: who is asking? Signatures over the bytes as received, timestamps by the clock of
//! the exchange.

use crate::server::call::ApiError;
use crate::server::params::{Params, decode};
use crate::server::texts::{error, error_of};
use aegis_wire::errors::text;
use aegis_wire::{Verifier, sorted_payload};

/// Longest window that a request may ask for, in milliseconds.
const RECV_WINDOW_MS_MAX: i64 = 60_000;

/// Window of a request that names none, in milliseconds.
const RECV_WINDOW_MS: i64 = 5_000;

/// A request may be this far ahead of the exchange's clock, in milliseconds.
const AHEAD_MS: i64 = 1_000;

/// What was signed, and the signature beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Query and body as received, joined without a separator, each without its signature.
    pub bytes: Vec<u8>,
    /// The signature, percent-decoded.
    pub signature: Option<String>,
}

/// Takes a request's raw bytes apart. A signature counts only where it is last in query or body;
/// of two, the query's holds.
pub fn signed(query: &str, body: &[u8]) -> Signed {
    let body = if is_json(body) { &[] } else { body };
    let (query, first) = split(query.as_bytes());
    let (body, second) = split(body);
    let mut bytes = Vec::with_capacity(query.len() + body.len());
    bytes.extend_from_slice(query);
    bytes.extend_from_slice(body);
    Signed { bytes, signature: first.or(second).filter(|text| !text.is_empty()) }
}

/// A JSON body is no parameters, and nobody signs it.
pub fn is_json(body: &[u8]) -> bool {
    body.first().is_some_and(|byte| matches!(byte, b'{' | b'['))
}

/// The form without its last parameter if that is the signature, and the signature.
fn split(form: &[u8]) -> (&[u8], Option<String>) {
    const NAME: &[u8] = b"signature=";
    let last = form.iter().rposition(|byte| *byte == b'&');
    let start = last.map_or(0, |at| at + 1);
    match form[start..].strip_prefix(NAME) {
        Some(value) => (&form[..last.unwrap_or(0)], Some(decode(&String::from_utf8_lossy(value)))),
        None => (form, None),
    }
}

/// The window and timestamp test of the exchange: not more than a second ahead, not older than the
/// window.
///
/// # Errors
/// -1102 without a timestamp, -1131 for a window beyond a minute, -1021 outside of it.
pub fn check_time(params: &Params, wall_ms: i64) -> Result<(), ApiError> {
    let timestamp = params.int("timestamp")?.ok_or_else(|| ApiError::mandatory("timestamp"))?;
    let window = params.int("recvWindow")?.unwrap_or(RECV_WINDOW_MS);
    if window < 0 {
        return Err(ApiError::invalid_value("recvWindow"));
    }
    if window > RECV_WINDOW_MS_MAX {
        return Err(error_of(-1131, &[&RECV_WINDOW_MS_MAX.to_string()]));
    }
    if timestamp >= wall_ms.saturating_add(AHEAD_MS) {
        return Err(ApiError::new(-1021, text::AHEAD));
    }
    if wall_ms.saturating_sub(timestamp) > window {
        return Err(error(-1021));
    }
    Ok(())
}

/// Checks a signature that must be there.
///
/// # Errors
/// -1102 without one, -1022 when it is not the account's.
pub fn check_signature(verifier: &Verifier, signed: &Signed) -> Result<(), ApiError> {
    let signature = signed.signature.as_deref();
    let signature = signature.ok_or_else(|| ApiError::mandatory("signature"))?;
    if verifier.accepts(&signed.bytes, signature) { Ok(()) } else { Err(error(-1022)) }
}

/// What the WebSocket API signs: all parameters but the signature, sorted by name.
pub fn websocket_payload(params: &Params) -> String {
    sorted_payload(params.pairs().iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(query: &str, body: &str) -> (String, Option<String>) {
        let signed = signed(query, body.as_bytes());
        (String::from_utf8(signed.bytes).unwrap(), signed.signature)
    }

    #[test]
    fn the_signature_is_taken_from_the_end_of_query_or_body() {
        assert_eq!(parts("a=1&signature=ff", ""), ("a=1".into(), Some("ff".into())));
        assert_eq!(parts("", "a=1&signature=f%2Bf"), ("a=1".into(), Some("f+f".into())));
        assert_eq!(parts("a=1", "b=2&signature=ff"), ("a=1b=2".into(), Some("ff".into())));
        assert_eq!(parts("a=1&signature=ff", "b=2"), ("a=1b=2".into(), Some("ff".into())));
        assert_eq!(parts("signature=ff", ""), (String::new(), Some("ff".into())));
        assert_eq!(parts("signature=ff&a=1", ""), ("signature=ff&a=1".into(), None));
        assert_eq!(parts("a=1&signature=", ""), ("a=1".into(), None));
    }

    #[test]
    fn the_window_is_open_behind_and_a_second_ahead() {
        let at =
            |query: &str| check_time(&Params::parse(query), 100_000).map_err(|error| error.code);
        assert_eq!(at("timestamp=100000"), Ok(()));
        assert_eq!(at("timestamp=100999"), Ok(()));
        assert_eq!(at("timestamp=101000"), Err(-1021));
        assert_eq!(at("timestamp=95000"), Ok(()));
        assert_eq!(at("timestamp=94999"), Err(-1021));
        assert_eq!(at("timestamp=94999&recvWindow=5001"), Ok(()));
        assert_eq!(at("timestamp=100000&recvWindow=60001"), Err(-1131));
        assert_eq!(at("recvWindow=5000"), Err(-1102));
        assert_eq!(at("timestamp=abc"), Err(-1100));
    }
}
