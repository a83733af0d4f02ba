//! A fixed-size histogram of delays in microseconds: 1/64 relative resolution, no allocation.

use serde::{Deserialize, Serialize};

const SUB: usize = 64;
/// Each octave above the exact ones has as many buckets.
const BUCKETS: usize = (32 - SUB.ilog2() as usize + 1) * SUB;

/// Counts by delay.
#[derive(Clone)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
    max: u32,
}

/// p50, p99 and max of a histogram, µs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median, µs.
    pub p50: u32,
    /// 99th percentile, µs.
    pub p99: u32,
    /// Largest, µs.
    pub max: u32,
    /// How many were measured.
    pub samples: u64,
}

fn bucket(us: u32) -> usize {
    let v = us as usize;
    if v < SUB {
        return v;
    }
    let octave = (v.ilog2() - SUB.ilog2()) as usize;
    (octave + 1) * SUB + (v >> octave) - SUB
}

fn upper(bucket: usize) -> u32 {
    if bucket < SUB {
        return bucket as u32;
    }
    let octave = bucket / SUB - 1;
    let within = bucket % SUB + SUB;
    (((within as u64 + 1) << octave) - 1).min(u64::from(u32::MAX)) as u32
}

impl Histogram {
    /// Empty.
    pub fn new() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0, max: 0 }
    }

    /// Counts one delay.
    pub fn record(&mut self, us: u32) {
        self.counts[bucket(us)] += 1;
        self.total += 1;
        self.max = self.max.max(us);
    }

    /// The quantiles; an upper bound of the bucket, never above the largest value seen.
    pub fn quantiles(&self) -> Quantiles {
        let at = |share: f64| {
            let want = (self.total as f64 * share).ceil() as u64;
            let mut seen = 0;
            for (index, count) in self.counts.iter().enumerate() {
                seen += count;
                if seen >= want && seen > 0 {
                    return upper(index).min(self.max);
                }
            }
            0
        };
        Quantiles { p50: at(0.50), p99: at(0.99), max: self.max, samples: self.total }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_all_delays_without_holes() {
        let mut last = 0;
        for us in (0..100_000u32).chain([1 << 20, 1 << 31, u32::MAX]) {
            let b = bucket(us);
            assert!(b >= last, "buckets rise");
            assert!(upper(b) >= us, "{us} is inside its bucket");
            assert!(u64::from(upper(b)) <= u64::from(us) + u64::from(us) / 64 + 1);
            last = b;
        }
        assert!(bucket(u32::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let mut h = Histogram::new();
        (1..=1000).for_each(|us| h.record(us));
        let q = h.quantiles();
        assert!((500..=531).contains(&q.p50), "{q:?}");
        assert!((990..=1000).contains(&q.p99), "{q:?}");
        assert_eq!((q.max, q.samples), (1000, 1000));
        assert_eq!(Histogram::new().quantiles(), Quantiles::default());
    }
}
