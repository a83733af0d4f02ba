//! Read models: what the system did, as tables for people and tools.
//!
//! **The decision:** the store is a projection. The journal is the truth, the engine's notices are
//! turned into rows with keys that depend on nothing but the journal (session, event sequence,
//! place in the event), and writing a row twice changes nothing. So a database may be slow, locked
//! or gone while trading goes on, and afterwards the rows are the same as if it had never been:
//! what the bounded backlog had to drop comes back from the journal.
//!
//! ```text
//!  engine ── Notice ──→ Projector ── Row ──→ Backlog ── batch ──→ Store ─┬→ SQLite file (WAL)
//!            (bus, never waited for)          │ bounded, back-off       └→ PostgreSQL server
//!                                             └→ loud alerts, "catch up from seq n"
//! ```
//!
//! One schema and one SQL text serve both engines; tables and columns are in `docs/store.md`.

mod error;
pub use error::StoreError;

mod url;
pub use url::{StoreUrl, masked};

mod value;
pub use value::Value;

mod schema;
pub use schema::{TABLES, Table};

mod row;
pub use row::{Key, OrderState, OrderStatus, Row, SessionRow};

mod projector;
pub use projector::Projector;

mod sqlite;

mod server;

mod store;
pub use store::Store;

mod backlog;
pub use backlog::{Alert, Backlog, BacklogConfig, Input, Output};
