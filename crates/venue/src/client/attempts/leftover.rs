//! Step machine: orders that an earlier session of this program has left at the exchange.
//!
//! They carry our name and another session's number. Whoever crashed leaves its stops behind, and
//! the next session on the account must not take them for a stranger's: while they protect
//! something they stay, and when they protect nothing they are taken back. Only what stands there
//! when this process first reads the account is of an earlier session; what comes later is of
//! somebody who trades beside us, and counts as foreign.

use super::{Ask, Attempts, Out};
use crate::client::account::Account;
use crate::client::facts::{Maker, OrderFact};
use crate::client::notes::Note;
use aegis_types::{ClientOrderId, Qty, Side, SymbolId};

/// Those that are followed; more are foreign.
const LEFTOVERS_MAX: usize = 256;
/// Readings in a row in which one protects nothing, before it is taken back: positions and orders
/// are not read in one instant.
const READINGS: u8 = 2;
/// Cancels after which one that still stands counts as foreign.
const CANCELS_MAX: u8 = 5;

/// One such order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leftover {
    id: ClientOrderId,
    symbol: SymbolId,
    side: Side,
    algo: bool,
    reduces: bool,
    /// The newest lists name it.
    listed: bool,
    useless: u8,
    cancels: u8,
}

impl Leftover {
    /// The lists are being asked for.
    pub const fn ask(&mut self) {
        self.listed = false;
    }

    /// Does it protect what the exchange holds, and nothing of ours does so in its stead?
    fn needed(&self, account: &Account, attempts: &Attempts) -> bool {
        let standing = account.standing(self.symbol);
        let long = standing > Qty::ZERO;
        let closes = !standing.is_zero() && self.side == if long { Side::Sell } else { Side::Buy };
        if !self.reduces || !closes {
            return false;
        }
        let Some(held) = account.held(self.symbol) else { return true };
        !attempts.table.iter().any(|a| a.is_stop_of(self.symbol, held.side, held.qty))
    }
}

impl Attempts {
    /// A listed order: is it one that an earlier session has left?
    pub(super) fn left_behind(&mut self, fact: &OrderFact) -> bool {
        let (Maker::Ours(id), Some(symbol)) = (fact.maker, fact.symbol) else { return false };
        if id.session == self.session {
            return false;
        }
        if let Some(known) = self.leftovers.iter_mut().find(|known| known.id == id) {
            known.listed = true;
            return known.cancels <= CANCELS_MAX;
        }
        if self.lists > 0 || self.leftovers.len() >= LEFTOVERS_MAX {
            return false;
        }
        let OrderFact { side, algo, reduces, .. } = *fact;
        let (listed, useless, cancels) = (true, 0, 0);
        self.leftovers.push(Leftover { id, symbol, side, algo, reduces, listed, useless, cancels });
        true
    }

    /// The account was read: takes back what an earlier session left and nothing needs. True when
    /// the account is to be read again soon for it.
    pub fn clear_leftovers(&mut self, account: &Account, out: &mut Out) -> bool {
        self.lists = self.lists.saturating_add(1);
        let mut leftovers = core::mem::take(&mut self.leftovers);
        leftovers.retain(|leftover| leftover.listed);
        let mut soon = false;
        for leftover in &mut leftovers {
            if leftover.needed(account, self) {
                leftover.useless = 0;
                continue;
            }
            leftover.useless = leftover.useless.saturating_add(1);
            if leftover.useless >= READINGS && leftover.cancels <= CANCELS_MAX {
                if leftover.cancels == 0 {
                    out.notes.push(Note::Leftover { id: leftover.id, symbol: leftover.symbol });
                }
                leftover.cancels += 1;
                out.asks.push(Ask::Cancel(leftover.id));
            }
            soon |= leftover.cancels <= CANCELS_MAX;
        }
        self.leftovers = leftovers;
        soon
    }

    /// Symbol of such an order, and whether it is one of the algo service.
    pub fn leftover(&self, id: ClientOrderId) -> Option<(SymbolId, bool)> {
        let found = self.leftovers.iter().find(|leftover| leftover.id == id)?;
        Some((found.symbol, found.algo))
    }

    /// The session whose order would close a position of that side, if an earlier one has left one.
    pub fn earlier_session(&self, symbol: SymbolId, side: Side) -> Option<u64> {
        let closes = |l: &&Leftover| l.symbol == symbol && l.side == side.opposite() && l.reduces;
        self.leftovers.iter().find(closes).map(|leftover| leftover.id.session)
    }
}
