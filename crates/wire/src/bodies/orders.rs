//! Replies about orders, conditional orders and trades.

use super::loose::body;
use aegis_types::{Money, Px, Qty, Rate, Side};
use alloc::string::String;

body! {
    /// `{"code":…,"msg":…}`. Under status 200 with code 200 it is no error but a yes.
    ErrorBody {
        [ids]
        /// The code; some calls send it as text.
        code: i32 = "code";
        [fields]
        /// The text.
        message: String = "msg";
    }
}

impl ErrorBody {
    /// Is it a yes?
    pub const fn is_success(&self) -> bool {
        self.code == 200
    }
}

body! {
    /// The reply to placing, changing, cancelling or asking for an order.
    OrderReply {
        [ids]
        /// The exchange's id, unique for a symbol.
        order_id: u64 = "orderId";
        /// Symbol.
        symbol: String = "symbol";
        /// Our id.
        client_id: String = "clientOrderId";
        [fields]
        /// `NEW`, `PARTIALLY_FILLED`, `FILLED`, `CANCELED`, `REJECTED`, `EXPIRED`,
        /// `EXPIRED_IN_MATCH`.
        status: String = "status";
        /// Side.
        side: Side = "side";
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "positionSide";
        /// Type; of a triggered order the type after the trigger.
        kind: String = "type";
        /// Type as it was placed.
        placed_kind: String = "origType";
        /// How long it holds.
        time_in_force: String = "timeInForce";
        /// Price.
        price: Px = "price";
        /// Trigger price.
        stop: Px = "stopPrice";
        /// Average price of what filled; not sent by every call any more, 0 before the first fill.
        average: Px = "avgPrice";
        /// Quantity.
        qty: Qty = "origQty";
        /// Of it filled.
        executed: Qty = "executedQty";
        /// Filled, in the quote asset.
        quote: Money = "cumQuote";
        /// May only reduce.
        reduce_only: bool = "reduceOnly";
        /// Closes the position, whatever its size.
        close_position: bool = "closePosition";
        /// When it was placed, in milliseconds.
        time_ms: i64 = "time";
        /// When it last changed, in milliseconds.
        update_ms: i64 = "updateTime";
    }
}

body! {
    /// A conditional order.
    AlgoOrder {
        [ids]
        /// The exchange's id, unique for a symbol.
        algo_id: u64 = "algoId";
        /// Symbol.
        symbol: String = "symbol";
        /// Our id.
        client_id: String = "clientAlgoId";
        [fields]
        /// `NEW`, `TRIGGERING`, `TRIGGERED`, `FINISHED`, `CANCELED`, `REJECTED`, `EXPIRED`.
        status: String = "algoStatus";
        /// Type of the order that it becomes.
        kind: String = "orderType" | "type";
        /// Side.
        side: Side = "side";
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "positionSide";
        /// Quantity; 0 when it closes the position.
        qty: Qty = "quantity";
        /// Trigger price.
        trigger: Px = "triggerPrice";
        /// Limit price.
        price: Px = "price";
        /// `MARK_PRICE` or `CONTRACT_PRICE`.
        working_type: String = "workingType";
        /// May only reduce.
        reduce_only: bool = "reduceOnly";
        /// Closes the position, whatever its size.
        close_position: bool = "closePosition";
        /// The real order, once it has triggered.
        actual_id: u64 = "actualOrderId";
        /// When it was placed, in milliseconds.
        create_ms: i64 = "createTime";
        /// When it last changed, in milliseconds.
        update_ms: i64 = "updateTime";
        /// When it triggered, in milliseconds; 0 before.
        trigger_ms: i64 = "triggerTime";
    }
}

body! {
    /// The reply to cancelling a conditional order. Its code is text.
    AlgoAck {
        [fields]
        /// The exchange's id.
        algo_id: u64 = "algoId";
        /// Our id.
        client_id: String = "clientAlgoId";
        /// 200 when it was done.
        code: i32 = "code";
        /// The text.
        message: String = "msg";
    }
}

body! {
    /// One own trade.
    UserTrade {
        [ids]
        /// Trade id, unique for a symbol.
        id: u64 = "id";
        /// The order's id.
        order_id: u64 = "orderId";
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// Side.
        side: Side = "side";
        /// `BOTH`, `LONG`, `SHORT`.
        position_side: String = "positionSide";
        /// Price.
        px: Px = "price";
        /// Quantity.
        qty: Qty = "qty";
        /// Notional.
        quote: Money = "quoteQty";
        /// Profit that it realised.
        realized: Money = "realizedPnl";
        /// Fee paid.
        fee: Money = "commission";
        /// In which asset.
        fee_asset: String = "commissionAsset";
        /// Our order was resting.
        maker: bool = "maker";
        /// When, in milliseconds.
        time_ms: i64 = "time";
    }
}

body! {
    /// The reply to setting the leverage.
    SetLeverageReply {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        /// As it is now.
        leverage: u16 = "leverage";
        [fields]
        /// Largest notional at this leverage.
        notional_max: Money = "maxNotionalValue";
    }
}

body! {
    /// The reply to opening the user stream.
    ListenKey {
        [ids]
        /// The key.
        key: String = "listenKey";
    }
}

body! {
    /// The reply to `commissionRate`.
    CommissionRate {
        [ids]
        /// Symbol.
        symbol: String = "symbol";
        [fields]
        /// Fee of orders that rest.
        maker: Rate = "makerCommissionRate";
        /// Fee of orders that take.
        taker: Rate = "takerCommissionRate";
    }
}
