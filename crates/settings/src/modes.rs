//! Environment, keys and arming: which orders may be real.

use crate::error::{Violation, Violations};
use crate::keys::SECRETS;
use crate::load::{Origin, Settings};
use crate::secret::Secret;

/// The exchange's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Names the account.
    pub key: Secret,
    /// Signs for it.
    pub secret: Secret,
}

const KEY: &str = "binance.api_key";
const SECRET: &str = "binance.api_secret";
const KEY_ENV: &str = "BINANCE_API_KEY";
const SECRET_ENV: &str = "BINANCE_API_SECRET";
const NAMES: [(&str, &str); SECRETS] = [(KEY, KEY_ENV), (SECRET, SECRET_ENV)];

/// Characters of a key, and of a secret that is no PEM.
const KEY_LENGTH: usize = 64;

impl Settings {
    /// `development`, `testnet` or `production`.
    pub fn environment(&self) -> &str {
        self.text("environment")
    }

    /// `live = true`?
    pub fn live(&self) -> bool {
        self.flag("live")
    }

    /// The keys, when both are set.
    pub fn keys(&self) -> Option<Keys> {
        let [key, secret] = &self.secrets;
        let both = !key.is_empty() && !secret.is_empty();
        both.then(|| Keys { key: key.clone(), secret: secret.clone() })
    }

    /// Where the keys come from, key and secret: what kind of source, and which.
    pub fn keys_from(&self) -> Option<[(Origin, &str); SECRETS]> {
        self.keys()?;
        let of = |key| self.entry(key).map(|entry| (entry.origin, entry.place.as_str()));
        Some([of(KEY)?, of(SECRET)?])
    }

    /// One line: what becomes of orders, and how to change it.
    pub fn mode_line(&self) -> &'static str {
        if self.keys().is_some() {
            "keys found, orders are simulated; to trade add `--live` and `live = true`"
        } else {
            "no keys, orders are simulated; to trade set BINANCE_API_KEY and BINANCE_API_SECRET"
        }
    }

    /// What a venue with keys needs before it starts: both of them, and for `testnet` and
    /// `binance` in the exchange's form.
    ///
    /// # Errors
    /// Both variables when keys are missing; each key that cannot be one.
    pub fn require_keys(&self, venue: &str) -> Result<(), Violations> {
        if self.keys().is_none() {
            return Err(Violations(vec![Violation {
                key: "keys".to_owned(),
                place: "environment".to_owned(),
                what: format!("{KEY_ENV} and {SECRET_ENV} are not set"),
                why: format!("venue {venue} signs its requests with them"),
                hint: "export both, or run without keys: orders are simulated then".to_owned(),
            }]));
        }
        if matches!(venue, "testnet" | "binance") { self.key_format() } else { Ok(()) }
    }

    /// Do the keys that are set have the exchange's form: 64 letters and digits, or a PEM as
    /// secret? Nothing is said of keys that are not set.
    ///
    /// # Errors
    /// Each key that has not.
    pub fn key_format(&self) -> Result<(), Violations> {
        let mut wrong = Vec::new();
        for ((key, name), value) in NAMES.into_iter().zip(&self.secrets) {
            let value = value.expose();
            let plain =
                value.len() == KEY_LENGTH && value.bytes().all(|b| b.is_ascii_alphanumeric());
            let pem = key == SECRET && value.trim_start().starts_with("-----BEGIN");
            if !value.is_empty() && !plain && !pem {
                wrong.push(Violation {
                    key: key.to_owned(),
                    place: name.to_owned(),
                    what: format!("its {} characters are not a key", value.chars().count()),
                    why: format!("a key is {KEY_LENGTH} letters and digits"),
                    hint: "copy it again from the exchange's page".to_owned(),
                });
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Violations(wrong)) }
    }

    /// Where a value came from, for messages.
    pub(crate) fn place(&self, key: &str) -> String {
        self.entry(key).map(|entry| entry.place.clone()).unwrap_or_default()
    }
}

/// Contradictions of environment, durability and keys.
pub(crate) fn check(settings: &Settings, wrong: &mut Vec<Violation>) {
    if settings.environment() == "production" && settings.text("journal.durability") == "process" {
        wrong.push(Violation {
            key: "journal.durability".to_owned(),
            place: settings.place("journal.durability"),
            what: "`process` is not enough in production".to_owned(),
            why: "after a power cut the journal could lack an order that has left".to_owned(),
            hint: "set power or auto".to_owned(),
        });
    }
    let [key, secret] = &settings.secrets;
    let pair = [(KEY, KEY_ENV, key), (SECRET, SECRET_ENV, secret)];
    for ((_, name, value), (from, other, other_value)) in [(pair[0], pair[1]), (pair[1], pair[0])] {
        // A source that was refused has said so itself.
        if value.is_empty() && !other_value.is_empty() {
            wrong.push(Violation {
                key: "keys".to_owned(),
                place: settings.place(from),
                what: format!("{other} is set and {name} is not"),
                why: "one key of two signs nothing".to_owned(),
                hint: format!("set {name} too, or unset {other} to simulate orders"),
            });
        }
    }
    let keyed = settings.environment() != "development";
    if keyed && let Err(Violations(more)) = settings.key_format() {
        wrong.extend(more);
    }
}
