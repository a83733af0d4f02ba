//! Generated futures markets for demos, tests and the simulated exchange: never real, never called
//! so (their names begin with `GEN`), but with the habits of real ones.
//!
//! Everything is drawn minute by minute from a seed, with the same bits on every machine, so a
//! market of any length needs memory for one minute only and never a file. One factor moves all
//! symbols, because risk that is spread over ten symbols of one market is not spread.
//!
//! ```text
//! seed ──> shared factor, shared volatility ──┐
//!      └─> per symbol: own factor, own volatility, gaps, funding
//!                                             ▼
//!          rhythm of day and week × volatility × (fat-tailed factor + own) [+ planted drift]
//!                                             ▼
//!               open, extremes (Brownian bridge), close on the tick grid ──> Tick
//! ```
//!
//! | habit | how it is made |
//! |---|---|
//! | fat tails | Student t (6 degrees of freedom) for both factors, and gaps |
//! | volatility clusters | log-volatility of two AR(1) processes (90 minutes, 2 days) |
//! | correlation | a shared factor with a loading of 0.60 to 0.85 |
//! | daily, weekly, session rhythm | a table of the UTC day with bursts at the session opens |
//! | gaps | jumps at the open, two a day for a symbol, one in three days for all |
//! | funding | every 8 h, around 0.01 %, persistent, following the last 8 h |
//! | edge | on request: a drift of stated size after a liquidity sweep ([`Sweeps`]) |
#![no_std]

extern crate alloc;

mod edge;
mod random;
mod rhythm;
mod spec;
mod symbol;
mod ticks;

pub use edge::{DRIFT_MINUTES, Sweeps};
pub use spec::MarketSpec;
pub use ticks::MarketTicks;
