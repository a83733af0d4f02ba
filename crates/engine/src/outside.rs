//! What comes from outside the orders of this session: a position to take over, filters that the
//! venue has changed, and a rest that no order can close.

use crate::brain::Brain;
use crate::config::SLOTS;
use crate::machine::Engine;
use crate::portfolio::{Role, Slot, Stage};
use crate::risk::Reject;
use aegis_types::{
    AlertCode, DenialCode, Fill, FillReason, Filters, FoundPosition, Money, Nanos, OrderReason,
    Out, Px, Qty, Round, Side, Signal, SymbolId,
};

impl<B: Brain> Engine<B> {
    /// Takes over a position that nobody here opened: it holds a slot, whatever the limit of
    /// positions, gets its stop at once and a target as far beyond the better of entry and mark as
    /// the teacher's rule says, and is left as any other. In a symbol that is held already it is
    /// added to what is held.
    pub(crate) fn take_over(&mut self, found: &FoundPosition, at: Nanos, out: &mut Out) {
        let FoundPosition { symbol, side, qty, entry, mark, margin, stop } = *found;
        let priced = entry.is_positive() && mark.is_positive() && stop.is_positive();
        if !priced || !qty.is_positive() || self.universe.market(symbol).is_none() {
            self.orders.strays += 1;
            return;
        }
        let held = self.slot_of(symbol);
        let waiting = held.filter(|index| self.portfolio.slots[*index].stage == Stage::Leverage);
        if let Some(index) = waiting {
            let reject = Reject::new(DenialCode::AlreadyInPosition, 1.0, 0.0);
            self.withdraw(index, reject, at, out);
        }
        let index = match held.filter(|_| waiting.is_none()) {
            Some(index) => index,
            None => {
                let target = self.target_of(found);
                let signal = Signal {
                    at,
                    symbol,
                    side,
                    stop,
                    target,
                    reference: mark,
                    ..Slot::blank_signal()
                };
                let Some(index) = self.portfolio.take(Slot::of(&signal, at)) else {
                    let full = SLOTS as i64;
                    self.orders.strays += 1;
                    return self.alert(AlertCode::TableFull, Some(symbol), full, full, out);
                };
                if let Some(market) = self.universe.market_mut(symbol) {
                    // SLOTS is far below 255.
                    market.slot = index as u8;
                }
                let used = self.portfolio.used();
                self.account.max_open_positions = self.account.max_open_positions.max(used);
                index
            }
        };
        self.alert(AlertCode::Adopted, Some(symbol), qty.raw(), stop.raw(), out);
        let order = self.orders.id(0);
        let entered = Fill {
            order,
            trade_id: 0,
            symbol,
            side,
            maker: false,
            reason: FillReason::Manual,
            px: entry,
            qty,
            leaves: Qty::ZERO,
            fee: Money::ZERO,
            realized: Money::ZERO,
            margin,
            venue_time: at,
        };
        self.book(index, None, OrderReason::Manual, &entered, at, out);
    }

    /// As far beyond the better of entry and mark as the stop is beyond the worse of them, times
    /// the teacher's multiple: a target that is reached already would close at once.
    fn target_of(&self, found: &FoundPosition) -> Px {
        let FoundPosition { side, entry, mark, stop, .. } = *found;
        let (worse, better) = match side {
            Side::Buy => (entry.min(mark), entry.max(mark)),
            Side::Sell => (entry.max(mark), entry.min(mark)),
        };
        let risk = (worse.to_f64() - stop.to_f64()).abs();
        let reward = risk * self.config.learn.target_r * side.sign() as f64;
        let target = Px::from_f64(better.to_f64() + reward).unwrap_or(better);
        let tick = self.universe.instrument(found.symbol).map_or(Px::from_raw(1), |i| i.tick);
        let target = target.to_grid(tick, away(side)).unwrap_or(target);
        // A short's target below zero: the lowest price there is.
        if target.is_positive() { target } else { tick }
    }

    /// The venue has changed the filters of a symbol: what is decided from here on obeys them, and
    /// so do stop and target where they are placed anew.
    pub(crate) fn refilter(&mut self, symbol: SymbolId, new: &Filters, at: Nanos, out: &mut Out) {
        let Some(before) = self.filters(symbol) else { return };
        if !new.usable() || *new == before {
            return;
        }
        self.universe.set_filters(symbol, new);
        let (step, was) = (new.step.raw(), before.step.raw());
        self.alert(AlertCode::FiltersChanged, Some(symbol), step, was, out);
        let Some(index) = self.slot_of(symbol) else { return };
        let slot = &mut self.portfolio.slots[index];
        let side = slot.position.side;
        let on_grid = |px: Px, round| match px.to_grid(new.tick, round) {
            Ok(px) if px.is_positive() => px,
            _ => new.tick,
        };
        slot.position.stop = on_grid(slot.position.stop, away(side.opposite()));
        slot.position.target = on_grid(slot.position.target, away(side.opposite()));
        if slot.stage == Stage::Leverage {
            slot.planned = new.orderable(slot.planned).min(new.qty_max);
            if slot.planned.is_zero() {
                let least = new.least().to_f64();
                let reject = Reject::new(DenialCode::BelowMinimum, 0.0, least);
                return self.withdraw(index, reject, at, out);
            }
        }
        self.tend(index, at, out);
    }

    /// Is what is left of a position too small for an order, with nothing under way that may still
    /// close it?
    pub(crate) fn is_dust(&self, index: usize) -> bool {
        let slot = &self.portfolio.slots[index];
        let Some(filters) = self.filters(slot.position.symbol) else { return false };
        let working = |role: Role| {
            let order = slot.order(role);
            order.live() && !order.filled.is_zero()
        };
        slot.open()
            && filters.orderable(slot.position.qty).is_zero()
            && !slot.order(Role::Entry).live()
            && !slot.order(Role::Exit).live()
            && ![Role::Stop, Role::OldStop, Role::Target].into_iter().any(working)
    }

    /// Gives up closing such a rest: a human is told once, its slot is free for others, its symbol
    /// is not. What still stands of its stop and target is left there: they may close it.
    pub(crate) fn leave_dust(&mut self, index: usize, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let (symbol, qty) = (slot.position.symbol, slot.position.qty);
        (slot.stage, slot.doomed, slot.unprotected_since) = (Stage::Dust, None, None);
        let least = self.filters(symbol).map_or(Qty::ZERO, |filters| filters.least());
        self.alert(AlertCode::Dust, Some(symbol), qty.raw(), least.raw(), out);
    }
}

/// The rounding that makes a price no nearer to a position of this side: up for a long.
const fn away(side: Side) -> Round {
    match side {
        Side::Buy => Round::Up,
        Side::Sell => Round::Down,
    }
}
