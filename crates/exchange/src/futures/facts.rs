//! Market facts: what the data shows, and what it does to orders, positions and funding.

use super::act::Act;
use super::names::{AccountReason, IncomeKind, SymbolStatus};
use super::pass::Fact;
use super::report::PositionReport;
use super::request::DepthUpdate;
use super::state::slot;
use crate::matching::{Touch, Way};
use aegis_types::{Money, Nanos, OutOfRange, Px, Qty, Rate, Side, SymbolId, Tick, TickBody};
use alloc::vec::Vec;

impl Act<'_> {
    pub fn tick(&mut self, s: usize, tick: &Tick) {
        self.due(s);
        match tick.body {
            TickBody::Open { px, funding } => {
                let settled = self.desk(s).market.settled == self.at.floor(Nanos::MINUTE);
                if let Some(rate) = funding.filter(|_| !settled) {
                    self.fund(s, rate, px);
                }
                self.open(s, px);
            }
            TickBody::Candle { open, high, low, close, .. } => {
                self.candle(s, open, high, low, close);
            }
            TickBody::Book { bid, bid_qty, ask, ask_qty, .. } if !tick.derived => {
                self.apply_touch(s, (bid, bid_qty), (ask, ask_qty));
                self.quote(s, Touch { sell: bid, buy: ask });
            }
            TickBody::Trade { px, qty, buyer_is_maker, .. } if !tick.derived => {
                self.trade(s, px, qty, buyer_is_maker);
            }
            TickBody::Mark { mark, index, rate, next_funding } if !tick.derived => {
                self.mark(s, mark, index, rate, next_funding);
            }
            TickBody::Book { .. } | TickBody::Trade { .. } | TickBody::Mark { .. } => {}
            TickBody::Gap { .. } | TickBody::End => {}
        }
        self.after(s);
    }

    /// What follows every fact: orders that were held back go on, owners are warned.
    fn after(&mut self, s: usize) {
        if !self.is_halted(s) {
            self.fill_pending(s);
        }
        for a in 0..self.venue.accounts.len() {
            self.warn(a, s);
        }
    }

    /// The price that was newest before this fact, or `px` when it is the first.
    fn came_from(&self, s: usize, px: Px) -> Px {
        self.desk(s).market.touch.map_or(px, |touch| touch.sell)
    }

    fn is_halted(&self, s: usize) -> bool {
        self.venue.rules[s].status != SymbolStatus::Trading
    }

    /// A fact reaches the accounts, unless the symbol is halted.
    fn pass_on(&mut self, s: usize, way: Way, since: Nanos, time: Nanos, from: Px, close: Px) {
        if !self.is_halted(s) {
            self.all_passes(s, Fact { way, since, time, from, close, by_hand: false });
        }
    }

    /// The first price of a minute.
    pub fn open(&mut self, s: usize, px: Px) {
        let from = self.came_from(s, px);
        let at = self.at;
        let market = &mut self.desk_mut(s).market;
        market.opened = at;
        market.opened_px = Some(px);
        let way = Way::Open { px, shown: market.range };
        if market.quoted <= Nanos(i64::MIN) {
            market.touch = Some(Touch::at(px));
        }
        let desk = self.desk_mut(s);
        if !desk.traded {
            desk.last = Some(px);
        }
        if !desk.recorded() {
            self.pass_on(s, way, at, at, from, px);
        }
    }

    fn candle(&mut self, s: usize, open: Px, high: Px, low: Px, close: Px) {
        let open_time = Nanos(self.at.0.saturating_sub(Nanos::MINUTE.0));
        let market = &self.desk(s).market;
        // Live prices inside the minute have already done what its candle would do again.
        let live = market.quoted >= open_time;
        if !live {
            if market.opened != open_time {
                // A source that shows no opens: the candle's own open plays that part.
                let way = Way::Open { px: open, shown: Some((low, high)) };
                let from = self.came_from(s, open);
                self.pass_on(s, way, open_time, open_time, from, open);
                let market = &mut self.desk_mut(s).market;
                (market.opened, market.opened_px) = (open_time, Some(open));
                market.touch = Some(Touch::at(open));
                market.range = Some((low, high));
                if !self.is_halted(s) {
                    self.fill_pending(s);
                }
            }
            // Somewhere inside the minute; its last millisecond is in it for sure.
            let inside = Nanos(self.at.0.saturating_sub(Nanos::MILLISECOND.0));
            self.pass_on(s, Way::Candle { low, high }, open_time, inside, open, close);
            let desk = self.desk_mut(s);
            desk.market.touch = Some(Touch::at(close));
            desk.last = Some(close);
        }
        let market = &mut self.desk_mut(s).market;
        (market.range, market.opened_px) = (Some((low, high)), None);
    }

    /// Newest bid and ask, or the newest trade where there is no book.
    fn quote(&mut self, s: usize, touch: Touch) {
        let from = self.came_from(s, touch.sell);
        let at = self.at;
        let desk = self.desk_mut(s);
        desk.market.quoted = at;
        desk.market.touch = Some(touch);
        let first = desk.last.is_none();
        if first {
            desk.last = Some(touch.sell);
        }
        let traded = desk.traded;
        if !self.is_halted(s) {
            self.levels_moved(s);
        }
        // Where trades are shown, they trigger; a book alone triggers by its touch.
        if !traded {
            self.pass_on(s, Way::Quote(touch), at, at, from, touch.sell);
        }
    }

    fn trade(&mut self, s: usize, px: Px, qty: Qty, buyer_is_maker: bool) {
        let from = self.desk(s).last.unwrap_or(px);
        let at = self.at;
        let desk = self.desk_mut(s);
        desk.traded = true;
        desk.last = Some(px);
        desk.market.quoted = at;
        if !desk.recorded() {
            desk.market.touch = Some(Touch::at(px));
        }
        if self.is_halted(s) {
            return;
        }
        let rested = if buyer_is_maker { Side::Buy } else { Side::Sell };
        self.traded(s, rested, px, qty);
        self.swept(s, rested.opposite(), px);
        self.pass_on(s, Way::Quote(Touch::at(px)), at, at, from, px);
    }

    fn mark(&mut self, s: usize, mark: Px, index: Px, rate: Rate, next_funding: Nanos) {
        let at = self.at;
        let desk = self.desk_mut(s);
        desk.market.mark = Some(mark);
        desk.index = Some(index);
        desk.funding_rate = rate;
        if next_funding > at {
            desk.market.settle_at = next_funding;
            desk.market.settle_rate = rate;
            desk.next_funding = next_funding;
        }
        self.pass_on(s, Way::Mark(mark), at, at, mark, mark);
    }

    /// The price was moved by hand.
    pub fn move_price(&mut self, s: usize, px: Px) {
        let from = self.came_from(s, px);
        let at = self.at;
        let desk = self.desk_mut(s);
        desk.bids.clear();
        desk.asks.clear();
        desk.deep = false;
        desk.market.touch = Some(Touch::at(px));
        // A price that holds, also between a close and the next open.
        desk.market.opened_px = Some(px);
        desk.last = Some(px);
        if desk.market.mark.is_some() {
            desk.market.mark = Some(px);
        }
        let way = Way::Open { px, shown: desk.market.range };
        if !self.is_halted(s) {
            self.all_passes(s, Fact { way, since: at, time: at, from, close: px, by_hand: true });
        }
        if self.desk(s).market.mark.is_some() {
            self.pass_on(s, Way::Mark(px), at, at, px, px);
        }
        self.after(s);
    }

    pub fn depth(&mut self, s: usize, depth: &DepthUpdate<'_>) {
        let desk = self.desk_mut(s);
        if depth.snapshot || !desk.deep {
            desk.bids.clear();
            desk.asks.clear();
        }
        desk.deep = true;
        self.apply_levels(s, Side::Buy, depth.bids);
        self.apply_levels(s, Side::Sell, depth.asks);
        let desk = self.desk(s);
        if let (Some(bid), Some(ask)) = (desk.bids.first(), desk.asks.first()) {
            let touch = Touch { sell: bid.0, buy: ask.0 };
            self.quote(s, touch);
        }
        self.after(s);
    }

    /// Funding that the mark series announced and that is now due.
    pub fn due(&mut self, s: usize) {
        let at = self.at;
        let market = &mut self.desk_mut(s).market;
        if at < market.settle_at {
            return;
        }
        let rate = market.settle_rate;
        market.settled = at.floor(Nanos::MINUTE);
        market.settle_at = Nanos::MAX;
        if let Some(mark) = market.mark {
            self.fund(s, rate, mark);
        }
    }

    /// Charges funding on every position of a symbol, at the mark (the price itself where no mark
    /// is known): `−side × qty × mark × rate`.
    pub fn fund(&mut self, s: usize, rate: Rate, px: Px) {
        let at = self.at;
        let interval = self.instrument(s).funding_interval;
        let desk = self.desk_mut(s);
        let mark = desk.market.mark.unwrap_or(px);
        desk.funded_rate = rate;
        if desk.market.mark.is_none() {
            desk.funding_rate = rate;
            if interval > Nanos::ZERO {
                desk.next_funding = at.floor(interval).after(interval);
            }
        }
        for a in 0..self.venue.accounts.len() {
            for &side in self.sides(a) {
                self.fund_position(a, s, side, rate, mark);
            }
        }
    }

    fn fund_position(
        &mut self,
        a: usize,
        s: usize,
        side: super::names::PositionSide,
        rate: Rate,
        mark: Px,
    ) {
        let Some(held) = self.seat(a, s).held[slot(side)] else { return };
        let account = self.account(a);
        let charge = || -> Result<_, OutOfRange> {
            let paid_by_longs = ((mark * held.position.qty)? * rate)?;
            let sign = held.position.side.sign();
            let amount = Money::from_raw(paid_by_longs.raw().checked_mul(-sign).ok_or(OutOfRange)?);
            let mut after = account.ledger;
            after.funding = after.funding.plus(amount)?;
            Ok((amount, after, after.wallet()?))
        };
        // A wallet that would leave its range is left as it is.
        let Ok((amount, ledger, wallet)) = charge() else { return };
        let account = self.account_mut(a);
        account.ledger = ledger;
        account.wallet = wallet;
        let (at, symbol) = (self.at, SymbolId(s as u16));
        self.earn(a, IncomeKind::FundingFee, amount, Some(symbol), 0, at);
        let positions: Vec<PositionReport> = if self.seat(a, s).is_cross() {
            Vec::new()
        } else {
            [self.position_report(a, s, side)].into()
        };
        let reason = AccountReason::FundingFee;
        self.tell_account(a, reason, Some(symbol), amount, positions, at);
    }
}
