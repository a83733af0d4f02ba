//! The rules, each a function from text to findings.

use crate::edges;
use crate::files::{self, Source};
use std::path::Path;

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 80;
const COLUMNS_MAX: usize = 100;
/// The repository stays small: no market data, no build products.
const TRACKED_BYTES_MAX: u64 = 15 << 20;

/// Files whose whole logic is `step(now, input, &mut out)`; their first line says so. Any other
/// file may declare itself one with the same line.
const STEP_MACHINES: &[&str] =
    &["crates/node/src/sequencer.rs", "crates/node/src/supervisor.rs", "crates/node/src/pace.rs"];

const STEP_MACHINE_LINE: &str = "//! Step machine:";

/// What a step machine may not reach: the world and its clocks.
const WORLD: &[&str] =
    &["std::net", "std::fs", "std::thread", "std::time", "std::io", "std::process", "tokio"];

/// The rules of one source file.
pub fn source(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    shape(source, &mut found);
    leftovers(source, &mut found);
    unsafe_code(source, &mut found);
    async_code(source, &mut found);
    pure_code(source, &mut found);
    apart(source, &mut found);
    step_machine(source, &mut found);
    found
}

fn shape(source: &Source, found: &mut Vec<String>) {
    let path = &source.path;
    let lines = source.text.lines().count();
    if lines > FILE_LINES_MAX {
        found.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
    }
    for (number, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            let number = number + 1;
            found.push(format!("{path}:{number}: {columns} columns, at most {COLUMNS_MAX}"));
        }
    }
    for (number, name, lines) in functions(&source.code) {
        if lines > FUNCTION_LINES_MAX {
            found.push(format!(
                "{path}:{number}: fn {name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
            ));
        }
    }
}

/// The functions of stripped code: line of the signature, name, number of lines to the last brace.
pub fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in words(code, "fn") {
        let rest = code[at + 2..].trim_start();
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            continue; // a type such as `fn(u8)`
        }
        if let Some(end) = body_end(&code[at..]) {
            let number = 1 + code[..at].matches('\n').count();
            found.push((number, name, 1 + code[at..at + end].matches('\n').count()));
        }
    }
    found
}

/// Where the body of the function that begins here ends; nothing if it has none.
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0usize, 0usize);
    for (at, c) in code.char_indices() {
        match c {
            // An array type in the signature has a semicolon too.
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The places of a whole word, and what follows it.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let after = &code[at + word.len()..];
        let whole = !code[..at].ends_with(part) && !after.starts_with(part);
        whole.then_some((at, after))
    })
}

fn line_of(code: &str, at: usize) -> usize {
    1 + code[..at].matches('\n').count()
}

fn leftovers(source: &Source, found: &mut Vec<String>) {
    // Written in two halves, or this file would find itself.
    for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
        for (at, _) in words(&source.comments, mark) {
            let line = line_of(&source.comments, at);
            found.push(format!("{}:{line}: a leftover {mark}", source.path));
        }
    }
    for mark in ["dbg", "todo", "unimplemented"] {
        for (at, _) in words(&source.code, mark).filter(|(_, after)| after.starts_with('!')) {
            let line = line_of(&source.code, at);
            found.push(format!("{}:{line}: a leftover {mark}!", source.path));
        }
    }
}

/// How many times the keyword stands in stripped code.
pub fn unsafe_count(code: &str) -> usize {
    words(code, "unsafe").count()
}

fn unsafe_code(source: &Source, found: &mut Vec<String>) {
    if source.room() == "ring" {
        return;
    }
    for (at, _) in words(&source.code, "unsafe") {
        let line = line_of(&source.code, at);
        found.push(format!("{}:{line}: unsafe outside ring", source.path));
    }
}

fn async_code(source: &Source, found: &mut Vec<String>) {
    if edges::room(source.room()).is_some_and(|room| room.asynchronous) {
        return;
    }
    for word in ["async", "await", "tokio"] {
        for (at, _) in words(&source.code, word) {
            let line = line_of(&source.code, at);
            found.push(format!("{}:{line}: `{word}` in a room without async", source.path));
        }
    }
}

/// A pure room says `no_std` and means it, its unit tests aside.
fn pure_code(source: &Source, found: &mut Vec<String>) {
    let pure = edges::room(source.room()).is_some_and(|room| room.pure);
    let in_src = source.path.split('/').nth(2) == Some("src");
    if !(pure && in_src) {
        return;
    }
    if source.path.ends_with("/src/lib.rs") && !source.code.contains("#![no_std]") {
        found.push(format!("{}: a pure room without #![no_std]", source.path));
    }
    let shipped = source.code.split("#[cfg(test)]").next().unwrap_or_default();
    for word in ["std", "HashMap", "HashSet"] {
        for (at, _) in words(shipped, word) {
            let line = line_of(shipped, at);
            found.push(format!("{}:{line}: `{word}` in a pure room", source.path));
        }
    }
}

/// Feed and brain are two processes: neither module knows the other's, and only the orchestrator
/// starts them.
fn apart(source: &Source, found: &mut Vec<String>) {
    for (module, other) in [("feed", "brain"), ("brain", "feed")] {
        let file = format!("crates/node/src/{module}.rs");
        let folder = format!("crates/node/src/{module}/");
        if source.path != file && !source.path.starts_with(&folder) {
            continue;
        }
        for (at, after) in words(&source.code, other) {
            let before = source.code[..at].trim_end();
            let path = before.ends_with("crate::") || before.ends_with("super::");
            let imported = after.starts_with("::");
            if path || imported {
                let line = line_of(&source.code, at);
                found.push(format!("{}:{line}: {module} names {other}", source.path));
            }
        }
    }
}

fn step_machine(source: &Source, found: &mut Vec<String>) {
    if !source.text.starts_with(STEP_MACHINE_LINE) {
        return;
    }
    let shipped = source.code.split("#[cfg(test)]").next().unwrap_or_default();
    for reach in WORLD {
        if let Some(at) = shipped.find(reach) {
            let line = line_of(shipped, at);
            found.push(format!("{}:{line}: a step machine reaches {reach}", source.path));
        }
    }
    for clock in ["Instant", "SystemTime"] {
        for (at, _) in words(shipped, clock) {
            let line = line_of(shipped, at);
            found.push(format!("{}:{line}: a step machine reads {clock}", source.path));
        }
    }
}

/// Every file of the list is there and declares itself.
pub fn step_machines(sources: &[Source]) -> Vec<String> {
    let declared = |path: &&&str| {
        sources.iter().any(|s| s.path == **path && s.text.starts_with(STEP_MACHINE_LINE))
    };
    let missing = STEP_MACHINES.iter().filter(|path| !declared(path));
    missing.map(|path| format!("{path}: not there, or without `{STEP_MACHINE_LINE} …`")).collect()
}

/// Every outside dependency is in the root manifest with its reason, and nowhere else.
pub fn manifests(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(text) = files::read(&root.join("Cargo.toml")) {
        found.extend(reasons(&text));
    }
    let paths = files::tracked(root);
    // The folder of cargo-fuzz is a workspace of its own, as that tool wants it.
    let own = |path: &&String| path.ends_with("/Cargo.toml") && *path != "fuzz/Cargo.toml";
    for path in paths.iter().filter(own) {
        if let Some(text) = files::read(&root.join(path)) {
            found.extend(inherited(path, &text));
        }
    }
    found
}

/// The lines of the `[…dependencies]` tables: number, line before, line.
fn dependency_lines(text: &str) -> Vec<(usize, &str, &str)> {
    let mut lines = Vec::new();
    let (mut inside, mut before) = (false, "");
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside && line.contains('=') && !line.starts_with('#') {
            lines.push((number + 1, before, line));
        }
        before = line;
    }
    lines
}

fn reasons(text: &str) -> Vec<String> {
    let without = dependency_lines(text)
        .into_iter()
        .filter(|(_, before, line)| !line.starts_with("aegis-") && !before.starts_with("# why"));
    without
        .map(|(number, _, line)| {
            let name = line.split([' ', '=', '.']).next().unwrap_or_default();
            format!("Cargo.toml:{number}: {name} has no `# why: …` above it")
        })
        .collect()
}

fn inherited(path: &str, text: &str) -> Vec<String> {
    let own = dependency_lines(text).into_iter().filter(|(_, _, line)| {
        let workspace = line.contains("workspace = true") || line.contains(".workspace=true");
        !workspace && !line.contains("path = ")
    });
    own.map(|(number, _, line)| {
        let name = line.split([' ', '=', '.']).next().unwrap_or_default();
        format!("{path}:{number}: {name} is not inherited from the root manifest")
    })
    .collect()
}

/// The repository stays below its size, and holds no market data.
pub fn size(root: &Path) -> Vec<String> {
    let bytes = |path: &String| std::fs::metadata(root.join(path)).map_or(0, |meta| meta.len());
    let total: u64 = files::tracked(root).iter().map(bytes).sum();
    if total <= TRACKED_BYTES_MAX {
        return Vec::new();
    }
    vec![format!("tracked files hold {total} bytes, at most {TRACKED_BYTES_MAX}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        source(&Source::new(path, text.to_owned()))
    }

    #[test]
    fn every_rule_finds_its_planted_fault() {
        let long = format!("fn a() {{\n{}}}\n", "    b();\n".repeat(80));
        let cases = [
            ("crates/data/src/a.rs", "x\n".repeat(801), "801 lines"),
            ("crates/data/src/a.rs", "é".repeat(101), "101 columns"),
            ("crates/data/src/a.rs", long, "fn a has 82 lines"),
            ("crates/data/src/a.rs", format!("// {}: later", concat!("TO", "DO")), "leftover"),
            ("crates/data/src/a.rs", "fn a() { dbg!(1); }".into(), "a leftover dbg!"),
            ("crates/data/src/a.rs", "unsafe fn a() {}".into(), "unsafe outside ring"),
            ("crates/data/src/a.rs", "async fn a() {}".into(), "`async` in a room"),
            ("crates/types/src/lib.rs", "mod a;".into(), "without #![no_std]"),
            ("crates/engine/src/a.rs", "use std::fs;".into(), "`std` in a pure room"),
            ("crates/engine/src/a.rs", "use x::HashMap;".into(), "`HashMap` in a pure room"),
            ("crates/node/src/feed.rs", "use crate::brain;".into(), "feed names brain"),
            ("crates/node/src/brain/a.rs", "feed::run()".into(), "brain names feed"),
            (
                "crates/node/src/a.rs",
                "//! Step machine: x\nuse std::time::Duration;".into(),
                "a step machine reaches std::time",
            ),
            ("crates/node/src/a.rs", "//! Step machine: x\nInstant::now()".into(), "reads Instant"),
        ];
        for (path, text, wanted) in cases {
            let found = findings(path, &text);
            assert!(found.iter().any(|f| f.contains(wanted)), "{wanted}: {found:?}");
        }
    }

    #[test]
    fn what_is_allowed_passes() {
        for (path, text) in [
            ("crates/ring/src/a.rs", "unsafe fn a() {}"),
            ("crates/node/src/a.rs", "async fn a() { b().await }"),
            ("crates/data/src/a.rs", "// unsafe, async\nlet a = \"unsafe dbg!( async\";"),
            ("crates/engine/src/a.rs", "use core::fmt;\n#[cfg(test)]\nmod t { use std::fs; }"),
            ("crates/engine/tests/a.rs", "use std::collections::HashMap;"),
            ("crates/node/src/feed.rs", "// the brain reads it\nlet brain_lag = 1;"),
            ("crates/node/src/orchestrator.rs", "use crate::{brain, feed};"),
        ] {
            assert_eq!(findings(path, text), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn functions_are_measured_to_their_last_brace() {
        let code = "impl A {\n  fn b(x: [u8; 3]) -> u8 {\n    if c { 1 }\n    else { 2 }\n  }\n\
                    fn d();\n}\ntype F = fn(u8);\n";
        assert_eq!(functions(code), [(2, "b".to_owned(), 4)]);
    }

    #[test]
    fn dependencies_need_a_reason_and_one_home() {
        let root = "[workspace.dependencies]\naegis-a = 1\n# why: text\nb = \"1\"\nc = \"2\"\n";
        assert_eq!(reasons(root), ["Cargo.toml:5: c has no `# why: …` above it"]);
        let own = "[dependencies]\na.workspace = true\nb = { workspace = true }\nc = \"1\"\n\
                   [lints]\nworkspace = true\n";
        assert_eq!(inherited("x", own), ["x:4: c is not inherited from the root manifest"]);
    }
}
