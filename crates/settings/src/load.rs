//! From flags, environment, file and defaults to effective settings, each with its origin.

use crate::checks;
use crate::error::{Violation, Violations};
use crate::file::{self, Given};
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::secret::{MASK, mask_url};
use crate::table::{Row, Scope, TABLE, position};
use std::fmt;
use std::path::PathBuf;

/// Where settings may come from; nothing is read that is not handed in here.
pub struct Sources<'a> {
    /// `aegis.toml`, when there is one.
    pub file: Option<PathBuf>,
    /// Reads one environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Names of all environment variables that start with `AEGIS__`.
    pub env_keys: Vec<String>,
    /// Settings of the command line as key and value.
    pub flags: Vec<(String, String)>,
}

/// Which source a value came from, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The table.
    Default,
    /// The settings file.
    File,
    /// The environment.
    Env,
    /// The command line.
    Flag,
}

impl Origin {
    /// `default`, `file`, `env` or `flag`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Env => "env",
            Self::Flag => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[derive(Clone, PartialEq)]
pub(crate) struct Entry {
    pub value: String,
    pub origin: Origin,
    pub place: String,
}

/// One effective setting, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `section.key`.
    pub key: &'static str,
    /// Its value; secrets and passwords masked.
    pub value: String,
    /// `default`, `file`, `env` or `flag`.
    pub origin: &'static str,
    /// The file with line, the variable or the flag that set it; empty for a default.
    pub place: String,
    /// Its default.
    pub default: &'static str,
    /// Its type and range.
    pub expected: String,
    /// Its unit.
    pub unit: &'static str,
    /// Why it is there.
    pub why: &'static str,
}

/// All effective settings, valid by construction.
#[derive(Clone, PartialEq)]
pub struct Settings {
    pub(crate) entries: Vec<Entry>,
}

impl Default for Settings {
    fn default() -> Self {
        let entry = |row: &Row| Entry {
            value: row.default.to_owned(),
            origin: Origin::Default,
            place: String::new(),
        };
        Self { entries: TABLE.iter().map(entry).collect() }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.rows().map(|row| (row.key, row.value))).finish()
    }
}

impl Settings {
    /// Reads, checks and merges: flags over environment over file over defaults.
    ///
    /// # Errors
    /// Every violation of every source at once.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Violations> {
        let mut loader = Loader { settings: Self::default(), wrong: Vec::new() };
        loader.read_file(sources);
        loader.read_env(sources);
        for (key, value) in &sources.flags {
            loader.set(key, value, Origin::Flag, format!("flag {key}={}", shown(key, value)));
        }
        loader.finish()
    }

    /// The settings that a journal's header holds (see [`Settings::pairs`]); what is not among
    /// them has its default.
    ///
    /// # Errors
    /// Every pair that this version does not know or accept.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, Violations>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut loader = Loader { settings: Self::default(), wrong: Vec::new() };
        for (key, value) in pairs {
            let place = "session header".to_owned();
            loader.set(key.as_ref(), value.as_ref(), Origin::File, place);
        }
        loader.finish()
    }

    /// Every effective value that can change the outcome of a session, for the journal's header
    /// and the session's id. No secrets; and nothing of logs, processes and databases, so that the
    /// same session written to two databases has the same id.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let of_session = TABLE.iter().zip(&self.entries).filter(|(r, _)| r.scope == Scope::Session);
        of_session.map(|(row, entry)| (row.key.to_owned(), entry.value.clone())).collect()
    }

    /// Every setting with value, origin and reason; secrets and passwords masked.
    pub fn rows(&self) -> impl Iterator<Item = Shown> + '_ {
        TABLE.iter().zip(&self.entries).map(|(row, entry)| Shown {
            key: row.key,
            value: masked(row, &entry.value),
            origin: entry.origin.name(),
            place: entry.place.clone(),
            default: row.default,
            expected: row.kind.to_string(),
            unit: row.unit,
            why: row.why,
        })
    }

    /// The canonical text of a setting; unmasked, for this crate's typed readers.
    pub(crate) fn text(&self, key: &str) -> &str {
        debug_assert!(position(key).is_some(), "{key} is not in the table");
        position(key).map_or("", |at| self.entries[at].value.as_str())
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        position(key).map(|at| &self.entries[at])
    }
}

/// The state folder: `AEGIS_HOME`, else `~/.aegis`, else `.aegis` here.
pub fn home(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (given("AEGIS_HOME"), given("HOME")) {
        (Some(folder), _) => folder,
        (None, Some(user)) => user.join(".aegis"),
        (None, None) => PathBuf::from(".aegis"),
    }
}

pub(crate) fn masked(row: &Row, value: &str) -> String {
    match row.kind {
        Kind::Secret if value.is_empty() => String::new(),
        Kind::Secret => MASK.to_owned(),
        Kind::StoreUrl => mask_url(value),
        _ => value.to_owned(),
    }
}

/// A value as it may appear in a message, whatever key it was given under.
fn shown(key: &str, value: &str) -> String {
    match position(key) {
        Some(at) => masked(&TABLE[at], value),
        None => mask_url(value),
    }
}

struct Loader {
    settings: Settings,
    wrong: Vec<Violation>,
}

impl Loader {
    fn read_file(&mut self, sources: &Sources<'_>) {
        let Some(path) = &sources.file else { return };
        match file::read(path) {
            Ok(given) => given.into_iter().for_each(|value| self.set_from_file(value)),
            Err(violation) => self.wrong.push(violation),
        }
    }

    fn set_from_file(&mut self, given: Given) {
        let Some(at) = position(&given.key) else {
            return self.unknown(&given.key, nearest(&given.key).key, given.place);
        };
        let row = &TABLE[at];
        let fits = match row.kind {
            Kind::Bool => given.toml == "boolean",
            Kind::Whole(..) | Kind::PowerOfTwo(..) => given.toml == "integer",
            Kind::Real(..) => matches!(given.toml, "integer" | "float"),
            Kind::Amount => matches!(given.toml, "integer" | "float" | "string"),
            Kind::Choice(_) | Kind::StoreUrl | Kind::Url | Kind::Secret => given.toml == "string",
        };
        if fits || row.scope == Scope::Secret {
            return self.set(&given.key, &given.text, Origin::File, given.place);
        }
        self.wrong.push(Violation {
            key: given.key,
            what: format!("`{}` is of TOML type {}", masked(row, &given.text), given.toml),
            why: format!("expected {}", row.kind),
            hint: "correct the line, or delete it for the default".to_owned(),
            place: given.place,
        });
    }

    fn read_env(&mut self, sources: &Sources<'_>) {
        for row in TABLE {
            let Some(name) = row.env else { continue };
            // An empty classic variable is an unset one: that is how compose files write it.
            let Some(value) = (sources.env)(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            if row.scope == Scope::Secret {
                self.set_secret(row, value, name);
            } else {
                self.set(row.key, &value, Origin::Env, name.to_owned());
            }
        }
        let mut names = sources.env_keys.clone();
        names.sort();
        for name in names {
            let Some(path) = name.strip_prefix("AEGIS__") else { continue };
            let key = path.to_ascii_lowercase().replace("__", ".");
            let Some(value) = (sources.env)(&name) else { continue };
            match position(&key) {
                Some(_) => self.set(&key, &value, Origin::Env, name),
                None => {
                    let near = nearest(&key).env_name();
                    self.unknown(&name.clone(), &near, "environment".to_owned());
                }
            }
        }
    }

    fn set(&mut self, key: &str, value: &str, origin: Origin, place: String) {
        let Some(at) = position(key) else {
            return self.unknown(key, nearest(key).key, place);
        };
        let row = &TABLE[at];
        if row.scope == Scope::Secret {
            self.wrong.push(Violation {
                key: key.to_owned(),
                place: place.split('=').next().unwrap_or_default().to_owned(),
                what: "a secret is given here".to_owned(),
                why: "files are copied and command lines are seen by everyone on the machine"
                    .to_owned(),
                hint: format!("set it as {} in the environment", row.env.unwrap_or_default()),
            });
            return;
        }
        match row.kind.canonical(value) {
            Some(value) => self.settings.entries[at] = Entry { value, origin, place },
            None => self.wrong.push(Violation {
                key: key.to_owned(),
                what: format!("`{}` is not accepted", masked(row, value)),
                why: format!("expected {}", row.kind),
                hint: if row.default.is_empty() {
                    "correct it, or leave it out".to_owned()
                } else {
                    format!("correct it, or leave it out for the default {}", row.default)
                },
                place,
            }),
        }
    }

    fn set_secret(&mut self, row: &Row, value: String, name: &str) {
        let pem = value.trim_start().starts_with("-----BEGIN");
        let foreign = value.chars().find(|c| !c.is_ascii_graphic());
        if let Some(foreign) = foreign.filter(|_| !pem) {
            let white = foreign.is_whitespace();
            let what = if white { "white space" } else { "a character that is not ASCII" };
            self.wrong.push(Violation {
                key: row.key.to_owned(),
                place: name.to_owned(),
                what: format!("there is {what} in it"),
                why: "no key has any; a copied line end or a blank is the usual cause".to_owned(),
                hint: format!("set {name} again without it, or unset it to simulate orders"),
            });
            // Taken all the same, so that the other key of the pair is not called missing.
        }
        if let Some(at) = position(row.key) {
            let place = name.to_owned();
            self.settings.entries[at] = Entry { value, origin: Origin::Env, place };
        }
    }

    fn unknown(&mut self, written: &str, near: &str, place: String) {
        self.wrong.push(Violation {
            key: written.to_owned(),
            place,
            what: "there is no such setting".to_owned(),
            why: format!("the nearest is {near}"),
            hint: "`aegis config show` lists all".to_owned(),
        });
    }

    fn finish(mut self) -> Result<Settings, Violations> {
        checks::check(&self.settings, &mut self.wrong);
        if self.wrong.is_empty() { Ok(self.settings) } else { Err(Violations(self.wrong)) }
    }
}
