//! Markets, folders and the shared data of the tests.

use aegis_backtest::{Market, Session};
use aegis_data::DataArgs;
use aegis_markets::MarketSpec;
use aegis_settings::{Settings, Sources};
use aegis_types::{Nanos, Tick};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The default settings, whatever the environment says.
fn settings() -> Settings {
    let sources = Sources { file: None, env: &|_| None, env_keys: Vec::new(), flags: Vec::new() };
    Settings::load(&sources).unwrap()
}

/// A generated market of six symbols.
pub fn generated(seed: u64, days: u32) -> (Session, Vec<Tick>) {
    generated_of(seed, 6, days * 24 * 60)
}

/// The first minutes of a generated market.
pub fn generated_of(seed: u64, symbols: u16, minutes: u32) -> (Session, Vec<Tick>) {
    let days = minutes.div_ceil(24 * 60);
    let spec = MarketSpec { seed, days, symbols, ..MarketSpec::default() };
    let market = Market {
        symbols: spec.symbol_table(),
        instruments: spec.instruments(),
        trade_from: Nanos(i64::MIN),
        until: spec.until(),
        assumptions: vec!["generated, not real".into()],
        mark_is_last: true,
        manifest: json!({"generated": {"seed": seed, "days": days}}),
    };
    let ticks = spec.ticks().take(2 * usize::from(symbols) * minutes as usize);
    (Session::new(&settings(), market, "test"), ticks.collect())
}

/// Recorded files.
pub fn recorded(folder: &Path, days: u32) -> (Session, Vec<Tick>) {
    let args =
        DataArgs { paths: vec![folder.to_path_buf()], days: Some(days), ..DataArgs::default() };
    let dataset = aegis_data::discover(&args).unwrap();
    let (ticks, refusals) = aegis_data::load(&dataset).unwrap();
    assert_eq!(refusals.total(), 0);
    (Session::new(&settings(), Market::of_dataset(&dataset), "test"), ticks)
}

/// The shared folder of the project, or a line that says what is missed without it. In CI it must
/// be there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = std::env::var_os("AEGIS_SHARED").map_or(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing, CI needs it", path.display());
    println!("skipped: {what} ({} is not there)", path.display());
    None
}

/// A folder of its own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(what: &str) -> Self {
        let name = format!("aegis-backtest-{what}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
