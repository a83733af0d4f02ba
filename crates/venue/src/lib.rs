//! The exchange on the wire.
//!
//! `server` is the simulated exchange's face: REST, market and user streams and the WebSocket API
//! on one port, for any client that speaks the exchange's protocol. The one decision: **all that
//! the exchange does is a step machine behind one lock** ([`server::Sim`]); sockets, timers and
//! tasks are pumps that carry bytes to it and from it. So the same requests against the same
//! market give the same answers, and a test needs no socket.
//!
//! ```text
//! facts (files, recorded frames, generator) ──┐
//!                                             ▼ advance / step
//! request ── handle ──> ┌──────────────── Sim ────────────────┐ ──> reply + fate (cut, delay …)
//! socket text ────────> │ history · streams · accounts · core │ ──> frames ──> socket queues
//!                       └─────────────────────────────────────┘
//! ```
//!
//! `client` is the other side: a [`aegis_types::Venue`] whose commands become requests to such an
//! exchange, simulated or real ([`client::WireVenue`]), over polled sockets without a runtime.

pub mod client;
pub mod server;
