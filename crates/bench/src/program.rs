//! This very program, started as a user would start it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where this program is.
pub fn exe() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|e| format!("where this program is: {e}"))
}

/// A command of this program with a state folder of its own, and nothing else of the environment
/// that could change what it does.
pub fn command(exe: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(exe);
    command.args(args).stdin(Stdio::null()).env_clear().env("AEGIS_HOME", home);
    // A folder without an aegis.toml.
    command.current_dir(std::env::temp_dir());
    for kept in ["PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// A process that is ended when nobody looks at it any more.
pub struct Running(pub Child);

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Result<Self, String> {
        command.spawn().map(Self).map_err(|e| format!("{command:?} cannot be started: {e}"))
    }

    /// The process that this one has started and whose first argument is `name`.
    pub fn child(&self, name: &str) -> Option<u32> {
        let parent = self.0.id().to_string();
        let processes = std::fs::read_dir("/proc").ok()?;
        processes.flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // pid (name) state parent …; the name may hold anything, so begin behind it.
            let of = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?;
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            let first = words.split(|byte| *byte == 0).nth(1)?;
            (of == parent && first == name.as_bytes()).then_some(pid)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The last line of an output.
pub fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or("")
}
