//! One connection as bytes: TCP, or TLS over it, never blocking.
//!
//! Names are resolved and connections made in a thread of their own, because neither can be done
//! without blocking; everything after that is polled. Certificates are always checked, against the
//! authorities that browsers trust; there is no switch. Plain connections go to this machine only.

use aegis_types::Nanos;
use aegis_wire::urls::{Address, UrlFault};
use rustix::event::{PollFd, PollFlags};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// With TLS.
    pub secure: bool,
    /// Path and query behind it.
    pub path: String,
}

impl Target {
    /// From a URL.
    ///
    /// # Errors
    /// What is wrong with the text, or that it is a plain URL of another machine.
    pub fn parse(url: &str) -> Result<Self, LinkFault> {
        let at = Address::parse(url).map_err(LinkFault::Url)?;
        let secure = at.scheme.is_secure();
        let local = matches!(at.host, "127.0.0.1" | "::1" | "localhost");
        if !secure && !local {
            return Err(LinkFault::Plain);
        }
        let (host, path) = (at.host.to_owned(), at.path.to_owned());
        Ok(Self { host, port: at.port, secure, path })
    }

    /// As the header `Host` has it.
    pub fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// Why there is no connection, or no longer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// The URL cannot be used.
    Url(UrlFault),
    /// A plain URL of another machine.
    Plain,
    /// The name has no address.
    Name(String),
    /// Nobody answers there.
    Connect(String),
    /// Not connected in time.
    Slow,
    /// TLS failed: certificate, version or garbage.
    Tls(String),
    /// The other end has closed.
    Closed,
    /// Reading or writing failed.
    Broken(String),
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "{why}"),
            Self::Plain => f.write_str(
                "a connection without TLS goes to this machine only; use https:// or wss://",
            ),
            Self::Name(why) => write!(f, "the name has no address: {why}; check network and name"),
            Self::Connect(why) => write!(f, "not connected: {why}; check network and port"),
            Self::Slow => f.write_str("not connected in time; check the network"),
            Self::Tls(why) => {
                write!(f, "TLS refused: {why}; check the host and this machine's clock")
            }
            Self::Closed => f.write_str("the other end closed the connection"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

impl std::error::Error for LinkFault {}

/// The authorities and the protocol, made once.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// With the authorities that browsers trust.
    ///
    /// # Errors
    /// When the provider knows no protocol version.
    pub fn new() -> Result<Self, LinkFault> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| LinkFault::Tls(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing now.
    Nothing,
}

enum State {
    Dialing(Receiver<Result<TcpStream, LinkFault>>),
    Open(TcpStream),
    Gone(LinkFault),
}

/// A connection.
pub struct Link {
    state: State,
    tls: Option<Box<ClientConnection>>,
    out: Vec<u8>,
    written: usize,
    until: Nanos,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Dialing(_) => "dialing",
            State::Open(_) => "open",
            State::Gone(_) => "gone",
        };
        f.debug_struct("Link").field("state", &state).field("tls", &self.tls.is_some()).finish()
    }
}

/// Resolves and connects, blocking, to the first address that answers.
fn dial(target: &Target, timeout: Duration) -> Result<TcpStream, LinkFault> {
    let addresses = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|e| LinkFault::Name(e.to_string()))?;
    let mut last = LinkFault::Name("no address".into());
    for address in addresses {
        if !target.secure && !address.ip().is_loopback() {
            last = LinkFault::Plain;
            continue;
        }
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                let ready = stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true));
                return ready.map(|()| stream).map_err(|e| LinkFault::Broken(e.to_string()));
            }
            Err(e) => last = LinkFault::Connect(e.to_string()),
        }
    }
    Err(last)
}

impl Link {
    /// Begins to connect.
    pub fn open(target: &Target, tls: &Tls, now: Nanos, timeout: Nanos) -> Self {
        let gone = |fault| Self {
            state: State::Gone(fault),
            tls: None,
            out: Vec::new(),
            written: 0,
            until: Nanos::MAX,
        };
        let session = if target.secure {
            let name = match ServerName::try_from(target.host.clone()) {
                Ok(name) => name,
                Err(e) => return gone(LinkFault::Tls(e.to_string())),
            };
            match ClientConnection::new(Arc::clone(&tls.0), name) {
                Ok(session) => Some(Box::new(session)),
                Err(e) => return gone(LinkFault::Tls(e.to_string())),
            }
        } else {
            None
        };
        let (send, dialed) = channel();
        let (target, limit) = (target.clone(), Duration::from_nanos(timeout.0.max(1) as u64));
        let spawned = std::thread::Builder::new().name("dial".into()).spawn(move || {
            // Nobody listens any more when the link was dropped.
            let _ = send.send(dial(&target, limit));
        });
        if let Err(e) = spawned {
            return gone(LinkFault::Connect(e.to_string()));
        }
        Self {
            state: State::Dialing(dialed),
            tls: session,
            out: Vec::with_capacity(4_096),
            written: 0,
            until: now.after(timeout),
        }
    }

    /// Goes on connecting, and writes what waits. Says whether requests can be written.
    ///
    /// # Errors
    /// Why it is gone.
    pub fn advance(&mut self, now: Nanos) -> Result<bool, LinkFault> {
        if let State::Dialing(dialed) = &self.state {
            match dialed.try_recv() {
                Ok(Ok(stream)) => self.state = State::Open(stream),
                Ok(Err(fault)) => return self.fail(fault),
                Err(TryRecvError::Empty) if now < self.until => return Ok(false),
                Err(_) => return self.fail(LinkFault::Slow),
            }
        }
        if let State::Gone(fault) = &self.state {
            return Err(fault.clone());
        }
        self.flush()?;
        let handshaking = self.tls.as_ref().is_some_and(|tls| tls.is_handshaking());
        if handshaking {
            if now >= self.until {
                return self.fail(LinkFault::Slow);
            }
            self.receive()?;
            self.flush()?;
        }
        Ok(!self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()))
    }

    fn fail<T>(&mut self, fault: LinkFault) -> Result<T, LinkFault> {
        self.state = State::Gone(fault.clone());
        Err(fault)
    }

    /// Is it open as far as is known?
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
            && !self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Hands bytes to the kernel; what it does not take now is written by [`Link::advance`].
    ///
    /// # Errors
    /// Why it is gone. Part of the bytes may have left.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), LinkFault> {
        if let Some(tls) = &mut self.tls {
            let taken = tls.writer().write_all(bytes);
            if let Err(e) = taken {
                return self.fail(LinkFault::Broken(e.to_string()));
            }
            return self.flush();
        }
        if self.out.len() > self.written {
            self.out.extend_from_slice(bytes);
            return self.flush();
        }
        let State::Open(stream) = &mut self.state else { return Err(LinkFault::Closed) };
        match stream.write(bytes) {
            Ok(n) if n == bytes.len() => Ok(()),
            Ok(n) => {
                self.out.extend_from_slice(&bytes[n..]);
                Ok(())
            }
            Err(e) if is_pause(&e) => {
                self.out.extend_from_slice(bytes);
                Ok(())
            }
            Err(e) => self.fail(LinkFault::Broken(e.to_string())),
        }
    }

    fn flush(&mut self) -> Result<(), LinkFault> {
        let State::Open(stream) = &mut self.state else { return Ok(()) };
        let result = match &mut self.tls {
            Some(tls) => loop {
                if !tls.wants_write() {
                    break Ok(());
                }
                match tls.write_tls(stream) {
                    Ok(_) => {}
                    Err(e) if is_pause(&e) => break Ok(()),
                    Err(e) => break Err(e),
                }
            },
            None => loop {
                if self.written == self.out.len() {
                    self.out.clear();
                    self.written = 0;
                    break Ok(());
                }
                match stream.write(&self.out[self.written..]) {
                    Ok(n) => self.written += n,
                    Err(e) if is_pause(&e) => break Ok(()),
                    Err(e) => break Err(e),
                }
            },
        };
        result.or_else(|e| self.fail(LinkFault::Broken(e.to_string())))
    }

    /// Takes what has come into TLS.
    fn receive(&mut self) -> Result<(), LinkFault> {
        let (State::Open(stream), Some(tls)) = (&mut self.state, &mut self.tls) else {
            return Ok(());
        };
        let fault = match tls.read_tls(stream) {
            Ok(0) => LinkFault::Closed,
            Ok(_) => match tls.process_new_packets() {
                Ok(_) => return Ok(()),
                Err(e) => LinkFault::Tls(e.to_string()),
            },
            Err(e) if is_pause(&e) => return Ok(()),
            Err(e) => LinkFault::Broken(e.to_string()),
        };
        // An alert tells the other end why.
        let _ = tls.write_tls(stream);
        self.fail(fault)
    }

    /// Reads what has come.
    ///
    /// # Errors
    /// Why it is gone; everything that came before has been read.
    pub fn read(&mut self, into: &mut [u8]) -> Result<Took, LinkFault> {
        if into.is_empty() {
            return Ok(Took::Nothing);
        }
        if self.tls.is_some() {
            return self.read_tls(into);
        }
        let State::Open(stream) = &mut self.state else { return self.gone() };
        match stream.read(into) {
            Ok(0) => self.fail(LinkFault::Closed),
            Ok(n) => Ok(Took::Bytes(n)),
            Err(e) if is_pause(&e) => Ok(Took::Nothing),
            Err(e) => self.fail(LinkFault::Broken(e.to_string())),
        }
    }

    fn gone<T>(&self) -> Result<T, LinkFault> {
        match &self.state {
            State::Gone(fault) => Err(fault.clone()),
            _ => Err(LinkFault::Closed),
        }
    }

    fn read_tls(&mut self, into: &mut [u8]) -> Result<Took, LinkFault> {
        if let State::Gone(_) = self.state {
            return self.gone();
        }
        let plain = self.take_plain(into)?;
        if plain != Took::Nothing {
            return Ok(plain);
        }
        let before = self.receive();
        let plain = self.take_plain(into);
        match (plain, before) {
            (Ok(Took::Bytes(n)), _) => Ok(Took::Bytes(n)),
            (_, Err(fault)) => Err(fault),
            (plain, Ok(())) => {
                self.flush()?;
                plain
            }
        }
    }

    fn take_plain(&mut self, into: &mut [u8]) -> Result<Took, LinkFault> {
        let Some(tls) = &mut self.tls else { return Ok(Took::Nothing) };
        match tls.reader().read(into) {
            Ok(0) => Err(LinkFault::Closed),
            Ok(n) => Ok(Took::Bytes(n)),
            Err(e) if is_pause(&e) => Ok(Took::Nothing),
            Err(e) => Err(LinkFault::Broken(e.to_string())),
        }
    }

    /// What to poll for; nothing while it is being dialed or is gone.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        let State::Open(stream) = &self.state else { return None };
        let waiting =
            self.out.len() > self.written || self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        let flags = if waiting { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        Some(PollFd::from_borrowed_fd(stream.as_fd(), flags))
    }

    /// Do bytes wait that the kernel has not taken yet?
    pub fn has_unsent(&self) -> bool {
        let tls = self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        tls || self.out.len() > self.written
    }

    /// Is it being dialed? Then nothing can be polled, and it should be looked at again soon.
    pub const fn is_dialing(&self) -> bool {
        matches!(self.state, State::Dialing(_))
    }
}

/// Nothing is wrong, there is only nothing to do now.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
