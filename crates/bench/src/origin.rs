//! Where a figure was made: machine, commit, compiler, date.

use aegis_types::Nanos;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// `machine commit rustc date seed durability`; a bench that sets one of them itself wins.
pub fn origin() -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("machine".into(), json!(machine()));
    map.insert("commit".into(), json!(env!("AEGIS_BENCH_COMMIT")));
    map.insert("rustc".into(), json!(env!("AEGIS_BENCH_RUSTC")));
    map.insert("date".into(), json!(date()));
    map.insert("debug_assertions".into(), json!(cfg!(debug_assertions)));
    map.insert("samples".into(), json!(0));
    map.insert("seed".into(), Value::Null);
    map.insert("durability".into(), json!("none"));
    map
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, m)| m.trim());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "{model}, {cores} cores, {} {} {}, load {load}",
        std::env::consts::OS,
        kernel.trim(),
        std::env::consts::ARCH
    )
}

fn date() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
    format!("{} UTC", Nanos::SECOND.times(seconds).utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_says_where_it_was_made() {
        let origin = origin();
        for key in ["machine", "commit", "rustc", "date", "samples", "seed", "durability"] {
            assert!(origin.contains_key(key), "{key}");
        }
        let rustc = origin["rustc"].as_str().unwrap_or("");
        assert!(rustc.starts_with("rustc 1."), "{rustc}");
        let commit = origin["commit"].as_str().unwrap_or("");
        let hex = commit.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(commit == "unknown" || (commit.len() == 12 && hex), "{commit}");
        assert!(date().starts_with("20") && date().ends_with(" UTC"), "{}", date());
    }
}
