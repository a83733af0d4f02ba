//! Connections for requests: one kept for orders, one for reads, and one each to spare.
//!
//! Nothing is pipelined: a connection carries one request, and its answer to the last byte, before
//! the next. The spare one is used when the first has waited for an answer for too long, so that a
//! slow answer to one order does not hold up the stop of another.

use super::backoff::Backoff;
use super::http::{Identity, Incoming, REQUEST_MAX, write_request};
use super::link::{Link, LinkFault, Target, Tls, Took};
use super::machine::{Input, Machine, Out};
use super::request::{Lane, Loss, Outcome, Purpose, Reply, Request};
use aegis_types::Nanos;
use rustix::event::PollFd;
use rustix::fs::{Access, access};
use std::path::{Path, PathBuf};

/// Longest time for a connection to be made.
const CONNECT_WITHIN: Nanos = Nanos::SECOND.times(5);
/// How long a request may occupy the first connection before the spare one is used.
const SPILL_AFTER: Nanos = Nanos::MILLISECOND.times(250);
/// Bytes read at once.
const READ: usize = 64 * 1_024;

/// What connections share. The last request's text has a signature in it.
pub(super) struct Shared {
    pub tls: Tls,
    pub identity: Identity,
    /// While there is a file of this name, nothing is sent.
    pub fence: Option<PathBuf>,
    buffer: Box<[u8]>,
    text: String,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    pub fn new(tls: Tls, identity: Identity) -> Self {
        let text = String::with_capacity(REQUEST_MAX);
        Self { tls, identity, fence: None, buffer: vec![0; READ].into_boxed_slice(), text }
    }

    /// May the request that was just written into `text` leave? The fence is looked at before each
    /// one: whoever puts it up may rely on nothing leaving behind it.
    fn pass(&self, now: Nanos, request: &Request, machine: &mut Machine, out: &mut Out) -> bool {
        look_at_fence(self.fence.as_deref(), machine, out);
        machine.pass(now, request, &self.text, out)
    }
}

/// Closes the gateway when there is a fence.
pub(super) fn look_at_fence(fence: Option<&Path>, machine: &mut Machine, out: &mut Out) {
    if fence.is_some_and(|path| access(path, Access::EXISTS).is_ok()) {
        machine.close(out);
    }
}

#[derive(Debug)]
struct Connection {
    target: Target,
    host: String,
    link: Option<Link>,
    backoff: Backoff,
    again: Nanos,
    incoming: Incoming,
    /// The request whose answer is awaited, and since when.
    busy: Option<(u64, Nanos)>,
    /// It has carried an answer since it was opened.
    proven: bool,
    trouble: Option<LinkFault>,
}

impl Connection {
    fn new(target: &Target, seed: u64) -> Self {
        Self {
            target: target.clone(),
            host: target.authority(),
            link: None,
            backoff: Backoff::for_requests(seed),
            again: Nanos(i64::MIN),
            incoming: Incoming::default(),
            busy: None,
            proven: false,
            trouble: None,
        }
    }

    /// Drops the connection; the next one is made at once if this one had worked.
    fn drop_link(&mut self, now: Nanos) {
        self.link = None;
        self.again = if self.proven { now } else { now.after(self.backoff.pause()) };
        self.proven = false;
    }

    /// Makes sure that there is a connection; true when a request can be written.
    fn open(&mut self, now: Nanos, tls: &Tls) -> bool {
        if self.link.is_none() && now >= self.again {
            self.link = Some(Link::open(&self.target, tls, now, CONNECT_WITHIN));
        }
        let Some(link) = &mut self.link else { return false };
        match link.advance(now) {
            Ok(open) => open,
            Err(fault) => {
                self.trouble = Some(fault);
                false
            }
        }
    }

    /// Is an idle connection still there? Bytes that nobody asked for end it too.
    fn idle_and_sound(&mut self, now: Nanos, buffer: &mut [u8]) -> bool {
        let Some(link) = &mut self.link else { return false };
        let sound = matches!(link.read(buffer), Ok(Took::Nothing));
        if !sound {
            self.drop_link(now);
        }
        sound
    }

    /// Reads what has come of the answer; how it ended, when it has.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Result<(), Loss>> {
        let link = self.link.as_mut()?;
        loop {
            match link.read(buffer) {
                Ok(Took::Nothing) => return None,
                Ok(Took::Bytes(n)) => match self.incoming.push(&buffer[..n]) {
                    Ok(false) => {}
                    Ok(true) => return Some(Ok(())),
                    Err(loss) => return Some(Err(loss)),
                },
                Err(fault) => {
                    self.trouble = Some(fault);
                    return Some(self.incoming.closed());
                }
            }
        }
    }

    /// Tells the machine how the request under way ended.
    fn finish(&mut self, now: Nanos, end: Result<(), Loss>, machine: &mut Machine, out: &mut Out) {
        let Some((token, _)) = self.busy.take() else { return };
        let answer = self.incoming.answer().filter(|_| end.is_ok());
        let keep = answer.is_some_and(|answer| answer.keep);
        let outcome = match (answer, end) {
            (Some(answer), _) => {
                self.proven = true;
                self.backoff.reset();
                let (status, meters) = (answer.status, answer.meters);
                Outcome::Reply(Reply { status, meters, body: &answer.body })
            }
            (None, Err(loss)) => Outcome::Lost(loss),
            (None, Ok(())) => Outcome::Lost(Loss::Cut),
        };
        machine.step(now, Input::Ended { token, outcome }, out);
        if !keep {
            self.drop_link(now);
        }
    }

    /// Writes a request on an idle, open connection.
    fn send(
        &mut self,
        now: Nanos,
        request: &Request,
        shared: &mut Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) {
        write_request(&mut shared.text, request, &self.host, &shared.identity);
        if !shared.pass(now, request, machine, out) {
            return;
        }
        self.incoming.clear();
        let written = match &mut self.link {
            Some(link) => link.write(shared.text.as_bytes()),
            None => Err(LinkFault::Closed),
        };
        self.busy = Some((request.token, now));
        if let Err(fault) = written {
            self.trouble = Some(fault);
            // Of a plain socket that refused the first byte nothing has left; TLS may have sent
            // part of it.
            let loss = if self.target.secure { Loss::Cut } else { Loss::NotSent };
            self.finish(now, Err(loss), machine, out);
        }
    }

    /// One turn. True when something happened.
    fn pump(
        &mut self,
        now: Nanos,
        lane: Option<Lane>,
        shared: &mut Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) -> bool {
        let mut moved = false;
        let open = self.open(now, &shared.tls);
        if self.busy.is_some() {
            match self.receive(&mut shared.buffer) {
                Some(end) => {
                    moved = true;
                    self.finish(now, end, machine, out);
                }
                None if self.trouble.is_some() && !open => {
                    moved = true;
                    let end = self.incoming.closed();
                    self.finish(now, end, machine, out);
                }
                None => {}
            }
        } else if !open && self.trouble.take().is_some() {
            self.drop_link(now);
            return true;
        }
        let Some(lane) = lane else { return moved };
        if self.busy.is_none()
            && self.link.as_ref().is_some_and(Link::is_open)
            && machine.waits(now, lane)
            && self.idle_and_sound(now, &mut shared.buffer)
            && let Some(request) = machine.next(now, lane, out)
        {
            moved = true;
            self.send(now, &request, shared, machine, out);
        }
        moved
    }
}

/// All connections for requests.
#[derive(Debug)]
pub(super) struct Pool {
    orders: [Connection; 2],
    reads: [Connection; 2],
    /// The host that knows what a key may do, where that is another one.
    keys: Option<Connection>,
    question: Option<Request>,
}

impl Pool {
    pub fn new(target: &Target, keys: Option<&Target>, seed: u64) -> Self {
        let connection = |n: u64| Connection::new(target, seed.wrapping_add(n));
        Self {
            orders: [connection(1), connection(2)],
            reads: [connection(3), connection(4)],
            keys: keys.map(|keys| Connection::new(keys, seed.wrapping_add(5))),
            question: None,
        }
    }

    /// One turn of everything but orders. True when something happened.
    pub fn pump_reads(
        &mut self,
        now: Nanos,
        shared: &mut Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) -> bool {
        let moved = lane(&mut self.reads, now, Lane::Reads, shared, machine, out);
        moved | self.pump_keys(now, shared, machine, out)
    }

    /// One turn of the connections for orders.
    pub fn pump_orders(
        &mut self,
        now: Nanos,
        shared: &mut Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) -> bool {
        lane(&mut self.orders, now, Lane::Orders, shared, machine, out)
    }

    /// Makes and signs a request that is not written.
    pub fn rehearse(&self, request: &Request, shared: &mut Shared) {
        write_request(&mut shared.text, request, &self.orders[0].host, &shared.identity);
        core::hint::black_box(&shared.text);
    }

    fn pump_keys(
        &mut self,
        now: Nanos,
        shared: &mut Shared,
        machine: &mut Machine,
        out: &mut Out,
    ) -> bool {
        let Some(keys) = &mut self.keys else { return false };
        if self.question.is_none() {
            self.question = machine.next_for(now, Purpose::Restrictions, out);
        }
        if self.question.is_none() && keys.busy.is_none() {
            keys.link = None; // asked once in a session
            return false;
        }
        let moved = keys.pump(now, None, shared, machine, out);
        let ready = keys.busy.is_none() && keys.link.as_ref().is_some_and(Link::is_open);
        if let Some(request) = self.question.take_if(|_| ready) {
            keys.send(now, &request, shared, machine, out);
            return true;
        }
        moved
    }

    /// The answer to this request is given up: whatever still comes on its connection is not read.
    pub fn abort(&mut self, now: Nanos, token: u64) {
        self.question.take_if(|request| request.token == token);
        for connection in self.connections_mut() {
            if connection.busy.is_some_and(|(busy, _)| busy == token) {
                connection.busy = None;
                connection.drop_link(now);
            }
        }
    }

    fn connections_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.orders.iter_mut().chain(&mut self.reads).chain(&mut self.keys)
    }

    fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.orders.iter().chain(&self.reads).chain(&self.keys)
    }

    /// What to poll for.
    pub fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.connections().filter_map(|connection| connection.link.as_ref()?.poll_fd())
    }

    /// Is a connection being made? Then nothing can be polled for it.
    pub fn is_dialing(&self) -> bool {
        self.connections().any(|c| c.link.as_ref().is_some_and(Link::is_dialing))
    }

    /// Why connections failed since the last call.
    pub fn take_trouble(&mut self) -> Option<LinkFault> {
        self.connections_mut().find_map(|connection| connection.trouble.take())
    }
}

/// One turn of a lane: the spare connection is opened with the first, and used when that is stuck.
fn lane(
    pair: &mut [Connection; 2],
    now: Nanos,
    lane: Lane,
    shared: &mut Shared,
    machine: &mut Machine,
    out: &mut Out,
) -> bool {
    let [first, spare] = pair;
    let mut moved = first.pump(now, Some(lane), shared, machine, out);
    let stuck = match first.busy {
        Some((_, since)) => now.since(since) >= SPILL_AFTER,
        None => !first.link.as_ref().is_some_and(Link::is_open),
    };
    let needed = spare.busy.is_some() || (stuck && machine.waits(now, lane));
    if needed || spare.link.is_some() {
        moved |= spare.pump(now, stuck.then_some(lane), shared, machine, out);
    }
    moved
}
