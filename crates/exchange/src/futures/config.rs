//! What may be set of a venue, a symbol and an account.

use super::names::{MarginType, SymbolStatus};
use aegis_types::{Instrument, Money, Px, Qty, Rate};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Settings of the venue. Every table has its capacity here; a full one is a refusal, a full
/// history forgets its oldest entry.
#[derive(Clone, Debug, PartialEq)]
pub struct FuturesConfig {
    /// Key of every draw.
    pub seed: u64,
    /// Mean slippage of a taking order on candle data in basis points of the price, drawn as
    /// [`ExchangeConfig`](crate::ExchangeConfig) says.
    pub slippage_bps: f64,
    /// Notional that each derived level states.
    pub derived_notional: Money,
    /// Levels on each side of a derived book.
    pub derived_levels: usize,
    /// Leverage of a symbol until an account sets it.
    pub leverage_default: u16,
    /// Accounts.
    pub accounts_max: usize,
    /// Open orders of all accounts in one symbol's book.
    pub book_orders_max: usize,
    /// Waiting conditional orders of one account, over all symbols.
    pub algos_max: usize,
    /// Ended orders, ended conditional orders, trades and incomes kept of an account, each.
    pub history_max: usize,
    /// Levels of a recorded book kept on each side.
    pub depth_max: usize,
    /// How often one order may be amended.
    pub amends_max: u32,
}

impl Default for FuturesConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            slippage_bps: 0.5,
            derived_notional: Money::whole(100_000),
            derived_levels: 20,
            leverage_default: 20,
            accounts_max: 64,
            book_orders_max: 10_000,
            algos_max: 200,
            history_max: 100_000,
            depth_max: 1_000,
            amends_max: 10_000,
        }
    }
}

impl FuturesConfig {
    /// Twice the mean slippage: the largest draw.
    pub(super) fn slippage_max(&self) -> Rate {
        Rate::from_f64(self.slippage_bps * 2.0 / 10_000.0).unwrap_or(Rate::ZERO)
    }

    /// All that is wrong with the values.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !(0.0..=1_000.0).contains(&self.slippage_bps) {
            wrong.push(format!(
                "slippage {} bps must be between 0 and 1000; 0.5 is usual",
                self.slippage_bps
            ));
        }
        if !self.derived_notional.is_positive() {
            wrong.push(format!(
                "the notional {} of a derived level must be positive",
                self.derived_notional
            ));
        }
        if !(1..=125).contains(&self.leverage_default) {
            wrong.push(format!(
                "default leverage {} must be between 1 and 125",
                self.leverage_default
            ));
        }
        let tables = [
            ("accounts", self.accounts_max, 60_000),
            ("orders of a book", self.book_orders_max, 1_000_000),
            ("conditional orders", self.algos_max, 10_000),
            ("entries of a history", self.history_max, 10_000_000),
            ("levels of a recorded book", self.depth_max, 100_000),
            ("levels of a derived book", self.derived_levels, 1_000),
        ];
        for (what, value, most) in tables {
            if !(1..=most).contains(&value) {
                wrong.push(format!("room for {value} {what} must be between 1 and {most}"));
            }
        }
        wrong
    }
}

/// A symbol with the exchange's filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolRules {
    /// Grids, least and largest quantity, fees, brackets.
    pub instrument: Instrument,
    /// May it be traded?
    pub status: SymbolStatus,
    /// Smallest price.
    pub price_min: Px,
    /// Largest price.
    pub price_max: Px,
    /// Largest quantity of a market order.
    pub market_qty_max: Qty,
    /// A buy's price is at most this many times the mark.
    pub percent_up: Rate,
    /// A sell's price is at least this many times the mark.
    pub percent_down: Rate,
    /// With price protection, a trigger counts only while mark and last are at most so far apart.
    pub trigger_protect: Rate,
    /// A market order is refused when the best price of the other side is further from the mark.
    pub market_take_bound: Rate,
    /// Open orders of one account.
    pub orders_max: usize,
    /// Decimals that a price may have; one more than its tick, as with the exchange's majors, so
    /// that a price between two ticks is told from one of too many decimals.
    pub price_precision: u8,
    /// Decimals that a quantity may have.
    pub qty_precision: u8,
}

/// Decimals of a number in units of 1e-8.
pub(super) const fn decimals(raw: i64) -> u8 {
    let (mut raw, mut decimals) = (raw, 8);
    while decimals > 0 && raw % 10 == 0 {
        raw /= 10;
        decimals -= 1;
    }
    decimals
}

impl SymbolRules {
    /// The rules of an instrument, with the exchange's usual values where it does not say.
    pub fn of(instrument: &Instrument) -> Self {
        Self {
            status: SymbolStatus::Trading,
            price_min: instrument.tick,
            price_max: Px::whole(10_000_000),
            market_qty_max: instrument.qty_max,
            percent_up: Rate::from_raw(105_000_000),
            percent_down: Rate::from_raw(95_000_000),
            trigger_protect: Rate::from_raw(5_000_000),
            market_take_bound: Rate::from_raw(5_000_000),
            orders_max: 200,
            price_precision: (decimals(instrument.tick.raw()) + 1).min(8),
            qty_precision: decimals(instrument.step.raw()),
            instrument: instrument.clone(),
        }
    }
}

/// An account to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Paid in at the start.
    pub balance: Money,
    /// Maker fee on all symbols; the instrument's where none is given.
    pub maker_fee: Option<Rate>,
    /// Taker fee on all symbols; the instrument's where none is given.
    pub taker_fee: Option<Rate>,
    /// Hedge mode.
    pub dual_side: bool,
    /// Multi-assets mode.
    pub multi_assets: bool,
    /// Margin type of every symbol until it is set.
    pub margin_type: MarginType,
    /// Leverage of every symbol until it is set; the venue's default where none is given.
    pub leverage: Option<u16>,
}

impl Default for AccountConfig {
    fn default() -> Self {
        Self {
            balance: Money::whole(10_000),
            maker_fee: None,
            taker_fee: None,
            dual_side: false,
            multi_assets: false,
            margin_type: MarginType::Crossed,
            leverage: None,
        }
    }
}
