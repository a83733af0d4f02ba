//! The figures that the engine obeys, checked all at once, and the fixed capacities of its tables.

use crate::protections::RECENT_TRADES;
use aegis_learn as learn;
use aegis_types::{Level, Money, Nanos};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Physical places for positions: those that count against `positions_max`, and those that are
/// flat already but wait for the venue to confirm that their stop and target are gone.
pub const SLOTS: usize = 24;

/// Most simultaneous positions that a configuration may ask for.
pub const POSITIONS_CAPACITY: u8 = 16;

/// Contiguous 1m candles after a hole until a symbol may be entered again: one hour, so that the
/// 15m and 1h structure has seen whole candles again.
pub const TAINT_BARS: u32 = 60;

/// No single trade may risk more of the equity than this, whatever the configuration says.
pub const RISK_FRACTION_HARD: f64 = 0.02;

/// Everything an [`Engine`](crate::Engine) is told about how to behave.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// Goes into every client order id.
    pub session: u64,
    /// No signal is formed before this instant; earlier candles only warm up. `Nanos(i64::MIN)`:
    /// from the start.
    pub trade_from: Nanos,
    /// Closed 1m candles of a symbol before its first signal.
    pub warm_up_bars: u32,
    /// A proposal is a signal when its confidence is above this (0..1).
    pub signal_confidence: f64,
    /// A signal is turned away unless its confidence is above this (0..1).
    pub risk_gate: f64,
    /// Share of the equity that a trade puts at risk between entry and stop.
    pub risk_fraction: f64,
    /// Upper bound of the same; never above [`RISK_FRACTION_HARD`].
    pub risk_fraction_max: f64,
    /// Leverage cap of a position, and cap of total notional ÷ equity, while the teacher trades.
    pub leverage_max_teacher: f64,
    /// The same while the student trades.
    pub leverage_max_student: f64,
    /// Closed trades below which nothing may promote the student.
    pub teacher_threshold: u32,
    /// Open, in-flight and unknown positions at once.
    pub positions_max: u8,
    /// Largest round-trip taker fee, in units of R (the money between entry and stop).
    pub fee_over_risk_max: f64,
    /// Smallest distance to the target, in units of R.
    pub reward_over_risk_min: f64,
    /// Loss of a UTC day, as a share of the equity at its start, at which entries end for the day.
    pub daily_loss_max: f64,
    /// Oldest age of a symbol's newest data at which it may be entered.
    pub stale_after: Nanos,
    /// How long a symbol rests after a rejected or expired order.
    pub cool_down: Nanos,
    /// Longest time in a position.
    pub time_stop: Nanos,
    /// Leave a position when the reasons for its entry are gone.
    pub decay_exit: bool,
    /// How long the closing fill of a rotation may take.
    pub rotation_lapse: Nanos,
    /// How long a filled quantity may be without an acknowledged stop.
    pub stop_deadline: Nanos,
    /// Largest notional of a single entry; zero: no such limit.
    pub order_notional_max: Money,
    /// The same as a multiple of the equity.
    pub order_over_equity_max: f64,
    /// How far an entry's price may be from mark and last price, as a fraction.
    pub price_collar: f64,
    /// Oldest age of mark, last price and book that an entry's price is held against.
    pub reference_stale: Nanos,
    /// A session's declared assumption: there is no mark series and no book, so mark is last.
    pub mark_is_last: bool,
    /// Entries of one symbol and side within `repeat_window`.
    pub repeat_max: u32,
    /// See `repeat_max`.
    pub repeat_window: Nanos,
    /// Fall from the highest equity at which entries end until the operator resumes.
    pub drawdown_max: f64,
    /// How long nobody may know what became of an order before a human is told.
    pub unknown_alert: Nanos,
    /// Pauses that follow from closed trades.
    pub protections: Protections,
    /// What detectors and teacher are told.
    pub learn: learn::Config,
}

/// Pauses of entries that follow from how the last trades went. A count of zero switches one off.
#[derive(Clone, Debug, PartialEq)]
pub struct Protections {
    /// Rest of a symbol after each closed trade; zero: none.
    pub cool_down: Nanos,
    /// So many positions stopped out with a loss within the lookback pause entries.
    pub stop_guard_stops: u32,
    /// Counts and pauses by symbol instead of over all.
    pub stop_guard_per_symbol: bool,
    /// See `stop_guard_stops`.
    pub stop_guard_lookback: Nanos,
    /// How long that pause is.
    pub stop_guard_pause: Nanos,
    /// With at least so many trades within the lookback, their fall pauses entries.
    pub drawdown_trades: u32,
    /// That fall: of the trades' running sum, as a share of the equity before it.
    pub drawdown_max: f64,
    /// See `drawdown_trades`.
    pub drawdown_lookback: Nanos,
    /// How long that pause is.
    pub drawdown_pause: Nanos,
    /// With at least so many trades of a symbol within the lookback, their sum pauses the symbol.
    pub low_profit_trades: u32,
    /// That sum: below it, as a share of the equity.
    pub low_profit_min: f64,
    /// See `low_profit_trades`.
    pub low_profit_lookback: Nanos,
    /// How long that pause is.
    pub low_profit_pause: Nanos,
}

impl Default for Protections {
    fn default() -> Self {
        Self {
            cool_down: Nanos::ZERO,
            stop_guard_stops: 10,
            stop_guard_per_symbol: false,
            stop_guard_lookback: Nanos::MINUTE.times(60),
            stop_guard_pause: Nanos::MINUTE.times(60),
            drawdown_trades: 10,
            drawdown_max: 0.15,
            drawdown_lookback: Nanos::DAY,
            drawdown_pause: Nanos::HOUR.times(12),
            low_profit_trades: 6,
            low_profit_min: -0.03,
            low_profit_lookback: Nanos::DAY,
            low_profit_pause: Nanos::DAY,
        }
    }
}

impl Protections {
    /// One sentence per violation.
    fn check(&self, wrong: &mut Vec<String>) {
        let longest = Nanos::DAY.times(30);
        let mut within = |key: &str, value: f64, least: f64, most: f64| {
            // Written so that a NaN is outside too.
            if !(least..=most).contains(&value) {
                let range = format!("must be between {least} and {most}");
                wrong.push(format!("protections.{key} = {value}: {range}"));
            }
        };
        let trades = RECENT_TRADES as f64;
        within("stop_guard_stops", f64::from(self.stop_guard_stops), 0.0, trades);
        within("drawdown_trades", f64::from(self.drawdown_trades), 0.0, trades);
        within("drawdown_max", self.drawdown_max, 1e-6, 1.0);
        within("low_profit_trades", f64::from(self.low_profit_trades), 0.0, trades);
        within("low_profit_min", self.low_profit_min, -1.0, 1.0);
        for (key, span, least) in [
            ("cool_down", self.cool_down, Nanos::ZERO),
            ("stop_guard_lookback", self.stop_guard_lookback, Nanos(1)),
            ("stop_guard_pause", self.stop_guard_pause, Nanos(1)),
            ("drawdown_lookback", self.drawdown_lookback, Nanos(1)),
            ("drawdown_pause", self.drawdown_pause, Nanos(1)),
            ("low_profit_lookback", self.low_profit_lookback, Nanos(1)),
            ("low_profit_pause", self.low_profit_pause, Nanos(1)),
        ] {
            if span < least || span > longest {
                let (value, most) = (span.as_millis(), longest.as_millis());
                wrong.push(format!("protections.{key} = {value} ms: at most {most} ms"));
            }
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            session: 0,
            trade_from: Nanos(i64::MIN),
            warm_up_bars: 250,
            signal_confidence: 0.60,
            risk_gate: 0.55,
            risk_fraction: 0.005,
            risk_fraction_max: RISK_FRACTION_HARD,
            leverage_max_teacher: 3.0,
            leverage_max_student: 10.0,
            teacher_threshold: 50,
            positions_max: 3,
            fee_over_risk_max: 0.15,
            reward_over_risk_min: 1.0,
            daily_loss_max: 0.05,
            stale_after: Nanos::SECOND.times(180),
            cool_down: Nanos::SECOND.times(60),
            time_stop: Nanos::HOUR.times(8),
            decay_exit: true,
            rotation_lapse: Nanos::MINUTE,
            stop_deadline: Nanos::SECOND.times(3),
            order_notional_max: Money::ZERO,
            order_over_equity_max: 3.0,
            price_collar: 0.05,
            reference_stale: Nanos::SECOND.times(30),
            mark_is_last: true,
            repeat_max: 8,
            repeat_window: Nanos::HOUR,
            drawdown_max: 0.20,
            unknown_alert: Nanos::SECOND.times(60),
            protections: Protections::default(),
            learn: learn::Config::default(),
        }
    }
}

impl EngineConfig {
    /// Checks every figure.
    ///
    /// # Errors
    /// One sentence per violation, all at once, each naming key, value and allowed range.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        let mut within = |key: &str, value: f64, least: f64, most: f64| {
            // Written so that a NaN is outside too.
            if !(least..=most).contains(&value) {
                wrong.push(format!("{key} = {value}: must be between {least} and {most}"));
            }
        };
        within("signal_confidence", self.signal_confidence, 0.0, 1.0);
        within("risk_gate", self.risk_gate, 0.0, 1.0);
        within("risk_fraction_max", self.risk_fraction_max, 1e-6, RISK_FRACTION_HARD);
        within("risk_fraction", self.risk_fraction, 1e-6, RISK_FRACTION_HARD);
        within("leverage_max_teacher", self.leverage_max_teacher, 1.0, 125.0);
        within("leverage_max_student", self.leverage_max_student, 1.0, 125.0);
        within("fee_over_risk_max", self.fee_over_risk_max, 1e-6, 1.0);
        within("reward_over_risk_min", self.reward_over_risk_min, 0.0, 100.0);
        within("daily_loss_max", self.daily_loss_max, 1e-6, 1.0);
        within("order_over_equity_max", self.order_over_equity_max, 1e-6, 125.0);
        within("price_collar", self.price_collar, 1e-6, 0.5);
        within("drawdown_max", self.drawdown_max, 1e-6, 1.0);
        within("repeat_max", f64::from(self.repeat_max), 1.0, 100.0);
        within("positions_max", f64::from(self.positions_max), 1.0, f64::from(POSITIONS_CAPACITY));
        let mut span = |key: &str, value: Nanos, most: Nanos| {
            if value <= Nanos::ZERO || value > most {
                let (value, most) = (value.as_millis(), most.as_millis());
                wrong.push(format!("{key} = {value} ms: must be above 0 and at most {most} ms"));
            }
        };
        span("stale_after", self.stale_after, Nanos::DAY);
        span("cool_down", self.cool_down, Nanos::DAY);
        span("time_stop", self.time_stop, Nanos::DAY.times(365));
        span("rotation_lapse", self.rotation_lapse, Nanos::HOUR);
        span("stop_deadline", self.stop_deadline, Nanos::MINUTE);
        span("reference_stale", self.reference_stale, Nanos::HOUR);
        span("repeat_window", self.repeat_window, Nanos::DAY);
        span("unknown_alert", self.unknown_alert, Nanos::DAY);
        if self.order_notional_max.is_negative() {
            let value = self.order_notional_max;
            wrong.push(format!("order_notional_max = {value}: must be 0 (none) or more"));
        }
        self.protections.check(&mut wrong);
        if self.risk_fraction > self.risk_fraction_max {
            wrong.push(format!(
                "risk_fraction = {}: must not be above risk_fraction_max = {}",
                self.risk_fraction, self.risk_fraction_max
            ));
        }
        if let Err(more) = self.learn.check() {
            wrong.extend(more.into_iter().map(|line| format!("learn: {line}")));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The cap of a level: of each position's leverage, and of total notional ÷ equity.
    pub const fn leverage_max(&self, level: Level) -> f64 {
        match level {
            Level::Teacher => self.leverage_max_teacher,
            Level::Student => self.leverage_max_student,
        }
    }

    /// May a promotion of the student even be considered after so many closed trades? Evidence
    /// comes on top; below the threshold no evidence counts. There is no student in this version:
    /// the level is always the teacher's.
    pub const fn may_promote(&self, closed_trades: u32) -> bool {
        closed_trades >= self.teacher_threshold
    }
}

/// Why there can be no engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// Every violation of [`EngineConfig::check`].
    Config(Vec<String>),
    /// What is wrong with the instruments.
    Instruments(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(wrong) => {
                f.write_str("the engine's configuration is not usable; correct ")?;
                for (index, line) in wrong.iter().enumerate() {
                    write!(f, "{}{line}", if index == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            Self::Instruments(why) => write!(f, "the instruments are not usable: {why}"),
        }
    }
}

impl core::error::Error for EngineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_houses_and_pass() {
        let config = EngineConfig::default();
        assert_eq!(config.check(), Ok(()));
        assert_eq!((config.positions_max, config.teacher_threshold), (3, 50));
        assert_eq!(config.leverage_max(Level::Teacher), 3.0);
        assert_eq!(config.leverage_max(Level::Student), 10.0);
    }

    #[test]
    fn every_violation_is_named_at_once() {
        let config = EngineConfig {
            risk_fraction: 0.03,
            leverage_max_teacher: f64::NAN,
            positions_max: 0,
            stop_deadline: Nanos::ZERO,
            ..EngineConfig::default()
        };
        let wrong = config.check().unwrap_err();
        for key in ["risk_fraction", "leverage_max_teacher", "positions_max", "stop_deadline"] {
            assert!(wrong.iter().any(|w| w.starts_with(key)), "{key} missing in {wrong:?}");
        }
        assert_eq!(wrong.len(), 5, "{wrong:?}");
    }

    #[test]
    fn promotion_needs_the_threshold() {
        let config = EngineConfig::default();
        assert!(!config.may_promote(49));
        assert!(config.may_promote(50));
    }
}
