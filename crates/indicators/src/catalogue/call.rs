//! A call written as text, `macd(8,21,5)`, checked against the catalogue.

use super::entry::{Arguments, Entry, ParameterKind};
use super::row::Row;
use super::{ENTRIES, find};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// An indicator with its parameters, all of them allowed.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    entry: &'static Entry,
    arguments: Arguments,
}

/// Why a text is no call. Its message says what would be one.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// No indicator has this name.
    Unknown {
        /// As given.
        name: String,
        /// The known name that is nearest to it.
        nearest: &'static str,
    },
    /// Not `name` or `name(…)`.
    Form {
        /// As given.
        text: String,
    },
    /// Neither all of its parameters nor none of them.
    Arity {
        /// How many were given.
        given: usize,
        /// What it takes.
        signature: String,
        /// How many it has.
        takes: usize,
    },
    /// A parameter that is no number.
    NotANumber {
        /// As given.
        text: String,
        /// Which parameter.
        parameter: &'static str,
        /// What it takes.
        signature: String,
    },
    /// A number that the parameter may not be.
    OutOfRange {
        /// As given.
        text: String,
        /// Which parameter.
        parameter: &'static str,
        /// What it may be.
        allowed: ParameterKind,
        /// What it takes.
        signature: String,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, nearest } => {
                write!(f, "no indicator is called '{name}'; the nearest is '{nearest}'")
            }
            Self::Form { text } => {
                write!(f, "'{text}' is not a call; write a name, or as rsi(9) or macd(8,21,5)")
            }
            Self::Arity { given, signature, takes: 0 } => {
                write!(f, "parameters given: {given}; it takes none: {signature}")
            }
            Self::Arity { given, signature, takes } => {
                write!(f, "parameters given: {given}; it takes {takes} or none: {signature}")
            }
            Self::NotANumber { text, parameter, signature } => {
                write!(f, "{parameter} '{text}' is not a number: {signature}")
            }
            Self::OutOfRange { text, parameter, allowed, signature } => {
                write!(f, "{parameter} {text} is out of range ({allowed}): {signature}")
            }
        }
    }
}

impl core::error::Error for CallError {}

impl Call {
    /// Reads `name`, `name()` or `name(a,b,…)`, in any case, spaces anywhere between. Without
    /// parameters it takes its defaults; some of them and not the others are an error, since nobody
    /// could see from `macd(8)` what is computed. Only optional ones, `stddev`'s and `bbands`'s
    /// deviations, may be left out alone.
    ///
    /// # Errors
    /// [`CallError`]; its message names the nearest known indicator or shows the signature.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let (name, inside) = split(text).ok_or_else(|| CallError::Form { text: text.into() })?;
        let entry = find(name)
            .ok_or_else(|| CallError::Unknown { name: name.into(), nearest: nearest(name) })?;
        let texts = pieces(entry, inside);
        let needed = entry.parameters.iter().filter(|p| !p.optional).count();
        if !texts.is_empty() && !(needed..=entry.parameters.len()).contains(&texts.len()) {
            return Err(CallError::Arity {
                given: texts.len(),
                signature: entry.signature(),
                takes: entry.parameters.len(),
            });
        }
        let mut arguments = Arguments::defaults(entry.parameters);
        for (at, (text, parameter)) in texts.iter().zip(entry.parameters).enumerate() {
            let value = number(text, parameter.kind).ok_or_else(|| CallError::NotANumber {
                text: (*text).to_string(),
                parameter: parameter.name,
                signature: entry.signature(),
            })?;
            if !parameter.allows(value) {
                return Err(CallError::OutOfRange {
                    text: (*text).to_string(),
                    parameter: parameter.name,
                    allowed: parameter.kind,
                    signature: entry.signature(),
                });
            }
            arguments.set(at, value);
        }
        Ok(Self { entry, arguments })
    }

    /// What is called.
    pub fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// With which parameters, defaults filled in.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// Makes the indicator; pushing to it allocates nothing.
    pub fn build(&self) -> Box<dyn Row> {
        (self.entry.make)(&self.arguments)
    }
}

impl fmt::Display for Call {
    /// With every parameter; reads back as the same call.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.name)?;
        for (n, parameter) in self.entry.parameters.iter().enumerate() {
            f.write_str(if n == 0 { "(" } else { "," })?;
            parameter.write(f, self.arguments.real(n))?;
        }
        if self.entry.parameters.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

/// Name and what stands between the parentheses, blank where there are none.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let (name, inside) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), rest.strip_suffix(')')?),
        None => (text, ""),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fine = !name.is_empty() && name.chars().all(plain) && !inside.contains(['(', ')']);
    fine.then_some((name, inside))
}

/// The parameters' texts. Times of the day may also be parted by a hyphen.
fn pieces<'a>(entry: &Entry, inside: &'a str) -> Vec<&'a str> {
    if inside.trim().is_empty() {
        return Vec::new();
    }
    let timed = entry.parameters.iter().any(|p| p.kind == ParameterKind::Time);
    let parts = |c: char| c == ',' || (timed && c == '-');
    inside.split(parts).map(str::trim).collect()
}

fn number(text: &str, kind: ParameterKind) -> Option<f64> {
    if let (ParameterKind::Time, Some((hours, minutes))) = (kind, text.split_once(':')) {
        let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
        return (minutes < 60).then(|| f64::from(hours * 60 + minutes));
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn two_digits(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The catalogue's name that takes the fewest edits to reach from `name`; the first of equals.
pub fn nearest(name: &str) -> &'static str {
    let asked: Vec<u8> = name.bytes().take(64).map(|b| b.to_ascii_lowercase()).collect();
    ENTRIES.iter().map(|entry| entry.name).min_by_key(|known| edits(&asked, known)).unwrap_or("")
}

/// Levenshtein's distance.
fn edits(from: &[u8], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = n + 1;
        for (m, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(*a != b);
            diagonal = row[m + 1];
            row[m + 1] = replaced.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn error(text: &str) -> String {
        Call::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn reads_names_in_any_case_with_spaces_and_defaults() {
        for text in ["rsi", "RSI()", " rsi ( 14 ) ", "rsi(14.0)"] {
            assert_eq!(Call::parse(text).unwrap().to_string(), "rsi(14)", "{text}");
        }
        assert_eq!(Call::parse("rsi(9)").unwrap().arguments().whole(0), 9);
    }

    #[test]
    fn says_what_would_be_right() {
        assert_eq!(error("rsj(3)"), "no indicator is called 'rsj'; the nearest is 'rsi'");
        assert_eq!(error("rsi(3,4)"), "parameters given: 2; it takes 1 or none: rsi(period=14)");
        assert_eq!(error("rsi(x)"), "period 'x' is not a number: rsi(period=14)");
        assert_eq!(error("rsi(nan)"), "period 'nan' is not a number: rsi(period=14)");
        assert_eq!(
            error("macd(8)"),
            "parameters given: 1; it takes 3 or none: macd(fast=12,slow=26,signal=9)"
        );
        assert_eq!(Call::parse("stddev(9)").unwrap().to_string(), "stddev(9,1)");
        let range = "period 1 is out of range (whole, 2 to 100000): rsi(period=14)";
        assert_eq!(error("rsi(1)"), range);
        for text in ["", "rsi(", "rsi)", "rsi(3", "rsi(3)x", "(3)", "rsi((3))", "r si"] {
            assert!(error(text).contains("is not a call"), "{text}");
        }
        assert!(error("rsi(2.5)").contains("out of range"));
        assert!(error("rsi(,)").contains("parameters given: 2"));
        assert!(error(&format!("rsi({}", "(".repeat(9))).contains("is not a call"));
    }
}
