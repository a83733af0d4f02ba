//! What can go wrong with a database, why, and what to do. No text here carries a password.

use std::fmt;

/// Every failure of the store. Trading goes on through all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The URL begins with none of the known schemes.
    Scheme {
        /// The URL, password masked.
        url: String,
    },
    /// The URL has a known scheme and cannot be read further.
    Url {
        /// The URL, password masked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server does not answer, or not as a PostgreSQL server.
    Unreachable {
        /// The URL, password masked.
        url: String,
        /// What the connection said.
        why: String,
    },
    /// The file, the folder, the user or the database may not be used.
    Denied {
        /// The URL, password masked.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The file is something else than a database.
    NotADatabase {
        /// The URL.
        url: String,
    },
    /// Another program holds the database longer than the store waits.
    Locked {
        /// The URL, password masked.
        url: String,
    },
    /// The disk under the database is full.
    NoSpace {
        /// The URL, password masked.
        url: String,
        /// What the database said.
        why: String,
    },
    /// The tables were made by a later version of this program.
    Newer {
        /// The URL, password masked.
        url: String,
        /// Version of the tables.
        found: i64,
        /// Version that this program makes.
        supported: i64,
    },
    /// Anything else that the database refused.
    Sql {
        /// What was tried.
        action: &'static str,
        /// The URL, password masked.
        url: String,
        /// What the database said.
        why: String,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme { url } => write!(
                f,
                "`{url}` names no database that is known here; use sqlite:PATH, \
                 postgresql://USER:PASSWORD@HOST:PORT/NAME or postgres://…"
            ),
            Self::Url { url, why } => {
                write!(f, "database URL `{url}` cannot be read: {why}; correct DATABASE_URL")
            }
            Self::Unreachable { url, why } => write!(
                f,
                "no answer from the database at {url}: {why}; start the server or correct host and \
                 port in DATABASE_URL"
            ),
            Self::Denied { url, why } => write!(
                f,
                "the database {url} may not be used: {why}; check folder, file mode, user, \
                 password and database name"
            ),
            Self::NotADatabase { url } => write!(
                f,
                "{url} is not an SQLite database; name another path, or move that file away"
            ),
            Self::Locked { url } => write!(
                f,
                "the database {url} is locked by another program; close it there; rows wait \
                 meanwhile"
            ),
            Self::NoSpace { url, why } => write!(
                f,
                "no space left for the database {url}: {why}; free space on that disk; rows wait \
                 meanwhile"
            ),
            Self::Newer { url, found, supported } => write!(
                f,
                "the tables in {url} have version {found}, this program knows {supported}; use the \
                 newer program, or another database"
            ),
            Self::Sql { action, url, why } => write!(
                f,
                "cannot {action} in {url}: {why}; if the tables are not ours use another database, \
                 else `aegis store rebuild` makes them again from the journal"
            ),
        }
    }
}

impl std::error::Error for StoreError {}
