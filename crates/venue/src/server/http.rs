//! One HTTP connection: requests in, replies out as far as their fate lets them.

use crate::server::call::{ApiError, Method, Reply, Request, Sending};
use crate::server::hub::{Shared, wall_ms};
use crate::server::socket::{self, Door, Times};
use crate::server::sockets::address;
use aegis_wire::websocket::accept_key;
use bytes::Bytes;
use core::future::Future as _;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io::{self, Write as _};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Longest body of a request.
const BODY_MAX: usize = 256 * 1024;

/// Shorter replies are not compressed.
const GZIP_MIN: usize = 1_024;

/// The WebSocket API's path.
const WS_API_PATH: &str = "/ws-fapi/v1";

/// A body, whole or cut: after the cut the connection breaks, though more was announced.
pub struct Reach {
    bytes: Bytes,
    length: u64,
    /// Runs from the last byte that is sent to the cut: what was sent must have left by then.
    cut: Option<Pin<Box<Sleep>>>,
    sent: bool,
}

/// Between the last byte of a cut reply and the end of its connection.
const CUT_AFTER: Duration = Duration::from_millis(20);

impl Reach {
    fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: bytes.len() as u64, bytes, cut: None, sent: false }
    }

    fn cut(bytes: Bytes, after: usize) -> Self {
        let length = bytes.len() as u64;
        // A body that is not there cannot be cut: then its announced byte never comes.
        let after = after.min(bytes.len().saturating_sub(1));
        let cut = Some(Box::pin(tokio::time::sleep(CUT_AFTER)));
        Self { bytes: bytes.slice(..after), length: length.max(1), cut, sent: false }
    }
}

impl Body for Reach {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if !self.sent && !self.bytes.is_empty() {
            self.sent = true;
            let bytes = core::mem::take(&mut self.bytes);
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.cut {
            None => Poll::Ready(None),
            Some(cut) => cut.as_mut().poll(context).map(|()| {
                let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault");
                Some(Err(cut))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && (self.sent || self.bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        let over = self.sent && self.cut.is_none();
        SizeHint::with_exact(if over { 0 } else { self.length })
    }
}

/// No reply at all: hyper closes the connection when the service fails.
#[derive(Debug)]
struct NoReply;

impl core::fmt::Display for NoReply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no reply is sent")
    }
}

impl core::error::Error for NoReply {}

/// Serves a connection until it ends.
pub async fn serve(shared: Shared, stream: TcpStream, peer: SocketAddr, times: Times) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(shared.clone(), request, peer, times));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(120))
        .keep_alive(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(why) = served {
        tracing::debug!(%peer, "connection ended: {why}");
    }
}

async fn answer(
    shared: Shared,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    times: Times,
) -> Result<Response<Reach>, NoReply> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or("").to_owned();
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    if upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Ok(upgraded(shared, request, (&path, &query), peer, times));
    }
    let Some(method) = Method::parse(request.method().as_str()) else {
        let error = ApiError::new(-1000, "The HTTP method is not supported.").with_status(405);
        return Ok(response(&Reply::error(&error), None));
    };
    let gzip = takes_gzip(request.headers().get(ACCEPT_ENCODING));
    let key = request.headers().get("X-MBX-APIKEY");
    let api_key = key.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = match Limited::new(request.into_body(), BODY_MAX).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            let error = ApiError::new(-1000, "The request is too large.").with_status(413);
            return Ok(response(&Reply::error(&error), None));
        }
    };
    let arrived_ms = wall_ms();
    let request = Request { method, path, query, body, api_key, peer: peer.ip(), arrived_ms };
    // A step may take long: other tasks go on beside it.
    let reply = match request.path.as_str() {
        "/sim/v1/step" => tokio::task::block_in_place(|| handle(&shared, &request)),
        _ => handle(&shared, &request),
    };
    if reply.fate.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(reply.fate.delay_ms)).await;
    }
    match reply.fate.sending {
        Sending::Whole if gzip && reply.body.len() >= GZIP_MIN => Ok(compressed(&reply)),
        Sending::Whole => Ok(response(&reply, None)),
        Sending::Cut(after) => Ok(response(&reply, Some(after))),
        Sending::Nothing => Err(NoReply),
    }
}

fn handle(shared: &Shared, request: &Request) -> Reply {
    let mut hub = shared.lock();
    hub.requests += 1;
    let reply = hub.sim.handle(request.arrived_ms, request);
    hub.flush();
    reply
}

fn response(reply: &Reply, cut: Option<usize>) -> Response<Reach> {
    let bytes = Bytes::copy_from_slice(reply.body.as_bytes());
    let body = match cut {
        None => Reach::whole(bytes),
        Some(after) => Reach::cut(bytes, after),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = reply.body.trim_start().starts_with(['{', '[']);
    let kind = if json { "application/json" } else { "text/html" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in &reply.headers {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// May the reply be compressed?
fn takes_gzip(accepted: Option<&HeaderValue>) -> bool {
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let quality = quality.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && quality != Some(0.0)
    })
}

/// The reply as gzip. One that is cut is never compressed: it breaks where the fault says.
fn compressed(reply: &Reply) -> Response<Reach> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(reply.body.as_bytes()).and_then(|()| encoder.finish());
    let mut response = response(reply, None);
    // Writing to memory does not fail.
    if let Ok(packed) = packed {
        *response.body_mut() = Reach::whole(packed);
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Answers a WebSocket handshake and serves the socket behind it.
fn upgraded(
    shared: Shared,
    mut request: hyper::Request<Incoming>,
    (path, query): (&str, &str),
    peer: SocketAddr,
    times: Times,
) -> Response<Reach> {
    let Some(key) = request.headers().get("Sec-WebSocket-Key") else {
        let error = ApiError::new(-1000, "Sec-WebSocket-Key is missing.");
        return response(&Reply::error(&error), None);
    };
    let accept = accept_key(key.to_str().unwrap_or_default());
    let door = match path.trim_end_matches('/') {
        WS_API_PATH => Door::Api,
        _ => Door::Streams,
    };
    let opened = open(&shared, door, (path, query), peer);
    let (conn, inbox) = match opened {
        Ok(opened) => opened,
        Err(reply) => return response(&reply, None),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let tcp = match upgrade.await {
            Ok(upgraded) => upgraded.downcast::<TokioIo<TcpStream>>().ok(),
            Err(_) => None,
        };
        match tcp {
            Some(parts) => {
                let stream = parts.io.into_inner();
                let early = parts.read_buf;
                socket::serve(shared, stream, &early, (conn, inbox), door, times).await;
            }
            None => gone(&shared, door, conn),
        }
    });
    let mut response = Response::new(Reach::whole(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert("Sec-WebSocket-Accept", accept);
    }
    response
}

type Opened = (crate::server::streams::ConnId, crate::server::queues::Inbox);

fn open(
    shared: &Shared,
    door: Door,
    (path, query): (&str, &str),
    peer: SocketAddr,
) -> Result<Opened, Reply> {
    let mut hub = shared.lock();
    let (conn, inbox) = hub.queues.connect();
    let opened = match door {
        Door::Streams => {
            address(path).ok_or_else(|| Reply { status: 404, ..Reply::ok("Not found") })?;
            hub.sim.socket_open(wall_ms(), conn, path, query)
        }
        Door::Api => hub.sim.ws_api_open(wall_ms(), conn, query, peer.ip()),
    };
    match opened {
        Ok(()) => Ok((conn, inbox)),
        Err(reply) => {
            hub.queues.disconnect(conn);
            Err(reply)
        }
    }
}

fn gone(shared: &Shared, door: Door, conn: crate::server::streams::ConnId) {
    let mut hub = shared.lock();
    match door {
        Door::Streams => hub.sim.socket_closed(conn),
        Door::Api => hub.sim.ws_api_closed(conn),
    }
    hub.queues.disconnect(conn);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (accepted, gzip) in [
            ("gzip, deflate", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0, deflate", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(
                takes_gzip(HeaderValue::from_str(accepted).ok().as_ref()),
                gzip,
                "{accepted}"
            );
        }
        assert!(!takes_gzip(None));
    }
}
