//! The resident memory of the brain with 500 symbols on five timeframes.
//!
//! Regime: the real thing. A demo of 500 generated symbols over two days (every timeframe, the
//! daily one included, closes) is started with a state folder of its own: feed, ring, brain with
//! journal, database lane and log. Its brain is looked at every few milliseconds, and the peak that
//! the kernel keeps for it (`VmHWM`) is what counts.

use crate::Options;
use crate::market::Scratch;
use crate::program::{Running, command, exe, last_line};
use crate::sample::rounded;
use aegis_markets::MarketSpec;
use serde_json::{Map, Value, json};
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

/// Symbols of the bar.
const SYMBOLS: u64 = 500;

/// What the kernel says of a process, in MB (10⁶ bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Resident {
    pub peak: f64,
    pub last: f64,
    pub anonymous: f64,
}

/// Measures; takes some seconds.
///
/// # Errors
/// When the demo fails, or its brain cannot be looked at: as text.
pub fn run(_opts: &Options) -> Result<Map<String, Value>, String> {
    let scratch = Scratch::new("memory")?;
    let setting = format!("market.symbols={SYMBOLS}");
    let args = ["demo", "--headless", "--speed", "max", "--json", "--days", "2", "--set", &setting];
    let mut demo = command(&exe()?, scratch.path(), &args);
    demo.env("LOG_LEVEL", "ERROR").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = Running::start(demo)?;
    // Read beside the looking, so that the demo never waits for a full pipe.
    let mut stdout = demo.0.stdout.take().ok_or("the demo has no output")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut brain = None;
    let mut resident = Resident::default();
    let mut samples = 0u64;
    let status = loop {
        if let Some(status) = demo.0.try_wait().map_err(|e| format!("the demo: {e}"))? {
            break status;
        }
        brain = brain.or_else(|| demo.child("brain"));
        if let Some(now) = brain.and_then(look) {
            resident = now;
            samples += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = reading.join().map_err(|_| "the demo's output was not read")?;
    let text = text.map_err(|e| format!("the demo's output: {e}"))?;
    let summary: Value = serde_json::from_str(last_line(&text)).unwrap_or(Value::Null);
    let symbols = summary.get("symbols").and_then(Value::as_u64);
    if !status.success() || symbols != Some(SYMBOLS) || samples == 0 {
        return Err(format!("the demo ended with {status} on {symbols:?} symbols; run it by hand"));
    }
    let mut map = Map::new();
    map.insert("brain_rss_mb".into(), json!(resident.peak));
    map.insert("brain_rss_at_end_mb".into(), json!(resident.last));
    map.insert("brain_rss_anonymous_mb".into(), json!(resident.anonymous));
    map.insert("samples".into(), json!(samples));
    map.insert("timeframes".into(), json!(aegis_types::Timeframe::COUNT));
    map.insert("durability".into(), json!("process"));
    map.insert("seed".into(), json!(MarketSpec::default().seed));
    for key in ["symbols", "candles", "ticks", "signals", "orders", "fills", "trades"] {
        map.insert(key.into(), summary.get(key).cloned().unwrap_or(Value::Null));
    }
    Ok(map)
}

/// A process as it is now; none when it has ended.
pub(crate) fn look(pid: u32) -> Option<Resident> {
    resident(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// From the text of `/proc/PID/status`; a process that has ended has none of these lines.
fn resident(status: &str) -> Option<Resident> {
    let mb = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(rounded(kib * 1_024.0 / 1e6, 1))
    };
    Some(Resident { peak: mb("VmHWM:")?, last: mb("VmRSS:")?, anonymous: mb("RssAnon:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_megabytes() {
        let status = "Name:\taegis\nVmHWM:\t   31996 kB\nVmRSS:\t   30000 kB\nRssAnon:\t 1000 kB\n";
        let expected = Resident { peak: 32.8, last: 30.7, anonymous: 1.0 };
        assert_eq!(resident(status), Some(expected));
        assert_eq!(resident("Name:\taegis\nState:\tZ (zombie)\n"), None);
        assert!(look(std::process::id()).is_some_and(|now| now.peak >= now.anonymous));
    }
}
