//! The built-in table of major symbols: plausible USDⓈ-M figures of 2025, a table of this program
//! and not the exchange's answer. `--instruments FILE` replaces it.

use aegis_types::{
    Bracket, Instrument, InstrumentOrigin, Money, Nanos, Px, Qty, Rate, SCALE, SymbolId,
};

/// Cap of the bracket in whole USDT, maintenance rate in 1e-4, highest leverage.
type Ladder = &'static [(i64, i64, u16)];

const BTC: Ladder = &[
    (300_000, 40, 125),
    (800_000, 50, 100),
    (3_000_000, 65, 75),
    (12_000_000, 100, 50),
    (70_000_000, 200, 25),
    (100_000_000, 250, 20),
    (230_000_000, 500, 10),
    (480_000_000, 1_000, 5),
    (600_000_000, 1_250, 4),
    (800_000_000, 1_500, 3),
    (1_200_000_000, 2_500, 2),
    (1_800_000_000, 5_000, 1),
];

const ETH: Ladder = &[
    (300_000, 40, 125),
    (800_000, 50, 100),
    (3_000_000, 65, 75),
    (12_000_000, 100, 50),
    (50_000_000, 200, 25),
    (65_000_000, 250, 20),
    (150_000_000, 500, 10),
    (320_000_000, 1_000, 5),
    (400_000_000, 1_250, 4),
    (530_000_000, 1_500, 3),
    (800_000_000, 2_500, 2),
    (1_200_000_000, 5_000, 1),
];

const LARGE: Ladder = &[
    (10_000, 65, 75),
    (90_000, 100, 50),
    (650_000, 200, 25),
    (1_300_000, 250, 20),
    (6_500_000, 500, 10),
    (13_000_000, 1_000, 5),
    (16_000_000, 1_250, 4),
    (32_000_000, 2_500, 2),
    (60_000_000, 5_000, 1),
];

/// Name, tick, step, largest market order, least notional in USDT, margin ladder.
type Major = (&'static str, &'static str, &'static str, i64, i64, Ladder);

const TABLE: &[Major] = &[
    ("ADAUSDT", "0.0001", "1", 2_000_000, 5, LARGE),
    ("APTUSDT", "0.001", "0.1", 30_000, 5, LARGE),
    ("ARBUSDT", "0.0001", "0.1", 1_000_000, 5, LARGE),
    ("ATOMUSDT", "0.001", "0.01", 30_000, 5, LARGE),
    ("AVAXUSDT", "0.001", "1", 20_000, 5, LARGE),
    ("BCHUSDT", "0.01", "0.001", 1_000, 20, LARGE),
    ("BNBUSDT", "0.01", "0.01", 2_000, 5, LARGE),
    ("BTCUSDT", "0.1", "0.001", 120, 50, BTC),
    ("DOGEUSDT", "0.00001", "1", 30_000_000, 5, LARGE),
    ("DOTUSDT", "0.001", "0.1", 100_000, 5, LARGE),
    ("ETCUSDT", "0.001", "0.01", 20_000, 20, LARGE),
    ("ETHUSDT", "0.01", "0.001", 2_000, 20, ETH),
    ("FILUSDT", "0.001", "0.1", 50_000, 5, LARGE),
    ("LINKUSDT", "0.001", "0.01", 20_000, 20, LARGE),
    ("LTCUSDT", "0.01", "0.001", 5_000, 20, LARGE),
    ("NEARUSDT", "0.001", "1", 200_000, 5, LARGE),
    ("OPUSDT", "0.0001", "0.1", 500_000, 5, LARGE),
    ("SOLUSDT", "0.01", "0.01", 5_000, 5, LARGE),
    ("SUIUSDT", "0.0001", "0.1", 500_000, 5, LARGE),
    ("TRXUSDT", "0.00001", "1", 10_000_000, 5, LARGE),
    ("UNIUSDT", "0.001", "1", 50_000, 5, LARGE),
    ("XLMUSDT", "0.00001", "1", 5_000_000, 5, LARGE),
    ("XRPUSDT", "0.0001", "0.1", 2_000_000, 5, LARGE),
];

/// The names of the table, in order.
pub fn majors() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|major| major.0)
}

/// Fee of an order that takes liquidity, regular user: 0.05 %.
pub const TAKER_FEE: Rate = Rate::from_raw(SCALE / 10_000 * 5);
/// Fee of an order that rests, regular user: 0.02 %.
pub const MAKER_FEE: Rate = Rate::from_raw(SCALE / 10_000 * 2);
/// Fee on the notional of a liquidation: 1.25 %.
pub(crate) const LIQUIDATION_FEE: Rate = Rate::from_raw(SCALE / 10_000 * 125);

/// The built-in instrument of a major symbol.
pub fn built_in(name: &str, symbol: SymbolId) -> Option<Instrument> {
    let index = TABLE.binary_search_by_key(&name, |major| major.0).ok()?;
    let (name, tick, step, qty_max, notional, ladder) = TABLE[index];
    let step: Qty = step.parse().ok()?;
    Some(Instrument {
        symbol,
        name: name.to_owned(),
        tick: tick.parse().ok()?,
        step,
        qty_min: step,
        qty_max: Qty::whole(qty_max),
        notional_min: Money::whole(notional),
        taker_fee: TAKER_FEE,
        maker_fee: MAKER_FEE,
        liquidation_fee: LIQUIDATION_FEE,
        funding_interval: Nanos::HOUR.times(8),
        brackets: brackets(ladder),
        origin: InstrumentOrigin::BuiltIn,
    })
}

/// The instrument of a symbol that nothing is known of but its data: the finest steps seen,
/// 5 USDT least notional, and one conservative bracket: 5 % maintenance, leverage at most 10.
pub fn derived(name: &str, symbol: SymbolId, tick: Px, step: Qty) -> Instrument {
    Instrument {
        symbol,
        name: name.to_owned(),
        tick,
        step,
        qty_min: step,
        qty_max: Qty::whole(1_000_000_000),
        notional_min: Money::whole(5),
        taker_fee: TAKER_FEE,
        maker_fee: MAKER_FEE,
        liquidation_fee: LIQUIDATION_FEE,
        funding_interval: Nanos::HOUR.times(8),
        brackets: conservative(),
        origin: InstrumentOrigin::Derived,
    }
}

/// The one bracket of symbols without known brackets.
pub(crate) fn conservative() -> Vec<Bracket> {
    vec![Bracket {
        floor: Money::ZERO,
        cap: Money::MAX,
        rate: Rate::from_raw(SCALE / 100 * 5),
        deduction: Money::ZERO,
        leverage_max: 10,
    }]
}

/// `deduction_n = floor_n × (rate_n − rate_{n−1}) + deduction_{n−1}` (binance.md §8), so that
/// maintenance margin is continuous.
fn brackets(ladder: Ladder) -> Vec<Bracket> {
    let mut floor = 0;
    let mut rate_before = 0;
    let mut deduction = 0;
    let mut brackets = Vec::with_capacity(ladder.len());
    for &(cap, rate, leverage_max) in ladder {
        // Whole USDT × 1e-4: exact in units of 1e-8.
        deduction += floor * (rate - rate_before) * (SCALE / 10_000);
        brackets.push(Bracket {
            floor: Money::whole(floor),
            cap: Money::whole(cap),
            rate: Rate::from_raw(rate * (SCALE / 10_000)),
            deduction: Money::from_raw(deduction),
            leverage_max,
        });
        (floor, rate_before) = (cap, rate);
    }
    brackets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_major_is_whole_and_its_margin_continuous() {
        for (name, ..) in TABLE {
            let instrument = built_in(name, SymbolId(3)).expect("in the table, in name order");
            assert_eq!((instrument.name.as_str(), instrument.symbol), (*name, SymbolId(3)));
            assert!(instrument.tick.is_positive() && instrument.step.is_positive());
            crate::instruments::check(&instrument).expect("valid");
            for pair in instrument.brackets.windows(2) {
                let below = (pair[0].cap * pair[0].rate).expect("fits").minus(pair[0].deduction);
                let above = (pair[1].floor * pair[1].rate).expect("fits").minus(pair[1].deduction);
                assert_eq!(below, above, "{name} at {}", pair[0].cap);
                assert!(pair[1].leverage_max < pair[0].leverage_max);
            }
        }
        assert_eq!(built_in("NOSUCHUSDT", SymbolId(0)), None);
    }
}
