//! What the program is made of: licences that allow it, and a list of parts (CycloneDX).
//!
//! Both come from `cargo metadata` and Cargo.lock alone, so they work without a network and give
//! the same bytes each time: no clock, no random serial number.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Licences that ask for nothing but their text. The same as `allow` in deny.toml; a test compares.
pub const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The package whose parts are listed.
const PROGRAM: &str = "aegis";
/// Where the list is written.
pub const SBOM: &str = "target/aegis.cdx.json";

/// Packages whose licence is not among [`LICENCES`], of all that the lock file has for this
/// platform, tests and tools too.
///
/// # Errors
/// When cargo does not say what there is.
pub fn licences(root: &Path) -> Result<Vec<String>, String> {
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut found: Vec<_> = packages.filter_map(refused).collect();
    found.sort();
    Ok(found)
}

fn refused(package: &Value) -> Option<String> {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    match package["license"].as_str() {
        None => Some(format!("{name} {version}: it names no licence")),
        Some(licence) if allows(licence) => None,
        Some(licence) => Some(format!("{name} {version}: {licence} is not a permissive licence")),
    }
}

/// Does an SPDX expression leave a choice of allowed licences only?
fn allows(expression: &str) -> bool {
    // Before there were expressions, a slash meant a choice.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let allowed = either(&words, &mut at);
    allowed && at == words.len()
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut allowed = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        // Not `||`: what stands behind has to be read in any case.
        allowed |= both(words, at);
    }
    allowed
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut allowed = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        allowed &= one(words, at);
    }
    allowed
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let allowed = either(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return allowed && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return LICENCES.contains(&format!("{word} WITH {exception}").as_str());
    }
    LICENCES.contains(word)
}

/// All packages of this platform and how they hang together.
fn metadata(root: &Path) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = host()?;
    let run = |more: &[&str]| {
        Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host])
            .arg("--manifest-path")
            .arg(root.join("Cargo.toml"))
            .args(more)
            .output()
            .map_err(|why| format!("cargo metadata cannot be run: {why}"))
    };
    let mut output = run(&["--offline"])?;
    if !output.status.success() {
        output = run(&[])?;
    }
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|why| format!("cargo metadata: {why}"))
}

/// The platform's name, as the compiler calls it.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|why| format!("rustc: {why}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not say its host".to_owned())
}

/// The list of parts of the program, as CycloneDX JSON.
///
/// # Errors
/// When cargo does not say what there is.
pub fn sbom(root: &Path) -> Result<String, String> {
    let metadata = metadata(root)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|why| format!("Cargo.lock: {why}"))?;
    let list = cyclonedx(&metadata, &checksums(&lock)).ok_or("cargo metadata has no program")?;
    let text = serde_json::to_string_pretty(&list).map_err(|why| why.to_string())?;
    Ok(text + "\n")
}

/// Writes the list to [`SBOM`].
///
/// # Errors
/// As [`sbom`], and when it cannot be written.
pub fn write(root: &Path) -> Result<(), String> {
    let text = sbom(root)?;
    std::fs::write(root.join(SBOM), text).map_err(|why| format!("{SBOM}: {why}"))
}

/// SHA-256 of each package's archive, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for block in lock.split("[[package]]") {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key));
            line.map(|rest| rest.trim_matches(|c| c == '"' || c == ' ' || c == '=').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) =
            (value("name ="), value("version ="), value("checksum ="))
        {
            found.insert((name, version), sum);
        }
    }
    found
}

fn cyclonedx(metadata: &Value, sums: &BTreeMap<(String, String), String>) -> Option<Value> {
    let by_id = |list: &'static str, within: &Value| -> BTreeMap<String, Value> {
        let items = within[list].as_array().into_iter().flatten();
        items.map(|item| (text(&item["id"]).to_owned(), item.clone())).collect()
    };
    let packages = by_id("packages", metadata);
    let nodes = by_id("nodes", &metadata["resolve"]);
    let (root, program) = packages.iter().find(|(_, package)| package["name"] == PROGRAM)?;
    let reached = reach(root, &nodes);
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for id in &reached {
        let package = packages.get(id)?;
        if id != root {
            components.push(component(package, "library", sums));
        }
        let on: BTreeSet<_> =
            shipped(&nodes[id]).filter_map(|to| packages.get(to)).map(reference).collect();
        dependencies.push(json!({ "ref": reference(package), "dependsOn": on }));
    }
    let order = |value: &Value, key: &str| text(&value[key]).to_owned();
    components.sort_by_key(|component| order(component, "bom-ref"));
    dependencies.sort_by_key(|dependency| order(dependency, "ref"));
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(program, "application", sums) },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Everything that the program is built from; not what only tests use.
fn reach(root: &str, nodes: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut left = vec![root.to_owned()];
    while let Some(id) = left.pop() {
        if let Some(node) = nodes.get(&id)
            && reached.insert(id)
        {
            left.extend(shipped(node).map(str::to_owned));
        }
    }
    reached
}

fn shipped(node: &Value) -> impl Iterator<Item = &str> {
    let all = node["deps"].as_array().into_iter().flatten();
    let shipped = all.filter(|dep| {
        let kinds = dep["dep_kinds"].as_array().into_iter().flatten();
        kinds.into_iter().any(|kind| kind["kind"] != "dev")
    });
    shipped.map(|dep| text(&dep["pkg"]))
}

fn component(package: &Value, kind: &str, sums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "purl": reference(package),
        "licenses": [{ "expression": text(&package["license"]).replace('/', " OR ") }],
    });
    if let Some(sum) = sums.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

fn reference(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(&package["name"]), text(&package["version"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged_as_a_lawyer_would() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND LGPL-2.1", false),
            ("LGPL-3.0 OR MIT AND GPL-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", false),
            ("(MIT", false),
            ("MIT)", false),
            ("", false),
        ] {
            assert_eq!(allows(expression), allowed, "{expression}");
        }
    }

    #[test]
    fn a_licence_that_binds_is_found() {
        let package = json!({"name": "a", "version": "1.0.0", "license": "AGPL-3.0"});
        assert!(refused(&package).is_some_and(|said| said.contains("AGPL-3.0")));
        assert!(refused(&json!({"name": "a", "version": "1.0.0", "license": null})).is_some());
    }

    #[test]
    fn deny_toml_allows_the_same() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = std::fs::read_to_string(root.join("deny.toml")).unwrap();
        let list = text.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
        let allowed: Vec<_> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(allowed, LICENCES);
    }

    #[test]
    fn parts_are_those_that_ship_and_the_list_is_the_same_each_time() {
        let package =
            |name: &str| json!({"id": name, "name": name, "version": "1", "license": "MIT"});
        let dep = |to: &str, kind: Value| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package("aegis"), package("b"), package("tests"), package("build")],
            "resolve": {"nodes": [
                {"id": "aegis", "deps": [dep("b", Value::Null), dep("tests", "dev".into())]},
                {"id": "b", "deps": [dep("build", "build".into())]},
                {"id": "tests", "deps": []}, {"id": "build", "deps": []},
            ]},
        });
        let lock = "[[package]]\nname = \"b\"\nversion = \"1\"\nchecksum = \"00ff\"\n";
        let list = cyclonedx(&metadata, &checksums(lock)).unwrap();
        let names: Vec<_> =
            list["components"].as_array().unwrap().iter().map(|c| text(&c["name"])).collect();
        assert_eq!(names, ["b", "build"]);
        assert_eq!(list["components"][0]["hashes"][0]["content"], "00ff");
        assert_eq!(list["dependencies"][0]["dependsOn"], json!(["pkg:cargo/b@1"]));
        assert_eq!(cyclonedx(&metadata, &checksums(lock)).unwrap(), list);
    }
}
