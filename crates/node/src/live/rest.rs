//! Questions to the exchange by REST that need no key, over a few connections that stay open.
//!
//! A question is sent once. What becomes of it comes back with the token it was asked with: an
//! answer, or that there is none; to ask again is the asker's business. The ledger of weight, which
//! the answers' headers correct, decides when a question may go.

use aegis_types::Nanos;
use aegis_venue::client::ledger::{Admission, Ledger, Limits, Refusal, Urgency};
use aegis_venue::client::link::{Link, LinkFault, Target, Tls, Took};
use aegis_venue::client::request::Meters;
use aegis_wire::endpoints::{ORDERS_MINUTE_HEADER, ORDERS_TEN_SECONDS_HEADER, USED_WEIGHT_HEADER};
use aegis_wire::errors::banned_until;
use aegis_wire::http::{BodyReader, ResponseHead};
use rustix::event::PollFd;
use std::collections::VecDeque;

/// Connections, and so questions under way.
const CONNECTIONS: usize = 4;
/// How long a connection may take to be made.
const CONNECT: Nanos = Nanos(5_000_000_000);
/// How long an answer may take.
const PATIENCE: Nanos = Nanos(10_000_000_000);
/// A connection that was not used for so long may have been closed at the other end.
const STALE: Nanos = Nanos(20_000_000_000);
/// Pause of a connection that could not be made or broke.
const PAUSE: Nanos = Nanos(500_000_000);
/// Bytes read at once.
const READ: usize = 64 * 1024;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// How a question ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With an answer, whatever its status.
    Answer(Answer),
    /// Without; why.
    Lost(String),
}

struct Question<T> {
    token: T,
    path: String,
    weight: u32,
}

/// A question under way.
struct Asked<T> {
    token: T,
    until: Nanos,
    /// What was read of the head.
    head: Vec<u8>,
    status: u16,
    retry_after_s: Option<u32>,
    body: Option<BodyReader>,
    keeps: bool,
    read: Vec<u8>,
}

enum State<T> {
    Closed { from: Nanos },
    Opening(Link),
    Idle { link: Link, since: Nanos },
    Busy { link: Link, asked: Box<Asked<T>> },
}

/// The connections and what waits for them.
pub(super) struct Rest<T> {
    target: Target,
    host: String,
    tls: Tls,
    ledger: Ledger,
    waiting: VecDeque<Question<T>>,
    connections: Vec<State<T>>,
    buffer: Vec<u8>,
    asked: u64,
    /// Nothing goes before then, by the machine's wall clock.
    closed_until: Nanos,
}

impl<T> Rest<T> {
    /// To a base such as `https://fapi.binance.com`, with so much weight a minute.
    ///
    /// # Errors
    /// When the base is no URL that may be used.
    pub(super) fn new(base: &str, weight_minute: u32, tls: Tls) -> Result<Self, LinkFault> {
        let target = Target::parse(base)?;
        let limits = Limits { weight_1m: weight_minute, ..Limits::default() };
        Ok(Self {
            host: target.authority(),
            target,
            tls,
            ledger: Ledger::new(limits),
            waiting: VecDeque::new(),
            connections: (0..CONNECTIONS).map(|_| State::Closed { from: Nanos::ZERO }).collect(),
            buffer: vec![0; READ],
            asked: 0,
            closed_until: Nanos::ZERO,
        })
    }

    /// Questions asked so far.
    pub(super) const fn asked(&self) -> u64 {
        self.asked
    }

    /// Is there room for another question, so that it would not wait behind many?
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < CONNECTIONS
    }

    /// Asks; the outcome comes from [`Rest::step`].
    pub(super) fn ask(&mut self, token: T, path: String, weight: u32) {
        self.waiting.push_back(Question { token, path, weight });
    }

    /// What to poll for.
    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.connections.iter().filter_map(|state| match state {
            State::Opening(link) | State::Idle { link, .. } | State::Busy { link, .. } => {
                link.poll_fd()
            }
            State::Closed { .. } => None,
        })
    }

    /// Is a connection being made, which nothing can be polled for?
    pub(super) fn is_dialing(&self) -> bool {
        let dials = |state: &State<T>| matches!(state, State::Opening(link) if link.is_dialing());
        self.connections.iter().any(dials)
    }

    /// Carries everything on: `now` by the monotonic clock, `wall` by the one that minutes of the
    /// exchange follow.
    pub(super) fn step(&mut self, now: Nanos, wall: Nanos, out: &mut Vec<(T, Outcome)>) {
        for n in 0..self.connections.len() {
            self.step_connection(n, now, wall, out);
        }
    }

    fn step_connection(&mut self, n: usize, now: Nanos, wall: Nanos, out: &mut Vec<(T, Outcome)>) {
        let state = std::mem::replace(&mut self.connections[n], State::Closed { from: now });
        self.connections[n] = match state {
            State::Closed { from } if from <= now && !self.waiting.is_empty() => {
                State::Opening(Link::open(&self.target, &self.tls, now, CONNECT))
            }
            State::Closed { from } => State::Closed { from },
            State::Opening(mut link) => match link.advance(now) {
                Ok(false) => State::Opening(link),
                Ok(true) => self.send(State::Idle { link, since: now }, now, wall),
                Err(fault) => {
                    // One question learns of it; the others may fare better.
                    if let Some(question) = self.waiting.pop_front() {
                        let why = format!("{}: {fault}", self.host);
                        out.push((question.token, Outcome::Lost(why)));
                    }
                    State::Closed { from: now.after(PAUSE) }
                }
            },
            State::Idle { since, .. } if now.since(since) > STALE => State::Closed { from: now },
            idle @ State::Idle { .. } => self.send(idle, now, wall),
            State::Busy { link, asked } => match self.receive(link, asked, now, wall, out) {
                idle @ State::Idle { .. } => self.send(idle, now, wall),
                other => other,
            },
        };
    }

    /// The next question over a connection that is free, if it may go.
    fn send(&mut self, state: State<T>, now: Nanos, wall: Nanos) -> State<T> {
        let State::Idle { mut link, since } = state else { return state };
        let Some(question) = self.waiting.front() else { return State::Idle { link, since } };
        if wall < self.closed_until {
            return State::Idle { link, since };
        }
        if let Admission::Wait(until) = self.ledger.admit(wall, question.weight, 0, Urgency::Usual)
        {
            self.closed_until = until;
            return State::Idle { link, since };
        }
        let Some(question) = self.waiting.pop_front() else { return State::Idle { link, since } };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n\r\n",
            question.path, self.host
        );
        if link.write(request.as_bytes()).is_err() {
            // Not a byte of an answer can come: to be asked over another connection.
            self.waiting.push_front(question);
            return State::Closed { from: now };
        }
        self.asked += 1;
        let asked = Asked {
            token: question.token,
            until: now.after(PATIENCE),
            head: Vec::new(),
            status: 0,
            retry_after_s: None,
            body: None,
            keeps: true,
            read: Vec::new(),
        };
        State::Busy { link, asked: Box::new(asked) }
    }

    fn receive(
        &mut self,
        mut link: Link,
        mut asked: Box<Asked<T>>,
        now: Nanos,
        wall: Nanos,
        out: &mut Vec<(T, Outcome)>,
    ) -> State<T> {
        let lost = |asked: Box<Asked<T>>, why: String, out: &mut Vec<(T, Outcome)>| {
            out.push((asked.token, Outcome::Lost(why)));
            State::Closed { from: now.after(PAUSE) }
        };
        if let Err(fault) = link.advance(now) {
            return lost(asked, fault.to_string(), out);
        }
        loop {
            let read = match link.read(&mut self.buffer) {
                Ok(Took::Nothing) => break,
                Ok(Took::Bytes(read)) => read,
                Err(fault) => {
                    let whole = asked.body.as_ref().is_some_and(BodyReader::is_whole_at_close);
                    if fault != LinkFault::Closed || !whole {
                        return lost(asked, fault.to_string(), out);
                    }
                    let answer = Answer { status: asked.status, body: asked.read };
                    out.push((asked.token, Outcome::Answer(answer)));
                    return State::Closed { from: now };
                }
            };
            let bytes = &self.buffer[..read];
            match asked.take(bytes, wall, &mut self.ledger) {
                Err(why) => return lost(asked, why, out),
                Ok(false) => {}
                Ok(true) => {
                    let answer = Answer { status: asked.status, body: asked.read };
                    out.push((asked.token, Outcome::Answer(answer)));
                    if let Some(until) = self.ledger.closed(wall) {
                        self.closed_until = until;
                        tracing::warn!(until = %until.utc(), "the exchange asks us to wait");
                    }
                    return match asked.keeps {
                        true => State::Idle { link, since: now },
                        false => State::Closed { from: now },
                    };
                }
            }
        }
        if now > asked.until {
            return lost(asked, "no answer in time".to_owned(), out);
        }
        State::Busy { link, asked }
    }
}

impl<T> Asked<T> {
    /// Takes what was read. True when the answer is whole.
    fn take(&mut self, bytes: &[u8], wall: Nanos, ledger: &mut Ledger) -> Result<bool, String> {
        let mut rest = bytes;
        let head;
        if self.body.is_none() {
            self.head.extend_from_slice(bytes);
            head = std::mem::take(&mut self.head);
            let parsed = ResponseHead::parse(&head).map_err(|e| e.to_string())?;
            let Some((parsed, length)) = parsed else {
                self.head = head;
                return Ok(false);
            };
            self.status = parsed.status;
            self.keeps = parsed.keeps_alive();
            self.body = Some(parsed.body().map_err(|e| e.to_string())?);
            self.retry_after_s = note(&parsed, wall, ledger);
            rest = &head[length..];
        }
        let Some(body) = &mut self.body else { return Ok(false) };
        body.push(rest, &mut self.read).map_err(|e| e.to_string())?;
        let done = body.is_done();
        if done && let Some(refusal) = self.refusal() {
            ledger.refused(wall, refusal);
        }
        Ok(done)
    }

    /// What a whole answer says of limits that we broke.
    fn refusal(&self) -> Option<Refusal> {
        let retry_after_s = self.retry_after_s;
        match self.status {
            403 => Some(Refusal::Blocked),
            418 => {
                let until_ms = banned_until(&String::from_utf8_lossy(&self.read));
                Some(Refusal::Banned { until_ms, retry_after_s })
            }
            429 => Some(Refusal::TooMany { retry_after_s }),
            _ => None,
        }
    }
}

/// What an answer's head says about limits; gives back how many seconds to stay away, if it says.
fn note(head: &ResponseHead<'_>, wall: Nanos, ledger: &mut Ledger) -> Option<u32> {
    let number = |name| head.number(name).and_then(|n| u32::try_from(n).ok());
    let retry_after_s = number("Retry-After");
    let meters = Meters {
        weight_1m: number(USED_WEIGHT_HEADER),
        orders_10s: number(ORDERS_TEN_SECONDS_HEADER),
        orders_1m: number(ORDERS_MINUTE_HEADER),
        retry_after_s,
    };
    ledger.told(wall, &meters);
    retry_after_s
}
