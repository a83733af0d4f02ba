//! The tap: what feed and brain take for the exchange. It hands every byte on to the real one and
//! back, and notes when it wrote a closed candle and when it read the order that this has caused.

use crate::sample::Samples;
use aegis_wire::frame::Frame;
use aegis_wire::websocket::{Decoder, Message, Role};
use aegis_wire::{Levels, scan};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes read at once.
const CHUNK: usize = 64 * 1_024;
/// Bytes of the longest message of a stream.
const MESSAGE_MAX: usize = 1 << 20;
/// What comes later was not caused by that candle.
const LATE: Duration = Duration::from_millis(20);
/// What a market order's request begins with.
const ORDER: &[u8] = b"POST /fapi/v1/order?";
/// What an order has that ends a position: the end of its time has caused it, not a candle.
const REDUCES: &[u8] = b"reduceOnly=true";

/// What has passed.
#[derive(Default)]
struct Seen {
    /// When the last closed candle of a symbol was about to be written.
    closed: BTreeMap<String, Instant>,
    delays_us: Samples,
}

/// A listening tap.
pub(super) struct Tap {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Tap {
    /// Between whoever connects and the exchange at `exchange`.
    pub(super) fn start(exchange: SocketAddr) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("tap: {e}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // The exchange is gone at the end of a run.
                let Ok(far) = TcpStream::connect(exchange) else { continue };
                let _ = connect(near, far, &shared);
            }
        });
        Ok(Self { address, seen })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Orders whose delay was measured so far.
    pub(super) fn orders(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).delays_us.len()
    }

    /// Microseconds from before a closed candle was written until the order that it has caused was
    /// read.
    pub(super) fn take(&self) -> Samples {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut seen.delays_us)
    }
}

/// Two threads, one each way.
fn connect(near: TcpStream, far: TcpStream, seen: &Arc<Mutex<Seen>>) -> std::io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (up, down) = ((near.try_clone()?, far.try_clone()?), (far, near));
    let (seen_up, seen_down) = (Arc::clone(seen), Arc::clone(seen));
    std::thread::spawn(move || carry(up, |bytes| order(bytes, Instant::now(), &seen_up)));
    std::thread::spawn(move || {
        let mut candles = Candles::new();
        carry(down, |bytes| candles.note(bytes, &seen_down));
    });
    Ok(())
}

/// Hands bytes on until one end goes; `look` sees them between the read and the write.
fn carry((mut from, mut to): (TcpStream, TcpStream), mut look: impl FnMut(&[u8])) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count) = from.read(&mut chunk)
        && count > 0
    {
        look(&chunk[..count]);
        if to.write_all(&chunk[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// A request: an entry ends the delay of its symbol's candle.
fn order(bytes: &[u8], at: Instant, seen: &Mutex<Seen>) {
    let Some(query) = bytes.strip_prefix(ORDER) else { return };
    let query = query.split(|byte| *byte == b' ').next().unwrap_or_default();
    let mut pairs = query.split(|byte| *byte == b'&');
    if pairs.clone().any(|pair| pair == REDUCES) {
        return;
    }
    let symbol = pairs.find_map(|pair| pair.strip_prefix(b"symbol="));
    let Some(Ok(symbol)) = symbol.map(std::str::from_utf8) else { return };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(closed) = seen.closed.remove(symbol) else { return };
    let delay = at.saturating_duration_since(closed);
    if delay < LATE {
        seen.delays_us.push(delay.as_nanos() as f64 / 1e3);
    }
}

/// Reads the closed candles in what the exchange writes on one connection.
struct Candles {
    /// None until the connection has become a WebSocket, for ever if it does not.
    decoder: Option<Decoder>,
    begun: bool,
    levels: Levels,
}

impl Candles {
    fn new() -> Self {
        Self { decoder: None, begun: false, levels: Levels::with_capacity(0) }
    }

    fn note(&mut self, bytes: &[u8], seen: &Mutex<Seen>) {
        let mut bytes = bytes;
        if !self.begun {
            self.begun = true;
            if bytes.starts_with(b"HTTP/1.1 101") {
                self.decoder = Some(Decoder::new(Role::Client, MESSAGE_MAX));
                let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
                bytes = &bytes[end.map_or(bytes.len(), |end| end + 4)..];
            }
        }
        let Some(decoder) = &mut self.decoder else { return };
        decoder.feed(bytes);
        while let Ok(Some(message)) = decoder.message() {
            let Message::Text(text) = message else { continue };
            let Ok(frame) = scan(text, &mut self.levels) else { continue };
            if let Frame::Kline(kline) = frame.frame
                && kline.bar.closed
            {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.closed.insert(kline.symbol.to_owned(), Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_wire::websocket::{Opcode, encode};

    #[test]
    fn an_order_ends_the_delay_of_its_own_symbol() {
        let seen = Mutex::new(Seen::default());
        let mut candles = Candles::new();
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        let frame = |closed: bool| {
            let bar = r#""t":0,"T":59999,"s":"AAUSDT","i":"1m","f":1,"L":2,"o":"1","c":"1""#;
            let bar = format!(r#"{bar},"h":"1","l":"1","v":"1","n":2,"x":{closed},"q":"1""#);
            let bar = format!(r#"{bar},"V":"1","Q":"1","B":"0""#);
            let data = format!(r#"{{"e":"kline","E":60000,"s":"AAUSDT","k":{{{bar}}}}}"#);
            format!(r#"{{"stream":"aausdt@kline_1m","data":{data}}}"#)
        };
        encode(&mut bytes, Opcode::Text, None, frame(false).as_bytes());
        candles.note(&bytes, &seen);
        let request = b"POST /fapi/v1/order?symbol=AAUSDT&side=BUY HTTP/1.1\r\n";
        order(request, Instant::now(), &seen);
        assert_eq!(seen.lock().unwrap().delays_us.len(), 0, "an open candle causes none");
        bytes.clear();
        encode(&mut bytes, Opcode::Text, None, frame(true).as_bytes());
        candles.note(&bytes, &seen);
        let before = seen.lock().unwrap().closed["AAUSDT"];
        order(b"POST /fapi/v1/order?symbol=BBUSDT HTTP/1.1\r\n", Instant::now(), &seen);
        let exit = b"POST /fapi/v1/order?symbol=AAUSDT&reduceOnly=true&x=1 HTTP/1.1\r\n";
        order(exit, Instant::now(), &seen);
        order(b"POST /fapi/v1/algoOrder?symbol=AAUSDT HTTP/1.1\r\n", Instant::now(), &seen);
        order(request, before + Duration::from_micros(70), &seen);
        order(request, before + Duration::from_micros(90), &seen);
        let mut seen = seen.into_inner().unwrap();
        assert_eq!((seen.delays_us.len(), seen.delays_us.median()), (1, 70.0));
    }
}
