//! Orders: numbering, sending, and tending a slot until what must hold is confirmed.
//!
//! What must hold for a held quantity: one acknowledged reduce-only stop over exactly that
//! quantity within the deadline, then a target; or a reduce-only market order on its way. For
//! nothing held: no order left. [`Engine::tend`] compares and sends what is missing, after every
//! event that touches the slot. Reducing orders and cancels pass no gate.

use crate::brain::Brain;
use crate::entry::seconds;
use crate::machine::Engine;
use crate::portfolio::{OrderState, Role, Stage, Working};
use crate::risk::Reject;
use crate::universe::NO_SLOT;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    AlertCode, ClientOrderId, Command, DenialCode, Fill, Money, Nanos, Notice, Order, OrderReason,
    OrderType, Out, Px, Qty, Side, SymbolId,
};
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Sent orders that are remembered, so that a fill after the end of its slot is still understood.
pub(crate) const RECENT_ORDERS: usize = 256;

/// Fills that are remembered, so that one told twice is booked once.
pub(crate) const RECENT_FILLS: usize = 256;

/// Stops that may be refused or lost before the position is closed instead.
const STOP_FAILURES_MAX: u8 = 3;

/// What is remembered of a sent order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub number: u32,
    pub symbol: SymbolId,
    pub reason: OrderReason,
}

/// Numbers, memory of orders and fills.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    session: u64,
    /// Orders so far, and so the number of the last one.
    pub sent: u32,
    #[serde(with = "aegis_types::array")]
    recent: [Sent; RECENT_ORDERS],
    #[serde(with = "aegis_types::array")]
    fills: [(SymbolId, u64); RECENT_FILLS],
    fills_seen: usize,
    /// By symbol: every trade id up to it is known, for a venue counts them up. So a fill told
    /// again is known however many came after it.
    known_to: Vec<u64>,
    pub duplicates: u64,
    pub strays: u64,
}

impl Orders {
    pub fn new(session: u64, symbols: usize) -> Self {
        let none = Sent { number: 0, symbol: SymbolId(0), reason: OrderReason::Entry };
        Self {
            session,
            sent: 0,
            recent: [none; RECENT_ORDERS],
            fills: [(SymbolId(0), 0); RECENT_FILLS],
            fills_seen: 0,
            known_to: vec![0; symbols],
            duplicates: 0,
            strays: 0,
        }
    }

    /// The id of an order of this session.
    pub const fn id(&self, number: u32) -> ClientOrderId {
        ClientOrderId { session: self.session, number }
    }

    /// Is it an id of this session?
    pub const fn ours(&self, id: ClientOrderId) -> bool {
        id.session == self.session && id.number > 0 && id.number <= self.sent
    }

    /// What was sent under this number, if it is still remembered.
    pub fn recent(&self, number: u32) -> Option<&Sent> {
        let sent = &self.recent[number as usize % RECENT_ORDERS];
        (sent.number == number && number > 0).then_some(sent)
    }

    /// Fills that are remembered.
    pub fn fills_known(&self) -> usize {
        self.fills_seen.min(RECENT_FILLS)
    }

    /// Notes a fill; false when it is already known.
    pub fn first_time(&mut self, symbol: SymbolId, trade_id: u64) -> bool {
        let fill = (symbol, trade_id);
        let known_to = self.known_to.get(symbol.index()).copied().unwrap_or_default();
        let known = self.fills[..self.fills_known()].contains(&fill) || trade_id <= known_to;
        if known && !defect::on(Defect::BookTwice) {
            self.duplicates += 1;
            return false;
        }
        let place = self.fills_seen % RECENT_FILLS;
        if self.fills_seen >= RECENT_FILLS {
            let (symbol, forgotten) = self.fills[place];
            if let Some(known_to) = self.known_to.get_mut(symbol.index())
                && forgotten < Fill::INFERRED
            {
                *known_to = forgotten.max(*known_to);
            }
        }
        self.fills[place] = fill;
        self.fills_seen += 1;
        true
    }

    fn next(&mut self, symbol: SymbolId, reason: OrderReason) -> u32 {
        self.sent += 1;
        let sent = Sent { number: self.sent, symbol, reason };
        self.recent[self.sent as usize % RECENT_ORDERS] = sent;
        self.sent
    }
}

/// What a timer is for. One timer of a kind per slot; asking again moves it. A timer that comes
/// when its cause is gone does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The stop must be acknowledged.
    Stop = 1,
    /// The position has been held as long as allowed.
    Hold = 2,
    /// The rotation's closing fill must have come (slot 0 for all: there is one rotation).
    Rotation = 3,
    /// A refused flatten goes again.
    Resend = 4,
    /// The leverage must be confirmed.
    Leverage = 5,
    /// The entry must have begun to fill.
    Entry = 6,
    /// Outcomes must be known.
    Unknown = 7,
}

impl Timer {
    const ALL: [Self; 7] = [
        Self::Stop,
        Self::Hold,
        Self::Rotation,
        Self::Resend,
        Self::Leverage,
        Self::Entry,
        Self::Unknown,
    ];

    /// The command that asks for it.
    pub fn wake(self, slot: usize, at: Nanos) -> Command {
        Command::WakeAt { at, id: (self as u64) << 8 | slot as u64 }
    }

    fn from_id(id: u64) -> Option<(Self, usize)> {
        let timer = Self::ALL.into_iter().find(|timer| *timer as u64 == id >> 8)?;
        Some((timer, (id & 0xff) as usize))
    }
}

impl<B: Brain> Engine<B> {
    /// Sends an order in its part of the slot.
    pub(crate) fn send(
        &mut self,
        index: usize,
        role: Role,
        reason: OrderReason,
        qty: Qty,
        out: &mut Out,
    ) {
        let slot = &mut self.portfolio.slots[index];
        let position = &mut slot.position;
        let symbol = position.symbol;
        let may_open = role == Role::Exit && defect::on(Defect::ExitMayOpen);
        let reduce_only = role != Role::Entry && !may_open;
        let side = if reduce_only { position.side.opposite() } else { position.side };
        let (kind, trigger) = match role {
            Role::Entry | Role::Exit => (OrderType::Market, Px::ZERO),
            Role::Stop | Role::OldStop => (OrderType::StopMarket, position.stop),
            Role::Target => (OrderType::TakeProfitMarket, position.target),
        };
        let number = self.orders.next(symbol, reason);
        let id = self.orders.id(number);
        if role == Role::Stop {
            position.stop_order = id;
        }
        *slot.order_mut(role) =
            Working { number, reason, qty, state: OrderState::Sent, ..Working::NONE };
        let price = Px::ZERO;
        let order = Order { id, symbol, side, kind, reason, reduce_only, qty, price, trigger };
        out.command(Command::Submit { order });
        out.notice(Notice::OrderSent(order));
    }

    /// Asks once to take an order back.
    pub(crate) fn cancel(&mut self, index: usize, role: Role, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let symbol = slot.position.symbol;
        let order = slot.order_mut(role);
        if order.live() && !order.canceling {
            order.canceling = true;
            let id = self.orders.id(order.number);
            out.command(Command::Cancel { id, symbol });
        }
    }

    /// Closes what is held at the market, unless that is already under way. The stop stays until
    /// the closing fill.
    pub(crate) fn exit(&mut self, index: usize, reason: OrderReason, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        let possible = slot.open() && slot.stage != Stage::Dust;
        if possible && !slot.order(Role::Exit).live() {
            self.send(index, Role::Exit, reason, slot.position.qty, out);
        }
    }

    /// Makes what must hold for a slot true, as far as the known facts allow.
    pub(crate) fn tend(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let dust = self.is_dust(index);
        let slot = &mut self.portfolio.slots[index];
        match slot.stage {
            Stage::Free | Stage::Leverage => return,
            Stage::Dust if dust => return,
            // Somebody has added to it or closed it.
            Stage::Dust => slot.stage = Stage::Live,
            Stage::Draining if slot.open() => {
                // A fill after the venue had called the order over: counted again, and left.
                slot.stage = Stage::Live;
                slot.doomed = Some(OrderReason::Unprotected);
            }
            Stage::Draining | Stage::Live => {}
        }
        self.make_use_of_room(index, at);
        self.watch_unknown(index, at, out);
        if dust {
            return self.leave_dust(index, out);
        }
        let slot = &self.portfolio.slots[index];
        if slot.open() {
            self.watch_protection(index, at, out);
            self.leave_if_doomed(index, at, out);
            let slot = &self.portfolio.slots[index];
            if slot.doomed.is_none() && !slot.order(Role::Exit).live() {
                self.protect(index, at, out);
            }
        } else if !slot.order(Role::Entry).live() {
            self.wind_up(index, at, out);
        }
    }

    fn leave_if_doomed(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        let Some(reason) = slot.doomed else { return };
        if at >= slot.resend_at {
            self.exit(index, reason, out);
        } else if !slot.order(Role::Exit).live() {
            out.command(Timer::Resend.wake(index, slot.resend_at));
        }
    }

    /// One acknowledged stop over exactly the held quantity, then one target.
    fn protect(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        let mut qty = slot.position.qty;
        if defect::on(Defect::StopForIntended) {
            qty = qty.max(slot.planned);
        }
        let stop = *slot.order(Role::Stop);
        let covers = stop.open_qty() == qty || defect::on(Defect::StopKeepsSize);
        if stop.state == OrderState::Accepted && covers {
            self.cancel(index, Role::OldStop, out);
            self.aim(index, at, out);
            return;
        }
        if self.past_deadline(index, at) {
            // What was under way at the deadline has come to nothing, or did not close all.
            return self.leave_unprotected(index, at, out);
        }
        let slot = &mut self.portfolio.slots[index];
        match stop.state {
            // The answer decides; the deadline limits the wait.
            OrderState::Sent | OrderState::Unknown => {}
            // Room is being made for it; the deadline limits this wait too.
            OrderState::None | OrderState::Done if slot.crowded => {}
            // The quantity has changed again meanwhile: the oldest goes, then the next one is sent.
            OrderState::Accepted if slot.order(Role::OldStop).live() => {
                self.cancel(index, Role::OldStop, out);
            }
            OrderState::Accepted => {
                // The new stop stands before the old one goes.
                *slot.order_mut(Role::OldStop) = stop;
                self.send(index, Role::Stop, OrderReason::Stop, qty, out);
            }
            OrderState::None | OrderState::Done => {
                if slot.stop_failures < STOP_FAILURES_MAX {
                    self.send(index, Role::Stop, OrderReason::Stop, qty, out);
                } else {
                    slot.doomed = Some(OrderReason::Unprotected);
                    self.leave_if_doomed(index, at, out);
                }
            }
        }
    }

    /// Since when more is held than an acknowledged stop covers: from the first fill on, whatever
    /// else is under way.
    fn watch_protection(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let covered = slot.covered();
        if covered {
            if let Some(since) = slot.unprotected_since.take() {
                self.controls.unprotected.note(seconds(at.since(since)));
            }
        } else if slot.unprotected_since.is_none() {
            slot.unprotected_since = Some(at);
            out.command(Timer::Stop.wake(index, at.after(self.config.stop_deadline)));
        }
        if slot.position.protected != covered {
            slot.position.protected = covered;
            out.notice(Notice::Position(slot.position));
        }
    }

    /// Has the position been without an acknowledged stop for as long as it may?
    fn past_deadline(&self, index: usize, at: Nanos) -> bool {
        let due = |since: Nanos| at >= since.after(self.config.stop_deadline);
        let since = self.portfolio.slots[index].unprotected_since;
        since.is_some_and(due) && !defect::on(Defect::NoStopDeadline)
    }

    /// No stop was confirmed in time: tells a human, and closes what is held.
    fn leave_unprotected(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        let since = slot.unprotected_since.unwrap_or(at);
        let symbol = slot.position.symbol;
        let first = slot.doomed.is_none();
        slot.doomed = slot.doomed.or(Some(OrderReason::Unprotected));
        if first {
            let (waited, allowed) = (at.since(since), self.config.stop_deadline);
            self.controls.unprotected.note(seconds(waited));
            let (waited, allowed) = (waited.as_millis(), allowed.as_millis());
            self.alert(AlertCode::Unprotected, Some(symbol), waited, allowed, out);
        }
        self.leave_if_doomed(index, at, out);
    }

    /// A target over the held quantity, once the stop stands.
    fn aim(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        let (qty, target) = (slot.position.qty, *slot.order(Role::Target));
        if !target.live() {
            if at >= slot.target_retry_at {
                self.send(index, Role::Target, OrderReason::Target, qty, out);
            }
        } else if target.state == OrderState::Accepted && target.open_qty() < qty {
            // Its end brings the next one. A larger one only reduces, and may stay.
            self.cancel(index, Role::Target, out);
        }
    }

    /// Nothing is held and nothing can be entered: tells the trade, takes back what rests.
    fn wind_up(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let was_live = self.portfolio.slots[index].stage == Stage::Live;
        if was_live {
            self.tell_trade(index, at, out);
            self.portfolio.slots[index].stage = Stage::Draining;
        }
        for role in Role::ALL {
            if role != Role::Stop || !defect::on(Defect::OrphanStop) {
                self.cancel(index, role, out);
            }
        }
        if !Role::ALL.into_iter().any(|role| self.portfolio.slots[index].order(role).live()) {
            self.release(index);
        }
        if was_live {
            self.complete_rotation(index, at, out);
        }
    }

    /// Gives a slot and its symbol back.
    pub(crate) fn release(&mut self, index: usize) {
        let slot = &mut self.portfolio.slots[index];
        slot.stage = Stage::Free;
        if let Some(market) = self.universe.market_mut(slot.signal.symbol) {
            market.slot = NO_SLOT;
        }
    }

    /// A 1m candle of a symbol with a slot has closed: time stop, decay, and what was put off.
    pub(crate) fn tend_at_close(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &self.portfolio.slots[index];
        if slot.open() && slot.doomed.is_none() && !slot.order(Role::Exit).live() {
            let position = &slot.position;
            let (symbol, side, opened) = (position.symbol, position.side, position.opened_at);
            if at.since(opened) >= self.config.time_stop {
                self.exit(index, OrderReason::TimeStop, out);
            } else if self.config.decay_exit && self.brain.decayed(symbol, side, opened) {
                self.exit(index, OrderReason::Decay, out);
            }
        }
        self.tend(index, at, out);
    }

    pub(crate) fn on_timer(&mut self, id: u64, at: Nanos, out: &mut Out) {
        let Some((timer, index)) = Timer::from_id(id) else { return };
        if timer == Timer::Rotation {
            if self.portfolio.rotation.as_ref().is_some_and(|rotation| at >= rotation.until) {
                self.lapse_rotation(at, out);
            }
            return;
        }
        let config = &self.config;
        let Some(slot) = self.portfolio.slots.get_mut(index) else { return };
        let exiting = slot.order(Role::Exit).live();
        match timer {
            Timer::Stop => {
                if slot.open() && !exiting && self.past_deadline(index, at) {
                    self.leave_unprotected(index, at, out);
                }
            }
            Timer::Hold => {
                if slot.open() && at.since(slot.position.opened_at) >= config.time_stop {
                    self.exit(index, OrderReason::TimeStop, out);
                }
            }
            Timer::Leverage => {
                if slot.stage == Stage::Leverage && at >= slot.taken_at.after(config.rotation_lapse)
                {
                    let wanted = f64::from(slot.leverage_wanted);
                    let known = self.universe.market(slot.signal.symbol).map_or(0, |m| m.leverage);
                    let code = DenialCode::LeverageCap;
                    let reject = Reject::new(code, f64::from(known), wanted);
                    self.withdraw(index, reject, at, out);
                }
            }
            Timer::Entry => {
                let due = at >= slot.taken_at.after(config.rotation_lapse.times(2));
                if slot.stage == Stage::Live && slot.entered.is_zero() && due {
                    self.cancel(index, Role::Entry, out);
                }
            }
            Timer::Resend => self.tend(index, at, out),
            Timer::Unknown => self.tell_unknown(index, at, out),
            Timer::Rotation => {}
        }
    }

    /// The slot that a symbol occupies.
    pub(crate) fn slot_of(&self, symbol: SymbolId) -> Option<usize> {
        let slot = self.universe.market(symbol)?.slot;
        (slot != NO_SLOT).then_some(usize::from(slot))
    }

    /// The position's profit at a new price.
    #[inline]
    pub(crate) fn revalue(&mut self, index: usize, last: Px) {
        let position = &mut self.portfolio.slots[index].position;
        if position.qty.is_positive() {
            let per_unit = match position.side {
                Side::Buy => last.minus(position.entry_px),
                Side::Sell => position.entry_px.minus(last),
            };
            // Out of range only with prices that no firewall lets through.
            if let Ok(unrealized) = per_unit.and_then(|px| px * position.qty) {
                position.unrealized = unrealized;
            }
        } else {
            position.unrealized = Money::ZERO;
        }
    }
}
