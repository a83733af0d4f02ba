//! The statistics of a run: groups of closed trades, and the equity curve.
//!
//! | figure | formula |
//! |---|---|
//! | profit factor | sum of winning nets ÷ sum of losing nets, as positive numbers |
//! | expectancy in R | mean of `net ÷ money at risk at entry` over closed trades |
//! | maximum drawdown | largest `(peak − equity) ÷ peak`, equity = wallet + unrealised, per minute
//! |
//! | exposure | minutes that end with something held ÷ all minutes of trading |
//!
//! Sums of money are exact; a figure that has no meaning (a profit factor without a loss) is
//! `None`, never a made-up number.

use aegis_types::{Money, Nanos, Trade};
use serde::{Deserialize, Serialize};

/// Closed trades of one kind: of a symbol, of a side, of an exit reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    trades: u64,
    wins: u64,
    gain: Money,
    loss: Money,
    fees: Money,
    funding: Money,
    r_sum: f64,
    r_count: u64,
}

impl Group {
    /// Counts a closed trade.
    pub fn add(&mut self, trade: &Trade) {
        self.trades += 1;
        if trade.net.is_positive() {
            self.wins += 1;
            self.gain = self.gain.saturating_plus(trade.net);
        } else {
            self.loss = self.loss.saturating_plus(-trade.net);
        }
        self.fees = self.fees.saturating_plus(trade.fees);
        self.funding = self.funding.saturating_plus(trade.funding);
        if trade.r_multiple.is_finite() {
            self.r_sum += trade.r_multiple;
            self.r_count += 1;
        }
    }

    /// How many trades.
    pub const fn trades(&self) -> u64 {
        self.trades
    }

    /// How many ended above zero, after fees and funding.
    pub const fn wins(&self) -> u64 {
        self.wins
    }

    /// Sum of the nets.
    pub fn net(&self) -> Money {
        self.gain.saturating_plus(-self.loss)
    }

    /// Fees of entries and exits, positive.
    pub const fn fees(&self) -> Money {
        self.fees
    }

    /// Funding received (negative: paid).
    pub const fn funding(&self) -> Money {
        self.funding
    }

    /// Share of winning trades; `None` without trades.
    pub fn win_rate(&self) -> Option<f64> {
        (self.trades > 0).then(|| self.wins as f64 / self.trades as f64)
    }

    /// Gains over losses; `None` while nothing was lost.
    pub fn profit_factor(&self) -> Option<f64> {
        self.loss.is_positive().then(|| self.gain.ratio_of(self.loss))
    }

    /// Mean R-multiple; `None` without trades.
    pub fn expectancy_r(&self) -> Option<f64> {
        (self.r_count > 0).then(|| self.r_sum / self.r_count as f64)
    }
}

/// One sample of the account at the end of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    at: Nanos,
    equity: Money,
    notional: Money,
}

/// The equity curve: only what the figures need, so that its size does not grow with the run.
///
/// Several samples of one instant count once, with the last values: the engine may speak once per
/// symbol while a minute ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Curve {
    peak: Money,
    drawdown_max: f64,
    held_minutes: u64,
    notional_over_equity: f64,
    pending: Option<Sample>,
}

impl Curve {
    /// Starts at the deposit.
    pub const fn new(start: Money) -> Self {
        Self {
            peak: start,
            drawdown_max: 0.0,
            held_minutes: 0,
            notional_over_equity: 0.0,
            pending: None,
        }
    }

    /// Adds the account's state at the end of a minute: `equity` with unrealised profit,
    /// `notional` the sum over open positions.
    pub fn sample(&mut self, at: Nanos, equity: Money, notional: Money) {
        if self.pending.is_some_and(|p| p.at != at) {
            self.commit();
        }
        self.pending = Some(Sample { at, equity, notional });
    }

    fn commit(&mut self) {
        let Some(sample) = self.pending.take() else { return };
        self.peak = self.peak.max(sample.equity);
        if self.peak.is_positive() {
            let below = self.peak.saturating_plus(-sample.equity).ratio_of(self.peak);
            self.drawdown_max = self.drawdown_max.max(below);
        }
        if sample.notional.is_positive() {
            self.held_minutes += 1;
            self.notional_over_equity += sample.notional.ratio_of(sample.equity).max(0.0);
        }
    }

    fn settled(&self) -> Self {
        let mut all = *self;
        all.commit();
        all
    }

    /// Largest fall from a peak, as a fraction of the peak.
    pub fn drawdown_max(&self) -> f64 {
        self.settled().drawdown_max
    }

    /// Fraction of `minutes` that ended with something held.
    pub fn exposure(&self, minutes: u64) -> f64 {
        if minutes == 0 { 0.0 } else { self.settled().held_minutes as f64 / minutes as f64 }
    }

    /// Mean notional over equity, over all `minutes`, held or not.
    pub fn exposure_average(&self, minutes: u64) -> f64 {
        if minutes == 0 { 0.0 } else { self.settled().notional_over_equity / minutes as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{FEATURES, Level, OrderReason, Px, Qty, Side, SymbolId};

    fn trade(net: i64, r_multiple: f64) -> Trade {
        Trade {
            number: 1,
            symbol: SymbolId(0),
            side: Side::Buy,
            level: Level::Teacher,
            qty: Qty::whole(1),
            entry_at: Nanos::ZERO,
            entry_px: Px::whole(100),
            exit_at: Nanos::MINUTE,
            exit_px: Px::whole(101),
            exit_reason: OrderReason::Target,
            gross: Money::whole(net + 3),
            fees: Money::whole(1),
            funding: Money::whole(-2),
            net: Money::whole(net),
            r_multiple,
            leverage: 1.0,
            confidence: 0.7,
            features: [0.0; FEATURES],
        }
    }

    #[test]
    fn group_by_hand() {
        // Nets +30 −10 +15 −5 0: gains 45, losses 15, so the factor is 3; a zero is not a win.
        let mut group = Group::default();
        for (net, r) in [(30, 3.0), (-10, -1.0), (15, 1.5), (-5, -0.5), (0, 0.0)] {
            group.add(&trade(net, r));
        }
        assert_eq!(group.trades(), 5);
        assert_eq!(group.wins(), 2);
        assert_eq!(group.net(), Money::whole(30));
        assert_eq!(group.profit_factor(), Some(3.0));
        assert_eq!(group.expectancy_r(), Some(0.6));
        assert_eq!(group.win_rate(), Some(0.4));
        assert_eq!((group.fees(), group.funding()), (Money::whole(5), Money::whole(-10)));
    }

    #[test]
    fn what_has_no_meaning_is_none() {
        let mut group = Group::default();
        assert_eq!((group.profit_factor(), group.expectancy_r()), (None, None));
        assert_eq!(group.win_rate(), None);
        group.add(&trade(10, f64::INFINITY));
        assert_eq!(group.profit_factor(), None, "no loss: no factor");
        assert_eq!(group.expectancy_r(), None, "an infinite R is not averaged");
    }

    #[test]
    fn drawdown_and_exposure_by_hand() {
        // Equity 100 → 120 → 90 → 130 → 117: falls of 30/120 = 0.25 and 13/130 = 0.1.
        let mut curve = Curve::new(Money::whole(100));
        let path = [(120, 60), (90, 90), (130, 0), (117, 117)];
        for (minute, (equity, notional)) in path.into_iter().enumerate() {
            let at = Nanos::MINUTE.times(minute as i64 + 1);
            curve.sample(at, Money::whole(equity), Money::whole(notional));
        }
        assert_eq!(curve.drawdown_max(), 0.25);
        assert_eq!(curve.exposure(8), 3.0 / 8.0);
        assert_eq!(curve.exposure_average(8), (0.5 + 1.0 + 1.0) / 8.0);
        assert_eq!((curve.exposure(0), curve.exposure_average(0)), (0.0, 0.0));
    }

    #[test]
    fn the_last_sample_of_an_instant_counts() {
        let mut curve = Curve::new(Money::whole(100));
        curve.sample(Nanos::MINUTE, Money::whole(50), Money::whole(10));
        curve.sample(Nanos::MINUTE, Money::whole(99), Money::whole(10));
        assert_eq!(curve.drawdown_max(), 0.01);
        assert_eq!(curve.exposure(1), 1.0);
        // Asking does not end the minute.
        curve.sample(Nanos::MINUTE, Money::whole(98), Money::ZERO);
        assert_eq!(curve.drawdown_max(), 0.02);
        assert_eq!(curve.exposure(1), 0.0);
    }

    #[test]
    fn a_loss_from_the_first_minute_is_a_drawdown() {
        let mut curve = Curve::new(Money::whole(100));
        curve.sample(Nanos::MINUTE, Money::whole(80), Money::ZERO);
        assert_eq!(curve.drawdown_max(), 0.2);
    }
}
