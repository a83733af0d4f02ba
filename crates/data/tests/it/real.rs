//! The recorded market data: read whole, nothing refused.

use crate::support::shared;
use aegis_data::{DataArgs, FileKind, Reason, discover, load};
use aegis_types::TickBody;

#[test]
fn ten_real_markets_with_funding() {
    let Some(root) = shared("data") else { return };
    let paths = vec![root.join("futures_1m"), root.join("funding")];
    let args = DataArgs { paths, days: Some(14), ..DataArgs::default() };
    let set = discover(&args).expect("the recorded data");
    assert_eq!(set.symbols.len(), 10);
    let of = |kind| set.files.iter().filter(|f| f.kind == kind).count();
    assert_eq!((of(FileKind::Candles), of(FileKind::Funding)), (10, 10));
    // ADAUSDT begins last.
    assert_eq!(set.trade_from.utc().to_string(), "2025-05-09 18:18:00");
    assert_eq!(set.until.utc().to_string(), "2025-05-23 18:18:00");
    let btc = set.files.iter().find(|f| f.symbol == "BTCUSDT").expect("BTCUSDT");
    assert_eq!(btc.sha256, "9f41acd8764c86ec9856fb3210e86d3a63a9e51baf3cfb948bb5233b2f82f01b");
    let (ticks, refusals) = load(&set).expect("ticks");
    assert_eq!(refusals.total(), 0, "{:?}", refusals.examples());
    let candles = ticks.iter().filter(|t| t.candle().is_some()).count();
    assert_eq!(candles * 2, ticks.len());
    assert!(candles > 14 * 1_440 * 10, "{candles}");
    let settled =
        |t: &&aegis_types::Tick| matches!(t.body, TickBody::Open { funding: Some(_), .. });
    let settlements = ticks.iter().filter(settled).count();
    assert!(settlements >= 10 * 14 * 3, "{settlements}");
    assert_eq!(refusals.count(Reason::FundingWithoutCandle), 0);
    // One stray print of SOLUSDT does not make its grid finer.
    let sol = set.symbols.id("SOLUSDT").expect("SOLUSDT");
    assert_eq!(set.instruments[sol.index()].tick.to_string(), "0.01");
    assert!(set.assumptions.iter().any(|a| a.contains("1 of SOLUSDT's prices")));
}

#[test]
fn without_the_funding_folder_nobody_is_charged_and_that_is_said() {
    let Some(root) = shared("data/futures_1m") else { return };
    let args = DataArgs {
        paths: vec![root.join("LTCUSDT-1m-2025-05.csv.gz")],
        symbols: vec!["LTC/USDT:USDT".to_owned()],
        ..DataArgs::default()
    };
    let set = discover(&args).expect("the recorded data");
    assert!(set.files.iter().all(|f| f.kind == FileKind::Candles));
    let (ticks, _) = load(&set).expect("ticks");
    assert_eq!(ticks.len(), 2 * 43_199);
    assert!(set.assumptions.iter().any(|a| a.contains("not charged for LTCUSDT")));
}
