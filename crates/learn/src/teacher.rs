//! The teacher: rules that give side, confidence, stop and target.

use crate::analysis::Analysis;
use crate::config::Config;
use aegis_types::{FEATURES, List, Nanos, Patterns, REASONS_MAX, Reason, Side};

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

/// What the teacher proposes after the minute just read, if anything. No gate inside.
pub fn propose(_analysis: &Analysis, _config: &Config) -> Option<Proposal> {
    None
}

/// Are the reasons for a position of `side`, entered at `entered_at`, gone?
pub fn decayed(_analysis: &Analysis, _config: &Config, _side: Side, _entered_at: Nanos) -> bool {
    false
}
