//! Open orders, and the checks that an order passes before it becomes one.

use crate::account::Account;
use crate::margin;
use crate::matching::{Desk, Touch};
use aegis_types::{Money, Nanos, Order, OrderType, OutOfRange, Px, Qty, RejectCode, Side};
use serde::{Deserialize, Serialize};

/// An order that the exchange holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestingOrder {
    /// The order.
    pub order: Order,
    /// When it was sent.
    pub sent_at: Nanos,
    /// When it reached the venue.
    pub arrived_at: Nanos,
    /// What of the wallet it binds until it is filled or gone.
    pub reserved: Money,
    /// A limit order that no price has met yet: if the first one crosses it, it takes.
    pub(crate) fresh: bool,
}

impl RestingOrder {
    /// Is the trigger reached when the adverse way (stops) or the favourable way (targets) goes to
    /// these prices?
    pub(crate) fn triggered(&self, low: Px, high: Px) -> bool {
        let Order { kind, side, trigger, .. } = self.order;
        match (kind, side) {
            (OrderType::StopMarket, Side::Buy) | (OrderType::TakeProfitMarket, Side::Sell) => {
                high >= trigger
            }
            (OrderType::StopMarket, Side::Sell) | (OrderType::TakeProfitMarket, Side::Buy) => {
                low <= trigger
            }
            _ => false,
        }
    }
}

/// Checks an order against filters, position, room and money; what it reserves if it passes.
pub(crate) fn admit(
    desk: &Desk,
    account: &Account,
    order: &Order,
    capacity: usize,
) -> Result<Money, RejectCode> {
    let touch = desk.market.touch.ok_or(RejectCode::NoPrice)?;
    grids(desk, order)?;
    if desk.orders.iter().any(|open| open.order.id == order.id) {
        return Err(RejectCode::DuplicateId);
    }
    if desk.orders.len() >= capacity {
        return Err(RejectCode::TooManyOrders);
    }
    if would_trigger(order, touch) {
        return Err(RejectCode::WouldTrigger);
    }
    let against = desk.position.filter(|held| held.side != order.side);
    if order.reduce_only {
        return against.map(|_| Money::ZERO).ok_or(RejectCode::ReduceOnly);
    }
    let px = reference(order, touch);
    let notional = (px * order.qty).map_err(|_| RejectCode::Quantity)?;
    if notional < desk.instrument.notional_min {
        return Err(RejectCode::Notional);
    }
    let closing = against.map_or(Qty::ZERO, |held| held.qty.min(order.qty));
    afford(desk, account, order, px, closing)
}

/// The price at which an order is reckoned before it has one.
fn reference(order: &Order, touch: Touch) -> Px {
    match order.kind {
        OrderType::Market => touch.taker(order.side),
        OrderType::Limit => order.price,
        OrderType::StopMarket | OrderType::TakeProfitMarket => order.trigger,
    }
}

fn grids(desk: &Desk, order: &Order) -> Result<(), RejectCode> {
    let instrument = &desk.instrument;
    let range = instrument.qty_min..=instrument.qty_max;
    if !range.contains(&order.qty) || !order.qty.is_on_grid(instrument.step) {
        return Err(RejectCode::Quantity);
    }
    let on_grid = |px: Px| px.is_positive() && px.is_on_grid(instrument.tick);
    let (limit, trigger) = match order.kind {
        OrderType::Market => (order.price.is_zero(), order.trigger.is_zero()),
        OrderType::Limit => (on_grid(order.price), order.trigger.is_zero()),
        OrderType::StopMarket | OrderType::TakeProfitMarket => {
            (order.price.is_zero(), on_grid(order.trigger))
        }
    };
    if limit && trigger { Ok(()) } else { Err(RejectCode::Price) }
}

/// A trigger is judged at the price at which the order would then be filled.
fn would_trigger(order: &Order, touch: Touch) -> bool {
    let px = touch.taker(order.side);
    match (order.kind, order.side) {
        (OrderType::StopMarket, Side::Buy) | (OrderType::TakeProfitMarket, Side::Sell) => {
            px >= order.trigger
        }
        (OrderType::StopMarket, Side::Sell) | (OrderType::TakeProfitMarket, Side::Buy) => {
            px <= order.trigger
        }
        _ => false,
    }
}

fn afford(
    desk: &Desk,
    account: &Account,
    order: &Order,
    px: Px,
    closing: Qty,
) -> Result<Money, RejectCode> {
    let sums = || -> Result<(Money, Money, Money), OutOfRange> {
        let opening = order.qty.minus(closing)?;
        let fee = desk.instrument.taker_fee;
        let held = desk.position.filter(|held| held.side == order.side);
        let entry = held.map_or(Money::ZERO, |held| held.cost);
        Ok((
            margin::requirement(px, order.qty, opening, desk.leverage, fee)?,
            account.available()?,
            entry.plus((px * opening)?)?,
        ))
    };
    let (needed, available, notional) = sums().map_err(|_| RejectCode::Quantity)?;
    if !margin::leverage_allowed(&desk.instrument, notional, desk.leverage) {
        return Err(RejectCode::Leverage);
    }
    if needed > available {
        return Err(RejectCode::Margin);
    }
    Ok(needed)
}
