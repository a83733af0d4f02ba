//! The simulated exchange's server.
//!
//! | clock | what it governs |
//! |---|---|
//! | wall | `/time`, timestamp and `recvWindow`, weight and order windows, listen keys, bans |
//! | market | klines, `E` and `T` of streams, order, fill and funding times |

pub mod call;

mod sim;

mod clock;

mod account;
mod algo;
mod auth;
mod faults;
mod limits;
mod params;
mod render;
mod texts;
mod routes_private;
mod routes_public;
mod trade;
mod truth;
mod user_stream;
mod ws_api;

pub use call::{Answer, ApiError, Call, Fate, Method, Reply, Request, Sending};
pub use clock::{Clock, Speed};
pub use params::Params;
pub use sim::{Audience, Output, Setup, Sim};
