//! What an order passes before it becomes one: the exchange's filters, in its numbers.

use super::Futures;
use super::config::{SymbolRules, decimals};
use super::names::{OrderKind, PositionSide, SymbolStatus, TimeInForce};
use super::record::{ClientId, OrderRecord};
use super::refusal::Refusal;
use super::request::OrderRequest;
use super::state::Seat;
use super::taker::better;
use aegis_types::{Money, Nanos, Px, Qty, Rate, Side};

/// A GTD order stands at least so long.
const GOOD_TILL_LEAST: Nanos = Nanos(600_000_000_000);

impl SymbolRules {
    /// A price of an order.
    pub(super) fn check_px(&self, px: Px) -> Result<(), Refusal> {
        if !px.is_positive() {
            return Err(Refusal::PriceNotPositive);
        }
        if decimals(px.raw()) > self.price_precision {
            return Err(Refusal::Precision);
        }
        if px > self.price_max {
            return Err(Refusal::PriceTooHigh);
        }
        if px < self.price_min {
            return Err(Refusal::PriceTooLow);
        }
        if px.is_on_grid(self.instrument.tick) { Ok(()) } else { Err(Refusal::OffTick) }
    }

    /// A trigger of a conditional order.
    pub(super) fn check_trigger(&self, px: Px) -> Result<(), Refusal> {
        match self.check_px(px) {
            Err(Refusal::PriceNotPositive) => Err(Refusal::StopNotPositive),
            Err(Refusal::PriceTooHigh) => Err(Refusal::StopTooHigh),
            other => other,
        }
    }

    /// A quantity of an order.
    pub(super) fn check_qty(&self, qty: Qty, market: bool) -> Result<(), Refusal> {
        let instrument = &self.instrument;
        let most = if market { self.market_qty_max } else { instrument.qty_max };
        if !qty.is_positive() {
            return Err(Refusal::QtyNotPositive);
        }
        if decimals(qty.raw()) > self.qty_precision {
            return Err(Refusal::Precision);
        }
        if qty < instrument.qty_min {
            return Err(Refusal::QtyTooSmall);
        }
        if qty > most {
            return Err(Refusal::QtyTooLarge);
        }
        if qty.is_on_grid(instrument.step) { Ok(()) } else { Err(Refusal::OffStep) }
    }

    /// The band around the mark: a buy not too high, a sell not too low.
    pub(super) fn check_band(&self, side: Side, px: Px, mark: Px) -> Result<(), Refusal> {
        let times = |rate: Rate| {
            let moved = Rate::from_raw(rate.raw() - Rate::whole(1).raw());
            mark.shifted(moved).unwrap_or(Px::MAX)
        };
        match side {
            Side::Buy if px > times(self.percent_up) => Err(Refusal::AboveBand),
            Side::Sell if px < times(self.percent_down) => Err(Refusal::BelowBand),
            _ => Ok(()),
        }
    }
}

/// `^[\.A-Z\:/a-z0-9_-]{1,36}$`
pub(super) fn check_client_id(id: &ClientId) -> Result<(), Refusal> {
    let text = id.as_str();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".:/_-".contains(&b);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(Refusal::BadClientId);
    }
    Ok(())
}

/// A GTD order stands for a while at least.
pub(super) fn check_good_till(
    at: Nanos,
    time_in_force: TimeInForce,
    good_till: Nanos,
) -> Result<(), Refusal> {
    if time_in_force == TimeInForce::Gtd && good_till <= at.after(GOOD_TILL_LEAST) {
        return Err(Refusal::GoodTillDate(at));
    }
    Ok(())
}

/// Does an order for this position only close?
pub(super) const fn closes(position_side: PositionSide, side: Side) -> bool {
    matches!(
        (position_side, side),
        (PositionSide::Long, Side::Sell) | (PositionSide::Short, Side::Buy)
    )
}

impl Futures {
    /// Does the position side go with the account's mode, and reduce-only with both?
    pub(super) fn check_side(
        &self,
        a: usize,
        position_side: PositionSide,
        reduce_only: bool,
    ) -> Result<(), Refusal> {
        let dual = self.accounts[a].config.dual_side;
        if dual == (position_side == PositionSide::Both) {
            return Err(Refusal::PositionSideMismatch);
        }
        if dual && reduce_only {
            return Err(Refusal::ReduceOnlyInHedgeMode);
        }
        Ok(())
    }

    /// Is the symbol open for new orders?
    pub(super) fn check_status(&self, s: usize) -> Result<(), Refusal> {
        match self.rules[s].status {
            SymbolStatus::Trading => Ok(()),
            _ => Err(Refusal::SymbolStatus),
        }
    }

    /// All checks of an order that do not depend on money; the order that it would be.
    pub(super) fn vet(&self, at: Nanos, a: usize, request: &OrderRequest) -> Result<(), Refusal> {
        let s = request.symbol.index();
        let rules = &self.rules[s];
        self.check_status(s)?;
        self.check_side(a, request.position_side, request.reduce_only)?;
        if let Some(id) = &request.client_id {
            check_client_id(id)?;
            let seats = &self.accounts[a].seats;
            if seats.iter().any(|seat| seat.orders.iter().any(|o| o.record.client_id == *id)) {
                return Err(Refusal::DuplicateClientId);
            }
        }
        rules.check_qty(request.qty, request.kind == OrderKind::Market)?;
        let desk = &self.desks[s];
        match request.kind {
            OrderKind::Limit => {
                rules.check_px(request.price)?;
                if let Some(mark) = desk.mark() {
                    rules.check_band(request.side, request.price, mark)?;
                }
            }
            OrderKind::Market => self.check_counterparty(s, request.side)?,
        }
        let seat = &self.accounts[a].seats[s];
        if seat.orders.len() >= rules.orders_max || desk.book.len() >= self.config.book_orders_max {
            return Err(Refusal::TooManyOrders);
        }
        if request.kind == OrderKind::Limit {
            check_good_till(at, request.time_in_force, request.good_till)?;
        }
        check_closing(seat, request)
    }

    /// A market order needs somebody on the other side, and not too far from the mark.
    fn check_counterparty(&self, s: usize, side: Side) -> Result<(), Refusal> {
        let desk = &self.desks[s];
        let best = if desk.recorded() {
            let level = desk.levels(side.opposite()).first().map(|level| level.0);
            let front = desk.book.front(side.opposite()).map(|(_, order)| order.px);
            match (level, front) {
                (Some(level), Some(front)) if better(side, front, level) => Some(front),
                (level, front) => level.or(front),
            }
        } else {
            desk.market.touch.map(|touch| touch.taker(side))
        };
        let best = best.ok_or(Refusal::UnableToFill)?;
        let mark = desk.mark().ok_or(Refusal::UnableToFill)?;
        let most = self.rules[s].market_take_bound;
        let bound = mark.shifted(Rate::from_raw(most.raw() * side.sign())).unwrap_or(best);
        if better(side, bound, best) { Err(Refusal::CounterpartyOutOfBand) } else { Ok(()) }
    }

    /// The price at which an order is reckoned before it has one.
    pub(super) fn reference_px(&self, order: &OrderRecord) -> Px {
        let desk = &self.desks[order.symbol.index()];
        match order.kind {
            OrderKind::Limit => order.price,
            OrderKind::Market => {
                let level = desk.levels(order.side.opposite()).first().map(|level| level.0);
                let touch = desk.market.touch.map(|touch| touch.taker(order.side));
                level.or(touch).unwrap_or(Px::ZERO)
            }
        }
    }
}

/// Orders that only close need something to close, and not more than is there.
fn check_closing(seat: &Seat, request: &OrderRequest) -> Result<(), Refusal> {
    let held = seat.reducible(request.position_side, request.side);
    let missing = match request.position_side {
        PositionSide::Both => request.reduce_only && !held.is_positive(),
        side => closes(side, request.side) && request.qty > held,
    };
    if missing { Err(Refusal::ReduceOnly) } else { Ok(()) }
}

impl Futures {
    /// What of the money an order binds: nothing when it only closes.
    pub(super) fn bind(
        &self,
        a: usize,
        order: &OrderRecord,
        given_back: Money,
    ) -> Result<Money, Refusal> {
        if order.reduce_only || order.close_position || closes(order.position_side, order.side) {
            return Ok(Money::ZERO);
        }
        let s = order.symbol.index();
        let least = self.rules[s].instrument.notional_min;
        if self.reckoned(s, order) < least {
            return Err(Refusal::MinNotional(least));
        }
        let px = self.reference_px(order);
        self.afford(a, order, px, given_back)
    }
}
