//! Alerts: what a person has to know, kept until they say that they do.
//!
//! One file for all sessions of a state folder, one JSON object a line, only ever appended to:
//!
//! ```text
//! {"id":7,"at":1751328000000,"session":"…","code":"unprotected","symbol":"…","text":"…",…}
//! {"ack":7,"at":1751328060000}
//! ```
//!
//! Two processes may write (the orchestrator alerts, `aegis ack` acknowledges), so each line is
//! written under a lock of the file. A torn last line, which a crash may leave, is skipped, and so
//! is whatever else is no line of ours: the count of those is told.

use crate::{Failure, clock};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The same that needs no answer is told once in so long, ms.
const AGAIN_MS: i64 = 60_000;

/// An alert that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Stable name of what it is about.
    pub code: String,
    /// Symbol; empty where it is about none.
    #[serde(default)]
    pub symbol: String,
    /// For people.
    pub text: String,
    /// Somebody must say that they have seen it.
    pub must_ack: bool,
}

impl Told {
    /// One of the node itself, about no symbol.
    pub fn of(code: NodeAlert, text: impl Into<String>) -> Self {
        let (symbol, text, code_text) = (String::new(), text.into(), code.code());
        Self { code: code_text.to_owned(), symbol, text, must_ack: code.must_acknowledge() }
    }
}

/// What the processes themselves alert to; the engine's are in `aegis_types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeAlert {
    /// The kill switch was used.
    KillSwitch,
    /// A child ended so often in a row without progress that the system stopped.
    CrashLoop,
    /// A child was killed by a signal, or ended by itself.
    ChildDied,
    /// A child was hung and was killed.
    Hung,
    /// The settings file is not what it was at the start.
    ConfigEdited,
    /// The program on the disk is not the one that runs.
    BuildDiffers,
    /// What is known of earlier days and losses cannot be read.
    RiskMemory,
    /// The thread of the kill switch is gone.
    KillSwitchGone,
}

impl NodeAlert {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::KillSwitch,
        Self::CrashLoop,
        Self::ChildDied,
        Self::Hung,
        Self::ConfigEdited,
        Self::BuildDiffers,
        Self::RiskMemory,
        Self::KillSwitchGone,
    ];

    /// Its stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill_switch",
            Self::CrashLoop => "crash_loop",
            Self::ChildDied => "child_died",
            Self::Hung => "hung",
            Self::ConfigEdited => "config_edited",
            Self::BuildDiffers => "build_differs",
            Self::RiskMemory => "risk_memory",
            Self::KillSwitchGone => "kill_switch_gone",
        }
    }

    /// What it means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::KillSwitch => "the kill switch was used",
            Self::CrashLoop => "a child crashed in a loop and the system stopped",
            Self::ChildDied => "a child died and was started again",
            Self::Hung => "a child was hung, was killed and started again",
            Self::ConfigEdited => "the settings file was edited; not in effect until a restart",
            Self::BuildDiffers => "the program on the disk is not the one that runs",
            Self::RiskMemory => "what is known of earlier losses cannot be read",
            Self::KillSwitchGone => "the kill switch does not watch any more",
        }
    }

    /// Must somebody say that they have seen it?
    pub const fn must_acknowledge(self) -> bool {
        !matches!(self, Self::ChildDied)
    }
}

/// An alert in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub id: u64,
    /// When, ms since the epoch.
    pub at: i64,
    /// In which session.
    pub session: String,
    /// What.
    #[serde(flatten)]
    pub told: Told,
    /// When it was acknowledged, ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked: Option<i64>,
}

impl Entry {
    /// Does it wait for somebody?
    pub const fn is_open(&self) -> bool {
        self.told.must_ack && self.acked.is_none()
    }
}

#[derive(Serialize, Deserialize)]
struct Ack {
    ack: u64,
    at: i64,
}

/// The alerts of a state folder.
#[derive(Debug)]
pub struct Alerts {
    path: PathBuf,
    entries: Vec<Entry>,
    /// Bytes of the file that have been read.
    read: u64,
    unreadable: u64,
}

impl Alerts {
    /// Reads what there is; a folder without the file has none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let mut alerts =
            Self { path: path.to_path_buf(), entries: Vec::new(), read: 0, unreadable: 0 };
        alerts.refresh()?;
        Ok(alerts)
    }

    /// Reads what others have written since.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refresh(&mut self) -> Result<(), Failure> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                (self.read, self.unreadable) = (0, 0);
                self.entries.clear();
                return Ok(());
            }
            Err(e) => return Err(self.failed(e)),
        };
        self.take(&mut file).map_err(|e| self.failed(e))
    }

    fn failed(&self, error: std::io::Error) -> Failure {
        Failure::failed(format!("{}: {error}", self.path.display()), "check its mode and the disk")
    }

    /// Whole lines only: the last one may still be being written.
    fn take(&mut self, file: &mut File) -> std::io::Result<()> {
        if file.metadata()?.len() < self.read {
            // Somebody has cut or replaced it.
            self.entries.clear();
            (self.read, self.unreadable) = (0, 0);
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in bytes[..whole].split(|byte| *byte == b'\n') {
            self.line(line);
        }
        self.read += whole as u64;
        Ok(())
    }

    fn line(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
            self.entries.push(entry);
        } else if let Ok(Ack { ack, at }) = serde_json::from_slice(line) {
            let acked = self.entries.iter_mut().find(|entry| entry.id == ack);
            if let Some(entry) = acked {
                entry.acked.get_or_insert(at);
            }
        } else {
            self.unreadable += 1;
        }
    }

    /// Writes lines at the file's end, under its lock; `make` sees everything that is there.
    fn write<T>(&mut self, make: impl FnOnce(&[Entry]) -> (Vec<String>, T)) -> Result<T, Failure> {
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).clone();
        let mut file = open.open(&self.path).map_err(|e| self.failed(e))?;
        let locked = || -> std::io::Result<T> {
            file.lock()?;
            self.take(&mut file)?;
            let (lines, made) = make(&self.entries);
            // Behind a line that a crash has torn.
            let torn = file.metadata()?.len() > self.read;
            let mut text = String::from(if torn { "\n" } else { "" });
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            self.take(&mut file)?;
            Ok(made)
        };
        locked().map_err(|e| self.failed(e))
    }

    /// Keeps an alert, unless the same still waits for an answer or was told within a minute. Its
    /// number, when it is new.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn tell(&mut self, session: &str, told: Told) -> Result<Option<u64>, Failure> {
        let at = clock::wall().as_millis();
        self.write(|entries| {
            let again = entries.iter().any(|entry| {
                entry.told.code == told.code
                    && entry.told.symbol == told.symbol
                    && entry.session == session
                    && (entry.is_open() || at - entry.at < AGAIN_MS)
                    && entry.told.text == told.text
            });
            if again {
                return (Vec::new(), None);
            }
            let id = entries.iter().map(|entry| entry.id).max().unwrap_or(0) + 1;
            let entry = Entry { id, at, session: session.to_owned(), told, acked: None };
            (serde_json::to_string(&entry).into_iter().collect(), Some(id))
        })
    }

    /// Acknowledges those named, or all that wait. Which ones were; an unknown number is an error
    /// and changes nothing.
    ///
    /// # Errors
    /// When there is none of a number, or the file takes nothing.
    pub fn acknowledge(&mut self, which: Option<&[u64]>) -> Result<Vec<u64>, Failure> {
        let at = clock::wall().as_millis();
        self.refresh()?;
        let unknown = which.unwrap_or_default().iter().find(|id| self.get(**id).is_none());
        if let Some(id) = unknown {
            return Err(Failure::usage(
                format!("there is no alert {id}"),
                "`aegis alerts --all` prints every alert with its number",
            ));
        }
        self.write(|entries| {
            let wanted = |entry: &&Entry| match which {
                None => entry.is_open(),
                Some(ids) => ids.contains(&entry.id) && entry.acked.is_none(),
            };
            let ids: Vec<u64> = entries.iter().filter(wanted).map(|entry| entry.id).collect();
            let lines = ids.iter().map(|id| serde_json::to_string(&Ack { ack: *id, at }));
            (lines.flatten().collect(), ids)
        })
    }

    fn get(&self, id: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// Those that wait for somebody.
    pub fn open_ones(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_open())
    }

    /// How long the oldest has waited at `now_ms`, in ms.
    pub fn longest_wait_ms(&self, now_ms: i64) -> Option<i64> {
        self.open_ones().map(|entry| now_ms - entry.at).max()
    }

    /// Lines that are none of ours.
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let file = format!("aegis-alerts-{name}-{}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(file);
        let _ = std::fs::remove_file(&path);
        path
    }

    fn told(code: &str, must_ack: bool) -> Told {
        Told { code: code.into(), symbol: String::new(), text: "seen".into(), must_ack }
    }

    #[test]
    fn an_alert_waits_until_it_is_acknowledged_whoever_reads_it() {
        let path = scratch("waits");
        let mut node = Alerts::open(&path).unwrap();
        assert_eq!(node.tell("s", told("unprotected", true)).unwrap(), Some(1));
        assert_eq!(node.tell("s", told("child_died", false)).unwrap(), Some(2));
        assert_eq!(node.tell("s", told("unprotected", true)).unwrap(), None, "it still waits");
        let mut person = Alerts::open(&path).unwrap();
        assert_eq!(person.open_ones().map(|e| e.id).collect::<Vec<_>>(), [1]);
        let refused = person.acknowledge(Some(&[1, 9])).unwrap_err();
        assert!(refused.what.contains("no alert 9"), "{refused}");
        assert_eq!(person.acknowledge(Some(&[1])).unwrap(), [1]);
        assert!(node.longest_wait_ms(i64::MAX).is_some(), "not read yet");
        node.refresh().unwrap();
        assert_eq!(node.longest_wait_ms(i64::MAX), None);
        assert_eq!(node.tell("t", told("unprotected", true)).unwrap(), Some(3), "a new session");
        assert_eq!(person.acknowledge(None).unwrap(), [3]);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_torn_line_costs_itself_and_nothing_else() {
        let path = scratch("torn");
        let mut alerts = Alerts::open(&path).unwrap();
        alerts.tell("s", told("a", true)).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"id\":2,\"at\":17513").unwrap();
        let mut again = Alerts::open(&path).unwrap();
        assert_eq!((again.all().len(), again.unreadable()), (1, 0), "may still be being written");
        assert_eq!(again.tell("s", told("b", true)).unwrap(), Some(2));
        let whole = Alerts::open(&path).unwrap();
        assert_eq!((whole.all().len(), whole.unreadable()), (2, 1));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_operators_guide_has_every_alert() {
        let page = include_str!("../../../docs/operator.md");
        for alert in NodeAlert::ALL {
            let must = if alert.must_acknowledge() { "yes" } else { "no" };
            let row = format!("| `{}` | {} | {must} |", alert.code(), alert.meaning());
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn two_writers_never_give_one_number_twice() {
        let path = scratch("writers");
        let writers: Vec<_> = (0..4)
            .map(|n| {
                let path = path.clone();
                std::thread::spawn(move || {
                    let mut alerts = Alerts::open(&path).unwrap();
                    for at in 0..20 {
                        alerts.tell(&format!("s{n}-{at}"), told("a", true)).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let alerts = Alerts::open(&path).unwrap();
        let mut ids: Vec<_> = alerts.all().iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=80).collect::<Vec<_>>());
        std::fs::remove_file(path).unwrap();
    }
}
