//! The slots: who holds one, what orders belong to it, and whom a stronger signal may replace.
//!
//! ```text
//! Free ── signal ──> Leverage ── confirmed ──> Live ── flat, trade told ──> Draining ──> Free
//!                       counts against positions_max      symbol blocked until its
//!                                                         stop and target are gone
//! ```

use crate::config::SLOTS;
use crate::risk::Reject;
use aegis_types::defect::{self, Defect};
use aegis_types::{
    ClientOrderId, DenialCode, FEATURES, Level, List, Money, Nanos, OrderReason, Patterns,
    Position, Px, Qty, Side, Signal, SymbolId,
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Where an order of ours is, as far as anyone knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OrderState {
    /// There is none.
    #[default]
    None,
    /// Sent, not answered.
    Sent,
    /// The venue has it.
    Accepted,
    /// The answer was lost; never sent again, held until proven.
    Unknown,
    /// Over.
    Done,
}

/// One order of a slot.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Working {
    pub number: u32,
    /// Kept here too: a stop may fill long after newer orders have pushed it out of the memory of
    /// sent orders.
    pub reason: OrderReason,
    pub qty: Qty,
    pub filled: Qty,
    pub state: OrderState,
    /// A cancel was asked for.
    pub canceling: bool,
}

impl Working {
    /// No order.
    pub const NONE: Self = Self {
        number: 0,
        reason: OrderReason::Entry,
        qty: Qty::ZERO,
        filled: Qty::ZERO,
        state: OrderState::None,
        canceling: false,
    };

    /// May it still fill, for all we know?
    pub fn live(&self) -> bool {
        matches!(self.state, OrderState::Sent | OrderState::Accepted | OrderState::Unknown)
    }

    /// What of it is not filled.
    pub fn open_qty(&self) -> Qty {
        self.qty.saturating_plus(-self.filled)
    }
}

/// The part that an order plays in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Entry = 0,
    Stop = 1,
    /// A stop being replaced by one of another quantity.
    OldStop = 2,
    Target = 3,
    Exit = 4,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::Entry, Self::Stop, Self::OldStop, Self::Target, Self::Exit];
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    #[default]
    Free,
    /// Waits for the venue to confirm the leverage; the entry has not left.
    Leverage,
    /// Entry in flight, position open, or both.
    Live,
    /// Flat; only cancels are awaited.
    Draining,
    /// Holds less than an order may carry; waits for a hand from outside.
    Dust,
}

/// A position with its orders, from the signal to the last cancel.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub stage: Stage,
    pub signal: Signal,
    pub position: Position,
    orders: [Working; 5],
    /// When the signal was taken.
    pub taken_at: Nanos,
    /// Entry quantity asked for, its notional and the margin set aside for it.
    pub planned: Qty,
    pub planned_margin: Money,
    pub leverage_wanted: u16,
    /// Sums over the fills.
    pub entered: Qty,
    pub entry_cost: Money,
    pub exited: Qty,
    pub exit_cost: Money,
    pub realized: Money,
    /// Largest entry notional ÷ margin posted.
    pub leverage: f64,
    pub exit_reason: OrderReason,
    /// Leave as soon as anything is held, and again if that fails.
    pub doomed: Option<OrderReason>,
    pub resend_at: Nanos,
    /// Closes in a row that the venue refused or let expire.
    pub exit_failures: u8,
    /// A stop or a close waits until an order that was taken back for it is gone.
    pub crowded: bool,
    pub target_retry_at: Nanos,
    /// Since when more is held than an acknowledged stop covers.
    pub unprotected_since: Option<Nanos>,
    /// Stops that were refused or lost.
    pub stop_failures: u8,
    /// Since when the outcome of one of its orders is unknown.
    pub unknown_since: Option<Nanos>,
}

impl Slot {
    /// A signal that says nothing.
    pub fn blank_signal() -> Signal {
        Self::empty().signal
    }

    fn empty() -> Self {
        let symbol = SymbolId(0);
        Self {
            stage: Stage::Free,
            signal: Signal {
                at: Nanos::ZERO,
                symbol,
                side: Side::Buy,
                level: Level::Teacher,
                confidence: 0.0,
                patterns: Patterns::default(),
                reasons: List::new(),
                reference: Px::ZERO,
                stop: Px::ZERO,
                target: Px::ZERO,
                qty_suggested: Qty::ZERO,
                features: [0.0; FEATURES],
            },
            position: Position {
                symbol,
                side: Side::Buy,
                qty: Qty::ZERO,
                entry_px: Px::ZERO,
                opened_at: Nanos::ZERO,
                margin: Money::ZERO,
                stop: Px::ZERO,
                target: Px::ZERO,
                stop_order: ClientOrderId::default(),
                protected: false,
                confidence: 0.0,
                unrealized: Money::ZERO,
                fees: Money::ZERO,
                funding: Money::ZERO,
            },
            orders: [Working::NONE; 5],
            taken_at: Nanos::ZERO,
            planned: Qty::ZERO,
            planned_margin: Money::ZERO,
            leverage_wanted: 0,
            entered: Qty::ZERO,
            entry_cost: Money::ZERO,
            exited: Qty::ZERO,
            exit_cost: Money::ZERO,
            realized: Money::ZERO,
            leverage: 0.0,
            exit_reason: OrderReason::Entry,
            doomed: None,
            resend_at: Nanos(i64::MIN),
            exit_failures: 0,
            crowded: false,
            target_retry_at: Nanos(i64::MIN),
            unprotected_since: None,
            stop_failures: 0,
            unknown_since: None,
        }
    }

    /// A slot taken by a signal; nothing has been sent.
    pub fn of(signal: &Signal, at: Nanos) -> Self {
        let mut slot = Self::empty();
        slot.stage = Stage::Live;
        slot.signal = *signal;
        slot.taken_at = at;
        slot.position.symbol = signal.symbol;
        slot.position.side = signal.side;
        slot.position.stop = signal.stop;
        slot.position.target = signal.target;
        slot.position.confidence = signal.confidence;
        slot
    }

    #[inline]
    pub fn order(&self, role: Role) -> &Working {
        &self.orders[role as usize]
    }

    #[inline]
    pub fn order_mut(&mut self, role: Role) -> &mut Working {
        &mut self.orders[role as usize]
    }

    /// The part that the order of this number plays here.
    pub fn role_of(&self, number: u32) -> Option<Role> {
        let found = |role: &Role| {
            let order = self.order(*role);
            order.number == number && order.state != OrderState::None
        };
        Role::ALL.into_iter().find(found)
    }

    /// Counts against `positions_max`: open, in flight or unknown.
    pub fn counts(&self) -> bool {
        matches!(self.stage, Stage::Leverage | Stage::Live)
    }

    /// Holds a position?
    pub fn open(&self) -> bool {
        self.position.qty.is_positive()
    }

    /// Does an acknowledged stop cover all that is held?
    pub fn covered(&self) -> bool {
        let stops = [self.order(Role::Stop), self.order(Role::OldStop)];
        let covers = |stop: &&Working| {
            stop.state == OrderState::Accepted && stop.open_qty() >= self.position.qty
        };
        stops.iter().any(covers)
    }

    /// Nobody knows whether its entry or its exit was executed.
    pub fn unknown(&self) -> bool {
        let unknown = |role| self.order(role).state == OrderState::Unknown;
        self.counts() && (unknown(Role::Entry) || unknown(Role::Exit))
    }

    /// Is it on its way in or out?
    pub fn in_flight(&self) -> bool {
        self.stage == Stage::Leverage
            || self.order(Role::Entry).live()
            || self.order(Role::Exit).live()
            || self.doomed.is_some()
    }
}

/// A signal that waits for its victim's closing fill.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub signal: Signal,
    pub victim: usize,
    pub asked_at: Nanos,
    pub until: Nanos,
}

/// What the portfolio answers to a signal that risk has passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Room {
    /// There is a free place.
    Free,
    /// Close this slot first.
    After(usize),
}

/// All slots.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Portfolio {
    pub slots: Vec<Slot>,
    pub rotation: Option<Rotation>,
    /// Most slots that were ever not free.
    pub high_water: usize,
}

impl Portfolio {
    pub fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Slot::empty()).collect(), rotation: None, high_water: 0 }
    }

    /// Open, in-flight and unknown positions.
    pub fn used(&self) -> usize {
        let counts = |slot: &&Slot| {
            slot.counts() && (slot.open() || !defect::on(Defect::CapForgetsInFlight))
        };
        self.slots.iter().filter(counts).count()
    }

    /// Slots that are not free, draining ones included.
    pub fn taken(&self) -> usize {
        self.slots.iter().filter(|slot| slot.stage != Stage::Free).count()
    }

    /// Puts a slot into the first free place.
    pub fn take(&mut self, slot: Slot) -> Option<usize> {
        let index = self.slots.iter().position(|slot| slot.stage == Stage::Free)?;
        self.slots[index] = slot;
        self.high_water = self.high_water.max(self.taken());
        Some(index)
    }

    /// Is there room for a signal of this confidence? `net` is the PnL of a slot's position after
    /// exit fee and funding.
    ///
    /// When all places are taken, the position of the lowest entry confidence (ties: the oldest)
    /// makes room, if the signal is strictly stronger and that position is in profit. One that is
    /// still entering has no profit: it makes no room, and no stronger one goes in its stead.
    pub fn room(
        &self,
        confidence: f64,
        positions_max: u8,
        net: impl Fn(&Slot) -> Money,
    ) -> Result<Room, Reject> {
        let used = self.used();
        if used < usize::from(positions_max) {
            return match self.taken() {
                taken if taken < SLOTS => Ok(Room::Free),
                taken => Err(Reject::new(DenialCode::TableFull, taken as f64, SLOTS as f64)),
            };
        }
        let counting = || self.slots.iter().enumerate().filter(|(_, slot)| slot.counts());
        let leaving = |slot: &Slot| slot.open() && slot.in_flight();
        let busy =
            self.rotation.is_some() || counting().any(|(_, slot)| slot.unknown() || leaving(slot));
        let weakest = counting().min_by(|(_, a), (_, b)| {
            let age = |slot: &Slot| (!slot.open(), slot.position.opened_at);
            let (of_a, of_b) = (a.position.confidence, b.position.confidence);
            of_a.total_cmp(&of_b).then_with(|| age(a).cmp(&age(b)))
        });
        let Some((index, weakest)) = weakest.filter(|(_, slot)| slot.open() && !busy) else {
            let in_flight = counting().filter(|(_, slot)| slot.in_flight()).count();
            return Err(Reject::new(DenialCode::SlotsFullBusy, in_flight as f64, 0.0));
        };
        let entry = weakest.position.confidence;
        // Asked so that a NaN is not stronger.
        let stronger = confidence > entry;
        if !stronger {
            return Err(Reject::new(DenialCode::SlotsFullNotStronger, confidence, entry));
        }
        let net = net(weakest);
        if !net.is_positive() {
            return Err(Reject::new(DenialCode::SlotsFullNotInProfit, net.to_f64(), 0.0));
        }
        Ok(Room::After(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (confidence, opened at, net PnL) of three open positions.
    fn full(positions: [(f64, i64, i64); 3]) -> Portfolio {
        let mut portfolio = Portfolio::new();
        for (index, (confidence, opened_at, net)) in positions.into_iter().enumerate() {
            let mut slot = Slot::empty();
            slot.stage = Stage::Live;
            slot.position.symbol = SymbolId(index as u16);
            slot.position.qty = Qty::whole(1);
            slot.position.confidence = confidence;
            slot.position.opened_at = Nanos(opened_at);
            slot.realized = Money::whole(net);
            portfolio.take(slot);
        }
        portfolio
    }

    fn room(portfolio: &Portfolio, confidence: f64) -> Result<Room, DenialCode> {
        portfolio.room(confidence, 3, |slot| slot.realized).map_err(|reject| reject.code)
    }

    #[test]
    fn truth_table_of_rotation() {
        use DenialCode::{SlotsFullNotInProfit, SlotsFullNotStronger};
        let of = |net| full([(0.70, 3, 5), (0.65, 2, net), (0.80, 1, 5)]);
        // stronger, in profit -> rotate; every other combination is a denial with its own code
        assert_eq!(room(&of(1), 0.66), Ok(Room::After(1)));
        assert_eq!(room(&of(0), 0.66), Err(SlotsFullNotInProfit));
        assert_eq!(room(&of(-1), 0.66), Err(SlotsFullNotInProfit));
        assert_eq!(room(&of(1), 0.65), Err(SlotsFullNotStronger), "equal is not stronger");
        assert_eq!(room(&of(-1), 0.64), Err(SlotsFullNotStronger));
        assert_eq!(room(&of(1), f64::NAN), Err(SlotsFullNotStronger));
    }

    #[test]
    fn ties_go_to_the_oldest() {
        assert_eq!(room(&full([(0.65, 9, 1), (0.65, 7, 1), (0.65, 8, 1)]), 0.9), {
            Ok(Room::After(1))
        });
    }

    #[test]
    fn a_free_place_needs_no_victim() {
        let mut portfolio = full([(0.65, 1, -1), (0.65, 2, -1), (0.65, 3, -1)]);
        portfolio.slots[2].stage = Stage::Draining;
        assert_eq!(room(&portfolio, 0.61), Ok(Room::Free), "a draining slot does not count");
    }

    #[test]
    fn busy_while_one_is_unknown_or_leaving() {
        let busy = Err(DenialCode::SlotsFullBusy);
        let all = || full([(0.65, 1, 1), (0.66, 2, 1), (0.67, 3, 1)]);
        let mut unknown = all();
        unknown.slots[2].order_mut(Role::Entry).state = OrderState::Unknown;
        assert_eq!(room(&unknown, 0.9), busy);
        let mut leaving = all();
        leaving.slots[2].order_mut(Role::Exit).state = OrderState::Sent;
        assert_eq!(room(&leaving, 0.9), busy);
        let mut entering = all();
        for slot in &mut entering.slots[..3] {
            slot.position.qty = Qty::ZERO;
            slot.order_mut(Role::Entry).state = OrderState::Sent;
        }
        assert_eq!(room(&entering, 0.9), busy, "nothing is open yet");
        let mut weakest = all();
        weakest.slots[0].position.qty = Qty::ZERO;
        weakest.slots[0].order_mut(Role::Entry).state = OrderState::Accepted;
        assert_eq!(room(&weakest, 0.9), busy, "the weakest is still entering");
        weakest.slots[0].position.confidence = 0.66;
        assert_eq!(room(&weakest, 0.9), Ok(Room::After(1)), "of equals the open one is older");
    }

    #[test]
    fn a_full_table_is_a_visible_refusal() {
        let mut portfolio = Portfolio::new();
        for _ in 0..SLOTS {
            let mut slot = Slot::empty();
            slot.stage = Stage::Draining;
            portfolio.take(slot);
        }
        assert_eq!(room(&portfolio, 0.9), Err(DenialCode::TableFull));
        assert_eq!(portfolio.high_water, SLOTS);
    }
}
