//! Step machine: the whole simulated exchange. One lock holds it; time and bytes are arguments.

use crate::server::call::{ApiError, Call, Reply, Request, Route};
use crate::server::clock::{Clock, Speed};
use crate::server::params::Params;
use crate::server::ws_api::{self, WsReply};
use crate::server::{routes_private, routes_public};
use aegis_types::{Instrument, SymbolTable};
use core::net::IpAddr;

/// What the exchange is made of.
pub struct Setup {
    /// Symbols in name order.
    pub symbols: SymbolTable,
    /// Their instruments by symbol id.
    pub instruments: Vec<Instrument>,
    /// Key of every random draw.
    pub seed: u64,
    /// How market time runs.
    pub speed: Speed,
    /// Where the market begins, ms.
    pub start_ms: i64,
    /// Every stream on every URL, for clients without routed URLs.
    pub lenient_routes: bool,
}

/// Who hears a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Subscribers of a market stream, by its name.
    Market(String),
    /// Subscribers of a listen key; `event` is the payload's `e`, for `&events=` filters.
    User {
        /// The key.
        listen_key: String,
        /// `ORDER_TRADE_UPDATE`, …
        event: &'static str,
    },
}

/// A frame on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Who hears it.
    pub to: Audience,
    /// The payload: JSON text without the wrapper of combined streams.
    pub body: String,
}

/// The simulated exchange.
pub struct Sim {
    pub(crate) symbols: SymbolTable,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) clock: Clock,
    pub(crate) outbox: Vec<Output>,
}

impl Sim {
    /// An exchange before its first request.
    pub fn new(setup: Setup) -> Self {
        Self {
            symbols: setup.symbols,
            instruments: setup.instruments,
            clock: Clock::new(setup.speed, setup.start_ms),
            outbox: Vec::new(),
        }
    }

    /// Answers a REST request.
    pub fn handle(&mut self, wall_ms: i64, request: &Request) -> Reply {
        self.advance(wall_ms);
        let call = Call {
            request,
            params: Params::of(request),
            wall_ms,
            market_ms: self.clock.market_ms(),
            account: None,
        };
        let Some(route) = route(request) else {
            return Reply::error(&ApiError::new(-5000, "Path is invalid").with_status(404));
        };
        match (route.handler)(self, &call) {
            Ok(body) => Reply::ok(body),
            Err(error) => Reply::error(&error),
        }
    }

    /// Sends a frame to everyone who subscribed.
    pub(crate) fn send(&mut self, to: Audience, body: String) {
        self.outbox.push(Output { to, body });
    }

    /// Lets market time follow wall time; frames go to the outbox.
    pub fn advance(&mut self, wall_ms: i64) {
        let now = self.clock.paced(wall_ms);
        self.clock.reach(now);
    }

    /// Opens a socket of the WebSocket API.
    ///
    /// # Errors
    /// The reply that refuses the handshake.
    pub fn ws_api_open(
        &mut self,
        wall_ms: i64,
        conn: u64,
        query: &str,
        peer: IpAddr,
    ) -> Result<(), Reply> {
        ws_api::opened(self, wall_ms, conn, query, peer)
    }

    /// A message of such a socket.
    pub fn ws_api(&mut self, wall_ms: i64, conn: u64, text: &str) -> WsReply {
        self.advance(wall_ms);
        ws_api::message(self, wall_ms, conn, text)
    }

    /// Such a socket has gone.
    pub fn ws_api_closed(&mut self, conn: u64) {
        ws_api::closed(self, conn);
    }
}

/// The route of a request.
fn route(request: &Request) -> Option<&'static Route> {
    let all = routes_public::ROUTES.iter().chain(routes_private::ROUTES);
    all.into_iter().find(|r| r.method == request.method && r.path == request.path)
}
