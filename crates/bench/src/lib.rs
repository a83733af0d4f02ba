//! The measurements behind `aegis bench`: one JSON object a run.
//!
//! The one decision: each bench measures what runs in production, through the same doors, and
//! checks that it did the work that it claims (signals, orders, fills, rotations) before it prints
//! a figure. A figure is a median over many samples; ratios are taken within one run, because a
//! machine's speed changes from one run to the next. Every object says on what machine, from which
//! commit, by which compiler, when, from how many samples and under which durability it was made.
//!
//! ```text
//!  ring      two processes, one segment      wire      frames of every kind, against serde_json
//!  indicators each alone, five together      smc       all concepts live, each record
//!  sign      one query of 120 bytes          engine    one tick, one closed candle, allocations
//!  backtest  candles/s, cost per order       startup   brain ready, audit
//!  memory    the real brain, with 500 symbols
//!  endurance the whole system over 24 days of 500 symbols: memory stays flat
//!  book      orders added, cancelled, amended, matched
//!  wire-to-wire  from the exchange's frame to the signed order, all processes real
//!  kill-switch  from the switch to the last cancel or close on the wire
//!  feed      frames a second from loopback sockets to the ring; nothing lost at a pace
//! ```

mod bars;
mod market;
mod peer;
mod program;
mod sample;

pub mod backtest;
pub mod book;
pub mod endurance;
pub mod engine;
pub mod indicators;
pub mod ingest;
pub mod kill_switch;
pub mod memory;
pub mod orders;
pub mod ring;
pub mod sign;
pub mod smc;
pub mod startup;
pub mod wire;
pub mod wire_to_wire;

mod origin;

pub use origin::origin;

use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What a bench may be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long to go on sampling, in seconds; each bench takes a least number of samples anyway.
    pub seconds: f64,
    /// Candle files or a folder of them; without it a generated market.
    pub data: Option<PathBuf>,
    /// The long form, where a bench has one.
    pub soak: bool,
    /// How often whatever is counted in rounds is done.
    pub rounds: u32,
    /// A Python with the peers of `indicators` and `smc`, to be timed in the same run.
    pub peer: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 3.0, data: None, soak: false, rounds: 10, peer: None }
    }
}

/// The benches, by name.
pub const NAMES: [&str; 12] = [
    "ring",
    "wire",
    "sign",
    "indicators",
    "smc",
    "engine",
    "backtest",
    "book",
    "feed",
    "startup",
    "memory",
    "wire-to-wire",
];

/// Benches that take minutes, and that `all` leaves out.
pub const LONG: [&str; 2] = ["endurance", "kill-switch"];

/// Runs the bench called `name`.
///
/// # Errors
/// An unknown name, or what went wrong, for people.
pub fn run(name: &str, opts: &Options) -> Result<Value, String> {
    let figures = match name {
        "ring" => ring::run(&ring::RingOptions { soak: opts.soak, ..Default::default() })?,
        "wire" => wire::run(opts)?,
        "sign" => sign::run(opts)?,
        "indicators" => indicators::run(opts)?,
        "smc" => smc::run(opts)?,
        "engine" => engine::run(opts)?,
        "backtest" => backtest::run(opts)?,
        "book" => book::run(opts)?,
        "feed" => ingest::run(opts)?,
        "startup" => startup::run(opts)?,
        "memory" => memory::run(opts)?,
        "endurance" => endurance::run(opts)?,
        "kill-switch" => kill_switch::run(opts)?,
        "wire-to-wire" => wire_to_wire::run(opts)?,
        _ => {
            let names = NAMES.iter().chain(&LONG).copied().collect::<Vec<_>>().join(", ");
            return Err(format!("there is no bench `{name}`; name one of: {names}"));
        }
    };
    let mut all = Map::new();
    all.insert("bench".into(), json!(name));
    all.extend(origin::origin());
    all.extend(figures);
    Ok(Value::Object(all))
}

/// The processes that benches start: `aegis bench-child NAME ARGS…`. Returns the exit code.
pub fn child(args: &[String]) -> i32 {
    match args.split_first() {
        Some((name, _)) if name == "ring" => ring::child(args),
        Some((name, _)) if name == "wire-to-wire" => wire_to_wire::child(args),
        _ => {
            eprintln!("aegis bench-child is started by aegis bench; run `aegis bench NAME`");
            2
        }
    }
}
