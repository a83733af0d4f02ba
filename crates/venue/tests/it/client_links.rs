//! Links, HTTP answers and WebSockets of the client against a scripted server on loopback, and
//! against bytes cut at every place.

use aegis_types::Nanos;
use aegis_venue::client::http::Incoming;
use aegis_venue::client::link::{Link, LinkFault, Target, Tls, Took};
use aegis_venue::client::request::Loss;
use aegis_venue::client::websocket::{Event, Socket, SocketFault};
use aegis_wire::websocket::{
    Decoder, HandshakeError, Message, Opcode, Role, close, encode, upgrade_response,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server that takes one connection and does as it is told.
fn scripted(script: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || script(listener.accept().unwrap().0));
    (port, thread)
}

fn target(scheme: &str, port: u16) -> Target {
    Target::parse(&format!("{scheme}://127.0.0.1:{port}/x?y=1")).unwrap()
}

fn turn(start: Instant) -> Nanos {
    assert!(start.elapsed() < Duration::from_secs(20), "it takes for ever");
    std::thread::sleep(Duration::from_millis(1));
    Nanos(start.elapsed().as_nanos() as i64)
}

fn opened(target: &Target) -> Result<Link, LinkFault> {
    let start = Instant::now();
    let mut link = Link::open(target, &Tls::new()?, Nanos::ZERO, Nanos::SECOND.times(5));
    while !link.advance(turn(start))? {}
    Ok(link)
}

/// Sends one request and reads what this server answers: status and body, or why there is none.
fn answered(parts: &'static [&'static [u8]]) -> Result<(u16, Vec<u8>), Loss> {
    let (port, server) = scripted(move |mut stream| {
        let mut request = [0; 64];
        let _ = stream.read(&mut request).unwrap();
        for part in parts {
            stream.write_all(part).unwrap();
            stream.flush().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let mut link = opened(&target("http", port)).unwrap();
    link.write(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let (mut incoming, start) = (Incoming::default(), Instant::now());
    let mut bytes = [0; 16];
    let end = loop {
        link.advance(turn(start)).ok();
        match link.read(&mut bytes) {
            Ok(Took::Nothing) => {}
            Ok(Took::Bytes(n)) => match incoming.push(&bytes[..n]) {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(loss) => break Err(loss),
            },
            Err(_) => break incoming.closed(),
        }
    };
    server.join().unwrap();
    end.map(|()| {
        let answer = incoming.answer().unwrap();
        (answer.status, answer.body.clone())
    })
}

#[test]
fn whole_answers_are_read_and_cut_ones_are_said_to_be_cut() {
    let ok = |body: &[u8]| Ok((200, body.to_vec()));
    let length: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhel", b"lo"];
    assert_eq!(answered(length), ok(b"hello"));
    let chunked: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
        b"3\r\nllo\r\n0\r\n\r\n",
    ];
    assert_eq!(answered(chunked), ok(b"hello"));
    assert_eq!(answered(&[b"HTTP/1.1 200 OK\r\n\r\nhello"]), ok(b"hello"), "to the end");
    assert_eq!(answered(&[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"]), Err(Loss::Cut));
    assert_eq!(answered(&[b"HTTP/1.1 200 OK\r\nContent-Le"]), Err(Loss::Cut));
    assert_eq!(answered(&[]), Err(Loss::Cut));
    let open: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n"];
    assert_eq!(answered(open), Err(Loss::Cut));
    assert_eq!(answered(&[b"SSH-2.0-OpenSSH_9\r\n"]), Err(Loss::Malformed));
    let two: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"];
    assert_eq!(answered(two), Err(Loss::Malformed), "more than was asked for");
}

#[test]
fn an_answer_is_whole_at_its_last_byte_and_never_before() {
    let text = b"HTTP/1.1 200 OK\r\nX-MBX-USED-WEIGHT-1M: 17\r\nx-mbx-order-count-10s: 3\r\n\
                 Content-Length: 11\r\n\r\n{\"code\":-1}";
    for split in 0..text.len() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.push(&text[..split]), Ok(false), "{split}");
        assert!(incoming.answer().is_none());
        let mut cut = Incoming::default();
        let _ = cut.push(&text[..split]);
        assert_eq!(cut.closed(), Err(Loss::Cut), "{split}");
        assert_eq!(incoming.push(&text[split..]), Ok(true), "{split}");
        let answer = incoming.answer().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{\"code\":-1}"[..]));
        assert_eq!((answer.meters.weight_1m, answer.meters.orders_10s), (Some(17), Some(3)));
        assert!(answer.keep);
    }
}

#[test]
fn large_writes_arrive_whole_and_in_order() {
    let (port, server) = scripted(|mut stream| {
        std::thread::sleep(Duration::from_millis(50));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), 8 << 20);
        assert!(all.iter().enumerate().all(|(n, byte)| *byte == (n >> 16) as u8));
    });
    let mut link = opened(&target("http", port)).unwrap();
    for n in 0..128u8 {
        link.write(&vec![n; 1 << 16]).unwrap();
    }
    let start = Instant::now();
    while link.has_unsent() {
        link.advance(turn(start)).unwrap();
    }
    drop(link);
    server.join().unwrap();
}

#[test]
fn plain_connections_leave_this_machine_never_and_nobody_there_is_an_error() {
    for url in ["http://example.com", "ws://10.0.0.1:80/x", "http://127.0.0.1.example.com:1"] {
        assert_eq!(Target::parse(url), Err(LinkFault::Plain), "{url}");
    }
    assert!(Target::parse("https://fapi.binance.com").unwrap().secure);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert!(matches!(opened(&target("http", port)), Err(LinkFault::Connect(_))));
}

#[test]
fn what_does_not_speak_tls_is_refused() {
    let (port, server) = scripted(|mut stream| {
        let mut hello = [0; 512];
        let _ = stream.read(&mut hello);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    assert!(matches!(opened(&target("https", port)), Err(LinkFault::Tls(_))));
    server.join().unwrap();
}

/// One DER element.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut bytes = vec![tag];
    match length {
        0..=127 => bytes.push(length as u8),
        128..=255 => bytes.extend([0x81, length as u8]),
        _ => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}

/// A certificate for `localhost` that nobody but itself vouches for, and its key (RFC 5280, 8410).
fn self_signed() -> (Vec<u8>, Vec<u8>) {
    let seed = [7; 32];
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let algorithm = der(0x30, &[&der(0x06, &[&[0x2b, 0x65, 0x70]])]);
    let common_name = [&der(0x06, &[&[0x55, 4, 3]])[..], &der(0x0c, &[b"localhost"])].concat();
    let name = der(0x30, &[&der(0x31, &[&der(0x30, &[&common_name])])]);
    let valid = [der(0x17, &[b"200101000000Z"]), der(0x17, &[b"490101000000Z"])].concat();
    let public = key.verifying_key().to_bytes();
    let public = der(0x30, &[&algorithm, &der(0x03, &[&[0], &public])]);
    let names = der(0x04, &[&der(0x30, &[&der(0x82, &[b"localhost"])])]);
    let extension = der(0x30, &[&der(0x06, &[&[0x55, 0x1d, 17]]), &names]);
    let body = der(
        0x30,
        &[
            &der(0xa0, &[&[2, 1, 2]]),
            &[2, 1, 1],
            &algorithm,
            &name,
            &der(0x30, &[&valid]),
            &name,
            &public,
            &der(0xa3, &[&der(0x30, &[&extension])]),
        ],
    );
    use ed25519_dalek::Signer as _;
    let signature = key.sign(&body).to_bytes();
    let certificate = der(0x30, &[&body, &algorithm, &der(0x03, &[&[0], &signature])]);
    let private = der(0x30, &[&[2, 1, 0], &algorithm, &der(0x04, &[&der(0x04, &[&seed])])]);
    (certificate, private)
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (certificate, key) = self_signed();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![rustls::pki_types::CertificateDer::from(certificate)],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key).into(),
        )
        .unwrap();
    let (port, server) = scripted(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(std::sync::Arc::new(config)).unwrap();
        // It must fail: the client hangs up in the handshake.
        assert!(tls.complete_io(&mut stream).is_err());
    });
    let target = Target::parse(&format!("https://localhost:{port}/")).unwrap();
    match opened(&target) {
        Err(LinkFault::Tls(why)) => assert!(why.contains("UnknownIssuer"), "{why}"),
        other => panic!("{other:?}"),
    }
    server.join().unwrap();
}

/// Takes the handshake, then gives the connection to `then`.
fn streams(
    then: impl FnOnce(&mut TcpStream, &mut Decoder) + Send + 'static,
) -> (u16, JoinHandle<()>) {
    scripted(move |mut stream| {
        let mut head = Vec::new();
        let mut byte = [0; 1];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        stream.write_all(upgrade_response(key).as_bytes()).unwrap();
        then(&mut stream, &mut Decoder::new(Role::Server, 1 << 20));
    })
}

fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes, opcode, None, payload);
    bytes
}

/// The next message from the client, as opcode and payload.
fn heard(stream: &mut TcpStream, decoder: &mut Decoder) -> (Opcode, Vec<u8>) {
    loop {
        match decoder.message().unwrap() {
            Some(Message::Text(text)) => return (Opcode::Text, text.to_vec()),
            Some(Message::Ping(payload)) => return (Opcode::Ping, payload.to_vec()),
            Some(Message::Pong(payload)) => return (Opcode::Pong, payload.to_vec()),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        let read = stream.read(decoder.space()).unwrap();
        assert!(read > 0, "the client has gone");
        decoder.filled(read);
    }
}

/// What a socket brings until it is over.
fn brought(port: u16) -> (Vec<String>, SocketFault) {
    let (tls, start) = (Tls::new().unwrap(), Instant::now());
    let mut socket = Socket::open(&target("ws", port), &tls, Nanos::ZERO, 7);
    let mut all = Vec::new();
    loop {
        match socket.next(turn(start)) {
            Ok(None) => {}
            Ok(Some(Event::Opened)) => all.push("opened".into()),
            Ok(Some(Event::Alive)) => all.push("alive".into()),
            Ok(Some(Event::Text(text))) => all.push(String::from_utf8(text.to_vec()).unwrap()),
            Err(fault) => return (all, fault),
        }
    }
}

#[test]
fn messages_come_in_order_pings_are_answered_and_a_goodbye_ends_it() {
    let (port, server) = streams(|stream, decoder| {
        // Several in one write, and one in two.
        let mut bytes = frame(Opcode::Text, b"one");
        bytes.extend(frame(Opcode::Ping, b"are you there"));
        bytes.extend(frame(Opcode::Text, b"two"));
        let long = frame(Opcode::Text, &[b'x'; 70_000]);
        bytes.extend(&long[..100]);
        stream.write_all(&bytes).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(&long[100..]).unwrap();
        assert_eq!(heard(stream, decoder), (Opcode::Pong, b"are you there".to_vec()));
        stream.write_all(&frame(Opcode::Ping, b"")).unwrap();
        assert_eq!(heard(stream, decoder), (Opcode::Pong, Vec::new()));
        let mut bytes = Vec::new();
        close(&mut bytes, None, 1_001, "tomorrow");
        stream.write_all(&bytes).unwrap();
    });
    let (all, fault) = brought(port);
    assert_eq!(all.len(), 6, "{:?}", &all[..4]);
    assert_eq!(all[..4], ["opened", "one", "alive", "two"]);
    assert_eq!((all[4].len(), all[5].as_str()), (70_000, "alive"));
    assert_eq!(fault, SocketFault::Goodbye(Some(1_001)));
    server.join().unwrap();
}

#[test]
fn frames_that_came_with_the_greeting_and_an_end_without_goodbye() {
    let (port, server) = scripted(|mut stream| {
        let mut head = [0; 1_024];
        let n = stream.read(&mut head).unwrap();
        let head = String::from_utf8(head[..n].to_vec()).unwrap();
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let mut bytes = upgrade_response(key).into_bytes();
        bytes.extend(frame(Opcode::Text, b"early"));
        bytes.extend(&frame(Opcode::Text, b"never whole")[..4]);
        stream.write_all(&bytes).unwrap();
    });
    let (all, fault) = brought(port);
    assert_eq!(all, ["opened", "early"]);
    assert_eq!(fault, SocketFault::Link(LinkFault::Closed));
    server.join().unwrap();
}

#[test]
fn a_server_that_is_no_websocket_is_refused() {
    for (answer, wanted) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", HandshakeError::Status(404)),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: bm90IHlvdXJz\r\n\r\n",
            HandshakeError::WrongKey,
        ),
    ] {
        let (port, server) = scripted(move |mut stream| {
            let mut head = [0; 1_024];
            let _ = stream.read(&mut head).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let (all, fault) = brought(port);
        assert!(all.is_empty());
        assert_eq!(fault, SocketFault::Handshake(wanted));
        server.join().unwrap();
    }
    let (port, server) = streams(|stream, _| {
        let mut masked = Vec::new();
        encode(&mut masked, Opcode::Text, Some([1, 2, 3, 4]), b"masked");
        stream.write_all(&masked).unwrap();
    });
    assert!(matches!(brought(port).1, SocketFault::Protocol(_)));
    server.join().unwrap();
}

#[test]
fn a_half_open_connection_is_pinged_and_then_dead() {
    let (port, server) = streams(|stream, decoder| {
        assert_eq!(heard(stream, decoder), (Opcode::Ping, Vec::new()));
        // From here on nobody answers.
        std::thread::sleep(Duration::from_millis(300));
    });
    let (tls, start) = (Tls::new().unwrap(), Instant::now());
    let mut socket = Socket::open(&target("ws", port), &tls, Nanos::ZERO, 7);
    while socket.next(turn(start)).unwrap() != Some(Event::Opened) {}
    let later = |s: i64| Nanos(start.elapsed().as_nanos() as i64).after(Nanos::SECOND.times(s));
    assert_eq!(socket.next(later(19)), Ok(None));
    assert_eq!(socket.next(later(21)), Ok(None), "pinged, still waiting");
    assert_eq!(socket.next(later(39)), Ok(None));
    assert_eq!(socket.next(later(41)), Err(SocketFault::Dead));
    server.join().unwrap();
}
