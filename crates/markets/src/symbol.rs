//! One symbol's price, minute by minute.

use crate::edge::{DRIFT_MINUTES, Sweeps};
use crate::random::Random;
use crate::rhythm::is_funding;
use crate::spec::Profile;
use aegis_types::{Candle, Nanos, Px, Qty, Rate, Side, SymbolId, Timeframe};

/// Gaps of one symbol a day, and gaps of all symbols at once a day.
const GAPS_OWN: f64 = 2.0;
const GAPS_SHARED: f64 = 1.0 / 3.0;
/// A gap is `4 + 4·E` minute deviations (E exponential with mean 1), so its mean square is 80.
const GAP_BASE: f64 = 4.0;
const GAP_SQUARE: f64 = 80.0;
/// Funding stays within ±0.3 % a settlement.
const FUNDING_MAX: f64 = 0.003;
/// The price is drawn back to its first value by this share of the (log) distance a day.
const PULL: f64 = 0.01;

/// An AR(1) process of stated standard deviation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wave {
    keep: f64,
    push: f64,
    pub value: f64,
}

impl Wave {
    /// Forgets by 1/e in `minutes`; begins at a draw of its own distribution.
    pub(crate) fn new(minutes: f64, deviation: f64, random: &mut Random) -> Self {
        let keep = libm::exp(-1.0 / minutes);
        let push = deviation * libm::sqrt(1.0 - keep * keep);
        Self { keep, push, value: deviation * random.normal() }
    }

    #[inline]
    pub(crate) fn step(&mut self, random: &mut Random) -> f64 {
        self.value = self.keep * self.value + self.push * random.normal();
        self.value
    }
}

/// What all symbols share in one minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minute {
    /// Minutes since the epoch.
    pub number: i64,
    /// Draw of the shared factor, variance 1.
    pub factor: f64,
    /// Shared part of the log-volatility.
    pub volatility: f64,
    /// Rhythm of day and week.
    pub rhythm: f64,
    /// A gap of the whole market, in minute deviations; zero mostly.
    pub gap: f64,
}

/// The part of the market that all symbols share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    random: Random,
    fast: Wave,
    slow: Wave,
}

/// Standard deviations of the log-volatility's waves: shared fast, shared slow, own.
const WAVES: [f64; 3] = [0.35, 0.35, 0.30];

impl Shared {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let fast = Wave::new(90.0, WAVES[0], &mut random);
        let slow = Wave::new(2_880.0, WAVES[1], &mut random);
        Self { random, fast, slow }
    }

    pub(crate) fn step(&mut self, number: i64, rhythm: f64) -> Minute {
        let random = &mut self.random;
        let volatility = self.fast.step(random) + self.slow.step(random);
        let factor = random.student();
        let gap = gap(random, GAPS_SHARED);
        Minute { number, factor, volatility, rhythm, gap }
    }
}

fn gap(random: &mut Random, per_day: f64) -> f64 {
    if !random.chance(per_day / 1_440.0) {
        return 0.0;
    }
    let size = GAP_BASE * (1.0 + random.exponential());
    if random.chance(0.5) { size } else { -size }
}

/// One symbol: its price and its own moods.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    id: SymbolId,
    profile: Profile,
    random: Random,
    own: Wave,
    /// Mean minute deviation, such that with gaps a day has the profile's volatility.
    deviation: f64,
    own_share: f64,
    close_ticks: i64,
    /// The close without rounding, so that rounding does not add up.
    price: f64,
    pull: f64,
    sentiment: f64,
    funding_price: f64,
    sweeps: Sweeps,
    drift: f64,
    drift_left: u32,
    drift_step: f64,
    /// The minute in the making: known whole, shown by its open first.
    pub candle: Candle,
    /// Funding settled at its open.
    pub funding: Option<Rate>,
}

impl Symbol {
    pub(crate) fn new(seed: u64, index: usize, edge: f64) -> Self {
        let profile = Profile::of(index);
        let mut random = Random::new(seed, index as u64 + 1);
        let own = Wave::new(90.0, WAVES[2], &mut random);
        let gaps = (GAPS_OWN + GAPS_SHARED) * GAP_SQUARE;
        let px = Px::from_raw(profile.tick.raw() * profile.base_ticks);
        let id = SymbolId(index as u16);
        Self {
            id,
            profile,
            own,
            deviation: profile.daily / libm::sqrt(1_440.0 + gaps),
            own_share: libm::sqrt(1.0 - profile.loading * profile.loading),
            close_ticks: profile.base_ticks,
            price: profile.base_ticks as f64,
            pull: 0.0,
            sentiment: 6e-5 * random.normal(),
            funding_price: profile.base_ticks as f64,
            sweeps: Sweeps::new(),
            drift: 0.0,
            drift_left: 0,
            drift_step: edge * profile.drift_unit() / f64::from(DRIFT_MINUTES),
            candle: Candle {
                open_time: Nanos::ZERO,
                open: px,
                high: px,
                low: px,
                close: px,
                volume: 0.0,
                symbol: id,
                missing_minutes: 0,
                timeframe: Timeframe::M1,
            },
            funding: None,
            random,
        }
    }

    /// Makes the next minute.
    pub(crate) fn step(&mut self, minute: &Minute) {
        self.funding = is_funding(minute.number).then(|| self.settle());
        if minute.number.rem_euclid(1_440) == 0 {
            let distance = libm::log(self.price / self.profile.base_ticks as f64);
            self.pull = -PULL * distance / 1_440.0;
        }
        let variance: f64 = WAVES.iter().map(|w| w * w).sum();
        // E[exp(2(h − s²))] = 1 for a normal h of variance s².
        let mood = libm::exp(minute.volatility + self.own.step(&mut self.random) - variance);
        let deviation = self.deviation * minute.rhythm * mood;
        let open_ticks = self.open(minute);
        let own = self.random.student();
        let shock = self.profile.loading * minute.factor + self.own_share * own;
        let drift = if self.drift_left > 0 { self.drift } else { 0.0 };
        self.drift_left = self.drift_left.saturating_sub(1);
        let shock_move = (deviation * shock).clamp(-0.25, 0.25);
        let change = shock_move + drift + self.pull;
        let start = self.price;
        self.price = (start * (1.0 + change)).max(1.0);
        self.make(open_ticks, start, change, deviation);
        let volume = self.volume(mood * minute.rhythm, shock);
        self.candle.volume = volume;
        self.candle.open_time = Nanos::MINUTE.times(minute.number);
        if self.drift_step != 0.0
            && let Some(side) = self.sweeps.push(&self.candle)
        {
            self.drift_left = DRIFT_MINUTES;
            self.drift = if side == Side::Buy { self.drift_step } else { -self.drift_step };
        }
    }

    /// First price of the minute: the last close, a tick beside it, or a gap away.
    fn open(&mut self, minute: &Minute) -> i64 {
        let gap = minute.gap * self.profile.loading + gap(&mut self.random, GAPS_OWN);
        if gap != 0.0 {
            let factor = 1.0 + (gap * self.deviation).clamp(-0.25, 0.25);
            self.price = (self.price * factor).max(1.0);
            return libm::round(self.price) as i64;
        }
        let beside = self.random.uniform();
        let step = if beside < 0.15 { -1 } else { i64::from(beside > 0.85) };
        (self.close_ticks + step).max(1)
    }

    /// Close and extremes. Given start and end, the extremes of a Brownian path are known in
    /// distribution: `(x ± √(x² − 2σ² ln u)) / 2` (reflection principle).
    fn make(&mut self, open_ticks: i64, start: f64, change: f64, deviation: f64) {
        let spread = |random: &mut Random| {
            libm::sqrt(change * change + 2.0 * deviation * deviation * random.exponential())
        };
        let top = start * (1.0 + (change + spread(&mut self.random)) * 0.5);
        let bottom = start * (1.0 + (change - spread(&mut self.random)) * 0.5);
        let close = libm::round(self.price) as i64;
        let high = (libm::round(top) as i64).max(open_ticks).max(close);
        let low = (libm::round(bottom) as i64).min(open_ticks).min(close).max(1);
        let px = |ticks: i64| Px::from_raw(self.profile.tick.raw().saturating_mul(ticks));
        self.candle.open = px(open_ticks);
        self.candle.high = px(high);
        self.candle.low = px(low);
        self.candle.close = px(close);
        self.close_ticks = close;
    }

    /// Volume in base units, on the step grid: more when the market is lively and moves far.
    fn volume(&mut self, liveliness: f64, shock: f64) -> f64 {
        let noise = libm::exp(0.5 * self.random.normal() - 0.125);
        let turnover = self.profile.turnover * liveliness * (0.4 + 0.75 * shock.abs()) * noise;
        let price = self.price * self.profile.tick.to_f64();
        let step = self.profile.step;
        let steps = libm::round(turnover / price / step.to_f64()).max(1.0) as i64;
        // As a decimal, so that a volume which has travelled as text is the same number.
        Qty::from_raw(step.raw().saturating_mul(steps)).to_f64()
    }

    /// The funding rate now due: 0.01 % and a sentiment that follows the price and lasts.
    fn settle(&mut self) -> Rate {
        let moved = self.price / self.funding_price - 1.0;
        self.funding_price = self.price;
        self.sentiment = 0.85 * self.sentiment + 0.0015 * moved + 3e-5 * self.random.normal();
        let rate = (1e-4 + self.sentiment).clamp(-FUNDING_MAX, FUNDING_MAX);
        // Within ±0.3 %, so it always fits.
        Rate::from_f64(rate).unwrap_or_default()
    }

    pub(crate) const fn id(&self) -> SymbolId {
        self.id
    }

    /// The price grid.
    pub(crate) const fn tick(&self) -> Px {
        self.profile.tick
    }
}
