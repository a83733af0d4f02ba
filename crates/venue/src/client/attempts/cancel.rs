//! Step machine: taking an order back.
//!
//! A cancel does nothing a second time, so one without an answer may go again; but what became of
//! the order is always asked first. "Unknown order" ends nothing by itself: the order may just have
//! filled.

use super::{Ask, Attempt, Attempts, Cancel, End, Out, Phase, tell};
use crate::client::account::Account;
use crate::client::facts::{Maker, OrderFact, Status};
use crate::client::notes::Note;
use aegis_types::{ClientOrderId, EventBody, Nanos, OrderUpdate, RejectCode, SymbolId, Text};

/// Pause before a cancel that failed goes again; it grows with every one.
const PAUSE: Nanos = Nanos::MILLISECOND.times(500);
/// Longest pause.
const PAUSE_MAX: Nanos = Nanos::SECOND.times(30);
/// How long an acknowledged order may be invisible before the engine is told that it is gone.
const GIVE_UP: Nanos = Nanos::MINUTE;

impl Attempts {
    /// The engine takes an order back.
    pub fn cancel(&mut self, now: Nanos, id: ClientOrderId, symbol: SymbolId, out: &mut Out) {
        let index = self.index(id).filter(|index| self.table[*index].phase != Phase::Over);
        let Some(index) = index else {
            let update = OrderUpdate::Rejected { code: RejectCode::UnknownOrder };
            return out.answers.push(EventBody::Order { id, symbol, update });
        };
        let attempt = &mut self.table[index];
        if attempt.tries == 0 || matches!(attempt.phase, Phase::Waiting(_) | Phase::Held) {
            // Nothing of it is at the exchange, and now nothing will be.
            return self.withdraw(index, out);
        }
        if attempt.cancel == Cancel::None {
            attempt.cancel_since = now;
            attempt.cancels = 0;
            if attempt.phase == Phase::Open {
                attempt.cancel = Cancel::Sent;
                out.asks.push(Ask::Cancel(id));
            } else {
                // Goes when its order is known to be there.
                attempt.cancel = Cancel::Wanted(now);
            }
        }
    }

    /// Ends an attempt of which nothing is at the exchange, as the engine wished.
    pub(super) fn withdraw(&mut self, index: usize, out: &mut Out) {
        let attempt = &mut self.table[index];
        attempt.end = Some(End::Canceled);
        (attempt.phase, attempt.cancel) = (Phase::Over, Cancel::None);
        tell(attempt, OrderUpdate::Canceled, out);
    }

    /// May the queued cancel still go?
    pub fn cancel_may_go(&self, id: ClientOrderId) -> bool {
        let Some(attempt) = self.get(id) else { return self.leftover(id).is_some() };
        match attempt.cancel {
            Cancel::Sent => attempt.phase != Phase::Over,
            Cancel::Again => true,
            Cancel::None | Cancel::Wanted(_) => false,
        }
    }

    /// The exchange took the cancel. An order's reply says where it stands; the algo service only
    /// says that it has heard.
    pub fn canceled(
        &mut self,
        now: Nanos,
        id: ClientOrderId,
        fact: Option<&OrderFact>,
        account: &mut Account,
        out: &mut Out,
    ) {
        let Some(index) = self.index(id) else { return };
        let taken_back = taken_back(&self.table[index]);
        let fact = fact.or_else(|| self.table[index].is_algo().then_some(&taken_back));
        if let Some(fact) = fact {
            self.apply(now, index, fact, account, out);
        }
        let attempt = &mut self.table[index];
        if attempt.phase == Phase::Over {
            attempt.cancel = Cancel::None;
        } else if attempt.end.is_none() {
            self.cancel_in_doubt(now, id);
        }
    }

    /// The cancel got no answer, or one that says that the order is not there: the order is asked
    /// for, and the cancel goes again if it still stands.
    pub fn cancel_in_doubt(&mut self, now: Nanos, id: ClientOrderId) {
        let Some(index) = self.index(id) else { return };
        self.put_cancel_off(now, index);
        let attempt = &mut self.table[index];
        if attempt.phase != Phase::Over && !attempt.query.asked {
            attempt.query.at = now;
        }
    }

    /// The cancel was refused for sure and may go again.
    pub fn cancel_failed(&mut self, now: Nanos, id: ClientOrderId) {
        if let Some(index) = self.index(id) {
            self.put_cancel_off(now, index);
        }
    }

    fn put_cancel_off(&mut self, now: Nanos, index: usize) {
        let attempt = &mut self.table[index];
        if attempt.phase == Phase::Over {
            attempt.cancel = Cancel::None;
            return;
        }
        let doublings = u32::from(attempt.cancels.min(6));
        attempt.cancels = attempt.cancels.saturating_add(1);
        attempt.cancel = Cancel::Wanted(now.after(PAUSE.times(1 << doublings).min(PAUSE_MAX)));
    }

    /// An acknowledged order can be neither found nor taken back.
    pub(super) fn cancel_of_invisible(&mut self, now: Nanos, index: usize, out: &mut Out) {
        let attempt = &mut self.table[index];
        if attempt.cancel == Cancel::None || now.since(attempt.cancel_since) < GIVE_UP {
            if attempt.cancel != Cancel::None {
                attempt.query.at = now.after(PAUSE.times(2));
            }
            return;
        }
        out.notes.push(Note::Forgotten { id: attempt.order.id });
        self.reject(index, RejectCode::UnknownOrder, out);
    }
}

/// What a conditional order is after the algo service has taken it back.
fn taken_back(attempt: &Attempt) -> OrderFact {
    OrderFact {
        maker: Maker::Ours(attempt.order.id),
        client: Text::new(),
        id: attempt.exchange_id,
        algo: true,
        actual: None,
        symbol: Some(attempt.order.symbol),
        side: attempt.order.side,
        status: Status::Canceled,
        reduces: attempt.order.reduce_only,
        executed: attempt.executed,
        qty: attempt.order.qty,
        average: None,
        execution: None,
        reason: Text::new(),
    }
}
