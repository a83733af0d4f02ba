//! One setting: what a row of the table says.

use crate::kind::Kind::{self, Real};

/// What a setting can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The outcome of a session: written into the journal's header, part of the session's id.
    Session,
    /// How processes run and where read models go: the same session has the same rows and digest
    /// whatever these say, so they are no part of its id.
    Process,
    /// A secret: from a credential, a file, the keyring or the environment; never written anywhere.
    Secret,
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// `section.key`, or `key` at the top of the file.
    pub key: &'static str,
    /// Type and range.
    pub kind: Kind,
    /// Default in canonical text.
    pub default: &'static str,
    /// Unit, empty where there is none.
    pub unit: &'static str,
    /// Classic environment name beside `AEGIS__SECTION__KEY`.
    pub env: Option<&'static str>,
    /// What it can change.
    pub scope: Scope,
    /// Why it is there, in one line.
    pub why: &'static str,
}

impl Row {
    /// `AEGIS__SECTION__KEY`.
    pub fn env_name(&self) -> String {
        format!("AEGIS__{}", self.key.replace('.', "__").to_ascii_uppercase())
    }

    /// The section, empty at the top of the file.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The key within its section.
    pub fn name(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, name)| name)
    }

    pub(crate) const fn env(self, name: &'static str) -> Self {
        Self { env: Some(name), ..self }
    }

    pub(crate) const fn process(self) -> Self {
        Self { scope: Scope::Process, ..self }
    }
}

pub(crate) const fn row(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    unit: &'static str,
    why: &'static str,
) -> Row {
    Row { key, kind, default, unit, env: None, scope: Scope::Session, why }
}

pub(crate) const fn weight(key: &'static str, default: &'static str, why: &'static str) -> Row {
    row(key, Real(0.0, 1.0), default, "confidence", why)
}

pub(crate) const fn worth(key: &'static str, default: &'static str, why: &'static str) -> Row {
    row(key, Real(0.0, 1.0), default, "share", why)
}
