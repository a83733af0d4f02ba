//! The exchange's side: the simulated exchange, fed with requests, heard by what it sends.

use crate::market::Workload;
use crate::network::{Answer, Arrival, ConnId, Host, Network, Parcel, Use};
use aegis_exchange::futures::{AccountConfig, AccountId};
use aegis_types::{Money, Nanos};
use aegis_venue::client::request::Meters;
use aegis_venue::server::{
    AccountSetup, Delivery, Limits, Method, Reply, Request, Sending, Setup, Sim, Speed,
};
use aegis_wire::endpoints::{ORDERS_MINUTE_HEADER, ORDERS_TEN_SECONDS_HEADER, USED_WEIGHT_HEADER};
use aegis_wire::{Secret, Verifier};
use std::net::{IpAddr, Ipv4Addr};

/// The key of the account; searched for in everything that leaves.
pub const KEY: &str = "torture-canary-key-7f3a";
/// Its secret; the same.
pub const SECRET: &str = "torture-canary-secret-91be";
/// What the account begins with.
pub const BALANCE: Money = Money::whole(10_000);

/// How often the exchange pings its sockets.
const PING: Nanos = Nanos::MINUTE.times(3);

/// An answer that is held back at the exchange.
#[derive(Clone, Debug)]
struct Held {
    due: Nanos,
    conn: ConnId,
    reply: Reply,
}

/// The exchange.
pub struct Venue {
    /// It.
    pub sim: Sim,
    /// The only account.
    pub account: AccountId,
    deliveries: Vec<Delivery>,
    held: Vec<Held>,
    ping_at: Nanos,
}

impl Venue {
    /// At the beginning of its market.
    ///
    /// # Errors
    /// What the exchange does not accept.
    pub fn new(workload: &Workload, seed: u64) -> Result<Self, String> {
        let config = AccountConfig { balance: BALANCE, ..AccountConfig::default() };
        let account = AccountSetup {
            key: KEY.into(),
            verifier: Verifier::hmac(&Secret::from(SECRET)),
            withdraw: false,
            config,
        };
        let setup = Setup {
            symbols: workload.symbols(),
            instruments: workload.instruments(),
            seed,
            speed: Speed::Step,
            start_ms: workload.start_ms,
            lenient_routes: false,
            derived: false,
            generated: true,
            facts: Box::new(workload.facts()),
            slippage_bps: 0.0,
            accounts: vec![account],
            limits: Limits::default(),
        };
        let sim = Sim::new(setup).map_err(|e| e.to_string())?;
        let ping_at = Nanos::from_millis(workload.start_ms).after(PING);
        let account = sim.account_of(KEY).ok_or("the account is not there")?;
        Ok(Self { sim, account, deliveries: Vec::new(), held: Vec::new(), ping_at })
    }

    /// When it has something to do by itself.
    pub fn next(&mut self) -> Nanos {
        let fact = self.sim.next_fact_ms().map_or(Nanos::MAX, Nanos::from_millis);
        self.held.iter().fold(fact.min(self.ping_at), |next, held| next.min(held.due))
    }

    /// Time passes: facts become known, and what was held back leaves.
    pub fn advance(&mut self, now: Nanos, network: &mut Network) {
        let now_ms = now.as_millis();
        let behind = now_ms - self.sim.market_ms();
        if behind > 0 {
            self.sim.step(behind);
        }
        self.sim.advance(now_ms);
        self.deliver(now, network);
        if self.ping_at <= now {
            self.ping_at = now.after(PING);
            let open: Vec<ConnId> = network.open(Host::User).collect();
            open.into_iter().for_each(|conn| network.send(now, conn, 8, Arrival::Alive));
        }
        while let Some(index) = self.held.iter().position(|held| held.due <= now) {
            let Held { conn, reply, .. } = self.held.remove(index);
            send(now, conn, &reply, network);
        }
    }

    fn deliver(&mut self, now: Nanos, network: &mut Network) {
        self.sim.take_deliveries(&mut self.deliveries);
        for delivery in self.deliveries.drain(..) {
            match delivery {
                Delivery::Frame(conn, bytes) => {
                    network.send(now, conn, bytes.len(), Arrival::Frame(bytes));
                }
                Delivery::Close(conn, _) => network.end(now, conn),
                Delivery::Deafen(conn) => network.deafen(now, conn),
            }
        }
    }

    /// Something has come over the network.
    pub fn arrived(&mut self, now: Nanos, parcel: Parcel, network: &mut Network) {
        let (conn, now_ms) = (parcel.conn, now.as_millis());
        match parcel.what {
            Arrival::Dialed { to: Use::Rest(_), .. } => network.accept(now, conn),
            Arrival::Dialed { address, .. } => {
                let (path, query) = address.split_once('?').unwrap_or((&address, ""));
                match self.sim.socket_open(now_ms, conn, path, query) {
                    Ok(()) => network.accept(now, conn),
                    Err(_) => network.end(now, conn),
                }
            }
            Arrival::Gone => self.sim.socket_closed(conn),
            Arrival::Asked { text } => {
                let Some(request) = request(&text, now_ms) else {
                    return network.end(now, conn);
                };
                self.advance(now, network);
                let reply = self.sim.handle(now_ms, &request);
                self.deliver(now, network);
                match reply.fate.delay_ms {
                    0 => send(now, conn, &reply, network),
                    ms => {
                        let due = now.after(Nanos::from_millis(ms as i64));
                        self.held.push(Held { due, conn, reply });
                    }
                }
            }
            _ => {}
        }
    }

    /// Posts a fault; what the exchange says when it does not take it.
    ///
    /// # Errors
    /// Its answer.
    pub fn fault(&mut self, now: Nanos, body: &str, network: &mut Network) -> Result<(), String> {
        let reply = self.administer(now, Method::Post, "/sim/v1/faults", body);
        self.deliver(now, network);
        if reply.status == 200 { Ok(()) } else { Err(reply.body) }
    }

    /// Takes all faults back.
    pub fn clear(&mut self, now: Nanos, network: &mut Network) {
        self.administer(now, Method::Delete, "/sim/v1/faults", "");
        self.deliver(now, network);
    }

    /// The exchange's clock is right again.
    pub fn unskew(&mut self, now: Nanos, network: &mut Network) {
        self.administer(now, Method::Delete, "/sim/v1/faults?fault=clock_skew", "");
        self.deliver(now, network);
    }

    fn administer(&mut self, now: Nanos, method: Method, target: &str, body: &str) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method,
            path: path.into(),
            query: query.into(),
            body: body.into(),
            api_key: None,
            peer: here(),
            arrived_ms: now.as_millis(),
        };
        self.sim.handle(now.as_millis(), &request)
    }
}

/// Feed and brain share one address.
const fn here() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn send(now: Nanos, conn: ConnId, reply: &Reply, network: &mut Network) {
    if reply.fate.sending == Sending::Nothing {
        return network.end(now, conn);
    }
    let whole = reply.fate.sending == Sending::Whole;
    let answer =
        Answer { status: reply.status, meters: meters(reply), body: reply.body.clone(), whole };
    network.send(now, conn, reply.body.len() + 200, Arrival::Answer(Box::new(answer)));
    if !whole {
        network.end(now, conn);
    }
}

fn meters(reply: &Reply) -> Meters {
    let number = |name: &str| {
        let header = reply.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        header.and_then(|(_, value)| value.parse().ok())
    };
    Meters {
        weight_1m: number(USED_WEIGHT_HEADER),
        orders_10s: number(ORDERS_TEN_SECONDS_HEADER),
        orders_1m: number(ORDERS_MINUTE_HEADER),
        retry_after_s: number("Retry-After"),
    }
}

/// A request of ours, out of its text.
fn request(text: &str, now_ms: i64) -> Option<Request> {
    let mut words = text.lines().next()?.split(' ');
    let (method, target) = (Method::parse(words.next()?)?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = text.lines().find_map(|line| line.strip_prefix("X-MBX-APIKEY: "));
    Some(Request {
        method,
        path: path.into(),
        query: query.into(),
        body: Vec::new(),
        api_key: key.map(str::to_owned),
        peer: here(),
        arrived_ms: now_ms,
    })
}
