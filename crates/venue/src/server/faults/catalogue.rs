//! Step machine: every fault by name, with what it does.

use super::Fault;

/// Where a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// On requests: REST and the WebSocket API.
    Request,
    /// On requests that place orders.
    Order,
    /// On requests that place orders, conditional ones too.
    Placing,
    /// On requests that place conditional orders.
    Algo,
    /// On requests that cancel one order.
    Cancel,
    /// On replies about orders.
    OrderReply,
    /// On frames of market and user streams.
    Frame,
    /// On the market or an account: at once, or before the next request that `match` names.
    Event,
}

impl Acts {
    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::Order => "orders",
            Self::Placing => "all orders",
            Self::Algo => "conditional orders",
            Self::Cancel => "cancels",
            Self::OrderReply => "order replies",
            Self::Frame => "frames",
            Self::Event => "market or account",
        }
    }
}

macro_rules! faults {
    ($($kind:ident = $name:literal, $acts:ident, $meaning:literal;)*) => {
        /// The faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(
                #[doc = $meaning]
                $kind,
            )*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Where it acts.
            pub const fn acts(self) -> Acts {
                match self { $(Self::$kind => Acts::$acts,)* }
            }

            /// What it does.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

faults! {
    ReplyCut = "reply_cut", Request,
        "the connection closes in the reply: after `bytes` bytes of the body (0: head only, -1: \
         nothing at all; default half, or by seed). The request is executed unless executed=false";
    ReplyDelay = "reply_delay", Request,
        "the request is executed, the reply comes `ms` (10000) later";
    Http408 = "http_408", Request,
        "408 and a page, no JSON; executed unless executed=false (by seed where one is given)";
    Http429 = "http_429", Request, "429 with -1003; not executed";
    Http418 = "http_418", Request,
        "418 with -1003 and `banned until`; not executed. With `ms` the address stays banned so \
         long";
    Http403 = "http_403", Request, "403 and a page, no JSON, as the firewall sends; not executed";
    UnknownExecuted = "http_503_unknown_executed", Request,
        "503 `Unknown error, …` although the request is executed; with `hidden_ms` questions do \
         not find the order for so long";
    UnknownLost = "http_503_unknown_lost", Request, "503 `Unknown error, …`; not executed";
    Unavailable = "http_503_unavailable", Request,
        "503 `Service Unavailable.` (seed odd: `Internal error; …`); not executed";
    Minus1008 = "minus_1008", Request,
        "503 with -1008; not executed and not counted. Cancels, reduce-only, closePosition, \
         LONG+SELL and SHORT+BUY pass and use nothing up";
    Minus1007 = "minus_1007", Request,
        "408 with -1007; executed unless executed=false (by seed where one is given)";
    Minus5028 = "minus_5028", Request,
        "-5028: the matching engine finds the timestamp too old; not executed";
    ErrorCode = "error_code", Request,
        "the reply is `code` with `status` (400) and `msg`; executed only with executed=true";
    ClockSkew = "clock_skew", Request,
        "the exchange's clock is `ms` (5000) ahead, or behind when negative: without `count` for \
         everything until it is deleted, /time included; else for so many matching requests";
    WsSilence = "ws_silence", Frame,
        "sockets stay open, pings are answered, frames are lost: `count` of them, or all for `ms`, \
         or all until it is deleted";
    WsDrop = "ws_drop", Frame, "instead of the frame its sockets close without a close frame";
    WsDup = "ws_dup", Frame, "the frame comes twice";
    WsReorder = "ws_reorder", Frame, "the frame comes behind the next one of its stream";
    WsGap = "ws_gap", Frame, "the frame is lost";
    WsMalformed = "ws_malformed", Frame,
        "the frame is broken: cut, no JSON, a number that is none, or far too long, by seed";
    WsWrongData = "ws_wrong_data", Frame,
        "the frame says what cannot be, by seed or as `kind` says: nan, negative, zero, spike (ten \
         times the first number), crossed (bid and ask exchanged), symbol (another one)";
    WsHalfOpen = "ws_half_open", Frame,
        "from this frame on its sockets get nothing more, not even pongs, and never close";
    WsLate = "ws_late", Frame, "the frame comes `ms` (30000) later, behind newer ones";
    WsClose = "ws_close", Frame,
        "instead of the frame its sockets get a close frame, as after 24 hours";
    ListenKeyExpire = "listen_key_expire", Event,
        "the listen key of `key` (or every one) expires now, with its event";
    PartialFill = "partial_fill", Placing,
        "the order is filled to `fraction` (0.5), a resting one too; the rest of a taking order \
         fills with the next market fact, or ends at once with rest=expire. Of a conditional order \
         it is what it becomes that fills so far, and a market order's rest ends";
    FillBeforeAck = "fill_before_ack", Order,
        "the order fills at once, a resting one at its own price, and user events leave; the reply \
         comes `ms` (300) later and knows only what was before";
    FillAfterCancel = "fill_after_cancel", Cancel,
        "the cancel is refused with -2011 and the order is filled";
    AlgoReject = "algo_reject", Algo,
        "the conditional order is taken, and REJECTED when it triggers; with `code` it is refused \
         at once with that code";
    AlgoInvisible = "algo_invisible", Algo,
        "the conditional order is taken, but for `ms` (1800000) queries do not find it and lists \
         do not show it";
    Liquidation = "liquidation", Event, "the position of `key` in `symbol` is liquidated now";
    Adl = "adl", Event,
        "the position of `key` in `symbol` is closed by auto-deleveraging, or `fraction` of it";
    Funding = "funding", Event, "funding is charged in `symbol` at `rate` (0.0001) now";
    SymbolHalt = "symbol_halt", Event,
        "`symbol` has `status` (TRADING_HALT) until it is deleted, or for `ms`";
    FiltersChange = "filters_change", Event,
        "`symbol` has new filters from now on: tickSize, stepSize, minQty, minNotional (without \
         any: tick and step ten times as large)";
    LimitsChange = "limits_change", Event,
        "other limits until it is deleted: `weight` a minute, `orders_10s`, `orders_1m`, and \
         `ban_after` so many answers with 429";
    AvgPriceAbsent = "avg_price_absent", OrderReply,
        "the reply has neither avgPrice nor cumQuote";
    ForeignOrder = "foreign_order", Event,
        "a market order of `side` (BUY) and `quantity` in `symbol` that the program did not send \
         fills on the account of `key`";
    SettingsChange = "settings_change", Event,
        "the user sets `leverage`, `marginType` or both of `symbol` on the account of `key`";
    ManualClose = "manual_close", Event,
        "the user closes the position of `key` in `symbol` by hand";
}

impl Kind {
    /// Does it act on the market or an account?
    pub const fn is_event(self) -> bool {
        matches!(self.acts(), Acts::Event)
    }

    /// Is the request carried out under this posting of it?
    pub fn carries_out(self, fault: &Fault) -> bool {
        match self {
            Self::Http429
            | Self::Http418
            | Self::Http403
            | Self::UnknownLost
            | Self::Unavailable
            | Self::Minus1008
            | Self::Minus5028 => false,
            Self::ReplyCut
            | Self::ReplyDelay
            | Self::Http408
            | Self::UnknownExecuted
            | Self::Minus1007
            | Self::ErrorCode => fault.executes(),
            _ => true,
        }
    }

    /// May the reply be made to wait with `ms`? Of the other faults `ms` means something else.
    pub const fn may_wait(self) -> bool {
        matches!(
            self,
            Self::Http408
                | Self::UnknownExecuted
                | Self::UnknownLost
                | Self::Unavailable
                | Self::Minus1007
                | Self::ErrorCode
        )
    }

    /// The fault of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}
