//! Resting orders against recorded trades and levels.
//!
//! A resting order stands in the queue of its price behind what the data showed there when it came.
//! Trades at its price and a level that shrinks bring it forward; a trade or a touch beyond its
//! price means that everything there was filled, it included. It is always filled at its own price.

use super::act::Act;
use super::fill::Deal;
use super::taker::better;
use aegis_types::{Px, Qty, Side};
use alloc::vec::Vec;

impl Act<'_> {
    /// A recorded trade: `side` is the side of the resting orders that it met.
    pub fn traded(&mut self, s: usize, side: Side, px: Px, qty: Qty) {
        if self.desk(s).book.is_empty() {
            return;
        }
        self.swept(s, side, px);
        let waiting: Vec<(u64, usize)> = self
            .desk(s)
            .book
            .queue(side, px)
            .map(|(_, order)| (order.id, order.owner as usize))
            .collect();
        let mut left = qty;
        let mut recorded = Qty::ZERO;
        for (id, a) in waiting {
            let Some(index) = self.seat(a, s).order(id) else { continue };
            let open = &self.seat(a, s).orders[index];
            let before = Qty::from_raw((open.ahead.raw() - recorded.raw()).max(0)).min(left);
            recorded = Qty::from_raw(recorded.raw() + before.raw());
            left = Qty::from_raw(left.raw() - before.raw());
            if !left.is_positive() {
                break;
            }
            let part = self.make(a, s, id, px, left);
            left = Qty::from_raw(left.raw() - part.raw());
        }
        self.ahead_shrinks(s, side, px, recorded);
    }

    /// Everything of a side that is better than a price at which the market traded is filled.
    pub fn swept(&mut self, s: usize, side: Side, px: Px) {
        loop {
            let front = self.desk(s).book.front(side).map(|(_, order)| *order);
            let Some(order) = front.filter(|o| better(side.opposite(), o.px, px)) else { break };
            let a = order.owner as usize;
            if self.make(a, s, order.id, order.px, order.qty).is_zero()
                && self.desk(s).book.front(side).is_some_and(|(_, o)| o.id == order.id)
            {
                break;
            }
        }
    }

    /// Fills a resting order against the market, at its own price.
    fn make(&mut self, a: usize, s: usize, id: u64, px: Px, most: Qty) -> Qty {
        let Some(index) = self.seat(a, s).order(id) else { return Qty::ZERO };
        let order = self.seat(a, s).orders[index].record;
        let trade_id = self.desk(s).trades + 1;
        let qty = most.min(order.leaves());
        let part = self.deal(a, s, id, Deal { px, qty, maker: true, trade_id, at: self.at });
        if part.is_positive() {
            self.next_trade(s);
            self.print(s, order.side.opposite(), px, part, trade_id, self.at);
        }
        part
    }

    /// Recorded quantity at a price has gone from the head of the queue.
    pub fn ahead_shrinks(&mut self, s: usize, side: Side, px: Px, by: Qty) {
        if by.is_positive() {
            self.each_ahead(s, side, px, |ahead| Qty::from_raw((ahead.raw() - by.raw()).max(0)));
        }
    }

    /// The data shows so much at a price: no more can be ahead.
    fn ahead_at_most(&mut self, s: usize, side: Side, px: Px, shown: Qty) {
        self.each_ahead(s, side, px, |ahead| ahead.min(shown));
    }

    fn each_ahead(&mut self, s: usize, side: Side, px: Px, change: impl Fn(Qty) -> Qty) {
        let queue: Vec<(u64, usize)> = self
            .desk(s)
            .book
            .queue(side, px)
            .map(|(_, order)| (order.id, order.owner as usize))
            .collect();
        for (id, a) in queue {
            let seat = self.seat_mut(a, s);
            if let Some(index) = seat.order(id) {
                let open = &mut seat.orders[index];
                open.ahead = change(open.ahead);
            }
        }
    }

    /// The recorded levels have changed: queues get shorter, and what the other side's touch has
    /// come to or past is filled.
    pub fn levels_moved(&mut self, s: usize) {
        if self.desk(s).book.is_empty() {
            return;
        }
        for side in [Side::Buy, Side::Sell] {
            if let Some(&(touch, _)) = self.desk(s).levels(side.opposite()).first() {
                self.reached(s, side, touch);
            }
            let prices: Vec<Px> = self.desk(s).book.levels(side).map(|level| level.0).collect();
            for px in prices {
                let desk = self.desk(s);
                let Some(&(best, _)) = desk.levels(side).first() else { continue };
                let inside = better(side.opposite(), px, best);
                let known = desk.deep || px == best || inside;
                if known {
                    let shown = desk.shown_at(side, px);
                    self.ahead_at_most(s, side, px, shown);
                }
            }
        }
    }

    /// The other side's touch stands at `px`: resting orders there or better have been filled.
    fn reached(&mut self, s: usize, side: Side, px: Px) {
        let one_worse = self.instrument(s).tick.raw() * side.sign();
        self.swept(s, side, Px::from_raw(px.raw() - one_worse));
    }

    /// Applies absolute quantities to the recorded levels of a side.
    pub fn apply_levels(&mut self, s: usize, side: Side, changes: &[(Px, Qty)]) {
        let most = self.venue.config.depth_max;
        let levels = self.desk_mut(s).levels_mut(side);
        for &(px, qty) in changes {
            let at = levels.binary_search_by(|level| match side {
                Side::Buy => px.cmp(&level.0),
                Side::Sell => level.0.cmp(&px),
            });
            match (at, qty.is_positive()) {
                (Ok(at), true) => levels[at].1 = qty,
                (Ok(at), false) => {
                    levels.remove(at);
                }
                (Err(at), true) => {
                    levels.insert(at, (px, qty));
                    levels.truncate(most);
                }
                (Err(_), false) => {}
            }
        }
    }

    /// A recorded touch: better levels than it are gone, and its own quantities are the newest.
    pub fn apply_touch(&mut self, s: usize, bid: (Px, Qty), ask: (Px, Qty)) {
        for (side, touch) in [(Side::Buy, bid), (Side::Sell, ask)] {
            let deep = self.desk(s).deep;
            let levels = self.desk_mut(s).levels_mut(side);
            if deep {
                levels.retain(|level| better(side, level.0, touch.0));
            } else {
                levels.clear();
            }
            if touch.1.is_positive() {
                levels.insert(0, touch);
            }
        }
    }
}
