//! Where the exchange is: bases per environment, and the addresses made from them.

use crate::streams::Route;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// Which exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money.
    Live,
    /// The exchange's demo: keys of its own, thin books, other limits.
    Demo,
}

/// The fixed data of one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Which.
    pub environment: Environment,
    /// REST.
    pub rest: &'static str,
    /// Streams; a route follows.
    pub streams: &'static str,
    /// WebSocket API, whole.
    pub ws_api: &'static str,
    /// Other bases that lead to the same environment; a key that works there works here.
    pub aliases: &'static [&'static str],
    /// Weight per minute and address.
    pub weight_minute: u32,
}

/// The environments there are.
pub const HOSTS: [Hosts; 2] = [
    Hosts {
        environment: Environment::Live,
        rest: "https://fapi.binance.com",
        streams: "wss://fstream.binance.com",
        ws_api: "wss://ws-fapi.binance.com/ws-fapi/v1",
        aliases: &[],
        weight_minute: 2_400,
    },
    Hosts {
        environment: Environment::Demo,
        rest: "https://demo-fapi.binance.com",
        streams: "wss://fstream.binancefuture.com",
        ws_api: "wss://testnet.binancefuture.com/ws-fapi/v1",
        aliases: &["https://testnet.binancefuture.com", "wss://demo-fstream.binance.com"],
        weight_minute: 6_000,
    },
];

/// The host that answers what a key may do (`/sapi/…`), live only.
pub const SPOT_REST: &str = "https://api.binance.com";

/// Path of the WebSocket API behind a base.
pub const WS_API_PATH: &str = "/ws-fapi/v1";
/// Streams on one connection.
pub const STREAMS_MAX: usize = 1_024;
/// Messages that a client may send on a stream connection in a second.
pub const MESSAGES_PER_SECOND: u32 = 10;
/// Hours after which the exchange closes a connection.
pub const CONNECTION_HOURS: u32 = 24;
/// Minutes between two pings of the exchange.
pub const PING_MINUTES: u32 = 3;
/// Minutes without a pong after which the exchange closes a connection.
pub const PONG_MINUTES: u32 = 10;
/// Minutes that a listen key lives without being renewed.
pub const LISTEN_KEY_MINUTES: u32 = 60;

impl Environment {
    /// Its data.
    pub const fn hosts(self) -> &'static Hosts {
        &HOSTS[self as usize]
    }
}

/// The bases that a session uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// REST, without a slash at the end.
    pub rest: String,
    /// Streams, without a slash at the end.
    pub streams: String,
    /// WebSocket API, whole.
    pub ws_api: String,
    /// Weight per minute and address.
    pub weight_minute: u32,
}

impl Urls {
    /// The bases of an environment.
    pub fn of(environment: Environment) -> Self {
        let hosts = environment.hosts();
        Self {
            rest: hosts.rest.into(),
            streams: hosts.streams.into(),
            ws_api: hosts.ws_api.into(),
            weight_minute: hosts.weight_minute,
        }
    }

    /// A simulated exchange that serves everything on one port, by its REST base such as
    /// `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`UrlFault`] when the text is not such a base.
    pub fn local(base: &str) -> Result<Self, UrlFault> {
        let at = Address::parse(base)?;
        if !matches!(at.scheme, Scheme::Http | Scheme::Https) {
            return Err(UrlFault::Scheme);
        }
        let base = base.trim_end_matches('/');
        let socket = if at.scheme == Scheme::Https { "wss://" } else { "ws://" };
        let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
        Ok(Self {
            rest: base.into(),
            streams: format!("{socket}{rest}"),
            ws_api: format!("{socket}{rest}{WS_API_PATH}"),
            weight_minute: Environment::Live.hosts().weight_minute,
        })
    }

    /// The combined connection of a route with its streams in the address, so that a reconnect
    /// restores all of them.
    pub fn combined<S: AsRef<str>>(
        &self,
        route: Route,
        streams: impl IntoIterator<Item = S>,
    ) -> String {
        let mut url = format!("{}/{}/stream", self.streams, route.name());
        for (n, stream) in streams.into_iter().enumerate() {
            url.push_str(if n == 0 { "?streams=" } else { "/" });
            // Names are ASCII but for some symbols; those must be encoded.
            for byte in stream.as_ref().bytes() {
                match byte {
                    b'@' | b'!' => url.push(char::from(byte)),
                    _ => crate::query::push_encoded(byte, &mut url),
                }
            }
        }
        url
    }

    /// The user stream of a listen key.
    pub fn user(&self, listen_key: &str) -> String {
        let mut url = format!("{}/{}/ws?listenKey=", self.streams, Route::Private.name());
        crate::query::percent_encode(listen_key, &mut url);
        url
    }
}

/// How to speak to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`
    Http,
    /// `https://`
    Https,
    /// `ws://`
    Ws,
    /// `wss://`
    Wss,
}

impl Scheme {
    /// With TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }

    const fn port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}

/// A URL in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// How to speak.
    pub scheme: Scheme,
    /// Host name or address, without brackets.
    pub host: &'a str,
    /// Port, the scheme's own when none is written.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: &'a str,
}

/// Why a text is not a URL that can be used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// Not `http://`, `https://`, `ws://` or `wss://`, or not the one needed.
    Scheme,
    /// No host, or characters that no host has.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL does not begin with http:// or https://; write it in full",
            Self::Host => "the URL names no host; write it as http://127.0.0.1:8080",
            Self::Port => "the URL's port is not a number from 1 to 65535",
        })
    }
}

impl core::error::Error for UrlFault {}

impl<'a> Address<'a> {
    /// Takes a URL apart. User names, fragments and white space have no place in one here.
    ///
    /// # Errors
    /// [`UrlFault`] says what is wrong.
    pub fn parse(url: &'a str) -> Result<Self, UrlFault> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlFault::Scheme)?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(UrlFault::Scheme),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let bracket = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (host, port) = match bracket {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or(UrlFault::Host)?)),
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_');
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(UrlFault::Host);
        }
        let port = match port {
            Some(text) => match text.parse() {
                Ok(0) | Err(_) => return Err(UrlFault::Port),
                Ok(port) => port,
            },
            None => scheme.port(),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { scheme, host, port, path })
    }
}
