//! The floor: a message to another process and back over loopback TCP.
//!
//! The partner waits as the brain does, spinning or spinning and then asleep; this side waits as
//! the tap does, in a read. So half of what is between two peers is what the machine itself needs.

use super::Strategy;
use crate::program::{Running, exe};
use crate::sample::Samples;
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of a message: about a closed candle as a frame, and an order as a request.
const MESSAGE: usize = 400;
/// How long the brain's adaptive wait spins before it sleeps.
const SPIN: Duration = Duration::from_micros(20);
/// Between two messages: both sides have come to rest, as between two candles.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the partner may take to come or to answer.
const LATE: Duration = Duration::from_secs(10);

/// Microseconds from before a write until its echo was read, `count` times, with a partner on the
/// core `far`.
pub(super) fn floor(
    strategy: Strategy,
    far: usize,
    count: usize,
    into: &mut Samples,
) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("echo: {e}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?.to_string();
    let mut partner = Command::new(exe()?);
    partner.args(["bench-child", "wire-to-wire", "echo", strategy.name()]);
    partner.args([&far.to_string(), &address]);
    partner.stdin(Stdio::null()).stdout(Stdio::null());
    let partner = Running::start(partner)?;
    let (mut stream, _) = listener.accept().map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.set_read_timeout(Some(LATE)).map_err(failed)?;
    let mut bytes = [b'.'; MESSAGE];
    // The first few warm up.
    for n in 0..count + count / 10 {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        stream.write_all(&bytes).map_err(failed)?;
        stream.read_exact(&mut bytes).map_err(failed)?;
        if n >= count / 10 {
            into.push(start.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    drop(partner);
    Ok(())
}

/// The partner: sends back what it reads until the other end goes.
pub(super) fn child(strategy: Strategy, address: &str) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("echo: {e}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.set_nonblocking(true).map_err(failed)?;
    let mut bytes = [0; MESSAGE];
    let mut waiting = Instant::now();
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                // It fits into an empty socket's buffer.
                stream.write_all(&bytes[..read]).map_err(failed)?;
                waiting = Instant::now();
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                if strategy == Strategy::Adaptive && waiting.elapsed() >= SPIN {
                    let _ = poll(&mut [PollFd::new(&stream, PollFlags::IN)], None);
                }
                std::hint::spin_loop();
            }
            Err(e) => return Err(failed(e)),
        }
    }
}
