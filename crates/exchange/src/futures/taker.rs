//! An order that takes: against recorded levels, resting orders of the venue's accounts, or, where
//! candles are all there is, the newest price with the slippage of [`crate::matching`].
//!
//! At one price recorded quantity and resting orders stand in one queue: what was recorded ahead of
//! a resting order is matched before it. What is taken from a recorded level is gone until the data
//! shows that level anew.

use super::Futures;
use super::act::{Act, expiry, number_of};
use super::fill::Deal;
use super::names::{OrderKind, OrderStatus, SelfTrade, TimeInForce};
use super::record::OrderRecord;
use super::report::{Print, Report};
use crate::book::{BookOrder, Handle};
use crate::matching::{Luck, Taker};
use aegis_types::{Money, Nanos, Px, Qty, Rate, Side, SymbolId};

/// Is `a` a better price for one who takes on `side` than `b`?
pub(super) fn better(side: Side, a: Px, b: Px) -> bool {
    match side {
        Side::Buy => a < b,
        Side::Sell => a > b,
    }
}

/// Where the next part of a taking order comes from.
enum Source {
    Level(Px, Qty),
    Resting(Handle, BookOrder),
    /// The newest price, as much as is asked for.
    Price(Px),
}

/// Prices at which a taking order is filled where the data has no levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted {
    pub base: Px,
    pub shown: Option<(Px, Px)>,
}

impl Futures {
    /// Would an order at this price trade at once?
    pub(super) fn crosses(&self, s: usize, side: Side, px: Px) -> bool {
        let desk = &self.desks[s];
        let within = |other: Px| !better(side, px, other);
        let front = desk.book.front(side.opposite()).is_some_and(|(_, o)| within(o.px));
        if desk.recorded() {
            return front || desk.levels(side.opposite()).first().is_some_and(|l| within(l.0));
        }
        front || desk.market.touch.is_some_and(|touch| within(touch.taker(side)))
    }

    /// Could all of it be filled at once within its price?
    pub(super) fn fills_whole(&self, s: usize, order: &OrderRecord) -> bool {
        let desk = &self.desks[s];
        let (side, other) = (order.side, order.side.opposite());
        let within = |px: Px| !better(side, order.price, px);
        if !desk.recorded() {
            return desk.market.touch.is_some_and(|touch| within(touch.taker(side)));
        }
        let recorded = desk.levels(other).iter().copied();
        let shown: i128 = recorded
            .chain(desk.book.levels(other))
            .filter(|level| within(level.0))
            .map(|level| i128::from(level.1.raw()))
            .sum();
        shown >= i128::from(order.qty.raw())
    }

    /// Notional of an order for the exchange's minimum: of a market order at the mark.
    pub(super) fn reckoned(&self, s: usize, order: &OrderRecord) -> Money {
        let px = match order.kind {
            OrderKind::Limit => order.price,
            OrderKind::Market => self.desks[s].mark().unwrap_or(Px::ZERO),
        };
        (px * order.qty).unwrap_or(Money::MAX)
    }
}

impl Act<'_> {
    pub fn luck(&self) -> Luck {
        let config = &self.venue.config;
        Luck { seed: config.seed, slippage_max: config.slippage_max() }
    }

    /// The newest price for a taker, with the range in which slippage may be.
    pub fn quoted(&self, s: usize, side: Side) -> Option<Quoted> {
        let market = &self.desk(s).market;
        let base = market.touch?.taker(side);
        let live = market.quoted > Nanos(i64::MIN);
        Some(Quoted { base, shown: market.range.filter(|_| !live) })
    }

    pub fn next_trade(&mut self, s: usize) -> u64 {
        let desk = self.desk_mut(s);
        desk.trades += 1;
        desk.trades
    }

    pub fn print(&mut self, s: usize, taker: Side, px: Px, qty: Qty, id: u64, at: Nanos) {
        let symbol = SymbolId(s as u16);
        let buyer_is_maker = taker == Side::Sell;
        self.reports.push(Report::Print(Print { symbol, at, px, qty, id, buyer_is_maker }));
    }

    /// The price of an order that takes at once where the data has no levels.
    pub fn slipped(&self, s: usize, order: &OrderRecord, quoted: Quoted) -> Px {
        let bound = (order.kind == OrderKind::Limit).then_some(order.price);
        Taker {
            side: order.side,
            number: number_of(&order.client_id),
            base: quoted.base,
            shown: quoted.shown,
            bound,
        }
        .px(self.luck(), self.instrument(s).tick)
    }

    /// Lets an order that has just arrived take what it can, but not more than `most`; then it
    /// rests, waits or ends. Ids are followed instead of places: fills may end orders.
    pub fn arrive(&mut self, a: usize, s: usize, id: u64, most: Qty) {
        if self.waits_for_open(a, s, id) {
            return self.settle_rest(a, s, id, true);
        }
        let mut room = most;
        while room.is_positive() {
            let Some(index) = self.seat(a, s).order(id) else { return };
            let order = self.seat(a, s).orders[index].record;
            let Some(source) = self.source(s, &order) else { break };
            let taken = match source {
                Source::Price(px) => self.take_at(a, s, &order, px, room, self.at),
                Source::Level(px, qty) => {
                    let part = self.take_at(a, s, &order, px, qty.min(room), self.at);
                    self.consume(s, order.side.opposite(), px, part);
                    part
                }
                Source::Resting(handle, resting) => {
                    match self.meet(a, s, &order, handle, &resting, room) {
                        Some(part) => part,
                        None => continue,
                    }
                }
            };
            if !taken.is_positive() {
                break;
            }
            room = Qty::from_raw(room.raw() - taken.raw());
        }
        self.settle_rest(a, s, id, !room.is_positive());
    }

    /// Between a close and the next open no price holds: a market order that comes in that instant
    /// is filled at the open, and can be taken back until then.
    fn waits_for_open(&self, a: usize, s: usize, id: u64) -> bool {
        let desk = self.desk(s);
        let market = &desk.market;
        let between = market.opened_px.is_none() && market.opened > Nanos(i64::MIN);
        let candles_only = !desk.recorded() && market.quoted <= Nanos(i64::MIN);
        let kind = self.seat(a, s).order(id).map(|index| self.seat(a, s).orders[index].record.kind);
        between && candles_only && kind == Some(OrderKind::Market)
    }

    /// What of a taking order stays open, and how.
    fn settle_rest(&mut self, a: usize, s: usize, id: u64, held_back: bool) {
        let Some(index) = self.seat(a, s).order(id) else { return };
        let order = self.seat(a, s).orders[index].record;
        if held_back {
            self.seat_mut(a, s).orders[index].pending = true;
            self.desk_mut(s).pending = true;
            return;
        }
        self.seat_mut(a, s).orders[index].pending = false;
        match (order.kind, order.time_in_force) {
            (OrderKind::Market, _) => {
                self.end(a, s, index, OrderStatus::Expired, expiry::MARKET);
            }
            (OrderKind::Limit, TimeInForce::Ioc | TimeInForce::Fok) => {
                self.end(a, s, index, OrderStatus::Expired, expiry::IOC);
            }
            (OrderKind::Limit, _) => self.rest(a, s, index),
        }
    }

    /// Puts an order into the book, behind what the data shows at its price.
    pub fn rest(&mut self, a: usize, s: usize, index: usize) {
        let order = self.seat(a, s).orders[index].record;
        let desk = self.desk(s);
        let ahead = match (desk.recorded(), desk.levels(order.side).first()) {
            (true, Some(best)) => {
                let shown = desk.shown_at(order.side, order.price);
                let behind = better(order.side.opposite(), best.0, order.price);
                // Behind the touch of a feed that shows nothing more: who knows how much.
                if behind && !desk.deep { Qty::MAX } else { shown }
            }
            _ => Qty::ZERO,
        };
        let resting = BookOrder {
            id: order.id,
            owner: a as u32,
            side: order.side,
            px: order.price,
            qty: order.leaves(),
        };
        match self.desk_mut(s).book.add(resting) {
            Ok(handle) => {
                let open = &mut self.seat_mut(a, s).orders[index];
                open.handle = Some(handle);
                open.ahead = ahead;
            }
            // The book was not full when the order was checked; only other orders of this very
            // instant can have filled it.
            Err(_) => self.end(a, s, index, OrderStatus::Expired, expiry::DELISTED),
        }
    }

    /// The best source within the order's price.
    fn source(&self, s: usize, order: &OrderRecord) -> Option<Source> {
        let (side, other) = (order.side, order.side.opposite());
        let desk = self.desk(s);
        let limit = (order.kind == OrderKind::Limit).then_some(order.price);
        let within = |px: Px| limit.is_none_or(|limit| !better(side, limit, px));
        let front = desk.book.front(other).filter(|(_, resting)| within(resting.px));
        let resting = front.map(|(handle, resting)| Source::Resting(handle, *resting));
        if !desk.recorded() {
            let quoted = self.quoted(s, side)?;
            if front.is_some_and(|(_, r)| better(side, r.px, quoted.base)) {
                return resting;
            }
            return within(quoted.base).then(|| Source::Price(self.slipped(s, order, quoted)));
        }
        let bound = self.market_bound(s, order);
        let level = desk
            .levels(other)
            .first()
            .copied()
            .filter(|level| within(level.0) && bound.is_none_or(|b| !better(side, b, level.0)));
        match (level, front) {
            (None, _) => resting,
            (Some((px, qty)), None) => Some(Source::Level(px, qty)),
            (Some((px, qty)), Some((_, front))) => {
                if better(side, px, front.px) {
                    return Some(Source::Level(px, qty));
                }
                let ahead = if px == front.px { self.ahead(s, front) } else { Qty::ZERO };
                if ahead.is_positive() {
                    return Some(Source::Level(px, qty.min(ahead)));
                }
                resting
            }
        }
    }

    /// The worst price to which a market order may walk.
    fn market_bound(&self, s: usize, order: &OrderRecord) -> Option<Px> {
        if order.kind == OrderKind::Limit {
            return None;
        }
        let most = self.venue.rules[s].market_take_bound;
        let mark = self.desk(s).mark()?;
        mark.shifted(Rate::from_raw(most.raw() * order.side.sign())).ok()
    }

    fn ahead(&self, s: usize, resting: &BookOrder) -> Qty {
        let seat = self.seat(resting.owner as usize, s);
        seat.order(resting.id).map_or(Qty::ZERO, |index| seat.orders[index].ahead)
    }

    /// A recorded level has given so much, also to those that stood in its queue ahead of others.
    fn consume(&mut self, s: usize, side: Side, px: Px, qty: Qty) {
        let levels = self.desk_mut(s).levels_mut(side);
        if let Some(level) = levels.first_mut().filter(|level| level.0 == px) {
            level.1 = Qty::from_raw(level.1.raw() - qty.raw());
            if !level.1.is_positive() {
                levels.remove(0);
            }
        }
        self.ahead_shrinks(s, side, px, qty);
    }

    /// Fills a taking order at a price of the data.
    pub fn take_at(
        &mut self,
        a: usize,
        s: usize,
        order: &OrderRecord,
        px: Px,
        most: Qty,
        at: Nanos,
    ) -> Qty {
        let qty = most.min(self.fillable(order));
        let trade_id = self.desk(s).trades + 1;
        let part = self.deal(a, s, order.id, Deal { px, qty, maker: false, trade_id, at });
        if part.is_positive() {
            self.next_trade(s);
            self.print(s, order.side, px, part, trade_id, at);
        }
        part
    }

    /// A taking order meets a resting one; none when only the resting one has changed.
    fn meet(
        &mut self,
        a: usize,
        s: usize,
        order: &OrderRecord,
        handle: Handle,
        resting: &BookOrder,
        room: Qty,
    ) -> Option<Qty> {
        let b = resting.owner as usize;
        let Some(index) = self.seat(b, s).order(resting.id) else {
            // An order of the book that no seat knows cannot be; it must not be matched for ever.
            self.desk_mut(s).book.cancel(handle);
            return None;
        };
        if a == b && order.self_trade != SelfTrade::None {
            let (maker, taker) = match order.self_trade {
                SelfTrade::ExpireMaker => (true, false),
                SelfTrade::ExpireTaker => (false, true),
                SelfTrade::ExpireBoth | SelfTrade::None => (true, true),
            };
            let (status, why) = (OrderStatus::ExpiredInMatch, expiry::SELF_TRADE);
            if maker {
                self.end_id(a, s, resting.id, status, why);
            }
            if taker {
                self.end_id(a, s, order.id, status, why);
                return Some(Qty::ZERO);
            }
            return None;
        }
        let maker = self.seat(b, s).orders[index].record;
        let able = self.fillable(&maker);
        if !able.is_positive() {
            self.end_id(b, s, maker.id, OrderStatus::Expired, expiry::REDUCE_ONLY);
            return None;
        }
        let at = self.at;
        let part = self.take_at(a, s, order, resting.px, able.min(room), at);
        if part.is_positive() {
            let trade_id = self.desk(s).trades;
            let deal = Deal { px: resting.px, qty: part, maker: true, trade_id, at };
            self.deal(b, s, maker.id, deal);
            self.desk_mut(s).last = Some(resting.px);
        }
        Some(part)
    }

    /// Orders that were held back are filled on.
    pub fn fill_pending(&mut self, s: usize) {
        if !core::mem::take(&mut self.desk_mut(s).pending) {
            return;
        }
        for a in 0..self.venue.accounts.len() {
            let ids: alloc::vec::Vec<u64> = self
                .seat(a, s)
                .orders
                .iter()
                .filter(|open| open.pending)
                .map(|open| open.record.id)
                .collect();
            for id in ids {
                self.arrive(a, s, id, Qty::MAX);
            }
        }
    }
}
