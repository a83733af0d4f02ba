//! Step machine: a local order book out of a snapshot and the updates around it.
//!
//! ```text
//! Buffering ── snapshot ─> Bridging ── first update around it ─> Synced
//!     ▲                        └─ none fits: too old ─┐            │
//!     └───────── a new snapshot is asked for ◄────────┴── gap ─────┘
//! ```
//!
//! The procedure is the exchange's for futures: updates with `u` below the snapshot's id are
//! dropped, the first one used has `U ≤ id ≤ u`, and each later one's `pu` is the `u` before it.
//! Quantities are absolute; zero deletes, also what is not there. Levels are kept in sorted arrays
//! of fixed capacity, the best one last, where most changes are.

use aegis_types::{Nanos, Px, Qty};
use aegis_wire::frame::{Depth, Snapshot};
use aegis_wire::{Level, Levels};

/// Levels kept a side; those farthest from the market make room.
pub const LEVELS_KEPT: usize = 2_000;
/// Updates that wait for a snapshot.
const WAITING_MAX: usize = 512;
/// Levels of those updates.
const WAITING_LEVELS: usize = 32_768;
/// Pause before another snapshot is asked for.
const AGAIN: Nanos = Nanos::MILLISECOND.times(500);

/// What happens to a book.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Time passes.
    Tick,
    /// The stream is there, or is there again.
    Opened,
    /// The stream has gone.
    Closed,
    /// An update, with its levels.
    Update(&'a Depth<'a>, &'a Levels),
    /// A snapshot, with its levels.
    Snapshot(&'a Snapshot, &'a Levels),
    /// There is no snapshot.
    Failed,
}

/// What a book wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A snapshot.
    Snapshot,
    /// Nothing: from here on it is the exchange's book.
    Synced,
    /// Nothing: it is not any more, and must not be traded on.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    /// Updates wait; a snapshot is asked for at that time, or is under way.
    Buffering(Nanos, bool),
    /// The snapshot is in; no update has met it yet.
    Bridging,
    Synced,
}

/// An update that waits; its levels lie in the shared list.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    first: u64,
    last: u64,
    previous: u64,
    bids: usize,
    asks: usize,
}

/// One side, the best level last.
#[derive(Clone, Debug)]
struct Side {
    levels: Vec<Level>,
    /// +1 when higher is better, −1 when lower is.
    sign: i64,
    /// Levels were dropped: the far end is not the exchange's.
    cut: bool,
}

impl Side {
    fn new(sign: i64) -> Self {
        Self { levels: Vec::with_capacity(LEVELS_KEPT), sign, cut: false }
    }

    fn clear(&mut self) {
        self.levels.clear();
        self.cut = false;
    }

    #[inline]
    fn set(&mut self, level: Level) {
        let key = level.px.raw() * self.sign;
        let sign = self.sign;
        match self.levels.binary_search_by_key(&key, |held| held.px.raw() * sign) {
            Ok(at) if level.qty.is_zero() => {
                self.levels.remove(at);
            }
            Ok(at) => self.levels[at] = level,
            Err(_) if level.qty.is_zero() => {}
            Err(at) if self.levels.len() < LEVELS_KEPT => self.levels.insert(at, level),
            Err(0) => self.cut = true,
            Err(at) => {
                self.cut = true;
                // The worst goes; the rest moves down by one as far as the new one's place.
                self.levels.copy_within(1..at, 0);
                self.levels[at - 1] = level;
            }
        }
    }
}

/// A local book.
#[derive(Clone, Debug)]
pub struct BookSync {
    phase: Phase,
    bids: Side,
    asks: Side,
    last: u64,
    waiting: Vec<Waiting>,
    levels: Vec<Level>,
    resyncs: u64,
    repeated: u64,
}

impl BookSync {
    /// Empty; all memory is taken here.
    pub fn new() -> Self {
        Self {
            phase: Phase::Off,
            bids: Side::new(1),
            asks: Side::new(-1),
            last: 0,
            waiting: Vec::with_capacity(WAITING_MAX),
            levels: Vec::with_capacity(WAITING_LEVELS),
            resyncs: 0,
            repeated: 0,
        }
    }

    /// Takes an input.
    pub fn step(&mut self, now: Nanos, input: Input<'_>, out: &mut Vec<Wish>) {
        match input {
            Input::Tick => {}
            Input::Opened => self.restart(now, out),
            Input::Closed => {
                self.lose(out);
                self.phase = Phase::Off;
            }
            Input::Update(depth, levels) => self.update(now, depth, levels, out),
            Input::Snapshot(snapshot, levels) => self.snapshot(now, snapshot, levels, out),
            Input::Failed => {
                if let Phase::Buffering(_, true) = self.phase {
                    self.phase = Phase::Buffering(now.after(AGAIN), false);
                }
            }
        }
        if let Phase::Buffering(at, false) = self.phase
            && now >= at
        {
            self.phase = Phase::Buffering(at, true);
            out.push(Wish::Snapshot);
        }
    }

    fn lose(&mut self, out: &mut Vec<Wish>) {
        if self.phase == Phase::Synced {
            out.push(Wish::Lost);
        }
    }

    fn restart(&mut self, at: Nanos, out: &mut Vec<Wish>) {
        self.lose(out);
        self.waiting.clear();
        self.levels.clear();
        self.phase = Phase::Buffering(at, false);
    }

    fn update(&mut self, now: Nanos, depth: &Depth<'_>, levels: &Levels, out: &mut Vec<Wish>) {
        match self.phase {
            Phase::Off => {}
            Phase::Buffering(..) => self.keep(depth, levels),
            Phase::Bridging => {
                if depth.last_id < self.last {
                    return;
                }
                if depth.first_id <= self.last {
                    self.apply(depth.last_id, levels.bids(), levels.asks());
                    self.phase = Phase::Synced;
                    out.push(Wish::Synced);
                } else {
                    self.again(now, depth, levels, out);
                }
            }
            Phase::Synced if depth.last_id <= self.last => self.repeated += 1,
            Phase::Synced if depth.previous_id == self.last => {
                self.apply(depth.last_id, levels.bids(), levels.asks());
            }
            Phase::Synced => self.again(now, depth, levels, out),
        }
    }

    /// Something is missing: from the beginning, with this update as the first that waits.
    fn again(&mut self, now: Nanos, depth: &Depth<'_>, levels: &Levels, out: &mut Vec<Wish>) {
        self.resyncs += 1;
        self.restart(now, out);
        self.keep(depth, levels);
    }

    fn apply(&mut self, last: u64, bids: &[Level], asks: &[Level]) {
        bids.iter().for_each(|level| self.bids.set(*level));
        asks.iter().for_each(|level| self.asks.set(*level));
        self.last = last;
    }

    /// Keeps an update for the snapshot. When there is no room the oldest are forgotten: a snapshot
    /// that needs them is then found too old.
    fn keep(&mut self, depth: &Depth<'_>, levels: &Levels) {
        let (bids, asks) = (levels.bids(), levels.asks());
        let room = |b: &Self| {
            b.waiting.len() < WAITING_MAX
                && b.levels.len() + bids.len() + asks.len() <= WAITING_LEVELS
        };
        if !room(self) {
            self.waiting.clear();
            self.levels.clear();
            if !room(self) {
                return;
            }
        }
        self.levels.extend_from_slice(bids);
        self.levels.extend_from_slice(asks);
        self.waiting.push(Waiting {
            first: depth.first_id,
            last: depth.last_id,
            previous: depth.previous_id,
            bids: bids.len(),
            asks: asks.len(),
        });
    }

    fn snapshot(&mut self, now: Nanos, snapshot: &Snapshot, levels: &Levels, out: &mut Vec<Wish>) {
        let Phase::Buffering(_, true) = self.phase else { return };
        self.bids.clear();
        self.asks.clear();
        self.apply(snapshot.last_update_id, levels.bids(), levels.asks());
        self.phase = Phase::Bridging;
        let mut from = 0;
        for index in 0..self.waiting.len() {
            let update = self.waiting[index];
            let (middle, to) = (from + update.bids, from + update.bids + update.asks);
            let fits = match self.phase {
                _ if update.last < self.last => None,
                Phase::Synced if update.last <= self.last => None,
                Phase::Synced => Some(update.previous == self.last),
                _ => Some(update.first <= self.last),
            };
            match fits {
                None => {}
                Some(true) => {
                    for at in from..middle {
                        self.bids.set(self.levels[at]);
                    }
                    for at in middle..to {
                        self.asks.set(self.levels[at]);
                    }
                    (self.last, self.phase) = (update.last, Phase::Synced);
                }
                // Older than what waits, or a hole in that: another one, a little later.
                Some(false) => {
                    self.resyncs += 1;
                    self.phase = Phase::Buffering(now.after(AGAIN), false);
                    return;
                }
            }
            from = to;
        }
        self.waiting.clear();
        self.levels.clear();
        if self.phase == Phase::Synced {
            out.push(Wish::Synced);
        }
    }

    /// Is it the exchange's book as of the last update?
    pub fn is_synced(&self) -> bool {
        self.phase == Phase::Synced
    }

    /// Id of the last update in it.
    pub const fn last_id(&self) -> u64 {
        self.last
    }

    /// Best bid, if it is synced.
    pub fn best_bid(&self) -> Option<Level> {
        self.bids.levels.last().copied().filter(|_| self.is_synced())
    }

    /// Best ask, if it is synced.
    pub fn best_ask(&self) -> Option<Level> {
        self.asks.levels.last().copied().filter(|_| self.is_synced())
    }

    /// Bids, the best first.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.levels.iter().rev().copied()
    }

    /// Asks, the best first.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.levels.iter().rev().copied()
    }

    /// The quantity at a price.
    pub fn at(&self, bid: bool, px: Px) -> Qty {
        let side = if bid { &self.bids } else { &self.asks };
        let key = px.raw() * side.sign;
        let found = side.levels.binary_search_by_key(&key, |level| level.px.raw() * side.sign);
        found.map_or(Qty::ZERO, |at| side.levels[at].qty)
    }

    /// Is the far end of a side cut off for want of room?
    pub const fn is_cut(&self) -> bool {
        self.bids.cut || self.asks.cut
    }

    /// How often it had to begin again, and how many updates came twice.
    pub const fn troubles(&self) -> (u64, u64) {
        (self.resyncs, self.repeated)
    }

    /// When it has something to do at the earliest.
    pub const fn next(&self) -> Nanos {
        match self.phase {
            Phase::Buffering(at, false) => at,
            _ => Nanos::MAX,
        }
    }
}

impl Default for BookSync {
    fn default() -> Self {
        Self::new()
    }
}
