//! The simulated exchange in this process, of a generated market that is known beforehand.

use aegis_markets::MarketSpec;
use aegis_types::{Nanos, SymbolTable, Tick, TickBody};
use aegis_venue::server::{Fact, Limits, Setup, Sim, Speed, Times, serve};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

/// A running exchange; stopped when dropped.
pub struct Exchange {
    pub address: SocketAddr,
    pub symbols: SymbolTable,
    /// First instant of its data.
    pub first_ms: i64,
    spec: MarketSpec,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Stepped by hand, with so many minutes of past.
    pub fn start(symbols: u16, days: u32, past_minutes: i64) -> Self {
        Self::start_at("step", symbols, days, past_minutes)
    }

    /// At a speed.
    pub fn start_at(speed: &str, symbols: u16, days: u32, past_minutes: i64) -> Self {
        let spec = MarketSpec { seed: 3, symbols, days, ..MarketSpec::default() };
        let setup = Setup {
            symbols: spec.symbol_table(),
            instruments: spec.instruments(),
            seed: 7,
            speed: speed.parse::<Speed>().unwrap(),
            start_ms: spec.start.after(Nanos::MINUTE.times(past_minutes)).as_millis(),
            lenient_routes: false,
            derived: true,
            generated: true,
            facts: Box::new(spec.ticks().map(|tick| Ok(Fact::of(tick)))),
            slippage_bps: 0.5,
            accounts: Vec::new(),
            limits: Limits { weight_per_minute: u32::MAX, ..Limits::default() },
        };
        let sim = Sim::new(setup).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (to, address) = channel();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
            let stop = || stopped.load(Ordering::Relaxed);
            serve(sim, loopback, Times::default(), stop, |at| to.send(at).unwrap()).unwrap();
        });
        Self {
            address: address.recv().unwrap(),
            symbols: spec.symbol_table(),
            first_ms: spec.start.as_millis(),
            spec,
            stop,
            thread: Some(thread),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {text}");
        serde_json::from_str(body).unwrap()
    }

    pub fn step(&self, ms: i64) {
        self.ask("POST", "/sim/v1/step", &format!("{{\"ms\":{ms}}}"));
    }

    pub fn fault(&self, body: &str) {
        self.ask("POST", "/sim/v1/faults", body);
    }

    pub fn clear(&self) {
        self.ask("DELETE", "/sim/v1/faults", "");
    }

    pub fn market_ms(&self) -> i64 {
        self.ask("GET", "/sim/v1/clock", "")["market_ms"].as_i64().unwrap()
    }

    /// Everything that has happened, in the order of the data.
    pub fn truth_until_market(&self) -> Vec<Tick> {
        let until = Nanos::from_millis(self.market_ms());
        self.spec.ticks().take_while(|tick| tick.at <= until).collect()
    }

    /// All candles of a symbol, by their close.
    pub fn candles(&self, symbol: u16) -> BTreeMap<Nanos, Tick> {
        let candle = |t: &Tick| t.symbol.0 == symbol && matches!(t.body, TickBody::Candle { .. });
        self.spec.ticks().filter(candle).map(|tick| (tick.at, tick)).collect()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
