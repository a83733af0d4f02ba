//! The server on a free port of this machine: HTTP as clients speak it, sockets, fates, pace.

use crate::town::{setup, spec};
use aegis_venue::server::{ServeError, Sim, Speed, Summary, Times, serve};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server in a thread of its own, stopped when dropped.
struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Summary>>,
}

impl Server {
    fn new(speed: Speed, times: Times) -> Self {
        let sim = Sim::new(setup(&spec(2, 1), speed, 100)).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (to, address) = channel();
        let seen = stop.clone();
        let thread = std::thread::spawn(move || {
            let listen = "127.0.0.1:0".parse().unwrap();
            let stop = || seen.load(Ordering::Relaxed);
            serve(sim, listen, times, stop, |address| to.send(address).unwrap()).unwrap()
        });
        let address = address.recv().unwrap();
        Self { address, stop, thread: Some(thread) }
    }

    fn connect(&self) -> Client {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { socket, buffer: Vec::new() }
    }

    fn stop(mut self) -> Summary {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// Head and body of a reply, and whether all of the body came.
struct Got {
    head: String,
    body: String,
    whole: bool,
}

impl Client {
    fn send(&mut self, head: &str, body: &str) {
        let text = format!("{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.socket.write_all(text.as_bytes()).unwrap();
    }

    /// More bytes; false at the end of the connection.
    fn more(&mut self) -> bool {
        let mut chunk = [0; 65_536];
        match self.socket.read(&mut chunk) {
            Ok(0) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                true
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => false,
            Err(e) => panic!("{e}"),
        }
    }

    /// A reply, or nothing when the connection ends before one.
    fn reply(&mut self) -> Option<Got> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |text| text.parse().unwrap());
        let mut whole = true;
        while self.buffer.len() < length && whole {
            whole = self.more();
        }
        let length = length.min(self.buffer.len());
        let body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        Some(Got { head, body, whole })
    }

    fn ask(&mut self, head: &str, body: &str) -> Value {
        self.send(head, body);
        serde_json::from_str(&self.reply().unwrap().body).unwrap()
    }

    /// The WebSocket handshake with the key of RFC 6455's example.
    fn upgrade(&mut self, path: &str) {
        let text = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.socket.write_all(text.as_bytes()).unwrap();
        let got = self.reply().unwrap();
        assert!(got.head.starts_with("http/1.1 101"), "{}", got.head);
        assert!(got.head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{}", got.head);
    }

    /// Sends a masked frame.
    fn say(&mut self, opcode: u8, payload: &[u8]) {
        let mask = [7, 1, 255, 42];
        let mut frame = vec![0x80 | opcode];
        if payload.len() < 126 {
            frame.push(0x80 | payload.len() as u8);
        } else {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
        self.socket.write_all(&frame).unwrap();
    }

    /// Opcode and payload of the next frame; none at the end of the connection.
    fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let bytes = &self.buffer;
            let (head, length) = match bytes.get(1) {
                Some(126) if bytes.len() >= 4 => {
                    (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]])))
                }
                Some(127) if bytes.len() >= 10 => {
                    (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize)
                }
                Some(short) if *short < 126 => (2, usize::from(*short)),
                _ => (usize::MAX / 2, 0),
            };
            if bytes.len() >= head + length {
                let opcode = bytes[0] & 0x0f;
                let payload = self.buffer.drain(..head + length).skip(head).collect();
                return Some((opcode, payload));
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn hear_json(&mut self) -> Value {
        let (opcode, payload) = self.hear().unwrap();
        assert_eq!(opcode, 1);
        serde_json::from_slice(&payload).unwrap()
    }
}

#[test]
fn a_connection_is_kept_and_bodies_may_be_anywhere() {
    let server = Server::new(Speed::Step, Times::default());
    let mut client = server.connect();
    for _ in 0..3 {
        assert_eq!(client.ask("GET /fapi/v1/ping HTTP/1.1", ""), json!({}));
    }
    let time = client.ask("GET /fapi/v1/time HTTP/1.1", "")["serverTime"].as_i64().unwrap();
    assert!(time > 1_700_000_000_000, "wall time");
    let step = client.ask("POST /sim/v1/step HTTP/1.1", "{\"ms\":60000}");
    let clock = client.ask("GET /sim/v1/clock HTTP/1.1", "");
    assert_eq!(clock["market_ms"], step["market_ms"]);
    assert_eq!((&clock["speed"], &clock["derived"]), (&json!("step"), &json!(true)));
    client.send("PATCH /fapi/v1/ping HTTP/1.1", "");
    assert!(client.reply().unwrap().head.starts_with("http/1.1 405"));
    let summary = server.stop();
    assert_eq!(summary.counts.requests, 6);
    assert_eq!(summary.market_ms, step["market_ms"].as_i64().unwrap());
}

#[test]
fn a_socket_hears_answers_pings_and_says_goodbye() {
    let server = Server::new(Speed::Step, Times::default());
    let (mut admin, mut socket) = (server.connect(), server.connect());
    socket.upgrade("/market/stream");
    socket.say(1, br#"{"method":"SUBSCRIBE","params":["gen000usdt@kline_1m"],"id":"one"}"#);
    assert_eq!(socket.hear_json(), json!({ "result": null, "id": "one" }));
    let last = admin.ask("POST /sim/v1/step HTTP/1.1", "{\"ms\":60000}")["last"].clone();
    let kinds: Vec<bool> = (0..2)
        .map(|_| {
            let frame = socket.hear_json();
            assert_eq!(frame["stream"], "gen000usdt@kline_1m");
            if frame["data"]["k"]["x"] == true {
                assert!(frame["data"]["E"].as_i64() < last["gen000usdt@kline_1m"].as_i64());
            }
            frame["data"]["k"]["x"] == true
        })
        .collect();
    assert_eq!(kinds, [true, false]);
    socket.say(9, b"are you there");
    assert_eq!(socket.hear(), Some((10, b"are you there".to_vec())));
    socket.say(8, &1_000u16.to_be_bytes());
    assert_eq!(socket.hear(), Some((8, 1_000u16.to_be_bytes().to_vec())));
    assert_eq!(socket.hear(), None);
}

#[test]
fn a_socket_that_talks_too_much_or_wrongly_is_closed() {
    let server = Server::new(Speed::Step, Times::default());
    let mut talker = server.connect();
    talker.upgrade("/market/ws");
    for _ in 0..40 {
        talker.say(1, br#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#);
    }
    let mut answers = 0;
    let code = loop {
        match talker.hear() {
            Some((1, _)) => answers += 1,
            Some((8, code)) => break code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 1_008u16.to_be_bytes());
    assert!((10..=20).contains(&answers), "{answers}: ten a second");
    let mut unmasked = server.connect();
    unmasked.upgrade("/market/ws");
    unmasked.socket.write_all(&[0x81, 1, b'x']).unwrap();
    assert_eq!(unmasked.hear(), Some((8, 1_002u16.to_be_bytes().to_vec())));
    let mut nowhere = server.connect();
    nowhere.send("GET /market/elsewhere HTTP/1.1\r\nUpgrade: websocket", "");
    assert!(nowhere.reply().unwrap().head.starts_with("http/1.1 40"));
}

#[test]
fn sockets_are_pinged_and_have_an_end() {
    let times = Times {
        ping: Duration::from_millis(50),
        pong: Duration::from_millis(400),
        life: Duration::from_secs(60),
    };
    let server = Server::new(Speed::Step, times);
    let mut silent = server.connect();
    silent.upgrade("/market/ws");
    let mut pings = 0;
    let end = loop {
        match silent.hear() {
            Some((9, _)) => pings += 1,
            other => break other,
        }
    };
    assert!(pings > 0);
    assert!(matches!(end, Some((8, _)) | None), "closed without a pong: {end:?}");
    let short = Times { life: Duration::from_millis(100), ..Times::default() };
    let server = Server::new(Speed::Step, short);
    let mut old = server.connect();
    old.upgrade("/market/ws");
    assert_eq!(old.hear().map(|(opcode, _)| opcode), Some(8));
}

/// A reply may be cut, may never come, may come late; and the next connection is served.
#[test]
fn replies_have_fates() {
    let server = Server::new(Speed::Step, Times::default());
    let post = |fault: Value| {
        let body = fault.to_string();
        let mut admin = server.connect();
        admin.send("POST /sim/v1/faults HTTP/1.1", &body);
        let got = admin.reply().unwrap();
        assert!(got.head.starts_with("http/1.1 200"), "{}", got.body);
    };
    post(json!({ "fault": "reply_cut", "match": "GET /fapi/v1/exchangeInfo" }));
    let mut client = server.connect();
    client.send("GET /fapi/v1/exchangeInfo HTTP/1.1", "");
    let got = client.reply();
    assert!(got.is_none_or(|got| !got.whole), "the body is not whole, or there is no reply");
    assert!(!client.more(), "and the connection is closed");
    post(json!({ "fault": "reply_delay", "match": "GET /fapi/v1/ping", "ms": 300 }));
    let (mut slow, mut other) = (server.connect(), server.connect());
    let since = Instant::now();
    slow.send("GET /fapi/v1/ping HTTP/1.1", "");
    std::thread::sleep(Duration::from_millis(50));
    other.ask("GET /fapi/v1/time HTTP/1.1", "");
    let others = since.elapsed();
    assert!(slow.reply().unwrap().whole);
    assert!(since.elapsed() >= Duration::from_millis(300));
    assert!(others < since.elapsed(), "others do not wait");
    assert_eq!(client_of(&server).ask("GET /fapi/v1/ping HTTP/1.1", ""), json!({}));
}

fn client_of(server: &Server) -> Client {
    server.connect()
}

#[test]
fn a_paced_market_moves_by_itself() {
    let server = Server::new(Speed::Times(600.0), Times::default());
    let (mut admin, mut socket) = (server.connect(), server.connect());
    socket.upgrade("/market/stream?streams=gen000usdt@kline_1m/gen001usdt@markPrice@1s");
    let (mut closed, mut marks) = (Vec::new(), Vec::new());
    while closed.len() < 4 {
        let frame = socket.hear_json();
        let event = frame["data"]["E"].as_i64().unwrap();
        match frame["data"]["e"].as_str() {
            Some("kline") if frame["data"]["k"]["x"] == true => closed.push(event),
            Some("markPriceUpdate") => marks.push(event),
            _ => {}
        }
    }
    assert!(closed.windows(2).all(|pair| pair[1] - pair[0] == 60_000), "{closed:?}");
    assert!(marks.len() > 2 && marks.windows(2).all(|p| p[1] - p[0] >= 1_000), "{marks:?}");
    let clock = admin.ask("GET /sim/v1/clock HTTP/1.1", "");
    assert!(clock["market_ms"].as_i64() >= closed.last().copied());
    assert_eq!(clock["speed"], 600.0);
    let refused = admin.ask("POST /sim/v1/step HTTP/1.1", "{\"ms\":1}");
    assert!(refused["code"].as_i64().unwrap() < 0, "{refused}");
}

/// At full speed the market waits for who listens: nothing is lost, however slowly it is read.
#[test]
fn at_full_speed_nothing_is_lost() {
    let server = Server::new(Speed::Max, Times::default());
    let mut socket = server.connect();
    let names = ["kline_1m", "kline_5m", "aggTrade"].map(|n| format!("gen000usdt@{n}"));
    socket.upgrade(&format!("/market/ws/{}", names.join("/")));
    let (mut minutes, mut fives) = (Vec::new(), 0);
    while minutes.len() < 1_340 {
        let frame = socket.hear_json();
        match (&frame["k"]["x"], frame["k"]["i"].as_str()) {
            (Value::Bool(true), Some("1m")) => minutes.push(frame["k"]["t"].as_i64().unwrap()),
            (Value::Bool(true), _) => fives += 1,
            _ => {}
        }
        if minutes.len() % 300 == 299 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(minutes.windows(2).all(|pair| pair[1] - pair[0] == 60_000));
    assert!(fives >= 267, "{fives}");
    let until = Instant::now() + Duration::from_secs(30);
    let mut admin = server.connect();
    while admin.ask("GET /sim/v1/clock HTTP/1.1", "")["ended"] != true {
        assert!(Instant::now() < until, "a day of two symbols does not take half a minute");
    }
    let asked = "GET /fapi/v1/klines?symbol=GEN000USDT&interval=1m&limit=1500 HTTP/1.1";
    let rows = admin.ask(asked, "");
    assert_eq!(rows.as_array().unwrap().len(), 1_440, "the whole day");
    let summary = server.stop();
    assert_eq!(summary.facts, 2 * 2 * 1_340 - 2, "those that open at the start are known");
    assert_eq!(summary.counts.slow, 0);
}

#[test]
fn only_this_machine_is_served() {
    let sim = Sim::new(setup(&spec(1, 1), Speed::Step, 10)).unwrap();
    let outside = "0.0.0.0:0".parse().unwrap();
    let refused = serve(sim, outside, Times::default(), || true, |_| {});
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
}
