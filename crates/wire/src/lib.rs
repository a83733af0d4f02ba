//! Binance bytes to types and back, without sockets.
//!
//! Only this crate knows the exchange's field names, and it does no I/O: bytes come in from a
//! socket, a capture file or a test, and bytes go out signed. The frames that arrive thousands of
//! times a second are read by hand-written scanners, because they borrow instead of copying and
//! read a decimal straight into fixed point; everything rarer is ordinary serde. The same result
//! types also derive `Deserialize`, and that slow reader is the oracle the scanners are tested and
//! measured against.
//!
//! A frame is described once (`scan`), over two readers of tokens: the compact one knows only how
//! the venue writes and keeps nothing for an error; when it meets anything else, the careful one,
//! which knows all of JSON, starts again and has the last word.
//!
//! What the exchange is, is data: one table each of its calls, streams and their routes, WebSocket
//! API methods, hosts and errors. Client and simulated exchange read the same tables, so that a
//! weight or a reaction is changed in one place.
//!
//! ```text
//! socket ──websocket::Decoder──> text ──compact──> Message { stream, Frame } ──tick──> types::Tick
//!                                   └────careful───────^   └ depth levels into the caller's Levels
//! socket ──http──> body ──bodies──> orders, positions, candles, instruments, universe
//!             └ status, code, text ──errors::Answer::classify──> Reaction
//! Query ──Signer──> symbol=…&timestamp=…&recvWindow=5000&signature=…
//! ```
#![no_std]

extern crate alloc;

mod error;

mod careful;
mod chunk;
mod compact;
mod tokens;

pub mod frame;
mod levels;
mod scan;
mod tick;

pub mod oracle;

pub mod endpoints;
pub mod errors;
pub mod intervals;
pub mod streams;
pub mod urls;
pub mod ws_methods;

pub mod bodies;
pub mod http;
pub mod websocket;

mod key;
mod query;
mod secret;
mod sign;
mod verify;

pub use error::{Fault, ScanError};
pub use frame::Frame;
pub use key::{KeyFault, check_api_key, check_hmac_secret};
pub use levels::{LEVELS_MAX, Level, Levels};
pub use query::{Query, RECV_WINDOW_MS, Value, percent_encode, sign_query, sorted_payload};
pub use scan::{Message, scan, scan_snapshot};
pub use secret::Secret;
pub use sign::{SIGNATURE_HEX, Signer, SignerError};
pub use tick::NoTick;
pub use verify::{NotPublicKey, Verifier};
