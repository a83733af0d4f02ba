//! One timeframe of one symbol: its indicators, its structure, and when things last happened.

use crate::config::Config;
use aegis_indicators::{Ema, Indicator, Rsi, Sma};
use aegis_smc::{Concepts, Detector, Event, FvgParams, Kind, Params, View};
use aegis_types::{Bar, Nanos, Pattern, Side, Timeframe};
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};

/// Bars back that momentum compares with.
const MOMENTUM_BARS: usize = 4;
/// Bars of the volume mean.
const VOLUME_BARS: NonZeroU32 = NonZeroU32::MIN.saturating_add(13);

/// Something that happened, remembered until it happens again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Close time of the bar that made it knowable.
    pub at: Nanos,
    /// The event's second price: a sweep's extreme, a zone's far edge.
    pub far: f64,
    /// 0..=1: how strong an example of its kind it is.
    pub strength: f64,
    /// What it was.
    pub pattern: Pattern,
}

impl Mark {
    /// Does this one stand for its bar rather than `held`? A later bar's does; of one bar the
    /// strongest, then the one that proves the idea wrong last, whatever their order.
    fn outranks(&self, held: &Self, side: Side) -> bool {
        let rank = |mark: &Self| (mark.strength, -View::price(mark.far, side));
        self.at > held.at
            || rank(self) > rank(held)
            || rank(self) == rank(held) && (self.pattern as u8) < held.pattern as u8
    }
}

/// What last happened for one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// Opposing liquidity was taken and price closed back: a swing, a pool, an old extreme, a
    /// previous day, week or month, the Asian range.
    pub sweep: Option<Mark>,
    /// A swing was broken: strength 1 for a market structure shift, less for the others.
    pub broke: Option<Mark>,
    /// A displacement candle: strength grows with its body.
    pub displacement: Option<Mark>,
    /// An entry zone was touched for the first time: near and far edge.
    pub retest: Option<Mark>,
}

/// One timeframe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub detector: Detector,
    rsi: Rsi,
    ema: Ema,
    volume: Sma,
    volume_ratio: Option<f64>,
    closes: [f64; MOMENTUM_BARS + 1],
    last: Bar,
    closed: Nanos,
    marks: [Marks; 2],
    /// Of a break of structure and of a change of character.
    strengths: [f64; 2],
}

/// What each timeframe is read for. Swings, structure, displacement and the ATR always run.
const fn concepts(timeframe: Timeframe) -> Concepts {
    let zones = Concepts::GAPS.with(Concepts::BLOCKS).with(Concepts::LIQUIDITY);
    let setup = zones.with(Concepts::TURTLE_SOUP);
    match timeframe {
        // The clock is read once, on the bars of the setup that come most often.
        Timeframe::M5 => setup.with(Concepts::PERIODS).with(Concepts::MODELS),
        Timeframe::M15 => setup.with(Concepts::RANGE),
        // Nothing is decided on the zones of a minute: its swings and breaks are told, no more.
        Timeframe::M1 => Concepts::NONE,
        _ => zones,
    }
}

/// A displacement of this many ATR is as strong as they come.
const DISPLACEMENT_FULL_ATR: f64 = 4.0;

impl Frame {
    pub fn new(timeframe: Timeframe, config: &Config) -> Self {
        let period = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let mut params = Params { atr_period: period(config.atr_period), ..Params::default() };
        let (zones, levels, age_max) = (config.zones_max, config.levels_max, config.age_max_bars);
        params.concepts = concepts(timeframe);
        params.pivot.length = config.swing_length;
        params.displacement.body_atr = config.displacement_atr;
        params.fvg = FvgParams { join: true, capacity: zones, age_max, ..params.fvg };
        params.order_block.capacity = zones;
        params.order_block.age_max = age_max;
        params.liquidity.tolerance_atr = config.pool_tolerance_atr;
        params.liquidity.capacity = levels;
        params.liquidity.age_max = age_max;
        Self {
            detector: Detector::new(&params),
            rsi: Rsi::new(period(config.rsi_period)),
            ema: Ema::new(period(config.ema_period)),
            volume: Sma::new(VOLUME_BARS),
            volume_ratio: None,
            closes: [f64::NAN; MOMENTUM_BARS + 1],
            last: Bar::default(),
            closed: Nanos::ZERO,
            marks: [Marks::default(); 2],
            strengths: [config.worth.bos, config.worth.choch],
        }
    }

    /// Reads a bar that closed at `closed`; tells each structure event that has a pattern.
    pub fn push(&mut self, bar: &Bar, closed: Nanos, found: &mut impl FnMut(Pattern, Side, f64)) {
        self.rsi.push(bar.close());
        self.ema.push(bar.close());
        self.volume_ratio =
            self.volume.value().filter(|mean| *mean > 0.0).map(|mean| bar.volume() / mean);
        self.volume.push(bar.volume());
        self.closes.copy_within(1.., 0);
        self.closes[MOMENTUM_BARS] = bar.close();
        self.last = *bar;
        self.closed = closed;
        let atr_before = self.detector.atr().unwrap_or(f64::INFINITY);
        let (marks, strengths) = (&mut self.marks, self.strengths);
        let close = bar.close();
        self.detector.push(bar, &mut |event| {
            let Some(side) = event.side else { return };
            if let Some((what, mark)) = mark_of(&event, close, strengths, atr_before) {
                let places = &mut marks[side as usize];
                let place = match what {
                    What::Sweep => &mut places.sweep,
                    What::Broke => &mut places.broke,
                    What::Displacement => &mut places.displacement,
                    What::Retest => &mut places.retest,
                };
                let mark = Mark { at: closed, ..mark };
                if place.is_none_or(|held| mark.outranks(&held, side)) {
                    *place = Some(mark);
                }
            }
            if let Some(pattern) = pattern_of(event.kind) {
                found(pattern, side, event.level);
            }
        });
    }

    pub fn rsi(&self) -> Option<f64> {
        self.rsi.value()
    }

    pub fn ema(&self) -> Option<f64> {
        self.ema.value()
    }

    /// Volume of the last bar over the mean of the 14 before it.
    pub fn volume_ratio(&self) -> Option<f64> {
        self.volume_ratio
    }

    /// Change of the close over four bars, in ATR, held to −2..2 and halved: −1..1.
    pub fn momentum(&self) -> Option<f64> {
        let atr = self.detector.atr().filter(|atr| *atr > 0.0)?;
        let change = self.closes[MOMENTUM_BARS] - self.closes[0];
        (!change.is_nan()).then(|| (change / atr).clamp(-2.0, 2.0) / 2.0)
    }

    /// The last closed bar.
    pub const fn last(&self) -> &Bar {
        &self.last
    }

    /// When the last bar became known.
    pub fn closed(&self) -> Nanos {
        self.closed
    }

    pub fn marks(&self, side: Side) -> &Marks {
        &self.marks[side as usize]
    }
}

/// Which of a side's marks an event renews.
enum What {
    Sweep,
    Broke,
    Displacement,
    Retest,
}

/// What an event leaves behind, on a bar that closed at `close`.
fn mark_of(
    event: &Event,
    close: f64,
    [bos, choch]: [f64; 2],
    atr_before: f64,
) -> Option<(What, Mark)> {
    let side = event.side?;
    let (what, strength, pattern) = match event.kind {
        Kind::Sweep => (What::Sweep, 1.0, Pattern::Sweep),
        Kind::TurtleSoup => (What::Sweep, 1.0, Pattern::TurtleSoup),
        Kind::JudasSwing => (What::Sweep, 1.0, Pattern::JudasSwing),
        // A previous extreme that price trades through is taken; only a close back is a sweep.
        Kind::PeriodLevelBroken if View::price(close, side) > View::price(event.level, side) => {
            (What::Sweep, 1.0, Pattern::PeriodSweep)
        }
        Kind::Bos => (What::Broke, bos, Pattern::Bos),
        Kind::Choch => (What::Broke, choch, Pattern::Choch),
        Kind::Mss => (What::Broke, 1.0, Pattern::Mss),
        Kind::FvgTouched => (What::Retest, 1.0, Pattern::Fvg),
        Kind::FvgRetested => (What::Retest, 1.0, Pattern::InverseFvg),
        Kind::ObMitigated => (What::Retest, 1.0, Pattern::OrderBlock),
        Kind::ObRetested => (What::Retest, 1.0, Pattern::Breaker),
        Kind::Displacement => {
            let body = (event.level - event.far).abs() / atr_before;
            (What::Displacement, (body / DISPLACEMENT_FULL_ATR).min(1.0), Pattern::Displacement)
        }
        _ => return None,
    };
    Some((what, Mark { at: Nanos::ZERO, far: event.far, strength, pattern }))
}

const fn pattern_of(kind: Kind) -> Option<Pattern> {
    match kind {
        Kind::Bos => Some(Pattern::Bos),
        Kind::Choch => Some(Pattern::Choch),
        Kind::Mss => Some(Pattern::Mss),
        Kind::FvgFormed | Kind::FvgJoined => Some(Pattern::Fvg),
        Kind::FvgInverted => Some(Pattern::InverseFvg),
        Kind::ObFormed => Some(Pattern::OrderBlock),
        Kind::ObBreaker | Kind::ObMitigation => Some(Pattern::Breaker),
        Kind::Sweep => Some(Pattern::Sweep),
        Kind::TurtleSoup => Some(Pattern::TurtleSoup),
        Kind::JudasSwing => Some(Pattern::JudasSwing),
        Kind::Displacement => Some(Pattern::Displacement),
        _ => None,
    }
}
