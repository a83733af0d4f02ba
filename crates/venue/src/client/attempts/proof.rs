//! Step machine: finding out what became of an order, by its client id.

use super::{Attempts, End, Out, Phase};
use crate::client::account::{Account, inferred_id};
use crate::client::facts::{Execution, OrderFact};
use crate::client::notes::Note;
use aegis_types::defect::{self, Defect};
use aegis_types::{ClientOrderId, Money, Nanos, Order, OrderType, Px, RejectCode, Side, SymbolId};
use aegis_wire::errors::RECONCILE_MS;

/// The pause before a question; the last one repeats.
fn pause(step: u8) -> Nanos {
    let last = RECONCILE_MS.len() - 1;
    let step = usize::from(step).min(last);
    let before = step.checked_sub(1).map_or(0, |step| RECONCILE_MS[step]);
    Nanos::from_millis((RECONCILE_MS[step] - before) as i64)
}

/// Pause between questions about an order that was acknowledged and cannot be found: some are
/// invisible for minutes, and "not found" does not undo an acknowledgement.
const INVISIBLE: Nanos = Nanos::SECOND.times(30);
/// Pause before fills are asked for again.
const TRADES_AGAIN: Nanos = Nanos::SECOND;

/// How long the fill of a crossed trigger may take to be told.
const LOOK_AFTER: Nanos = Nanos::SECOND.times(2);
/// Pause between two looks at one order: the exchange may trigger by another price than we see.
const LOOK_AGAIN: Nanos = Nanos::SECOND.times(10);
/// Answers without the missing fills, after which they are inferred.
const TRADES_ROUNDS: u8 = 30;

impl Attempts {
    /// The first question goes 0.2 s from now.
    pub(super) fn begin_proof(&mut self, now: Nanos, index: usize) {
        let query = &mut self.table[index].query;
        if !query.asked {
            (query.at, query.step) = (now.after(pause(0)), 0);
        }
    }

    /// Asks again after the pause whose turn it is.
    fn ask_again(&mut self, now: Nanos, index: usize) {
        let query = &mut self.table[index].query;
        query.step = query.step.saturating_add(1);
        query.at = now.after(pause(query.step));
        query.asked = false;
    }

    /// A question about an order leaves, at that time of the exchange.
    pub fn query_sent(&mut self, id: ClientOrderId, timestamp_ms: i64) {
        let Some(index) = self.index(id) else { return };
        let attempt = &mut self.table[index];
        attempt.query.stamp_ms = timestamp_ms;
        if attempt.timestamp_ms == 0 {
            // Sent before this process began, nobody knows when: its window begins now.
            attempt.timestamp_ms = timestamp_ms;
        }
    }

    /// The exchange knows the order.
    pub fn found(
        &mut self,
        now: Nanos,
        id: ClientOrderId,
        fact: &OrderFact,
        account: &mut Account,
        out: &mut Out,
    ) {
        let Some(index) = self.index(id) else { return };
        let query = &mut self.table[index].query;
        (query.asked, query.at) = (false, Nanos::MAX);
        self.apply(now, index, fact, account, out);
    }

    /// The exchange says that there is no such order.
    pub fn not_found(&mut self, now: Nanos, id: ClientOrderId, out: &mut Out) {
        let Some(index) = self.index(id) else { return };
        let timing = self.timing;
        let attempt = &mut self.table[index];
        attempt.query.asked = false;
        if attempt.phase == Phase::Over {
            return;
        }
        if attempt.accepted_told {
            attempt.query.at = now.after(INVISIBLE);
            return self.cancel_of_invisible(now, index, out);
        }
        if attempt.phase != Phase::Unknown {
            return;
        }
        let window = timing.recv_window.after(timing.slack).as_millis();
        let behind = attempt.query.stamp_ms > attempt.timestamp_ms.saturating_add(window);
        if behind || defect::on(Defect::NotFoundIsAbsent) {
            out.notes.push(Note::Proven { id, landed: false });
            attempt.end = Some(End::Rejected(RejectCode::VenueFailed));
            self.reject(index, RejectCode::VenueFailed, out);
        } else {
            self.ask_again(now, index);
        }
    }

    /// A question got no answer, or none that can be used: it is asked again.
    pub fn query_failed(&mut self, now: Nanos, id: ClientOrderId) {
        let Some(index) = self.index(id) else { return };
        if self.table[index].phase == Phase::Over {
            self.table[index].query.asked = false;
        } else {
            self.ask_again(now, index);
        }
    }

    /// Fills of an order, asked for because some were missing.
    pub fn trades(
        &mut self,
        now: Nanos,
        id: ClientOrderId,
        trades: &[Execution],
        account: &mut Account,
        out: &mut Out,
    ) {
        let Some(index) = self.index(id) else { return };
        let attempt = &self.table[index];
        let order = if attempt.is_algo() { attempt.actual_id } else { attempt.exchange_id };
        for execution in trades.iter().filter(|trade| trade.order == order && order > 0) {
            self.book(now, index, execution, account, out);
        }
        let attempt = &mut self.table[index];
        attempt.trades_rounds = attempt.trades_rounds.saturating_add(1);
        if attempt.executed > attempt.booked && attempt.trades_rounds >= TRADES_ROUNDS {
            self.infer(now, index, order, account, out);
        }
        self.trades_failed(now, id);
        self.settle(now, index, out);
    }

    /// The exchange counts fills that none of its trades tells, and has been asked often enough:
    /// the position is what it says, so they are booked at the price that it says of the order.
    fn infer(
        &mut self,
        now: Nanos,
        index: usize,
        order: u64,
        account: &mut Account,
        out: &mut Out,
    ) {
        let attempt = &mut self.table[index];
        let Order { id, symbol, side, price, .. } = attempt.order;
        let qty = attempt.executed.saturating_plus(-attempt.booked);
        let told = [attempt.average, account.price(symbol), price];
        let Some(px) = told.into_iter().find(|px| px.is_positive()) else { return };
        let execution = Execution {
            // The same one after a restart: from the order and how much of it was filled.
            id: inferred_id(symbol, order, attempt.executed),
            order,
            symbol,
            side,
            px,
            qty,
            fee: Some(Money::ZERO),
            realized: account.profit(symbol, side, px, qty),
            maker: false,
            at_ms: now.as_millis(),
        };
        out.notes.push(Note::Inferred { id, qty, px });
        self.book(now, index, &execution, account, out);
        let attempt = &mut self.table[index];
        attempt.inferred = attempt.inferred.saturating_plus(qty);
    }

    /// The fills could not be read: asked for again.
    pub fn trades_failed(&mut self, now: Nanos, id: ClientOrderId) {
        let Some(index) = self.index(id) else { return };
        let attempt = &mut self.table[index];
        attempt.trades_asked = false;
        let missing = attempt.executed > attempt.booked;
        attempt.trades_at = if missing { now.after(TRADES_AGAIN) } else { Nanos::MAX };
    }

    /// A price is beyond the trigger of a stop or target that stands: its fill should be here soon.
    /// Says whether there is such an order that has not been looked into.
    pub fn crossed(&mut self, symbol: SymbolId, px: Px) -> bool {
        let mut any = false;
        for attempt in &mut self.table {
            let Order { side, kind, trigger, .. } = attempt.order;
            if attempt.phase != Phase::Open || attempt.order.symbol != symbol || attempt.crossed {
                continue;
            }
            let beyond =
                match (kind, side) {
                    (OrderType::StopMarket, Side::Sell)
                    | (OrderType::TakeProfitMarket, Side::Buy) => px <= trigger,
                    (OrderType::StopMarket, Side::Buy)
                    | (OrderType::TakeProfitMarket, Side::Sell) => px >= trigger,
                    _ => false,
                };
            attempt.crossed = beyond;
            any |= beyond;
        }
        any
    }

    /// What was crossed is asked for a little later, unless its fill has come by then.
    pub fn look_at_crossed(&mut self, now: Nanos) {
        for attempt in &mut self.table {
            if !core::mem::take(&mut attempt.crossed) || attempt.phase != Phase::Open {
                continue;
            }
            if now.since(attempt.looked) >= LOOK_AGAIN && !attempt.query.asked {
                attempt.looked = now;
                attempt.query.at = attempt.query.at.min(now.after(LOOK_AFTER));
            }
        }
    }

    /// The lists of open orders, asked for at `began`, named these orders of ours: every other one
    /// that should have been in them is asked for.
    pub fn unlisted(&mut self, now: Nanos, began: Nanos, listed: &[ClientOrderId]) {
        for attempt in &mut self.table {
            let due = attempt.phase == Phase::Open && attempt.landed < began;
            if due && !attempt.query.asked && !listed.contains(&attempt.order.id) {
                (attempt.query.at, attempt.query.step) = (attempt.query.at.min(now), 0);
            }
        }
    }
}
