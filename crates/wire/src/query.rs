//! Requests: parameters in the caller's order, cleaned, encoded once, signed last.

use crate::secret::Secret;
use crate::sign::{SIGNATURE_HEX, Signer};
use aegis_types::{Money, Px, Qty, Rate};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// How long after its timestamp a request may still be accepted, in milliseconds.
pub const RECV_WINDOW_MS: u32 = 5_000;

/// What may be a parameter's value. There is no form for floats: prices and quantities are exact,
/// and their text is minimal (`0.5`, never `0.50000000` or `5e-1`).
pub trait Value {
    /// Appends the value's text; nothing when it is absent.
    fn write(&self, out: &mut String);
}

impl Value for &str {
    fn write(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl<V: Value> Value for Option<V> {
    fn write(&self, out: &mut String) {
        if let Some(value) = self {
            value.write(out);
        }
    }
}

macro_rules! displayed {
    ($($kind:ty)*) => {
        $(impl Value for $kind {
            fn write(&self, out: &mut String) {
                // Writing to a String cannot fail.
                let _ = write!(out, "{self}");
            }
        })*
    };
}
displayed! { i64 u64 u32 u16 bool Px Qty Money Rate }

/// The parameters of one request.
///
/// ```
/// use aegis_types::{Px, Qty};
/// use aegis_wire::{Query, RECV_WINDOW_MS, Secret, Signer};
/// let query = Query::new()
///     .with("symbol", "BTCUSDT")
///     .with("side", "BUY")
///     .with("quantity", Qty::parse(b"0.50000000")?)
///     .with("price", None::<Px>);
/// let signer = Signer::hmac(&Secret::from("secret"));
/// let signed = query.signed(&signer, 1_700_656_000_000, RECV_WINDOW_MS);
/// assert!(signed.starts_with(
///     "symbol=BTCUSDT&side=BUY&quantity=0.5&timestamp=1700656000000&recvWindow=5000&signature="
/// ));
/// # Ok::<(), aegis_types::DecimalError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Names and values one after the other, not encoded.
    text: String,
    params: Vec<Param>,
}

/// Where a parameter lies in the text: the name from `name` to `value`, the value up to `end`.
#[derive(Clone, Copy, Debug)]
struct Param {
    name: usize,
    value: usize,
    end: usize,
}

impl Query {
    /// No parameters yet.
    pub fn new() -> Self {
        Self { text: String::with_capacity(192), params: Vec::with_capacity(12) }
    }

    /// Appends a parameter; an absent or empty value is dropped. A name given twice is sent twice:
    /// that is for the exchange to refuse.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Value) -> Self {
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        value.write(&mut self.text);
        if self.text.len() == middle {
            self.text.truncate(start);
        } else {
            self.params.push(Param { name: start, value: middle, end: self.text.len() });
        }
        self
    }

    fn pair(&self, param: &Param) -> (&str, &str) {
        (&self.text[param.name..param.value], &self.text[param.value..param.end])
    }

    /// The query string that is signed and sent: the parameters in their order, then `timestamp`
    /// and `recvWindow` unless the caller gave them, then `signature`.
    pub fn signed(&self, signer: &Signer, timestamp_ms: i64, recv_window_ms: u32) -> String {
        let mut draft = Draft::new(self.text.len());
        for param in &self.params {
            let (name, value) = self.pair(param);
            draft.push(name, |out| percent_encode(name, out), |out| percent_encode(value, out));
        }
        draft.finish(signer, timestamp_ms, recv_window_ms)
    }

    /// What the WebSocket API signs: all parameters with `apiKey`, `timestamp` and `recvWindow`,
    /// sorted by name, not encoded. Sign it with [`Signer::signature`].
    pub fn websocket_payload(
        &self,
        api_key: &str,
        timestamp_ms: i64,
        recv_window_ms: u32,
    ) -> String {
        let mut full = self.clone();
        let given = |name: &str| self.params.iter().any(|p| self.pair(p).0 == name);
        if !given("apiKey") {
            full = full.with("apiKey", api_key);
        }
        if !given("timestamp") {
            full = full.with("timestamp", timestamp_ms);
        }
        if !given("recvWindow") {
            full = full.with("recvWindow", recv_window_ms);
        }
        sorted_payload(full.params.iter().map(|p| full.pair(p)))
    }
}

/// Parameters as the WebSocket API signs them: sorted by name, not encoded, without the signature.
pub fn sorted_payload<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<(&str, &str)> = params.filter(|(name, _)| *name != "signature").collect();
    pairs.sort_by_key(|(name, _)| *name);
    let mut payload = String::new();
    for (name, value) in pairs {
        if !payload.is_empty() {
            payload.push('&');
        }
        payload.push_str(name);
        payload.push('=');
        payload.push_str(value);
    }
    payload
}

/// A query string in the making.
struct Draft {
    text: String,
    timestamp: bool,
    recv_window: bool,
}

impl Draft {
    fn new(length: usize) -> Self {
        const TAIL: usize = "&timestamp=1700656000000&recvWindow=5000&signature=".len();
        let text = String::with_capacity(length + length / 4 + TAIL + SIGNATURE_HEX);
        Self { text, timestamp: false, recv_window: false }
    }

    /// Appends one parameter; the signature is left to [`Draft::finish`].
    fn push(&mut self, name: &str, key: impl FnOnce(&mut String), value: impl FnOnce(&mut String)) {
        match name {
            "signature" => return,
            "timestamp" => self.timestamp = true,
            "recvWindow" => self.recv_window = true,
            _ => {}
        }
        if !self.text.is_empty() {
            self.text.push('&');
        }
        key(&mut self.text);
        self.text.push('=');
        value(&mut self.text);
    }

    fn finish(mut self, signer: &Signer, timestamp_ms: i64, recv_window_ms: u32) -> String {
        if !self.timestamp {
            let text = |out: &mut String| timestamp_ms.write(out);
            self.push("timestamp", |out| out.push_str("timestamp"), text);
        }
        if !self.recv_window {
            let text = |out: &mut String| recv_window_ms.write(out);
            self.push("recvWindow", |out| out.push_str("recvWindow"), text);
        }
        let signed = self.text.len();
        self.text.push_str("&signature=");
        signer.sign_within(&mut self.text, signed);
        self.text
    }
}

/// Signs a query string that is already written, for `aegis sign`: empty parameters and an old
/// signature are dropped, what is not encoded is encoded, `timestamp` and `recvWindow` are appended
/// when they are missing.
pub fn sign_query(secret: &Secret, query: &str, now_ms: i64) -> String {
    let query = query.trim().trim_start_matches('?');
    let mut draft = Draft::new(query.len());
    for pair in query.split('&') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if name.is_empty() || value.is_empty() {
            continue;
        }
        draft.push(name, |out| encode_once(name, out), |out| encode_once(value, out));
    }
    draft.finish(&Signer::hmac(secret), now_ms, RECV_WINDOW_MS)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

pub(crate) fn push_encoded(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Appends `text` with every byte outside `[A-Za-z0-9-_.~]` as `%XX`.
pub fn percent_encode(text: &str, out: &mut String) {
    if text.bytes().all(is_unreserved) {
        out.push_str(text);
    } else {
        text.bytes().for_each(|byte| push_encoded(byte, out));
    }
}

/// As [`percent_encode`], but `%XX` in the text is taken as already encoded.
fn encode_once(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let hex = hex.and_then(|pair| core::str::from_utf8(pair).ok());
        let hex = hex.filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(decoded) => {
                push_encoded(decoded, out);
                at += 3;
            }
            None => {
                push_encoded(*byte, out);
                at += 1;
            }
        }
    }
}
