//! Which markets to generate, and what is fixed about each symbol.

use crate::edge::DRIFT_MINUTES;
use crate::random::mix;
use crate::ticks::MarketTicks;
use aegis_types::{
    Bracket, Instrument, InstrumentOrigin, Money, Nanos, Px, Qty, Rate, SYMBOLS_MAX, SymbolId,
    SymbolTable,
};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Which markets to generate. The same spec gives the same ticks, on every machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketSpec {
    /// Key of every random draw.
    pub seed: u64,
    /// How many symbols, at most [`SYMBOLS_MAX`]. A symbol's ticks do not depend on how many there
    /// are.
    pub symbols: u16,
    /// How many days of 24 h.
    pub days: u32,
    /// First minute; floored to a whole minute.
    pub start: Nanos,
    /// Strength of the planted edge: the expected move in the [`DRIFT_MINUTES`] after a sweep, in
    /// standard deviations of a move of that length. 0 = none.
    pub edge: f64,
    /// Also one book update a minute and symbol, half-way: one tick around the open, marked as
    /// derived.
    pub books: bool,
}

impl Default for MarketSpec {
    fn default() -> Self {
        Self {
            seed: 20_250_106,
            symbols: 10,
            days: 10,
            start: Nanos::from_civil(2025, 1, 6),
            edge: 0.0,
            books: false,
        }
    }
}

/// What is fixed about a symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Profile {
    /// Price grid.
    pub tick: Px,
    /// Quantity grid.
    pub step: Qty,
    /// First price, in ticks; the price is drawn back to it very slowly.
    pub base_ticks: i64,
    /// Standard deviation of a day's return.
    pub daily: f64,
    /// Loading on the shared factor.
    pub loading: f64,
    /// Mean turnover a minute in quote units.
    pub turnover: f64,
}

/// Tick and step in units of 1e-8, first price in ticks, daily volatility in percent, loading,
/// turnover a minute in thousands. Grids and turnovers are like those of large and middling
/// futures; prices are round numbers of our own.
const PROFILES: [(i64, i64, i64, f64, f64, f64); 10] = [
    (10_000_000, 100_000, 430_000, 3.0, 0.85, 4_000.0),
    (1_000_000, 100_000, 260_000, 3.6, 0.83, 2_500.0),
    (1_000_000, 1_000_000, 31_000, 3.3, 0.75, 400.0),
    (1_000_000, 1_000_000, 9_800, 4.6, 0.78, 900.0),
    (100_000, 10_000_000, 24_000, 4.4, 0.72, 250.0),
    (100_000, 10_000_000, 13_500, 5.2, 0.70, 200.0),
    (100_000, 10_000_000, 7_200, 4.8, 0.66, 120.0),
    (10_000, 100_000_000, 5_200, 5.4, 0.74, 300.0),
    (1_000, 100_000_000, 31_000, 5.0, 0.68, 150.0),
    (1_000, 100_000_000, 8_500, 6.0, 0.60, 180.0),
];

impl Profile {
    /// The profile of the symbol with this index: one of ten, and from the eleventh symbol on the
    /// same ten with other prices and volatilities.
    pub(crate) fn of(index: usize) -> Self {
        let (tick, step, base, daily, loading, turnover) = PROFILES[index % PROFILES.len()];
        // 0 for the first ten; else from -1/2 to 1/2.
        let shift = if index < PROFILES.len() {
            0.0
        } else {
            (mix(index as u64) % 1_001) as f64 / 1_000.0 - 0.5
        };
        Self {
            tick: Px::from_raw(tick),
            step: Qty::from_raw(step),
            base_ticks: (base as f64 * (1.0 + shift)) as i64,
            daily: (daily * (1.0 + shift * 0.2)).clamp(3.0, 6.0) / 100.0,
            loading,
            turnover: turnover * 1_000.0 * (1.0 + shift),
        }
    }

    /// Expected move of a planted drift of strength 1, as a fraction of the price.
    pub(crate) fn drift_unit(&self) -> f64 {
        self.daily * libm::sqrt(f64::from(DRIFT_MINUTES) / 1_440.0)
    }
}

impl MarketSpec {
    /// How many symbols there are.
    pub fn symbol_count(&self) -> usize {
        usize::from(self.symbols).min(SYMBOLS_MAX)
    }

    /// How many minutes there are.
    pub fn minutes(&self) -> u64 {
        u64::from(self.days) * 1_440
    }

    /// The first instant after the last minute.
    pub fn until(&self) -> Nanos {
        let minutes = i64::try_from(self.minutes()).unwrap_or(i64::MAX);
        self.start.floor(Nanos::MINUTE).after(Nanos::MINUTE.times(minutes))
    }

    fn name(index: usize) -> String {
        format!("GEN{index:03}USDT")
    }

    /// `GEN000USDT`, `GEN001USDT`, …; ids are positions.
    pub fn symbol_table(&self) -> SymbolTable {
        // The names are well formed, different and few enough, so this never falls back.
        SymbolTable::new((0..self.symbol_count()).map(Self::name)).unwrap_or_default()
    }

    /// The instruments: grids of the generator, fees and margin brackets as assumed for middling
    /// futures. Origin `Derived`: simulation only.
    pub fn instruments(&self) -> Vec<Instrument> {
        (0..self.symbol_count()).map(instrument).collect()
    }

    /// Expected move after a sweep of this symbol, as a fraction of the price: `edge` times the
    /// standard deviation of a move over [`DRIFT_MINUTES`].
    pub fn planted_move(&self, symbol: SymbolId) -> f64 {
        self.edge * Profile::of(symbol.index()).drift_unit()
    }

    /// The ticks, in time order: at one instant all closes before all opens, then by symbol.
    pub fn ticks(&self) -> MarketTicks {
        MarketTicks::new(self)
    }
}

fn instrument(index: usize) -> Instrument {
    let profile = Profile::of(index);
    let bracket = |floor, cap, rate: i64, deduction, leverage_max| Bracket {
        floor: Money::whole(floor),
        cap: Money::whole(cap),
        rate: Rate::from_raw(rate),
        deduction: Money::whole(deduction),
        leverage_max,
    };
    Instrument {
        // At most SYMBOLS_MAX, which fits.
        symbol: SymbolId(index as u16),
        name: MarketSpec::name(index),
        tick: profile.tick,
        step: profile.step,
        qty_min: profile.step,
        qty_max: Qty::from_raw(profile.step.raw() * 1_000_000),
        notional_min: Money::whole(5),
        taker_fee: Rate::from_raw(50_000),
        maker_fee: Rate::from_raw(20_000),
        liquidation_fee: Rate::from_raw(1_250_000),
        funding_interval: Nanos::HOUR.times(8),
        brackets: vec![
            bracket(0, 50_000, 500_000, 0, 75),
            bracket(50_000, 250_000, 1_000_000, 250, 50),
            bracket(250_000, 10_000_000_000, 2_500_000, 4_000, 20),
        ],
        origin: InstrumentOrigin::Derived,
    }
}
