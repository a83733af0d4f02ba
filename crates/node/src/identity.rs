//! Which program this is: shown, written into every session, and held against what was expected.
//!
//! A program is known by the SHA-256 of its file. Hashing takes a moment, so the result is kept
//! beside what the file system says of the file (device, number, size, times of change, which
//! nobody can set back): as long as that is the same, so are the bytes.

use crate::alerts::{NodeAlert, Told};
use crate::home::{Home, write_whole};
use crate::{Failure, session};
use aegis_settings::{Settings, TABLE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Environment in which a child is told which program it has to be.
pub const BUILD: &str = "AEGIS_BUILD";
/// The running program, whatever its name leads to by now.
const SELF: &str = "/proc/self/exe";

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i128,
    changed_ns: i128,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Ok(Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified_ns: ns(meta.mtime(), meta.mtime_nsec()),
            changed_ns: ns(meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// A program's hash and the file that had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hashed {
    sha256: String,
    stamp: Stamp,
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&bytes[..n]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What runs, and by which settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the program.
    pub version: String,
    /// Commit that it was built from.
    pub commit: String,
    /// SHA-256 of its file.
    pub binary: String,
    /// SHA-256 of every effective setting.
    pub config: String,
    /// Which settings this version knows: first digits of a hash of their table.
    pub settings_schema: String,
    /// Where orders go.
    pub mode: String,
}

impl Identity {
    /// Of this process; `mode` says where orders go.
    ///
    /// # Errors
    /// When its own file cannot be read.
    pub fn of(settings: &Settings, home: &Home, mode: &str) -> Result<Self, Failure> {
        let binary = own_hash(home).map_err(|e| {
            Failure::failed(format!("this program's file cannot be read: {e}"), "install it anew")
        })?;
        let mut config = Sha256::new();
        for row in settings.rows() {
            // Secrets are masked here, and do not count.
            config.update(format!("{}={}\n", row.key, row.value));
        }
        let mut schema = Sha256::new();
        for row in TABLE {
            schema.update(format!("{} {} {}\n", row.key, row.kind, row.default));
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: session::COMMIT.to_owned(),
            binary,
            config: hex(&config.finalize()),
            settings_schema: hex(&schema.finalize()[..6]),
            mode: mode.to_owned(),
        })
    }

    /// Refuses any other program than the one expected, by the first digits of its hash.
    ///
    /// # Errors
    /// Exit 2 with both hashes.
    pub fn expect(&self, expected: &str) -> Result<(), Failure> {
        if self.binary.starts_with(&expected.to_ascii_lowercase()) {
            return Ok(());
        }
        Err(Failure::usage(
            format!("this program is {}, and {expected} is expected", self.binary),
            "install the program that deploy.expect_build names, or change that setting",
        ))
    }

    /// For people, in a line.
    pub fn line(&self) -> String {
        let Self { commit, binary, config, mode, .. } = self;
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        format!("build {} (commit {commit}), config {}, {mode}", short(binary), short(config))
    }
}

/// Where a run keeps the identity of its newest start.
const OF_RUN: &str = "build.json";

/// Writes into a run's folder which program runs it.
///
/// # Errors
/// When it cannot be written.
pub fn keep(run: &Path, identity: &Identity) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(identity)
        .map_err(|e| Failure::failed(format!("identity: {e}"), ""))?;
    write_whole(&run.join(OF_RUN), &text)
}

/// Which program runs this; nothing where no orchestrator has said so.
pub fn of_run(run: &Path) -> Option<Identity> {
    std::fs::read(run.join(OF_RUN)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// The hash of the running program's file; remembered in the state folder.
fn own_hash(home: &Home) -> std::io::Result<String> {
    let (path, memory) = (Path::new(SELF), home.path().join("build.json"));
    let stamp = Stamp::of(path)?;
    let known = std::fs::read(&memory).ok();
    let known = known.and_then(|bytes| serde_json::from_slice::<Hashed>(&bytes).ok());
    if let Some(known) = known.filter(|known| known.stamp == stamp) {
        return Ok(known.sha256);
    }
    let hashed = Hashed { sha256: sha256(path)?, stamp };
    if let Ok(text) = serde_json::to_vec(&hashed) {
        // A disk that is full costs the next start a moment.
        let _ = write_whole(&memory, &text);
    }
    Ok(hashed.sha256)
}

/// The program to start children from: its name as long as that leads to the running program;
/// else, after an upgrade in place, the running program itself.
pub fn program() -> PathBuf {
    let named = std::env::current_exe().ok();
    let same = |path: &PathBuf| {
        let stamps = Stamp::of(path).ok().zip(Stamp::of(Path::new(SELF)).ok());
        stamps.is_some_and(|(a, b)| (a.device, a.inode) == (b.device, b.inode))
    };
    named.filter(same).unwrap_or_else(|| PathBuf::from(SELF))
}

/// What a child is told through [`BUILD`].
pub fn build_words(identity: &Identity) -> String {
    let stamp = Stamp::of(Path::new(SELF)).ok();
    let hashed = stamp.map(|stamp| Hashed { sha256: identity.binary.clone(), stamp });
    hashed.and_then(|hashed| serde_json::to_string(&hashed).ok()).unwrap_or_default()
}

/// A child holds its own program against what its orchestrator said.
///
/// # Errors
/// When it is another one: exit 2, which no restart mends.
pub fn verify(words: &str) -> Result<(), Failure> {
    let Ok(told) = serde_json::from_str::<Hashed>(words) else { return Ok(()) };
    let read = |e: std::io::Error| {
        Failure::failed(format!("this program's file cannot be read: {e}"), "install it anew")
    };
    if Stamp::of(Path::new(SELF)).map_err(read)? == told.stamp {
        return Ok(());
    }
    let own = sha256(Path::new(SELF)).map_err(read)?;
    if own == told.sha256 {
        return Ok(());
    }
    Err(Failure::usage(
        format!("this program is {own}, and its orchestrator is {}", told.sha256),
        "stop the run, then start it with one program; positions keep their stops",
    ))
}

/// Looks whether what was started with is still what lies on the disk.
#[derive(Debug)]
pub struct Deployed {
    config: Option<(PathBuf, Option<String>)>,
    program: PathBuf,
    told_program: bool,
}

impl Deployed {
    /// As it is now; `config` is the settings file that was read.
    pub fn now(config: Option<PathBuf>) -> Self {
        let config = config.map(|path| {
            let hash = sha256(&path).ok();
            (path, hash)
        });
        let program = std::env::current_exe().unwrap_or_default();
        Self { config, program, told_program: false }
    }

    /// What is different by now, once for each difference.
    pub fn look(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some((path, hash)) = &mut self.config {
            let now = sha256(path).ok();
            if now != *hash {
                let what = format!("{} was edited; in effect after a restart", path.display());
                told.push(Told::of(NodeAlert::ConfigEdited, what));
                *hash = now;
            }
        }
        if !self.told_program && program() == Path::new(SELF) {
            self.told_program = true;
            let what = format!(
                "{} is another program than the one that runs, which goes on",
                self.program.display()
            );
            told.push(Told::of(NodeAlert::BuildDiffers, what));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_another_program_refuses() {
        let own = Hashed {
            sha256: sha256(Path::new(SELF)).unwrap(),
            stamp: Stamp::of(Path::new(SELF)).unwrap(),
        };
        let words = |hashed: &Hashed| serde_json::to_string(hashed).unwrap();
        verify(&words(&own)).unwrap();
        let moved = Hashed { stamp: Stamp { inode: 1, ..own.stamp }, ..own.clone() };
        verify(&words(&moved)).unwrap();
        let other = Hashed { sha256: "0".repeat(64), ..moved };
        let refused = verify(&words(&other)).unwrap_err();
        assert!(refused.what.contains(&own.sha256), "{refused}");
        assert_eq!(refused.code, crate::EXIT_USAGE, "no restart mends it");
        assert_eq!(program(), std::env::current_exe().unwrap());
    }

    #[test]
    fn an_edited_settings_file_is_told_once() {
        let path = std::env::temp_dir().join(format!("aegis-edit-{}.toml", std::process::id()));
        std::fs::write(&path, "live = false\n").unwrap();
        let mut deployed = Deployed::now(Some(path.clone()));
        assert_eq!(deployed.look(), []);
        std::fs::write(&path, "live = true\n").unwrap();
        let told = deployed.look();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].code.as_str(), told[0].must_ack), ("config_edited", true));
        assert_eq!(deployed.look(), [], "once");
        std::fs::remove_file(path).unwrap();
    }
}
