//! PostgreSQL: the same statements over one connection, made again when it was lost.

use crate::error::StoreError;
use crate::url::{masked, scrub};
use crate::value::Value;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// A server that is gone without a word is noticed after this long.
const SILENCE: Duration = Duration::from_secs(10);
/// One number for "AEGIS changes the schema"; two programs that start together take turns.
const MIGRATION_LOCK: i64 = 0x4145_4749;

pub(crate) struct Server {
    config: Config,
    url: String,
    client: Client,
    statements: BTreeMap<String, Statement>,
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Self::Int(v) => v.to_sql(ty, out),
            Self::Real(v) => v.to_sql(ty, out),
            Self::Text(v) => v.as_str().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT4 | Type::INT8 | Type::FLOAT8 | Type::TEXT)
    }

    to_sql_checked!();
}

impl Server {
    pub(crate) fn open(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|e: postgres::Error| StoreError::Url {
            url: masked(url),
            why: scrub(&text(&e), url),
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.tcp_user_timeout(SILENCE).application_name("aegis");
        let client = connect(&config, url)?;
        Ok(Self { config, url: url.into(), client, statements: BTreeMap::new() })
    }

    /// Begins a transaction, over a new connection if the last one is gone.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        if self.client.is_closed() {
            self.client = connect(&self.config, &self.url)?;
            self.statements.clear();
        }
        self.batch("begin a transaction", "BEGIN")
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("commit rows", "COMMIT")
    }

    pub(crate) fn rollback(&mut self) {
        // A lost connection has rolled back already.
        let _ = self.client.batch_execute("ROLLBACK");
    }

    /// Takes turns with other programs that may be creating the tables; ends with the transaction.
    pub(crate) fn lock_schema(&mut self) -> Result<(), StoreError> {
        let sql = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        self.batch("lock the schema", &sql)
    }

    pub(crate) fn batch(&mut self, action: &'static str, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|e| error(action, &self.url, &e))
    }

    pub(crate) fn execute(
        &mut self,
        action: &'static str,
        sql: &str,
        values: &[Value],
    ) -> Result<(), StoreError> {
        let mut run = || {
            let statement = prepared(&mut self.client, &mut self.statements, sql)?;
            let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
            self.client.execute(&statement, &params)
        };
        run().map(|_| ()).map_err(|e| error(action, &self.url, &e))
    }

    pub(crate) fn query(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut run = || -> Result<Vec<Vec<Value>>, postgres::Error> {
            let statement = prepared(&mut self.client, &mut self.statements, sql)?;
            let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
            let rows = self.client.query(&statement, &params)?;
            rows.iter().map(|row| (0..row.len()).map(|i| column(row, i)).collect()).collect()
        };
        run().map_err(|e| error("read", &self.url, &e))
    }
}

fn prepared(
    client: &mut Client,
    statements: &mut BTreeMap<String, Statement>,
    sql: &str,
) -> Result<Statement, postgres::Error> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql)?;
    statements.insert(sql.into(), statement.clone());
    Ok(statement)
}

fn column(row: &postgres::Row, i: usize) -> Result<Value, postgres::Error> {
    let ty = row.columns()[i].type_();
    Ok(if *ty == Type::INT8 {
        row.try_get::<_, Option<i64>>(i)?.map_or(Value::Null, Value::Int)
    } else if *ty == Type::INT4 {
        row.try_get::<_, Option<i32>>(i)?.map_or(Value::Null, |v| Value::Int(i64::from(v)))
    } else if *ty == Type::FLOAT8 {
        row.try_get::<_, Option<f64>>(i)?.map_or(Value::Null, Value::real)
    } else {
        row.try_get::<_, Option<String>>(i)?.map_or(Value::Null, Value::Text)
    })
}

fn connect(config: &Config, url: &str) -> Result<Client, StoreError> {
    let mut client = config.connect(NoTls).map_err(|e| error("connect", url, &e))?;
    // A lock held by someone else, or a server that hangs, ends as an error and the rows wait.
    let limits = "SET lock_timeout = '2s'; SET statement_timeout = '20s'";
    client.batch_execute(limits).map_err(|e| error("connect", url, &e))?;
    Ok(client)
}

/// The whole story: the crate's own text names only the layer.
fn text(e: &postgres::Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

fn error(action: &'static str, url: &str, e: &postgres::Error) -> StoreError {
    let (why, url) = (scrub(&text(e), url), masked(url));
    let Some(code) = e.code().map(postgres::error::SqlState::code) else {
        // No answer of the server, so no verdict of its own: the connection failed.
        return StoreError::Unreachable { url, why };
    };
    // Classes of PostgreSQL's appendix A.
    match code {
        "55P03" | "57014" | "40P01" => StoreError::Locked { url },
        "53100" => StoreError::NoSpace { url, why },
        "3D000" | "42501" => StoreError::Denied { url, why },
        _ if code.starts_with("28") => StoreError::Denied { url, why },
        _ if code.starts_with("08") || code.starts_with("57P") => {
            StoreError::Unreachable { url, why }
        }
        _ => StoreError::Sql { action, url, why },
    }
}
