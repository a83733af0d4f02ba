//! The audit's verdicts.

use crate::harness::{Place, text};
use serde_json::Value;
use std::process::Output;

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", text(&output.stdout), text(&output.stderr)))
}

fn failed(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().filter(|c| c["status"] == "FAIL").map(Value::to_string).collect()
}

#[test]
fn go_without_keys_in_simulated_mode() {
    let place = Place::new("go");
    let output = place.keyless(&["audit", "--json"]).output().unwrap();
    let report = json(&output);
    assert_eq!(report["verdict"], "GO", "{:?}", failed(&report));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["mode"], "simulated");
    assert_eq!(report["phases"].as_array().map(Vec::len), Some(4));
    for c in report["checks"].as_array().unwrap() {
        for key in ["id", "phase", "component", "status", "reason", "hint", "ms"] {
            assert!(!c[key].is_null(), "{key} in {c}");
        }
    }
    let warned = |id: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().any(|c| c["id"] == id && c["status"] == "WARN")
    };
    assert!(warned("keys.binance_api_key") && warned("keys.binance_api_secret"));
}

#[test]
fn no_go_for_live_a_bad_key_a_wrong_type_and_an_unwritable_folder() {
    let place = Place::new("nogo");
    let good = "k".repeat(64);
    /// Arguments, environment, and what must be named.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 4] = [
        (&["--for", "live"], &[], "BINANCE_API_KEY"),
        (
            &[],
            &[("BINANCE_API_KEY", "too short"), ("BINANCE_API_SECRET", &good)],
            "BINANCE_API_KEY",
        ),
        (&[], &[("RSI_PERIOD", "many")], "rsi_period"),
        (&[], &[("AEGIS_HOME", "/proc/aegis-home")], "/proc/aegis-home"),
    ];
    for (args, env, named) in cases {
        let mut command = place.keyless(&["audit", "--json"]);
        command.args(args).envs(env.iter().copied());
        let output = command.output().unwrap();
        let report = json(&output);
        assert_eq!(report["verdict"], "NO-GO", "{named}");
        assert_eq!(output.status.code(), Some(3), "{named}");
        let failures = failed(&report).join("\n");
        assert!(failures.contains(named), "{named} is not in\n{failures}");
    }
}

#[test]
fn the_report_is_readable() {
    let place = Place::new("report");
    let out = place.path.join("audit.md");
    let output = place.run(&["audit", "--out", out.to_str().unwrap()]);
    let stdout = text(&output.stdout);
    assert!(stdout.contains("GO (simulated)"), "{stdout}");
    let report = std::fs::read_to_string(out).unwrap();
    for part in ["## Summary", "## Phase 4", "## Performance", "## Readiness", "## Next steps"] {
        assert!(report.contains(part), "{part}");
    }
}
