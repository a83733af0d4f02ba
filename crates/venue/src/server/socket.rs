//! One WebSocket: bytes between a client and the exchange.

use crate::server::call::Sending;
use crate::server::hub::{Hub, Shared, wall_ms};
use crate::server::queues::{Inbox, Item};
use crate::server::streams::ConnId;
use crate::server::ws_api::WsReply;
use crate::server::wsframe::{self, MESSAGE_MAX};
use aegis_wire::websocket::{Decoder, Message, Opcode, Role, close_code};
use core::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

/// Bytes that are written at once at most; one write for many small frames.
const BATCH_BYTES: usize = 64 * 1024;

/// How long a socket that ends may take to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// The times of a socket's life.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Between two pings.
    pub ping: Duration,
    /// Without a pong for so long it is closed.
    pub pong: Duration,
    /// It is closed at this age.
    pub life: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(180),
            pong: Duration::from_secs(600),
            life: Duration::from_secs(86_400),
        }
    }
}

/// Which door of the exchange a socket came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Market and user streams.
    Streams,
    /// The WebSocket API.
    Api,
}

/// Serves a socket until one side ends it.
pub async fn serve(
    shared: Shared,
    stream: TcpStream,
    early: &[u8],
    (conn, inbox): (ConnId, Inbox),
    door: Door,
    times: Times,
) {
    let (reading, writing) = stream.into_split();
    let gone = inbox.gone.clone();
    let mut writer = tokio::spawn(write(writing, inbox));
    let mut reader = pin!(read(&shared, reading, early, conn, door, times));
    let (end, farewell) = tokio::select! {
        end = &mut reader => (end, true),
        // The exchange has ended it: whoever listens may hear that before the socket goes.
        _ = &mut writer => {
            let _ = tokio::time::timeout(FAREWELL, reader).await;
            (None, false)
        }
        () = gone.notified() => (None, false),
    };
    leave(&shared, conn, door, end);
    if farewell {
        let _ = tokio::time::timeout(FAREWELL, &mut writer).await;
    }
    writer.abort();
}

/// A socket is forgotten, after a last word where there is one.
fn leave(shared: &Shared, conn: ConnId, door: Door, last: Option<Item>) {
    let mut hub = shared.lock();
    if let Some(item) = last {
        hub.queues.push(conn, item);
    }
    match door {
        Door::Streams => hub.sim.socket_closed(conn),
        Door::Api => hub.sim.ws_api_closed(conn),
    }
    hub.queues.disconnect(conn);
    hub.flush();
}

/// Writes what is queued, many frames at a time, until the queue or the socket ends.
async fn write(mut socket: OwnedWriteHalf, mut inbox: Inbox) {
    let mut items = Vec::with_capacity(512);
    let mut bytes = Vec::with_capacity(BATCH_BYTES);
    loop {
        let count = inbox.items.recv_many(&mut items, 512).await;
        if count == 0 {
            break;
        }
        let mut close = None;
        for item in items.drain(..) {
            match item {
                Item::Frame(frame) => {
                    bytes.extend_from_slice(&frame);
                    if bytes.len() >= BATCH_BYTES {
                        if socket.write_all(&bytes).await.is_err() {
                            return;
                        }
                        bytes.clear();
                    }
                }
                Item::Close(code) => {
                    if let Some(code) = code {
                        bytes.extend_from_slice(&wsframe::close(code));
                    }
                    close = Some(());
                    break;
                }
            }
        }
        if socket.write_all(&bytes).await.is_err() {
            return;
        }
        bytes.clear();
        inbox.written(count);
        if close.is_some() {
            break;
        }
    }
    let _ = socket.shutdown().await;
}

/// Reads until the client ends it or the exchange must; then what the writer is to say.
async fn read(
    shared: &Shared,
    mut socket: OwnedReadHalf,
    early: &[u8],
    conn: ConnId,
    door: Door,
    times: Times,
) -> Option<Item> {
    let born = Instant::now();
    let (mut heard, mut next_ping) = (born, born + times.ping);
    let mut decoder = Decoder::new(Role::Server, MESSAGE_MAX);
    if decoder.feed(early) < early.len() {
        return Some(Item::Close(Some(close_code::TOO_BIG)));
    }
    loop {
        loop {
            let message = match decoder.message() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(fault) => return Some(Item::Close(Some(fault.close_code()))),
            };
            if matches!(message, Message::Pong(_)) {
                heard = Instant::now();
            }
            if let Some(end) = take(shared, conn, door, message) {
                return Some(end);
            }
        }
        let until = next_ping.min(heard + times.pong).min(born + times.life);
        match tokio::time::timeout_at(until, socket.read(decoder.space())).await {
            Ok(Ok(0) | Err(_)) => return Some(Item::Close(None)),
            Ok(Ok(count)) => decoder.filled(count),
            Err(_) => {
                let now = Instant::now();
                if now >= born + times.life || now >= heard + times.pong {
                    return Some(Item::Close(Some(close_code::AWAY)));
                }
                next_ping = now + times.ping;
                let payload = wall_ms().to_string();
                let ping = wsframe::frame(Opcode::Ping, payload.as_bytes());
                shared.lock().queues.push(conn, Item::Frame(ping));
            }
        }
    }
}

/// Takes a message; an item when the socket must end.
fn take(shared: &Shared, conn: ConnId, door: Door, message: Message<'_>) -> Option<Item> {
    let mut hub = shared.lock();
    let now = wall_ms();
    let bytes = match message {
        Message::Close { .. } => return Some(Item::Close(Some(close_code::NORMAL))),
        Message::Ping(payload) | Message::Pong(payload) => {
            if door == Door::Streams && !hub.sim.socket_control_frame(now, conn) {
                return Some(Item::Close(Some(close_code::POLICY)));
            }
            if matches!(message, Message::Ping(_)) {
                let pong = wsframe::frame(Opcode::Pong, payload);
                hub.queues.push(conn, Item::Frame(pong));
            }
            return None;
        }
        Message::Text(bytes) | Message::Binary(bytes) => bytes,
    };
    let Ok(text) = core::str::from_utf8(bytes) else {
        return Some(Item::Close(Some(close_code::NOT_TEXT)));
    };
    match door {
        Door::Streams => {
            let told = hub.sim.socket_text(now, conn, text);
            // What was under way goes first, then the answer, then the new streams.
            hub.flush();
            if let Some(reply) = told.reply {
                hub.queues.push(conn, Item::Frame(wsframe::text(&reply)));
            }
            told.close.then_some(Item::Close(Some(close_code::POLICY)))
        }
        Door::Api => {
            let reply = hub.sim.ws_api(now, conn, text);
            hub.flush();
            answer(shared, &mut hub, conn, reply)
        }
    }
}

/// Sends what the WebSocket API answers, when and as far as it is to arrive.
fn answer(shared: &Shared, hub: &mut Hub, conn: ConnId, reply: WsReply) -> Option<Item> {
    let mut items: Vec<Item> = match reply.fate.sending {
        Sending::Whole => reply.frames.iter().map(|f| Item::Frame(wsframe::text(f))).collect(),
        Sending::Cut(_) | Sending::Nothing => vec![Item::Close(None)],
    };
    if reply.close {
        items.push(Item::Close(Some(close_code::POLICY)));
    }
    if reply.fate.delay_ms == 0 {
        items.into_iter().for_each(|item| hub.queues.push(conn, item));
    } else {
        let (shared, delay) = (shared.clone(), Duration::from_millis(reply.fate.delay_ms));
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut hub = shared.lock();
            items.into_iter().for_each(|item| hub.queues.push(conn, item));
        });
    }
    None
}
