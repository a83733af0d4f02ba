//! The engine's notices, by topic, to whoever listens; it never blocks the engine.
//!
//! A subscriber has a bounded queue of one of two classes. *Lossless*: a subscriber that cannot
//! keep up is dropped at its first lost notice, is told the sequence number it was dropped at, and
//! resumes from the journal. *Conflated*: of each topic and symbol only the newest waits.

use aegis_types::{Nanos, Notice, SymbolId, Topic};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A notice with the time and number of the event that caused it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noticed {
    /// Time of the event.
    pub at: Nanos,
    /// Number of the event.
    pub seq: u64,
    /// What was said.
    pub notice: Notice,
}

/// How a queue behaves when its reader is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Everything or nothing.
    Lossless,
    /// The newest of each topic and symbol.
    Conflated,
}

#[derive(Debug)]
struct Queue {
    items: VecDeque<Noticed>,
    dropped_at: Option<u64>,
    closed: bool,
    /// Most that ever waited.
    most: usize,
}

#[derive(Debug)]
struct Line {
    topics: Vec<Topic>,
    class: Class,
    capacity: usize,
    queue: Mutex<Queue>,
    more: Condvar,
}

impl Line {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The publishing side; owned by the engine's thread.
#[derive(Debug, Default)]
pub struct Bus {
    lines: Vec<Arc<Line>>,
}

/// The reading side of one subscription.
#[derive(Debug)]
pub struct Subscription {
    line: Arc<Line>,
}

/// What a read of a subscription gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// So many notices were taken.
    Some(usize),
    /// Nothing came within the time.
    Nothing,
    /// This lossless subscriber was too slow: it has everything before the event of this number,
    /// and must resume from the journal there.
    Dropped(u64),
    /// The engine has ended.
    Closed,
}

fn symbol_of(notice: &Notice) -> Option<SymbolId> {
    match notice {
        Notice::Candle(candle) => Some(candle.symbol),
        Notice::Structure { symbol, .. } => Some(*symbol),
        Notice::Position(position) => Some(position.symbol),
        _ => None,
    }
}

impl Bus {
    /// No subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscriber to these topics.
    pub fn subscribe(&mut self, topics: &[Topic], class: Class, capacity: usize) -> Subscription {
        let line = Arc::new(Line {
            topics: topics.to_vec(),
            class,
            capacity,
            queue: Mutex::new(Queue {
                items: VecDeque::with_capacity(capacity.min(4096)),
                dropped_at: None,
                closed: false,
                most: 0,
            }),
            more: Condvar::new(),
        });
        self.lines.push(Arc::clone(&line));
        Subscription { line }
    }

    /// Hands a notice to everyone who asked for its topic.
    pub fn publish(&self, noticed: Noticed) {
        let topic = noticed.notice.topic();
        for line in self.lines.iter().filter(|line| line.topics.contains(&topic)) {
            let mut queue = line.lock();
            if queue.dropped_at.is_some() {
                continue;
            }
            match line.class {
                Class::Lossless if queue.items.len() >= line.capacity => {
                    queue.dropped_at = Some(noticed.seq);
                }
                Class::Lossless => queue.items.push_back(noticed),
                Class::Conflated => conflate(&mut queue.items, line.capacity, noticed),
            }
            queue.most = queue.most.max(queue.items.len());
            drop(queue);
            line.more.notify_one();
        }
    }

    /// The subscribers' queues: class, notices that wait, most that ever did, capacity.
    pub fn queues(&self) -> impl Iterator<Item = (Class, usize, usize, usize)> + '_ {
        self.lines.iter().map(|line| {
            let queue = line.lock();
            (line.class, queue.items.len(), queue.most, line.capacity)
        })
    }

    /// Tells every subscriber that nothing follows.
    pub fn close(&self) {
        for line in &self.lines {
            line.lock().closed = true;
            line.more.notify_one();
        }
    }
}

fn conflate(items: &mut VecDeque<Noticed>, capacity: usize, noticed: Noticed) {
    let (topic, symbol) = (noticed.notice.topic(), symbol_of(&noticed.notice));
    let same = |n: &Noticed| n.notice.topic() == topic && symbol_of(&n.notice) == symbol;
    if let Some(waiting) = items.iter_mut().find(|n| same(n)) {
        *waiting = noticed;
        return;
    }
    if items.len() >= capacity {
        items.pop_front();
    }
    items.push_back(noticed);
}

impl Subscription {
    /// Takes all waiting notices, waiting up to `timeout` for the first.
    pub fn read(&self, into: &mut Vec<Noticed>, timeout: Duration) -> Read {
        let waits = |q: &mut Queue| q.items.is_empty() && !q.closed && q.dropped_at.is_none();
        let queue = self.line.lock();
        let (mut queue, _) = self
            .line
            .more
            .wait_timeout_while(queue, timeout, waits)
            .unwrap_or_else(PoisonError::into_inner);
        if !queue.items.is_empty() {
            let taken = queue.items.len();
            into.extend(queue.items.drain(..));
            return Read::Some(taken);
        }
        match queue.dropped_at {
            Some(seq) => Read::Dropped(seq),
            None if queue.closed => Read::Closed,
            None => Read::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{Candle, Px, Timeframe};

    fn candle(symbol: u16, seq: u64) -> Noticed {
        let one = Px::whole(1);
        let candle = Candle {
            open_time: Nanos(seq as i64),
            open: one,
            high: one,
            low: one,
            close: one,
            volume: 0.0,
            symbol: SymbolId(symbol),
            missing_minutes: 0,
            timeframe: Timeframe::M1,
        };
        Noticed { at: Nanos::ZERO, seq, notice: Notice::Candle(candle) }
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn a_lossless_reader_gets_everything_or_is_told_where_it_stopped() {
        let mut bus = Bus::new();
        let slow = bus.subscribe(&[Topic::CandleClosed], Class::Lossless, 3);
        (0..5).for_each(|seq| bus.publish(candle(0, seq)));
        let mut got = Vec::new();
        assert_eq!(slow.read(&mut got, NOW), Read::Some(3));
        assert_eq!(got.iter().map(|n| n.seq).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(slow.read(&mut got, NOW), Read::Dropped(3));
        bus.publish(candle(0, 9));
        assert_eq!(slow.read(&mut got, NOW), Read::Dropped(3), "nothing after a hole");
    }

    #[test]
    fn a_conflated_reader_gets_the_newest_of_each_symbol() {
        let mut bus = Bus::new();
        let view = bus.subscribe(&[Topic::CandleClosed], Class::Conflated, 8);
        for (symbol, seq) in [(0, 0), (1, 1), (0, 2), (0, 3)] {
            bus.publish(candle(symbol, seq));
        }
        let mut got = Vec::new();
        assert_eq!(view.read(&mut got, NOW), Read::Some(2));
        assert_eq!(got.iter().map(|n| n.seq).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(view.read(&mut got, NOW), Read::Nothing);
        bus.close();
        assert_eq!(view.read(&mut got, NOW), Read::Closed);
    }

    #[test]
    fn topics_that_were_not_asked_for_do_not_come() {
        let mut bus = Bus::new();
        let fills = bus.subscribe(&[Topic::OrderFilled], Class::Lossless, 4);
        bus.publish(candle(0, 0));
        assert_eq!(fills.read(&mut Vec::new(), NOW), Read::Nothing);
    }
}
