//! What the exchange says of a symbol: grids, minimums, fees, margin brackets, funding interval.

use crate::fixed::{Money, OutOfRange, Px, Qty, Rate, Round};
use crate::symbol::SymbolId;
use crate::time::Nanos;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Where an instrument's numbers come from; printed wherever it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstrumentOrigin {
    /// A file in the exchange's format.
    File,
    /// The table of major symbols in this program.
    BuiltIn,
    /// Derived from the data: finest steps seen, one stated conservative bracket. Simulation only.
    Derived,
}

/// One margin bracket: `maintenance = notional × rate − deduction` for notionals in `floor..cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bracket {
    /// Notional from which the bracket holds, inclusive.
    pub floor: Money,
    /// Notional at which it ends, exclusive.
    pub cap: Money,
    /// Maintenance margin rate.
    pub rate: Rate,
    /// The `cum` of the exchange: keeps maintenance margin continuous across brackets.
    pub deduction: Money,
    /// Highest leverage that may be set in this bracket.
    pub leverage_max: u16,
}

/// A tradable symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its id in the session.
    pub symbol: SymbolId,
    /// Its exchange name.
    pub name: String,
    /// Price grid.
    pub tick: Px,
    /// Quantity grid.
    pub step: Qty,
    /// Smallest order quantity.
    pub qty_min: Qty,
    /// Largest order quantity.
    pub qty_max: Qty,
    /// Smallest notional of an order that is not reduce-only.
    pub notional_min: Money,
    /// Fee of an order that takes liquidity.
    pub taker_fee: Rate,
    /// Fee of an order that rests.
    pub maker_fee: Rate,
    /// Fee on the notional of a liquidation.
    pub liquidation_fee: Rate,
    /// Time between two fundings.
    pub funding_interval: Nanos,
    /// Margin brackets by rising notional, the first from zero, without holes.
    pub brackets: Vec<Bracket>,
    /// Where these numbers come from.
    pub origin: InstrumentOrigin,
}

/// The numbers that every order of a symbol must satisfy; a venue may change them at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// Price grid.
    pub tick: Px,
    /// Quantity grid.
    pub step: Qty,
    /// Smallest order quantity.
    pub qty_min: Qty,
    /// Largest order quantity.
    pub qty_max: Qty,
    /// Smallest notional of an order that is not reduce-only.
    pub notional_min: Money,
}

impl Filters {
    /// Can anything be ordered under them?
    pub fn usable(&self) -> bool {
        let grids = self.tick.is_positive() && self.step.is_positive();
        grids && self.qty_max.is_positive() && !self.qty_min.is_negative()
    }

    /// The least that an order may be of.
    pub fn least(&self) -> Qty {
        self.qty_min.max(self.step)
    }

    /// What of a quantity an order may carry; zero when it is too small for any.
    pub fn orderable(&self, qty: Qty) -> Qty {
        let on_grid = qty.to_grid(self.step, Round::Down).unwrap_or(Qty::ZERO);
        if on_grid < self.qty_min { Qty::ZERO } else { on_grid }
    }
}

impl Instrument {
    /// Its filters.
    pub const fn filters(&self) -> Filters {
        let Self { tick, step, qty_min, qty_max, notional_min, .. } = *self;
        Filters { tick, step, qty_min, qty_max, notional_min }
    }

    /// The venue has changed its filters.
    pub const fn set_filters(&mut self, filters: &Filters) {
        let Filters { tick, step, qty_min, qty_max, notional_min } = *filters;
        (self.tick, self.step) = (tick, step);
        (self.qty_min, self.qty_max, self.notional_min) = (qty_min, qty_max, notional_min);
    }

    /// The bracket that holds for a notional; the last one for anything beyond.
    pub fn bracket(&self, notional: Money) -> Option<&Bracket> {
        self.brackets.iter().find(|b| notional < b.cap).or(self.brackets.last())
    }

    /// Maintenance margin of a position of this notional (binance.md §8), never below zero.
    ///
    /// # Errors
    /// [`OutOfRange`] on overflow or without brackets.
    pub fn maintenance(&self, notional: Money) -> Result<Money, OutOfRange> {
        let bracket = self.bracket(notional).ok_or(OutOfRange)?;
        Ok((notional * bracket.rate)?.minus(bracket.deduction)?.max(Money::ZERO))
    }
}
