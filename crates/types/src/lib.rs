//! The vocabulary of AEGIS: what every other crate says and hears.
//!
//! Prices, quantities and money are 64-bit integers in units of 1e-8, because a venue sends
//! decimals as text and a ledger must add up; floats appear only where indicators and models need
//! them, and never come back unrounded. Nothing here can reach a clock, a file or a socket.
//!
//! ```text
//! bytes ──> Tick ──ring──> Event ──engine──> Command ──> Venue
//!                            ^                              │
//!                            └────────── answers ───────────┘
//!                                   engine ──> Notice (logs, read models, pages)
//! ```
//!
//! Only products that mean something compile:
//!
//! ```
//! use aegis_types::{Money, Px, Qty};
//! let notional = Px::parse(b"60000.1")? * Qty::parse(b"0.5")?;
//! assert_eq!(notional, Ok(Money::parse(b"30000.05")?));
//! # Ok::<(), aegis_types::DecimalError>(())
//! ```
//!
//! ```compile_fail
//! use aegis_types::Px;
//! let _ = Px::whole(2) * Px::whole(3); // a price times a price is nothing
//! ```
//!
//! ```compile_fail
//! use aegis_types::{Money, Qty};
//! let _ = Money::whole(2) * Qty::whole(3); // nor is money times a quantity
//! ```
#![no_std]

extern crate alloc;

mod alert;
pub mod array;
mod builder;
mod candle;
mod codec;
mod command;
mod condition;
pub mod defect;
mod denial;
mod event;
mod fixed;
mod instrument;
mod list;
mod minute;
mod notice;
mod order;
mod side;
mod signal;
mod symbol;
mod text;
mod tick;
mod time;
mod venue;

pub use alert::{Alert, AlertCode};
pub use builder::{BuildRefusal, BuildRefusals, CandleBuilder, ClosedCandle, LateCandle};
pub use candle::{Bar, Candle, CandleFault, CandleJson, NotFinite};
pub use codec::{CodecError, ENCODED_MAX, Encoded};
pub use command::{Command, ORDER_BYTES, Out, order_bytes};
pub use condition::{Cause, Condition, RiskMemory, TradingState};
pub use denial::{Denial, DenialCode};
pub use event::{Event, EventBody, Operator};
pub use fixed::{DecimalError, Money, OutOfRange, Px, Qty, Rate, Round, SCALE, parse_decimal};
pub use instrument::{Bracket, Filters, Instrument, InstrumentOrigin};
pub use list::{Full, List};
pub use minute::MinuteBuilder;
pub use notice::{Notice, Position, Topic, Trade};
pub use order::{
    AccountUpdate, ClientOrderId, Fill, FillReason, FoundPosition, ORDER_ID_PREFIX, Order,
    OrderReason, OrderType, OrderUpdate, RejectCode,
};
pub use side::Side;
pub use signal::{Component, FEATURES, Level, Pattern, Patterns, REASONS_MAX, Reason, Signal};
pub use symbol::{SYMBOLS_MAX, SymbolError, SymbolId, SymbolTable, exchange_name};
pub use text::Text;
pub use tick::{Tick, TickBody, UnknownKind};
pub use time::{Nanos, Timeframe, Utc};
pub use venue::{Answers, Venue};
