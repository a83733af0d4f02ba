//! What the store promises, tested at its boundary on both engines.
//!
//! - The same rows give the same dump on SQLite and on PostgreSQL, in any batching, written once
//!   or twice (`contract`, `model`).
//! - A batch is written whole or not at all; a locked or lost database says so (`trouble`).
//! - Through any pattern of failures every row is either written or asked for again (`backlog`).
//!
//! PostgreSQL is tested when `AEGIS_TEST_POSTGRES` names a server on which the user may create
//! databases. Where `CI` is set it must be.

mod backlog;
mod contract;
mod model;
mod trouble;

use aegis_store::{Projector, Row, SessionRow, Store};
use aegis_types::*;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A database of its own, removed at the end.
enum Database {
    Sqlite(PathBuf),
    Postgres { server: String, name: String },
}

impl Database {
    fn sqlite() -> Self {
        Self::Sqlite(std::env::temp_dir().join(format!("aegis-store-{}.db", unique())))
    }

    /// A new database on the test server, or `None` (said once) when there is none.
    fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("AEGIS_TEST_POSTGRES") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "set AEGIS_TEST_POSTGRES=postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            );
            static SAID: AtomicU32 = AtomicU32::new(0);
            if SAID.fetch_add(1, Ordering::Relaxed) == 0 {
                // Not by `println`, which the test harness swallows.
                let text = "AEGIS_TEST_POSTGRES is not set: PostgreSQL was not tested";
                let _ = writeln!(std::io::stderr(), "{text}");
            }
            return None;
        };
        let name = format!("aegis_test_{}", unique());
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Some(Self::Postgres { server, name })
    }

    /// Every engine that can be tested here.
    fn all() -> Vec<Self> {
        [Some(Self::sqlite()), Self::postgres()].into_iter().flatten().collect()
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { server, name } => {
                let (base, query) = server.split_once('?').unwrap_or((server, ""));
                let (base, _) = base.rsplit_once('/').unwrap();
                let query = if query.is_empty() { String::new() } else { format!("?{query}") };
                format!("{base}/{name}{query}")
            }
        }
    }

    fn open(&self) -> Store {
        Store::open(&self.url()).unwrap()
    }

    /// Runs SQL as another program would.
    fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(path) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            Self::Postgres { .. } => {
                let mut client = postgres::Client::connect(&self.url(), postgres::NoTls).unwrap();
                client.batch_execute(sql).unwrap();
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match self {
            Self::Sqlite(path) => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
                }
            }
            Self::Postgres { server, name } => {
                if let Ok(mut client) = postgres::Client::connect(server, postgres::NoTls) {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    let _ = client.batch_execute(&sql);
                }
            }
        }
    }
}

const SESSION: &str = "00000000000000ab";
const BTC: SymbolId = SymbolId(0);
const ETH: SymbolId = SymbolId(1);

fn projector() -> Projector {
    let symbols = SymbolTable::new(["ETHUSDT", "BTCUSDT"]).unwrap();
    let row = SessionRow {
        version: "0.1.0".into(),
        commit: "abc".into(),
        environment: "development".into(),
        trade_from: Nanos(60),
        until: Nanos(6_000),
        settings: r#"{"seed":"7"}"#.into(),
        assumptions: r#"["mark = last"]"#.into(),
    };
    Projector::new(SESSION, &symbols, row)
}

fn id(number: u32) -> ClientOrderId {
    ClientOrderId { session: 0xab, number }
}

fn order(number: u32, symbol: SymbolId) -> Order {
    Order {
        id: id(number),
        symbol,
        side: Side::Sell,
        kind: OrderType::StopMarket,
        reason: OrderReason::Stop,
        reduce_only: true,
        qty: "0.5".parse().unwrap(),
        price: Px::ZERO,
        trigger: "60000.1".parse().unwrap(),
    }
}

fn fill(number: u32, symbol: SymbolId, trade_id: u64, qty: &str, leaves: &str) -> Fill {
    Fill {
        order: id(number),
        trade_id,
        symbol,
        side: Side::Sell,
        maker: false,
        reason: FillReason::StopTouched,
        px: "60000.1".parse().unwrap(),
        qty: qty.parse().unwrap(),
        leaves: leaves.parse().unwrap(),
        fee: "0.15".parse().unwrap(),
        realized: "-3".parse().unwrap(),
        margin: "100".parse().unwrap(),
        venue_time: Nanos(77),
    }
}

fn signal(symbol: SymbolId) -> Signal {
    let mut reasons = List::new();
    reasons.push(Reason { component: Component::Base, adds: 0.3 }).unwrap();
    reasons.push(Reason { component: Component::Rsi, adds: -0.05 }).unwrap();
    let mut features = [0.25; FEATURES];
    (features[0], features[1], features[2]) = (f64::NAN, -0.0, 1e-9);
    Signal {
        at: Nanos(120),
        symbol,
        side: Side::Buy,
        level: Level::Teacher,
        confidence: 0.1 + 0.2,
        patterns: Patterns::default().with(Pattern::Fvg).with(Pattern::Bos),
        reasons,
        reference: "60000".parse().unwrap(),
        stop: "59000.5".parse().unwrap(),
        target: "62000".parse().unwrap(),
        qty_suggested: Qty::ZERO,
        features,
    }
}

fn position(symbol: SymbolId, opened: i64, qty: &str) -> Position {
    Position {
        symbol,
        side: Side::Buy,
        qty: qty.parse().unwrap(),
        entry_px: "60000".parse().unwrap(),
        opened_at: Nanos(opened),
        margin: "100".parse().unwrap(),
        stop: "59000.5".parse().unwrap(),
        target: "62000".parse().unwrap(),
        stop_order: id(2),
        protected: true,
        confidence: 0.7,
        unrealized: "1.5".parse().unwrap(),
        fees: "0.1".parse().unwrap(),
        funding: Money::ZERO,
    }
}

fn trade(number: u32, symbol: SymbolId, opened: i64) -> Trade {
    Trade {
        number,
        symbol,
        side: Side::Buy,
        level: Level::Student,
        qty: "0.5".parse().unwrap(),
        entry_at: Nanos(opened),
        entry_px: "60000".parse().unwrap(),
        exit_at: Nanos(999),
        exit_px: "61000".parse().unwrap(),
        exit_reason: OrderReason::Target,
        gross: "500".parse().unwrap(),
        fees: "30.25".parse().unwrap(),
        funding: "-0.5".parse().unwrap(),
        net: "469.25".parse().unwrap(),
        r_multiple: 0.93,
        leverage: 2.0,
        confidence: 0.7,
        features: [0.5; FEATURES],
    }
}

/// A story with a row in every table and every kind of change.
fn story() -> Vec<(i64, u64, Notice)> {
    let denial = Denial {
        at: Nanos(120),
        symbol: ETH,
        code: DenialCode::LowConfidence,
        measured: 0.5,
        limit: 0.55,
    };
    let updated = |number, update| Notice::OrderUpdated { id: id(number), symbol: BTC, update };
    let filled = |fill| Notice::Filled { fill, reason: OrderReason::Stop };
    let equity = Notice::Equity {
        wallet: "10000".parse().unwrap(),
        unrealized: "-1.5".parse().unwrap(),
        exposure: "30000".parse().unwrap(),
        positions: 1,
    };
    vec![
        (120, 5, Notice::Trading { state: TradingState::Active, cause: None }),
        (120, 5, Notice::Signal(signal(BTC))),
        (120, 5, Notice::Signal(signal(ETH))),
        (120, 5, Notice::Denied { denial, confidence: 0.5, side: Side::Sell }),
        (120, 5, Notice::OrderSent(order(1, BTC))),
        (121, 6, updated(1, OrderUpdate::Accepted)),
        (122, 7, filled(fill(1, BTC, u64::MAX, "0.2", "0.3"))),
        (122, 7, Notice::Position(position(BTC, 122, "0.2"))),
        (123, 8, updated(1, OrderUpdate::Accepted)),
        (124, 9, filled(fill(1, BTC, 12, "0.3", "0"))),
        (124, 9, Notice::Position(position(BTC, 122, "0.5"))),
        (124, 9, Notice::OrderSent(order(2, BTC))),
        (125, 10, updated(2, OrderUpdate::Rejected { code: RejectCode::WouldTrigger })),
        (125, 10, Notice::OrderSent(order(3, BTC))),
        (126, 11, updated(3, OrderUpdate::Unknown)),
        (126, 11, equity),
        (127, 12, Notice::OrderSent(order(4, ETH))),
        (128, 13, Notice::Closed(trade(1, BTC, 122))),
        // A fill that the exchange made by itself has no order of ours.
        (129, 14, filled(fill(0, BTC, 13, "0.1", "0"))),
    ]
}

fn project(story: &[(i64, u64, Notice)]) -> Vec<Row> {
    let (mut projector, mut rows) = (projector(), Vec::new());
    for (at, seq, notice) in story {
        projector.notice(Nanos(*at), *seq, notice, &mut rows);
    }
    rows
}
