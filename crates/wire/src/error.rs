//! What can be wrong with a frame, and where.

use aegis_types::DecimalError;
use core::fmt;

/// Bytes that are not the frame they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// Offset into the bytes given, of the first byte that does not fit.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end inside a value.
    End,
    /// Another byte is expected here.
    Expected(&'static str),
    /// A string with a control character, a bad escape or bytes that are not UTF-8.
    BadString,
    /// A name that must be borrowed is written with escapes.
    Escaped,
    /// Not a JSON number, or not a whole number that fits where one is needed.
    BadNumber,
    /// The text of a decimal is not one.
    Decimal(DecimalError),
    /// The frame ends without this key.
    Missing(&'static str),
    /// This key occurs twice.
    Duplicate(&'static str),
    /// More levels on one side than the buffer holds; the capacity.
    TooManyLevels(usize),
    /// Values nested deeper than 128.
    TooDeep,
    /// Something follows the frame.
    Trailing,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame not readable at byte {}: ", self.offset)?;
        match self.fault {
            Fault::End => f.write_str("it ends too soon"),
            Fault::Expected(what) => write!(f, "{what} is expected"),
            Fault::BadString => {
                f.write_str("a string has a control character, a bad escape or bad UTF-8")
            }
            Fault::Escaped => f.write_str("a name is written with escapes"),
            Fault::BadNumber => f.write_str("not a number of the kind that belongs here"),
            Fault::Decimal(why) => write!(f, "{why}"),
            Fault::Missing(key) => write!(f, "the key `{key}` is missing"),
            Fault::Duplicate(key) => write!(f, "the key `{key}` occurs twice"),
            Fault::TooManyLevels(most) => {
                write!(f, "more than {most} levels on one side; give a larger buffer")
            }
            Fault::TooDeep => f.write_str("values are nested deeper than 128"),
            Fault::Trailing => f.write_str("something follows the frame"),
        }
    }
}

impl core::error::Error for ScanError {}
