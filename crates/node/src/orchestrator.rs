//! The orchestrator: starts feed and brain as OS processes, watches, restarts and stops them.
//!
//! It reads no market data and sends no orders. One loop takes what comes, in order: reports of the
//! children, their exits, signals, questions on the control socket; the [`Supervisor`] decides
//! about restarts. Between events it sleeps.

mod desk;
mod killing;
mod told;

pub use desk::Watching;

use crate::alerts::NodeAlert;
use crate::control::{self, Ask, Asked};
use crate::emergency::{self, Arms, By, Emergency, Killed};
use crate::exchange_child::Account;
use crate::home::Home;
use crate::identity::{self, Identity};
use crate::pace::Speed;
use crate::protocol::{BrainReport, FeedReport, Order, Report, Signals};
use crate::supervisor::{Child, Limits, Supervisor, Verdict};
use crate::view::View;
use crate::{EXIT_FAILED, EXIT_INTERRUPTED, EXIT_KILLED, EXIT_OK, Failure, clock, handover};
use aegis_types::{Nanos, Operator};
use desk::Desk;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest sleep of the loop.
const TICK: Duration = Duration::from_millis(100);
/// A child without a report for so long counts as silent.
const SILENT: Nanos = Nanos(3_000_000_000);

/// What an orchestrator is started with.
pub struct Options {
    /// State folder.
    pub home: Home,
    /// Run folder, with `session.json` in it.
    pub run: PathBuf,
    /// The session's id.
    pub session: String,
    /// How fast recorded data is published.
    pub speed: Speed,
    /// Slots of the ring.
    pub slots: usize,
    /// How the brain waits: `adaptive`, `spin` or `sleep`.
    pub wait: String,
    /// Limits of restarting.
    pub limits: Limits,
    /// How long children may take to stop before they are killed.
    pub shutdown_timeout: Nanos,
    /// Database, when not the default.
    pub store: Option<String>,
    /// Rows that may wait for the database.
    pub store_rows: usize,
    /// Closes every position before it stops.
    pub flatten: bool,
    /// Flags for the children's logs.
    pub log_flags: Vec<String>,
    /// Shows what happens, when given.
    pub view: Option<View>,
    /// Facts come from an exchange on the wire: the feed begins where its brain stands.
    pub live: bool,
    /// Keys of the account that orders go to; the brain alone receives them.
    pub keys: Option<Account>,
    /// Which program this is.
    pub identity: Identity,
    /// What the kill switch needs to reach the exchange that orders go to.
    pub arms: Option<Arms>,
    /// The lock of the account, which the brain is to hold.
    pub claim: Option<PathBuf>,
    /// Orders go to an exchange that other people's orders go to, too: not to one of our own.
    pub watches_orders: bool,
    /// How long the brain may take to answer a halt or a flatten.
    pub escalate_after: Nanos,
    /// Silence after which a child is hung.
    pub heartbeat_timeout: Nanos,
    /// Closes every position after a crash loop.
    pub flatten_on_crash_loop: bool,
    /// Files, alerts and losses to be looked after.
    pub watching: Watching,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The brain's summary with what the orchestrator knows.
    pub summary: Value,
    /// Exit code of the process.
    pub code: i32,
}

enum Message {
    Report(Child, u32, Box<Report>),
    Asked(Asked),
    Kill(emergency::Told),
}

/// A command that the brain has not answered yet.
struct Waiting {
    what: Operator,
    since: Nanos,
    answer: Sender<Value>,
}

struct Watched {
    process: Option<std::process::Child>,
    supervisor: Supervisor,
    restart_at: Option<Nanos>,
    heard: Nanos,
    ready: bool,
    progress: bool,
    last_pid: u32,
    /// It was ended by us, to begin anew elsewhere.
    replaced: bool,
    /// Reads its reports until its stdout ends.
    listener: Option<JoinHandle<()>>,
    failed: Option<(String, String, bool)>,
    last_exit: Option<ExitStatus>,
}

impl Watched {
    fn new() -> Self {
        Self {
            process: None,
            supervisor: Supervisor::default(),
            restart_at: None,
            heard: clock::monotonic(),
            ready: false,
            progress: false,
            last_pid: 0,
            replaced: false,
            listener: None,
            failed: None,
            last_exit: None,
        }
    }

    fn tell(&mut self, order: &Order) {
        if let (Some(process), Ok(line)) = (&mut self.process, serde_json::to_string(order))
            && let Some(stdin) = &mut process.stdin
        {
            // A child that is gone is noticed by its exit.
            let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        }
    }

    fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
        }
    }

    fn state(&self, now: Nanos) -> &'static str {
        match (&self.process, self.ready) {
            (None, _) if self.last_exit.is_some_and(|s| s.success()) => "ended",
            (None, _) if self.last_exit.is_none() => "starting",
            (None, _) => "down",
            (Some(_), false) => "starting",
            (Some(_), true) if now.since(self.heard) > SILENT => "silent",
            (Some(_), true) => "running",
        }
    }
}

/// Why the loop stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    Finished,
    Interrupted,
    Terminated,
    Failed,
    Killed,
}

struct Orchestrator {
    options: Options,
    feed: Watched,
    brain: Watched,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    feed_report: FeedReport,
    brain_report: BrainReport,
    published_before: u64,
    read_before: u64,
    waiting: HashMap<u64, Waiting>,
    next_request: u64,
    /// Facts that were in the journal's file when the first brain was ready; `None` until then.
    journalled: Option<u64>,
    /// Time of the last event that the brain had when it was ready, ms since the epoch.
    known_until_ms: i64,
    started: Nanos,
    failure: Option<Failure>,
    desk: Desk,
    emergency: Emergency,
    /// The kill switch was used.
    killing: bool,
    killed: Option<Box<Killed>>,
    switch_gone: bool,
}

/// Runs a session to its end, or until stopped.
///
/// # Errors
/// When children cannot be started, or crash in a loop.
pub fn run(mut options: Options) -> Result<Outcome, Failure> {
    let (sender, messages) = channel();
    let told = sender.clone();
    let emergency =
        Emergency::start(&options.home, &options.session, options.arms.take(), move |what| {
            drop(told.send(Message::Kill(what)));
        })?;
    control::listen(&options.home, killing::hand(&emergency, sender.clone()))?;
    identity::keep(&options.run, &options.identity)?;
    let watching = std::mem::take(&mut options.watching);
    let signals = Signals::watch();
    leave_nothing_of_earlier_runs(&options);
    // A new run begins at the first fact; where a resumed one goes on, its brain has to say.
    let resumed = options.run.join("journal").is_dir();
    let mut orchestrator = Orchestrator {
        feed: Watched::new(),
        brain: Watched::new(),
        messages,
        sender,
        feed_report: FeedReport::default(),
        brain_report: BrainReport::default(),
        published_before: 0,
        read_before: 0,
        waiting: HashMap::new(),
        next_request: 1,
        journalled: (!resumed && !options.live).then_some(0),
        known_until_ms: 0,
        started: clock::monotonic(),
        failure: None,
        desk: Desk::new(&options.home, &options.session, watching),
        emergency,
        killing: false,
        killed: None,
        switch_gone: false,
        options,
    };
    orchestrator.start(Child::Brain)?;
    if orchestrator.journalled.is_some() {
        orchestrator.start(Child::Feed)?;
    }
    let stopping = orchestrator.watch(&signals);
    orchestrator.stop(stopping, &signals)
}

/// The ring of this state folder may hold the facts of another session, and its gate word that
/// session's position; a summary would be that of an earlier part of this run.
fn leave_nothing_of_earlier_runs(options: &Options) {
    let _ = std::fs::remove_file(options.home.ring());
    let _ = std::fs::remove_file(options.run.join("summary.json"));
}

impl Orchestrator {
    fn watched(&mut self, child: Child) -> &mut Watched {
        match child {
            Child::Feed => &mut self.feed,
            Child::Brain => &mut self.brain,
        }
    }

    fn command(&self, child: Child) -> Command {
        let o = &self.options;
        let mut command = Command::new(identity::program());
        command.arg0("aegis").env(identity::BUILD, identity::build_words(&o.identity));
        command.arg(child.name()).arg("--supervised").arg("--run").arg(&o.run).args(&o.log_flags);
        match child {
            Child::Feed => {
                if o.live {
                    let since = self.known_until_ms.max(self.brain_report.time_ms);
                    command.args(["--since", &since.to_string()]);
                } else {
                    command.args(["--position", &self.resume_position().to_string()]);
                    command.args(["--speed", &o.speed.to_string()]);
                }
                command.args(["--slots", &o.slots.to_string()]);
                // Only the brain receives keys.
                command.env_remove("BINANCE_API_KEY").env_remove("BINANCE_API_SECRET");
                command.env_remove("DATABASE_URL");
            }
            Child::Brain => {
                command.args(["--wait", &o.wait]);
                if o.live {
                    command.args(["--speed", &o.speed.to_string()]);
                }
                // Keys of whoever started this are not keys that orders may go by.
                command.env_remove("BINANCE_API_KEY").env_remove("BINANCE_API_SECRET");
                if o.keys.is_some() {
                    // The keys themselves go through its pipe.
                    command.arg("--armed");
                    if let Some(claim) = &o.claim {
                        command.arg("--claim").arg(claim);
                    }
                }
                command.args(["--store-rows", &o.store_rows.to_string()]);
                if let Some(url) = &o.store {
                    // By environment: a process list shows arguments, and a URL holds a password.
                    command.env("DATABASE_URL", url);
                }
            }
        }
        command.env("AEGIS_HOME", o.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Own group: Ctrl-C on the terminal reaches the orchestrator alone, which stops them.
        command.process_group(0);
        command
    }

    /// Where a new feed begins: after the last fact that a brain of this run has put into its
    /// journal's file, which is what the gate word of the last segment says.
    fn resume_position(&self) -> u64 {
        // A brain reports behind its flush, so what it says is in the file too.
        let known = self.journalled.unwrap_or(0).max(self.brain_report.position);
        match aegis_ring::Info::read(&self.options.home.ring()) {
            Ok(info) => known.max(info.base + info.gate),
            Err(_) => known,
        }
    }

    fn start(&mut self, child: Child) -> Result<(), Failure> {
        let mut command = self.command(child);
        let started = match child {
            Child::Feed => command.spawn().map(Some),
            // After the kill switch no brain starts.
            Child::Brain => self.emergency.spawn(|| command.spawn()),
        };
        let started = started.map_err(|e| {
            Failure::failed(
                format!("{} could not be started: {e}", child.name()),
                "check memory and the limit of processes",
            )
        })?;
        let Some(mut process) = started else {
            self.watched(child).restart_at = None;
            return Ok(());
        };
        let pid = process.id();
        if let (Child::Brain, Some(keys), Some(pipe)) =
            (child, &self.options.keys, &mut process.stdin)
        {
            // A brain that is gone already is noticed by its exit.
            let _ = handover::give(pipe, keys);
        }
        let sender = self.sender.clone();
        let listener = process
            .stdout
            .take()
            .map(|stdout| std::thread::spawn(move || listen(child, pid, stdout, &sender)));
        let now = clock::monotonic();
        let watched = self.watched(child);
        watched.process = Some(process);
        watched.last_pid = pid;
        watched.listener = listener;
        watched.restart_at = None;
        watched.heard = now;
        watched.ready = false;
        watched.progress = false;
        watched.failed = None;
        tracing::info!(child = child.name(), pid, "started");
        Ok(())
    }

    /// Runs until there is a reason to stop.
    fn watch(&mut self, signals: &Signals) -> Stopping {
        loop {
            self.take_messages(TICK);
            if let Some(stopping) = self.kill_done() {
                return stopping;
            }
            // The first one after the kill switch is waited out: it has work at the exchange.
            if signals.interrupts() > usize::from(self.killing) {
                return Stopping::Interrupted;
            }
            if signals.terminations() > usize::from(self.killing) {
                return Stopping::Terminated;
            }
            self.look_around();
            for child in [Child::Feed, Child::Brain] {
                if let Some(stopping) = self.exited(child).and_then(|s| self.after_exit(child, s)) {
                    return stopping;
                }
                let now = clock::monotonic();
                if self.watched(child).restart_at.is_some_and(|at| at <= now)
                    && let Err(failure) = self.start(child)
                {
                    self.failure = Some(failure);
                    return Stopping::Failed;
                }
            }
            self.check_ring();
            self.draw();
        }
    }

    fn look_around(&mut self) {
        let now = clock::monotonic();
        if let Some(condition) = self.desk.look(now) {
            self.brain.tell(&Order::Condition { condition });
        }
        self.escalate(now);
        self.kill_the_hung(now);
    }

    /// Some systems clear shared memory when a user logs out. Who has the segment mapped does not
    /// notice, but no brain would ever find it again: the feed has to make another.
    fn check_ring(&mut self) {
        if self.feed.ready && !self.feed_report.done && !self.options.home.ring().exists() {
            tracing::error!("the ring's file was removed; the feed is started again");
            self.feed.ready = false;
            self.feed.kill();
        }
    }

    /// Takes what has come, waiting so long for the first.
    fn take_messages(&mut self, patience: Duration) {
        let mut message = self.messages.recv_timeout(patience).ok();
        while let Some(taken) = message {
            match taken {
                Message::Report(child, pid, report) => self.report(child, pid, *report),
                Message::Asked(asked) => self.answer(asked),
                Message::Kill(told) => self.kill_told(told),
            }
            message = self.messages.try_recv().ok();
        }
    }

    fn report(&mut self, child: Child, pid: u32, report: Report) {
        if self.watched(child).last_pid != pid {
            return;
        }
        self.watched(child).heard = clock::monotonic();
        match report {
            Report::Ready { after_ms, position, epoch, time_ms } => {
                self.watched(child).ready = true;
                tracing::info!(child = child.name(), after_ms, "ready");
                if child == Child::Brain {
                    let condition = self.desk.condition();
                    self.brain.tell(&Order::Condition { condition });
                }
                match child {
                    Child::Brain if self.options.live => self.refill(time_ms),
                    Child::Brain => self.brain_ready(position),
                    Child::Feed if self.options.live => {
                        self.brain.tell(&Order::Live { epoch, facts: position });
                    }
                    Child::Feed => {}
                }
            }
            Report::Feed(feed) => {
                self.feed.progress |= feed.published > 0;
                self.feed_report = feed;
            }
            Report::Brain(brain) => {
                self.brain.progress |= brain.read > 0;
                if let Some(memory) = brain.risk {
                    self.desk.remember(memory);
                }
                self.brain_report = *brain;
            }
            Report::Applied { request, refused } => {
                if let Some(Waiting { answer, .. }) = self.waiting.remove(&request) {
                    let _ = answer.send(match refused {
                        None => json!({"ok": true, "applied": true}),
                        Some(why) => json!({ "error": why }),
                    });
                }
            }
            Report::Alert(told) => self.desk.alert(told),
            Report::Failed { what, hint, permanent } => {
                tracing::error!(child = child.name(), "{what}");
                self.watched(child).failed = Some((what, hint, permanent));
            }
        }
    }

    /// A brain stands at `time_ms`: what has happened since then the feed has to fetch, so one that
    /// is running begins anew.
    fn refill(&mut self, time_ms: i64) {
        self.known_until_ms = time_ms;
        if self.feed.process.is_some() {
            self.feed.replaced = true;
            self.feed.tell(&Order::Stop);
        } else {
            self.feed.restart_at = Some(clock::monotonic());
        }
    }

    fn brain_ready(&mut self, position: u64) {
        match self.journalled {
            None => {
                self.journalled = Some(position);
                self.feed.restart_at = Some(clock::monotonic());
            }
            // What is in the journal was read, whether or not a killed brain could report it.
            Some(first) => self.read_before = self.read_before.max(position.saturating_sub(first)),
        }
    }

    /// By its last report; if it was killed since, by what its segment holds.
    fn published_by_last_feed(&mut self) -> u64 {
        let FeedReport { published, done, .. } = self.feed_report;
        self.feed_report.published = 0;
        match aegis_ring::Info::read(&self.options.home.ring()) {
            Ok(info) if !done && info.creator_pid == u64::from(self.feed.last_pid) => {
                published.max(info.tail)
            }
            _ => published,
        }
    }

    fn exited(&mut self, child: Child) -> Option<ExitStatus> {
        let watched = self.watched(child);
        let status = watched.process.as_mut()?.try_wait().ok()??;
        watched.process = None;
        watched.ready = false;
        watched.last_exit = Some(status);
        // Its pipe has ended; its last words (done, failed and why) decide what to do now.
        if let Some(listener) = watched.listener.take() {
            let _ = listener.join();
        }
        self.take_messages(Duration::ZERO);
        if child == Child::Brain {
            let error = "the brain ended before it answered; look at `aegis status`, ask again";
            for (_, Waiting { answer, .. }) in self.waiting.drain() {
                let _ = answer.send(json!({ "error": error }));
            }
        }
        Some(status)
    }

    fn after_exit(&mut self, child: Child, status: ExitStatus) -> Option<Stopping> {
        match child {
            Child::Feed => self.published_before += self.published_by_last_feed(),
            Child::Brain => self.read_before += std::mem::take(&mut self.brain_report.read),
        }
        let finished = crate::home::is_finished(&self.options.run);
        if status.success() && child == Child::Brain && finished {
            return Some(Stopping::Finished);
        }
        if status.success() && child == Child::Feed && self.feed_report.done {
            return None;
        }
        if std::mem::take(&mut self.watched(child).replaced) {
            self.watched(child).restart_at = Some(clock::monotonic());
            return None;
        }
        let how = match status.signal() {
            Some(signal) => format!("killed by {}", signal_name(signal)),
            None => format!("exit code {}", status.code().unwrap_or(-1)),
        };
        if self.killing {
            return None;
        }
        self.desk.tell(NodeAlert::ChildDied, format!("{}: {how}", child.name()));
        let limits = self.options.limits;
        let watched = self.watched(child);
        let progress = watched.progress;
        let failed = watched.failed.take();
        if let Some((what, hint, true)) = failed {
            self.failure = Some(Failure { what, hint, code: EXIT_FAILED });
            return Some(Stopping::Failed);
        }
        match watched.supervisor.exited(clock::monotonic(), progress, &limits) {
            Verdict::RestartAt(at) => {
                watched.restart_at = Some(at);
                None
            }
            Verdict::CrashLoop(exits) => {
                // Its own words when it had some: the last exit's are the present reason.
                let why = failed.map_or(how, |(what, hint, _)| match hint.as_str() {
                    "" => what,
                    hint => format!("{what} ({hint})"),
                });
                let what = format!("{} ended {exits} times without progress: {why}", child.name());
                self.desk.tell(NodeAlert::CrashLoop, what.clone());
                self.failure = Some(Failure::failed(
                    what,
                    "then continue with --resume; positions keep their protective stops",
                ));
                if self.options.watches_orders && self.options.flatten_on_crash_loop {
                    self.killing = true;
                    self.emergency.handle().kill(By::CrashLoop, true, None);
                    return None;
                }
                Some(Stopping::Failed)
            }
        }
    }

    fn answer(&mut self, asked: Asked) {
        match asked.ask {
            Ask::Status => drop(asked.answer.send(self.status())),
            // Not reached: the kill switch takes it before.
            Ask::Kill { flatten } => {
                self.emergency.handle().kill(By::Socket, flatten, Some(asked.answer));
            }
            Ask::Operator { what } if self.brain.process.is_none() => {
                let error =
                    format!("the brain is down, {what} cannot be applied now; `aegis kill` can");
                let _ = asked.answer.send(json!({ "error": error }));
            }
            Ask::Operator { what } => {
                let request = self.next_request;
                self.next_request += 1;
                let since = clock::monotonic();
                self.waiting.insert(request, Waiting { what, since, answer: asked.answer });
                self.brain.tell(&Order::Operator { what, request });
                tracing::warn!(%what, "operator command");
            }
        }
    }

    fn draw(&mut self) {
        let health = self.health();
        if let Some(view) = &mut self.options.view {
            view.draw(clock::monotonic(), &self.brain_report, &self.feed_report, &health);
        }
    }

    /// Stops both children in order, kills what is left, and makes the summary.
    fn stop(mut self, stopping: Stopping, signals: &Signals) -> Result<Outcome, Failure> {
        if stopping != Stopping::Finished {
            tracing::info!(?stopping, "stopping feed, then brain");
        }
        let stopped = matches!(stopping, Stopping::Interrupted | Stopping::Terminated);
        if self.options.flatten && stopped {
            self.flatten(signals);
        }
        for child in [Child::Feed, Child::Brain] {
            let order = Order::Stop;
            if stopping != Stopping::Finished || child == Child::Feed {
                self.watched(child).tell(&order);
            }
            self.wait_for(child, signals);
        }
        self.options.view = None;
        self.wait_for_the_kill(signals);
        let _ = std::fs::remove_file(self.options.home.control_socket());
        let path = self.options.run.join("summary.json");
        let summary = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice(&b).ok());
        if summary.as_ref().is_some_and(|s: &Value| s["finished"] == json!(true)) {
            // Everything is in the journal; the segment has done its work.
            if let Some(folder) = self.options.home.ring().parent() {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
        if let Some(killed) = self.killed.take() {
            return Ok(Outcome { summary: self.killed_summary(&killed), code: EXIT_KILLED });
        }
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let Some(summary) = summary.map(|s| self.complete(s)) else {
            let what = "the brain ended without a summary; the journal holds what it had done";
            let code =
                if stopping == Stopping::Interrupted { EXIT_INTERRUPTED } else { EXIT_FAILED };
            return Err(Failure { code, ..Failure::failed(what, "continue with --resume") });
        };
        let code = match stopping {
            Stopping::Finished | Stopping::Terminated => EXIT_OK,
            Stopping::Interrupted => EXIT_INTERRUPTED,
            Stopping::Failed => EXIT_FAILED,
            Stopping::Killed => EXIT_KILLED,
        };
        Ok(Outcome { summary, code })
    }

    /// Closes every position at the market, while the feed still brings the prices for it; gives up
    /// after the shutdown timeout, then positions keep their stops.
    fn flatten(&mut self, signals: &Signals) {
        let patience = clock::monotonic().after(self.options.shutdown_timeout);
        let (answer, applied) = channel();
        self.answer(Asked { ask: Ask::Operator { what: Operator::Flatten }, answer });
        let mut sent = false;
        while clock::monotonic() < patience && signals.interrupts() < 2 {
            self.take_messages(TICK);
            sent |= applied.try_recv().is_ok();
            if sent && self.brain_report.positions.is_empty() {
                return;
            }
        }
        tracing::warn!("not every position could be closed in time; they keep their stops");
    }

    fn wait_for(&mut self, child: Child, signals: &Signals) {
        let patience = clock::monotonic().after(self.options.shutdown_timeout);
        let mut killed = false;
        while self.watched(child).process.is_some() {
            self.take_messages(TICK);
            if self.exited(child).is_some() {
                break;
            }
            let hurried = signals.interrupts() > 1;
            if !killed && (hurried || clock::monotonic() > patience) {
                tracing::warn!(child = child.name(), "did not stop in time: SIGKILL");
                self.watched(child).kill();
                killed = true;
            }
        }
    }
}

/// Hands a child's reports on until its stdout ends.
fn listen(child: Child, pid: u32, stdout: ChildStdout, to: &Sender<Message>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(report) => {
                if to.send(Message::Report(child, pid, Box::new(report))).is_err() {
                    return;
                }
            }
            Err(error) => tracing::debug!(%line, %error, "line of a child"),
        }
    }
}

fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal)
        .map_or_else(|| format!("signal {signal}"), str::to_owned)
}
