//! The careful reader: all of JSON, and for what is wrong the reason and the place.

use crate::chunk::{plain_float, unescape};
use crate::error::{Fault, ScanError};
use crate::tokens::{END, LONG, Tokens, key};
use aegis_types::{DecimalError, parse_decimal};

/// Nesting of values that are skipped.
const DEPTH_MAX: u32 = 128;

/// Reads any JSON forwards.
#[derive(Clone, Copy)]
pub(crate) struct Careful<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Result<T> = core::result::Result<T, ScanError>;

impl<'a> Careful<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn fail_at<T>(&self, offset: usize, fault: Fault) -> Result<T> {
        Err(ScanError { offset, fault })
    }

    /// A string with a number in it, by a function of its text.
    fn number<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> core::result::Result<T, DecimalError>,
    ) -> Result<T> {
        self.expect_quote()?;
        let start = self.at;
        let written = self.rest_of_string()?;
        let mut buffer = [0; 64];
        let read = match unescape(written, &mut buffer) {
            Some(plain) => read(plain),
            None => Err(DecimalError::OutOfRange),
        };
        read.or_else(|why| self.fail_at(start, Fault::Decimal(why)))
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek() != byte {
            return self.fail(Fault::Expected(what));
        }
        self.at += 1;
        Ok(())
    }

    /// `{`, and whether a key follows; past `}` if not.
    pub(crate) fn open(&mut self) -> Result<bool> {
        self.expect(b'{', "`{`")?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After a value of an object: whether another key follows; past `,` or `}`.
    pub(crate) fn more(&mut self) -> Result<bool> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            b'}' => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail(Fault::Expected("`,` or `}`")),
        }
    }

    /// A key and its colon, as a [`key`] code.
    fn key(&mut self) -> Result<u64> {
        let text = self.key_text()?;
        if text.len() > 8 * "\\u0065".len() {
            return Ok(LONG); // no spelling of eight letters is longer
        }
        let mut buffer = [0; 64];
        let plain = match unescape(text, &mut buffer) {
            Some(plain) => plain,
            None => return self.fail(Fault::BadString),
        };
        Ok(if plain.len() <= 8 && !plain.contains(&0) { key(plain) } else { LONG })
    }

    /// A key and its colon, as written.
    pub(crate) fn key_text(&mut self) -> Result<&'a [u8]> {
        self.expect_quote()?;
        let text = self.rest_of_string()?;
        self.utf8(text)?;
        self.expect(b':', "`:`")?;
        Ok(text)
    }

    fn expect_quote(&mut self) -> Result<()> {
        self.expect(b'"', "a string")
    }

    /// Past the closing quote; the bytes before it as written. Escapes are checked.
    fn rest_of_string(&mut self) -> Result<&'a [u8]> {
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let text = &self.bytes[start..self.at];
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if *byte >= 0x20 => self.at += 1,
                Some(_) => return self.fail(Fault::BadString),
                None => return self.fail(Fault::End),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        let length = match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match self.bytes.get(self.at + 2..self.at + 6) {
                Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => 6,
                Some(_) => return self.fail(Fault::BadString),
                None => return self.fail(Fault::End),
            },
            Some(_) => return self.fail(Fault::BadString),
            None => return self.fail(Fault::End),
        };
        self.at += length;
        Ok(())
    }

    fn utf8(&self, text: &'a [u8]) -> Result<&'a str> {
        match core::str::from_utf8(text) {
            Ok(text) => Ok(text),
            Err(_) => self.fail(Fault::BadString),
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<()> {
        if self.accept(word) { Ok(()) } else { self.fail(Fault::Expected("true, false or null")) }
    }

    /// Past an object or a list; one bit of `objects` for each level that is open.
    fn skip_nested(&mut self) -> Result<()> {
        let mut objects = 0u128;
        let mut depth = 0u32;
        loop {
            let inside = match self.peek() {
                b'{' | b'[' if depth == DEPTH_MAX => return self.fail(Fault::TooDeep),
                b'{' => {
                    (objects, depth) = (objects << 1 | 1, depth + 1);
                    self.open()?
                }
                b'[' => {
                    (objects, depth) = (objects << 1, depth + 1);
                    self.open_list()?
                }
                _ => {
                    self.skip()?;
                    self.more_of(objects)?
                }
            };
            let mut inside = inside;
            while !inside {
                (objects, depth) = (objects >> 1, depth - 1);
                if depth == 0 {
                    return Ok(());
                }
                inside = self.more_of(objects)?;
            }
            if objects & 1 == 1 {
                self.expect_quote()?;
                self.rest_of_string()?;
                self.expect(b':', "`:`")?;
            }
        }
    }

    fn more_of(&mut self, objects: u128) -> Result<bool> {
        if objects & 1 == 1 { self.more() } else { self.more_list() }
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { self.fail(Fault::Expected("a digit")) }
    }

    fn skip_number(&mut self) -> Result<()> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return self.fail(Fault::Expected("a value"));
        }
        self.accept(b"-");
        if !self.accept(b"0") {
            self.digits()?;
        }
        if self.accept(b".") {
            self.digits()?;
        }
        if self.accept(b"e") || self.accept(b"E") {
            let _ = self.accept(b"+") || self.accept(b"-");
            self.digits()?;
        }
        Ok(())
    }
}

impl<'a> Tokens<'a> for Careful<'a> {
    type Error = ScanError;

    fn fail<T>(&self, fault: Fault) -> Result<T> {
        let ended = self.at >= self.bytes.len() && matches!(fault, Fault::Expected(_));
        self.fail_at(self.at, if ended { Fault::End } else { fault })
    }

    fn accept(&mut self, text: &[u8]) -> bool {
        let matches = self.bytes[self.at..].starts_with(text);
        self.at += if matches { text.len() } else { 0 };
        matches
    }

    fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail(Fault::Trailing) }
    }

    fn first_key(&mut self) -> Result<u64> {
        if self.open()? { self.key() } else { Ok(END) }
    }

    fn next_key(&mut self) -> Result<u64> {
        if self.more()? { self.key() } else { Ok(END) }
    }

    fn open_list(&mut self) -> Result<bool> {
        self.expect(b'[', "`[`")?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    fn more_list(&mut self) -> Result<bool> {
        match self.peek() {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            b']' => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail(Fault::Expected("`,` or `]`")),
        }
    }

    fn comma(&mut self) -> Result<()> {
        self.expect(b',', "`,`")
    }

    fn close_list(&mut self) -> Result<()> {
        self.expect(b']', "`]`")
    }

    fn name(&mut self) -> Result<&'a [u8]> {
        self.expect_quote()?;
        let start = self.at;
        let text = self.rest_of_string()?;
        match text.iter().position(|byte| *byte == b'\\') {
            Some(escape) => self.fail_at(start + escape, Fault::Escaped),
            None => Ok(text),
        }
    }

    fn text(&mut self) -> Result<&'a str> {
        let text = self.name()?;
        self.utf8(text)
    }

    fn text_or_null(&mut self) -> Result<Option<&'a str>> {
        if self.peek() == b'n' {
            self.literal(b"null").map(|()| None)
        } else {
            self.text().map(Some)
        }
    }

    fn decimal(&mut self) -> Result<i64> {
        self.number(parse_decimal)
    }

    fn decimal_or_empty(&mut self) -> Result<Option<i64>> {
        if self.peek() == b'"' && self.accept(b"\"\"") {
            Ok(None)
        } else {
            self.decimal().map(Some)
        }
    }

    fn decimal_or_null(&mut self) -> Result<Option<i64>> {
        if self.peek() == b'n' {
            self.literal(b"null").map(|()| None)
        } else {
            self.decimal().map(Some)
        }
    }

    fn float(&mut self) -> Result<f64> {
        self.number(plain_float)
    }

    fn uint(&mut self) -> Result<u64> {
        self.peek();
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        let text = core::str::from_utf8(&self.bytes[start..self.at]).unwrap_or("");
        // A leading zero stands alone; `1.5` and `1e3` are not whole.
        let whole = (!text.starts_with('0') || text == "0")
            && !matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        match text.parse() {
            Ok(value) if whole => Ok(value),
            _ => self.fail_at(start, Fault::BadNumber),
        }
    }

    fn int(&mut self) -> Result<i64> {
        let negative = self.peek() == b'-';
        let start = self.at;
        self.at += usize::from(negative);
        if !self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            return self.fail_at(start, Fault::BadNumber);
        }
        let magnitude = self.uint()?;
        let value = if negative {
            // `-0` is a float to JSON readers, so it is no whole number here either.
            0i64.checked_sub_unsigned(magnitude).filter(|value| *value < 0)
        } else {
            i64::try_from(magnitude).ok()
        };
        value.map_or_else(|| self.fail_at(start, Fault::BadNumber), Ok)
    }

    fn flag(&mut self) -> Result<bool> {
        if self.peek() == b't' {
            self.literal(b"true").map(|()| true)
        } else if self.peek() == b'f' {
            self.literal(b"false").map(|()| false)
        } else {
            self.fail(Fault::Expected("true or false"))
        }
    }

    fn skip(&mut self) -> Result<()> {
        match self.peek() {
            b'"' => {
                self.at += 1;
                self.rest_of_string().map(|_| ())
            }
            b'{' | b'[' => self.skip_nested(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.skip_number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_hold_to_their_ends() {
        let uint = |text: &str| Careful::new(text.as_bytes()).uint();
        let int = |text: &str| Careful::new(text.as_bytes()).int();
        assert_eq!(uint("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(uint("9999999999999999999"), Ok(9_999_999_999_999_999_999));
        assert_eq!(int("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int("9223372036854775807"), Ok(i64::MAX));
        for bad in ["", "-", "01", "007", "1.0", "1e3", "18446744073709551616", "\"5\"", "- 1"] {
            assert!(uint(bad).is_err() && int(bad).is_err(), "{bad}");
        }
        for bad in ["9223372036854775808", "-9223372036854775809", "-0"] {
            assert!(int(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn decimals_are_exact_to_their_ends() {
        let read = |text: &str| Careful::new(text.as_bytes()).decimal();
        assert_eq!(read("\"61800.20\""), Ok(6_180_020_000_000));
        assert_eq!(read("\"-0.00012345\""), Ok(-12_345));
        assert_eq!(read("\"92233720368.54775807\""), Ok(i64::MAX));
        assert_eq!(read("\"-92233720368.54775808\""), Ok(i64::MIN));
        assert_eq!(read("\"1.000000000000\""), Ok(100_000_000));
        assert_eq!(read(r#""6\u0031.5""#), Ok(6_150_000_000));
        for bad in ["\"\"", "\".\"", "\"1e5\"", "\"1.2.3\"", "\"1.000000001\"", "\"NaN\"", "5", ""]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_is_skipped_to_its_limit() {
        let nested = |n: usize| {
            let mut text = alloc::vec![b'['; n];
            text.extend(alloc::vec![b']'; n]);
            let mut scanner = Careful::new(&text);
            scanner.skip().and_then(|()| scanner.end())
        };
        assert_eq!(nested(128), Ok(()));
        assert_eq!(nested(129).map_err(|e| e.fault), Err(Fault::TooDeep));
        for good in [r#"{"a":[{},[],{"b":[1,-2.5e+3,"x\"]"]}],"c":null}"#, "[[[],1],true,false]"] {
            let mut scanner = Careful::new(good.as_bytes());
            assert_eq!(scanner.skip().and_then(|()| scanner.end()), Ok(()), "{good}");
        }
        for bad in ["{]", "[1}", "[1,]", "{\"a\":}", "{\"a\"}", "{,}", "[tru]", "[01]", "[1.]"] {
            assert!(Careful::new(bad.as_bytes()).skip().is_err(), "{bad}");
        }
    }
}
