//! What a venue does for tests: fills and reductions that the market did not bring about.

use super::act::Act;
use super::fill::Deal;
use super::liquidation::Forced;
use super::names::PositionSide;
use super::record::{OrderKey, OrderRecord};
use super::refusal::Refusal;
use super::state::{Held, slot};
use crate::position::{self, Trade, VenuePosition};
use aegis_types::{Money, OutOfRange, Px, Qty};

impl Act<'_> {
    /// Fills an open limit order at its own price.
    pub fn fill_by_force(
        &mut self,
        a: usize,
        s: usize,
        key: OrderKey,
        qty: Option<Qty>,
    ) -> Result<OrderRecord, Refusal> {
        let index = self.find(a, s, key).ok_or(Refusal::UnknownOrder)?;
        let order = self.seat(a, s).orders[index].record;
        if !order.price.is_positive() {
            return Err(Refusal::UnableToFill);
        }
        let qty = qty.unwrap_or(order.leaves());
        let (trade_id, at) = (self.next_trade(s), self.at);
        self.deal(a, s, order.id, Deal { px: order.price, qty, maker: true, trade_id, at });
        Ok(self.current(a, &order))
    }

    /// Reduces a position by auto-deleveraging; false when it cannot be reckoned.
    pub fn deleverage(&mut self, a: usize, s: usize, side: PositionSide, qty: Qty, px: Px) -> bool {
        let Some(held) = self.seat(a, s).held[slot(side)] else { return false };
        let Ok((after, forced)) = self.reduced(a, s, &held, qty, px) else { return false };
        let account = self.account(a);
        let ledger = || -> Result<_, OutOfRange> {
            let mut ledger = account.ledger;
            ledger.realized = ledger.realized.plus(forced.realized)?;
            let posted = account.posted.minus(held.position.margin)?.plus(after.position.margin)?;
            Ok((ledger, ledger.wallet()?, posted))
        };
        let Ok(booked) = ledger() else { return false };
        let account = self.account_mut(a);
        (account.ledger, account.wallet, account.posted) = booked;
        account.seats[s].held[slot(side)] = Some(after);
        let part = Held { position: VenuePosition { qty, ..held.position }, ..held };
        self.record_forced(a, s, side, &part, &forced, px, self.at, false);
        true
    }

    fn reduced(
        &self,
        a: usize,
        s: usize,
        held: &Held,
        qty: Qty,
        px: Px,
    ) -> Result<(Held, Forced), OutOfRange> {
        let seat = self.seat(a, s);
        let trade = Trade {
            side: held.position.side.opposite(),
            px,
            qty,
            leverage: seat.leverage,
            at: self.at,
            session: 0,
        };
        let change = position::change(Some(held.position), &trade, self.instrument(s))?;
        let mut position = change.after.ok_or(OutOfRange)?;
        if seat.is_cross() {
            position.margin = Money::ZERO;
            position.liquidation = None;
        }
        let realized = held.realized.plus(change.realized)?;
        let after = Held { position, realized, updated: self.at, ..*held };
        let forced = Forced {
            quote: (px * qty)?,
            realized: change.realized,
            fee: Money::ZERO,
            borne: Money::ZERO,
        };
        Ok((after, forced))
    }
}
