//! Reading JSON forwards, one token at a time: the words that the frame readers are made of.
//!
//! Common shapes have a short path (a one-letter key, a plain decimal, thirteen digits of time);
//! everything else that JSON allows takes a slower one with the same result.

use crate::error::{Fault, ScanError};
use aegis_types::{DecimalError, parse_decimal};

/// Nesting of values that are skipped.
const DEPTH_MAX: u32 = 128;

/// A key of up to eight bytes as a number, little endian; anything longer is [`LONG`].
pub(crate) const fn key(text: &[u8]) -> u64 {
    let mut code = 0;
    let mut at = 0;
    while at < text.len() {
        code |= (text[at] as u64) << (8 * at);
        at += 1;
    }
    code
}

/// The code of every key of more than eight bytes.
pub(crate) const LONG: u64 = u64::MAX;

#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Result<T> = core::result::Result<T, ScanError>;

impl<'a> Scanner<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn fail<T>(&self, fault: Fault) -> Result<T> {
        let fault = if self.at >= self.bytes.len() && matches!(fault, Fault::Expected(_)) {
            Fault::End
        } else {
            fault
        };
        Err(ScanError { offset: self.at.min(self.bytes.len()), fault })
    }

    /// Goes past `text` if it comes next, byte for byte.
    #[inline]
    pub(crate) fn accept(&mut self, text: &[u8]) -> bool {
        let matches = self.bytes[self.at..].starts_with(text);
        if matches {
            self.at += text.len();
        }
        matches
    }

    /// The next byte that is not white space, not consumed; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek() != byte {
            return self.fail(Fault::Expected(what));
        }
        self.at += 1;
        Ok(())
    }

    /// `{`, and whether a key follows; past `}` if not.
    #[inline]
    pub(crate) fn open(&mut self) -> Result<bool> {
        self.expect(b'{', "`{`")?;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After a value of an object: whether another key follows; past `,` or `}`.
    #[inline]
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

    /// `[`, and whether an element follows; past `]` if not.
    #[inline]
    pub(crate) fn open_list(&mut self) -> Result<bool> {
        self.expect(b'[', "`[`")?;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// After an element: whether another follows; past `,` or `]`.
    #[inline]
    pub(crate) fn more_list(&mut self) -> Result<bool> {
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

    /// `,` between the two numbers of a level.
    #[inline]
    pub(crate) fn comma(&mut self) -> Result<()> {
        self.expect(b',', "`,`")
    }

    /// `]` behind the two numbers of a level.
    #[inline]
    pub(crate) fn close_list(&mut self) -> Result<()> {
        self.expect(b']', "`]`")
    }

    /// Nothing but white space is left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<()> {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail(Fault::Trailing) }
    }

    /// A key and its colon, as a [`key`] code.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<u64> {
        match self.bytes[self.at..].first_chunk::<4>() {
            Some([b'"', letter, b'"', b':']) if *letter >= 0x20 && *letter < 0x80 => {
                // `"\":` is a string that begins with a quote, not a key of one letter.
                if *letter != b'\\' && *letter != b'"' {
                    self.at += 4;
                    return Ok(u64::from(*letter));
                }
            }
            _ => {}
        }
        self.long_key()
    }

    #[inline(never)]
    fn long_key(&mut self) -> Result<u64> {
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

    #[inline]
    fn expect_quote(&mut self) -> Result<()> {
        self.expect(b'"', "a string")
    }

    /// Past the closing quote; the bytes before it as written. Escapes are checked.
    #[inline]
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

    #[cold]
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

    #[inline]
    fn utf8(&self, text: &'a [u8]) -> Result<&'a str> {
        match core::str::from_utf8(text) {
            Ok(text) => Ok(text),
            Err(_) => self.fail(Fault::BadString),
        }
    }

    /// A string that is borrowed as it stands.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str> {
        self.expect_quote()?;
        let start = self.at;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    let text = self.utf8(&self.bytes[start..self.at])?;
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => return self.fail(Fault::Escaped),
                byte if *byte >= 0x20 => self.at += 1,
                _ => return self.fail(Fault::BadString),
            }
        }
        self.fail(Fault::End)
    }

    /// A string that is borrowed as it stands, or `null`.
    #[inline]
    pub(crate) fn text_or_null(&mut self) -> Result<Option<&'a str>> {
        if self.peek() == b'n' {
            self.literal(b"null").map(|()| None)
        } else {
            self.text().map(Some)
        }
    }

    /// A string with a decimal in it, in units of 1e-8.
    #[inline]
    pub(crate) fn decimal(&mut self) -> Result<i64> {
        self.expect_quote()?;
        match self.plain_decimal() {
            Some((value, end)) => {
                self.at = end;
                Ok(value)
            }
            None => self.odd_decimal(),
        }
    }

    /// The usual case: `12.3456"`, at most 18 digits and 8 decimals. Returns the value and the
    /// offset behind the quote.
    #[inline]
    fn plain_decimal(&self) -> Option<(i64, usize)> {
        const POWERS: [i64; 9] =
            [100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
        let (mantissa, decimals, end) = self.mantissa()?;
        let value = mantissa.checked_mul(*POWERS.get(decimals)?)?;
        Some((value, end))
    }

    /// Digits with at most one point, up to a quote: mantissa (at most 18 digits), number of
    /// decimals, offset behind the quote.
    #[inline]
    fn mantissa(&self) -> Option<(i64, usize, usize)> {
        let bytes = self.bytes;
        let negative = bytes.get(self.at) == Some(&b'-');
        let start = self.at + usize::from(negative);
        let mut at = start;
        let mut value = 0u64;
        let mut byte = *bytes.get(at)?;
        while byte.wrapping_sub(b'0') <= 9 {
            value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            at += 1;
            byte = *bytes.get(at)?;
        }
        let mut digits = at - start;
        let mut decimals = 0;
        if byte == b'.' {
            at += 1;
            let point = at;
            byte = *bytes.get(at)?;
            while byte.wrapping_sub(b'0') <= 9 {
                value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                at += 1;
                byte = *bytes.get(at)?;
            }
            decimals = at - point;
            digits += decimals;
        }
        if byte != b'"' || digits == 0 || digits > 18 {
            return None;
        }
        let value = value as i64;
        Some((if negative { -value } else { value }, decimals, at + 1))
    }

    /// Long, escaped, signed or wrong decimals.
    #[cold]
    #[inline(never)]
    fn odd_decimal(&mut self) -> Result<i64> {
        let start = self.at;
        let written = self.rest_of_string()?;
        let mut buffer = [0; 64];
        let parsed = match unescape(written, &mut buffer) {
            Some(plain) => parse_decimal(plain),
            None => Err(DecimalError::OutOfRange),
        };
        parsed.map_err(|why| ScanError { offset: start, fault: Fault::Decimal(why) })
    }

    /// A string with a decimal in it, or an empty one.
    pub(crate) fn decimal_or_empty(&mut self) -> Result<Option<i64>> {
        if self.peek() == b'"' && self.accept(b"\"\"") {
            Ok(None)
        } else {
            self.decimal().map(Some)
        }
    }

    /// A string with a decimal in it, or `null`.
    pub(crate) fn decimal_or_null(&mut self) -> Result<Option<i64>> {
        if self.peek() == b'n' {
            self.literal(b"null").map(|()| None)
        } else {
            self.decimal().map(Some)
        }
    }

    /// A string with a decimal in it as the nearest float, not negative.
    #[inline]
    pub(crate) fn float(&mut self) -> Result<f64> {
        const POWERS: [f64; 19] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
            1e16, 1e17, 1e18,
        ];
        self.expect_quote()?;
        if self.bytes.get(self.at) == Some(&b'-') {
            return self.odd_float();
        }
        match self.mantissa() {
            // Both numbers are exact as floats, so their quotient is the nearest float (Clinger).
            Some((mantissa, decimals, end)) if mantissa < 1 << 53 => {
                self.at = end;
                Ok(mantissa as f64 / POWERS[decimals])
            }
            _ => self.odd_float(),
        }
    }

    #[cold]
    #[inline(never)]
    fn odd_float(&mut self) -> Result<f64> {
        let start = self.at;
        let written = self.rest_of_string()?;
        let mut buffer = [0; 64];
        let fault = |why| Err(ScanError { offset: start, fault: Fault::Decimal(why) });
        let Some(plain) = unescape(written, &mut buffer) else {
            return fault(DecimalError::OutOfRange);
        };
        plain_float(plain).or_else(fault)
    }

    /// A whole number that is not negative.
    #[inline]
    pub(crate) fn uint(&mut self) -> Result<u64> {
        self.peek();
        let start = self.at;
        let mut value = 0u64;
        if let Some(chunk) = self.bytes[self.at..].first_chunk::<8>()
            && let Some(eight) = eight_digits(u64::from_le_bytes(*chunk))
        {
            value = eight;
            self.at += 8;
        }
        while let Some(byte) = self.bytes.get(self.at) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        let digits = self.at - start;
        // Nineteen digits always fit; a leading zero stands alone; `1.5` and `1e3` are not whole.
        let plain = (1..=19).contains(&digits)
            && (self.bytes[start] != b'0' || digits == 1)
            && !matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        if plain { Ok(value) } else { self.odd_uint(start) }
    }

    #[cold]
    #[inline(never)]
    fn odd_uint(&mut self, start: usize) -> Result<u64> {
        let text = core::str::from_utf8(&self.bytes[start..self.at]).unwrap_or("");
        let whole = !matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        match text.parse() {
            Ok(value) if text.len() == 20 && !text.starts_with('0') && whole => Ok(value),
            _ => Err(ScanError { offset: start, fault: Fault::BadNumber }),
        }
    }

    /// A whole number.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64> {
        let negative = self.peek() == b'-';
        let start = self.at;
        self.at += usize::from(negative);
        let bad = ScanError { offset: start, fault: Fault::BadNumber };
        if negative && !self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            return Err(bad);
        }
        let magnitude = self.uint()?;
        if negative {
            // `-0` is a float to JSON readers, so it is no whole number here either.
            0i64.checked_sub_unsigned(magnitude).filter(|v| *v < 0).ok_or(bad)
        } else {
            i64::try_from(magnitude).map_err(|_| bad)
        }
    }

    /// `true` or `false`.
    #[inline]
    pub(crate) fn flag(&mut self) -> Result<bool> {
        if self.peek() == b't' {
            self.literal(b"true").map(|()| true)
        } else if self.peek() == b'f' {
            self.literal(b"false").map(|()| false)
        } else {
            self.fail(Fault::Expected("true or false"))
        }
    }

    #[inline]
    fn literal(&mut self, word: &'static [u8]) -> Result<()> {
        if self.accept(word) { Ok(()) } else { self.fail(Fault::Expected("true, false or null")) }
    }

    /// Past one value of any kind.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<()> {
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

    /// Past an object or a list; one bit of `objects` for each level that is open.
    #[inline(never)]
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

    #[inline]
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

/// Eight ASCII digits, first digit in the lowest byte, as a number.
#[inline]
fn eight_digits(chunk: u64) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    let digits = chunk ^ ZEROS;
    // A digit is below 10: no high nibble, and none after adding six.
    if (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & HIGH != 0 {
        return None;
    }
    // Neighbours by tens, then by hundreds, then by ten thousands.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xFFFF_FFFF)
}

/// Plain decimal text as the nearest float: digits and at most one point, no sign, no exponent.
pub(crate) fn plain_float(text: &[u8]) -> core::result::Result<f64, DecimalError> {
    let odd = |b: &u8| !(b.is_ascii_digit() || *b == b'.');
    if let Some(at) = text.iter().position(odd) {
        return Err(DecimalError::Unexpected(at));
    }
    let text = core::str::from_utf8(text).unwrap_or("");
    text.parse().map_err(|_| DecimalError::Empty)
}

/// The text that a JSON string means, in `buffer` if it has escapes. `None` when it has a lone
/// surrogate or (with escapes) does not fit: names and numbers of the venue are far shorter.
fn unescape<'b>(written: &'b [u8], buffer: &'b mut [u8; 64]) -> Option<&'b [u8]> {
    if !written.contains(&b'\\') {
        return Some(written);
    }
    let (mut from, mut to) = (0, 0);
    while let Some(byte) = written.get(from) {
        let mut utf8 = [0; 4];
        let (piece, length): (&[u8], usize) = match (byte, written.get(from + 1)) {
            (b'\\', Some(b'u')) => {
                let (letter, length) = unicode(written.get(from..)?)?;
                (letter.encode_utf8(&mut utf8).as_bytes(), length)
            }
            (b'\\', Some(code)) => {
                utf8[0] = match code {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                };
                (&utf8[..1], 2)
            }
            _ => (core::slice::from_ref(byte), 1),
        };
        buffer.get_mut(to..to + piece.len())?.copy_from_slice(piece);
        (from, to) = (from + length, to + piece.len());
    }
    Some(&buffer[..to])
}

/// The letter of `\uXXXX`, or of a surrogate pair of them, and the bytes it takes.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let hex = core::str::from_utf8(text.get(at..at + 4)?).ok()?;
        u16::from_str_radix(hex, 16).ok()
    };
    let first = unit(2)?;
    if !(0xD800..0xE000).contains(&first) {
        return Some((char::from_u32(u32::from(first))?, 6));
    }
    if text.get(6..8) != Some(b"\\u") {
        return None;
    }
    let pair = [first, unit(8)?];
    let letter = char::decode_utf16(pair).next()?.ok()?;
    Some((letter, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_read_at_once() {
        assert_eq!(eight_digits(u64::from_le_bytes(*b"17231612")), Some(17_231_612));
        assert_eq!(eight_digits(u64::from_le_bytes(*b"99999999")), Some(99_999_999));
        for bad in [b"1723161/", b":7231612", b"1723 612", b"1723\xB16 2", b"\xB17231612"] {
            assert_eq!(eight_digits(u64::from_le_bytes(*bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn whole_numbers_hold_to_their_ends() {
        let uint = |text: &str| Scanner::new(text.as_bytes()).uint();
        let int = |text: &str| Scanner::new(text.as_bytes()).int();
        assert_eq!(uint("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(uint("9999999999999999999"), Ok(9_999_999_999_999_999_999));
        assert_eq!(int("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int("9223372036854775807"), Ok(i64::MAX));
        for bad in ["", "-", "01", "007", "1.0", "1e3", "18446744073709551616", "\"5\"", "- 1"] {
            assert!(uint(bad).is_err() || bad == "- 1", "{bad}");
            assert!(int(bad).is_err(), "{bad}");
        }
        assert!(int("9223372036854775808").is_err());
        assert!(int("-9223372036854775809").is_err());
    }

    #[test]
    fn decimals_have_one_value_by_both_paths() {
        let read = |text: &str| Scanner::new(text.as_bytes()).decimal();
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
    fn escapes_mean_their_letters() {
        let mut buffer = [0; 64];
        let mut text =
            |written: &'static str| unescape(written.as_bytes(), &mut buffer).map(<[u8]>::to_vec);
        assert_eq!(text(r"a\u0065\n\/"), Some(b"ae\n/".to_vec()));
        assert_eq!(text(r"\ud83d\ude00"), Some("😀".as_bytes().to_vec()));
        assert_eq!(text(r"\ud83d"), None);
        assert_eq!(text(r"\ude00x"), None);
    }

    #[test]
    fn nesting_is_skipped_to_its_limit() {
        let nested = |n: usize| {
            let mut text = alloc::vec![b'['; n];
            text.extend(alloc::vec![b']'; n]);
            let mut scanner = Scanner::new(&text);
            scanner.skip().and_then(|()| scanner.end())
        };
        assert_eq!(nested(128), Ok(()));
        assert_eq!(nested(129).map_err(|e| e.fault), Err(Fault::TooDeep));
        for good in [r#"{"a":[{},[],{"b":[1,-2.5e+3,"x\"]"]}],"c":null}"#, "[[[],1],true,false]"] {
            let mut scanner = Scanner::new(good.as_bytes());
            assert_eq!(scanner.skip().and_then(|()| scanner.end()), Ok(()), "{good}");
        }
        for bad in ["{]", "[1}", "[1,]", "{\"a\":}", "{\"a\"}", "{,}", "[tru]", "[01]", "[1.]"] {
            assert!(Scanner::new(bad.as_bytes()).skip().is_err(), "{bad}");
        }
    }
}
