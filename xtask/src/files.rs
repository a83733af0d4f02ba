//! The files that the rules look at.

use crate::strip::strip;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Rust source file of the house.
pub struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// As written.
    pub text: String,
    /// Without comments and strings.
    pub code: String,
    /// Comments only.
    pub comments: String,
}

impl Source {
    /// From its text.
    pub fn new(path: &str, text: String) -> Self {
        let stripped = strip(&text);
        Self { path: path.into(), text, code: stripped.code, comments: stripped.comments }
    }

    /// The room it belongs to.
    pub fn room(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("")
    }
}

/// All Rust sources under `crates` and `xtask`.
pub fn sources(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root.join("crates"), &mut paths);
    walk(&root.join("xtask"), &mut paths);
    paths.sort();
    let rust = paths.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.filter_map(|path| Some(Source::new(&relative(root, path), read(path)?))).collect()
}

/// The files under version control; without a repository, all files.
pub fn tracked(root: &Path) -> Vec<String> {
    let listed = Command::new("git").arg("-C").arg(root).args(["ls-files", "-z"]).output();
    if let Ok(output) = listed
        && output.status.success()
    {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        return text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    }
    let mut paths = Vec::new();
    walk(root, &mut paths);
    paths.iter().map(|path| relative(root, path)).collect()
}

/// A file's text, unless it is not text.
pub fn read(path: &Path) -> Option<String> {
    std::fs::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "target" && name != ".git" {
                walk(&path, paths);
            }
        } else {
            paths.push(path);
        }
    }
}
