//! One WebSocket connection: handshake, frames to the intake, pongs.

use super::intake::{Asks, Intake};
use crate::clock;
use aegis_ring::Writer;
use aegis_types::{Nanos, Tick};
use aegis_venue::client::link::{Link, Target, Tls, Took};
use aegis_wire::websocket::{
    Decoder, Message, Opcode, Role, accepted, encode, nonce_text, upgrade_request,
};
use rustix::event::PollFd;
use std::hash::{BuildHasher, Hasher};

/// How long a connection may take to be made.
const CONNECT: Nanos = Nanos(10_000_000_000);
/// Bytes of the longest message, and about the buffer of a connection.
const MESSAGE_MAX: usize = 256 * 1024;
/// Reads before the other connections have their turn.
const READS: usize = 16;
/// Bytes of a handshake's answer read at once.
const HANDSHAKE: usize = 4096;

enum State {
    Opening(Link),
    Shaking { link: Link, key: String, head: Vec<u8> },
    Open { link: Link, decoder: Box<Decoder> },
    Over,
}

/// What a turn brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Quiet,
    /// The streams are asked for.
    Opened,
    /// Messages of a market.
    Data,
    /// The end, and why.
    Ended(String),
}

/// A connection.
pub(super) struct Channel {
    state: State,
    host: String,
    path: String,
    subscribe: Vec<String>,
    out: Vec<u8>,
    /// TLS: what is decrypted already wakes nobody.
    secure: bool,
    /// There is more than one turn took.
    more: bool,
}

impl Channel {
    /// Begins to open an address, and to subscribe by message what is not in it.
    pub(super) fn open(
        url: &str,
        subscribe: &[String],
        tls: &Tls,
        now: Nanos,
    ) -> Result<Self, String> {
        let target = Target::parse(url).map_err(|e| e.to_string())?;
        Ok(Self {
            state: State::Opening(Link::open(&target, tls, now, CONNECT)),
            host: target.authority(),
            secure: target.secure,
            path: target.path,
            subscribe: subscribe.to_vec(),
            out: Vec::with_capacity(256),
            more: false,
        })
    }

    /// What to poll for; nothing while it is being dialed.
    pub(super) fn poll_fd(&self) -> Option<PollFd<'_>> {
        match &self.state {
            State::Opening(link) | State::Shaking { link, .. } | State::Open { link, .. } => {
                link.poll_fd()
            }
            State::Over => None,
        }
    }

    /// Has a turn left something unread that no poll may tell of?
    pub(super) const fn has_more(&self) -> bool {
        self.more
    }

    /// Carries it on. Ticks go into the ring; what frames ask for into `asks`.
    pub(super) fn turn(
        &mut self,
        intake: &mut Intake,
        ring: &mut Writer,
        asks: &mut Vec<Asks>,
    ) -> Turn {
        match self.try_turn(intake, ring, asks) {
            Ok(turn) => turn,
            Err(why) => Turn::Ended(why),
        }
    }

    fn try_turn(
        &mut self,
        intake: &mut Intake,
        ring: &mut Writer,
        asks: &mut Vec<Asks>,
    ) -> Result<Turn, String> {
        match &mut self.state {
            State::Opening(link) => {
                if !link.advance(clock::monotonic()).map_err(|e| e.to_string())? {
                    return Ok(Turn::Quiet);
                }
                let key = nonce_text(nonce());
                let request = upgrade_request(&self.host, &self.path, &key, &[]);
                link.write(&request).map_err(|e| e.to_string())?;
                let State::Opening(link) = std::mem::replace(&mut self.state, State::Over) else {
                    return Ok(Turn::Quiet);
                };
                self.state = State::Shaking { link, key, head: Vec::new() };
                Ok(Turn::Quiet)
            }
            State::Shaking { .. } => self.shake(),
            State::Over => Err("it is over".to_owned()),
            State::Open { link, decoder } => {
                link.advance(clock::monotonic()).map_err(|e| e.to_string())?;
                let before = intake.counts().data;
                let frame = |received_us, bytes: &[u8], now| {
                    let ask = intake.frame(now, received_us, bytes, &mut |tick: &Tick| {
                        ring.publish(&tick.to_words());
                    });
                    if ask != Asks::Nothing {
                        asks.push(ask);
                    }
                };
                let (turn, more) = read(link, decoder, &mut self.out, self.secure, frame)?;
                self.more = more;
                let is_proof = intake.counts().data != before;
                Ok(if is_proof { turn } else { Turn::Quiet })
            }
        }
    }

    /// Reads the answer to the handshake; then the connection is open.
    fn shake(&mut self) -> Result<Turn, String> {
        let State::Shaking { link, key, head } = &mut self.state else { return Ok(Turn::Quiet) };
        link.advance(clock::monotonic()).map_err(|e| e.to_string())?;
        let mut bytes = [0; HANDSHAKE];
        let Took::Bytes(read) = link.read(&mut bytes).map_err(|e| e.to_string())? else {
            return Ok(Turn::Quiet);
        };
        head.extend_from_slice(&bytes[..read]);
        let Some(length) = accepted(head, key).map_err(|e| e.to_string())? else {
            return Ok(Turn::Quiet);
        };
        let mut decoder = Box::new(Decoder::new(Role::Client, MESSAGE_MAX));
        if decoder.feed(&head[length..]) < head.len() - length {
            return Err("more came with the handshake than one message may have".to_owned());
        }
        for message in &self.subscribe {
            self.out.clear();
            encode(&mut self.out, Opcode::Text, Some(mask()), message.as_bytes());
            link.write(&self.out).map_err(|e| e.to_string())?;
        }
        let State::Shaking { link, .. } = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Turn::Quiet);
        };
        self.state = State::Open { link, decoder };
        Ok(Turn::Opened)
    }
}

/// Reads what is there, message by message. The stamp is taken right behind the read that brought
/// them. Says too whether there may be more.
#[inline]
fn read(
    link: &mut Link,
    decoder: &mut Decoder,
    out: &mut Vec<u8>,
    secure: bool,
    mut frame: impl FnMut(u32, &[u8], Nanos),
) -> Result<(Turn, bool), String> {
    let mut turn = Turn::Quiet;
    for round in 0..=READS {
        // The first round takes what came with the handshake.
        let (full, now) = if round == 0 {
            (true, clock::monotonic())
        } else {
            let space = decoder.space();
            let room = space.len();
            match link.read(space).map_err(|e| e.to_string())? {
                Took::Nothing => return Ok((turn, false)),
                Took::Bytes(read) => {
                    let now = clock::monotonic();
                    decoder.filled(read);
                    (secure || read == room, now)
                }
            }
        };
        let received_us = super::stamp(now);
        while let Some(message) = decoder.message().map_err(|e| e.to_string())? {
            match message {
                Message::Text(bytes) => {
                    turn = Turn::Data;
                    frame(received_us, bytes, now);
                }
                Message::Ping(payload) => {
                    out.clear();
                    encode(out, Opcode::Pong, Some(mask()), payload);
                    link.write(out).map_err(|e| e.to_string())?;
                }
                Message::Binary(_) | Message::Pong(_) => {}
                Message::Close { code, reason } => {
                    let code = code.map_or_else(String::new, |code| format!(" ({code} {reason})"));
                    return Err(format!("the exchange closed the connection{code}"));
                }
            }
        }
        if !full {
            return Ok((turn, false));
        }
    }
    Ok((turn, true))
}

/// Random bytes from the system, by the way that the standard library seeds its maps.
fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn nonce() -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&random().to_le_bytes());
    nonce[8..].copy_from_slice(&random().to_le_bytes());
    nonce
}

fn mask() -> [u8; 4] {
    (random() as u32).to_le_bytes()
}
