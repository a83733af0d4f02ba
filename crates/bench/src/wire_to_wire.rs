//! `aegis bench wire-to-wire`: from a frame of the exchange to the signed order that it causes.
//!
//! Regime: everything is the real thing, each in a process of its own. `aegis exchange` plays a
//! generated market of one symbol, a minute each 5 ms; `aegis run --venue local` starts feed and
//! brain on it: sockets, WebSocket, frame reader, firewall, ring, sequencer, journal in its file
//! before the order (durability `process`), all analysis, risk, signing, HTTP, the database beside
//! it. Settings that let nearly every setup trade for one bar make orders frequent; none changes
//! what is done for one.
//!
//! - **wire to wire** is the node's own figure, `tick_to_order_us`: from behind the read that
//!   returned the frame in the feed to behind the write that handed the order to the kernel in the
//!   brain; once with a brain that spins, once with one that spins 20 µs and then sleeps.
//! - **peer to peer** is what the exchange sees: a tap between it and the node notes when it is
//!   about to write a closed candle and when it has read the order.
//! - **floor** is a message to a process that waits in the same way, and back, over loopback TCP;
//!   taken before and after each of the two.
//!
//! The measuring process and all that it starts go before other work of the machine, as far as the
//! system allows (`priority_raised`). What stands for the rest of the world, exchange and tap,
//! keeps to one core, because a real exchange takes no core from the brain; the node may use all.
//! Left out: TLS, the network.

mod echo;
mod tap;

use crate::market::Scratch;
use crate::program::{Running, command, exe, last_line};
use crate::sample::{Samples, rounded};
use crate::{Options, ingest};
use aegis_node::home::Home;
use aegis_node::session::{self, Wanted};
use aegis_ring::machine::{core_pair, cores, end_with_parent, go_first, pin_to_core};
use aegis_settings::{Settings, Sources};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tap::Tap;

/// Symbols of the market.
const SYMBOLS: u16 = 1;
/// Days that it has; more than a measurement needs.
const DAYS: u32 = 60;
/// Market time goes so many times as fast as the wall's.
const SPEED: u32 = 12_000;
/// Orders measured for a strategy in a run of usual length: entries, which closed candles cause.
const ORDERS: f64 = 320.0;
/// Seconds that the usual length is called.
const USUAL_S: f64 = 3.0;
/// Fewer orders show only that everything works.
const ORDERS_MIN: usize = 3;
/// How long one strategy may take.
const LATE: Duration = Duration::from_secs(240);
/// How long a process may take to end.
const END: Duration = Duration::from_secs(15);
/// Key and secret of the account.
const KEY: (&str, &str) = ("bench", "wire-to-wire");

/// Nearly every setup trades, for one bar. Limits in the market's time are wide, because it runs
/// thousands of times as fast as the way to the exchange.
const SETTINGS: [&str; 19] = [
    "engine.signal_confidence=0",
    "engine.time_stop_minutes=1",
    "engine.stale_after_s=86400",
    "engine.stop_deadline_ms=60000",
    "risk.gate=0",
    "risk.fraction=0.0001",
    "risk.daily_loss_max=1",
    "risk.fee_over_risk_max=1",
    "risk.reward_over_risk_min=0",
    "risk.cool_down_s=0.001",
    "risk.max_leverage_teacher=1",
    "portfolio.rotation_lapse_s=3600",
    "teacher.swing_length=1",
    "teacher.displacement_atr=0.1",
    "teacher.sweep_window_minutes=10080",
    "teacher.retest_window_minutes=10080",
    "teacher.stop_min_atr=0.1",
    "teacher.stop_max_atr=100",
    "teacher.target_r_min=1",
];

/// How the brain waits for facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Spin,
    Adaptive,
}

impl Strategy {
    const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Adaptive => "adaptive",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Spin, Self::Adaptive].into_iter().find(|strategy| strategy.name() == name)
    }
}

/// What was measured of one strategy.
struct Figures {
    /// The brain's own `tick_to_order_us`.
    wire: Value,
    peer_us: Samples,
    floor_us: Samples,
    orders: Value,
}

/// Measures both strategies, then the feed's intake. A longer run measures more orders; 320 of each
/// strategy take half a minute.
///
/// # Errors
/// When a process does not start or work, or orders stay away: as text.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let mut measuring = Command::new(exe()?);
    let orders = (ORDERS * opts.seconds / USUAL_S).ceil() as usize;
    measuring.args(["bench-child", "wire-to-wire", "all", &orders.to_string()]);
    measuring.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut measuring = Running::start(measuring)?;
    let mut text = String::new();
    let mut stdout = measuring.0.stdout.take().ok_or("no pipe from the measuring process")?;
    stdout.read_to_string(&mut text).map_err(|e| format!("the measuring process: {e}"))?;
    let line = last_line(&text);
    let Ok(Value::Object(mut figures)) = serde_json::from_str(line) else {
        return Err(line.trim_start_matches("error: ").to_owned());
    };
    let full = ingest::ingest(opts.seconds)?;
    figures.insert("frames_per_second".into(), json!(full.frames_per_second.round()));
    figures.insert("frames_per_wall_second".into(), json!(full.frames_per_wall_second.round()));
    Ok(figures)
}

/// Another process of this bench: arguments after `bench-child`. Returns its exit code.
pub fn child(args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let done = match words.as_slice() {
        ["all", orders] => {
            let orders = orders.parse().unwrap_or(0).max(ORDERS_MIN);
            measure_all(orders).map(|figures| println!("{}", Value::Object(figures)))
        }
        ["keep", cores, args @ ..] => keep(cores, args),
        ["echo", strategy, core, address] => match Strategy::of(strategy) {
            Some(strategy) => {
                end_with_parent();
                // Where the system refuses, the floor is what it is.
                let _ = core.parse().ok().is_some_and(pin_to_core);
                echo::child(strategy, address)
            }
            None => Err(format!("`{strategy}` is no strategy")),
        },
        _ => Err("started by aegis bench wire-to-wire".to_owned()),
    };
    match done {
        Ok(()) => 0,
        Err(why) => {
            println!("error: {why}");
            1
        }
    }
}

/// Becomes `aegis ARGS…` on the cores named, which is killed when the measuring process ends.
fn keep(cores: &str, args: &[&str]) -> Result<(), String> {
    end_with_parent();
    let mut set = CpuSet::new();
    let named = cores.split(',').filter_map(|core| core.parse::<usize>().ok());
    named.filter(|core| *core < CpuSet::MAX_CPU).for_each(|core| set.set(core));
    sched_setaffinity(None, &set).map_err(|e| format!("cores {cores}: {e}"))?;
    Err(format!("cannot start: {}", Command::new(exe()?).args(args).exec()))
}

/// The measuring process.
fn measure_all(orders: usize) -> Result<Map<String, Value>, String> {
    end_with_parent();
    let first = go_first();
    let all = cores();
    if all.is_empty() {
        return Err("the system does not say which cores there are".to_owned());
    }
    // A machine with one core has no place apart.
    let (near, far) = core_pair().unzip();
    let pinned = near.is_some_and(pin_to_core);
    let scratch = Scratch::new("wire-to-wire")?;
    let market = scratch.path().join("market");
    let (start_ms, seed) = make_market(&market)?;
    let mut out = Map::new();
    let mut samples = u64::MAX;
    for strategy in [Strategy::Spin, Strategy::Adaptive] {
        let home = scratch.path().join(strategy.name());
        let place =
            Place { home: &home, market: &market, cores: &all, far: far.unwrap_or(all[0]), orders };
        let mut figures = measure(strategy, &place, start_ms)?;
        samples = samples.min(figures.wire["samples"].as_u64().unwrap_or(0));
        report(strategy, &mut figures, &mut out);
    }
    out.insert("samples".into(), json!(samples));
    out.insert("symbols".into(), json!(SYMBOLS));
    out.insert("seed".into(), json!(seed));
    out.insert("durability".into(), json!("process"));
    out.insert("priority_raised".into(), json!(first));
    out.insert("exchange_on_one_core".into(), json!(pinned));
    Ok(out)
}

fn report(strategy: Strategy, figures: &mut Figures, out: &mut Map<String, Value>) {
    let name = strategy.name();
    for key in ["p50", "p99", "max", "samples"] {
        let unit = if key == "samples" { "" } else { "_us" };
        out.insert(format!("{name}_{key}{unit}"), figures.wire[key].clone());
    }
    let (peer, floor) = (figures.peer_us.median(), figures.floor_us.median());
    let floor_key = if strategy == Strategy::Spin { "floor" } else { "floor_adaptive" };
    let us = |value: f64| json!(rounded(value, 1));
    out.insert(format!("{floor_key}_p50_us"), us(floor));
    out.insert(format!("{floor_key}_p99_us"), us(figures.floor_us.quantile(0.99)));
    out.insert(format!("{name}_peer_to_peer_p50_us"), us(peer));
    out.insert(format!("{name}_peer_to_peer_p99_us"), us(figures.peer_us.quantile(0.99)));
    out.insert(format!("{name}_peer_to_peer_samples"), json!(figures.peer_us.len()));
    out.insert(format!("{name}_peer_to_peer_over_floor"), json!(rounded(peer / floor, 2)));
    out.insert(format!("{name}_orders"), figures.orders.clone());
}

/// A run folder with a generated market. When its history ends, and its seed.
fn make_market(folder: &Path) -> Result<(i64, u64), String> {
    let flags = vec![("market.symbols".to_owned(), SYMBOLS.to_string())];
    let sources = Sources { file: None, env: &|_| None, env_keys: Vec::new(), flags };
    let settings = Settings::load(&sources).map_err(|e| e.to_string())?;
    let wanted = Wanted { days: Some(DAYS), ..Wanted::default() };
    let session = session::prepare(&settings, &wanted).map_err(|e| e.to_string())?;
    let text = serde_json::to_vec(&session).map_err(|e| e.to_string())?;
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(folder.join("session.json"), text));
    written.map_err(|e| format!("{} cannot be written: {e}", folder.display()))?;
    Ok((session.trade_from.as_millis() + 1_500 * 60_000, settings.market().seed))
}

/// `aegis ARGS…` under this process, on these cores.
fn start(home: &Path, log: &Path, cores: &[usize], args: &[&str]) -> Result<Running, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", log.display());
    let cores = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let words = [&["bench-child", "wire-to-wire", "keep", &cores], args].concat();
    let mut command = command(&exe()?, home, &words);
    command.env("BINANCE_API_KEY", KEY.0).env("BINANCE_API_SECRET", KEY.1);
    // The exchange of a run ends when whoever started it is gone: when its stdin ends.
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(std::fs::File::create(log).map_err(failed)?);
    Running::start(command)
}

/// Where a strategy is measured.
struct Place<'a> {
    home: &'a Path,
    market: &'a Path,
    /// Those that the node may use.
    cores: &'a [usize],
    /// The one of the floor's partner, as the brain is on the exchange's other side.
    far: usize,
    /// How many orders, and as many messages of the floor before and after them.
    orders: usize,
}

fn measure(strategy: Strategy, place: &Place<'_>, start_ms: i64) -> Result<Figures, String> {
    let Place { home, market, far, orders: count, .. } = *place;
    std::fs::create_dir_all(home).map_err(|e| format!("{}: {e}", home.display()))?;
    let mut floor_us = Samples::default();
    echo::floor(strategy, far, count, &mut floor_us)?;
    let (speed, start_ms) = (SPEED.to_string(), start_ms.to_string());
    let market = market.display().to_string();
    let account = format!("key={},secret={},balance=1000000", KEY.0, KEY.1);
    let mut args = vec!["exchange", "--session", &market, "--speed", &speed, "--start", &start_ms];
    args.extend(["--account", &account, "--log-level", "WARN"]);
    let log = home.join("exchange.log");
    let mut exchange = start(home, &log, &cores(), &args)?;
    let stdout = exchange.0.stdout.take().ok_or("the exchange has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|e| format!("the exchange: {e}"))?;
    let ready: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
    let address = ready["listening"].as_str().and_then(|address| address.parse().ok());
    let tap = Tap::start(address.ok_or_else(|| failed("exchange", &log))?)?;
    let traded = trade(strategy, place, &tap);
    drop(exchange);
    // Shared memory is no part of the state folder.
    if let Ok(home) = Home::open(home)
        && let Some(ring) = home.ring().parent()
    {
        let _ = std::fs::remove_dir_all(ring);
    }
    let (wire, orders) = traded?;
    echo::floor(strategy, far, count, &mut floor_us)?;
    Ok(Figures { wire, peer_us: tap.take(), floor_us, orders })
}

/// Feed and brain until enough orders have passed; what the brain says of them.
fn trade(strategy: Strategy, place: &Place<'_>, tap: &Tap) -> Result<(Value, Value), String> {
    let home = place.home;
    let url = format!("http://{}", tap.address());
    let wait = format!("ring.wait={}", strategy.name());
    let mut args = vec!["run", "--venue", "local", "--exchange-url", &url, "--headless", "--json"];
    args.extend(["--log-level", "WARN", "--set", &wait]);
    SETTINGS.iter().for_each(|setting| args.extend(["--set", setting]));
    let log = home.join("run.log");
    let mut node = start(home, &log, place.cores, &args)?;
    let mut stdout = node.0.stdout.take().ok_or("aegis run has no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let began = Instant::now();
    while tap.orders() < place.orders {
        if began.elapsed() > LATE {
            return Err(format!("{} orders in {LATE:?}; {}", tap.orders(), failed("run", &log)));
        }
        if node.0.try_wait().map_err(|e| format!("aegis run: {e}"))?.is_some() {
            return Err(failed("run", &log));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    end(&mut node)?;
    let text = reading.join().map_err(|_| "the output of aegis run was not read")?;
    let text = text.map_err(|e| format!("the output of aegis run: {e}"))?;
    let summary: Value = serde_json::from_str(last_line(&text)).unwrap_or(Value::Null);
    let (wire, orders) = (&summary["tick_to_order_us"], &summary["order_outcomes"]);
    match wire["samples"].as_u64() {
        Some(samples) if samples > 0 => Ok((wire.clone(), orders.clone())),
        _ => Err(failed("run", &log)),
    }
}

/// Tells a process to stop and waits for it.
fn end(process: &mut Running) -> Result<(), String> {
    let pid = Pid::from_raw(process.0.id().cast_signed());
    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    let began = Instant::now();
    while process.0.try_wait().map_err(|e| format!("aegis run: {e}"))?.is_none() {
        if began.elapsed() > END {
            return Err("aegis run does not stop".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The end of a log says why.
fn failed(what: &str, log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    let lines: Vec<&str> = lines.into_iter().rev().collect();
    format!("aegis {what} did not do its work: {}", lines.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_comes_back_whichever_way_the_partner_waits() {
        use std::io::Write;
        for strategy in [Strategy::Spin, Strategy::Adaptive] {
            let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let partner = std::thread::spawn(move || echo::child(strategy, &address));
            let (mut stream, _) = listener.accept().unwrap();
            for wait_ms in [0, 2] {
                std::thread::sleep(Duration::from_millis(wait_ms));
                stream.write_all(b"there").unwrap();
                let mut back = [0; 5];
                stream.read_exact(&mut back).unwrap();
                assert_eq!(&back, b"there");
            }
            drop(stream);
            assert_eq!(partner.join().unwrap(), Ok(()));
        }
    }

    #[test]
    fn every_key_is_there() {
        let mut out = Map::new();
        for strategy in [Strategy::Spin, Strategy::Adaptive] {
            assert_eq!(Strategy::of(strategy.name()), Some(strategy));
            let (mut peer_us, mut floor_us) = (Samples::default(), Samples::default());
            for us in [60.0, 50.0, 40.0] {
                peer_us.push(us);
            }
            floor_us.push(25.0);
            let wire = json!({ "p50": 31, "p99": 60, "max": 90, "samples": 400 });
            let mut figures = Figures { wire, peer_us, floor_us, orders: Value::Null };
            report(strategy, &mut figures, &mut out);
        }
        assert_eq!((&out["spin_p50_us"], &out["adaptive_p99_us"]), (&json!(31), &json!(60)));
        assert_eq!(
            (&out["floor_p50_us"], &out["floor_adaptive_p50_us"]),
            (&json!(25.0), &json!(25.0))
        );
        assert_eq!(out["spin_peer_to_peer_p50_us"], json!(50.0));
        assert_eq!(out["adaptive_peer_to_peer_over_floor"], json!(2.0));
        assert_eq!(out["spin_samples"], json!(400));
    }

    #[test]
    fn the_market_of_the_bench_is_a_session_with_history() {
        let scratch = Scratch::new("wire-to-wire-test").unwrap();
        let (start_ms, _) = make_market(scratch.path()).unwrap();
        let session = session::load(scratch.path()).unwrap();
        assert_eq!(session.symbols.len(), usize::from(SYMBOLS));
        assert!(session.trade_from.as_millis() < start_ms);
        assert!(start_ms < session.until.as_millis());
    }
}
