//! Step machine: a request's way through the exchange, and the WebSocket API's.

use crate::server::call::{Method, Reply, Request, Route};
use crate::server::gate;
use crate::server::sim::Sim;
use crate::server::ws_api::{self, WsReply};
use crate::server::{routes_admin, routes_private, routes_public};
use core::net::IpAddr;

impl Sim {
    /// Answers a REST request.
    pub fn handle(&mut self, wall_ms: i64, request: &Request) -> Reply {
        self.advance(wall_ms);
        gate::answer(self, wall_ms, request)
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

/// The route of a method and a path.
pub fn route_of(method: Method, path: &str) -> Option<&'static Route> {
    let all = routes_public::ROUTES.iter().chain(routes_private::ROUTES);
    let mut all = all.chain(routes_admin::ROUTES);
    all.find(|route| route.method == method && route.path == path)
}
