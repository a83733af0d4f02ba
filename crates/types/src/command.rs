//! What the engine asks of the world, and the place where it asks.

use crate::notice::Notice;
use crate::order::{ClientOrderId, Order};
use crate::symbol::SymbolId;
use crate::time::Nanos;
use alloc::vec::Vec;
use serde::Serialize;

/// A request to the venue, or for a timer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Place an order.
    Submit {
        /// The order.
        order: Order,
    },
    /// Take an order back.
    Cancel {
        /// Which order.
        id: ClientOrderId,
        /// Of which symbol.
        symbol: SymbolId,
    },
    /// Set the leverage of a symbol before an entry (isolated margin).
    SetLeverage {
        /// Of which symbol.
        symbol: SymbolId,
        /// Whole leverage, at least 1.
        leverage: u16,
    },
    /// Ask for a `Timer` event; answered by the driver, not by the venue.
    WakeAt {
        /// When.
        at: Nanos,
        /// Comes back in the event.
        id: u64,
    },
}

/// Length of [`order_bytes`].
pub const ORDER_BYTES: usize = 40;

/// The canonical bytes of an order command, over which the digest of a run is taken: event time,
/// symbol, side, type, quantity, price, trigger, reduce-only, reason. No ids, no wall time.
pub fn order_bytes(at: Nanos, order: &Order) -> [u8; ORDER_BYTES] {
    let mut bytes = [0u8; ORDER_BYTES];
    bytes[0..8].copy_from_slice(&at.0.to_le_bytes());
    bytes[8..10].copy_from_slice(&order.symbol.0.to_le_bytes());
    bytes[10] = order.side as u8;
    bytes[11] = order.kind as u8;
    bytes[12] = u8::from(order.reduce_only);
    bytes[13] = order.reason as u8;
    bytes[16..24].copy_from_slice(&order.qty.raw().to_le_bytes());
    bytes[24..32].copy_from_slice(&order.price.raw().to_le_bytes());
    bytes[32..40].copy_from_slice(&order.trigger.raw().to_le_bytes());
    bytes
}

/// Where the engine puts what one event causes: commands for the venue, notices for everyone else.
///
/// Both lists are allocated once. Commands beyond the capacity are counted as refused, so that a
/// caller can stop; the engine's own tables keep it far below.
#[derive(Debug)]
pub struct Out {
    commands: Vec<Command>,
    notices: Vec<Notice>,
    refused: u64,
}

impl Out {
    /// Commands that one event may cause.
    pub const COMMANDS_MAX: usize = 256;
    /// Notices that one event may cause.
    pub const NOTICES_MAX: usize = 1_024;

    /// Empty, with all memory allocated.
    pub fn new() -> Self {
        Self {
            commands: Vec::with_capacity(Self::COMMANDS_MAX),
            notices: Vec::with_capacity(Self::NOTICES_MAX),
            refused: 0,
        }
    }

    /// Asks for something.
    #[inline]
    pub fn command(&mut self, command: Command) {
        if self.commands.len() < Self::COMMANDS_MAX {
            self.commands.push(command);
        } else {
            self.refused += 1;
        }
    }

    /// Says something.
    #[inline]
    pub fn notice(&mut self, notice: Notice) {
        if self.notices.len() < Self::NOTICES_MAX {
            self.notices.push(notice);
        } else {
            self.refused += 1;
        }
    }

    /// Commands in the order they were given.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Notices in the order they were given.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// How many entries did not fit since the start; anything but 0 is a defect to be seen.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Forgets commands and notices, keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.commands.clear();
        self.notices.clear();
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}
