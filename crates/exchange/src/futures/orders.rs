//! Placing, amending and cancelling orders.

use super::Futures;
use super::act::{Act, expiry, made_id};
use super::checks::closes;
use super::names::{AlgoStatus, ExecutionKind, OrderKind, OrderStatus, TimeInForce, WorkingType};
use super::record::{AccountId, OrderKey, OrderRecord};
use super::refusal::Refusal;
use super::request::{AmendRequest, OrderRequest};
use super::state::OpenOrder;
use aegis_types::{Money, Nanos, Px, Qty, Rate, Round};

impl Futures {
    /// The order that a request would be.
    fn draft(&self, at: Nanos, a: usize, request: &OrderRequest, id: u64) -> OrderRecord {
        let seed = self.config.seed;
        let limit = request.kind == OrderKind::Limit;
        OrderRecord {
            account: AccountId(a as u16),
            symbol: request.symbol,
            id,
            client_id: request.client_id.unwrap_or_else(|| made_id(seed, id)),
            side: request.side,
            position_side: request.position_side,
            kind: request.kind,
            origin: None,
            time_in_force: if limit { request.time_in_force } else { TimeInForce::Gtc },
            price: if limit { request.price } else { Px::ZERO },
            qty: request.qty,
            filled: Qty::ZERO,
            quote: Money::ZERO,
            reduce_only: request.reduce_only,
            close_position: false,
            self_trade: request.self_trade,
            good_till: if request.time_in_force == TimeInForce::Gtd && limit {
                request.good_till
            } else {
                Nanos::ZERO
            },
            status: OrderStatus::New,
            created: at,
            updated: at,
            stop_price: Px::ZERO,
            working_type: WorkingType::ContractPrice,
            price_protect: false,
            algo_id: 0,
            modify_id: 0,
            amended: 0,
        }
    }

    /// Checks a request; the order and what it binds.
    pub(super) fn admit(
        &self,
        at: Nanos,
        a: usize,
        request: &OrderRequest,
        id: u64,
    ) -> Result<(OrderRecord, Money), Refusal> {
        self.vet(at, a, request)?;
        let order = self.draft(at, a, request, id);
        let reserved = self.bind(a, &order, Money::ZERO)?;
        let s = order.symbol.index();
        if order.kind == OrderKind::Limit {
            match order.time_in_force {
                TimeInForce::Gtx if self.crosses(s, order.side, order.price) => {
                    return Err(Refusal::GtxRejected);
                }
                TimeInForce::Fok if !self.fills_whole(s, &order) => {
                    return Err(Refusal::FokRejected);
                }
                _ => {}
            }
        }
        Ok((order, reserved))
    }
}

impl Act<'_> {
    pub fn place(&mut self, a: usize, request: &OrderRequest) -> Result<OrderRecord, Refusal> {
        let (order, reserved) = self.venue.admit(self.at, a, request, self.venue.orders + 1)?;
        self.venue.orders += 1;
        self.take_in(a, order, reserved);
        let s = order.symbol.index();
        let most = request.partial.map_or(Qty::MAX, |part| self.share(s, order.qty, part));
        self.arrive(a, s, order.id, most);
        let now = self.current(a, &order);
        if request.rest_expires && now.status == OrderStatus::PartiallyFilled {
            self.end_id(a, s, order.id, OrderStatus::Expired, expiry::MARKET);
        }
        Ok(self.current(a, &order))
    }

    /// A fraction of a quantity on the grid, at least one step.
    pub fn share(&self, s: usize, qty: Qty, fraction: Rate) -> Qty {
        let step = self.instrument(s).step;
        let share = i128::from(qty.raw()) * i128::from(fraction.raw());
        let share = share / i128::from(aegis_types::SCALE);
        let share = Qty::from_raw(i64::try_from(share).unwrap_or(i64::MAX));
        share.to_grid(step, Round::Down).unwrap_or(step).max(step)
    }

    /// An order gets its seat and is told of.
    pub fn take_in(&mut self, a: usize, order: OrderRecord, reserved: Money) {
        let account = self.account_mut(a);
        account.reserved = account.reserved.saturating_plus(reserved);
        account.seats[order.symbol.index()].orders.push(OpenOrder {
            record: order,
            handle: None,
            reserved,
            ahead: Qty::ZERO,
            pending: false,
            came: order.created,
        });
        if !order.good_till.eq(&Nanos::ZERO) {
            self.venue.ends_next = self.venue.ends_next.min(order.good_till);
        }
        self.tell(ExecutionKind::New, order, 0);
    }

    /// An order as it is now: open, or the last entries of the history.
    pub fn current(&self, a: usize, order: &OrderRecord) -> OrderRecord {
        let seat = self.seat(a, order.symbol.index());
        if let Some(index) = seat.order(order.id) {
            return seat.orders[index].record;
        }
        let ended = self.account(a).orders.iter().rev().find(|ended| ended.id == order.id);
        ended.copied().unwrap_or(*order)
    }

    pub fn find(&self, a: usize, s: usize, key: OrderKey) -> Option<usize> {
        let seat = self.seat(a, s);
        match key {
            OrderKey::Id(id) => seat.order(id),
            OrderKey::Client(id) => seat.orders.iter().position(|open| open.record.client_id == id),
        }
    }

    pub fn cancel(&mut self, a: usize, s: usize, key: OrderKey) -> Result<OrderRecord, Refusal> {
        let index = self.find(a, s, key).ok_or(Refusal::UnknownOrder)?;
        let order = self.seat(a, s).orders[index].record;
        self.end(a, s, index, OrderStatus::Canceled, 0);
        Ok(self.current(a, &order))
    }

    pub fn cancel_all(&mut self, a: usize, s: usize) -> usize {
        let mut ended = 0;
        while let Some(open) = self.seat(a, s).orders.first() {
            let id = open.record.id;
            self.end_id(a, s, id, OrderStatus::Canceled, 0);
            ended += 1;
        }
        ended
    }

    pub fn amend(
        &mut self,
        a: usize,
        s: usize,
        key: OrderKey,
        request: &AmendRequest,
    ) -> Result<OrderRecord, Refusal> {
        let index = self.find(a, s, key).ok_or(Refusal::NoSuchOrder)?;
        let open = self.seat(a, s).orders[index];
        let before = open.record;
        self.check_amend(a, s, &before, request)?;
        if request.qty <= before.filled {
            self.end(a, s, index, OrderStatus::Canceled, 0);
            return Ok(self.current(a, &before));
        }
        let mut order = before;
        order.price = request.price;
        order.qty = request.qty;
        order.modify_id = request.modify_id;
        order.amended += 1;
        order.updated = self.at;
        let reserved = self.venue.bind(a, &order, open.reserved)?;
        let account = self.account_mut(a);
        account.reserved =
            account.reserved.minus(open.reserved).unwrap_or(Money::ZERO).saturating_plus(reserved);
        let place = &mut account.seats[s].orders[index];
        place.record = order;
        place.reserved = reserved;
        place.came = order.updated;
        let keeps = order.price == before.price && order.qty < before.qty;
        match open.handle {
            Some(handle) if keeps => {
                self.desk_mut(s).book.amend(handle, order.price, order.leaves());
                self.tell(ExecutionKind::Amendment, order, 0);
            }
            handle => {
                if let Some(handle) = handle {
                    self.desk_mut(s).book.cancel(handle);
                    self.seat_mut(a, s).orders[index].handle = None;
                }
                self.tell(ExecutionKind::Amendment, order, 0);
                self.return_to_market(a, s, index, &order);
            }
        }
        Ok(self.current(a, &order))
    }

    fn return_to_market(&mut self, a: usize, s: usize, index: usize, order: &OrderRecord) {
        let post_only = order.time_in_force == TimeInForce::Gtx;
        if post_only && self.venue.crosses(s, order.side, order.price) {
            self.end(a, s, index, OrderStatus::Expired, expiry::IOC);
        } else {
            self.arrive(a, s, order.id, Qty::MAX);
        }
    }

    fn check_amend(
        &self,
        a: usize,
        s: usize,
        order: &OrderRecord,
        request: &AmendRequest,
    ) -> Result<(), Refusal> {
        let rules = &self.venue.rules[s];
        self.venue.check_status(s)?;
        if order.kind != OrderKind::Limit {
            return Err(Refusal::AmendNotLimit);
        }
        if request.side.is_some_and(|side| side != order.side) {
            return Err(Refusal::Rejected("The side of an order cannot be amended."));
        }
        if request.price == order.price && request.qty == order.qty {
            return Err(Refusal::SameOrder);
        }
        if order.amended >= self.venue.config.amends_max {
            return Err(Refusal::AmendTooOften);
        }
        rules.check_qty(request.qty, false)?;
        rules.check_px(request.price)?;
        if let Some(mark) = self.desk(s).mark() {
            rules.check_band(order.side, request.price, mark)?;
        }
        let held = self.seat(a, s).reducible(order.position_side, order.side);
        let leaves = Qty::from_raw(request.qty.raw().saturating_sub(order.filled.raw()));
        if closes(order.position_side, order.side) && leaves > held {
            return Err(Refusal::ReduceOnly);
        }
        Ok(())
    }

    /// GTD orders and conditional orders whose time has come.
    pub fn end_overdue(&mut self) {
        if self.at < self.venue.ends_next {
            return;
        }
        self.venue.ends_next = Nanos::MAX;
        for a in 0..self.venue.accounts.len() {
            for s in 0..self.venue.desks.len() {
                self.end_overdue_at(a, s);
            }
        }
    }

    fn end_overdue_at(&mut self, a: usize, s: usize) {
        let at = self.at;
        let due = |until: Nanos| until > Nanos::ZERO && until <= at;
        while let Some(open) = self.seat(a, s).orders.iter().find(|open| due(open.record.good_till))
        {
            let id = open.record.id;
            self.end_id(a, s, id, OrderStatus::Expired, 0);
        }
        while let Some(index) =
            self.seat(a, s).algos.iter().position(|open| due(open.record.good_till))
        {
            self.end_algo(a, s, index, AlgoStatus::Expired, "Good till date");
        }
        let seat = self.seat(a, s);
        let orders = seat.orders.iter().map(|open| open.record.good_till);
        let algos = seat.algos.iter().map(|open| open.record.good_till);
        let next = orders.chain(algos).filter(|until| *until > Nanos::ZERO).min();
        self.venue.ends_next = self.venue.ends_next.min(next.unwrap_or(Nanos::MAX));
    }
}
