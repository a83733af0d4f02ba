//! A TCP proxy in front of the exchange that misbehaves when told to. A thread accepts, two threads
//! carry the bytes of a connection, one a direction.

use super::catalogue::Bad;
use super::plan::Scope;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest time until a thread sees that something has changed.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes carried at once.
const CHUNK: usize = 16 * 1_024;
/// Bytes carried at once over a slow network, and how long they take: 1 kB/s.
const SLOW: (usize, Duration) = (100, Duration::from_millis(100));
/// Longest first line of a request.
const FIRST_LINE: usize = 2_048;

/// How the network is at present.
#[derive(Clone, Copy, Debug)]
struct Weather {
    bad: Option<(Bad, Scope)>,
    /// Delay, ms.
    amount: u64,
}

struct Shared {
    upstream: SocketAddr,
    weather: Mutex<Weather>,
    /// Replies that are still to be cut.
    cuts: AtomicU64,
    /// Connections and chunks that have met the present weather.
    met: AtomicU64,
    /// A higher number resets every connection that is older and in scope.
    resets: Mutex<(u64, Scope)>,
    ended: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// What a connection of this kind meets now.
    fn bad(&self, streams: bool) -> Option<(Bad, u64)> {
        let weather = *locked(&self.weather);
        let (bad, scope) = weather.bad?;
        concerns(scope, streams).then_some((bad, weather.amount))
    }

    fn meet(&self) {
        self.met.fetch_add(1, Relaxed);
    }
}

const fn concerns(scope: Scope, streams: bool) -> bool {
    match scope {
        Scope::All => true,
        Scope::Requests => !streams,
        Scope::Streams => streams,
    }
}

/// The proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// In front of `upstream`, on a free port of this machine.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(upstream: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            weather: Mutex::new(Weather { bad: None, amount: 0 }),
            cuts: AtomicU64::new(0),
            met: AtomicU64::new(0),
            resets: Mutex::new((0, Scope::All)),
            ended: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("proxy".into())
            .spawn(move || accept(listener, address, &theirs))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the network is bad.
    pub fn worsen(&self, bad: Bad, scope: Scope, amount: u64) {
        self.shared.met.store(0, Relaxed);
        if bad == Bad::Cut {
            self.shared.cuts.store(amount, Relaxed);
        }
        // Nobody can be connected to where nobody listens.
        if matches!(bad, Bad::Reset | Bad::Refused) {
            let mut resets = locked(&self.shared.resets);
            *resets = (resets.0 + 1, if bad == Bad::Refused { Scope::All } else { scope });
        }
        *locked(&self.shared.weather) = Weather { bad: Some((bad, scope)), amount };
    }

    /// The network is well again. How many connections and chunks have met the fault.
    pub fn heal(&self) -> u64 {
        locked(&self.shared.weather).bad = None;
        self.shared.cuts.store(0, Relaxed);
        self.shared.met.load(Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Relaxed);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: TcpListener, address: SocketAddr, shared: &Arc<Shared>) {
    let mut listener = Some(listener);
    while !shared.ended.load(Relaxed) {
        let refused = matches!(locked(&shared.weather).bad, Some((Bad::Refused, _)));
        if refused {
            if listener.take().is_some() {
                shared.meet();
            }
            std::thread::sleep(LOOK);
            continue;
        }
        let Some(open) = &listener else {
            // Somebody else may have taken the port meanwhile; then it comes back.
            listener = TcpListener::bind(address).ok();
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        let mut fds = [PollFd::new(open, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
        if poll(&mut fds, Some(&timeout)).unwrap_or(0) > 0
            && let Ok((client, _)) = open.accept()
        {
            let shared = Arc::clone(shared);
            // Without a thread the connection is lost, which a network may do.
            let _ = std::thread::Builder::new()
                .name("proxied".into())
                .spawn(move || serve(&client, &shared));
        }
    }
}

/// Both ends of a connection.
struct Ends<'a> {
    client: &'a TcpStream,
    server: &'a TcpStream,
    streams: bool,
    /// How many resets there had been when it began.
    resets: u64,
    /// It carries nothing any more, for ever.
    dead: AtomicBool,
    over: AtomicBool,
    shared: &'a Shared,
}

fn serve(client: &TcpStream, shared: &Shared) {
    let resets = locked(&shared.resets).0;
    let mut first = Vec::new();
    let (_, _) = (client.set_read_timeout(Some(LOOK)), client.set_nodelay(true));
    if !read_first_line(client, shared, &mut first) {
        return;
    }
    let streams = is_stream(&first);
    if matches!(shared.bad(streams), Some((Bad::HalfOpen, _))) {
        shared.meet();
        // Taken, and never answered.
        while !shared.ended.load(Relaxed) && !is_gone(client) {
            std::thread::sleep(LOOK);
        }
        return;
    }
    let Ok(server) = TcpStream::connect(shared.upstream) else { return };
    let (_, _) = (server.set_read_timeout(Some(LOOK)), server.set_nodelay(true));
    let ends = Ends {
        client,
        server: &server,
        streams,
        resets,
        dead: AtomicBool::new(false),
        over: AtomicBool::new(false),
        shared,
    };
    if ends.hand_on(&mut &server, &first, false).is_err() {
        return;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| ends.carry(true));
        ends.carry(false);
    });
}

/// Has the peer closed? Nothing is read: what it sent may stay where it is.
fn is_gone(client: &TcpStream) -> bool {
    let mut byte = [0];
    match client.peek(&mut byte) {
        Ok(count) => count == 0,
        Err(error) => !is_idle(&error),
    }
}

fn is_idle(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn read_first_line(client: &TcpStream, shared: &Shared, first: &mut Vec<u8>) -> bool {
    let mut chunk = [0; FIRST_LINE];
    while !first.contains(&b'\n') && first.len() < FIRST_LINE {
        if shared.ended.load(Relaxed) {
            return false;
        }
        match (&mut &*client).read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => first.extend_from_slice(&chunk[..count]),
            Err(error) if is_idle(&error) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Requests go to `/fapi` and `/sapi`, WebSockets elsewhere.
fn is_stream(first: &[u8]) -> bool {
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or(first);
    let path = line.split(|byte| *byte == b' ').nth(1).unwrap_or(b"");
    !(path.starts_with(b"/fapi/") || path.starts_with(b"/sapi/") || path.starts_with(b"/sim/"))
}

impl Ends<'_> {
    /// Carries one direction until it ends.
    fn carry(&self, to_client: bool) {
        let (from, to) =
            if to_client { (self.server, self.client) } else { (self.client, self.server) };
        let mut chunk = vec![0; CHUNK];
        while !self.over.load(Relaxed) && !self.shared.ended.load(Relaxed) {
            if self.is_reset() {
                self.break_off();
                break;
            }
            if self.dead.load(Relaxed) {
                if is_gone(self.client) {
                    break;
                }
                std::thread::sleep(LOOK);
                continue;
            }
            match (&mut &*from).read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    if self.hand_on(&mut &*to, &chunk[..count], to_client).is_err() {
                        break;
                    }
                }
                Err(error) if is_idle(&error) => {}
                Err(_) => break,
            }
        }
        self.over.store(true, Relaxed);
    }

    fn is_reset(&self) -> bool {
        let (resets, scope) = *locked(&self.shared.resets);
        resets > self.resets && concerns(scope, self.streams)
    }

    /// Ends both sides without a farewell.
    fn break_off(&self) {
        self.shared.meet();
        for end in [self.client, self.server] {
            let _ = rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO));
        }
        self.over.store(true, Relaxed);
    }

    fn hand_on(&self, to: &mut impl Write, bytes: &[u8], to_client: bool) -> std::io::Result<()> {
        let shared = self.shared;
        match shared.bad(self.streams) {
            None | Some((Bad::Reset | Bad::Refused, _)) => to.write_all(bytes),
            Some((Bad::Latency, amount)) => {
                shared.meet();
                std::thread::sleep(Duration::from_millis(amount));
                to.write_all(bytes)
            }
            Some((Bad::Slow, _)) => {
                shared.meet();
                for piece in bytes.chunks(SLOW.0) {
                    let still = matches!(shared.bad(self.streams), Some((Bad::Slow, _)));
                    if still && !shared.ended.load(Relaxed) && !self.over.load(Relaxed) {
                        std::thread::sleep(SLOW.1);
                    }
                    to.write_all(piece)?;
                }
                Ok(())
            }
            Some((Bad::HalfOpen, _)) => {
                shared.meet();
                self.dead.store(true, Relaxed);
                Ok(())
            }
            Some((Bad::Cut, _)) => {
                let left = |cuts: u64| cuts.checked_sub(1);
                if to_client && shared.cuts.fetch_update(Relaxed, Relaxed, left).is_ok() {
                    let written = to.write_all(&bytes[..bytes.len() / 2]);
                    self.break_off();
                    return written;
                }
                to.write_all(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// Answers each request with what it got.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let mut chunk = [0; 1_024];
                    while let Ok(count @ 1..) = (&client).read(&mut chunk) {
                        if (&client).write_all(&chunk[..count]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    const REQUEST: &[u8] = b"GET /fapi/v1/time HTTP/1.1\r\n\r\n";
    const STREAM: &[u8] = b"GET /market/ws HTTP/1.1\r\n\r\n";

    fn ask(proxy: &Proxy, what: &[u8]) -> std::io::Result<TcpStream> {
        let mut client = TcpStream::connect(proxy.address())?;
        client.set_read_timeout(Some(Duration::from_millis(300)))?;
        client.write_all(what)?;
        let mut back = vec![0; what.len()];
        client.read_exact(&mut back)?;
        assert_eq!(back, what);
        Ok(client)
    }

    #[test]
    fn a_well_network_carries_and_each_bad_one_hurts_only_its_scope() {
        let proxy = Proxy::start(echo()).unwrap();
        assert!(ask(&proxy, REQUEST).is_ok());
        for (bad, scope) in [(Bad::Cut, Scope::Requests), (Bad::HalfOpen, Scope::Requests)] {
            proxy.worsen(bad, scope, 1);
            assert!(ask(&proxy, STREAM).is_ok(), "{bad:?} is none of the streams'");
            assert!(ask(&proxy, REQUEST).is_err(), "{bad:?}");
            assert!(proxy.heal() > 0, "{bad:?} was met");
            assert!(ask(&proxy, REQUEST).is_ok(), "{bad:?} is over");
        }
        proxy.worsen(Bad::Latency, Scope::All, 60);
        let began = Instant::now();
        assert!(ask(&proxy, REQUEST).is_ok());
        assert!(began.elapsed() >= Duration::from_millis(100), "late both ways");
        proxy.heal();
    }

    #[test]
    fn resets_end_what_is_open_and_a_refusal_ends_with_it() {
        let proxy = Proxy::start(echo()).unwrap();
        let [mut first, mut second] = [REQUEST, STREAM].map(|what| ask(&proxy, what).unwrap());
        proxy.worsen(Bad::Reset, Scope::Requests, 0);
        assert!(matches!(first.read(&mut [0; 8]), Ok(0) | Err(_)));
        second.write_all(b"more").unwrap();
        let mut back = [0; 4];
        second.read_exact(&mut back).unwrap();
        proxy.heal();
        proxy.worsen(Bad::Refused, Scope::All, 0);
        let began = Instant::now();
        while TcpStream::connect(proxy.address()).is_ok() {
            assert!(began.elapsed() < Duration::from_secs(10), "somebody listens");
            std::thread::sleep(LOOK);
        }
        proxy.heal();
        while ask(&proxy, REQUEST).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "nobody listens again");
        }
    }
}
