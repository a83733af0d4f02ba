//! SIGKILL of the brain at random places of a run: the same decisions each time as without.

use super::draw::Draw;
use super::process::{Running, aegis, send};
use super::stage::settings;
use aegis_node::control::{self, Ask};
use aegis_node::home::Home;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Kills in one run.
const KILLS: u32 = 20;
/// A run takes about so long, seconds of wall time without the kills.
const RUN_S: f64 = 8.0;
/// Longest wait for the next place.
const LATE: Duration = Duration::from_secs(60);
/// What must be the same.
const SAME: [&str; 11] = [
    "digest",
    "orders",
    "fills",
    "trades",
    "signals",
    "candles",
    "fees",
    "funding",
    "wallet_end",
    "equity_end",
    "rejections",
];

/// What killing showed.
#[derive(Clone, Debug, Default)]
pub struct Killed {
    /// SIGKILLs sent to a brain that ran.
    pub kills: u64,
    /// Runs.
    pub runs: u64,
    /// Runs that ended with the undisturbed digest and counts.
    pub equal: u64,
    /// Orders of the undisturbed run.
    pub orders: u64,
    /// Milliseconds from a kill to a brain that runs again.
    pub back_ms: Vec<f64>,
    /// What was different, in words.
    pub words: Vec<String>,
}

/// Which market.
pub struct Market {
    /// Recorded candles; a generated market without.
    pub data: Option<PathBuf>,
    /// Days.
    pub days: u32,
}

impl Market {
    fn args(&self) -> Vec<String> {
        let mut args: Vec<String> = ["--headless", "--json", "--days"].map(str::to_owned).into();
        args.push(self.days.to_string());
        // Many orders, so that kills meet them.
        for setting in settings(1, false) {
            args.extend(["--set".to_owned(), setting]);
        }
        if let Some(data) = &self.data {
            args.extend(["--data".to_owned(), data.display().to_string()]);
        }
        args
    }
}

/// Kills brains so often, in as many runs as that takes.
///
/// # Errors
/// When a run does not start or work; that it decides otherwise is a result.
pub fn kills(
    folder: &Path,
    market: &Market,
    wanted: u32,
    seed: u64,
    stopped: &dyn Fn() -> bool,
    mut tell: impl FnMut(&Killed),
) -> Result<Killed, String> {
    let mut killed = Killed::default();
    let calm = run(folder, "calm", market, "max", |_| Ok(()))?;
    let facts = calm["ticks"].as_u64().unwrap_or(0);
    killed.orders = calm["orders"].as_u64().unwrap_or(0);
    if killed.orders == 0 || facts == 0 {
        return Err(format!("nothing is decided on this market: {facts} facts, no order"));
    }
    let market_s = f64::from(market.days) * 86_400.0;
    let speed = format!("{:.0}", (market_s / RUN_S).max(1.0));
    while killed.kills < u64::from(wanted) && !stopped() {
        killed.runs += 1;
        let mut draw = Draw::new(seed.wrapping_add(killed.runs), 2);
        let left = u64::from(wanted) - killed.kills;
        let mut places: Vec<u64> =
            (0..left.min(u64::from(KILLS))).map(|_| draw.word() % (facts * 19 / 20)).collect();
        places.sort_unstable();
        let name = format!("run-{}", killed.runs);
        let before = killed.kills;
        let disturbed = run(folder, &name, market, &speed, |run| {
            for place in &places {
                run.kill_at(*place, &mut draw, stopped, &mut killed)?;
            }
            Ok(())
        })?;
        let differ: Vec<String> = SAME
            .iter()
            .filter(|key| disturbed[**key] != calm[**key])
            .map(|key| format!("{key}: {} without, {} with", calm[*key], disturbed[*key]))
            .collect();
        if differ.is_empty() {
            killed.equal += 1;
            let _ = std::fs::remove_dir_all(folder.join(&name));
        } else {
            let count = killed.kills - before;
            let kept = folder.join(&name);
            killed.words.push(format!(
                "run {} with {count} kills: {}; its folder is {}",
                killed.runs,
                differ.join(", "),
                kept.display()
            ));
        }
        tell(&killed);
    }
    Ok(killed)
}

struct Run {
    home: PathBuf,
    node: Running,
    /// Facts that had been read when the present brain was first seen.
    read: u64,
}

/// Facts that brains of this run have read, by a status.
fn read(status: &Value) -> u64 {
    status["ring"]["read"].as_u64().unwrap_or(0)
}

impl Run {
    fn status(&self) -> Option<Value> {
        control::ask(&Home::of_running(&self.home), Ask::Status).ok()
    }

    /// Kills the brain a moment after it has come to `place`, and waits for the next one. One that
    /// was killed before has read something meanwhile: who ends again and again without progress
    /// is not started any more.
    fn kill_at(
        &mut self,
        place: u64,
        draw: &mut Draw,
        stopped: &dyn Fn() -> bool,
        killed: &mut Killed,
    ) -> Result<(), String> {
        let running = |status: &Value| {
            let brain = &status["health"]["brain"];
            (brain["state"] == "running").then(|| status["pids"]["brain"].as_u64()).flatten()
        };
        let before = self.read;
        let there =
            |status: &Value| status["position"].as_u64() >= Some(place) && read(status) > before;
        let Some(pid) = self.wait(stopped, |status| running(status).filter(|_| there(status)))?
        else {
            return Ok(());
        };
        std::thread::sleep(Duration::from_micros(draw.word() % 20_000));
        let began = Instant::now();
        if !u32::try_from(pid).is_ok_and(|pid| send(pid, Signal::KILL)) {
            return Ok(());
        }
        killed.kills += 1;
        let back = self.wait(stopped, |status| running(status).filter(|new| *new != pid))?;
        self.read = self.status().as_ref().map_or(before, read);
        killed.back_ms.extend(back.map(|_| began.elapsed().as_secs_f64() * 1e3));
        Ok(())
    }

    /// Waits for what a status must have; `None` when the run has ended or is to end.
    fn wait(
        &mut self,
        stopped: &dyn Fn() -> bool,
        has: impl Fn(&Value) -> Option<u64>,
    ) -> Result<Option<u64>, String> {
        let began = Instant::now();
        loop {
            if let Some(found) = self.status().as_ref().and_then(&has) {
                return Ok(Some(found));
            }
            if self.node.ended().is_some() || stopped() {
                return Ok(None);
            }
            if began.elapsed() > LATE {
                return Err(format!("{}: no progress for {LATE:?}", self.home.display()));
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

/// `aegis demo` in a folder of its own, to its end. Its last line.
fn run(
    folder: &Path,
    name: &str,
    market: &Market,
    speed: &str,
    disturb: impl FnOnce(&mut Run) -> Result<(), String>,
) -> Result<Value, String> {
    let place = folder.join(name);
    std::fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    let home = place.join("home");
    let args = market.args();
    let mut words = vec!["demo"];
    words.extend(args.iter().map(String::as_str));
    words.extend(["--speed", speed, "--log-level", "WARN"]);
    let out = place.join("out");
    let file = File::create(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    let command = aegis(&home, &words)?;
    let log = place.join("log");
    let node = Running::start(command, "aegis demo", Stdio::from(file), &log)?;
    let mut run = Run { home, node, read: 0 };
    disturb(&mut run)?;
    let status = run.node.wait(LATE)?;
    let text = std::fs::read_to_string(&out).unwrap_or_default();
    let last: Value =
        text.lines().last().and_then(|l| serde_json::from_str(l).ok()).unwrap_or(Value::Null);
    if !status.success() || last["finished"] != json!(true) {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        let log = log.lines().last().unwrap_or_default();
        return Err(format!("{}: {status}: {log}", place.display()));
    }
    Ok(last)
}
