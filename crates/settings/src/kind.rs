//! What a value may be: parsing to one canonical text, and how the expectation reads.

use aegis_types::Money;
use std::fmt;

/// The type and range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds, both included.
    Whole(u64, u64),
    /// A number between two bounds, both included.
    Real(f64, f64),
    /// An amount of USDT above zero, exact to 1e-8.
    Amount,
    /// An amount of USDT that is not negative, exact to 1e-8; zero for none.
    Limit,
    /// A power of two between two bounds, both included.
    PowerOfTwo(u64, u64),
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A database address, or nothing for the default file.
    StoreUrl,
    /// The base address of a server on the network, or nothing.
    Url,
    /// The SHA-256 of a program or its first digits, at least eight; or nothing.
    Hash,
    /// Path of a file, or nothing.
    Path,
    /// A word that names things of ours elsewhere, or nothing.
    Name,
    /// A key, which no settings file may hold.
    Secret,
}

impl Kind {
    /// Does its value stand in quotes in a settings file, and may it stand in nothing else?
    pub(crate) const fn is_text(self) -> bool {
        match self {
            Self::Choice(_)
            | Self::StoreUrl
            | Self::Url
            | Self::Hash
            | Self::Path
            | Self::Name
            | Self::Secret => true,
            Self::Bool
            | Self::Whole(..)
            | Self::Real(..)
            | Self::Amount
            | Self::Limit
            | Self::PowerOfTwo(..) => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Whole(0, u64::MAX) => f.write_str("a whole number from 0"),
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Real(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Amount => f.write_str("an amount above 0 with at most 8 decimals"),
            Self::Limit => f.write_str("an amount from 0 with at most 8 decimals (0: none)"),
            Self::PowerOfTwo(least, most) => write!(f, "a power of two from {least} to {most}"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::StoreUrl => {
                f.write_str("postgresql://…, postgres://… or sqlite:PATH (empty: the default file)")
            }
            Self::Url => f.write_str(
                "https://HOST or wss://HOST, or http:// and ws:// of this machine (empty: the \
                 venue's own)",
            ),
            Self::Hash => f.write_str("8 to 64 hex digits (empty: any)"),
            Self::Path => f.write_str("a path (empty: none)"),
            Self::Name => {
                f.write_str("1 to 64 letters, digits, dots, dashes and underscores (empty: none)")
            }
            Self::Secret => f.write_str("a key without white space"),
        }
    }
}

impl Kind {
    /// The one way to write a value: equal values give equal texts. `None` when it is not of this
    /// kind or out of range.
    pub fn canonical(&self, text: &str) -> Option<String> {
        let text = text.trim();
        match *self {
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some("true".to_owned()),
                "false" | "0" | "no" | "off" => Some("false".to_owned()),
                _ => None,
            },
            Self::Whole(least, most) => {
                let number: u64 = digits(text)?;
                (least..=most).contains(&number).then(|| number.to_string())
            }
            Self::PowerOfTwo(least, most) => {
                let number: u64 = digits(text)?;
                let fits = number.is_power_of_two() && (least..=most).contains(&number);
                fits.then(|| number.to_string())
            }
            Self::Real(least, most) => {
                let number: f64 = text.parse().ok()?;
                // Adding zero turns -0 into 0; NaN is in no range.
                (least..=most).contains(&number).then(|| (number + 0.0).to_string())
            }
            Self::Amount => {
                let amount: Money = text.parse().ok()?;
                amount.is_positive().then(|| amount.to_string())
            }
            Self::Limit => {
                let amount: Money = text.parse().ok()?;
                (!amount.is_negative()).then(|| amount.to_string())
            }
            Self::Choice(words) => {
                words.iter().find(|w| w.eq_ignore_ascii_case(text)).map(|w| (*w).to_owned())
            }
            Self::StoreUrl => store_url(text),
            Self::Url => url(text),
            Self::Hash => {
                let hex = text.is_empty()
                    || ((8..=64).contains(&text.len())
                        && text.bytes().all(|b| b.is_ascii_hexdigit()));
                hex.then(|| text.to_ascii_lowercase())
            }
            Self::Path => (!text.contains(char::is_control)).then(|| text.to_owned()),
            Self::Name => {
                let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                (text.len() <= 64 && text.bytes().all(fits)).then(|| text.to_owned())
            }
            Self::Secret => Some(text.to_owned()),
        }
    }
}

/// Digits only: `+5`, `5.0` and `0x10` are written by mistake.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A base address: secure, or of this machine; without a path's last slash.
fn url(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next()?;
    if authority.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    // Who can read the keys' traffic can trade: without encryption nothing leaves the machine.
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    // A name may begin with `127.` and be anybody's; a number cannot.
    let loopback = || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback());
    let here = matches!(host, "localhost" | "[::1]") || loopback();
    let fits = match scheme {
        "https" | "wss" => true,
        "http" | "ws" => here && !authority.contains('@'),
        _ => false,
    };
    fits.then(|| text.trim_end_matches('/').to_owned())
}

fn store_url(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    // U+FFFD stands for what was not UTF-8 in an environment variable.
    if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return None;
    }
    if let Some(path) = text.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        // Rows in memory would be gone with the process, and nobody would be told.
        let kept = !path.is_empty() && path != ":memory:";
        return kept.then(|| format!("sqlite:{path}"));
    }
    let rest = text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))?;
    // Both names mean the same server; one spelling keeps projections comparable.
    (!rest.is_empty()).then(|| format!("postgresql://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_text() {
        let real = Kind::Real(0.0, 10.0);
        for text in ["3", "3.0", "3.00", " 3e0 ", "0.3e1"] {
            assert_eq!(real.canonical(text).as_deref(), Some("3"), "{text}");
        }
        assert_eq!(real.canonical("-0.0").as_deref(), Some("0"));
        assert_eq!(Kind::Amount.canonical("10000.50").as_deref(), Some("10000.5"));
        assert_eq!(Kind::Bool.canonical("YES").as_deref(), Some("true"));
        assert_eq!(Kind::Whole(0, 9).canonical("007").as_deref(), Some("7"));
        assert_eq!(Kind::Choice(&["INFO"]).canonical("info").as_deref(), Some("INFO"));
    }

    #[test]
    fn what_is_not_of_the_kind_is_nothing() {
        let cases: [(Kind, &[&str]); 8] = [
            (
                Kind::Url,
                &[
                    "127.0.0.1:80",
                    "http://example.org",
                    "ws://127.0.0.1@example.org",
                    "http://127.0.0.1.example.org",
                    "https://",
                    "ftp://127.0.0.1",
                    "http://127.0.0.1:1 /x",
                ],
            ),
            (Kind::Bool, &["", "maybe", "2"]),
            (
                Kind::Whole(1, 16),
                &["", "0", "17", "3.0", "-1", "+3", "0x10", "99999999999999999999"],
            ),
            (Kind::Real(0.0, 1.0), &["", "NaN", "inf", "-0.1", "1.01", "half"]),
            (Kind::Limit, &["-1", "", "0.123456789"]),
            (Kind::Amount, &["0", "-5", "1e4", "0.123456789", "nan"]),
            (Kind::PowerOfTwo(1_024, 1 << 20), &["512", "1000", "2097152", "0"]),
            (
                Kind::StoreUrl,
                &[
                    "mysql://x/y",
                    "sqlite:",
                    "sqlite::memory:",
                    "sqlite:/tmp/\u{fffd}",
                    "postgres://",
                    "/tmp/a.db",
                ],
            ),
        ];
        for (kind, texts) in cases {
            for text in texts {
                assert_eq!(kind.canonical(text), None, "{kind}: {text}");
            }
        }
    }

    #[test]
    fn an_address_is_secure_or_of_this_machine() {
        let of = |text: &str| Kind::Url.canonical(text);
        assert_eq!(of("http://127.0.0.1:8080/").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(of("ws://[::1]:9").as_deref(), Some("ws://[::1]:9"));
        assert_eq!(of("https://example.org/a").as_deref(), Some("https://example.org/a"));
        assert_eq!(of("").as_deref(), Some(""));
    }

    #[test]
    fn both_names_of_postgresql_are_one() {
        let of = |text: &str| Kind::StoreUrl.canonical(text).unwrap_or_default();
        assert_eq!(of("postgres://u:p@h/db"), of("postgresql://u:p@h/db"));
        assert_eq!(of("sqlite:a.db"), "sqlite:a.db");
        assert_eq!(of("sqlite:///tmp/a.db"), "sqlite:/tmp/a.db");
    }
}
