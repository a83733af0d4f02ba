//! The rooms, and which may depend on which.

use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A room of the house: the folder `crates/NAME`, the package `aegis-NAME`.
pub struct Room {
    /// Folder name.
    pub name: &'static str,
    /// Nothing but `core`, `alloc` and `libm`: no clock, no I/O, no threads.
    pub pure: bool,
    /// May contain async code.
    pub asynchronous: bool,
    /// The rooms it may depend on.
    pub may: &'static [&'static str],
}

const fn pure(name: &'static str, may: &'static [&'static str]) -> Room {
    Room { name, pure: true, asynchronous: false, may }
}

const fn outer(name: &'static str, may: &'static [&'static str]) -> Room {
    Room { name, pure: false, asynchronous: false, may }
}

const fn with_async(name: &'static str, may: &'static [&'static str]) -> Room {
    Room { name, pure: false, asynchronous: true, may }
}

const BACKTEST: &[&str] = &[
    "types",
    "indicators",
    "smc",
    "learn",
    "engine",
    "exchange",
    "driver",
    "data",
    "journal",
    "settings",
];

/// All of the rooms above the node.
const NODE: &[&str] = &[
    "types",
    "indicators",
    "smc",
    "learn",
    "engine",
    "exchange",
    "markets",
    "driver",
    "wire",
    "ring",
    "data",
    "journal",
    "settings",
    "store",
    "venue",
    "backtest",
];

const BENCH: &[&str] = &[
    "types",
    "indicators",
    "smc",
    "learn",
    "engine",
    "exchange",
    "markets",
    "driver",
    "wire",
    "ring",
    "data",
    "journal",
    "settings",
    "store",
    "venue",
    "backtest",
    "node",
];

const AEGIS: &[&str] = &[
    "types",
    "indicators",
    "smc",
    "learn",
    "engine",
    "exchange",
    "markets",
    "driver",
    "wire",
    "ring",
    "data",
    "journal",
    "settings",
    "store",
    "venue",
    "backtest",
    "node",
    "bench",
    "torture",
    "chart",
];

/// The readers that are fed with rubbish.
const FUZZING: &[&str] = &["types", "wire", "data", "journal", "settings", "venue", "node"];

/// The house, lowest floor first: a room depends only on rooms above it in this list.
pub const ROOMS: &[Room] = &[
    pure("types", &[]),
    pure("indicators", &["types"]),
    pure("smc", &["types", "indicators"]),
    pure("chart", &["types", "smc"]),
    pure("learn", &["types", "indicators", "smc"]),
    pure("engine", &["types", "indicators", "smc", "learn"]),
    pure("exchange", &["types"]),
    pure("markets", &["types"]),
    pure("driver", &["types", "engine"]),
    pure("wire", &["types"]),
    outer("ring", &["types"]),
    outer("data", &["types"]),
    outer("journal", &["types"]),
    outer("settings", &["types", "engine", "exchange", "journal", "learn"]),
    with_async("store", &["types"]),
    with_async("venue", &["types", "wire", "exchange", "data"]),
    outer("backtest", BACKTEST),
    with_async("node", NODE),
    outer("bench", BENCH),
    outer("torture", BENCH),
    outer("fuzzing", FUZZING),
    outer("aegis", AEGIS),
];

/// Edges beside the table, each with its reason: (kind, from or `*`, to, why).
const BESIDE: &[(&str, &str, &str, &str)] = &[
    ("dev", "*", "markets", "tests of any room may trade a generated market"),
    ("dev", "*", "ring", "tests of any room may count allocations"),
    ("build", "node", "xtask", "the audit reports what tidy found when the program was built"),
    ("dev", "aegis", "xtask", "tests may ask for the root of the checkout"),
];

/// The room of that name.
pub fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// The table in the form in which ARCHITECTURE.md shows it.
pub fn table() -> String {
    let mut text = String::from("| room | | may depend on |\n|---|---|---|\n");
    for room in ROOMS {
        let mark = match (room.pure, room.asynchronous, room.name) {
            (true, ..) => "P",
            (_, true, _) => "a",
            (.., "ring") => "u",
            _ => "",
        };
        let may = match room.name {
            "node" => "all of the above".to_owned(),
            "bench" => "anything but torture and aegis".to_owned(),
            "torture" => "anything but bench and aegis".to_owned(),
            "aegis" => "anything".to_owned(),
            _ if room.may.is_empty() => "–".to_owned(),
            _ => room.may.join(", "),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {mark} | {may} |", room.name);
    }
    for (kind, from, to, why) in BESIDE {
        let from = if *from == "*" { "any" } else { from };
        let _ = writeln!(text, "| {from} ({kind}) | | {to}: {why} |");
    }
    text
}

/// Edges in the manifests that the table does not have, and a table in ARCHITECTURE.md that is not
/// this one.
pub fn check(root: &Path) -> Vec<String> {
    let mut found = match metadata(root) {
        Ok(metadata) => undeclared(&metadata),
        Err(why) => vec![why],
    };
    found.extend(architecture(root));
    found
}

fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |offline: &[&str]| {
        Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"])
            .arg(root.join("Cargo.toml"))
            .args(offline)
            .output()
            .map_err(|why| format!("cargo metadata cannot be run: {why}"))
    };
    let mut output = run(&[])?;
    if !output.status.success() {
        output = run(&["--offline"])?;
    }
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|why| format!("cargo metadata: {why}"))
}

fn undeclared(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = short(&package["name"]);
        if from != "xtask" && room(from).is_none() {
            found.push(format!("crates/{from}: not a room of the table in xtask/src/edges.rs"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // Only dependencies inside the workspace have a path.
            if dependency["path"].is_null() {
                continue;
            }
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            let to = short(&dependency["name"]);
            if !is_declared(kind, from, to) {
                found.push(format!("crates/{from}: {kind} dependency on {to} is not in the table"));
            }
        }
    }
    found
}

fn short(name: &Value) -> &str {
    let name = name.as_str().unwrap_or("?");
    name.strip_prefix("aegis-").unwrap_or(name)
}

fn is_declared(kind: &str, from: &str, to: &str) -> bool {
    // What a room may use, its tests may use too.
    room(from).is_some_and(|room| room.may.contains(&to))
        || BESIDE.iter().any(|(k, f, t, _)| *k == kind && (*f == "*" || *f == from) && *t == to)
}

const OPEN: &str = "<!-- edges -->";
const CLOSE: &str = "<!-- /edges -->";

/// Puts the table between its markers in ARCHITECTURE.md.
///
/// # Errors
/// When the file or its markers are missing, or it cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    let path = root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).map_err(|why| format!("ARCHITECTURE.md: {why}"))?;
    let (before, after) = text
        .split_once(OPEN)
        .and_then(|(before, rest)| Some((before, rest.split_once(CLOSE)?.1)))
        .ok_or_else(|| format!("ARCHITECTURE.md: no {OPEN} … {CLOSE}; add the two lines"))?;
    let text = format!("{before}{OPEN}\n\n{}\n{CLOSE}{after}", table());
    std::fs::write(&path, text).map_err(|why| format!("ARCHITECTURE.md: {why}"))
}

fn architecture(root: &Path) -> Option<String> {
    const HINT: &str = "write it with `cargo xtask edges --write`";
    let Ok(text) = std::fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        return Some(format!("ARCHITECTURE.md: missing; it holds the dependency table, {HINT}"));
    };
    let shown = text
        .split_once(OPEN)
        .and_then(|(_, rest)| rest.split_once(CLOSE))
        .map(|(table, _)| table.trim());
    match shown {
        None => Some(format!("ARCHITECTURE.md: no table between {OPEN} and {CLOSE}; {HINT}")),
        Some(shown) if shown != table().trim() => {
            Some(format!("ARCHITECTURE.md: the dependency table is not xtask's; {HINT}"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_depend_only_on_lower_floors() {
        for (floor, room) in ROOMS.iter().enumerate() {
            for to in room.may {
                let lower = ROOMS[..floor].iter().find(|below| below.name == *to);
                let below = lower.unwrap_or_else(|| panic!("{} -> {to}", room.name));
                assert!(!room.pure || below.pure, "{} is pure, {to} is not", room.name);
            }
        }
    }

    #[test]
    fn an_undeclared_edge_is_found() {
        let package = |name: &str, to: &str, kind: Value| {
            let inside = serde_json::json!({ "name": to, "path": "/x", "kind": kind });
            let outside = serde_json::json!({ "name": "serde", "kind": null });
            let package = serde_json::json!({ "name": name, "dependencies": [inside, outside] });
            serde_json::json!({ "packages": [package] })
        };
        let found = |name, to, kind| undeclared(&package(name, to, kind));
        assert!(found("aegis-engine", "aegis-learn", Value::Null).is_empty());
        assert!(found("aegis-driver", "aegis-markets", "dev".into()).is_empty());
        let edge = "crates/engine: normal dependency on exchange is not in the table";
        assert_eq!(found("aegis-engine", "aegis-exchange", Value::Null), [edge]);
        assert_eq!(found("aegis-engine", "aegis-markets", Value::Null).len(), 1);
        assert_eq!(found("aegis-cellar", "aegis-types", Value::Null).len(), 2);
    }
}
