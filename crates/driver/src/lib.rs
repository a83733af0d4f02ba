//! The one loop that steps an engine and a venue until both are quiet.
//!
//! Backtest, demo, brain and replay call this same [`Driver`]; they differ only in where events
//! come from and what watches. One step takes one outside event to its end: nothing else enters
//! before every command has been executed and every answer applied, so the order of everything
//! follows from the order of the outside events alone.
//!
//! ```text
//!  outside event ──> due timers, each to its end
//!                ──> venue.on_market ──> answers, to their end
//!                ──> the event itself ──┐
//!                         ┌─────────────┘
//!                         v
//!        observer.event (journal) ──> engine.apply ──> observer.command (flush) ──> venue
//!                         ^                                                          │
//!                         └──────────── answers, first in first out ─────────────────┘
//! ```
#![no_std]

extern crate alloc;

mod observer;
mod timers;

mod state;

mod stepper;

pub use observer::Observer;
pub use state::{DriverState, WrongTimers};
pub use stepper::{Driver, Fault, QUEUE_MAX, ROUNDS_MAX};
pub use timers::TIMERS_MAX;
