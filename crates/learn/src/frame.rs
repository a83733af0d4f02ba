//! One timeframe of one symbol: its indicators, its structure, and when things last happened.

use crate::config::Config;
use aegis_indicators::{Ema, Indicator, Rsi, Sma};
use aegis_smc::{Concepts, Detector, Event, FvgParams, Kind, Params};
use aegis_types::{Bar, Nanos, Pattern, Side};
use core::num::NonZeroU32;

/// Bars back that momentum compares with.
const MOMENTUM_BARS: usize = 4;
/// Bars of the volume mean.
const VOLUME_BARS: NonZeroU32 = NonZeroU32::MIN.saturating_add(13);

/// Something that happened, remembered until it happens again.
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// What last happened for one side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    /// Opposing liquidity was swept.
    pub sweep: Option<Mark>,
    /// A swing was broken: strength 1 for a market structure shift, less for the others.
    pub broke: Option<Mark>,
    /// A displacement candle: strength grows with its body.
    pub displacement: Option<Mark>,
    /// An entry zone was touched for the first time: near and far edge.
    pub retest: Option<Mark>,
}

/// One timeframe.
#[derive(Clone, Debug)]
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
}

/// Strength of a break by what kind it is.
const BOS: f64 = 0.5;
const CHOCH: f64 = 0.8;
const MSS: f64 = 1.0;
/// A displacement of this many ATR is as strong as they come.
const DISPLACEMENT_FULL_ATR: f64 = 4.0;

impl Frame {
    pub fn new(config: &Config) -> Self {
        let period = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let mut params = Params { atr_period: period(config.atr_period), ..Params::default() };
        params.concepts = Concepts::GAPS | Concepts::BLOCKS | Concepts::LIQUIDITY;
        params.pivot.length = config.swing_length;
        params.displacement.body_atr = config.displacement_atr;
        params.liquidity.tolerance_atr = config.pool_tolerance_atr;
        params.fvg = FvgParams { join: true, ..params.fvg };
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
        let marks = &mut self.marks;
        self.detector.push(bar, &mut |event| {
            let Some(side) = event.side else { return };
            remember(&mut marks[side as usize], &event, closed, atr_before);
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

fn remember(marks: &mut Marks, event: &Event, at: Nanos, atr_before: f64) {
    let mark = |strength, pattern| Some(Mark { at, far: event.far, strength, pattern });
    match event.kind {
        Kind::Sweep => marks.sweep = mark(1.0, Pattern::Sweep),
        Kind::Bos => marks.broke = mark(BOS, Pattern::Bos),
        Kind::Choch => marks.broke = mark(CHOCH, Pattern::Choch),
        Kind::Mss => marks.broke = mark(MSS, Pattern::Mss),
        Kind::FvgTouched => marks.retest = mark(1.0, Pattern::Fvg),
        Kind::ObMitigated => marks.retest = mark(1.0, Pattern::OrderBlock),
        Kind::Displacement => {
            let body = (event.level - event.far).abs() / atr_before;
            marks.displacement =
                mark((body / DISPLACEMENT_FULL_ATR).min(1.0), Pattern::Displacement);
        }
        _ => {}
    }
}

const fn pattern_of(kind: Kind) -> Option<Pattern> {
    match kind {
        Kind::Bos => Some(Pattern::Bos),
        Kind::Choch => Some(Pattern::Choch),
        Kind::Mss => Some(Pattern::Mss),
        Kind::FvgFormed | Kind::FvgJoined => Some(Pattern::Fvg),
        Kind::ObFormed => Some(Pattern::OrderBlock),
        Kind::Sweep => Some(Pattern::Sweep),
        Kind::Displacement => Some(Pattern::Displacement),
        _ => None,
    }
}
