//! Orders as the engine asks for them, and what venues answer.

use crate::fixed::{Money, Px, Qty, Rate};
use crate::instrument::Filters;
use crate::side::Side;
use crate::signal::codes;
use crate::symbol::SymbolId;
use crate::text::Text;
use crate::time::Nanos;
use core::fmt::{self, Write};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

codes! {
    /// The order types that venues execute.
    OrderType {
        /// At once, at the market.
        Market = "MARKET",
        /// At a price or better.
        Limit = "LIMIT",
        /// Becomes a market order when the trigger is touched against the position.
        StopMarket = "STOP_MARKET",
        /// Becomes a market order when the trigger is touched in the position's favour.
        TakeProfitMarket = "TAKE_PROFIT_MARKET",
    }
}

codes! {
    /// Why the engine sent an order.
    OrderReason {
        /// Opens a position on a signal.
        Entry = "entry",
        /// Protects a position.
        Stop = "stop",
        /// Takes the position's profit.
        Target = "target",
        /// Makes room for a stronger signal.
        Rotation = "rotation",
        /// The position was held as long as allowed.
        TimeStop = "time_stop",
        /// The reasons for the entry are gone.
        Decay = "decay",
        /// A stop could not be placed in time.
        Unprotected = "unprotected",
        /// The operator asked for it.
        Flatten = "flatten",
        /// The exchange closed the position.
        Liquidation = "liquidation",
        /// The exchange reduced the position against a bankrupt one.
        Deleveraged = "adl",
        /// Somebody else's order changed the position.
        Manual = "manual",
    }
}

/// The engine's own id of an order: (session, counter). The same journal gives the same ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId {
    /// The session.
    pub session: u64,
    /// The order's number in the session, from 1.
    pub number: u32,
}

/// Every id of ours begins so; orders without it are foreign.
pub const ORDER_ID_PREFIX: &str = "aegis-";

impl ClientOrderId {
    /// The text that exchanges see: `aegis-<session hex>-<number>`, at most 33 characters.
    pub fn text(self) -> Text<36> {
        let mut text = Text::new();
        // 6 + 16 + 1 + 10 characters always fit.
        let _ = write!(text, "{ORDER_ID_PREFIX}{:016x}-{}", self.session, self.number);
        text
    }

    /// The id that a text names, if it is one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, number) = text.strip_prefix(ORDER_ID_PREFIX)?.split_once('-')?;
        let id =
            Self { session: u64::from_str_radix(session, 16).ok()?, number: number.parse().ok()? };
        (id.text().as_str() == text).then_some(id)
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text().as_str())
    }
}

impl Serialize for ClientOrderId {
    /// Its text where people read, the two numbers elsewhere.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.serialize_str(self.text().as_str())
        } else {
            (self.session, self.number).serialize(s)
        }
    }
}

impl<'de> Deserialize<'de> for ClientOrderId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = alloc::string::String::deserialize(d)?;
            let wrong = || serde::de::Error::custom("not the text of a client order id");
            return Self::parse(&text).ok_or_else(wrong);
        }
        let (session, number) = Deserialize::deserialize(d)?;
        Ok(Self { session, number })
    }
}

/// An order as the engine asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Our id.
    pub id: ClientOrderId,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Order type.
    pub kind: OrderType,
    /// Why it is sent.
    pub reason: OrderReason,
    /// May only reduce a position.
    pub reduce_only: bool,
    /// Base quantity, positive.
    pub qty: Qty,
    /// Limit price; zero for the other types.
    pub price: Px,
    /// Trigger price of stop and take-profit orders; zero for the other types.
    pub trigger: Px,
}

codes! {
    /// Why a venue refused an order. The numbers of the exchange are in `aegis_wire`.
    RejectCode {
        /// Quantity not on the step grid, or below or above its limits.
        Quantity = "quantity",
        /// Price or trigger not on the tick grid, or not positive.
        Price = "price",
        /// Notional below the minimum.
        Notional = "notional",
        /// Not enough balance for the margin.
        Margin = "margin",
        /// Reduce-only without a position to reduce.
        ReduceOnly = "reduce_only",
        /// The trigger is already crossed.
        WouldTrigger = "would_trigger",
        /// The symbol is not tradable here.
        Symbol = "symbol",
        /// The id is already in use.
        DuplicateId = "duplicate_id",
        /// Leverage above what the bracket allows.
        Leverage = "leverage",
        /// Too many open orders.
        TooManyOrders = "too_many_orders",
        /// No such order (of a cancel).
        UnknownOrder = "unknown_order",
        /// The venue failed for sure; nothing happened.
        VenueFailed = "venue_failed",
        /// No price has been seen for the symbol.
        NoPrice = "no_price",
        /// The gateway stopped it: it is not what was approved, or this program is fenced off.
        Gateway = "gateway",
        /// Too many orders left in that time.
        OrderRate = "order_rate",
    }
}

impl Fill {
    /// Trade ids from here on are not the venue's: whoever inferred a fill from what is held has
    /// made them, deterministically.
    pub const INFERRED: u64 = 1 << 63;
}

codes! {
    /// Why and how a fill happened.
    FillReason {
        /// A market order at the next price the data showed.
        NextPrice = "next_price",
        /// A stop whose trigger the candle touched, at the trigger or worse.
        StopTouched = "stop_touched",
        /// A stop that a gap jumped over, at the first price behind it.
        StopGapped = "stop_gapped",
        /// A target whose trigger the candle touched.
        TargetTouched = "target_touched",
        /// A limit order that crossed the market when it arrived.
        LimitCrossed = "limit_crossed",
        /// A limit order that the market traded through.
        LimitThrough = "limit_through",
        /// The exchange liquidated the position.
        Liquidated = "liquidated",
        /// The exchange reduced the position against a bankrupt one.
        Deleveraged = "adl",
        /// An order that is not ours.
        Manual = "manual",
    }
}

/// A (partial) execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// The order, or an id with number 0 where the exchange acted by itself.
    pub order: ClientOrderId,
    /// Unique per symbol and venue.
    pub trade_id: u64,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Side of the order.
    pub side: Side,
    /// Rested in the book.
    pub maker: bool,
    /// How it came about.
    pub reason: FillReason,
    /// Price.
    pub px: Px,
    /// Quantity of this fill.
    pub qty: Qty,
    /// Quantity of the order still open after it.
    pub leaves: Qty,
    /// Fee paid, positive.
    pub fee: Money,
    /// Profit that this fill realised, before fees.
    pub realized: Money,
    /// Isolated margin posted for the position after the fill.
    pub margin: Money,
    /// The venue's own time of the fill (after its latency).
    pub venue_time: Nanos,
}

/// What a venue tells about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum OrderUpdate {
    /// The venue has it.
    Accepted,
    /// The venue refused it.
    Rejected {
        /// Why.
        code: RejectCode,
    },
    /// Executed, wholly or in part.
    Filled {
        /// The execution.
        fill: Fill,
    },
    /// Taken back, with what was left of it.
    Canceled,
    /// Ended by the venue (for example: reduce-only and the position is gone).
    Expired,
    /// Nobody knows: the answer was lost. Holds its slot until proven.
    Unknown,
}

/// What a venue tells about the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum AccountUpdate {
    /// Funding was charged (negative) or paid (positive) on a position.
    Funding {
        /// Of which symbol.
        symbol: SymbolId,
        /// Change of the wallet.
        amount: Money,
        /// The rate charged.
        rate: Rate,
        /// The mark price it was charged at.
        mark: Px,
    },
    /// The wallet balance: what was deposited, realised, paid and charged; without unrealised PnL.
    Wallet {
        /// The balance.
        balance: Money,
    },
    /// The leverage of a symbol, as the venue now has it.
    Leverage {
        /// Of which symbol.
        symbol: SymbolId,
        /// Whole leverage.
        leverage: u16,
    },
    /// A position that nobody here opened, and that is to be taken over.
    Position {
        /// What it is.
        found: FoundPosition,
    },
    /// The rules of a symbol, as the venue now has them.
    Filters {
        /// Of which symbol.
        symbol: SymbolId,
        /// The rules.
        filters: Filters,
    },
}

/// A position that the venue holds and no order of this session has opened. Where its stop is to
/// stand comes with it, so that whoever reads the journal again places the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FoundPosition {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Long or short.
    pub side: Side,
    /// Quantity, positive.
    pub qty: Qty,
    /// Average price of its entry, as the venue says.
    pub entry: Px,
    /// Mark price when it was found.
    pub mark: Px,
    /// Margin posted for it.
    pub margin: Money,
    /// Trigger of the stop to place.
    pub stop: Px,
}
