//! Step machine: positions that nobody here opened: found, told, and taken over where that is
//! wished.

use super::{Account, Desk, Held, changed};
use crate::client::facts::Execution;
use aegis_types::{
    AccountUpdate, Answers, EventBody, FoundPosition, Money, Nanos, OutOfRange, Px, Qty, Rate,
    Round, Side, SymbolId,
};

/// Positions beyond which none is taken over: the engine has places for more, but not for all.
const ADOPTED_MAX: usize = 16;

impl Account {
    /// Positions of others are taken over from now on, with stops this fraction of the price beyond
    /// the worse of entry and mark.
    pub const fn adopt(&mut self, stop: Rate) {
        self.adopts = Some(stop);
    }

    /// A position that was there before anything of ours was sent.
    pub fn found(&mut self, symbol: SymbolId, qty: Qty) {
        let Some(desk) = self.desks.get_mut(symbol.index()) else { return };
        if desk.held.is_none() && !qty.is_zero() {
            (desk.foreign, desk.untold) = (qty, true);
        }
    }

    /// What the exchange holds, as last told; negative when short.
    pub fn standing(&self, symbol: SymbolId) -> Qty {
        let Some(desk) = self.desks.get(symbol.index()) else { return Qty::ZERO };
        let known = Held::signed(desk.held.as_ref()).saturating_plus(desk.foreign);
        desk.differs.map_or(known, |(told, _)| told)
    }

    /// Positions of others that nobody was told of yet.
    pub fn untold(&mut self) -> Option<(SymbolId, Qty)> {
        let fresh = |desk: &mut Desk| core::mem::take(&mut desk.untold) && !desk.foreign.is_zero();
        let index = self.desks.iter_mut().position(fresh)?;
        // SYMBOLS_MAX is far below 2^16.
        Some((SymbolId(index as u16), self.desks[index].foreign))
    }

    /// Takes over what the exchange holds of a symbol beyond ours: from here on it is ours, and
    /// the engine is told. False when that is not wanted, or not possible: without prices, or with
    /// more positions than an engine has places for.
    pub fn take_over(
        &mut self,
        now: Nanos,
        symbol: SymbolId,
        tick: Px,
        answers: &mut Answers,
    ) -> bool {
        let Some(fraction) = self.adopts else { return false };
        let room = self.desks.iter().filter(|desk| desk.held.is_some()).count() < ADOPTED_MAX;
        let Some(desk) = self.desks.get_mut(symbol.index()) else { return false };
        let (entry, mark) = desk.read;
        if !room || desk.foreign.is_zero() || !entry.is_positive() || !mark.is_positive() {
            return false;
        }
        let side = if desk.foreign > Qty::ZERO { Side::Buy } else { Side::Sell };
        let qty = Qty::from_raw(desk.foreign.raw().abs());
        let Ok(stop) = stop_of(side, entry, mark, desk.leverage, fraction, tick) else {
            return false;
        };
        let taken = Execution {
            id: 0,
            order: 0,
            symbol,
            side,
            px: entry,
            qty,
            fee: None,
            realized: Money::ZERO,
            maker: false,
            at_ms: now.as_millis(),
        };
        let Ok(Some(held)) = changed(desk.held, &taken, desk.leverage.max(1)) else { return false };
        desk.base = desk.base.saturating_plus(desk.foreign);
        (desk.held, desk.foreign) = (Some(held), Qty::ZERO);
        desk.since = desk.since.or(Some(now));
        let found = FoundPosition { symbol, side, qty, entry, mark, margin: held.margin, stop };
        answers.push(EventBody::Account(AccountUpdate::Position { found }));
        true
    }
}

/// Where the stop of a position that is taken over stands: so far beyond the worse of entry and
/// mark, but no further than half the way from there to where its margin is used up.
fn stop_of(
    side: Side,
    entry: Px,
    mark: Px,
    leverage: u16,
    fraction: Rate,
    tick: Px,
) -> Result<Px, OutOfRange> {
    let worse = if side == Side::Buy { entry.min(mark) } else { entry.max(mark) };
    let wanted = i128::from(worse.raw()) * i128::from(fraction.raw()) / 100_000_000;
    let lost = (i128::from(entry.raw()) - i128::from(worse.raw())).abs();
    let room = i128::from(entry.raw()) / i128::from(leverage.max(1)) - lost;
    let distance = if room > 0 { wanted.min(room / 2) } else { wanted };
    let distance = Px::from_raw(i64::try_from(distance).map_err(|_| OutOfRange)?);
    let (stop, round) = match side {
        Side::Buy => (worse.minus(distance)?, Round::Down),
        Side::Sell => (worse.plus(distance)?, Round::Up),
    };
    Ok(stop.to_grid(tick, round)?.max(tick))
}
