//! One round: sets the stage, lets the plan happen, ends all faults, waits for peace, compares.

use super::belief::Belief;
use super::catalogue::{Bad, How, Victim};
use super::disk::SmallDisk;
use super::http;
use super::judge::{Findings, Terms, judge};
use super::plan::{Plan, Step, is_limit};
use super::process::{KEYS, send, with_folder};
use super::protect::{Deadline, Gap, gaps, is_late, is_undisturbed};
use super::settle::unsettled;
use super::stage::{POSITIONS_MAX, STOP_DEADLINE_MS, Stage, wall_ms};
use super::truth::{TrueAlgo, Truth};
use aegis_types::{Nanos, Px, Side};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

mod trial;

use trial::Trial;

/// Between two looks at the node.
const LOOK: Duration = Duration::from_millis(25);
/// How long the node may take, after the last fault, until it is where the exchange is.
const PEACE: Duration = Duration::from_secs(10);
/// How long it may take to close every position.
const FLAT: Duration = Duration::from_secs(6);
/// How long a second engine may take to refuse.
const REFUSES: Duration = Duration::from_secs(5);
/// Later than this before the close, ms, the node has not seen the market open for it.
const SPARE_MS: i64 = 300;
/// How long an orchestrator that was killed is down.
const DOWN: Duration = Duration::from_millis(150);
/// Most tries to go on with a session.
const RESUMES: u32 = 40;

/// What became of a round.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why it could not be played, when it could not.
    pub skipped: Option<String>,
    /// What was not as it must be.
    pub findings: Findings,
    /// Faults that acted.
    pub fired: BTreeSet<&'static str>,
    /// Wall milliseconds from the fill of an entry to its protection.
    pub protect_ms: Vec<f64>,
    /// Those of them in which no fault met the stop, and requests could be sent.
    pub undisturbed_ms: Vec<f64>,
    /// Gaps that were longer than their deadline.
    pub late: u64,
    /// Gaps as long that are none: nothing could be sent, or the node had not heard of the fill, or
    /// a closing order was on its way.
    pub excused: u64,
    /// Fills of the account.
    pub fills: u64,
    /// Requests that placed orders.
    pub orders: u64,
}

/// Why a round could not be played to its end.
pub enum Failed {
    /// The node was not ready when the close came; with more time it may be.
    Late,
    /// The machine or this program.
    Harness(String),
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self::Harness(what)
    }
}

/// A round that is being played.
struct Round<'a> {
    plan: &'a Plan,
    stage: Stage,
    /// Wall ms of the close at which entries are expected.
    close_ms: i64,
    found: Findings,
    fired: BTreeSet<&'static str>,
    /// Postings by their id.
    posted: BTreeMap<u64, &'static str>,
    /// Symbols in which somebody else trades.
    foreign: BTreeSet<String>,
    /// Wall ms in which no request could reach the exchange, or nobody could send one.
    windows: Vec<(i64, i64)>,
    /// The network is bad since, wall ms, and by which fault.
    link: Option<(i64, &'static str)>,
    /// A process is down since, wall ms.
    down: Option<i64>,
    /// The disk is full since, wall ms, and which brain there was then.
    full: Option<(i64, Option<u32>)>,
    /// A brain of this id was killed: until another one reports, nobody is there.
    killed: u64,
    resume_at: Option<Instant>,
    resumes: u32,
    trial: Option<Trial>,
    lock: Option<rusqlite::Connection>,
    second: Option<Instant>,
    /// The node has ended by itself: nothing more can be asked of it.
    gone: bool,
}

/// Plays a round in a folder of its own.
///
/// # Errors
/// When it could not be played; that something is not as it must be is a result.
pub fn play(
    plan: &Plan,
    folder: &Path,
    instant: Nanos,
    lead_ms: i64,
    stopped: &dyn Fn() -> bool,
) -> Result<Verdict, Failed> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let disk = match disk(plan, folder).transpose() {
        Ok(disk) => disk,
        Err(why) => return Ok(Verdict { skipped: Some(why), ..Verdict::default() }),
    };
    let stage = Stage::set(folder, plan, instant, lead_ms, disk)?;
    let close_ms = stage.wall_at(instant.as_millis());
    let mut round = Round {
        plan,
        stage,
        close_ms,
        found: Findings::default(),
        fired: BTreeSet::new(),
        posted: BTreeMap::new(),
        foreign: BTreeSet::new(),
        windows: Vec::new(),
        link: None,
        down: None,
        full: None,
        killed: 0,
        resume_at: None,
        resumes: 0,
        trial: None,
        lock: None,
        second: None,
        gone: false,
    };
    round.wait_ready()?;
    round.perform(stopped)?;
    round.end_faults()?;
    if !round.second_refused()? {
        return Ok(Verdict { findings: round.found, fired: round.fired, ..Verdict::default() });
    }
    round.make_peace(stopped)?;
    let verdict = round.compare();
    if let Some(disk) = &round.stage.disk {
        disk.keep(&folder.join("home-as-it-was"));
    }
    verdict.map_err(Failed::Harness)
}

/// The file system that a plan wants for the state folder.
fn disk(plan: &Plan, folder: &Path) -> Option<Result<SmallDisk, String>> {
    let home = folder.join("home");
    if plan.has(How::SyncFails) {
        return Some(SmallDisk::thin(&home, &folder.join("disk")));
    }
    plan.has(How::DiskFull).then(|| SmallDisk::over(&home))
}

fn state<'a>(status: &'a Value, child: &str) -> &'a str {
    status["health"][child]["state"].as_str().unwrap_or_default()
}

impl Round<'_> {
    fn now_ms(&self) -> i64 {
        wall_ms() - self.close_ms
    }

    /// Waits until the node sees the market, in time for the close.
    fn wait_ready(&mut self) -> Result<(), Failed> {
        loop {
            let status = self.stage.status().unwrap_or_default();
            let running = |child| state(&status, child) == "running";
            if running("feed") && running("brain") && status["candles"].as_u64() > Some(0) {
                return if self.now_ms() < -SPARE_MS { Ok(()) } else { Err(Failed::Late) };
            }
            if let Some(status) = self.stage.node_ended() {
                return Err(Failed::Harness(format!("aegis run ended at its start: {status}")));
            }
            if self.now_ms() >= -SPARE_MS {
                return Err(Failed::Late);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Everything of the plan, each at its time.
    fn perform(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), Failed> {
        if self.plan.has(How::DatabaseDown) {
            self.fired.insert("database_down");
        }
        for planned in &self.plan.steps {
            while self.now_ms() < planned.at_ms {
                if stopped() {
                    return Err(Failed::Harness("stopped".to_owned()));
                }
                self.look()?;
                let left = u64::try_from(planned.at_ms - self.now_ms()).unwrap_or(0);
                std::thread::sleep(LOOK.min(Duration::from_millis(left)));
            }
            self.step(planned.fault, &planned.step)?;
        }
        while self.now_ms() < self.plan.ends_ms() {
            self.look()?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Brings a killed orchestrator back, and sees when nobody is down any more.
    fn look(&mut self) -> Result<(), Failed> {
        if let Some(status) = self.stage.node_ended() {
            if self.trial.is_some() {
                self.tried(status.code())?;
            } else if self.resumes == 0 || self.resumes > RESUMES {
                self.found.add(format!("aegis run ended by itself: {status}"));
                self.gone = true;
            } else {
                // The brain of the one that was killed may still hold its lock.
                self.resume_at = Some(Instant::now() + DOWN);
            }
        }
        self.end_trial()?;
        if self.resume_at.is_some_and(|at| at <= Instant::now()) {
            self.resume_at = None;
            self.resumes += 1;
            self.stage.start_node(&["--resume"])?;
        }
        if let Some(since) = self.down.filter(|_| self.trial.is_none())
            && let Some(status) = self.stage.status()
            && state(&status, "brain") == "running"
            && status["pids"]["brain"].as_u64().is_some_and(|pid| pid != self.killed)
        {
            self.windows.push((since, wall_ms()));
            self.down = None;
        }
        Ok(())
    }

    fn pid(&self, victim: Victim) -> Option<u32> {
        if victim == Victim::Main {
            return self.stage.main_pid();
        }
        let child = if victim == Victim::Feed { "feed" } else { "brain" };
        let status = self.stage.status()?;
        if state(&status, child) != "running" {
            return None;
        }
        status["pids"][child].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    fn step(&mut self, fault: &'static str, step: &Step) -> Result<(), Failed> {
        match step {
            Step::Post(posting) => self.post(fault, posting)?,
            Step::Delete(name) => {
                let path = format!("/sim/v1/faults?fault={name}");
                http::ask(self.stage.exchange, "DELETE", &path, "")?;
            }
            Step::OnPosition(posting) => {
                if let Some((symbol, _)) = self.position()?.0.positions.iter().next() {
                    let mut posting = posting.clone();
                    posting["symbol"] = json!(symbol);
                    self.post(fault, &posting)?;
                }
            }
            Step::Foreign => self.foreign(fault)?,
            Step::Touch { target } => self.touch(fault, *target)?,
            Step::Link { bad, scope, amount } => {
                self.link = Some((wall_ms(), fault));
                self.stage.proxy.worsen(*bad, *scope, *amount);
                if matches!(bad, Bad::Reset) {
                    self.fired.insert(fault);
                }
            }
            Step::LinkWell => self.heal(),
            Step::Kill(victim) => self.kill(fault, *victim),
            Step::Stop(victim) => {
                if let Some(pid) = self.pid(*victim)
                    && send(pid, Signal::STOP)
                {
                    self.fired.insert(fault);
                    if *victim == Victim::Brain {
                        self.down = Some(wall_ms());
                    }
                }
            }
            Step::Continue(_) => self.resume_all(),
            Step::Wreck(wreck) => self.wreck(fault, *wreck)?,
            Step::FillDisk => {
                if let Some(disk) = &self.stage.disk {
                    self.full = Some((wall_ms(), self.pid(Victim::Brain)));
                    disk.fill()?;
                }
                if self.plan.has(How::SyncFails) {
                    // What is not synced ends the brain, and in the end all.
                    self.resumes = self.resumes.max(1);
                } else {
                    self.fired.insert(fault);
                }
            }
            Step::FreeDisk => self.free_disk()?,
            Step::LockDatabase => self.lock_database(fault)?,
            Step::FreeDatabase => self.lock = None,
            Step::SecondEngine => {
                self.stage.start_second()?;
                self.second = Some(Instant::now());
                self.fired.insert(fault);
            }
        }
        Ok(())
    }

    fn post(&mut self, fault: &'static str, posting: &Value) -> Result<(), Failed> {
        // While the exchange refuses everything, or a symbol, nothing can be done there.
        let length_ms = match posting["fault"].as_str() {
            Some("http_418") => Some(posting["ms"].as_i64().unwrap_or(2_000) + 3_000),
            Some("http_429" | "clock_skew") => Some(4_000),
            Some("symbol_halt") => posting["ms"].as_i64(),
            _ => None,
        };
        let now = wall_ms();
        self.windows.extend(length_ms.map(|length| (now, now + length)));
        match self.stage.post(posting)? {
            Ok(id) => drop(self.posted.insert(id, fault)),
            // An event may have nobody to happen to.
            Err(why) if why.contains("no such position") => {}
            Err(why) => return Err(Failed::Harness(why)),
        }
        Ok(())
    }

    /// The truth and a resting conditional order of ours for each open position, if there is one.
    fn position(&self) -> Result<(Truth, Vec<TrueAlgo>), Failed> {
        let mut truth = self.stage.truth()?;
        let began = Instant::now();
        // An order may be on its way.
        while truth.positions.is_empty() && began.elapsed() < Duration::from_millis(400) {
            std::thread::sleep(LOOK);
            truth = self.stage.truth()?;
        }
        truth.positions.retain(|symbol, _| !self.foreign.contains(symbol));
        let rests = |algo: &&TrueAlgo| {
            algo.ended_ms.is_none() && truth.positions.contains_key(&algo.symbol)
        };
        let resting = truth.algos.iter().filter(rests).cloned().collect();
        Ok((truth, resting))
    }

    /// Trades beyond a stop or a target.
    fn touch(&mut self, fault: &'static str, target: bool) -> Result<(), Failed> {
        let (_, resting) = self.position()?;
        let Some(algo) = resting.iter().find(|algo| algo.stop != target) else { return Ok(()) };
        // A buying stop lies above the price, a buying target below it.
        let up = (algo.side == Side::Buy) == algo.stop;
        let raw = algo.trigger.raw();
        let beyond = Px::from_raw(if up { raw + raw / 500 } else { raw - raw / 500 });
        let body = json!({ "symbol": algo.symbol, "price": beyond.to_string() });
        let (status, answer) =
            http::ask(self.stage.exchange, "POST", "/sim/v1/price", &body.to_string())?;
        if status != 200 {
            return Err(Failed::Harness(format!("{body}: {answer}")));
        }
        if !fault.is_empty() {
            self.fired.insert(fault);
        }
        Ok(())
    }

    /// Somebody else buys in a symbol that we hold nothing of and have no order in.
    fn foreign(&mut self, fault: &'static str) -> Result<(), Failed> {
        let (truth, _) = self.position()?;
        let used: BTreeSet<&str> = truth
            .fills
            .iter()
            .map(|fill| fill.symbol.as_str())
            .chain(truth.algos.iter().map(|algo| algo.symbol.as_str()))
            .collect();
        let names = (0..super::stage::MARKET.1).map(|n| format!("GEN{n:03}USDT"));
        // The first markets have the larger prices, and a fraction of a coin there.
        let Some(symbol) = names.skip(2).find(|name| !used.contains(name.as_str())) else {
            return Ok(());
        };
        let quantity = if symbol.as_str() < "GEN006USDT" { "10" } else { "1000" };
        self.foreign.insert(symbol.clone());
        let posting = json!({
            "fault": "foreign_order", "symbol": symbol, "side": "BUY", "quantity": quantity,
        });
        self.post(fault, &posting)
    }

    fn kill(&mut self, fault: &'static str, victim: Victim) {
        let Some(pid) = self.pid(victim) else { return };
        if victim == Victim::Main {
            self.killed = self.pid(Victim::Brain).map_or(0, u64::from);
            self.stage.kill_node();
            self.resumes = 1;
            self.resume_at = Some(Instant::now() + DOWN);
        } else if !send(pid, Signal::KILL) {
            return;
        }
        if victim == Victim::Brain {
            self.killed = u64::from(pid);
        }
        if victim != Victim::Feed {
            self.down = self.down.or(Some(wall_ms()));
        }
        self.fired.insert(fault);
    }

    fn resume_all(&mut self) {
        for pid in with_folder(&self.stage.home) {
            send(pid, Signal::CONT);
        }
    }

    fn heal(&mut self) {
        let met = self.stage.proxy.heal();
        if let Some((since, fault)) = self.link.take() {
            self.windows.push((since, wall_ms()));
            if met > 0 {
                self.fired.insert(fault);
            }
        }
    }

    fn free_disk(&mut self) -> Result<(), Failed> {
        let Some(disk) = &self.stage.disk else { return Ok(()) };
        disk.free()?;
        if let Some((since, brain)) = self.full.take().filter(|_| self.plan.has(How::SyncFails))
            && brain != self.pid(Victim::Brain)
        {
            // A sync has failed. Until another brain reports, nobody is there.
            self.fired.insert("sync_fails");
            if self.down.is_none() {
                self.killed = brain.map_or(0, u64::from);
                self.down = Some(since);
            }
        }
        Ok(())
    }

    /// An exclusive transaction, as of a tool that somebody has left open.
    fn lock_database(&mut self, fault: &'static str) -> Result<(), Failed> {
        let path = self.stage.home.join("aegis.db");
        let locked = rusqlite::Connection::open(&path).and_then(|connection| {
            connection.busy_timeout(Duration::from_millis(300))?;
            connection.execute_batch("BEGIN EXCLUSIVE")?;
            Ok(connection)
        });
        match locked {
            Ok(connection) => {
                self.lock = Some(connection);
                self.fired.insert(fault);
                Ok(())
            }
            // The node writes without a pause just now: then it is not locked.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Ok(())
            }
            Err(error) => Err(Failed::Harness(format!("{}: {error}", path.display()))),
        }
    }

    /// Nothing goes wrong from here on.
    fn end_faults(&mut self) -> Result<(), Failed> {
        self.heal();
        self.resume_all();
        self.free_disk()?;
        self.lock = None;
        http::ask(self.stage.exchange, "DELETE", "/sim/v1/faults", "")?;
        while self.trial.is_some() {
            self.look()?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until the second engine has refused. False when it trades beside the first: then
    /// nothing more can be said of this round.
    fn second_refused(&mut self) -> Result<bool, Failed> {
        let Some(since) = self.second.take() else { return Ok(true) };
        while since.elapsed() < REFUSES {
            self.look()?;
            if let Some(code) = self.stage.second_code() {
                if code == Some(0) {
                    self.found.add("a second engine on the account ended as if all were well");
                }
                return Ok(true);
            }
            std::thread::sleep(LOOK);
        }
        self.stage.end_second();
        self.found.add("a second engine on the account was not refused (C13)");
        Ok(false)
    }

    /// Waits until the node is where the exchange is; then, as the plan says, closes everything.
    fn make_peace(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), Failed> {
        let reached = self.reach(PEACE, stopped, unsettled)?;
        if let Some(why) = reached {
            self.found.add(format!("not where the exchange is after {PEACE:?} (I16): {why}"));
            return Ok(());
        }
        if !self.plan.flatten {
            return Ok(());
        }
        if let Err(why) = self.stage.flatten() {
            self.found.add(format!("flatten was not taken: {why}"));
            return Ok(());
        }
        let reached = self.reach(FLAT, stopped, |status, truth, foreign| {
            let open = truth.positions.keys().find(|symbol| !foreign.contains(*symbol));
            open.map(|symbol| format!("{symbol} is still open"))
                .or_else(|| unsettled(status, truth, foreign))
        })?;
        if let Some(why) = reached {
            self.found.add(format!("not flat after {FLAT:?}: {why}"));
        }
        Ok(())
    }

    /// Waits until `missing` names nothing, twice in a row; else what it named last.
    fn reach(
        &mut self,
        patience: Duration,
        stopped: &dyn Fn() -> bool,
        missing: impl Fn(&Value, &Truth, &BTreeSet<String>) -> Option<String>,
    ) -> Result<Option<String>, Failed> {
        let began = Instant::now();
        let mut well = 0;
        loop {
            if stopped() {
                return Err(Failed::Harness("stopped".to_owned()));
            }
            self.look()?;
            if self.gone {
                return Ok(Some("the node is gone".to_owned()));
            }
            let why = match self.stage.status() {
                None => Some("the node does not answer".to_owned()),
                Some(status) => missing(&status, &self.stage.truth()?, &self.foreign),
            };
            match why {
                None if well == 1 => return Ok(None),
                None => well += 1,
                Some(why) if began.elapsed() > patience => return Ok(Some(why)),
                Some(_) => well = 0,
            }
            std::thread::sleep(4 * LOOK);
        }
    }

    /// Stops the node and compares what it believed with what is.
    fn compare(&mut self) -> Result<Verdict, String> {
        if let Some(since) = self.down.take() {
            self.windows.push((since, wall_ms()));
        }
        let until_ms = self.stage.market_at(wall_ms());
        match self.stage.stop_node() {
            Ok(Some(0)) => {}
            Ok(code) => self.found.add(format!("aegis run was stopped and exits with {code:?}")),
            Err(why) => self.found.add(why),
        }
        let truth = self.stage.truth()?;
        let sessions = self.stage.sessions();
        let [session] = sessions.as_slice() else {
            return Err(format!("{} sessions where one was begun", sessions.len()));
        };
        let belief = Belief::read(&session.join("journal"))?;
        let terms = Terms { foreign: self.foreign.clone(), until_ms, positions_max: POSITIONS_MAX };
        let judged = judge(&belief, &truth, &terms);
        self.found.words.extend(judged.words);
        self.replays(session);
        self.keeps_secret();
        let gaps = gaps(&belief, &truth, &self.foreign);
        let windows = self.market_windows();
        let late = self.late(&gaps, &belief, &windows);
        for (id, count) in &truth.faults {
            if let Some(fault) = self.posted.get(id).filter(|name| *count > 0 && !name.is_empty()) {
                self.fired.insert(fault);
            }
        }
        // What is on its way when a limit is told comes too late to heed it.
        let told = self.plan.faults.iter().any(|fault| is_limit(fault.name));
        if truth.over_limits > 0 && !told {
            self.found.add(format!("{} answers with 429 or 418 of its own", truth.over_limits));
        }
        let deadline_ms = STOP_DEADLINE_MS * i64::from(self.plan.speed);
        let long = |gap: &&Gap| gap.until_ms.is_none_or(|ms| ms - gap.from_ms > deadline_ms);
        let long = gaps.iter().filter(long).count() as u64;
        let speed = f64::from(self.plan.speed);
        let length = |gap: &Gap| Some((gap.until_ms? - gap.from_ms) as f64 / speed);
        let entries = || gaps.iter().filter(|gap| gap.entry);
        let calm = |gap: &&Gap| is_undisturbed(gap, &belief, &truth, &windows);
        Ok(Verdict {
            skipped: None,
            findings: Findings {
                words: std::mem::take(&mut self.found.words),
                fills_lost: judged.fills_lost,
                fills_doubled: judged.fills_doubled,
            },
            fired: std::mem::take(&mut self.fired),
            protect_ms: entries().filter_map(length).collect(),
            undisturbed_ms: entries().filter(calm).filter_map(length).collect(),
            late,
            excused: long.saturating_sub(late),
            fills: truth.fills.len() as u64,
            orders: truth.requests.iter().filter(|request| request.places()).count() as u64,
        })
    }

    /// When nothing could be done, market ms.
    fn market_windows(&self) -> Vec<(i64, i64)> {
        let at = |wall_ms: &i64| self.stage.market_at(*wall_ms);
        self.windows.iter().map(|(from, to)| (at(from), at(to))).collect()
    }

    fn late(&mut self, gaps: &[Gap], belief: &Belief, windows: &[(i64, i64)]) -> u64 {
        let ms = STOP_DEADLINE_MS * i64::from(self.plan.speed);
        let deadline = Deadline { ms, windows: windows.to_vec() };
        let late: Vec<&Gap> = gaps.iter().filter(|gap| is_late(gap, belief, &deadline)).collect();
        for gap in &late {
            let until = gap.until_ms.map_or("the end".to_owned(), |ms| format!("{ms} ms"));
            let Gap { symbol, from_ms, .. } = gap;
            self.found.add(format!("{symbol} was unprotected from {from_ms} ms to {until} (I3)"));
        }
        late.len() as u64
    }

    fn replays(&mut self, session: &Path) {
        match aegis_backtest::replay(&session.join("journal"), None) {
            Ok(replay) if replay.matches => {}
            Ok(replay) => self.found.add(format!("the journal does not replay (I7): {replay}")),
            Err(error) => self.found.add(format!("the journal cannot be replayed (I7): {error}")),
        }
    }

    /// The secret is in nothing that was written (I14).
    fn keeps_secret(&mut self) {
        let mut folders = vec![self.stage.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if entry.file_type().is_ok_and(|kind| kind.is_file())
                    && holds(&path, KEYS.1.as_bytes())
                {
                    self.found.add(format!("the secret is in {} (I14)", path.display()));
                }
            }
        }
    }
}

fn holds(path: &Path, needle: &[u8]) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    let first = needle.first().copied().unwrap_or_default();
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        let here = from + at;
        if bytes[here..].starts_with(needle) {
            return true;
        }
        from = here + 1;
    }
    false
}
