//! The simulated exchange and the queues of its sockets, behind one lock: what the exchange says
//! reaches every socket in the order in which it was said.

use crate::server::sim::Sim;
use crate::server::streams::{ConnId, Delivery};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Frames that may wait for a socket. Beyond it the socket is too slow and is closed.
pub const WAITING_MAX: usize = 200_000;

/// In a market that is stepped the stepper waits for its listeners, so that a step may be long.
pub const WAITING_MAX_STEPPED: usize = 20_000_000;

/// What a socket's writer is given.
#[derive(Debug)]
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
    waiting: Arc<AtomicUsize>,
}

impl Inbox {
    /// So many items have been written.
    pub fn written(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }
}

struct Queue {
    items: UnboundedSender<Item>,
    waiting: Arc<AtomicUsize>,
}

/// Counts for the summary.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// REST requests answered.
    pub requests: u64,
    /// Sockets opened.
    pub sockets: u64,
    /// Frames given to sockets.
    pub frames: u64,
    /// Sockets closed because they did not read.
    pub slow: u64,
}

/// The exchange and its sockets.
pub struct Hub {
    /// The exchange.
    pub sim: Sim,
    /// Counts so far.
    pub counts: Counts,
    queues: HashMap<ConnId, Queue>,
    scratch: Vec<Delivery>,
    next: ConnId,
    waiting_max: usize,
}

/// The hub as tasks share it.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Hub>>);

impl Shared {
    /// Around an exchange.
    pub fn new(sim: Sim, waiting_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Hub {
            sim,
            counts: Counts::default(),
            queues: HashMap::new(),
            scratch: Vec::new(),
            next: 0,
            waiting_max,
        })))
    }

    /// For a moment: never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wall time, ms.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Hub {
    /// A number and a queue for a new socket.
    pub fn connect(&mut self) -> (ConnId, Inbox) {
        self.next += 1;
        let (sender, items) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let inbox = Inbox { items, waiting: waiting.clone() };
        self.queues.insert(self.next, Queue { items: sender, waiting });
        self.counts.sockets += 1;
        (self.next, inbox)
    }

    /// A socket has gone.
    pub fn disconnect(&mut self, conn: ConnId) {
        self.queues.remove(&conn);
    }

    /// An item for a socket's writer.
    pub fn push(&mut self, conn: ConnId, item: Item) {
        let Some(queue) = self.queues.get(&conn) else { return };
        let waiting = queue.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= self.waiting_max && matches!(item, Item::Frame(_)) {
            tracing::warn!(conn, waiting, "a socket does not read what it subscribed: closed");
            self.counts.slow += 1;
            let _ = queue.items.send(Item::Close(None));
            self.queues.remove(&conn);
            return;
        }
        // A writer that has ended takes nothing more; its reader says so soon.
        let _ = queue.items.send(item);
        self.counts.frames += 1;
    }

    /// What the exchange has said since goes to the sockets.
    pub fn flush(&mut self) {
        let mut deliveries = core::mem::take(&mut self.scratch);
        self.sim.take_deliveries(&mut deliveries);
        for delivery in deliveries.drain(..) {
            match delivery {
                Delivery::Frame(conn, bytes) => self.push(conn, Item::Frame(bytes)),
                Delivery::Close(conn, code) => self.push(conn, Item::Close(code)),
            }
        }
        self.scratch = deliveries;
    }

    /// The longest queue.
    pub fn longest(&self) -> usize {
        self.queues.values().map(|q| q.waiting.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// Closes the sockets with more than so many frames waiting.
    pub fn close_slow(&mut self, more_than: usize) {
        let slow = |queue: &&Queue| queue.waiting.load(Ordering::Relaxed) > more_than;
        let conns: Vec<ConnId> =
            self.queues.iter().filter(|(_, queue)| slow(queue)).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.counts.slow += 1;
            self.push(conn, Item::Close(None));
            self.queues.remove(&conn);
        }
    }
}
