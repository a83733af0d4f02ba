//! Step machine: the exchange's clock, by the sample that took the shortest way.
//!
//! A round of samples of `/fapi/v1/time` gives offsets `server − (sent + received) / 2`; the one of
//! the shortest round trip is the least wrong, by at most half that trip. The time used for
//! signing lies a few milliseconds behind: 1 s ahead is the exchange's hard limit, `recvWindow`
//! behind is not. Our own clock is the pump's monotonic one, so it never jumps.

use aegis_types::Nanos;
use aegis_types::defect::{self, Defect};

/// Samples of one round.
pub const SAMPLES: u8 = 5;
/// Longest time between two rounds.
pub const RESYNC: Nanos = Nanos::MINUTE.times(5);
/// Time between two rounds while the offset has just jumped, or is larger than it should be.
const RESYNC_SOON: Nanos = Nanos::SECOND.times(15);
/// A change of the offset between two rounds that no drift explains.
const JUMP: Nanos = Nanos::MILLISECOND.times(500);
/// Pause after a sample that failed.
const RETRY: Nanos = Nanos::SECOND;
/// How far behind the exchange's estimated time requests are stamped.
const BEHIND: Nanos = Nanos::MILLISECOND.times(5);

/// What happens to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passes.
    Tick,
    /// A sample.
    Sample {
        /// When the request left.
        sent: Nanos,
        /// The exchange's answer, in ms.
        server_ms: i64,
    },
    /// A sample got no answer.
    Failed,
    /// The exchange says our time is wrong.
    Doubted,
}

/// What the clock wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A sample.
    Sample,
    /// Nothing; a round has just ended and the offset is new.
    Synced,
}

/// The estimate of the exchange's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    offset: Nanos,
    trip: Nanos,
    best: Option<(Nanos, Nanos)>,
    taken: u8,
    asked: bool,
    next: Nanos,
    synced: bool,
    round: bool,
    /// Rounds so far, and whether the newest differs from the one before by more than drift.
    rounds: u32,
    jumped: bool,
}

impl Clock {
    /// Not synced; the first round begins at once.
    pub const fn new() -> Self {
        Self {
            offset: Nanos::ZERO,
            trip: Nanos::MAX,
            best: None,
            taken: 0,
            asked: false,
            next: Nanos(i64::MIN),
            synced: false,
            round: true,
            rounds: 0,
            jumped: false,
        }
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input, out: &mut Vec<Wish>) {
        match input {
            Input::Tick => {}
            Input::Sample { sent, server_ms } => self.sample(now, sent, server_ms, out),
            Input::Failed => (self.asked, self.next) = (false, now.after(RETRY)),
            Input::Doubted => {
                if !self.round {
                    (self.round, self.taken, self.best, self.next) = (true, 0, None, now);
                }
                self.synced = false;
            }
        }
        if !self.round && now >= self.next {
            (self.round, self.taken, self.best) = (true, 0, None);
        }
        if self.round && !self.asked && now >= self.next {
            self.asked = true;
            out.push(Wish::Sample);
        }
    }

    fn sample(&mut self, now: Nanos, sent: Nanos, server_ms: i64, out: &mut Vec<Wish>) {
        self.asked = false;
        if !self.round {
            return;
        }
        let trip = now.since(sent);
        let middle = Nanos(sent.0 + trip.0 / 2);
        let offset = Nanos::from_millis(server_ms).since(middle);
        if self.best.is_none_or(|(shortest, _)| trip < shortest) {
            self.best = Some((trip, offset));
        }
        self.taken += 1;
        if self.taken >= SAMPLES
            && let Some((trip, offset)) = self.best
        {
            let moved = Nanos(offset.since(self.offset).0.abs());
            // A sample is wrong by half its round trip at most.
            self.jumped = self.rounds > 0 && moved > JUMP.after(Nanos(trip.0 / 2));
            self.rounds = self.rounds.saturating_add(1);
            (self.trip, self.offset) = (trip, offset);
            let odd = self.jumped || Nanos(offset.0.abs()) > Nanos::SECOND;
            let pause = if odd { RESYNC_SOON } else { RESYNC };
            (self.synced, self.round, self.next) = (true, false, now.after(pause));
            out.push(Wish::Synced);
        }
    }

    /// Is the offset known and not in doubt?
    pub const fn synced(&self) -> bool {
        self.synced
    }

    /// Did one of the two clocks jump between the last two rounds?
    pub const fn jumped(&self) -> bool {
        self.jumped
    }

    /// The exchange's time less ours.
    pub const fn offset(&self) -> Nanos {
        self.offset
    }

    /// Round trip of the sample in use.
    pub const fn trip(&self) -> Nanos {
        self.trip
    }

    /// The timestamp for a request that leaves now, in ms.
    pub fn stamp_ms(&self, now: Nanos) -> i64 {
        now.after(self.applied()).since(BEHIND).as_millis()
    }

    /// The offset that timestamps are made with.
    fn applied(&self) -> Nanos {
        if defect::on(Defect::IgnoreOffset) { Nanos::ZERO } else { self.offset }
    }

    /// The exchange's time, in ms.
    pub const fn server_ms(&self, now: Nanos) -> i64 {
        now.after(self.offset).as_millis()
    }

    /// When [`Clock::step`] wants to be called again at the latest.
    pub const fn next(&self) -> Nanos {
        if self.asked { Nanos::MAX } else { self.next }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
