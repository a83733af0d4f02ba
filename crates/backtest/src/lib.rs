//! Market data through the engine and the simulated exchange, with statistics.
//!
//! The one decision: a backtest is not a second engine. [`run`] feeds recorded ticks to the same
//! driver that the brain steps, and everything that it reports is counted from the events,
//! commands and notices that pass there ([`Tally`]). So the demo's figures and the backtest's come
//! from one place, and equal input gives an equal digest.
//!
//! ```text
//!            Session (settings, instruments, seed) = first record of a journal
//!               │ build
//!               ▼
//!  ticks ──► Driver(Engine, Exchange) ──► events, commands, notices ──► Tally ──► Report
//!               ▲                                   │
//!               └── inputs ── replay ◄── journal ◄──┘ (only when asked for)
//! ```
//!
//! - [`Session`]: everything that a run depends on; the header of its journal.
//! - [`Tally`] and [`Report`]: what happened, in counts, money and ratios.
//! - [`Snapshot`]: what the inputs have made so far, so that a journal need not be read from its
//!   start.
//! - [`run`]: ticks in, report out; [`replay`]: a journal in, the same digest out, or the first
//!   record that differs.

mod describe;
mod progress;
mod record;
mod replay;
mod report;
mod run;
mod session;
mod snapshot;
mod stats;
mod tally;
mod text;

pub use progress::Bar;
pub use record::{MoneyEvents, event_kind, is_input, record_command, record_event, step_again};
pub use replay::{Begin, Difference, Replay, ReplayError, TornTail, print, replay, replay_from};
pub use report::{
    ControlReport, GroupReport, OpenPosition, OrderOutcomes, Report, SymbolReport, control_reports,
};
pub use run::{RunError, run};
pub use session::{Execution, Market, Past, Session, SessionError};
pub use snapshot::{
    Loaded, SNAPSHOT_LAYOUT, Simulates, Snapshot, SnapshotError, load_snapshot, state_bytes,
    state_digest, write_snapshot,
};
pub use stats::{Curve, Group};
pub use tally::{Counts, Tally};
