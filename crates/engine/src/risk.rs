//! Risk of one trade: where stop and target are, what the fees cost, how large the trade is, which
//! leverage it gets. Pure functions of their arguments; money is exact, ratios against thresholds
//! are floats made from exact numbers.

use crate::config::EngineConfig;
use aegis_types::{DenialCode, Instrument, Money, OutOfRange, Px, Qty, Rate, Round, Side};

/// How far a fill may be worse than the reference price in what sizing and liquidation assume:
/// 0.1 %. Limits hold with it, not only on paper.
const SLIPPAGE_ALLOWANCE: Rate = Rate::from_raw(100_000);

/// A denial before it is dated: the code and its two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reject {
    pub code: DenialCode,
    pub measured: f64,
    pub limit: f64,
}

impl Reject {
    pub const fn new(code: DenialCode, measured: f64, limit: f64) -> Self {
        Self { code, measured, limit }
    }
}

impl From<OutOfRange> for Reject {
    fn from(_: OutOfRange) -> Self {
        Self::new(DenialCode::OutOfRange, 0.0, Px::MAX.to_f64())
    }
}

/// The prices of a trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    pub side: Side,
    pub reference: Px,
    pub stop: Px,
    pub target: Px,
}

impl Levels {
    /// How far `px` is from the reference in the side's favour; negative against it.
    fn favour(&self, px: Px) -> Result<Px, OutOfRange> {
        match self.side {
            Side::Buy => px.minus(self.reference),
            Side::Sell => self.reference.minus(px),
        }
    }

    /// Entry price after the slippage allowance.
    fn worst_entry(&self) -> Result<Px, OutOfRange> {
        match self.side {
            Side::Buy => self.reference.shifted(SLIPPAGE_ALLOWANCE),
            Side::Sell => self.reference.shifted(-SLIPPAGE_ALLOWANCE),
        }
    }

    /// Money between entry and stop per unit, as a price difference.
    fn distance(&self) -> Result<Px, OutOfRange> {
        Ok(-self.favour(self.stop)?)
    }

    /// Stop and target on their sides, the fees a small part of the risk, the reward worth it.
    pub fn check(&self, config: &EngineConfig, instrument: &Instrument) -> Result<(), Reject> {
        let (stop, target) = (self.stop.to_f64(), self.target.to_f64());
        let reference = self.reference.to_f64();
        let risk = self.distance()?;
        if !self.stop.is_positive() || !risk.is_positive() {
            return Err(Reject::new(DenialCode::BadStop, stop, reference));
        }
        let reward = self.favour(self.target)?;
        if !self.target.is_positive() || !reward.is_positive() {
            return Err(Reject::new(DenialCode::BadTarget, target, reference));
        }
        // In at the reference and out at the stop, both taking liquidity.
        let round_trip = self.reference.plus(self.stop)?;
        let fee = round_trip.to_f64() * instrument.taker_fee.to_f64() / risk.to_f64();
        if fee > config.fee_over_risk_max {
            return Err(Reject::new(DenialCode::FeeOverRisk, fee, config.fee_over_risk_max));
        }
        let reward = reward.raw() as f64 / risk.raw() as f64;
        if reward < config.reward_over_risk_min {
            let needed = config.reward_over_risk_min;
            return Err(Reject::new(DenialCode::RewardOverRisk, reward, needed));
        }
        Ok(())
    }

    /// The quantity whose loss from reference to stop is `risk_fraction` of the equity, rounded
    /// down to the step; never one whose loss after slippage is above `risk_fraction_max`.
    pub fn size(&self, config: &EngineConfig, equity: Money, step: Qty) -> Result<Qty, OutOfRange> {
        let wanted = (equity * Rate::from_f64(config.risk_fraction)?)?;
        let most = (equity * Rate::from_f64(config.risk_fraction_max)?)?;
        let distance = self.distance()?;
        let slipped = match self.side {
            Side::Buy => self.worst_entry()?.minus(self.stop)?,
            Side::Sell => self.stop.minus(self.worst_entry()?)?,
        };
        let qty = wanted.over_px(distance)?.min(most.over_px(slipped)?);
        let qty = qty.to_grid(step, Round::Down)?;
        // `over_px` rounds half to even at 1e-8, so the finest step may be half a unit too large.
        if (distance * qty)? > wanted { qty.minus(step) } else { Ok(qty) }
    }

    /// Does an isolated margin survive until the stop, entered with slippage?
    fn survives(
        &self,
        instrument: &Instrument,
        qty: Qty,
        margin: Money,
    ) -> Result<bool, OutOfRange> {
        let entry = self.worst_entry()?;
        let at_stop = match self.side {
            Side::Buy => (self.stop.minus(entry)? * qty)?,
            Side::Sell => (entry.minus(self.stop)? * qty)?,
        };
        Ok(margin.plus(at_stop)? > instrument.maintenance((self.stop * qty)?)?)
    }
}

/// A trade that risk has passed by itself; room, exposure and free balance come after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    pub qty: Qty,
    pub notional: Money,
    pub leverage: u16,
    pub margin: Money,
}

/// Size and leverage of a trade, or why there is none.
///
/// The leverage is the highest whole number that cap, bracket and a stop before liquidation allow:
/// the size comes from the risk, so more leverage only leaves more of the balance free.
pub(crate) fn plan(
    config: &EngineConfig,
    instrument: &Instrument,
    levels: &Levels,
    equity: Money,
    leverage_max: f64,
) -> Result<Plan, Reject> {
    levels.check(config, instrument)?;
    let qty = levels.size(config, equity, instrument.step)?;
    let reject = |code, measured, limit| Err(Reject::new(code, measured, limit));
    if qty < instrument.qty_min || !qty.is_positive() {
        let (qty, least) = (qty.to_f64(), instrument.filters().least().to_f64());
        return reject(DenialCode::BelowMinimum, qty, least);
    }
    if qty > instrument.qty_max {
        return reject(DenialCode::AboveMaximum, qty.to_f64(), instrument.qty_max.to_f64());
    }
    let notional = (levels.reference * qty)?;
    if notional < instrument.notional_min {
        let (notional, least) = (notional.to_f64(), instrument.notional_min.to_f64());
        return reject(DenialCode::BelowMinimum, notional, least);
    }
    let bracket = instrument.bracket(notional).ok_or(OutOfRange)?;
    let cap = leverage_max.min(f64::from(bracket.leverage_max));
    let on_equity = notional.ratio_of(equity);
    if on_equity > cap || cap < 1.0 {
        return reject(DenialCode::LeverageCap, on_equity, cap);
    }
    // A cap is at most 125, so the whole part fits.
    for leverage in (1..=cap as u16).rev() {
        let margin = notional.split_up(i64::from(leverage))?;
        if levels.survives(instrument, qty, margin)? {
            return Ok(Plan { qty, notional, leverage, margin });
        }
    }
    let price = liquidation_price(instrument, levels, qty, notional).unwrap_or(0.0);
    reject(DenialCode::LiquidationBeforeStop, price, levels.stop.to_f64())
}

/// Where an isolated position without leverage is liquidated: the formula of reference/binance.md
/// §8 with the entry's bracket. For the denial's numbers only; the decision is exact.
fn liquidation_price(
    instrument: &Instrument,
    levels: &Levels,
    qty: Qty,
    margin: Money,
) -> Option<f64> {
    let bracket = instrument.bracket(margin)?;
    let side = levels.side.sign() as f64;
    let (entry, qty) = (levels.reference.to_f64(), qty.to_f64());
    let numerator = margin.to_f64() + bracket.deduction.to_f64() - side * qty * entry;
    Some(numerator / (qty * bracket.rate.to_f64() - side * qty))
}

/// The last look before an entry leaves, made apart from the sizing: at the price of this moment
/// the stop is still beyond it, and no more than the hard limit is at risk.
pub(crate) fn last_look(
    config: &EngineConfig,
    levels: &Levels,
    qty: Qty,
    equity: Money,
) -> Result<(), Reject> {
    let distance = levels.distance()?;
    if !distance.is_positive() {
        let (stop, price) = (levels.stop.to_f64(), levels.reference.to_f64());
        return Err(Reject::new(DenialCode::BadStop, stop, price));
    }
    let at_risk = (distance * qty)?.ratio_of(equity);
    let limit = config.risk_fraction_max;
    // Written so that nothing passes on an equity of zero or less.
    if equity.is_positive() && at_risk <= limit {
        Ok(())
    } else {
        Err(Reject::new(DenialCode::RiskTooLarge, at_risk, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Bracket, InstrumentOrigin, Nanos, SymbolId};
    use alloc::string::String;
    use alloc::vec;

    fn instrument() -> Instrument {
        Instrument {
            symbol: SymbolId(0),
            name: String::from("GENUSDT"),
            tick: Px::parse(b"0.01").unwrap(),
            step: Qty::parse(b"0.001").unwrap(),
            qty_min: Qty::parse(b"0.001").unwrap(),
            qty_max: Qty::whole(1_000),
            notional_min: Money::whole(5),
            taker_fee: Rate::parse(b"0.0005").unwrap(),
            maker_fee: Rate::parse(b"0.0002").unwrap(),
            liquidation_fee: Rate::parse(b"0.0125").unwrap(),
            funding_interval: Nanos::HOUR.times(8),
            brackets: vec![Bracket {
                floor: Money::ZERO,
                cap: Money::MAX,
                rate: Rate::parse(b"0.01").unwrap(),
                deduction: Money::ZERO,
                leverage_max: 20,
            }],
            origin: InstrumentOrigin::Derived,
        }
    }

    fn levels(side: Side, stop: &str, target: &str) -> Levels {
        let px = |text: &str| text.parse().unwrap();
        Levels { side, reference: Px::whole(100), stop: px(stop), target: px(target) }
    }

    fn made(levels: &Levels) -> Result<Plan, Reject> {
        plan(&EngineConfig::default(), &instrument(), levels, Money::whole(10_000), 3.0)
    }

    #[test]
    fn half_a_percent_of_the_equity_between_entry_and_stop() {
        for side in [Side::Buy, Side::Sell] {
            let (stop, target) = if side == Side::Buy { ("99", "101") } else { ("101", "99") };
            let plan = made(&levels(side, stop, target)).unwrap();
            assert_eq!((plan.qty, plan.leverage), (Qty::whole(50), 3));
            assert_eq!(plan.notional, Money::whole(5_000));
            // Never posted short: notional over margin is at most the cap.
            assert!(plan.notional.ratio_of(plan.margin) <= 3.0);
        }
    }

    #[test]
    fn quantity_rounds_down_to_the_step() {
        let plan = made(&levels(Side::Buy, "99.3", "101")).unwrap();
        assert_eq!(plan.qty, "71.428".parse().unwrap());
    }

    #[test]
    fn fee_filter_is_at_fifteen_hundredths_of_r() {
        // (100 + stop) × 0.0005 ≤ 0.15 × (100 − stop): the stop must be at most 99.3356…
        assert!(made(&levels(Side::Buy, "99.33", "101")).is_ok());
        let reject = made(&levels(Side::Buy, "99.34", "101")).unwrap_err();
        assert_eq!((reject.code, reject.limit), (DenialCode::FeeOverRisk, 0.15));
        assert!(reject.measured > 0.15 && reject.measured < 0.152);
    }

    #[test]
    fn reward_of_one_r_is_enough_and_less_is_not() {
        assert!(made(&levels(Side::Buy, "99", "101")).is_ok());
        let reject = made(&levels(Side::Buy, "99", "100.99")).unwrap_err();
        assert_eq!(reject.code, DenialCode::RewardOverRisk);
        assert!((reject.measured - 0.99).abs() < 1e-12);
    }

    #[test]
    fn levels_on_the_wrong_side_are_refused() {
        for (side, stop, target, code) in [
            (Side::Buy, "100", "101", DenialCode::BadStop),
            (Side::Buy, "101", "102", DenialCode::BadStop),
            (Side::Sell, "99", "98", DenialCode::BadStop),
            (Side::Buy, "99", "100", DenialCode::BadTarget),
            (Side::Sell, "101", "102", DenialCode::BadTarget),
            (Side::Sell, "101", "0", DenialCode::BadTarget),
        ] {
            assert_eq!(made(&levels(side, stop, target)).unwrap_err().code, code);
        }
    }

    #[test]
    fn leverage_falls_until_the_stop_comes_before_liquidation() {
        // A stop 40 % away dies at 3x (margin 33 %), lives at 2x (50 %).
        let plan = made(&levels(Side::Buy, "60", "140")).unwrap();
        assert_eq!(plan.leverage, 2);
        // A short's loss may exceed any unleveraged margin.
        let mut two = levels(Side::Sell, "199", "1");
        two.target = Px::parse(b"0.5").unwrap();
        let reject = made(&two).unwrap_err();
        assert_eq!(reject.code, DenialCode::LiquidationBeforeStop);
        assert!((reject.measured - 200.0 / 1.01).abs() < 1e-6, "{}", reject.measured);
    }

    #[test]
    fn the_hard_limit_holds_after_slippage() {
        let config = EngineConfig { risk_fraction: 0.02, ..EngineConfig::default() };
        let levels = levels(Side::Buy, "99", "102");
        let equity = Money::whole(10_000);
        let qty = levels.size(&config, equity, Qty::parse(b"0.001").unwrap()).unwrap();
        let slipped = Levels { reference: levels.worst_entry().unwrap(), ..levels };
        assert_eq!(last_look(&config, &slipped, qty, equity), Ok(()));
        assert!((slipped.distance().unwrap() * qty).unwrap().ratio_of(equity) > 0.0199);
        let far = Levels { reference: Px::whole(101), ..levels };
        let reject = last_look(&config, &far, qty, equity).unwrap_err();
        assert_eq!(reject.code, DenialCode::RiskTooLarge);
        assert!(last_look(&config, &slipped, qty, Money::ZERO).is_err());
    }
}
