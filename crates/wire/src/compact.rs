//! The fast reader: JSON as the venue writes it, without white space, escapes or exponents.
//!
//! Whatever is unusual is [`Odd`], without a reason: the caller starts again with the careful
//! reader, which knows all of JSON and says what is wrong where. So nothing here has to be kept for
//! an error, and the place stays in a register for a whole frame.

use crate::chunk::{POWERS, TENS, eight_digits, plain_bytes};
use crate::error::Fault;
use crate::tokens::{END, Tokens};

/// Not written the usual way, or not right.
#[derive(Debug)]
pub(crate) struct Odd;

type Result<T> = core::result::Result<T, Odd>;

#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Compact<'a> {
    /// The text is checked to be UTF-8 at once: that is cheaper than name by name.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        core::str::from_utf8(bytes).ok().map(|text| Self { text, at: 0 })
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        // No text has a zero byte where it is asked for one.
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn chunk<const N: usize>(&self, at: usize) -> Result<[u8; N]> {
        let rest = self.text.as_bytes().get(at..).ok_or(Odd)?;
        rest.first_chunk::<N>().copied().ok_or(Odd)
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> Result<()> {
        if self.byte(self.at) != byte {
            return Err(Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// A key and its colon behind a comma or a brace.
    #[inline(always)]
    fn key_after(&mut self, before: u8) -> Result<u64> {
        let [comma, quote, first, second] = self.chunk::<4>(self.at)?;
        if comma != before || quote != b'"' || !first.is_ascii_alphabetic() {
            return Err(Odd);
        }
        if second == b'"' && self.byte(self.at + 4) == b':' {
            self.at += 5;
            return Ok(u64::from(first));
        }
        self.longer_key()
    }

    /// A key of two to six letters; `,"` or `{"` comes first.
    #[inline(always)]
    fn longer_key(&mut self) -> Result<u64> {
        let mut code = 0;
        for place in 0..7 {
            let byte = self.byte(self.at + 2 + place);
            if byte == b'"' && self.byte(self.at + 3 + place) == b':' {
                self.at += place + 4;
                return Ok(code);
            }
            if !byte.is_ascii_alphabetic() {
                return Err(Odd);
            }
            code |= u64::from(byte) << (8 * place);
        }
        Err(Odd)
    }

    /// A string without escapes, as the offsets of its first byte and of its closing quote.
    #[inline(always)]
    fn string(&mut self) -> Result<(usize, usize)> {
        self.take(b'"')?;
        let start = self.at;
        let mut at = start;
        while let Ok(chunk) = self.chunk::<8>(at) {
            let plain = plain_bytes(u64::from_le_bytes(chunk));
            at += plain;
            if plain < 8 {
                break;
            }
        }
        // Only the last seven bytes of a frame are looked at one by one.
        while self.byte(at) >= b' ' && !matches!(self.byte(at), b'"' | b'\\') {
            at += 1;
        }
        if self.byte(at) != b'"' {
            return Err(Odd);
        }
        self.at = at + 1;
        Ok((start, at))
    }

    /// Digits, as a number that is right up to 19 of them, and how many.
    #[inline(always)]
    fn digits(&mut self, mut value: u64) -> (u64, usize) {
        let start = self.at;
        loop {
            let digit = self.byte(self.at).wrapping_sub(b'0');
            if digit > 9 {
                return (value, self.at - start);
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
    }

    /// The mantissa of `"12.345"` and its number of decimals; at most 18 digits, no sign.
    #[inline(always)]
    fn mantissa(&mut self) -> Result<(u64, usize)> {
        self.take(b'"')?;
        let (mut value, whole) = self.digits(0);
        let mut decimals = 0;
        if self.byte(self.at) == b'.' {
            self.at += 1;
            (value, decimals) = self.digits(value);
        }
        self.take(b'"')?;
        if (1..=18).contains(&(whole + decimals)) { Ok((value, decimals)) } else { Err(Odd) }
    }
}

impl<'a> Tokens<'a> for Compact<'a> {
    type Error = Odd;

    #[inline(always)]
    fn fail<T>(&self, _: Fault) -> Result<T> {
        Err(Odd)
    }

    #[inline(always)]
    fn accept(&mut self, text: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or(&[]);
        let matches = rest.starts_with(text);
        self.at += if matches { text.len() } else { 0 };
        matches
    }

    #[inline(always)]
    fn peek(&mut self) -> u8 {
        self.byte(self.at)
    }

    #[inline(always)]
    fn end(&mut self) -> Result<()> {
        if self.at == self.text.len() { Ok(()) } else { Err(Odd) }
    }

    #[inline(always)]
    fn first_key(&mut self) -> Result<u64> {
        self.key_after(b'{')
    }

    #[inline(always)]
    fn next_key(&mut self) -> Result<u64> {
        if self.byte(self.at) == b'}' {
            self.at += 1;
            return Ok(END);
        }
        self.key_after(b',')
    }

    #[inline(always)]
    fn open_list(&mut self) -> Result<bool> {
        self.take(b'[')?;
        let empty = self.byte(self.at) == b']';
        self.at += usize::from(empty);
        Ok(!empty)
    }

    #[inline(always)]
    fn more_list(&mut self) -> Result<bool> {
        let byte = self.byte(self.at);
        self.at += 1;
        match byte {
            b',' => Ok(true),
            b']' => Ok(false),
            _ => Err(Odd),
        }
    }

    #[inline(always)]
    fn comma(&mut self) -> Result<()> {
        self.take(b',')
    }

    #[inline(always)]
    fn close_list(&mut self) -> Result<()> {
        self.take(b']')
    }

    #[inline(always)]
    fn name(&mut self) -> Result<&'a [u8]> {
        self.text().map(str::as_bytes)
    }

    #[inline(always)]
    fn text(&mut self) -> Result<&'a str> {
        let (start, end) = self.string()?;
        self.text.get(start..end).ok_or(Odd)
    }

    #[inline(always)]
    fn text_or_null(&mut self) -> Result<Option<&'a str>> {
        self.text().map(Some)
    }

    #[inline(always)]
    fn decimal(&mut self) -> Result<i64> {
        let (value, decimals) = self.mantissa()?;
        let scale = *POWERS.get(8usize.wrapping_sub(decimals)).ok_or(Odd)?;
        i64::try_from(value).ok().and_then(|v| v.checked_mul(scale as i64)).ok_or(Odd)
    }

    #[inline(always)]
    fn decimal_or_empty(&mut self) -> Result<Option<i64>> {
        self.decimal().map(Some)
    }

    #[inline(always)]
    fn decimal_or_null(&mut self) -> Result<Option<i64>> {
        self.decimal().map(Some)
    }

    #[inline(always)]
    fn float(&mut self) -> Result<f64> {
        let (mantissa, decimals) = self.mantissa()?;
        // Both numbers are exact as floats, so their quotient is the nearest float (Clinger).
        if mantissa < 1 << 53 {
            Ok(mantissa as i64 as f64 / TENS[decimals] as i64 as f64)
        } else {
            Err(Odd)
        }
    }

    #[inline(always)]
    fn uint(&mut self) -> Result<u64> {
        let start = self.at;
        let mut value = 0;
        if let Ok(chunk) = self.chunk::<8>(self.at)
            && let Some(eight) = eight_digits(u64::from_le_bytes(chunk))
        {
            value = eight;
            self.at += 8;
        }
        let (value, _) = self.digits(value);
        let digits = self.at - start;
        let plain = (1..=19).contains(&digits) && (self.byte(start) != b'0' || digits == 1);
        // What follows must end the number: `.` and `e` are left to the careful reader.
        if plain && matches!(self.byte(self.at), b',' | b'}' | b']') { Ok(value) } else { Err(Odd) }
    }

    #[inline(always)]
    fn int(&mut self) -> Result<i64> {
        self.uint().and_then(|value| i64::try_from(value).map_err(|_| Odd))
    }

    #[inline(always)]
    fn flag(&mut self) -> Result<bool> {
        if self.accept(b"true") {
            Ok(true)
        } else if self.accept(b"false") {
            Ok(false)
        } else {
            Err(Odd)
        }
    }

    #[inline(always)]
    fn skip(&mut self) -> Result<()> {
        match self.byte(self.at) {
            b'"' => self.string().map(|_| ()),
            b'0'..=b'9' => self.uint().map(|_| ()),
            b'f' | b't' => self.flag().map(|_| ()),
            _ => Err(Odd),
        }
    }
}
