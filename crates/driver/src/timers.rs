//! The timers that the engine asked for: a sorted array of fixed capacity.

use aegis_types::Nanos;
use alloc::vec::Vec;

/// Most timers waiting at once.
pub const TIMERS_MAX: usize = 256;

/// Waiting timers, the next one last. One per id: asking again moves it.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    waiting: Vec<(Nanos, u64)>,
}

impl Timers {
    pub fn new() -> Self {
        Self { waiting: Vec::with_capacity(TIMERS_MAX) }
    }

    /// Sets the timer of an id; false when there is no place for another.
    pub fn set(&mut self, at: Nanos, id: u64) -> bool {
        self.waiting.retain(|(_, other)| *other != id);
        if self.waiting.len() == TIMERS_MAX {
            return false;
        }
        // Later ones first; at one instant the smaller id is the next.
        let place = self.waiting.partition_point(|timer| *timer > (at, id));
        self.waiting.insert(place, (at, id));
        true
    }

    /// Takes the next timer that is due at `now`.
    #[inline]
    pub fn due(&mut self, now: Nanos) -> Option<(Nanos, u64)> {
        self.waiting.pop_if(|(at, _)| *at <= now)
    }

    /// When the next timer is due.
    pub fn next(&self) -> Option<Nanos> {
        self.waiting.last().map(|(at, _)| *at)
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// All that wait, the next one last.
    pub fn waiting(&self) -> &[(Nanos, u64)] {
        &self.waiting
    }

    /// Puts back those that waited, in the memory that was reserved; false when they do not fit or
    /// are out of order.
    pub fn restore(&mut self, waiting: &[(Nanos, u64)]) -> bool {
        if waiting.len() > TIMERS_MAX || !waiting.is_sorted_by(|a, b| a > b) {
            return false;
        }
        self.waiting.clear();
        self.waiting.extend_from_slice(waiting);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn come_by_time_then_by_id() {
        let mut timers = Timers::new();
        for (at, id) in [(5, 1), (3, 9), (3, 2), (7, 4)] {
            assert!(timers.set(Nanos(at), id));
        }
        assert_eq!(timers.next(), Some(Nanos(3)));
        let mut seen = Vec::new();
        while let Some((at, id)) = timers.due(Nanos(5)) {
            seen.push((at.0, id));
        }
        assert_eq!(seen, [(3, 2), (3, 9), (5, 1)]);
        assert_eq!(timers.len(), 1);
    }

    #[test]
    fn asking_again_moves_it() {
        let mut timers = Timers::new();
        timers.set(Nanos(1), 7);
        timers.set(Nanos(9), 7);
        assert_eq!(timers.due(Nanos(8)), None);
        assert_eq!(timers.due(Nanos(9)), Some((Nanos(9), 7)));
    }

    #[test]
    fn a_full_table_refuses_but_moves() {
        let mut timers = Timers::new();
        for id in 0..TIMERS_MAX as u64 {
            assert!(timers.set(Nanos(1), id));
        }
        assert!(!timers.set(Nanos(1), u64::MAX));
        assert!(timers.set(Nanos(2), 0));
        assert_eq!(timers.len(), TIMERS_MAX);
    }
}
