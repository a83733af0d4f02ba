//! Sessions of the day: when moves are made.
//!
//! Windows are UTC hours around the London and New York openings as they lie in summer time; the
//! civil-time windows with daylight saving come with the session detectors.

use aegis_types::Nanos;

/// How much a minute of the day counts, 0..=1.
pub(crate) fn weight(at: Nanos) -> f64 {
    let hour = at.0.rem_euclid(Nanos::DAY.0) / Nanos::HOUR.0;
    match hour {
        // London open, New York morning
        6..=9 | 12..=15 => 1.0,
        // between them, and the New York afternoon
        10..=11 | 16..=18 => 0.6,
        // Asia
        0..=3 => 0.5,
        _ => 0.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn london_and_new_york_count_most() {
        let at = |hour| weight(Nanos::DAY.times(20_000).after(Nanos::HOUR.times(hour)));
        assert_eq!((at(7), at(13), at(2), at(22)), (1.0, 1.0, 0.5, 0.2));
        assert!((0..24).all(|hour| (0.0..=1.0).contains(&at(hour))));
    }
}
