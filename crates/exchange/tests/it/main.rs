//! The simulated exchange at its door: ticks and commands in, answers out.
//!
//! - `book`: the order book against a naive one
//! - `market`: waiting orders, opens, slippage and what the data shows; live prices
//! - `protection`: stops, targets and liquidation inside one candle and over gaps
//! - `refusals`: every way in which an order, a cancel or a leverage is refused
//! - `properties`: random orders over random candles against the invariants of the ledger
//! - `futures_equal`: the venue of the wire against the one in the brain, on the same candles
//! - `futures_orders`, `futures_algo`: what its orders and conditional orders do, and every refusal
//! - `futures_queue`: resting orders against recorded books and trades
//! - `futures_margin`: margin, funding, liquidation and settings, by numbers worked out by hand
//! - `futures_properties`: random accounts, requests and facts against the invariants

mod book;
mod futures_algo;
mod futures_equal;
mod futures_margin;
mod futures_orders;
mod futures_properties;
mod futures_queue;
mod futures_world;
mod market;
mod properties;
mod protection;
mod refusals;
mod world;
