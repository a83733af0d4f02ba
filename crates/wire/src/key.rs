//! Is this text a key? Found out before the first request, with a reason that does not print it.

use core::fmt;

/// Length of the API keys and HMAC secrets that the exchange hands out.
const KEY_LENGTH: usize = 64;

/// Why a text cannot be a key of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Nothing there.
    Empty,
    /// White space or a line end inside or around it, at this character.
    WhiteSpace(usize),
    /// Quotes or brackets around it.
    Quoted,
    /// A character that is neither a letter nor a digit, at this character.
    Character(usize),
    /// Not 64 characters; how many.
    Length(usize),
    /// One character over and over: a placeholder.
    Placeholder,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty; set it, or unset it to simulate orders"),
            Self::WhiteSpace(at) => {
                write!(f, "white space at character {at}; copy it again without line ends")
            }
            Self::Quoted => f.write_str("it is in quotes; take them off"),
            Self::Character(at) => {
                write!(f, "character {at} is neither a letter nor a digit; copy it again")
            }
            Self::Length(n) => {
                write!(f, "it has {n} characters, a key has {KEY_LENGTH}; copy all of it")
            }
            Self::Placeholder => f.write_str("it is a placeholder; set the real one"),
        }
    }
}

impl core::error::Error for KeyFault {}

/// Checks the form of an API key: 64 letters and digits.
///
/// # Errors
/// The first [`KeyFault`] found.
pub fn check_api_key(text: &str) -> Result<(), KeyFault> {
    if text.is_empty() {
        return Err(KeyFault::Empty);
    }
    if let Some(at) = text.chars().position(char::is_whitespace) {
        return Err(KeyFault::WhiteSpace(at + 1));
    }
    if text.starts_with(['"', '\'', '`', '<', '[']) {
        return Err(KeyFault::Quoted);
    }
    if let Some(at) = text.chars().position(|c| !c.is_ascii_alphanumeric()) {
        return Err(KeyFault::Character(at + 1));
    }
    if text.len() != KEY_LENGTH {
        return Err(KeyFault::Length(text.len()));
    }
    if text.bytes().all(|b| b == text.as_bytes()[0]) {
        return Err(KeyFault::Placeholder);
    }
    Ok(())
}

/// Checks the form of an HMAC secret: the same as that of an API key.
///
/// # Errors
/// The first [`KeyFault`] found.
pub fn check_hmac_secret(text: &str) -> Result<(), KeyFault> {
    check_api_key(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    #[test]
    fn reasons_name_the_place_and_not_the_key() {
        let good: String =
            ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("xy".chars()).collect();
        assert_eq!(check_api_key(&good), Ok(()));
        let cases = [
            (String::new(), KeyFault::Empty),
            (format!("{good}\n"), KeyFault::WhiteSpace(65)),
            (format!(" {good}"), KeyFault::WhiteSpace(1)),
            (format!("\"{good}\""), KeyFault::Quoted),
            (format!("{}-{}", &good[..9], &good[10..]), KeyFault::Character(10)),
            (good[..63].to_string(), KeyFault::Length(63)),
            ("x".repeat(64), KeyFault::Placeholder),
        ];
        for (text, fault) in cases {
            assert_eq!(check_hmac_secret(&text), Err(fault));
            assert!(text.is_empty() || !fault.to_string().contains(&text), "{fault}");
        }
    }
}
