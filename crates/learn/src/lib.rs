//! From closed 1m candles to a proposal: the analysis of one symbol, its features, the teacher.
#![no_std]

extern crate alloc;

mod analysis;
mod config;
pub mod features;
mod teacher;

pub use analysis::{Analysis, Found};
pub use config::{Config, Weights};
pub use teacher::{Proposal, decayed, propose};
