//! Step machine: bytes of a connection to whole messages.

use super::{Opcode, Role, WsError, mask};
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of one message unless the caller says otherwise: several times the largest that the
/// exchange sends (the 24-hour figures of all symbols).
pub const MESSAGE_MAX: usize = 1 << 20;

/// Two bytes, a length of eight, a mask of four.
const HEADER_MAX: usize = 14;
/// A read into less space than this is not worth a system call.
const READ_MIN: usize = 16 * 1_024;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text. Whether it is UTF-8 is found out by whoever reads it.
    Text(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// To be answered with a pong of the same payload.
    Ping(&'a [u8]),
    /// The answer to a ping, or a sign of life.
    Pong(&'a [u8]),
    /// The end: nothing after it is read.
    Close {
        /// Why, if it says so.
        code: Option<u16>,
        /// In words.
        reason: &'a str,
    },
}

/// A frame's header.
#[derive(Clone, Copy)]
struct Header {
    last: bool,
    opcode: Opcode,
    key: Option<[u8; 4]>,
    /// Bytes before the payload.
    start: usize,
    length: usize,
}

/// Reads one direction of a connection.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    message_max: usize,
    /// The bytes `from..to` are read and not yet handed out.
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    /// What the frame under way needs in all, as far as is known.
    wanted: usize,
    /// Parts of a message that comes in several frames, and what it is.
    parts: Vec<u8>,
    kind: Option<Opcode>,
    closed: bool,
}

impl Decoder {
    /// With a limit for one message; one buffer of about this size is taken now and never grows.
    pub fn new(role: Role, message_max: usize) -> Self {
        let room = message_max.saturating_add(HEADER_MAX).max(2 * READ_MIN);
        Self {
            role,
            message_max,
            buffer: vec![0; room],
            from: 0,
            to: 0,
            wanted: 2,
            parts: Vec::new(),
            kind: None,
            closed: false,
        }
    }

    /// Where the next read goes. It is never empty once [`Decoder::message`] has said that there is
    /// no message.
    pub fn space(&mut self) -> &mut [u8] {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        }
        let behind = self.buffer.len() - self.to;
        let short = self.wanted > self.buffer.len() - self.from;
        if self.from > 0 && (behind < READ_MIN || short) {
            self.buffer.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        &mut self.buffer[self.to..]
    }

    /// So many bytes were read into [`Decoder::space`].
    pub fn filled(&mut self, read: usize) {
        self.to = self.to.saturating_add(read).min(self.buffer.len());
    }

    /// Bytes that the handshake read beyond its end. Returns how many were taken: all of them,
    /// unless there are more than one message may have.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let taken = bytes.len().min(space.len());
        space[..taken].copy_from_slice(&bytes[..taken]);
        self.filled(taken);
        taken
    }

    /// Bytes read and not yet handed out.
    pub const fn pending(&self) -> usize {
        self.to - self.from
    }

    /// A close frame has come.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The next whole message, if its last byte has been read. Parts are put together; pings
    /// between them come at once.
    ///
    /// # Errors
    /// [`WsError`]: the connection is over, and no later message can be trusted.
    pub fn message(&mut self) -> Result<Option<Message<'_>>, WsError> {
        loop {
            if self.closed {
                return Ok(None);
            }
            let Some(header) = self.header()? else { return Ok(None) };
            self.wanted = header.start + header.length;
            if self.pending() < self.wanted {
                return Ok(None);
            }
            let payload = self.from + header.start..self.from + self.wanted;
            self.from = payload.end;
            self.wanted = 2;
            if let Some(key) = header.key {
                mask(&mut self.buffer[payload.clone()], key, 0);
            }
            if header.opcode == Opcode::Continuation || !header.last && !header.opcode.is_control()
            {
                self.part(header, payload)?;
                if header.last {
                    let kind = self.kind.take();
                    let binary = kind == Some(Opcode::Binary);
                    let whole = &self.parts[..];
                    let whole = if binary { Message::Binary(whole) } else { Message::Text(whole) };
                    return Ok(Some(whole));
                }
                continue;
            }
            if !header.opcode.is_control() && self.kind.is_some() {
                return Err(WsError::Fragment);
            }
            let payload = &self.buffer[payload];
            return Ok(Some(match header.opcode {
                Opcode::Ping => Message::Ping(payload),
                Opcode::Pong => Message::Pong(payload),
                Opcode::Binary => Message::Binary(payload),
                Opcode::Close => {
                    self.closed = true;
                    closing(payload)?
                }
                Opcode::Text | Opcode::Continuation => Message::Text(payload),
            }));
        }
    }

    /// The header of the frame under way, if all of it has been read.
    fn header(&mut self) -> Result<Option<Header>, WsError> {
        let bytes = &self.buffer[self.from..self.to];
        let [first, second, ..] = *bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(WsError::Reserved);
        }
        let last = first & 0x80 != 0;
        let opcode = Opcode::of(first & 0x0F).ok_or(WsError::Opcode(first & 0x0F))?;
        let masked = second & 0x80 != 0;
        match self.role {
            Role::Client if masked => return Err(WsError::Masked),
            Role::Server if !masked => return Err(WsError::Bare),
            _ => {}
        }
        let short = second & 0x7F;
        if opcode.is_control() && (!last || short > 125) {
            return Err(WsError::Control);
        }
        let (length, start) = match short {
            126 => match bytes.get(2..).and_then(|rest| rest.first_chunk::<2>()) {
                Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..).and_then(|rest| rest.first_chunk::<8>()) {
                Some(length) => (u64::from_be_bytes(*length), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let whole = if opcode == Opcode::Continuation { self.parts.len() } else { 0 };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.message_max.saturating_sub(whole))
            .ok_or(WsError::TooBig(self.message_max))?;
        if !masked {
            return Ok(Some(Header { last, opcode, key: None, start, length }));
        }
        match bytes.get(start..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(key) => {
                Ok(Some(Header { last, opcode, key: Some(*key), start: start + 4, length }))
            }
            None => Ok(None),
        }
    }

    /// One frame of a message that comes in several.
    fn part(&mut self, header: Header, payload: core::ops::Range<usize>) -> Result<(), WsError> {
        match (header.opcode, self.kind) {
            (Opcode::Continuation, Some(_)) => {}
            (Opcode::Continuation, None) | (_, Some(_)) => return Err(WsError::Fragment),
            (kind, None) => {
                self.kind = Some(kind);
                self.parts.clear();
            }
        }
        self.parts.extend_from_slice(&self.buffer[payload]);
        Ok(())
    }
}

/// A close frame's payload: nothing, or a code and a reason.
fn closing(payload: &[u8]) -> Result<Message<'_>, WsError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        let message = Message::Close { code: None, reason: "" };
        return if payload.is_empty() { Ok(message) } else { Err(WsError::Close) };
    };
    let code = u16::from_be_bytes(*code);
    let known = matches!(code, 1_000..=1_003 | 1_007..=1_014 | 3_000..=4_999);
    match core::str::from_utf8(reason) {
        Ok(reason) if known => Ok(Message::Close { code: Some(code), reason }),
        _ => Err(WsError::Close),
    }
}
