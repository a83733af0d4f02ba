//! How lively the market is by the time of day and week, as a factor on volatility.

use aegis_types::Nanos;
use alloc::vec::Vec;

const MINUTES: usize = 1_440;

/// Relative volatility of the hours of the UTC day: low late in New York and before Tokyo, high
/// where London and New York overlap.
const HOURS: [f64; 24] = [
    0.95, 1.00, 0.95, 0.85, 0.80, 0.78, 0.85, 1.00, 1.10, 1.02, 0.95, 0.95, 1.10, 1.40, 1.60, 1.45,
    1.25, 1.10, 1.00, 0.95, 0.90, 0.80, 0.75, 0.80,
];

/// Minutes of the UTC day at which a session opens with a burst: Tokyo, London, New York.
const OPENS: [usize; 3] = [0, 8 * 60, 13 * 60 + 30];

/// Relative volatility of Saturday and Sunday.
const WEEKEND: f64 = 0.75;

/// The factor for each minute of the day; its mean square over a week is 1.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    weekday: Vec<f64>,
}

impl Rhythm {
    pub(crate) fn new() -> Self {
        let mut weekday: Vec<f64> = (0..MINUTES)
            .map(|minute| {
                let (hour, into) = (minute / 60, (minute % 60) as f64 / 60.0);
                let level = HOURS[hour] * (1.0 - into) + HOURS[(hour + 1) % 24] * into;
                let burst = OPENS.iter().map(|open| {
                    let since = (minute + MINUTES - open) % MINUTES;
                    if since < 60 { 0.6 * libm::exp(-(since as f64) / 12.0) } else { 0.0 }
                });
                level * (1.0 + burst.sum::<f64>())
            })
            .collect();
        let square = weekday.iter().map(|f| f * f).sum::<f64>() / MINUTES as f64;
        let week = (5.0 + 2.0 * WEEKEND * WEEKEND) / 7.0;
        let scale = 1.0 / libm::sqrt(square * week);
        weekday.iter_mut().for_each(|f| *f *= scale);
        Self { weekday }
    }

    /// The factor for a minute, counted from the epoch.
    #[inline]
    pub(crate) fn factor(&self, minute: i64) -> f64 {
        let weekday = self.weekday[minute.rem_euclid(MINUTES as i64) as usize];
        // Day 0 of the epoch was a Thursday.
        match (minute.div_euclid(MINUTES as i64) + 4).rem_euclid(7) {
            0 | 6 => weekday * WEEKEND,
            _ => weekday,
        }
    }
}

/// Is funding settled at this minute (00, 08 and 16 UTC)?
#[inline]
pub(crate) const fn is_funding(minute: i64) -> bool {
    minute.rem_euclid(480) == 0
}

/// Minutes since the epoch.
pub(crate) const fn minute_of(at: Nanos) -> i64 {
    at.0.div_euclid(Nanos::MINUTE.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_has_mean_square_one_and_sleeps_at_the_weekend() {
        let rhythm = Rhythm::new();
        let monday = minute_of(Nanos::from_civil(2025, 1, 6));
        let week: f64 = (0..7 * 1_440)
            .map(|m| {
                let f = rhythm.factor(monday + m);
                f * f
            })
            .sum();
        assert!((week / (7.0 * 1_440.0) - 1.0).abs() < 1e-9);
        let noon = |day: i64| rhythm.factor(monday + day * 1_440 + 720);
        assert!((noon(5) / noon(4) - WEEKEND).abs() < 1e-12);
        assert_eq!(noon(0), noon(4));
        assert!(is_funding(monday) && is_funding(monday + 480) && !is_funding(monday + 60));
    }
}
