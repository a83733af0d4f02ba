//! What can be read of orders, positions, trades and money.

use super::names::{
    AlgoKind, AlgoStatus, IncomeKind, MarginType, OrderKind, OrderStatus, PositionSide, SelfTrade,
    TimeInForce, WorkingType,
};
use aegis_types::{Money, Nanos, Px, Qty, Rate, Side, SymbolId, Text};

/// An account of the venue, by order of opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u16);

impl AccountId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A client's own id of an order: 1 to 36 of `.A-Z:/a-z0-9_-`.
pub type ClientId = Text<36>;

/// By which id an order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKey {
    /// The venue's.
    Id(u64),
    /// The client's.
    Client(ClientId),
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Whose.
    pub account: AccountId,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// The venue's id, rising over all symbols.
    pub id: u64,
    /// The client's id.
    pub client_id: ClientId,
    /// Buy or sell.
    pub side: Side,
    /// For which position.
    pub position_side: PositionSide,
    /// What it is.
    pub kind: OrderKind,
    /// What it was before it triggered, of an order that the algo service sent.
    pub origin: Option<AlgoKind>,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Limit price; zero of a market order.
    pub price: Px,
    /// Quantity asked for.
    pub qty: Qty,
    /// Quantity filled.
    pub filled: Qty,
    /// Sum of the notionals of its fills.
    pub quote: Money,
    /// May only reduce.
    pub reduce_only: bool,
    /// Closes the whole position.
    pub close_position: bool,
    /// Self-trade prevention.
    pub self_trade: SelfTrade,
    /// When it ends, of a GTD order; else zero.
    pub good_till: Nanos,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was taken.
    pub created: Nanos,
    /// When it last changed.
    pub updated: Nanos,
    /// Trigger of the conditional order that it came from; else zero.
    pub stop_price: Px,
    /// Which price triggered that one.
    pub working_type: WorkingType,
    /// Its price protection.
    pub price_protect: bool,
    /// The conditional order that it came from; else zero.
    pub algo_id: u64,
    /// The id given with the last amendment; else zero.
    pub modify_id: u64,
    /// How often it was amended.
    pub amended: u32,
}

impl OrderRecord {
    /// Average price of its fills; zero without fills.
    pub fn average_px(&self) -> Px {
        self.quote.over_qty(self.filled).unwrap_or(Px::ZERO)
    }

    /// Quantity still open.
    pub fn leaves(&self) -> Qty {
        self.qty.minus(self.filled).unwrap_or(Qty::ZERO)
    }
}

/// A conditional order as the venue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgoRecord {
    /// Whose.
    pub account: AccountId,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// The venue's id, rising over all symbols.
    pub id: u64,
    /// The client's id.
    pub client_id: ClientId,
    /// What it is.
    pub kind: AlgoKind,
    /// Buy or sell.
    pub side: Side,
    /// For which position.
    pub position_side: PositionSide,
    /// How long its order will stand.
    pub time_in_force: TimeInForce,
    /// Quantity; zero with `close_position`.
    pub qty: Qty,
    /// Limit price of its order; zero of a market one.
    pub price: Px,
    /// Trigger; of a trailing stop the one that stands now, zero before it is activated.
    pub trigger: Px,
    /// Which price triggers.
    pub working_type: WorkingType,
    /// Not to trigger while mark and last are too far apart.
    pub price_protect: bool,
    /// Closes the whole position.
    pub close_position: bool,
    /// May only reduce.
    pub reduce_only: bool,
    /// Self-trade prevention of its order.
    pub self_trade: SelfTrade,
    /// Price from which a trailing stop trails; zero for at once.
    pub activate_price: Px,
    /// How far a trailing stop trails, as a fraction.
    pub callback: Rate,
    /// A trailing stop trails.
    pub activated: bool,
    /// When its order ends, of a GTD order; else zero.
    pub good_till: Nanos,
    /// Where it stands.
    pub status: AlgoStatus,
    /// When it was taken.
    pub created: Nanos,
    /// When it last changed.
    pub updated: Nanos,
    /// When it triggered; else zero.
    pub triggered_at: Nanos,
    /// The order that it became; else zero.
    pub order_id: u64,
    /// What of that order was filled.
    pub filled: Qty,
    /// At which average price; else zero.
    pub average_px: Px,
    /// Why it was rejected or has expired; else empty.
    pub reason: &'static str,
}

/// A fill of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeRecord {
    /// Whose.
    pub account: AccountId,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// The trade, rising per symbol.
    pub id: u64,
    /// Of which order.
    pub order_id: u64,
    /// Buy or sell.
    pub side: Side,
    /// For which position.
    pub position_side: PositionSide,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// Notional.
    pub quote: Money,
    /// Fee paid; negative when received.
    pub fee: Money,
    /// Profit realised, before fees.
    pub realized: Money,
    /// The order was resting.
    pub maker: bool,
    /// When.
    pub at: Nanos,
}

/// One change of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomeRecord {
    /// Whose.
    pub account: AccountId,
    /// Its number, rising over all accounts.
    pub id: u64,
    /// What for.
    pub kind: IncomeKind,
    /// Change of the wallet.
    pub amount: Money,
    /// Of which symbol, unless it was a transfer.
    pub symbol: Option<SymbolId>,
    /// Of which trade; else zero.
    pub trade_id: u64,
    /// When.
    pub at: Nanos,
}

/// What of a history is asked for. The default is everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Only of this symbol.
    pub symbol: Option<SymbolId>,
    /// Only with this id or a later one.
    pub from_id: Option<u64>,
    /// Only of this order (of trades).
    pub order_id: Option<u64>,
    /// Only of this kind (of income).
    pub kind: Option<IncomeKind>,
    /// Not before.
    pub start: Nanos,
    /// Not after.
    pub end: Nanos,
    /// So many at most: the first ones where `from_id` or `start` is given, else the newest; always
    /// by rising id.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            symbol: None,
            from_id: None,
            order_id: None,
            kind: None,
            start: Nanos(i64::MIN),
            end: Nanos::MAX,
            limit: usize::MAX,
        }
    }
}

/// A position with all that is reckoned from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionRecord {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Which one.
    pub position_side: PositionSide,
    /// Base quantity; negative when short.
    pub qty: Qty,
    /// Average entry price; zero without a position.
    pub entry_px: Px,
    /// Price at which cost and fees so far come back, before the fee of closing.
    pub break_even_px: Px,
    /// Mark price.
    pub mark: Px,
    /// Profit at the mark.
    pub unrealized: Money,
    /// Profit realised since it was opened, before fees.
    pub realized: Money,
    /// Where it is liquidated.
    pub liquidation: Option<Px>,
    /// Leverage of the symbol.
    pub leverage: u16,
    /// Largest notional at that leverage.
    pub max_notional: Money,
    /// What stands behind it.
    pub margin_type: MarginType,
    /// Isolated wallet; zero of a cross position.
    pub isolated_wallet: Money,
    /// Isolated wallet and unrealised profit; zero of a cross position.
    pub isolated_margin: Money,
    /// Notional at the mark; negative when short.
    pub notional: Money,
    /// Margin that position and open orders bind.
    pub initial_margin: Money,
    /// Margin that the position binds.
    pub position_initial_margin: Money,
    /// Margin that open orders bind.
    pub order_initial_margin: Money,
    /// Maintenance margin.
    pub maintenance_margin: Money,
    /// Notional of open buys.
    pub bid_notional: Money,
    /// Notional of open sells.
    pub ask_notional: Money,
    /// Place in the queue of auto-deleveraging, 0 (last) to 4 (first).
    pub adl: u8,
    /// When it last changed.
    pub updated: Nanos,
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// Deposited, realised, paid and charged.
    pub wallet: Money,
    /// The wallet less the isolated ones.
    pub cross_wallet: Money,
    /// Profit of all positions at the mark.
    pub unrealized: Money,
    /// Profit of the cross positions at the mark.
    pub cross_unrealized: Money,
    /// Wallet and unrealised profit.
    pub margin_balance: Money,
    /// Margin that positions and open orders bind.
    pub initial_margin: Money,
    /// Margin that positions bind.
    pub position_initial_margin: Money,
    /// Margin that open orders bind.
    pub order_initial_margin: Money,
    /// Maintenance margin of all positions.
    pub maintenance_margin: Money,
    /// What a new order may bind.
    pub available: Money,
    /// What may be paid out.
    pub max_withdraw: Money,
    /// Hedge mode.
    pub dual_side: bool,
    /// Multi-assets mode.
    pub multi_assets: bool,
    /// When the wallet last changed.
    pub updated: Nanos,
}

/// What an account has set for a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolSettings {
    /// Margin type.
    pub margin_type: MarginType,
    /// Leverage.
    pub leverage: u16,
    /// Largest notional at that leverage.
    pub max_notional: Money,
}

/// Where every unit of a wallet came from:
/// `wallet = deposits + realized − fees + funding − liquidation_fees`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuturesLedger {
    /// Paid in less paid out.
    pub deposits: Money,
    /// Profit of all fills, before fees.
    pub realized: Money,
    /// Fees paid less fees received.
    pub fees: Money,
    /// Funding received less paid.
    pub funding: Money,
    /// Fees of liquidations.
    pub liquidation_fees: Money,
    /// Losses that the insurance fund bore and that are therefore not in `realized`.
    pub insurance: Money,
}

/// What the venue knows of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketView {
    /// Newest price.
    pub last: Option<Px>,
    /// Best bid and its quantity, of the data or derived from the newest price.
    pub bid: Option<(Px, Qty)>,
    /// Best ask and its quantity.
    pub ask: Option<(Px, Qty)>,
    /// Mark price: of the data, else the newest price.
    pub mark: Option<Px>,
    /// Index price: of the data, else the mark.
    pub index: Option<Px>,
    /// Rate that is charged at `next_funding`.
    pub funding_rate: Rate,
    /// When funding is charged next.
    pub next_funding: Nanos,
    /// Rate charged last.
    pub funded_rate: Rate,
    /// Low and high of the candle that closed last.
    pub range: Option<(Px, Px)>,
    /// Bid and ask are derived from candles.
    pub derived: bool,
}
