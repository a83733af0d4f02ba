//! Embeds what the audit reports of the build: the commit, the crate graph, and tidy's result.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new("../..");
    println!("cargo:rustc-env=AEGIS_COMMIT={}", commit());
    println!("cargo:rustc-env=AEGIS_GRAPH={}", graph(root));
    println!("cargo:rustc-env=AEGIS_TIDY={}", tidy(root));
    for path in [".git/HEAD", ".git/refs/heads", "crates", "xtask/src", "ARCHITECTURE.md"] {
        println!("cargo:rerun-if-changed=../../{path}");
    }
}

fn commit() -> String {
    Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|out| out.status.success())
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// `crate:dependency,dependency;…` from the manifests of all rooms.
fn graph(root: &Path) -> String {
    let mut graph = String::new();
    let mut rooms: Vec<_> =
        std::fs::read_dir(root.join("crates")).into_iter().flatten().flatten().collect();
    rooms.sort_by_key(std::fs::DirEntry::file_name);
    for room in rooms {
        let Ok(manifest) = std::fs::read_to_string(room.path().join("Cargo.toml")) else {
            continue;
        };
        let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let edges: Vec<_> = section
            .lines()
            .filter_map(|line| line.strip_prefix("aegis-"))
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .collect();
        let name = room.file_name().to_string_lossy().into_owned();
        // Writing to a String cannot fail.
        let _ = write!(graph, "{name}:{};", edges.join(","));
    }
    graph
}

fn tidy(root: &Path) -> String {
    if !root.join("xtask").is_dir() {
        return "not run".to_owned();
    }
    let found = xtask::tidy(root);
    match found.first() {
        None => "clean".to_owned(),
        Some(first) => format!("{} findings, first: {first}", found.len()).replace('\n', " "),
    }
}
