//! Every setting of AEGIS: one table, from which the parser, the checks, the example file, the
//! documentation, the help and `aegis config show` are all made.
//!
//! The one decision: **a setting is a row of data, not code in five places.** A row says its key,
//! kind with range, default, unit, classic environment name and why it is there; so nothing can be
//! documented that is not read, and nothing read that is not documented. Every violation of a
//! start is reported at once, each with its key, where the value came from, what was expected and
//! what to do.
//!
//! ```text
//! flags (--set key=value) ─┐
//! environment ─────────────┤ highest first   ┌─> EngineConfig, ExchangeConfig, journal::Config …
//! aegis.toml ──────────────┼───> Settings ───┼─> pairs (journal header, session id)
//! defaults of the table ───┘                 └─> rows (config show: value, origin, secrets masked)
//! ```

mod kind;
mod row;
mod table;

mod error;
mod nearest;
mod secret;

mod file;
mod keyfile;
mod keyring;
mod keys;
mod load;

mod checks;
mod configs;
mod modes;
mod watch;

mod controls;
mod document;

pub use configs::{FirewallLimits, Market, VenueSettings};
pub use controls::{CONTROL_TABLE, ControlRow, controls_markdown};
pub use document::{example_toml, reference_markdown};
pub use error::{Violation, Violations};
pub use keyfile::{KeyFileFault, parse_key_file};
pub use kind::Kind;
pub use load::{Origin, Settings, Shown, Sources, home};
pub use modes::Keys;
pub use row::{Row, Scope};
pub use secret::{Secret, mask_url};
pub use table::TABLE;
