//! Paths, symbols and windows.

use crate::support::{Folder, candles, minute};
use aegis_data::{DataArgs, FileKind, discover, load};
use aegis_types::{Nanos, TickBody};

fn days(n: i64) -> i64 {
    n * 1_440
}

#[test]
fn symbols_in_any_form_and_any_order_are_the_same_data() {
    let folder = Folder::new();
    for name in ["BTCUSDT", "ETHUSDT", "SOLUSDT"] {
        folder.write(&format!("{name}-1m.csv"), candles(0..3, 10.0).as_bytes());
    }
    let of = |symbols: &[&str]| {
        let symbols = symbols.iter().map(|s| (*s).to_owned()).collect();
        discover(&DataArgs { symbols, ..folder.args() })
    };
    let wanted = of(&["ETHUSDT", "BTCUSDT"]).expect("a data set");
    assert_eq!(wanted.symbols.names(), ["BTCUSDT", "ETHUSDT"]);
    for form in [&["BTC/USDT,ETH/USDT:USDT"][..], &["ethusdt", "btcusdt", "BTCUSDT"]] {
        assert_eq!(of(form).expect("a data set"), wanted);
    }
    let error = of(&["DOGEUSDT"]).expect_err("unknown");
    assert!(error.is_usage());
    let error = error.to_string();
    assert!(error.contains("DOGEUSDT") && error.contains("BTCUSDT, ETHUSDT, SOLUSDT"), "{error}");
}

#[test]
fn files_and_folders_may_be_mixed_and_named_twice() {
    let folder = Folder::new();
    let btc = folder.write("a/BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("a/BTCUSDT-funding.csv", b"funding_time,funding_rate\n");
    folder.write("a/ETHUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("a/nested/SOLUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("a/notes.txt", b"not data");
    let linked = folder.0.join("a/XRPUSDT-1m.csv");
    std::os::unix::fs::symlink(&btc, &linked).expect("a link");
    let of = |paths: &[&str]| {
        let paths = paths.iter().map(|p| folder.0.join(p)).collect();
        discover(&DataArgs { paths, ..DataArgs::default() }).expect("a data set")
    };
    // A link to a file that is there already is the same file.
    assert_eq!(of(&["a"]).symbols.names(), ["BTCUSDT", "ETHUSDT"]);
    let mixed = of(&["a/ETHUSDT-1m.csv", "a", "a/BTCUSDT-1m.csv"]);
    assert_eq!(mixed.files, of(&["a"]).files);
    let alone = of(&["a/BTCUSDT-1m.csv"]);
    let kinds: Vec<FileKind> = alone.files.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FileKind::Candles, FileKind::Funding]);
    assert_eq!(alone.files[0].sha256.len(), 64);
    // A linked folder is followed, a folder in a folder is not looked into.
    std::os::unix::fs::symlink(folder.0.join("a/nested"), folder.0.join("link")).expect("a link");
    assert_eq!(of(&["link"]).symbols.names(), ["SOLUSDT"]);
}

#[test]
fn days_start_at_the_first_minute_that_all_have_and_earlier_rows_warm_up() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..days(3), 10.0).as_bytes());
    // Begins later, and lacks the minute at which another begins.
    let eth = (100..days(3)).filter(|n| !(200..=202).contains(n));
    folder.write("ETHUSDT-1m.csv", candles(eth, 10.0).as_bytes());
    folder.write("SOLUSDT-1m.csv", candles(200..days(3), 10.0).as_bytes());
    let dataset = discover(&DataArgs { days: Some(1), ..folder.args() }).expect("a data set");
    assert_eq!(dataset.trade_from, minute(203));
    assert_eq!(dataset.until, minute(203 + days(1)));
    let (ticks, _) = load(&dataset).expect("ticks");
    assert_eq!(ticks.first().map(|t| t.at), Some(minute(0)));
    let last = ticks.last().expect("ticks");
    assert_eq!((last.at, matches!(last.body, TickBody::Candle { .. })), (dataset.until, true));
    let opens = ticks.iter().filter(|t| matches!(t.body, TickBody::Open { .. })).count();
    assert_eq!(opens * 2, ticks.len());
    let long = discover(&DataArgs { days: Some(9), ..folder.args() }).expect("a data set");
    assert_eq!(long.until, minute(days(3)));
    assert!(long.assumptions.iter().any(|a| a.contains("9 days")), "{:?}", long.assumptions);
}

#[test]
fn from_and_to_cut_the_window_and_everything_is_the_default() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..100, 10.0).as_bytes());
    let of = |from: Option<i64>, to: Option<i64>, days: Option<u32>| {
        let (from, to) = (from.map(minute), to.map(minute));
        discover(&DataArgs { from, to, days, ..folder.args() })
    };
    let all = of(None, None, None).expect("a data set");
    assert_eq!((all.trade_from, all.until), (minute(0), minute(100)));
    let part = of(Some(40), Some(60), None).expect("a data set");
    assert_eq!((part.trade_from, part.until), (minute(40), minute(60)));
    assert_eq!(load(&part).expect("ticks").0.len(), 120);
    // An end within a minute: the candle that is not over by then is not read.
    let to = Some(minute(60).after(Nanos::SECOND));
    let crooked = discover(&DataArgs { to, ..folder.args() }).expect("a data set");
    assert_eq!(load(&crooked).expect("ticks").0.len(), 120);
    for (from, to, days) in [
        (Some(60), Some(60), None),
        (Some(100), None, None),
        (None, Some(0), None),
        (None, None, Some(0)),
        (None, Some(50), Some(1)),
    ] {
        let error = of(from, to, days).expect_err("an empty window");
        assert!(error.is_usage() && error.to_string().contains("2025-05-05"), "{error}");
    }
}

#[test]
fn symbols_without_a_common_minute_have_no_first_day() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..10, 10.0).as_bytes());
    folder.write("ETHUSDT-1m.csv", candles(20..30, 10.0).as_bytes());
    assert!(folder.discover().is_ok());
    let error = discover(&DataArgs { days: Some(1), ..folder.args() }).expect_err("no day");
    assert!(error.to_string().contains("no minute in common"), "{error}");
}
