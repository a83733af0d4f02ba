//! Step machine: the whole client: commands, answers and events in; requests and answers out.
//!
//! Requests wait here until clock, limits and their own order allow them. [`Machine::next`] gives
//! the next one for a free connection, stamped; whoever takes it must write it at once and tell how
//! it ended. A write that was taken is never given again.

mod guard;
mod replies;
mod requests;
mod user;
mod watch;

pub use watch::Status;

use super::account::{Account, Want};
use super::attempts::{self, Ask, Attempts, Timing};
use super::clock::{self, Clock};
use super::dead_man::DeadMan;
use super::gateway::{Caps, Gateway};
use super::health::{Foreign, Health, Reach};
use super::ledger::{Admission, Ledger, Limits, Urgency};
use super::leverage::{self, Leverages};
use super::listen_key::{self, ListenKey};
use super::notes::Note;
use super::request::{Lane, Loss, Outcome, Params, Purpose, Request};
use super::startup::{self, Stage, Startup};
use aegis_types::{
    AccountUpdate, Answers, Command, EventBody, Filters, Nanos, OrderUpdate, Px, Rate, RejectCode,
    SymbolId, SymbolTable, Text, Tick, TickBody,
};
use aegis_wire::endpoints::Call;

/// Requests that wait or are under way at once.
pub const REQUESTS_MAX: usize = 1_024;

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The session of our order ids.
    pub session: u64,
    /// The session's symbols.
    pub symbols: SymbolTable,
    /// Keys the jitter of reconnects.
    pub seed: u64,
    /// Real money is at stake: the key is checked, and refused if it may withdraw.
    pub live: bool,
    /// How old an order may be when it reaches the exchange.
    pub recv_window_ms: u32,
    /// Behind that window, before "no such order" is believed.
    pub slack: Nanos,
    /// Longest wait for the answer to a write; then its outcome is unknown.
    pub write_timeout: Nanos,
    /// Longest wait for the answer to a read.
    pub read_timeout: Nanos,
    /// Stops are triggered by the mark price instead of the last price.
    pub stops_by_mark: bool,
    /// Orders go as frames of the WebSocket API instead of REST requests.
    pub orders_by_socket: bool,
    /// How many orders may leave in a second and a minute.
    pub caps: Caps,
    /// What is done about orders and positions that are not ours.
    pub foreign: Foreign,
    /// How far beyond entry and mark the stop of a position stands that is taken over.
    pub adopt_stop: Rate,
    /// How often the account is read, and every stop confirmed, although nothing seems wrong.
    pub sweep: Nanos,
    /// How long requests may fail before the exchange counts as out of reach.
    pub unreachable_after: Nanos,
    /// Longest silence of the user stream, pings included, before it is opened again.
    pub silence_max: Nanos,
    /// Countdown of the exchange's own cancelling of plain orders; zero is off.
    pub dead_man: Nanos,
}

impl Config {
    /// The usual figures.
    pub fn new(session: u64, symbols: SymbolTable) -> Self {
        Self {
            session,
            symbols,
            seed: session,
            live: false,
            recv_window_ms: aegis_wire::RECV_WINDOW_MS,
            slack: Nanos::SECOND.times(2),
            write_timeout: Nanos::SECOND.times(3),
            read_timeout: Nanos::SECOND.times(10),
            stops_by_mark: false,
            orders_by_socket: false,
            caps: Caps::default(),
            foreign: Foreign::Alert,
            adopt_stop: Rate::from_raw(2_000_000),
            sweep: Nanos::MINUTE,
            unreachable_after: Nanos::SECOND.times(5),
            silence_max: Nanos::MINUTE.times(10),
            dead_man: Nanos::ZERO,
        }
    }
}

/// What enters the client.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// The engine wants something.
    Command(&'a Command),
    /// A request ended.
    Ended {
        /// Its number.
        token: u64,
        /// How.
        outcome: Outcome<'a>,
    },
    /// A connection of the user stream is open.
    UserOpened(u32),
    /// Something other than an event came on it: it is alive.
    UserAlive(u32),
    /// An event came on it.
    UserEvent(u32, &'a [u8]),
    /// It has ended, or could not be made.
    UserClosed(u32),
}

/// A wish for the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Open a user stream under this number on this key.
    OpenUser(u32, listen_key::Key),
    /// Close it.
    CloseUser(u32),
    /// The answer of this request is given up: its connection must be closed, or a late answer
    /// would be taken for the next one's.
    Abort(u64),
}

/// What leaves the client.
#[derive(Debug, Default)]
pub struct Out {
    /// For the engine, in order.
    pub answers: Answers,
    /// For people.
    pub notes: Vec<Note>,
    /// For the sockets.
    pub wire: Vec<Wire>,
}

/// Whether a position of somebody else may be taken over: not while the engine still learns what
/// has been, for its time flies then, and the stop's deadline with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adopting {
    /// The engine has not caught up with the market.
    Waiting,
    /// It has; the account is read again for prices of now.
    Reading,
    /// Yes.
    Ready,
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
struct Queued {
    call: Call,
    purpose: Purpose,
    params: Params,
    urgency: Urgency,
    since: Nanos,
    /// Not tried before: the limits were full.
    blocked_until: Nanos,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    token: u64,
    purpose: Purpose,
    sent: Nanos,
    deadline: Nanos,
}

/// Counts of what the client has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were sent.
    pub requests: u64,
    /// Placements that were sent.
    pub placements: u64,
    /// Placements whose outcome was unknown.
    pub unknown: u64,
    /// Events of the user stream.
    pub events: u64,
    /// Events that could not be read.
    pub unreadable: u64,
    /// Events seen before.
    pub repeated: u64,
}

/// The client.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    clock: Clock,
    ledger: Ledger,
    startup: Startup,
    listen: ListenKey,
    leverages: Leverages,
    attempts: Attempts,
    account: Account,
    gateway: Gateway,
    dead_man: DeadMan,
    health: Health,
    reach: Reach,
    /// It was ready once: from then on conditions are told.
    started: bool,
    stream_lost: Option<Nanos>,
    unsynced: Option<Nanos>,
    /// A price has crossed the trigger of a stop or target that stands: looked at with the next
    /// tick.
    look: bool,
    /// When the user stream last said anything.
    heard: Nanos,
    /// Positions in symbols that are not traded here, as last read, and those that were spoken of.
    elsewhere: usize,
    elsewhere_told: Vec<Text<24>>,
    queue: Vec<Queued>,
    flights: Vec<Flight>,
    token: u64,
    reading: user::Reading,
    seen: user::Seen,
    /// When fills came by request that the user stream has not told; every event clears it.
    suspect: Option<Nanos>,
    first_read: bool,
    /// An earlier process of the session has told the engine things.
    resumed: bool,
    /// Whether positions of others may be taken over yet.
    adopting: Adopting,
    /// The filters of each symbol as the engine believes them; nothing before it has said so.
    believed: Vec<Option<Filters>>,
    exchange_info: Vec<u8>,
    brackets: Vec<u8>,
    counts: Counts,
    scratch: attempts::Out,
    clock_wishes: Vec<clock::Wish>,
    key_wishes: Vec<listen_key::Wish>,
    leverage_wishes: Vec<leverage::Wish>,
    purposes: Vec<Purpose>,
    wants: Vec<Want>,
}

impl Machine {
    /// A client that has done nothing yet.
    pub fn new(config: Config) -> Self {
        let symbols = config.symbols.len();
        let recv_window = Nanos::from_millis(i64::from(config.recv_window_ms));
        let timing = Timing { recv_window, slack: config.slack };
        let mut account = Account::new(config.session, symbols);
        if config.foreign == Foreign::Adopt {
            account.adopt(config.adopt_stop);
        }
        Self {
            clock: Clock::new(),
            ledger: Ledger::new(Limits::default()),
            startup: Startup::new(config.live, symbols),
            listen: ListenKey::new(config.seed),
            leverages: Leverages::new(symbols),
            attempts: Attempts::new(config.session, timing),
            account,
            dead_man: DeadMan::new(config.dead_man),
            health: Health::default(),
            reach: Reach::default(),
            started: false,
            stream_lost: None,
            unsynced: None,
            look: false,
            heard: Nanos(i64::MIN),
            elsewhere: 0,
            elsewhere_told: Vec::new(),
            gateway: Gateway::new(config.session, &config.symbols, config.caps),
            queue: Vec::with_capacity(REQUESTS_MAX),
            flights: Vec::with_capacity(REQUESTS_MAX),
            token: 0,
            reading: user::Reading::new(),
            seen: user::Seen::new(),
            suspect: None,
            first_read: true,
            resumed: false,
            adopting: Adopting::Waiting,
            believed: vec![None; symbols],
            exchange_info: Vec::new(),
            brackets: Vec::new(),
            counts: Counts::default(),
            scratch: attempts::Out::new(),
            clock_wishes: Vec::new(),
            key_wishes: Vec::new(),
            leverage_wishes: Vec::new(),
            purposes: Vec::new(),
            wants: Vec::new(),
            config,
        }
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Out) {
        match input {
            Input::Tick => self.tick(now, out),
            Input::Command(command) => self.command(now, command, out),
            Input::Ended { token, outcome } => self.ended(now, token, outcome, out),
            Input::UserOpened(conn) => {
                self.heard = now;
                self.listen(now, listen_key::Input::Opened(conn), out);
            }
            Input::UserAlive(conn) => {
                self.heard = now;
                self.listen(now, listen_key::Input::Data(conn), out);
            }
            Input::UserEvent(conn, frame) => {
                self.heard = now;
                self.listen(now, listen_key::Input::Data(conn), out);
                self.event(now, frame, out);
            }
            Input::UserClosed(conn) => self.listen(now, listen_key::Input::Closed(conn), out),
        }
        self.watch_dead_man(now);
        self.drain(now, out);
        // An order is on its way out first; what it changes is seen with what comes next.
        if !matches!(input, Input::Command(_)) {
            self.watch(now, out);
        }
    }

    fn command(&mut self, now: Nanos, command: &Command, out: &mut Out) {
        self.gateway.approve(command);
        match *command {
            Command::Submit { order } if self.gateway.closed() => {
                let (id, symbol) = (order.id, order.symbol);
                let update = OrderUpdate::Rejected { code: RejectCode::Gateway };
                out.answers.push(EventBody::Order { id, symbol, update });
            }
            Command::Submit { order } => {
                if !self.ready() && !order.reduce_only {
                    let (id, symbol) = (order.id, order.symbol);
                    let update = OrderUpdate::Rejected { code: RejectCode::VenueFailed };
                    out.notes.push(Note::NotReady { id });
                    return out.answers.push(EventBody::Order { id, symbol, update });
                }
                self.attempts.submit(now, &order, &mut self.scratch);
            }
            Command::Cancel { id, symbol } => {
                self.attempts.cancel(now, id, symbol, &mut self.scratch);
            }
            Command::SetLeverage { symbol, leverage } => {
                self.leverage(now, leverage::Input::Want(symbol, leverage), out);
            }
            // Answered by the driver.
            Command::WakeAt { .. } => {}
        }
    }

    fn tick(&mut self, now: Nanos, out: &mut Out) {
        self.time_out(now, out);
        self.clock.step(now, clock::Input::Tick, &mut self.clock_wishes);
        let input = startup::Input::Tick;
        self.startup.step(now, input, &self.config.symbols, &mut self.purposes);
        self.listen(now, listen_key::Input::Tick, out);
        self.leverage(now, leverage::Input::Tick, out);
        if core::mem::take(&mut self.look) {
            self.attempts.look_at_crossed(now);
        }
        self.attempts.tick(now, &mut self.account, &mut self.scratch);
        let attempts::Out { answers, notes, .. } = &mut self.scratch;
        self.account.tick(now, &mut self.wants, answers, notes);
        self.tell_foreign(now);
        self.read_again(now);
        self.watch_stream(now, out);
        self.watch_reach(now);
        self.refuse_stale(now, out);
    }

    /// Answers that were not there in time.
    fn time_out(&mut self, now: Nanos, out: &mut Out) {
        while let Some(index) = self.flights.iter().position(|flight| now >= flight.deadline) {
            let token = self.flights[index].token;
            out.wire.push(Wire::Abort(token));
            self.ended(now, token, Outcome::Lost(Loss::Timeout), out);
        }
    }

    /// Entries that could not leave in time: late, they are other trades than those decided on.
    fn refuse_stale(&mut self, now: Nanos, out: &mut Out) {
        let patience = self.config.write_timeout;
        let mut index = 0;
        while index < self.queue.len() {
            let queued = &self.queue[index];
            let stale = match queued.purpose {
                Purpose::Place(_) => {
                    queued.urgency == Urgency::Usual && now.since(queued.since) >= patience
                }
                _ => false,
            };
            if stale && let Purpose::Place(id) = queued.purpose {
                self.queue.remove(index);
                self.attempts.denied(id, &mut self.scratch);
            } else {
                index += 1;
            }
        }
        self.collect(out);
    }

    /// What the machines inside want, until none wants anything.
    fn drain(&mut self, now: Nanos, out: &mut Out) {
        loop {
            self.collect(out);
            let mut quiet = true;
            while let Some(wish) = self.clock_wishes.pop() {
                quiet = false;
                match wish {
                    clock::Wish::Sample => self.ask(now, Purpose::Time),
                    clock::Wish::Synced => self.clock_set(now, out),
                }
            }
            for index in 0..self.purposes.len() {
                quiet = false;
                self.ask(now, self.purposes[index]);
            }
            self.purposes.clear();
            while let Some(want) = self.wants.pop() {
                quiet = false;
                match want {
                    Want::Balance => {
                        // Positions first: a fill that only they show must not be counted twice.
                        self.ask_once(now, Purpose::Positions);
                        self.ask_once(now, Purpose::Balance);
                    }
                    Want::Fills(symbol) => {
                        // What it holds may be older than what we booked; its fills tell the rest.
                        self.ask_once(now, Purpose::Positions);
                        self.ask_once(now, Purpose::SymbolTrades(symbol));
                    }
                }
            }
            for index in 0..self.scratch.asks.len() {
                quiet = false;
                self.attempt_asks(now, self.scratch.asks[index]);
            }
            self.scratch.asks.clear();
            if quiet {
                return;
            }
        }
    }

    fn collect(&mut self, out: &mut Out) {
        out.answers.append(&mut self.scratch.answers);
        out.notes.append(&mut self.scratch.notes);
    }

    fn attempt_asks(&mut self, now: Nanos, ask: Ask) {
        match ask {
            Ask::Place(id) => self.ask(now, Purpose::Place(id)),
            Ask::Cancel(id) => {
                if self.attempts.leftover(id).is_some() {
                    self.gateway.approve_leftover(id);
                }
                self.ask(now, Purpose::Cancel(id));
            }
            Ask::Query(id) => self.ask(now, Purpose::Query(id)),
            Ask::Trades(id) => self.ask(now, Purpose::Trades(id)),
            Ask::Whose(symbol, order) => self.ask_once(now, Purpose::Whose(symbol, order)),
            Ask::Clock => self.clock.step(now, clock::Input::Doubted, &mut self.clock_wishes),
            Ask::Metadata => self.ask_once(now, Purpose::ExchangeInfo),
            Ask::Positions => self.ask_once(now, Purpose::Positions),
            Ask::Stop => self.attempts.stopped = true,
        }
    }

    fn clock_set(&mut self, now: Nanos, out: &mut Out) {
        let (offset, trip) = (self.clock.offset(), self.clock.trip());
        out.notes.push(Note::Clock { offset, trip });
        let input = startup::Input::ClockSet;
        self.startup.step(now, input, &self.config.symbols, &mut self.purposes);
        self.attempts.clock_set(now);
        self.attempts.tick(now, &mut self.account, &mut self.scratch);
    }

    fn listen(&mut self, now: Nanos, input: listen_key::Input<'_>, out: &mut Out) {
        self.listen.step(now, input, &mut self.key_wishes);
        for index in 0..self.key_wishes.len() {
            match self.key_wishes[index] {
                listen_key::Wish::Make => self.ask_once(now, Purpose::ListenKey),
                listen_key::Wish::Renew => self.ask_once(now, Purpose::RenewKey),
                listen_key::Wish::Open(conn) => {
                    let mut key = listen_key::Key::new();
                    self.listen.key().chars().for_each(|c| key.push(c));
                    out.wire.push(Wire::OpenUser(conn, key));
                }
                listen_key::Wish::Close(conn) => out.wire.push(Wire::CloseUser(conn)),
                listen_key::Wish::ReadAccount => self.read_account(now),
                listen_key::Wish::Lost => out.notes.push(Note::UserStreamLost),
                listen_key::Wish::Ready => out.notes.push(Note::UserStreamReady),
            }
        }
        self.key_wishes.clear();
    }

    fn leverage(&mut self, now: Nanos, input: leverage::Input<'_>, out: &mut Out) {
        self.leverages.step(now, input, &mut self.leverage_wishes);
        for index in 0..self.leverage_wishes.len() {
            match self.leverage_wishes[index] {
                leverage::Wish::Ask(purpose) => self.ask(now, purpose),
                leverage::Wish::Note(note) => out.notes.push(note),
                leverage::Wish::Tell(symbol, leverage) => {
                    self.account.set_leverage(symbol, leverage);
                    let update = AccountUpdate::Leverage { symbol, leverage };
                    out.answers.push(EventBody::Account(update));
                }
            }
        }
        self.leverage_wishes.clear();
    }

    /// Does a request of this lane wait that may be able to go now?
    pub fn waits(&self, now: Nanos, lane: Lane) -> bool {
        self.queue.iter().any(|queued| queued.purpose.lane() == lane && now >= queued.blocked_until)
    }

    /// The next request for a free connection of a lane, stamped and entered as sent; nothing while
    /// clock or limits hold all of them back.
    pub fn next(&mut self, now: Nanos, lane: Lane, out: &mut Out) -> Option<Request> {
        let elsewhere = self.config.live;
        let wanted = |queued: &Queued| {
            let other_host = elsewhere && queued.purpose == Purpose::Restrictions;
            queued.purpose.lane() == lane && !other_host
        };
        // Orders go in the order in which the engine sent them; of reads those that prove an
        // outcome go first.
        let first = |queued: &Queued| wanted(queued) && queued.urgency <= Urgency::Protect;
        match lane {
            Lane::Orders => self.take(now, out, wanted),
            Lane::Reads => self.take(now, out, first).or_else(|| self.take(now, out, wanted)),
        }
    }

    /// The same for one purpose, which goes to a host of its own.
    pub fn next_for(&mut self, now: Nanos, purpose: Purpose, out: &mut Out) -> Option<Request> {
        self.take(now, out, |queued| queued.purpose == purpose)
    }

    fn take(
        &mut self,
        now: Nanos,
        out: &mut Out,
        wanted: impl Fn(&Queued) -> bool,
    ) -> Option<Request> {
        if self.gateway.closed() {
            return None;
        }
        let server = Nanos::from_millis(self.clock.server_ms(now));
        let mut index = 0;
        while index < self.queue.len() {
            let queued = self.queue[index];
            if !wanted(&queued) || now < queued.blocked_until {
                index += 1;
                continue;
            }
            if !self.may_go(&queued) {
                self.queue.remove(index);
                continue;
            }
            let endpoint = queued.call.endpoint();
            if endpoint.security.is_signed() && !self.clock.synced() {
                index += 1;
                continue;
            }
            let mut request = self.draft(now, &queued);
            let (weight, orders) = (request.weight(), request.orders());
            match self.ledger.admit(server, weight, orders, queued.urgency) {
                Admission::Go => {}
                Admission::Wait(until) => {
                    let wait = until.since(server).max(Nanos::MILLISECOND);
                    self.queue[index].blocked_until = now.after(wait);
                    index += 1;
                    continue;
                }
            }
            self.queue.remove(index);
            self.leave(now, &mut request);
            self.collect(out);
            return Some(request);
        }
        None
    }

    fn may_go(&self, queued: &Queued) -> bool {
        match queued.purpose {
            Purpose::Place(id) => self.attempts.may_go(id),
            Purpose::Cancel(id) => self.attempts.cancel_may_go(id),
            _ => true,
        }
    }

    fn draft(&self, now: Nanos, queued: &Queued) -> Request {
        let wait = match queued.purpose.lane() {
            Lane::Orders => self.config.write_timeout,
            Lane::Reads => self.config.read_timeout,
        };
        Request {
            token: self.token + 1,
            call: queued.call,
            purpose: queued.purpose,
            params: queued.params,
            timestamp_ms: self.clock.stamp_ms(now),
            deadline: now.after(wait),
        }
    }

    fn leave(&mut self, now: Nanos, request: &mut Request) {
        self.token += 1;
        self.counts.requests += 1;
        match request.purpose {
            Purpose::Place(id) => {
                self.counts.placements += 1;
                self.attempts.sent(id, request.timestamp_ms, &mut self.scratch);
            }
            Purpose::Query(id) => self.attempts.query_sent(id, request.timestamp_ms),
            _ => {}
        }
        self.flights.push(Flight {
            token: request.token,
            purpose: request.purpose,
            sent: now,
            deadline: request.deadline,
        });
    }

    /// Are all conditions of an entry met, as far as the way to the exchange goes?
    pub fn ready(&self) -> bool {
        self.startup.stage() == &Stage::Done
            && self.listen.ready()
            && self.clock.synced()
            && !self.attempts.stopped
            && !self.reading.under_way()
    }

    /// Where the start is.
    pub const fn stage(&self) -> &Stage {
        self.startup.stage()
    }

    /// What the key may do.
    pub const fn restrictions(&self) -> startup::Restrictions {
        self.startup.restrictions()
    }

    /// Nothing is under way, waits to leave, or is still to be proven: the exchange owes no answer.
    pub fn settled(&self) -> bool {
        // What is read to be sure owes nothing, unless entries wait for it.
        let owed = |p: Purpose| match p {
            Purpose::Time | Purpose::RenewKey | Purpose::Countdown(..) => false,
            Purpose::Balance
            | Purpose::Positions
            | Purpose::OpenOrders
            | Purpose::OpenAlgoOrders => self.reading.under_way(),
            _ => true,
        };
        self.attempts.unsettled() == 0
            && self.leverages.pending() == 0
            && !self.queue.iter().any(|queued| owed(queued.purpose))
            && !self.flights.iter().any(|flight| owed(flight.purpose))
    }

    /// A price of the market.
    pub fn see(&mut self, symbol: SymbolId, px: Px) {
        self.account.see(symbol, px);
        self.look |= self.account.held(symbol).is_some() && self.attempts.crossed(symbol, px);
    }

    /// The price that a market fact shows, if it shows one.
    pub fn see_fact(&mut self, tick: &Tick) {
        match tick.body {
            TickBody::Open { px, .. } | TickBody::Trade { px, .. } => self.see(tick.symbol, px),
            TickBody::Candle { close, .. } => self.see(tick.symbol, close),
            TickBody::Mark { mark, .. } => self.see(tick.symbol, mark),
            TickBody::Book { .. } | TickBody::Gap { .. } | TickBody::End => {}
        }
    }

    /// When [`Input::Tick`] has something to do at the earliest.
    pub fn wake(&self, now: Nanos) -> Nanos {
        if self.look {
            return now;
        }
        let flights = self.flights.iter().map(|flight| flight.deadline);
        let patience = self.config.write_timeout;
        let queue = self.queue.iter().map(|queued| match queued.purpose {
            Purpose::Place(_) if queued.urgency == Urgency::Usual => queued.since.after(patience),
            // A connection that becomes free wakes the pump, not the clock.
            _ if queued.blocked_until <= now => Nanos::MAX,
            _ => queued.blocked_until,
        });
        let inside = [
            self.clock.next(),
            self.startup.next(),
            self.listen.next(),
            self.leverages.next(),
            self.attempts.next(),
            self.account.next(),
            self.reading.next(self.listen.ready()),
            self.dead_man.next(),
            self.watch_next(now),
            self.silent_at(),
            self.suspect.map_or(Nanos::MAX, |since| since.after(user::SILENT_AFTER)),
        ];
        inside.into_iter().chain(flights).chain(queue).fold(Nanos::MAX, Nanos::min)
    }

    /// The attempts.
    pub const fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The attempts, to give them back what an interrupted session had under way.
    pub const fn attempts_mut(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The account, to give it back what an interrupted session held.
    pub const fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }

    /// The clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The limits.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The key of the user stream; empty before there is one.
    pub fn listen_key(&self) -> &str {
        self.listen.key()
    }

    /// Counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The exchange's symbols and filters, as it sent them; empty before.
    pub fn exchange_info(&self) -> &[u8] {
        &self.exchange_info
    }

    /// The exchange's margin brackets, as it sent them; empty before.
    pub fn brackets(&self) -> &[u8] {
        &self.brackets
    }
}
