//! What can go wrong with a journal, why, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Every failure of reading or writing a journal.
#[derive(Debug)]
pub enum JournalError {
    /// The folder, or every segment in it, does not exist.
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// A new journal was asked for where there is one.
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process writes this journal.
    Locked {
        /// The folder.
        dir: PathBuf,
        /// Who holds it, as its LOCK file says.
        holder: String,
    },
    /// The disk is full.
    NoSpace {
        /// The file that could not grow.
        path: PathBuf,
        /// How much was asked for.
        bytes: u64,
    },
    /// The file system was made read-only.
    ReadOnly {
        /// The file or folder that could not be written.
        path: PathBuf,
    },
    /// A sync failed. What was written since the one before may be gone, whatever the next one
    /// says.
    SyncFailed {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system denies access.
    Denied {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Any other failure of the operating system.
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file of another version of the format.
    Version {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads and writes.
        supported: u32,
    },
    /// A record whose payload is of a version that this program does not know.
    RecordVersion {
        /// The segment.
        file: PathBuf,
        /// The record.
        record: u64,
        /// What it is.
        kind: &'static str,
        /// Its version.
        found: u8,
        /// The newest version of such records that this program reads.
        supported: u8,
    },
    /// A record of a kind that this program does not know.
    RecordKind {
        /// The segment.
        file: PathBuf,
        /// The record.
        record: u64,
        /// The code of its kind.
        code: u8,
    },
    /// A file of this version with another record layout.
    Layout {
        /// The file.
        file: PathBuf,
        /// Its layout hash.
        found: u32,
        /// The layout hash of this program.
        supported: u32,
    },
    /// A file that is not a journal segment at all.
    NotAJournal {
        /// The file.
        file: PathBuf,
    },
    /// Bytes that are not what was written, with whole records behind them.
    Corrupt {
        /// The segment.
        file: PathBuf,
        /// Byte offset in the segment.
        offset: u64,
        /// The record that should be there.
        record: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A segment between others, or the first, is not there.
    MissingSegment {
        /// The file that should be there.
        file: PathBuf,
    },
    /// The journal's first segments were removed behind a snapshot.
    Trimmed {
        /// The folder.
        dir: PathBuf,
        /// Number of the first record that is still there.
        first: u64,
    },
    /// A snapshot that cannot be used.
    Snapshot {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The journal has no complete session header: it was never fully created.
    NoSession {
        /// The folder.
        dir: PathBuf,
    },
    /// A payload longer than a record holds.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The writer failed before and writes nothing any more.
    Failed {
        /// The first failure.
        why: String,
    },
}

impl JournalError {
    /// The disk takes nothing now, being full or read-only: nothing is lost, and the call may be
    /// repeated when it takes something again.
    pub const fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. } | Self::ReadOnly { .. })
    }

    /// From a sync, which is never asked for again.
    pub(crate) fn sync(path: &Path, source: io::Error) -> Self {
        Self::SyncFailed { path: path.to_path_buf(), source }
    }

    /// From the operating system, by its kind.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if is_full(&source) {
            return Self::NoSpace { path, bytes: 0 };
        }
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path, source },
            _ => Self::Io { action, path, source },
        }
    }

    /// What is said about a journal's content; the disk's part is in `Display`.
    fn fmt_content(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { file, found, supported } if found < supported => write!(
                f,
                "{} has journal version {found}, this program has version {supported}; `aegis \
                 journal migrate {}` writes it anew, and keeps this one",
                file.display(),
                file.parent().unwrap_or(file).display()
            ),
            Self::Version { file, found, supported } => write!(
                f,
                "{} has journal version {found}, this program has version {supported}: a newer \
                 program wrote it; use that one",
                file.display()
            ),
            Self::RecordKind { file, record, code } => write!(
                f,
                "record {record} in {} is of kind {code}, which this program does not know: a \
                 newer program wrote it; use that one",
                file.display()
            ),
            Self::RecordVersion { file, record, kind, found, supported } => write!(
                f,
                "record {record} in {} is a {kind} record of version {found}, this program reads \
                 them up to version {supported}: a newer program wrote it; use that one",
                file.display()
            ),
            Self::Layout { file, found, supported } => write!(
                f,
                "{} has record layout {found:08x}, this program has {supported:08x}; read it with \
                 the program that wrote it",
                file.display()
            ),
            Self::NotAJournal { file } => {
                write!(f, "{} is not a journal segment; check the path", file.display())
            }
            Self::Corrupt { file, offset, record, why } => write!(
                f,
                "{} is damaged at byte {offset} (record {record}): {why}; trust nothing behind it: \
                 restore a copy, or start a new session and reconcile with the exchange",
                file.display()
            ),
            Self::MissingSegment { file } => write!(
                f,
                "{} is missing between the journal's other segments; restore it from a copy",
                file.display()
            ),
            Self::Trimmed { dir, first } => write!(
                f,
                "the journal in {} begins with record {first}: what was before it was removed \
                 behind a snapshot, and no snapshot that can be used reaches that far; restore the \
                 snapshots or the older segments from a copy",
                dir.display()
            ),
            Self::Snapshot { file, why } => {
                write!(f, "snapshot {} cannot be used: {why}; an older one will do", file.display())
            }
            Self::NoSession { dir } => write!(
                f,
                "the journal in {} has no complete session header: it was never begun, or its \
                 start is destroyed; if the exchange has no order of it, remove the folder and \
                 start a new session",
                dir.display()
            ),
            Self::TooLong { bytes } => write!(
                f,
                "a payload of {bytes} bytes is longer than the {} that a record holds; split it",
                crate::record::PAYLOAD_MAX
            ),
            Self::Failed { why } => write!(
                f,
                "the journal stopped after a failure and takes no more records ({why}); restart \
                 the process: it recovers from what is in the file"
            ),
            // The disk's part.
            _ => Ok(()),
        }
    }
}

/// Is this the system's way of saying that there is no space?
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dir } => write!(
                f,
                "no journal in {}: the folder or its segments do not exist; check the path, or \
                 start a new session",
                dir.display()
            ),
            Self::Exists { dir } => write!(
                f,
                "{} already holds a journal; resume it, or start the new session in another folder",
                dir.display()
            ),
            Self::Locked { dir, holder } => write!(
                f,
                "journal {} is being written by {holder}; two writers would destroy it: stop the \
                 other one, or use another AEGIS_HOME",
                dir.display()
            ),
            Self::NoSpace { path, bytes } => write!(
                f,
                "no space left for {} ({bytes} bytes asked for); nothing is lost: free space on \
                 that disk and try again",
                path.display()
            ),
            Self::ReadOnly { path } => write!(
                f,
                "{} cannot be written: its file system is read-only; nothing is lost: see what the \
                 kernel says about that disk, mount it writable, and try again",
                path.display()
            ),
            Self::SyncFailed { path, source } => write!(
                f,
                "the disk did not take what was written to {} ({source}); syncing again would \
                 prove nothing, so nothing more is written: check the disk, then restart, which \
                 reads what is there and writes the doubtful part anew",
                path.display()
            ),
            Self::Denied { path, source } => write!(
                f,
                "{} cannot be written or read: {source}; check its owner and mode, or set \
                 AEGIS_HOME to a writable folder",
                path.display()
            ),
            Self::Io { action, path, source } => write!(
                f,
                "cannot {action} {}: {source}; check the disk, then resume the session",
                path.display()
            ),
            _ => self.fmt_content(f),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied { source, .. }
            | Self::SyncFailed { source, .. }
            | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
