//! Step machine: parameters of a request, from query and body, decoded.

use crate::server::auth::is_json;
use crate::server::call::{ApiError, Request};
use crate::server::texts::{error, error_of};
use aegis_types::{DecimalError, Money, Px, Qty, Rate, parse_decimal};

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
        if is_json(&request.body) {
            return params;
        }
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
    /// -1100 when it is none.
    pub fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| error_of(-1100, &[name, "^[0-9]{1,20}$"]))
            }
        }
    }

    /// `true` or `false`, in any case.
    ///
    /// # Errors
    /// -1130 for anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::invalid_value(name)),
        }
    }

    /// A decimal in units of 1e-8.
    fn decimal(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match parse_decimal(text.as_bytes()) {
            Ok(raw) => Ok(Some(raw)),
            Err(DecimalError::TooPrecise) => Err(error(-1111)),
            Err(_) => Err(error_of(-1100, &[name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$"])),
        }
    }

    /// A price.
    ///
    /// # Errors
    /// -1100 for what is no plain decimal, -1111 for more than eight decimals.
    pub fn px(&self, name: &str) -> Result<Option<Px>, ApiError> {
        Ok(self.decimal(name)?.map(Px::from_raw))
    }

    /// A quantity.
    ///
    /// # Errors
    /// As of a price.
    pub fn qty(&self, name: &str) -> Result<Option<Qty>, ApiError> {
        Ok(self.decimal(name)?.map(Qty::from_raw))
    }

    /// A fraction or a percentage.
    ///
    /// # Errors
    /// As of a price.
    pub fn rate(&self, name: &str) -> Result<Option<Rate>, ApiError> {
        Ok(self.decimal(name)?.map(Rate::from_raw))
    }

    /// An amount.
    ///
    /// # Errors
    /// As of a price.
    pub fn money(&self, name: &str) -> Result<Option<Money>, ApiError> {
        Ok(self.decimal(name)?.map(Money::from_raw))
    }

    /// Appends a pair.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.pairs.push((name.into(), value.into()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        let params = Params::parse("q=0.5&e=1e-5&p=0.123456789&n=7&m=7.5&t=TRUE&f=no&x=");
        assert_eq!(params.qty("q").map(|q| q.map(Qty::raw)), Ok(Some(50_000_000)));
        assert_eq!(params.qty("e").map_err(|e| e.code), Err(-1100));
        assert_eq!(params.px("p").map_err(|e| e.code), Err(-1111));
        assert_eq!(params.int("n"), Ok(Some(7)));
        assert_eq!(params.int("m").map_err(|e| e.code), Err(-1100));
        assert_eq!(params.flag("t"), Ok(Some(true)));
        assert_eq!(params.flag("f").map_err(|e| e.code), Err(-1130));
        assert_eq!(params.need("x").map_err(|e| e.code), Err(-1102));
        assert_eq!(decode("%zz%4+%E5%B8%81"), "%zz%4 币");
    }
}
