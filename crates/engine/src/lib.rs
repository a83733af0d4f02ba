//! The trading state machine: events in, commands out.
//!
//! [`Engine::apply`] is the only door. Live, paper, demo, backtest and replay run this same code;
//! nothing in it can reach a clock, a socket, a file or a random number, and it allocates nothing
//! after [`Engine::new`]. The one decision behind the order handling: every event only updates
//! facts (what was filled, acknowledged, lost), and one function then compares a slot's facts with
//! what must hold (stop over the whole quantity, target, or nothing at all) and sends what is
//! missing. So reordered, doubled and lost answers need no cases of their own.
//!
//! ```text
//! Event ─┬─ market ──> universe ──> brain ── proposal ──> risk ──> portfolio ──> orders ──┐
//!        ├─ order, account ──> orders, account ── tend the slot ──────────────────────────┤
//!        └─ timer, operator ──────────────────────────────────────────────────────────────┤
//!                                                        Out{commands, notices} <─────────┘
//! ```
#![no_std]

extern crate alloc;

mod config;
mod denials;
mod machine;

mod state;

mod losses;

mod controls;

mod readings;

mod protections;

mod universe;

mod brain;

mod risk;

mod collar;

mod entry;

mod portfolio;

mod orders;

mod answers;

mod fills;

mod account;

mod outside;

mod restore;

pub use aegis_learn::{Found, Proposal};
pub use brain::{Brain, Teacher};
pub use config::{
    EngineConfig, EngineError, POSITIONS_CAPACITY, Protections, RISK_FRACTION_HARD, SLOTS,
    TAINT_BARS,
};
pub use denials::denial_table;
pub use machine::{Capacity, Engine};
pub use readings::{CONTROLS, Control};
pub use restore::OtherSession;
