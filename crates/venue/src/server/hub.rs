//! The simulated exchange and the queues of its sockets, behind one lock: what the exchange says
//! reaches every socket in the order in which it was said.

use crate::server::queues::{Item, Queues};
use crate::server::sim::Sim;
use crate::server::streams::Delivery;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Frames that may wait for a socket. Beyond it the socket is too slow and is closed.
pub const WAITING_MAX: usize = 200_000;

/// In a market that is stepped the stepper waits for its listeners, so that a step may be long.
pub const WAITING_MAX_STEPPED: usize = 20_000_000;

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
    /// What waits for its sockets.
    pub queues: Queues,
    /// REST requests so far.
    pub requests: u64,
    scratch: Vec<Delivery>,
}

/// The hub as tasks share it.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Hub>>);

impl Shared {
    /// Around an exchange.
    pub fn new(sim: Sim, waiting_max: usize) -> Self {
        let queues = Queues::new(waiting_max);
        Self(Arc::new(Mutex::new(Hub { sim, queues, requests: 0, scratch: Vec::new() })))
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
    /// What was counted so far.
    pub const fn counts(&self) -> Counts {
        Counts {
            requests: self.requests,
            sockets: self.queues.opened(),
            frames: self.queues.frames,
            slow: self.queues.slow,
        }
    }

    /// What the exchange has said since goes to the sockets.
    pub fn flush(&mut self) {
        let mut deliveries = core::mem::take(&mut self.scratch);
        self.sim.take_deliveries(&mut deliveries);
        for delivery in deliveries.drain(..) {
            match delivery {
                Delivery::Frame(conn, bytes) => self.queues.push(conn, Item::Frame(bytes)),
                Delivery::Close(conn, code) => self.queues.push(conn, Item::Close(code)),
                Delivery::Deafen(conn) => self.queues.deafen(conn),
            }
        }
        self.scratch = deliveries;
    }
}
