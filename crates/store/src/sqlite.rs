//! SQLite: one file, write-ahead log, one transaction a batch.

use crate::error::StoreError;
use crate::value::Value;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another program's lock before the batch goes back to the
/// backlog.
const BUSY: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: Connection,
    url: String,
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(v) => ValueRef::Integer(*v),
            Self::Real(v) => ValueRef::Real(*v),
            Self::Text(v) => ValueRef::Text(v.as_bytes()),
        }))
    }
}

impl Sqlite {
    /// Opens or creates the file.
    ///
    /// WAL with `synchronous = NORMAL`: a commit survives the process and not a power cut, which
    /// can never damage the file; the journal gives back what was lost. FULL would pay a sync for
    /// rows that can be made again.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let url = format!("sqlite:{}", path.display());
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(folder) = parent.filter(|p| !p.is_dir()) {
            let why = format!("the folder {} does not exist: create it", folder.display());
            return Err(StoreError::Denied { url, why });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags);
        let connection = opened.map_err(|e| error("open", &url, &e))?;
        let store = Self { connection, url };
        store.prepare().map_err(|e| error("open", &store.url, &e))?;
        Ok(store)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        self.connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        // The process may write beside the database and nowhere else.
        self.connection.execute_batch("PRAGMA temp_store = MEMORY")?;
        self.connection.set_prepared_statement_cache_capacity(64);
        // Reads the file's head: says now, and not at the first batch, what it is.
        self.connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))
    }

    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        self.batch("begin a transaction", "BEGIN IMMEDIATE")
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("commit rows", "COMMIT")
    }

    pub(crate) fn rollback(&mut self) {
        // Fails only when there is nothing to roll back.
        let _ = self.connection.execute_batch("ROLLBACK");
    }

    pub(crate) fn batch(&self, action: &'static str, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|e| error(action, &self.url, &e))
    }

    pub(crate) fn execute(
        &mut self,
        action: &'static str,
        sql: &str,
        values: &[Value],
    ) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute(params_from_iter(values));
        run().map(|_| ()).map_err(|e| error(action, &self.url, &e))
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let run = || -> rusqlite::Result<Vec<Vec<Value>>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let rows = statement.query_map(params_from_iter(values), |row| {
                (0..columns).map(|i| row.get_ref(i).map(value)).collect()
            })?;
            rows.collect()
        };
        run().map_err(|e| error("read", &self.url, &e))
    }
}

fn value(read: ValueRef<'_>) -> Value {
    match read {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::real(v),
        ValueRef::Text(v) | ValueRef::Blob(v) => Value::Text(String::from_utf8_lossy(v).into()),
    }
}

fn error(action: &'static str, url: &str, e: &rusqlite::Error) -> StoreError {
    let (url, why) = (url.to_string(), e.to_string());
    match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::NotADatabase { url }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { url },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Denied { url, why }
        }
        Some(ErrorCode::DiskFull) => StoreError::NoSpace { url, why },
        _ => StoreError::Sql { action, url, why },
    }
}
