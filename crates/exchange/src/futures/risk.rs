//! Margin of accounts: what is available, what an order needs, where positions are liquidated.
//!
//! Isolated positions stand alone, by the arithmetic of [`crate::margin`]. Cross positions share
//! the cross wallet: equity is that wallet and the unrealised profit of all cross positions at
//! their marks, and they are liquidated when it has come down to the sum of their maintenance
//! margins. The liquidation price of one of them is the exchange's published formula, which holds
//! the other contracts where they are:
//!
//! ```text
//! LP = (WB − TMM₁ + UPNL₁ + cum − side·cost) / (qty·rate − side·qty)
//! ```
//!
//! With WB, TMM₁ and UPNL₁ as the margin this is the isolated formula, so the same code serves. In
//! hedge mode numerator and denominator hold both sides of the symbol.

use super::Futures;
use super::names::PositionSide;
use super::record::OrderRecord;
use super::refusal::Refusal;
use super::state::{Account, Held, Seat};
use crate::margin;
use crate::position::VenuePosition;
use aegis_types::{Instrument, Money, OutOfRange, Px, Qty, Round, SCALE, Side};

/// Sums over cross positions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cross {
    pub unrealized: i128,
    pub initial: i128,
    pub maintenance: i128,
}

fn clamped(sum: i128) -> Money {
    Money::from_raw(sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

impl Futures {
    /// Unrealised profit, initial and maintenance margin of a position at the mark.
    pub(super) fn measures(&self, s: usize, seat: &Seat, held: &Held) -> (Money, Money, Money) {
        let position = &held.position;
        let mark = self.desks[s].mark().unwrap_or(position.entry_px());
        let notional = (mark * position.qty).unwrap_or(Money::MAX);
        let initial = notional.split_up(i64::from(seat.leverage)).unwrap_or(notional);
        let maintenance = self.rules[s].instrument.maintenance(notional).unwrap_or(notional);
        (position.unrealized(mark).unwrap_or(Money::ZERO), initial, maintenance)
    }

    /// Sums over the cross positions of an account, but for one symbol.
    pub(super) fn cross(&self, account: &Account, without: Option<usize>) -> Cross {
        let mut sums = Cross::default();
        for (s, seat) in account.seats.iter().enumerate() {
            if without == Some(s) || !seat.is_cross() {
                continue;
            }
            for held in seat.held.iter().flatten() {
                let (unrealized, initial, maintenance) = self.measures(s, seat, held);
                sums.unrealized += i128::from(unrealized.raw());
                sums.initial += i128::from(initial.raw());
                sums.maintenance += i128::from(maintenance.raw());
            }
        }
        sums
    }

    /// What a new order may bind: the cross wallet with the cross positions' profit, less what
    /// those and open orders bind.
    pub(super) fn available(&self, a: usize) -> Money {
        let account = &self.accounts[a];
        let cross = self.cross(account, None);
        clamped(
            i128::from(account.wallet.raw())
                - i128::from(account.posted.raw())
                - i128::from(account.reserved.raw())
                + cross.unrealized
                - cross.initial,
        )
    }

    /// What an order binds, or why it may not open what it would.
    pub(super) fn afford(
        &self,
        a: usize,
        order: &OrderRecord,
        px: Px,
        given_back: Money,
    ) -> Result<Money, Refusal> {
        let s = order.symbol.index();
        let seat = &self.accounts[a].seats[s];
        let closing = seat.reducible(order.position_side, order.side).min(order.leaves());
        let instrument = &self.rules[s].instrument;
        let fee = self.taker_fee(a, s);
        let sums = || -> Result<(Money, Money), OutOfRange> {
            let opening = order.leaves().minus(closing)?;
            let held = seat.held[super::state::slot(order.position_side)]
                .filter(|held| held.position.side == order.side);
            let entry = held.map_or(Money::ZERO, |held| held.position.cost);
            Ok((
                margin::requirement(px, order.leaves(), opening, seat.leverage, fee)?,
                entry.plus((px * opening)?)?,
            ))
        };
        let (needed, notional) = sums().map_err(|_| Refusal::QtyTooLarge)?;
        if !margin::leverage_allowed(instrument, notional, seat.leverage) {
            return Err(Refusal::PositionTooLarge);
        }
        if needed > self.available(a).saturating_plus(given_back) {
            return Err(Refusal::Margin);
        }
        Ok(needed)
    }

    /// Where a position is liquidated.
    pub(super) fn liquidation_px(&self, a: usize, s: usize, which: PositionSide) -> Option<Px> {
        let account = &self.accounts[a];
        let seat = &account.seats[s];
        let held = seat.held[super::state::slot(which)]?;
        if !seat.is_cross() {
            return held.position.liquidation;
        }
        let others = self.cross(account, Some(s));
        let wallet = i128::from(account.cross_wallet().raw());
        let margin = clamped(wallet - others.maintenance + others.unrealized);
        let instrument = &self.rules[s].instrument;
        match seat.held {
            [Some(long), Some(short)] => {
                let mark = self.desks[s].mark()?;
                hedged_px(margin, &long.position, &short.position, instrument, mark)
            }
            _ => {
                let position = VenuePosition { margin, ..held.position };
                margin::liquidation_price(&position, instrument).ok().flatten()
            }
        }
    }
}

/// The liquidation price of a long and a short of one symbol that share a margin; none when they
/// cancel out or no positive price takes them there. The brackets are those at the mark, and once
/// more those at the price found.
fn hedged_px(
    margin: Money,
    long: &VenuePosition,
    short: &VenuePosition,
    instrument: &Instrument,
    mark: Px,
) -> Option<Px> {
    let mut at = mark;
    let mut found = None;
    for _ in 0..2 {
        let bracket = |position: &VenuePosition| {
            instrument.bracket((at * position.qty).unwrap_or(Money::MAX))
        };
        let (l, s) = (bracket(long)?, bracket(short)?);
        let raw = |money: Money| i128::from(money.raw());
        let numerator =
            raw(margin) - raw(long.cost) + raw(short.cost) + raw(l.deduction) + raw(s.deduction);
        let scale = i128::from(SCALE);
        let side = |qty: Qty, rate: i64, sign: i128| {
            i128::from(qty.raw()) * (i128::from(rate) - sign * scale)
        };
        let denominator = side(long.qty, l.rate.raw(), 1) + side(short.qty, s.rate.raw(), -1);
        if denominator == 0 {
            return None;
        }
        let px = numerator.checked_mul(scale * scale)? / denominator;
        let px = Px::from_raw(i64::try_from(px).ok().filter(|px| *px > 0)?);
        let round = if denominator < 0 { Round::Up } else { Round::Down };
        at = px.to_grid(instrument.tick, round).ok()?;
        found = Some(at);
    }
    // Already beyond the mark on the side that is safe: nothing is due there.
    found
}

/// Has the price come to a liquidation price on its way?
pub(super) fn touched(net: Side, px: Px, low: Px, high: Px) -> bool {
    match net {
        Side::Buy => low <= px,
        Side::Sell => high >= px,
    }
}

/// On which side a seat loses when the price falls (`Buy`) or rises.
pub(super) fn exposed(seat: &Seat, which: PositionSide) -> Option<Side> {
    if seat.is_cross() {
        let net: i64 = seat.held.iter().flatten().map(|held| held.signed().raw()).sum();
        return match net {
            0 => None,
            net if net > 0 => Some(Side::Buy),
            _ => Some(Side::Sell),
        };
    }
    seat.held[super::state::slot(which)].map(|held| held.position.side)
}
