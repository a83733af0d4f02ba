//! What a frame reader asks of a token reader. There are two: `compact` is fast and knows only how
//! the venue writes; `careful` knows all of JSON and says what is wrong where.

use crate::error::Fault;
use aegis_types::{Px, Qty};

/// A key of up to eight bytes as a number, first byte lowest; anything longer is [`LONG`].
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

/// The code that says that an object has no further key.
pub(crate) const END: u64 = u64::MAX - 1;

/// Reads JSON forwards, one token at a time. Readers go by value from frame to frame, so that they
/// live in registers.
pub(crate) trait Tokens<'a>: Copy {
    /// What it says when it cannot go on.
    type Error;

    /// It cannot go on, for this reason.
    fn fail<T>(&self, fault: Fault) -> Result<T, Self::Error>;
    /// Goes past `text` if it comes next, byte for byte.
    fn accept(&mut self, text: &[u8]) -> bool;
    /// The next byte of the next token, not consumed; 0 at the end.
    fn peek(&mut self) -> u8;
    /// Nothing is left.
    fn end(&mut self) -> Result<(), Self::Error>;
    /// At `{`: the first key and its colon as a [`key`] code, or [`END`] and past `}`.
    fn first_key(&mut self) -> Result<u64, Self::Error>;
    /// After a value: the next key and its colon as a [`key`] code, or [`END`] and past `}`.
    fn next_key(&mut self) -> Result<u64, Self::Error>;
    /// `[`, and whether an element follows; past `]` if not.
    fn open_list(&mut self) -> Result<bool, Self::Error>;
    /// After an element: whether another follows; past `,` or `]`.
    fn more_list(&mut self) -> Result<bool, Self::Error>;
    /// `,` between the two numbers of a level.
    fn comma(&mut self) -> Result<(), Self::Error>;
    /// `]` behind the two numbers of a level.
    fn close_list(&mut self) -> Result<(), Self::Error>;
    /// A string without escapes, as bytes.
    fn name(&mut self) -> Result<&'a [u8], Self::Error>;
    /// A string without escapes.
    fn text(&mut self) -> Result<&'a str, Self::Error>;
    /// A string without escapes, or `null`.
    fn text_or_null(&mut self) -> Result<Option<&'a str>, Self::Error>;
    /// A string with a decimal in it, in units of 1e-8.
    fn decimal(&mut self) -> Result<i64, Self::Error>;
    /// A string with a decimal in it, or an empty one.
    fn decimal_or_empty(&mut self) -> Result<Option<i64>, Self::Error>;
    /// A string with a decimal in it, or `null`.
    fn decimal_or_null(&mut self) -> Result<Option<i64>, Self::Error>;
    /// A string with a decimal in it as the nearest float, not negative.
    fn float(&mut self) -> Result<f64, Self::Error>;
    /// A whole number that is not negative.
    fn uint(&mut self) -> Result<u64, Self::Error>;
    /// A whole number.
    fn int(&mut self) -> Result<i64, Self::Error>;
    /// `true` or `false`.
    fn flag(&mut self) -> Result<bool, Self::Error>;
    /// Past one value of any kind.
    fn skip(&mut self) -> Result<(), Self::Error>;

    /// A string with a price in it.
    #[inline(always)]
    fn px(&mut self) -> Result<Px, Self::Error> {
        self.decimal().map(Px::from_raw)
    }

    /// A string with a quantity in it.
    #[inline(always)]
    fn qty(&mut self) -> Result<Qty, Self::Error> {
        self.decimal().map(Qty::from_raw)
    }

    /// A value by a function that takes the reader and gives it back.
    #[inline(always)]
    fn nested<T>(
        &mut self,
        read: impl FnOnce(Self) -> Result<(T, Self), Self::Error>,
    ) -> Result<T, Self::Error> {
        let (value, rest) = read(*self)?;
        *self = rest;
        Ok(value)
    }
}
