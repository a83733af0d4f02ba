//! Names, folders, locks and checks of segment files.
//!
//! Two locks, both dropped by the kernel when their holder dies:
//! `NAME.lock` is the writer's place on this *name*, so a second writer is refused for as long as
//! the first one lives; the lock on the segment file itself says whether the writer of this
//! *epoch* lives, and readers probe it with a shared lock. `NAME.gate` is the brain's place.

use crate::error::RingError;
use crate::layout::{
    CAPACITY_MAX, CAPACITY_MIN, FACT_WORDS, Facts, LAYOUT_HASH, LAYOUT_VERSION, MAGIC, RingSlot,
    file_len,
};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::{DirBuilder, File, Metadata};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

const SHM: &str = "/dev/shm";

/// Folder of the rings of one state folder: `/dev/shm/aegis-<uid>/<tag>`.
///
/// The name only, nothing is created; [`prepare_dir`] (which [`crate::Writer::create`] calls)
/// makes it with mode 0700. Characters of `state_tag` that do not belong in a file name become
/// `_`. Where a system has no `/dev/shm` the temporary folder takes its place.
pub fn ring_dir(state_tag: &str) -> PathBuf {
    let tag: String = state_tag
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' })
        .collect();
    user_dir().join(if tag.is_empty() { "default" } else { &tag })
}

fn user_dir() -> PathBuf {
    let root = Path::new(SHM);
    let root = if root.is_dir() { root.to_path_buf() } else { std::env::temp_dir() };
    root.join(format!("aegis-{}", geteuid().as_raw()))
}

/// Makes `dir` and what is missing above it with mode 0700.
///
/// # Errors
/// `Permission` if a folder below `/dev/shm/aegis-<uid>` exists with another owner or mode, or as
/// a link: shared memory is world-writable, so somebody else may have put it there.
pub fn prepare_dir(dir: &Path) -> Result<(), RingError> {
    if dir.as_os_str().is_empty() {
        return Ok(());
    }
    let user = user_dir();
    let created = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    created.map_err(|e| RingError::from_io(dir, "create the folder", e))?;
    let private = dir.ancestors().take_while(|d| d.starts_with(&user));
    for folder in private {
        let found = fs::symlink_metadata(folder)
            .map_err(|e| RingError::from_io(folder, "examine the folder", e))?;
        if !found.is_dir() {
            return Err(refusal(folder, "it is not a folder".to_owned()));
        }
        check_owner(folder, &found, 0o700)?;
    }
    Ok(())
}

fn refusal(path: &Path, why: String) -> RingError {
    RingError::Permission { path: path.to_path_buf(), why }
}

fn check_owner(path: &Path, found: &Metadata, mode: u32) -> Result<(), RingError> {
    let me = geteuid().as_raw();
    if found.uid() != me {
        return Err(refusal(path, format!("its owner is user {}, not {me}", found.uid())));
    }
    if found.mode() & 0o777 != mode {
        let is = found.mode() & 0o777;
        return Err(refusal(path, format!("its mode is {is:04o}, not {mode:04o}")));
    }
    Ok(())
}

/// `path` with `suffix` appended to its last component.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn open_with(path: &Path, flags: OFlags, action: &'static str) -> Result<File, RingError> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(path, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|e| RingError::from_io(path, action, e.into()))
}

/// Creates a file that must not exist yet.
pub(crate) fn create_new(path: &Path) -> Result<File, RingError> {
    open_with(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, "create")
}

/// An exclusive lock, released on drop even where a child process between its fork and its exec
/// still has a copy of the descriptor.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Locks `file` unless a live process has it.
    pub(crate) fn try_new(file: File) -> Result<Self, Errno> {
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes the exclusive lock `path`, creating its file; refuses if a live process has it.
pub(crate) fn take_place(path: &Path, place: &'static str) -> Result<Lock, RingError> {
    // A probe (`is_place_taken`) holds the lock for microseconds; that is not a tenant.
    const TRIES: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(5);
    for _ in 0..TRIES {
        let file = open_with(path, OFlags::RDWR | OFlags::CREATE, "open the lock")?;
        let found = file.metadata().map_err(|e| RingError::from_io(path, "examine", e))?;
        check_owner(path, &found, 0o600)?;
        match Lock::try_new(file) {
            Ok(lock) => return Ok(lock),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(e) => return Err(RingError::from_io(path, "lock", e.into())),
        }
    }
    Err(RingError::Locked { path: path.to_path_buf(), place })
}

/// Whether a live process holds `file` exclusively. Probes with a shared lock, so that two
/// probes never mistake each other for a writer.
pub(crate) fn is_held(file: &File) -> bool {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {
            let _ = flock(file, FlockOperation::Unlock);
            false
        }
        Err(e) => e == Errno::WOULDBLOCK,
    }
}

/// Whether a live process holds the lock file `path`.
pub(crate) fn is_place_taken(path: &Path) -> bool {
    open_with(path, OFlags::RDWR, "open the lock").is_ok_and(|file| is_held(&file))
}

/// Reads the facts at the head of a file without mapping it. A shorter file reads as zeros.
pub(crate) fn read_facts(path: &Path, file: &File) -> Result<Facts, RingError> {
    let mut bytes = [0_u8; FACT_WORDS * 8];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => bytes.fill(0),
        Err(e) => return Err(RingError::from_io(path, "read", e)),
    }
    let mut words = [0; FACT_WORDS];
    for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*chunk);
    }
    Ok(Facts::from_words(words))
}

/// Opens a segment and checks owner, mode, facts and length: everything that a mapping relies on.
pub(crate) fn open_segment(path: &Path) -> Result<(File, Facts), RingError> {
    let file = open_with(path, OFlags::RDWR, "open")?;
    let found = file.metadata().map_err(|e| RingError::from_io(path, "examine", e))?;
    if !found.is_file() {
        return Err(refusal(path, "it is not a regular file".to_owned()));
    }
    check_owner(path, &found, 0o600)?;
    let facts = read_facts(path, &file)?;
    check_facts(path, &facts)?;
    let expected = file_len(facts.capacity as usize) as u64;
    if found.len() < expected {
        return Err(mismatch(path, "length", found.len(), expected));
    }
    Ok((file, facts))
}

fn mismatch(path: &Path, fact: &'static str, found: u64, expected: u64) -> RingError {
    RingError::Layout { path: path.to_path_buf(), fact, found, expected }
}

fn check_facts(path: &Path, facts: &Facts) -> Result<(), RingError> {
    let checks = [
        ("magic", facts.magic, MAGIC),
        ("layout version", facts.version, LAYOUT_VERSION),
        ("layout hash", facts.layout_hash, LAYOUT_HASH),
        ("slot size", facts.slot_size, size_of::<RingSlot>() as u64),
    ];
    for (fact, found, expected) in checks {
        if found != expected {
            return Err(mismatch(path, fact, found, expected));
        }
    }
    let possible = CAPACITY_MIN as u64..=CAPACITY_MAX as u64;
    if !facts.capacity.is_power_of_two() || !possible.contains(&facts.capacity) {
        return Err(mismatch(path, "capacity", facts.capacity, CAPACITY_MIN as u64));
    }
    Ok(())
}

/// Device and inode: which file a name means at the moment.
pub(crate) fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Removes what a killed predecessor left half made. Only the holder of the writer's place may
/// call this: everything named `NAME.tmp.*` is then nobody's.
pub(crate) fn sweep(path: &Path) {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return };
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let prefix = format!("{}.tmp.", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
