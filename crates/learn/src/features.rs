//! The 12 features that describe an entry. Names and ranges are those of the original system; the
//! numbers are computed anew from causal structure, on the 15m timeframe (on which stops stand) at
//! the last 1m close.
//!
//! | feature | range | meaning |
//! |---|---|---|
//! | `market_structure` | −1, 0, 1 | trend: direction of the last break |
//! | `order_blocks_count` | 0..1 | live order blocks of both sides, at most ten, over ten |
//! | `institutional_candle` | 0..1 | body of the last candle over the least displacement body |
//! | `liquidity_grab` | 0, 1 | the last candle completed a sweep, of either side |
//! | `fvg_size_atr` | 0.. | size of the nearest open gap in ATR; 0 without one |
//! | `fvg_proximity` | −1..1 | distance to it in ATR: above it positive, inside 0; 0 without one |
//! | `ob_proximity` | 0..1 | distance to the nearest order block in ATR; 0 inside, 1 far or none |
//! | `atr_normalized_volume` | 0.. | volume over the mean of the 14 candles before |
//! | `rsi_14` | 0..1 | Wilder RSI over 100 |
//! | `momentum_atr` | −1..1 | four-candle change in ATR, held to ±2, halved |
//! | `time_to_next_level` | 0..1 | ATRs to the nearest untouched liquidity over 5; 1 far or none |
//! | `confidence_ensemble` | 0..1 | the greater of the two sides' confidences |

use crate::analysis::Analysis;
use crate::case::Case;
use crate::config::Config;
use crate::frame::Frame;
use aegis_smc::{View, Zone, ZoneState};
use aegis_types::{FEATURES, Side, Timeframe};

/// Names, in the order of every feature array.
pub const NAMES: [&str; FEATURES] = [
    "market_structure",
    "order_blocks_count",
    "institutional_candle",
    "liquidity_grab",
    "fvg_size_atr",
    "fvg_proximity",
    "ob_proximity",
    "atr_normalized_volume",
    "rsi_14",
    "momentum_atr",
    "time_to_next_level",
    "confidence_ensemble",
];

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
/// More live order blocks than this count as this many.
const BLOCKS_FULL: f64 = 10.0;
/// A level this many ATR away is far.
const LEVEL_FAR_ATR: f64 = 5.0;

/// The features now; none while the 15m timeframe is warming up.
pub(crate) fn read(analysis: &Analysis, config: &Config) -> Option<[f64; FEATURES]> {
    let confidence = |side| Case { analysis, config, side }.weigh().0;
    read_with(analysis, config, confidence(Side::Buy).max(confidence(Side::Sell)))
}

/// The features when the greater confidence is known already.
pub(crate) fn read_with(
    analysis: &Analysis,
    config: &Config,
    confidence: f64,
) -> Option<[f64; FEATURES]> {
    let frame = analysis.frame(Timeframe::M15);
    let atr = frame.detector.atr().filter(|atr| *atr > 0.0)?;
    let price = analysis.price();
    let last = frame.last();
    let (gap_size, gap_distance) = nearest_gap(frame, price).unwrap_or((0.0, 0.0));
    Some([
        frame.detector.structure().trend().map_or(0.0, |side| side.sign() as f64),
        (block_count(frame) / BLOCKS_FULL).min(1.0),
        ((last.close() - last.open()).abs() / (config.displacement_atr * atr)).min(1.0),
        if just_swept(frame) { 1.0 } else { 0.0 },
        gap_size / atr,
        (gap_distance / atr).clamp(-1.0, 1.0),
        (nearest_block(frame, price) / atr).min(1.0),
        frame.volume_ratio()?,
        frame.rsi()? / 100.0,
        frame.momentum()?,
        (nearest_level(frame, price) / atr / LEVEL_FAR_ATR).min(1.0),
        confidence,
    ])
}

fn block_count(frame: &Frame) -> f64 {
    SIDES.iter().map(|side| frame.detector.blocks(*side).zones().len() as f64).sum()
}

fn just_swept(frame: &Frame) -> bool {
    let closed = frame.closed();
    SIDES.iter().any(|side| frame.marks(*side).sweep.is_some_and(|mark| mark.at == closed))
}

/// Distance from `price` to a zone, both as the zone's side sees them: positive above it.
fn distance(zone: &Zone, price: f64) -> f64 {
    if price > zone.near {
        price - zone.near
    } else if price < zone.far {
        price - zone.far
    } else {
        0.0
    }
}

/// Size of the nearest open gap and the distance to it, positive when price is above.
fn nearest_gap(frame: &Frame, price: f64) -> Option<(f64, f64)> {
    let mut nearest: Option<(f64, f64)> = None;
    for side in SIDES {
        let seen = View::price(price, side);
        let open = frame.detector.gaps(side).zones().iter();
        for zone in open.filter(|zone| zone.state != ZoneState::Filled) {
            let away = View::price(distance(zone, seen), side);
            let size = zone.near - zone.far;
            // Inside several at once the largest counts, whichever side it is of.
            let nearer = |(other, least): (f64, f64)| {
                away.abs() < least.abs() || (away.abs() == least.abs() && size > other)
            };
            if nearest.is_none_or(nearer) {
                nearest = Some((size, away));
            }
        }
    }
    nearest
}

fn nearest_block(frame: &Frame, price: f64) -> f64 {
    let mut nearest = f64::INFINITY;
    for side in SIDES {
        let seen = View::price(price, side);
        for zone in frame.detector.blocks(side).zones().iter() {
            nearest = nearest.min(distance(zone, seen).abs());
        }
    }
    nearest
}

fn nearest_level(frame: &Frame, price: f64) -> f64 {
    let away = |side: Side| {
        let seen = View::price(price, side);
        let level = frame.detector.liquidity(side).nearest_below(seen, 0.0);
        level.map_or(f64::INFINITY, |level| seen - level)
    };
    away(Side::Buy).min(away(Side::Sell))
}
