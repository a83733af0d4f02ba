//! The state folder, `AEGIS_HOME`: everything one instance writes, so that instances never meet.
//!
//! ```text
//! $AEGIS_HOME/
//!   lock              held by the orchestrator     brain.lock   held by the brain
//!   control.sock      status and operator commands (0600)
//!   KILL              made by an operator: the kill switch (content `flatten`: closes positions)
//!   fence             made by the kill switch: while it is there no order leaves
//!   emergency.jsonl   what the kill switch did   alerts.jsonl   what a person has to know
//!   risk.json         what of a day and an account outlives a session
//!   aegis.db          read models, when SQLite
//!   sessions/ID-NNN/  session.json  journal/  summary.json  aegis.log
//! /dev/shm/aegis-UID/TAG/feed.ring   TAG = hash of the folder's path
//! ```

use crate::Failure;
use aegis_backtest::Execution;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

/// A state folder that exists and may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Opens a state folder, making it (0700) if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written, naming the path and the reason.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::failed(
                format!("state folder {}: {what}: {error}", path.display()),
                "give a folder that this user may write in AEGIS_HOME",
            )
        };
        folder(path).map_err(|e| failed("cannot be made", e))?;
        let path = path.canonicalize().map_err(|e| failed("cannot be resolved", e))?;
        let home = Self { path };
        private(&home.path).map_err(|e| failed("mode cannot be set to 0700", e))?;
        folder(&home.sessions()).map_err(|e| failed("cannot be written", e))?;
        let probe = home.path.join(format!(".write-test-{}", std::process::id()));
        let written = fs::write(&probe, b"1");
        let _ = fs::remove_file(&probe);
        match written {
            // A full disk stops who writes, with what it could not write.
            Err(e) if e.kind() != std::io::ErrorKind::StorageFull => {
                Err(failed("cannot be written", e))
            }
            _ => Ok(home),
        }
    }

    /// The state folder of a system that runs, without writing: a question or a halt must pass on a
    /// full or read-only disk.
    pub fn of_running(path: &Path) -> Self {
        Self { path: path.canonicalize().unwrap_or_else(|_| path.to_path_buf()) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where sessions live.
    pub fn sessions(&self) -> PathBuf {
        self.path.join("sessions")
    }

    /// The Unix socket of the orchestrator.
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// While this file is there, no order leaves and no run starts.
    pub fn fence(&self) -> PathBuf {
        self.path.join("fence")
    }

    /// Whoever makes this file uses the kill switch.
    pub fn kill_file(&self) -> PathBuf {
        self.path.join("KILL")
    }

    /// What the kill switch did, in all sessions.
    pub fn emergency_log(&self) -> PathBuf {
        self.path.join("emergency.jsonl")
    }

    /// What a person has to know, and what was acknowledged.
    pub fn alerts(&self) -> PathBuf {
        self.path.join("alerts.jsonl")
    }

    /// What of a day and an account outlives a session.
    pub fn risk(&self) -> PathBuf {
        self.path.join("risk.json")
    }

    /// The default database.
    pub fn database(&self) -> PathBuf {
        self.path.join("aegis.db")
    }

    /// Name of this instance's folder in shared memory.
    pub fn ring_tag(&self) -> String {
        let hash = Sha256::digest(self.path.as_os_str().as_encoded_bytes());
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The ring between feed and brain.
    pub fn ring(&self) -> PathBuf {
        aegis_ring::ring_dir(&self.ring_tag()).join("feed.ring")
    }

    /// Takes a lock of this folder for as long as the returned file lives.
    ///
    /// # Errors
    /// When another process holds it, naming what it is for.
    pub fn lock(&self, name: &str, holder: &str) -> Result<File, Failure> {
        let path = self.path.join(name);
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(
                |e| Failure::failed(format!("{}: {e}", path.display()), "check its mode"),
            )?;
        file.try_lock().map_err(|_| {
            Failure::failed(
                format!("{holder} is already running on {}", self.path.display()),
                "stop it first, or give this instance its own folder in AEGIS_HOME",
            )
        })?;
        Ok(file)
    }

    /// The newest run of this session that has begun and has not finished. A folder without
    /// `session.json` has not: whoever made it died in between.
    pub fn unfinished(&self, id: &str) -> Option<PathBuf> {
        let mut runs = self.runs(id);
        runs.retain(|run| run.join("session.json").is_file() && !is_finished(run));
        runs.pop()
    }

    /// The newest run on an exchange that has not finished and whose orders went the same way:
    /// simulated, or to this venue.
    pub fn unfinished_on(&self, venue: &str, execution: Execution) -> Option<PathBuf> {
        let on_venue = |run: &Path| {
            let source = crate::session::source(run).ok().flatten();
            let session = crate::session::load(run).ok();
            source.zip(session).is_some_and(|(source, session)| {
                session.execution == execution
                    && (execution == Execution::Simulated || source.venue == venue)
            })
        };
        let runs = fs::read_dir(self.sessions()).into_iter().flatten().flatten();
        let runs = runs.map(|entry| entry.path()).filter(|run| on_venue(run) && !is_finished(run));
        let begun = |run: &PathBuf| {
            fs::metadata(run.join("session.json")).and_then(|meta| meta.modified()).ok()
        };
        runs.filter(|run| begun(run).is_some()).max_by_key(begun)
    }

    /// Makes the folder of a new run of a session.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_run(&self, id: &str) -> Result<PathBuf, Failure> {
        let last = self.runs(id).last().and_then(|run| number(run)).unwrap_or(0);
        let path = self.sessions().join(format!("{id}-{:03}", last + 1));
        folder(&path).map_err(|e| {
            Failure::failed(
                format!("session folder {}: {e}", path.display()),
                "free disk space or check the mode of AEGIS_HOME",
            )
        })?;
        Ok(path)
    }

    fn runs(&self, id: &str) -> Vec<PathBuf> {
        let prefix = format!("{id}-");
        let mut runs: Vec<_> = fs::read_dir(self.sessions())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix))
            })
            .collect();
        runs.sort_by_key(|run| number(run));
        runs
    }
}

fn number(run: &Path) -> Option<u32> {
    run.file_name()?.to_str()?.rsplit('-').next()?.parse().ok()
}

/// Makes a folder, and what is missing above it, for its user alone.
fn folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Has this run written a summary that says it finished?
pub fn is_finished(run: &Path) -> bool {
    fs::read(run.join("summary.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|summary| summary["finished"] == serde_json::Value::Bool(true))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When it cannot be written, naming the path.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|e| Failure::failed(format!("{}: {e}", path.display()), "free disk space"))
}

/// The same for this user's eyes alone (0600), on the disk before it has its name.
///
/// # Errors
/// When it cannot be written, naming the path.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let written = || -> std::io::Result<()> {
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
        let mut file = open.open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    written().map_err(|e| Failure::failed(format!("{}: {e}", path.display()), "free disk space"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("aegis-home-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn runs_are_numbered_and_unfinished_ones_are_found() {
        let path = scratch("runs");
        let home = Home::open(&path).unwrap();
        assert_eq!(home.unfinished("abc"), None);
        let first = home.new_run("abc").unwrap();
        assert_eq!(home.unfinished("abc"), None, "not begun");
        write_whole(&first.join("session.json"), b"{}").unwrap();
        assert_eq!(home.unfinished("abc"), Some(first.clone()));
        write_whole(&first.join("summary.json"), br#"{"finished":true}"#).unwrap();
        assert_eq!(home.unfinished("abc"), None);
        let second = home.new_run("abc").unwrap();
        assert!(second.ends_with("abc-002"));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_folder_has_one_holder_at_a_time() {
        let path = scratch("lock");
        let home = Home::open(&path).unwrap();
        let held = home.lock("lock", "another aegis").unwrap();
        let refused = home.lock("lock", "another aegis").unwrap_err();
        assert!(refused.what.contains("already running"), "{refused}");
        drop(held);
        assert!(home.lock("lock", "another aegis").is_ok());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_with_its_path() {
        let error = Home::open(Path::new("/proc/aegis")).unwrap_err();
        assert!(error.what.contains("/proc/aegis"), "{error}");
    }
}
