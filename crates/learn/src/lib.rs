//! From closed 1m candles to a proposal: the analysis of one symbol, its features, the teacher.
//!
//! Direction and confidence are kept apart. Which side a setup speaks for follows from the setup
//! alone; the confidence is the sum of named components that speak for that side, and says only how
//! much speaks for it. One number for both (as in the system this replaces) makes a weak long look
//! like a strong short.
//!
//! ```text
//! 1m candle ─> Analysis ── 1m 5m 15m 1h 1d: candles, indicators, structure
//!                 │
//!                 ├─> features()   12 numbers that describe the moment
//!                 └─> propose()    side, stop, target; confidence = Σ reasons
//! ```
//!
//! Both sides are judged by the same code on prices turned upside down, so mirrored markets give
//! mirrored proposals; a test holds that.
#![no_std]

extern crate alloc;

mod analysis;
mod case;
mod config;
pub mod features;
mod frame;
mod teacher;

pub use analysis::{Analysis, Found};
pub use config::{Config, Weights, Worth};
pub use teacher::{Proposal, decayed, propose};
