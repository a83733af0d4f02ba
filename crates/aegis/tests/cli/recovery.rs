//! Kill it anywhere: nothing is lost, nothing is doubled.

use crate::harness::{Place, last_json, refused, signal, text};
use serde_json::Value;

const DAYS: &str = "3";
/// Facts of three days of ten generated markets.
const FACTS: u64 = 3 * 2 * 1_440 * 10;
/// Three days in about six seconds.
const SPEED: &str = "40000";
const KILLS: u64 = 10;
/// So often that every brain but the first begins behind one.
const SNAPSHOTS: (&str, &str) = ("AEGIS__JOURNAL__SNAPSHOT_EVERY", "1500");

fn undisturbed() -> Value {
    Place::new("calm").json(&["backtest", "--days", DAYS, "--json"])
}

fn same(disturbed: &Value, calm: &Value) {
    for key in ["digest", "fills", "trades", "orders", "signals", "candles", "equity_end"] {
        assert_eq!(disturbed[key], calm[key], "{key}");
    }
}

fn replays(place: &Place, run: &Value) {
    let journal = run["journal"].as_str().expect("journal");
    let replay = place.json(&["replay", journal, "--json"]);
    assert_eq!(replay["match"], true);
    assert_eq!(replay["digest"], run["digest"]);
    assert_eq!(replay["state_digest"], run["state_digest"], "the brain's own state");
    // A stop leaves a snapshot, from which the same comes out.
    let behind = place.json(&["replay", journal, "--from-snapshot", "--json"]);
    assert!(behind["from_record"].as_u64() > Some(1), "{behind}");
    for key in ["match", "digest", "state_digest", "events", "orders", "records"] {
        assert_eq!(behind[key], replay[key], "{key}");
    }
}

#[test]
fn sigkill_of_feed_and_brain_in_turn_changes_nothing() {
    let calm = undisturbed();
    let place = Place::new("kills");
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start_with(&args, &[SNAPSHOTS]);
    for kill in 1..=KILLS {
        let at = FACTS * kill / (KILLS + 2);
        let victim = if kill % 2 == 0 { "feed" } else { "brain" };
        let status = run.wait_until("the next place to kill", |s| {
            let snapshot = s["journal"]["last_snapshot_record"].as_u64() > Some(0);
            let there = s["position"].as_u64() >= Some(at) && snapshot;
            there && s["health"][victim]["state"] == "running"
        });
        signal(status["pids"][victim].as_u64().expect("pid") as u32, "KILL");
        run.wait_until("the restart", |s| s["pids"][victim] != status["pids"][victim]);
    }
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let disturbed = last_json(&output);
    assert_eq!(disturbed["restarts"], KILLS);
    assert_eq!(disturbed["ring"]["lost"], 0);
    for count in ["published", "read"] {
        assert!(disturbed["ring"][count].as_u64() >= Some(FACTS), "{count}: {}", disturbed["ring"]);
    }
    same(&disturbed, &calm);
    replays(&place, &disturbed);
}

#[test]
fn ctrl_c_ends_cleanly_and_resume_finishes_the_run() {
    let calm = undisturbed();
    let place = Place::new("ctrl-c");
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start(&args);
    run.wait_until("a third of the run", |s| s["position"].as_u64() >= Some(FACTS / 3));
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let cut = last_json(&output);
    assert_eq!(cut["finished"], false);

    let finished = place.json(&["demo", "--headless", "--json", "--days", DAYS, "--resume"]);
    assert_eq!(finished["finished"], true);
    assert_eq!(finished["journal"], cut["journal"]);
    same(&finished, &calm);
    replays(&place, &finished);
}

#[test]
fn sigterm_exits_0_after_the_summary() {
    let place = Place::new("term");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", "3", "--speed", SPEED]);
    run.wait_until("some facts", |s| s["position"].as_u64() >= Some(1_000));
    run.signal("TERM");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(last_json(&output)["digest"].is_string());
}

#[test]
fn children_end_with_a_killed_orchestrator_and_the_run_can_be_resumed() {
    let calm = undisturbed();
    let place = Place::new("orphans");
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start(&args);
    let status =
        run.wait_until("a quarter of the run", |s| s["position"].as_u64() >= Some(FACTS / 4));
    run.signal("KILL");
    drop(run.wait());
    for child in ["feed", "brain"] {
        let pid = status["pids"][child].as_u64().expect("pid");
        let gone = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            !std::path::Path::new(&format!("/proc/{pid}")).exists()
        });
        assert!(gone, "{child} lives on without its orchestrator");
    }
    let finished = place.json(&["demo", "--headless", "--json", "--days", DAYS, "--resume"]);
    same(&finished, &calm);
    replays(&place, &finished);
}

#[test]
fn a_plain_start_names_the_unfinished_session() {
    let place = Place::new("named");
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start(&args);
    run.wait_until("some facts", |s| s["position"].as_u64() >= Some(1_000));
    run.signal("INT");
    let cut = last_json(&run.wait());
    let journal = cut["journal"].as_str().expect("journal").replace("/journal", "");
    let output = place.run(&["demo", "--headless", "--json", "--days", DAYS]);
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&journal) && stderr.contains("--resume"), "{stderr}");
    assert_ne!(last_json(&output)["journal"], cut["journal"]);
}

/// Starts a run of generated markets, lets it come to `position`, and interrupts it.
fn interrupted(place: &Place, seed: &str, position: u64) -> Value {
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start(&[&args[..], &["--market-seed", seed]].concat());
    run.wait_until("the place to interrupt", |s| s["position"].as_u64() >= Some(position));
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    last_json(&output)
}

/// Two sessions share the folder's ring: what the second has left there must neither be read as the
/// first one's facts nor tell its feed where to begin.
#[test]
fn a_session_resumes_beside_the_ring_of_another() {
    for (first, second) in [(6_000, 12_000), (30_000, 2_000)] {
        let place = Place::new("two-sessions");
        let calm = place.json(&["backtest", "--days", DAYS, "--market-seed", "1", "--json"]);
        interrupted(&place, "1", first);
        interrupted(&place, "2", second);
        let args = ["demo", "--headless", "--json", "--days", DAYS, "--market-seed", "1"];
        let finished = place.json(&[&args[..], &["--resume"]].concat());
        assert_eq!(finished["finished"], true);
        assert_eq!(finished["restarts"], 0);
        same(&finished, &calm);
        replays(&place, &finished);
    }
}

/// A brain that dies while it makes the journal leaves a folder and no segment.
#[test]
fn a_journal_that_was_never_begun_is_begun() {
    let calm = undisturbed();
    let place = Place::new("no-segment");
    let cut = interrupted(&place, "20250106", 500);
    let journal = std::path::PathBuf::from(cut["journal"].as_str().expect("journal"));
    std::fs::remove_file(journal.join("segment-00000000.log")).expect("the segment");
    std::fs::write(journal.join("next.tmp"), b"half made").expect("what a crash leaves");
    let finished = place.json(&["demo", "--headless", "--json", "--days", DAYS, "--resume"]);
    same(&finished, &calm);
    replays(&place, &finished);
}

#[test]
fn a_brain_that_cannot_go_on_stops_the_run_and_says_why() {
    let place = Place::new("damaged");
    let cut = interrupted(&place, "20250106", 5_000);
    let journal = std::path::PathBuf::from(cut["journal"].as_str().expect("journal"));
    let segment = journal.join("segment-00000000.log");
    let mut bytes = std::fs::read(&segment).expect("the segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).expect("the damage");
    let output = place.run(&["demo", "--headless", "--json", "--days", DAYS, "--resume"]);
    refused(&output, 1, &["brain ended 5 times", "damaged at byte", "restore a copy"]);
    assert!(output.stdout.is_empty(), "no result of a run that has none");
}

/// A dead database neither stops the run nor keeps it from stopping in time.
#[test]
fn a_dead_database_changes_nothing_but_the_rows() {
    let calm = undisturbed();
    let place = Place::new("dead-store");
    let in_the_way = place.home().join("aegis.db");
    std::fs::create_dir_all(&in_the_way).expect("a folder where the database should be");
    let args = ["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED];
    let mut run = place.start(&args);
    run.wait_until("rows that wait", |s| s["store"].as_str().is_some_and(|t| !t.is_empty()));
    run.signal("INT");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(last_json(&output)["store"]["complete"], false);
    assert!(!text(&output.stderr).contains("SIGKILL"), "{}", text(&output.stderr));
    std::fs::remove_dir(&in_the_way).expect("the database can be made now");
    let finished = place.json(&["demo", "--headless", "--json", "--days", DAYS, "--resume"]);
    assert_eq!(finished["store"]["complete"], true);
    same(&finished, &calm);
}

#[test]
fn a_finished_run_gives_the_journals_reserved_space_back() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new("space");
    let run = place.json(&["demo", "--headless", "--json", "--days", "1"]);
    let journal = std::path::PathBuf::from(run["journal"].as_str().expect("journal"));
    let found = std::fs::metadata(journal.join("segment-00000000.log")).expect("the segment");
    let (taken, length) = (found.blocks() * 512, found.len());
    assert!(taken < length + (1 << 20), "{taken} bytes of disk for {length} of journal");
}

/// Shared memory is cleared under the running system, then the brain dies.
#[test]
fn a_removed_ring_is_made_again() {
    let calm = undisturbed();
    let place = Place::new("no-ring");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", DAYS, "--speed", SPEED]);
    let status = run.wait_until("some facts", |s| s["position"].as_u64() >= Some(5_000));
    let home = aegis_node::home::Home::open(&place.home()).expect("state folder");
    std::fs::remove_file(home.ring()).expect("the ring's file");
    signal(status["pids"]["brain"].as_u64().expect("pid") as u32, "KILL");
    let output = run.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let disturbed = last_json(&output);
    assert_eq!(disturbed["restarts"], 2);
    same(&disturbed, &calm);
    replays(&place, &disturbed);
}
