//! `docs/FAULTS.md`: each fault and each public incident, the invariant that it attacks, the tests
//! that answer it, and what they last said.
//!
//! The rows are text (`xtask/faults.txt`), so that who adds a test names it in one line. A row
//! without a test, a test that was not run, and a test that failed are findings.

use std::collections::BTreeMap;
use std::path::Path;

/// What a test said.
pub type Results = BTreeMap<String, bool>;

/// Where the rows are, from the root of the checkout.
const SOURCE: &str = "xtask/faults.txt";
/// What is made of them.
const PAGE: &str = "docs/FAULTS.md";
/// Levels at which a fault is made to happen.
const LEVELS: [&str; 3] = ["torture", "chaos", "test"];

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// `fault` or `incident`.
    pub kind: String,
    /// Its number, or the thread where it was told.
    pub id: String,
    /// What goes wrong.
    pub what: String,
    /// Of a fault: where it is made to happen.
    pub level: String,
    /// What must be seen.
    pub expected: String,
    /// The invariants that it attacks.
    pub invariants: String,
    /// `package test::path`.
    pub tests: Vec<String>,
}

/// Reads rows: stanzas of `key: value` lines with an empty line between two.
///
/// # Errors
/// One sentence with the line.
pub fn parse(text: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let wrong = |why: &str| Err(format!("{SOURCE}:{}: {why}", index + 1));
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        let Some((key, value)) = line.split_once(": ") else { return wrong("no `key: value`") };
        if let Some((kind @ ("fault" | "incident"), id)) = key.split_once(' ') {
            let (kind, id, what) = (kind.to_owned(), id.to_owned(), value.to_owned());
            rows.push(Row { kind, id, what, ..Row::default() });
            open = true;
            continue;
        }
        let Some(row) = rows.last_mut().filter(|_| open) else {
            return wrong("a stanza begins with `fault N:` or `incident THREAD:`");
        };
        match key {
            "level" if LEVELS.contains(&value) => row.level = value.to_owned(),
            "expected" => row.expected = value.to_owned(),
            "invariants" => row.invariants = value.to_owned(),
            "test" => row.tests.push(value.to_owned()),
            _ => return wrong("unknown key or level"),
        }
    }
    Ok(rows)
}

/// The rows of this checkout.
///
/// # Errors
/// When they cannot be read.
pub fn rows(root: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(root.join(SOURCE)).map_err(|e| format!("{SOURCE}: {e}"))?;
    parse(&text)
}

/// Reads what a runner of tests said: a JUnit file of nextest, or the output of `cargo test`.
/// Names are paths of tests without their package.
pub fn results(text: &str) -> Results {
    let mut results = Results::new();
    let mut told = |name: &str, passed: bool| {
        // Two packages may have a test of one name; one that fails is not hidden by the other.
        results.entry(name.to_owned()).and_modify(|all| *all &= passed).or_insert(passed);
    };
    let mut case: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("<testcase name=\"") {
            let name = rest.split('"').next().unwrap_or("");
            match line.ends_with("/>") {
                true => told(name, true),
                false => case = Some(name.to_owned()),
            }
        } else if line.starts_with("<failure") || line.starts_with("<error") {
            if let Some(name) = case.take() {
                told(&name, false);
            }
        } else if line.starts_with("</testcase") {
            if let Some(name) = case.take() {
                told(&name, true);
            }
        } else if let Some(rest) = line.strip_prefix("test ")
            && let Some((name, said)) = rest.split_once(" ... ")
        {
            told(name, said.starts_with("ok"));
        }
    }
    results
}

/// The state of one row: of all its tests.
fn verdict(row: &Row, results: &Results) -> &'static str {
    let said = |test: &String| {
        let name = test.split_once(' ').map_or(test.as_str(), |(_, name)| name);
        results.get(name).copied()
    };
    let said: Vec<Option<bool>> = row.tests.iter().map(said).collect();
    match () {
        () if said.is_empty() => "no test",
        () if said.contains(&Some(false)) => "FAILED",
        () if said.contains(&None) => "not run",
        () => "passed",
    }
}

/// Everything that is wrong with the rows, against what tests said.
pub fn findings(rows: &[Row], results: &Results) -> Vec<String> {
    let mut found = Vec::new();
    for kind in ["fault", "incident"] {
        let count = rows.iter().filter(|row| row.kind == kind).count();
        let wanted = if kind == "fault" { 54 } else { 24 };
        if count != wanted {
            found.push(format!("{SOURCE}: {count} rows of kind {kind}, {wanted} are known"));
        }
    }
    for row in rows {
        let name = format!("{} {}", row.kind, row.id);
        if row.kind == "fault" && row.level.is_empty() {
            found.push(format!("{name} ({}) has no level", row.what));
        }
        match verdict(row, results) {
            "passed" => {}
            "no test" => found.push(format!("{name} ({}) has no test", row.what)),
            verdict => {
                for test in &row.tests {
                    let name_of = test.split_once(' ').map_or("", |(_, name)| name);
                    if results.get(name_of) != Some(&true) {
                        found.push(format!("{name} ({}): {test}: {verdict}", row.what));
                    }
                }
            }
        }
    }
    found
}

/// The page.
pub fn page(rows: &[Row], results: &Results) -> String {
    let mut text = String::from(
        "# Faults, incidents, and the tests that answer them\n\n\
         Made by `cargo xtask faults` from `xtask/faults.txt` and the results of a run of tests; \
         `./test` fails on\na row without a test, and on one whose test was not run or did not \
         pass. *Level* says where a fault is\nmade to happen: in the simulation of the whole \
         system (`aegis torture`), on real processes (`aegis chaos`),\nor in a test of its own.\n\n\
         Invariants: I1 open + in flight + unknown ≤ cap · I2 leverage and exposure ≤ caps · I3 a \
         position has its\nstop · I4 one id, at most one order · I5 executed ≤ approved · I6 the \
         ledger adds up · I7 replay gives the\nsame state · I8 a fill is booked once · I9 what \
         reduces cannot open · I10 no entry while data, stream or\nclock is in doubt · I11 belief \
         is truth, or entries are off · I12 only finite numbers · I13 each record has\nits symbol \
         and number · I14 no secret leaves · I15 queues are bounded, losses counted · I16 after \
         the\nfaults it is well again in bounded time.\n",
    );
    for (kind, title, first) in [
        ("fault", "Faults", "# | fault | level | expected"),
        ("incident", "Incidents in public", "told in | what happened | | answer"),
    ] {
        text.push_str(&format!(
            "\n## {title}\n\n| {first} | invariants | tests | last result |\n\
             |---|---|---|---|---|---|---|\n"
        ));
        for row in rows.iter().filter(|row| row.kind == kind) {
            let tests: Vec<String> = row.tests.iter().map(|test| format!("`{test}`")).collect();
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} | {} |\n",
                row.id,
                row.what,
                row.level,
                row.expected,
                row.invariants,
                tests.join("<br>"),
                verdict(row, results),
            ));
        }
    }
    text
}

/// Holds the rows against the results in these files, and the page against both; with `write`,
/// writes the page. Returns what was found.
///
/// # Errors
/// When a file cannot be read or written.
pub fn check(root: &Path, files: &[&Path], write: bool) -> Result<Vec<String>, String> {
    let rows = rows(root)?;
    let mut all = Results::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        for (name, passed) in results(&text) {
            all.entry(name).and_modify(|all| *all &= passed).or_insert(passed);
        }
    }
    let mut found = findings(&rows, &all);
    let (page, path) = (page(&rows, &all), root.join(PAGE));
    if write {
        std::fs::write(&path, &page).map_err(|e| format!("{PAGE}: {e}"))?;
    } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&page) {
        found.push(format!("{PAGE} is not of these rows and results: UPDATE=1 ./test writes it"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "\
# A comment.
fault 1: a reply is lost
level: torture
expected: asked for
invariants: I4
test: aegis-venue once::sent_once
test: aegis-engine it::holds

incident somewhere#1: it was sent twice
expected: one id, one order
invariants: I4
";

    #[test]
    fn a_row_is_as_good_as_the_worst_of_its_tests() {
        let rows = parse(ROWS).unwrap();
        assert_eq!((rows.len(), rows[0].tests.len()), (2, 2));
        let said = |text: &str| verdict(&rows[0], &results(text));
        assert_eq!(said("test once::sent_once ... ok\ntest it::holds ... ok\n"), "passed");
        assert_eq!(said("test once::sent_once ... ok\n"), "not run");
        assert_eq!(said("test once::sent_once ... ok\ntest it::holds ... FAILED\n"), "FAILED");
        assert_eq!(verdict(&rows[1], &Results::new()), "no test");
        let found = findings(&rows, &results("test once::sent_once ... ok\n"));
        assert!(found.iter().any(|f| f.contains("incident somewhere#1") && f.contains("no test")));
        assert!(found.iter().any(|f| f.contains("it::holds: not run")), "{found:?}");
    }

    #[test]
    fn both_runners_are_understood() {
        let junit = "\
<testsuite name=\"aegis-venue::it\">
    <testcase name=\"once::sent_once\" classname=\"aegis-venue::it\">
    </testcase>
    <testcase name=\"it::holds\" classname=\"aegis-engine::it\">
        <failure type=\"test failure\">no</failure>
    </testcase>
    <testcase name=\"short\" classname=\"x\"/>
</testsuite>";
        let of = |name: &str, passed| (name.to_owned(), passed);
        let wanted = [of("it::holds", false), of("once::sent_once", true), of("short", true)];
        assert_eq!(results(junit), Results::from(wanted));
        assert!(results("test a::b - should panic ... ok").contains_key("a::b - should panic"));
    }

    #[test]
    fn rows_that_cannot_be_read_are_named() {
        for (text, line) in [("fault 1: x\nlevel: moon", 2), ("test: y", 1), ("fault 1 x", 1)] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(&format!(":{line}:")), "{why}");
        }
    }
}
