//! The methods of the WebSocket API, with the REST calls that they stand for.

use crate::endpoints::{Call, Effect, OrderCount, Security, Weight};

macro_rules! methods {
    ($($(#[$doc:meta])* $call:ident =
       $name:literal, $security:ident, $weight:expr, $rest:expr;)*) => {
        /// The methods that this program calls or serves.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WsCall {
            $($(#[$doc])* $call,)*
        }

        /// Every method, in the order of [`WsCall`].
        pub const WS_METHODS: &[WsMethod] = &[$(WsMethod {
            call: WsCall::$call,
            name: $name,
            security: Security::$security,
            weight: $weight,
            rest: $rest,
        },)*];
    };
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WsMethod {
    /// Which method it is.
    pub call: WsCall,
    /// As requests name it.
    pub name: &'static str,
    /// What it asks of its caller; a session that is logged on has key and signature already.
    pub security: Security,
    /// What it costs of the limit per address.
    pub weight: Weight,
    /// The REST call with the same meaning, parameters and result.
    pub rest: Option<Call>,
}

/// What opening a connection costs of the limit per address.
pub const HANDSHAKE_WEIGHT: u32 = 5;

impl WsCall {
    /// Its line of the table.
    pub const fn method(self) -> &'static WsMethod {
        &WS_METHODS[self as usize]
    }
}

impl WsMethod {
    /// The line of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        WS_METHODS.iter().find(|line| line.name == name)
    }

    /// What it costs of the order limits.
    pub const fn orders(&self) -> OrderCount {
        match self.rest {
            Some(call) => call.endpoint().orders,
            None => OrderCount::NONE,
        }
    }

    /// What it means to send it twice; sessions may be asked for again.
    pub const fn effect(&self) -> Effect {
        match self.rest {
            Some(call) => call.endpoint().effect,
            None => Effect::Repeatable,
        }
    }

    /// Changes something, so that its outcome can be unknown.
    pub const fn is_write(&self) -> bool {
        !matches!(self.effect(), Effect::Read)
    }
}

const fn same(call: Call) -> Weight {
    call.endpoint().weight
}

methods! {
    /// Places an order.
    OrderPlace = "order.place", Trade, same(Call::NewOrder), Some(Call::NewOrder);
    /// Changes a limit order.
    OrderModify = "order.modify", Trade, same(Call::AmendOrder), Some(Call::AmendOrder);
    /// Cancels an order.
    OrderCancel = "order.cancel", Trade, same(Call::CancelOrder), Some(Call::CancelOrder);
    /// Asks for an order.
    OrderStatus = "order.status", UserData, same(Call::QueryOrder), Some(Call::QueryOrder);
    /// Places a conditional order.
    AlgoPlace = "algoOrder.place", Trade, same(Call::NewAlgoOrder), Some(Call::NewAlgoOrder);
    /// Cancels a conditional order.
    AlgoCancel =
        "algoOrder.cancel", Trade, same(Call::CancelAlgoOrder), Some(Call::CancelAlgoOrder);
    /// Balances.
    BalanceV2 = "v2/account.balance", UserData, same(Call::Balance), Some(Call::Balance);
    /// Balances, first version.
    Balance = "account.balance", UserData, same(Call::BalanceV2), Some(Call::BalanceV2);
    /// The account.
    AccountV2 = "v2/account.status", UserData, same(Call::Account), Some(Call::Account);
    /// The account, first version.
    Account = "account.status", UserData, same(Call::AccountV2), Some(Call::AccountV2);
    /// Positions.
    PositionV2 =
        "v2/account.position", UserData, same(Call::PositionRisk), Some(Call::PositionRisk);
    /// Positions, first version.
    Position =
        "account.position", UserData, same(Call::PositionRiskV2), Some(Call::PositionRiskV2);
    /// Last prices.
    TickerPrice = "ticker.price", None, same(Call::TickerPrice), Some(Call::TickerPrice);
    /// Best bid and ask.
    TickerBook = "ticker.book", None, same(Call::BookTicker), Some(Call::BookTicker);
    /// The order book.
    Depth = "depth", None, same(Call::Depth), Some(Call::Depth);
    /// Authenticates the connection; Ed25519 only.
    Logon = "session.logon", UserData, Weight::Fixed(2), None;
    /// Is the connection authenticated?
    SessionStatus = "session.status", None, Weight::Fixed(2), None;
    /// Forgets the authentication.
    Logout = "session.logout", None, Weight::Fixed(2), None;
    /// Opens or renews the user stream; its events come on a socket of their own.
    StreamStart =
        "userDataStream.start", UserStream, Weight::Fixed(5), Some(Call::StartUserStream);
    /// Keeps the user stream open.
    StreamPing = "userDataStream.ping", UserStream, Weight::Fixed(5), Some(Call::KeepUserStream);
    /// Closes the user stream.
    StreamStop = "userDataStream.stop", UserStream, Weight::Fixed(5), Some(Call::CloseUserStream);
}
