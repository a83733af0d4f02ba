//! Wrong files: each error names file and place, says why and what to do.

use crate::support::{Folder, HEADER, candles, gz, minute, row, zipped};
use aegis_data::{DataArgs, DataError, discover, load};

/// The error of a folder with this one file.
fn error(name: &str, bytes: &[u8]) -> DataError {
    let folder = Folder::new();
    folder.write(name, bytes);
    folder.discover().expect_err("a wrong file")
}

fn says(error: &DataError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn missing_and_unnamed_data() {
    let folder = Folder::new();
    let missing = DataArgs { paths: vec![folder.0.join("nowhere")], ..DataArgs::default() };
    let e = discover(&missing).expect_err("missing");
    says(&e, &["nowhere", "does not exist", "--data"]);
    assert!(!e.is_usage());
    let none = discover(&DataArgs::default()).expect_err("nothing");
    assert!(none.is_usage());
    says(&discover(&folder.args()).expect_err("empty"), &["no data file", "SYMBOL-1m"]);
    let stray = folder.write("prices.csv", b"1,2,3\n");
    let args = DataArgs { paths: vec![stray], ..DataArgs::default() };
    says(&discover(&args).expect_err("a stray file"), &["prices.csv", "name", "SYMBOL-1m"]);
    folder.write("BTCUSDT-funding.csv", b"funding_time,funding_rate\n");
    says(&folder.discover().expect_err("funding only"), &["no candles"]);
}

#[test]
fn cut_and_damaged_archives_are_errors_at_any_length() {
    let text = candles(0..400, 10.0);
    let whole = gz(&text);
    for part in [whole.len() / 3, whole.len() / 2, whole.len() - 4] {
        let e = error("BTCUSDT-1m.csv.gz", &whole[..part]);
        says(&e, &["BTCUSDT-1m.csv.gz", "cut", "again"]);
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    says(&error("BTCUSDT-1m.csv.gz", &damaged), &["BTCUSDT-1m.csv.gz"]);
    let zip = zipped(&[("a.csv", &text)], zip::CompressionMethod::Stored);
    says(&error("BTCUSDT-1m.zip", &zip[..zip.len() / 2]), &["BTCUSDT-1m.zip", "zip"]);
    let mut damaged = zip.clone();
    let digit = damaged.iter().rposition(|b| *b == b'5').expect("a digit of the data");
    damaged[digit] = b'6';
    says(&error("BTCUSDT-1m.zip", &damaged), &["BTCUSDT-1m.zip", "checksum"]);
    let two = zipped(&[("a.csv", &text), ("b.csv", &text)], zip::CompressionMethod::Stored);
    says(&error("BTCUSDT-1m.zip", &two), &["more than one file", "one CSV file"]);
}

#[test]
fn wrong_columns_name_line_and_column() {
    let swapped = HEADER.replace("open,high", "high,open");
    let e = error("BTCUSDT-1m.csv", format!("{swapped}{}", row(0, 10.0)).as_bytes());
    says(&e, &["line 1", "column 2 (open)", "`high`", "open_time,open,high,low,close,volume"]);
    let text = format!("{}{},10,abc,9,10,1\n", candles(0..2, 10.0), minute(2).as_millis());
    let e = error("BTCUSDT-1m.csv", text.as_bytes());
    says(&e, &["line 4", "column 3 (high)", "`abc` is not a number"]);
    let e = error("BTCUSDT-1m.csv", format!("{}1746403,10\n", candles(0..2, 10.0)).as_bytes());
    says(&e, &["line 4", "column 1 (open_time)", "seconds"]);
    let e = error("BTCUSDT-1m.csv", format!("{},10,10\n", minute(0).as_millis()).as_bytes());
    says(&e, &["line 1", "column 4 (low)", "ends after 3 columns"]);
    let e = error("BTCUSDT-1m.csv", "x".repeat(100_000).as_bytes());
    says(&e, &["longer than"]);
    let e = error("BTCUSDT-1m.csv", b"");
    says(&e, &["BTCUSDT-1m.csv", "no candle"]);
    let e = error("BTCUSDT-1m.csv", format!("{HEADER}{},0,0,0,0,1\n", minute(0).0).as_bytes());
    says(&e, &["line 2"]);
    let start = minute(0).as_millis();
    let hour = format!("{start},10,10,10,10,1,{}\n", start + 3_599_999);
    says(&error("BTCUSDT-1m.csv", hour.as_bytes()), &["3600 s", "1m candles"]);
    let all_bad = format!("{start},0,0,0,0,1\n");
    says(&error("BTCUSDT-1m.csv", all_bad.as_bytes()), &["no usable candle", "non_positive"]);
}

#[test]
fn an_error_in_the_middle_of_a_stream_ends_it_after_what_was_good() {
    let folder = Folder::new();
    let path = folder.write("BTCUSDT-1m.csv", candles(0..10, 10.0).as_bytes());
    let dataset = folder.discover().expect("a data set");
    // The same length with one letter in it: found only when the row is reached.
    let text = std::fs::read_to_string(&path).expect("the file");
    let broken = text.replacen(&row(5, 10.0), &row(5, 10.0).replacen("10.2", "1O.2", 1), 1);
    std::fs::write(&path, broken).expect("the broken file");
    let results: Vec<_> = aegis_data::open(&dataset).expect("a stream").collect();
    let good = results.iter().filter(|r| r.is_ok()).count();
    assert!((8..=10).contains(&good), "{good}");
    let last = results.last().expect("an error").as_ref().expect_err("an error");
    says(last, &["line 7", "column 3", "1O.2"]);
    assert_eq!(results.iter().filter(|r| r.is_err()).count(), 1);
    assert!(load(&dataset).is_err());
}

#[test]
fn wrong_funding_names_its_place() {
    let folder = Folder::new();
    folder.write("BTCUSDT-1m.csv", candles(0..3, 10.0).as_bytes());
    folder.write("BTCUSDT-funding.csv", b"time,price\n1746403200000,1\n");
    says(
        &folder.discover().expect_err("wrong"),
        &["BTCUSDT-funding.csv", "line 1", "funding_time"],
    );
    folder.write("BTCUSDT-funding.csv", b"1746403200000,0.0001\n1746432000000,much\n");
    says(&folder.discover().expect_err("wrong"), &["line 2", "`much` is not a number"]);
}
