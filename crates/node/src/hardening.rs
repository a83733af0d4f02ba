//! What a process takes from itself before it begins: core dumps, the eyes of others, new
//! privileges, the kernel's keyring, and files that it has no business with.
//!
//! Keys live in memory. A core file would put them on a disk, and whoever may trace a process reads
//! them from it. And feed and brain read what strangers send: should one of them be talked into
//! opening a file, the kernel says no; asking the keyring of the session that they were started in,
//! no again. All of it is of the process itself, needs no rights, and cannot be taken back; where a
//! kernel has no landlock the rest still holds.
//!
//! ```text
//!                cores  tracing  set-uid  keyring  files (landlock)
//! orchestrator   none   none     none     asks     as its user
//! feed           none   none     none     none     reads its run and its data, writes the ring
//! brain          none   none     none     none     its state, ring, database; starts nothing
//! ```

use crate::Failure;
use crate::home::Home;
use crate::session::{self, Manifest};
use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};
use linux_keyutils::{KeyRing, KeyRingIdentifier};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the rules speak of: files, folders, links and their truncation; not devices' controls, by
/// which a terminal is asked for its size.
const RULES: ABI = ABI::V3;

/// What every program reads: name resolution, libraries that it loads for that, the kernel's own
/// figures, random bytes.
const SYSTEM: [&str; 9] = [
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
];

/// Devices that may be read and written.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// How far the kernel holds a process to its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Files {
    /// Nothing asked for.
    AsItsUser,
    /// To those that were named.
    Limited,
    /// To those, by a kernel that does not know every rule.
    Partly,
    /// Not at all: why.
    Unlimited(String),
}

/// What is in force in this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// No core file is written when it crashes.
    pub no_core: bool,
    /// Nobody but root may trace it or read its memory.
    pub no_trace: bool,
    /// No program that it starts gains rights.
    pub no_privileges: bool,
    /// The kernel's keyring does not answer it: it may not be asked, or the kernel has none.
    pub no_keyring: bool,
    /// Its files.
    pub files: Files,
}

impl InForce {
    /// Reads what the kernel says; of files it cannot be asked.
    pub fn now(files: Files) -> Self {
        let core = rustix::process::getrlimit(Resource::Core);
        Self {
            no_core: core.current == Some(0) && core.maximum == Some(0),
            no_trace: rustix::process::dumpable_behavior() == Ok(DumpableBehavior::NotDumpable),
            no_privileges: rustix::thread::no_new_privs() == Ok(true),
            no_keyring: !asks_keyring(),
            files,
        }
    }

    /// Everything that can be had of a child without rules for files.
    pub fn is_closed(&self) -> bool {
        self.no_core && self.no_trace && self.no_privileges && self.no_keyring
    }
}

/// Forbids core dumps, tracing and new privileges. Before the first thread: the last is each
/// thread's own, and passes on to those that it starts.
///
/// What the system refuses is left; [`InForce::now`] tells.
pub fn process() -> InForce {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = rustix::thread::set_no_new_privs(true);
    // What we write is ours: journals, logs, databases.
    let _ = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    InForce::now(Files::AsItsUser)
}

/// Takes the kernel's keyring from this thread and all that it starts. A child belongs to the
/// session of whoever started it, and could read the exchange's keys where they are kept in it.
///
/// What the system refuses is left; [`InForce::now`] tells.
pub fn keyring() {
    let filter = || -> Result<(), seccompiler::Error> {
        let calls = [libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key];
        let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, Vec::new())).collect();
        let (allow, deny) =
            (SeccompAction::Allow, SeccompAction::Errno(libc::EPERM.unsigned_abs()));
        let machine = TargetArch::try_from(std::env::consts::ARCH)?;
        let program: BpfProgram = SeccompFilter::new(rules, allow, deny, machine)?.try_into()?;
        seccompiler::apply_filter(&program)
    };
    let _ = filter();
}

/// Does the kernel's keyring answer?
fn asks_keyring() -> bool {
    KeyRing::from_special_id(KeyRingIdentifier::Session, false).is_ok()
}

/// The files of a process. What is not there is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Files and folders that it reads.
    pub read: Vec<PathBuf>,
    /// Folders in which it does as it likes, but for starting programs.
    pub write: Vec<PathBuf>,
}

impl Paths {
    /// Of a feed: the run's folder and the files of recorded data to read, the ring to write. Its
    /// log is open before.
    ///
    /// # Errors
    /// When the session cannot be read.
    pub fn of_feed(home: &Home, run: &Path) -> Result<Self, Failure> {
        let mut paths = Self { read: vec![run.to_path_buf()], write: vec![ring_folder(home)?] };
        if let Ok(Manifest::Recorded(dataset)) = serde_json::from_value(session::load(run)?.data) {
            paths.read.extend(dataset.files.into_iter().map(|file| file.path));
        }
        Ok(paths)
    }

    /// Of a brain: its state folder, the ring, and the folder of a database in a file.
    ///
    /// # Errors
    /// When there is no place for a ring.
    pub fn of_brain(home: &Home, store: Option<&str>) -> Result<Self, Failure> {
        let mut write = vec![home.path().to_path_buf(), ring_folder(home)?];
        if let Some(file) = store.and_then(|url| url.strip_prefix("sqlite:")) {
            let file = Path::new(file);
            // The database keeps its log beside itself.
            write.push(match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
                _ => PathBuf::from("."),
            });
        }
        Ok(Self { read: Vec::new(), write })
    }
}

/// The folder of all of this user's rings: a ring's own may be cleared away and made anew, and
/// whoever reads it has to find it again.
fn ring_folder(home: &Home) -> Result<PathBuf, Failure> {
    let ring = home.ring();
    let own = ring.parent().unwrap_or(&ring);
    aegis_ring::prepare_dir(own)
        .map_err(|e| Failure::failed(e.to_string(), "check /dev/shm and its free space"))?;
    Ok(own.parent().unwrap_or(own).to_path_buf())
}

/// Holds this thread, and all that it starts, to these files. No program can be started any more.
pub fn files(paths: &Paths) -> Files {
    match limit(paths) {
        Ok(RulesetStatus::FullyEnforced) => Files::Limited,
        Ok(RulesetStatus::PartiallyEnforced) => Files::Partly,
        Ok(RulesetStatus::NotEnforced) => Files::Unlimited("this kernel has no landlock".into()),
        Err(error) => Files::Unlimited(error.to_string()),
    }
}

fn limit(paths: &Paths) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::from_all(RULES) & !AccessFs::Execute;
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(RULES))?.create()?;
    for path in SYSTEM.iter().map(Path::new).chain(paths.read.iter().map(PathBuf::as_path)) {
        rules = allow(rules, path, read)?;
    }
    for path in DEVICES.iter().map(Path::new) {
        rules = allow(rules, path, AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    for path in &paths.write {
        rules = allow(rules, path, write)?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Allows what is under a path; a file has no rights of folders.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else { return Ok(rules) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(RULES) };
    rules.add_rule(PathBeneath::new(opened, access))
}

/// Says in the log what is in force: a line, and a warning where less is than could be.
pub fn tell(process: &'static str, in_force: &InForce) {
    match &in_force.files {
        Files::Unlimited(why) => tracing::warn!(
            process,
            %why,
            "files are not limited by the kernel; everything works as it does elsewhere"
        ),
        files => tracing::debug!(process, ?files, "files are limited by the kernel"),
    }
    if !in_force.is_closed() {
        tracing::warn!(process, ?in_force, "the system refuses a part of the hardening");
    }
}
