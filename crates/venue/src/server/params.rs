//! Step machine: parameters of a request, from query and body, decoded.

use crate::server::call::{ApiError, Request};

/// Parameters in the order in which they were sent; when a name is in query and body, the query's
/// value counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Of query and form body.
    pub fn of(request: &Request) -> Self {
        let mut params = Self::parse(&request.query);
        let body = String::from_utf8_lossy(&request.body);
        for (name, value) in Self::parse(&body).pairs {
            if params.get(&name).is_none() {
                params.pairs.push((name, value));
            }
        }
        params
    }

    /// Of `a=1&b=2`; `+` is a space and `%XX` a byte.
    pub fn parse(text: &str) -> Self {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Self { pairs: text.split('&').filter(|part| !part.is_empty()).map(pair).collect() }
    }

    /// The value of a name; an empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a name that must be there.
    ///
    /// # Errors
    /// -1102.
    pub fn need(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::mandatory(name))
    }

    /// A whole number, when it is there.
    ///
    /// # Errors
    /// -1102 when it is none.
    pub fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| ApiError::mandatory(name)),
        }
    }

    /// All pairs in the order sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

/// Form decoding; a broken escape stays as it is.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
