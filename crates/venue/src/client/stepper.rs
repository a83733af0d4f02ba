//! Steps a simulated exchange: one admin request, and what it answered.
//!
//! Only the loop that trades steps, and only when everything has settled; so this waits for its
//! answer like any other of the pump's connections: by being polled.

use super::http::Incoming;
use super::link::{Link, LinkFault, Target, Tls, Took};
use super::request::Loss;
use aegis_types::Nanos;
use rustix::event::PollFd;
use serde_json::Value;
use std::fmt::Write as _;

/// Longest wait for a step: it may tell a long stretch of market.
const STEP_WITHIN: Nanos = Nanos::SECOND.times(60);
/// Bytes read at once.
const READ: usize = 16 * 1_024;

/// What a step answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Market time after it, ms.
    pub market_ms: i64,
    /// Of each stream that said something ever: its name and the id of its last event.
    pub last: Vec<(String, i64)>,
    /// The market has no more facts.
    pub ended: bool,
}

/// Why a step failed. Whether it happened is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// The connection.
    Link(LinkFault),
    /// The answer.
    Answer(Loss),
    /// The exchange refused: status and words.
    Refused(u16, String),
    /// No answer in time.
    Slow,
}

impl std::fmt::Display for StepFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link(why) => write!(f, "the exchange cannot be stepped: {why}"),
            Self::Answer(loss) => write!(f, "the exchange's answer to a step: {loss}"),
            Self::Refused(status, words) => {
                write!(
                    f,
                    "the exchange does not step: status {status}, {words}; start it with --speed step"
                )
            }
            Self::Slow => f.write_str("the exchange did not answer a step within a minute"),
        }
    }
}

impl std::error::Error for StepFault {}

/// Steps one exchange.
#[derive(Debug)]
pub struct Stepper {
    target: Target,
    tls: Tls,
    link: Option<Link>,
    request: String,
    incoming: Incoming,
    buffer: Box<[u8]>,
    asked: Option<Nanos>,
    sent: bool,
}

impl Stepper {
    /// Of the exchange at a REST base.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(rest: &str) -> Result<Self, LinkFault> {
        Ok(Self {
            target: Target::parse(rest)?,
            tls: Tls::new()?,
            link: None,
            request: String::new(),
            incoming: Incoming::default(),
            buffer: vec![0; READ].into_boxed_slice(),
            asked: None,
            sent: false,
        })
    }

    /// Asks for a step of `ms` milliseconds of market time. One at a time.
    pub fn ask(&mut self, now: Nanos, ms: i64) {
        let body = format!("{{\"ms\":{ms}}}");
        self.request.clear();
        // Writing to a String cannot fail.
        let _ = write!(
            self.request,
            "POST /sim/v1/step HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.target.authority(),
            body.len()
        );
        self.incoming.clear();
        (self.asked, self.sent) = (Some(now), false);
    }

    /// Is a step under way?
    pub const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Carries the step on; what it answered, once.
    ///
    /// # Errors
    /// [`StepFault`]; the step is given up.
    pub fn poll(&mut self, now: Nanos) -> Result<Option<Stepped>, StepFault> {
        let Some(asked) = self.asked else { return Ok(None) };
        let turn = self.turn(now);
        if turn.is_err() {
            (self.link, self.asked) = (None, None);
        } else if now.since(asked) >= STEP_WITHIN {
            (self.link, self.asked) = (None, None);
            return Err(StepFault::Slow);
        }
        turn
    }

    fn turn(&mut self, now: Nanos) -> Result<Option<Stepped>, StepFault> {
        let Self { target, tls, link, .. } = self;
        let link = link.get_or_insert_with(|| Link::open(target, tls, now, STEP_WITHIN));
        if !link.advance(now).map_err(StepFault::Link)? {
            return Ok(None);
        }
        if !self.sent {
            // A connection that was closed while it was idle is made again once.
            let idle = link.read(&mut self.buffer);
            if idle != Ok(Took::Nothing) {
                *link = Link::open(target, tls, now, STEP_WITHIN);
                return Ok(None);
            }
            link.write(self.request.as_bytes()).map_err(StepFault::Link)?;
            self.sent = true;
        }
        loop {
            match link.read(&mut self.buffer).map_err(StepFault::Link)? {
                Took::Nothing => return Ok(None),
                Took::Bytes(n) => {
                    if self.incoming.push(&self.buffer[..n]).map_err(StepFault::Answer)? {
                        break;
                    }
                }
            }
        }
        self.asked = None;
        let Some(answer) = self.incoming.answer() else { return Ok(None) };
        if !answer.keep {
            self.link = None;
        }
        if answer.status != 200 {
            let words = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(StepFault::Refused(answer.status, words));
        }
        stepped(&answer.body).map(Some).ok_or(StepFault::Answer(Loss::Malformed))
    }

    /// What to poll for; nothing while the connection is being made.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        self.link.as_ref()?.poll_fd()
    }
}

fn stepped(body: &[u8]) -> Option<Stepped> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let last = value.get("last").and_then(Value::as_object);
    let row = |(name, id): (&String, &Value)| Some((name.clone(), id.as_i64()?));
    Some(Stepped {
        market_ms: value.get("market_ms")?.as_i64()?,
        last: last.into_iter().flatten().filter_map(row).collect(),
        ended: value.get("ended").and_then(Value::as_bool).unwrap_or(false),
    })
}
