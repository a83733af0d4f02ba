//! `aegis exchange` as whoever starts it meets it: one line when it is ready, HTTP on the address
//! in that line, a summary and an exit code at the end, and refusals that say what to do.

use crate::harness::{Place, refused, text};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

pub struct Exchange {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    ready: Value,
}

impl Exchange {
    pub fn start(place: &Place, args: &[&str]) -> Self {
        let mut command = place.aegis(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Self { child, lines, ready }
    }

    /// Where it listens, `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        self.ready["listening"].as_str().unwrap()
    }

    pub fn get(&self, path: &str) -> Value {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    pub fn delete(&self, path: &str) -> Value {
        self.ask(&format!("DELETE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> Value {
        let mut socket = TcpStream::connect(self.address()).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        let (_, body) = reply.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {reply}"))
    }

    /// Ends it by a signal: exit code and the last line of stdout.
    pub fn end(mut self, signal: &str) -> (Option<i32>, Value) {
        crate::harness::signal(self.child.id(), signal);
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        let last = rest.lines().last().unwrap_or_default();
        (code, serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {rest}")))
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_where_it_listens_and_ends_with_a_summary() {
    let place = Place::new("exchange");
    for (signal, code) in [("TERM", 0), ("INT", 130)] {
        let exchange = Exchange::start(
            &place,
            &["exchange", "--generate", "5", "--symbols", "GEN003USDT,GEN001USDT", "--days", "1"],
        );
        let names = serde_json::json!(["GEN001USDT", "GEN003USDT"]);
        assert_eq!(exchange.ready["symbols"], names, "by name, whatever the order asked");
        let info = exchange.get("/fapi/v1/exchangeInfo");
        assert_eq!(info["symbols"][1]["symbol"], "GEN003USDT");
        let clock = exchange.get("/sim/v1/clock");
        let start = 1_736_121_600_000i64 + 12 * 3_600_000;
        let now = clock["market_ms"].as_i64().unwrap();
        assert!((start..start + 60_000).contains(&now), "half-way through one day: {clock}");
        assert_eq!(clock["speed"], "real");
        let (ended, summary) = exchange.end(signal);
        assert_eq!(ended, Some(code), "{signal}");
        assert_eq!(summary["requests"], 2);
    }
}

#[test]
fn candles_begin_fifteen_hundred_minutes_behind_the_first_they_share() {
    let place = Place::new("exchange-data");
    let folder = place.path.join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let first = 1_700_000_040_000i64;
    for (name, skip) in [("AAAUSDT", 0), ("BBBUSDT", 90)] {
        let mut rows = String::from("open_time,open,high,low,close,volume\n");
        for minute in skip..2_000 {
            let at = first + minute * 60_000;
            rows.push_str(&format!("{at},10.00,10.05,9.95,10.01,5\n"));
        }
        std::fs::write(folder.join(format!("{name}-1m.csv")), rows).unwrap();
    }
    let data = folder.display().to_string();
    let step = ["exchange", "--data", &data, "--speed", "step"];
    let exchange = Exchange::start(&place, &step);
    let start = first + 1_590 * 60_000;
    assert_eq!(exchange.get("/sim/v1/clock")["market_ms"], start);
    let rows = exchange.get("/fapi/v1/klines?symbol=AAAUSDT&interval=1m&limit=1500");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows[rows.len() - 1][0], start, "the open candle is the last row");
    let step_by = "POST /sim/v1/step HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                   Content-Length: 12\r\n\r\n{\"ms\":60000}";
    let stepped = exchange.ask(step_by);
    assert_eq!(stepped["market_ms"], start + 60_000);
    drop(exchange);
    let early = format!("{}", first + 600_000);
    let exchange = Exchange::start(&place, &[&step[..], &["--start", &early]].concat());
    assert_eq!(exchange.get("/sim/v1/clock")["market_ms"], first + 600_000);
}

#[test]
fn refused_rows_and_assumptions_are_told() {
    let place = Place::new("exchange-refusals");
    let mut rows = String::from("open_time,open,high,low,close,volume\n");
    for minute in 0..200i64 {
        let low = if minute == 7 { "10.04" } else { "9.95" };
        let at = 1_700_000_040_000 + minute * 60_000;
        rows.push_str(&format!("{at},10.00,10.05,{low},10.01,5\n"));
    }
    let file = place.path.join("AAAUSDT-1m.csv");
    std::fs::write(&file, rows).unwrap();
    let path = file.display().to_string();
    let mut exchange = Exchange::start(&place, &["exchange", "--data", &path, "--speed", "max"]);
    while exchange.get("/sim/v1/clock")["ended"] != true {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    crate::harness::signal(exchange.child.id(), "TERM");
    let mut log = String::new();
    exchange.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for words in ["AAAUSDT-1m.csv:9", "rows refused so far", "derived from the data"] {
        assert!(log.contains(words), "`{words}` is not in:\n{log}");
    }
}

/// Minutes of a symbol as a file of candles.
fn candles(folder: &std::path::Path, symbol: &str, first_ms: i64, minutes: i64) {
    let mut rows = String::from("open_time,open,high,low,close,volume\n");
    for minute in 0..minutes {
        let at = first_ms + minute * 60_000;
        rows.push_str(&format!("{at},10.00,10.05,9.95,10.01,5\n"));
    }
    std::fs::write(folder.join(format!("{symbol}-1m.csv")), rows).unwrap();
}

#[test]
fn candles_are_the_history_of_recorded_frames() {
    let place = Place::new("exchange-both");
    let folder = place.path.join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let (first, recorded) = (1_700_000_040_000i64, 1_700_000_040_000i64 + 30 * 60_000);
    candles(&folder, "AAAUSDT", first, 60);
    candles(&folder, "BBBUSDT", first, 60);
    let mut frames = String::new();
    for second in 0..240i64 {
        let at = recorded + second * 1_000;
        let px = 20 + second / 60;
        let id = second + 1;
        frames.push_str(&format!(r#"{at}000000 {{"e":"trade","E":{at},"T":{at},"s":"AAAUSDT","#));
        frames.push_str(&format!(r#""t":{id},"p":"{px}","q":"1","X":"MARKET","m":false}}"#));
        frames.push('\n');
    }
    std::fs::write(folder.join("a.raw"), frames).unwrap();
    let data = folder.display().to_string();
    let start = (recorded + 150_000).to_string();
    let run = ["exchange", "--data", &data, "--speed", "step", "--start", &start];
    let exchange = Exchange::start(&place, &run);
    assert_eq!(exchange.ready["symbols"], serde_json::json!(["AAAUSDT", "BBBUSDT"]));
    assert_eq!(exchange.get("/sim/v1/clock")["derived"], false);
    let closes = |symbol: &str| -> Vec<f64> {
        let rows = exchange.get(&format!("/fapi/v1/klines?symbol={symbol}&interval=1m&limit=5"));
        let close = |row: &Value| row[4].as_str().unwrap().parse().unwrap();
        rows.as_array().unwrap().iter().map(close).collect()
    };
    assert_eq!(closes("AAAUSDT"), [10.01, 10.01, 20.0, 21.0, 22.0], "candles, then the trades");
    assert_eq!(closes("BBBUSDT"), [10.01, 10.01, 10.01, 10.01, 10.0], "candles alone");
    drop(exchange);
    refused(&place.run(&[&run[..], &["--days", "1"]].concat()), 2, &["--days", "--start"]);
    let early = ["exchange", "--data", &data, "--speed", "step", "--start", "2000-01-01"];
    let exchange = Exchange::start(&place, &early);
    assert_eq!(exchange.get("/sim/v1/clock")["market_ms"], first - 1, "not before the data");
}

#[test]
fn an_address_that_cannot_be_written_ends_it() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let place = Place::new("exchange-full");
    let run = place.aegis(&["exchange"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
}

#[test]
fn what_cannot_be_served_is_refused() {
    let place = Place::new("exchange-refused");
    let run = |args: &[&str]| place.run(&[&["exchange"], args].concat());
    refused(&run(&["--listen", "0.0.0.0:0"]), 2, &["from outside", "127.0.0.1"]);
    refused(&run(&["--account", "key=a"]), 2, &["secret", "--account key=K"]);
    refused(&run(&["--account", "secret=never-shown"]), 2, &["key is missing"]);
    let twice = ["--account", "key=a,secret=b", "--account", "key=a,secret=c"];
    refused(&run(&twice), 2, &["same key"]);
    refused(&run(&["--speed", "fast"]), 2, &["real, max, step"]);
    refused(&run(&["--symbols", "BTCUSDT"]), 2, &["GEN000USDT", "--data"]);
    refused(&run(&["--symbols", "0"]), 2, &["at least one"]);
    refused(&run(&["--start", "2030-01-01"]), 2, &["end of the data"]);
    refused(&run(&["--data", "nowhere"]), 1, &["nowhere"]);
    let shown = run(&["--account", "secret=never-shown"]);
    assert!(!text(&shown.stderr).contains("never-shown"));
}
