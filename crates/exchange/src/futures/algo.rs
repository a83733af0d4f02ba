//! Conditional orders: placed, cancelled, triggered.

use super::act::{Act, expiry, made_id};
use super::checks::{check_client_id, check_good_till, closes};
use super::names::{AlgoKind, AlgoStatus, OrderKind, OrderStatus, TimeInForce, WorkingType};
use super::record::{AccountId, AlgoRecord, OrderKey, OrderRecord};
use super::refusal::Refusal;
use super::report::Report;
use super::request::AlgoRequest;
use super::state::{OpenAlgo, remember};
use super::taker::Quoted;
use aegis_types::{Money, Nanos, Px, Qty, Rate, Side};

/// Callback rates of trailing stops: 0.1 % to 20 %.
const CALLBACK_LEAST: Rate = Rate::from_raw(100_000);
const CALLBACK_MOST: Rate = Rate::from_raw(20_000_000);

impl AlgoKind {
    /// Does it become a limit order?
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Stop | Self::TakeProfit)
    }

    /// Does it trigger when the price goes in the position's favour?
    pub const fn is_target(self) -> bool {
        matches!(self, Self::TakeProfit | Self::TakeProfitMarket)
    }
}

/// Is a trigger reached when the price goes from `low` to `high`?
pub(super) fn reached(kind: AlgoKind, side: Side, trigger: Px, low: Px, high: Px) -> bool {
    let up = (side == Side::Buy) != kind.is_target();
    if up { high >= trigger } else { low <= trigger }
}

/// How a triggered order is executed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Through {
    /// Against what is recorded, or at the newest price.
    Market,
    /// At a price of a candle or an open, worsened by slippage.
    Price(Quoted),
}

impl Act<'_> {
    pub fn place_algo(&mut self, a: usize, request: &AlgoRequest) -> Result<AlgoRecord, Refusal> {
        self.check_algo(a, request)?;
        self.venue.algos += 1;
        let id = self.venue.algos;
        let seed = self.venue.config.seed;
        let limit = request.kind.is_limit();
        let record = AlgoRecord {
            account: AccountId(a as u16),
            symbol: request.symbol,
            id,
            client_id: request.client_id.unwrap_or_else(|| made_id(!seed, id)),
            kind: request.kind,
            side: request.side,
            position_side: request.position_side,
            time_in_force: request.time_in_force,
            qty: request.qty,
            price: if limit { request.price } else { Px::ZERO },
            trigger: request.trigger,
            working_type: request.working_type,
            price_protect: request.price_protect,
            close_position: request.close_position,
            reduce_only: request.reduce_only,
            self_trade: request.self_trade,
            activate_price: request.activate_price,
            callback: request.callback,
            activated: false,
            good_till: match request.time_in_force {
                TimeInForce::Gtd => request.good_till,
                _ => Nanos::ZERO,
            },
            status: AlgoStatus::New,
            created: self.at,
            updated: self.at,
            triggered_at: Nanos::ZERO,
            order_id: 0,
            filled: Qty::ZERO,
            average_px: Px::ZERO,
            reason: "",
        };
        let s = request.symbol.index();
        if record.good_till > Nanos::ZERO {
            self.venue.ends_next = self.venue.ends_next.min(record.good_till);
        }
        let account = self.account_mut(a);
        account.algos_open += 1;
        account.seats[s].algos.push(OpenAlgo { record, peak: Px::ZERO, hit: None });
        self.reports.push(Report::Algo(record));
        if request.kind == AlgoKind::TrailingStopMarket
            && let Some(px) = self.working_px(s, request.working_type, request.side)
        {
            let index = self.seat(a, s).algos.len() - 1;
            self.trail(a, s, index, &[px], false);
            self.seat_mut(a, s).algos[index].hit = None;
        }
        let placed = self.seat(a, s).algos.last().map_or(record, |open| open.record);
        Ok(placed)
    }

    /// The price that triggers, as it is now.
    pub fn working_px(&self, s: usize, working: WorkingType, side: Side) -> Option<Px> {
        let desk = self.desk(s);
        match (working, desk.market.mark) {
            (WorkingType::MarkPrice, Some(mark)) => Some(mark),
            _ if desk.traded => desk.last,
            _ => desk.market.touch.map(|touch| touch.taker(side)),
        }
    }

    fn check_algo(&self, a: usize, request: &AlgoRequest) -> Result<(), Refusal> {
        let s = request.symbol.index();
        let (rules, account) = (&self.venue.rules[s], self.account(a));
        self.venue.check_status(s)?;
        self.venue.check_side(a, request.position_side, request.reduce_only)?;
        if let Some(id) = &request.client_id {
            check_client_id(id)?;
            let taken = |open: &OpenAlgo| open.record.client_id == *id;
            if account.seats.iter().any(|seat| seat.algos.iter().any(taken)) {
                return Err(Refusal::DuplicateClientId);
            }
        }
        if account.algos_open >= self.venue.config.algos_max {
            return Err(Refusal::TooManyAlgos);
        }
        check_good_till(self.at, request.time_in_force, request.good_till)?;
        if request.close_position {
            check_close_position(request)?;
        } else {
            rules.check_qty(request.qty, !request.kind.is_limit())?;
        }
        let now = self.working_px(s, request.working_type, request.side);
        if request.kind == AlgoKind::TrailingStopMarket {
            return self.check_trailing(s, request);
        }
        rules.check_trigger(request.trigger)?;
        if request.kind.is_limit() {
            rules.check_px(request.price)?;
            match rules.check_band(request.side, request.price, request.trigger) {
                Err(Refusal::AboveBand) => return Err(Refusal::LimitAboveStop),
                Err(_) => return Err(Refusal::LimitBelowStop),
                Ok(()) => {}
            }
        }
        self.check_algo_notional(s, request)?;
        if now.is_some_and(|px| reached(request.kind, request.side, request.trigger, px, px)) {
            return Err(Refusal::WouldTrigger);
        }
        Ok(())
    }

    fn check_trailing(&self, s: usize, request: &AlgoRequest) -> Result<(), Refusal> {
        if !(CALLBACK_LEAST..=CALLBACK_MOST).contains(&request.callback) {
            return Err(Refusal::CallbackRate);
        }
        if request.activate_price.is_zero() {
            return Ok(());
        }
        self.venue.rules[s].check_trigger(request.activate_price)?;
        // A buy trails a falling price, so it begins below the market; a sell above it.
        let now = self.working_px(s, request.working_type, request.side);
        let behind = now.is_some_and(|now| match request.side {
            Side::Buy => request.activate_price > now,
            Side::Sell => request.activate_price < now,
        });
        if behind { Err(Refusal::ActivationPrice) } else { Ok(()) }
    }

    fn check_algo_notional(&self, s: usize, request: &AlgoRequest) -> Result<(), Refusal> {
        let opens = !(request.reduce_only
            || request.close_position
            || closes(request.position_side, request.side));
        let px = if request.kind.is_limit() { request.price } else { request.trigger };
        let least = self.instrument(s).notional_min;
        if opens && (px * request.qty).unwrap_or(Money::MAX) < least {
            return Err(Refusal::MinNotional(least));
        }
        Ok(())
    }

    pub fn cancel_algo(&mut self, a: usize, key: OrderKey) -> Result<AlgoRecord, Refusal> {
        let is_it = |open: &OpenAlgo| match key {
            OrderKey::Id(id) => open.record.id == id,
            OrderKey::Client(id) => open.record.client_id == id,
        };
        let seats = &self.account(a).seats;
        let found = seats
            .iter()
            .enumerate()
            .find_map(|(s, seat)| Some((s, seat.algos.iter().position(is_it)?)));
        let (s, index) = found.ok_or(Refusal::UnknownOrder)?;
        Ok(self.end_algo(a, s, index, AlgoStatus::Canceled, ""))
    }

    /// Moves a trailing stop along prices, and notes where it was hit. `continuous` when the price
    /// went through everything between one and the next.
    pub fn trail(&mut self, a: usize, s: usize, index: usize, path: &[Px], continuous: bool) {
        let tick = self.instrument(s).tick;
        let open = &mut self.seat_mut(a, s).algos[index];
        let was_active = open.record.activated;
        let record = &mut open.record;
        for (step, &px) in path.iter().enumerate() {
            if !record.activated {
                let from = record.activate_price;
                record.activated = from.is_zero()
                    || if record.side == Side::Sell { px >= from } else { px <= from };
                if !record.activated {
                    continue;
                }
                open.peak = px;
            }
            let further = if record.side == Side::Sell { px > open.peak } else { px < open.peak };
            if further || record.trigger.is_zero() {
                open.peak = if further { px } else { open.peak };
                let back = Rate::from_raw(-record.callback.raw() * record.side.opposite().sign());
                let trigger = open
                    .peak
                    .shifted(back)
                    .and_then(|px| px.to_grid(tick, aegis_types::Round::Nearest));
                record.trigger = trigger.unwrap_or(open.peak);
            }
            if reached(record.kind, record.side, record.trigger, px, px) {
                open.hit = Some(if continuous && step > 0 { record.trigger } else { px });
                break;
            }
        }
        if record.activated && !was_active {
            let record = *record;
            self.reports.push(Report::Algo(record));
        }
    }

    /// A waiting order triggers: it becomes an order, or is rejected. True when it became one that
    /// may open a position.
    pub fn trigger(&mut self, a: usize, s: usize, index: usize, how: Through, time: Nanos) -> bool {
        let mut record = self.seat_mut(a, s).algos.remove(index).record;
        let account = self.account_mut(a);
        account.algos_open = account.algos_open.saturating_sub(1);
        record.status = AlgoStatus::Triggering;
        record.triggered_at = time;
        record.updated = time;
        self.reports.push(Report::Algo(record));
        let made = self.order_of(a, s, &record, how, time);
        let most = self.venue.config.history_max;
        match made {
            Err((status, reason)) => {
                record.status = status;
                record.reason = reason;
                remember(&mut self.account_mut(a).algos, record, most);
                self.reports.push(Report::Algo(record));
                false
            }
            Ok((order, reserved)) => {
                self.venue.orders += 1;
                record.status = AlgoStatus::Triggered;
                record.order_id = order.id;
                remember(&mut self.account_mut(a).algos, record, most);
                self.reports.push(Report::Algo(record));
                self.take_in(a, order, reserved);
                self.execute(a, s, &order, how, time);
                !(order.reduce_only
                    || order.close_position
                    || closes(order.position_side, order.side))
            }
        }
    }

    fn execute(&mut self, a: usize, s: usize, order: &OrderRecord, how: Through, time: Nanos) {
        let partials = &mut self.account_mut(a).partials;
        let partial = partials.iter().position(|(id, _)| *id == order.algo_id);
        let most = match partial.map(|index| partials.remove(index)) {
            Some((_, fraction)) => self.share(s, order.qty, fraction),
            None => Qty::MAX,
        };
        match how {
            Through::Price(quoted) if !self.desk(s).recorded() => {
                let within = order.kind == OrderKind::Market
                    || !super::taker::better(order.side, order.price, quoted.base);
                let post_only = order.time_in_force == TimeInForce::Gtx;
                if within && !(post_only && order.kind == OrderKind::Limit) {
                    let px = self.slipped(s, order, quoted);
                    self.take_at(a, s, order, px, most, time);
                }
                let Some(index) = self.seat(a, s).order(order.id) else { return };
                match (order.kind, order.time_in_force) {
                    (OrderKind::Limit, TimeInForce::Gtc | TimeInForce::Gtd) => {
                        self.rest(a, s, index);
                    }
                    (OrderKind::Limit, TimeInForce::Gtx) if !within => self.rest(a, s, index),
                    (OrderKind::Limit, _) => {
                        self.end(a, s, index, OrderStatus::Expired, expiry::IOC);
                    }
                    (OrderKind::Market, _) => {
                        self.end(a, s, index, OrderStatus::Expired, expiry::MARKET);
                    }
                }
            }
            _ => {
                self.arrive(a, s, order.id, most);
                let rest = self.current(a, order);
                if most < order.qty && order.kind == OrderKind::Market && rest.status.is_open() {
                    self.end_id(a, s, order.id, OrderStatus::Expired, expiry::MARKET);
                }
            }
        }
    }

    /// The order that a triggered one becomes and what it binds, or how it ends instead.
    fn order_of(
        &mut self,
        a: usize,
        s: usize,
        algo: &AlgoRecord,
        how: Through,
        time: Nanos,
    ) -> Result<(OrderRecord, Money), (AlgoStatus, &'static str)> {
        let rejects = &mut self.account_mut(a).rejects;
        let meant = |(id, _): &(Option<u64>, _)| id.is_none_or(|id| id == algo.id);
        if let Some(index) = rejects.iter().position(meant) {
            let (_, reason) = rejects.remove(index);
            return Err((AlgoStatus::Rejected, reason));
        }
        if algo.price_protect && !self.is_protected(s) {
            return Err((AlgoStatus::Rejected, "Price protection"));
        }
        let held = self.seat(a, s).reducible(algo.position_side, algo.side);
        let closing =
            algo.reduce_only || algo.close_position || closes(algo.position_side, algo.side);
        if closing && !held.is_positive() {
            return Err((AlgoStatus::Expired, "Reduce Only reject"));
        }
        let limit = algo.kind.is_limit();
        let order = OrderRecord {
            account: algo.account,
            symbol: algo.symbol,
            id: self.venue.orders + 1,
            client_id: algo.client_id,
            side: algo.side,
            position_side: algo.position_side,
            kind: if limit { OrderKind::Limit } else { OrderKind::Market },
            origin: Some(algo.kind),
            time_in_force: algo.time_in_force,
            price: algo.price,
            qty: if algo.close_position { held } else { algo.qty },
            filled: Qty::ZERO,
            quote: Money::ZERO,
            reduce_only: algo.reduce_only || algo.close_position,
            close_position: algo.close_position,
            self_trade: algo.self_trade,
            good_till: algo.good_till,
            status: OrderStatus::New,
            created: time,
            updated: time,
            stop_price: algo.trigger,
            working_type: algo.working_type,
            price_protect: algo.price_protect,
            algo_id: algo.id,
            modify_id: 0,
            amended: 0,
        };
        if closing {
            return Ok((order, Money::ZERO));
        }
        let px = match how {
            Through::Price(quoted) if !limit => quoted.base,
            _ => self.venue.reference_px(&order),
        };
        match self.venue.afford(a, &order, px, Money::ZERO) {
            Ok(reserved) => Ok((order, reserved)),
            Err(Refusal::PositionTooLarge) => Err((
                AlgoStatus::Rejected,
                "Exceeded the maximum allowable position at current leverage.",
            )),
            Err(_) => Err((AlgoStatus::Rejected, "Margin is insufficient.")),
        }
    }

    /// Mark and last are near enough to each other.
    fn is_protected(&self, s: usize) -> bool {
        let desk = self.desk(s);
        let (Some(mark), Some(last)) = (desk.mark(), desk.last) else { return true };
        let apart = i128::from(mark.raw().abs_diff(last.raw()));
        let most = i128::from(self.venue.rules[s].trigger_protect.raw());
        apart * i128::from(aegis_types::SCALE) <= most * i128::from(last.raw())
    }
}

fn check_close_position(request: &AlgoRequest) -> Result<(), Refusal> {
    if !matches!(request.kind, AlgoKind::StopMarket | AlgoKind::TakeProfitMarket) {
        return Err(Refusal::ClosePositionKind);
    }
    if !request.qty.is_zero() {
        return Err(Refusal::QtyWithClosePosition);
    }
    if request.reduce_only {
        return Err(Refusal::ReduceOnlyWithClosePosition);
    }
    let opens = request.position_side != super::names::PositionSide::Both
        && !closes(request.position_side, request.side);
    if opens { Err(Refusal::ClosePositionKind) } else { Ok(()) }
}
