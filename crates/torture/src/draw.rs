//! Draws by key: the same seed gives the same numbers, on every machine.

/// A stream of draws.
#[derive(Clone, Copy, Debug)]
pub struct Draw(u64);

const fn mix(word: u64) -> u64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The next word of a stream (SplitMix64) that stands there.
pub(crate) const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mix(*state)
}

impl Draw {
    /// The stream of a seed and a purpose, so that one more draw for one thing moves no other.
    pub const fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ mix(purpose.wrapping_mul(0x2545_f491)))
    }

    /// The next word.
    pub const fn word(&mut self) -> u64 {
        next(&mut self.0)
    }

    /// Below `n`; 0 when `n` is 0.
    pub const fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.word() % n }
    }

    /// From `low` to `high`, both included.
    pub const fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).unsigned_abs()) as i64
    }

    /// True so many times in a thousand.
    pub const fn permille(&mut self, n: u64) -> bool {
        self.below(1_000) < n
    }

    /// From 0 to below 1.
    pub const fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of several.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// A span whose mean is `mean`, never nothing and at most eight times as long: exponential.
    pub fn wait(&mut self, mean: i64) -> i64 {
        let span = -(1.0 - self.unit()).ln() * mean as f64;
        (span as i64).clamp(1, mean.saturating_mul(8))
    }
}
