//! What can go wrong with a segment: what happened, why, what to do.

use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Refusal of a ring operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum RingError {
    /// Another live process holds this place.
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// Whose place it is: `writer` or `brain`.
        place: &'static str,
    },
    /// Something that is not a ring segment is in the way.
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The file is not a segment this build can read.
    Layout {
        /// The segment.
        path: PathBuf,
        /// Which fact disagrees.
        fact: &'static str,
        /// What the file says.
        found: u64,
        /// What this build needs.
        expected: u64,
    },
    /// There is no segment at this path.
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Owner or mode are not those of a private file or folder of this user.
    Permission {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A configuration that no ring can have.
    BadConfig {
        /// What is wrong.
        why: String,
    },
    /// A sequence that this segment has not reached.
    Ahead {
        /// The segment.
        path: PathBuf,
        /// The sequence asked for.
        asked: u64,
        /// How many messages the segment holds.
        published: u64,
    },
    /// Shared memory is full.
    NoSpace {
        /// The segment.
        path: PathBuf,
        /// Bytes the segment needs.
        bytes: u64,
    },
    /// Any other failure of the operating system.
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl RingError {
    /// Sorts a system error under the variant that tells the user what to do.
    pub(crate) fn from_io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_path_buf();
        if source.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
            return Self::Permission { path, why: "it is a symbolic link".to_owned() };
        }
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => {
                Self::Permission { path, why: format!("{action}: {source}") }
            }
            _ => Self::Io { path, action, source },
        }
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, place } => write!(
                f,
                "the {place}'s place on this ring is taken: another live process holds {}; \
                 stop that process, or use another state folder (AEGIS_HOME)",
                path.display()
            ),
            Self::Exists { path } => write!(
                f,
                "{} is in the way: it is not a ring segment and is not overwritten; \
                 move or delete it",
                path.display()
            ),
            Self::Layout { path, fact, found, expected } => write!(
                f,
                "{} is not a ring segment of this build: {fact} is {found:#x}, needed \
                 {expected:#x}; it is damaged or another version wrote it; restart the feed \
                 with the same binary as the reader",
                path.display()
            ),
            Self::NotFound { path } => write!(
                f,
                "no ring segment at {}: no feed has published here yet; start the feed, or \
                 check AEGIS_HOME",
                path.display()
            ),
            Self::Permission { path, why } => write!(
                f,
                "{} is refused: {why}; ring files belong to the running user with mode 0600 \
                 in folders of mode 0700; correct or delete it",
                path.display()
            ),
            Self::BadConfig { why } => write!(f, "the ring's configuration is wrong: {why}"),
            Self::Ahead { path, asked, published } => write!(
                f,
                "sequence {asked} was asked of {}, which holds {published} messages: the \
                 position is of another epoch; compare the epoch before re-attaching",
                path.display()
            ),
            Self::NoSpace { path, bytes } => write!(
                f,
                "no space for the ring segment {} ({bytes} bytes): shared memory is full; \
                 free some of /dev/shm or choose a smaller ring.slots",
                path.display()
            ),
            Self::Io { path, action, source } => {
                write!(f, "could not {action} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for RingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
