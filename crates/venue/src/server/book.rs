//! Step machine: a recorded order book, kept by the changes that were recorded.

use crate::server::fact::{DepthChange, DepthSnapshot};
use aegis_types::{Px, Qty};
use aegis_wire::Level;
use std::collections::{BTreeMap, VecDeque};

/// Changes that wait for the first snapshot.
const WAITING_MAX: usize = 1_024;

/// Price levels by price, and the update id that they correspond to.
#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: BTreeMap<Px, Qty>,
    asks: BTreeMap<Px, Qty>,
    last_id: u64,
    time_ms: i64,
    event_ms: i64,
    whole: bool,
    waiting: VecDeque<DepthChange>,
}

impl Book {
    /// Update id of the last change.
    pub const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Transaction and event time of the last change, ms.
    pub const fn times(&self) -> (i64, i64) {
        (self.time_ms, self.event_ms)
    }

    /// Bids, best first.
    pub fn bids(&self) -> impl Iterator<Item = Level> + '_ {
        self.bids.iter().rev().map(|(px, qty)| Level { px: *px, qty: *qty })
    }

    /// Asks, best first.
    pub fn asks(&self) -> impl Iterator<Item = Level> + '_ {
        self.asks.iter().map(|(px, qty)| Level { px: *px, qty: *qty })
    }

    /// Takes a change in; one that is older than the book is left out.
    pub fn change(&mut self, change: &DepthChange, event_ms: i64) {
        if !self.whole {
            if self.waiting.len() == WAITING_MAX {
                self.waiting.pop_front();
            }
            self.waiting.push_back(change.clone());
        }
        if change.last_id < self.last_id {
            return;
        }
        set(&mut self.bids, &change.bids);
        set(&mut self.asks, &change.asks);
        (self.last_id, self.time_ms, self.event_ms) = (change.last_id, change.time_ms, event_ms);
    }

    /// Takes a whole book in, and the changes that came before it but are newer. Only the first one
    /// counts: later ones say what the changes have said already.
    pub fn snapshot(&mut self, snapshot: &DepthSnapshot, event_ms: i64) {
        if self.whole {
            return;
        }
        self.bids.clear();
        self.asks.clear();
        set(&mut self.bids, &snapshot.bids);
        set(&mut self.asks, &snapshot.asks);
        self.whole = true;
        self.last_id = snapshot.last_id;
        (self.time_ms, self.event_ms) = (snapshot.time_ms, event_ms);
        for change in core::mem::take(&mut self.waiting) {
            self.change(&change, event_ms);
        }
    }
}

fn set(side: &mut BTreeMap<Px, Qty>, levels: &[Level]) {
    for level in levels {
        if level.qty.is_zero() {
            side.remove(&level.px);
        } else {
            side.insert(level.px, level.qty);
        }
    }
}
