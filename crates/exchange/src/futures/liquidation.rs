//! Positions that the exchange closes itself: liquidation, auto-deleveraging, and the warning
//! before.
//!
//! An owner loses at most the isolated margin, or the cross wallet; a loss beyond it is the
//! insurance fund's, and the liquidation fee is what is left of it at most.

use super::act::{Act, expiry, forced_id};
use super::names::{
    AccountReason, AlgoStatus, ExecutionKind, IncomeKind, MarginType, OrderKind, OrderStatus,
    PositionSide, SelfTrade, TimeInForce, WorkingType,
};
use super::record::{AccountId, OrderRecord, TradeRecord};
use super::report::{MarginCall, OrderReport, Report};
use super::state::{Held, remember, slot};
use aegis_types::{Money, Nanos, OutOfRange, Px, Qty, SymbolId};
use alloc::vec;
use alloc::vec::Vec;

/// A position is warned about when its maintenance margin is this share of what stands behind it.
const WARN_PERCENT: i128 = 80;

/// Money of a position that the exchange closes.
pub(super) struct Forced {
    pub quote: Money,
    pub realized: Money,
    pub fee: Money,
    pub borne: Money,
}

impl Act<'_> {
    pub fn sides(&self, a: usize) -> &'static [PositionSide] {
        if self.account(a).config.dual_side {
            &[PositionSide::Long, PositionSide::Short]
        } else {
            &[PositionSide::Both]
        }
    }

    /// Liquidates a position; a cross one with everything else that the cross wallet cannot carry
    /// any more. False when it cannot be reckoned and therefore stays.
    pub fn liquidate(&mut self, a: usize, s: usize, side: PositionSide, px: Px, at: Nanos) -> bool {
        let cross = self.seat(a, s).is_cross();
        self.clear_orders(a, s, side, cross);
        if !cross {
            return self.close_by_force(a, s, side, px, at, true);
        }
        let mut closed = false;
        for &which in self.sides(a) {
            closed |= self.close_by_force(a, s, which, px, at, true);
        }
        while closed && self.is_under(a) {
            let Some((s, side, px)) = self.heaviest(a) else { break };
            closed = self.close_by_force(a, s, side, px, at, true);
        }
        closed
    }

    /// Does the cross wallet no longer carry its positions?
    fn is_under(&self, a: usize) -> bool {
        let account = self.account(a);
        let sums = self.venue.cross(account, None);
        let equity = i128::from(account.cross_wallet().raw()) + sums.unrealized;
        sums.maintenance > 0 && equity <= sums.maintenance
    }

    /// The cross position with the largest maintenance margin.
    fn heaviest(&self, a: usize) -> Option<(usize, PositionSide, Px)> {
        let mut best: Option<(Money, usize, PositionSide)> = None;
        for (s, seat) in self.account(a).seats.iter().enumerate().filter(|(_, s)| s.is_cross()) {
            for &side in self.sides(a) {
                let Some(held) = &seat.held[slot(side)] else { continue };
                let (_, _, maintenance) = self.venue.measures(s, seat, held);
                if best.is_none_or(|(most, ..)| maintenance > most) {
                    best = Some((maintenance, s, side));
                }
            }
        }
        let (_, s, side) = best?;
        Some((s, side, self.desk(s).mark()?))
    }

    /// Orders go before the position does: of the symbol's position, or of all cross symbols.
    fn clear_orders(&mut self, a: usize, s: usize, side: PositionSide, cross: bool) {
        let symbols: Vec<usize> = if cross {
            (0..self.venue.desks.len()).filter(|&s| self.seat(a, s).is_cross()).collect()
        } else {
            vec![s]
        };
        for s in symbols {
            let meant = |which: PositionSide| cross || which == side;
            while let Some(open) =
                self.seat(a, s).orders.iter().find(|open| meant(open.record.position_side))
            {
                let id = open.record.id;
                self.end_id(a, s, id, OrderStatus::Expired, expiry::LIQUIDATED);
            }
            while let Some(index) =
                self.seat(a, s).algos.iter().position(|open| meant(open.record.position_side))
            {
                self.end_algo(a, s, index, AlgoStatus::Expired, "Liquidation");
            }
        }
    }

    fn forced(
        &self,
        a: usize,
        s: usize,
        held: &Held,
        px: Px,
        liq: bool,
    ) -> Result<Forced, OutOfRange> {
        let position = &held.position;
        let profit = position.unrealized(px)?;
        let behind = if self.seat(a, s).is_cross() {
            self.account(a).cross_wallet().max(Money::ZERO)
        } else {
            position.margin
        };
        let realized = profit.max(-behind);
        let quote = (px * position.qty)?;
        let fee = if liq {
            (quote * self.instrument(s).liquidation_fee)?.min(behind.plus(realized)?)
        } else {
            Money::ZERO
        };
        Ok(Forced { quote, realized, fee, borne: realized.minus(profit)? })
    }

    /// Closes a position by an order of the exchange. False when there is none, or it cannot be
    /// reckoned: then it stays, rather than vanish without an entry in the ledger.
    pub fn close_by_force(
        &mut self,
        a: usize,
        s: usize,
        side: PositionSide,
        px: Px,
        at: Nanos,
        liquidation: bool,
    ) -> bool {
        let Some(held) = self.seat(a, s).held[slot(side)] else { return false };
        let Ok(forced) = self.forced(a, s, &held, px, liquidation) else { return false };
        let account = self.account(a);
        let ledger = || -> Result<_, OutOfRange> {
            let mut after = account.ledger;
            after.realized = after.realized.plus(forced.realized)?;
            after.liquidation_fees = after.liquidation_fees.plus(forced.fee)?;
            after.insurance = after.insurance.plus(forced.borne)?;
            let posted = account.posted.minus(held.position.margin)?;
            Ok((after, after.wallet()?, posted))
        };
        let Ok(after) = ledger() else { return false };
        let account = self.account_mut(a);
        (account.ledger, account.wallet, account.posted) = after;
        account.seats[s].held[slot(side)] = None;
        self.record_forced(a, s, side, &held, &forced, px, at, liquidation);
        self.flat(a, s, side);
        true
    }

    #[expect(clippy::too_many_arguments, reason = "one forced fill, in full")]
    pub fn record_forced(
        &mut self,
        a: usize,
        s: usize,
        side: PositionSide,
        held: &Held,
        forced: &Forced,
        px: Px,
        at: Nanos,
        liquidation: bool,
    ) {
        let qty = held.position.qty;
        let order = self.forced_order(a, s, side, held, forced.quote, px, at, liquidation);
        let trade_id = self.next_trade(s);
        let trade = TradeRecord {
            account: order.account,
            symbol: order.symbol,
            id: trade_id,
            order_id: order.id,
            side: order.side,
            position_side: side,
            px,
            qty,
            quote: forced.quote,
            fee: forced.fee,
            realized: forced.realized,
            maker: false,
            at,
        };
        self.archive(order);
        let most = self.venue.config.history_max;
        remember(&mut self.account_mut(a).trades, trade, most);
        let symbol = Some(order.symbol);
        self.earn(a, IncomeKind::RealizedPnl, forced.realized, symbol, trade_id, at);
        self.earn(a, IncomeKind::InsuranceClear, -forced.fee, symbol, trade_id, at);
        let (bid_notional, ask_notional) = self.seat(a, s).open_notionals();
        self.reports.push(Report::Order(OrderReport {
            at,
            execution: ExecutionKind::Calculated,
            order,
            last_qty: qty,
            last_px: px,
            fee: forced.fee,
            realized: forced.realized,
            trade_id,
            maker: false,
            expiry: 0,
            bid_notional,
            ask_notional,
        }));
        let position = self.position_report(a, s, side);
        let reason = AccountReason::Order;
        self.tell_account(a, reason, symbol, Money::ZERO, vec![position], at);
        self.print(s, order.side, px, qty, trade_id, at);
        if liquidation {
            let (symbol, side) = (order.symbol, order.side);
            self.reports.push(Report::ForceOrder { symbol, at, side, px, qty });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one forced order, in full")]
    fn forced_order(
        &mut self,
        a: usize,
        s: usize,
        position_side: PositionSide,
        held: &Held,
        quote: Money,
        px: Px,
        at: Nanos,
        liquidation: bool,
    ) -> OrderRecord {
        self.venue.orders += 1;
        let id = self.venue.orders;
        let prefix = if liquidation { "autoclose-" } else { "adl_autoclose-" };
        OrderRecord {
            account: AccountId(a as u16),
            symbol: SymbolId(s as u16),
            id,
            client_id: forced_id(prefix, at, id),
            side: held.position.side.opposite(),
            position_side,
            kind: OrderKind::Limit,
            origin: None,
            time_in_force: TimeInForce::Ioc,
            price: px,
            qty: held.position.qty,
            filled: held.position.qty,
            quote,
            reduce_only: true,
            close_position: false,
            self_trade: SelfTrade::None,
            good_till: Nanos::ZERO,
            status: OrderStatus::Filled,
            created: at,
            updated: at,
            stop_price: Px::ZERO,
            working_type: WorkingType::ContractPrice,
            price_protect: false,
            algo_id: 0,
            modify_id: 0,
            amended: 0,
        }
    }

    /// Warns the owner when the margin behind a position is running out; once, until it is not.
    pub fn warn(&mut self, a: usize, s: usize) {
        if !self.seat(a, s).is_holding() {
            return;
        }
        let low = |maintenance: i128, equity: i128| {
            maintenance > 0 && maintenance * 100 >= equity * WARN_PERCENT
        };
        if self.seat(a, s).is_cross() {
            let account = self.account(a);
            let sums = self.venue.cross(account, None);
            let equity = i128::from(account.cross_wallet().raw()) + sums.unrealized;
            let called = low(sums.maintenance, equity);
            let news = called && !account.called;
            self.account_mut(a).called = called;
            if news {
                let cross_wallet = self.account(a).cross_wallet();
                let positions: Vec<MarginCall> = (0..self.venue.desks.len())
                    .filter(|&s| self.seat(a, s).is_cross())
                    .flat_map(|s| self.sides(a).iter().map(move |&side| (s, side)))
                    .filter_map(|(s, side)| self.margin_call(a, s, side))
                    .collect();
                self.call(a, cross_wallet, positions);
            }
            return;
        }
        for &side in self.sides(a) {
            let Some(held) = self.seat(a, s).held[slot(side)] else { continue };
            let (unrealized, _, maintenance) = self.venue.measures(s, self.seat(a, s), &held);
            let equity = i128::from(held.position.margin.raw()) + i128::from(unrealized.raw());
            let called = low(i128::from(maintenance.raw()), equity);
            if let Some(held) = &mut self.seat_mut(a, s).held[slot(side)] {
                held.called = called;
            }
            if called && !held.called {
                let positions = self.margin_call(a, s, side).into_iter().collect();
                self.call(a, Money::ZERO, positions);
            }
        }
    }

    fn call(&mut self, a: usize, cross_wallet: Money, positions: Vec<MarginCall>) {
        let (account, at) = (AccountId(a as u16), self.at);
        self.reports.push(Report::MarginCall { account, at, cross_wallet, positions });
    }

    fn margin_call(&self, a: usize, s: usize, side: PositionSide) -> Option<MarginCall> {
        let seat = self.seat(a, s);
        let held = seat.held[slot(side)]?;
        let (unrealized, _, maintenance_margin) = self.venue.measures(s, seat, &held);
        Some(MarginCall {
            symbol: SymbolId(s as u16),
            position_side: side,
            qty: held.signed(),
            margin_type: seat.margin_type,
            isolated_wallet: match seat.margin_type {
                MarginType::Crossed => Money::ZERO,
                MarginType::Isolated => held.position.margin,
            },
            mark: self.desk(s).mark().unwrap_or(Px::ZERO),
            unrealized,
            maintenance_margin,
        })
    }

    /// Quantity held, for checks.
    pub fn holds(&self, a: usize, s: usize, side: PositionSide) -> Option<Qty> {
        self.seat(a, s).held[slot(side)].map(|held| held.position.qty)
    }
}
