//! Peers, measured on the same candles in the same run.
//!
//! `--peer PYTHON` names an interpreter that has TA-Lib (and, for structure, smartmoneyconcepts);
//! nothing is fetched. The candles go to it as a file of little-endian doubles, the figures come
//! back as one JSON object; both sides report the median of CPU time per candle.

use crate::market::Scratch;
use aegis_types::Bar;
use serde_json::{Map, Value};
use std::path::Path;
use std::process::Command;

/// What runs in the peer's interpreter.
const SCRIPT: &str = include_str!("peer.py");

/// TA-Lib's batch functions at their default parameters: name to ns per candle.
///
/// # Errors
/// When the interpreter cannot be started, or lacks TA-Lib.
pub fn talib(python: &Path, bars: &[Bar]) -> Result<Map<String, Value>, String> {
    ask(python, "talib", bars, 0)
}

/// The package's eight functions: one pass over all candles, and a window of 200 per new candle.
///
/// # Errors
/// When the interpreter cannot be started, or lacks the package.
pub fn smartmoneyconcepts(
    python: &Path,
    bars: &[Bar],
    swing_length: u32,
) -> Result<Map<String, Value>, String> {
    ask(python, "smc", bars, swing_length)
}

fn ask(python: &Path, what: &str, bars: &[Bar], length: u32) -> Result<Map<String, Value>, String> {
    let scratch = Scratch::new("peer")?;
    let candles = scratch.path().join("candles.f64");
    let mut bytes = Vec::with_capacity(bars.len() * 40);
    for bar in bars {
        for value in [bar.open(), bar.high(), bar.low(), bar.close(), bar.volume()] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    std::fs::write(&candles, bytes)
        .map_err(|e| format!("{} cannot be written: {e}", candles.display()))?;
    let output = Command::new(python)
        .args(["-c", SCRIPT, what])
        .arg(&candles)
        .arg(length.to_string())
        .output()
        .map_err(|e| format!("{} cannot be started: {e}; name a Python", python.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match serde_json::from_str(last) {
        Ok(Value::Object(map)) if output.status.success() => Ok(map),
        _ => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint.lines().last().unwrap_or("it printed nothing");
            Err(format!(
                "the peer gave no figures: {last}; give a Python that has TA-Lib and \
                 smartmoneyconcepts"
            ))
        }
    }
}
