//! The pump: the client's machine on real sockets, behind the same door as the simulated exchange.
//!
//! Two times meet here. The engine's time comes with its commands and is not looked at; requests,
//! timeouts and signatures go by this machine's monotonic clock, set to the wall clock once at the
//! start, so that no jump of the wall clock reaches an order.

use super::api_socket::ApiSocket;
use super::http::Identity;
use super::link::{LinkFault, Target, Tls};
use super::machine::{Config, Input, Machine, Out, Wire};
use super::notes::Note;
use super::pool::{Pool, Shared};
use super::startup::Stage;
use super::websocket::{Event, Socket, SocketFault};
use aegis_types::{Answers, Command, Nanos, Tick, Venue};
use aegis_wire::urls::{SPOT_REST, Urls};
use rustix::event::{PollFd, Timespec, poll};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Longest sleep while a connection is being made, which cannot be polled for.
const DIAL_TURN: Nanos = Nanos::MILLISECOND;
/// Events of the user stream that are taken before requests have their turn again.
const EVENTS_AT_ONCE: usize = 256;

/// Nanoseconds since the epoch that never jump: the wall clock once, the monotonic one since.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    start: Instant,
    epoch: Nanos,
}

impl SteadyClock {
    /// Set now.
    pub fn new() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch = Nanos(i64::try_from(epoch.as_nanos()).unwrap_or(i64::MAX));
        Self { start: Instant::now(), epoch }
    }

    /// Now.
    pub fn now(&self) -> Nanos {
        let passed = i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.epoch.after(Nanos(passed))
    }
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self::new()
    }
}

/// An exchange on the wire, as a venue.
#[derive(Debug)]
pub struct WireVenue {
    clock: SteadyClock,
    machine: Machine,
    pool: Pool,
    /// Where orders go, when not by REST.
    api: Option<ApiSocket>,
    shared: Shared,
    users: Vec<(u32, Socket)>,
    urls: Urls,
    seed: u64,
    out: Out,
    notes: Vec<Note>,
    troubles: u64,
}

impl WireVenue {
    /// A client of the exchange at `urls`. Nothing is sent before the first [`WireVenue::poll`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub fn new(urls: &Urls, identity: Identity, config: Config) -> Result<Self, LinkFault> {
        let rest = Target::parse(&urls.rest)?;
        Target::parse(&urls.streams)?;
        let keys = if config.live { Some(Target::parse(SPOT_REST)?) } else { None };
        let seed = config.seed;
        let by_socket = config.orders_by_socket;
        let api = by_socket.then(|| Target::parse(&urls.ws_api)).transpose()?;
        Ok(Self {
            api: api.map(|target| ApiSocket::new(target, seed.wrapping_add(6))),
            clock: SteadyClock::new(),
            pool: Pool::new(&rest, keys.as_ref(), seed),
            shared: Shared::new(Tls::new()?, identity),
            users: Vec::new(),
            urls: urls.clone(),
            seed,
            out: Out::default(),
            notes: Vec::new(),
            troubles: 0,
            machine: Machine::new(config),
        })
    }

    /// While there is a file of this name, nothing is sent, and after the first look that finds it
    /// never again: a machine that is fenced off stays so.
    pub fn set_fence(&mut self, path: PathBuf) {
        self.shared.fence = Some(path);
    }

    /// This machine's time, by which requests are timed.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Carries everything that can be carried without waiting, and appends what the exchange has
    /// said. True when anything happened.
    pub fn poll(&mut self, answers: &mut Answers) -> bool {
        let before = answers.len();
        let mut moved = false;
        loop {
            let now = self.clock.now();
            let mut again = false;
            if now >= self.machine.wake(now) {
                self.machine.step(now, Input::Tick, &mut self.out);
            }
            again |= self.pump_users(now);
            again |= self.pump_orders(now);
            let (shared, machine) = (&mut self.shared, &mut self.machine);
            again |= self.pool.pump_reads(now, shared, machine, &mut self.out);
            self.carry(now);
            answers.append(&mut self.out.answers);
            moved |= again;
            if !again {
                break;
            }
        }
        if let Some(fault) = self.pool.take_trouble() {
            self.troubles += 1;
            tracing::debug!(%fault, "a connection for requests has ended");
        }
        moved || answers.len() > before
    }

    /// Makes and signs an order that goes nowhere, for a loop that spins: what a real one needs on
    /// its way out stays in the processor's caches. Nothing is remembered of it.
    pub fn rehearse(&mut self) {
        if let Some(request) = self.machine.rehearsal(self.clock.now()) {
            self.pool.rehearse(&request, &mut self.shared);
        }
    }

    /// Waits until something can be carried, at most so long.
    pub fn wait(&self, most: Nanos) {
        let now = self.clock.now();
        let due = self.machine.wake(now).since(now).max(Nanos::ZERO);
        let dialing = self.pool.is_dialing()
            || self.api.as_ref().is_some_and(ApiSocket::is_dialing)
            || self.users.iter().any(|(_, socket)| socket.link().is_dialing());
        let turn = if dialing { DIAL_TURN } else { Nanos::SECOND };
        let wait = most.min(due).min(turn);
        let mut fds: Vec<PollFd<'_>> = self.poll_fds().collect();
        let timeout =
            Timespec { tv_sec: wait.0 / Nanos::SECOND.0, tv_nsec: wait.0 % Nanos::SECOND.0 };
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut fds, Some(&timeout));
    }

    /// What to poll for, for loops that wait for other things too.
    pub fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let users = self.users.iter().filter_map(|(_, socket)| socket.link().poll_fd());
        let api = self.api.as_ref().and_then(ApiSocket::poll_fd);
        self.pool.poll_fds().chain(users).chain(api)
    }

    fn pump_orders(&mut self, now: Nanos) -> bool {
        let Self { shared, machine, out, .. } = self;
        match &mut self.api {
            Some(api) => api.pump(now, shared, machine, out),
            None => self.pool.pump_orders(now, shared, machine, out),
        }
    }

    fn pump_users(&mut self, now: Nanos) -> bool {
        let mut moved = false;
        let mut index = 0;
        while index < self.users.len() {
            let (conn, socket) = &mut self.users[index];
            let conn = *conn;
            let mut gone = None;
            for _ in 0..EVENTS_AT_ONCE {
                let input = match socket.next(now) {
                    Ok(None) => break,
                    Ok(Some(Event::Opened)) => Input::UserOpened(conn),
                    Ok(Some(Event::Text(text))) => Input::UserEvent(conn, text),
                    Ok(Some(Event::Alive)) => Input::UserAlive(conn),
                    Err(fault) => {
                        gone = Some(fault);
                        break;
                    }
                };
                moved = true;
                self.machine.step(now, input, &mut self.out);
            }
            if let Some(fault) = gone {
                moved = true;
                self.user_gone(now, index, &fault);
            } else {
                index += 1;
            }
        }
        moved
    }

    fn user_gone(&mut self, now: Nanos, index: usize, fault: &SocketFault) {
        let (conn, _) = self.users.remove(index);
        self.troubles += 1;
        tracing::warn!(conn, %fault, "the user stream's connection has ended");
        self.machine.step(now, Input::UserClosed(conn), &mut self.out);
    }

    /// Carries out what the machine wants of the sockets.
    fn carry(&mut self, now: Nanos) {
        for index in 0..self.out.wire.len() {
            match self.out.wire[index] {
                Wire::Abort(token) => {
                    self.pool.abort(now, token);
                    if let Some(api) = &mut self.api {
                        api.abort(token);
                    }
                }
                Wire::OpenUser(conn, key) => self.open_user(now, conn, key.as_str()),
                Wire::CloseUser(conn) => {
                    if let Some(at) = self.users.iter().position(|(other, _)| *other == conn) {
                        let (_, mut socket) = self.users.remove(at);
                        socket.close();
                    }
                }
            }
        }
        self.out.wire.clear();
        self.notes.append(&mut self.out.notes);
    }

    fn open_user(&mut self, now: Nanos, conn: u32, key: &str) {
        match Target::parse(&self.urls.user(key)) {
            Ok(target) => {
                let seed = self.seed ^ now.0.unsigned_abs() ^ u64::from(conn) << 48;
                let socket = Socket::open(&target, &self.shared.tls, now, seed);
                self.users.push((conn, socket));
            }
            Err(fault) => {
                tracing::error!(%fault, "the user stream's address cannot be used");
                self.machine.step(now, Input::UserClosed(conn), &mut self.out);
            }
        }
    }

    /// Notes since the last call, in order.
    pub fn drain_notes(&mut self) -> impl Iterator<Item = Note> + '_ {
        self.notes.drain(..)
    }

    /// Where the start is: what is waited for, done, or why it failed.
    pub const fn stage(&self) -> &Stage {
        self.machine.stage()
    }

    /// May entries be made, as far as the way to the exchange goes?
    pub fn ready(&self) -> bool {
        self.machine.ready()
    }

    /// Has the exchange closed its door (429, 418, 403), so that nothing goes for a while?
    pub fn shut_out(&self) -> bool {
        let server = Nanos::from_millis(self.machine.clock().server_ms(self.now()));
        self.machine.ledger().closed(server).is_some()
    }

    /// Has every command its answer, and is every outcome known?
    pub fn settled(&self) -> bool {
        self.machine.settled()
    }

    /// The machine, to read what it knows.
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine, to give it back what an interrupted session had.
    pub const fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Connections that have ended so far.
    pub const fn troubles(&self) -> u64 {
        self.troubles
    }
}

impl Venue for WireVenue {
    /// The exchange has its own view of the market; only the newest price is noted, for the mark of
    /// a funding.
    fn on_market(&mut self, _: Nanos, tick: &Tick, _: &mut Answers) {
        self.machine.see_fact(tick);
    }

    /// Hands the command's request to the kernel before it returns, when clock, limits and the
    /// order connection are free. The answer comes with a later [`WireVenue::poll`].
    fn execute(&mut self, _: Nanos, command: &Command, answers: &mut Answers) {
        let now = self.clock.now();
        self.machine.step(now, Input::Command(command), &mut self.out);
        self.pump_orders(now);
        answers.append(&mut self.out.answers);
    }
}
