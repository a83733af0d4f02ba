//! Step machine: HTTP/1.1 on one connection: a request's bytes, an answer out of bytes, one at a
//! time.
//!
//! An answer counts only when its last byte has come. A connection that ends before leaves an
//! answer that is cut, which of a write says nothing.

use super::request::{Loss, Meters, Request};
use aegis_wire::endpoints::{
    KEY_HEADER, ORDERS_MINUTE_HEADER, ORDERS_TEN_SECONDS_HEADER, USED_WEIGHT_HEADER,
};
use aegis_wire::http::{BodyReader, ResponseHead};
use aegis_wire::{Secret, Signer};
use core::fmt::Write as _;

/// Bytes that a request of ours may have.
pub const REQUEST_MAX: usize = 2_048;

/// Who signs, and for whom. Its `Debug` names neither.
#[derive(Clone)]
pub struct Identity {
    /// The API key.
    pub api_key: Secret,
    /// Its signer.
    pub signer: Signer,
    /// How old a request may be when it arrives.
    pub recv_window_ms: u32,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").field("recv_window_ms", &self.recv_window_ms).finish()
    }
}

/// Writes a request into `text`, which is cleared before; with room for [`REQUEST_MAX`] bytes
/// nothing is allocated.
pub fn write_request(text: &mut String, request: &Request, host: &str, identity: &Identity) {
    let endpoint = request.call.endpoint();
    text.clear();
    text.push_str(endpoint.method.name());
    text.push(' ');
    text.push_str(endpoint.path);
    let params = request.params.as_str();
    if endpoint.security.is_signed() {
        text.push('?');
        let from = text.len();
        text.push_str(params);
        let join = if params.is_empty() { "" } else { "&" };
        let (ms, window) = (request.timestamp_ms, identity.recv_window_ms);
        // Writing to a String cannot fail.
        let _ = write!(text, "{join}timestamp={ms}&recvWindow={window}");
        identity.signer.sign_tail(text, from);
    } else if !params.is_empty() {
        text.push('?');
        text.push_str(params);
    }
    text.push_str(" HTTP/1.1\r\nHost: ");
    text.push_str(host);
    if endpoint.security.needs_key() {
        text.push_str("\r\n");
        text.push_str(KEY_HEADER);
        text.push_str(": ");
        text.push_str(identity.api_key.expose_text());
    }
    if endpoint.method != aegis_wire::endpoints::Method::Get {
        text.push_str("\r\nContent-Length: 0");
    }
    text.push_str("\r\nAccept: application/json\r\n\r\n");
}

/// A whole answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What its headers say about limits.
    pub meters: Meters,
    /// May the connection carry another request?
    pub keep: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// One answer in the making.
#[derive(Debug, Default)]
pub struct Incoming {
    head: Vec<u8>,
    reader: Option<BodyReader>,
    answer: Answer,
    done: bool,
}

impl Incoming {
    /// Forgets the last answer, keeps its memory.
    pub fn clear(&mut self) {
        self.head.clear();
        self.reader = None;
        self.answer.body.clear();
        (self.answer.status, self.answer.meters) = (0, Meters::default());
        (self.answer.keep, self.done) = (false, false);
    }

    /// Has any byte of it come?
    pub const fn begun(&self) -> bool {
        !self.head.is_empty() || self.reader.is_some()
    }

    /// Takes bytes. Says whether the answer is whole now.
    ///
    /// # Errors
    /// [`Loss::Malformed`] when they are not an answer, or more than one.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, Loss> {
        let Self { head, reader, answer, done } = self;
        if *done {
            return Err(Loss::Malformed);
        }
        if let Some(reader) = reader {
            let taken = reader.push(bytes, &mut answer.body).map_err(|_| Loss::Malformed)?;
            *done = reader.is_done();
            return if taken == bytes.len() { Ok(*done) } else { Err(Loss::Malformed) };
        }
        head.extend_from_slice(bytes);
        let Some((parsed, length)) = ResponseHead::parse(head).map_err(|_| Loss::Malformed)? else {
            return Ok(false);
        };
        if parsed.status == 100 {
            head.drain(..length);
            return self.push(&[]);
        }
        answer.status = parsed.status;
        answer.keep = parsed.keeps_alive();
        answer.meters = meters(&parsed);
        let mut body = parsed.body().map_err(|_| Loss::Malformed)?;
        let rest = &head[length..];
        let taken = body.push(rest, &mut answer.body).map_err(|_| Loss::Malformed)?;
        if taken != rest.len() {
            return Err(Loss::Malformed);
        }
        *done = body.is_done();
        *reader = Some(body);
        Ok(*done)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`Loss::Cut`] unless that was the end of the answer.
    pub fn closed(&mut self) -> Result<(), Loss> {
        self.answer.keep = false;
        match &self.reader {
            Some(reader) if reader.is_whole_at_close() => {
                self.done = true;
                Ok(())
            }
            _ => Err(Loss::Cut),
        }
    }

    /// The answer, when it is whole.
    pub fn answer(&self) -> Option<&Answer> {
        self.done.then_some(&self.answer)
    }
}

fn meters(head: &ResponseHead<'_>) -> Meters {
    let number = |name: &str| head.number(name).and_then(|n| u32::try_from(n).ok());
    Meters {
        weight_1m: number(USED_WEIGHT_HEADER),
        orders_10s: number(ORDERS_TEN_SECONDS_HEADER),
        orders_1m: number(ORDERS_MINUTE_HEADER),
        retry_after_s: number("Retry-After"),
    }
}
