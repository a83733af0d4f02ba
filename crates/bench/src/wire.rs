//! `aegis bench wire`: nanoseconds per frame, hand-written scanner against typed serde_json.
//!
//! Workload: 256 generated messages a kind in combined form, as the venue writes them (key order
//! and lengths of the documented payloads, prices of five leading digits, depth with 80 levels).
//! Both readers give the same result type and write levels into the same kind of reused buffer;
//! serde is told the kind beforehand, the scanner finds it out. The readers take turns batch by
//! batch, so that a busy machine slows both; the figures are medians. Left out: sockets, UTF-8
//! checks of a WebSocket layer, the step from frame to tick.

use crate::Options;
use aegis_wire::oracle::{self, Combined};
use aegis_wire::{Levels, frame, scan};
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};

const MESSAGES: usize = 256;
/// Messages that one reader reads before it is the other's turn: short, so that few turns are
/// interrupted by other work of the machine.
const BATCH: usize = 32;
const KINDS: [&str; 6] =
    ["trade", "agg_trade", "book_ticker", "kline", "mark_price", "depth_80_levels"];

/// Measures every frame kind for a share of `opts.seconds` each.
///
/// # Errors
/// When the two readers disagree about a generated message: then no figure means anything.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let share = Duration::from_secs_f64(opts.seconds.max(0.1) / KINDS.len() as f64);
    let mut report = Map::new();
    let mut frames = Map::new();
    let (mut slowest, mut samples) = (f64::INFINITY, 0);
    for kind in KINDS {
        let messages = messages(kind);
        check(kind, &messages)?;
        let measured = measure(kind, &messages, share);
        slowest = slowest.min(measured.speedup);
        samples += measured.rounds;
        let bytes = messages.iter().map(String::len).sum::<usize>() / messages.len();
        frames.insert(
            kind.into(),
            json!({
                "bytes": bytes,
                "scanner_ns": round(measured.scanner_ns),
                "serde_json_ns": round(measured.serde_ns),
                "speedup": round(measured.speedup),
            }),
        );
    }
    report.insert("speedup_min_vs_serde_json".into(), json!(round(slowest)));
    for (kind, figures) in &frames {
        report.insert(format!("{kind}_ns"), figures["scanner_ns"].clone());
    }
    report.insert("frames".into(), Value::Object(frames));
    report.insert("samples".into(), json!(samples));
    Ok(report)
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

struct Measured {
    scanner_ns: f64,
    serde_ns: f64,
    /// Median of the ratios of neighbouring batches.
    speedup: f64,
    rounds: usize,
}

fn measure(kind: &str, messages: &[String], share: Duration) -> Measured {
    let mut levels = Levels::default();
    let (mut scanner, mut serde, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let until = Instant::now() + share;
    let mut batches = messages.chunks(BATCH).cycle();
    while scanner.len() < 11 || Instant::now() < until {
        let Some(messages) = batches.next() else { break };
        let fast = batch(messages, |bytes| {
            black_box(scan(bytes, &mut levels).is_ok());
        });
        let slow = batch(messages, |bytes| {
            by_serde(kind, bytes, &mut levels);
        });
        scanner.push(fast);
        serde.push(slow);
        ratios.push(slow / fast);
    }
    let rounds = scanner.len();
    Measured {
        scanner_ns: median(&mut scanner),
        serde_ns: median(&mut serde),
        speedup: median(&mut ratios),
        rounds,
    }
}

/// Nanoseconds per message of one pass.
fn batch(messages: &[String], mut read: impl FnMut(&[u8])) -> f64 {
    let start = Instant::now();
    for message in messages {
        read(black_box(message.as_bytes()));
    }
    start.elapsed().as_nanos() as f64 / messages.len() as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn typed<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> bool {
    let read: Result<Combined<'a, T>, _> = serde_json::from_slice(bytes);
    black_box(&read).is_ok()
}

fn by_serde(kind: &str, bytes: &[u8], levels: &mut Levels) -> bool {
    match kind {
        "trade" => typed::<frame::Trade<'_>>(bytes),
        "agg_trade" => typed::<frame::AggTrade<'_>>(bytes),
        "book_ticker" => typed::<frame::BookTicker<'_>>(bytes),
        "kline" => typed::<frame::Kline<'_>>(bytes),
        "mark_price" => typed::<frame::MarkPrice<'_>>(bytes),
        _ => black_box(oracle::combined_depth(bytes, levels)).is_ok_and(|read| read.is_some()),
    }
}

/// Both readers read every message; that they agree on the values is what the tests of
/// `aegis-wire` show.
fn check(kind: &str, messages: &[String]) -> Result<(), String> {
    let (mut levels, mut expected) = (Levels::default(), Levels::default());
    for message in messages {
        let bytes = message.as_bytes();
        scan(bytes, &mut levels).map_err(|why| format!("{why}: {message}"))?;
        if !by_serde(kind, bytes, &mut expected) || levels != expected {
            return Err(format!("serde reads this {kind} message differently: {message}"));
        }
    }
    Ok(())
}

/// A seeded stream of numbers: the same messages in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn price(&mut self) -> String {
        format!("{}.{:02}", 60_000 + self.below(5_000), self.below(100))
    }

    fn quantity(&mut self) -> String {
        format!("{}.{:03}", self.below(120), self.below(1_000))
    }
}

fn messages(kind: &str) -> Vec<String> {
    let mut dice = Dice(0x5EED_0000_0000_0001);
    (0..MESSAGES as i64).map(|n| message(kind, 1_723_161_256_000 + 7 * n, &mut dice)).collect()
}

/// An object as the venue writes it, from keys and written values.
fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, v)| format!("\"{key}\":{v}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

fn message(kind: &str, ms: i64, d: &mut Dice) -> String {
    let (stream, fields) = match kind {
        "trade" => ("trade", trade(ms, d)),
        "agg_trade" => ("aggTrade", agg_trade(ms, d)),
        "book_ticker" => ("bookTicker", book_ticker(ms, d)),
        "kline" => ("kline_1m", kline(ms, d)),
        "mark_price" => ("markPrice@1s", mark_price(ms, d)),
        _ => ("depth@100ms", depth(ms, d)),
    };
    let stream = quoted(format!("btcusdt@{stream}"));
    object(&[("stream", stream), ("data", object(&fields))])
}

type Fields = Vec<(&'static str, String)>;

fn head(event: &str, ms: i64) -> Fields {
    vec![("e", quoted(event)), ("E", ms.to_string()), ("s", quoted("BTCUSDT"))]
}

/// A trade id, which serves for every kind of id.
fn id(d: &mut Dice) -> String {
    (5_266_583_935 + d.below(1_000_000)).to_string()
}

fn tail() -> Fields {
    vec![("ps", quoted("BTCUSDT")), ("st", "1".into())]
}

fn trade(ms: i64, d: &mut Dice) -> Fields {
    let mut fields = head("trade", ms);
    fields.insert(2, ("T", ms.to_string()));
    fields.extend([("t", id(d)), ("p", quoted(d.price())), ("q", quoted(d.quantity()))]);
    fields.extend([("X", quoted("MARKET")), ("m", (d.below(2) == 0).to_string())]);
    fields
}

fn agg_trade(ms: i64, d: &mut Dice) -> Fields {
    let quantity = quoted(d.quantity());
    let mut fields = head("aggTrade", ms);
    fields.extend([("a", id(d)), ("p", quoted(d.price())), ("q", quantity.clone())]);
    fields.extend([("nq", quantity), ("f", id(d)), ("l", id(d)), ("T", ms.to_string())]);
    fields.extend([("m", (d.below(2) == 0).to_string()), ("st", "1".into())]);
    fields
}

fn book_ticker(ms: i64, d: &mut Dice) -> Fields {
    let mut fields = vec![("e", quoted("bookTicker")), ("u", id(d))];
    fields.extend([("E", ms.to_string()), ("T", ms.to_string()), ("s", quoted("BTCUSDT"))]);
    for (px, qty) in [("b", "B"), ("a", "A")] {
        fields.extend([(px, quoted(d.price())), (qty, quoted(d.quantity()))]);
    }
    fields.extend(tail());
    fields
}

fn kline(ms: i64, d: &mut Dice) -> Fields {
    let mut bar = vec![("t", ms.to_string()), ("T", (ms + 59_999).to_string())];
    bar.extend([("s", quoted("BTCUSDT")), ("i", quoted("1m")), ("f", id(d)), ("L", id(d))]);
    bar.extend(["o", "c", "h", "l"].map(|key| (key, quoted(d.price()))));
    bar.extend([("v", quoted(d.quantity())), ("n", d.below(3_000).to_string())]);
    bar.extend([("x", "false".into()), ("q", quoted(d.price()))]);
    bar.extend([("V", quoted(d.quantity())), ("Q", quoted(d.price())), ("B", quoted(0))]);
    let mut fields = head("kline", ms);
    fields.push(("k", object(&bar)));
    fields
}

fn mark_price(ms: i64, d: &mut Dice) -> Fields {
    let mut fields = head("markPriceUpdate", ms);
    let keys = ["p", "ap", "i", "P"];
    fields.extend(keys.map(|key| (key, quoted(format!("{}276087", d.price())))));
    fields.extend([("r", quoted("0.00010000")), ("T", (ms + 3_600_000).to_string())]);
    fields.push(("st", "1".into()));
    fields
}

fn depth(ms: i64, d: &mut Dice) -> Fields {
    let mut fields = head("depthUpdate", ms);
    fields.insert(2, ("T", ms.to_string()));
    fields.extend(["U", "u", "pu"].map(|key| (key, id(d))));
    fields.extend(["b", "a"].map(|key| (key, side(d))));
    fields.extend(tail());
    fields
}

/// Forty levels.
fn side(d: &mut Dice) -> String {
    let levels: Vec<String> =
        (0..40).map(|_| format!(r#"["{}","{}"]"#, d.price(), d.quantity())).collect();
    format!("[{}]", levels.join(","))
}
