//! Isolated margin and liquidation, after the exchange's published formulas.
//!
//! Maintenance margin of a bracket is `notional × rate − cum`. A position is liquidated at the
//! price where margin plus unrealised profit equals it:
//!
//! ```text
//! LP = (margin + cum − side·cost) / (qty·rate − side·qty)        side = +1 long, −1 short
//! ```
//!
//! (with `cost = qty × entry`). The bracket that counts is the one at the liquidation price. Since
//! rates rise from bracket to bracket and `cum` keeps the sum continuous, maintenance margin is the
//! largest of the brackets' lines, so the liquidation price is simply the nearest of the brackets'
//! answers: the highest for a long, the lowest for a short. No iteration is needed.

use crate::position::VenuePosition;
use aegis_types::{Bracket, Instrument, Money, OutOfRange, Px, Qty, Rate, Round, SCALE, Side};

/// Where a position is liquidated, on the tick grid, rounded towards earlier; none when no
/// positive price takes the position there.
pub(crate) fn liquidation_price(
    position: &VenuePosition,
    instrument: &Instrument,
) -> Result<Option<Px>, OutOfRange> {
    let mut nearest: Option<Px> = None;
    for bracket in &instrument.brackets {
        let Some(px) = bracket_price(position, bracket)? else { continue };
        nearest = Some(match (nearest, position.side) {
            (None, _) => px,
            (Some(other), Side::Buy) => px.max(other),
            (Some(other), Side::Sell) => px.min(other),
        });
    }
    let round = match position.side {
        Side::Buy => Round::Up,
        Side::Sell => Round::Down,
    };
    let on_grid = nearest.map(|px| px.to_grid(instrument.tick, round)).transpose()?;
    Ok(on_grid.filter(|px| px.is_positive()))
}

/// The formula for one bracket.
fn bracket_price(position: &VenuePosition, bracket: &Bracket) -> Result<Option<Px>, OutOfRange> {
    let side = i128::from(position.side.sign());
    let numerator = i128::from(position.margin.raw()) + i128::from(bracket.deduction.raw())
        - side * i128::from(position.cost.raw());
    let scale = i128::from(SCALE);
    let denominator =
        i128::from(position.qty.raw()) * (i128::from(bracket.rate.raw()) - side * scale);
    if denominator == 0 {
        return Err(OutOfRange);
    }
    // Money over quantity is a price; the denominator carries one more scale from the rate.
    let numerator = numerator.checked_mul(scale * scale).ok_or(OutOfRange)?;
    let (n, d) =
        if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let down = n.div_euclid(d);
    let px = match position.side {
        Side::Buy if n.rem_euclid(d) != 0 => down + 1,
        _ => down,
    };
    if px <= 0 {
        return Ok(None);
    }
    // A short far too rich to be liquidated at any price that fits is not liquidated.
    Ok(i64::try_from(px).ok().map(Px::from_raw))
}

/// What an order binds: the margin of what it opens and the fee of all of it.
pub(crate) fn requirement(
    px: Px,
    qty: Qty,
    opening: Qty,
    leverage: u16,
    fee: Rate,
) -> Result<Money, OutOfRange> {
    let margin = (px * opening)?.split_up(i64::from(leverage))?;
    margin.plus(((px * qty)? * fee)?)
}

/// May a position of this notional stand at this leverage? Beyond the last bracket's cap that
/// bracket's leverage holds on.
pub(crate) fn leverage_allowed(instrument: &Instrument, notional: Money, leverage: u16) -> bool {
    instrument.bracket(notional).is_some_and(|bracket| leverage <= bracket.leverage_max)
}

/// The highest leverage of any bracket.
pub(crate) fn leverage_max(instrument: &Instrument) -> u16 {
    instrument.brackets.iter().map(|bracket| bracket.leverage_max).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{InstrumentOrigin, Nanos, SymbolId};
    use alloc::vec;
    use alloc::vec::Vec;

    fn bracket(floor: i64, cap: i64, rate: &str, deduction: &str, leverage_max: u16) -> Bracket {
        Bracket {
            floor: Money::whole(floor),
            cap: Money::whole(cap),
            rate: rate.parse().unwrap(),
            deduction: deduction.parse().unwrap(),
            leverage_max,
        }
    }

    fn instrument(brackets: Vec<Bracket>) -> Instrument {
        Instrument {
            symbol: SymbolId(0),
            name: "TESTUSDT".into(),
            tick: "0.0001".parse().unwrap(),
            step: "0.001".parse().unwrap(),
            qty_min: "0.001".parse().unwrap(),
            qty_max: Qty::whole(1_000_000),
            notional_min: Money::whole(5),
            taker_fee: "0.0005".parse().unwrap(),
            maker_fee: "0.0002".parse().unwrap(),
            liquidation_fee: "0.0125".parse().unwrap(),
            funding_interval: Nanos::HOUR.times(8),
            brackets,
            origin: InstrumentOrigin::Derived,
        }
    }

    fn position(side: Side, qty: i64, entry: i64, margin: i64) -> VenuePosition {
        VenuePosition {
            symbol: SymbolId(0),
            side,
            qty: Qty::whole(qty),
            cost: Money::whole(qty * entry),
            margin: Money::whole(margin),
            liquidation: None,
            opened_at: Nanos::ZERO,
            session: 0,
        }
    }

    /// The numeric check of the formula's source: EP 100, Q 10, wallet 100, 0.5 %, cum 0.
    #[test]
    fn the_published_example_gives_the_published_prices() {
        let instrument = instrument(vec![bracket(0, 1_000_000, "0.005", "0", 125)]);
        let px = |side| liquidation_price(&position(side, 10, 100, 100), &instrument).unwrap();
        assert_eq!(px(Side::Buy), Some("90.4523".parse().unwrap()));
        assert_eq!(px(Side::Sell), Some("109.4527".parse().unwrap()));
    }

    #[test]
    fn an_unlevered_long_has_no_liquidation_price_and_a_short_always_has() {
        let instrument = instrument(vec![bracket(0, 1_000_000, "0.005", "0", 125)]);
        let of = |side| liquidation_price(&position(side, 10, 100, 1_000), &instrument).unwrap();
        assert_eq!(of(Side::Buy), None);
        assert_eq!(of(Side::Sell), Some("199.0049".parse().unwrap()));
    }

    /// At the price found, equity has reached maintenance; one tick before it has not.
    #[test]
    fn equity_meets_maintenance_across_brackets() {
        let instrument = instrument(vec![
            bracket(0, 10_000, "0.005", "0", 75),
            bracket(10_000, 50_000, "0.01", "50", 50),
            bracket(50_000, 1_000_000, "0.025", "800", 20),
        ]);
        for qty in [50, 90, 99, 100, 101, 110, 400, 499, 500, 520, 900, 5_000] {
            for leverage in [2, 3, 5, 10, 19] {
                for side in [Side::Buy, Side::Sell] {
                    let held = position(side, qty, 100, qty * 100 / leverage);
                    let px = liquidation_price(&held, &instrument).unwrap().unwrap();
                    let tick = Px::from_raw(instrument.tick.raw() * side.sign());
                    let slack = |px: Px| {
                        let equity = held.margin.plus(held.unrealized(px).unwrap()).unwrap();
                        let notional = (px * held.qty).unwrap();
                        equity.minus(instrument.maintenance(notional).unwrap()).unwrap()
                    };
                    let before = px.plus(tick).unwrap();
                    assert!(slack(before).is_positive(), "{qty} {leverage} {side}: too late");
                    let behind = px.minus(tick).unwrap();
                    assert!(!slack(behind).is_positive(), "{qty} {leverage} {side}: too early");
                }
            }
        }
    }

    #[test]
    fn leverage_is_capped_by_the_bracket_of_the_notional() {
        let instrument = instrument(vec![
            bracket(0, 10_000, "0.005", "0", 75),
            bracket(10_000, 50_000, "0.01", "50", 50),
        ]);
        assert!(leverage_allowed(&instrument, Money::whole(9_999), 75));
        assert!(!leverage_allowed(&instrument, Money::whole(10_000), 75));
        assert!(leverage_allowed(&instrument, Money::whole(90_000), 50));
        assert!(!leverage_allowed(&instrument, Money::whole(90_000), 51));
        assert_eq!(leverage_max(&instrument), 75);
    }
}
