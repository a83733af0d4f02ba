//! Orders: numbering, sending, and tending a slot until what must hold is confirmed.
//!
//! What must hold for a held quantity: one acknowledged reduce-only stop over exactly that
//! quantity within the deadline, then a target; or a reduce-only market order on its way. For
//! nothing held: no order left. [`Engine::tend`] compares and sends what is missing, after every
//! event that touches the slot. Reducing orders and cancels pass no gate.

use crate::brain::Brain;
use crate::machine::Engine;
use crate::portfolio::{OrderState, Role, Stage, Working};
use crate::risk::Reject;
use crate::universe::NO_SLOT;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    ClientOrderId, Command, DenialCode, Money, Nanos, Notice, Order, OrderReason, OrderType,
    OrderUpdate, Out, Px, Qty, RejectCode, Side, SymbolId,
};
use serde::{Deserialize, Serialize};

/// Sent orders that are remembered, so that a fill after the end of its slot is still understood.
pub(crate) const RECENT_ORDERS: usize = 256;

/// Fills that are remembered, so that one told twice is booked once.
pub(crate) const RECENT_FILLS: usize = 256;

/// Stops that may be refused or lost before the position is closed instead.
const STOP_FAILURES_MAX: u8 = 3;

/// Pause before a flatten that was refused for sure is sent again: half of what is allowed.
const RESEND_AFTER: Nanos = Nanos::from_millis(250);

/// Longest pause between closes that the venue refuses because it holds nothing or has no room.
const RESEND_MAX: Nanos = Nanos::MINUTE;

/// Pause before a target that was refused is tried again: one bar.
const TARGET_RETRY: Nanos = Nanos::MINUTE;

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
    pub duplicates: u64,
    pub strays: u64,
}

impl Orders {
    pub const fn new(session: u64) -> Self {
        let none = Sent { number: 0, symbol: SymbolId(0), reason: OrderReason::Entry };
        Self {
            session,
            sent: 0,
            recent: [none; RECENT_ORDERS],
            fills: [(SymbolId(0), 0); RECENT_FILLS],
            fills_seen: 0,
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
        if self.fills[..self.fills_known()].contains(&fill) && !defect::on(Defect::BookTwice) {
            self.duplicates += 1;
            return false;
        }
        self.fills[self.fills_seen % RECENT_FILLS] = fill;
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
}

impl Timer {
    const ALL: [Self; 6] =
        [Self::Stop, Self::Hold, Self::Rotation, Self::Resend, Self::Leverage, Self::Entry];

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
        if slot.open() && !slot.order(Role::Exit).live() {
            self.send(index, Role::Exit, reason, slot.position.qty, out);
        }
    }

    /// Makes what must hold for a slot true, as far as the known facts allow.
    pub(crate) fn tend(&mut self, index: usize, at: Nanos, out: &mut Out) {
        let slot = &mut self.portfolio.slots[index];
        match slot.stage {
            Stage::Free | Stage::Leverage => return,
            Stage::Draining if slot.open() => {
                // A fill after the venue had called the order over: counted again, and left.
                slot.stage = Stage::Live;
                slot.doomed = Some(OrderReason::Unprotected);
            }
            Stage::Draining | Stage::Live => {}
        }
        self.make_use_of_room(index, at);
        let slot = &self.portfolio.slots[index];
        if slot.open() {
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
        let slot = &mut self.portfolio.slots[index];
        let mut qty = slot.position.qty;
        if defect::on(Defect::StopForIntended) {
            qty = qty.max(slot.planned);
        }
        let stop = *slot.order(Role::Stop);
        let covers = stop.open_qty() == qty || defect::on(Defect::StopKeepsSize);
        if stop.state == OrderState::Accepted && covers {
            slot.unprotected_since = None;
            if !slot.position.protected {
                slot.position.protected = true;
                out.notice(Notice::Position(slot.position));
            }
            self.cancel(index, Role::OldStop, out);
            self.aim(index, at, out);
            return;
        }
        slot.position.protected = false;
        if slot.unprotected_since.is_none() {
            slot.unprotected_since = Some(at);
            out.command(Timer::Stop.wake(index, at.after(self.config.stop_deadline)));
        }
        match stop.state {
            // The answer decides; the deadline limits the wait.
            OrderState::Sent | OrderState::Unknown => {}
            // Room is being made for it; the deadline limits this wait too.
            OrderState::None | OrderState::Done if slot.crowded => {}
            OrderState::Accepted => {
                // The new stop stands before the old one goes.
                if !slot.order(Role::OldStop).live() {
                    *slot.order_mut(Role::OldStop) = stop;
                    self.send(index, Role::Stop, OrderReason::Stop, qty, out);
                }
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
                let missed = !defect::on(Defect::NoStopDeadline);
                let due = |since: Nanos| missed && at >= since.after(config.stop_deadline);
                if slot.open() && !exiting && slot.unprotected_since.is_some_and(due) {
                    slot.doomed = slot.doomed.or(Some(OrderReason::Unprotected));
                    self.tend(index, at, out);
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
            Timer::Rotation => {}
        }
    }

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
            Some(RejectCode::ReduceOnly | RejectCode::TooManyOrders | RejectCode::Quantity) => true,
            Some(_) => false,
            None => exit.filled.is_zero(),
        };
        let mut pause = RESEND_AFTER;
        if hopeless {
            // Eight doublings are beyond the longest pause.
            pause = pause.times(1 << slot.exit_failures.min(8)).min(RESEND_MAX);
            slot.exit_failures = slot.exit_failures.saturating_add(1);
        }
        if defect::on(Defect::ExitOnce) {
            pause = Nanos::DAY;
        }
        slot.resend_at = at.after(pause);
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
    fn make_use_of_room(&mut self, index: usize, at: Nanos) {
        let slot = &mut self.portfolio.slots[index];
        let leaving = |role: &Role| slot.order(*role).live() && slot.order(*role).canceling;
        if slot.crowded && !Role::ALL.iter().any(leaving) {
            slot.crowded = false;
            slot.resend_at = slot.resend_at.min(at);
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
