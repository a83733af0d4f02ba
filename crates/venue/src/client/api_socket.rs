//! The connection of the WebSocket API, when orders go by it.
//!
//! Replies carry the number of their request, so that several may be under way. When the
//! connection ends, the outcome of all of them is unknown.

use super::backoff::Backoff;
use super::frames::{read_reply, write_frame};
use super::http::REQUEST_MAX;
use super::link::Target;
use super::machine::{Input, Machine, Out};
use super::pool::{Shared, look_at_fence};
use super::request::{Lane, Loss, Outcome, Reply};
use super::websocket::{Event, Socket, SocketFault};
use aegis_types::Nanos;
use rustix::event::PollFd;

/// Requests under way at once.
const UNDER_WAY: usize = 64;
/// The exchange ends a connection after 24 h.
const ROTATE: Nanos = Nanos::HOUR.times(23);

pub(super) struct ApiSocket {
    target: Target,
    socket: Option<Socket>,
    backoff: Backoff,
    again: Nanos,
    since: Nanos,
    /// Requests whose replies are awaited.
    busy: Vec<u64>,
    proven: bool,
    seed: u64,
    text: String,
    payload: String,
}

impl core::fmt::Debug for ApiSocket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ApiSocket").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl ApiSocket {
    pub fn new(target: Target, seed: u64) -> Self {
        Self {
            target,
            socket: None,
            backoff: Backoff::for_requests(seed),
            again: Nanos(i64::MIN),
            since: Nanos::ZERO,
            busy: Vec::with_capacity(UNDER_WAY),
            proven: false,
            seed,
            text: String::with_capacity(REQUEST_MAX),
            payload: String::with_capacity(REQUEST_MAX),
        }
    }

    /// One turn. True when something happened.
    pub fn pump(
        &mut self,
        now: Nanos,
        shared: &Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) -> bool {
        let Shared { tls, identity, fence, .. } = shared;
        if self.socket.is_none() && now >= self.again {
            let seed = self.seed ^ now.0.unsigned_abs();
            (self.socket, self.since) = (Some(Socket::open(&self.target, tls, now, seed)), now);
        }
        let mut moved = self.hear(now, machine, out);
        if self.busy.is_empty() && self.socket.is_some() && now.since(self.since) >= ROTATE {
            // Nothing is under way, so nothing is lost; a new one is made at once.
            self.drop_socket(now);
            return true;
        }
        while self.socket.as_ref().is_some_and(Socket::is_open)
            && self.busy.len() < UNDER_WAY
            && machine.waits(now, Lane::Orders)
            && let Some(request) = machine.next(now, Lane::Orders, out)
        {
            moved = true;
            self.busy.push(request.token);
            let known = write_frame(&mut self.text, &mut self.payload, &request, identity);
            if !known {
                self.busy.pop();
                let outcome = Outcome::Lost(Loss::NotSent);
                machine.step(now, Input::Ended { token: request.token, outcome }, out);
                continue;
            }
            look_at_fence(fence.as_deref(), machine, out);
            if !machine.pass(now, &request, &self.text, out) {
                self.busy.pop();
                continue;
            }
            let sent = self.socket.as_mut().map(|socket| socket.send_text(&self.text));
            if let Some(Err(fault)) = sent {
                self.end(now, &fault, machine, out);
            }
        }
        moved
    }

    fn hear(&mut self, now: Nanos, machine: &mut Machine, out: &mut Out) -> bool {
        let mut moved = false;
        while let Some(socket) = &mut self.socket {
            let frame = match socket.next(now) {
                Ok(None) => break,
                Ok(Some(Event::Text(frame))) => frame,
                Ok(Some(Event::Opened | Event::Alive)) => {
                    moved = true;
                    continue;
                }
                Err(fault) => {
                    self.end(now, &fault, machine, out);
                    return true;
                }
            };
            moved = true;
            let Some(reply) = read_reply(frame) else { continue };
            let Some(token) = reply.token else {
                let words = String::from_utf8_lossy(&reply.body);
                tracing::warn!(status = reply.status, %words, "the WebSocket API speaks up");
                continue;
            };
            // Given up before, when it is not among them.
            let Some(index) = self.busy.iter().position(|busy| *busy == token) else { continue };
            self.busy.swap_remove(index);
            self.proven = true;
            self.backoff.reset();
            let (status, meters) = (reply.status, reply.meters);
            let outcome = Outcome::Reply(Reply { status, meters, body: &reply.body });
            machine.step(now, Input::Ended { token, outcome }, out);
        }
        moved
    }

    /// The connection is over: the outcome of what is under way is unknown.
    fn end(&mut self, now: Nanos, fault: &SocketFault, machine: &mut Machine, out: &mut Out) {
        tracing::warn!(%fault, under_way = self.busy.len(), "the WebSocket API's connection ended");
        self.drop_socket(now);
        for token in core::mem::take(&mut self.busy) {
            let outcome = Outcome::Lost(Loss::Cut);
            machine.step(now, Input::Ended { token, outcome }, out);
        }
    }

    fn drop_socket(&mut self, now: Nanos) {
        if let Some(mut socket) = self.socket.take() {
            socket.close();
        }
        self.again = if self.proven { now } else { now.after(self.backoff.pause()) };
        self.proven = false;
    }

    /// The reply to this request is given up; when it comes, nobody knows its number any more.
    pub fn abort(&mut self, token: u64) {
        self.busy.retain(|busy| *busy != token);
    }

    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        self.socket.as_ref()?.link().poll_fd()
    }

    pub fn is_dialing(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.link().is_dialing())
    }
}
