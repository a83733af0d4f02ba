//! One instant at work on the venue: the state, the time, and where reports go.

use super::Futures;
use super::names::{
    AccountReason, AlgoStatus, ExecutionKind, IncomeKind, OrderStatus, PositionSide,
};
use super::record::{AccountId, AlgoRecord, ClientId, IncomeRecord, OrderRecord};
use super::report::{AccountReport, OrderReport, PositionReport, Report};
use super::state::{Account, Desk, OpenOrder, Seat, remember};
use crate::random::mix;
use aegis_types::{ClientOrderId, Instrument, Money, Nanos, Px, Qty, SymbolId};
use alloc::vec::Vec;
use core::fmt::Write;

/// Why an order expired, as the exchange numbers it.
pub(super) mod expiry {
    pub const SELF_TRADE: u8 = 1;
    pub const IOC: u8 = 2;
    pub const REDUCE_ONLY: u8 = 4;
    pub const LIQUIDATED: u8 = 5;
    pub const DELISTED: u8 = 7;
    pub const MARKET: u8 = 9;
}

/// The venue at one instant.
pub(super) struct Act<'a> {
    pub venue: &'a mut Futures,
    pub at: Nanos,
    pub reports: &'a mut Vec<Report>,
}

impl Act<'_> {
    pub fn desk(&self, s: usize) -> &Desk {
        &self.venue.desks[s]
    }

    pub fn desk_mut(&mut self, s: usize) -> &mut Desk {
        &mut self.venue.desks[s]
    }

    pub fn instrument(&self, s: usize) -> &Instrument {
        &self.venue.rules[s].instrument
    }

    pub fn account(&self, a: usize) -> &Account {
        &self.venue.accounts[a]
    }

    pub fn account_mut(&mut self, a: usize) -> &mut Account {
        &mut self.venue.accounts[a]
    }

    pub fn seat(&self, a: usize, s: usize) -> &Seat {
        &self.venue.accounts[a].seats[s]
    }

    pub fn seat_mut(&mut self, a: usize, s: usize) -> &mut Seat {
        &mut self.venue.accounts[a].seats[s]
    }

    /// Tells of an order that is open or has just ended.
    pub fn tell(&mut self, execution: ExecutionKind, order: OrderRecord, expiry: u8) {
        let (a, s) = (order.account.index(), order.symbol.index());
        let (bid_notional, ask_notional) = self.seat(a, s).open_notionals();
        self.reports.push(Report::Order(OrderReport {
            at: order.updated,
            execution,
            order,
            last_qty: Qty::ZERO,
            last_px: Px::ZERO,
            fee: Money::ZERO,
            realized: Money::ZERO,
            trade_id: 0,
            maker: false,
            expiry,
            bid_notional,
            ask_notional,
        }));
    }

    /// Takes an order out of its seat and the book and gives back what it bound.
    pub fn remove(&mut self, a: usize, s: usize, index: usize) -> OpenOrder {
        let open = self.seat_mut(a, s).orders.remove(index);
        if let Some(handle) = open.handle {
            self.desk_mut(s).book.cancel(handle);
        }
        let account = self.account_mut(a);
        account.reserved = account.reserved.minus(open.reserved).unwrap_or(Money::ZERO);
        open
    }

    /// Ends an open order without (more) fills.
    pub fn end(&mut self, a: usize, s: usize, index: usize, status: OrderStatus, expiry: u8) {
        let mut record = self.remove(a, s, index).record;
        record.status = status;
        record.updated = self.at;
        let execution = match status {
            OrderStatus::Canceled => ExecutionKind::Canceled,
            _ => ExecutionKind::Expired,
        };
        self.archive(record);
        self.tell(execution, record, expiry);
        self.algo_follows(&record);
    }

    /// Ends an order that is meant by its id.
    pub fn end_id(&mut self, a: usize, s: usize, id: u64, status: OrderStatus, expiry: u8) {
        if let Some(index) = self.seat(a, s).order(id) {
            self.end(a, s, index, status, expiry);
        }
    }

    pub fn archive(&mut self, record: OrderRecord) {
        let most = self.venue.config.history_max;
        remember(&mut self.account_mut(record.account.index()).orders, record, most);
    }

    /// The conditional order behind an order that has ended is finished.
    pub fn algo_follows(&mut self, order: &OrderRecord) {
        if order.algo_id == 0 {
            return;
        }
        let at = self.at;
        let algos = &mut self.account_mut(order.account.index()).algos;
        let found = algos.iter_mut().rev().find(|algo| algo.id == order.algo_id);
        let Some(algo) = found else { return };
        algo.status = AlgoStatus::Finished;
        algo.updated = at;
        algo.filled = order.filled;
        algo.average_px = order.average_px();
        let record = *algo;
        self.reports.push(Report::Algo(record));
    }

    /// Ends a waiting conditional order.
    pub fn end_algo(
        &mut self,
        a: usize,
        s: usize,
        index: usize,
        status: AlgoStatus,
        reason: &'static str,
    ) -> AlgoRecord {
        let mut record = self.seat_mut(a, s).algos.remove(index).record;
        record.status = status;
        record.updated = self.at;
        record.reason = reason;
        let most = self.venue.config.history_max;
        let account = self.account_mut(a);
        account.algos_open = account.algos_open.saturating_sub(1);
        remember(&mut account.algos, record, most);
        self.reports.push(Report::Algo(record));
        record
    }

    pub fn earn(
        &mut self,
        a: usize,
        kind: IncomeKind,
        amount: Money,
        symbol: Option<SymbolId>,
        trade_id: u64,
        at: Nanos,
    ) {
        if amount.is_zero() {
            return;
        }
        let id = self.venue.next_income();
        let most = self.venue.config.history_max;
        let record =
            IncomeRecord { account: AccountId(a as u16), id, kind, amount, symbol, trade_id, at };
        let account = self.account_mut(a);
        account.updated = at;
        remember(&mut account.income, record, most);
    }

    /// Tells of a wallet and of positions that changed.
    pub fn tell_account(
        &mut self,
        a: usize,
        reason: AccountReason,
        symbol: Option<SymbolId>,
        change: Money,
        positions: Vec<PositionReport>,
        at: Nanos,
    ) {
        let account = self.account(a);
        let report = AccountReport {
            account: AccountId(a as u16),
            at,
            reason,
            symbol,
            wallet: account.wallet,
            cross_wallet: account.cross_wallet(),
            change,
            positions,
        };
        self.reports.push(Report::Account(report));
    }

    /// A position as reports show it, also one that is gone.
    pub fn position_report(&self, a: usize, s: usize, side: PositionSide) -> PositionReport {
        let seat = self.seat(a, s);
        let held = seat.held[super::state::slot(side)];
        let mark = self.desk(s).mark();
        let cross = seat.is_cross();
        PositionReport {
            symbol: SymbolId(s as u16),
            position_side: side,
            qty: held.map_or(Qty::ZERO, |h| h.signed()),
            entry_px: held.map_or(Px::ZERO, |h| h.position.entry_px()),
            break_even_px: held.map_or(Px::ZERO, |h| h.break_even_px()),
            realized: held.map_or(Money::ZERO, |h| h.realized),
            unrealized: held
                .zip(mark)
                .and_then(|(h, mark)| h.position.unrealized(mark).ok())
                .unwrap_or(Money::ZERO),
            margin_type: seat.margin_type,
            isolated_wallet: if cross {
                Money::ZERO
            } else {
                held.map_or(Money::ZERO, |h| h.position.margin)
            },
        }
    }
}

/// The number that keys an order's draws: our own counter where the id is one of ours.
pub(super) fn number_of(client_id: &ClientId) -> u32 {
    let text = client_id.as_str();
    ClientOrderId::parse(text).map_or_else(
        || text.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))) as u32,
        |id| id.number,
    )
}

/// An id for an order whose client gave none: 22 letters and digits.
pub(super) fn made_id(seed: u64, number: u64) -> ClientId {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = ClientId::new();
    let mut bits = mix(seed ^ mix(number));
    for _ in 0..2 {
        let mut rest = bits;
        for _ in 0..11 {
            text.push(char::from(DIGITS[(rest % 62) as usize]));
            rest /= 62;
        }
        bits = mix(bits);
    }
    text
}

/// The id of an order that the venue itself makes.
pub(super) fn forced_id(prefix: &str, at: Nanos, number: u64) -> ClientId {
    let mut text = ClientId::new();
    // Prefix, 13 digits of milliseconds, a number: at most 36 characters in practice.
    let _ = write!(text, "{prefix}{}", at.as_millis());
    let _ = write!(text, "-{number}");
    text
}
