//! The venue client: orders to an exchange, and what it says of them, over plain non-blocking
//! sockets.
//!
//! All that it decides is in step machines, which know neither sockets nor clocks; the pump at the
//! end carries bytes. Nothing that changes something at the exchange is ever sent a second time
//! before it is proven that the first time did nothing.
//!
//! ```text
//! Command ──> attempts ──> requests ──> ledger ──> http ──> gateway ──> link ──> exchange
//!     │          ▲  └──> account ──> Answers                   ▲         │
//!     │          └── facts <── replies, user stream <──────────│─────────┘
//!     └────────────────────── what is approved ────────────────┘
//! ```

pub mod request;

pub mod notes;

pub mod facts;

pub mod clock;
pub mod ledger;

pub mod account;
pub mod attempts;

pub mod backoff;
pub mod dead_man;
pub mod health;
pub mod leverage;
pub mod listen_key;
pub mod startup;

pub mod gateway;
pub mod machine;

pub mod book_sync;

pub mod frames;
pub mod http;
pub mod link;
pub mod websocket;

mod api_socket;
mod pool;
mod venue;

pub use http::Identity;
pub use machine::{Config, Machine};
pub use notes::Note;
pub use venue::{SteadyClock, WireVenue};
