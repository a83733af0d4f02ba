//! Step machine: what the user stream and lists of open orders say, and whose it is.

use super::{
    Ask, Attempt, Attempts, Deferred, ORPHAN_PATIENCE, ORPHANS_MAX, Out, Outside, Phase, Stranger,
    leftover,
};
use crate::client::account::Account;
use crate::client::facts::{Execution, Maker, OrderFact, Status};
use crate::client::notes::Note;
use aegis_types::{ClientOrderId, FillReason, Nanos, SymbolId};

/// Trades, and orders, that are remembered as somebody else's.
const OUTSIDE_MAX: usize = 256;
/// When conditions are asked for that may have made an unknown order.
const ORPHAN_PATIENCE_HALF: Nanos = Nanos(ORPHAN_PATIENCE.0 / 2);
/// How long an event waits while conditions are being asked for.
const ORPHAN_PATIENCE_MAX: Nanos = Nanos::SECOND.times(30);

impl Attempts {
    /// An event of an order, plain or conditional.
    pub fn event(&mut self, now: Nanos, fact: &OrderFact, account: &mut Account, out: &mut Out) {
        match self.owner(fact).or_else(|| self.own_stray(now, fact, out)) {
            Some(index) => {
                let before = self.table[index].actual_id;
                self.apply(now, index, fact, account, out);
                let after = self.table[index].actual_id;
                if after != before {
                    self.claim(now, index, after, account, out);
                }
            }
            None => self.stranger(now, fact, account, out),
        }
    }

    /// The attempt that a fact is about: by our id, or as the order that a condition of ours made.
    fn owner(&self, fact: &OrderFact) -> Option<usize> {
        if let Maker::Ours(id) = fact.maker
            && let Some(index) = self.index(id)
        {
            return Some(index);
        }
        let made = |a: &Attempt| {
            a.is_algo() && a.actual_id == fact.id && Some(a.order.symbol) == fact.symbol
        };
        (!fact.algo && fact.id > 0).then(|| self.table.iter().rposition(made))?
    }

    /// An event whose order is nobody's, as far as is known now.
    fn stranger(&mut self, now: Nanos, fact: &OrderFact, account: &mut Account, out: &mut Out) {
        match fact.maker {
            Maker::Liquidation | Maker::Deleveraging | Maker::Settlement => {
                if let Some(execution) = &fact.execution {
                    self.outside(now, execution, fact.maker.reason(), account, out);
                }
            }
            // It may be the order that a condition of ours has made, told before the condition.
            Maker::Foreign | Maker::Ours(_) if self.conditions_wait(fact) => {
                if self.orphans.len() >= ORPHANS_MAX {
                    let (_, oldest) = self.orphans.remove(0);
                    self.foreign(now, &oldest, account, out);
                }
                self.orphans.push((now, *fact));
                self.ask_conditions(now.after(ORPHAN_PATIENCE_HALF), fact.symbol);
            }
            Maker::Foreign | Maker::Ours(_) => self.foreign(now, fact, account, out),
        }
    }

    fn conditions_wait(&self, fact: &OrderFact) -> bool {
        let waits = |a: &Attempt| {
            let open = a.phase != Phase::Over;
            open && a.is_algo() && a.actual_id == 0 && Some(a.order.symbol) == fact.symbol
        };
        !fact.algo && self.table.iter().any(waits)
    }

    fn foreign(&mut self, now: Nanos, fact: &OrderFact, account: &mut Account, out: &mut Out) {
        if let Some(execution) = &fact.execution {
            self.outside(now, execution, fact.maker.reason(), account, out);
        } else if fact.status == Status::New {
            self.speak_of(fact, out);
        }
    }

    /// Says that an order is not ours: once, not at every reading.
    fn speak_of(&mut self, fact: &OrderFact, out: &mut Out) {
        if !self.strangers.contains(&fact.client) {
            if self.strangers.len() >= OUTSIDE_MAX {
                self.strangers.remove(0);
            }
            self.strangers.push(fact.client);
            out.notes.push(Note::ForeignOrder { client: fact.client, symbol: fact.symbol });
        }
    }

    fn outside(
        &mut self,
        now: Nanos,
        execution: &Execution,
        reason: FillReason,
        account: &mut Account,
        out: &mut Out,
    ) {
        let first = !account.knows(execution.symbol, execution.id);
        let told = account.outside(now, execution, reason, &mut out.answers, &mut out.notes);
        if first {
            if self.outside.len() >= OUTSIDE_MAX {
                self.outside.remove(0);
            }
            self.outside.push(Outside { execution: *execution, reason, told });
            self.tell_outside(now, execution, account, out);
        }
    }

    /// Asks for the conditions of a symbol that may have made an order which nobody knows.
    fn ask_conditions(&mut self, at: Nanos, symbol: Option<SymbolId>) {
        for attempt in &mut self.table {
            let open = attempt.phase != Phase::Over && attempt.actual_id == 0;
            if open && attempt.is_algo() && Some(attempt.order.symbol) == symbol {
                let query = &mut attempt.query;
                query.at = if query.asked { query.at } else { query.at.min(at) };
            }
        }
    }

    /// Is there an order of this symbol whose number at the exchange is not known yet?
    fn numbers_wait(&self, symbol: SymbolId) -> bool {
        self.table
            .iter()
            .any(|a| a.order.symbol == symbol && matches!(a.phase, Phase::Sent | Phase::Unknown))
    }

    /// Events that waited for the condition which made their order.
    fn claim(
        &mut self,
        now: Nanos,
        index: usize,
        actual: u64,
        account: &mut Account,
        out: &mut Out,
    ) {
        let symbol = Some(self.table[index].order.symbol);
        let mut at = 0;
        while at < self.orphans.len() {
            let (_, fact) = self.orphans[at];
            if fact.id == actual && fact.symbol == symbol {
                self.orphans.remove(at);
                self.apply(now, index, &fact, account, out);
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn sweep_orphans(&mut self, now: Nanos, account: &mut Account, out: &mut Out) {
        let mut index = 0;
        while let Some((at, fact)) = self.orphans.get(index).copied()
            && now.since(at) >= ORPHAN_PATIENCE
        {
            // While its condition is being asked for, it may still turn out to be ours.
            if self.conditions_asked(&fact) && now.since(at) < ORPHAN_PATIENCE_MAX {
                index += 1;
                continue;
            }
            self.orphans.remove(index);
            self.foreign(now, &fact, account, out);
        }
    }

    fn conditions_asked(&self, fact: &OrderFact) -> bool {
        self.table.iter().any(|a| {
            let asked = a.query.asked || a.query.at < Nanos::MAX;
            asked && a.is_algo() && a.actual_id == 0 && Some(a.order.symbol) == fact.symbol
        })
    }

    /// Fills of a symbol, asked for because its position is not what we booked. Those of our own
    /// orders are booked on them, those of others as what they are.
    pub fn symbol_trades(
        &mut self,
        now: Nanos,
        symbol: SymbolId,
        trades: &[Execution],
        account: &mut Account,
        out: &mut Out,
    ) {
        for trade in trades.iter().filter(|trade| trade.symbol == symbol) {
            if account.knows(trade.symbol, trade.id) {
                continue;
            }
            let made = |a: &Attempt| {
                let order = if a.is_algo() { a.actual_id } else { a.exchange_id };
                a.order.symbol == symbol && order == trade.order && order > 0
            };
            match self.table.iter().rposition(made) {
                Some(index) => {
                    self.book(now, index, trade, account, out);
                    self.settle(now, index, out);
                }
                None => self.defer(now, trade, out),
            }
        }
        let deferred = |deferred: &Deferred| deferred.execution.symbol == symbol;
        if !self.numbers_wait(symbol) && !self.deferred.iter().any(deferred) {
            account.fills_read(symbol);
        }
    }

    /// A trade of an order that nobody knows. It may be of one of ours whose number we have not
    /// heard; when it is still nobody's at the next look, the exchange is asked whose it is.
    fn defer(&mut self, now: Nanos, trade: &Execution, out: &mut Out) {
        let waits = self.numbers_wait(trade.symbol);
        let same = |d: &Deferred| (d.execution.symbol, d.execution.id) == (trade.symbol, trade.id);
        match self.deferred.iter().position(same) {
            Some(at) if !waits && !self.deferred[at].asked => {
                let whose = (trade.symbol, trade.order);
                let mut asked = false;
                for deferred in &mut self.deferred {
                    if (deferred.execution.symbol, deferred.execution.order) == whose {
                        asked |= core::mem::replace(&mut deferred.asked, true);
                    }
                }
                if !asked {
                    out.asks.push(Ask::Whose(trade.symbol, trade.order));
                }
                return;
            }
            Some(_) => {}
            None => {
                if self.deferred.len() >= OUTSIDE_MAX {
                    self.deferred.remove(0);
                }
                self.deferred.push(Deferred { execution: *trade, asked: false });
            }
        }
        self.ask_conditions(now, Some(trade.symbol));
    }

    /// Whose order a number is: as the exchange says, or nobody's that it would name.
    pub fn whose(
        &mut self,
        now: Nanos,
        (symbol, order): (SymbolId, u64),
        fact: Option<&OrderFact>,
        account: &mut Account,
        out: &mut Out,
    ) {
        if let Some(fact) = fact
            && let Some(index) = self.owner(fact).or_else(|| self.own_stray(now, fact, out))
        {
            // Ours after all: its number is known from here on.
            self.apply(now, index, fact, account, out);
        }
        let mut at = 0;
        while let Some(Deferred { execution, .. }) = self.deferred.get(at).copied() {
            if (execution.symbol, execution.order) != (symbol, order) {
                at += 1;
                continue;
            }
            self.deferred.remove(at);
            match fact.and_then(|fact| self.owner(fact)) {
                Some(index) => {
                    self.book(now, index, &execution, account, out);
                    self.settle(now, index, out);
                }
                None if account.outside_before(now, &execution) => {}
                None => {
                    let maker = fact.map_or(Maker::Foreign, |fact| fact.maker);
                    self.outside(now, &execution, maker.reason(), account, out);
                }
            }
        }
    }

    /// Nobody answered whose order that is: it is asked again at the next look.
    pub fn whose_failed(&mut self, symbol: SymbolId, order: u64) {
        for deferred in &mut self.deferred {
            if (deferred.execution.symbol, deferred.execution.order) == (symbol, order) {
                deferred.asked = false;
            }
        }
    }

    /// One row of the lists of open orders; whose it is, if ours.
    pub fn listed(
        &mut self,
        now: Nanos,
        fact: &OrderFact,
        account: &mut Account,
        out: &mut Out,
    ) -> Option<ClientOrderId> {
        let index = self.owner(fact).or_else(|| self.own_stray(now, fact, out));
        let Some(index) = index else {
            if !self.left_behind(fact) {
                let OrderFact { symbol, side, reduces, .. } = *fact;
                self.foreign_listing.push(Stranger { symbol, side, reduces });
                self.speak_of(fact, out);
            }
            return None;
        };
        if self.table[index].phase == Phase::Over {
            self.take_back_again(now, index, fact, account, out);
            return None;
        }
        self.apply(now, index, fact, account, out);
        Some(self.table[index].order.id)
    }

    /// The lists of open orders were read.
    pub fn lists_read(&mut self) {
        core::mem::swap(&mut self.foreign_listed, &mut self.foreign_listing);
    }

    /// The lists of open orders are being asked for.
    pub fn lists_asked(&mut self) {
        self.foreign_listing.clear();
        self.leftovers.iter_mut().for_each(leftover::Leftover::ask);
        for attempt in &mut self.table {
            attempt.over_before = attempt.phase == Phase::Over;
        }
    }
}
