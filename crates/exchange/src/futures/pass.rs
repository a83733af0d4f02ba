//! One price fact at work on one account at one symbol, by the rules of [`crate::matching`].
//!
//! 1. *adverse*: stops, trailing stops and liquidation, the one nearest to where the price came
//!    from first;
//! 2. *limits* that the price went through (of candle data; recorded data has [`super::queue`]);
//! 3. *favourable*: targets; not in a candle in which something may have opened a position.
//!
//! Trailing stops walk the stated path of a candle: from the open to the low first when it closed
//! higher, to the high first when it closed lower, then to the other extreme, then to the close.

use super::act::Act;
use super::algo::{Through, reached};
use super::checks::closes;
use super::fill::Deal;
use super::names::{AlgoKind, OrderKind, PositionSide, WorkingType};
use super::risk::{exposed, touched};
use super::state::{OpenAlgo, OpenOrder, slot};
use super::taker::Quoted;
use crate::matching::Way;
use aegis_types::{Money, Nanos, Px, Qty, Side};

/// The fact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub way: Way,
    /// Since when its prices held.
    pub since: Nanos,
    /// When its fills are dated.
    pub time: Nanos,
    /// Where the price came from.
    pub from: Px,
    /// Where it went, of a candle.
    pub close: Px,
    /// The price was moved by hand: it came by every price in between, and orders that rested there
    /// were met at their own. Recorded gaps keep to what the data shows.
    pub by_hand: bool,
}

/// The fact at one account.
pub(super) struct Pass {
    pub a: usize,
    pub s: usize,
    pub fact: Fact,
    /// Side of the orders that may have opened something in this fact.
    pub entered: Option<Side>,
    /// A position was closed by this fact; what could only close it waits for its owner's cancel.
    pub closed: bool,
}

impl Act<'_> {
    /// Everything that a fact does at a symbol.
    pub fn all_passes(&mut self, s: usize, fact: Fact) {
        for a in 0..self.venue.accounts.len() {
            if !self.seat(a, s).is_quiet() {
                self.pass(Pass { a, s, fact, entered: None, closed: false });
            }
        }
    }

    fn pass(&mut self, mut pass: Pass) {
        self.trail_all(&pass);
        self.adverse(&mut pass);
        if !self.desk(pass.s).recorded() {
            self.limits(&mut pass);
        }
        match pass.fact.way {
            Way::Candle { .. } if pass.entered.is_some() => self.adverse(&mut pass),
            _ => self.favourable(&mut pass),
        }
        for open in &mut self.seat_mut(pass.a, pass.s).algos {
            open.hit = None;
        }
    }

    fn adverse(&mut self, pass: &mut Pass) {
        let (low, high) = pass.fact.way.adverse();
        loop {
            let stop = self.nearest_algo(pass, |open| {
                let record = &open.record;
                match record.kind {
                    AlgoKind::TrailingStopMarket => open.hit.is_some(),
                    kind => {
                        !kind.is_target() && reached(kind, record.side, record.trigger, low, high)
                    }
                }
            });
            let liquidation = self.nearest_liquidation(pass, low, high);
            match (stop, liquidation) {
                (None, None) => break,
                (Some((index, _)), None) => self.touch(pass, index),
                (Some((index, distance)), Some((_, px))) if distance < pass.distance(px) => {
                    self.touch(pass, index);
                }
                (_, Some((side, px))) => {
                    let px = self.liquidation_deal_px(pass, side, px);
                    if !self.liquidate(pass.a, pass.s, side, px, pass.fact.time) {
                        break;
                    }
                    pass.closed = true;
                }
            }
        }
    }

    fn favourable(&mut self, pass: &mut Pass) {
        let (low, high) = pass.fact.way.favourable();
        while let Some((index, _)) = self.nearest_algo(pass, |open| {
            let record = &open.record;
            record.kind.is_target() && reached(record.kind, record.side, record.trigger, low, high)
        }) {
            self.touch(pass, index);
        }
    }

    /// A trigger was touched.
    fn touch(&mut self, pass: &mut Pass, index: usize) {
        let open = self.seat(pass.a, pass.s).algos[index];
        let side = open.record.side;
        let level = open.hit.unwrap_or(open.record.trigger);
        let how = match pass.fact.way {
            Way::Candle { low, high } => {
                Through::Price(Quoted { base: level.clamp(low, high), shown: Some((low, high)) })
            }
            Way::Open { px, shown } => Through::Price(Quoted { base: px, shown }),
            Way::Quote(_) | Way::Mark(_) => Through::Market,
        };
        let held = self.seat(pass.a, pass.s).is_holding();
        if self.trigger(pass.a, pass.s, index, how, pass.fact.time) {
            pass.entered = pass.entered.or(Some(side));
        }
        pass.closed |= held && !self.seat(pass.a, pass.s).is_holding();
    }

    fn limits(&mut self, pass: &mut Pass) {
        if matches!(pass.fact.way, Way::Mark(_)) {
            return;
        }
        let (low, high) = pass.fact.way.favourable();
        let candle = matches!(pass.fact.way, Way::Candle { .. });
        loop {
            let entered = pass.entered.filter(|_| candle);
            let picks = |open: &OpenOrder| {
                let order = &open.record;
                let through = match order.side {
                    Side::Buy => low < order.price,
                    Side::Sell => high > order.price,
                };
                through && entered.is_none_or(|side| side == order.side)
            };
            let Some(order) = self.nearest_limit(pass, picks) else { break };
            let point = if order.record.side == Side::Buy { low } else { high };
            let px = match pass.fact.way {
                _ if pass.fact.by_hand => order.record.price,
                Way::Candle { low, high } => order.record.price.clamp(low, high),
                _ => point,
            };
            let record = &order.record;
            let opens = !(record.reduce_only || closes(record.position_side, record.side));
            let trade_id = self.desk(pass.s).trades + 1;
            let deal =
                Deal { px, qty: order.record.leaves(), maker: true, trade_id, at: pass.fact.time };
            let held = self.seat(pass.a, pass.s).is_holding();
            let part = self.deal(pass.a, pass.s, order.record.id, deal);
            pass.closed |= held && !self.seat(pass.a, pass.s).is_holding();
            if part.is_positive() {
                self.next_trade(pass.s);
                let taker = order.record.side.opposite();
                self.print(pass.s, taker, px, part, trade_id, pass.fact.time);
            }
            if opens {
                pass.entered = pass.entered.or(Some(order.record.side));
            }
        }
    }

    fn nearest_limit(&self, pass: &Pass, picks: impl Fn(&OpenOrder) -> bool) -> Option<OpenOrder> {
        let mut best: Option<(OpenOrder, u64)> = None;
        for open in &self.seat(pass.a, pass.s).orders {
            let order = &open.record;
            let rests = order.kind == OrderKind::Limit && open.handle.is_some();
            let counts = matches!(pass.fact.way, Way::Quote(_)) || open.came <= pass.fact.since;
            if !(rests && counts && picks(open)) {
                continue;
            }
            let distance = pass.distance(order.price);
            if best.is_none_or(|(_, nearest)| distance < nearest) {
                best = Some((*open, distance));
            }
        }
        best.map(|(open, _)| open)
    }

    fn nearest_algo(&self, pass: &Pass, picks: impl Fn(&OpenAlgo) -> bool) -> Option<(usize, u64)> {
        let marked = self.desk(pass.s).market.mark.is_some();
        let seat = self.seat(pass.a, pass.s);
        let mut best: Option<(usize, u64)> = None;
        for (index, open) in seat.algos.iter().enumerate() {
            let record = &open.record;
            let on_mark = record.working_type == WorkingType::MarkPrice && marked;
            let fits = on_mark == matches!(pass.fact.way, Way::Mark(_));
            let closing = record.reduce_only
                || record.close_position
                || closes(record.position_side, record.side);
            let waits = closing && pass.closed && seat.held[slot(record.position_side)].is_none();
            if !fits || waits || !pass.counts(record.kind, record.created) || !picks(open) {
                continue;
            }
            let distance = pass.distance(open.hit.unwrap_or(record.trigger));
            if best.is_none_or(|(_, nearest)| distance < nearest) {
                best = Some((index, distance));
            }
        }
        best
    }

    fn nearest_liquidation(&self, pass: &Pass, low: Px, high: Px) -> Option<(PositionSide, Px)> {
        // Where there is a mark series, only the mark liquidates.
        let marked = self.desk(pass.s).market.mark.is_some();
        if marked && !matches!(pass.fact.way, Way::Mark(_)) {
            return None;
        }
        let seat = self.seat(pass.a, pass.s);
        if !seat.is_holding() {
            return None;
        }
        let dual = self.account(pass.a).config.dual_side;
        let sides: &[PositionSide] =
            if dual { &[PositionSide::Long, PositionSide::Short] } else { &[PositionSide::Both] };
        let mut best: Option<(PositionSide, Px)> = None;
        for &side in sides {
            let Some(net) = exposed(seat, side) else { continue };
            let Some(px) = self.venue.liquidation_px(pass.a, pass.s, side) else { continue };
            let nearer = best.is_none_or(|(_, other)| pass.distance(px) < pass.distance(other));
            if touched(net, px, low, high) && nearer && self.is_due(pass, px.clamp(low, high)) {
                best = Some((side, px));
            }
        }
        best
    }

    /// Has a cross wallet with two positions of the symbol really come to its end at this price?
    /// Their joint price is found by the brackets at the mark; a tick of what is not hedged is its
    /// rounding.
    fn is_due(&self, pass: &Pass, px: Px) -> bool {
        let seat = self.seat(pass.a, pass.s);
        let [Some(long), Some(short)] = seat.held else { return true };
        if !seat.is_cross() {
            return true;
        }
        let account = self.account(pass.a);
        let others = self.venue.cross(account, Some(pass.s));
        let mut equity = i128::from(account.cross_wallet().raw()) + others.unrealized;
        let mut maintenance = others.maintenance;
        let instrument = self.instrument(pass.s);
        for position in [long.position, short.position] {
            let notional = (px * position.qty).unwrap_or(Money::MAX);
            let due = instrument.maintenance(notional).unwrap_or(notional);
            equity += i128::from(position.unrealized(px).unwrap_or(Money::ZERO).raw());
            maintenance += i128::from(due.raw());
        }
        let open = long.position.qty.raw().abs_diff(short.position.qty.raw()).cast_signed();
        let slack = (instrument.tick * Qty::from_raw(open)).unwrap_or(Money::ZERO);
        equity <= maintenance + i128::from(slack.raw())
    }

    /// The price at which a position is liquidated.
    fn liquidation_deal_px(&self, pass: &Pass, which: PositionSide, liquidation: Px) -> Px {
        let desk = self.desk(pass.s);
        let net = exposed(self.seat(pass.a, pass.s), which).unwrap_or(Side::Buy);
        let side = net.opposite();
        match pass.fact.way {
            Way::Candle { low, high } => liquidation.clamp(low, high),
            Way::Open { px, .. } => px,
            Way::Quote(touch) => touch.taker(side),
            Way::Mark(mark) => desk.market.touch.map_or(mark, |touch| touch.taker(side)),
        }
    }

    /// Trailing stops follow the fact.
    fn trail_all(&mut self, pass: &Pass) {
        let (a, s, fact) = (pass.a, pass.s, pass.fact);
        let marked = self.desk(s).market.mark.is_some();
        for index in 0..self.seat(a, s).algos.len() {
            let record = self.seat(a, s).algos[index].record;
            let on_mark = record.working_type == WorkingType::MarkPrice && marked;
            let fits = on_mark == matches!(fact.way, Way::Mark(_));
            if record.kind != AlgoKind::TrailingStopMarket || !fits {
                continue;
            }
            match fact.way {
                Way::Candle { low, high } => {
                    let (first, second) =
                        if fact.close >= fact.from { (low, high) } else { (high, low) };
                    let path = [fact.from, first, second, fact.close];
                    // One that came inside the candle has seen its end only.
                    let seen = if record.created <= fact.since { &path[..] } else { &path[3..] };
                    self.trail(a, s, index, seen, true);
                }
                Way::Open { px, .. } | Way::Mark(px) => self.trail(a, s, index, &[px], false),
                Way::Quote(touch) => {
                    self.trail(a, s, index, &[touch.taker(record.side)], false);
                }
            }
        }
    }
}

impl Pass {
    fn distance(&self, px: Px) -> u64 {
        px.raw().abs_diff(self.fact.from.raw())
    }

    /// Was the order there when the fact happened? A stop that came inside a candle is judged
    /// against all of it, to the owner's disadvantage; a target is not, for the same reason.
    fn counts(&self, kind: AlgoKind, created: Nanos) -> bool {
        match self.fact.way {
            Way::Candle { .. } => !kind.is_target() || created <= self.fact.since,
            Way::Open { .. } => created <= self.fact.since,
            Way::Quote(_) | Way::Mark(_) => true,
        }
    }
}
