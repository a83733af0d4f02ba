//! Losses: of the UTC day, and from the highest equity. Both are remembered once they have reached
//! their limit: the day's until midnight, the drawdown until the operator resumes. What an earlier
//! session knew is taken over, so that a restart forgives nothing.
//!
//! A withdrawal looks like a loss, for a wallet says only what is in it: after one, resume.

use aegis_types::{Money, Nanos, RiskMemory};
use serde::{Deserialize, Serialize};

/// How much was lost, and whether that is the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    /// The most so far, as a share of what it is measured from: what a denial says is what reached
    /// the limit.
    pub fraction: f64,
    pub reached: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Day {
    start_equity: Option<Money>,
    end: Nanos,
    worst: f64,
    lost: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Losses {
    day: Day,
    /// Highest equity since the start, or since the last resume after a drawdown.
    peak: Option<Money>,
    /// Deepest fall from that peak.
    fall: f64,
    drawn_down: bool,
    /// The largest ever seen of both, for the metrics.
    pub worst_day: f64,
    pub worst_fall: f64,
}

const fn day(start_equity: Option<Money>, end: Nanos) -> Day {
    Day { start_equity, end, worst: 0.0, lost: false }
}

impl Losses {
    pub const fn new() -> Self {
        Self {
            day: day(None, Nanos(i64::MIN)),
            peak: None,
            fall: 0.0,
            drawn_down: false,
            worst_day: 0.0,
            worst_fall: 0.0,
        }
    }

    /// Starts a new UTC day when it is time.
    pub fn turn_day(&mut self, at: Nanos, equity: Money) {
        if at >= self.day.end || self.day.start_equity.is_none() {
            // The start of the far past has no floor.
            let end = Nanos(at.0.max(i64::MIN / 2)).floor(Nanos::DAY).after(Nanos::DAY);
            self.day = day(Some(equity), end);
        }
    }

    /// The day's loss at this equity.
    pub fn of_day(&mut self, equity: Money, limit: f64) -> Loss {
        let Some(start) = self.day.start_equity else {
            return Loss { fraction: 0.0, reached: false };
        };
        let fraction = share(start.saturating_plus(-equity), start);
        self.day.worst = self.day.worst.max(fraction);
        self.day.lost |= fraction >= limit || !start.is_positive();
        self.worst_day = self.worst_day.max(self.day.worst);
        Loss { fraction: self.day.worst, reached: self.day.lost }
    }

    /// The fall from the highest equity, at this equity.
    pub fn below_peak(&mut self, equity: Money, limit: f64) -> Loss {
        let peak = self.peak.map_or(equity, |peak| peak.max(equity));
        self.peak = Some(peak);
        let fraction = share(peak.saturating_plus(-equity), peak);
        self.fall = self.fall.max(fraction);
        self.drawn_down |= fraction >= limit;
        self.worst_fall = self.worst_fall.max(self.fall);
        Loss { fraction: self.fall, reached: self.drawn_down }
    }

    /// What both are now, without a new measurement.
    pub const fn known(&self) -> [Loss; 2] {
        [
            Loss { fraction: self.day.worst, reached: self.day.lost },
            Loss { fraction: self.fall, reached: self.drawn_down },
        ]
    }

    /// The operator has seen a drawdown and goes on: from here it is measured anew.
    pub const fn resume(&mut self) {
        if self.drawn_down {
            (self.peak, self.fall, self.drawn_down) = (None, 0.0, false);
        }
    }

    /// For the next session.
    pub fn memory(&self, halted: bool) -> RiskMemory {
        RiskMemory {
            day_end: self.day.end,
            day_start: self.day.start_equity.unwrap_or_default(),
            day_lost: self.day.lost,
            peak: self.peak.unwrap_or_default(),
            drawn_down: self.drawn_down,
            halted,
        }
    }

    /// From an earlier session; its day counts while it lasts.
    pub fn recall(&mut self, memory: &RiskMemory, at: Nanos) {
        if at < memory.day_end && memory.day_start.is_positive() {
            self.day = day(Some(memory.day_start), memory.day_end);
            self.day.lost = memory.day_lost;
        }
        if memory.peak.is_positive() {
            self.peak = Some(memory.peak);
        }
        self.drawn_down |= memory.drawn_down;
    }
}

fn share(lost: Money, of: Money) -> f64 {
    if lost.is_positive() { lost.ratio_of(of) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Losses {
        let mut losses = Losses::new();
        losses.turn_day(Nanos::HOUR, Money::whole(100));
        losses
    }

    #[test]
    fn the_day_limit_latches_until_midnight() {
        let mut losses = started();
        let loss = |losses: &mut Losses, equity| losses.of_day(Money::whole(equity), 0.05);
        assert_eq!(loss(&mut losses, 96), Loss { fraction: 0.04, reached: false });
        let reached = Loss { fraction: 0.05, reached: true };
        assert_eq!(loss(&mut losses, 95), reached);
        assert_eq!(loss(&mut losses, 100), reached, "for the rest of the day");
        losses.turn_day(Nanos::HOUR.times(23), Money::whole(100));
        assert!(loss(&mut losses, 100).reached);
        losses.turn_day(Nanos::DAY, Money::whole(95));
        assert_eq!(loss(&mut losses, 95), Loss { fraction: 0.0, reached: false });
        assert_eq!(losses.worst_day, 0.05);
    }

    #[test]
    fn a_drawdown_latches_until_resumed_and_is_measured_anew_from_there() {
        let mut losses = started();
        let fall = |losses: &mut Losses, equity| losses.below_peak(Money::whole(equity), 0.20);
        assert_eq!(fall(&mut losses, 100), Loss { fraction: 0.0, reached: false });
        assert_eq!(fall(&mut losses, 200), Loss { fraction: 0.0, reached: false });
        assert_eq!(fall(&mut losses, 161), Loss { fraction: 0.195, reached: false });
        losses.resume();
        assert_eq!(fall(&mut losses, 160), Loss { fraction: 0.2, reached: true }, "of the peak");
        losses.turn_day(Nanos::DAY, Money::whole(160));
        assert!(fall(&mut losses, 300).reached, "neither midnight nor a gain ends it");
        losses.resume();
        assert_eq!(fall(&mut losses, 160), Loss { fraction: 0.0, reached: false });
        assert_eq!(losses.worst_fall, 0.2);
    }

    #[test]
    fn the_next_session_knows_what_this_one_knew() {
        let mut losses = started();
        losses.of_day(Money::whole(90), 0.05);
        losses.below_peak(Money::whole(200), 0.20);
        losses.below_peak(Money::whole(100), 0.20);
        let memory = losses.memory(true);
        assert!(memory.day_lost && memory.drawn_down && memory.halted);
        let mut next = Losses::new();
        next.recall(&memory, Nanos::HOUR.times(2));
        next.turn_day(Nanos::HOUR.times(2), Money::whole(90));
        assert!(next.of_day(Money::whole(100), 0.05).reached);
        assert!(next.below_peak(Money::whole(200), 0.20).reached);
        assert_eq!(next.memory(true), memory);
        let mut tomorrow = Losses::new();
        tomorrow.recall(&memory, Nanos::DAY);
        tomorrow.turn_day(Nanos::DAY, Money::whole(90));
        assert!(!tomorrow.of_day(Money::whole(90), 0.05).reached, "a new day");
        assert!(tomorrow.below_peak(Money::whole(90), 0.20).reached, "the peak is still known");
    }
}
