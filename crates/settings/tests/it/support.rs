//! Settings from texts.

use aegis_settings::{Settings, Sources, Violations};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A settings file of this test alone, removed at the end.
pub struct TomlFile(pub PathBuf);

impl TomlFile {
    pub fn new(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("aegis-settings-{}-{n}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a temporary file");
        Self(path)
    }
}

impl Drop for TomlFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Loads from a file's text, environment and flags.
pub fn load(
    file: Option<&str>,
    env: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Settings, Violations> {
    let file = file.map(TomlFile::new);
    let read = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let names = env.iter().map(|(n, _)| (*n).to_owned()).filter(|n| n.starts_with("AEGIS__"));
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    Settings::load(&Sources {
        file: file.as_ref().map(|f| f.0.clone()),
        env: &read,
        env_keys: names.collect(),
        flags: flags.iter().map(own).collect(),
    })
}

/// The text of all violations.
pub fn wrong(file: Option<&str>, env: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    load(file, env, flags).expect_err("something is wrong").to_string()
}

/// A setting as shown: value and origin.
pub fn shown(settings: &Settings, key: &str) -> (String, &'static str) {
    let row = settings.rows().find(|row| row.key == key).expect("a known key");
    (row.value, row.origin)
}
