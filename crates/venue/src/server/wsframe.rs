//! Step machine: WebSocket frames (RFC 6455) of the server's side: text out, whatever comes in.

use bytes::Bytes;

/// Longest message that a client may send.
pub const MESSAGE_MAX: usize = 256 * 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message before.
    Continuation,
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// The end.
    Close,
    /// To be answered with a pong.
    Ping,
    /// The answer.
    Pong,
}

impl Opcode {
    const fn of(byte: u8) -> Option<Self> {
        Some(match byte & 0x0f {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// Why a socket must close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WsFault {
    /// Not as the protocol says.
    Protocol,
    /// Longer than [`MESSAGE_MAX`].
    TooLong,
}

impl WsFault {
    /// The close code that tells it.
    pub const fn code(self) -> u16 {
        match self {
            Self::Protocol => 1002,
            Self::TooLong => 1009,
        }
    }
}

fn head(out: &mut Vec<u8>, opcode: Opcode, length: usize) {
    out.push(0x80 | opcode.byte());
    match length {
        0..=125 => out.push(length as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// A whole frame around these parts.
pub fn frame(opcode: Opcode, parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 10);
    head(&mut out, opcode, length);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.into()
}

/// A text message.
pub fn text(payload: &str) -> Bytes {
    frame(Opcode::Text, &[payload.as_bytes()])
}

/// A text message in the wrapper of combined streams.
pub fn combined(stream: &str, payload: &str) -> Bytes {
    let parts = ["{\"stream\":\"", stream, "\",\"data\":", payload, "}"];
    frame(Opcode::Text, &parts.map(str::as_bytes))
}

/// A close frame.
pub fn close(code: u16, reason: &str) -> Bytes {
    frame(Opcode::Close, &[&code.to_be_bytes(), reason.as_bytes()])
}

/// One message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Text, binary or a control message.
    pub opcode: Opcode,
    /// Its bytes, unmasked.
    pub payload: Vec<u8>,
}

/// Puts a client's bytes together to messages.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    at: usize,
    partial: Option<Message>,
}

impl Reader {
    /// Bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; control messages may come between the parts of another.
    ///
    /// # Errors
    /// [`WsFault`]: the socket must close.
    pub fn next(&mut self) -> Result<Option<Message>, WsFault> {
        while let Some((last, message)) = self.frame()? {
            if matches!(message.opcode, Opcode::Close | Opcode::Ping | Opcode::Pong) {
                if !last || message.payload.len() > 125 {
                    return Err(WsFault::Protocol);
                }
                return Ok(Some(message));
            }
            let whole = match (self.partial.take(), message.opcode) {
                (Some(mut partial), Opcode::Continuation) => {
                    partial.payload.extend_from_slice(&message.payload);
                    partial
                }
                (None, Opcode::Text | Opcode::Binary) => message,
                _ => return Err(WsFault::Protocol),
            };
            if whole.payload.len() > MESSAGE_MAX {
                return Err(WsFault::TooLong);
            }
            if last {
                return Ok(Some(whole));
            }
            self.partial = Some(whole);
        }
        Ok(None)
    }

    fn frame(&mut self) -> Result<Option<(bool, Message)>, WsFault> {
        let bytes = &self.buffer[self.at..];
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::of(*first).ok_or(WsFault::Protocol)?;
        // A client masks, and extensions were not agreed on.
        if second & 0x80 == 0 || first & 0x70 != 0 {
            return Err(WsFault::Protocol);
        }
        let (length, rest) = match second & 0x7f {
            126 => match rest.split_first_chunk::<2>() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        if length > MESSAGE_MAX as u64 {
            return Err(WsFault::TooLong);
        }
        let length = length as usize;
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let Some(masked) = rest.get(..length) else { return Ok(None) };
        let payload = masked.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
        self.at += bytes.len() - rest.len() + length;
        Ok(Some((first & 0x80 != 0, Message { opcode, payload })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut out = vec![first, 0x80 | payload.len() as u8];
        out.extend_from_slice(&mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        out
    }

    #[test]
    fn messages_come_out_whole_whatever_the_pieces() {
        let mut bytes = masked(0x01, b"he");
        bytes.extend(masked(0x89, b"p"));
        bytes.extend(masked(0x80, b"llo"));
        for piece in 1..bytes.len() {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            for part in bytes.chunks(piece) {
                reader.feed(part);
                while let Some(message) = reader.next().unwrap() {
                    found.push((message.opcode, message.payload));
                }
            }
            let expected = [(Opcode::Ping, b"p".to_vec()), (Opcode::Text, b"hello".to_vec())];
            assert_eq!(found, expected, "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_not_allowed_closes() {
        let fault = |bytes: &[u8]| {
            let mut reader = Reader::default();
            reader.feed(bytes);
            reader.next()
        };
        assert_eq!(fault(&[0x81, 0x01, b'a']), Err(WsFault::Protocol), "not masked");
        assert_eq!(fault(&[0x83, 0x80]), Err(WsFault::Protocol), "unknown opcode");
        assert_eq!(fault(&masked(0x80, b"a")), Err(WsFault::Protocol), "continues nothing");
        let long = [&[0x81, 0xff][..], &(1u64 << 40).to_be_bytes()].concat();
        assert_eq!(fault(&long), Err(WsFault::TooLong));
    }

    #[test]
    fn lengths_have_three_forms() {
        assert_eq!(text("a")[..2], [0x81, 1]);
        assert_eq!(text(&"a".repeat(126))[..4], [0x81, 126, 0, 126]);
        assert_eq!(text(&"a".repeat(65_536))[..4], [0x81, 127, 0, 0]);
        assert_eq!(&combined("s", "{}")[2..], b"{\"stream\":\"s\",\"data\":{}}");
    }
}
