//! Operator commands and status, over the local socket.

use crate::harness::{Place, last_json, refused, text};

#[test]
fn pause_stops_entries_and_resume_allows_them() {
    let place = Place::new("operate");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", "3", "--speed", "20000"]);
    run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    assert_eq!(place.json(&["pause", "--json"])["applied"], true);
    run.wait_until("entries stopped", |s| s["entries"] == false);
    assert_eq!(place.json(&["resume", "--json"])["applied"], true);
    run.wait_until("entries allowed", |s| s["entries"] == true);
    let status = place.json(&["status", "--json"]);
    assert_eq!(status["healthy"], true);
    for child in ["feed", "brain"] {
        assert!(status["health"][child]["heartbeat_age_ms"].is_i64(), "{status}");
    }
    for key in ["sent", "accepted", "filled", "rejected", "unknown"] {
        assert!(status["orders"][key].is_u64(), "orders.{key}");
    }
    assert_eq!(place.json(&["flatten", "--json"])["applied"], true);
    assert_eq!(place.json(&["halt", "--json"])["applied"], true);
    assert_eq!(place.json(&["status", "--json"])["entries"], false, "true at once");
    refused(&place.run(&["resume"]), 1, &["halted until a new session"]);
    run.signal("INT");
    let output = run.wait();
    let cut = last_json(&output);
    let replay = place.json(&["replay", cut["journal"].as_str().unwrap(), "--json"]);
    assert_eq!(replay["match"], true, "operator commands replay too");
}

#[test]
fn commands_without_a_running_system_say_so() {
    let place = Place::new("nobody");
    for command in ["status", "pause", "resume", "flatten", "halt"] {
        refused(&place.run(&[command]), 1, &["no aegis is running", "to do:"]);
    }
}

#[test]
fn a_second_instance_on_one_folder_is_refused() {
    let place = Place::new("two");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", "3", "--speed", "20000"]);
    run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    let second = place.run(&["demo", "--headless", "--json", "--days", "3"]);
    refused(&second, 1, &["already running", "AEGIS_HOME"]);
    run.signal("INT");
    assert_eq!(run.wait().status.code(), Some(130));
}

#[test]
fn a_second_ctrl_c_kills_at_once() {
    let place = Place::new("twice");
    let mut run = place.start(&["demo", "--headless", "--json", "--days", "3", "--speed", "20000"]);
    let status = run.wait_until("a running brain", |s| s["health"]["brain"]["state"] == "running");
    // A brain that does not answer.
    let brain = status["pids"]["brain"].as_u64().unwrap() as u32;
    crate::harness::signal(brain, "STOP");
    run.signal("INT");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let started = std::time::Instant::now();
    run.signal("INT");
    let output = run.wait();
    assert!(started.elapsed().as_secs() < 4, "killed before the timeout of 5 s");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
}
