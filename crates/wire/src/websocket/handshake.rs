//! The HTTP exchange that opens a WebSocket.

use crate::http::{HttpFault, ResponseHead};
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use sha1::{Digest, Sha1};

/// What the RFC appends to a client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why a connection did not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The answer is not HTTP.
    Http(HttpFault),
    /// Another status than 101.
    Status(u16),
    /// The answer does not upgrade to `websocket`.
    NoUpgrade,
    /// The answer is not to our key: something between answered for the server.
    WrongKey,
    /// The server insists on an extension or protocol that was not offered.
    NotOffered,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no WebSocket: ")?;
        match self {
            Self::Http(why) => write!(f, "{why}"),
            Self::Status(status) => {
                write!(f, "the server answered with status {status}; check URL and path")
            }
            Self::NoUpgrade => f.write_str("the server does not upgrade; check URL and path"),
            Self::WrongKey => {
                f.write_str("the answer is not to our key; is there a proxy between?")
            }
            Self::NotOffered => f.write_str("the server chose an extension that was not offered"),
        }
    }
}

impl core::error::Error for HandshakeError {}

/// The text of a client's key, from sixteen fresh random bytes.
pub fn nonce_text(nonce: [u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// The `Sec-WebSocket-Accept` that answers a client's key.
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.trim().as_bytes());
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// The request of a client: host as for the header `Host` (with the port where it is not the
/// scheme's own), path with query.
pub fn upgrade_request(host: &str, path: &str, key: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::with_capacity(256 + path.len());
    text.push_str("GET ");
    text.push_str(path);
    text.push_str(" HTTP/1.1\r\n");
    let fixed = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ];
    for (name, value) in fixed.iter().chain(headers) {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The answer of a server to a client's key.
pub fn upgrade_response(key: &str) -> String {
    let mut text = String::with_capacity(160);
    text.push_str("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    text.push_str("Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    text.push_str(&accept_key(key));
    text.push_str("\r\n\r\n");
    text
}

/// Checks a server's answer to our key. Returns how many bytes it has, none while its end has not
/// been read; what follows is frames.
///
/// # Errors
/// [`HandshakeError`] says why it is no WebSocket.
pub fn accepted(bytes: &[u8], key: &str) -> Result<Option<usize>, HandshakeError> {
    let Some((head, length)) = ResponseHead::parse(bytes).map_err(HandshakeError::Http)? else {
        return Ok(None);
    };
    if head.status != 101 {
        return Err(HandshakeError::Status(head.status));
    }
    if !head.lists("Upgrade", "websocket") || !head.lists("Connection", "Upgrade") {
        return Err(HandshakeError::NoUpgrade);
    }
    if head.header("Sec-WebSocket-Accept") != Some(accept_key(key).as_str()) {
        return Err(HandshakeError::WrongKey);
    }
    let chosen = ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"];
    if chosen.iter().any(|name| head.header(name).is_some_and(|value| !value.is_empty())) {
        return Err(HandshakeError::NotOffered);
    }
    Ok(Some(length))
}
