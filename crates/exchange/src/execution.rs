//! One fill: from a price to position, ledger and answers, all or nothing.

use crate::account::Account;
use crate::matching::Desk;
use crate::orders::RestingOrder;
use crate::position::{self, Trade};
use aegis_types::{
    AccountUpdate, Answers, ClientOrderId, EventBody, Fill, FillReason, Money, Nanos, OrderUpdate,
    OutOfRange, Px, Qty, SymbolId,
};

/// How an order is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution {
    pub px: Px,
    pub maker: bool,
    pub reason: FillReason,
    pub at: Nanos,
    pub venue_time: Nanos,
}

pub(crate) fn answer(
    answers: &mut Answers,
    id: ClientOrderId,
    symbol: SymbolId,
    update: OrderUpdate,
) {
    answers.push(EventBody::Order { id, symbol, update });
}

/// Fills an order that has left the table; if it cannot be filled (nothing to reduce, too little
/// money at this price, a number out of range) it expires and nothing else changes.
pub(crate) fn fill(
    desk: &mut Desk,
    account: &mut Account,
    resting: &RestingOrder,
    how: &Execution,
    answers: &mut Answers,
) {
    let order = &resting.order;
    account.reserved = account.reserved.minus(resting.reserved).unwrap_or(Money::ZERO);
    let Ok(Some((fill, after))) = attempt(desk, account, resting, how) else {
        return answer(answers, order.id, order.symbol, OrderUpdate::Expired);
    };
    desk.trades += 1;
    desk.position = after.0;
    *account = after.1;
    answer(answers, order.id, order.symbol, OrderUpdate::Filled { fill });
    answers.push(EventBody::Account(AccountUpdate::Wallet { balance: account.wallet }));
    if fill.leaves.is_positive() {
        answer(answers, order.id, order.symbol, OrderUpdate::Expired);
    }
}

type After = (Option<position::VenuePosition>, Account);

/// The fill and what it makes of position and account; none when there is nothing to fill.
fn attempt(
    desk: &Desk,
    account: &Account,
    resting: &RestingOrder,
    how: &Execution,
) -> Result<Option<(Fill, After)>, OutOfRange> {
    let order = &resting.order;
    let reducible =
        desk.position.filter(|held| held.side != order.side).map_or(Qty::ZERO, |held| held.qty);
    let qty = if order.reduce_only { order.qty.min(reducible) } else { order.qty };
    if !qty.is_positive() {
        return Ok(None);
    }
    let trade = Trade {
        side: order.side,
        px: how.px,
        qty,
        leverage: desk.leverage,
        at: how.at,
        session: order.id.session,
    };
    let change = position::change(desk.position, &trade, &desk.instrument)?;
    let rate = if how.maker { desk.instrument.maker_fee } else { desk.instrument.taker_fee };
    let fee = ((how.px * qty)? * rate)?;
    let margin = |held: &Option<position::VenuePosition>| held.map_or(Money::ZERO, |p| p.margin);
    let margin_after = margin(&change.after);
    let after = account.filled(change.realized, fee, margin(&desk.position), margin_after)?;
    if change.opened.is_positive() && after.available()?.is_negative() {
        return Ok(None);
    }
    let fill = Fill {
        order: order.id,
        trade_id: desk.trades + 1,
        symbol: order.symbol,
        side: order.side,
        maker: how.maker,
        reason: how.reason,
        px: how.px,
        qty,
        leaves: order.qty.minus(qty)?,
        fee,
        realized: change.realized,
        margin: margin_after,
        venue_time: how.venue_time,
    };
    Ok(Some((fill, (change.after, after))))
}

/// Closes the position by the exchange itself and expires the symbol's other orders.
///
/// The owner loses at most the isolated margin: a loss beyond it is the insurance fund's, and the
/// liquidation fee is what is left of the margin at most.
pub(crate) fn liquidate(
    desk: &mut Desk,
    account: &mut Account,
    px: Px,
    at: Nanos,
    answers: &mut Answers,
) {
    let Some(held) = desk.position.take() else { return };
    let reckon = || -> Result<(Fill, Account), OutOfRange> {
        let profit = held.unrealized(px)?;
        let realized = profit.max(-held.margin);
        let whole_fee = ((px * held.qty)? * desk.instrument.liquidation_fee)?;
        let fee = whole_fee.min(held.margin.plus(realized)?);
        let mut after = account.filled(realized, fee, held.margin, Money::ZERO)?;
        after.ledger.insurance = after.ledger.insurance.plus(realized.minus(profit)?)?;
        let fill = Fill {
            order: ClientOrderId { session: held.session, number: 0 },
            trade_id: desk.trades + 1,
            symbol: held.symbol,
            side: held.side.opposite(),
            maker: false,
            reason: FillReason::Liquidated,
            px,
            qty: held.qty,
            leaves: Qty::ZERO,
            fee,
            realized,
            margin: Money::ZERO,
            venue_time: at,
        };
        Ok((fill, after))
    };
    // A position whose notional was reckoned at entry can only overflow at absurd prices; it then
    // stays, rather than vanish without an entry in the ledger.
    let Ok((fill, after)) = reckon() else {
        desk.position = Some(position::VenuePosition { liquidation: None, ..held });
        return;
    };
    desk.trades += 1;
    *account = after;
    answer(answers, fill.order, held.symbol, OrderUpdate::Filled { fill });
    answers.push(EventBody::Account(AccountUpdate::Wallet { balance: account.wallet }));
    for resting in desk.orders.drain(..) {
        account.reserved = account.reserved.minus(resting.reserved).unwrap_or(Money::ZERO);
        answer(answers, resting.order.id, resting.order.symbol, OrderUpdate::Expired);
    }
}
