//! Step machine: pauses between attempts to connect: doubling, with jitter, reset by data alone.
//!
//! A connection that opens and says nothing is as dead as one that does not open, so being
//! connected resets nothing.

use aegis_types::Nanos;

/// First pause.
const FIRST: Nanos = Nanos::MILLISECOND.times(250);
/// Longest pause.
const LONGEST: Nanos = Nanos::SECOND.times(30);
/// The same where requests leave: a stop may be waiting for the connection. Four of them, each
/// tried so seldom, stay below the connections that the exchange allows an address (300 in five
/// minutes).
const LONGEST_FOR_REQUESTS: Nanos = Nanos::SECOND.times(4);

/// The pauses of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    state: u64,
    failures: u32,
    longest: Nanos,
}

impl Backoff {
    /// Pauses keyed by a seed, so that a run can be repeated.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, failures: 0, longest: LONGEST }
    }

    /// The same for a connection that carries requests: at most 4 s.
    pub const fn for_requests(seed: u64) -> Self {
        Self { longest: LONGEST_FOR_REQUESTS, ..Self::new(seed) }
    }

    /// The next pause: between half and all of `250 ms × 2^failures`, at most 30 s.
    pub fn pause(&mut self) -> Nanos {
        let whole = FIRST.times(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let half = whole.0 / 2;
        Nanos(half + (self.draw() % (half.unsigned_abs() + 1)) as i64)
    }

    /// Data came.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Attempts since the last data.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// SplitMix64 (Steele, Lea, Flood, 2014).
    const fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
