//! How long a start takes: the brain until it is ready, the audit until its verdict.
//!
//! Regime: this very program is started as a user would start it, with a new state folder each
//! time, and timed from outside: a one-day demo of the generated market, from starting its process
//! (orchestrator and all) until its brain says in the log that it is ready; and `aegis audit
//! --json`, from start to exit.

use crate::Options;
use crate::market::Scratch;
use crate::program::{Running, command, exe, last_line};
use crate::sample::{Samples, rounded};
use aegis_markets::MarketSpec;
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// Starts of each kind.
const STARTS: usize = 7;

/// Measures this program.
///
/// # Errors
/// When a start fails: as text.
pub fn run(_opts: &Options) -> Result<Map<String, Value>, String> {
    let exe = exe()?;
    let scratch = Scratch::new("startup")?;
    measure(&mut |start| {
        let home = |what: &str| scratch.path().join(format!("{what}-{start}"));
        Ok((brain_ready(&exe, &home("brain"))?, audit(&exe, &home("audit"))?))
    })
}

/// Medians over seven starts. `start` is told which one it is; it returns the milliseconds of the
/// brain and of the audit.
///
/// # Errors
/// The first start that fails.
pub fn measure(
    start: &mut dyn FnMut(usize) -> Result<(f64, f64), String>,
) -> Result<Map<String, Value>, String> {
    let (mut brains, mut audits) = (Samples::default(), Samples::default());
    for number in 0..STARTS {
        let (brain, audit) = start(number)?;
        brains.push(brain);
        audits.push(audit);
    }
    let mut map = Map::new();
    map.insert("samples".into(), json!(STARTS));
    map.insert("brain_ready_ms".into(), json!(rounded(brains.median(), 2)));
    map.insert("brain_ready_ms_max".into(), json!(rounded(brains.quantile(1.0), 2)));
    map.insert("audit_ms".into(), json!(rounded(audits.median(), 2)));
    map.insert("audit_ms_max".into(), json!(rounded(audits.quantile(1.0), 2)));
    map.insert("durability".into(), json!("process"));
    map.insert("seed".into(), json!(MarketSpec::default().seed));
    Ok(map)
}

/// A one-day demo's brain: ms from starting the demo's process to its brain's word.
fn brain_ready(exe: &Path, home: &Path) -> Result<f64, String> {
    let args =
        ["demo", "--days", "1", "--headless", "--speed", "max", "--json", "--log-format", "json"];
    let mut demo = command(exe, home, &args);
    demo.env("LOG_LEVEL", "INFO").stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut demo = Running::start(demo)?;
    let log = demo.0.stderr.take().ok_or("the demo has no log")?;
    let mut ready = None;
    let mut last = String::new();
    for line in BufReader::new(log).lines() {
        last = line.map_err(|e| format!("the demo's log: {e}"))?;
        if ready.is_none() && says_ready(&last) {
            ready = Some(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let status = demo.0.wait().map_err(|e| format!("the demo: {e}"))?;
    if !status.success() {
        return Err(format!("the demo ended with {status}: {last}"));
    }
    ready.ok_or("the demo's log does not say when the brain was ready".into())
}

/// Is this the log line with which the brain says that it is ready?
fn says_ready(line: &str) -> bool {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
    let fields = line.get("fields").unwrap_or(&line);
    fields.get("message").and_then(Value::as_str) == Some("brain ready")
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
        verdict => {
            let status = output.status;
            Err(format!("the audit's verdict is {verdict:?} ({status}); run `aegis audit`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_what_is_started() {
        let times = [9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 5.0];
        let map = measure(&mut |start| Ok((times[start], 40.0))).unwrap();
        assert_eq!(map["brain_ready_ms"], json!(5.0));
        assert_eq!(map["brain_ready_ms_max"], json!(9.0));
        assert_eq!(map["audit_ms"], json!(40.0));
        assert_eq!(measure(&mut |_| Err("no".into())), Err("no".into()));
    }

    #[test]
    fn the_ready_line_is_found() {
        let line = r#"{"level":"INFO","fields":{"message":"brain ready","after_ms":12.5}}"#;
        assert!(says_ready(line));
        assert!(!says_ready(r#"{"fields":{"message":"feed ready","after_ms":1}}"#));
        assert!(!says_ready("not json"));
    }
}
