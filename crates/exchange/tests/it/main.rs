//! The simulated exchange at its door: ticks and commands in, answers out.
//!
//! - `book`: the order book against a naive one
//! - `market`: waiting orders, opens, slippage and what the data shows; live prices
//! - `protection`: stops, targets and liquidation inside one candle and over gaps
//! - `refusals`: every way in which an order, a cancel or a leverage is refused
//! - `properties`: random orders over random candles against the invariants of the ledger

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
