//! The client on real sockets against the served exchange on a loopback port.

use crate::client_once::{Draw, unknown};
use crate::world::{KEY, SECRET, World};
use aegis_types::{
    Answers, ClientOrderId, Command, EventBody, Nanos, Order, OrderReason, OrderType, OrderUpdate,
    Px, Qty, Side, SymbolId, SymbolTable, Venue,
};
use aegis_venue::client::gateway::Caps;
use aegis_venue::client::startup::Stage;
use aegis_venue::client::{Config, Identity, Note, WireVenue};
use aegis_venue::server::{Times, serve};
use aegis_wire::urls::Urls;
use aegis_wire::{Secret, Signer};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const BTC: SymbolId = SymbolId(0);
const SESSION: u64 = 0xcafe;

/// A served exchange; it ends when dropped.
struct Served {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start(world: World, times: Times) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (send, ready) = std::sync::mpsc::channel();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let listen = "127.0.0.1:0".parse().unwrap();
            let until = move || stopped.load(Ordering::Relaxed);
            serve(world.sim, listen, times, until, |at| send.send(at).unwrap()).unwrap();
        });
        let address = ready.recv().unwrap();
        Self { address, stop, thread: Some(thread) }
    }

    /// An admin request on a connection of its own.
    fn admin(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Client {
    venue: WireVenue,
    told: Answers,
    next: u32,
}

impl Client {
    fn of(served: &Served, session: u64, change: impl FnOnce(&mut Config)) -> Self {
        let urls = Urls::local(&format!("http://{}", served.address)).unwrap();
        let symbols = SymbolTable::new(["BTCUSDT", "ETHUSDT"]).unwrap();
        let mut config = Config::new(session, symbols);
        config.write_timeout = Nanos::MILLISECOND.times(500);
        // Many short stories in one minute.
        config.caps = Caps::WIDE;
        change(&mut config);
        let identity = Identity {
            api_key: KEY.into(),
            signer: Signer::hmac(&Secret::from(SECRET)),
            recv_window_ms: config.recv_window_ms,
        };
        Self { venue: WireVenue::new(&urls, identity, config).unwrap(), told: Vec::new(), next: 0 }
    }

    /// Polls until something holds; panics when it takes longer than `ms`.
    fn until(&mut self, ms: i64, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = self.venue.now().after(Nanos::from_millis(ms));
        loop {
            let mut said = Answers::new();
            self.venue.poll(&mut said);
            self.told.append(&mut said);
            if done(self) {
                return;
            }
            let notes: Vec<_> = self.venue.machine().attempts().all().to_vec();
            assert!(self.venue.now() < end, "{what}: {:?} {notes:?}", self.told);
            self.venue.wait(Nanos::MILLISECOND.times(20));
        }
    }

    fn ready(&mut self) {
        self.until(10_000, "ready", |client| client.venue.ready());
        assert_eq!(self.venue.stage(), &Stage::Done);
    }

    fn market(&mut self, side: Side, qty: &str, reduce_only: bool) -> ClientOrderId {
        self.submit(OrderType::Market, side, qty, reduce_only, Px::ZERO)
    }

    fn stop(&mut self, qty: &str, trigger: i64) -> ClientOrderId {
        self.submit(OrderType::StopMarket, Side::Sell, qty, true, Px::whole(trigger))
    }

    fn submit(
        &mut self,
        kind: OrderType,
        side: Side,
        qty: &str,
        reduce_only: bool,
        trigger: Px,
    ) -> ClientOrderId {
        self.next += 1;
        let session = SESSION;
        let id = ClientOrderId { session, number: self.next };
        let order = Order {
            id,
            symbol: BTC,
            side,
            kind,
            reason: OrderReason::Entry,
            reduce_only,
            qty: qty.parse().unwrap(),
            price: Px::ZERO,
            trigger,
        };
        let mut said = Answers::new();
        self.venue.execute(Nanos::ZERO, &Command::Submit { order }, &mut said);
        self.told.append(&mut said);
        id
    }

    fn words(&self, id: ClientOrderId) -> Vec<&'static str> {
        let word = |body: &EventBody| match body {
            EventBody::Order { id: of, update, .. } if *of == id => Some(match update {
                OrderUpdate::Accepted => "accepted",
                OrderUpdate::Rejected { .. } => "rejected",
                OrderUpdate::Filled { .. } => "filled",
                OrderUpdate::Canceled => "canceled",
                OrderUpdate::Expired => "expired",
                OrderUpdate::Unknown => "unknown",
            }),
            _ => None,
        };
        self.told.iter().filter_map(word).collect()
    }
}

#[test]
fn a_client_starts_trades_and_steps_over_sockets() {
    let served = Served::start(World::new(), Times::default());
    let mut client = Client::of(&served, SESSION, |_| {});
    client.ready();
    let entry = client.market(Side::Buy, "0.01", false);
    client.until(3_000, "entry", |c| c.words(entry).contains(&"filled") && c.venue.settled());
    assert_eq!(client.words(entry), ["accepted", "filled"]);
    let stepped = served.admin("POST", "/sim/v1/step", "{\"ms\":180000}");
    assert!(stepped["market_ms"].as_i64().unwrap() >= crate::world::START + 180_000);
    let exit = client.market(Side::Sell, "0.01", true);
    client.until(3_000, "exit", |c| c.words(exit).contains(&"filled") && c.venue.settled());
    assert!(client.venue.machine().account().held(BTC).is_none());
}

#[test]
fn orders_and_cancels_go_by_the_websocket_api_when_asked() {
    let served = Served::start(World::new(), Times::default());
    let mut client = Client::of(&served, SESSION, |config| config.orders_by_socket = true);
    client.ready();
    let entry = client.market(Side::Buy, "0.01", false);
    client.until(3_000, "entry", |c| c.words(entry).contains(&"filled") && c.venue.settled());
    let stop = client.stop("0.01", 50_000);
    client.until(3_000, "stop", |c| c.words(stop) == ["accepted"] && c.venue.settled());
    let mut said = Answers::new();
    client.venue.execute(Nanos::ZERO, &Command::Cancel { id: stop, symbol: BTC }, &mut said);
    client.until(3_000, "cancel", |c| c.words(stop) == ["accepted", "canceled"]);
    let truth = served.admin("GET", &format!("/sim/v1/truth?key={KEY}"), "");
    let paths: Vec<_> = truth["requests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|request| request["method"] == "WS")
        .map(|request| request["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["order.place", "algoOrder.place", "algoOrder.cancel"]);
}

#[test]
fn an_order_goes_from_the_engine_to_the_kernel_without_an_allocation() {
    assert!(aegis_ring::CountingAllocator::is_installed());
    let served = Served::start(World::new(), Times::default());
    let mut client = Client::of(&served, SESSION, |_| {});
    client.ready();
    for turn in 0..6 {
        let side = if turn % 2 == 0 { Side::Buy } else { Side::Sell };
        client.told.clear();
        let sent = client.venue.machine().counts().placements;
        let before = aegis_ring::CountingAllocator::allocations();
        let id = client.market(side, "0.01", turn % 2 == 1);
        let allocations = aegis_ring::CountingAllocator::allocations() - before;
        assert_eq!(client.venue.machine().counts().placements, sent + 1, "it left at once");
        if turn > 1 {
            assert_eq!(allocations, 0, "turn {turn}");
        }
        client.until(3_000, "filled", |c| c.words(id).contains(&"filled") && c.venue.settled());
    }
}

#[test]
fn sockets_that_the_exchange_closes_are_made_again_and_nothing_is_lost() {
    let times = Times { life: Duration::from_millis(700), ..Times::default() };
    let served = Served::start(World::new(), times);
    let mut client = Client::of(&served, SESSION, |_| {});
    client.ready();
    let mut fills = 0;
    for turn in 0..6 {
        let side = if turn % 2 == 0 { Side::Buy } else { Side::Sell };
        let ready = |c: &Client| c.venue.ready();
        client.until(10_000, "ready again", ready);
        let id = client.market(side, "0.01", turn % 2 == 1);
        client.until(5_000, "filled", |c| c.words(id).contains(&"filled"));
        fills += 1;
        let pause = client.venue.now().after(Nanos::MILLISECOND.times(400));
        client.until(5_000, "pause", |c| c.venue.now() >= pause);
    }
    assert_eq!(fills, 6);
    assert!(client.venue.troubles() > 0, "the user stream was closed at least once");
    assert!(client.venue.machine().account().held(BTC).is_none());
}

#[test]
fn an_order_of_unknown_outcome_is_sent_once_over_sockets_too() {
    once(false, "POST /fapi/v1/order");
}

#[test]
fn an_order_of_unknown_outcome_is_sent_once_by_the_websocket_api_too() {
    once(true, "WS order.place");
}

fn once(by_socket: bool, target: &str) {
    let served = Served::start(World::new(), Times::default());
    let mut client = Client::of(&served, SESSION, |config| {
        // A short window, so that absence is proven soon.
        (config.recv_window_ms, config.slack) = (500, Nanos::MILLISECOND.times(100));
        config.orders_by_socket = by_socket;
    });
    client.ready();
    for seed in 0..24 {
        let mut draw = Draw::new(seed);
        let (mut fault, executed) = unknown(&mut draw, target);
        if fault["fault"] == "reply_delay" {
            fault["ms"] = json!(700);
        }
        served.admin("POST", "/sim/v1/faults", &fault.to_string());
        let side = if seed % 2 == 0 { Side::Buy } else { Side::Sell };
        let id = client.market(side, "0.01", false);
        let what = format!("seed {seed}, {fault}");
        client.until(10_000, &what, |c| {
            let words = c.words(id);
            let over = words.contains(&"filled") || words.contains(&"rejected");
            over && c.venue.settled()
        });
        assert_eq!(client.words(id).contains(&"filled"), executed, "{what}");
        let truth = served.admin("GET", &format!("/sim/v1/truth?key={KEY}"), "");
        let places = truth["requests"].as_array().unwrap().iter().filter(|request| {
            let place = request["method"] == "POST" || request["path"] == "order.place";
            place && request["client_order_id"] == id.to_string().as_str()
        });
        assert_eq!(places.count(), 1, "{what}");
        let positions = truth["positions"].as_array().unwrap();
        let row = positions.iter().find(|row| row["symbol"] == "BTCUSDT");
        let held: Qty =
            row.map_or(Qty::ZERO, |row| row["positionAmt"].as_str().unwrap().parse().unwrap());
        let believed = client.venue.machine().account().held(BTC);
        let believed = believed.map_or(Qty::ZERO, |held| match held.side {
            Side::Buy => held.qty,
            Side::Sell => -held.qty,
        });
        assert_eq!(believed, held, "{what}");
    }
}

#[test]
fn nobody_there_is_waited_for_and_nothing_is_sent_into_the_dark() {
    let served = Served::start(World::new(), Times::default());
    let address = served.address;
    drop(served);
    let dark = Served { address, stop: Arc::new(AtomicBool::new(true)), thread: None };
    let mut client = Client::of(&dark, SESSION, |_| {});
    let end = client.venue.now().after(Nanos::MILLISECOND.times(600));
    client.until(5_000, "the dark", |c| c.venue.now() >= end);
    assert!(!client.venue.ready());
    let id = client.market(Side::Buy, "0.01", false);
    assert_eq!(client.words(id), ["rejected"]);
    assert_eq!(client.venue.machine().counts().placements, 0);
}

#[test]
fn a_fence_file_stops_the_sockets() {
    let served = Served::start(World::new(), Times::default());
    let fence = std::env::temp_dir().join(format!("aegis-fence-{}", std::process::id()));
    let mut client = Client::of(&served, SESSION, |_| {});
    client.venue.set_fence(fence.clone());
    client.ready();
    let before = client.market(Side::Buy, "0.01", false);
    client.until(5_000, "filled", |client| client.venue.settled());
    std::fs::write(&fence, "").unwrap();
    let behind = client.market(Side::Sell, "0.01", true);
    client.until(1_000, "refused", |client| client.venue.machine().gateway().closed());
    std::fs::remove_file(&fence).unwrap();
    let truth = served.admin("GET", &format!("/sim/v1/truth?key={KEY}"), "");
    let arrived = |id: ClientOrderId| {
        let rows = truth["requests"].as_array().unwrap().iter();
        rows.filter(|row| row["client_order_id"] == id.to_string().as_str()).count()
    };
    assert_eq!((arrived(before), arrived(behind)), (1, 0));
    let notes: Vec<_> = client.venue.drain_notes().collect();
    assert_eq!(notes.iter().filter(|note| **note == Note::Fenced).count(), 1, "{notes:?}");
}
