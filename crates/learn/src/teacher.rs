//! The teacher: rules that give side, confidence, stop and target.
//!
//! A setup of a side is liquidity of the other side taken and closed back from (a swing, a pool, a
//! previous day's extreme, the Asian range), then structure broken towards the side, best of all a
//! market structure shift by displacement, then price back at a gap or block of the side. It
//! proposes at three moments, all of them edges:
//!
//! 1. **shift**: 5m or 15m structure breaks towards the side within the sweep window;
//! 2. **retest**: within the retest window of such a break a gap or block of the side on 5m or 15m
//!    (also one of the other side that was broken and turned) is touched for the first time, and
//!    holds;
//! 3. **sweep**: liquidity on 15m or 1h is taken and price closes back, with the 1h trend.
//!
//! Proposals are edges and not states because a state holds for hours: proposing it every minute
//! would re-enter a stopped-out idea at once, sixty times an hour, and a rejected signal would stay
//! rejected at the same price. An edge says something new each time.
//!
//! The side comes from the moment, the confidence from what speaks for that side ([`Case`]): bias
//! of the higher timeframes, half of the dealing range, liquidity taken, shift and displacement,
//! entry at a gap or block, kill zone, opposing liquidity as target. The stop lies beyond what
//! proves the idea wrong (swept extreme, far edge of the zone) with room on the scale of 15m and
//! 1h, never nearer than noise; the target at the nearest opposing liquidity, or at a fixed
//! multiple of the stop distance if that is nearer.

use crate::analysis::Analysis;
use crate::case::Case;
use crate::config::Config;
use crate::features;
use crate::frame::Mark;
use aegis_types::{FEATURES, List, Nanos, Pattern, Patterns, REASONS_MAX, Reason, Side, Timeframe};

/// A setup that completed on the minute just read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// Direction, decided apart from the confidence.
    pub side: Side,
    /// 0..=1, the exact sum of `reasons` from first to last.
    pub confidence: f64,
    /// What was seen.
    pub patterns: Patterns,
    /// What each component adds.
    pub reasons: List<Reason, REASONS_MAX>,
    /// Where the idea is wrong, in price.
    pub stop: f64,
    /// Where the idea is paid, in price.
    pub target: f64,
    /// The features now, in the order of [`crate::features::NAMES`].
    pub features: [f64; FEATURES],
}

/// What completed: the patterns of the moment and the zone it happened at, if any.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    patterns: Patterns,
    zone: Option<Mark>,
}

/// What the teacher proposes after the minute just read, if anything. No gate inside.
///
/// When both sides complete on the same minute the more confident one speaks; when they are equal
/// the market says nothing.
pub fn propose(analysis: &Analysis, config: &Config) -> Option<Proposal> {
    // Moments are made of 5m closes and of longer ones, which fall on them.
    if analysis.frame(Timeframe::M5).closed() != analysis.now() {
        return None;
    }
    let case = |side| Case { analysis, config, side };
    let (long, short) = (case(Side::Buy), case(Side::Sell));
    let (buys, sells) = (moment(&long), moment(&short));
    if buys.is_none() && sells.is_none() {
        return None;
    }
    let (for_long, for_short) = (long.weigh(), short.weigh());
    let (case, moment, (confidence, reasons)) = match (buys, sells) {
        (Some(moment), None) => (long, moment, for_long),
        (None, Some(moment)) => (short, moment, for_short),
        (Some(moment), Some(_)) if for_long.0 > for_short.0 => (long, moment, for_long),
        (Some(_), Some(moment)) if for_long.0 < for_short.0 => (short, moment, for_short),
        _ => return None,
    };
    let (stop, target) = levels(&case, moment.zone)?;
    Some(Proposal {
        side: case.side,
        confidence,
        patterns: moment.patterns,
        reasons,
        stop,
        target,
        features: features::read_with(analysis, config, for_long.0.max(for_short.0))?,
    })
}

/// Did a setup of this side complete on the minute just read?
fn moment(case: &Case) -> Option<Moment> {
    let setup = [Timeframe::M5, Timeframe::M15].map(|tf| case.analysis.frame(tf).marks(case.side));
    let mut patterns = Patterns::default();
    let mut complete = false;
    let mut zone = None;
    let swept = case.sweep().is_some();
    let recent_break = swept
        && setup.iter().any(|m| case.within(m.broke, case.config.retest_window_minutes).is_some());
    for marks in setup {
        if let Some(mark) = case.just_now(marks.broke)
            && swept
        {
            complete = true;
            patterns = patterns.with(mark.pattern);
        }
        if let Some(mark) = case.just_now(marks.retest)
            && recent_break
            && case.price() > case.seen(mark.far)
        {
            complete = true;
            zone = Some(mark);
            patterns = patterns.with(mark.pattern);
        }
    }
    let trend = case.analysis.frame(Timeframe::H1).detector.structure().trend();
    for timeframe in [Timeframe::M15, Timeframe::H1] {
        let swept = case.analysis.frame(timeframe).marks(case.side).sweep;
        if trend == Some(case.side) && case.just_now(swept).is_some() {
            complete = true;
        }
    }
    complete.then(|| Moment { patterns: with_context(case, patterns), zone })
}

/// The patterns behind a moment that are still fresh enough to count.
fn with_context(case: &Case, mut patterns: Patterns) -> Patterns {
    if case.sweep().is_some() {
        patterns = patterns.with(Pattern::Sweep);
    }
    for timeframe in [Timeframe::M5, Timeframe::M15] {
        let marks = case.analysis.frame(timeframe).marks(case.side);
        let window = case.config.retest_window_minutes;
        if case.within(marks.displacement, window).is_some() {
            patterns = patterns.with(Pattern::Displacement);
        }
        if let Some(mark) = case.within(marks.broke, window) {
            patterns = patterns.with(mark.pattern);
        }
    }
    patterns
}

/// Stop and target, in price; none when the idea is proven wrong only too far away. The target is
/// the nearest opposing liquidity that pays enough, or `target_r` times the risk if that is nearer.
fn levels(case: &Case, zone: Option<Mark>) -> Option<(f64, f64)> {
    let config = case.config;
    let price = case.price();
    let risk = case.risk(zone)?;
    let full = config.target_r * risk;
    let reward = case.nearest_opposing(config.target_r_min * risk).map_or(full, |d| d.min(full));
    let (stop, target) = (case.seen(price - risk), case.seen(price + reward));
    (stop > 0.0 && target > 0.0).then_some((stop, target))
}

/// Are the reasons for a position of `side`, entered at `entered_at`, gone?
///
/// They are when 15m or 1h structure has broken against the side since then: what the entry was
/// built on is no longer there, whatever the price.
pub fn decayed(analysis: &Analysis, _config: &Config, side: Side, entered_at: Nanos) -> bool {
    [Timeframe::M15, Timeframe::H1].into_iter().any(|timeframe| {
        let broke = analysis.frame(timeframe).marks(side.opposite()).broke;
        broke.is_some_and(|mark| mark.at > entered_at)
    })
}
