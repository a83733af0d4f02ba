//! Texts that no print may show.

use std::fmt;
use zeroize::Zeroizing;

/// How a secret is printed.
pub(crate) const MASK: &str = "****";

/// A secret: neither `Debug` nor `Display` shows it, and dropped it is overwritten.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Nothing in it?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text itself, for the one place that signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// A database address without its password: `postgresql://user:****@host/db`, and any
/// `password=` of its parameters.
pub fn mask_url(url: &str) -> String {
    let mut masked = url.to_owned();
    if let Some(scheme) = masked.find("://") {
        let start = scheme + 3;
        let end = masked[start..].find(['/', '?']).map_or(masked.len(), |at| start + at);
        // The last @ ends the user part: a password may hold one itself. One with a slash in it
        // leaves an @ behind, and then all up to it may be the password.
        let at = masked[start..end].rfind('@').or_else(|| masked[start..].rfind('@'));
        if let Some(at) = at {
            let user = &masked[start..start + at];
            if let Some(colon) = user.find(':') {
                masked.replace_range(start + colon + 1..start + at, MASK);
            }
        }
    }
    for parameter in ["password=", "sslpassword="] {
        let mut from = 0;
        while let Some(found) = masked[from..].to_ascii_lowercase().find(parameter) {
            let value = from + found + parameter.len();
            let end = masked[value..].find('&').map_or(masked.len(), |at| value + at);
            masked.replace_range(value..end, MASK);
            from = value + MASK.len();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_survive() {
        for (url, masked) in [
            ("postgresql://u:pw@h:5432/db", "postgresql://u:****@h:5432/db"),
            ("postgresql://u:p@w@h/db", "postgresql://u:****@h/db"),
            ("postgresql://u:p/w@h/db", "postgresql://u:****@h/db"),
            ("postgresql://u@h/db?password=pw&x=1", "postgresql://u@h/db?password=****&x=1"),
            ("mysql://u:pw@h/db", "mysql://u:****@h/db"),
            ("postgresql://h/db", "postgresql://h/db"),
            ("sqlite:/tmp/a.db", "sqlite:/tmp/a.db"),
        ] {
            assert_eq!(mask_url(url), masked);
        }
        assert_eq!(format!("{:?} {}", Secret::new("abc"), Secret::new("abc")), "**** ****");
    }
}
