//! What the engine tells: the source of logs, read models, metrics and pages. Nothing here is
//! needed to trade.

use crate::alert::Alert;
use crate::candle::Candle;
use crate::condition::{Cause, TradingState};
use crate::denial::Denial;
use crate::fixed::{Money, Px, Qty};
use crate::order::{AccountUpdate, ClientOrderId, Fill, Order, OrderReason, OrderUpdate};
use crate::side::Side;
use crate::signal::{FEATURES, Level, Pattern, Signal};
use crate::symbol::SymbolId;
use crate::time::{Nanos, Timeframe};
use serde::{Deserialize, Serialize};

/// The bus topics of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Topic {
    /// Newest price of a symbol (conflated).
    TickUpdate,
    /// A candle has closed.
    CandleClosed,
    /// A structure event.
    Structure,
    /// A signal was formed.
    SignalGenerated,
    /// An order command left the engine.
    OrderRequest,
    /// An execution.
    OrderFilled,
    /// A position opened, changed or closed.
    Position,
    /// Risk or portfolio turned a signal away.
    RiskRejected,
    /// News of the model.
    Model,
    /// The system is stopping.
    SystemShutdown,
    /// A human must hear of something.
    Alert,
}

/// An open position as the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Long or short.
    pub side: Side,
    /// Base quantity, positive.
    pub qty: Qty,
    /// Average entry price.
    pub entry_px: Px,
    /// First fill.
    pub opened_at: Nanos,
    /// Isolated margin posted.
    pub margin: Money,
    /// Where the protective stop rests.
    pub stop: Px,
    /// Where the target rests.
    pub target: Px,
    /// The stop order, once sent.
    pub stop_order: ClientOrderId,
    /// The stop was acknowledged for the whole quantity.
    pub protected: bool,
    /// Confidence of the entry.
    pub confidence: f64,
    /// Profit at the last price, before the exit fee.
    pub unrealized: Money,
    /// Fees paid so far.
    pub fees: Money,
    /// Funding received (negative: paid) so far.
    pub funding: Money,
}

/// A closed position: entry, exit, outcome, and the features it was entered on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trade {
    /// Number in the session, from 1.
    pub number: u32,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Long or short.
    pub side: Side,
    /// Who proposed it.
    pub level: Level,
    /// Base quantity.
    pub qty: Qty,
    /// First entry fill.
    pub entry_at: Nanos,
    /// Average entry price.
    pub entry_px: Px,
    /// Last exit fill.
    pub exit_at: Nanos,
    /// Average exit price.
    pub exit_px: Px,
    /// Why it was closed.
    pub exit_reason: OrderReason,
    /// Profit before fees and funding.
    pub gross: Money,
    /// Fees of entry and exit, positive.
    pub fees: Money,
    /// Funding received (negative: paid).
    pub funding: Money,
    /// `gross − fees + funding`.
    pub net: Money,
    /// Net over the money at risk between entry price and first stop.
    pub r_multiple: f64,
    /// Entry notional over the isolated margin posted.
    pub leverage: f64,
    /// Confidence of the entry.
    pub confidence: f64,
    /// Features at entry.
    pub features: [f64; FEATURES],
}

/// What the engine tells. `at` is the time of the event that caused it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "notices live in one preallocated list, by value")]
pub enum Notice {
    /// A candle of any timeframe has closed.
    Candle(Candle),
    /// A structure pattern completed on a timeframe.
    Structure {
        /// Of which symbol.
        symbol: SymbolId,
        /// On which timeframe.
        timeframe: Timeframe,
        /// What.
        pattern: Pattern,
        /// In which direction.
        side: Side,
        /// At which price.
        level: Px,
    },
    /// A signal was formed.
    Signal(Signal),
    /// A signal was turned away.
    Denied {
        /// The reason and its numbers.
        denial: Denial,
        /// Confidence of the signal.
        confidence: f64,
        /// Side of the signal.
        side: Side,
    },
    /// An order was sent.
    OrderSent(Order),
    /// A venue said something about an order (fills come as [`Notice::Filled`]).
    OrderUpdated {
        /// Which order.
        id: ClientOrderId,
        /// Of which symbol.
        symbol: SymbolId,
        /// What.
        update: OrderUpdate,
    },
    /// An execution was booked.
    Filled {
        /// The execution.
        fill: Fill,
        /// Why the order had been sent.
        reason: OrderReason,
    },
    /// A position opened or changed.
    Position(Position),
    /// A position closed.
    Closed(Trade),
    /// News of the account.
    Account(AccountUpdate),
    /// Equity at the end of a minute in which something is open, or in which it changed.
    Equity {
        /// Wallet balance.
        wallet: Money,
        /// Unrealised profit at last prices.
        unrealized: Money,
        /// Sum of the notionals of open positions.
        exposure: Money,
        /// Open, in-flight and unknown positions.
        positions: u8,
    },
    /// What the engine may do has changed, or the reason why.
    Trading {
        /// What it may do from now on.
        state: TradingState,
        /// Why no entries: the gravest of the causes that are on.
        cause: Option<Cause>,
    },
    /// A human must hear of this.
    Alert(Alert),
}

impl Notice {
    /// The topic under which the bus carries it.
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Candle(_) => Topic::CandleClosed,
            Self::Structure { .. } => Topic::Structure,
            Self::Signal(_) => Topic::SignalGenerated,
            Self::Denied { .. } => Topic::RiskRejected,
            Self::OrderSent(_) | Self::OrderUpdated { .. } => Topic::OrderRequest,
            Self::Filled { .. } => Topic::OrderFilled,
            Self::Position(_) | Self::Closed(_) | Self::Account(_) | Self::Equity { .. } => {
                Topic::Position
            }
            Self::Trading { .. } => Topic::SystemShutdown,
            Self::Alert(_) => Topic::Alert,
        }
    }
}
