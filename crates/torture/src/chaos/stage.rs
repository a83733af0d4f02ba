//! The processes of a round: an exchange, the proxy before it, and the node behind it.

use super::disk::SmallDisk;
use super::http;
use super::plan::Plan;
use super::process::{KEYS, Running, aegis};
use super::proxy::Proxy;
use super::truth::Truth;
use aegis_node::control::{self, Ask};
use aegis_node::home::Home;
use aegis_types::{Nanos, Operator};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seed, symbols and days of the generated market.
pub const MARKET: (u64, u16, u32) = (7, 12, 3);
/// Most positions at once.
pub const POSITIONS_MAX: usize = 5;
/// How long the exchange may take until it listens.
const READY: Duration = Duration::from_secs(60);
/// How long processes may take to stop.
const STOP: Duration = Duration::from_secs(15);
/// Wall milliseconds from a fill to its stop.
pub const STOP_DEADLINE_MS: i64 = 3_000;

/// Nearly every setup trades, small and for a minute, so that a round has entries within seconds.
/// Limits of the way to the exchange are shorter than usual, so that unknown outcomes are settled,
/// and the account is read, within the round.
const SETTINGS: [&str; 26] = [
    "engine.signal_confidence=0",
    "engine.time_stop_minutes=1",
    "engine.stale_after_s=86400",
    "risk.gate=0",
    "risk.fraction=0.0005",
    "risk.daily_loss_max=1",
    "risk.fee_over_risk_max=1",
    "risk.reward_over_risk_min=0",
    "risk.cool_down_s=0.001",
    "risk.reference_stale_s=3600",
    "risk.drawdown_max=1",
    "protections.stop_guard_stops=0",
    "protections.drawdown_trades=0",
    "protections.low_profit_trades=0",
    "risk.max_leverage_teacher=1",
    "portfolio.rotation_lapse_s=3600",
    "teacher.swing_length=1",
    "teacher.displacement_atr=0.1",
    "teacher.sweep_window_minutes=10080",
    "teacher.retest_window_minutes=10080",
    "teacher.stop_min_atr=0.1",
    "teacher.stop_max_atr=100",
    "teacher.target_r_min=1",
    "venue.request_timeout_ms=1000",
    "venue.recv_window_ms=2000",
    "venue.sweep_s=5",
];

/// The settings of an engine that goes so many times as fast as the wall's clock.
pub fn settings(speed: u32, by_socket: bool) -> Vec<String> {
    let mut settings: Vec<String> = SETTINGS.iter().map(|s| (*s).to_owned()).collect();
    let deadline_ms = STOP_DEADLINE_MS * i64::from(speed);
    settings.push(format!("engine.stop_deadline_ms={deadline_ms}"));
    settings.push(format!("portfolio.max_open_positions={POSITIONS_MAX}"));
    settings.push("journal.segment_mb=2".to_owned());
    if by_socket {
        settings.push("venue.order_transport=ws".to_owned());
    }
    settings
}

/// The wall clock, ms since the epoch.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Everything that runs in a round.
pub struct Stage {
    /// The round's folder.
    pub folder: PathBuf,
    /// The node's state folder.
    pub home: PathBuf,
    /// The exchange's own address.
    pub exchange: SocketAddr,
    /// In front of it.
    pub proxy: Proxy,
    /// The small file system below `home`, where there is one.
    pub disk: Option<SmallDisk>,
    node: Option<Running>,
    second: Option<Running>,
    /// Market ms at a wall ms.
    clock: (i64, i64),
    speed: i64,
    database: Option<&'static str>,
    settings: Vec<String>,
    // Last, so that it outlives who talks to it.
    venue: Running,
}

/// A database that nobody serves.
const NOBODY: &str = "postgresql://nobody:nothing@127.0.0.1:1/nothing";

impl Stage {
    /// Starts exchange, proxy and node; the market begins `lead_ms` of wall time before `instant`.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn set(
        folder: &Path,
        plan: &Plan,
        instant: Nanos,
        lead_ms: i64,
        disk: Option<SmallDisk>,
    ) -> Result<Self, String> {
        let speed = i64::from(plan.speed);
        let start_ms = instant.as_millis() - lead_ms * speed;
        let (venue, exchange) = start_venue(folder, plan, start_ms)?;
        let clock = http::ask(exchange, "GET", "/sim/v1/clock", "")?.1;
        let time = |key: &str| clock[key].as_i64().ok_or(format!("the clock has no {key}"));
        let proxy = Proxy::start(exchange).map_err(|error| format!("the proxy: {error}"))?;
        let mut stage = Self {
            folder: folder.to_path_buf(),
            home: folder.join("home"),
            exchange,
            proxy,
            disk,
            node: None,
            second: None,
            clock: (time("market_ms")?, time("wall_ms")?),
            speed,
            database: plan.has(super::catalogue::How::DatabaseDown).then_some(NOBODY),
            settings: settings(plan.speed, plan.by_socket),
            venue,
        };
        if plan.has(super::catalogue::How::SyncFails) {
            // Nothing else asks the disk before an order leaves.
            stage.settings.push("journal.durability=power".to_owned());
        }
        stage.start_node(&[])?;
        Ok(stage)
    }

    /// The market's time at a wall time, ms.
    pub const fn market_at(&self, wall_ms: i64) -> i64 {
        self.clock.0 + (wall_ms - self.clock.1) * self.speed
    }

    /// The wall's time at a market time, ms.
    pub const fn wall_at(&self, market_ms: i64) -> i64 {
        self.clock.1 + (market_ms - self.clock.0) / self.speed
    }

    fn run(&self, home: &Path, more: &[&str], name: &str) -> Result<Running, String> {
        let url = format!("http://{}", self.proxy.address());
        let mut args = vec!["run", "--venue", "local", "--exchange-url", &url];
        args.extend(["--headless", "--json", "--log-level", "INFO"]);
        for setting in &self.settings {
            args.extend(["--set", setting]);
        }
        args.extend(more);
        let mut command = aegis(home, &args)?;
        command.env("BINANCE_API_KEY", KEYS.0).env("BINANCE_API_SECRET", KEYS.1);
        if let Some(url) = self.database {
            command.env("DATABASE_URL", url);
        }
        let out = self.folder.join(format!("{name}.out"));
        let out = File::options().create(true).append(true).open(&out);
        let out = out.map_err(|error| format!("{name}.out: {error}"))?;
        let log = self.folder.join(format!("{name}.log"));
        Running::start(command, &format!("aegis run ({name})"), Stdio::from(out), &log)
    }

    /// Starts the node; with `--resume` it goes on with its unfinished session.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_node(&mut self, more: &[&str]) -> Result<(), String> {
        self.node = Some(self.run(&self.home, more, "node")?);
        Ok(())
    }

    /// Starts a second engine on the account, with a state folder of its own.
    ///
    /// # Errors
    /// When the process does not start; that it refuses is no error.
    pub fn start_second(&mut self) -> Result<(), String> {
        self.second = Some(self.run(&self.folder.join("second"), &[], "second")?);
        Ok(())
    }

    /// Stops the second engine.
    pub fn end_second(&mut self) {
        if let Some(mut second) = self.second.take() {
            second.signal(Signal::TERM);
            let _ = second.wait(STOP);
        }
    }

    /// Has a second engine been started that has not been seen to end?
    pub const fn has_second(&self) -> bool {
        self.second.is_some()
    }

    /// The exit code of the second engine, once it has ended.
    pub fn second_code(&mut self) -> Option<Option<i32>> {
        let status = self.second.as_mut()?.ended()?;
        self.second = None;
        Some(status.code())
    }

    /// The orchestrator's process id.
    pub fn main_pid(&self) -> Option<u32> {
        self.node.as_ref().map(Running::pid)
    }

    /// How the node ended, if it has; then it is gone.
    pub fn node_ended(&mut self) -> Option<std::process::ExitStatus> {
        let status = self.node.as_mut()?.ended()?;
        self.node = None;
        Some(status)
    }

    /// Kills the orchestrator and waits for its end.
    pub fn kill_node(&mut self) {
        self.node = None;
    }

    /// The node's status, if it answers.
    pub fn status(&self) -> Option<Value> {
        self.node.as_ref()?;
        let status = control::ask(&Home::of_running(&self.home), Ask::Status).ok()?;
        status["error"].is_null().then_some(status)
    }

    /// Closes every position.
    ///
    /// # Errors
    /// When the node does not take the command.
    pub fn flatten(&self) -> Result<(), String> {
        let ask = Ask::Operator { what: Operator::Flatten };
        let answer = control::ask(&Home::of_running(&self.home), ask);
        let answer = answer.map_err(|failure| failure.to_string())?;
        match answer["error"].as_str() {
            None => Ok(()),
            Some(why) => Err(why.to_owned()),
        }
    }

    /// Stops the node as an operator would. Its exit code.
    ///
    /// # Errors
    /// When it is not there any more, or does not stop.
    pub fn stop_node(&mut self) -> Result<Option<i32>, String> {
        let mut node = self.node.take().ok_or("the node is gone")?;
        node.signal(Signal::TERM);
        node.wait(STOP).map(|status| status.code())
    }

    /// What truly is.
    ///
    /// # Errors
    /// When the exchange does not say.
    pub fn truth(&self) -> Result<Truth, String> {
        let path = format!("/sim/v1/truth?key={}", KEYS.0);
        Truth::read(&http::ask(self.exchange, "GET", &path, "")?.1)
    }

    /// Posts a fault; its id, or why the exchange does not take it.
    ///
    /// # Errors
    /// When the exchange does not answer.
    pub fn post(&self, fault: &Value) -> Result<Result<u64, String>, String> {
        let answer = http::ask(self.exchange, "POST", "/sim/v1/faults", &fault.to_string())?;
        Ok(match answer {
            (200, json) => json["id"].as_u64().ok_or_else(|| format!("no id in {json}")),
            (_, json) => Err(format!("{fault}: {json}")),
        })
    }

    /// Folders of the node's sessions.
    pub fn sessions(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.home.join("sessions")).into_iter().flatten().flatten();
        folders.map(|entry| entry.path()).filter(|path| path.join("journal").is_dir()).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.node = None;
        self.second = None;
        super::process::sweep(&self.home);
        // Shared memory is no part of the state folder.
        for home in [&self.home, &self.folder.join("second")] {
            if home.is_dir()
                && let Some(ring) = Home::of_running(home).ring().parent()
            {
                let _ = std::fs::remove_dir_all(ring);
            }
        }
        self.venue.signal(Signal::TERM);
        let _ = self.venue.wait(Duration::from_secs(3));
    }
}

fn start_venue(folder: &Path, plan: &Plan, start_ms: i64) -> Result<(Running, SocketAddr), String> {
    let (seed, symbols, days) = MARKET;
    let texts = [seed, u64::from(symbols), u64::from(days), u64::from(plan.speed), plan.seed];
    let [seed, symbols, days, speed, draws] = texts.map(|number| number.to_string());
    let start = start_ms.to_string();
    let account = format!("key={},secret={},balance=100000", KEYS.0, KEYS.1);
    let args = [
        ["exchange", "--generate"].as_slice(),
        &[&seed, "--symbols", &symbols, "--days", &days, "--speed", &speed, "--start", &start],
        &["--seed", &draws, "--account", &account, "--log-level", "WARN"],
    ];
    // Its folder names it as one of this round.
    let command = aegis(&folder.join("exchange"), &args.concat())?;
    let log = folder.join("exchange.log");
    let mut venue = Running::start(command, "aegis exchange", Stdio::piped(), &log)?;
    let stdout = venue.stdout().ok_or("the exchange has no output")?;
    let (to, line) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = to.send(line);
        }
    });
    let line = line.recv_timeout(READY).map_err(|_| "the exchange does not listen")?;
    let ready: Value = serde_json::from_str(&line).unwrap_or_default();
    let address = ready["listening"].as_str().and_then(|address| address.parse().ok());
    Ok((venue, address.ok_or_else(|| format!("the exchange says `{line}`"))?))
}
