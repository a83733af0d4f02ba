//! Booking: what fills, funding and liquidations do to a slot, and the trade at its end.

use crate::brain::Brain;
use crate::machine::Engine;
use crate::orders::Timer;
use crate::portfolio::{OrderState, Role, Slot, Stage};
use crate::risk::Reject;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    AlertCode, DenialCode, Fill, FillReason, Money, Nanos, Notice, OrderReason, Out, OutOfRange,
    Px, Qty, Side, Signal, SymbolId, Trade,
};

/// Rest of a symbol in which a position was liquidated: its stop should have come first, and a
/// human should see why it did not.
const LIQUIDATION_REST: Nanos = Nanos::DAY;

impl<B: Brain> Engine<B> {
    /// An execution, told once or more, in any order.
    pub(crate) fn on_fill(&mut self, fill: &Fill, at: Nanos, out: &mut Out) {
        let sane = fill.qty.is_positive() && fill.px.is_positive();
        if !sane || self.universe.market(fill.symbol).is_none() {
            self.orders.strays += 1;
            return;
        }
        if !self.orders.first_time(fill.symbol, fill.trade_id) {
            return;
        }
        let held = self.slot_of(fill.symbol);
        if fill.order.number == 0 {
            return self.on_venue_fill(held, fill, at, out);
        }
        let number = fill.order.number;
        let ours = self.orders.ours(fill.order);
        let role = held
            .filter(|_| ours)
            .and_then(|index| Some((index, self.portfolio.slots[index].role_of(number)?)));
        // A slot knows its own orders however many were sent since; only for those of earlier
        // slots the memory of sent orders, which forgets, must do.
        let reason = match role {
            Some((index, role)) => Some(self.portfolio.slots[index].order(role).reason),
            None => {
                let sent = self.orders.recent(number);
                sent.filter(|s| ours && s.symbol == fill.symbol).map(|s| s.reason)
            }
        };
        // No venue fills an order beyond its quantity: such a fill is one told twice.
        let beyond = role.is_some_and(|(index, role)| {
            let order = self.portfolio.slots[index].order(role);
            order.filled.saturating_plus(fill.qty) > order.qty
        });
        if beyond && !defect::on(Defect::BookTwice) {
            self.orders.duplicates += 1;
            return;
        }
        let Some(reason) = reason else {
            self.orders.strays += 1;
            return;
        };
        let live = |(index, role): (usize, Role)| self.portfolio.slots[index].order(role).live();
        if defect::on(Defect::DropLateFills) && !role.is_some_and(live) {
            return;
        }
        out.notice(Notice::Filled { fill: *fill, reason });
        // A slot that only waits for its leverage holds nothing that a fill could change.
        let waiting = held.filter(|index| self.portfolio.slots[*index].stage == Stage::Leverage);
        let held = if waiting.is_some() { None } else { held };
        match (role, held) {
            (Some((index, role)), _) => self.book(index, Some(role), reason, fill, at, out),
            // An order of an earlier slot of this symbol: it changes what is held all the same.
            (None, Some(index)) => self.book(index, None, reason, fill, at, out),
            (None, None) if reason == OrderReason::Entry => {
                if let Some(index) = waiting {
                    let reject = Reject::new(DenialCode::AlreadyInPosition, 1.0, 0.0);
                    self.withdraw(index, reject, at, out);
                }
                self.adopt(fill, at, out);
            }
            (None, None) => self.orders.strays += 1,
        }
    }

    /// The exchange or somebody else acted on the account: a liquidation, a reduction against a
    /// bankrupt position, an order that is not ours. What is held is what it makes of it.
    fn on_venue_fill(&mut self, held: Option<usize>, fill: &Fill, at: Nanos, out: &mut Out) {
        let (reason, code) = match fill.reason {
            FillReason::Liquidated => (OrderReason::Liquidation, AlertCode::Liquidation),
            FillReason::Deleveraged => (OrderReason::Deleveraged, AlertCode::Deleveraged),
            _ => (OrderReason::Manual, AlertCode::ForeignClose),
        };
        out.notice(Notice::Filled { fill: *fill, reason });
        let before = held.map_or(Qty::ZERO, |index| self.portfolio.slots[index].position.qty);
        self.alert(code, Some(fill.symbol), fill.qty.raw(), before.raw(), out);
        if reason == OrderReason::Liquidation
            && let Some(market) = self.universe.market_mut(fill.symbol)
        {
            market.cool_until = market.cool_until.max(at.after(LIQUIDATION_REST));
        }
        match held.filter(|index| self.portfolio.slots[*index].stage != Stage::Leverage) {
            Some(index) => self.book(index, None, reason, fill, at, out),
            None => self.orders.strays += 1,
        }
    }

    /// An entry filled after the venue had called it over and its slot was given back: it is held
    /// now, so it is counted, and left at once.
    fn adopt(&mut self, fill: &Fill, at: Nanos, out: &mut Out) {
        let signal = Signal { at, symbol: fill.symbol, side: fill.side, ..Slot::blank_signal() };
        let mut slot = Slot::of(&signal, at);
        slot.doomed = Some(OrderReason::Unprotected);
        let Some(index) = self.portfolio.take(slot) else {
            self.orders.strays += 1;
            return;
        };
        if let Some(market) = self.universe.market_mut(fill.symbol) {
            // SLOTS is far below 255.
            market.slot = index as u8;
        }
        let used = self.portfolio.used();
        self.account.max_open_positions = self.account.max_open_positions.max(used);
        self.book(index, None, OrderReason::Entry, fill, at, out);
    }

    /// Books a fill on a slot and tends it.
    pub(crate) fn book(
        &mut self,
        index: usize,
        role: Option<Role>,
        reason: OrderReason,
        fill: &Fill,
        at: Nanos,
        out: &mut Out,
    ) {
        let time_stop = self.config.time_stop;
        let slot = &mut self.portfolio.slots[index];
        let first = slot.entered.is_zero();
        slot.exit_failures = 0;
        if let Some(role) = role {
            let order = slot.order_mut(role);
            order.filled = order.filled.saturating_plus(fill.qty);
            if order.filled >= order.qty {
                order.state = OrderState::Done;
            }
        }
        if slot.book(fill, reason, at).is_err() {
            // Beyond all range: nothing of it can be true, and the position cannot be managed.
            self.orders.strays += 1;
            return;
        }
        let (symbol, leverage) = (slot.position.symbol, slot.leverage);
        let opening = first && slot.entered.is_positive();
        if opening {
            out.command(Timer::Hold.wake(index, at.after(time_stop)));
        }
        self.account.changed = true;
        let moved = fill.realized.saturating_plus(-fill.fee);
        self.account.unsettled = self.account.unsettled.saturating_plus(moved);
        self.account.max_leverage = self.account.max_leverage.max(leverage);
        if let Some(last) = self.last_price(symbol) {
            self.revalue(index, last);
        }
        self.note_exposure();
        let slot = &self.portfolio.slots[index];
        if slot.open() {
            out.notice(Notice::Position(slot.position));
        }
        self.tend(index, at, out);
    }

    pub(crate) fn book_funding(&mut self, symbol: SymbolId, amount: Money, out: &mut Out) {
        if defect::on(Defect::ForgetFunding) {
            return;
        }
        self.account.changed = true;
        self.account.unsettled = self.account.unsettled.saturating_plus(amount);
        let Some(index) = self.slot_of(symbol) else { return };
        let slot = &mut self.portfolio.slots[index];
        slot.position.funding = slot.position.funding.saturating_plus(amount);
        if slot.open() {
            out.notice(Notice::Position(slot.position));
        }
    }

    /// Tells the trade of a slot that is flat again, if it ever held something.
    pub(crate) fn tell_trade(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        if slot.entered.is_zero() {
            return;
        }
        self.account.trades += 1;
        self.account.changed = true;
        let trade = slot.trade(self.account.trades, at);
        out.notice(Notice::Closed(trade));
        let equity = self.equity();
        self.guard.closed(&self.config.protections, &trade, equity, at);
        let cool_down = self.config.protections.cool_down;
        if let Some(market) = self.universe.market_mut(trade.symbol)
            && cool_down > Nanos::ZERO
        {
            market.cool_until = market.cool_until.max(at.after(cool_down));
        }
    }
}

impl Slot {
    /// Adds a fill to the sums: one of the position's side enters, one of the other exits.
    fn book(&mut self, fill: &Fill, reason: OrderReason, at: Nanos) -> Result<(), OutOfRange> {
        let notional = (fill.px * fill.qty)?;
        let position = &mut self.position;
        if fill.side == position.side {
            if self.entered.is_zero() {
                position.opened_at = at;
            }
            self.entered = self.entered.plus(fill.qty)?;
            self.entry_cost = self.entry_cost.plus(notional)?;
            position.entry_px = self.entry_cost.over_qty(self.entered)?;
            if fill.margin.is_positive() {
                let leverage = self.entry_cost.ratio_of(fill.margin);
                // Exits before this fill took their margin with them.
                if self.exited.is_zero() {
                    self.leverage = self.leverage.max(leverage);
                }
            } else {
                self.leverage = f64::from(self.leverage_wanted);
            }
        } else {
            self.exited = self.exited.plus(fill.qty)?;
            self.exit_cost = self.exit_cost.plus(notional)?;
            self.exit_reason = reason;
        }
        position.qty = self.entered.minus(self.exited)?.max(Qty::ZERO);
        position.margin = fill.margin;
        let fee = if defect::on(Defect::FeeSign) { -fill.fee } else { fill.fee };
        position.fees = position.fees.plus(fee)?;
        self.realized = self.realized.plus(fill.realized)?;
        Ok(())
    }

    fn trade(&self, number: u32, at: Nanos) -> Trade {
        let (position, signal) = (&self.position, &self.signal);
        let net = self.realized.saturating_plus(-position.fees).saturating_plus(position.funding);
        let per_unit = match position.side {
            Side::Buy => position.entry_px.minus(signal.stop),
            Side::Sell => signal.stop.minus(position.entry_px),
        };
        let risk = per_unit.and_then(|px| px * self.entered).unwrap_or_default();
        Trade {
            number,
            symbol: position.symbol,
            side: position.side,
            level: signal.level,
            qty: self.entered,
            entry_at: position.opened_at,
            entry_px: position.entry_px,
            exit_at: at,
            exit_px: self.exit_cost.over_qty(self.exited).unwrap_or(Px::ZERO),
            exit_reason: self.exit_reason,
            gross: self.realized,
            fees: position.fees,
            funding: position.funding,
            net,
            // Entered beyond its own stop there is no R to speak of.
            r_multiple: if risk.is_positive() { net.ratio_of(risk) } else { 0.0 },
            leverage: self.leverage,
            confidence: signal.confidence,
            features: signal.features,
        }
    }
}
