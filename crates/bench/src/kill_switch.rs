//! `aegis bench kill-switch`: from the use of the switch to the last cancel or close on the wire.
//!
//! Regime: everything is the real thing: `aegis exchange` on a generated market, `aegis run --venue
//! local` on it. Before each round three positions are opened and three entries rest, placed by
//! this process under ids as a brain would have given. Then the switch is used by one of its three
//! ways, with a brain that runs, one that is stopped (SIGSTOP) and one that is busy: it spins
//! on twenty symbols' candles, 4,000 a second; the analysis lane of its dispatcher is kept full of
//! the engine's own work on generated markets (`AEGIS_BENCH_ANALYSIS`, which a brain takes only
//! where orders go to `aegis exchange`); and on every core of the machine another thread computes
//! without a pause, so that nothing of the brain or of the orchestrator finds a core that is free.
//! That the lane is full is looked at, not believed: right before the switch the thread that serves
//! it is watched, and a trial in which it had nothing to do fails (`busy_lane_ready`: the share of
//! looks at which it ran or waited for a core; `busy_lane_ms`: processor time that it got).
//!
//! A sample is the exchange's own time of arrival (`truth.requests`, whole milliseconds, rounded
//! up) of the last cancel of an entry or close of a position, less the time right before the
//! signal was sent, the file written or the socket connected to. All wall times of one machine.
//! Stops are taken back later, when their symbol is flat; they are not counted.

use crate::Options;
use crate::market::Scratch;
use crate::program::{Running, command, exe};
use crate::sample::{Samples, rounded};
use aegis_node::control::{self, Ask};
use aegis_node::home::Home;
use aegis_ring::machine::cores;
use aegis_types::{Px, Qty, Round};
use aegis_wire::{Query, Secret, Signer};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Key and secret of the account.
const KEY: (&str, &str) = ("bench", "kill-switch");
/// Symbols that have a position and a resting entry.
const HELD: usize = 3;
/// How long anything may take.
const LATE: Duration = Duration::from_secs(60);
/// Looks at the thread of the analysis lane, and between two of them.
const LOOKS: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Asks the brain of a run to keep its analysis lane full.
const ANALYSIS: &str = "AEGIS_BENCH_ANALYSIS";
/// Name of the thread that serves the lane.
const LANE: &str = "ordinary";
/// Its connections are warm by then.
const WARM: Duration = Duration::from_millis(700);

/// What the brain does when the switch is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brain {
    Running,
    Stopped,
    Busy,
}

impl Brain {
    const ALL: [Self; 3] = [Self::Running, Self::Stopped, Self::Busy];

    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Busy => "busy",
        }
    }

    /// Symbols of the market, and how fast it is.
    const fn market(self) -> [&'static str; 2] {
        match self {
            Self::Busy => ["20", "12000"],
            _ => ["3", "600"],
        }
    }
}

/// How the switch is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    File,
    Signal,
    Socket,
}

impl Way {
    const ALL: [Self; 3] = [Self::File, Self::Signal, Self::Socket];

    const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Signal => "signal",
            Self::Socket => "socket",
        }
    }

    /// Uses it, to close positions too.
    fn switch(self, home: &Path, orchestrator: u32) -> Result<(), String> {
        match self {
            Self::File => std::fs::write(home.join("KILL"), "flatten").map_err(|e| e.to_string()),
            Self::Signal => {
                let pid = Pid::from_raw(orchestrator.cast_signed()).ok_or("no process")?;
                kill_process(pid, Signal::USR2).map_err(|e| e.to_string())
            }
            Self::Socket => {
                let home = Home::of_running(home);
                // Its answer comes when everything is done.
                std::thread::spawn(move || control::ask(&home, Ask::Kill { flatten: true }));
                Ok(())
            }
        }
    }
}

/// Measures every way with every brain.
///
/// # Errors
/// When a process does not start or work, or something stays open: as text.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let rounds = opts.rounds.max(1);
    let mut out = Map::new();
    let mut all = Samples::default();
    let mut lane = Vec::new();
    for brain in Brain::ALL {
        let mut of_brain = Samples::default();
        for way in Way::ALL {
            let mut samples = Samples::default();
            for round in 0..rounds {
                let place = format!("kill-{}-{}-{round}", brain.name(), way.name());
                let trial = Trial::begin(&place, brain)?;
                let ms = trial.measure(brain, way, &mut lane)?;
                samples.push(ms);
                of_brain.push(ms);
                all.push(ms);
            }
            report(&mut out, &format!("{}_{}", brain.name(), way.name()), &mut samples);
        }
        report(&mut out, brain.name(), &mut of_brain);
    }
    report(&mut out, "all", &mut all);
    let of_lane = |one: fn(&Lane) -> f64| lane.iter().map(one).sum::<f64>() / lane.len() as f64;
    out.insert("busy_lane_ready".into(), json!(rounded(of_lane(|lane| lane.ready), 3)));
    out.insert("busy_lane_ms".into(), json!(rounded(of_lane(|lane| lane.ms), 1)));
    out.insert("busy_lane_looked_at_ms".into(), json!((LOOK_EVERY * LOOKS).as_millis() as u64));
    out.insert("busy_threads".into(), json!(cores().len()));
    out.insert("rounds".into(), json!(rounds));
    out.insert("samples".into(), json!(all.len()));
    out.insert("durability".into(), json!("process"));
    Ok(out)
}

fn report(out: &mut Map<String, Value>, name: &str, samples: &mut Samples) {
    for (key, q) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        out.insert(format!("{name}_{key}_ms"), json!(rounded(samples.quantile(q), 2)));
    }
}

/// One exchange, one run on it.
struct Trial {
    exchange: Exchange,
    node: Running,
    home: std::path::PathBuf,
    brain: u32,
    _scratch: Scratch,
}

impl Trial {
    fn begin(name: &str, brain: Brain) -> Result<Self, String> {
        let scratch = Scratch::new(name)?;
        let home = scratch.path().join("home");
        std::fs::create_dir_all(&home).map_err(|e| e.to_string())?;
        let exchange = Exchange::start(&home, brain)?;
        exchange.hold()?;
        let url = format!("http://{}", exchange.address);
        let wait = if brain == Brain::Busy { "ring.wait=spin" } else { "ring.wait=adaptive" };
        let args = [
            "run",
            "--venue",
            "local",
            "--exchange-url",
            &url,
            "--headless",
            "--json",
            "--log-level",
            "ERROR",
            "--set",
            wait,
        ];
        let mut command = command(&exe()?, &home, &args);
        command.env("BINANCE_API_KEY", KEY.0).env("BINANCE_API_SECRET", KEY.1);
        if brain == Brain::Busy {
            command.env(ANALYSIS, "1");
        }
        let log = File::create(scratch.path().join("run.log")).map_err(|e| e.to_string())?;
        command.stdout(Stdio::null()).stderr(log);
        let node = Running::start(command)?;
        let began = Instant::now();
        let status = loop {
            let status = control::ask(&Home::of_running(&home), Ask::Status).unwrap_or_default();
            if status["health"]["brain"]["state"] == "running"
                && status["candles"].as_u64() > Some(0)
            {
                break status;
            }
            if began.elapsed() > LATE {
                let log = std::fs::read_to_string(scratch.path().join("run.log"));
                return Err(format!("the run did not begin: {}", log.unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let brain = status["pids"]["brain"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        std::thread::sleep(WARM);
        let brain = brain.ok_or("the brain has no pid")?;
        Ok(Self { exchange, node, home, brain, _scratch: scratch })
    }

    /// From the switch to the last order.
    fn measure(self, brain: Brain, way: Way, lane: &mut Vec<Lane>) -> Result<f64, String> {
        if brain == Brain::Stopped {
            let pid = Pid::from_raw(self.brain.cast_signed()).ok_or("no brain")?;
            kill_process(pid, Signal::STOP).map_err(|e| e.to_string())?;
        }
        self.exchange.rest()?;
        let _busy = (brain == Brain::Busy).then(Burners::start);
        if brain == Brain::Busy {
            lane.push(Lane::watch(self.brain)?);
        }
        let began = wall_ms();
        way.switch(&self.home, self.node.0.id())?;
        let until = Instant::now() + LATE;
        loop {
            let truth = self.exchange.get("/sim/v1/truth?key=bench")?;
            let flat = truth["positions"].as_array().is_some_and(Vec::is_empty);
            let ours =
                |o: &&Value| o["clientOrderId"].as_str().is_some_and(|i| i.starts_with("aegis-"));
            let orders = truth["orders"].as_array();
            let open = orders.into_iter().flatten().filter(ours).any(|o| o["status"] == "NEW");
            if flat && !open {
                return last_order(&truth, began);
            }
            if Instant::now() > until {
                return Err(format!("{} {}: not flat in {LATE:?}", brain.name(), way.name()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Threads that compute until this is dropped, one for each core.
struct Burners(Arc<AtomicBool>);

impl Burners {
    fn start() -> Self {
        let on = Arc::new(AtomicBool::new(true));
        for _ in cores() {
            let on = Arc::clone(&on);
            std::thread::spawn(move || {
                let mut number = 1u64;
                while on.load(Ordering::Relaxed) {
                    number = black_box(number.wrapping_mul(6_364_136_223_846_793_005) ^ 1);
                }
            });
        }
        Self(on)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What the thread of the analysis lane did right before the switch.
struct Lane {
    /// Share of looks at which it ran or waited for a core.
    ready: f64,
    /// Processor time that it got, ms.
    ms: f64,
}

impl Lane {
    /// Watches it while everything computes.
    fn watch(brain: u32) -> Result<Self, String> {
        let tasks = format!("/proc/{brain}/task");
        let read = |path: &Path, what| std::fs::read_to_string(path.join(what)).unwrap_or_default();
        let threads = std::fs::read_dir(&tasks).map_err(|e| format!("{tasks}: {e}"))?;
        let thread = threads
            .flatten()
            .map(|entry| entry.path())
            .find(|path| read(path, "comm").trim() == LANE)
            .ok_or("the brain has no thread of that name")?;
        let before = ran(&read(&thread, "schedstat"));
        let mut ready = 0;
        for _ in 0..LOOKS {
            std::thread::sleep(LOOK_EVERY);
            ready += u32::from(is_ready(&read(&thread, "stat")));
        }
        if ready == 0 {
            return Err("the analysis lane had nothing to do".to_owned());
        }
        let ms = ran(&read(&thread, "schedstat")) - before;
        Ok(Self { ready: f64::from(ready) / f64::from(LOOKS), ms })
    }
}

/// Does a thread run, or would it if it had a core? Behind its name, which may hold anything.
fn is_ready(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

/// Milliseconds that a thread has run.
fn ran(schedstat: &str) -> f64 {
    let ns: u64 = schedstat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    ns as f64 / 1e6
}

/// Milliseconds until the last cancel of an entry, or close of a position, arrived.
fn last_order(truth: &Value, began: f64) -> Result<f64, String> {
    let requests = truth["requests"].as_array().ok_or("the exchange tells no requests")?;
    let order = |request: &&Value| {
        let killing = request["method"] == "DELETE"
            || request["client_order_id"].as_str().is_some_and(|id| id.starts_with("aegis.kill-"));
        request["path"] == "/fapi/v1/order" && request["method"] != "GET" && killing
    };
    let arrived = requests.iter().filter(order).filter_map(|request| request["at"].as_f64());
    // Arrivals are whole milliseconds: the truth lies up to one later.
    let last = arrived.map(|at| at + 1.0 - began).fold(f64::NEG_INFINITY, f64::max);
    if last.is_finite() { Ok(last) } else { Err("no order of the kill switch arrived".to_owned()) }
}

fn wall_ms() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64() * 1e3
}

/// A simulated exchange, and orders by hand.
struct Exchange {
    _process: Running,
    address: String,
    signer: Signer,
}

impl Exchange {
    fn start(home: &Path, brain: Brain) -> Result<Self, String> {
        let [symbols, speed] = brain.market();
        let account = format!("key={},secret={},balance=100000", KEY.0, KEY.1);
        let args = [
            "exchange",
            "--generate",
            "7",
            "--symbols",
            symbols,
            "--days",
            "40",
            "--speed",
            speed,
            "--account",
            &account,
            "--log-level",
            "ERROR",
        ];
        let mut command = command(&exe()?, home, &args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Running::start(command)?;
        let stdout = process.0.stdout.take().ok_or("the exchange has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|e| format!("the exchange: {e}"))?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = ready["listening"].as_str().ok_or("the exchange does not start")?.to_owned();
        let signer = Signer::hmac(&Secret::new(KEY.1.to_owned()));
        Ok(Self { _process: process, address, signer })
    }

    fn ask(&self, head: &str) -> Result<Value, String> {
        let failed = |e: std::io::Error| format!("the exchange: {e}");
        let mut socket = TcpStream::connect(&self.address).map_err(failed)?;
        let text = format!(
            "{head} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            KEY.0
        );
        socket.write_all(text.as_bytes()).map_err(failed)?;
        let mut reply = String::new();
        socket.read_to_string(&mut reply).map_err(failed)?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or("no answer")?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("the exchange refuses: {body}"));
        }
        serde_json::from_str(body).map_err(|e| e.to_string())
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        self.ask(&format!("GET {path}"))
    }

    fn order(&self, query: Query) -> Result<(), String> {
        let query = query.signed(&self.signer, wall_ms() as i64, 5_000);
        self.ask(&format!("POST /fapi/v1/order?{query}")).map(|_| ())
    }

    /// The first symbols with price, and price and quantity grids.
    fn symbols(&self) -> Result<Vec<(String, Px, Px, Qty)>, String> {
        let info = self.get("/fapi/v1/exchangeInfo")?;
        let rows = info["symbols"].as_array().ok_or("no symbols")?;
        let filter = |row: &Value, kind: &str, name: &str| -> Option<String> {
            let filters = row["filters"].as_array()?;
            let filter = filters.iter().find(|f| f["filterType"] == kind)?;
            filter[name].as_str().map(str::to_owned)
        };
        let one = |row: &Value| -> Option<(String, Px, Px, Qty)> {
            let symbol = row["symbol"].as_str()?.to_owned();
            let ticker = self.get(&format!("/fapi/v1/ticker/price?symbol={symbol}")).ok()?;
            let price = ticker["price"].as_str()?.parse().ok()?;
            let tick = filter(row, "PRICE_FILTER", "tickSize")?.parse().ok()?;
            let step = filter(row, "LOT_SIZE", "stepSize")?.parse().ok()?;
            Some((symbol, price, tick, step))
        };
        let found: Vec<_> = rows.iter().take(HELD).filter_map(one).collect();
        if found.len() == HELD { Ok(found) } else { Err("too few symbols".to_owned()) }
    }

    /// A quantity worth about 200 USDT.
    fn qty(price: Px, step: Qty) -> Result<Qty, String> {
        let qty = Qty::from_f64(200.0 / price.to_f64()).map_err(|e| e.to_string())?;
        qty.to_grid(step, Round::Up).map_err(|e| e.to_string())
    }

    /// Opens a position in each symbol.
    fn hold(&self) -> Result<(), String> {
        for (symbol, price, _, step) in self.symbols()? {
            let query = Query::new().with("symbol", &*symbol).with("side", "BUY");
            let query = query.with("type", "MARKET").with("quantity", Self::qty(price, step)?);
            self.order(query)?;
        }
        let began = Instant::now();
        while began.elapsed() < LATE {
            let truth = self.get("/sim/v1/truth?key=bench")?;
            if truth["positions"].as_array().is_some_and(|p| p.len() == HELD) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("positions were not opened".to_owned())
    }

    /// Rests an entry in each symbol.
    fn rest(&self) -> Result<(), String> {
        for (number, (symbol, price, tick, step)) in self.symbols()?.into_iter().enumerate() {
            let low = Px::from_raw(price.raw() / 100 * 93);
            let low = low.to_grid(tick, Round::Down).map_err(|e| e.to_string())?;
            let query = Query::new()
                .with("symbol", &*symbol)
                .with("side", "BUY")
                .with("type", "LIMIT")
                .with("timeInForce", "GTC")
                .with("quantity", Self::qty(price, step)?)
                .with("price", low)
                .with("newClientOrderId", &*format!("aegis-00000000000000ff-{}", number + 1));
            self.order(query)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_order_is_what_the_switch_sent_last() {
        fn request(at: i64, method: &str, path: &str, id: &str) -> Value {
            json!({"at": at, "method": method, "path": path, "client_order_id": id})
        }
        let truth = json!({"requests": [
            request(90, "POST", "/fapi/v1/order", "aegis-00000000000000ff-1"),
            request(103, "DELETE", "/fapi/v1/order", "aegis-00000000000000ff-1"),
            request(105, "POST", "/fapi/v1/order", "aegis.kill-1-1"),
            request(250, "GET", "/fapi/v1/order", "aegis.kill-1-1"),
            request(400, "DELETE", "/fapi/v1/algoOrder", "aegis-00000000000000ff-2"),
        ]});
        assert_eq!(last_order(&truth, 100.0), Ok(6.0));
        assert!(last_order(&json!({"requests": []}), 100.0).is_err());
    }

    #[test]
    fn a_thread_is_read_from_what_the_kernel_says_of_it() {
        assert!(is_ready("12 (a ) S b) R 1 12 12 0"));
        assert!(!is_ready("12 (R) S 1 12 12 0") && !is_ready(""));
        assert_eq!((ran("2500000 10 3"), ran("")), (2.5, 0.0));
    }
}
