//! A connection's bytes give the same messages however they are cut; what breaks the protocol ends
//! it with the right code; no bytes make it panic; whole messages are neither copied nor allocated.

use aegis_ring::CountingAllocator;
use aegis_wire::http::{HEAD_MAX, HttpFault, ResponseHead};
use aegis_wire::websocket::{
    Decoder, HandshakeError, Message, Opcode, Role, WsError, accept_key, accepted, close,
    close_code, encode, nonce_text, upgrade_request, upgrade_response,
};
use proptest::prelude::*;

const MAX: usize = 100_000;

/// A message with its own memory.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    opcode: Opcode,
    bytes: Vec<u8>,
}

fn owned(message: Message<'_>) -> Owned {
    let (opcode, bytes) = match message {
        Message::Text(bytes) => (Opcode::Text, bytes.to_vec()),
        Message::Binary(bytes) => (Opcode::Binary, bytes.to_vec()),
        Message::Ping(bytes) => (Opcode::Ping, bytes.to_vec()),
        Message::Pong(bytes) => (Opcode::Pong, bytes.to_vec()),
        Message::Close { code, reason } => {
            let code = code.into_iter().flat_map(u16::to_be_bytes);
            (Opcode::Close, code.chain(reason.bytes()).collect())
        }
    };
    Owned { opcode, bytes }
}

/// All messages of a stream that arrives in reads of the given sizes, and how it ended.
fn decode(role: Role, stream: &[u8], reads: &[usize]) -> (Vec<Owned>, Option<WsError>) {
    let mut decoder = Decoder::new(role, MAX);
    let mut messages = Vec::new();
    let mut rest = stream;
    let mut sizes = reads.iter().cycle();
    loop {
        loop {
            match decoder.message() {
                Ok(Some(message)) => messages.push(owned(message)),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
        if rest.is_empty() {
            return (messages, None);
        }
        let space = decoder.space();
        assert!(!space.is_empty(), "a reader without a message has room");
        let n = (*sizes.next().expect("cycles")).clamp(1, rest.len()).min(space.len());
        space[..n].copy_from_slice(&rest[..n]);
        decoder.filled(n);
        rest = &rest[n..];
    }
}

/// One frame by hand, in any state that the protocol has bits for.
fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Opcode::Text, key, payload);
    out[0] = first;
    out
}

prop_compose! {
    fn message()(
        opcode in prop::sample::select(vec![
            Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong,
        ]),
        length in prop_oneof![0usize..130, 65_530usize..65_540, 100usize..9_000],
        seed in any::<u8>(),
        parts in prop::collection::vec(0usize..9_000, 0..4),
        key in any::<[u8; 4]>(),
    ) -> (Owned, Vec<usize>, [u8; 4]) {
        let length = if opcode.is_control() { length.min(125) } else { length };
        let bytes = (0..length).map(|n| (n as u8).wrapping_mul(31) ^ seed).collect();
        (Owned { opcode, bytes }, parts, key)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_survive_any_cut(
        messages in prop::collection::vec(message(), 1..12),
        reads in prop::collection::vec(1usize..20_000, 1..8),
        server in any::<bool>(),
    ) {
        let (role, masked) = if server { (Role::Server, true) } else { (Role::Client, false) };
        let mut stream = Vec::new();
        let mut want = Vec::new();
        for (message, parts, key) in &messages {
            let key = masked.then_some(*key);
            let mut rest = &message.bytes[..];
            let mut first = message.opcode as u8;
            if !message.opcode.is_control() {
                for part in parts {
                    let (now, later) = rest.split_at((*part).min(rest.len()));
                    stream.extend(frame(first, key, now));
                    // A ping between the parts is its own message, and comes first.
                    stream.extend(frame(0x89, key, b"between"));
                    want.push(Owned { opcode: Opcode::Ping, bytes: b"between".to_vec() });
                    (rest, first) = (later, 0);
                }
            }
            stream.extend(frame(0x80 | first, key, rest));
            want.push(message.clone());
        }
        let key = masked.then_some([1, 2, 3, 4]);
        close(&mut stream, key, close_code::AWAY, "tschüß");
        let mut bytes = close_code::AWAY.to_be_bytes().to_vec();
        bytes.extend("tschüß".bytes());
        want.push(Owned { opcode: Opcode::Close, bytes });
        stream.extend(b"what follows a close is nothing");
        let (got, error) = decode(role, &stream, &reads);
        prop_assert_eq!(error, None);
        prop_assert_eq!(got, want);
    }

    #[test]
    fn no_bytes_panic_and_all_cuts_agree(
        mut stream in prop::collection::vec(any::<u8>(), 0..400),
        nearly in any::<bool>(),
        server in any::<bool>(),
        reads in prop::collection::vec(1usize..50, 1..5),
    ) {
        if nearly && stream.len() > 2 {
            stream[0] = [0x81, 0x01, 0x80, 0x82, 0x89, 0x88][stream[0] as usize % 6];
            stream[1] = (stream[1] % 128) | if server { 0x80 } else { 0 };
        }
        let role = if server { Role::Server } else { Role::Client };
        prop_assert_eq!(decode(role, &stream, &reads), decode(role, &stream, &[usize::MAX]));
    }

    #[test]
    fn heads_and_bodies_survive_any_cut(
        body in prop::collection::vec(any::<u8>(), 0..3_000),
        chunks in prop::collection::vec(1usize..700, 1..5),
        reads in prop::collection::vec(1usize..300, 1..5),
        chunked in any::<bool>(),
    ) {
        let mut stream = b"HTTP/1.1 200 OK\r\nX-MBX-USED-WEIGHT-1M: 17\r\n".to_vec();
        if chunked {
            stream.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = &body[..];
            for size in chunks.iter().cycle() {
                let (now, later) = rest.split_at((*size).min(rest.len()));
                if now.is_empty() {
                    break;
                }
                stream.extend(format!("{:X};x=y\r\n", now.len()).bytes());
                stream.extend(now);
                stream.extend(b"\r\n");
                rest = later;
            }
            stream.extend(b"0\r\nTrailer: 1\r\n\r\n");
        } else {
            stream.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
            stream.extend(&body);
        }
        let whole = stream.len();
        stream.extend(b"HTTP/1.1 next");
        let (head, length) = ResponseHead::parse(&stream).unwrap().unwrap();
        prop_assert_eq!(head.number("x-mbx-used-weight-1m"), Some(17));
        let mut reader = head.body().unwrap();
        let (mut out, mut at) = (Vec::new(), length);
        for size in reads.iter().cycle() {
            if reader.is_done() {
                break;
            }
            let end = (at + size).min(stream.len());
            prop_assert!(at < end, "the body ends where it should");
            at += reader.push(&stream[at..end], &mut out).unwrap();
        }
        prop_assert_eq!(at, whole, "the next answer is left alone");
        prop_assert_eq!(out, body);
    }

    #[test]
    fn no_bytes_of_an_answer_panic(
        text in "(HTTP/1\\.[01] )?[ -~\r\n:0-9a-fA-F]{0,200}(\r\n\r\n)?.{0,60}",
    ) {
        if let Ok(Some((head, length))) = ResponseHead::parse(text.as_bytes())
            && let Ok(mut reader) = head.body()
        {
            let _ = reader.push(&text.as_bytes()[length..], &mut Vec::new());
        }
        let _ = accepted(text.as_bytes(), "key");
    }
}

#[test]
fn what_breaks_the_protocol_ends_it() {
    let bare = |first, payload: &[u8]| frame(first, None, payload);
    let key = Some([7; 4]);
    let mut long_ping = bare(0x89, &[0; 126]);
    let mut big = bare(0x81, &[0; 200]);
    big[1] = 127; // the length now reads as one of eight bytes, and a huge one
    long_ping.push(0);
    let cases: Vec<(Role, Vec<u8>, WsError)> = vec![
        (Role::Client, frame(0x81, key, b"x"), WsError::Masked),
        (Role::Server, bare(0x81, b"x"), WsError::Bare),
        (Role::Client, bare(0xC1, b"x"), WsError::Reserved),
        (Role::Client, bare(0x83, b"x"), WsError::Opcode(3)),
        (Role::Client, bare(0x8F, b"x"), WsError::Opcode(15)),
        (Role::Client, bare(0x09, b"x"), WsError::Control),
        (Role::Client, long_ping, WsError::Control),
        (Role::Client, bare(0x80, b"x"), WsError::Fragment),
        (Role::Client, [bare(0x01, b"x"), bare(0x81, b"y")].concat(), WsError::Fragment),
        (Role::Client, bare(0x81, &vec![0; MAX + 1]), WsError::TooBig(MAX)),
        (
            Role::Client,
            [bare(0x01, &vec![0; MAX]), bare(0x80, b"y")].concat(),
            WsError::TooBig(MAX),
        ),
        (Role::Client, big, WsError::TooBig(MAX)),
        (Role::Client, bare(0x88, b"x"), WsError::Close),
        (Role::Client, bare(0x88, &1_005u16.to_be_bytes()), WsError::Close),
        (Role::Client, bare(0x88, &[3, 232, 0xFF]), WsError::Close),
    ];
    for (role, stream, want) in cases {
        assert_eq!(decode(role, &stream, &[usize::MAX]).1, Some(want));
        assert_eq!(decode(role, &stream, &[1]).1, Some(want));
    }
    assert_eq!(WsError::TooBig(1).close_code(), close_code::TOO_BIG);
    let empty = decode(Role::Client, &bare(0x88, b""), &[1]);
    assert_eq!(empty.0, [Owned { opcode: Opcode::Close, bytes: vec![] }]);
}

#[test]
fn frames_of_the_rfc() {
    // RFC 6455 §5.7: bare and masked "Hello", in parts, a ping.
    let hello = Owned { opcode: Opcode::Text, bytes: b"Hello".to_vec() };
    let bare = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(decode(Role::Client, &bare, &[1]), (vec![hello.clone()], None));
    let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode(Role::Server, &masked, &[1]), (vec![hello.clone()], None));
    let mut out = Vec::new();
    encode(&mut out, Opcode::Text, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
    assert_eq!(out, masked);
    let parts = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(decode(Role::Client, &parts, &[2]), (vec![hello], None));
    // §1.3: the accept key.
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(nonce_text(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn the_handshake_takes_only_our_answer() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let request = upgrade_request("h:1", "/market/ws?x=1", key, &[("X-MBX-APIKEY", "k")]);
    let text = String::from_utf8(request).unwrap();
    assert!(text.starts_with("GET /market/ws?x=1 HTTP/1.1\r\nHost: h:1\r\n"), "{text}");
    assert!(text.ends_with("\r\nX-MBX-APIKEY: k\r\n\r\n"), "{text}");
    let answer = upgrade_response(key);
    let with_frame = format!("{answer}\u{1}rest");
    assert_eq!(accepted(with_frame.as_bytes(), key), Ok(Some(answer.len())));
    for cut in 0..answer.len() {
        assert_eq!(accepted(&answer.as_bytes()[..cut], key), Ok(None), "{cut}");
    }
    assert_eq!(accepted(answer.as_bytes(), "other"), Err(HandshakeError::WrongKey));
    let other = answer.replace("101 Switching Protocols", "404 Not Found");
    assert_eq!(accepted(other.as_bytes(), key), Err(HandshakeError::Status(404)));
    let other = answer.replace("Upgrade: websocket", "upgrade: WEBSOCKET");
    assert_eq!(accepted(other.as_bytes(), key), Ok(Some(answer.len())));
    let other = answer.replace("Connection: Upgrade", "Connection: close");
    assert_eq!(accepted(other.as_bytes(), key), Err(HandshakeError::NoUpgrade));
    let other =
        answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    assert_eq!(accepted(other.as_bytes(), key), Err(HandshakeError::NotOffered));
    let tls = accepted(b"\x15\x03\x01\x00\x02", key);
    assert_eq!(tls, Err(HandshakeError::Http(HttpFault::StatusLine)));
}

#[test]
fn answers_that_are_not_whole_are_known() {
    let parse = |text: &str| ResponseHead::parse(text.as_bytes()).map(|found| found.is_some());
    assert_eq!(parse("HTTP/1.1 200"), Ok(false));
    assert_eq!(parse("HTTP/1.1 2000 x\r\n\r\n"), Err(HttpFault::StatusLine));
    assert_eq!(parse("HTTP/2 200\r\n\r\n"), Err(HttpFault::StatusLine));
    assert_eq!(parse("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Err(HttpFault::Header));
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(HEAD_MAX));
    assert_eq!(parse(&endless), Err(HttpFault::HeadTooLong));
    let body = |text: &'static str| ResponseHead::parse(text.as_bytes()).unwrap().unwrap().0;
    let cut = body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let mut reader = cut.body().unwrap();
    assert_eq!(reader.push(b"four", &mut Vec::new()), Ok(4));
    assert!(!reader.is_done() && !reader.is_whole_at_close());
    let open = body("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n");
    assert!(!open.keeps_alive() && open.body().unwrap().is_whole_at_close());
    assert!(body("HTTP/1.1 204 No Content\r\n\r\n").body().unwrap().is_done());
    for bad in ["-1", "+1", "1, 2", "x", ""] {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {bad}\r\n\r\n");
        let head = ResponseHead::parse(text.as_bytes()).unwrap().unwrap().0;
        assert_eq!(head.body(), Err(HttpFault::Length), "{bad}");
    }
    let chunked = body("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n");
    for bad in ["x\r\n", "-1\r\n", "1\r\nab\r\n", "\r\n", "1\n", "ffffffffffffffffff\r\n"] {
        let mut reader = chunked.body().unwrap();
        assert_eq!(reader.push(bad.as_bytes(), &mut Vec::new()), Err(HttpFault::Chunk), "{bad}");
    }
    let mut small = chunked.body().unwrap().with_limit(3);
    assert_eq!(small.push(b"4\r\nabcd", &mut Vec::new()), Err(HttpFault::BodyTooLong));
}

#[test]
fn messages_in_one_frame_cost_no_memory() {
    assert!(CountingAllocator::is_installed());
    let mut stream = Vec::new();
    for n in 0..2_000usize {
        let text = vec![b'a'; 200 + n % 90];
        encode(&mut stream, Opcode::Text, None, &text);
    }
    let mut decoder = Decoder::new(Role::Client, 64 * 1_024);
    let mut out = Vec::with_capacity(256);
    let before = CountingAllocator::allocations();
    let mut messages = 0;
    for read in stream.chunks(1_777) {
        let space = decoder.space();
        space[..read.len()].copy_from_slice(read);
        decoder.filled(read.len());
        while let Ok(Some(Message::Text(text))) = decoder.message() {
            messages += usize::from(text.iter().all(|byte| *byte == b'a'));
            out.clear();
            encode(&mut out, Opcode::Pong, Some([1, 2, 3, 4]), &text[..100]);
        }
    }
    assert_eq!(CountingAllocator::allocations(), before);
    assert_eq!(messages, 2_000);
}
