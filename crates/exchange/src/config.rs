//! What may be set, and why a configuration or a list of instruments is refused.

use aegis_types::{Instrument, Money, Nanos, Rate};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;

/// Settings of the simulated exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeConfig {
    /// Key of every random draw; the same seed gives the same latencies and slippages.
    pub seed: u64,
    /// Deposit at the start, in the quote asset.
    pub balance: Money,
    /// Shortest way of an order to the venue.
    pub latency_min: Nanos,
    /// Longest way of an order to the venue.
    pub latency_max: Nanos,
    /// Mean slippage of a taking order in basis points of the price. Draws are uniform from zero
    /// to twice this, rounded to the next tick against the taker, and never leave what was shown.
    pub slippage_bps: f64,
    /// Leverage of a symbol until it is set.
    pub leverage_default: u16,
    /// Open orders that one symbol holds; one more is rejected.
    pub orders_per_symbol: u16,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            balance: Money::whole(10_000),
            latency_min: Nanos::from_millis(5),
            latency_max: Nanos::from_millis(40),
            slippage_bps: 0.5,
            leverage_default: 1,
            orders_per_symbol: 32,
        }
    }
}

impl ExchangeConfig {
    /// Checks all values.
    ///
    /// # Errors
    /// Every violation at once, each as a sentence with the remedy.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        if !self.balance.is_positive() {
            wrong.push(format!(
                "sim balance {} must be positive; nothing can be traded without money",
                self.balance
            ));
        }
        if self.latency_min < Nanos::ZERO
            || self.latency_max < self.latency_min
            || self.latency_max > Nanos::MINUTE
        {
            wrong.push(format!(
                "sim latency {} to {} ns must be a range between 0 and 60 s; order the two",
                self.latency_min.0, self.latency_max.0
            ));
        }
        if !(0.0..=1_000.0).contains(&self.slippage_bps) {
            wrong.push(format!(
                "sim slippage {} bps must be between 0 and 1000; 0.5 is usual",
                self.slippage_bps
            ));
        }
        if !(1..=125).contains(&self.leverage_default) {
            wrong.push(format!(
                "sim default leverage {} must be between 1 and 125",
                self.leverage_default
            ));
        }
        if !(1..=1_024).contains(&self.orders_per_symbol) {
            wrong.push(format!(
                "sim orders per symbol {} must be between 1 and 1024",
                self.orders_per_symbol
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Twice the mean slippage: the largest draw.
    pub(crate) fn slippage_max(&self) -> Rate {
        Rate::from_f64(self.slippage_bps * 2.0 / 10_000.0).unwrap_or(Rate::ZERO)
    }
}

/// Why an exchange cannot open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeError {
    /// Every violation found.
    pub violations: Vec<String>,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated exchange cannot open: ")?;
        f.write_str(&self.violations.join("; "))
    }
}

impl core::error::Error for ExchangeError {}

/// All that is wrong with a list of instruments for this exchange.
pub(crate) fn instrument_faults(instruments: &[Instrument]) -> Vec<String> {
    let mut wrong = vec![];
    for (index, instrument) in instruments.iter().enumerate() {
        let name = &instrument.name;
        if instrument.symbol.index() != index {
            wrong.push(format!(
                "instrument {name} has id {} at place {index}; list instruments by symbol id",
                instrument.symbol.0
            ));
        }
        if !(instrument.tick.is_positive() && instrument.step.is_positive()) {
            wrong.push(format!("instrument {name}: tick and step must be positive"));
        }
        if !instrument.qty_min.is_positive() || instrument.qty_max < instrument.qty_min {
            wrong.push(format!(
                "instrument {name}: quantities from {} to {} are not a positive range",
                instrument.qty_min, instrument.qty_max
            ));
        }
        let fees = [instrument.taker_fee, instrument.liquidation_fee];
        let one = Rate::whole(1);
        if fees.iter().any(|fee| fee.is_negative() || *fee >= one)
            || instrument.maker_fee.abs() >= one
        {
            wrong.push(format!("instrument {name}: a fee is not a fraction below 1"));
        }
        if let Some(fault) = bracket_fault(instrument) {
            wrong.push(format!("instrument {name}: {fault}"));
        }
    }
    wrong
}

/// Rates must rise with the notional: only then is the nearest of the brackets' liquidation prices
/// the true one (see `margin`).
fn bracket_fault(instrument: &Instrument) -> Option<&'static str> {
    let brackets = &instrument.brackets;
    let Some(first) = brackets.first() else {
        return Some("it has no margin bracket");
    };
    if !first.floor.is_zero() {
        return Some("its first margin bracket does not begin at zero");
    }
    let one = Rate::whole(1);
    if brackets.iter().any(|b| b.rate.is_negative() || b.rate >= one || b.leverage_max == 0) {
        return Some("a margin bracket has a rate outside 0..1 or no leverage");
    }
    let joined = brackets.windows(2).all(|pair| {
        pair[0].cap == pair[1].floor && pair[0].rate <= pair[1].rate && pair[0].cap > pair[0].floor
    });
    (!joined).then_some("its margin brackets have holes or falling rates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_all_violations_are_named_at_once() {
        assert_eq!(ExchangeConfig::default().check(), Ok(()));
        let config = ExchangeConfig {
            balance: Money::ZERO,
            latency_min: Nanos::SECOND,
            latency_max: Nanos::ZERO,
            slippage_bps: f64::NAN,
            leverage_default: 0,
            orders_per_symbol: 0,
            seed: 0,
        };
        assert_eq!(config.check().map_err(|all| all.len()), Err(5));
    }

    #[test]
    fn the_largest_slippage_is_twice_the_mean() {
        let config = ExchangeConfig { slippage_bps: 0.5, ..ExchangeConfig::default() };
        assert_eq!(config.slippage_max(), Rate::from_raw(10_000));
    }
}
