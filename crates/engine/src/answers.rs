//! What a venue answers about our orders, and what follows from an order that ended.

use crate::brain::Brain;
use crate::entry::seconds;
use crate::machine::Engine;
use crate::orders::Timer;
use crate::portfolio::{OrderState, Role};
use aegis_types::defect::{self, Defect};
use aegis_types::{
    AlertCode, ClientOrderId, Nanos, Notice, OrderReason, OrderUpdate, Out, RejectCode, SymbolId,
};

/// Pause before a close that was refused for sure is sent again: half of what is allowed.
const RESEND_AFTER: Nanos = Nanos::from_millis(250);

/// Longest pause between closes of a position that no stop protects: below the half second that
/// is allowed.
const RESEND_UNPROTECTED: Nanos = Nanos::from_millis(450);

/// Longest pause between closes that the venue fails to take while a stop protects the position.
const RESEND_PROTECTED: Nanos = Nanos::from_millis(10_000);

/// Longest pause between closes that the venue refuses because it holds nothing or has no room.
const RESEND_MAX: Nanos = Nanos::MINUTE;

/// Refusals of a close in a row that a human is told of.
const REFUSALS_TOLD: u8 = 3;

/// Pause before a target that was refused is tried again: one bar.
const TARGET_RETRY: Nanos = Nanos::MINUTE;

impl<B: Brain> Engine<B> {
    /// A venue's answer about one of our orders.
    pub(crate) fn on_order(
        &mut self,
        id: ClientOrderId,
        symbol: SymbolId,
        update: &OrderUpdate,
        at: Nanos,
        out: &mut Out,
    ) {
        if let OrderUpdate::Filled { fill } = update {
            self.on_fill(fill, at, out);
            return;
        }
        out.notice(Notice::OrderUpdated { id, symbol, update: *update });
        let rejected = OrderUpdate::Rejected { code: RejectCode::VenueFailed };
        let mistaken = *update == OrderUpdate::Unknown && defect::on(Defect::UnknownIsRejected);
        let update = if mistaken { &rejected } else { update };
        if !self.orders.ours(id) {
            return;
        }
        let Some(index) = self.slot_of(symbol) else { return };
        let Some(role) = self.portfolio.slots[index].role_of(id.number) else { return };
        let order = self.portfolio.slots[index].order_mut(role);
        let before = order.state;
        match update {
            OrderUpdate::Accepted if order.live() => order.state = OrderState::Accepted,
            // An acknowledged order whose cancel got lost is still acknowledged.
            OrderUpdate::Unknown if before == OrderState::Sent => {
                order.state = OrderState::Unknown;
            }
            // Of an entry, "no such order" proves nothing: its fill may be on the way.
            OrderUpdate::Rejected { code: RejectCode::UnknownOrder } if role == Role::Entry => {
                order.canceling = false;
            }
            OrderUpdate::Rejected { .. } | OrderUpdate::Canceled | OrderUpdate::Expired
                if order.live() =>
            {
                let asked = order.canceling;
                order.state = OrderState::Done;
                self.on_order_over(index, role, update, asked, at, out);
            }
            _ => return,
        }
        self.tend(index, at, out);
    }

    /// An order ended without (all of) its fills.
    fn on_order_over(
        &mut self,
        index: usize,
        role: Role,
        update: &OrderUpdate,
        asked: bool,
        at: Nanos,
        out: &mut Out,
    ) {
        let slot = &mut self.portfolio.slots[index];
        let open = slot.open();
        let code = match update {
            OrderUpdate::Rejected { code } => Some(*code),
            _ => None,
        };
        let mut failed = code.is_some() || *update == OrderUpdate::Expired;
        match role {
            Role::Entry => {}
            // After the end of the position, or on our word, this is how siblings end.
            _ if !open || (asked && role != Role::Stop) => failed = false,
            Role::OldStop => failed = false,
            Role::Stop => {
                slot.stop_failures += 1;
                match code {
                    Some(RejectCode::WouldTrigger) => {
                        slot.doomed = slot.doomed.or(Some(OrderReason::Unprotected));
                    }
                    Some(RejectCode::TooManyOrders) => {
                        self.make_room(index, &[Role::Target, Role::Entry], out);
                    }
                    _ => {}
                }
            }
            Role::Target => {
                slot.target_retry_at = at.after(TARGET_RETRY);
                if code == Some(RejectCode::WouldTrigger) {
                    slot.doomed = slot.doomed.or(Some(OrderReason::Target));
                }
            }
            Role::Exit => self.on_exit_over(index, code, at, out),
        }
        if failed {
            let symbol = self.portfolio.slots[index].signal.symbol;
            if let Some(market) = self.universe.market_mut(symbol) {
                market.cool_until = market.cool_until.max(at.after(self.config.cool_down));
            }
        }
    }

    /// A close ended without (all of) its fills.
    ///
    /// One that had no chance is sent again ever more seldom: "nothing to reduce" (refused, or
    /// expired untouched) says that the venue holds nothing and a fill is on its way or was lost,
    /// and a full table empties by fills. The slot stays, and is seen, until that fill has come.
    fn on_exit_over(&mut self, index: usize, code: Option<RejectCode>, at: Nanos, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let exit = *slot.order(Role::Exit);
        let hopeless = match code {
            // As it is, it will be refused again.
            Some(RejectCode::ReduceOnly | RejectCode::Quantity) => true,
            // A stop in the market gives time; nothing else does.
            Some(_) => slot.covered(),
            None => exit.filled.is_zero(),
        };
        let longest = match code {
            Some(RejectCode::ReduceOnly | RejectCode::TooManyOrders | RejectCode::Quantity)
            | None => RESEND_MAX,
            Some(_) => RESEND_PROTECTED,
        };
        let longest = if hopeless { longest } else { RESEND_UNPROTECTED };
        // Eight doublings are beyond the longest pause.
        let pause = RESEND_AFTER.times(1 << slot.exit_failures.min(8)).min(longest);
        slot.exit_failures = slot.exit_failures.saturating_add(1);
        let (refusals, symbol) = (slot.exit_failures, slot.position.symbol);
        let pause = if defect::on(Defect::ExitOnce) { Nanos::DAY } else { pause };
        slot.resend_at = at.after(pause);
        if code.is_some() && refusals == REFUSALS_TOLD {
            self.alert(AlertCode::FlattenRefused, Some(symbol), refusals.into(), 0, out);
        }
        if self.portfolio.rotation.as_ref().is_some_and(|r| r.victim == index) {
            // The victim stays, so it keeps its target too.
            return self.lapse_rotation(at, out);
        }
        let spare = [Role::Target, Role::Entry, Role::OldStop];
        if code == Some(RejectCode::TooManyOrders) && self.make_room(index, &spare, out) {
            let slot = &mut self.portfolio.slots[index];
            slot.doomed = slot.doomed.or(Some(exit.reason));
        }
    }

    /// The venue has no room for a stop or a close: takes back the first of what can be spared.
    /// The stop is never among it. Says whether anything is on its way out.
    fn make_room(&mut self, index: usize, spare: &[Role], out: &mut Out) -> bool {
        let slot = &self.portfolio.slots[index];
        let Some(role) = spare.iter().find(|role| slot.order(**role).live()) else {
            return false;
        };
        self.cancel(index, *role, out);
        self.portfolio.slots[index].crowded = true;
        true
    }

    /// What was taken back to make room is gone: what waited for its place goes at once.
    pub(crate) fn make_use_of_room(&mut self, index: usize, at: Nanos) {
        let slot = &mut self.portfolio.slots[index];
        let leaving = |role: &Role| slot.order(*role).live() && slot.order(*role).canceling;
        if slot.crowded && !Role::ALL.iter().any(leaving) {
            slot.crowded = false;
            slot.resend_at = slot.resend_at.min(at);
        }
    }

    /// Notes since when the outcome of an order is unknown, and when no longer.
    pub(crate) fn watch_unknown(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let unknown = Role::ALL.iter().any(|r| slot.order(*r).state == OrderState::Unknown);
        match slot.unknown_since {
            None if unknown => {
                slot.unknown_since = Some(at);
                out.command(Timer::Unknown.wake(index, at.after(self.config.unknown_alert)));
            }
            Some(since) if !unknown => {
                slot.unknown_since = None;
                self.controls.unknown.note(seconds(at.since(since)));
            }
            _ => {}
        }
    }

    /// Nobody has known for long what became of an order.
    pub(crate) fn tell_unknown(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let limit = self.config.unknown_alert;
        let slot = &self.portfolio.slots[index];
        if let Some(since) = slot.unknown_since
            && at >= since.after(limit)
        {
            let (symbol, waited) = (slot.position.symbol, at.since(since).as_millis());
            let code = AlertCode::OutcomeUnknown;
            self.alert(code, Some(symbol), waited, limit.as_millis(), out);
        }
    }
}
