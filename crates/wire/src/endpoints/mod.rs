//! The REST calls of the futures API: what each needs, costs and risks.
//!
//! One table, [`ENDPOINTS`]: the client builds requests and its ledger of limits from it, the
//! simulated exchange its routes, its checks and its counters. Weights are those of the API's
//! documentation; where it is silent or contradicts itself, the larger figure stands.

mod table;

pub use table::{Call, ENDPOINTS};

/// HTTP methods that the API has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Changes.
    Put,
    /// Takes away.
    Delete,
}

impl Method {
    /// As written in a request line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// From a request line.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete].into_iter().find(|m| m.name() == text)
    }
}

/// What a call asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Security {
    /// Nothing; a key in the header is ignored.
    None,
    /// A key in the header.
    MarketData,
    /// A key in the header.
    UserStream,
    /// Key, timestamp and signature; the key must be allowed to trade.
    Trade,
    /// Key, timestamp and signature.
    UserData,
}

impl Security {
    /// As the documentation writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::MarketData => "MARKET_DATA",
            Self::UserStream => "USER_STREAM",
            Self::Trade => "TRADE",
            Self::UserData => "USER_DATA",
        }
    }

    /// Needs the header `X-MBX-APIKEY`.
    pub const fn needs_key(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Needs `timestamp` and `signature`.
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Trade | Self::UserData)
    }
}

/// What a call costs of the limit per address and minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Always the same.
    Fixed(u16),
    /// One figure with the parameter, another without it.
    Param {
        /// The parameter's name.
        name: &'static str,
        /// With it.
        with: u16,
        /// Without it.
        without: u16,
    },
    /// By the parameter `limit`: the first step whose bound is not below it.
    Limit {
        /// Its value when it is not given.
        default: u32,
        /// (largest limit, weight), rising.
        steps: &'static [(u32, u16)],
    },
    /// Nothing, but the calls of this kind share 500 requests in five minutes per address.
    Funding,
}

impl Weight {
    /// What one request costs, with `param` as the lookup of its parameters.
    pub fn of<'a>(&self, param: impl FnOnce(&str) -> Option<&'a str>) -> u32 {
        match *self {
            Self::Fixed(weight) => u32::from(weight),
            Self::Param { name, with, without } => {
                let given = param(name).is_some_and(|value| !value.is_empty());
                u32::from(if given { with } else { without })
            }
            Self::Limit { default, steps } => {
                let limit = param("limit").and_then(|text| text.parse().ok()).unwrap_or(default);
                let step = steps.iter().find(|(most, _)| limit <= *most).or(steps.last());
                step.map_or(0, |(_, weight)| u32::from(*weight))
            }
            Self::Funding => 0,
        }
    }
}

/// What a call costs of the order limits of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCount {
    /// Of the limit per ten seconds.
    pub ten_seconds: u16,
    /// Of the limit per minute.
    pub minute: u16,
}

impl OrderCount {
    /// Not an order.
    pub const NONE: Self = Self { ten_seconds: 0, minute: 0 };
    /// One order.
    pub const ONE: Self = Self { ten_seconds: 1, minute: 1 };
    /// A batch, whatever it holds.
    pub const BATCH: Self = Self { ten_seconds: 5, minute: 1 };
}

/// What it means to send a call twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it only reads.
    Read,
    /// It changes something, and once more changes nothing more: cancels, settings, listen keys.
    Repeatable,
    /// It does its work again. When nobody knows whether it was done, it is queried, never resent.
    Once,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Which call it is.
    pub call: Call,
    /// Method.
    pub method: Method,
    /// Path, without a query.
    pub path: &'static str,
    /// What it asks of its caller.
    pub security: Security,
    /// What it costs of the limit per address.
    pub weight: Weight,
    /// What it costs of the order limits.
    pub orders: OrderCount,
    /// What it means to send it twice.
    pub effect: Effect,
}

impl Endpoint {
    /// The line of a method and a path.
    pub fn find(method: Method, path: &str) -> Option<&'static Self> {
        ENDPOINTS.iter().find(|line| line.method == method && line.path == path)
    }

    /// Is there any method for this path?
    pub fn is_path(path: &str) -> bool {
        ENDPOINTS.iter().any(|line| line.path == path)
    }

    /// Changes something, so that its outcome can be unknown.
    pub const fn is_write(&self) -> bool {
        !matches!(self.effect, Effect::Read)
    }
}

/// Requests that the calls of [`Weight::Funding`] share in five minutes per address.
pub const FUNDING_LIMIT: u32 = 500;
/// Orders of an account in ten seconds, unless `rateLimit/order` says otherwise.
pub const ORDERS_TEN_SECONDS: u32 = 300;
/// Orders of an account in a minute, unless `rateLimit/order` says otherwise.
pub const ORDERS_MINUTE: u32 = 1_200;
/// Orders in one batch that places or changes.
pub const BATCH_MAX: usize = 5;
/// Orders in one batch that cancels.
pub const BATCH_CANCEL_MAX: usize = 10;

/// The header that carries the API key.
pub const KEY_HEADER: &str = "X-MBX-APIKEY";
/// The answer's header with the weight used in this minute.
pub const USED_WEIGHT_HEADER: &str = "X-MBX-USED-WEIGHT-1M";
/// The answer's header with the orders of these ten seconds.
pub const ORDERS_TEN_SECONDS_HEADER: &str = "X-MBX-ORDER-COUNT-10S";
/// The answer's header with the orders of this minute.
pub const ORDERS_MINUTE_HEADER: &str = "X-MBX-ORDER-COUNT-1M";
