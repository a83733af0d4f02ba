//! From flags, environment, file and defaults to effective settings, each with its origin.

use crate::checks;
use crate::error::{Violation, Violations};
use crate::file::{self, Given};
use crate::keys::{self, KEY_FILE, KEYRING, SECRETS};
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::row::{Row, Scope};
use crate::secret::{MASK, Secret, mask_url};
use crate::table::{TABLE, position};
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
    /// The kernel's keyring.
    Keyring,
    /// A file with keys.
    KeyFile,
    /// A credential of the service manager.
    Credential,
}

impl Origin {
    /// `default`, `file`, `env`, `flag`, `keyring`, `key file` or `credential`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Env => "env",
            Self::Flag => "flag",
            Self::Keyring => "keyring",
            Self::KeyFile => "key file",
            Self::Credential => "credential",
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
    /// Name of its [`Origin`].
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
    /// Empty where the row is a secret: those are apart.
    pub(crate) entries: Vec<Entry>,
    pub(crate) secrets: [Secret; SECRETS],
}

impl Default for Settings {
    fn default() -> Self {
        let entry = |row: &Row| Entry {
            value: row.default.to_owned(),
            origin: Origin::Default,
            place: String::new(),
        };
        Self { entries: TABLE.iter().map(entry).collect(), secrets: Default::default() }
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
        loader.read_keys(sources);
        loader.finish()
    }

    /// The settings of a file's text alone; messages call it `name`.
    ///
    /// # Errors
    /// Every violation in it at once.
    pub fn from_text(name: &str, text: &str) -> Result<Self, Violations> {
        let mut loader = Loader { settings: Self::default(), wrong: Vec::new() };
        match file::parse(name, text) {
            Ok(given) => given.into_iter().for_each(|value| loader.set_from_file(value)),
            Err(violation) => loader.wrong.push(violation),
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
            value: match self.secret(row.key) {
                Some(secret) if !secret.is_empty() => MASK.to_owned(),
                _ => masked(row, &entry.value),
            },
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

    /// A secret of the table; `None` for what is none.
    pub(crate) fn secret(&self, key: &str) -> Option<&Secret> {
        keys::rows().position(|row| row.key == key).map(|at| &self.secrets[at])
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
            Kind::Amount | Kind::Limit => matches!(given.toml, "integer" | "float" | "string"),
            kind => kind.is_text() && given.toml == "string",
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
        for row in TABLE.iter().filter(|row| row.scope != Scope::Secret) {
            let Some(name) = row.env else { continue };
            // An empty classic variable is an unset one: that is how compose files write it.
            let Some(value) = (sources.env)(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            self.set(row.key, &value, Origin::Env, name.to_owned());
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
                hint: format!(
                    "put it into a file of mode 600 that {KEY_FILE} names, or set {} in the \
                     environment",
                    row.env.unwrap_or_default()
                ),
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

    /// Last of all: settings say where the file of keys is, and how keys in the keyring are called.
    fn read_keys(&mut self, sources: &Sources<'_>) {
        let named = [KEY_FILE, KEYRING].map(|key| self.settings.text(key).to_owned());
        let found = keys::find(sources, &named, &mut self.wrong);
        for (index, (found, row)) in found.into_iter().zip(keys::rows()).enumerate() {
            if let (Some(found), Some(at)) = (found, position(row.key)) {
                let (origin, place) = (found.origin, found.place);
                self.settings.entries[at] = Entry { value: String::new(), origin, place };
                self.settings.secrets[index] = found.secret;
            }
        }
    }

    fn unknown(&mut self, written: &str, near: &str, place: String) {
        // Behind the name of a key, where an equals sign is missing, may stand the key itself.
        let lower = written.to_ascii_lowercase();
        let key = keys::rows().map(|row| row.key).find(|key| lower.starts_with(*key));
        self.wrong.push(Violation {
            key: key.map_or_else(|| written.to_owned(), |key| format!("{key}…")),
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
