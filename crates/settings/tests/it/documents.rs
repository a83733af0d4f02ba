//! The example file and the reference page are what the table says. `UPDATE=1` writes them.

use crate::support::load;
use aegis_settings::{Scope, Settings, TABLE, example_toml, reference_markdown};
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn holds(path: &str, text: &str) {
    let path = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is not what the table says; run with UPDATE=1", path.display());
}

#[test]
fn the_example_file_is_the_table() {
    holds("aegis.toml", &example_toml());
}

#[test]
fn the_reference_page_is_the_table() {
    holds("docs/settings.md", &reference_markdown());
}

#[test]
fn the_example_file_means_the_defaults_with_and_without_its_comment_signs() {
    let example = example_toml();
    let as_is = load(Some(&example), &[], &[]).expect("valid");
    assert_eq!(as_is, Settings::default());
    let key = |text: &str| text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let is_value = |line: &str| {
        let line = line.strip_prefix("# ").and_then(|line| line.split_once(" = "));
        line.is_some_and(|(name, _)| key(name))
    };
    let uncommented: String = example
        .lines()
        .filter(|line| !line.starts_with("# ") || is_value(line))
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    let all = load(Some(&uncommented), &[], &[]).expect("valid");
    assert_eq!(all.pairs(), Settings::default().pairs());
    for (row, entry) in TABLE.iter().zip(all.rows()) {
        let expected = if row.scope == Scope::Secret { "default" } else { "file" };
        assert_eq!((entry.origin, entry.value.as_str()), (expected, row.default), "{}", row.key);
    }
}
