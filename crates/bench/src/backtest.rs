//! The whole backtest: 1m candles per second on one core, all of it on.
//!
//! Regime: the ticks are decoded in memory before the clock starts; then the same `run` as `aegis
//! backtest` calls, with ten symbols, every timeframe, structure, teacher, risk, portfolio,
//! exchange and statistics, without a journal. Reading files is measured apart.

use crate::Options;
use crate::market;
use crate::orders;
use crate::sample::{Samples, repeat, rounded};
use aegis_backtest::run as run_session;
use serde_json::{Map, Value, json};
use std::convert::Infallible;

/// Days of the generated market.
const DAYS: u32 = 30;

/// Measures; takes a few seconds.
///
/// # Errors
/// When the market cannot be had, or the run traded nothing.
pub fn run(opts: &Options) -> Result<Map<String, Value>, String> {
    let loaded = market::load(opts, DAYS)?;
    let candles = loaded.candles() as f64;
    let mut rates = Samples::default();
    let mut last = None;
    repeat(opts.seconds, 5, || {
        let ticks = loaded.ticks.iter().map(|tick| Ok::<_, Infallible>(*tick));
        let report =
            run_session(&loaded.session, ticks, None, |_| {}).map_err(|e| e.to_string())?;
        rates.push(candles / report.wall_s);
        last = Some(report);
        Ok::<(), String>(())
    })?;
    let report = last.ok_or("no pass was made")?;
    if report.trades == 0 {
        return Err("the market gave no trade, so not all of the work was measured".into());
    }
    let (load_rate, load_form) = market::measure_load(opts, &loaded)?;
    let cost = orders::measure()?;
    let mut map = Map::new();
    map.insert("source".into(), json!(loaded.source));
    map.insert("seed".into(), json!(loaded.seed));
    map.insert("symbols".into(), json!(report.symbols));
    map.insert("candles".into(), json!(report.candles));
    map.insert("samples".into(), json!(rates.len()));
    map.insert("candles_per_second".into(), json!(rates.median().round()));
    map.insert("candles_per_second_best".into(), json!(rates.quantile(1.0).round()));
    map.insert("load_candles_per_second".into(), json!(load_rate.round()));
    map.insert("load_form".into(), json!(load_form));
    map.insert("order_cost_ratio".into(), json!(rounded(cost.ratio, 3)));
    map.insert("order_ns_at_1k".into(), json!(rounded(cost.ns_few, 1)));
    map.insert("order_ns_at_100k".into(), json!(rounded(cost.ns_many, 1)));
    map.insert("order_cost_samples".into(), json!(cost.samples));
    map.insert("signals".into(), json!(report.signals));
    map.insert("orders".into(), json!(report.orders));
    map.insert("fills".into(), json!(report.fills));
    map.insert("trades".into(), json!(report.trades));
    map.insert("rotations".into(), json!(report.rotations));
    map.insert("digest".into(), json!(report.digest));
    Ok(map)
}
