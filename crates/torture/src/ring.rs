//! The ring between feed and brain as a queue: bounded, never waiting, what is overwritten counted.

use aegis_node::live::course::Sink;
use aegis_types::Tick;
use std::collections::VecDeque;

/// A broadcast ring of one epoch.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Which ring it is; a new feed begins a new one.
    pub epoch: u64,
    slots: VecDeque<[u64; 7]>,
    capacity: usize,
    /// Sequence of the first slot that is still there.
    first: u64,
    /// The reader's next sequence.
    next: u64,
    /// What the reader has in its journal.
    acknowledged: u64,
}

/// What a reader finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A slot and its sequence.
    Slot(u64, [u64; 7]),
    /// So many were overwritten before they were read.
    Overrun(u64),
    /// Nothing.
    Empty,
}

impl Ring {
    /// Empty.
    pub fn new(epoch: u64, capacity: usize) -> Self {
        let slots = VecDeque::with_capacity(capacity);
        Self { epoch, slots, capacity, first: 0, next: 0, acknowledged: 0 }
    }

    /// The next slot for the reader.
    #[inline]
    pub fn look(&mut self) -> Look {
        if self.next < self.first {
            let skipped = self.first - self.next;
            self.next = self.first;
            return Look::Overrun(skipped);
        }
        let at = (self.next - self.first) as usize;
        let Some(words) = self.slots.get(at) else { return Look::Empty };
        self.next += 1;
        Look::Slot(self.next - 1, *words)
    }

    /// Is there anything for the reader?
    pub fn waits(&self) -> bool {
        self.next < self.first + self.slots.len() as u64
    }

    /// Sequence that is read next.
    pub const fn next_seq(&self) -> u64 {
        self.next
    }

    /// Everything read is in the journal's file.
    pub const fn acknowledge(&mut self) {
        self.acknowledged = self.next;
    }
}

impl Sink for Ring {
    #[inline]
    fn publish(&mut self, tick: &Tick) {
        if self.slots.len() == self.capacity {
            self.slots.pop_front();
            self.first += 1;
        }
        self.slots.push_back(tick.to_words());
    }

    fn room(&self, ahead: u64) -> u64 {
        let published = self.first + self.slots.len() as u64;
        ahead.saturating_sub(published - self.acknowledged)
    }
}
