//! The one way to the archive: a blocking GET over TLS, or plain to this machine alone.

use crate::error::DataError;
use std::io::Read;
use std::time::Duration;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

/// Longest silence of the server, while connecting and while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience(pub Duration);

/// What a GET brought.
pub(crate) enum Answer {
    /// 200 or 206: the bytes from `from` on, of `total` bytes where that is said.
    Bytes { from: u64, total: Option<u64>, body: Box<dyn Read> },
    /// 404.
    Absent,
    /// 416: there is nothing from that byte on.
    NothingThere,
    /// The server or the way to it failed; another time it may not.
    Broken { why: String, retry_after_ms: Option<u64> },
    /// It will be the same next time.
    Refused(String),
}

/// A client for one archive.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    agent: Agent,
}

impl Client {
    /// A client for the archive at `base`.
    pub(crate) fn new(base: &str, patience: Patience) -> Result<Self, DataError> {
        let base = base.trim_end_matches('/');
        let local = is_loopback(base)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // The archive answers itself; where a redirect would lead, nobody has checked.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(!local)
            .accept("*/*")
            .user_agent(concat!("aegis/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(patience.0))
            .timeout_recv_response(Some(patience.0))
            .timeout_per_read(Some(patience.0));
        if local {
            config = config.proxy(None);
        }
        Ok(Self { base: base.to_owned(), agent: config.build().new_agent() })
    }

    /// Address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Asks for a path from a byte on.
    pub(crate) fn get(&self, path: &str, from: u64) -> Answer {
        let mut request = self.agent.get(self.url(path));
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        match request.call() {
            Ok(response) => answer(response, from),
            Err(error) => failure(&error),
        }
    }
}

fn answer(response: Response<Body>, asked: u64) -> Answer {
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    match status.as_u16() {
        200 => {
            let total = response.body().content_length();
            Answer::Bytes { from: 0, total, body: Box::new(unlimited(response)) }
        }
        206 => match header(header::CONTENT_RANGE).and_then(content_range) {
            Some((from, total)) if from == asked => {
                Answer::Bytes { from, total, body: Box::new(unlimited(response)) }
            }
            _ => Answer::Refused("the archive answered another part than was asked for".into()),
        },
        404 => Answer::Absent,
        416 => Answer::NothingThere,
        408 | 429 | 500.. => {
            let seconds = header(header::RETRY_AFTER).and_then(|text| text.parse::<u64>().ok());
            let why = format!("the archive answered {status}");
            Answer::Broken { why, retry_after_ms: seconds.map(|s| s.saturating_mul(1_000)) }
        }
        300..400 => {
            let to = header(header::LOCATION).unwrap_or("nowhere");
            let to: String = to.chars().filter(|c| !c.is_control()).take(200).collect();
            Answer::Refused(format!("the archive answered {status} and points to {to}"))
        }
        _ => Answer::Refused(format!("the archive answered {status}")),
    }
}

/// A file may be longer than what a web page's client takes for sane.
fn unlimited(response: Response<Body>) -> impl Read {
    response.into_body().into_with_config().limit(u64::MAX).reader()
}

/// `bytes FROM-TO/TOTAL`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}

fn failure(error: &ureq::Error) -> Answer {
    use ureq::Error;
    match error {
        Error::BadUri(_)
        | Error::RequireHttpsOnly(_)
        | Error::Http(_)
        | Error::Rustls(_)
        | Error::Tls(_)
        | Error::InvalidProxyUrl => Answer::Refused(error.to_string()),
        // What TLS does not understand or does not trust, it reports as bad data.
        Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Answer::Refused(format!("no trusted connection to the archive ({e})"))
        }
        other => Answer::Broken { why: other.to_string(), retry_after_ms: None },
    }
}

/// True for plain HTTP to this machine, false for HTTPS; anything else is refused.
fn is_loopback(base: &str) -> Result<bool, DataError> {
    let refuse = |why: &str| {
        Err(DataError::arguments(
            format!("the archive's address `{base}`: {why}"),
            "give https://HOST[/PATH], or http:// of this machine for an archive of your own",
        ))
    };
    let Some((scheme, rest)) = base.split_once("://") else {
        return refuse("it has no https:// before it");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || base.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return refuse("it names no host");
    }
    if authority.contains('@') {
        return refuse("it carries a name or a password, and the archive needs none");
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let number = host.trim_start_matches('[').trim_end_matches(']');
    let local = host.eq_ignore_ascii_case("localhost")
        || number.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Ok(false),
        "http" if local => Ok(true),
        "http" => refuse("without TLS anybody on the way could change the data"),
        _ => refuse("this program speaks https"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for base in ["http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:80"] {
            assert_eq!(is_loopback(base), Ok(true), "{base}");
        }
        assert_eq!(is_loopback("https://archive.example/path"), Ok(false));
        for base in [
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com:80",
            "ftp://127.0.0.1",
            "127.0.0.1:8080",
            "https://",
            "https://user:word@example.com",
            "http://127.0.0.1@example.com",
        ] {
            assert!(is_loopback(base).is_err(), "{base}");
        }
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 70-98/99"), Some((70, Some(99))));
        assert_eq!(content_range("bytes 70-98/*"), Some((70, None)));
        for wrong in ["", "bytes */99", "70-98/99", "bytes x-98/99"] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
