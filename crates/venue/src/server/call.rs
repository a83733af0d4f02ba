//! Step machine: what goes into the exchange and what comes out: requests, replies, errors.

use crate::server::params::Params;
pub use aegis_wire::endpoints::Method;
use core::net::IpAddr;

/// A REST request as it arrived: raw bytes where signatures need them.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path without the query.
    pub path: String,
    /// What stands behind `?`, exactly as received; empty without one.
    pub query: String,
    /// The body exactly as received.
    pub body: Vec<u8>,
    /// `X-MBX-APIKEY`.
    pub api_key: Option<String>,
    /// Who asks.
    pub peer: IpAddr,
    /// Wall time of arrival.
    pub arrived_ms: i64,
}

/// How much of a reply leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sending {
    /// All of it.
    #[default]
    Whole,
    /// Head and so many bytes of the body, then the connection closes.
    Cut(usize),
    /// Nothing: the connection closes.
    Nothing,
}

/// What becomes of a reply on its way; faults set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Held back so long.
    pub delay_ms: u64,
    /// Then sent so far.
    pub sending: Sending,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// JSON text, or what a proxy would say.
    pub body: String,
    /// What becomes of it.
    pub fate: Fate,
}

impl Reply {
    /// Status 200 with a JSON body.
    pub fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), fate: Fate::default() }
    }

    /// The reply that tells an error.
    pub fn error(error: &ApiError) -> Self {
        Self { status: error.status, ..Self::ok(error.json()) }
    }
}

/// An error of the exchange: HTTP status, code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// The exchange's code.
    pub code: i32,
    /// The exchange's text.
    pub msg: String,
}

impl ApiError {
    /// An error of status 400, as most are.
    pub fn new(code: i32, msg: impl Into<String>) -> Self {
        Self { status: 400, code, msg: msg.into() }
    }

    /// The same under another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// -1121.
    pub fn invalid_symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    /// -1102 for a parameter that is missing or empty.
    pub fn mandatory(name: &str) -> Self {
        let msg =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::new(-1102, msg)
    }

    /// -1130 for a value that the parameter cannot have.
    pub fn invalid_value(name: &str) -> Self {
        Self::new(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    /// `{"code":…,"msg":…}`.
    pub fn json(&self) -> String {
        serde_json::json!({ "code": self.code, "msg": self.msg }).to_string()
    }
}

/// What a handler gives back: the JSON text of a good answer, or an error.
pub type Answer = Result<String, ApiError>;

/// A request on its way to its handler.
#[derive(Debug)]
pub struct Call<'a> {
    /// As it arrived.
    pub request: &'a Request,
    /// Query and body, decoded.
    pub params: Params,
    /// API time, ms.
    pub wall_ms: i64,
    /// Market time, ms.
    pub market_ms: i64,
    /// Index of the account whose key it carries, when there is one.
    pub account: Option<usize>,
}

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing.
    Public,
    /// A known key.
    Key,
    /// A known key, a timestamp and a signature.
    Signed,
}

/// A REST route and who answers it.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Exact path.
    pub path: &'static str,
    /// What it asks of its caller.
    pub security: Security,
    /// Answers.
    pub handler: fn(&mut crate::server::Sim, &Call<'_>) -> Answer,
}

impl Route {
    /// A route open to everyone.
    pub const fn public(
        method: Method,
        path: &'static str,
        handler: fn(&mut crate::server::Sim, &Call<'_>) -> Answer,
    ) -> Self {
        Self { method, path, security: Security::Public, handler }
    }

    /// A route that needs a key and a signature.
    pub const fn signed(
        method: Method,
        path: &'static str,
        handler: fn(&mut crate::server::Sim, &Call<'_>) -> Answer,
    ) -> Self {
        Self { method, path, security: Security::Signed, handler }
    }

    /// A route that needs a key.
    pub const fn keyed(
        method: Method,
        path: &'static str,
        handler: fn(&mut crate::server::Sim, &Call<'_>) -> Answer,
    ) -> Self {
        Self { method, path, security: Security::Key, handler }
    }
}
