//! Step machine: orders of ours that are over for us and stand at the exchange all the same.
//!
//! An order can end here and live on there: a cancel whose order nobody could find was given up, or
//! a refusal was believed. While the process runs its attempt is still known. The next process is
//! told of open orders only, and meets such a one in a list, or by a fill: the id says that it is
//! this session's, so it is never taken for somebody else's.

use super::{Attempt, Attempts, Cancel, End, Out, Phase};
use crate::client::account::Account;
use crate::client::attempts::Ask;
use crate::client::facts::{Maker, OrderFact, Status};
use crate::client::notes::Note;
use aegis_types::{Nanos, Order, OrderReason, OrderType, Px};

impl Attempts {
    /// An order of this session that is not followed: from here on it is, as one that is over.
    /// What was filled of it before is booked, or is found by what the position differs: it is
    /// never reckoned from the exchange's count, for nobody knows how much of that was told.
    pub(super) fn own_stray(
        &mut self,
        now: Nanos,
        fact: &OrderFact,
        out: &mut Out,
    ) -> Option<usize> {
        let Maker::Ours(id) = fact.maker else { return None };
        let symbol = fact.symbol.filter(|_| id.session == self.session)?;
        if !self.make_room(out) {
            return None;
        }
        // What it was sent as, only the engine knows; here its service and its name count.
        let kind = if fact.algo { OrderType::StopMarket } else { OrderType::Limit };
        let mut attempt = Attempt::new(
            now,
            &Order {
                id,
                symbol,
                side: fact.side,
                kind,
                reason: OrderReason::Entry,
                reduce_only: fact.algo,
                qty: fact.qty,
                price: Px::ZERO,
                trigger: Px::ZERO,
            },
        );
        (attempt.phase, attempt.end, attempt.tries) = (Phase::Over, Some(End::Canceled), 1);
        (attempt.accepted_told, attempt.unknown_told) = (true, true);
        // What this process has sent is followed, so no list is older than its end.
        (attempt.stray, attempt.over_before) = (true, true);
        self.table.push(attempt);
        Some(self.table.len() - 1)
    }

    /// An order that was over for us when the list was asked for stands at the exchange: nobody
    /// waits for it, and it may act on a later position, so it is taken back.
    pub(super) fn take_back_again(
        &mut self,
        now: Nanos,
        index: usize,
        fact: &OrderFact,
        account: &Account,
        out: &mut Out,
    ) {
        let attempt = &mut self.table[index];
        if attempt.stray && fact.algo {
            // First heard of by the order that it had made.
            attempt.order.kind = OrderType::StopMarket;
        }
        let attempt = &self.table[index];
        let stands = matches!(fact.status, Status::New | Status::Part);
        let of_condition = fact.algo || !attempt.is_algo();
        let due = stands && of_condition && attempt.over_before;
        if !due || attempt.cancel != Cancel::None || self.still_needed(attempt, account) {
            return;
        }
        let attempt = &mut self.table[index];
        (attempt.cancel, attempt.cancel_since) = (Cancel::Again, now);
        out.asks.push(Ask::Cancel(attempt.order.id));
        out.notes.push(Note::Orphan { id: attempt.order.id });
    }

    /// The stop of an earlier process stays until a position has one of which we know: it may be
    /// all that protects it.
    fn still_needed(&self, stray: &Attempt, account: &Account) -> bool {
        let symbol = stray.order.symbol;
        let Some(held) = account.held(symbol).filter(|_| stray.stray && stray.is_algo()) else {
            return false;
        };
        let closes = stray.order.side == held.side.opposite();
        closes && !self.table.iter().any(|a| a.is_stop_of(symbol, held.side, held.qty))
    }
}
