//! What is wrong with a file is told with its line, and nothing else is; a survey of a cut file
//! ends in a finding, never in a panic.

use crate::support::{Folder, HEADER, candles, gz, row, shared, zipped};
use aegis_data::{Limits, Problem, Survey, data_files, survey};
use proptest::prelude::*;
use std::path::PathBuf;

fn surveyed(folder: &Folder) -> Vec<Survey> {
    let (files, _) = data_files(std::slice::from_ref(&folder.0)).expect("data files");
    survey(&files, &Limits::default(), |_| ())
}

/// The findings of a single file as `line code`.
fn found(name: &str, text: &str) -> Vec<String> {
    let folder = Folder::new();
    folder.write(name, text.as_bytes());
    let surveys = surveyed(&folder);
    assert_eq!(surveys.len(), 1);
    let of = |f: &aegis_data::Finding| format!("{} {}", f.line, f.problem.code());
    surveys[0].findings.iter().map(of).collect()
}

/// Candles of ten minutes with line 5 (minute 3) in other words.
fn with_line(other: &str) -> Vec<String> {
    let mut text = candles(0..3, 100.0);
    text.push_str(other);
    text.push_str(&(4..10).map(|n| row(n, 100.0)).collect::<String>());
    found("BTCUSDT-1m.csv", &text)
}

#[test]
fn candles_are_judged_line_by_line() {
    assert_eq!(with_line(&row(3, 100.0)), [""; 0]);
    let line = row(3, 100.0);
    let with = |from: &str, to: &str| {
        assert!(line.contains(from), "{from}");
        with_line(&line.replacen(from, to, 1))
    };
    assert_eq!(with_line(""), ["5 gap"]);
    assert_eq!(with_line("not a row\n"), ["5 bad_row", "6 gap"]);
    assert_eq!(with("100.2", "NaN"), ["5 not_finite", "6 gap"]);
    assert_eq!(with("100.2", "-100.2"), ["5 not_positive", "6 gap"]);
    assert_eq!(with("100.2", "0"), ["5 not_positive", "6 gap"]);
    assert_eq!(with("100.2", "99.0"), ["5 ohlc"]);
    assert_eq!(with("1.5", "-1.5"), ["5 negative", "6 gap"]);
    assert_eq!(with("100.2", "500.2"), ["5 wild_jump"]);
    assert_eq!(with("100.2", "100.123456789"), ["5 out_of_range", "6 gap"]);
    assert_eq!(with_line(&row(2, 100.0)), ["5 duplicate", "6 gap"]);
    assert_eq!(with_line(&row(1, 100.0)), ["5 order", "6 gap"]);
    assert_eq!(with("80000,", "80001,"), ["5 off_grid"]);
    let late = format!("{},", crate::support::START_MS + 4 * 60_000 - 1);
    assert_eq!(with(&late, "1746403999999,"), ["5 close_time"]);
}

#[test]
fn a_move_and_a_market_without_trades_are_worth_a_look() {
    let mut text = String::from(HEADER);
    for n in 0..200 {
        let quiet = (20..90).contains(&n);
        let px = if n < 150 { 100.0 } else { 115.0 };
        let row = row(n, px);
        text.push_str(&if quiet { row.replacen(",1.5,", ",0,", 1) } else { row });
    }
    assert_eq!(found("BTCUSDT-1m.csv", &text), ["22 no_trades", "152 outlier"]);
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", text.as_bytes());
    let survey = &surveyed(&folder)[0];
    assert_eq!((survey.violations(), survey.warnings()), (0, 2));
}

#[test]
fn ids_of_trades_and_books_are_judged() {
    let header = "id,price,qty,quote_qty,time,is_buyer_maker\n";
    let trade =
        |id: i64, ms: i64| format!("{id},100.5,0.5,50.25,{},true\n", 1_746_403_200_000 + ms);
    let trades = |ids: &[(i64, i64)]| {
        let rows: String = ids.iter().map(|(id, ms)| trade(*id, *ms)).collect();
        found("BTCUSDT-trades-2025-05-05.csv", &format!("{header}{rows}"))
    };
    assert_eq!(trades(&[(7, 0), (8, 0), (9, 5)]), [""; 0]);
    assert_eq!(trades(&[(7, 0), (9, 1)]), ["3 gap"]);
    assert_eq!(trades(&[(7, 0), (7, 0), (8, 1)]), ["3 duplicate"]);
    assert_eq!(trades(&[(7, 0), (6, 1), (8, 1)]), ["3 id_order"]);
    assert_eq!(trades(&[(7, 9), (8, 1)]), ["3 order"]);
    let agg = |row: &str| found("BTCUSDT-aggTrades-2025-05-05.csv", row);
    assert_eq!(agg("1,100.5,0.5,10,11,1746403200000,true\n"), [""; 0]);
    assert_eq!(agg("1,100.5,0.5,11,10,1746403200000,true\n"), ["1 id_order"]);
    assert_eq!(agg("1,100.5,0,10,11,1746403200000,true\n"), ["1 not_positive"]);
    assert_eq!(agg("1,100.5,1,10,11,1746403200000,maybe\n"), ["1 bad_row", "0 empty"]);
    let book = |rows: &str| {
        let header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,\
                      transaction_time,event_time\n";
        found("BTCUSDT-bookTicker-2024-03-01.csv", &format!("{header}{rows}"))
    };
    assert_eq!(book("5,100.1,1,100.2,2,1709251200000,1709251200001\n"), [""; 0]);
    assert_eq!(book("5,100.2,1,100.2,2,1709251200000,1709251200001\n"), ["2 crossed_book"]);
}

#[test]
fn funding_depth_and_metrics_are_judged() {
    let hour = |n: i64| 1_746_403_200_000 + n * 3_600_000 + 3;
    let funding = |hours: &[i64]| {
        let rows: String = hours.iter().map(|n| format!("{},8,0.0001\n", hour(*n))).collect();
        let header = "calc_time,funding_interval_hours,last_funding_rate\n";
        found("BTCUSDT-fundingRate-2025-05.csv", &format!("{header}{rows}"))
    };
    assert_eq!(funding(&[0, 8, 12, 16, 24]), [""; 0]);
    assert_eq!(funding(&[0, 8, 24]), ["4 gap"]);
    assert_eq!(funding(&[8, 0]), ["3 order"]);
    assert_eq!(funding(&[8, 8]), ["3 duplicate"]);
    let two_columns = found("BTCUSDT-funding.csv", &format!("{},0.5\n", hour(0)));
    assert_eq!(two_columns, ["1 out_of_range"]);
    let rate = format!("funding_time,funding_rate\n{},0.5\n", hour(0));
    assert_eq!(found("BTCUSDT-funding.csv", &rate), ["2 out_of_range"]);
    let depth = "timestamp,percentage,depth,notional\n2025-05-05 00:00:07,-5,1,2\n\
                 2025-05-05 00:00:07,5,1,2\n2025-05-05 00:00:07,5,1,2\n\
                 2025-05-05 00:00:37,-5,1,-2\n";
    assert_eq!(found("BTCUSDT-bookDepth-2025-05-05.csv", depth), ["4 duplicate", "5 negative"]);
    let metrics = "create_time,symbol,sum_open_interest,sum_open_interest_value\n\
                   2025-05-05 00:05:00,BTCUSDT,1,2\n2025-05-05 00:15:00,BTCUSDT,1,\n\
                   2025-05-05 00:10:00,ETHUSDT,1,2\n";
    let expected = ["3 gap", "4 wrong_symbol", "4 order"];
    assert_eq!(found("BTCUSDT-metrics-2025-05-05.csv", metrics), expected);
    let premium = "1746403200000,-0.001,0.0,-0.002,-0.001,0,1746403259999,0,1,0,0,0\n";
    let folder = Folder::new();
    folder.write("premiumIndexKlines/BTCUSDT-1m-2025-05.csv", premium.as_bytes());
    assert_eq!(surveyed(&folder)[0].violations(), 0);
}

#[test]
fn files_are_judged_against_each_other_and_their_checksums() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m-a.csv", candles(0..10, 100.0).as_bytes());
    folder.write("BTCUSDT-1m-b.csv.gz", &gz(&candles(10..20, 100.0)));
    assert!(surveyed(&folder).iter().all(|s| s.violations() == 0));
    let zip = zipped(&[("x.csv", &candles(25..30, 100.0))], zip::CompressionMethod::Deflated);
    folder.write("BTCUSDT-1m-c.zip", &zip);
    folder.write("BTCUSDT-1m-d.csv", candles(28..40, 100.0).as_bytes());
    // Another series of the same name lies elsewhere, and is another series.
    folder.write("markPriceKlines/BTCUSDT-1m-a.csv", candles(0..10, 100.0).as_bytes());
    folder.write("BTCUSDT-1m-d.csv.CHECKSUM", b"0123  BTCUSDT-1m-d.csv\n");
    let surveys = surveyed(&folder);
    let of = |s: &Survey| {
        let name = s.path.file_name().expect("a name").to_string_lossy().into_owned();
        let codes: Vec<&str> = s.findings.iter().map(|f| f.problem.code()).collect();
        format!("{name} {}", codes.join(" "))
    };
    let told: Vec<String> = surveys.iter().filter(|s| s.violations() > 0).map(of).collect();
    assert_eq!(told, ["BTCUSDT-1m-c.zip gap", "BTCUSDT-1m-d.csv checksum overlap"]);
    assert_eq!(surveys[2].missing, 5);
}

#[test]
fn what_cannot_be_read_is_a_finding_too() {
    assert_eq!(found("BTCUSDT-1m.csv", ""), ["0 empty"]);
    assert_eq!(found("BTCUSDT-1m.csv", "time,price\n1,2\n"), ["1 unreadable"]);
    let folder = Folder::new();
    let whole = gz(&candles(0..5_000, 100.0));
    folder.write("BTCUSDT-1m.csv.gz", &whole[..whole.len() / 2]);
    let survey = &surveyed(&folder)[0];
    assert_eq!(survey.count(Problem::Unreadable), 1);
    assert!(survey.rows > 1_000 && survey.findings[0].line > survey.rows);
    let missing = data_files(&[PathBuf::from("nowhere")]).expect_err("nothing there");
    assert!(missing.to_string().contains("nowhere"));
    let unknown = data_files(&[folder.write("notes.csv", b"")]).expect_err("no kind");
    assert!(unknown.to_string().contains("SYMBOL-1m"));
}

#[test]
fn recorded_markets_are_sound_and_measured() {
    let Some(root) = shared("data") else { return };
    let (files, others) = data_files(&[root]).expect("data files");
    assert!(others > 0);
    let surveys = survey(&files, &Limits::default(), |_| ());
    for survey in &surveys {
        assert_eq!(survey.violations(), 0, "{:?} {:?}", survey.path, survey.findings);
    }
    let btc = surveys.iter().find(|s| s.path.ends_with("BTCUSDT-1m-2025-05.csv.gz"));
    let btc = btc.expect("BTCUSDT");
    assert_eq!((btc.rows, btc.gaps, btc.price_grid()), (43_199, 0, Some(1)));
    assert_eq!(btc.quantity_decimals, Some(3));
    // One stray print does not make the grid finer.
    let sol = surveys.iter().find(|s| s.path.ends_with("SOLUSDT-1m-2025-05.csv.gz"));
    assert_eq!(sol.expect("SOLUSDT").price_grid(), Some(2));
}

proptest! {
    /// No bytes under any name make a survey panic, and rows and refusals are all lines.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0usize..6) {
        let folder = Folder::new();
        let names = ["1m", "trades", "aggTrades", "bookTicker", "bookDepth", "metrics"];
        folder.write(&format!("BTCUSDT-{}.csv", names[kind]), &bytes);
        let _ = surveyed(&folder);
    }

    /// Whatever lines are doubled or left out, each is found once.
    #[test]
    fn every_planted_fault_is_found(
        faults in prop::collection::btree_map(1i64..200, 0..2u8, 0..8),
    ) {
        let mut text = String::from(HEADER);
        let (mut gaps, mut doubles, mut hole) = (0, 0, false);
        for n in 0..=200 {
            match faults.get(&n) {
                Some(0) => {
                    gaps += u64::from(!hole);
                    hole = true;
                    continue;
                }
                Some(_) => {
                    doubles += 1;
                    text.push_str(&row(n, 100.0));
                }
                None => {}
            }
            hole = false;
            text.push_str(&row(n, 100.0));
        }
        let folder = Folder::new();
        folder.write("BTCUSDT-1m.csv", text.as_bytes());
        let survey = &surveyed(&folder)[0];
        prop_assert_eq!(survey.count(Problem::Gap), gaps);
        prop_assert_eq!(survey.count(Problem::Duplicate), doubles);
        prop_assert_eq!(survey.violations(), gaps + doubles);
    }
}
