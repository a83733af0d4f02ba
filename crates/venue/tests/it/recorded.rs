//! A market of recorded frames: what was recorded is what is told, and the local book that the
//! documented procedure keeps equals the recorded one, however updates are put together.

use crate::town::{Town, setup, spec};
use aegis_venue::server::recorded::{Recording, recordings};
use aegis_venue::server::{Facts, Setup, Speed};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

type Side = BTreeMap<i64, i64>;
type Book = (Side, Side);

/// Numbers that depend on the seed alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A recording of one symbol, and the book after every update id.
struct Capture {
    lines: String,
    truth: BTreeMap<u64, Book>,
    first_ms: i64,
    last_ms: i64,
    trades: usize,
}

impl Capture {
    fn line(&mut self, stamp: i64, stream: &str, data: &str) {
        writeln!(self.lines, "{stamp} {{\"stream\":\"{stream}\",\"data\":{data}}}").unwrap();
    }
}

fn levels(side: &[(i64, i64)]) -> String {
    let level = |(px, qty): &(i64, i64)| format!("[\"{}.{}\",\"0.{:03}\"]", px / 10, px % 10, qty);
    side.iter().map(level).collect::<Vec<_>>().join(",")
}

/// Whole levels as a snapshot has them, the best first.
fn whole((bids, asks): &Book) -> String {
    let bids: Vec<(i64, i64)> = bids.iter().rev().map(|(px, qty)| (*px, *qty)).collect();
    let asks: Vec<(i64, i64)> = asks.iter().map(|(px, qty)| (*px, *qty)).collect();
    format!("\"bids\":[{}],\"asks\":[{}]", levels(&bids), levels(&asks))
}

fn capture(seed: u64, name: &str, updates: u64) -> Capture {
    let mut draw = Draw(seed);
    let mut book: Book = Default::default();
    for n in 0..50 {
        book.0.insert(600_000 - n, 100 + n);
        book.1.insert(600_001 + n, 100 + n);
    }
    let first_ms = 1_700_000_050_000;
    let (mut at, mut id, mut trade) = (first_ms, 1_000, 5_000);
    let mut made = Capture {
        lines: String::new(),
        truth: BTreeMap::new(),
        first_ms,
        last_ms: first_ms,
        trades: 0,
    };
    let lower = name.to_lowercase();
    for update in 0..updates {
        at += draw.below(120) as i64;
        let stamp = at * 1_000_000 + 7;
        let previous = id;
        id += 1 + draw.below(50);
        let mut changed = [Vec::new(), Vec::new()];
        for _ in 0..=draw.below(6) {
            let bid = draw.below(2) == 0;
            let away = draw.below(60) as i64;
            let qty = if draw.below(3) == 0 { 0 } else { 1 + draw.below(900) as i64 };
            let px = if bid { 600_000 - away } else { 600_001 + away };
            let side = if bid { &mut book.0 } else { &mut book.1 };
            // The best level stays: a book is never empty.
            let qty = if away == 0 { qty.max(1) } else { qty };
            if qty == 0 {
                side.remove(&px)
            } else {
                side.insert(px, qty)
            };
            let list = &mut changed[usize::from(!bid)];
            list.retain(|(known, _)| *known != px);
            list.push((px, qty));
        }
        let [bids, asks] = changed;
        let data = format!(
            "{{\"e\":\"depthUpdate\",\"E\":{at},\"T\":{},\"s\":\"{name}\",\"U\":{},\"u\":{id},\
             \"pu\":{previous},\"b\":[{}],\"a\":[{}]}}",
            at - 1,
            previous + 1,
            levels(&bids),
            levels(&asks)
        );
        made.line(stamp, &format!("{lower}@depth@0ms"), &data);
        made.truth.insert(id, book.clone());
        if update == 3 {
            let whole = whole(&book);
            writeln!(made.lines, "{stamp} {{\"lastUpdateId\":{id},\"E\":{at},\"T\":{at},{whole}}}")
                .unwrap();
        }
        if draw.below(3) == 0 {
            trade += 1;
            made.trades += 1;
            let data = format!(
                "{{\"e\":\"trade\",\"E\":{at},\"T\":{at},\"s\":\"{name}\",\"t\":{trade},\
                 \"p\":\"60000.{}\",\"q\":\"0.0{}\",\"X\":\"MARKET\",\"m\":{}}}",
                draw.below(10),
                1 + draw.below(9),
                draw.below(2) == 0
            );
            made.line(stamp, &format!("{lower}@trade"), &data);
        }
        made.last_ms = at;
    }
    made
}

/// A folder of this test's own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aegis-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn town(capture: &Capture, speed: Speed, name: &str) -> (Town, Folder) {
    let folder = Folder::new(name);
    std::fs::write(folder.0.join("btcusdt.raw"), &capture.lines).unwrap();
    let files = recordings(std::slice::from_ref(&folder.0)).unwrap();
    let recording = Recording::describe(files, &[]).unwrap();
    assert_eq!(
        (recording.first_ms, recording.last_ms),
        (capture.first_ms + first_gap(capture), capture.last_ms)
    );
    let facts: Facts = recording.facts().unwrap();
    let town = Town::of(Setup {
        symbols: recording.symbols.clone(),
        instruments: recording.instruments.clone(),
        derived: false,
        generated: false,
        start_ms: capture.first_ms,
        facts,
        ..setup(&spec(1, 1), speed, 0)
    });
    (town, folder)
}

/// Time of the first frame behind the beginning.
fn first_gap(capture: &Capture) -> i64 {
    let stamp: i64 = capture.lines.split(' ').next().unwrap().parse().unwrap();
    stamp / 1_000_000 - capture.first_ms
}

fn raw(text: &Value, scale: f64) -> i64 {
    (text.as_str().unwrap().parse::<f64>().unwrap() * scale).round() as i64
}

fn apply(side: &mut Side, levels: &Value) {
    for level in levels.as_array().unwrap() {
        let (px, qty) = (raw(&level[0], 10.0), raw(&level[1], 1_000.0));
        if qty == 0 {
            side.remove(&px)
        } else {
            side.insert(px, qty)
        };
    }
}

/// Keeps a local book as documented; fails on a gap.
#[derive(Default)]
struct Local {
    waiting: Vec<Value>,
    book: Option<(u64, Book)>,
}

impl Local {
    fn snapshot(&mut self, rest: &Value) {
        let id = rest["lastUpdateId"].as_u64().unwrap();
        let mut book = Book::default();
        apply(&mut book.0, &rest["bids"]);
        apply(&mut book.1, &rest["asks"]);
        self.waiting.retain(|frame| frame["u"].as_u64().unwrap() >= id);
        self.book = Some((id, book));
    }

    fn hear(&mut self, frames: Vec<Value>) {
        self.waiting.extend(frames);
        let Some((id, book)) = &mut self.book else { return };
        for frame in self.waiting.drain(..) {
            assert!(frame["pu"].as_u64().unwrap() <= *id, "a gap: {frame} after {id}");
            apply(&mut book.0, &frame["b"]);
            apply(&mut book.1, &frame["a"]);
            *id = frame["u"].as_u64().unwrap();
        }
    }
}

#[test]
fn by_steps_every_recorded_update_is_told_and_the_book_is_the_recorded_one() {
    for seed in [1, 2, 3] {
        let capture = capture(seed, "BTCUSDT", 800);
        let (mut town, _folder) = town(&capture, Speed::Step, &format!("steps-{seed}"));
        town.open("/public/ws/btcusdt@depth@100ms");
        let (mut local, mut told) = (Local::default(), 0);
        for step in 0.. {
            let ended = town.step(170)["ended"] == true;
            let frames = town.frames();
            told += frames.len();
            local.hear(frames);
            let rest = town.get("/fapi/v1/depth", "symbol=BTCUSDT&limit=1000");
            let id = rest["lastUpdateId"].as_u64().unwrap();
            if step == 10 {
                local.snapshot(&rest);
            }
            if let Some((known, book)) = &local.book {
                assert_eq!(*known, id, "seed {seed}");
                assert_eq!(*book, capture.truth[&id], "seed {seed}, update {id}");
            }
            if ended {
                break;
            }
        }
        assert_eq!(told, 800, "seed {seed}");
    }
}

#[test]
fn paced_updates_are_put_together_without_a_gap() {
    let capture = capture(4, "BTCUSDT", 1_500);
    let (mut town, _folder) = town(&capture, Speed::Times(3.0), "paced");
    town.open("/public/ws/btcusdt@depth@500ms");
    let (mut local, mut told, mut compared) = (Local::default(), 0, 0);
    let mut wall = crate::town::WALL;
    while !town.sim.ended() {
        wall += 23;
        town.sim.advance(wall);
        let frames = town.frames();
        told += frames.len();
        let last = frames.last().and_then(|frame| frame["u"].as_u64());
        local.hear(frames);
        if told > 20 && local.book.is_none() {
            let reply = town.sim.handle(wall, &depth_request());
            local.snapshot(&serde_json::from_str(&reply.body).unwrap());
        } else if let (Some((id, book)), Some(last)) = (&local.book, last) {
            assert_eq!(*id, last);
            assert_eq!(*book, capture.truth[id], "update {id}");
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
    assert!(told < 1_000, "{told}: put together");
}

fn depth_request() -> aegis_venue::server::Request {
    aegis_venue::server::Request {
        method: aegis_venue::server::Method::Get,
        path: "/fapi/v1/depth".into(),
        query: "symbol=BTCUSDT&limit=1000".into(),
        body: Vec::new(),
        api_key: None,
        peer: core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST),
        arrived_ms: 0,
    }
}

#[test]
fn minutes_are_made_of_the_recorded_trades() {
    let capture = capture(5, "BTCUSDT", 4_000);
    let (mut town, _folder) = town(&capture, Speed::Step, "trades");
    town.open("/market/ws/btcusdt@kline_1m/btcusdt@aggTrade");
    town.open("/public/ws/btcusdt@trade");
    town.step(3_600_000);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut closed = Vec::new();
    for frame in town.frames() {
        *count.entry(frame["e"].as_str().unwrap().to_owned()).or_default() += 1;
        if frame["k"]["x"] == true {
            closed.push(frame["k"]["t"].as_i64().unwrap());
        }
    }
    assert_eq!(count["trade"], capture.trades);
    assert!(count["aggTrade"] <= capture.trades && count["aggTrade"] > capture.trades / 2);
    let rows = town.get("/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=1500");
    let rows = rows.as_array().unwrap();
    assert!(closed.len() > 2, "{closed:?}");
    let trades: u64 = rows.iter().map(|row| row[8].as_u64().unwrap()).sum();
    assert_eq!(trades, capture.trades as u64);
    for (row, opens) in rows.iter().zip(&closed) {
        assert_eq!(row[0], *opens);
    }
}

#[test]
fn a_line_that_is_no_frame_is_told_with_its_place() {
    let folder = Folder::new("torn");
    let path = folder.0.join("torn.raw");
    std::fs::write(&path, "1 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"tra").unwrap();
    let why = Recording::describe(vec![path], &[]).unwrap_err();
    assert!(why.contains("torn.raw:1"), "{why}");
}
