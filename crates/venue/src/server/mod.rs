//! The simulated exchange's server.
//!
//! | clock | what it governs |
//! |---|---|
//! | wall | `/time`, timestamp and `recvWindow`, weight and order windows, listen keys, bans |
//! | market | klines, `E` and `T` of streams, order, fill and funding times |

pub mod call;

mod sim;

mod clock;
mod fact;
pub mod recorded;
mod text;

mod book;
mod derived;
mod history;
mod market;

mod emit;
mod payload;
mod sockets;
mod streams;
mod wsframe;

mod exchange_info;
mod handle;
mod klines;
mod params;
mod routes_admin;
mod routes_private;
mod routes_public;
mod tape;

mod account;
mod admin;
mod algo;
mod auth;
mod faults;
mod gate;
mod limits;
mod render;
mod texts;
mod trade;
mod truth;
mod user_events;
mod user_stream;
mod venue;
mod view;
mod ws_api;

mod http;
mod hub;
mod queues;
mod run;
mod socket;

pub use call::{Answer, ApiError, Call, Fate, Method, Reply, Request, Sending};
pub use clock::{Clock, Speed};
pub use fact::{DepthChange, DepthSnapshot, Fact, FactBody, Facts, merged};
pub use gate::AccountSetup;
pub use hub::Counts;
pub use limits::Limits;
pub use params::Params;
pub use run::{ServeError, Summary, serve};
pub use sim::{Audience, Output, Setup, Sim};
pub use socket::Times;
pub use sockets::Told;
pub use streams::{ConnId, Delivery};
pub use truth::{Arrival, Outcome};
