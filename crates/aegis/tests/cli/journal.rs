//! `aegis journal`: what is checked, what is said about damage, and a journal of an older format
//! that is carried over and replays to the digest that it had.

use crate::harness::{Place, last_json, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Digest of the orders in `fixtures/journal/v1-day`, as the program that wrote it said; its first
/// digits.
const DIGEST: &str = "746cdefc25e25a66";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/journal/v1-day")
}

/// A session's folder with a copy of the old journal.
fn session(place: &Place) -> PathBuf {
    let session = place.path.join("session");
    let journal = session.join("journal");
    fs::create_dir_all(&journal).expect("a folder");
    for entry in fs::read_dir(fixture()).expect("the fixture") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, journal.join(path.file_name().expect("a name"))).expect("a copy");
    }
    session
}

fn said(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn an_older_journal_is_refused_migrated_and_replays_to_its_digest() {
    let place = Place::new("journal");
    let session = session(&place);
    let refused = place.run(&["replay", said(&session)]);
    assert_eq!(refused.status.code(), Some(1));
    let words = text(&refused.stderr);
    assert!(words.contains("version 1") && words.contains("version 2"), "{words}");
    assert!(words.contains("aegis journal migrate"), "{words}");
    let done = place.json(&["journal", "migrate", said(&session), "--json"]);
    assert_eq!((&done["migrated"], &done["records"]), (&Value::from(true), &Value::from(2_908)));
    let again = place.json(&["journal", "migrate", said(&session), "--json"]);
    assert_eq!(again["migrated"], false);
    let checked = place.json(&["journal", "verify", said(&session), "--json"]);
    assert_eq!((&checked["ok"], &checked["version"]), (&Value::from(true), &Value::from(2)));
    let old = session.join("journal-v1");
    let checked = place.json(&["journal", "verify", said(&old), "--json"]);
    assert_eq!((&checked["version"], &checked["records"]), (&1.into(), &2_908.into()));
    let kept = fs::read(old.join("segment-00000000.log")).expect("kept");
    assert_eq!(kept, fs::read(fixture().join("segment-00000000.log")).expect("the fixture"));
    let replayed = place.run(&["replay", said(&session), "--json"]);
    let replay = last_json(&replayed);
    let of_journal = replay["journal_digest"].as_str().expect("a digest");
    assert!(of_journal.starts_with(DIGEST), "{of_journal}");
    assert_eq!(replay["digest"], replay["journal_digest"], "{replay}");
    assert_eq!((&replay["match"], replayed.status.code()), (&Value::from(true), Some(0)));
}

#[test]
fn damage_is_named_with_its_place() {
    let place = Place::new("journal");
    let session = session(&place);
    place.json(&["journal", "migrate", said(&session), "--json"]);
    let file = session.join("journal/segment-00000000.log");
    let mut bytes = fs::read(&file).expect("a segment");
    bytes[100_000] ^= 4;
    fs::write(&file, &bytes).expect("written");
    let refused = place.run(&["journal", "verify", said(&session), "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    let object = last_json(&refused);
    assert_eq!((&object["ok"], &object["at"]["file"]), (&false.into(), &said(&file).into()));
    let record = object["at"]["record"].as_u64().expect("a number");
    assert!((600..900).contains(&record), "{object}");
    let words = text(&refused.stderr);
    assert!(words.contains(&format!("record {record}")), "{words}");
    assert!(words.contains("restore a copy"), "{words}");
    // A torn tail is no damage, and no clean bill either.
    bytes[100_000] ^= 4;
    bytes.truncate(bytes.len() - 10);
    fs::write(&file, &bytes).expect("written");
    let torn = place.run(&["journal", "verify", said(&session), "--json"]);
    assert_eq!(torn.status.code(), Some(1));
    assert_eq!(last_json(&torn)["torn"]["record"], 2_907);
    let nothing = place.run(&["journal", "verify", "nowhere"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("no journal in nowhere"));
}
