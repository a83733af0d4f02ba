//! Questions to an exchange that somebody waits for: before a session begins, and to step one that
//! waits for us. Not for orders, which never wait ([`aegis_venue::client`]).

use crate::Failure;
use aegis_types::Nanos;
use aegis_venue::client::Identity;
use aegis_venue::client::SteadyClock;
use aegis_venue::client::link::{Link, LinkFault, Target, Tls, Took};
use aegis_wire::Query;
use aegis_wire::endpoints::KEY_HEADER;
use aegis_wire::http::ResponseHead;
use rustix::event::{PollFd, Timespec, poll};

/// How long a connection may take to be made.
const DIAL: Nanos = Nanos(5_000_000_000);
/// Bytes read at once.
const READ: usize = 64 * 1_024;

/// A connection for questions; it stays open between two of them.
pub struct Questions {
    target: Target,
    tls: Tls,
    clock: SteadyClock,
    link: Option<Link>,
    read: Vec<u8>,
    patience: Nanos,
}

/// An answer: HTTP status and body.
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

fn failed(what: impl std::fmt::Display, place: &str) -> Failure {
    Failure::failed(format!("{place}: {what}"), "check that the exchange runs and its address")
}

/// What to do about an answer that is not a good one.
fn remedy(answer: &Answer) -> &'static str {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, body["code"].as_i64()) {
        (_, Some(-1022)) => "the secret is not that of the key: set both from one pair",
        (_, Some(-2014 | -2015)) => {
            "check the key: of this exchange and not of its demo (or the reverse), for this \
             machine's address, allowed to trade futures"
        }
        (_, Some(-1021)) => "set this machine's clock, or raise venue.recv_window_ms",
        (403 | 418 | 429, _) => "too much was asked, or this address is blocked: wait, try again",
        (500.., _) => "the exchange has trouble: try again later",
        _ => "check that the exchange runs and its address",
    }
}

impl Questions {
    /// To the exchange at `base`; each answer may take so long.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn to(base: &str, patience: Nanos) -> Result<Self, Failure> {
        let usage = |fault: LinkFault| Failure::usage(format!("{base}: {fault}"), "correct it");
        Ok(Self {
            target: Target::parse(base).map_err(usage)?,
            tls: Tls::new().map_err(usage)?,
            clock: SteadyClock::new(),
            link: None,
            read: vec![0; READ],
            patience,
        })
    }

    /// Asks with GET.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        let host = self.target.authority();
        self.ask(path, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// Asks with GET what only the owner of an account may know; `timestamp_ms` by the exchange's
    /// clock.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn signed(
        &mut self,
        path: &str,
        query: &Query,
        identity: &Identity,
        timestamp_ms: i64,
    ) -> Result<Answer, Failure> {
        let query = query.signed(&identity.signer, timestamp_ms, identity.recv_window_ms);
        let (host, key) = (self.target.authority(), identity.api_key.expose_text());
        let text =
            format!("GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\n{KEY_HEADER}: {key}\r\n\r\n");
        self.ask(path, &text)
    }

    /// Asks with POST and a JSON body.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Answer, Failure> {
        let (host, length) = (self.target.authority(), body.len());
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.ask(path, &text)
    }

    /// The JSON of a good answer to GET.
    ///
    /// # Errors
    /// When there is none.
    pub fn json(&mut self, path: &str) -> Result<serde_json::Value, Failure> {
        let answer = self.get(path)?;
        self.good(path, &answer)
    }

    /// The JSON of an answer, if it is a good one.
    ///
    /// # Errors
    /// When it is not: with the exchange's words.
    pub fn good(&self, path: &str, answer: &Answer) -> Result<serde_json::Value, Failure> {
        let place = format!("{}{path}", self.target.authority());
        if answer.status != 200 {
            let words = String::from_utf8_lossy(&answer.body);
            let words: String = words.chars().take(300).collect();
            let what = format!("{place}: HTTP {}: {words}", answer.status);
            return Err(Failure::failed(what, remedy(answer)));
        }
        serde_json::from_slice(&answer.body).map_err(|e| failed(e, &place))
    }

    fn ask(&mut self, path: &str, text: &str) -> Result<Answer, Failure> {
        let until = self.clock.now().after(self.patience);
        let result = self.exchange(text, until);
        if result.is_err() {
            // Whatever comes on it still would be taken for the next answer.
            self.link = None;
        }
        result.map_err(|what| failed(what, &format!("{}{path}", self.target.authority())))
    }

    fn exchange(&mut self, text: &str, until: Nanos) -> Result<Answer, String> {
        if self.link.is_none() {
            self.dial()?;
        }
        let link = self.link.as_mut().ok_or("no connection")?;
        link.write(text.as_bytes()).map_err(|e| e.to_string())?;
        let (mut head, mut status, mut body, mut reader) = (Vec::new(), 0, Vec::new(), None);
        loop {
            let now = self.clock.now();
            if now >= until {
                return Err(format!("no answer within {} ms", self.patience.as_millis()));
            }
            link.advance(now).map_err(|e| e.to_string())?;
            let taken = match link.read(&mut self.read).map_err(|e| e.to_string())? {
                Took::Bytes(count) => count,
                Took::Nothing => {
                    wait(link, until.since(now));
                    continue;
                }
            };
            let bytes = &self.read[..taken];
            if reader.is_none() {
                head.extend_from_slice(bytes);
                let Some((parsed, length)) =
                    ResponseHead::parse(&head).map_err(|e| e.to_string())?
                else {
                    continue;
                };
                status = parsed.status;
                let mut fresh = parsed.body().map_err(|e| e.to_string())?;
                fresh.push(&head[length..], &mut body).map_err(|e| e.to_string())?;
                reader = Some(fresh);
            } else if let Some(reader) = &mut reader {
                reader.push(bytes, &mut body).map_err(|e| e.to_string())?;
            }
            if reader.as_ref().is_some_and(aegis_wire::http::BodyReader::is_done) {
                return Ok(Answer { status, body });
            }
        }
    }

    fn dial(&mut self) -> Result<(), String> {
        let mut link = Link::open(&self.target, &self.tls, self.clock.now(), DIAL);
        while !link.advance(self.clock.now()).map_err(|e| e.to_string())? {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        self.link = Some(link);
        Ok(())
    }
}

/// Sleeps until there may be something to read.
fn wait(link: &Link, most: Nanos) {
    let most = most.min(Nanos::SECOND);
    let timeout = Timespec { tv_sec: most.0 / 1_000_000_000, tv_nsec: most.0 % 1_000_000_000 };
    let mut fds: Vec<PollFd<'_>> = link.poll_fd().into_iter().collect();
    // A signal ends the wait early, which does no harm.
    let _ = poll(&mut fds, Some(&timeout));
}
