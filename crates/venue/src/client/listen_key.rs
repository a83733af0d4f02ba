//! Step machine: the user stream: its key, its connection, and reading the account behind each
//! silence.
//!
//! ```text
//! make key ─> open ─> read the account ─> ready ── every 30 min: renew
//!    ▲                                     │
//!    └── expired, gone, closed, silent ────┘      23 h: a second connection, then the first goes
//! ```
//!
//! A connection opens just as well on a dead key, so being connected proves nothing: entries wait
//! until the account has been read behind it.

use super::backoff::Backoff;
use aegis_types::Nanos;
use core::fmt::Write as _;

/// A key lives an hour; it is renewed twice in that time.
const RENEW: Nanos = Nanos::MINUTE.times(30);
/// Pause after a renewal that failed.
const RENEW_AGAIN: Nanos = Nanos::MINUTE;
/// The exchange ends a connection after 24 h.
const ROTATE: Nanos = Nanos::HOUR.times(23);
/// How long both connections of a rotation listen.
const OVERLAP: Nanos = Nanos::SECOND.times(10);

/// A listen key.
pub type Key = aegis_types::Text<128>;

/// What happens to the user stream.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// Begin.
    Start,
    /// The exchange made a key.
    Made(&'a str),
    /// It did not.
    NotMade,
    /// The key was renewed.
    Renewed,
    /// It was not; `gone` when the exchange no longer knows it.
    NotRenewed {
        /// No such key.
        gone: bool,
    },
    /// A connection is open.
    Opened(u32),
    /// An event came.
    Data(u32),
    /// A connection has ended or was never made.
    Closed(u32),
    /// The exchange says that the key has expired.
    Expired,
    /// What it should have told came another way.
    Silent,
    /// The account was read.
    Read,
}

/// What it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A key.
    Make,
    /// The key renewed.
    Renew,
    /// A connection under this number, on the key in use.
    Open(u32),
    /// That connection closed.
    Close(u32),
    /// The account read: wallet, positions, open orders.
    ReadAccount,
    /// Nothing: the stream can no longer be relied on.
    Lost,
    /// Nothing: from here on it can.
    Ready,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    /// A key is asked for at that time.
    Wanting(Nanos),
    Making,
    /// A connection is opened at that time.
    Closed(Nanos),
    Opening(u32),
    Reading(u32),
    Ready(u32),
}

/// The user stream.
#[derive(Clone, Debug)]
pub struct ListenKey {
    phase: Phase,
    key: Key,
    renew_at: Nanos,
    renewing: bool,
    rotate_at: Nanos,
    /// The second connection of a rotation, and whether it is open.
    next: Option<(u32, bool)>,
    /// The first connection of a rotation, and when it goes.
    leaving: Option<(u32, Nanos)>,
    connections: u32,
    backoff: Backoff,
}

impl ListenKey {
    /// Off.
    pub fn new(seed: u64) -> Self {
        Self {
            phase: Phase::Off,
            key: Key::new(),
            renew_at: Nanos::MAX,
            renewing: false,
            rotate_at: Nanos::MAX,
            next: None,
            leaving: None,
            connections: 0,
            backoff: Backoff::new(seed),
        }
    }

    /// The key in use; empty before there is one.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// May entries rely on it?
    pub const fn ready(&self) -> bool {
        matches!(self.phase, Phase::Ready(_))
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Vec<Wish>) {
        match input {
            Input::Tick => {}
            Input::Start if self.phase == Phase::Off => self.phase = Phase::Wanting(now),
            Input::Made(key) if self.phase == Phase::Making => self.made(now, key),
            Input::NotMade if self.phase == Phase::Making => {
                self.phase = Phase::Wanting(now.after(self.backoff.pause()));
            }
            Input::Renewed => (self.renewing, self.renew_at) = (false, now.after(RENEW)),
            Input::NotRenewed { gone: true } | Input::Expired => self.again(now, out),
            Input::NotRenewed { gone: false } => {
                (self.renewing, self.renew_at) = (false, now.after(RENEW_AGAIN));
            }
            Input::Opened(conn) => self.opened(now, conn, out),
            Input::Data(_) => self.backoff.reset(),
            Input::Silent => {
                if let Phase::Ready(conn) = self.phase {
                    out.push(Wish::Close(conn));
                    self.closed(now, conn, out);
                }
            }
            Input::Closed(conn) => self.closed(now, conn, out),
            Input::Read => {
                if let Phase::Reading(conn) = self.phase {
                    self.phase = Phase::Ready(conn);
                    // The account came through: that is data.
                    self.backoff.reset();
                    out.push(Wish::Ready);
                }
            }
            Input::Start | Input::Made(_) | Input::NotMade => {}
        }
        self.tick(now, out);
    }

    fn made(&mut self, now: Nanos, key: &str) {
        self.key = Key::new();
        if key.is_empty() || self.key.write_str(key).is_err() {
            self.key = Key::new();
            self.phase = Phase::Wanting(now.after(self.backoff.pause()));
            return;
        }
        (self.renew_at, self.renewing) = (now.after(RENEW), false);
        self.phase = Phase::Closed(now);
    }

    fn opened(&mut self, now: Nanos, conn: u32, out: &mut Vec<Wish>) {
        match (self.phase, self.next) {
            (Phase::Opening(waited), _) if waited == conn => {
                (self.phase, self.rotate_at) = (Phase::Reading(conn), now.after(ROTATE));
                out.push(Wish::ReadAccount);
            }
            (Phase::Ready(old), Some((next, _))) if next == conn => {
                self.next = None;
                self.leaving = Some((old, now.after(OVERLAP)));
                (self.phase, self.rotate_at) = (Phase::Ready(conn), now.after(ROTATE));
            }
            _ => out.push(Wish::Close(conn)),
        }
    }

    fn closed(&mut self, now: Nanos, conn: u32, out: &mut Vec<Wish>) {
        if self.leaving.is_some_and(|(old, _)| old == conn) {
            self.leaving = None;
        } else if self.next.is_some_and(|(next, _)| next == conn) {
            self.next = None;
            self.rotate_at = now.after(self.backoff.pause());
        } else if matches!(self.phase,
            Phase::Opening(c) | Phase::Reading(c) | Phase::Ready(c) if c == conn)
        {
            self.lose(out);
            self.phase = Phase::Closed(now.after(self.backoff.pause()));
        }
    }

    /// The key is dead: a new one, a new connection.
    fn again(&mut self, now: Nanos, out: &mut Vec<Wish>) {
        if matches!(self.phase, Phase::Off | Phase::Making | Phase::Wanting(_)) {
            return;
        }
        if let Phase::Opening(conn) | Phase::Reading(conn) | Phase::Ready(conn) = self.phase {
            out.push(Wish::Close(conn));
        }
        for conn in [self.next.take().map(|(c, _)| c), self.leaving.take().map(|(c, _)| c)] {
            out.extend(conn.map(Wish::Close));
        }
        self.lose(out);
        self.phase = Phase::Wanting(now);
    }

    fn lose(&mut self, out: &mut Vec<Wish>) {
        if self.ready() {
            out.push(Wish::Lost);
        }
    }

    fn open(&mut self) -> u32 {
        self.connections += 1;
        self.connections
    }

    fn tick(&mut self, now: Nanos, out: &mut Vec<Wish>) {
        match self.phase {
            Phase::Wanting(at) if now >= at => {
                self.phase = Phase::Making;
                out.push(Wish::Make);
            }
            Phase::Closed(at) if now >= at => {
                let conn = self.open();
                self.phase = Phase::Opening(conn);
                out.push(Wish::Open(conn));
            }
            Phase::Ready(_) if now >= self.rotate_at && self.next.is_none() => {
                self.rotate_at = Nanos::MAX;
                let conn = self.open();
                self.next = Some((conn, false));
                out.push(Wish::Open(conn));
            }
            _ => {}
        }
        let in_use = !matches!(self.phase, Phase::Off | Phase::Wanting(_) | Phase::Making);
        if in_use && now >= self.renew_at && !self.renewing {
            self.renewing = true;
            out.push(Wish::Renew);
        }
        if let Some((conn, at)) = self.leaving
            && now >= at
        {
            self.leaving = None;
            out.push(Wish::Close(conn));
        }
    }

    /// When it has something to do at the earliest.
    pub fn next(&self) -> Nanos {
        let phase = match self.phase {
            Phase::Wanting(at) | Phase::Closed(at) => at,
            _ => Nanos::MAX,
        };
        let rotate = if self.ready() { self.rotate_at } else { Nanos::MAX };
        let renew = if self.renewing { Nanos::MAX } else { self.renew_at };
        let leaving = self.leaving.map_or(Nanos::MAX, |(_, at)| at);
        phase.min(rotate).min(renew).min(leaving)
    }
}
