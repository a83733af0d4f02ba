//! Samples and their medians.

use std::time::{Duration, Instant};

/// Measured values; sorted when asked.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value below which the fraction `q` of the samples lies; NaN without samples.
    pub fn quantile(&mut self, q: f64) -> f64 {
        self.0.sort_unstable_by(f64::total_cmp);
        let last = self.0.len().saturating_sub(1);
        let at = (q * last as f64).round() as usize;
        self.0.get(at.min(last)).copied().unwrap_or(f64::NAN)
    }

    /// The median.
    pub fn median(&mut self) -> f64 {
        self.quantile(0.5)
    }
}

/// Calls `pass` at least `least` times and until `seconds` have gone by.
pub fn repeat<E>(
    seconds: f64,
    least: usize,
    mut pass: impl FnMut() -> Result<(), E>,
) -> Result<usize, E> {
    let end = Instant::now() + Duration::from_secs_f64(seconds.max(0.0));
    let mut passes = 0;
    while passes < least || Instant::now() < end {
        pass()?;
        passes += 1;
    }
    Ok(passes)
}

/// Nanoseconds since `start`.
pub fn ns_since(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// Nanoseconds of processor time that this thread has used: what else runs on the machine counts
/// less than in the time on the wall.
pub fn on_cpu_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// What measuring nothing costs: the median of two readings of the clock in a row, in ns.
pub fn clock_cost_ns() -> f64 {
    let mut costs = Samples::default();
    for _ in 0..10_001 {
        let start = Instant::now();
        costs.push(ns_since(start));
    }
    costs.median()
}

/// Rounded to `digits` decimals, for output.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let mut samples = Samples::default();
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            samples.push(value);
        }
        assert_eq!(samples.median(), 3.0);
        assert_eq!((samples.quantile(0.0), samples.quantile(1.0)), (1.0, 5.0));
        assert!(Samples::default().median().is_nan());
        assert_eq!(rounded(1.23456, 2), 1.23);
    }

    #[test]
    fn repeats_at_least_so_often() {
        let mut calls = 0;
        let passes = repeat(0.0, 3, || {
            calls += 1;
            Ok::<(), ()>(())
        });
        assert_eq!((passes, calls), (Ok(3), 3));
    }
}
