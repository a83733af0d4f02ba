//! The store: opens either engine, brings its tables up to date, writes batches, reads them back.

use crate::error::StoreError;
use crate::row::Row;
use crate::schema::{MIGRATIONS, MIGRATIONS_TABLE, TABLES, Table, version};
use crate::server::Server;
use crate::sqlite::Sqlite;
use crate::url::{StoreUrl, masked};
use crate::value::Value;
use std::collections::BTreeMap;

/// Rows of one statement, largest first. Fixed sizes keep the set of prepared statements small.
const CHUNKS: [usize; 3] = [64, 8, 1];

enum Backend {
    Sqlite(Sqlite),
    Postgres(Box<Server>),
}

/// A database with our tables in it.
pub struct Store {
    backend: Backend,
    url: String,
    statements: BTreeMap<(&'static str, usize), String>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:PATH`, `postgresql://…` or `postgres://…` and makes or updates the tables.
    ///
    /// # Errors
    /// [`StoreError`]: scheme, unreachable, denied, not a database, locked, of a newer version.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let backend = match StoreUrl::parse(url)? {
            StoreUrl::Sqlite(path) => Backend::Sqlite(Sqlite::open(&path)?),
            StoreUrl::Postgres(url) => Backend::Postgres(Box::new(Server::open(&url)?)),
        };
        let mut store = Self { backend, url: masked(url), statements: BTreeMap::new() };
        store.transaction(Self::migrate)?;
        Ok(store)
    }

    /// The URL, password masked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes rows in one transaction: all or none. Rows that are there already, or older than what
    /// is there, change nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch was then written, and it may be written again.
    pub fn write(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.transaction(|store| store.write_all(rows))
    }

    /// How many rows of a session each table holds, in the order of [`TABLES`].
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn counts(&mut self, session: &str) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let mut counts = Vec::with_capacity(TABLES.len());
        for table in &TABLES {
            let sql = format!("SELECT COUNT(*) FROM {} WHERE session = $1", table.name);
            let rows = self.query(&sql, &[Value::text(session)])?;
            let count = match rows.first().and_then(|r| r.first()) {
                Some(Value::Int(n)) => n.unsigned_abs(),
                _ => 0,
            };
            counts.push((table.name, count));
        }
        Ok(counts)
    }

    /// Every row of a session as `table⇥value⇥value…`, sorted: equal for equal content, whichever
    /// engine holds it and in whatever order it was written.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn dump(&mut self, session: &str) -> Result<Vec<String>, StoreError> {
        let mut lines = Vec::new();
        for table in &TABLES {
            for row in self.query(&table.select(), &[Value::text(session)])? {
                let values: Vec<String> = row.iter().map(Value::to_string).collect();
                lines.push(format!("{}\t{}", table.name, values.join("\t")));
            }
        }
        lines.sort_unstable();
        Ok(lines)
    }

    /// Ids of all sessions that the database holds, sorted.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn sessions(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self.query("SELECT session FROM sessions", &[])?;
        let mut ids: Vec<String> = rows.iter().flatten().map(Value::to_string).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes all rows of a session, before they are made again from its journal.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was then removed.
    pub fn forget(&mut self, session: &str) -> Result<(), StoreError> {
        self.transaction(|store| {
            TABLES.iter().try_for_each(|table| {
                let sql = format!("DELETE FROM {} WHERE session = $1", table.name);
                store.execute("delete rows", &sql, &[Value::text(session)])
            })
        })
    }

    fn transaction(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.backend {
            Backend::Sqlite(b) => b.begin()?,
            Backend::Postgres(b) => b.begin()?,
        }
        let done = work(self).and_then(|()| match &mut self.backend {
            Backend::Sqlite(b) => b.commit(),
            Backend::Postgres(b) => b.commit(),
        });
        if done.is_err() {
            match &mut self.backend {
                Backend::Sqlite(b) => b.rollback(),
                Backend::Postgres(b) => b.rollback(),
            }
        }
        done
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        if let Backend::Postgres(server) = &mut self.backend {
            server.lock_schema()?;
        }
        self.batch(MIGRATIONS_TABLE)?;
        let rows = self.query("SELECT MAX(version) FROM aegis_migrations", &[])?;
        let found = match rows.first().and_then(|r| r.first()) {
            Some(Value::Int(v)) => *v,
            _ => 0,
        };
        if found > version() {
            let url = self.url.clone();
            return Err(StoreError::Newer { url, found, supported: version() });
        }
        for step in MIGRATIONS.iter().filter(|m| m.version > found) {
            for sql in step.statements {
                self.batch(sql)?;
            }
            let done = [Value::Int(step.version), Value::text(step.name)];
            let sql = "INSERT INTO aegis_migrations (version, name) VALUES ($1, $2)";
            self.execute("note the tables' version", sql, &done)?;
        }
        Ok(())
    }

    fn write_all(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        // One statement may touch a row once, so of several states in a batch only the last goes.
        let mut newest = BTreeMap::new();
        for (i, row) in rows.iter().enumerate() {
            if let Some((kind, session, name, number)) = row.entity() {
                newest.insert((kind as u8, session, name, number), i);
            }
        }
        let mut by_table: [Vec<&Row>; TABLES.len()] = Default::default();
        for (i, row) in rows.iter().enumerate() {
            let stale = row.entity().is_some_and(|(kind, session, name, number)| {
                newest.get(&(kind as u8, session, name, number)) != Some(&i)
            });
            if !stale {
                by_table[row.kind() as usize].push(row);
            }
        }
        for (table, rows) in TABLES.iter().zip(by_table) {
            self.insert(table, &rows)?;
        }
        Ok(())
    }

    fn insert(&mut self, table: &'static Table, mut rows: &[&Row]) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(table.columns.len() * CHUNKS[0]);
        for size in CHUNKS {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                values.clear();
                now.iter().for_each(|row| row.values(&mut values));
                let key = (table.name, size);
                let sql = self.statements.entry(key).or_insert_with(|| table.insert(size));
                match &mut self.backend {
                    Backend::Sqlite(b) => b.execute("write rows", sql, &values)?,
                    Backend::Postgres(b) => b.execute("write rows", sql, &values)?,
                }
                rows = later;
            }
        }
        Ok(())
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        match &mut self.backend {
            Backend::Sqlite(b) => b.batch("make the tables", sql),
            Backend::Postgres(b) => b.batch("make the tables", sql),
        }
    }

    fn execute(
        &mut self,
        action: &'static str,
        sql: &str,
        values: &[Value],
    ) -> Result<(), StoreError> {
        match &mut self.backend {
            Backend::Sqlite(b) => b.execute(action, sql, values),
            Backend::Postgres(b) => b.execute(action, sql, values),
        }
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        match &mut self.backend {
            Backend::Sqlite(b) => b.query(sql, values),
            Backend::Postgres(b) => b.query(sql, values),
        }
    }
}
