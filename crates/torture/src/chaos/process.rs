//! This program as users start it, in a folder of its own; nothing that was started outlives it.
//!
//! Every process of a round has the round's folder in its environment. A guard process holds a pipe
//! from us: whatever ends us, it then ends whoever still has that folder, stopped or not, and takes
//! file systems away that were mounted below it.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Key and secret of the account; the secret is looked for in everything that a round leaves.
pub const KEYS: (&str, &str) = ("chaos", "canary-of-chaos-4711");

/// Names of variables that the processes keep.
const KEPT: [&str; 4] = ["PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"];

/// Where this program is.
///
/// # Errors
/// When the system does not say.
pub fn exe() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("where this program is: {error}"))
}

/// `aegis ARGS…` with `home` as its state folder and nothing of our environment that could change
/// what it does.
///
/// # Errors
/// When this program cannot find itself.
pub fn aegis(home: &Path, args: &[&str]) -> Result<Command, String> {
    let mut command = Command::new(exe()?);
    command.args(args).env_clear().env("AEGIS_HOME", home).stdin(Stdio::null());
    // A folder without an aegis.toml.
    command.current_dir("/");
    for kept in KEPT {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    // Ctrl-C on the terminal reaches us alone.
    command.process_group(0);
    Ok(command)
}

/// A process that is killed when nobody looks at it any more.
pub struct Running {
    child: Child,
    what: String,
}

impl Running {
    /// Starts a command with its output in two files.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(
        mut command: Command,
        what: &str,
        stdout: Stdio,
        log: &Path,
    ) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{what}: {error}");
        let log = File::options().create(true).append(true).open(log).map_err(failed)?;
        let child = command.stdout(stdout).stderr(log).spawn().map_err(failed)?;
        Ok(Self { child, what: what.to_owned() })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its stdout, once, where it is a pipe.
    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it takes longer.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, String> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            if began.elapsed() > patience {
                return Err(format!("{} has not ended within {patience:?}", self.what));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process; false if there is none of that id.
pub fn send(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// Is there such a process, not only its entry in the table?
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The processes that were started with something below this folder, ourselves left out.
pub fn with_folder(folder: &Path) -> Vec<u32> {
    let needle = folder.as_os_str().as_bytes();
    let names = |path: PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(pid, path)| *pid != std::process::id() && names(path.join("environ")))
        .map(|(pid, _)| pid)
        .collect()
}

/// Ends every process that was started with something below this folder, stopped ones too. How many
/// there were.
pub fn sweep(folder: &Path) -> usize {
    let mut found = 0;
    // Who is killed may just have started another.
    for _ in 0..20 {
        let left = with_folder(folder);
        if left.is_empty() {
            break;
        }
        found += left.len();
        for pid in left {
            send(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    found
}

/// The process that cleans up behind us.
pub struct Guard(Child);

impl Guard {
    /// Watches over a folder.
    ///
    /// # Errors
    /// When it does not start.
    pub fn over(folder: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the guard of {}: {error}", folder.display());
        let mut command = Command::new(exe()?);
        command.args(["chaos", "--guard"]).arg(folder).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        command.spawn().map(Self).map_err(failed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Its stdin ends here: it cleans up and goes.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// What the guard does: waits for the end of its stdin, then cleans up.
pub fn guard(folder: &Path) {
    let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
    sweep(folder);
    super::disk::unmount_below(folder);
}
