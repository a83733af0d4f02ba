//! What the venue tells: to the account it is about, and to everybody.

use super::names::{AccountReason, ExecutionKind, MarginType, PositionSide, SymbolStatus};
use super::record::{AccountId, AlgoRecord, OrderRecord};
use aegis_types::{Money, Nanos, Px, Qty, Side, SymbolId};
use alloc::vec::Vec;

/// One thing that happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// An order changed.
    Order(OrderReport),
    /// A conditional order changed; its account is in the record.
    Algo(AlgoRecord),
    /// Balance or positions changed.
    Account(AccountReport),
    /// A leverage was set.
    Leverage {
        /// Whose.
        account: AccountId,
        /// When.
        at: Nanos,
        /// Of which symbol.
        symbol: SymbolId,
        /// To what.
        leverage: u16,
    },
    /// The multi-assets mode was set.
    MultiAssets {
        /// Whose.
        account: AccountId,
        /// When.
        at: Nanos,
        /// To what.
        on: bool,
    },
    /// The margin is running out.
    MarginCall {
        /// Whose.
        account: AccountId,
        /// When.
        at: Nanos,
        /// Cross wallet; zero when isolated positions are meant.
        cross_wallet: Money,
        /// Which positions.
        positions: Vec<MarginCall>,
    },
    /// A trade in which at least one account of this venue took part, for everybody.
    Print(Print),
    /// The exchange closed a position, for everybody.
    ForceOrder {
        /// Of which symbol.
        symbol: SymbolId,
        /// When.
        at: Nanos,
        /// Side of the closing order.
        side: Side,
        /// Price.
        px: Px,
        /// Quantity.
        qty: Qty,
    },
    /// A symbol's status or rules changed, for everybody.
    Symbol {
        /// Which.
        symbol: SymbolId,
        /// When.
        at: Nanos,
        /// Its status now.
        status: SymbolStatus,
    },
}

impl Report {
    /// Whom it is for; none for everybody.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Order(report) => Some(report.order.account),
            Self::Algo(record) => Some(record.account),
            Self::Account(report) => Some(report.account),
            Self::Leverage { account, .. }
            | Self::MultiAssets { account, .. }
            | Self::MarginCall { account, .. } => Some(*account),
            Self::Print(_) | Self::ForceOrder { .. } | Self::Symbol { .. } => None,
        }
    }
}

/// A change of an order, with the order as it then is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// When (transaction time).
    pub at: Nanos,
    /// What happened.
    pub execution: ExecutionKind,
    /// The order afterwards.
    pub order: OrderRecord,
    /// Quantity of this fill; else zero.
    pub last_qty: Qty,
    /// Price of this fill; else zero.
    pub last_px: Px,
    /// Fee of this fill; else zero.
    pub fee: Money,
    /// Profit that this fill realised; else zero.
    pub realized: Money,
    /// The trade; else zero.
    pub trade_id: u64,
    /// The order was resting when it was filled.
    pub maker: bool,
    /// Why it expired: 0 not, 1 self-trade prevention, 2 rest of IOC, 4 reduce-only without a
    /// position, 5 liquidation, 7 delisted, 9 rest of a market order.
    pub expiry: u8,
    /// Notional of the account's open buys on the symbol.
    pub bid_notional: Money,
    /// Notional of the account's open sells on the symbol.
    pub ask_notional: Money,
}

/// Balance and changed positions of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport {
    /// Whose.
    pub account: AccountId,
    /// When.
    pub at: Nanos,
    /// Why.
    pub reason: AccountReason,
    /// Symbol of the event, where it has one.
    pub symbol: Option<SymbolId>,
    /// Wallet afterwards.
    pub wallet: Money,
    /// Cross wallet afterwards.
    pub cross_wallet: Money,
    /// Change of the wallet other than by profit and fees.
    pub change: Money,
    /// Positions that changed.
    pub positions: Vec<PositionReport>,
}

/// A position in an account report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionReport {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Which one.
    pub position_side: PositionSide,
    /// Quantity; negative when short.
    pub qty: Qty,
    /// Average entry price.
    pub entry_px: Px,
    /// Break-even price.
    pub break_even_px: Px,
    /// Profit realised since it was opened, before fees.
    pub realized: Money,
    /// Profit at the mark.
    pub unrealized: Money,
    /// What stands behind it.
    pub margin_type: MarginType,
    /// Isolated wallet.
    pub isolated_wallet: Money,
}

/// A position whose margin is running out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginCall {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Which one.
    pub position_side: PositionSide,
    /// Quantity; negative when short.
    pub qty: Qty,
    /// What stands behind it.
    pub margin_type: MarginType,
    /// Isolated wallet.
    pub isolated_wallet: Money,
    /// Mark price.
    pub mark: Px,
    /// Profit at the mark.
    pub unrealized: Money,
    /// Maintenance margin.
    pub maintenance_margin: Money,
}

/// A trade as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// When.
    pub at: Nanos,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// The trade, rising per symbol.
    pub id: u64,
    /// The buyer's order was resting.
    pub buyer_is_maker: bool,
}
