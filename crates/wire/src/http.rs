//! HTTP/1.1 answers as a client reads them: the head in place, the body as it comes.
//!
//! Step machine: [`BodyReader`] takes bytes as they arrive and never more than belong to the
//! answer, so that the next answer on the same connection begins where it should. An answer whose
//! end did not come is never taken for a whole one: that is what tells done from unknown.

use alloc::vec::Vec;
use core::fmt;

/// Bytes of an answer's head.
pub const HEAD_MAX: usize = 16 * 1_024;
/// Bytes of an answer's body unless the caller says otherwise; `exchangeInfo` has two million.
pub const BODY_MAX: usize = 32 << 20;
/// Bytes of a line that gives a chunk's length.
const CHUNK_LINE_MAX: usize = 256;

/// Why bytes are not an HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// The first line is not a status line of HTTP/1.
    StatusLine,
    /// A header line without a name and a colon, or with bytes that are not text.
    Header,
    /// The head is longer than [`HEAD_MAX`].
    HeadTooLong,
    /// A content length that is no number, or two that differ.
    Length,
    /// A chunk that does not begin with its length, or does not end where it should.
    Chunk,
    /// The body is longer than allowed.
    BodyTooLong,
}

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StatusLine => "the answer is not HTTP/1.1; check host and port",
            Self::Header => "a header line of the answer is not readable",
            Self::HeadTooLong => "the answer's head is longer than 16 KiB",
            Self::Length => "the answer's content length is not a number",
            Self::Chunk => "a chunk of the answer's body is not well formed",
            Self::BodyTooLong => "the answer's body is longer than allowed",
        })
    }
}

impl core::error::Error for HttpFault {}

/// The head of an answer, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead<'a> {
    /// Status.
    pub status: u16,
    /// Header lines.
    lines: &'a str,
    /// `HTTP/1.0`: the connection ends with the answer unless a header says otherwise.
    old: bool,
}

impl<'a> ResponseHead<'a> {
    /// Reads a head from the beginning of `bytes`. Returns it and its length, none while its end
    /// has not been read.
    ///
    /// # Errors
    /// [`HttpFault`]: what comes over this connection is not an answer.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, HttpFault> {
        const START: &[u8] = b"HTTP/1.";
        let looked = bytes.len().min(START.len());
        if bytes[..looked] != START[..looked] {
            return Err(HttpFault::StatusLine);
        }
        let within = &bytes[..bytes.len().min(HEAD_MAX)];
        let Some(end) = within.windows(4).position(|at| at == b"\r\n\r\n") else {
            return if bytes.len() >= HEAD_MAX { Err(HttpFault::HeadTooLong) } else { Ok(None) };
        };
        let text = core::str::from_utf8(&bytes[..end]).map_err(|_| HttpFault::Header)?;
        let (first, lines) = text.split_once("\r\n").unwrap_or((text, ""));
        let mut words = first.splitn(3, ' ');
        let version = words.next().unwrap_or("");
        let status = words.next().filter(|text| text.len() == 3);
        let status = status.and_then(|text| text.parse().ok()).filter(|status| *status >= 100);
        let status = status.ok_or(HttpFault::StatusLine)?;
        let head = Self { status, lines, old: version == "HTTP/1.0" };
        let odd = |line: &str| !matches!(line.find(':'), Some(at) if at > 0);
        if !lines.is_empty() && lines.split("\r\n").any(odd) {
            return Err(HttpFault::Header);
        }
        Ok(Some((head, end + 4)))
    }

    /// Names and values in the order sent.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let lines = self.lines.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name, value.trim()))
    }

    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A header's value as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// Is `word` one of the words, separated by commas, of a header?
    pub fn lists(&self, name: &str, word: &str) -> bool {
        let named = self.headers().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.flat_map(|(_, value)| value.split(',')).any(|w| w.trim().eq_ignore_ascii_case(word))
    }

    /// May the connection carry another request after this answer?
    pub fn keeps_alive(&self) -> bool {
        if self.old {
            self.lists("Connection", "keep-alive")
        } else {
            !self.lists("Connection", "close")
        }
    }

    /// How the body ends.
    ///
    /// # Errors
    /// [`HttpFault::Length`]
    pub fn body(&self) -> Result<BodyReader, HttpFault> {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return Ok(BodyReader::new(Framing::Length(0)));
        }
        if self.lists("Transfer-Encoding", "chunked") {
            return Ok(BodyReader::new(Framing::Chunked(Chunk::Length)));
        }
        let mut length = None;
        for (name, value) in self.headers() {
            if name.eq_ignore_ascii_case("Content-Length") {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let value: usize = value.parse().map_err(|_| HttpFault::Length)?;
                if !digits || length.is_some_and(|before| before != value) {
                    return Err(HttpFault::Length);
                }
                length = Some(value);
            }
        }
        Ok(BodyReader::new(length.map_or(Framing::UntilClosed, Framing::Length)))
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// After so many more bytes.
    Length(usize),
    /// In chunks with their lengths.
    Chunked(Chunk),
    /// With the connection.
    UntilClosed,
    /// It has ended.
    Done,
}

/// Where in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// At the line with a chunk's length.
    Length,
    /// Inside of a chunk; bytes left.
    Data(usize),
    /// At the line end behind a chunk.
    End,
    /// At the trailers behind the last chunk.
    Trailers,
}

/// Reads one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyReader {
    framing: Framing,
    /// A line that has come in part.
    line: Vec<u8>,
    most: usize,
}

impl BodyReader {
    fn new(framing: Framing) -> Self {
        let framing = if framing == Framing::Length(0) { Framing::Done } else { framing };
        Self { framing, line: Vec::new(), most: BODY_MAX }
    }

    /// With another limit than [`BODY_MAX`].
    #[must_use]
    pub fn with_limit(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Nothing more belongs to this answer.
    pub fn is_done(&self) -> bool {
        self.framing == Framing::Done
    }

    /// The connection ended: was that the end of the body?
    pub fn is_whole_at_close(&self) -> bool {
        matches!(self.framing, Framing::Done | Framing::UntilClosed)
    }

    /// Takes bytes of the connection and appends what is body to `out`. Returns how many were
    /// taken; those behind belong to the next answer.
    ///
    /// # Errors
    /// [`HttpFault`]: the connection cannot be used any more.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, HttpFault> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let data = match self.framing {
                Framing::Done => break,
                Framing::UntilClosed => rest.len(),
                Framing::Length(left) | Framing::Chunked(Chunk::Data(left)) => left.min(rest.len()),
                Framing::Chunked(place) => {
                    at += self.line(place, rest)?;
                    continue;
                }
            };
            if data > self.most.saturating_sub(out.len()) {
                return Err(HttpFault::BodyTooLong);
            }
            out.extend_from_slice(&rest[..data]);
            at += data;
            self.framing = match self.framing {
                Framing::Length(left) if left == data => Framing::Done,
                Framing::Length(left) => Framing::Length(left - data),
                Framing::Chunked(Chunk::Data(left)) if left == data => Framing::Chunked(Chunk::End),
                Framing::Chunked(Chunk::Data(left)) => Framing::Chunked(Chunk::Data(left - data)),
                other => other,
            };
        }
        Ok(at)
    }

    /// Up to the end of one line between chunks; how many bytes were taken.
    fn line(&mut self, place: Chunk, bytes: &[u8]) -> Result<usize, HttpFault> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            let long = self.line.len() > CHUNK_LINE_MAX;
            return if long { Err(HttpFault::Chunk) } else { Ok(bytes.len()) };
        };
        self.line.extend_from_slice(&bytes[..end]);
        if self.line.len() > CHUNK_LINE_MAX || self.line.pop_if(|byte| *byte == b'\r').is_none() {
            return Err(HttpFault::Chunk);
        }
        let next = match place {
            Chunk::Length => match chunk_length(&self.line).ok_or(HttpFault::Chunk)? {
                0 => Some(Chunk::Trailers),
                length => Some(Chunk::Data(length)),
            },
            Chunk::End if self.line.is_empty() => Some(Chunk::Length),
            Chunk::Trailers if self.line.is_empty() => None,
            Chunk::Trailers => Some(Chunk::Trailers),
            Chunk::End | Chunk::Data(_) => return Err(HttpFault::Chunk),
        };
        self.framing = next.map_or(Framing::Done, Framing::Chunked);
        self.line.clear();
        Ok(end + 1)
    }
}

/// A chunk's length in hex; what follows a semicolon is nothing to us.
fn chunk_length(line: &[u8]) -> Option<usize> {
    let text = core::str::from_utf8(line).ok()?;
    let digits = text.split(';').next()?.trim();
    let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    usize::from_str_radix(digits, 16).ok().filter(|_| hex)
}
