//! What an account may ask.

use super::names::{AlgoKind, OrderKind, PositionSide, SelfTrade, TimeInForce, WorkingType};
use super::record::ClientId;
use aegis_types::{Nanos, Px, Qty, Rate, Side, SymbolId};

/// An order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// For which position.
    pub position_side: PositionSide,
    /// Limit or market.
    pub kind: OrderKind,
    /// How long it stands; of no meaning for a market order.
    pub time_in_force: TimeInForce,
    /// Quantity.
    pub qty: Qty,
    /// Limit price; zero of a market order.
    pub price: Px,
    /// May only reduce; not in hedge mode.
    pub reduce_only: bool,
    /// The client's id; the venue makes one where none is given.
    pub client_id: Option<ClientId>,
    /// Self-trade prevention.
    pub self_trade: SelfTrade,
    /// When a GTD order ends.
    pub good_till: Nanos,
    /// A fault for tests: only this fraction fills now, the rest with the next market fact.
    pub partial: Option<Rate>,
    /// With `partial`: the rest ends at once instead.
    pub rest_expires: bool,
}

impl OrderRequest {
    /// A market order in one-way mode.
    pub const fn market(symbol: SymbolId, side: Side, qty: Qty) -> Self {
        Self {
            symbol,
            side,
            position_side: PositionSide::Both,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
            qty,
            price: Px::ZERO,
            reduce_only: false,
            client_id: None,
            self_trade: SelfTrade::ExpireMaker,
            good_till: Nanos::ZERO,
            partial: None,
            rest_expires: false,
        }
    }

    /// A limit order in one-way mode, good till cancelled.
    pub const fn limit(symbol: SymbolId, side: Side, qty: Qty, price: Px) -> Self {
        Self { kind: OrderKind::Limit, price, ..Self::market(symbol, side, qty) }
    }
}

/// What an amendment makes of a limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmendRequest {
    /// Side of the order; another one is refused.
    pub side: Option<Side>,
    /// New price.
    pub price: Px,
    /// New quantity, what was filled included.
    pub qty: Qty,
    /// Comes back in the report.
    pub modify_id: u64,
}

/// A conditional order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgoRequest {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// For which position.
    pub position_side: PositionSide,
    /// What it is.
    pub kind: AlgoKind,
    /// How long its order stands.
    pub time_in_force: TimeInForce,
    /// Quantity; zero with `close_position`.
    pub qty: Qty,
    /// Limit price; zero of the market kinds.
    pub price: Px,
    /// Trigger; zero of a trailing stop.
    pub trigger: Px,
    /// Which price triggers.
    pub working_type: WorkingType,
    /// Not to trigger while mark and last are too far apart.
    pub price_protect: bool,
    /// Closes the whole position.
    pub close_position: bool,
    /// May only reduce.
    pub reduce_only: bool,
    /// The client's id; the venue makes one where none is given.
    pub client_id: Option<ClientId>,
    /// Self-trade prevention of its order.
    pub self_trade: SelfTrade,
    /// When a GTD order ends.
    pub good_till: Nanos,
    /// Price from which a trailing stop trails; zero for the newest price.
    pub activate_price: Px,
    /// How far a trailing stop trails, as a fraction (0.001 to 0.2).
    pub callback: Rate,
}

impl AlgoRequest {
    /// A conditional market order in one-way mode on the last price.
    pub const fn conditional(symbol: SymbolId, kind: AlgoKind, side: Side, trigger: Px) -> Self {
        Self {
            symbol,
            side,
            position_side: PositionSide::Both,
            kind,
            time_in_force: TimeInForce::Gtc,
            qty: Qty::ZERO,
            price: Px::ZERO,
            trigger,
            working_type: WorkingType::ContractPrice,
            price_protect: false,
            close_position: false,
            reduce_only: false,
            client_id: None,
            self_trade: SelfTrade::None,
            good_till: Nanos::ZERO,
            activate_price: Px::ZERO,
            callback: Rate::ZERO,
        }
    }
}

/// Changes of a recorded book: absolute quantities, zero takes a level away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthUpdate<'a> {
    /// Forget what was there before.
    pub snapshot: bool,
    /// Bids.
    pub bids: &'a [(Px, Qty)],
    /// Asks.
    pub asks: &'a [(Px, Qty)],
}
