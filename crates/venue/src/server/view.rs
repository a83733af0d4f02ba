//! Step machine: the exchange as it truly is, for whoever runs it in its own process: without JSON,
//! and cheap enough to be looked at after every step.

use crate::server::sim::Sim;
use crate::server::truth::Arrival;
use aegis_exchange::futures::{AccountId, Futures};

impl Sim {
    /// Accounts, orders and positions.
    pub const fn venue(&self) -> &Futures {
        &self.core
    }

    /// The account of a key.
    pub fn account_of(&self, key: &str) -> Option<AccountId> {
        let index = self.gate.account_of(key)?;
        self.gate.accounts.get(index).map(|account| account.id)
    }

    /// The requests that were dealt with since the last call, oldest first; they are forgotten.
    pub fn drain_arrivals(&mut self) -> impl Iterator<Item = Arrival> + '_ {
        self.gate.truth.drain()
    }

    /// Names of the faults that acted since the last call, in order, and whether one that was an
    /// event could not happen; they are forgotten.
    pub fn drain_fired(&mut self) -> impl Iterator<Item = (&'static str, bool)> + '_ {
        self.faults.drain_fired()
    }
}
