//! An exchange's end of the connections: just enough HTTP and handshake that the feed goes live,
//! then frames from one thread, at full speed or at a pace.

use super::frames::{BEGIN_MS, Script, script};
use aegis_types::SymbolTable;
use aegis_wire::websocket::upgrade_response;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Market time goes so many times as fast as the wall's.
const TIMES: i64 = 10;
/// Connections that the feed opens for 500 symbols.
const CONNECTIONS: usize = 3;
const LATE: Duration = Duration::from_secs(20);

/// How fast frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As fast as they are read.
    Full,
    /// So many a second.
    Rate(u64),
}

/// A connection that has shaken hands, and the streams it asks for.
struct Listener {
    stream: TcpStream,
    streams: Vec<String>,
}

/// The exchange's end.
pub(super) struct Exchange {
    address: SocketAddr,
    go: Sender<()>,
    stop: Arc<AtomicBool>,
    writer: Option<JoinHandle<Result<Written, String>>>,
    /// Open until the end: a connection that closes is a gap for the feed.
    lines: Vec<Line>,
}

/// A connection and what is written to it.
type Line = (TcpStream, Script);

/// Frames written, and to where.
type Written = (u64, Vec<Line>);

impl Exchange {
    /// Listens; frames begin with [`Exchange::go`].
    pub(super) fn start(symbols: &SymbolTable, pace: Pace) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("loopback: {e}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (joins, joined) = channel();
        let (go, gone) = channel();
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || accept(&listener, &joins, &stopped));
        let (symbols, stopped) = (symbols.clone(), Arc::clone(&stop));
        let writer =
            std::thread::spawn(move || write_all(&joined, &gone, &symbols, pace, &stopped));
        Ok(Self { address, go, stop, writer: Some(writer), lines: Vec::new() })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the frames come.
    pub(super) fn go(&self) {
        let _ = self.go.send(());
    }

    /// No more frames after those under way. True when they are written, for which the other end
    /// has to read on.
    pub(super) fn has_stopped(&self) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        self.writer.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How many frames were written in all.
    pub(super) fn written(&mut self) -> Result<u64, String> {
        let Some(writer) = self.writer.take() else { return Ok(0) };
        let panicked = |_| "the thread that writes frames has panicked".to_owned();
        let (written, lines) = writer.join().map_err(panicked)??;
        self.lines = lines;
        Ok(written)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The listener waits for one more connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, joins: &Sender<Listener>, stop: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let joins = joins.clone();
        std::thread::spawn(move || {
            let _ = answer(stream, &joins);
        });
    }
}

/// Answers requests until one of them becomes a WebSocket.
fn answer(stream: TcpStream, joins: &Sender<Listener>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut path, mut key) = (String::new(), None);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("GET ") {
                path = rest.split(' ').next().unwrap_or_default().to_owned();
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("Sec-WebSocket-Key")
            {
                key = Some(value.trim().to_owned());
            }
        }
        if let Some(key) = key {
            stream.write_all(upgrade_response(&key).as_bytes())?;
            let streams = subscribed(&path, &mut reader)?;
            let _ = joins.send(Listener { stream, streams });
            return Ok(());
        }
        let body = match path.starts_with("/sim/v1/clock") {
            true => format!("{{\"market_ms\":{BEGIN_MS}}}"),
            false => "[]".to_owned(),
        };
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")?;
    }
}

/// Streams of the address, and of the messages that follow at once.
fn subscribed(path: &str, reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<String>> {
    use aegis_wire::websocket::{Decoder, Message, Role};
    let named = path.split_once("?streams=").map_or("", |(_, streams)| streams);
    let mut names: Vec<String> = named.split('/').map(str::to_owned).collect();
    let mut decoder = Decoder::new(Role::Server, 1 << 16);
    let pause = Some(Duration::from_millis(100));
    reader.get_ref().set_read_timeout(pause)?;
    loop {
        let read = match reader.fill_buf() {
            Ok(bytes) => decoder.feed(bytes),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(e) => return Err(e),
        };
        if read == 0 {
            break;
        }
        reader.consume(read);
        while let Ok(Some(Message::Text(text))) = decoder.message() {
            let message: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
            let params = message["params"].as_array().into_iter().flatten();
            names.extend(params.filter_map(|name| Some(name.as_str()?.to_owned())));
        }
    }
    reader.get_ref().set_read_timeout(None)?;
    Ok(names)
}

/// Market time, and the ids given out.
struct Market {
    began: Instant,
    minute: i64,
    id: u64,
    turns: usize,
}

impl Market {
    /// At full speed a symbol's turn comes sooner than market time moves: a millisecond a turn.
    fn now_ms(&self) -> i64 {
        let paced = TIMES * self.began.elapsed().as_micros() as i64 / 1_000;
        BEGIN_MS + paced.max(self.turns as i64)
    }
}

fn write_all(
    joined: &Receiver<Listener>,
    gone: &Receiver<()>,
    symbols: &SymbolTable,
    pace: Pace,
    stop: &AtomicBool,
) -> Result<Written, String> {
    let late = |_| "the feed did not connect".to_owned();
    let mut lines: Vec<Line> = Vec::new();
    while lines.len() < CONNECTIONS {
        let Listener { stream, streams } = joined.recv_timeout(LATE).map_err(late)?;
        lines.push((stream, script(&streams, symbols)));
    }
    gone.recv_timeout(LATE).map_err(|_| "the feed did not go live".to_owned())?;
    let began = Instant::now();
    let mut market = Market { began, minute: BEGIN_MS / 60_000, id: 1_000_000_000_000, turns: 0 };
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        if let Pace::Rate(rate) = pace {
            let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
            if written >= due {
                std::thread::sleep(Duration::from_micros(200));
                continue;
            }
        }
        written += round(&mut lines, &mut market).map_err(|e| format!("a frame: {e}"))?;
        market.turns += 1;
    }
    Ok((written, lines))
}

/// One block of every connection, and the closed candles when a minute is over.
fn round(lines: &mut [Line], market: &mut Market) -> std::io::Result<u64> {
    let now_ms = market.now_ms();
    let minute = now_ms.div_euclid(60_000);
    let mut written = 0;
    if minute > market.minute {
        // Time may have stood still for more than a minute: none is left out.
        for minute in market.minute + 1..=minute {
            for (stream, script) in lines.iter_mut() {
                let frames = script.minute.frames() as u64;
                stream.write_all(script.minute.fresh(minute * 60_000, &mut market.id))?;
                written += frames;
            }
        }
        market.minute = minute;
    }
    for (stream, script) in lines.iter_mut() {
        let count = script.blocks.len();
        if count > 0 {
            let block = &mut script.blocks[market.turns % count];
            stream.write_all(block.fresh(now_ms, &mut market.id))?;
            written += block.frames() as u64;
        }
    }
    Ok(written)
}
