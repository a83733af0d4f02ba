//! The client's machine against the exchange's machine: one thread, virtual time, no sockets.
//!
//! Time jumps to whatever happens next, so an hour of trouble takes no longer than its events.

use crate::world::{KEY, SECRET, World};
use aegis_types::{
    Cause, ClientOrderId, Command, EventBody, Fill, Nanos, Order, OrderReason, OrderType,
    OrderUpdate, Px, Qty, Side, SymbolId, SymbolTable,
};
use aegis_venue::client::http::{Identity, write_request};
use aegis_venue::client::machine::{Config, Input, Machine, Out, Wire};
use aegis_venue::client::request::{Lane, Loss, Meters, Outcome, Purpose, Reply, Request};
use aegis_venue::client::{Note, startup::Stage};
use aegis_venue::server::{Reply as ServerReply, Sending};
use aegis_wire::endpoints::{ORDERS_MINUTE_HEADER, ORDERS_TEN_SECONDS_HEADER, USED_WEIGHT_HEADER};
use aegis_wire::{Secret, Signer};

/// The session of the client's order ids.
pub const SESSION: u64 = 0xfeed;
/// The first symbol of the world.
pub const BTC: SymbolId = SymbolId(0);

/// A request whose answer is on its way.
struct Flight {
    token: u64,
    lane: Lane,
    due_ms: i64,
    reply: ServerReply,
}

/// Answers requests in place of the exchange: status and body.
pub type Intercept = Box<dyn FnMut(&Request) -> Option<(u16, String)>>;

/// Changes a request between signer and gateway.
pub type Distort = Box<dyn FnMut(&mut String)>;

/// Client and exchange.
pub struct Desk {
    /// The exchange.
    pub world: World,
    /// The client.
    pub machine: Machine,
    /// What the engine was told, in order, and when.
    pub told: Vec<(i64, EventBody)>,
    /// What people were told.
    pub notes: Vec<Note>,
    /// Frames of the user stream are lost until then, wall ms.
    pub deaf_until: i64,
    /// Frames of the user stream come so much later.
    pub user_delay: i64,
    /// No connection can be made.
    pub cut_off: bool,
    /// A request that the network answers itself instead of carrying it to the exchange.
    pub intercept: Option<Intercept>,
    /// When requests of ours were answered with 429, wall ms.
    pub over_limit: Vec<i64>,
    /// Placements that were carried to the exchange.
    pub carried: u64,
    /// What becomes of a request between signer and gateway.
    pub distort: Option<Distort>,
    /// Is the fence up?
    pub fence: Option<Box<dyn Fn() -> bool>>,
    /// How far the client's clock is ahead of the wall's, ms.
    pub skew: i64,
    /// The key that the client uses.
    pub key: &'static str,
    live: bool,
    out: Out,
    identity: Identity,
    flights: Vec<Flight>,
    users: Vec<(u32, u64)>,
    frames: Vec<(i64, u64, String)>,
    next: u32,
}

impl Desk {
    /// A client that has not begun, of an exchange where nothing moves.
    pub fn idle(world: World) -> Self {
        let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
        Self::with(world, Config::new(SESSION, symbols))
    }

    /// The same, otherwise configured, under the first key.
    pub fn with(world: World, config: Config) -> Self {
        Self::keyed(world, config, KEY, Signer::hmac(&Secret::from(SECRET)))
    }

    /// The same, under a key and its signer.
    pub fn keyed(world: World, config: Config, key: &'static str, signer: Signer) -> Self {
        let identity =
            Identity { api_key: key.into(), signer, recv_window_ms: config.recv_window_ms };
        Self {
            key,
            live: config.live,
            world,
            machine: Machine::new(config),
            told: Vec::new(),
            notes: Vec::new(),
            deaf_until: 0,
            user_delay: 0,
            cut_off: false,
            intercept: None,
            over_limit: Vec::new(),
            carried: 0,
            distort: None,
            fence: None,
            skew: 0,
            out: Out::default(),
            identity,
            flights: Vec::new(),
            users: Vec::new(),
            frames: Vec::new(),
            next: 0,
        }
    }

    /// A client that may enter.
    pub fn ready(world: World) -> Self {
        let mut desk = Self::idle(world);
        desk.run(5_000);
        assert_eq!(desk.machine.stage(), &Stage::Done);
        assert!(desk.machine.ready(), "{:?}", desk.notes);
        desk.told.clear();
        desk.notes.clear();
        desk
    }

    fn now(&self) -> Nanos {
        Nanos::from_millis(self.world.wall + self.skew)
    }

    fn step(&mut self, input: Input<'_>) {
        let now = self.now();
        self.machine.step(now, input, &mut self.out);
        self.collect();
    }

    fn collect(&mut self) {
        let at = self.world.wall;
        self.told.extend(self.out.answers.drain(..).map(|body| (at, body)));
        self.notes.append(&mut self.out.notes);
        for wish in core::mem::take(&mut self.out.wire) {
            match wish {
                Wire::Abort(token) => self.flights.retain(|flight| flight.token != token),
                Wire::OpenUser(conn, key) => {
                    let query = format!("listenKey={}", key.as_str());
                    let socket = self.world.socket("/private/ws", &query);
                    self.users.push((conn, socket));
                    self.step(Input::UserOpened(conn));
                }
                Wire::CloseUser(conn) => self.users.retain(|(other, _)| *other != conn),
            }
        }
    }

    /// The engine commands.
    pub fn command(&mut self, command: &Command) {
        self.step(Input::Command(command));
        self.turn();
    }

    /// A market order, a limit order at `trigger`, or a stop or target that rests there.
    pub fn order(&mut self, kind: OrderType, side: Side, qty: &str, trigger: i64) -> ClientOrderId {
        self.next += 1;
        let id = ClientOrderId { session: SESSION, number: self.next };
        let reduce_only = !matches!(kind, OrderType::Market | OrderType::Limit);
        self.submit(id, kind, side, qty, trigger, reduce_only)
    }

    /// Ids go on behind this number, as after a restart.
    pub fn number_from(&mut self, number: u32) {
        self.next = number;
    }

    /// A market order that may only reduce.
    pub fn exit(&mut self, side: Side, qty: &str) -> ClientOrderId {
        self.next += 1;
        let id = ClientOrderId { session: SESSION, number: self.next };
        self.submit(id, OrderType::Market, side, qty, 0, true)
    }

    fn submit(
        &mut self,
        id: ClientOrderId,
        kind: OrderType,
        side: Side,
        qty: &str,
        trigger: i64,
        reduce_only: bool,
    ) -> ClientOrderId {
        let order = Order {
            id,
            symbol: BTC,
            side,
            kind,
            reason: OrderReason::Entry,
            reduce_only,
            qty: qty.parse().unwrap(),
            price: Px::whole(if kind == OrderType::Limit { trigger } else { 0 }),
            trigger: Px::whole(if kind == OrderType::Limit { 0 } else { trigger }),
        };
        self.command(&Command::Submit { order });
        id
    }

    /// Takes an order back.
    pub fn cancel(&mut self, id: ClientOrderId) {
        self.command(&Command::Cancel { id, symbol: BTC });
    }

    /// Everything that can happen without time passing.
    fn turn(&mut self) {
        loop {
            let mut moved = self.hear();
            moved |= self.answer();
            if self.now() >= self.machine.wake(self.now()) {
                self.step(Input::Tick);
            }
            for lane in [Lane::Orders, Lane::Reads] {
                moved |= self.send(lane);
            }
            if !moved {
                return;
            }
        }
    }

    fn send(&mut self, lane: Lane) -> bool {
        let busy = self.flights.iter().filter(|flight| flight.lane == lane).count();
        if self.cut_off || busy >= 2 || (busy == 1 && lane == Lane::Reads) {
            return false;
        }
        let now = self.now();
        let mut request = self.machine.next(now, lane, &mut self.out);
        if request.is_none() && self.live && lane == Lane::Reads {
            // On another host in earnest.
            request = self.machine.next_for(now, Purpose::Restrictions, &mut self.out);
        }
        let Some(request) = request else { return false };
        self.collect();
        let mut text = String::new();
        write_request(&mut text, &request, "exchange", &self.identity);
        if let Some(distort) = &mut self.distort {
            distort(&mut text);
        }
        if self.fence.as_ref().is_some_and(|up| up()) {
            self.machine.close(&mut self.out);
        }
        let passed = self.machine.pass(now, &request, &text, &mut self.out);
        self.collect();
        if !passed {
            return true;
        }
        let reply = match self.intercept.as_mut().and_then(|answer| answer(&request)) {
            Some((status, body)) => ServerReply { status, ..ServerReply::ok(body) },
            None => {
                self.carried += u64::from(matches!(request.purpose, Purpose::Place(_)));
                self.carry(&text)
            }
        };
        if reply.status == 429 {
            self.over_limit.push(self.world.wall);
        }
        let due_ms = self.world.wall + 1 + reply.fate.delay_ms as i64;
        self.flights.push(Flight { token: request.token, lane, due_ms, reply });
        true
    }

    /// To the exchange, as bytes say it.
    fn carry(&mut self, text: &str) -> ServerReply {
        let first = text.lines().next().unwrap();
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = text.contains("X-MBX-APIKEY").then_some(self.key);
        self.world.raw(key, method, path, query, b"")
    }

    fn answer(&mut self) -> bool {
        let due = |flight: &Flight| flight.due_ms <= self.world.wall;
        let Some(index) = self.flights.iter().position(due) else { return false };
        let Flight { token, reply, .. } = self.flights.remove(index);
        let whole = matches!(reply.fate.sending, Sending::Whole);
        let number = |name: &str| {
            let header = reply.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            header.and_then(|(_, value)| value.parse().ok())
        };
        let meters = Meters {
            weight_1m: number(USED_WEIGHT_HEADER),
            orders_10s: number(ORDERS_TEN_SECONDS_HEADER),
            orders_1m: number(ORDERS_MINUTE_HEADER),
            retry_after_s: number("Retry-After"),
        };
        let outcome = if whole {
            Outcome::Reply(Reply { status: reply.status, meters, body: reply.body.as_bytes() })
        } else {
            Outcome::Lost(Loss::Cut)
        };
        self.step(Input::Ended { token, outcome });
        true
    }

    /// A frame comes on the user stream that the exchange has not sent now.
    pub fn hear_now(&mut self, text: &str) {
        let (conn, _) = self.users[0];
        self.step(Input::UserEvent(conn, text.as_bytes()));
    }

    /// What the user streams say.
    fn hear(&mut self) -> bool {
        let due = self.world.wall + self.user_delay;
        for (socket, text) in self.world.heard() {
            let Some((conn, _)) = self.users.iter().copied().find(|(_, s)| *s == socket) else {
                continue;
            };
            match text {
                Some(text) => self.frames.push((due, socket, text)),
                None => {
                    self.users.retain(|(other, _)| *other != conn);
                    self.step(Input::UserClosed(conn));
                }
            }
        }
        let wall = self.world.wall;
        let Some(index) = self.frames.iter().position(|(due, ..)| *due <= wall) else {
            return false;
        };
        let (_, socket, text) = self.frames.remove(index);
        let conn = self.users.iter().find(|(_, s)| *s == socket).map(|(conn, _)| *conn);
        if let Some(conn) = conn.filter(|_| wall >= self.deaf_until) {
            self.step(Input::UserEvent(conn, text.as_bytes()));
        }
        true
    }

    /// Lets `ms` milliseconds of wall time pass.
    pub fn run(&mut self, ms: i64) {
        let end = self.world.wall + ms;
        loop {
            self.turn();
            let wake = self.machine.wake(self.now());
            let wake_ms = wake.0.saturating_add(999_999) / 1_000_000 - self.skew;
            let flights = self.flights.iter().map(|flight| flight.due_ms);
            let frames = self.frames.iter().map(|(due, ..)| *due);
            let next = flights.chain(frames).fold(wake_ms, i64::min);
            let next = next.max(self.world.wall + 1).min(end);
            if self.world.wall >= end {
                return;
            }
            // Small steps keep what the exchange does by itself at its time.
            let next = next.min(self.world.wall + 250);
            self.world.wait(next - self.world.wall);
        }
    }

    /// Market time goes on, and everybody hears of it.
    pub fn market(&mut self, ms: i64) {
        self.world.step(ms);
        self.run(20);
    }

    /// The price of BTC is set by hand.
    pub fn price(&mut self, px: i64) {
        let body = serde_json::json!({"symbol": "BTCUSDT", "price": px.to_string()}).to_string();
        let reply = self.world.raw(None, "POST", "/sim/v1/price", "", body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// What was told of an order.
    pub fn of(&self, id: ClientOrderId) -> Vec<OrderUpdate> {
        let of = |(_, body): &(i64, EventBody)| match body {
            EventBody::Order { id: of, update, .. } if *of == id => Some(*update),
            _ => None,
        };
        self.told.iter().filter_map(of).collect()
    }

    /// What the engine was told of a condition, in order.
    pub fn turns(&self, cause: Cause) -> Vec<bool> {
        let of = |(_, body): &(i64, EventBody)| match body {
            EventBody::Condition(condition) if condition.cause == cause => Some(condition.on),
            _ => None,
        };
        self.told.iter().filter_map(of).collect()
    }

    /// Fills that were told and are of no order of ours.
    pub fn outside(&self) -> Vec<Fill> {
        let of = |(_, body): &(i64, EventBody)| match body {
            EventBody::Order { id, update: OrderUpdate::Filled { fill }, .. } if id.number == 0 => {
                Some(*fill)
            }
            _ => None,
        };
        self.told.iter().filter_map(of).collect()
    }

    /// A client with a position of that quantity, and nothing told yet.
    pub fn holding(side: Side, qty: &str) -> Self {
        let mut desk = Self::ready(World::new());
        desk.enter(side, qty);
        desk
    }

    /// Opens a position, and forgets what was told of it.
    pub fn enter(&mut self, side: Side, qty: &str) {
        self.command(&Command::SetLeverage { symbol: BTC, leverage: 5 });
        self.run(200);
        let id = self.order(OrderType::Market, side, qty, 0);
        self.run(1_000);
        assert_eq!(self.words(id).len(), 2, "{:?}", self.notes);
        self.told.clear();
        self.notes.clear();
    }

    /// The words for what was told of an order.
    pub fn words(&self, id: ClientOrderId) -> Vec<String> {
        let word = |update: &OrderUpdate| match update {
            OrderUpdate::Accepted => "accepted".to_owned(),
            OrderUpdate::Rejected { code } => format!("rejected {code}"),
            OrderUpdate::Filled { fill } => format!("filled {}", fill.qty),
            OrderUpdate::Canceled => "canceled".to_owned(),
            OrderUpdate::Expired => "expired".to_owned(),
            OrderUpdate::Unknown => "unknown".to_owned(),
        };
        self.of(id).iter().map(word).collect()
    }

    /// How often an order was sent.
    pub fn placements(&mut self, id: ClientOrderId) -> usize {
        let text = id.to_string();
        let truth = self.world.truth(KEY);
        let requests = truth["requests"].as_array().unwrap().iter();
        let places = |r: &&serde_json::Value| {
            r["method"] == "POST"
                && (r["path"] == "/fapi/v1/order" || r["path"] == "/fapi/v1/algoOrder")
                && r["client_order_id"] == text.as_str()
        };
        requests.filter(places).count()
    }

    /// What happened, for whoever must find out why it went wrong.
    pub fn story(&mut self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for note in &self.notes {
            let _ = writeln!(text, "note {note:?}");
        }
        for (at, body) in &self.told {
            let _ = match body {
                EventBody::Order { id, update: OrderUpdate::Filled { fill }, .. } => {
                    let (trade, side, qty) = (fill.trade_id, fill.side, fill.qty);
                    writeln!(text, "told {at} {} trade {trade} {side} {qty}", id.number)
                }
                EventBody::Order { id, update, .. } => {
                    writeln!(text, "told {at} {} {update:?}", id.number)
                }
                other => writeln!(text, "told {at} {other:?}"),
            };
        }
        let truth = self.world.truth(KEY);
        for row in truth["fills"].as_array().unwrap() {
            let _ = writeln!(
                text,
                "fill {} {} {} {}",
                row["id"], row["orderId"], row["side"], row["qty"]
            );
        }
        for row in truth["orders"].as_array().unwrap() {
            let _ = writeln!(
                text,
                "order {} {} {}",
                row["orderId"], row["clientOrderId"], row["status"]
            );
        }
        for a in self.machine.attempts().all() {
            let (number, kind) = (a.order.id.number, a.order.kind);
            let (phase, cancel) = (a.phase, a.cancel);
            let ids = (a.exchange_id, a.actual_id);
            let qtys = (a.order.qty, a.executed, a.booked);
            let _ = writeln!(text, "attempt {number} {kind} {phase:?} {cancel:?} {ids:?} {qtys:?}");
        }
        text
    }

    /// Belief equals truth: position, wallet, and nothing unknown.
    pub fn assert_true(&mut self, what: &str) {
        let truth = self.world.truth(KEY);
        let positions = truth["positions"].as_array().unwrap();
        let row = positions.iter().find(|row| row["symbol"] == "BTCUSDT");
        let amount = |name: &str| row.map_or("0", |row| row[name].as_str().unwrap_or("0"));
        let true_qty: Qty = amount("positionAmt").parse().unwrap();
        let held = self.machine.account().held(BTC);
        let believed = held.map_or(Qty::ZERO, |held| match held.side {
            Side::Buy => held.qty,
            Side::Sell => -held.qty,
        });
        assert_eq!(believed, true_qty, "{what}: position; {positions:?}");
        let balance: aegis_types::Money = truth["balance"].as_str().unwrap().parse().unwrap();
        assert_eq!(self.machine.account().wallet(), Some(balance), "{what}: wallet");
        assert_eq!(self.machine.attempts().unknown(), 0, "{what}: an outcome is unknown");
    }
}
