//! What the limits on losses must remember beyond a session: `risk.json` of the state folder.
//!
//! One entry for each account (venue and fingerprint of its key), replaced as a whole. A session on
//! an exchange begins with it; a file that cannot be read means that nobody knows what was lost
//! today, and no orders are armed.

use crate::Failure;
use crate::home::{Home, write_private};
use aegis_types::RiskMemory;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Form {
    version: u32,
    accounts: BTreeMap<String, RiskMemory>,
}

/// The memory of one account.
#[derive(Debug)]
pub struct RiskFile {
    path: PathBuf,
    account: String,
    accounts: BTreeMap<String, RiskMemory>,
}

impl RiskFile {
    /// Reads it for an account; without a file nothing is remembered.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is damaged.
    pub fn open(home: &Home, account: &str) -> Result<Self, Failure> {
        let path = home.risk();
        let failed = |why: String| {
            Failure::failed(
                format!("{}: {why}: what was lost today is not known", path.display()),
                "look at the account's day; then remove the file to begin with no memory",
            )
        };
        let accounts = match std::fs::read(&path) {
            Ok(bytes) => {
                let form: Form =
                    serde_json::from_slice(&bytes).map_err(|e| failed(e.to_string()))?;
                if form.version != VERSION {
                    return Err(failed(format!("version {}, not {VERSION}", form.version)));
                }
                form.accounts
            }
            Err(e) if e.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(failed(e.to_string())),
        };
        Ok(Self { path, account: account.to_owned(), accounts })
    }

    /// What is remembered of the account.
    pub fn memory(&self) -> Option<RiskMemory> {
        self.accounts.get(&self.account).copied()
    }

    /// Remembers, when it is something new.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&mut self, memory: RiskMemory) -> Result<(), Failure> {
        if self.memory() == Some(memory) {
            return Ok(());
        }
        self.accounts.insert(self.account.clone(), memory);
        let form = Form { version: VERSION, accounts: self.accounts.clone() };
        let text = serde_json::to_vec_pretty(&form)
            .map_err(|e| Failure::failed(format!("risk memory: {e}"), ""))?;
        write_private(&self.path, &text)
    }
}

/// The memory that a session begins with, in its folder.
const HANDED: &str = "memory.json";

/// Gives the memory to the brain of a run that begins.
///
/// # Errors
/// When it cannot be written.
pub fn hand_over(run: &Path, memory: &RiskMemory) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(memory)
        .map_err(|e| Failure::failed(format!("risk memory: {e}"), ""))?;
    write_private(&run.join(HANDED), &text)
}

/// The memory that a run begins with; nothing when there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn handed(run: &Path) -> Result<Option<RiskMemory>, Failure> {
    let path = run.join(HANDED);
    let failed =
        |e: String| Failure::failed(format!("{}: {e}", path.display()), "start a new session");
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| failed(e.to_string())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Money, Nanos};

    fn home(name: &str) -> Home {
        let path = std::env::temp_dir().join(format!("aegis-risk-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Home::open(&path).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn each_account_has_its_own_memory() {
        let home = home("memory");
        let memory = RiskMemory {
            day_end: Nanos::DAY,
            day_start: Money::whole(10_000),
            day_lost: true,
            peak: Money::whole(12_000),
            ..RiskMemory::default()
        };
        let mut one = RiskFile::open(&home, "local:a").unwrap();
        assert_eq!(one.memory(), None);
        one.keep(memory).unwrap();
        let mut two = RiskFile::open(&home, "local:b").unwrap();
        assert_eq!(two.memory(), None);
        two.keep(RiskMemory { halted: true, ..memory }).unwrap();
        assert_eq!(RiskFile::open(&home, "local:a").unwrap().memory(), Some(memory));
        assert_eq!(mode(&home.risk()), 0o600);
        std::fs::remove_dir_all(home.path()).unwrap();
    }

    #[test]
    fn a_damaged_file_is_no_empty_memory() {
        let home = home("damaged");
        std::fs::write(home.risk(), b"{\"version\":1,\"acc").unwrap();
        let refused = RiskFile::open(&home, "local:a").unwrap_err();
        assert!(refused.what.contains("risk.json"), "{refused}");
        assert!(refused.what.contains("not known"), "{refused}");
        std::fs::remove_dir_all(home.path()).unwrap();
    }
}
