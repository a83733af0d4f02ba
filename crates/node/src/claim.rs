//! One engine for one account: a lock of this machine for each API key at each exchange.
//!
//! The lock of a state folder keeps a second engine from that folder; this one keeps it from the
//! account, whatever folder it has. Its file is named by a hash of key and host, in a folder of
//! this user that survives a logout, and says who holds it.

use crate::{Failure, clock};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// An account that is held for as long as this lives: by the orchestrator, and by its brain for
/// the brain's own life, which may be longer.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
    path: PathBuf,
}

/// First digits of the hash of a key: names it in files and messages without telling it.
pub fn fingerprint(key: &[u8]) -> String {
    Sha256::digest(key).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

impl Claim {
    /// Takes the account of a key at an exchange for an orchestrator.
    ///
    /// # Errors
    /// When another engine holds it, or its brain still does, with process and folder; or when the
    /// lock's folder is not ours.
    pub fn take(key: &[u8], rest: &str, home: &Path) -> Result<Self, Failure> {
        Self::take_in(&folder(), key, rest, home)
    }

    fn take_in(folder: &Path, key: &[u8], rest: &str, home: &Path) -> Result<Self, Failure> {
        private(folder)?;
        let mut hash = Sha256::new();
        hash.update(key);
        hash.update([0]);
        hash.update(host(rest).as_bytes());
        let name: String = hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let what = format!("the account of key {} at {}", fingerprint(key), host(rest));
        let claim = Self::hold(&folder.join(name), home, &what)?;
        drop(Self::hold(&claim.brain_path(), home, &what)?);
        Ok(claim)
    }

    /// What its brain is to hold.
    pub fn brain_path(&self) -> PathBuf {
        self.path.with_extension("brain")
    }

    /// Holds a lock by its path; `what` it is for.
    ///
    /// # Errors
    /// When another process holds it, with process and folder.
    pub fn hold(path: &Path, home: &Path, what: &str) -> Result<Self, Failure> {
        let failed = |e: std::io::Error| {
            Failure::failed(format!("{}: {e}", path.display()), "check its mode")
        };
        let open = OpenOptions::new().read(true).write(true).create(true).mode(0o600).clone();
        let mut lock = open.open(path).map_err(failed)?;
        if lock.try_lock().is_err() {
            let mut text = String::new();
            let _ = (&mut lock).take(4_096).read_to_string(&mut text);
            let by: Value = serde_json::from_str(&text).unwrap_or_default();
            let (pid, place) = (&by["pid"], by["home"].as_str().unwrap_or("folder not known"));
            return Err(Failure::failed(
                format!("{what} is traded by another aegis: pid {pid}, {place}"),
                "stop that one first: two engines on one account take each other's orders for a \
                 stranger's",
            ));
        }
        let who = json!({
            "pid": std::process::id(),
            "home": home.display().to_string(),
            "since": clock::wall().as_millis(),
        });
        lock.set_len(0).and_then(|()| writeln!(lock, "{who}")).map_err(failed)?;
        Ok(Self { _lock: lock, path: path.to_path_buf() })
    }
}

/// The host and port of a base address.
fn host(rest: &str) -> &str {
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// The same for every process of this user, whatever its environment says.
fn folder() -> PathBuf {
    PathBuf::from(format!("/tmp/aegis-locks-{}", rustix::process::getuid().as_raw()))
}

/// Makes the folder, or sees that nobody else has made it: everybody may write where it lies.
fn private(folder: &Path) -> Result<(), Failure> {
    let refused = |why: String| {
        Failure::failed(format!("{}: {why}", folder.display()), "remove it, then start again")
    };
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(refused(e.to_string())),
    }
    let meta = std::fs::symlink_metadata(folder).map_err(|e| refused(e.to_string()))?;
    let ours = meta.uid() == rustix::process::getuid().as_raw();
    if !meta.is_dir() || !ours || meta.permissions().mode() & 0o077 != 0 {
        return Err(refused("is not a folder of this user alone (mode 0700)".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_at_one_exchange_has_one_engine() {
        let name = format!("aegis-claim-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let take = |key: &str, rest: &str, home: &str| {
            Claim::take_in(&folder, key.as_bytes(), rest, Path::new(home))
        };
        let rest = "https://exchange.example";
        let held = take("k1", rest, "/one").unwrap();
        let refused = take("k1", "https://exchange.example/", "/two").unwrap_err();
        assert!(refused.what.contains("/one"), "who holds it: {refused}");
        assert!(refused.what.contains(&std::process::id().to_string()), "{refused}");
        assert!(!refused.what.contains("k1"), "the key is not told");
        assert!(take("k2", rest, "/two").is_ok(), "another key");
        assert!(take("k1", "http://127.0.0.1:1", "/two").is_ok(), "another exchange");
        let brain = Claim::hold(&held.brain_path(), Path::new("/one"), "it").unwrap();
        drop(held);
        let refused = take("k1", rest, "/two").unwrap_err();
        assert!(refused.what.contains("/one"), "a brain that lives on: {refused}");
        drop(brain);
        assert!(take("k1", rest, "/two").is_ok());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_enter_is_not_trusted() {
        let name = format!("aegis-claim-open-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = Claim::take_in(&folder, b"k", "https://x", Path::new("/h"));
        assert!(refused.unwrap_err().what.contains("0700"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
