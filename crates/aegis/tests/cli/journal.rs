//! `aegis journal`: what is checked, what is said about damage, and a journal of an older format
//! that is carried over and replays to the digest that it had. A running system whose disk is full.

use crate::harness::{Place, last_json, text};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// The program, behind a shell that has a small disk of its own for the sessions, and that replays
/// the journal before that disk is gone.
fn on_a_small_disk(place: &Place, args: &[&str]) -> Command {
    let sessions = place.home().join("sessions");
    fs::create_dir_all(&sessions).expect("a folder to mount on");
    let script = r#"
        program="$0"; sessions="$1"; shift
        mount -t tmpfs -o size=48m tmpfs "$sessions" || exit 77
        "$program" "$@"; code=$?
        "$program" replay --json "$(ls -d "$sessions"/*/ | head -1)" || exit 1
        exit $code"#;
    let program = place.aegis(args);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(program.get_program()).arg(&sessions);
    command.args(program.get_args()).current_dir(&place.path).stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        println!("NOT RUN: no tmpfs may be mounted here, so no disk can be made full");
        assert!(std::env::var_os("CI").is_none(), "a mount is needed where CI is set");
    }
    may
}

#[test]
fn a_full_disk_ends_entries_and_not_exits_and_is_over_when_there_is_space() {
    if !may_mount() {
        return;
    }
    let place = Place::new("full");
    let settings = ["--set", "journal.segment_mb=1", "--set", "journal.reserve_mb=12"];
    let args = ["demo", "--headless", "--json", "--days", "3", "--speed", "20000"];
    let mut run = place.started(&mut on_a_small_disk(&place, &[&args[..], &settings].concat()));
    let allowed = |s: &Value| s["entries"] == true && s["position"].as_u64() >= Some(20_000);
    run.wait_until("entries", allowed);
    // The disk is mounted where only these processes see it; this is the way to it from here.
    let inside = place.home().join("sessions/ballast");
    let ballast = Path::new("/proc")
        .join(run.pid().to_string())
        .join("root")
        .join(inside.strip_prefix("/").expect("an absolute path"));
    let mut file = fs::File::create(&ballast).expect("a file on that disk");
    let zeros = vec![0; 64 << 10];
    while file.write_all(&zeros).is_ok() {}
    let full = run.wait_until("no entries", |s| s["entries"] == false);
    drop(file);
    fs::remove_file(&ballast).expect("removed");
    let over = run.wait_until("entries again", |s| s["entries"] == true);
    assert!(over["position"].as_u64() > full["position"].as_u64(), "it went on meanwhile");
    let output = run.wait();
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let lines = text(&output.stdout);
    let objects: Vec<Value> =
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [.., demo, replay] = &objects[..] else { panic!("{lines}") };
    assert_eq!((&demo["finished"], &demo["restarts"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(replay["match"], true, "what was told of the disk is an input: {replay}");
    assert_eq!(replay["digest"], demo["digest"]);
    let alerts = place.json(&["alerts", "--all", "--json"]);
    let told = alerts["alerts"].as_array().expect("a list").iter();
    assert_eq!(told.filter(|alert| alert["code"] == "storage").count(), 1, "{alerts}");
}
