//! The kill switch: three ways to use it, none of which needs the brain.
//!
//! ```text
//!  $AEGIS_HOME/KILL ─┐
//!  SIGUSR1, SIGUSR2 ─┼─> fence file → SIGKILL of the brain → own connections: entries taken back,
//!  aegis kill ───────┘   positions closed if asked → emergency.jsonl
//! ```
//!
//! The one decision: it is a thread of the orchestrator that waits for nothing else. It has its own
//! copy of the keys, its own connections, which are open and warm before they are needed, and its
//! own idea of what is to be done ([`machine`]), which believes the exchange's lists alone. A
//! stopped, hung or busy brain cannot hold it up, and neither can the orchestrator's loop.

mod close;
pub mod fence;
pub mod machine;
mod way;

pub use way::Config as WayConfig;

use crate::home::Home;
use crate::{Failure, clock};
use aegis_types::Nanos;
use machine::{Config, Deed, Grid, Input, Machine, Out, Progress};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;
use serde_json::{Value, json};
use signal_hook::consts::{SIGUSR1, SIGUSR2};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use way::Way;

/// Longest sleep; the kill file is looked at so often where it cannot be watched.
const LOOK: Nanos = Nanos(100_000_000);
/// Who asked through the socket is answered after so long at the latest.
const ANSWER_WITHIN: Nanos = Nanos(8_000_000_000);
/// After so long it is left to people.
const GIVE_UP: Nanos = Nanos(600_000_000_000);

/// How the switch was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The file `KILL` in the state folder.
    File,
    /// SIGUSR1 or SIGUSR2.
    Signal,
    /// `aegis kill`.
    Socket,
    /// `aegis halt` or `aegis flatten`, which the brain did not answer.
    Unanswered,
    /// A child that crashed in a loop.
    CrashLoop,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Killed {
    /// How it was used first.
    pub by: By,
    /// When, ms since the epoch.
    pub at: i64,
    /// Were positions to be closed?
    pub flatten: bool,
    /// Orders were simulated in the brain: with it they are gone, and there was nothing to do.
    pub simulated: bool,
    /// What came of it at the exchange.
    #[serde(flatten)]
    pub progress: Progress,
    /// From the use of the switch until the last order or cancel was handed to the kernel.
    pub ms: f64,
    /// Until it was complete or given up.
    pub total_ms: f64,
}

/// What the orchestrator is told.
#[derive(Debug)]
pub enum Told {
    /// The switch was used: the brain is dead and stays so.
    Begun {
        /// How.
        by: By,
        /// Are positions to be closed?
        flatten: bool,
    },
    /// It has done what it could.
    Done(Box<Killed>),
}

enum Wish {
    Kill { by: By, flatten: bool, answer: Option<Sender<Value>> },
    End,
}

/// The brain that is to be killed.
#[derive(Default)]
struct Prey {
    fenced: bool,
    brain: Option<OwnedFd>,
}

/// Uses the switch, from any thread.
#[derive(Clone)]
pub struct Handle {
    to: Sender<Wish>,
    wake: Arc<UnixStream>,
}

impl Handle {
    /// Uses it. What became of it goes to `answer`.
    pub fn kill(&self, by: By, flatten: bool, answer: Option<Sender<Value>>) {
        let _ = self.to.send(Wish::Kill { by, flatten, answer });
        self.ring();
    }

    fn ring(&self) {
        // A full pipe wakes as well.
        let _ = (&*self.wake).write(&[1]);
    }
}

/// What orders of a session go through, for the switch.
pub struct Arms {
    /// The way to the exchange.
    pub way: WayConfig,
    /// Symbols of the session.
    pub symbols: Vec<Grid>,
    /// How long a position may be without its stop.
    pub stop_deadline: Nanos,
}

/// The switch of a running orchestrator.
pub struct Emergency {
    handle: Handle,
    prey: Arc<Mutex<Prey>>,
    thread: Option<JoinHandle<()>>,
}

impl Emergency {
    /// Begins to watch; with `arms`, where orders go to an exchange. `tell` is called from its
    /// thread.
    ///
    /// # Errors
    /// When the address cannot be used, or the system gives no pipe or thread.
    pub fn start(
        home: &Home,
        session: &str,
        arms: Option<Arms>,
        tell: impl Fn(Told) + Send + 'static,
    ) -> Result<Self, Failure> {
        let failed = |e: io::Error| {
            Failure::failed(format!("the kill switch: {e}"), "check the limits of this process")
        };
        let (to, wishes) = channel();
        let (wake, woken) = UnixStream::pair().map_err(failed)?;
        wake.set_nonblocking(true).map_err(failed)?;
        woken.set_nonblocking(true).map_err(failed)?;
        let handle = Handle { to, wake: Arc::new(wake) };
        let prey = Arc::new(Mutex::new(Prey::default()));
        let signals = [SIGUSR1, SIGUSR2].map(watch_signal);
        let [cancel, flatten] = signals;
        let (machine, way) = match arms {
            None => (None, None),
            Some(Arms { way, symbols, stop_deadline }) => {
                let recv_window = Nanos::from_millis(i64::from(way.identity.recv_window_ms));
                let number = clock::wall().as_millis().unsigned_abs();
                let config = Config { symbols, number, recv_window, stop_deadline };
                (Some(Machine::new(config)), Some(Way::open(way)?))
            }
        };
        let watch = Watch {
            kill_file: home.kill_file(),
            watcher: watch_folder(home),
            seen: None,
            signals: [cancel.map_err(failed)?, flatten.map_err(failed)?],
            woken,
            wishes,
        };
        let mut pump = Pump {
            home: home.clone(),
            session: session.to_owned(),
            watch,
            prey: Arc::clone(&prey),
            machine,
            way,
            out: Out::default(),
            run: None,
            tell: Box::new(tell),
        };
        let thread = std::thread::Builder::new().name("kill switch".into());
        let thread = thread.spawn(move || pump.run()).map_err(failed)?;
        Ok(Self { handle, prey, thread: Some(thread) })
    }

    /// To use it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts a brain by `spawn`, unless the switch was used: nothing comes between the two.
    ///
    /// # Errors
    /// What `spawn` says; nothing when no brain may start any more.
    pub fn spawn<E>(
        &self,
        spawn: impl FnOnce() -> Result<std::process::Child, E>,
    ) -> Result<Option<std::process::Child>, E> {
        let mut prey = lock(&self.prey);
        if prey.fenced {
            return Ok(None);
        }
        let child = spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        prey.brain = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Ok(Some(child))
    }

    /// Was the switch used?
    pub fn is_used(&self) -> bool {
        lock(&self.prey).fenced
    }

    /// Does its thread still watch?
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Emergency {
    fn drop(&mut self) {
        let _ = self.handle.to.send(Wish::End);
        self.handle.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Has the fence written to the disk, beside everything else: a disk that is slow must not hold up
/// an order.
fn keep_fence(fence: io::Result<Option<File>>, folder: PathBuf) {
    let keep = move || {
        let kept = fence.and_then(|fence| match fence {
            Some(fence) => fence::keep(&fence, &folder),
            None => Ok(()),
        });
        if let Err(error) = kept {
            tracing::error!(%error, "the fence is not on the disk; look before you start");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("fence".into()).spawn(keep) {
        tracing::error!(%error, "the fence may not be on the disk; look before you start");
    }
}

fn lock(prey: &Mutex<Prey>) -> MutexGuard<'_, Prey> {
    prey.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pipe that has a byte for each signal that came.
fn watch_signal(signal: i32) -> io::Result<UnixStream> {
    let (write, read) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal, write)?;
    Ok(read)
}

/// Tells when files of the folder are made or written; none where the system cannot.
fn watch_folder(home: &Home) -> Option<OwnedFd> {
    use inotify::{CreateFlags, WatchFlags};
    let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
    let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE;
    match inotify::add_watch(&fd, home.path(), flags) {
        Ok(_) => Some(fd),
        Err(error) => {
            tracing::warn!(%error, "the state folder cannot be watched: it is looked at instead");
            None
        }
    }
}

/// Where the switch is used.
struct Watch {
    kill_file: PathBuf,
    watcher: Option<OwnedFd>,
    /// What the kill file said when it was last taken: to flatten?
    seen: Option<bool>,
    signals: [UnixStream; 2],
    woken: UnixStream,
    wishes: Receiver<Wish>,
}

impl Watch {
    /// Everything that was asked since the last look.
    fn take(&mut self) -> Vec<Wish> {
        let mut wishes: Vec<Wish> = Vec::new();
        for (signal, flatten) in self.signals.iter().zip([false, true]) {
            if drain(signal) {
                wishes.push(Wish::Kill { by: By::Signal, flatten, answer: None });
            }
        }
        if let Some(watcher) = &self.watcher {
            let mut bytes = [0; 4_096];
            while rustix::io::read(watcher, &mut bytes).is_ok_and(|n| n > 0) {}
        }
        if let Some(flatten) = self.file()
            && self.seen.is_none_or(|seen| flatten && !seen)
        {
            self.seen = Some(flatten);
            wishes.push(Wish::Kill { by: By::File, flatten, answer: None });
        }
        drain(&self.woken);
        wishes.extend(self.wishes.try_iter());
        wishes
    }

    /// Is the kill file there, and does it ask to flatten?
    fn file(&self) -> Option<bool> {
        let mut text = String::new();
        match File::open(&self.kill_file) {
            Ok(file) => {
                // Whatever is in it, it is there.
                let _ = file.take(64).read_to_string(&mut text);
                Some(text.trim().eq_ignore_ascii_case("flatten"))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            // It is there, and cannot be read.
            Err(_) => self.kill_file.symlink_metadata().is_ok().then_some(false),
        }
    }
}

/// Empties a pipe. Was there anything in it?
fn drain(mut pipe: &UnixStream) -> bool {
    let (mut any, mut bytes) = (false, [0; 64]);
    while pipe.read(&mut bytes).is_ok_and(|n| n > 0) {
        any = true;
    }
    any
}

/// A use of the switch.
struct Run {
    by: By,
    at: i64,
    flatten: bool,
    began: Nanos,
    answers: Vec<Sender<Value>>,
    told: bool,
    log: Option<File>,
}

struct Pump {
    home: Home,
    session: String,
    watch: Watch,
    prey: Arc<Mutex<Prey>>,
    machine: Option<Machine>,
    way: Option<Way>,
    out: Out,
    run: Option<Run>,
    tell: Box<dyn Fn(Told) + Send>,
}

impl Pump {
    fn run(&mut self) {
        // This thread before others, as far as the system allows; it sleeps until it is needed.
        let _ = rustix::process::setpriority_process(None, -20);
        loop {
            for wish in self.watch.take() {
                match wish {
                    Wish::Kill { by, flatten, answer } => self.kill(by, flatten, answer),
                    Wish::End => return self.end(),
                }
            }
            self.turn();
            self.look();
            self.wait();
        }
    }

    /// Fence, brain, exchange, in this order; nothing waits for the disk.
    fn kill(&mut self, by: By, flatten: bool, answer: Option<Sender<Value>>) {
        let began = self.now();
        if let Some(run) = &mut self.run {
            run.answers.extend(answer);
            let more = flatten && !run.flatten;
            run.flatten |= flatten;
            if more || run.told {
                run.told &= !more;
                self.step(Input::Kill { flatten });
            }
            return;
        }
        let at = clock::wall().as_millis();
        let why = json!({ "by": by, "at": at, "flatten": flatten, "session": self.session });
        let fence = fence::raise(&self.home.fence(), &why);
        {
            let mut prey = lock(&self.prey);
            prey.fenced = true;
            if let Some(brain) = &prey.brain {
                // Ended already is as good.
                let _ = pidfd_send_signal(brain, Signal::KILL);
            }
        }
        let path = self.home.emergency_log();
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let (log, trouble) = match log {
            Ok(log) => (Some(log), None),
            Err(e) => (None, Some(e)),
        };
        let answers = answer.into_iter().collect();
        self.run = Some(Run { by, at, flatten, began, answers, told: false, log });
        self.step(Input::Kill { flatten });
        self.turn();
        (self.tell)(Told::Begun { by, flatten });
        tracing::error!(
            ?by,
            flatten,
            "KILL SWITCH: the brain was killed, no order leaves any more"
        );
        if let Some(error) = trouble {
            tracing::error!(%error, "what the kill switch does cannot be written down");
        }
        keep_fence(fence, self.home.path().to_path_buf());
    }

    fn now(&self) -> Nanos {
        self.way.as_ref().map_or_else(clock::monotonic, Way::now)
    }

    fn step(&mut self, input: Input<'_>) {
        let now = self.now();
        if let Some(machine) = &mut self.machine {
            machine.step(now, input, &mut self.out);
        }
        self.write_down();
    }

    fn turn(&mut self) {
        let now = self.now();
        let (Some(machine), Some(way)) = (&mut self.machine, &mut self.way) else { return };
        if now >= machine.wake() {
            machine.step(now, Input::Tick, &mut self.out);
        }
        way.turn(machine, &mut self.out);
        self.write_down();
    }

    /// Every deed is a line of the log.
    fn write_down(&mut self) {
        for Deed { what, symbol, id, detail } in self.out.deeds.drain(..) {
            tracing::warn!(%symbol, %id, %detail, "kill switch: {what}");
            let Some(Run { by, log: Some(log), .. }) = &mut self.run else { continue };
            let line = json!({
                "at": clock::wall().as_millis(),
                "session": self.session,
                "by": by,
                "what": what,
                "symbol": symbol,
                "id": id,
                "detail": detail,
            });
            if let Err(error) = writeln!(log, "{line}") {
                tracing::error!(%error, "a line of the kill switch's log is lost");
            }
        }
    }

    /// Tells how it went, once there is something to tell.
    fn look(&mut self) {
        let Some(run) = &self.run else { return };
        let passed = self.now().since(run.began);
        let complete = self.machine.as_ref().is_none_or(|m| m.progress().complete);
        let over = complete || passed >= GIVE_UP;
        if !over && (passed < ANSWER_WITHIN || run.answers.is_empty()) {
            return;
        }
        let killed = self.killed();
        let Some(run) = &mut self.run else { return };
        let value = serde_json::to_value(&killed).unwrap_or_default();
        for answer in run.answers.drain(..) {
            let _ = answer.send(json!({ "ok": true, "killed": value }));
        }
        if over && !run.told {
            run.told = true;
            if let Some(log) = &mut run.log {
                let _ = writeln!(log, "{}", json!({ "session": self.session, "killed": value }));
                let _ = log.sync_all();
            }
            (self.tell)(Told::Done(Box::new(killed)));
        }
    }

    fn killed(&self) -> Killed {
        let mut progress = self.machine.as_ref().map(Machine::progress).unwrap_or_default();
        progress.complete |= self.machine.is_none();
        let (by, at, flatten, began) = match &self.run {
            Some(run) => (run.by, run.at, run.flatten, run.began),
            None => (By::Signal, 0, false, self.now()),
        };
        let ms = |until: Nanos| (until.since(began).0.max(0) as f64 / 1e4).round() / 1e2;
        let last = self.way.as_ref().and_then(Way::last_order);
        Killed {
            by,
            at,
            flatten,
            simulated: self.machine.is_none(),
            progress,
            ms: last.map_or(0.0, ms),
            total_ms: ms(self.now()),
        }
    }

    /// The orchestrator ends: what is not done yet is said.
    fn end(&mut self) {
        let killed = self.killed();
        if let Some(run) = self.run.as_mut().filter(|run| !run.told) {
            tracing::error!("the kill switch was not done; look at the account");
            if let Some(log) = &mut run.log {
                let value = serde_json::to_value(&killed).unwrap_or_default();
                let _ = writeln!(log, "{}", json!({ "session": self.session, "killed": value }));
            }
        }
    }

    fn wait(&self) {
        let now = self.now();
        let engaged = self.run.is_some();
        let mut most = if self.watch.watcher.is_some() { Nanos::SECOND } else { LOOK };
        if let (Some(way), Some(machine)) = (&self.way, &self.machine) {
            most = most.min(way.patience(engaged)).min(machine.wake().since(now));
        }
        let most = most.max(Nanos::ZERO);
        let timeout =
            Timespec { tv_sec: most.0 / Nanos::SECOND.0, tv_nsec: most.0 % Nanos::SECOND.0 };
        let watch = &self.watch;
        let mut fds: Vec<PollFd<'_>> = watch
            .signals
            .iter()
            .map(AsFd::as_fd)
            .chain([watch.woken.as_fd()])
            .chain(watch.watcher.iter().map(AsFd::as_fd))
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        fds.extend(self.way.iter().flat_map(Way::poll_fds));
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut fds, Some(&timeout));
    }
}
