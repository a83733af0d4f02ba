//! Database URLs: which engine, and how to print them without the password.

use crate::error::StoreError;
use std::path::PathBuf;

/// Where rows go.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `postgresql://…` or `postgres://…`, as given, password included.
    Postgres(String),
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&masked(url)),
        }
    }
}

impl StoreUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`StoreError::Scheme`], which names the three forms; [`StoreError::Url`] without a path.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(StoreError::Url {
                    url: url.into(),
                    why: "no path after sqlite:".into(),
                });
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgresql://") || url.starts_with("postgres://") {
            return Ok(Self::Postgres(url.into()));
        }
        Err(StoreError::Scheme { url: masked(url) })
    }
}

/// The URL with `***` for every password in it: between user and host, and in `password=…`.
pub fn masked(url: &str) -> String {
    let mut text = String::from(url);
    for secret in secrets(url) {
        text = text.replace(&format!(":{secret}@"), ":***@");
        text = text.replace(&format!("password={secret}"), "password=***");
    }
    text
}

/// `text` with the passwords of `url`, as written and decoded, replaced.
pub(crate) fn scrub(text: &str, url: &str) -> String {
    let mut out = text.replace(url, &masked(url));
    for secret in secrets(url) {
        for form in [decoded(secret), secret.to_string()] {
            // One or two letters would mask half of the message and hide nothing.
            if form.len() > 2 {
                out = out.replace(&form, "***");
            }
        }
    }
    out
}

/// Every password that stands in a URL, as written.
fn secrets(url: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    // A password may hold anything: the last `@` before the query ends it, the first `:` begins it.
    let authority = rest.split('?').next().unwrap_or(rest);
    if let Some((user, _)) = authority.rsplit_once('@')
        && let Some((_, password)) = user.split_once(':')
    {
        found.push(password);
    }
    for part in rest.split(['?', '&', ' ']) {
        found.extend(part.strip_prefix("password="));
    }
    found.retain(|s| !s.is_empty());
    found
}

/// Percent escapes resolved; what is not an escape stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match escape.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_and_nothing_else() {
        assert_eq!(StoreUrl::parse("sqlite:a/b.db"), Ok(StoreUrl::Sqlite("a/b.db".into())));
        assert_eq!(StoreUrl::parse("sqlite:///x.db"), Ok(StoreUrl::Sqlite("/x.db".into())));
        for url in ["postgres://h/d", "postgresql://u:p@h:1/d"] {
            assert_eq!(StoreUrl::parse(url), Ok(StoreUrl::Postgres(url.into())));
        }
        let text = StoreUrl::parse("mysql://me:hunter2@h/d").unwrap_err().to_string();
        for part in ["sqlite:PATH", "postgresql://", "postgres://", "mysql://me:***@h/d"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("hunter2"));
        assert!(matches!(StoreUrl::parse("sqlite:"), Err(StoreError::Url { .. })));
        assert!(matches!(StoreUrl::parse(""), Err(StoreError::Scheme { .. })));
    }

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        for (url, shown) in [
            ("postgres://u:s3cret@h/d", "postgres://u:***@h/d"),
            ("postgres://u:a:b@c@h/d", "postgres://u:***@h/d"),
            ("postgres://h/d?user=u&password=s3cret", "postgres://h/d?user=u&password=***"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://h:5432/d", "postgres://h:5432/d"),
            ("sqlite:/tmp/a.db", "sqlite:/tmp/a.db"),
        ] {
            assert_eq!(masked(url), shown);
        }
        let url = "postgres://u:p%40ss@h/d";
        assert_eq!(scrub("no p@ss and no p%40ss here", url), "no *** and no *** here");
        assert_eq!(format!("{:?}", StoreUrl::parse(url)), "Ok(postgres://u:***@h/d)");
    }
}
