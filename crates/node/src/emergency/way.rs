//! The kill switch's own connections to the exchange: opened at the start and kept warm, with an
//! estimate of the exchange's clock; nothing of the brain's is used.

use super::machine::{Ask, Input, Machine, Out};
use crate::Failure;
use aegis_types::Nanos;
use aegis_venue::client::http::Incoming;
use aegis_venue::client::link::{Link, LinkFault, Target, Tls, Took};
use aegis_venue::client::request::{Loss, Outcome, Reply};
use aegis_venue::client::{Identity, SteadyClock};
use aegis_wire::bodies::{self, ServerTime};
use aegis_wire::endpoints::{Call, KEY_HEADER, Method};
use rustix::event::PollFd;
use std::collections::VecDeque;

/// Connections. Three positions and their orders are closed side by side.
const LANES: usize = 4;
/// How long a connection may take to be made.
const DIAL: Nanos = Nanos(2_000_000_000);
/// Pause before the next try, at rest and at work.
const AGAIN: [Nanos; 2] = [Nanos(1_000_000_000), Nanos(50_000_000)];
/// An idle connection carries a question for the time so often.
const WARM: Nanos = Nanos(20_000_000_000);
/// A better sample of the clock counts for so long.
const SAMPLE_AGE: Nanos = Nanos(300_000_000_000);
/// How long an answer to a question may take.
const ANSWER: Nanos = Nanos(2_000_000_000);
/// How far behind the exchange's time requests are stamped: ahead of it they are refused.
const BEHIND: Nanos = Nanos(5_000_000);
/// Bytes read at once.
const READ: usize = 64 * 1_024;

/// What it is opened with.
pub struct Config {
    /// REST base of the exchange.
    pub rest: String,
    /// Who signs.
    pub identity: Identity,
    /// How long an answer to an order is waited for.
    pub write_timeout: Nanos,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Busy {
    /// None for a sample of the clock.
    token: Option<u64>,
    sent: Nanos,
    until: Nanos,
}

#[derive(Default)]
struct Lane {
    link: Option<Link>,
    again: Nanos,
    incoming: Incoming,
    busy: Option<Busy>,
    used: Nanos,
}

/// The connections.
pub struct Way {
    target: Target,
    tls: Tls,
    config: Config,
    clock: SteadyClock,
    lanes: [Lane; LANES],
    waiting: VecDeque<Ask>,
    offset: Nanos,
    /// Round trip of the sample in use, and when it was taken.
    sample: Option<(Nanos, Nanos)>,
    last_order: Option<Nanos>,
    buffer: Vec<u8>,
}

impl Way {
    /// Begins to connect.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn open(config: Config) -> Result<Self, Failure> {
        let usage =
            |fault: LinkFault| Failure::usage(format!("{}: {fault}", config.rest), "correct it");
        let (target, tls) =
            (Target::parse(&config.rest).map_err(usage)?, Tls::new().map_err(usage)?);
        Ok(Self {
            target,
            tls,
            config,
            clock: SteadyClock::new(),
            lanes: Default::default(),
            waiting: VecDeque::new(),
            offset: Nanos::ZERO,
            sample: None,
            last_order: None,
            buffer: vec![0; READ],
        })
    }

    /// This machine's time, by which requests are timed.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// When the newest order or cancel was handed to the kernel.
    pub const fn last_order(&self) -> Option<Nanos> {
        self.last_order
    }

    /// One turn: carries what can be carried, and steps the machine with what has come.
    pub fn turn(&mut self, machine: &mut Machine, out: &mut Out) {
        loop {
            self.take(out);
            let mut moved = false;
            for index in 0..LANES {
                moved |= self.receive(index, machine, out);
            }
            self.take(out);
            self.send(machine.is_engaged());
            if !moved {
                return;
            }
        }
    }

    /// Orders and cancels first.
    fn take(&mut self, out: &mut Out) {
        let (orders, questions): (Vec<Ask>, Vec<Ask>) =
            out.asks.drain(..).partition(|ask| ask.call.endpoint().is_write());
        orders.into_iter().rev().for_each(|ask| self.waiting.push_front(ask));
        self.waiting.extend(questions);
        if std::mem::take(&mut out.resync) {
            self.sample = None;
        }
    }

    fn receive(&mut self, index: usize, machine: &mut Machine, out: &mut Out) -> bool {
        let now = self.clock.now();
        let lane = &mut self.lanes[index];
        let pause = AGAIN[usize::from(machine.is_engaged())];
        let Some(link) = &mut lane.link else {
            if now >= lane.again {
                lane.link = Some(Link::open(&self.target, &self.tls, now, DIAL));
            }
            return false;
        };
        let end = match link.advance(now) {
            Err(_) => Some(Err(Loss::Cut)),
            Ok(false) => None,
            Ok(true) => read(link, &mut lane.incoming, lane.busy.is_some(), &mut self.buffer),
        };
        let end = match (end, lane.busy) {
            (None, Some(busy)) if now >= busy.until => Err(Loss::Timeout),
            (None, _) => return false,
            (Some(end), _) => end,
        };
        let busy = lane.busy.take();
        let answer = lane.incoming.answer().filter(|_| end.is_ok());
        let (answered, keep) = (answer.is_some(), answer.is_some_and(|answer| answer.keep));
        if let Some(Busy { token, sent, .. }) = busy {
            match (token, answer) {
                (Some(token), Some(answer)) => {
                    let (status, meters) = (answer.status, answer.meters);
                    let reply = Reply { status, meters, body: &answer.body };
                    machine.step(now, Input::Ended { token, outcome: Outcome::Reply(reply) }, out);
                }
                (Some(token), None) => {
                    let loss = end.err().unwrap_or(Loss::Cut);
                    machine.step(now, Input::Ended { token, outcome: Outcome::Lost(loss) }, out);
                }
                (None, Some(answer)) => {
                    if let Ok(time) = bodies::read::<ServerTime>(&answer.body) {
                        let trip = now.since(sent);
                        let better = self
                            .sample
                            .is_none_or(|(best, at)| trip <= best || now.since(at) > SAMPLE_AGE);
                        if better {
                            let middle = sent.after(Nanos(trip.0 / 2));
                            self.offset = Nanos::from_millis(time.server_ms).since(middle);
                            self.sample = Some((trip, now));
                        }
                    }
                }
                (None, None) => {}
            }
        }
        if !keep {
            lane.link = None;
            lane.again = if answered { now } else { now.after(pause) };
        }
        true
    }

    /// Gives what waits to whoever is idle, and keeps the idle warm.
    fn send(&mut self, engaged: bool) {
        for index in 0..LANES {
            let now = self.clock.now();
            let lane = &mut self.lanes[index];
            let idle = lane.busy.is_none() && lane.link.as_ref().is_some_and(Link::is_open);
            if !idle {
                continue;
            }
            let doubt = self.sample.is_none() && index == 0;
            if doubt || (!engaged && now.since(lane.used) >= WARM) {
                let host = self.target.authority();
                let path = Call::Time.endpoint().path;
                let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
                self.write(index, now, None, ANSWER, &text);
            } else if let Some(ask) = self.waiting.pop_front() {
                let write = ask.call.endpoint().is_write();
                let patience = if write { self.config.write_timeout } else { ANSWER };
                let text = self.text(now, &ask);
                self.write(index, now, Some(ask.token), patience, &text);
                if write {
                    self.last_order = Some(self.clock.now());
                }
            }
        }
    }

    fn write(&mut self, index: usize, now: Nanos, token: Option<u64>, patience: Nanos, text: &str) {
        let lane = &mut self.lanes[index];
        lane.incoming.clear();
        lane.used = now;
        lane.busy = Some(Busy { token, sent: now, until: now.after(patience) });
        if let Some(link) = &mut lane.link {
            // What was not written is noticed by the next read, as an answer that is cut.
            let _ = link.write(text.as_bytes());
        }
    }

    fn text(&self, now: Nanos, ask: &Ask) -> String {
        let endpoint = ask.call.endpoint();
        let Identity { api_key, signer, recv_window_ms } = &self.config.identity;
        let stamp = now.after(self.offset).since(BEHIND).as_millis();
        let query = ask.query.signed(signer, stamp, *recv_window_ms);
        let (method, path, host) = (endpoint.method.name(), endpoint.path, self.target.authority());
        let key = api_key.expose_text();
        let length = if endpoint.method == Method::Get { "" } else { "Content-Length: 0\r\n" };
        format!(
            "{method} {path}?{query} HTTP/1.1\r\nHost: {host}\r\n{KEY_HEADER}: {key}\r\n\
             {length}Accept: application/json\r\n\r\n"
        )
    }

    /// What to poll for.
    pub fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.lanes.iter().filter_map(|lane| lane.link.as_ref()?.poll_fd())
    }

    /// How long may be slept at most.
    pub fn patience(&self, engaged: bool) -> Nanos {
        let now = self.clock.now();
        let lanes = self.lanes.iter().map(|lane| match (&lane.link, lane.busy) {
            (None, _) => lane.again.since(now),
            // Nothing can be polled for it.
            (Some(link), _) if !link.is_open() => Nanos::MILLISECOND.times(2),
            (Some(_), Some(busy)) => busy.until.since(now),
            (Some(_), None) if engaged => Nanos::SECOND,
            (Some(_), None) => lane.used.after(WARM).since(now),
        });
        lanes.min().unwrap_or(Nanos::SECOND).max(Nanos::ZERO)
    }
}

/// Reads what has come of an answer; how it ended, when it has. An idle connection on which
/// anything comes has ended.
fn read(
    link: &mut Link,
    incoming: &mut Incoming,
    busy: bool,
    buffer: &mut [u8],
) -> Option<Result<(), Loss>> {
    loop {
        match link.read(buffer) {
            Ok(Took::Nothing) => return None,
            Ok(Took::Bytes(_)) if !busy => return Some(Err(Loss::Malformed)),
            Ok(Took::Bytes(n)) => match incoming.push(&buffer[..n]) {
                Ok(false) => {}
                Ok(true) => return Some(Ok(())),
                Err(loss) => return Some(Err(loss)),
            },
            Err(_) if busy => return Some(incoming.closed()),
            Err(_) => return Some(Err(Loss::Cut)),
        }
    }
}
