//! The feed process: the live source's logic on the simulated network.

use crate::carrier::{Machinery, payload};
use crate::network::{Act, Arrival, ConnId, Parcel, Use};
use crate::ring::Ring;
use aegis_node::live::course::{Course, Errand, Question};
use aegis_node::live::plan::Shard;
use aegis_node::live::sockets::{Place, Wish};
use aegis_node::live::{Silence, Source, Streams};
use aegis_types::{Nanos, SymbolTable};
use aegis_venue::client::ledger::{Admission, Ledger, Limits, Refusal, Urgency};
use aegis_wire::errors::banned_until;
use aegis_wire::streams::Route;
use std::collections::VecDeque;

/// Questions under way at once.
const SEATS: usize = 4;
/// How long an answer may take.
const PATIENCE: Nanos = Nanos::SECOND.times(10);
/// Pause of a connection that broke.
const PAUSE: Nanos = Nanos::from_millis(500);
/// How often connections are looked at when nothing comes.
const LOOK: Nanos = Nanos::SECOND;
/// The feed's share of the weight of an address.
const WEIGHT: u32 = 1_200;

#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    conn: Option<ConnId>,
    open: bool,
    again: Nanos,
}

/// The feed process.
pub struct Feed {
    course: Course,
    machinery: Machinery,
    conns: Vec<[Option<ConnId>; 2]>,
    seats: [Seat; SEATS],
    busy: [Option<(Errand, Nanos)>; SEATS],
    waiting: VecDeque<Question>,
    ledger: Ledger,
    closed_until: Nanos,
    /// What it wants of the network.
    pub acts: Vec<Act>,
    wake: Nanos,
    looked: Nanos,
}

/// Where the facts of a simulation come from: the streams of the workload alone.
pub fn source(history_from_ms: i64) -> Source {
    Source {
        venue: "binance".into(),
        rest: "https://exchange".into(),
        stream_base: "wss://exchange".into(),
        streams: Streams::All,
        history_from_ms,
        conflation_ms: 100,
        universe_refresh_ms: 3_600_000,
        weight_minute: WEIGHT,
        silence: Silence::default(),
        firewall: Default::default(),
    }
}

/// Two connections: candles and mark prices, and best prices.
fn shards(symbols: &SymbolTable) -> Vec<Shard> {
    let shard = |route: Route, kinds: &[&str], candles: bool| {
        let name = |id| symbols.name(id).to_ascii_lowercase();
        let of = |id| kinds.iter().map(move |kind| format!("{}@{kind}", name(id)));
        let mut names: Vec<String> = symbols.ids().flat_map(of).collect();
        if candles {
            names.push("!contractInfo".to_owned());
        }
        Shard {
            route,
            symbols: symbols.ids().collect(),
            candles,
            url: format!("/{}/stream?streams={}", route.name(), names.join("/")),
            subscribe: Vec::new(),
            streams: names.len(),
        }
    };
    vec![
        shard(Route::Market, &["kline_1m", "markPrice"], true),
        shard(Route::Public, &["bookTicker"], false),
    ]
}

impl Feed {
    /// A feed at its start; `since_ms` where its predecessor was.
    pub fn new(
        source: &Source,
        symbols: &SymbolTable,
        since_ms: Option<i64>,
        slots: usize,
        seed: u64,
        machinery: Machinery,
    ) -> Self {
        let now = machinery.clock.get();
        let shards = shards(symbols);
        Self {
            conns: vec![[None, None]; shards.len()],
            course: Course::new(source, symbols, shards, since_ms, slots, (now, seed)),
            machinery,
            seats: [Seat::default(); SEATS],
            busy: [None; SEATS],
            waiting: VecDeque::new(),
            ledger: Ledger::new(Limits { weight_1m: WEIGHT, ..Limits::default() }),
            closed_until: Nanos(i64::MIN),
            acts: Vec::new(),
            wake: Nanos(i64::MIN),
            looked: Nanos(i64::MIN),
        }
    }

    /// Is the past told and do the streams follow?
    pub fn is_live(&self) -> bool {
        self.course.is_live()
    }

    /// When it has something to do, by its own clock.
    pub const fn wake(&self) -> Nanos {
        self.wake
    }

    fn now(&self) -> Nanos {
        self.machinery.clock.get()
    }

    /// Something has come for it.
    #[inline]
    pub fn arrived(&mut self, parcel: Parcel, ring: &mut Ring) {
        let now = self.now();
        match (parcel.to, parcel.what) {
            (Use::Stream(at), what) => {
                if self.conns[at.slot][at.place] == Some(parcel.conn) {
                    self.stream(now, at, what, ring);
                }
            }
            (Use::Rest(seat), what) => {
                if self.seats[seat].conn == Some(parcel.conn) {
                    self.rest(now, seat, what, ring);
                }
            }
            (Use::User(_), _) => {}
        }
    }

    fn stream(&mut self, now: Nanos, at: Place, what: Arrival, ring: &mut Ring) {
        match what {
            Arrival::Opened => {
                self.course.opened(at, now);
                self.wake = now;
            }
            Arrival::Frame(bytes) => {
                if self.course.frame(now, payload(&bytes), ring) {
                    self.course.data(at, now);
                }
                let due = self.course.due().unwrap_or(Nanos::MAX);
                self.wake = self.wake.min(due);
                self.course.take_asks(now);
            }
            Arrival::Ended => {
                self.conns[at.slot][at.place] = None;
                self.course.ended(at, "it ended", now);
                self.wake = now;
            }
            _ => {}
        }
    }

    fn rest(&mut self, now: Nanos, seat: usize, what: Arrival, ring: &mut Ring) {
        self.wake = now;
        match what {
            Arrival::Opened => self.seats[seat].open = true,
            Arrival::Answer(answer) if answer.whole => {
                let Some((errand, _)) = self.busy[seat].take() else { return };
                self.ledger.told(now, &answer.meters);
                let retry_after_s = answer.meters.retry_after_s;
                let refusal = match answer.status {
                    403 => Some(Refusal::Blocked),
                    418 => {
                        let until_ms = banned_until(&answer.body);
                        Some(Refusal::Banned { until_ms, retry_after_s })
                    }
                    429 => Some(Refusal::TooMany { retry_after_s }),
                    _ => None,
                };
                if let Some(refusal) = refusal {
                    self.ledger.refused(now, refusal);
                }
                self.closed_until = self.ledger.closed(now).unwrap_or(self.closed_until);
                self.course.answered(errand, answer.status, answer.body.as_bytes(), ring, now);
            }
            Arrival::Ended => self.drop_seat(now, seat, "it ended"),
            _ => {}
        }
    }

    fn drop_seat(&mut self, now: Nanos, seat: usize, why: &str) {
        self.seats[seat] = Seat { conn: None, open: false, again: now.after(PAUSE) };
        if let Some((errand, _)) = self.busy[seat].take() {
            self.course.lost(errand, why, now);
        } else if let Some(question) = self.waiting.pop_front() {
            // One question learns of it; the others may fare better.
            self.course.lost(question.errand, why, now);
        }
    }

    /// One turn of the process.
    pub fn turn(&mut self, ring: &mut Ring) {
        let now = self.now();
        if now.since(self.looked) >= LOOK || self.wake <= now {
            self.looked = now;
            self.course.look(now);
        }
        self.wishes(now, ring);
        self.course.turn(now, ring);
        self.wishes(now, ring);
        self.ask(now);
        let busy = self.busy.iter().flatten().map(|(_, until)| *until);
        let looks = self.looked.after(LOOK);
        let due = self.course.due().unwrap_or(Nanos::MAX).max(now.after(Nanos::MILLISECOND));
        self.wake = busy.fold(looks.min(due), Nanos::min);
        if !self.course.is_live() {
            self.wake = self.wake.min(now.after(Nanos::from_millis(50)));
        }
    }

    fn wishes(&mut self, now: Nanos, ring: &mut Ring) {
        while let Some(wish) = self.course.next_wish(now, ring) {
            match wish {
                Wish::Open(at) => {
                    let conn = self.machinery.next_conn();
                    self.conns[at.slot][at.place] = Some(conn);
                    let address = self.course.shards()[at.slot].url.clone();
                    self.acts.push(Act::Dial { conn, to: Use::Stream(at), address });
                }
                Wish::Close(at) => {
                    let conn = self.conns[at.slot][at.place].take();
                    self.acts.extend(conn.map(Act::Close));
                }
                Wish::Lost(_) | Wish::Back(_) => {}
            }
        }
    }

    fn ask(&mut self, now: Nanos) {
        for seat in 0..SEATS {
            if self.busy[seat].is_some_and(|(_, until)| now >= until) {
                self.acts.extend(self.seats[seat].conn.map(Act::Close));
                self.drop_seat(now, seat, "no answer in time");
            }
        }
        while self.waiting.len() < SEATS
            && let Some(question) = self.course.next_question(now)
        {
            self.waiting.push_back(question);
        }
        for seat in 0..SEATS {
            let Some(question) = self.waiting.front() else { return };
            let Seat { conn, open, again } = self.seats[seat];
            if self.busy[seat].is_some() || now < self.closed_until {
                continue;
            }
            let Some(conn) = conn else {
                if now >= again {
                    let conn = self.machinery.next_conn();
                    self.seats[seat] = Seat { conn: Some(conn), open: false, again };
                    let address = String::new();
                    self.acts.push(Act::Dial { conn, to: Use::Rest(seat), address });
                }
                continue;
            };
            if !open {
                continue;
            }
            match self.ledger.admit(now, question.weight, 0, Urgency::Usual) {
                Admission::Go => {}
                Admission::Wait(until) => {
                    self.closed_until = until;
                    return;
                }
            }
            let Some(Question { errand, path, .. }) = self.waiting.pop_front() else { return };
            let text = format!("GET {path} HTTP/1.1\r\nHost: exchange\r\n\r\n");
            self.acts.push(Act::Ask { conn, text });
            self.busy[seat] = Some((errand, now.after(PATIENCE)));
        }
    }
}
