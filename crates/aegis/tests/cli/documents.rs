//! The documents say what the program does: every picture is what its page's command draws, every
//! kind of event, indicator, setting, test and link that they name is there. `UPDATE=1` draws the
//! pictures anew.

use crate::harness::{Place, text};
use aegis_indicators::catalogue::{Call, ENTRIES, Entry};
use aegis_smc::{Kind, Of};
use aegis_types::{Bar, Nanos};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Bytes that all pictures may have together.
const PICTURES_MAX: usize = 700_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The files of a folder with this ending, by their paths below the repository.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().unwrap());
    let mut paths: Vec<_> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    paths.sort();
    paths
}

fn pages() -> Vec<String> {
    let mut pages = files("docs", ".md");
    pages.extend(files("docs/market-structure", ".md"));
    pages
}

/// The commands of a page that draw a picture, a line that ends in a backslash going on below.
fn drawing_commands(page: &str) -> Vec<String> {
    let text = read(page).replace("\\\n", " ");
    text.lines()
        .filter(|line| line.starts_with("aegis smc ") && line.contains(" --chart docs/"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_picture_is_what_its_page_says() {
    let place = Place::new("pictures");
    let drawn = place.path.join("drawn.svg");
    let (mut found, mut bytes) = (BTreeSet::new(), 0);
    for page in files("docs/market-structure", ".md") {
        for command in drawing_commands(&page) {
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            let picture = words.last().expect("the picture comes last").to_string();
            let name = picture.rsplit('/').next().expect("a name");
            assert!(read(&page).contains(&format!("]({name})")), "{page} does not show {name}");
            let mut command = place.aegis(&words[..words.len() - 1]);
            let output = command.arg(&drawn).current_dir(root()).output().expect("starts");
            assert!(output.status.success(), "{page}: {}", text(&output.stderr));
            let new = std::fs::read(&drawn).expect("drawn");
            bytes += new.len();
            let path = root().join(&picture);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &new).expect("written");
            }
            let same = std::fs::read(&path).is_ok_and(|old| old == new);
            assert!(same, "{picture} is not what {page} says; run with UPDATE=1");
            assert!(found.insert(picture), "{page} draws a picture of another page");
        }
    }
    let committed: BTreeSet<_> = files("docs/market-structure", ".svg").into_iter().collect();
    assert_eq!(found, committed, "a picture that no page draws");
    assert!(found.len() > 20 && bytes < PICTURES_MAX, "{bytes} bytes");
}

#[test]
fn every_kind_of_event_is_in_the_index() {
    let index = read("docs/market-structure/README.md");
    let told: String =
        files("docs/market-structure", ".md").iter().map(|page| read(page)).collect();
    for kind in Kind::ALL {
        let code = format!("`{}`", kind.code());
        assert!(index.lines().any(|l| l.contains(".md) | ") && l.contains(&code)), "{code}");
    }
    for of in Of::ALL {
        assert!(told.contains(&format!("`{}`", of.code())), "{}", of.code());
    }
}

#[test]
fn every_setting_and_test_and_link_is_there() {
    let (settings, differences) =
        (read("docs/settings.md"), read("crates/smc/tests/it/record/differences.rs"));
    let mut links = 0;
    for page in pages().into_iter().chain(["README.md".into(), "ARCHITECTURE.md".into()]) {
        let text = read(&page);
        let folder = root().join(&page).parent().expect("a folder").to_path_buf();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().expect("a path");
            let local = !path.is_empty() && !path.contains("://");
            assert!(!local || folder.join(path).exists(), "{page} links to {link}");
            links += usize::from(local);
        }
        for name in text.split('`').skip(1).step_by(2) {
            let key = ["teacher.", "indicators."].iter().any(|section| name.starts_with(section));
            let known = settings.contains(&format!("| `{name}` |"));
            assert!(!key || name.ends_with('*') || known, "{page} names {name}");
        }
    }
    assert!(links > 100);
    let record = read("docs/market-structure/record.md");
    let tests = differences.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
    for test in tests {
        assert!(record.contains(&format!("`{test}`")), "record.md does not name {test}");
    }
    for name in record.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2) {
        assert!(differences.contains(&format!("fn {name}(")), "there is no test {name}");
    }
}

/// The first row with a value in every column, on bars that move.
fn first_row(entry: &Entry) -> Option<usize> {
    let mut row = Call::parse(entry.name).expect("its defaults").build();
    let mut cells = vec![None; entry.columns.len()];
    let (mut state, mut close) = (7u64, 100.0);
    (0..2_000).find(|&i| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let open = close;
        close += (state >> 40) as f64 / 2.0_f64.powi(24) - 0.5;
        let time = Nanos::MINUTE.times(i as i64);
        let (high, low) = (open.max(close) + 0.2, open.min(close) - 0.2);
        row.push(&Bar::new(time, open, high, low, close, 10.0).expect("finite"), &mut cells);
        cells.iter().all(Option::is_some)
    })
}

#[test]
fn every_indicator_is_in_the_table() {
    let page = read("docs/indicators.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), ENTRIES.len());
    for (entry, row) in ENTRIES.iter().zip(rows) {
        let columns: Vec<String> = entry.columns.iter().map(|c| format!("`{c}`")).collect();
        let first = first_row(entry).expect("a value");
        let start = format!("| `{}` | {} | {first} | ", entry.signature(), columns.join(" "));
        assert!(row.starts_with(&start), "the row should begin\n{start}\nbut is\n{row}");
        assert_eq!(row.split('|').count(), 8, "six cells: {row}");
    }
}
