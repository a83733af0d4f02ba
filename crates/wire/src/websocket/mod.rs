//! WebSocket (RFC 6455) as a codec: bytes in, messages out, and back; no sockets.
//!
//! The reader owns one buffer that the socket reads into, and a message in one frame is handed out
//! where it lies: the feed's hundred thousand messages a second are neither copied nor allocated.
//! Extensions are not negotiated, so a reserved bit is an error. Whose frames are masked is known
//! from the [`Role`]: a client that gets a masked frame, or a server that gets a bare one, ends the
//! connection, as the RFC asks.
//!
//! ```text
//! socket.read(decoder.space()) → decoder.filled(n) → while let Some(message) = decoder.message()?
//! encode(&mut out, Opcode::Text, Some(mask), b"…") → socket.write(&out)
//! ```

mod decode;
mod encode;
mod handshake;

pub use decode::{Decoder, MESSAGE_MAX, Message};
pub use encode::{FRAME_OVERHEAD, close, encode};
pub use handshake::{
    HandshakeError, accept_key, accepted, nonce_text, upgrade_request, upgrade_response,
};

use core::fmt;

/// Which end of the connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Writes masked frames, reads bare ones.
    Client,
    /// Writes bare frames, reads masked ones.
    Server,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message before.
    Continuation = 0,
    /// Text.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The end, with a reason.
    Close = 8,
    /// To be answered with a pong of the same payload.
    Ping = 9,
    /// Answers a ping, or says that one lives.
    Pong = 10,
}

impl Opcode {
    const fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Close, ping or pong: never in parts, at most 125 bytes, allowed between parts of others.
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// The codes of a close frame that this program sends or looks for.
pub mod close_code {
    /// Done.
    pub const NORMAL: u16 = 1_000;
    /// The end goes away: shut down, rotated.
    pub const AWAY: u16 = 1_001;
    /// The other end broke the protocol.
    pub const PROTOCOL: u16 = 1_002;
    /// Bytes that are not the text they should be.
    pub const NOT_TEXT: u16 = 1_007;
    /// The other end broke a rule of ours.
    pub const POLICY: u16 = 1_008;
    /// A message that is too big.
    pub const TOO_BIG: u16 = 1_009;
}

/// How the other end broke the protocol. The connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WsError {
    /// A reserved bit without an extension that would explain it.
    Reserved,
    /// An opcode that does not exist.
    Opcode(u8),
    /// Masked where it must be bare.
    Masked,
    /// Bare where it must be masked.
    Bare,
    /// A control frame in parts, or of more than 125 bytes.
    Control,
    /// A part without a beginning, or a beginning inside of a message.
    Fragment,
    /// A message longer than allowed; the limit.
    TooBig(usize),
    /// A close frame with a code that does not exist, or half of one, or a reason that is not text.
    Close,
}

impl WsError {
    /// The code to close with.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::TooBig(_) => close_code::TOO_BIG,
            _ => close_code::PROTOCOL,
        }
    }
}

impl fmt::Display for WsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other end broke the WebSocket protocol: ")?;
        match self {
            Self::Reserved => f.write_str("a reserved bit is set and no extension was agreed"),
            Self::Opcode(bits) => write!(f, "opcode {bits} does not exist"),
            Self::Masked => f.write_str("a server's frame is masked"),
            Self::Bare => f.write_str("a client's frame is not masked"),
            Self::Control => f.write_str("a control frame is in parts or too long"),
            Self::Fragment => f.write_str("parts of messages are out of order"),
            Self::TooBig(most) => write!(f, "a message has more than the {most} bytes allowed"),
            Self::Close => f.write_str("the close frame's code or reason is not valid"),
        }?;
        f.write_str("; connect again")
    }
}

impl core::error::Error for WsError {}

/// Applies a mask to bytes of which the first is byte `from` of the payload.
fn mask(bytes: &mut [u8], key: [u8; 4], from: usize) {
    let turned: [u8; 4] = core::array::from_fn(|n| key[(n + from) % 4]);
    let wide = u64::from(u32::from_ne_bytes(turned));
    let wide = wide | wide << 32;
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (n, byte) in rest.iter_mut().enumerate() {
        *byte ^= turned[n % 4];
    }
}
