//! `aegis.toml`: values with the line they stand on.

use crate::error::Violation;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// One value of the file.
pub(crate) struct Given {
    /// `section.key`.
    pub key: String,
    /// The value as text: of a string its content, else what stands in the file.
    pub text: String,
    /// Its TOML type.
    pub toml: &'static str,
    /// `file:line`.
    pub place: String,
}

fn fault(place: String, what: String, why: &str, hint: &str) -> Violation {
    Violation {
        key: "settings file".to_owned(),
        place,
        what,
        why: why.to_owned(),
        hint: hint.to_owned(),
    }
}

/// Reads a file into its values.
pub(crate) fn read(path: &Path) -> Result<Vec<Given>, Violation> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        let hint = "check the path, or leave it out: every setting has a default";
        fault(name.clone(), format!("it cannot be read ({e})"), "it was named", hint)
    })?;
    parse(&name, &text)
}

/// The values of a file's text; messages call it `name`.
pub(crate) fn parse(name: &str, text: &str) -> Result<Vec<Given>, Violation> {
    let table = DeTable::parse(text).map_err(|e| {
        let line = line_of(text, e.span().unwrap_or_default());
        let hint = "write key = value under [section], as `aegis config example` shows";
        fault(format!("{name}:{line}"), e.message().to_owned(), "it is not TOML there", hint)
    })?;
    let mut given = Vec::new();
    walk(name, text, "", table.get_ref(), &mut given);
    Ok(given)
}

fn walk(name: &str, text: &str, prefix: &str, table: &DeTable<'_>, given: &mut Vec<Given>) {
    for (key, value) in table {
        let dot = if prefix.is_empty() { "" } else { "." };
        let path = format!("{prefix}{dot}{}", key.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            walk(name, text, &path, inner, given);
            continue;
        }
        let written = match value.get_ref() {
            DeValue::String(string) => string.to_string(),
            _ => text.get(value.span()).unwrap_or_default().replace('_', ""),
        };
        let toml = value.get_ref().type_str();
        let place = format!("{name}:{}", line_of(text, key.span()));
        given.push(Given { key: path, text: written, toml, place });
    }
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    let start = span.start.min(text.len());
    text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1
}
