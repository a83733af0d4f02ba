//! Every number that the analysis and the teacher use.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Lengths of the detectors and weights of the teacher. Plain data: `settings` fills it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Wilder period of the RSI, bars.
    pub rsi_period: u32,
    /// Wilder period of the ATR, bars.
    pub atr_period: u32,
    /// Period of the EMA that tells the higher-timeframe bias before structure does, bars.
    pub ema_period: u32,
    /// Bars on each side of a swing point.
    pub swing_length: u32,
    /// Least body of a displacement candle, in ATR.
    pub displacement_atr: f64,
    /// Swing points closer than this make one pool of liquidity, in ATR.
    pub pool_tolerance_atr: f64,
    /// A setup must complete within this many minutes of its liquidity sweep.
    pub sweep_window_minutes: u32,
    /// An entry zone must be retested within this many minutes of its structure break.
    pub retest_window_minutes: u32,
    /// Room between the invalidation level and the stop, in ATR of 15m.
    pub stop_buffer_atr: f64,
    /// Least stop distance, in ATR of 1h: a stop that noise or fees would eat is no stop.
    pub stop_min_atr: f64,
    /// Greatest stop distance, in ATR of 1h: beyond it the setup is left alone.
    pub stop_max_atr: f64,
    /// Target in multiples of the stop distance when no opposing liquidity lies nearer.
    pub target_r: f64,
    /// Least target in multiples of the stop distance.
    pub target_r_min: f64,
    /// What each component of a confidence may add at most.
    pub weights: Weights,
}

/// The most that each component adds to a confidence. Together at most 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Where every confidence starts.
    pub base: f64,
    /// 1h structure and EMA agree with the side.
    pub higher_timeframe: f64,
    /// 15m and 5m structure agree with the side.
    pub structure: f64,
    /// Opposing liquidity was just swept.
    pub liquidity_sweep: f64,
    /// A displacement candle in the side's direction.
    pub displacement: f64,
    /// Price is at an open fair value gap of the side.
    pub fair_value_gap: f64,
    /// Price is at a live order block of the side.
    pub order_block: f64,
    /// Long in the discount, short in the premium of the dealing range.
    pub dealing_range: f64,
    /// Momentum over ATR in the side's direction.
    pub momentum: f64,
    /// RSI has room in the side's direction.
    pub rsi: f64,
    /// Volume above its mean.
    pub volume: f64,
    /// A session in which moves are made.
    pub session: f64,
}

impl Weights {
    /// All weights, in the order of `types::Component`.
    pub fn all(&self) -> [f64; 12] {
        [
            self.base,
            self.higher_timeframe,
            self.structure,
            self.liquidity_sweep,
            self.displacement,
            self.fair_value_gap,
            self.order_block,
            self.dealing_range,
            self.momentum,
            self.rsi,
            self.volume,
            self.session,
        ]
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            base: 0.05,
            higher_timeframe: 0.19,
            structure: 0.15,
            liquidity_sweep: 0.18,
            displacement: 0.10,
            fair_value_gap: 0.07,
            order_block: 0.07,
            dealing_range: 0.09,
            momentum: 0.02,
            rsi: 0.02,
            volume: 0.02,
            session: 0.04,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rsi_period: 14,
            atr_period: 14,
            ema_period: 50,
            swing_length: 5,
            displacement_atr: 1.5,
            pool_tolerance_atr: 0.1,
            sweep_window_minutes: 240,
            retest_window_minutes: 240,
            stop_buffer_atr: 0.5,
            stop_min_atr: 1.2,
            stop_max_atr: 4.0,
            target_r: 2.0,
            target_r_min: 1.2,
            weights: Weights::default(),
        }
    }
}

impl Config {
    /// All violations at once.
    ///
    /// # Errors
    /// One text per field that is out of range.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let mut wrong = Vec::new();
        let mut whole = |name: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                wrong.push(format!("{name} is {value}; it must be {least} to {most}"));
            }
        };
        whole("rsi_period", self.rsi_period, 2, 200);
        whole("atr_period", self.atr_period, 2, 200);
        whole("ema_period", self.ema_period, 2, 500);
        whole("swing_length", self.swing_length, 1, 50);
        whole("sweep_window_minutes", self.sweep_window_minutes, 1, 10_080);
        whole("retest_window_minutes", self.retest_window_minutes, 1, 10_080);
        let mut real = |name: &str, value: f64, least: f64, most: f64| {
            if !(value >= least && value <= most) {
                wrong.push(format!("{name} is {value}; it must be {least} to {most}"));
            }
        };
        real("displacement_atr", self.displacement_atr, 0.1, 20.0);
        real("pool_tolerance_atr", self.pool_tolerance_atr, 0.0, 5.0);
        real("stop_buffer_atr", self.stop_buffer_atr, 0.0, 10.0);
        real("stop_min_atr", self.stop_min_atr, 0.0, 20.0);
        real("stop_max_atr", self.stop_max_atr, self.stop_min_atr, 100.0);
        real("target_r_min", self.target_r_min, 1.0, 50.0);
        real("target_r", self.target_r, self.target_r_min, 50.0);
        let mut total = 0.0;
        for (weight, component) in self.weights.all().into_iter().zip(aegis_types::Component::ALL) {
            real(&format!("weights.{component}"), weight, 0.0, 1.0);
            total += weight;
        }
        real("the sum of all weights", total, 0.0, 1.0 + 1e-9);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}
