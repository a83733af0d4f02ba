//! Step machine: whole WebSocket frames of the server's side, made once and shared by all sockets
//! that send them.

use aegis_wire::websocket::{self, FRAME_OVERHEAD, Opcode};
use bytes::Bytes;

/// Longest message that a client may send.
pub const MESSAGE_MAX: usize = 256 * 1024;

/// A frame around a payload.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + FRAME_OVERHEAD);
    websocket::encode(&mut out, opcode, None, payload);
    out.into()
}

/// A text message.
pub fn text(payload: &str) -> Bytes {
    frame(Opcode::Text, payload.as_bytes())
}

/// A text message in the wrapper of combined streams.
pub fn combined(stream: &str, payload: &str) -> Bytes {
    text(&["{\"stream\":\"", stream, "\",\"data\":", payload, "}"].concat())
}

/// A close frame.
pub fn close(code: u16) -> Bytes {
    let mut out = Vec::with_capacity(FRAME_OVERHEAD);
    websocket::close(&mut out, None, code, "");
    out.into()
}
