//! An exchange without sockets: requests in, replies out, frames of user streams read back.

use aegis_exchange::futures::AccountConfig;
use aegis_types::{
    Bracket, Instrument, InstrumentOrigin, Money, Nanos, Px, Qty, SymbolId, SymbolTable, Tick,
    TickBody,
};
use aegis_venue::server::{
    AccountSetup, Delivery, Fact, Limits, Method, Reply, Request, Setup, Sim, Speed,
};
use aegis_wire::{Secret, Signer, Verifier, percent_encode};
use core::net::{IpAddr, Ipv4Addr};
use serde_json::{Value, json};

/// Wall time at the start: far from market time, as it may be.
pub const WALL: i64 = 1_790_000_000_000;

/// Market time at the start.
pub const START: i64 = 1_700_000_040_000;

/// Key and secret of the first account (HMAC).
pub const KEY: &str = "first-key";
/// Its secret.
pub const SECRET: &str = "first-secret";
/// Key of the second account (HMAC).
pub const OTHER: &str = "second-key";
/// Key of the third account (Ed25519).
pub const EDDSA: &str = "third-key";

/// Who signs for a key.
pub fn signer(key: &str) -> Signer {
    match key {
        KEY => Signer::hmac(&Secret::from(SECRET)),
        EDDSA => Signer::ed25519(&[9; 32]),
        _ => Signer::hmac(&Secret::from("second-secret")),
    }
}

fn money(whole: i64) -> Money {
    Money::whole(whole)
}

fn instrument(id: u16, name: &str, tick: &str, step: &str) -> Instrument {
    let bracket = |floor: i64, cap: i64, rate: &str, deduction: i64, leverage_max: u16| Bracket {
        floor: money(floor),
        cap: money(cap),
        rate: rate.parse().unwrap(),
        deduction: money(deduction),
        leverage_max,
    };
    Instrument {
        symbol: SymbolId(id),
        name: name.into(),
        tick: tick.parse().unwrap(),
        step: step.parse().unwrap(),
        qty_min: step.parse().unwrap(),
        qty_max: Qty::whole(1_000),
        notional_min: money(50),
        taker_fee: "0.0005".parse().unwrap(),
        maker_fee: "0.0002".parse().unwrap(),
        liquidation_fee: "0.0125".parse().unwrap(),
        funding_interval: Nanos::HOUR.times(8),
        brackets: vec![
            bracket(0, 50_000, "0.004", 0, 125),
            bracket(50_000, 600_000, "0.005", 50, 100),
            bracket(600_000, 100_000_000, "0.01", 3_050, 50),
        ],
        origin: InstrumentOrigin::BuiltIn,
    }
}

/// Minutes of one symbol by their closes; each opens where the one before closed.
fn minutes(facts: &mut Vec<Fact>, symbol: u16, from_ms: i64, prices: &[i64]) {
    for (index, pair) in prices.windows(2).enumerate() {
        let open_at = Nanos::from_millis(from_ms + 60_000 * index as i64);
        let (open, close) = (Px::whole(pair[0]), Px::whole(pair[1]));
        let tick =
            |at, body| Tick { symbol: SymbolId(symbol), derived: false, at, received_us: 0, body };
        facts.push(Fact::of(tick(open_at, TickBody::Open { px: open, funding: None })));
        let (low, high) = (open.min(close), open.max(close));
        let body = TickBody::Candle { open, high, low, close, volume: 100.0 };
        facts.push(Fact::of(tick(open_at.after(Nanos::MINUTE), body)));
    }
}

/// An exchange of BTCUSDT and ETHUSDT with three accounts, stepped by hand.
pub struct World {
    /// The exchange.
    pub sim: Sim,
    /// Wall time.
    pub wall: i64,
    conn: u64,
}

impl World {
    /// BTC at 60000, ETH at 3000, nothing moves.
    pub fn new() -> Self {
        Self::of(&[60_000; 60], |_| {})
    }

    /// BTC by its prices at each minute from the start on.
    pub fn of(btc: &[i64], change: impl FnOnce(&mut Setup)) -> Self {
        let mut facts = Vec::new();
        let before = START - 5 * 60_000;
        let mut prices = vec![btc[0]; 5];
        prices.extend_from_slice(btc);
        minutes(&mut facts, 0, before, &prices);
        minutes(&mut facts, 1, before, &vec![3_000; prices.len()]);
        facts.sort_by_key(|fact| (fact.at_ms, fact.symbol()));
        let account = |key: &str, verifier| AccountSetup {
            key: key.into(),
            verifier,
            withdraw: key == OTHER,
            config: AccountConfig { balance: money(10_000), ..AccountConfig::default() },
        };
        let hmac = |secret: &str| Verifier::hmac(&Secret::from(secret));
        let public = signer(EDDSA).ed25519_public().unwrap();
        let mut setup = Setup {
            symbols: SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap(),
            instruments: vec![
                instrument(0, "BTCUSDT", "0.1", "0.001"),
                instrument(1, "ETHUSDT", "0.01", "0.001"),
            ],
            seed: 7,
            speed: Speed::Step,
            start_ms: START,
            lenient_routes: false,
            derived: true,
            generated: true,
            facts: Box::new(facts.into_iter().map(Ok)),
            slippage_bps: 0.0,
            accounts: vec![
                account(KEY, hmac(SECRET)),
                account(OTHER, hmac("second-secret")),
                account(EDDSA, Verifier::ed25519(&public).unwrap()),
            ],
            limits: Limits::default(),
        };
        change(&mut setup);
        Self { sim: Sim::new(setup).unwrap(), wall: WALL, conn: 0 }
    }

    /// The address everybody asks from.
    pub const fn here() -> IpAddr {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    }

    /// A request as it is.
    pub fn raw(
        &mut self,
        key: Option<&str>,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> Reply {
        let request = Request {
            method: Method::parse(method).unwrap(),
            path: path.into(),
            query: query.into(),
            body: body.into(),
            api_key: key.map(str::to_owned),
            peer: Self::here(),
            arrived_ms: self.wall,
        };
        self.sim.handle(self.wall, &request)
    }

    /// A query with timestamp and signature.
    pub fn sign(&self, key: &str, query: &str) -> String {
        let joint = if query.is_empty() { "" } else { "&" };
        let mut text = format!("{query}{joint}timestamp={}", self.wall);
        let signature = signer(key).signature(text.as_bytes());
        text.push_str("&signature=");
        percent_encode(&signature, &mut text);
        text
    }

    /// A signed request of a key.
    pub fn by(&mut self, key: &str, method: &str, path: &str, query: &str) -> (u16, Value) {
        let query = self.sign(key, query);
        let reply = self.raw(Some(key), method, path, &query, b"");
        (reply.status, serde_json::from_str(&reply.body).unwrap_or(Value::Null))
    }

    /// A signed request of the first account.
    pub fn ask(&mut self, method: &str, path: &str, query: &str) -> (u16, Value) {
        self.by(KEY, method, path, query)
    }

    /// A signed request of the first account that must succeed.
    pub fn must(&mut self, method: &str, path: &str, query: &str) -> Value {
        let (status, value) = self.ask(method, path, query);
        assert_eq!(status, 200, "{method} {path} {query}: {value}");
        value
    }

    /// A signed request of the first account that must fail; status and code.
    pub fn fails(&mut self, method: &str, path: &str, query: &str) -> (u16, i64) {
        let (status, value) = self.ask(method, path, query);
        (status, value["code"].as_i64().unwrap_or_else(|| panic!("{path} {query}: {value}")))
    }

    /// Places an order of the first account with the full result.
    pub fn order(&mut self, query: &str) -> Value {
        self.must("POST", "/fapi/v1/order", &format!("{query}&newOrderRespType=RESULT"))
    }

    /// Posts a fault that must be taken.
    pub fn fault(&mut self, fault: &Value) -> Value {
        let body = fault.to_string();
        let reply = self.raw(None, "POST", "/sim/v1/faults", "", body.as_bytes());
        assert_eq!(reply.status, 200, "{fault}: {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// The truth of a key.
    pub fn truth(&mut self, key: &str) -> Value {
        let reply = self.raw(None, "GET", "/sim/v1/truth", &format!("key={key}"), b"");
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    /// What arrived of a method and path, from the truth of the first account.
    pub fn arrivals(&mut self, path: &str) -> Vec<Value> {
        let truth = self.truth(KEY);
        let all = truth["requests"].as_array().unwrap().iter();
        all.filter(|request| request["path"] == path).cloned().collect()
    }

    /// Market time goes on.
    pub fn step(&mut self, ms: i64) {
        let body = json!({ "ms": ms }).to_string();
        let reply = self.raw(None, "POST", "/sim/v1/step", "", body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Wall time goes on.
    pub fn wait(&mut self, ms: i64) {
        self.wall += ms;
        self.sim.advance(self.wall);
    }

    /// Opens a socket.
    pub fn socket(&mut self, path: &str, query: &str) -> u64 {
        self.conn += 1;
        let conn = self.conn;
        self.sim.socket_open(self.wall, conn, path, query).unwrap();
        conn
    }

    /// A listen key of the first account, and a socket that hears it.
    pub fn listen(&mut self) -> (String, u64) {
        let key = self.listen_key(KEY);
        let conn = self.socket("/private/ws", &format!("listenKey={key}"));
        (key, conn)
    }

    /// A listen key.
    pub fn listen_key(&mut self, key: &str) -> String {
        let reply = self.raw(Some(key), "POST", "/fapi/v1/listenKey", "", b"");
        let value: Value = serde_json::from_str(&reply.body).unwrap();
        value["listenKey"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
    }

    /// What has been sent since the last call: text of frames, or none where a socket closes.
    pub fn heard(&mut self) -> Vec<(u64, Option<String>)> {
        let mut deliveries = Vec::new();
        self.sim.take_deliveries(&mut deliveries);
        let heard = deliveries.into_iter().map(|delivery| match delivery {
            Delivery::Frame(conn, bytes) => (conn, Some(text_of(&bytes))),
            Delivery::Close(conn, _) | Delivery::Deafen(conn) => (conn, None),
        });
        heard.collect()
    }

    /// The events that a socket has heard since the last call.
    pub fn events(&mut self, conn: u64) -> Vec<Value> {
        let heard = self.heard().into_iter();
        let mine = heard.filter(|(to, _)| *to == conn).filter_map(|(_, text)| text);
        mine.map(|text| serde_json::from_str(&text).unwrap()).collect()
    }

    /// A message on a socket of the WebSocket API; reply and whether it closes.
    pub fn say(&mut self, conn: u64, message: &Value) -> (Value, bool) {
        let reply = self.sim.ws_api(self.wall, conn, &message.to_string());
        let value = serde_json::from_str(&reply.frames[0]).unwrap();
        (value, reply.close)
    }
}

/// The text of a whole, unmasked frame.
fn text_of(bytes: &[u8]) -> String {
    let start = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    String::from_utf8(bytes[start..].to_vec()).unwrap()
}

/// The kinds of events, with the execution kind of orders.
pub fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let kind = event["e"].as_str().unwrap_or_default();
        match (kind, event["o"]["x"].as_str(), event["o"]["X"].as_str()) {
            ("ORDER_TRADE_UPDATE", Some(x), _) => format!("{kind} {x}"),
            ("ALGO_UPDATE", _, Some(x)) => format!("{kind} {x}"),
            ("ACCOUNT_UPDATE", ..) => {
                format!("{kind} {}", event["a"]["m"].as_str().unwrap_or_default())
            }
            _ => kind.to_owned(),
        }
    };
    events.iter().map(kind).collect()
}
