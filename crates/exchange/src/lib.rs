//! A simulated USDⓈ-M futures exchange behind the same door as a real one.
//!
//! The exchange knows only what the data has shown up to now. A market order therefore waits for
//! the next price fact instead of being filled at the price that caused it (unless that is an open
//! of the very instant at which the order comes), and no fill is ever at
//! a price outside the data: that is the one rule from which the others follow, because a
//! simulator that fills at prices nobody could have had makes every later figure worthless. Where
//! one candle leaves the path open, the path that hurts is taken.
//!
//! ```text
//! Tick ──on_market──> desk of its symbol: funding → stops, liquidation → targets → market
//!                          │                                              │ each fill
//!                          │ what rests here                              ▼
//! Command ──execute──> checks: filters, triggers, margin     position, ledger ──> Answers
//! ```
//!
//! | fact | what it does |
//! |---|---|
//! | `Open` | funding; stops and targets that it jumped over fill at it; then waiting orders |
//! | `Candle` | stops and liquidation against the whole range, then limits, then targets |
//! | `Book`, `Trade` | the same as `Open` at bid and ask, or at the price traded |
//! | `Mark` | funding and liquidation on the mark; from then on candles do not liquidate |
//!
//! Limits, stated: an order fills whole (candles show no depth), a candle's volume bounds nothing,
//! fees and funding are paid from the wallet and never from a position's margin, and a liquidation
//! closes the whole position at once. Nothing of an order is kept once it has ended.
//!
//! An account is one-way (one position per symbol), isolated margin, in one quote asset.
//!
//! [`futures`] is the whole venue that stands behind the wire: several accounts, both position
//! modes, an order [`Book`], conditional orders. Its arithmetic is this crate's own, so that both
//! venues do the same with the same orders on the same candles.
#![no_std]

extern crate alloc;

mod account;
mod book;
mod config;
mod exchange;
mod execution;
mod funding;
pub mod futures;
mod margin;
mod matching;
mod orders;
mod position;
mod random;
mod state;

pub use account::Ledger;
pub use book::{Book, BookFull, BookOrder, Handle};
pub use config::{ExchangeConfig, ExchangeError};
pub use exchange::Exchange;
pub use futures::Futures;
pub use orders::RestingOrder;
pub use position::VenuePosition;
pub use state::{ExchangeState, OtherSession};
