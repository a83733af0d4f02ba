//! Step machine: what the client asks of the exchange, and what comes back.
//!
//! A request is a line of the table of endpoints with parameters in a fixed buffer, so that an
//! order is made without allocating. The machine decides when it goes and with which timestamp; the
//! pump only writes it and says how it ended.

use aegis_types::{ClientOrderId, Nanos, SymbolId, Text};
use aegis_wire::endpoints::Call;
use core::fmt::Write as _;

/// Bytes of parameters that a request may have, timestamp and signature not counted.
pub const PARAMS_MAX: usize = 320;

/// Which connections a request may use: reads never stand in front of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Orders and cancels alone.
    Orders,
    /// Everything else.
    Reads,
}

/// What a request is for; comes back with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A sample of the exchange's clock.
    Time,
    /// Filters and limits.
    ExchangeInfo,
    /// Margin brackets.
    Brackets,
    /// What the key may do.
    Restrictions,
    /// Position mode and permission.
    AccountConfig,
    /// Sets one-way mode.
    OneWay,
    /// Reads back margin type and leverage: of all symbols, or of one.
    SymbolConfig(Option<SymbolId>),
    /// Sets isolated margin.
    Isolate(SymbolId),
    /// Sets the leverage.
    Leverage(SymbolId, u16),
    /// Makes a listen key.
    ListenKey,
    /// Renews the listen key.
    RenewKey,
    /// Wallet.
    Balance,
    /// Positions.
    Positions,
    /// Open orders.
    OpenOrders,
    /// Open conditional orders.
    OpenAlgoOrders,
    /// Places an order.
    Place(ClientOrderId),
    /// Takes it back.
    Cancel(ClientOrderId),
    /// Asks what became of it.
    Query(ClientOrderId),
    /// Asks for its fills.
    Trades(ClientOrderId),
    /// Asks for all fills of a symbol, to learn what closed a position.
    SymbolTrades(SymbolId),
    /// Asks whose order this is, by its number at the exchange.
    Whose(SymbolId, u64),
    /// Sets, in ms, after which the exchange cancels the plain orders of a symbol by itself, unless
    /// it is set anew; 0 ends that.
    Countdown(SymbolId, u32),
}

impl Purpose {
    /// Where its request goes.
    pub const fn lane(self) -> Lane {
        match self {
            Self::Place(_) | Self::Cancel(_) => Lane::Orders,
            _ => Lane::Reads,
        }
    }
}

/// Parameters in the order in which they are signed and sent.
pub type Params = Text<PARAMS_MAX>;

/// Appends `name=value`. Values here are of our own making and need no encoding: symbol names,
/// ids, numbers and the exchange's words.
pub fn push(params: &mut Params, name: &str, value: impl core::fmt::Display) {
    let join = if params.as_str().is_empty() { "" } else { "&" };
    // PARAMS_MAX holds every request that this crate makes.
    let fits = write!(params, "{join}{name}={value}").is_ok();
    debug_assert!(fits, "parameters longer than {PARAMS_MAX}");
}

/// One request, ready to be signed and written.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Its number, by which its end is told.
    pub token: u64,
    /// The endpoint.
    pub call: Call,
    /// What it is for.
    pub purpose: Purpose,
    /// Parameters without timestamp and signature.
    pub params: Params,
    /// The exchange's time at which it was stamped, in ms.
    pub timestamp_ms: i64,
    /// When its answer is given up.
    pub deadline: Nanos,
}

impl Request {
    /// What it costs of the limit per address.
    pub fn weight(&self) -> u32 {
        self.call.endpoint().weight.of(|name| param(&self.params, name))
    }

    /// Orders that it counts as.
    pub fn orders(&self) -> u32 {
        u32::from(self.call.endpoint().orders.minute)
    }
}

/// The value of a parameter.
fn param<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    let mut pairs = params.as_str().split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// What the headers of an answer say about limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    /// Weight used in this minute.
    pub weight_1m: Option<u32>,
    /// Orders of the last 10 s.
    pub orders_10s: Option<u32>,
    /// Orders of this minute.
    pub orders_1m: Option<u32>,
    /// Seconds to stay away.
    pub retry_after_s: Option<u32>,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// What its headers say about limits.
    pub meters: Meters,
    /// The body, to its last byte.
    pub body: &'a [u8],
}

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// No byte of it left this machine: it has not happened.
    NotSent,
    /// No answer in time.
    Timeout,
    /// The connection ended before the answer did.
    Cut,
    /// What came is not HTTP.
    Malformed,
    /// The gateway stopped it; it has not left and never will.
    Stopped,
    /// Too many orders left in that time; it has not left.
    Capped,
}

impl Loss {
    /// Has certainly nothing of it left this machine?
    pub const fn never_left(self) -> bool {
        matches!(self, Self::NotSent | Self::Stopped | Self::Capped)
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// With an answer.
    Reply(Reply<'a>),
    /// Without.
    Lost(Loss),
}
