//! Secrets that cannot be printed and do not stay in memory.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroize;

/// A secret text. It has no `Display`, its `Debug` says `Secret(***)`, and its bytes are
/// overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the text over; no other copy is made.
    pub fn new(text: String) -> Self {
        Self(text.into_bytes().into_boxed_slice())
    }

    /// The bytes, for signing only.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The text, for checking its form only.
    pub fn expose_text(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into_boxed_slice())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn nothing_prints_it() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(***) Some(Secret(***))");
        assert_eq!(secret.expose_text(), "hunter2");
        assert!(Secret::from("").is_empty());
    }
}
