//! Step machine: how a placement ended, and which of the refused go again.

use super::{Ask, Attempts, Cancel, Hold, Out, Phase, Refused, tell};
use crate::client::account::Account;
use crate::client::facts::OrderFact;
use crate::client::notes::Note;
use crate::client::request::Loss;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    ClientOrderId, Filters, Nanos, Order, OrderUpdate, Px, RejectCode, Round, SymbolId,
};
use aegis_wire::errors::{Class, Hint, RETRY_MS, Wait, reject_code};

/// Pause before an order that protects goes again, of which too many left.
const CAPPED_AGAIN: Nanos = Nanos::MILLISECOND.times(250);

/// A grid that moves a price by more than one part in so many makes another order of it, which the
/// gateway would stop.
const MOVED_PARTS: i64 = 100;

/// The pause after attempt `tries`; nothing when that was the last.
fn pause(tries: u8) -> Option<Nanos> {
    let ms = RETRY_MS.get(usize::from(tries.saturating_sub(1)))?;
    // The table's pauses are below a second.
    Some(Nanos::from_millis(*ms as i64))
}

impl Attempts {
    /// The request of an attempt leaves, stamped with the exchange's time. From here on its
    /// outcome is unknown until something proves it.
    pub fn sent(&mut self, id: ClientOrderId, timestamp_ms: i64, out: &mut Out) {
        let Some(index) = self.index(id) else { return };
        let attempt = &mut self.table[index];
        attempt.phase = Phase::Sent;
        attempt.tries = attempt.tries.saturating_add(1);
        attempt.timestamp_ms = timestamp_ms;
        if attempt.tries > 1 {
            let (attempt, code) = (attempt.tries, attempt.last_code);
            out.notes.push(Note::Again { id, attempt, code });
        }
    }

    /// May the queued attempt still go? Not when something has told meanwhile that it is there.
    pub fn may_go(&self, id: ClientOrderId) -> bool {
        self.get(id).is_some_and(|attempt| matches!(attempt.phase, Phase::Waiting(_)))
    }

    /// The exchange took the order.
    pub fn placed(
        &mut self,
        now: Nanos,
        id: ClientOrderId,
        fact: Option<&OrderFact>,
        account: &mut Account,
        out: &mut Out,
    ) {
        let Some(index) = self.index(id) else { return };
        match fact {
            Some(fact) => self.apply(now, index, fact, account, out),
            // Taken, said in a form that cannot be read: what became of it is asked for.
            None => self.doubt(now, index, None, out),
        }
    }

    /// There is no answer.
    pub fn lost(&mut self, now: Nanos, id: ClientOrderId, loss: Loss, out: &mut Out) {
        let Some(index) = self.index(id) else { return };
        if loss.never_left() && self.table[index].cancel != Cancel::None {
            return self.withdraw(index, out);
        }
        match loss {
            Loss::NotSent => self.again_or_reject(now, index, RejectCode::VenueFailed, out),
            Loss::Stopped => self.reject(index, RejectCode::Gateway, out),
            // What protects goes a little later; an entry that has waited is another trade.
            Loss::Capped if self.table[index].protects() => {
                self.table[index].phase = Phase::Waiting(now.after(CAPPED_AGAIN));
            }
            Loss::Capped => self.reject(index, RejectCode::OrderRate, out),
            Loss::Timeout | Loss::Cut | Loss::Malformed => {
                self.doubt(now, index, Some(loss), out);
            }
        }
    }

    /// The outcome is unknown: told once, then found out.
    pub(super) fn doubt(&mut self, now: Nanos, index: usize, loss: Option<Loss>, out: &mut Out) {
        let attempt = &mut self.table[index];
        // The user stream may have been faster.
        if !matches!(attempt.phase, Phase::Sent | Phase::Waiting(_) | Phase::Held) {
            return;
        }
        if defect::on(Defect::ResendUnknown) {
            attempt.phase = Phase::Waiting(now);
            return;
        }
        attempt.phase = Phase::Unknown;
        self.begin_proof(now, index);
        let attempt = &mut self.table[index];
        out.notes.push(Note::Unknown { id: attempt.order.id, loss });
        if !attempt.unknown_told {
            attempt.unknown_told = true;
            tell(attempt, OrderUpdate::Unknown, out);
        }
    }

    /// The exchange refused, or does not know itself.
    pub fn refused(&mut self, now: Nanos, id: ClientOrderId, refused: &Refused, out: &mut Out) {
        let Some(index) = self.index(id) else { return };
        let attempt = &mut self.table[index];
        attempt.last_code = refused.code;
        if attempt.phase != Phase::Sent {
            return; // the user stream has settled it
        }
        let reject = reject_code(refused.code);
        let Refused { status, code, words, reaction } = *refused;
        // A window or a ban must pass first.
        let closed = !matches!(reaction.wait, Wait::None | Wait::Backoff);
        match reaction.class {
            // Success of another kind than asked for is as good as unknown: only a question tells.
            Class::Unknown | Class::Done => {
                if reaction.row.is_none() && reaction.alert {
                    out.notes.push(Note::Puzzling { status, code, words });
                }
                return self.doubt(now, index, None, out);
            }
            // Refused for sure, and meanwhile not wanted any more.
            Class::Clock | Class::Metadata | Class::Retry if attempt.cancel != Cancel::None => {
                return self.withdraw(index, out);
            }
            Class::Clock if !attempt.clock_tried => {
                attempt.clock_tried = true;
                (attempt.phase, attempt.hold) = (Phase::Held, Hold::Clock);
                return out.asks.push(Ask::Clock);
            }
            Class::Metadata if !attempt.filters_tried => {
                attempt.filters_tried = true;
                (attempt.phase, attempt.hold) = (Phase::Held, Hold::Filters);
                return out.asks.push(Ask::Metadata);
            }
            // The ledger holds it back. An entry that has waited is another trade when it goes.
            Class::Retry if closed && attempt.protects() => {
                attempt.phase = Phase::Waiting(now);
                return;
            }
            Class::Retry if !closed => return self.again_or_reject(now, index, reject, out),
            // The firewall in front of the exchange says nothing about the account.
            Class::Stop if closed && attempt.protects() => {
                attempt.phase = Phase::Waiting(now);
                return;
            }
            Class::Stop if !closed => {
                self.stopped = true;
                out.asks.push(Ask::Stop);
                out.notes.push(Note::Stop { code, words });
            }
            // The least notional may be another one by now.
            Class::Denied if reject == RejectCode::Notional => out.asks.push(Ask::Metadata),
            Class::Defect | Class::Denied if reject == RejectCode::ReduceOnly => {
                // Flat, or about to be: what closed the position is looked for.
                out.asks.push(Ask::Positions);
            }
            _ => {}
        }
        let symbol = attempt.order.symbol;
        if reaction.hint == Hint::ReduceOnlyMode && !self.reduce_only.contains(&symbol) {
            self.reduce_only.push(symbol);
            out.notes.push(Note::ReduceOnly { symbol, code });
        }
        out.notes.push(Note::Refused { id, status, code, reject, words });
        self.reject(index, reject, out);
    }

    fn again_or_reject(&mut self, now: Nanos, index: usize, code: RejectCode, out: &mut Out) {
        let attempt = &mut self.table[index];
        match pause(attempt.tries) {
            Some(pause) => attempt.phase = Phase::Waiting(now.after(pause)),
            None => self.reject(index, code, out),
        }
    }

    /// An attempt could not leave in time, or at all: refused for good, nothing of it has left.
    pub fn denied(&mut self, id: ClientOrderId, out: &mut Out) {
        self.never_leaves(id, RejectCode::VenueFailed, out);
    }

    /// Nothing leaves any more: refused for good.
    pub fn fenced(&mut self, id: ClientOrderId, out: &mut Out) {
        self.never_leaves(id, RejectCode::Gateway, out);
    }

    fn never_leaves(&mut self, id: ClientOrderId, code: RejectCode, out: &mut Out) {
        if let Some(index) = self.index(id)
            && matches!(self.table[index].phase, Phase::Waiting(_))
        {
            self.reject(index, code, out);
        }
    }

    /// The clock was set: what waited for it goes once more.
    pub fn clock_set(&mut self, now: Nanos) {
        self.release(now, Hold::Clock);
    }

    /// Filters were read again: what waited for them is rounded to them and goes once more, if
    /// that changed anything and is still the same order; otherwise the refusal stands.
    pub fn filters_read(
        &mut self,
        now: Nanos,
        filters: impl Fn(SymbolId) -> Option<Filters>,
        out: &mut Out,
    ) {
        for index in 0..self.table.len() {
            let attempt = &mut self.table[index];
            if attempt.phase != Phase::Held || attempt.hold != Hold::Filters {
                continue;
            }
            let before = attempt.order;
            if let Some(filters) = filters(before.symbol) {
                round(&filters, &mut attempt.order);
            }
            let after = &attempt.order;
            let near = moved_little(before.price, after.price)
                && moved_little(before.trigger, after.trigger);
            let fit = after.qty.is_positive() && *after != before && near;
            if fit {
                (attempt.phase, attempt.hold) = (Phase::Waiting(now), Hold::None);
            } else {
                let code = reject_code(attempt.last_code);
                self.reject(index, code, out);
            }
        }
    }

    fn release(&mut self, now: Nanos, hold: Hold) {
        for attempt in &mut self.table {
            if attempt.phase == Phase::Held && attempt.hold == hold {
                (attempt.phase, attempt.hold) = (Phase::Waiting(now), Hold::None);
            }
        }
    }
}

fn moved_little(before: Px, after: Px) -> bool {
    (after.raw() - before.raw()).abs() <= before.raw() / MOVED_PARTS
}

/// Rounds an order to the grids: a quantity down, so that nothing larger than was decided goes; a
/// price or trigger to the nearest.
fn round(filters: &Filters, order: &mut Order) {
    order.qty = order.qty.to_grid(filters.step, Round::Down).unwrap_or(order.qty);
    order.price = order.price.to_grid(filters.tick, Round::Nearest).unwrap_or(order.price);
    order.trigger = order.trigger.to_grid(filters.tick, Round::Nearest).unwrap_or(order.trigger);
}
