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
    /// Most zones alive (gaps, blocks, each of a side and a timeframe).
    pub zones_max: u32,
    /// Most levels of resting liquidity alive, each of a side and a timeframe.
    pub levels_max: u32,
    /// A zone or a level is forgotten after this many bars of its timeframe.
    pub age_max_bars: u32,
    /// What each component of a confidence may add at most.
    pub weights: Weights,
    /// What one example of a component counts against the best of it.
    pub worth: Worth,
}

/// The most that each component adds to a confidence. Together at most 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Where every confidence starts.
    pub base: f64,
    /// 1h structure, 1h EMA and the daily bias agree with the side.
    pub higher_timeframe: f64,
    /// 15m and 5m structure agree with the side.
    pub structure: f64,
    /// Opposing liquidity was just taken.
    pub liquidity_sweep: f64,
    /// Structure just broke towards the side.
    pub structure_shift: f64,
    /// A displacement candle in the side's direction.
    pub displacement: f64,
    /// Price is at an open fair value gap of the side.
    pub fair_value_gap: f64,
    /// Price is at a live order block of the side.
    pub order_block: f64,
    /// Long in the discount, short in the premium of the dealing range.
    pub dealing_range: f64,
    /// Price is in the optimal trade entry of the last leg.
    pub optimal_entry: f64,
    /// Liquidity of the other side lies where the trade is paid.
    pub opposing_liquidity: f64,
    /// Momentum over ATR in the side's direction.
    pub momentum: f64,
    /// RSI has room in the side's direction.
    pub rsi: f64,
    /// Volume above its mean.
    pub volume: f64,
    /// A kill zone, in which moves are made.
    pub kill_zone: f64,
}

impl Weights {
    /// All weights, in the order of `types::Component`.
    pub fn all(&self) -> [f64; 15] {
        [
            self.base,
            self.higher_timeframe,
            self.structure,
            self.liquidity_sweep,
            self.structure_shift,
            self.displacement,
            self.fair_value_gap,
            self.order_block,
            self.dealing_range,
            self.optimal_entry,
            self.opposing_liquidity,
            self.momentum,
            self.rsi,
            self.volume,
            self.kill_zone,
        ]
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            base: 0.01,
            higher_timeframe: 0.17,
            structure: 0.10,
            liquidity_sweep: 0.16,
            structure_shift: 0.14,
            displacement: 0.10,
            fair_value_gap: 0.05,
            order_block: 0.05,
            dealing_range: 0.07,
            optimal_entry: 0.04,
            opposing_liquidity: 0.01,
            momentum: 0.02,
            rsi: 0.02,
            volume: 0.02,
            kill_zone: 0.04,
        }
    }
}

/// What one example of a component counts against the best example of it, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    /// A break of structure, against a market structure shift.
    pub bos: f64,
    /// A change of character, against a market structure shift.
    pub choch: f64,
    /// Liquidity taken on 5m, against 1h.
    pub sweep_5m: f64,
    /// Liquidity taken on 15m, against 1h.
    pub sweep_15m: f64,
    /// The Asian kill zone.
    pub asia: f64,
    /// The London open kill zone.
    pub london_open: f64,
    /// The New York kill zone.
    pub new_york: f64,
    /// The London close kill zone.
    pub london_close: f64,
    /// Outside all of them.
    pub no_kill_zone: f64,
}

impl Worth {
    /// All, by name.
    pub fn all(&self) -> [(&'static str, f64); 9] {
        [
            ("bos", self.bos),
            ("choch", self.choch),
            ("sweep_5m", self.sweep_5m),
            ("sweep_15m", self.sweep_15m),
            ("asia", self.asia),
            ("london_open", self.london_open),
            ("new_york", self.new_york),
            ("london_close", self.london_close),
            ("no_kill_zone", self.no_kill_zone),
        ]
    }
}

impl Default for Worth {
    fn default() -> Self {
        Self {
            bos: 0.5,
            choch: 0.8,
            sweep_5m: 0.5,
            sweep_15m: 0.8,
            asia: 0.5,
            london_open: 1.0,
            new_york: 1.0,
            london_close: 0.6,
            no_kill_zone: 0.2,
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
            zones_max: 16,
            levels_max: 24,
            age_max_bars: 500,
            weights: Weights::default(),
            worth: Worth::default(),
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
        whole("zones_max", self.zones_max, 1, 1_000);
        whole("levels_max", self.levels_max, 1, 1_000);
        whole("age_max_bars", self.age_max_bars, 1, 1_000_000);
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
        for (name, worth) in self.worth.all() {
            real(&format!("worth.{name}"), worth, 0.0, 1.0);
        }
        real("the sum of all weights", total, 0.0, 1.0 + 1e-9);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}
