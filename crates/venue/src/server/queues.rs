//! What waits for each socket, bounded: whoever does not read what it subscribed is closed.

use crate::server::streams::ConnId;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a socket's writer is given.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A whole frame.
    Frame(Bytes),
    /// The end, with this close code or without a close frame.
    Close(Option<u16>),
}

/// The writer's end of a queue.
pub struct Inbox {
    /// What is to be written, in order.
    pub items: UnboundedReceiver<Item>,
    /// Told when the socket is to end at once, read or not.
    pub gone: Arc<Notify>,
    waiting: Arc<AtomicUsize>,
}

impl Inbox {
    /// So many items have been written.
    pub fn written(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }
}

struct Queue {
    /// Nothing is given to its socket any more.
    deaf: bool,
    items: UnboundedSender<Item>,
    gone: Arc<Notify>,
    waiting: Arc<AtomicUsize>,
}

/// The queues of all sockets.
pub struct Queues {
    by_conn: HashMap<ConnId, Queue>,
    waiting_max: usize,
    next: ConnId,
    /// Frames given to queues so far.
    pub frames: u64,
    /// Sockets closed because they did not read.
    pub slow: u64,
}

impl Queues {
    /// Each holds at most so many frames.
    pub fn new(waiting_max: usize) -> Self {
        Self { by_conn: HashMap::new(), waiting_max, next: 0, frames: 0, slow: 0 }
    }

    /// A number and a queue for a new socket.
    pub fn connect(&mut self) -> (ConnId, Inbox) {
        self.next += 1;
        let (sender, items) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let gone = Arc::new(Notify::new());
        let inbox = Inbox { items, gone: gone.clone(), waiting: waiting.clone() };
        self.by_conn.insert(self.next, Queue { deaf: false, items: sender, gone, waiting });
        (self.next, inbox)
    }

    /// How many sockets have opened so far.
    pub const fn opened(&self) -> u64 {
        self.next
    }

    /// Is no socket open?
    pub fn is_empty(&self) -> bool {
        self.by_conn.is_empty()
    }

    /// A socket has gone.
    pub fn disconnect(&mut self, conn: ConnId) {
        self.by_conn.remove(&conn);
    }

    /// From now on a socket is given nothing, and stays as it is.
    pub fn deafen(&mut self, conn: ConnId) {
        if let Some(queue) = self.by_conn.get_mut(&conn) {
            queue.deaf = true;
        }
    }

    /// An item for a socket's writer.
    pub fn push(&mut self, conn: ConnId, item: Item) {
        let Some(queue) = self.by_conn.get(&conn).filter(|queue| !queue.deaf) else { return };
        let waiting = queue.waiting.fetch_add(1, Ordering::Relaxed);
        if matches!(item, Item::Frame(_)) {
            if waiting >= self.waiting_max {
                return self.drop_slow(conn, waiting);
            }
            self.frames += 1;
        }
        // A writer that has ended takes nothing more; its reader says so soon.
        let _ = queue.items.send(item);
    }

    fn drop_slow(&mut self, conn: ConnId, waiting: usize) {
        tracing::warn!(conn, waiting, "a socket does not read what it subscribed: closed");
        self.slow += 1;
        if let Some(queue) = self.by_conn.remove(&conn) {
            queue.gone.notify_one();
        }
    }

    /// A farewell to all sockets, behind what waits for them.
    pub fn close_all(&self, code: u16) {
        for queue in self.by_conn.values().filter(|queue| !queue.deaf) {
            queue.waiting.fetch_add(1, Ordering::Relaxed);
            let _ = queue.items.send(Item::Close(Some(code)));
        }
    }

    /// The longest queue.
    pub fn longest(&self) -> usize {
        let waiting = |queue: &Queue| queue.waiting.load(Ordering::Relaxed);
        self.by_conn.values().map(waiting).max().unwrap_or(0)
    }

    /// Closes the sockets with more than so many frames waiting.
    pub fn close_slow(&mut self, more_than: usize) {
        let waiting = |queue: &Queue| queue.waiting.load(Ordering::Relaxed);
        let slow = self.by_conn.iter().map(|(conn, queue)| (*conn, waiting(queue)));
        let slow: Vec<(ConnId, usize)> = slow.filter(|(_, waiting)| *waiting > more_than).collect();
        slow.into_iter().for_each(|(conn, waiting)| self.drop_slow(conn, waiting));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Item {
        Item::Frame(Bytes::from_static(b"x"))
    }

    #[test]
    fn who_does_not_read_is_closed_and_counted_and_others_go_on() {
        let mut queues = Queues::new(3);
        let (stuck, mut stuck_inbox) = queues.connect();
        let (quick, mut quick_inbox) = queues.connect();
        for _ in 0..5 {
            queues.push(stuck, frame());
            queues.push(quick, frame());
            assert_eq!(quick_inbox.items.try_recv(), Ok(frame()));
            quick_inbox.written(1);
        }
        assert_eq!((queues.slow, queues.frames, queues.longest()), (1, 3 + 5, 0));
        let mut left = 0;
        while stuck_inbox.items.try_recv().is_ok() {
            left += 1;
        }
        assert_eq!(left, 3, "what had been queued, and no more");
        queues.push(quick, Item::Close(Some(1_000)));
        assert_eq!(quick_inbox.items.try_recv(), Ok(Item::Close(Some(1_000))));
    }

    #[test]
    fn a_market_at_full_speed_may_close_those_behind() {
        let mut queues = Queues::new(100);
        let (behind, _kept) = queues.connect();
        let (_, _also) = queues.connect();
        for _ in 0..10 {
            queues.push(behind, frame());
        }
        queues.close_slow(10);
        assert_eq!(queues.longest(), 10);
        queues.close_slow(9);
        assert_eq!((queues.longest(), queues.slow, queues.opened()), (0, 1, 2));
    }
}
