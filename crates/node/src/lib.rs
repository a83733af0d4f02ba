//! The running system: three OS processes around one ring.
//!
//! ```text
//!  aegis run ── orchestrator ──────────────────────────────────────────────┐
//!     │ stdin: stop, operator   stdout: reports, heartbeats   control.sock │
//!     ├─> aegis feed    files → firewall → pace → ring (gated)             │
//!     │                 streams, REST → lanes → firewall → ring (broadcast)│
//!     └─> aegis brain   ring → sequencer → journal → driver(engine, door)  │
//!                            └ notices → bus → store lane, log, view       │
//!  aegis status | pause | resume | flatten | halt ─────────────────────────┘
//! ```
//!
//! The one design decision: what decides is a plain step machine without a clock, a file or a
//! thread ([`supervisor`], [`sequencer`], [`pace`], [`dispatch::Lanes`], the store's backlog);
//! processes, threads and sockets are thin pumps around them. So the same logic can be stepped by a
//! simulation, and a pump is short enough to be read.
//!
//! There is no async code here: three pipes, one Unix socket, a handful of threads and the
//! exchange's sockets, polled by the loops that use them, do not need it.

pub mod alerts;
pub mod arming;
pub mod audit;
pub mod begin;
pub mod brain;
pub mod bus;
pub mod causal;
pub mod claim;
pub mod clock;
pub mod control;
pub mod dispatch;
pub mod door;
pub mod emergency;
pub mod exchange_child;
pub mod feed;
pub mod handover;
pub mod hardening;
pub mod home;
pub mod identity;
pub mod latency;
pub mod listing;
pub mod live;
pub mod logging;
pub mod narrate;
pub mod orchestrator;
pub mod pace;
pub mod persist;
pub mod protocol;
pub mod question;
pub mod recorder;
pub mod recovery;
pub mod reports;
pub mod risk_file;
pub mod sequencer;
pub mod session;
pub mod snapshots;
pub mod steps;
pub mod supervisor;
pub mod underway;
pub mod view;

/// Exit code: done, or stopped by SIGTERM.
pub const EXIT_OK: i32 = 0;
/// Exit code: something failed.
pub const EXIT_FAILED: i32 = 1;
/// Exit code: the command line or the configuration is wrong.
pub const EXIT_USAGE: i32 = 2;
/// Exit code: the audit said NO-GO.
pub const EXIT_NO_GO: i32 = 3;
/// Exit code: stopped by the kill switch.
pub const EXIT_KILLED: i32 = 4;
/// Exit code: stopped by Ctrl-C.
pub const EXIT_INTERRUPTED: i32 = 130;

/// An error on its way to a person: what happened, why, what to do; and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened and why.
    pub what: String,
    /// What to do about it.
    pub hint: String,
    /// Exit code of the process.
    pub code: i32,
}

impl Failure {
    /// Something failed (exit 1).
    pub fn failed(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), code: EXIT_FAILED }
    }

    /// The command line or the configuration is wrong (exit 2).
    pub fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), code: EXIT_USAGE }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.what)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  to do: {}", self.hint) }
    }
}

impl std::error::Error for Failure {}
