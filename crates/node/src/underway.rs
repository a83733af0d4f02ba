//! What of a session is under way at an exchange: orders sent and not seen the end of, fills
//! booked, and the wallet that they left. It follows from the journal, is kept up while the client
//! is connected, and is what the next process's client begins with.

use aegis_types::{AccountUpdate, Command, EventBody, Money, Order, OrderUpdate, SymbolId};
use aegis_venue::client::attempts::Before;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Fills that are remembered: far more than an exchange tells again after a start.
const BOOKED_MAX: usize = 1 << 16;

/// An order that was sent and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// As it was sent.
    pub order: Order,
    /// What is known of it.
    pub before: Before,
}

/// Orders without an end, fills, and the wallet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Underway {
    open: Vec<Open>,
    booked: VecDeque<(SymbolId, u64)>,
    wallet: Option<Money>,
}

impl Underway {
    /// The engine commanded this.
    pub fn commanded(&mut self, command: &Command) {
        match *command {
            Command::Submit { order } => {
                self.open.push(Open { order, before: Before::default() });
            }
            Command::Cancel { id, .. } => {
                let canceled = self.open.iter_mut().filter(|open| open.order.id == id);
                canceled.for_each(|open| open.before.canceling = true);
            }
            Command::SetLeverage { .. } | Command::WakeAt { .. } => {}
        }
    }

    /// The exchange told this.
    pub fn told(&mut self, body: &EventBody) {
        if let EventBody::Account(AccountUpdate::Wallet { balance }) = body {
            self.wallet = Some(*balance);
        }
        let EventBody::Order { id, update, .. } = body else { return };
        if let OrderUpdate::Filled { fill } = update {
            if self.booked.len() >= BOOKED_MAX {
                self.booked.pop_front();
            }
            self.booked.push_back((fill.symbol, fill.trade_id));
        }
        let Some(index) = self.open.iter().position(|open| open.order.id == *id) else { return };
        match update {
            OrderUpdate::Accepted => self.open[index].before.accepted = true,
            OrderUpdate::Filled { fill } if !fill.leaves.is_zero() => {
                let booked = &mut self.open[index].before.booked;
                *booked = booked.saturating_plus(fill.qty);
            }
            OrderUpdate::Unknown => {}
            OrderUpdate::Filled { .. }
            | OrderUpdate::Rejected { .. }
            | OrderUpdate::Canceled
            | OrderUpdate::Expired => {
                self.open.remove(index);
            }
        }
    }

    /// Orders without an end, the oldest first.
    pub fn open(&self) -> &[Open] {
        &self.open
    }

    /// Fills, the oldest first.
    pub fn booked(&self) -> impl Iterator<Item = (SymbolId, u64)> + '_ {
        self.booked.iter().copied()
    }
    /// The wallet, once told.
    pub const fn wallet(&self) -> Option<Money> {
        self.wallet
    }
}
