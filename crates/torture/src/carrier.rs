//! What carries the client's requests in a simulation: connections on the simulated network, two
//! for orders and two for reads, as the sockets are used.

use crate::network::{Act, Answer, Arrival, ConnId, Parcel, Use};
use crate::venue::{KEY, SECRET};
use aegis_journal::disk::SimDisk;
use aegis_node::door::Carrier;
use aegis_types::{Answers, Command, Nanos, Tick, Venue};
use aegis_venue::client::http::{Identity, REQUEST_MAX, write_request};
use aegis_venue::client::machine::{Config, Input, Machine, Out, Wire};
use aegis_venue::client::request::{Lane, Loss, Outcome, Reply};
use aegis_venue::client::{Note, backoff::Backoff};
use aegis_wire::{Secret, Signer};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// How long a request may occupy the first connection before the spare one is used.
const SPILL_AFTER: Nanos = Nanos::from_millis(250);
/// Connections of a lane.
const SEATS: usize = 2;
/// Where the user stream listens.
const USER_PATH: &str = "/private/ws?listenKey=";

/// What a process knows without asking: its clock, and the next number of a connection.
#[derive(Clone, Debug)]
pub struct Machinery {
    /// Time as the process reads it.
    pub clock: Rc<Cell<Nanos>>,
    /// Connections so far.
    pub conns: Rc<Cell<ConnId>>,
}

impl Machinery {
    /// The number of a new connection.
    pub fn next_conn(&self) -> ConnId {
        self.conns.set(self.conns.get() + 1);
        self.conns.get()
    }
}

#[derive(Clone, Debug)]
struct Seat {
    conn: Option<ConnId>,
    open: bool,
    busy: Option<(u64, Nanos)>,
    again: Nanos,
    proven: bool,
    backoff: Backoff,
}

/// The client on the simulated network.
#[derive(Debug)]
pub struct SimVenue {
    machine: Machine,
    out: Out,
    identity: Identity,
    machinery: Machinery,
    seats: Vec<Seat>,
    users: Vec<(u32, ConnId)>,
    inbox: VecDeque<Parcel>,
    /// What it wants of the network.
    pub acts: Vec<Act>,
    /// What people should know.
    pub notes: Vec<Note>,
    text: String,
    /// The process dies within its next write once an order has left.
    pub dies_behind_order: Option<SimDisk>,
    /// When the client must be called again; looked up anew after each step of it.
    wake: Nanos,
}

impl SimVenue {
    /// A client that has not begun.
    pub fn new(config: Config, machinery: Machinery) -> Self {
        let identity = Identity {
            api_key: Secret::from(KEY),
            signer: Signer::hmac(&Secret::from(SECRET)),
            recv_window_ms: config.recv_window_ms,
        };
        let seat = |n: u64| Seat {
            conn: None,
            open: false,
            busy: None,
            again: Nanos(i64::MIN),
            proven: false,
            backoff: Backoff::for_requests(config.seed.wrapping_add(n)),
        };
        Self {
            seats: (0..2 * SEATS as u64).map(seat).collect(),
            machine: Machine::new(config),
            out: Out::default(),
            identity,
            machinery,
            users: Vec::new(),
            inbox: VecDeque::new(),
            acts: Vec::new(),
            notes: Vec::new(),
            text: String::with_capacity(REQUEST_MAX),
            dies_behind_order: None,
            wake: Nanos(i64::MIN),
        }
    }

    /// Something has come for it.
    pub fn arrived(&mut self, parcel: Parcel) {
        self.inbox.push_back(parcel);
    }

    /// When it has something to do, by its own clock.
    pub fn wake(&self) -> Nanos {
        if self.inbox.is_empty() { self.wake } else { Nanos(i64::MIN) }
    }

    /// Why it wants to be called, for whoever finds that it does so without end.
    pub fn what_wakes(&self) -> String {
        let now = self.machinery.clock.get();
        let waits = [Lane::Orders, Lane::Reads].map(|lane| self.machine.waits(now, lane));
        let machine = self.machine.wake(now).since(now).0;
        let inside = [
            self.machine.clock().next(),
            self.machine.attempts().next(),
            self.machine.account().next(),
        ];
        let inside = inside.map(|at| at.since(now).0);
        let seat = |s: &Seat| (s.conn, s.open, s.busy, s.again.since(now).0);
        let seats: Vec<_> = self.seats.iter().map(seat).collect();
        format!(
            "inbox {}, lanes {waits:?}, machine in {machine} ns (clock, attempts, account in \
             {inside:?}), connections (number, open, busy, again in) {seats:?}",
            self.inbox.len()
        )
    }

    fn step(&mut self, now: Nanos, input: Input<'_>) {
        self.machine.step(now, input, &mut self.out);
    }

    fn take(&mut self, now: Nanos, parcel: Parcel) {
        match (parcel.to, parcel.what) {
            (Use::User(conn), Arrival::Opened) => self.step(now, Input::UserOpened(conn)),
            (Use::User(conn), Arrival::Frame(bytes))
                if self.users.iter().any(|(_, link)| *link == parcel.conn) =>
            {
                self.step(now, Input::UserEvent(conn, payload(&bytes)));
            }
            (Use::User(conn), Arrival::Alive) => self.step(now, Input::UserAlive(conn)),
            (Use::User(conn), Arrival::Ended) => {
                self.users.retain(|(_, link)| *link != parcel.conn);
                self.step(now, Input::UserClosed(conn));
            }
            (Use::Rest(seat), Arrival::Opened) => {
                if let Some(seat) = self.seat(seat, parcel.conn) {
                    seat.open = true;
                }
            }
            (Use::Rest(seat), Arrival::Answer(answer)) => {
                self.answer(now, seat, parcel.conn, &answer)
            }
            (Use::Rest(seat), Arrival::Ended) => self.ended(now, seat, parcel.conn),
            _ => {}
        }
    }

    fn seat(&mut self, seat: usize, conn: ConnId) -> Option<&mut Seat> {
        self.seats.get_mut(seat).filter(|seat| seat.conn == Some(conn))
    }

    fn answer(&mut self, now: Nanos, seat: usize, conn: ConnId, answer: &Answer) {
        // What is cut ends with its connection.
        let Some(seat) = self.seat(seat, conn).filter(|_| answer.whole) else { return };
        let Some((token, _)) = seat.busy.take() else { return };
        seat.proven = true;
        seat.backoff.reset();
        let Answer { status, meters, ref body, .. } = *answer;
        let reply = Reply { status, meters, body: body.as_bytes() };
        self.step(now, Input::Ended { token, outcome: Outcome::Reply(reply) });
    }

    fn ended(&mut self, now: Nanos, seat: usize, conn: ConnId) {
        let Some(seat) = self.seat(seat, conn) else { return };
        let busy = seat.drop_link(now);
        if let Some((token, _)) = busy {
            self.step(now, Input::Ended { token, outcome: Outcome::Lost(Loss::Cut) });
        }
    }

    /// Requests of a lane over its connections.
    fn pump(&mut self, now: Nanos, lane: Lane) -> bool {
        let first = if lane == Lane::Orders { 0 } else { SEATS };
        let mut moved = false;
        for place in first..first + SEATS {
            let waited = |(_, since): (u64, Nanos)| now.since(since) >= SPILL_AFTER;
            let main = &self.seats[first];
            let spare = place > first;
            if spare && main.open && main.busy.is_none_or(|busy| !waited(busy)) {
                continue;
            }
            if self.seats[place].busy.is_some() || !self.machine.waits(now, lane) {
                continue;
            }
            if self.seats[place].conn.is_none() && now >= self.seats[place].again {
                let conn = self.machinery.next_conn();
                let seat = &mut self.seats[place];
                (seat.conn, seat.open) = (Some(conn), false);
                self.acts.push(Act::Dial { conn, to: Use::Rest(place), address: String::new() });
            }
            let Some(conn) = self.seats[place].conn.filter(|_| self.seats[place].open) else {
                continue;
            };
            let Some(request) = self.machine.next(now, lane, &mut self.out) else { continue };
            write_request(&mut self.text, &request, "exchange", &self.identity);
            moved = true;
            if !self.machine.pass(now, &request, &self.text, &mut self.out) {
                continue;
            }
            self.seats[place].busy = Some((request.token, now));
            self.acts.push(Act::Ask { conn, text: self.text.clone() });
        }
        moved
    }

    /// Carries out what the client wants of its sockets.
    fn carry(&mut self, now: Nanos) {
        for wish in std::mem::take(&mut self.out.wire) {
            match wish {
                Wire::Abort(token) => {
                    let of = |seat: &&mut Seat| seat.busy.is_some_and(|(busy, _)| busy == token);
                    if let Some(seat) = self.seats.iter_mut().find(of) {
                        self.acts.extend(seat.conn.map(Act::Close));
                        seat.drop_link(now);
                    }
                }
                Wire::OpenUser(user, key) => {
                    let conn = self.machinery.next_conn();
                    self.users.push((user, conn));
                    let address = format!("{USER_PATH}{}", key.as_str());
                    self.acts.push(Act::Dial { conn, to: Use::User(user), address });
                }
                Wire::CloseUser(user) => {
                    let gone = self.users.extract_if(.., |(other, _)| *other == user);
                    self.acts.extend(gone.map(|(_, conn)| Act::Close(conn)));
                }
            }
        }
        self.notes.append(&mut self.out.notes);
    }
}

impl Seat {
    /// The connection is no more; what was under way on it.
    fn drop_link(&mut self, now: Nanos) -> Option<(u64, Nanos)> {
        (self.conn, self.open) = (None, false);
        self.again = if self.proven { now } else { now.after(self.backoff.pause()) };
        self.proven = false;
        self.busy.take()
    }
}

impl Carrier for SimVenue {
    fn now(&self) -> Nanos {
        self.machinery.clock.get()
    }

    fn stamp_us(&self) -> u32 {
        (self.machinery.clock.get().0 / 1_000) as u32
    }

    fn poll(&mut self, said: &mut Answers) -> bool {
        let (now, before) = (self.now(), said.len());
        if now < self.wake() && self.out.answers.is_empty() {
            return false;
        }
        let mut moved = false;
        loop {
            let mut again = false;
            if now >= self.machine.wake(now) {
                self.step(now, Input::Tick);
            }
            while let Some(parcel) = self.inbox.pop_front() {
                again = true;
                self.take(now, parcel);
            }
            again |= self.pump(now, Lane::Orders);
            again |= self.pump(now, Lane::Reads);
            self.carry(now);
            said.append(&mut self.out.answers);
            moved |= again;
            if !again {
                break;
            }
        }
        // What waits for a connection looks again when one may be made or spared.
        let lanes = [Lane::Orders, Lane::Reads];
        let waits = lanes.into_iter().any(|lane| self.machine.waits(now, lane));
        let soon = if waits { now.after(SPILL_AFTER) } else { Nanos::MAX };
        self.wake = self.machine.wake(now).min(soon);
        moved || said.len() > before
    }

    fn wait(&self, _: Nanos) {}

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }
}

impl Venue for SimVenue {
    fn on_market(&mut self, _: Nanos, tick: &Tick, _: &mut Answers) {
        self.machine.see_fact(tick);
    }

    fn execute(&mut self, _: Nanos, command: &Command, answers: &mut Answers) {
        let now = self.now();
        self.step(now, Input::Command(command));
        self.pump(now, Lane::Orders);
        answers.append(&mut self.out.answers);
        self.wake = Nanos(i64::MIN);
        if matches!(command, Command::Submit { .. })
            && let Some(disk) = self.dies_behind_order.take()
        {
            disk.stop_after(0);
        }
    }
}

/// The payload of a whole, unmasked frame.
pub fn payload(bytes: &[u8]) -> &[u8] {
    let start = match bytes.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    bytes.get(start..).unwrap_or_default()
}
