//! The server: one port, one exchange, until it is told to stop.

use crate::server::clock::Speed;
use crate::server::http;
use crate::server::hub::{Counts, Shared, WAITING_MAX, WAITING_MAX_STEPPED, wall_ms};
use crate::server::sim::Sim;
use crate::server::socket::Times;
use aegis_wire::websocket::close_code;
use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;

/// Facts that a market at full speed tells between two looks at its listeners.
const RUSH_FACTS: usize = 512;
/// At full speed the market waits while more frames than this wait for one socket.
const RUSH_WAITING: usize = 20_000;
/// It does not wait longer for a socket that reads nothing.
const RUSH_PATIENCE: Duration = Duration::from_secs(10);
/// At full speed the market waits so long for a first listener: else it would be over before.
const RUSH_START: Duration = Duration::from_secs(3);
/// How soon a stop is seen.
const STOP_EVERY: Duration = Duration::from_millis(20);

/// How long sockets may take to hear that it stops.
const FAREWELL: Duration = Duration::from_millis(200);

/// Why the server does not run.
#[derive(Debug)]
pub enum ServeError {
    /// The address is not one of this machine alone.
    NotLoopback(SocketAddr),
    /// The operating system refuses the address or the threads.
    Io(SocketAddr, io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "{address} can be reached from outside, and the simulated exchange trusts whoever \
                 reaches it; listen on 127.0.0.1 or [::1]"
            ),
            Self::Io(address, why) => {
                write!(f, "cannot listen on {address}: {why}; choose another port, or port 0")
            }
        }
    }
}

impl core::error::Error for ServeError {}

/// What a server did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Requests, sockets, frames.
    pub counts: Counts,
    /// Market facts told.
    pub facts: u64,
    /// Market time at the end, ms.
    pub market_ms: i64,
    /// The data had ended.
    pub ended: bool,
}

/// Serves an exchange on an address until `stop` says so; `ready` hears the address as it is.
///
/// # Errors
/// When the address cannot be listened on.
pub fn serve(
    sim: Sim,
    listen: SocketAddr,
    times: Times,
    stop: impl Fn() -> bool,
    ready: impl FnOnce(SocketAddr),
) -> Result<Summary, ServeError> {
    if !listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(listen));
    }
    let refused = |why| ServeError::Io(listen, why);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("exchange")
        .enable_all()
        .build()
        .map_err(refused)?;
    let speed = sim.speed();
    let waiting_max = if speed == Speed::Step { WAITING_MAX_STEPPED } else { WAITING_MAX };
    let shared = Shared::new(sim, waiting_max);
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        tokio::spawn(accept(shared.clone(), listener, times));
        tokio::spawn(market(shared.clone(), speed));
        ready(address);
        while !stop() {
            tokio::time::sleep(STOP_EVERY).await;
        }
        shared.lock().queues.close_all(close_code::AWAY);
        let _ = tokio::time::timeout(FAREWELL, all_closed(&shared)).await;
        Ok(())
    })?;
    runtime.shutdown_timeout(Duration::from_millis(200));
    let hub = shared.lock();
    Ok(Summary {
        counts: hub.counts(),
        facts: hub.sim.told(),
        market_ms: hub.sim.market_ms(),
        ended: hub.sim.ended(),
    })
}

/// Waits until every socket has gone.
async fn all_closed(shared: &Shared) {
    while !shared.lock().queues.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn accept(shared: Shared, listener: TcpListener, times: Times) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(http::serve(shared.clone(), stream, peer, times));
            }
            Err(why) => {
                // Mostly too many open files: it passes when some close.
                tracing::warn!("a connection could not be taken: {why}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Moves the market.
async fn market(shared: Shared, speed: Speed) {
    let mut told_end = false;
    if speed == Speed::Max {
        let _ = tokio::time::timeout(RUSH_START, first_listener(&shared)).await;
    }
    loop {
        let wait = match speed {
            Speed::Max => rush(&shared).await,
            Speed::Times(_) | Speed::Step => advance(&shared),
        };
        if !told_end {
            told_end = tell_end(&shared);
        }
        if wait.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(wait).await;
        }
    }
}

async fn first_listener(shared: &Shared) {
    while shared.lock().sim.listeners() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn advance(shared: &Shared) -> Duration {
    let mut hub = shared.lock();
    let wait = hub.sim.advance(wall_ms());
    hub.flush();
    Duration::from_millis(wait.unwrap_or(10))
}

/// Tells the next facts when no socket is far behind.
async fn rush(shared: &Shared) -> Duration {
    let since = tokio::time::Instant::now();
    loop {
        {
            let mut hub = shared.lock();
            if since.elapsed() > RUSH_PATIENCE {
                hub.queues.close_slow(RUSH_WAITING);
            }
            if hub.queues.longest() <= RUSH_WAITING {
                let more = hub.sim.rush(wall_ms(), RUSH_FACTS);
                hub.flush();
                return if more { Duration::ZERO } else { Duration::from_millis(10) };
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Says once in the log that the market stands still.
fn tell_end(shared: &Shared) -> bool {
    let mut hub = shared.lock();
    if let Some(why) = hub.sim.take_failure() {
        tracing::error!("the market cannot be read on: {why}");
    }
    if hub.sim.ended() {
        let market_ms = hub.sim.market_ms();
        tracing::info!(market_ms, "the data has ended: the market stands still");
    }
    hub.sim.ended()
}
