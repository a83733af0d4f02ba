//! Events of the user stream.

use super::loose::{Entries, body, maybe};
use super::{BodyError, read};
use aegis_types::{Money, Px, Qty, Side};
use alloc::string::String;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The event names of the user stream, for subscriptions and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserKind {
    /// An order changed.
    OrderTradeUpdate,
    /// A fill, early and short.
    TradeLite,
    /// Balances or positions changed.
    AccountUpdate,
    /// A conditional order changed.
    AlgoUpdate,
    /// Leverage or asset mode changed.
    ConfigUpdate,
    /// Positions come near liquidation.
    MarginCall,
    /// The listen key is dead.
    ListenKeyExpired,
    /// A conditional order failed when it triggered; the old way to say so.
    TriggerReject,
}

impl UserKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OrderTradeUpdate,
        Self::TradeLite,
        Self::AccountUpdate,
        Self::AlgoUpdate,
        Self::ConfigUpdate,
        Self::MarginCall,
        Self::ListenKeyExpired,
        Self::TriggerReject,
    ];

    /// The value of `e`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderTradeUpdate => "ORDER_TRADE_UPDATE",
            Self::TradeLite => "TRADE_LITE",
            Self::AccountUpdate => "ACCOUNT_UPDATE",
            Self::AlgoUpdate => "ALGO_UPDATE",
            Self::ConfigUpdate => "ACCOUNT_CONFIG_UPDATE",
            Self::MarginCall => "MARGIN_CALL",
            Self::ListenKeyExpired => "listenKeyExpired",
            Self::TriggerReject => "CONDITIONAL_ORDER_TRIGGER_REJECT",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum UserEvent {
    /// An order changed.
    OrderTradeUpdate(OrderTradeUpdate),
    /// A fill, before its full event.
    TradeLite(TradeLite),
    /// Balances or positions changed.
    AccountUpdate(AccountUpdate),
    /// A conditional order changed.
    AlgoUpdate(AlgoUpdate),
    /// Leverage or asset mode changed.
    ConfigUpdate(ConfigUpdate),
    /// Positions come near liquidation.
    MarginCall(MarginCall),
    /// The listen key is dead: make a new one, connect, reconcile.
    ListenKeyExpired {
        /// Event time, in milliseconds.
        event_ms: i64,
    },
    /// Something else: counted, not read.
    Other {
        /// The value of `e`, or nothing.
        event: String,
    },
}

/// Reads one message of the user stream, bare or in the combined form.
///
/// # Errors
/// [`BodyError`] when it is not JSON, or an event without its ids.
pub fn user_event(body: &[u8]) -> Result<UserEvent, BodyError> {
    let mut whole: Value = read(body)?;
    // One envelope, never two: no message can make this read deeper.
    if whole.get("e").is_none()
        && let Some(data) = whole.get_mut("data")
    {
        whole = data.take();
    }
    let name: String = whole.get("e").and_then(Value::as_str).unwrap_or_default().into();
    let kind = UserKind::ALL.into_iter().find(|kind| kind.name() == name);
    Ok(match kind {
        Some(UserKind::OrderTradeUpdate) => UserEvent::OrderTradeUpdate(typed(whole)?),
        Some(UserKind::TradeLite) => UserEvent::TradeLite(typed(whole)?),
        Some(UserKind::AccountUpdate) => UserEvent::AccountUpdate(typed(whole)?),
        Some(UserKind::AlgoUpdate) => UserEvent::AlgoUpdate(typed(whole)?),
        Some(UserKind::ConfigUpdate) => UserEvent::ConfigUpdate(typed(whole)?),
        Some(UserKind::MarginCall) => UserEvent::MarginCall(typed(whole)?),
        Some(UserKind::ListenKeyExpired) => {
            let event_ms = whole.get("E").and_then(|at| maybe(at).ok().flatten()).unwrap_or(0);
            UserEvent::ListenKeyExpired { event_ms }
        }
        Some(UserKind::TriggerReject) | None => UserEvent::Other { event: name },
    })
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, BodyError> {
    serde_json::from_value(value).map_err(BodyError)
}

/// `ORDER_TRADE_UPDATE`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct OrderTradeUpdate {
    /// Event time, in milliseconds.
    #[serde(rename = "E", default, deserialize_with = "maybe")]
    pub event_ms: Option<i64>,
    /// Transaction time, in milliseconds.
    #[serde(rename = "T", default, deserialize_with = "maybe")]
    pub time_ms: Option<i64>,
    /// The order.
    #[serde(rename = "o")]
    pub order: OrderChange,
}

body! {
    /// The order inside of `ORDER_TRADE_UPDATE`.
    OrderChange {
        [ids]
        /// Symbol.
        symbol: String = "s";
        /// The exchange's id.
        order_id: u64 = "i";
        /// Our id, or the exchange's own: `autoclose-…`, `adl_autoclose`, `settlement_autoclose-…`.
        client_id: String = "c";
        [fields]
        /// Side.
        side: Side = "S";
        /// Type.
        kind: String = "o";
        /// Type as it was placed.
        placed_kind: String = "ot";
        /// How long it holds.
        time_in_force: String = "f";
        /// What happened: `NEW`, `TRADE`, `CANCELED`, `EXPIRED`, `CALCULATED`, `AMENDMENT`.
        execution: String = "x";
        /// What it is now.
        status: String = "X";
        /// Quantity.
        qty: Qty = "q";
        /// Price.
        price: Px = "p";
        /// Average price of what filled.
        average: Px = "ap";
        /// Trigger price.
        stop: Px = "sp";
        /// Quantity of this fill.
        last_qty: Qty = "l";
        /// Price of this fill.
        last_px: Px = "L";
        /// Filled in all.
        executed: Qty = "z";
        /// Fee of this fill.
        fee: Money = "n";
        /// In which asset.
        fee_asset: String = "N";
        /// Trade id of this fill; 0 when nothing filled.
        trade_id: u64 = "t";
        /// Time of the change, in milliseconds.
        time_ms: i64 = "T";
        /// Our order was resting.
        maker: bool = "m";
        /// May only reduce.
        reduce_only: bool = "R";
        /// Closes the position, whatever its size.
        close_position: bool = "cp";
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "ps";
        /// Profit that this fill realised.
        realized: Money = "rp";
        /// Why it expired: 0 none, 5 liquidated, …
        expiry: u32 = "er";
    }
}

body! {
    /// `TRADE_LITE`: sent before the full event, without fee, profit and status.
    TradeLite {
        [ids]
        /// Symbol.
        symbol: String = "s";
        /// The exchange's order id.
        order_id: u64 = "i";
        /// Our id.
        client_id: String = "c";
        /// Trade id.
        trade_id: u64 = "t";
        [fields]
        /// Event time, in milliseconds.
        event_ms: i64 = "E";
        /// Transaction time, in milliseconds.
        time_ms: i64 = "T";
        /// Side.
        side: Side = "S";
        /// Quantity of the order.
        qty: Qty = "q";
        /// Quantity of this fill.
        last_qty: Qty = "l";
        /// Price of this fill.
        last_px: Px = "L";
        /// Our order was resting.
        maker: bool = "m";
    }
}

/// `ACCOUNT_UPDATE`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AccountUpdate {
    /// Event time, in milliseconds.
    #[serde(rename = "E", default, deserialize_with = "maybe")]
    pub event_ms: Option<i64>,
    /// Transaction time, in milliseconds.
    #[serde(rename = "T", default, deserialize_with = "maybe")]
    pub time_ms: Option<i64>,
    /// What changed.
    #[serde(rename = "a")]
    pub change: AccountChange,
}

body! {
    /// What changed, inside of `ACCOUNT_UPDATE`: only what did.
    AccountChange {
        [fields]
        /// `ORDER`, `FUNDING_FEE`, `DEPOSIT`, `MARGIN_TRANSFER`, …
        reason: String = "m";
        /// The symbol of a funding.
        symbol: String = "S";
        [nested]
        /// Balances.
        balances: Entries<BalanceChange> = "B";
        /// Positions, each to be known by symbol and side.
        positions: Entries<PositionChange> = "P";
    }
}

body! {
    /// A balance.
    BalanceChange {
        [ids]
        /// Asset.
        asset: String = "a";
        [fields]
        /// Wallet balance.
        wallet: Money = "wb";
        /// Wallet balance that cross positions share.
        cross_wallet: Money = "cw";
        /// What changed besides profit and fees.
        change: Money = "bc";
    }
}

body! {
    /// A position.
    PositionChange {
        [ids]
        /// Symbol.
        symbol: String = "s";
        [fields]
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "ps";
        /// Base quantity, below zero for short.
        amount: Qty = "pa";
        /// Average entry price.
        entry: Px = "ep";
        /// Price at which fees are earned back.
        break_even: Px = "bep";
        /// Profit realised so far.
        realized: Money = "cr";
        /// Profit at the mark price.
        unrealized: Money = "up";
        /// `cross` or `isolated`.
        margin_type: String = "mt";
        /// Isolated margin.
        isolated_wallet: Money = "iw";
        /// Mark price, in a margin call.
        mark: Px = "mp";
        /// Maintenance margin, in a margin call.
        maintenance: Money = "mm";
    }
}

/// `ALGO_UPDATE`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AlgoUpdate {
    /// Event time, in milliseconds.
    #[serde(rename = "E", default, deserialize_with = "maybe")]
    pub event_ms: Option<i64>,
    /// Transaction time, in milliseconds.
    #[serde(rename = "T", default, deserialize_with = "maybe")]
    pub time_ms: Option<i64>,
    /// The conditional order.
    #[serde(rename = "o")]
    pub order: AlgoChange,
}

body! {
    /// The conditional order inside of `ALGO_UPDATE`.
    AlgoChange {
        [ids]
        /// The exchange's id.
        algo_id: u64 = "aid";
        /// Our id.
        client_id: String = "caid";
        /// Symbol.
        symbol: String = "s";
        [fields]
        /// Side.
        side: Side = "S";
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "ps";
        /// Type of the order that it becomes.
        kind: String = "o";
        /// What it is now.
        status: String = "X";
        /// Quantity.
        qty: Qty = "q";
        /// The real order's id, once it has triggered; empty before.
        actual_id: u64 = "ai";
        /// Average price of what filled.
        average: Px = "ap";
        /// Filled.
        executed: Qty = "aq";
        /// Trigger price.
        trigger: Px = "tp";
        /// Limit price.
        price: Px = "p";
        /// Closes the position, whatever its size.
        close_position: bool = "cp";
        /// May only reduce.
        reduce_only: bool = "R";
        /// When it triggered, in milliseconds; 0 before.
        trigger_ms: i64 = "tt";
        /// Why it was refused.
        reject: String = "rm";
        /// A trailing stop is active.
        active: bool = "ia";
    }
}

body! {
    /// The leverage inside of `ACCOUNT_CONFIG_UPDATE`.
    LeverageChange {
        [ids]
        /// Symbol.
        symbol: String = "s";
        /// Leverage.
        leverage: u16 = "l";
    }
}

body! {
    /// The asset mode inside of `ACCOUNT_CONFIG_UPDATE`.
    AssetModeChange {
        [fields]
        /// Multi-assets mode.
        multi_assets: bool = "j";
    }
}

body! {
    /// `ACCOUNT_CONFIG_UPDATE`: one of the two.
    ConfigUpdate {
        [fields]
        /// Event time, in milliseconds.
        event_ms: i64 = "E";
        [nested]
        /// Leverage of a symbol.
        leverage: Option<LeverageChange> = "ac";
        /// Asset mode.
        asset_mode: Option<AssetModeChange> = "ai";
    }
}

body! {
    /// `MARGIN_CALL`.
    MarginCall {
        [fields]
        /// Event time, in milliseconds.
        event_ms: i64 = "E";
        /// Wallet balance that cross positions share.
        cross_wallet: Money = "cw";
        [nested]
        /// The positions that come near.
        positions: Entries<PositionChange> = "p";
    }
}
