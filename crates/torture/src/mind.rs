//! Who proposes entries: a script by seed that proposes often, or the teacher that trades.

use aegis_engine::{Brain, Teacher};
use aegis_learn::{Config, Found, Proposal};
use aegis_types::{
    Candle, FEATURES, LateCandle, List, Nanos, Patterns, REASONS_MAX, Reason, Side, SymbolId,
};
use serde::{Deserialize, Serialize};

/// A brain of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Mind {
    /// By seed.
    Script(Script),
    /// The rules that trade.
    Teacher(Box<Teacher>),
}

/// Proposes and gives up by draws that are keyed with symbol and minute, so that a replay proposes
/// the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Script {
    seed: u64,
    /// How often a closed candle brings a proposal, in a thousand.
    entries: u64,
    /// How often a held position is given up at a close, in a thousand.
    exits: u64,
    last: Vec<Option<Candle>>,
    minutes: Vec<u64>,
}

impl Script {
    /// For so many symbols.
    pub fn new(seed: u64, symbols: usize, entries: u64, exits: u64) -> Self {
        Self { seed, entries, exits, last: vec![None; symbols], minutes: vec![0; symbols] }
    }

    fn draw(&self, symbol: SymbolId, purpose: u64) -> Option<(crate::draw::Draw, Candle)> {
        let candle = self.last.get(symbol.index()).copied().flatten()?;
        let minute = (candle.open_time.0 / Nanos::MINUTE.0).unsigned_abs();
        let key = minute << 16 | u64::from(symbol.0) << 4 | purpose;
        Some((crate::draw::Draw::new(self.seed, key), candle))
    }

    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        let (mut draw, candle) = self.draw(symbol, 1)?;
        if !draw.permille(self.entries) {
            return None;
        }
        let side = if draw.permille(500) { Side::Buy } else { Side::Sell };
        let confidence = 0.61 + 0.38 * draw.unit();
        let reach = 0.008 + 0.012 * draw.unit();
        let reward = 1.05 + draw.unit();
        let (px, sign) = (candle.close.to_f64(), side.sign() as f64);
        Some(Proposal {
            side,
            confidence,
            patterns: Patterns::default(),
            reasons: List::<Reason, REASONS_MAX>::new(),
            stop: px * (1.0 - sign * reach),
            target: px * (1.0 + sign * reach * reward),
            features: [0.0; FEATURES],
        })
    }
}

impl Brain for Mind {
    fn push(&mut self, minute: &Candle, found: &mut impl FnMut(Found)) -> Result<(), LateCandle> {
        match self {
            Self::Teacher(teacher) => teacher.push(minute, found),
            Self::Script(script) => {
                let at = minute.symbol.index();
                let Some(last) = script.last.get_mut(at) else { return Ok(()) };
                if last.is_some_and(|last| last.open_time >= minute.open_time) {
                    return Err(LateCandle);
                }
                *last = Some(*minute);
                script.minutes[at] += 1;
                Ok(())
            }
        }
    }

    fn minutes(&self, symbol: SymbolId) -> u64 {
        match self {
            Self::Teacher(teacher) => teacher.minutes(symbol),
            Self::Script(script) => script.minutes.get(symbol.index()).copied().unwrap_or(0),
        }
    }

    fn propose(&self, symbol: SymbolId) -> Option<Proposal> {
        match self {
            Self::Teacher(teacher) => teacher.propose(symbol),
            Self::Script(script) => script.propose(symbol),
        }
    }

    fn decayed(&self, symbol: SymbolId, side: Side, entered_at: Nanos) -> bool {
        match self {
            Self::Teacher(teacher) => teacher.decayed(symbol, side, entered_at),
            Self::Script(script) => {
                script.draw(symbol, 2).is_some_and(|(mut draw, _)| draw.permille(script.exits))
            }
        }
    }
    fn restored(&mut self, config: &Config, symbols: usize) -> bool {
        match self {
            Self::Teacher(teacher) => teacher.restored(config, symbols),
            Self::Script(script) => script.last.len() == symbols,
        }
    }
}
