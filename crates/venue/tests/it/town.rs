//! A generated market without sockets: market data asked for and listened to.

use aegis_markets::MarketSpec;
use aegis_types::Nanos;
use aegis_venue::server::{
    ConnId, Delivery, Fact, Limits, Method, Reply, Request, Setup, Sim, Speed,
};
use core::net::{IpAddr, Ipv4Addr};
use serde_json::Value;

/// Wall time of every request: far from market time, as it may be.
pub const WALL: i64 = 1_790_000_000_000;

/// What the generator makes.
pub fn spec(symbols: u16, days: u32) -> MarketSpec {
    MarketSpec { seed: 11, symbols, days, ..MarketSpec::default() }
}

/// An exchange of a generated market that begins so many minutes behind its first one.
pub fn setup(spec: &MarketSpec, speed: Speed, history_minutes: i64) -> Setup {
    Setup {
        symbols: spec.symbol_table(),
        instruments: spec.instruments(),
        seed: 7,
        speed,
        start_ms: spec.start.after(Nanos::MINUTE.times(history_minutes)).as_millis(),
        lenient_routes: false,
        derived: true,
        generated: true,
        facts: Box::new(spec.ticks().map(|tick| Ok(Fact::of(tick)))),
        slippage_bps: 0.5,
        accounts: Vec::new(),
        limits: Limits { weight_per_minute: u32::MAX, ..Limits::default() },
    }
}

/// An exchange and the sockets that listen to it.
pub struct Town {
    /// The exchange.
    pub sim: Sim,
    wall: i64,
    next: ConnId,
}

impl Town {
    /// Three symbols, two days, stepped by hand.
    pub fn new(history_minutes: i64) -> Self {
        Self::of(setup(&spec(3, 2), Speed::Step, history_minutes))
    }

    /// Of a setup.
    pub fn of(setup: Setup) -> Self {
        Self { sim: Sim::new(setup).unwrap(), wall: WALL, next: 0 }
    }

    /// A request.
    pub fn ask(&mut self, method: &str, path: &str, query: &str, body: &str) -> Reply {
        let request = Request {
            method: Method::parse(method).unwrap(),
            path: path.into(),
            query: query.into(),
            body: body.into(),
            api_key: None,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            arrived_ms: self.wall,
        };
        self.sim.handle(self.wall, &request)
    }

    /// A read that must succeed.
    pub fn get(&mut self, path: &str, query: &str) -> Value {
        let reply = self.ask("GET", path, query, "");
        assert_eq!(reply.status, 200, "{path}?{query}: {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Market time goes on by a step; what the step answers.
    pub fn step(&mut self, ms: i64) -> Value {
        let reply = self.ask("POST", "/sim/v1/step", "", &format!("{{\"ms\":{ms}}}"));
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Opens a socket at a path with a query.
    pub fn open(&mut self, address: &str) -> ConnId {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        self.next += 1;
        self.sim.socket_open(self.wall, self.next, path, query).unwrap();
        self.next
    }

    /// A second later a socket says something; what it is answered.
    pub fn say(&mut self, conn: ConnId, text: &str) -> Value {
        self.wall += 1_000;
        let told = self.sim.socket_text(self.wall, conn, text);
        assert!(!told.close, "{text}");
        serde_json::from_str(&told.reply.unwrap()).unwrap()
    }

    /// What all sockets have heard since: socket and text.
    pub fn heard(&mut self) -> Vec<(ConnId, String)> {
        let mut deliveries = Vec::new();
        self.sim.take_deliveries(&mut deliveries);
        let frames = deliveries.into_iter().filter_map(|delivery| match delivery {
            Delivery::Frame(conn, bytes) => Some((conn, payload(&bytes))),
            Delivery::Close(..) | Delivery::Deafen(_) => None,
        });
        frames.collect()
    }

    /// The same as JSON, without the sockets.
    pub fn frames(&mut self) -> Vec<Value> {
        let texts = self.heard().into_iter();
        texts.map(|(_, text)| serde_json::from_str(&text).unwrap()).collect()
    }
}

/// The text of an unmasked frame.
fn payload(frame: &[u8]) -> String {
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    String::from_utf8(frame[head..].to_vec()).unwrap()
}
