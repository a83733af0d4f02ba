//! How long a start takes: the brain until it is ready, the audit until its verdict.
//!
//! Regime: this very program is started as a user would start it, with a new state folder each
//! time: a one-day demo of the generated market, whose log says when the brain was ready, counted
//! from the start of its process; and `aegis audit --json`, timed from outside.

use crate::Options;
use crate::market::Scratch;
use crate::sample::{Samples, rounded};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Starts of each kind.
const STARTS: usize = 7;

/// What is started; each returns milliseconds.
pub struct Starts<'a> {
    /// From the start of the brain's process until it is ready.
    pub brain: &'a mut dyn FnMut() -> Result<f64, String>,
    /// From the start of the audit's process until its verdict.
    pub audit: &'a mut dyn FnMut() -> Result<f64, String>,
}

/// Measures this program.
///
/// # Errors
/// When a start fails: as text.
pub fn run(_opts: &Options) -> Result<Map<String, Value>, String> {
    let exe = std::env::current_exe().map_err(|e| format!("where this program is: {e}"))?;
    let scratch = Scratch::new("startup")?;
    let mut homes = 0;
    let mut home = || {
        homes += 1;
        scratch.path().join(format!("home-{homes}"))
    };
    let mut audit_home = scratch.path().join("audit");
    measure(Starts {
        brain: &mut || brain_ready(&exe, &home()),
        audit: &mut || {
            audit_home.push("again");
            audit(&exe, &audit_home)
        },
    })
}

/// Measures what is given: medians over seven starts each.
///
/// # Errors
/// The first start that fails.
pub fn measure(starts: Starts<'_>) -> Result<Map<String, Value>, String> {
    let (mut brain, mut audit) = (Samples::default(), Samples::default());
    for _ in 0..STARTS {
        brain.push((starts.brain)()?);
        audit.push((starts.audit)()?);
    }
    let mut map = Map::new();
    map.insert("samples".into(), json!(STARTS));
    map.insert("brain_ready_ms".into(), json!(rounded(brain.median(), 2)));
    map.insert("brain_ready_ms_max".into(), json!(rounded(brain.quantile(1.0), 2)));
    map.insert("audit_ms".into(), json!(rounded(audit.median(), 2)));
    map.insert("audit_ms_max".into(), json!(rounded(audit.quantile(1.0), 2)));
    map.insert("durability".into(), json!("process"));
    Ok(map)
}

/// A command of this program with a state folder of its own and nothing else of the environment
/// that could change it.
fn command(exe: &Path, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(exe);
    command.args(args).stdin(Stdio::null()).env_clear().env("AEGIS_HOME", home);
    for kept in ["PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

fn brain_ready(exe: &Path, home: &Path) -> Result<f64, String> {
    let args = ["demo", "--days", "1", "--headless", "--speed", "max", "--json"];
    let output = command(exe, home, &args)
        .args(["--log-format", "json"])
        .env("LOG_LEVEL", "INFO")
        .output()
        .map_err(|e| format!("the demo cannot be started: {e}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("the demo ended with {}: {}", output.status, last_line(&log)));
    }
    log.lines()
        .find_map(ready_ms)
        .ok_or("the demo's log does not say when the brain was ready".into())
}

/// Milliseconds in the log line with which the brain says that it is ready.
fn ready_ms(line: &str) -> Option<f64> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    let message = fields.get("message")?.as_str()?;
    (message == "brain ready").then(|| fields.get("after_ms")?.as_f64()).flatten()
}

fn audit(exe: &Path, home: &Path) -> Result<f64, String> {
    let start = Instant::now();
    let output = command(exe, home, &["audit", "--json"])
        .output()
        .map_err(|e| format!("the audit cannot be started: {e}"))?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(last_line(&text)).unwrap_or(Value::Null);
    match answer.get("verdict").and_then(Value::as_str) {
        Some("GO") => Ok(ms),
        verdict => Err(format!(
            "the audit's verdict is {verdict:?} ({}); run `aegis audit`",
            output.status
        )),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_what_is_started() {
        let mut times = [9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 5.0].into_iter();
        let starts = Starts {
            brain: &mut || times.next().ok_or("too many starts".into()),
            audit: &mut || Ok(40.0),
        };
        let map = measure(starts).unwrap();
        assert_eq!(map["brain_ready_ms"], json!(5.0));
        assert_eq!(map["brain_ready_ms_max"], json!(9.0));
        assert_eq!(map["audit_ms"], json!(40.0));
        let fails = Starts { brain: &mut || Err("no".into()), audit: &mut || Ok(1.0) };
        assert_eq!(measure(fails), Err("no".into()));
    }

    #[test]
    fn the_ready_line_is_found() {
        let line = r#"{"level":"INFO","fields":{"message":"brain ready","after_ms":12.5}}"#;
        assert_eq!(ready_ms(line), Some(12.5));
        assert_eq!(ready_ms(r#"{"fields":{"message":"feed ready","after_ms":1}}"#), None);
        assert_eq!(ready_ms("not json"), None);
    }
}
