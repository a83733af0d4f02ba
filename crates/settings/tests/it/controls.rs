//! The page of controls is what the table says, and the table says nothing that is not there.

use crate::documents::{holds, root};
use aegis_engine::CONTROLS;
use aegis_settings::{CONTROL_TABLE, TABLE, controls_markdown};
use aegis_types::{AlertCode, DenialCode, RejectCode};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_page_of_controls_is_the_table() {
    holds("docs/controls.md", &controls_markdown());
}

#[test]
fn settings_and_codes_exist() {
    let denials = DenialCode::ALL.iter().map(|code| code.code());
    let alerts = AlertCode::ALL.iter().map(|code| code.code());
    let rejects = RejectCode::ALL.iter().map(|code| code.code());
    // Alerts of the processes are the node's, a room that this one knows nothing of.
    let node = std::fs::read_to_string(root().join("crates/node/src/alerts.rs")).expect("text");
    let node = node.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next());
    let codes: BTreeSet<&str> = denials.chain(alerts).chain(rejects).chain(node).collect();
    for row in CONTROL_TABLE {
        for key in row.settings {
            assert!(TABLE.iter().any(|r| r.key == *key), "{}: no setting {key}", row.id);
        }
        for code in row.says {
            assert!(codes.contains(code), "{}: no code {code}", row.id);
        }
        assert!(!row.tests.is_empty(), "{} has no test", row.id);
    }
}

#[test]
fn no_control_is_without_its_row_setting_code_figure_and_test() {
    for number in 1..=14 {
        let id = format!("C{number}");
        let row = CONTROL_TABLE.iter().find(|row| row.id == id);
        let row = row.unwrap_or_else(|| panic!("{id} has no row"));
        assert!(!row.metric.is_empty() && !row.tests.is_empty(), "{id}");
        // What nothing may move has no setting, and what refuses nothing has no code.
        assert!(!row.settings.is_empty() || id == "C11", "{id} has no setting");
        assert!(!row.says.is_empty() || id == "C10", "{id} has no code");
    }
}

#[test]
fn every_control_of_the_engine_is_in_the_table() {
    for (name, codes) in CONTROLS {
        let rows: Vec<_> =
            CONTROL_TABLE.iter().filter(|row| row.metric.split(", ").any(|m| m == name)).collect();
        assert!(!rows.is_empty(), "{name} is in no row");
        for code in codes {
            let said = rows.iter().any(|row| row.says.contains(&code.code()));
            assert!(said, "{name} says {code}, its row does not");
        }
    }
}

/// Every `.rs` file below a folder.
fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    for row in CONTROL_TABLE {
        for test in row.tests {
            let (package, path) = test.split_once(' ').expect("package and path");
            let name = path.rsplit("::").next().expect("a name");
            let folder = package.strip_prefix("aegis-").unwrap_or(package);
            let mut text = String::new();
            for part in ["src", "tests"] {
                sources(&root().join("crates").join(folder).join(part), &mut text);
            }
            assert!(text.contains(&format!("fn {name}(")), "{}: no test {test}", row.id);
        }
    }
}
