//! A database value: the four that both engines give back as they got them.

use std::fmt;

/// One column of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Missing.
    Null,
    /// Counts, sequences, nanoseconds, and 0 or 1 for a bool.
    Int(i64),
    /// A float of an indicator, a confidence or a ratio; always finite, never negative zero.
    Real(f64),
    /// Text, and decimals as text.
    Text(String),
}

impl Value {
    /// A float, made such that both engines return the same: what is not finite is missing, and
    /// negative zero is zero (SQLite stores a whole float as an integer, which has no such zero).
    pub fn real(value: f64) -> Self {
        if value.is_finite() { Self::Real(value + 0.0) } else { Self::Null }
    }

    /// Text of anything that prints itself.
    pub fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    /// A count or a sequence; the top bit wraps, so that distinct numbers stay distinct.
    pub const fn count(value: u64) -> Self {
        Self::Int(value.cast_signed())
    }
}

impl fmt::Display for Value {
    /// The canonical text of [`crate::Store::dump`]: floats in shortest exact form, missing as
    /// `\N`, tab, line feed and backslash in text escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("\\N"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Real(v) => write!(f, "{v:?}"),
            Self::Text(v) => {
                for c in v.chars() {
                    match c {
                        '\t' => f.write_str("\\t")?,
                        '\n' => f.write_str("\\n")?,
                        '\\' => f.write_str("\\\\")?,
                        c => write!(f, "{c}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_the_same_in_both_engines() {
        assert_eq!(Value::real(f64::NAN), Value::Null);
        assert_eq!(Value::real(f64::INFINITY), Value::Null);
        assert_eq!(Value::real(-0.0).to_string(), "0.0");
        assert_eq!(Value::real(0.1 + 0.2).to_string(), "0.30000000000000004");
        assert_eq!(Value::Text("a\tb\\c\nd".into()).to_string(), "a\\tb\\\\c\\nd");
        assert_ne!(Value::count(u64::MAX), Value::count(u64::MAX - 1));
    }
}
