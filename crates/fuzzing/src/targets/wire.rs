//! What comes over sockets.

use crate::seeds::{frames, lines};
use aegis_venue::client::frames::read_reply;
use aegis_venue::client::http::Incoming;
use aegis_wire::bodies::{
    self, AccountConfig, AccountInfo, AlgoAck, AlgoOrder, Balance, CommissionRate, ContractInfo,
    ErrorBody, FundingInfo, FundingRate, KeyRestrictions, ListenKey, OrderReply, PositionMode,
    PositionRisk, PremiumIndex, ServerTime, SetLeverageReply, StreamReply, SymbolConfig,
    TickerPrice, UserTrade,
};
use aegis_wire::errors::{Answer, banned_until};
use aegis_wire::http::ResponseHead;
use aegis_wire::oracle;
use aegis_wire::websocket::{Decoder, Role, accepted};
use aegis_wire::{Frame, Levels, scan, scan_snapshot};

/// Longest message of the decoder under test: small, so that its limit is met.
const MESSAGE_MAX: usize = 1_024;

/// Frames in pieces whose lengths the first byte chooses: what is read does not depend on them.
pub(super) fn websocket_frames(data: &[u8]) -> bool {
    let Some((&piece, rest)) = data.split_first() else { return false };
    let mut good = false;
    for role in [Role::Client, Role::Server] {
        let whole = messages(role, rest, rest.len());
        let parts = messages(role, rest, 1 + usize::from(piece % 32));
        assert_eq!(whole, parts, "pieces change what is read");
        good |= whole.iter().any(|said| !said.starts_with("error"));
    }
    good
}

pub(super) fn frame_seeds() -> Vec<Vec<u8>> {
    frames().into_iter().map(|frame| [&[3], frame.as_slice()].concat()).collect()
}

/// Everything that a decoder says of these bytes.
fn messages(role: Role, bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new(role, MESSAGE_MAX);
    let mut said = Vec::new();
    let mut left = bytes;
    loop {
        let next = decoder.message().map(|message| message.map(|message| format!("{message:?}")));
        match next {
            Ok(Some(message)) => said.push(message),
            Ok(None) if left.is_empty() || decoder.is_closed() => return said,
            Ok(None) => {
                let (now, later) = left.split_at(piece.clamp(1, left.len()));
                let taken = decoder.feed(now);
                assert!(taken > 0, "no room, and no message");
                left = if taken == now.len() { later } else { &left[taken..] };
            }
            Err(error) => {
                said.push(format!("error {error:?}"));
                return said;
            }
        }
    }
}

/// An answer in one piece and byte by byte; the head alone; a handshake.
pub(super) fn http_answers(data: &[u8]) -> bool {
    let mut whole = Incoming::default();
    let said = whole.push(data).map_err(|e| format!("{e:?}"));
    let _ = whole.closed();
    let mut parts = Incoming::default();
    let mut last = Ok(false);
    for byte in data.chunks(1) {
        last = parts.push(byte).map_err(|e| format!("{e:?}"));
        if last.is_err() {
            break;
        }
    }
    let _ = parts.closed();
    if let (Some(one), Some(other)) = (whole.answer(), parts.answer())
        && said.is_ok()
        && last.is_ok()
    {
        assert_eq!((one.status, &one.body), (other.status, &other.body));
    }
    if let Ok(Some((head, length))) = ResponseHead::parse(data) {
        assert!(length <= data.len());
        let _ = head.headers().count();
        let _ = (head.keeps_alive(), head.number("Retry-After"));
        if let Ok(body) = head.body() {
            let mut out = Vec::new();
            let _ = body.with_limit(64).push(&data[length..], &mut out);
            assert!(out.len() <= 64, "a limit was passed");
        }
    }
    let _ = accepted(data, "dGhlIHNhbXBsZSBub25jZQ==");
    whole.answer().is_some()
}

pub(super) fn http_seeds() -> Vec<Vec<u8>> {
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-MBX-USED-WEIGHT-1M: 12\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n3;x=1\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 429 Too Many\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 503 Service Unavailable\r\n\r\nUnknown error, please check your request",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// The scanner and serde take the same bytes for the same frame.
pub(super) fn stream_payloads(data: &[u8]) -> bool {
    let (mut levels, mut slow) = (Levels::with_capacity(64), Levels::with_capacity(64));
    let snapshot = scan_snapshot(data, &mut levels);
    if let Ok(fast) = &snapshot {
        let said = oracle::snapshot(data, &mut slow);
        assert!(matches!(said, Ok(Some(said)) if said == *fast), "readers of a snapshot differ");
        assert_eq!(levels, slow);
    }
    let Ok(message) = scan(data, &mut levels) else { return snapshot.is_ok() };
    let known = !matches!(message.frame, Frame::Other { .. });
    if known {
        agree(data, &message.frame, message.stream.is_some());
    }
    known
}

/// What the fast reader has read, the slow one reads too.
fn agree(data: &[u8], frame: &Frame<'_>, combined: bool) {
    macro_rules! same {
        ($kind:ident, $fast:expr) => {{
            let slow: Result<aegis_wire::frame::$kind<'_>, _> = if combined {
                serde_json::from_slice(data)
                    .map(|whole: oracle::Combined<'_, aegis_wire::frame::$kind<'_>>| whole.data)
            } else {
                serde_json::from_slice(data)
            };
            match slow {
                Ok(slow) => assert_eq!(slow, *$fast),
                // Half of a surrogate pair is JSON to the letter, and no text to serde.
                Err(_) if data.windows(3).any(|w| matches!(w, b"\\ud" | b"\\uD")) => {}
                Err(error) => panic!("serde: {error}; the scanner: {:?}", $fast),
            }
        }};
    }
    match frame {
        Frame::Trade(fast) => same!(Trade, fast),
        Frame::AggTrade(fast) => same!(AggTrade, fast),
        Frame::BookTicker(fast) => same!(BookTicker, fast),
        Frame::Kline(fast) => same!(Kline, fast),
        Frame::MarkPrice(fast) => same!(MarkPrice, fast),
        Frame::Depth(_) | Frame::Other { .. } => {}
    }
}

pub(super) fn stream_seeds() -> Vec<Vec<u8>> {
    lines(include_str!("../../../../fixtures/fuzz/streams.txt"))
}

pub(super) fn user_events(data: &[u8]) -> bool {
    let event = bodies::user_event(data);
    let reply = read_reply(data);
    event.is_ok() || reply.is_some()
}

pub(super) fn user_seeds() -> Vec<Vec<u8>> {
    let mut all = lines(include_str!("../../../../fixtures/fuzz/user_events.txt"));
    all.extend(body_seeds().into_iter().filter(|body| body.starts_with(b"{\"id\"")));
    all
}

macro_rules! read_as {
    ($data:expr, $($kind:ty),*) => {
        false $(| bodies::read::<$kind>($data).is_ok() | bodies::read_list::<$kind>($data).is_ok())*
    };
}

pub(super) fn rest_bodies(data: &[u8]) -> bool {
    let mut good = read_as!(
        data,
        OrderReply,
        AlgoOrder,
        AlgoAck,
        PositionRisk,
        UserTrade,
        ErrorBody,
        AccountConfig,
        AccountInfo,
        Balance,
        CommissionRate,
        ContractInfo,
        FundingInfo,
        FundingRate,
        KeyRestrictions,
        ListenKey,
        PositionMode,
        PremiumIndex,
        ServerTime,
        SetLeverageReply,
        StreamReply,
        SymbolConfig,
        TickerPrice
    );
    let mut rows = Vec::new();
    good |= bodies::klines(data, &mut rows).is_ok();
    if let Ok(error) = bodies::read::<ErrorBody>(data) {
        let message = error.message.as_deref().unwrap_or_default();
        let _ = banned_until(message);
        let code = Some(error.code);
        for (status, write) in [(400, true), (418, false), (503, true)] {
            let answer = Answer { status, code, message, ..Answer::default() };
            let _ = answer.classify(write);
        }
    }
    good
}

pub(super) fn body_seeds() -> Vec<Vec<u8>> {
    lines(include_str!("../../../../fixtures/fuzz/bodies.txt"))
}
