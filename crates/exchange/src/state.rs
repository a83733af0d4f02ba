//! An exchange that is written down: what events have made of it, without its configuration and
//! instruments, which its session has.

use crate::account::Account;
use crate::exchange::Exchange;
use crate::matching::{Desk, Market};
use crate::orders::RestingOrder;
use crate::position::VenuePosition;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What events have made of an [`Exchange`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExchangeState {
    account: Account,
    desks: Vec<DeskState>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct DeskState {
    market: Market,
    leverage: u16,
    position: Option<VenuePosition>,
    orders: Vec<RestingOrder>,
    orders_most: usize,
    trades: u64,
}

/// The state is that of an exchange of another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSession(&'static str);

impl fmt::Display for OtherSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state is not of this session's exchange: {} differ", self.0)
    }
}

impl core::error::Error for OtherSession {}

impl Exchange {
    /// What events have made of it.
    pub fn state(&self) -> ExchangeState {
        let desk = |desk: &Desk| DeskState {
            market: desk.market,
            leverage: desk.leverage,
            position: desk.position,
            orders: desk.orders.clone(),
            orders_most: desk.orders_most,
            trades: desk.trades,
        };
        ExchangeState { account: self.account, desks: self.desks.iter().map(desk).collect() }
    }

    /// Becomes what `state` says, with the configuration and instruments of this exchange.
    ///
    /// # Errors
    /// [`OtherSession`] when it was opened with others, as far as that shows; nothing has changed.
    pub fn restore(&mut self, state: &ExchangeState) -> Result<(), OtherSession> {
        if self.desks.len() != state.desks.len() {
            return Err(OtherSession("symbols"));
        }
        let room = usize::from(self.config().orders_per_symbol);
        if state.desks.iter().any(|desk| desk.orders.len() > room) {
            return Err(OtherSession("tables of open orders"));
        }
        self.account = state.account;
        for (desk, state) in self.desks.iter_mut().zip(&state.desks) {
            desk.market = state.market;
            desk.leverage = state.leverage;
            desk.position = state.position;
            // In the place that was reserved: nothing is allocated later.
            desk.orders.clear();
            desk.orders.extend_from_slice(&state.orders);
            desk.orders_most = state.orders_most;
            desk.trades = state.trades;
        }
        Ok(())
    }
}
