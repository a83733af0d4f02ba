//! The simulation of the whole system as a command.

use crate::harness::{Place, last_json, refused, text};
use serde_json::Value;

const SHORT: [&str; 5] = ["torture", "--hours", "0.2", "--json", "--no-shrink"];

fn with(more: &[&'static str]) -> Vec<&'static str> {
    SHORT.iter().chain(more).copied().collect()
}

#[test]
fn seeds_without_faults_hold_everything() {
    let place = Place::new("torture-calm");
    let output = place.run(&with(&["--seeds", "1..3", "--faults", "none"]));
    let report = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    // Both ends are run.
    assert_eq!(report["seeds"], 3);
    assert_eq!(report["violations"], 0);
    assert_eq!(
        report["faults_fired"].as_object().map(|fired| fired.contains_key("kill")),
        Some(false)
    );
    let never = report["faults_never_fired"].as_array().map_or(0, Vec::len);
    assert!(never >= 45, "{report}");
    for key in ["steps", "speedup", "events", "entries"] {
        assert!(report[key].as_f64() > Some(0.0), "{key}: {report}");
    }
    // No bar where nobody looks.
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn the_same_seeds_are_the_same_run() {
    let place = Place::new("torture-again");
    let run = |seeds: &'static str| {
        let output = place.run(&with(&["--seeds", seeds]));
        let report = last_json(&output);
        let code = output.status.code();
        assert_eq!(code, Some(i32::from(report["violations"] != 0)), "{report}");
        report
    };
    let same = |one: &Value, two: &Value, key: &str| assert_eq!(one[key], two[key], "{key}");
    let (one, two, other) = (run("4..7"), run("4..7"), run("8..11"));
    for key in ["trace", "steps", "events", "faults_fired", "violation", "restarts"] {
        same(&one, &two, key);
    }
    assert_ne!(one["trace"], other["trace"]);
}

#[test]
fn a_story_is_told_when_it_is_asked_for() {
    let place = Place::new("torture-story");
    let output = place.run(&with(&["--seed", "2", "--faults", "kill", "--trace"]));
    let told = text(&output.stderr);
    assert!(told.contains("the brain is live"), "{told}");
    assert_eq!(last_json(&output)["seeds"], 1);
}

#[test]
fn what_is_no_seed_and_no_fault_is_refused() {
    let place = Place::new("torture-refused");
    for seeds in ["4..1", "x", "1..", "0..18446744073709551615"] {
        refused(&place.run(&["torture", "--seeds", seeds]), 2, &[seeds, "A..B"]);
    }
    refused(&place.run(&["torture", "--faults", "gremlins"]), 2, &["gremlins", "--faults help"]);
    refused(&place.run(&["torture", "--hours", "0"]), 2, &["--hours"]);
    refused(&place.run(&["torture", "--trace"]), 2, &["--seed"]);
    let output = place.run(&["torture", "--faults", "help"]);
    assert_eq!(text(&output.stdout).lines().count(), 54);
}
