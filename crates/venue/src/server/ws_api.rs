//! Step machine: the WebSocket API.

use crate::server::call::{Fate, Reply};
use crate::server::sim::Sim;
use core::net::IpAddr;

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

/// A socket wants to open at `/ws-fapi/v1?query`.
///
/// # Errors
/// The reply that refuses the handshake.
pub fn opened(
    _: &mut Sim,
    _wall_ms: i64,
    _conn: u64,
    _query: &str,
    _: IpAddr,
) -> Result<(), Reply> {
    Ok(())
}

/// A text message of that socket.
pub fn message(_: &mut Sim, _wall_ms: i64, _conn: u64, _text: &str) -> WsReply {
    WsReply::default()
}

/// The socket has gone.
pub fn closed(_: &mut Sim, _conn: u64) {}
