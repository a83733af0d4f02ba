//! The network between the node and the exchange: connections whose bytes take their time, in
//! order, or never come.
//!
//! A connection keeps the order of what it carries, as TCP does. While its host is stuck, what was
//! sent waits and comes in a burst behind; what a cut connection still carried is lost, on the way
//! to the exchange only sometimes; a half-open one takes everything and brings nothing.

use crate::draw::Draw;
use aegis_node::live::sockets::Place;
use aegis_types::Nanos;
use aegis_venue::client::request::Meters;
use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A socket whose pings are not answered for so long is dead, as the client's are.
const DEAD_AFTER: Nanos = Nanos::SECOND.times(40);

/// A connection.
pub type ConnId = u64;

/// The process at the near end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Market data.
    Feed,
    /// Orders.
    Brain,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Market streams.
    Stream(Place),
    /// The user stream, under the client's number.
    User(u32),
    /// Requests, one after the other.
    Rest(usize),
}

impl Use {
    const fn host(self) -> Host {
        match self {
            Self::Rest(_) => Host::Rest,
            Self::Stream(_) => Host::Streams,
            Self::User(_) => Host::User,
        }
    }
}

/// Who is at the far end; each has weather of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Requests.
    Rest = 0,
    /// Market streams.
    Streams = 1,
    /// The user stream.
    User = 2,
}

/// What a process wants of its connections.
#[derive(Clone, Debug)]
pub enum Act {
    /// Open one, at this path and query.
    Dial {
        /// Its id.
        conn: ConnId,
        /// What for.
        to: Use,
        /// Path and query of a socket; empty for requests.
        address: String,
    },
    /// Send a request on it.
    Ask {
        /// On which.
        conn: ConnId,
        /// The request's text.
        text: String,
    },
    /// Close it.
    Close(ConnId),
}

/// An answer as it comes.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What its headers say about limits.
    pub meters: Meters,
    /// The body.
    pub body: String,
    /// To its last byte; otherwise the connection ends within it.
    pub whole: bool,
}

/// What happens at an end of a connection.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// At the exchange: somebody connects.
    Dialed {
        /// What for.
        to: Use,
        /// Path and query.
        address: String,
    },
    /// At the exchange: a request.
    Asked {
        /// Its text.
        text: String,
    },
    /// At the exchange: the other end has gone.
    Gone,
    /// At the node: it is open.
    Opened,
    /// At the node: it has ended, or could not be made.
    Ended,
    /// At the node: a ping of the exchange, answered by whoever holds the socket.
    Alive,
    /// At the node: a frame.
    Frame(Bytes),
    /// At the node: an answer.
    Answer(Box<Answer>),
}

/// Something on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    due: Nanos,
    number: u64,
    /// Which connection.
    pub conn: ConnId,
    /// Whose connection it is.
    pub owner: Owner,
    /// What it is for.
    pub to: Use,
    /// What arrives.
    pub what: Arrival,
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Parcel {}

impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first: the earliest must be it.
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

/// How a host fares.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One way.
    pub latency: Nanos,
    /// At most so much more, by draw.
    pub jitter: Nanos,
    /// Nothing gets through before then.
    pub stuck_until: Nanos,
    /// No connection can be made before then.
    pub refuse_until: Nanos,
    /// Bytes a second; zero for as many as there are.
    pub bandwidth: i64,
}

impl Weather {
    /// A good line.
    pub const FAIR: Self = Self {
        latency: Nanos::from_millis(4),
        jitter: Nanos::from_millis(2),
        stuck_until: Nanos::ZERO,
        refuse_until: Nanos::ZERO,
        bandwidth: 0,
    };
}

#[derive(Clone, Copy, Debug)]
struct Link {
    conn: ConnId,
    owner: Owner,
    to: Use,
    open: bool,
    /// Takes everything, brings nothing.
    deaf: bool,
    /// Nothing that is sent later arrives earlier.
    up_free: Nanos,
    down_free: Nanos,
}

/// All connections and what is on them.
#[derive(Clone, Debug)]
pub struct Network {
    heap: BinaryHeap<Parcel>,
    links: Vec<Link>,
    weather: [Weather; 3],
    draw: Draw,
    numbers: u64,
    /// A host that was never there is given up after that.
    dial_timeout: Nanos,
    /// Lines are good again from then on.
    calm_at: Nanos,
}

impl Network {
    /// No connections, good weather.
    pub fn new(seed: u64) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(1_024),
            links: Vec::with_capacity(32),
            weather: [Weather::FAIR; 3],
            draw: Draw::new(seed, 2),
            numbers: 0,
            dial_timeout: Nanos::SECOND.times(5),
            calm_at: Nanos::MAX,
        }
    }

    /// A host's weather.
    pub const fn weather(&mut self, host: Host) -> &mut Weather {
        &mut self.weather[host as usize]
    }

    /// Is a host's line as it should be?
    pub fn is_fair(&self, host: Host, now: Nanos) -> bool {
        let weather = &self.weather[host as usize];
        let slow = weather.latency > Weather::FAIR.latency || weather.bandwidth > 0;
        !slow && weather.stuck_until <= now && weather.refuse_until <= now
    }

    /// When something arrives next.
    pub fn next(&self) -> Nanos {
        self.heap.peek().map_or(Nanos::MAX, |parcel| parcel.due).min(self.calm_at)
    }

    /// Lines that are slow or narrow are good again then.
    pub const fn calm_at(&mut self, at: Nanos) {
        self.calm_at = at;
    }

    fn calm_down(&mut self) {
        self.calm_at = Nanos::MAX;
        for weather in &mut self.weather {
            let Weather { stuck_until, refuse_until, .. } = *weather;
            *weather = Weather { stuck_until, refuse_until, ..Weather::FAIR };
        }
    }

    /// What has arrived by now, one at a time.
    #[inline]
    pub fn take(&mut self, now: Nanos) -> Option<Parcel> {
        if self.calm_at <= now {
            self.calm_down();
        }
        loop {
            if self.heap.peek().is_none_or(|parcel| parcel.due > now) {
                return None;
            }
            let parcel = self.heap.pop()?;
            match parcel.what {
                // What was sent arrives, whatever has become of its sender.
                Arrival::Dialed { .. } | Arrival::Asked { .. } | Arrival::Gone => {
                    return Some(parcel);
                }
                Arrival::Ended => {
                    if let Some(index) = self.find(parcel.conn) {
                        self.links.swap_remove(index);
                        return Some(parcel);
                    }
                }
                Arrival::Opened => {
                    if let Some(index) = self.find(parcel.conn) {
                        self.links[index].open = true;
                        return Some(parcel);
                    }
                }
                Arrival::Frame(_) | Arrival::Answer(_) | Arrival::Alive => {
                    if self.find(parcel.conn).is_some() {
                        return Some(parcel);
                    }
                }
            }
        }
    }

    fn find(&self, conn: ConnId) -> Option<usize> {
        self.links.iter().position(|link| link.conn == conn)
    }

    fn push(&mut self, due: Nanos, link: &Link, what: Arrival) {
        self.numbers += 1;
        let Link { conn, owner, to, .. } = *link;
        self.heap.push(Parcel { due, number: self.numbers, conn, owner, to, what });
    }

    /// When something sent now arrives.
    fn due(&mut self, now: Nanos, host: Host, free: Nanos, bytes: usize) -> Nanos {
        let weather = self.weather[host as usize];
        let jitter = self.draw.below(weather.jitter.0.unsigned_abs() + 1) as i64;
        let due = now.after(weather.latency).after(Nanos(jitter));
        let due = due.max(free).max(weather.stuck_until);
        match weather.bandwidth {
            0 => due,
            rate => due.after(Nanos(bytes as i64 * Nanos::SECOND.0 / rate)),
        }
    }

    /// Carries out what a process wants.
    pub fn act(&mut self, now: Nanos, owner: Owner, act: Act) {
        match act {
            Act::Dial { conn, to, address } => self.dial(now, owner, conn, to, address),
            Act::Ask { conn, text } => {
                let Some(index) = self.find(conn) else { return };
                let link = self.links[index];
                if link.deaf {
                    return;
                }
                let due = self.due(now, link.to.host(), link.up_free, text.len());
                self.links[index].up_free = due;
                self.push(due, &link, Arrival::Asked { text });
            }
            Act::Close(conn) => {
                let Some(index) = self.find(conn) else { return };
                let link = self.links.swap_remove(index);
                let due = self.due(now, link.to.host(), link.up_free, 0);
                self.push(due, &link, Arrival::Gone);
            }
        }
    }

    fn dial(&mut self, now: Nanos, owner: Owner, conn: ConnId, to: Use, address: String) {
        let link = Link { conn, owner, to, open: false, deaf: false, up_free: now, down_free: now };
        self.links.push(link);
        let weather = self.weather[to.host() as usize];
        if now < weather.refuse_until {
            // No such name, or nobody who answers.
            let wait = self.draw.between(50_000_000, self.dial_timeout.0);
            return self.push(now.after(Nanos(wait)), &link, Arrival::Ended);
        }
        let due = self.due(now, to.host(), now, 0);
        if due.since(now) > self.dial_timeout {
            return self.push(now.after(self.dial_timeout), &link, Arrival::Ended);
        }
        self.push(due, &link, Arrival::Dialed { to, address });
    }

    /// The exchange takes a connection.
    pub fn accept(&mut self, now: Nanos, conn: ConnId) {
        let Some(index) = self.find(conn) else { return };
        let link = self.links[index];
        let due = self.due(now, link.to.host(), link.down_free, 0);
        self.links[index].down_free = due;
        self.push(due, &link, Arrival::Opened);
    }

    /// The exchange sends a frame or an answer, held back for so long.
    pub fn send(&mut self, now: Nanos, conn: ConnId, bytes: usize, what: Arrival) {
        let Some(index) = self.find(conn) else { return };
        let link = self.links[index];
        if link.deaf {
            return;
        }
        let due = self.due(now, link.to.host(), link.down_free, bytes);
        self.links[index].down_free = due;
        self.push(due, &link, what);
    }

    /// The exchange ends a connection, behind what it has sent.
    pub fn end(&mut self, now: Nanos, conn: ConnId) {
        self.send(now, conn, 0, Arrival::Ended);
    }

    /// A connection is cut: what it still carries to the node is lost, and what it carries to the
    /// exchange too, if so drawn.
    pub fn cut(&mut self, now: Nanos, conn: ConnId) {
        let Some(index) = self.find(conn) else { return };
        let link = self.links[index];
        let up_too = self.draw.permille(500);
        self.heap.retain(|parcel| {
            let up = matches!(parcel.what, Arrival::Asked { .. } | Arrival::Dialed { .. });
            parcel.conn != conn || up && !up_too
        });
        self.push(now, &link, Arrival::Ended);
        self.push(now.after(Nanos::MILLISECOND), &link, Arrival::Gone);
    }

    /// From now on a connection takes everything and brings nothing. A socket of the user stream
    /// finds that out by its own pings, and ends.
    pub fn deafen(&mut self, now: Nanos, conn: ConnId) {
        let Some(index) = self.find(conn) else { return };
        self.links[index].deaf = true;
        let link = self.links[index];
        if matches!(link.to, Use::User(_)) {
            self.push(now.after(DEAD_AFTER), &link, Arrival::Ended);
        }
    }

    /// Open connections of a kind.
    pub fn open(&self, host: Host) -> impl Iterator<Item = ConnId> + '_ {
        let of = move |link: &&Link| link.open && link.to.host() == host;
        self.links.iter().filter(of).map(|link| link.conn)
    }

    /// A process has died: its connections are closed by the system.
    pub fn owner_died(&mut self, now: Nanos, owner: Owner) {
        let conns: Vec<ConnId> =
            self.links.iter().filter(|link| link.owner == owner).map(|link| link.conn).collect();
        for conn in conns {
            self.act(now, owner, Act::Close(conn));
        }
    }

    /// All faults are over: bad weather and half-open connections.
    pub fn clear_up(&mut self, now: Nanos) {
        (self.weather, self.calm_at) = ([Weather::FAIR; 3], Nanos::MAX);
        let deaf: Vec<ConnId> =
            self.links.iter().filter(|link| link.deaf).map(|link| link.conn).collect();
        for conn in deaf {
            self.cut(now, conn);
        }
    }
}
