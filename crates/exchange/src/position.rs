//! One position of one symbol: what a fill makes of it.

use crate::margin;
use aegis_types::{Instrument, Money, Nanos, OutOfRange, Px, Qty, Side, SymbolId};
use serde::{Deserialize, Serialize};

/// A position as the venue holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenuePosition {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Long (`Buy`) or short (`Sell`).
    pub side: Side,
    /// Base quantity, positive.
    pub qty: Qty,
    /// Sum of the notionals at which it was entered, less the share of what was closed.
    pub cost: Money,
    /// Isolated margin posted.
    pub margin: Money,
    /// Price at which the margin no longer suffices; none when no positive price takes it there.
    pub liquidation: Option<Px>,
    /// First fill.
    pub opened_at: Nanos,
    /// Session of the order that opened it.
    pub session: u64,
}

impl VenuePosition {
    /// Average entry price; rounded, for reading only. All money is reckoned from `cost`.
    pub fn entry_px(&self) -> Px {
        self.cost.over_qty(self.qty).unwrap_or(Px::ZERO)
    }

    /// Profit if it were closed at `px`, before fees.
    ///
    /// # Errors
    /// [`OutOfRange`] when the notional does not fit.
    pub fn unrealized(&self, px: Px) -> Result<Money, OutOfRange> {
        profit(self.side, self.cost, (px * self.qty)?)
    }
}

/// A trade that changes a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub side: Side,
    pub px: Px,
    pub qty: Qty,
    pub leverage: u16,
    pub at: Nanos,
    pub session: u64,
}

/// What a trade makes of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub after: Option<VenuePosition>,
    /// Profit of the closed part, before fees.
    pub realized: Money,
    /// Quantity that opened or added; zero when the trade only reduced.
    pub opened: Qty,
}

/// Profit of `side` between what was paid in and what came out.
fn profit(side: Side, cost: Money, proceeds: Money) -> Result<Money, OutOfRange> {
    match side {
        Side::Buy => proceeds.minus(cost),
        Side::Sell => cost.minus(proceeds),
    }
}

/// Applies a trade to what is held. A trade against the position reduces it, and past zero opens
/// the other side with the rest.
pub(crate) fn change(
    before: Option<VenuePosition>,
    trade: &Trade,
    instrument: &Instrument,
) -> Result<Change, OutOfRange> {
    let (left, realized, opened) = match before {
        Some(held) if held.side != trade.side => {
            let closed = held.qty.min(trade.qty);
            let (left, realized) = reduce(&held, closed, trade.px)?;
            (left, realized, trade.qty.minus(closed)?)
        }
        held => (held, Money::ZERO, trade.qty),
    };
    let mut after =
        if opened.is_positive() { Some(add(left, opened, trade, instrument)?) } else { left };
    if let Some(position) = &mut after {
        position.liquidation = margin::liquidation_price(position, instrument)?;
    }
    Ok(Change { after, realized, opened })
}

fn add(
    held: Option<VenuePosition>,
    qty: Qty,
    trade: &Trade,
    instrument: &Instrument,
) -> Result<VenuePosition, OutOfRange> {
    let notional = (trade.px * qty)?;
    let margin = notional.split_up(i64::from(trade.leverage))?;
    match held {
        Some(held) => Ok(VenuePosition {
            qty: held.qty.plus(qty)?,
            cost: held.cost.plus(notional)?,
            margin: held.margin.plus(margin)?,
            ..held
        }),
        None => Ok(VenuePosition {
            symbol: instrument.symbol,
            side: trade.side,
            qty,
            cost: notional,
            margin,
            liquidation: None,
            opened_at: trade.at,
            session: trade.session,
        }),
    }
}

/// Closes `closed` of the position. The cost released is rounded up and the margin released down,
/// so that what is left never stands at a higher leverage than before.
fn reduce(
    held: &VenuePosition,
    closed: Qty,
    px: Px,
) -> Result<(Option<VenuePosition>, Money), OutOfRange> {
    let proceeds = (px * closed)?;
    if closed == held.qty {
        return Ok((None, profit(held.side, held.cost, proceeds)?));
    }
    let share = |amount: Money, up: i128| {
        let whole = i128::from(held.qty.raw());
        let part = i128::from(amount.raw()) * i128::from(closed.raw());
        i64::try_from((part + up * (whole - 1)) / whole)
            .map(Money::from_raw)
            .map_err(|_| OutOfRange)
    };
    let cost = share(held.cost, 1)?;
    let left = VenuePosition {
        qty: held.qty.minus(closed)?,
        cost: held.cost.minus(cost)?,
        margin: held.margin.minus(share(held.margin, 0)?)?,
        ..*held
    };
    Ok((Some(left), profit(held.side, cost, proceeds)?))
}
