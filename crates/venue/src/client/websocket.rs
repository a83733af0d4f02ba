//! One WebSocket over a [`Link`]: handshake, messages, pongs, and knowing when it is dead.
//!
//! Messages are handed out where they lie in the read buffer. Pings are answered here. When nothing
//! has come for a while a ping of ours asks whether anybody is there, because a half-open
//! connection looks just like a quiet one.

use super::link::{Link, LinkFault, Target, Tls, Took};
use aegis_types::Nanos;
use aegis_wire::websocket::{
    Decoder, HandshakeError, MESSAGE_MAX, Message, Opcode, Role, WsError, accepted, close,
    close_code, encode, nonce_text, upgrade_request,
};
use std::fmt;

/// Longest time for connection and handshake.
const OPEN_WITHIN: Nanos = Nanos::SECOND.times(10);
/// Silence after which we ping.
const PING_AFTER: Nanos = Nanos::SECOND.times(20);
/// Silence after which it is dead.
const DEAD_AFTER: Nanos = Nanos::SECOND.times(40);
/// Bytes of the server's answer to the handshake.
const HANDSHAKE_MAX: usize = 16 * 1_024;

/// Why a socket is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketFault {
    /// The connection.
    Link(LinkFault),
    /// The server did not make it a WebSocket.
    Handshake(HandshakeError),
    /// The server broke the protocol.
    Protocol(WsError),
    /// The server said goodbye, with its code.
    Goodbye(Option<u16>),
    /// Nobody answers any more.
    Dead,
    /// No handshake in time.
    Slow,
}

impl fmt::Display for SocketFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(why) => write!(f, "{why}"),
            Self::Handshake(why) => write!(f, "{why}"),
            Self::Protocol(why) => write!(f, "{why}"),
            Self::Goodbye(Some(code)) => write!(f, "the server closed the stream, code {code}"),
            Self::Goodbye(None) => f.write_str("the server closed the stream"),
            Self::Dead => f.write_str("nothing came for 40 s, not even a pong"),
            Self::Slow => f.write_str("the server did not answer the handshake in time"),
        }
    }
}

impl std::error::Error for SocketFault {}

impl From<LinkFault> for SocketFault {
    fn from(fault: LinkFault) -> Self {
        Self::Link(fault)
    }
}

/// What a socket brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The handshake is done.
    Opened,
    /// A text message.
    Text(&'a [u8]),
    /// A ping or a pong.
    Alive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Linking,
    Upgrading,
    JustOpened,
    Open,
}

/// A WebSocket.
#[derive(Debug)]
pub struct Socket {
    link: Link,
    target: Target,
    phase: Phase,
    key: String,
    greeting: Vec<u8>,
    decoder: Decoder,
    out: Vec<u8>,
    /// Payload of the ping that is to be answered.
    pong: Vec<u8>,
    pong_due: bool,
    masks: u64,
    since: Nanos,
    heard: Nanos,
    pinged: bool,
    /// No whole message is left in the buffer.
    hungry: bool,
}

impl Socket {
    /// Begins to open. `seed` makes nonce and masks; they hide nothing, TLS does.
    pub fn open(target: &Target, tls: &Tls, now: Nanos, seed: u64) -> Self {
        let mut masks = seed;
        let (a, b) = (draw(&mut masks), draw(&mut masks));
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&a.to_le_bytes());
        nonce[8..].copy_from_slice(&b.to_le_bytes());
        Self {
            link: Link::open(target, tls, now, OPEN_WITHIN),
            target: target.clone(),
            phase: Phase::Linking,
            key: nonce_text(nonce),
            greeting: Vec::new(),
            decoder: Decoder::new(Role::Client, MESSAGE_MAX),
            out: Vec::with_capacity(1_024),
            pong: Vec::with_capacity(128),
            pong_due: false,
            masks,
            since: now,
            heard: now,
            pinged: false,
            hungry: true,
        }
    }

    /// Is the handshake done?
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::JustOpened)
    }

    /// The next thing that has come, if anything has. To be called until there is nothing.
    ///
    /// # Errors
    /// Why it is over; it must be dropped.
    pub fn next(&mut self, now: Nanos) -> Result<Option<Event<'_>>, SocketFault> {
        if !self.is_open() && !self.opening(now)? {
            return Ok(None);
        }
        if self.phase == Phase::JustOpened {
            (self.phase, self.heard) = (Phase::Open, now);
            return Ok(Some(Event::Opened));
        }
        // A ping is answered before the next message is looked at.
        if self.pong_due {
            self.pong_due = false;
            self.out.clear();
            encode(&mut self.out, Opcode::Pong, Some(mask(&mut self.masks)), &self.pong);
            self.link.write(&self.out)?;
        }
        // One read brings many messages; the kernel is asked again when they are handed out.
        if self.hungry {
            self.fill(now)?;
            self.hungry = false;
        }
        match self.decoder.message().map_err(SocketFault::Protocol)? {
            None => {
                self.hungry = true;
                Ok(None)
            }
            Some(Message::Text(text)) => Ok(Some(Event::Text(text))),
            Some(Message::Ping(payload)) => {
                self.pong.clear();
                self.pong.extend_from_slice(payload);
                self.pong_due = true;
                Ok(Some(Event::Alive))
            }
            Some(Message::Pong(_) | Message::Binary(_)) => Ok(Some(Event::Alive)),
            Some(Message::Close { code, .. }) => Err(SocketFault::Goodbye(code)),
        }
    }

    fn fill(&mut self, now: Nanos) -> Result<(), SocketFault> {
        self.link.advance(now)?;
        let space = self.decoder.space();
        if space.is_empty() {
            return Ok(());
        }
        match self.link.read(space)? {
            Took::Bytes(n) => {
                self.decoder.filled(n);
                (self.heard, self.pinged) = (now, false);
                Ok(())
            }
            Took::Nothing => self.watch(now),
        }
    }

    fn watch(&mut self, now: Nanos) -> Result<(), SocketFault> {
        let silent = now.since(self.heard);
        if silent >= DEAD_AFTER {
            return Err(SocketFault::Dead);
        }
        if silent >= PING_AFTER && !self.pinged {
            self.pinged = true;
            self.send(Opcode::Ping, b"")?;
        }
        Ok(())
    }

    fn opening(&mut self, now: Nanos) -> Result<bool, SocketFault> {
        if now.since(self.since) >= OPEN_WITHIN {
            return Err(SocketFault::Slow);
        }
        if !self.link.advance(now)? {
            return Ok(false);
        }
        if self.phase == Phase::Linking {
            let host = self.target.authority();
            let request = upgrade_request(&host, &self.target.path, &self.key, &[]);
            self.link.write(&request)?;
            self.phase = Phase::Upgrading;
        }
        let mut bytes = [0; 2_048];
        loop {
            match self.link.read(&mut bytes)? {
                Took::Nothing => return Ok(false),
                Took::Bytes(n) => self.greeting.extend_from_slice(&bytes[..n]),
            }
            let found = accepted(&self.greeting, &self.key).map_err(SocketFault::Handshake)?;
            if let Some(length) = found {
                // Frames may have come with the greeting; a read of 2 KiB always fits.
                self.decoder.feed(&self.greeting[length..]);
                self.hungry = false;
                self.greeting = Vec::new();
                self.phase = Phase::JustOpened;
                return Ok(true);
            }
            if self.greeting.len() > HANDSHAKE_MAX {
                return Err(SocketFault::Slow);
            }
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// Why it is over. Part of the message may have left.
    pub fn send_text(&mut self, text: &str) -> Result<(), SocketFault> {
        self.send(Opcode::Text, text.as_bytes())
    }

    fn send(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SocketFault> {
        self.out.clear();
        encode(&mut self.out, opcode, Some(mask(&mut self.masks)), payload);
        self.link.write(&self.out)?;
        Ok(())
    }

    /// Says goodbye, as far as that is possible now.
    pub fn close(&mut self) {
        if self.is_open() {
            self.out.clear();
            close(&mut self.out, Some(mask(&mut self.masks)), close_code::NORMAL, "");
            // It ends either way.
            let _ = self.link.write(&self.out);
        }
    }

    /// The connection, to poll it.
    pub const fn link(&self) -> &Link {
        &self.link
    }
}

fn mask(state: &mut u64) -> [u8; 4] {
    (draw(state) as u32).to_le_bytes()
}

/// SplitMix64 (Steele, Lea, Flood, 2014).
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
