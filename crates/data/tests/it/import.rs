//! Other programs' candles become the one layout, or are refused with their lines; what is written
//! is what was read, and a run reads it as it reads the original.

use crate::support::{Folder, HEADER, START_MS, candles, gz, row, shared};
use aegis_data::{
    DataArgs, ImportConfig, ImportReport, Limits, TimeUnit, data_files, discover, import, load,
    survey,
};
use std::fs;
use std::path::PathBuf;

fn config(files: Vec<PathBuf>, folder: &Folder) -> ImportConfig {
    ImportConfig {
        files,
        symbol: None,
        out: folder.0.join("out"),
        time_unit: TimeUnit::Auto,
        dedup: false,
        sort: false,
        skip_bad: false,
        force: false,
    }
}

fn imported(text: &str, change: impl FnOnce(&mut ImportConfig)) -> (ImportReport, String) {
    let folder = Folder::new();
    let file = folder.write("BTCUSDT-1m.csv", text.as_bytes());
    let mut config = config(vec![file], &folder);
    change(&mut config);
    let report = import(&config).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let written = report.path.as_ref().map_or(String::new(), |path| {
        let packed = fs::read(path).expect("the file");
        let mut text = String::new();
        let mut unpacked = flate2::read::GzDecoder::new(&packed[..]);
        std::io::Read::read_to_string(&mut unpacked, &mut text).expect("gzip");
        text
    });
    (report, written)
}

/// Three minutes in the words of another program, by rows of time, open, high, low, close, volume.
fn three(header: &str, row: impl Fn(i64) -> String) -> String {
    format!("{header}\n{}", (0..3).map(|n| row(n) + "\n").collect::<String>())
}

#[test]
fn layouts_of_other_programs_give_the_same_candles() {
    let ms = |n: i64| START_MS + n * 60_000;
    let expected = imported(&candles(0..3, 100.0), |_| ()).1;
    assert_eq!(expected.lines().next(), HEADER.lines().next());
    assert!(expected.contains("1746403200000,100,100.2,99.8,100,1.5,1746403259999,,,,,\n"));
    let prices = "100.0,100.2,99.8,100.0,1.5";
    let plain = "time,open,high,low,close,volume";
    let texts = [
        three(plain, |n| format!("{},{prices}", ms(n))),
        three("Timestamp,Open,High,Low,Close,Volume", |n| format!("{},{prices}", ms(n) * 1_000)),
        three("date,open,high,low,close,volume", |n| {
            format!("2025-05-05 00:0{n}:00+00:00,{prices}")
        }),
        three("\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"", |n| {
            format!("\"2025-05-05T00:0{n}:00Z\",{prices}")
        }),
        three("time;open;high;low;close;volume", |n| {
            format!("{};{}", ms(n), prices.replace(',', ";"))
        }),
        three(",close,open,high,low,vol,open_time", |n| {
            format!("{n},100.0,1e2,1.002e2,99.8,1.50,{}", ms(n))
        }),
        three(
            "https://www.example.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT",
            |n| format!("{},x,BTCUSDT,{prices},150", ms(n)),
        ),
        (0..3).map(|n| format!("{},{prices}\n", ms(n))).collect(),
    ];
    for text in texts {
        let (report, written) = imported(&text, |_| ());
        assert_eq!(report.refusal(), None, "{text}");
        assert_eq!(written, expected, "{text}");
    }
    let seconds = three(plain, |n| format!("{},{prices}", ms(n) / 1_000));
    let folder = Folder::new();
    let file = folder.write("BTCUSDT-1m.csv", seconds.as_bytes());
    let error = import(&config(vec![file], &folder)).expect_err("seconds").to_string();
    assert!(error.contains("line 2") && error.contains("--time-unit s"), "{error}");
    assert_eq!(imported(&seconds, |c| c.time_unit = TimeUnit::Seconds).1, expected);
}

#[test]
fn the_exchanges_own_columns_are_kept() {
    let row = "1746403200000,1,2,0.5,1.5,10,1746403259999,15.25,7,4,6.5,0\n";
    let (_, written) =
        imported(&format!("{HEADER}{row}{}", row.replace("3200000", "3260000")), |_| ());
    assert!(written.contains("1746403200000,1,2,0.5,1.5,10,1746403259999,15.25,7,4,6.5,\n"));
}

#[test]
fn bad_rows_keep_the_file_from_being_written() {
    let good = candles(0..20, 100.0);
    for (from, to, code) in [
        ("100.2", "NaN", "not_finite"),
        ("100.2", "90.0", "ohlc"),
        ("100.2", "-1", "not_positive"),
        ("100.2", "abc", "bad_row"),
        ("100.2", "100.123456789", "out_of_range"),
        (",1.5,", ",-1,", "negative"),
        ("1746403200000", "1746403200001", "off_grid"),
        ("1746403200000", "yesterday", "bad_row"),
    ] {
        let text = good.replacen(from, to, 1);
        let (report, _) = imported(&text, |_| ());
        assert_eq!((report.bad_rows, report.bad[0].line), (1, 2), "{to}");
        assert_eq!(report.bad[0].problem.code(), code, "{to}");
        assert!(report.refusal().expect("refused").contains("--skip-bad"));
        let (report, written) = imported(&text, |c| c.skip_bad = true);
        assert_eq!((report.rows, report.refusal()), (19, None));
        assert_eq!(written.lines().count(), 20, "{to}");
    }
}

#[test]
fn repeated_and_unordered_rows_need_a_word() {
    let doubled = format!("{HEADER}{0}{0}{1}", row(0, 100.0), row(1, 100.0));
    let (report, _) = imported(&doubled, |_| ());
    assert_eq!((report.duplicates, report.path.is_none()), (1, true));
    assert_eq!(imported(&doubled, |c| c.dedup = true).0.rows, 2);
    let backwards = format!("{HEADER}{}{}{}", row(2, 100.0), row(1, 100.0), row(0, 100.0));
    let (report, _) = imported(&backwards, |_| ());
    assert_eq!((report.unordered, report.path.is_none()), (2, true));
    let (_, written) = imported(&backwards, |c| c.sort = true);
    assert_eq!(written, imported(&candles(0..3, 100.0), |_| ()).1);
    // Two prices of one minute are no duplicate: nobody can say which is true.
    let twice = format!("{HEADER}{}{}{}", row(0, 100.0), row(0, 101.0), row(1, 100.0));
    let (report, _) = imported(&twice, |c| c.dedup = true);
    assert_eq!((report.bad_rows, report.bad[0].line), (1, 3));
    assert!(report.bad[0].detail.contains("line 2"), "{:?}", report.bad);
}

#[test]
fn longer_candles_and_files_without_a_symbol_are_refused() {
    let folder = Folder::new();
    let five: String = (0..9).map(|n| row(n * 5, 100.0)).collect();
    let file = folder.write("BTCUSDT-1m.csv", format!("{HEADER}{five}").as_bytes());
    let error = import(&config(vec![file], &folder)).expect_err("five minutes");
    assert!(error.to_string().contains("300 s"), "{error}");
    let named = folder.write("export.csv", candles(0..3, 100.0).as_bytes());
    let error = import(&config(vec![named.clone()], &folder)).expect_err("no symbol");
    assert!(error.is_usage() && error.to_string().contains("--symbol"), "{error}");
    let mut with = config(vec![named], &folder);
    with.symbol = Some("eth/usdt:usdt".to_owned());
    let report = import(&with).expect("a report");
    assert_eq!(report.symbol, "ETHUSDT");
    let name = report.path.expect("written");
    assert!(name.ends_with("ETHUSDT-1m-2025-05-05_2025-05-05.csv.gz"), "{name:?}");
    // The same minutes are not written a second time.
    let error = import(&with).expect_err("it is there");
    assert!(error.to_string().contains("already"), "{error}");
    with.force = true;
    assert!(import(&with).expect("a report").path.is_some());
}

#[test]
fn several_files_become_one_and_holes_stay() {
    let folder = Folder::new();
    let files = vec![
        folder.write("BTCUSDT-1m-a.csv", candles(0..10, 100.0).as_bytes()),
        folder.write("BTCUSDT-1m-b.csv.gz", &gz(&candles(15..20, 100.0))),
    ];
    let report = import(&config(files, &folder)).expect("a report");
    assert_eq!((report.rows, report.gaps, report.missing), (15, 1, 5));
    let (files, _) = data_files(&[folder.0.join("out")]).expect("the file");
    let surveys = survey(&files, &Limits::default(), |_| ());
    assert_eq!((surveys[0].gaps, surveys[0].missing, surveys[0].violations()), (1, 5, 1));
    assert_eq!(surveys[0].checksum, Some(true));
    let manifest = folder.0.join("out/BTCUSDT-1m-2025-05-05_2025-05-05.manifest.json");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(manifest).expect("a manifest")).expect("JSON");
    assert_eq!(manifest["sha256"], surveys[0].sha256);
    assert_eq!(manifest["sources"][1]["rows"], 5);
}

#[test]
fn recorded_markets_survive_an_import_tick_by_tick() {
    let Some(root) = shared("data/futures_1m") else { return };
    let folder = Folder::new();
    let file = root.join("ADAUSDT-1m-2025-05.csv.gz");
    let report = import(&config(vec![file.clone()], &folder)).expect("a report");
    assert_eq!(report.rows, 36_342);
    let ticks = |path: PathBuf| {
        let args = DataArgs { paths: vec![path], ..DataArgs::default() };
        load(&discover(&args).expect("a data set")).expect("ticks").0
    };
    assert!(ticks(report.path.expect("written")) == ticks(file));
}
