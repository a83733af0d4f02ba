//! Starts the program in a state folder of its own.

use crate::canary;
use aegis_node::control::{self, Ask};
use aegis_node::home::Home;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A state folder that is removed in the end.
pub struct Place {
    pub path: PathBuf,
}

impl Place {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("aegis-{name}-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self { path }
    }

    pub fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// The program, with nothing of the tester's environment that could change what it does.
    pub fn aegis(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aegis"));
        command.args(args).current_dir(&self.path).env("AEGIS_HOME", self.home());
        for name in ["DATABASE_URL", "BINANCE_API_KEY", "BINANCE_API_SECRET", "ENVIRONMENT"] {
            command.env_remove(name);
        }
        command.env("LOG_LEVEL", "WARN").stdin(Stdio::null());
        // Nothing that it says or leaves behind may hold these.
        command.env("BINANCE_API_KEY", canary::KEY).env("BINANCE_API_SECRET", canary::SECRET);
        command
    }

    /// The program without keys.
    pub fn keyless(&self, args: &[&str]) -> Command {
        let mut command = self.aegis(args);
        command.env_remove("BINANCE_API_KEY").env_remove("BINANCE_API_SECRET");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        let output = self.aegis(args).output().expect("the program starts");
        for said in [&output.stdout, &output.stderr] {
            assert_eq!(canary::found(said, true), None, "said by {args:?}");
        }
        output
    }

    /// Runs, wants exit 0, and reads the last line of stdout as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        last_json(&output)
    }

    /// Starts in the background, with stdout to read in the end.
    pub fn start(&self, args: &[&str]) -> Started {
        self.start_with(args, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Started {
        self.started(self.aegis(args).envs(environment.iter().copied()))
    }

    /// Starts a command in the background, with stdout to read in the end.
    pub fn started(&self, command: &mut Command) -> Started {
        let log = std::fs::File::create(self.path.join("stderr.log")).expect("a log file");
        let child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        Started { child: Some(child), home: self.home(), log: self.path.join("stderr.log") }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(home) = Home::open(&self.home())
            && let Some(ring) = home.ring().parent()
        {
            let _ = std::fs::remove_dir_all(ring);
        }
        if !std::thread::panicking() {
            canary::look_through(&self.path, true);
        }
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A program that runs in the background; killed when dropped.
pub struct Started {
    child: Option<Child>,
    home: PathBuf,
    log: PathBuf,
}

impl Started {
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("not waited for").id()
    }

    /// Status of the running system, once it answers.
    pub fn status(&mut self) -> Option<Value> {
        let home = Home::open(&self.home).expect("state folder");
        control::ask(&home, Ask::Status).ok()
    }

    /// Waits until the status satisfies; panics when the program ends or takes too long.
    pub fn wait_until(&mut self, what: &str, satisfied: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            if let Some(status) = self.status().filter(&satisfied) {
                return status;
            }
            let ended = self.child.as_mut().expect("runs").try_wait().expect("status");
            assert!(ended.is_none(), "ended ({ended:?}) before {what}: {}", self.log());
            assert!(started.elapsed() < PATIENCE, "{what} took too long: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Closes all positions, waits until they are, and stops the run; what it said.
    pub fn close_and_stop(mut self, place: &Place) -> Output {
        let flatten = place.run(&["flatten"]);
        assert_eq!(flatten.status.code(), Some(0), "{}", text(&flatten.stderr));
        self.wait_until("flat", |s| s["positions"].as_array().is_some_and(Vec::is_empty));
        self.signal("TERM");
        let output = self.wait();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        output
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn wait(mut self) -> Output {
        let child = self.child.take().expect("not waited for");
        let mut output = child.wait_with_output().expect("waits");
        output.stderr = self.log().into_bytes();
        output
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok(), "kill -{name} {pid}");
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn last_json(output: &Output) -> Value {
    let stdout = text(&output.stdout);
    let line = stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .unwrap_or_else(|e| panic!("last line is not JSON ({e}): {line}\n{}", text(&output.stderr)))
}

/// Wants this exit code and all of these words on stderr.
pub fn refused(output: &Output, code: i32, words: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in:\n{stderr}");
    }
}

/// The folder of shared data, or `None` with one line on what is missed; required where CI is set.
pub fn shared(what: &str) -> Option<PathBuf> {
    let given = std::env::var_os("AEGIS_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = given.unwrap_or_else(beside);
    if path.join("data").is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "CI has no shared data at {}", path.display());
    println!("not tested without shared data: {what}");
    None
}
