//! The tables, once for both engines.
//!
//! Rules that make one SQL text serve both: decimals are TEXT, time is BIGINT nanoseconds, bools
//! are INTEGER 0 or 1, floats are DOUBLE PRECISION, lists are JSON in TEXT; no SERIAL, no NOW(), no
//! JSONB, no arrays; `$n` placeholders only in rising order.

use std::fmt::Write;

/// A table as the store writes and reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// All columns, in the order of values; the first is the session.
    pub columns: &'static [&'static str],
    /// Columns that identify a row.
    pub key: &'static [&'static str],
    /// A later (`seq`, `n`) replaces the row; otherwise a row never changes.
    pub changes: bool,
}

/// Index into [`TABLES`] by what a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sessions,
    Signals,
    Denials,
    Orders,
    Fills,
    Positions,
    Trades,
    Equity,
    Experience,
}

const EVENT: &[&str] = &["session", "seq", "n"];

/// All tables with a session's rows, in the order in which they are written.
pub const TABLES: [Table; 9] = [
    Table {
        name: "sessions",
        columns: &[
            "session",
            "version",
            "commit_id",
            "environment",
            "symbols",
            "trade_from_ns",
            "until_ns",
            "settings",
            "assumptions",
        ],
        key: &["session"],
        changes: false,
    },
    Table {
        name: "signals",
        columns: &[
            "session",
            "seq",
            "n",
            "at_ns",
            "symbol",
            "side",
            "level",
            "confidence",
            "patterns",
            "reasons",
            "reference_px",
            "stop_px",
            "target_px",
            "qty_suggested",
            "features",
        ],
        key: EVENT,
        changes: false,
    },
    Table {
        name: "denials",
        columns: &[
            "session",
            "seq",
            "n",
            "at_ns",
            "symbol",
            "side",
            "code",
            "measured",
            "allowed",
            "confidence",
        ],
        key: EVENT,
        changes: false,
    },
    Table {
        name: "orders",
        columns: &[
            "session",
            "number",
            "seq",
            "n",
            "client_id",
            "sent_ns",
            "updated_ns",
            "symbol",
            "side",
            "order_type",
            "reason",
            "reduce_only",
            "qty",
            "price",
            "trigger_px",
            "status",
            "reject_code",
            "filled_qty",
            "filled_quote",
        ],
        key: &["session", "number"],
        changes: true,
    },
    Table {
        name: "fills",
        columns: &[
            "session",
            "seq",
            "n",
            "at_ns",
            "venue_ns",
            "symbol",
            "trade_id",
            "order_number",
            "side",
            "order_reason",
            "fill_reason",
            "maker",
            "px",
            "qty",
            "leaves",
            "fee",
            "realized",
            "margin",
        ],
        key: EVENT,
        changes: false,
    },
    Table {
        name: "positions",
        columns: &[
            "session",
            "symbol",
            "opened_ns",
            "seq",
            "n",
            "updated_ns",
            "side",
            "status",
            "qty",
            "entry_px",
            "margin",
            "stop_px",
            "target_px",
            "stop_order",
            "protected",
            "confidence",
            "unrealized",
            "fees",
            "funding",
        ],
        key: &["session", "symbol", "opened_ns"],
        changes: true,
    },
    Table {
        name: "trades",
        columns: &[
            "session",
            "number",
            "seq",
            "n",
            "symbol",
            "side",
            "level",
            "qty",
            "entry_ns",
            "entry_px",
            "exit_ns",
            "exit_px",
            "exit_reason",
            "gross",
            "fees",
            "funding",
            "net",
            "r_multiple",
            "leverage",
            "confidence",
        ],
        key: &["session", "number"],
        changes: false,
    },
    Table {
        name: "equity",
        columns: &[
            "session",
            "seq",
            "n",
            "at_ns",
            "wallet",
            "unrealized",
            "equity",
            "exposure",
            "positions",
        ],
        key: EVENT,
        changes: false,
    },
    Table {
        name: "experience",
        columns: &[
            "session",
            "number",
            "symbol",
            "side",
            "level",
            "entry_ns",
            "exit_ns",
            "features",
            "exit_reason",
            "net",
            "r_multiple",
            "won",
        ],
        key: &["session", "number"],
        changes: false,
    },
];

impl Kind {
    pub(crate) const fn table(self) -> &'static Table {
        &TABLES[self as usize]
    }
}

impl Table {
    /// The statement that writes `rows` rows, idempotent by the table's key.
    pub fn insert(&self, rows: usize) -> String {
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.name, self.columns.join(", "));
        let width = self.columns.len();
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..width {
                let comma = if column == 0 { "" } else { ", " };
                // Writing to a String cannot fail.
                let _ = write!(sql, "{comma}${}", row * width + column + 1);
            }
            sql.push(')');
        }
        let _ = write!(sql, " ON CONFLICT ({}) DO ", self.key.join(", "));
        if !self.changes {
            sql.push_str("NOTHING");
            return sql;
        }
        sql.push_str("UPDATE SET ");
        let rest = self.columns.iter().filter(|c| !self.key.contains(c));
        for (i, column) in rest.enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}{column} = excluded.{column}");
        }
        let name = self.name;
        let _ = write!(sql, " WHERE (excluded.seq, excluded.n) > ({name}.seq, {name}.n)");
        sql
    }

    /// The statement that reads all rows of a session.
    pub fn select(&self) -> String {
        format!("SELECT {} FROM {} WHERE session = $1", self.columns.join(", "), self.name)
    }
}

/// One step of the schema: its version, its name, its statements.
pub(crate) struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub statements: &'static [&'static str],
}

/// Where the versions that were applied are kept.
pub(crate) const MIGRATIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS aegis_migrations (
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";

/// Every step, oldest first; a released step never changes, the next one is appended.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "first tables",
    statements: &[
        "CREATE TABLE sessions (
            session TEXT NOT NULL PRIMARY KEY, version TEXT NOT NULL, commit_id TEXT NOT NULL,
            environment TEXT NOT NULL, symbols TEXT NOT NULL, trade_from_ns BIGINT NOT NULL,
            until_ns BIGINT NOT NULL, settings TEXT NOT NULL, assumptions TEXT NOT NULL)",
        "CREATE TABLE signals (
            session TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, at_ns BIGINT NOT NULL,
            symbol TEXT NOT NULL, side TEXT NOT NULL, level TEXT NOT NULL,
            confidence DOUBLE PRECISION, patterns TEXT NOT NULL, reasons TEXT NOT NULL,
            reference_px TEXT NOT NULL, stop_px TEXT NOT NULL, target_px TEXT NOT NULL,
            qty_suggested TEXT NOT NULL, features TEXT NOT NULL,
            PRIMARY KEY (session, seq, n))",
        "CREATE TABLE denials (
            session TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, at_ns BIGINT NOT NULL,
            symbol TEXT NOT NULL, side TEXT NOT NULL, code TEXT NOT NULL,
            measured DOUBLE PRECISION, allowed DOUBLE PRECISION, confidence DOUBLE PRECISION,
            PRIMARY KEY (session, seq, n))",
        "CREATE TABLE orders (
            session TEXT NOT NULL, number BIGINT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL,
            client_id TEXT NOT NULL, sent_ns BIGINT NOT NULL, updated_ns BIGINT NOT NULL,
            symbol TEXT NOT NULL, side TEXT NOT NULL, order_type TEXT NOT NULL,
            reason TEXT NOT NULL, reduce_only INTEGER NOT NULL CHECK (reduce_only IN (0, 1)),
            qty TEXT NOT NULL, price TEXT NOT NULL, trigger_px TEXT NOT NULL,
            status TEXT NOT NULL, reject_code TEXT, filled_qty TEXT NOT NULL,
            filled_quote TEXT NOT NULL, PRIMARY KEY (session, number))",
        "CREATE TABLE fills (
            session TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, at_ns BIGINT NOT NULL,
            venue_ns BIGINT NOT NULL, symbol TEXT NOT NULL, trade_id BIGINT NOT NULL,
            order_number BIGINT NOT NULL, side TEXT NOT NULL, order_reason TEXT NOT NULL,
            fill_reason TEXT NOT NULL, maker INTEGER NOT NULL CHECK (maker IN (0, 1)),
            px TEXT NOT NULL, qty TEXT NOT NULL, leaves TEXT NOT NULL, fee TEXT NOT NULL,
            realized TEXT NOT NULL, margin TEXT NOT NULL, PRIMARY KEY (session, seq, n))",
        "CREATE TABLE positions (
            session TEXT NOT NULL, symbol TEXT NOT NULL, opened_ns BIGINT NOT NULL,
            seq BIGINT NOT NULL, n BIGINT NOT NULL, updated_ns BIGINT NOT NULL,
            side TEXT NOT NULL, status TEXT NOT NULL, qty TEXT NOT NULL, entry_px TEXT NOT NULL,
            margin TEXT NOT NULL, stop_px TEXT NOT NULL, target_px TEXT NOT NULL,
            stop_order BIGINT NOT NULL, protected INTEGER NOT NULL CHECK (protected IN (0, 1)),
            confidence DOUBLE PRECISION, unrealized TEXT NOT NULL, fees TEXT NOT NULL,
            funding TEXT NOT NULL, PRIMARY KEY (session, symbol, opened_ns))",
        "CREATE TABLE trades (
            session TEXT NOT NULL, number BIGINT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL,
            symbol TEXT NOT NULL, side TEXT NOT NULL, level TEXT NOT NULL, qty TEXT NOT NULL,
            entry_ns BIGINT NOT NULL, entry_px TEXT NOT NULL, exit_ns BIGINT NOT NULL,
            exit_px TEXT NOT NULL, exit_reason TEXT NOT NULL, gross TEXT NOT NULL,
            fees TEXT NOT NULL, funding TEXT NOT NULL, net TEXT NOT NULL,
            r_multiple DOUBLE PRECISION, leverage DOUBLE PRECISION, confidence DOUBLE PRECISION,
            PRIMARY KEY (session, number))",
        "CREATE TABLE equity (
            session TEXT NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, at_ns BIGINT NOT NULL,
            wallet TEXT NOT NULL, unrealized TEXT NOT NULL, equity TEXT NOT NULL,
            exposure TEXT NOT NULL, positions BIGINT NOT NULL, PRIMARY KEY (session, seq, n))",
        "CREATE TABLE experience (
            session TEXT NOT NULL, number BIGINT NOT NULL, symbol TEXT NOT NULL,
            side TEXT NOT NULL, level TEXT NOT NULL, entry_ns BIGINT NOT NULL,
            exit_ns BIGINT NOT NULL, features TEXT NOT NULL, exit_reason TEXT NOT NULL,
            net TEXT NOT NULL, r_multiple DOUBLE PRECISION,
            won INTEGER NOT NULL CHECK (won IN (0, 1)), PRIMARY KEY (session, number))",
    ],
}];

/// Version of the tables that this program makes.
pub(crate) fn version() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_point_at_their_tables() {
        for (kind, name) in [
            (Kind::Sessions, "sessions"),
            (Kind::Signals, "signals"),
            (Kind::Denials, "denials"),
            (Kind::Orders, "orders"),
            (Kind::Fills, "fills"),
            (Kind::Positions, "positions"),
            (Kind::Trades, "trades"),
            (Kind::Equity, "equity"),
            (Kind::Experience, "experience"),
        ] {
            assert_eq!(kind.table().name, name);
        }
    }

    #[test]
    fn placeholders_rise_in_order_on_both_engines() {
        for table in TABLES {
            let sql = table.insert(3);
            let numbers: Vec<usize> = sql
                .split('$')
                .skip(1)
                .filter_map(|s| s.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
                .collect();
            let expected: Vec<usize> = (1..=3 * table.columns.len()).collect();
            assert_eq!(numbers, expected, "{}", table.name);
            assert!(sql.contains("ON CONFLICT ("));
            assert_eq!(table.columns[0], "session");
        }
    }

    #[test]
    fn steps_rise_by_one() {
        for (expected, step) in (1..).zip(MIGRATIONS) {
            assert_eq!(step.version, expected);
        }
    }
}
