//! What can go wrong with data files: what happened, why, what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Refusal of a data argument or a data file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataError {
    /// The arguments name nothing that can be read: a usage error (exit code 2).
    Arguments {
        /// What is wrong.
        why: String,
        /// What to do about it.
        hint: String,
    },
    /// A file is not what it should be (exit code 1).
    File {
        /// The file.
        path: PathBuf,
        /// Line from 1; 0 when no line is to blame.
        line: u64,
        /// Column from 1 and its name, when one is to blame.
        column: Option<(usize, &'static str)>,
        /// What is wrong.
        why: String,
        /// What to do about it.
        hint: String,
    },
}

impl DataError {
    /// A usage error.
    pub(crate) fn arguments(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Arguments { why: why.into(), hint: hint.into() }
    }

    /// A file as a whole is wrong.
    pub(crate) fn file(path: &Path, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::at(path, 0, None, why, hint)
    }

    /// A place in a file is wrong.
    pub(crate) fn at(
        path: &Path,
        line: u64,
        column: Option<(usize, &'static str)>,
        why: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let path = path.to_path_buf();
        Self::File { path, line, column, why: why.into(), hint: hint.into() }
    }

    /// A system error while reading, sorted under what the user can do about it.
    pub(crate) fn io(path: &Path, line: u64, error: &io::Error) -> Self {
        let (why, hint) = match error.kind() {
            io::ErrorKind::NotFound => (
                "it does not exist".to_owned(),
                "check the path given: FILE, --data or --instruments",
            ),
            io::ErrorKind::IsADirectory => {
                ("it is a folder, and one file is read here".to_owned(), "name a file in it")
            }
            io::ErrorKind::PermissionDenied => {
                ("reading it is not permitted".to_owned(), "give the running user read permission")
            }
            io::ErrorKind::UnexpectedEof => (
                "the compressed data ends too early: the file is cut".to_owned(),
                "download or copy it again, and compare its checksum",
            ),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => (
                format!("the compressed data is damaged ({error})"),
                "download or copy it again, and compare its checksum",
            ),
            _ => (format!("reading it failed ({error})"), "check the disk and try again"),
        };
        Self::at(path, line, None, why, hint)
    }

    /// True when the command line is to blame, not a file's content: exit code 2, else 1.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Arguments { .. })
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments { why, hint } => write!(f, "{why}; {hint}"),
            Self::File { path, line, column, why, hint } => {
                write!(f, "{}", path.display())?;
                if *line > 0 {
                    write!(f, ", line {line}")?;
                }
                if let Some((number, name)) = column {
                    write!(f, ", column {number} ({name})")?;
                }
                // What a file holds may be quoted here: no control codes reach the terminal.
                let visible =
                    |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
                let why: String = why.chars().map(visible).collect();
                write!(f, ": {why}; {hint}")
            }
        }
    }
}

impl std::error::Error for DataError {}
