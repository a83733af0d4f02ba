//! Everything that enters the engine. Time is `Event::at`; the engine knows no other clock.

use crate::condition::{Condition, RiskMemory};
use crate::order::{AccountUpdate, ClientOrderId, OrderUpdate};
use crate::signal::codes;
use crate::symbol::SymbolId;
use crate::tick::Tick;
use crate::time::Nanos;
use core::fmt;

/// One input of the engine, numbered and dated by the sequencer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Number in the session, from 0, without holes.
    pub seq: u64,
    /// Time of the event; never goes back from one event to the next.
    pub at: Nanos,
    /// What happened.
    pub body: EventBody,
}

/// The kinds of inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EventBody {
    /// A market fact from the ring.
    Market(Tick),
    /// A venue's answer about one of our orders.
    Order {
        /// Which order.
        id: ClientOrderId,
        /// Of which symbol.
        symbol: SymbolId,
        /// What about it.
        update: OrderUpdate,
    },
    /// A venue's news of the account.
    Account(AccountUpdate),
    /// The time asked for by a `WakeAt` has come.
    Timer {
        /// The id given with the `WakeAt`.
        id: u64,
    },
    /// An operator's command.
    Operator(Operator),
    /// Something outside the engine begins or ceases to keep entries from being made.
    Condition(Condition),
    /// What an earlier session knew of losses; before any wallet.
    Memory(RiskMemory),
}

codes! {
    /// What an operator may ask.
    Operator {
        /// No new entries; positions are managed on.
        Pause = "pause",
        /// Entries again.
        Resume = "resume",
        /// Close every position at the market, cancel entries; entries stay paused.
        Flatten = "flatten",
        /// No new entries until a resume in a new session; entries in flight are cancelled.
        Halt = "halt",
    }
}
