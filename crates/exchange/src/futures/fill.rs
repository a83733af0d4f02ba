//! One fill: from a price to position, ledger, records and reports, all or nothing.

use super::act::{Act, expiry};
use super::names::{AccountReason, ExecutionKind, IncomeKind, OrderStatus, PositionSide};
use super::record::{OrderRecord, TradeRecord};
use super::report::{OrderReport, Report};
use super::state::{Held, remember, slot};
use crate::position::{self, Trade};
use aegis_types::{Money, Nanos, OutOfRange, Px, Qty, Side};
use alloc::vec;

/// How an order is filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal {
    pub px: Px,
    pub qty: Qty,
    pub maker: bool,
    pub trade_id: u64,
    /// When the venue says that it was.
    pub at: Nanos,
}

/// What a fill does to money.
struct Effect {
    after: Option<Held>,
    quote: Money,
    fee: Money,
    realized: Money,
    opened: Qty,
    released: Money,
}

impl Act<'_> {
    /// What of an order could be filled: of one that only closes, what is there to close.
    pub fn fillable(&self, order: &OrderRecord) -> Qty {
        let seat = self.seat(order.account.index(), order.symbol.index());
        let closes = match order.position_side {
            PositionSide::Both => order.reduce_only || order.close_position,
            PositionSide::Long => order.side == Side::Sell,
            PositionSide::Short => order.side == Side::Buy,
        };
        if closes {
            order.leaves().min(seat.reducible(order.position_side, order.side))
        } else {
            order.leaves()
        }
    }

    /// Fills an open order; what was filled. If it cannot be (nothing to close, too little money at
    /// this price, a number out of range) it expires and nothing else changes.
    pub fn deal(&mut self, a: usize, s: usize, id: u64, deal: Deal) -> Qty {
        let Some(index) = self.seat(a, s).order(id) else { return Qty::ZERO };
        let order = self.seat(a, s).orders[index].record;
        let qty = deal.qty.min(self.fillable(&order));
        if !qty.is_positive() {
            self.end(a, s, index, OrderStatus::Expired, expiry::REDUCE_ONLY);
            return Qty::ZERO;
        }
        let deal = Deal { qty, ..deal };
        let Ok(effect) = self.effect(a, s, index, &deal) else {
            self.end(a, s, index, OrderStatus::Expired, expiry::MARKET);
            return Qty::ZERO;
        };
        if !self.apply(a, s, index, &effect) {
            self.end(a, s, index, OrderStatus::Expired, expiry::MARKET);
            return Qty::ZERO;
        }
        self.book_fill(a, s, index, &deal, &effect);
        qty
    }

    fn effect(&self, a: usize, s: usize, index: usize, deal: &Deal) -> Result<Effect, OutOfRange> {
        let seat = self.seat(a, s);
        let open = &seat.orders[index];
        let order = &open.record;
        let held = seat.held[slot(order.position_side)];
        let trade = Trade {
            side: order.side,
            px: deal.px,
            qty: deal.qty,
            leverage: seat.leverage,
            at: deal.at,
            session: 0,
        };
        let change = position::change(held.map(|h| h.position), &trade, self.instrument(s))?;
        let quote = (deal.px * deal.qty)?;
        let (maker, taker) = self.venue.fee_rates(a, s);
        let fee = (quote * if deal.maker { maker } else { taker })?;
        // What the filled share had bound; all of it with the last fill.
        let whole = i128::from(order.leaves().raw());
        let released = i128::from(open.reserved.raw()) * i128::from(deal.qty.raw()) / whole.max(1);
        let released = i64::try_from(released).map(Money::from_raw).map_err(|_| OutOfRange)?;
        let turned = held.zip(change.after).is_some_and(|(h, p)| h.position.side != p.side);
        let base = held.filter(|_| !turned);
        let mut after = None;
        if let Some(mut position) = change.after {
            if seat.is_cross() {
                position.margin = Money::ZERO;
                position.liquidation = None;
            }
            after = Some(Held {
                position,
                realized: base.map_or(Money::ZERO, |h| h.realized).plus(if turned {
                    Money::ZERO
                } else {
                    change.realized
                })?,
                fees: base.map_or(Money::ZERO, |h| h.fees).plus(fee)?,
                updated: deal.at,
                called: base.is_some_and(|h| h.called),
            });
        }
        let (realized, opened) = (change.realized, change.opened);
        Ok(Effect { after, quote, fee, realized, opened, released })
    }

    /// Books the money; false, and nothing changed, when what was opened cannot be paid.
    fn apply(&mut self, a: usize, s: usize, index: usize, effect: &Effect) -> bool {
        let seat = self.seat(a, s);
        let place = slot(seat.orders[index].record.position_side);
        let (held, reserved) = (seat.held[place], seat.orders[index].reserved);
        let account = self.account(a);
        let (ledger, wallet, posted, bound) =
            (account.ledger, account.wallet, account.posted, account.reserved);
        let margin = |held: &Option<Held>| held.map_or(Money::ZERO, |h| h.position.margin);
        let sums = || -> Result<_, OutOfRange> {
            let mut after = ledger;
            after.realized = after.realized.plus(effect.realized)?;
            after.fees = after.fees.plus(effect.fee)?;
            let posted = posted.minus(margin(&held))?.plus(margin(&effect.after))?;
            Ok((after, after.wallet()?, posted, bound.minus(effect.released)?))
        };
        let Ok(after) = sums() else { return false };
        let account = self.account_mut(a);
        (account.ledger, account.wallet, account.posted, account.reserved) = after;
        account.seats[s].held[place] = effect.after;
        account.seats[s].orders[index].reserved =
            reserved.minus(effect.released).unwrap_or(Money::ZERO);
        if effect.opened.is_positive() && self.spendable(a, s, index).is_negative() {
            let account = self.account_mut(a);
            (account.ledger, account.wallet, account.posted, account.reserved) =
                (ledger, wallet, posted, bound);
            account.seats[s].held[place] = held;
            account.seats[s].orders[index].reserved = reserved;
            return false;
        }
        true
    }

    /// What is available when an order's own reserve is not counted.
    fn spendable(&self, a: usize, s: usize, index: usize) -> Money {
        let reserve = self.seat(a, s).orders[index].reserved;
        self.venue.available(a).saturating_plus(reserve)
    }

    fn book_fill(&mut self, a: usize, s: usize, index: usize, deal: &Deal, effect: &Effect) {
        let open = &mut self.seat_mut(a, s).orders[index];
        let record = &mut open.record;
        record.filled = record.filled.saturating_plus(deal.qty);
        record.quote = record.quote.saturating_plus(effect.quote);
        record.updated = deal.at;
        let done = !record.leaves().is_positive();
        record.status = if done { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        let (record, handle) = (*record, open.handle);
        if let Some(handle) = handle {
            self.desk_mut(s).book.fill(handle, deal.qty);
        }
        if done {
            self.remove(a, s, index);
            self.archive(record);
        }
        let symbol = record.symbol;
        let most = self.venue.config.history_max;
        let trade = TradeRecord {
            account: record.account,
            symbol,
            id: deal.trade_id,
            order_id: record.id,
            side: record.side,
            position_side: record.position_side,
            px: deal.px,
            qty: deal.qty,
            quote: effect.quote,
            fee: effect.fee,
            realized: effect.realized,
            maker: deal.maker,
            at: deal.at,
        };
        remember(&mut self.account_mut(a).trades, trade, most);
        let id = deal.trade_id;
        self.earn(a, IncomeKind::RealizedPnl, effect.realized, Some(symbol), id, deal.at);
        self.earn(a, IncomeKind::Commission, -effect.fee, Some(symbol), id, deal.at);
        self.tell_fill(&record, &trade);
        let position = self.position_report(a, s, record.position_side);
        let reason = AccountReason::Order;
        self.tell_account(a, reason, Some(symbol), Money::ZERO, vec![position], deal.at);
        if done {
            self.algo_follows(&record);
        }
        if effect.after.is_none() {
            self.flat(a, s, record.position_side);
        }
    }

    fn tell_fill(&mut self, order: &OrderRecord, trade: &TradeRecord) {
        let seat = self.seat(order.account.index(), order.symbol.index());
        let (bid_notional, ask_notional) = seat.open_notionals();
        self.reports.push(Report::Order(OrderReport {
            at: trade.at,
            execution: ExecutionKind::Trade,
            order: *order,
            last_qty: trade.qty,
            last_px: trade.px,
            fee: trade.fee,
            realized: trade.realized,
            trade_id: trade.id,
            maker: trade.maker,
            expiry: 0,
            bid_notional,
            ask_notional,
        }));
    }

    /// A position is gone: resting orders that could only have closed it expire. Orders that wait
    /// for the next price find out there. Conditional orders stay until they are cancelled or
    /// triggered: nothing says that the exchange takes them back.
    pub fn flat(&mut self, a: usize, s: usize, side: PositionSide) {
        let closes = |record: &OrderRecord| match side {
            PositionSide::Both => record.reduce_only || record.close_position,
            PositionSide::Long => record.position_side == side && record.side == Side::Sell,
            PositionSide::Short => record.position_side == side && record.side == Side::Buy,
        };
        while let Some(index) =
            self.seat(a, s).orders.iter().position(|open| closes(&open.record) && !open.pending)
        {
            self.end(a, s, index, OrderStatus::Expired, expiry::REDUCE_ONLY);
        }
    }
}
