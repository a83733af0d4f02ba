//! Settings at the boundary.
//!
//! Invariants proved here:
//! - defaults are the consumers' own defaults; a session's pairs give the same settings again;
//! - flags beat environment beats file beats default, and every value says which it was;
//! - everything wrong is reported at once, each with key, place, expectation and remedy;
//! - no print shows a secret;
//! - `aegis.toml` and `docs/settings.md` are what the table says.

mod controls;
mod documents;
mod keys;
mod modes;
mod sources;
mod support;
mod values;
